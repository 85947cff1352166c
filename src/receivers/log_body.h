#pragma once

#include "base/clock.h"
#include "pipeline/samples.h"
#include "wire/log_request.h"

struct weft_log_chain;

/* Bodies of log lines as export requests, and what the lines are counted as. Owned by one inlet of the receiver
 * `jsonlog`; one worker only. */
struct weft_log_bodies {
    struct weft_log_request *request;
    struct weft_log_line_counts counts; /* of lines in bodies that were read to their end */
    struct weft_log_chain *chain;       /* lines go through its operators first; NULL: as they are */
    size_t read_ahead; /* with a chain: bytes of the next body that are read already; memory was gone then */
};

void weft_log_bodies_init(struct weft_log_bodies *bodies, const struct weft_log_line_settings *settings);
void weft_log_bodies_fini(struct weft_log_bodies *bodies);

/* All of a body or nothing: lines, or the elements of an array if it may be one and its first byte is '['. The caller
 * gets *out_message (a request in protobuf, checked by its making) and its counts. WEFT_INVALID with the byte offset: a
 * broken array. WEFT_LIMIT: more than max_bytes, since lines of two bytes become records of sixteen. WEFT_NOMEM: with a
 * chain the next body must begin with this one, of which operators may have kept some. */
enum weft_status weft_log_bodies_read(struct weft_log_bodies *bodies, struct weft_slice body, bool may_be_array,
                                      size_t max_bytes, struct weft_wall observed, struct weft_payload_pool *pool,
                                      struct weft_payload **out_message, struct weft_otlp_counts *out_counts,
                                      struct weft_error *error) WEFT_MUST_CHECK;

/* With a chain: records are in the request although no body is under way, for the next one or an empty one to take. */
bool weft_log_bodies_has_rest(const struct weft_log_bodies *bodies);

/* Records that a chain had no memory for. */
uint64_t weft_log_bodies_lost(const struct weft_log_bodies *bodies);

void weft_log_bodies_collect(const struct weft_log_bodies *bodies, const char *receiver_id, const char *transport,
                             struct weft_samples *samples);
