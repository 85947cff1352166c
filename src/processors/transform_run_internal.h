#pragma once

#include "ottl/write.h"
#include "processors/transform_run.h"

/* What running statements on records (transform_run.c) and on their events and points (transform_items.c) share. */

/* A walk over a table. */
struct weft_transform_walk {
    struct weft_transform_runner *runner;
    const struct weft_transform_group *group;
    enum weft_signal signal;
    struct weft_otlp_table *table; /* NULL: it is being built, and nobody looks around records */
    struct weft_arena *arena;
    struct weft_error *error;
    uint32_t resource, scope; /* that the run looks at; NONE: to be set anew */
    size_t open_bytes;        /* of the run's memory, until which changed headers stay open; 0: none is changed */
    size_t grown_bytes;       /* by which records and headers are longer than they were */
};

/* What becomes of a statement or condition that failed; WEFT_OK: it counts for nothing. */
enum weft_status weft_transform_judge(struct weft_transform_walk *walk, struct weft_slice statement,
                                      enum weft_status status) WEFT_MUST_CHECK;

/* The group's statements, on what the run looks at. */
enum weft_status weft_transform_run_group(struct weft_transform_walk *walk) WEFT_MUST_CHECK;

bool weft_transform_is_touched(const struct weft_transform_walk *walk, enum weft_ottl_level level);

/* The message of a level that is touched, anew, to runner->written. */
enum weft_status weft_transform_write_level(struct weft_transform_walk *walk, enum weft_ottl_level level,
                                            const struct weft_ottl_replaced *replaced) WEFT_MUST_CHECK;

/* The statements on each event of a Span, or data point of a Metric; *replaced says what became of them. */
enum weft_status weft_transform_run_items(struct weft_transform_walk *walk,
                                          struct weft_ottl_replaced *replaced) WEFT_MUST_CHECK;
