#pragma once

#include "base/slice.h"
#include "base/status.h"
#include "wire/signal.h"

/* The first of the three depths: every record of an export request is walked structurally to its last byte
 * (wire types, lengths, depth, id lengths) and counted. Nothing unchecked is merged or forwarded. About 0.1
 * us a span. */
struct weft_otlp_limits {
    uint32_t max_depth; /* of AnyValue nesting; 0 = 64. Besides, 100 messages inside one another, as backends
                           refuse more */
};

struct weft_otlp_counts {
    uint32_t resources;
    uint32_t scopes;
    uint32_t records;     /* spans, log records, metrics, profiles */
    uint32_t data_points; /* of metrics, or samples of profiles: what the ledger counts there; else equal to records */
    uint32_t bad_texts;   /* strings that are no UTF-8: which is no fault to the check (otlp_mend.h) */
    bool is_plain; /* attributes are as SDKs write them: each KeyValue a key below 128 bytes, then a value, and no
                      more. False: it is not known */
};

/* Whether both are of requests with as many of everything. What is known of their attributes does not matter. */
static inline bool weft_otlp_counts_equal(const struct weft_otlp_counts *left, const struct weft_otlp_counts *right)
{
    return left->resources == right->resources && left->scopes == right->scopes && left->records == right->records &&
           left->data_points == right->data_points && left->bad_texts == right->bad_texts;
}

/* What the ledger counts of a request. */
static inline uint32_t weft_otlp_weight(enum weft_signal signal, const struct weft_otlp_counts *counts)
{
    return weft_signal_weighs_items(signal) ? counts->data_points : counts->records;
}

/* WEFT_INVALID: malformed, the text names the byte offset of the field's tag, its path
 * (resource_spans[0].scope_spans[1].spans[7].trace_id) and what would be right; the whole request is refused.
 * An empty request is OK with zero counts. */
enum weft_status weft_otlp_check(enum weft_signal signal, struct weft_slice request,
                                 const struct weft_otlp_limits *limits, struct weft_otlp_counts *out_counts,
                                 struct weft_error *error) WEFT_MUST_CHECK;

/* The same check while a request arrives: records are walked as soon as they are complete, with their bytes still in
 * the processor's cache, and the work of a large request is spread over its reads. Plain data; no memory of its own. */
struct weft_otlp_checker {
    enum weft_signal signal;
    struct weft_otlp_limits limits;
    struct weft_otlp_counts counts;
    size_t at;                      /* everything before is checked */
    size_t resource_end, scope_end; /* of the messages that are open */
    uint8_t open_count;             /* 0: in the request, 1: in a ResourceX, 2: in a ScopeX */
    bool is_failed;                 /* weft_otlp_checker_finish says why */
};

/* limits may be NULL. */
void weft_otlp_checker_init(struct weft_otlp_checker *checker, enum weft_signal signal,
                            const struct weft_otlp_limits *limits);

/* arrived: the request from its first byte to the last one that has arrived; the bytes may have moved since the last
 * call. */
void weft_otlp_checker_advance(struct weft_otlp_checker *checker, struct weft_slice arrived);

/* The whole request is there. Result as of weft_otlp_check. */
enum weft_status weft_otlp_checker_finish(struct weft_otlp_checker *checker, struct weft_slice request,
                                          struct weft_otlp_counts *out_counts,
                                          struct weft_error *error) WEFT_MUST_CHECK;
