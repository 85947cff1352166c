#pragma once

#include "base/buffer.h"
#include "wire/otlp_table.h"

/* What statements of metrics do to the number of data points: metrics that they made, until they are rows of a table,
 * and how many points came and went of a batch. */
struct weft_transform_gone {
    size_t service_bytes; /* of the resource's service.name */
    uint64_t count;
};

struct weft_transform_made {
    struct weft_buffer records;  /* struct weft_otlp_record, in the order of their scopes; of one group and table */
    uint64_t point_count;        /* that were made, since the batch began */
    struct weft_buffer gone;     /* struct weft_transform_gone: that went into others; since the batch began */
    struct weft_buffer services; /* those names, one after the other */
};

void weft_transform_made_fini(struct weft_transform_made *made);

/* A batch begins. */
void weft_transform_made_clear(struct weft_transform_made *made);

static inline size_t weft_transform_made_count(const struct weft_transform_made *made)
{
    return made->records.length / sizeof(struct weft_otlp_record);
}

/* Until the next one is added. */
static inline struct weft_otlp_record *weft_transform_made_at(const struct weft_transform_made *made, size_t index)
{
    return (struct weft_otlp_record *)(void *)made->records.bytes + index;
}

/* A metric, which the arena takes a copy of; its points are counted. WEFT_NOMEM only. */
enum weft_status weft_transform_made_add(struct weft_transform_made *made, struct weft_otlp_table *table,
                                         struct weft_arena *arena, struct weft_slice metric,
                                         uint32_t scope) WEFT_MUST_CHECK;

/* Counts the points of a row whose bytes are others now. WEFT_NOMEM only. */
enum weft_status weft_transform_made_recount(struct weft_transform_made *made, struct weft_otlp_table *table,
                                             struct weft_otlp_record *record) WEFT_MUST_CHECK;

/* Those that were added become rows, each behind the others of its scope. WEFT_NOMEM only. */
enum weft_status weft_transform_made_insert(struct weft_transform_made *made, struct weft_otlp_table *table,
                                            struct weft_arena *arena) WEFT_MUST_CHECK;
