#pragma once

#include "receivers/log_body.h"
#include "receivers/otlp_ingest.h"

/* A stream of log lines on its way to the pipelines: bytes in, requests of whole lines out, one at a time. While one is
 * under way nothing more is wanted, and one that is refused for now is offered again, so that pressure reaches the
 * sender. The bytes come from the standard input (log_stdin.h) or from sockets (log_sockets.h). */

/* What inlets of lines have in common: first in each. */
struct weft_log_inlet {
    struct weft_otlp_inlet inlet;
    struct weft_log_bodies bodies;
    size_t max_line_bytes;
    size_t buffered_bytes; /* in the buffers of all its streams */
    uint64_t lost;         /* records that nobody took in the end */
    bool is_reading;       /* pressure lets it */
    bool is_draining;
    bool is_patient; /* what is refused for now is offered again while it drains, too: it cannot come again */
};

void weft_log_inlet_init(struct weft_log_inlet *inlet, const struct weft_otlp_inlet_operations *operations,
                         struct weft_otlp_ingest *ingest, const struct weft_log_line_settings *settings);
void weft_log_inlet_fini(struct weft_log_inlet *inlet);
void weft_log_inlet_collect(const struct weft_log_inlet *inlet, struct weft_samples *samples);

/* The inlet's `answer`. */
void weft_log_stream_answer(struct weft_otlp_call *call, const struct weft_error *failure, int64_t retry_after_ns);

struct weft_log_stream;
typedef void (*weft_log_stream_fn)(struct weft_log_stream *stream);

struct weft_log_call;

/* Embedded in what has the bytes. */
struct weft_log_stream {
    struct weft_log_inlet *owner;
    /* Whether it wants more may have changed, or it is done. Not the place to end the stream. */
    weft_log_stream_fn on_changed;
    struct weft_log_call *call;
    struct weft_timer offer_timer;
    uint8_t *buffer; /* NULL while nothing is kept */
    size_t length, capacity;
    bool is_skipping; /* the rest of a line that was too long */
    bool is_ended;    /* nothing more will come */
};

void weft_log_stream_init(struct weft_log_stream *stream, struct weft_log_inlet *owner, weft_log_stream_fn on_changed);

/* What is under way stays with the ingest, and its answer is forgotten. */
void weft_log_stream_fini(struct weft_log_stream *stream);

bool weft_log_stream_wants_more(const struct weft_log_stream *stream);

/* Where the next bytes go, one at least; it must want more. The buffer grows up to the longest line. NULL without
 * memory: it wants no more for a while. */
uint8_t *weft_log_stream_room(struct weft_log_stream *stream, size_t *out_length);

/* So many bytes were written there. */
void weft_log_stream_take(struct weft_log_stream *stream, size_t length);

/* Whole lines, none longer than allowed, without a way through the buffer: nothing is in it, and it wants more. False
 * without memory: the same lines are to be given again when it wants more. */
bool weft_log_stream_take_whole(struct weft_log_stream *stream, struct weft_slice lines) WEFT_MUST_CHECK;

/* Offers what the bodies have beside a stream's bytes (weft_log_bodies_has_rest), as soon as it may. */
void weft_log_stream_take_rest(struct weft_log_stream *stream);

/* No more bytes come: what is left is a line. */
void weft_log_stream_end(struct weft_log_stream *stream);

/* Ends; what is there is offered once, whatever the pressure. owner->is_draining is set. */
void weft_log_stream_drain(struct weft_log_stream *stream);

/* Ended, and all was taken or given up. */
bool weft_log_stream_is_done(const struct weft_log_stream *stream);
