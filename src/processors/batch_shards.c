/* The shards of the processor batch (batch_internal.h): one, or one for each combination of metadata. */
#include "base/alloc.h"
#include "base/assert.h"
#include "processors/batch_internal.h"

enum { MAX_SHARDS = 65536 }; /* where the config says that there is no limit */

static void give_up(struct weft_batch_shard *shard);

static void timeout_expired(void *context)
{
    struct weft_batch_shard *shard = context;
    weft_check_magic(shard, batch_shard);
    if (shard->pending == NULL) {
        give_up(shard);
        return;
    }
    shard->processor->timeout_triggers++;
    weft_batch_flush(shard, true);
}

void weft_batch_shard_init(struct weft_batch_shard *shard, struct weft_batch_processor *processor)
{
    weft_set_magic(shard, batch_shard);
    shard->processor = processor;
    weft_timer_init(&shard->timer, timeout_expired, shard);
}

static struct weft_budget *budget_of(const struct weft_batch_processor *processor)
{
    return processor->consumer.host->budget;
}

void weft_batch_shard_fini(struct weft_batch_shard *shard)
{
    weft_assert(shard->pending == NULL);
    weft_timer_cancel(shard->processor->consumer.host->timers, &shard->timer);
    weft_metadata_unref(&shard->metadata);
    weft_clear_magic(shard, batch_shard);
}

static void give_up(struct weft_batch_shard *shard)
{
    struct weft_batch_processor *processor = shard->processor;
    weft_assert(processor->shards != NULL && !processor->is_flushing && !shard->is_kept);
    weft_batch_shard_fini(shard);
    weft_table_remove(processor->shards, shard);
}

static size_t shards_max(const struct weft_batch_config *config)
{
    enum { TABLE_MAX = 1 << 28 };
    uint64_t limit = config->metadata_cardinality_limit;
    return limit == 0 ? MAX_SHARDS : limit < TABLE_MAX ? (size_t)limit : TABLE_MAX;
}

struct weft_table *weft_batch_shards_new(const struct weft_host *host, const struct weft_batch_config *config)
{
    return weft_table_new(&(struct weft_table_settings){ .budget = host->budget,
                                                         .secret = host->secret,
                                                         .key_bytes_max = WEFT_WIDE_HASH_BYTES,
                                                         .entry_bytes = sizeof(struct weft_batch_shard),
                                                         .entry_count_max = shards_max(config) });
}

static void each_combination(struct weft_batch_processor *processor,
                             void (*visit)(struct weft_batch_shard *shard, void *context), void *context)
{
    uint32_t cursor = 0;
    struct weft_batch_shard *shard;
    while ((shard = weft_table_next(processor->shards, &cursor)) != NULL) {
        visit(shard, context);
    }
}

void weft_batch_each_shard(struct weft_batch_processor *processor,
                           void (*visit)(struct weft_batch_shard *shard, void *context), void *context)
{
    if (processor->shards != NULL) {
        each_combination(processor, visit, context);
    } else {
        visit(&processor->only, context);
    }
}

static enum weft_status fail_put(struct weft_batch_processor *processor, enum weft_status status,
                                 struct weft_error *error)
{
    const char *id = processor->consumer.id;
    if (status == WEFT_LIMIT) {
        processor->combinations_refused++;
        return weft_fail(error, WEFT_INTERNAL, "%s: too many batcher metadata-value combinations", id);
    }
    return weft_fail(error, WEFT_NOMEM, "%s: no memory for another combination", id);
}

/* That of the combination in processor->combination, which may be a new one. */
static enum weft_status put_shard(struct weft_batch_processor *processor, const struct weft_metadata *metadata,
                                  struct weft_batch_shard **out_shard, struct weft_error *error)
{
    uint8_t hash[WEFT_WIDE_HASH_BYTES];
    void *entry;
    bool is_new;
    weft_hash_wide(processor->consumer.host->secret, weft_buffer_slice(&processor->combination), hash);
    enum weft_status status = weft_table_put(processor->shards, weft_slice_of(hash, sizeof hash), &entry, &is_new);
    if (status != WEFT_OK) {
        return fail_put(processor, status, error);
    }
    struct weft_batch_shard *shard = entry;
    if (is_new) {
        weft_batch_shard_init(shard, processor);
        shard->metadata =
            weft_metadata_combination_try_keep(budget_of(processor), &processor->config->metadata_keys, metadata);
        if (shard->metadata == NULL) {
            give_up(shard);
            return fail_put(processor, WEFT_NOMEM, error);
        }
    }
    *out_shard = shard;
    return WEFT_OK;
}

enum weft_status weft_batch_find_shard(struct weft_batch_processor *processor, const struct weft_metadata *metadata,
                                       struct weft_batch_shard **out_shard, struct weft_error *error)
{
    if (processor->shards == NULL) {
        *out_shard = &processor->only;
        return WEFT_OK;
    }
    struct weft_buffer *combination = &processor->combination;
    weft_buffer_clear(combination);
    if (weft_metadata_combination_write(&processor->config->metadata_keys, metadata, combination) != WEFT_OK) {
        return weft_fail(error, WEFT_NOMEM, "%s: no memory to look at metadata", processor->consumer.id);
    }
    return put_shard(processor, metadata, out_shard, error);
}
