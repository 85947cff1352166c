#pragma once

#include "base/digest.h"
#include "base/buffer.h"
#include "base/entry_memory.h"
#include "base/pattern.h"
#include "base/work.h"
#include "ottl/record.h"

struct weft_ottl_node;

/* What evaluating writes to: one per worker and processor, for any number of programs. */
struct weft_ottl_run {
    struct weft_ottl_record record;  /* what paths read */
    struct weft_entry_memory memory; /* results; weft_ottl_run_clear before each record */
    struct weft_buffer text, stack;  /* scratch of text.h */
    struct weft_buffer message;      /* scratch of writing: a message within another one */
    struct weft_buffer replaced;     /* scratch of text_replace.h */
    struct weft_pattern_scratch *pattern;
    struct weft_digest *digests[WEFT_DIGEST_SHA512 + 1]; /* by kind; each is made when it is asked for first */
    struct weft_error error;                             /* why the last evaluation failed */
    uint64_t steps_max;                                  /* of one statement on one record */
    uint64_t steps_left;                                 /* of the present one: about a nanosecond each */
    uint64_t limits_met;                                 /* statements that met a limit of work */
    bool is_thorough;                                    /* tests: no call takes a shorter way (function.h) */

    struct weft_buffer made; /* struct weft_slice: Metrics that statements made beside the record, in memory */
    size_t room_bytes;       /* for more of them */
    /* Of a Metric whose points are looked at one by one: what they have become, bytes NULL for one that is as it came;
     * and which one is looked at. NULL: none is. */
    struct weft_slice *points;
    size_t point_count, point;
};

enum weft_status weft_ottl_run_init(struct weft_ottl_run *run, struct weft_error *error) WEFT_MUST_CHECK;
void weft_ottl_run_fini(struct weft_ottl_run *run);

enum {
    WEFT_OTTL_STEPS_MAX = 20 * 1000 * 1000,   /* unless the config says otherwise */
    WEFT_OTTL_STATEMENT_MAX_BYTES = 32 << 20, /* what a text may take */
};

/* Before each statement or condition on a record: what it may take is whole again. */
static inline void weft_ottl_run_begin(struct weft_ottl_run *run)
{
    run->steps_left = run->steps_max;
    weft_entry_memory_allow(&run->memory, run->steps_max + run->steps_max / 2);
}

/* Gives back the scratch. */
void weft_ottl_run_trim(struct weft_ottl_run *run);

/* All results are gone; of the scratch 64 KiB may stay. Before the next statement or condition begins. */
static inline void weft_ottl_run_forget(struct weft_ottl_run *run)
{
    enum { KEPT_BYTES = 64 << 10 };
    weft_entry_memory_clear(&run->memory);
    if (run->text.capacity > KEPT_BYTES || run->stack.capacity > KEPT_BYTES || run->message.capacity > KEPT_BYTES ||
        run->replaced.capacity > KEPT_BYTES) {
        weft_ottl_run_trim(run);
    }
}

static inline void weft_ottl_run_clear(struct weft_ottl_run *run)
{
    weft_ottl_run_forget(run);
    weft_ottl_run_begin(run);
}

/* For work that no other limit bounds, before it is done. False: there are not so many steps left, and none are now. */
static inline bool weft_ottl_spend(struct weft_ottl_run *run, uint64_t steps)
{
    bool is_enough = steps <= run->steps_left;
    weft_work_did(steps);
    run->steps_left = is_enough ? run->steps_left - steps : 0;
    return is_enough;
}

/* WEFT_INVALID with run->error: the statement has no steps left. */
enum weft_status weft_ottl_fail_steps(struct weft_ottl_run *run) WEFT_MUST_CHECK;

/* What was asked for is more than a statement may have. */
bool weft_ottl_run_is_full(const struct weft_ottl_run *run);

/* After WEFT_NOMEM: WEFT_INVALID with run->error if that is why, which would come again. */
enum weft_status weft_ottl_without_memory(struct weft_ottl_run *run) WEFT_MUST_CHECK;

/* Uninitialised; NULL without memory. */
static inline void *weft_ottl_run_take(struct weft_ottl_run *run, size_t size_bytes)
{
    return weft_entry_memory_try_alloc(&run->memory, size_bytes);
}

/* WEFT_INVALID with run->error: the evaluation failed, which error_mode decides about. WEFT_NOMEM: nobody can say. */
enum weft_status weft_ottl_evaluate(struct weft_ottl_run *run, const struct weft_ottl_node *node,
                                    struct weft_ottl_value *out_value) WEFT_MUST_CHECK;
enum weft_status weft_ottl_holds(struct weft_ottl_run *run, const struct weft_ottl_node *condition,
                                 bool *out_holds) WEFT_MUST_CHECK;

/* compare.c: as the Collector's ValueComparator. operation: enum weft_ottl_compare. With no steps left afterwards the
 * answer is none. */
bool weft_ottl_compare(struct weft_ottl_run *run, const struct weft_ottl_value *left,
                       const struct weft_ottl_value *right, int operation);

/* calculate.c: operation is one of + - * / */
enum weft_status weft_ottl_calculate(struct weft_ottl_run *run, const struct weft_ottl_value *left, int operation,
                                     const struct weft_ottl_value *right,
                                     struct weft_ottl_value *out_value) WEFT_MUST_CHECK;
enum weft_status weft_ottl_negate(struct weft_ottl_run *run, const struct weft_ottl_value *value,
                                  struct weft_ottl_value *out_value) WEFT_MUST_CHECK;

/* text.c: as the Collector's AsString does it for values of attributes and bodies. In run->memory, or borrowed. */
enum weft_status weft_ottl_value_text(struct weft_ottl_run *run, const struct weft_ottl_value *value,
                                      struct weft_slice *out_text) WEFT_MUST_CHECK;

/* encode.c: appends the contents of the AnyValue that the value is. What OTLP cannot hold (a time, an id) is an error:
 * WEFT_INVALID. WEFT_NOMEM shows in the buffer's status. */
enum weft_status weft_ottl_put_any_value(struct weft_buffer *out, const struct weft_ottl_value *value,
                                         struct weft_error *error) WEFT_MUST_CHECK;
/* Appends a KeyValue as that field. */
enum weft_status weft_ottl_put_key_value(struct weft_buffer *out, uint32_t field, struct weft_slice key,
                                         const struct weft_ottl_value *value, struct weft_error *error) WEFT_MUST_CHECK;
