#pragma once

#include "base/clock.h"
#include "base/table.h"
#include "wire/ids.h"

/* What was decided on which trace: late records follow it, and people ask for it. The oldest goes when the memory is
 * used up; of those that went a filter remembers that they were there, with about one error in a hundred, for about
 * twice as many ids as there are verdicts. Behind that nothing is known. One worker. */
struct weft_verdicts;

enum { WEFT_VERDICT_SERVICES = 4 };

struct weft_verdict_service {
    uint32_t name; /* names.h */
    uint32_t spans, logs;
};

struct weft_verdict {
    struct weft_verdict *next; /* the next younger */
    struct weft_wall decided;
    uint64_t start_ns, end_ns; /* of its spans, as the senders had it; 0 = unknown */
    uint32_t policy;           /* names.h */
    uint32_t generation;       /* of the rules */
    uint32_t span_count, log_count;
    uint32_t late_span_count, late_log_count; /* that followed it */
    uint8_t worst_severity;                   /* of its log lines */
    uint8_t service_count;                    /* in services; more had no room */
    bool is_kept : 1;
    bool is_dry_run : 1;     /* its records went on, kept or not */
    bool is_early : 1;       /* memory was short: decided on what was known */
    bool is_lines : 1;       /* of log lines without a trace id: its key is their word */
    bool is_late_member : 1; /* it came to its group after a drop, and was judged alone */
    bool has_error : 1, has_root : 1;
    struct weft_verdict_service services[WEFT_VERDICT_SERVICES];
    uint32_t decided_ms; /* is_lines: the same in monotonic time, which wraps around after 49 days */
};

/* bytes: what all of it may take. */
struct weft_verdicts *weft_verdicts_new(struct weft_budget *budget, const struct weft_hash_secret *secret,
                                        size_t bytes);
void weft_verdicts_free(struct weft_verdicts *verdicts);

/* NULL = none is remembered. Borrowed until the next one is added. */
struct weft_verdict *weft_verdicts_find(const struct weft_verdicts *verdicts, const uint8_t *trace_id);

/* The same with the id's hash under the secret; and what it will look at, fetched into the cache. */
struct weft_verdict *weft_verdicts_find_hashed(const struct weft_verdicts *verdicts, const uint8_t *trace_id,
                                               uint64_t hash);
void weft_verdicts_prefetch(const struct weft_verdicts *verdicts, uint64_t hash);

/* A verdict to be filled in; of the same trace if there is one. NULL when memory is gone: then it is not remembered. */
struct weft_verdict *weft_verdicts_add(struct weft_verdicts *verdicts, const uint8_t *trace_id, uint64_t hash);

/* Of an id without a verdict: whether there may have been one. */
enum weft_verdict_memory {
    WEFT_VERDICT_NEVER,     /* certainly not since the start */
    WEFT_VERDICT_FORGOTTEN, /* most likely */
    WEFT_VERDICT_UNKNOWN,   /* so many were forgotten that nobody can tell */
};
enum weft_verdict_memory weft_verdicts_remember(const struct weft_verdicts *verdicts, const uint8_t *trace_id);

/* When the oldest that is remembered was decided; `otherwise` if there is none. */
struct weft_wall weft_verdicts_oldest(const struct weft_verdicts *verdicts, struct weft_wall otherwise);

size_t weft_verdicts_count(const struct weft_verdicts *verdicts);
