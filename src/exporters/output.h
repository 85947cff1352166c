#pragma once

#include "base/helper.h"
#include "pipeline/exporter.h"
#include "weft/component.h"

/* Where the exporters that write to files and streams write to. A write may take as long as a disk or a reader likes,
 * so a helper does it (base/helper.h), one for each component. Its instances, over all workers and signals, gather
 * whole messages in a queue of their own and wait for the answer: until then the records are booked as queued and their
 * batches kept, so that who waits for delivery hears of it when it is true. */

/* What is written to. After it was given away, one thread at a time: the helper's. */
struct weft_output_kind {
    /* All of it, or nothing that lasts. Whatever but WEFT_OK: try again later. */
    enum weft_status (*write)(void *sink, struct weft_slice bytes, struct weft_error *error);
    void (*close)(void *sink);
    void (*begin)(void *sink); /* before the first write, if there is a thread then; NULL: nothing is to be done */
};

/* The component's, shared by its instances. */
struct weft_output;

/* Takes the sink. */
struct weft_output *weft_output_new(const struct weft_output_kind *kind, void *sink);

/* It is in use from now on. Once. Does not wait. */
void weft_output_begin(struct weft_output *output);

/* No queue uses it any more. Does not wait: a write that hangs keeps the sink until it returns. */
void weft_output_free(struct weft_output *output);

void *weft_output_sink(struct weft_output *output);

struct weft_output_writing;

/* An instance's. Beyond max_bytes, of text or of the batches that it was made of, it closes the exporter; a failing
 * write is tried again, and one that takes more than a second is a stall, which the exporter's check tells of. */
struct weft_output_queue {
    struct weft_consumer *exporter;
    struct weft_output *output;
    size_t max_bytes;
    size_t flush_bytes;        /* so much is written at once */
    int64_t flush_interval_ns; /* what is less waits so long; 0 = not at all */
    struct weft_buffer gathering;
    struct weft_list batches; /* whose messages are in gathering, in their order */
    size_t charged_bytes;     /* of gathering, to the budget */
    size_t batch_bytes;       /* of all batches, with those that are being written */
    struct weft_output_writing *writing;
    struct weft_list written; /* the batches of what is being written, or is to be written again */
    bool is_under_way;        /* with the helper */
    bool is_due;              /* gathering waits only for the write before it */
    bool is_failing, is_stalled;
    char failure[WEFT_CHECK_BYTES];
    struct weft_monotonic forced; /* when it was first told to give up; valid with is_forced */
    bool is_forced;
    struct weft_timer flush_timer, stall_timer;
    weft_flow_id sent_flow, shutdown_flow, reload_flow;
    struct weft_sender_counters counters;
    uint64_t stalls;
};

/* The exporter outlives it; its held_account is set. */
void weft_output_queue_init(struct weft_output_queue *queue, struct weft_consumer *exporter, struct weft_output *output,
                            size_t max_bytes);

/* Holds nothing any more. */
void weft_output_queue_fini(struct weft_output_queue *queue);

/* WEFT_CLOSED, and the refused records are counted: nothing may be taken now. */
enum weft_status weft_output_queue_admit(struct weft_output_queue *queue, const struct weft_batch *batch,
                                         struct weft_error *error) WEFT_MUST_CHECK;

/* After the batch's message was appended to gathering. */
void weft_output_queue_take(struct weft_output_queue *queue, struct weft_batch **own_batch);

void weft_output_queue_audit(const struct weft_output_queue *queue, uint64_t *in_out_count);

/* Writes what there is. By force: what stands or fails is dropped, and what has just begun has a moment, so call it
 * until nothing is held. */
void weft_output_queue_drain(struct weft_output_queue *queue, enum weft_drop_reason reason, bool is_forced);

void weft_output_queue_collect(const struct weft_output_queue *queue, enum weft_signal signal,
                               struct weft_samples *samples);
void weft_output_queue_check(const struct weft_output_queue *queue, char *out_text);
