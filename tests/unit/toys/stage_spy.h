#pragma once

#include "stage_world.h"

/* The toy stage `hold`, watched: once some worker drains it for a pipeline, nothing comes in for that pipeline any
 * more, on no worker (stage.h, weft_stage_operations.drain). */
extern const struct weft_component weft_processor_hold;

enum { MAX_DRAINED = 2 * PIPELINES * 2 };

struct drained {
    const struct weft_stage_identity *identity;
    size_t pipeline;
};

static struct drained drained[MAX_DRAINED];
static size_t drained_count;
static const struct weft_stage_operations *watched_operations; /* hold's own */
static struct weft_stage_operations spy_operations;
static struct weft_component spied_hold;

static inline bool is_drained(const struct weft_stage_outlet *outlet)
{
    for (size_t i = 0; i < drained_count; i++) {
        if (drained[i].identity == outlet->stage->identity && drained[i].pipeline == pipeline_index(outlet->pipeline)) {
            return true;
        }
    }
    return false;
}

static inline enum weft_status spy_consume(struct weft_stage *stage, struct weft_stage_outlet *outlet,
                                           struct weft_batch **own_batch, struct weft_error *error)
{
    EXPECT(!is_drained(outlet), "on worker %u %s gets records of %s, which is being drained", stage->host->worker_index,
           stage->identity->id, outlet->pipeline);
    return watched_operations->consume(stage, outlet, own_batch, error);
}

static inline void spy_drain(struct weft_stage *stage, struct weft_stage_outlet *outlet, enum weft_drop_reason reason,
                             bool is_forced)
{
    if (!is_drained(outlet)) {
        EXPECT(drained_count < MAX_DRAINED, "too much is drained");
        drained[drained_count++] = (struct drained){ stage->identity, pipeline_index(outlet->pipeline) };
    }
    watched_operations->drain(stage, outlet, reason, is_forced);
}

static inline enum weft_status spy_create(const struct weft_instance_setup *setup, struct weft_stage **out_stage,
                                          struct weft_error *error)
{
    enum weft_status status = weft_processor_hold.create_stage(setup, out_stage, error);
    if (status == WEFT_OK) {
        watched_operations = (*out_stage)->operations;
        spy_operations = *watched_operations;
        spy_operations.consume = spy_consume;
        spy_operations.drain = spy_drain;
        (*out_stage)->operations = &spy_operations;
    }
    return status;
}

/* A graph has left, or nothing has begun. */
static inline void spy_forget(void)
{
    drained_count = 0;
    spied_hold = weft_processor_hold;
    spied_hold.create_stage = spy_create;
}
