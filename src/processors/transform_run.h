#pragma once

#include "pipeline/batch.h"
#include "processors/transform_made.h"
#include "processors/transform_rules.h"
#include "wire/otlp_table.h"

/* Running statements on the records of a table. Nothing of the request changes: rows and headers get other bytes, of an
 * arena, and of metrics there may be more rows then, of another weight (made). One for each worker and processor. */
struct weft_transform_runner {
    const struct weft_transform_rules *rules;
    const char *id; /* for the log */
    struct weft_ottl_run run;
    struct weft_buffer written;  /* a message that is written anew */
    struct weft_buffer items;    /* struct weft_slice: events or data points of a record, */
    struct weft_buffer replaced; /* and what they are now */
    struct weft_transform_made made;
    uint64_t errors;         /* statements and conditions that failed */
    bool is_thorough;        /* tests: attributes are not sought, but opened whenever something is written, messages
                                are written field by field, and calls are made the long way */
    bool is_changed;         /* since weft_transform_runner_clear */
    const bool *is_given_up; /* then applying ends with WEFT_CLOSED; NULL: never */
};

enum weft_status weft_transform_runner_init(struct weft_transform_runner *runner,
                                            const struct weft_transform_rules *rules, const char *id,
                                            struct weft_error *error) WEFT_MUST_CHECK;
void weft_transform_runner_fini(struct weft_transform_runner *runner);

/* Before each batch. */
static inline void weft_transform_runner_clear(struct weft_transform_runner *runner)
{
    runner->is_changed = false;
    weft_transform_made_clear(&runner->made);
}

/* All groups of the table's signal, each over all records. WEFT_INVALID: a statement failed and its error_mode is
 * propagate; WEFT_LIMIT: of flatten_data (transform_flat.h); WEFT_NOMEM. Then the table is to be thrown away. */
enum weft_status weft_transform_apply(struct weft_transform_runner *runner, struct weft_otlp_table *table,
                                      struct weft_arena *arena, struct weft_error *error) WEFT_MUST_CHECK;

/* Whether the first group of the signal asks for nothing but its records, so that it may run while a part is opened. */
bool weft_transform_may_visit(const struct weft_transform_rules *rules, enum weft_signal signal);

/* The same on a part of a batch, which is open if they may not run while it is opened. */
enum weft_status weft_transform_apply_part(struct weft_transform_runner *runner, struct weft_batch *batch,
                                           size_t part_index, struct weft_error *error) WEFT_MUST_CHECK;
