#pragma once

#include "operators/operators.h"
#include "pipeline/samples.h"
#include "wire/log_request.h"

/* Lines on their way through a chain of operators (operators.h) into a request (log_request.h). One worker. */
struct weft_log_chain;

struct weft_log_chain_settings {
    const char *id; /* the receiver's */
    const struct weft_operators *operators;
    struct weft_log_request *request;
    struct weft_log_line_counts *counts; /* of what comes in */
    struct weft_budget *budget;
};

/* All of settings outlives it. NULL without memory. */
struct weft_log_chain *weft_log_chain_new(const struct weft_log_chain_settings *settings);

/* What operators still keep is lost: flush first. NULL is allowed. */
void weft_log_chain_free(struct weft_log_chain *chain);

/* A block of lines begins: what its patterns may take is whole again. */
void weft_log_chain_begin(struct weft_log_chain *chain);

/* Attributes of the lines from now on, borrowed. */
void weft_log_chain_set_attributes(struct weft_log_chain *chain, const struct weft_log_member *attributes,
                                   size_t count);

/* The same for their resource. */
void weft_log_chain_set_resource(struct weft_log_chain *chain, const struct weft_log_member *attributes, size_t count);

/* What comes of the line is in the request, or kept, or counted as lost; one without text is none. */
void weft_log_chain_add(struct weft_log_chain *chain, struct weft_slice line, uint64_t observed_ns);

/* What operators kept for their time, or all of it, goes into the request. */
void weft_log_chain_flush(struct weft_log_chain *chain, uint64_t now_ns, bool is_all);

/* Whether operators keep anything: then flush is to be called each second. */
bool weft_log_chain_keeps(const struct weft_log_chain *chain);

/* Records lost for lack of memory. */
uint64_t weft_log_chain_lost(const struct weft_log_chain *chain);

void weft_log_chain_collect(const struct weft_log_chain *chain, const char *receiver_id, struct weft_samples *samples);
