#pragma once

#include "base/magic.h"
#include "base/table.h"
#include "base/timers.h"
#include "pipeline/metadata_combination.h"
#include "weft/component.h"

/* What the files of the processor batch share: batch.c has its config and callbacks, batch_shards.c finds the shard of
 * a batch, batch_flush.c passes on what a shard holds. */

struct weft_batch_config {
    struct weft_duration timeout;
    uint64_t send_batch_size;
    uint64_t send_batch_max_size;
    struct weft_config_strings metadata_keys;
    uint64_t metadata_cardinality_limit;
};

WEFT_MAGIC(batch_shard, 0x0ba7c45d);

/* What is collected of one combination. */
struct weft_batch_shard {
    uint32_t magic;
    struct weft_batch_processor *processor;
    struct weft_metadata *metadata; /* what goes on with the batches; NULL without metadata_keys */
    struct weft_batch *pending;     /* NULL = nothing is held */
    struct weft_timer timer;        /* to pass on what is held; with nothing held, to give the shard up */
    bool is_kept;                   /* what was to go on could not: what follows is closed */
};

struct weft_batch_processor {
    struct weft_consumer consumer;
    const struct weft_batch_config *config;
    struct weft_consumer *next;
    struct weft_batch_shard only; /* without metadata_keys */
    struct weft_table *shards;    /* with them: by the wide hash of their combination */
    size_t kept_count;
    struct weft_buffer combination; /* scratch */
    bool is_draining;
    bool is_flushing;
    weft_flow_id buffer_flow;                /* in_flight -> buffered */
    weft_flow_id release_flow;               /* buffered -> in_flight */
    weft_flow_id refused_flow;               /* in_flight -> dropped */
    weft_flow_id full_flow;                  /* in_flight -> dropped */
    weft_flow_id shutdown_flow, reload_flow; /* buffered -> dropped */
    uint64_t size_triggers, timeout_triggers, dropped;
    uint64_t combinations_refused; /* batches */
};

/* ---- batch_shards.c ---- */

void weft_batch_shard_init(struct weft_batch_shard *shard, struct weft_batch_processor *processor);

/* It holds nothing. */
void weft_batch_shard_fini(struct weft_batch_shard *shard);

/* For the shards of combinations. */
struct weft_table *weft_batch_shards_new(const struct weft_host *host, const struct weft_batch_config *config);

/* visit may free the shard. */
void weft_batch_each_shard(struct weft_batch_processor *processor,
                           void (*visit)(struct weft_batch_shard *shard, void *context), void *context);

/* The one that belongs to the metadata, made if it is new. WEFT_INTERNAL: there are as many as there may be. */
enum weft_status weft_batch_find_shard(struct weft_batch_processor *processor, const struct weft_metadata *metadata,
                                       struct weft_batch_shard **out_shard, struct weft_error *error) WEFT_MUST_CHECK;

/* ---- batch_flush.c ---- */

/* Without a time or without a size there is nothing to wait for. */
bool weft_batch_goes_at_once(const struct weft_batch_processor *processor);

/* It holds send_batch_size. */
bool weft_batch_is_large_enough(const struct weft_batch_shard *shard);

/* Passes on what is large enough, or everything; keeps what is not taken, and the processor is closed then. */
void weft_batch_flush(struct weft_batch_shard *shard, bool is_everything);
