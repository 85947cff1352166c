/* Processor `batch`: collects records and passes them on in larger batches, as the Collector's batchprocessor does.
 *
 * Input is merged into one pending batch; when it reaches send_batch_size, or after timeout, it goes on, cut to
 * send_batch_max_size. A flush that is refused is dropped with its reason, unless what follows is closed
 * (block_on_overflow): then it is kept, this processor closes too, and the receivers stop reading.
 *
 * With metadata_keys there is a shard for each combination of values that requests have under these keys; without, one
 * shard. One in which nothing was collected for a while is given up, unlike the Collector's: clients choose the values,
 * and what they once sent may not use up the limit for good. */
#include "weft/component.h"

#include <strings.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "processors/batch_internal.h"

static const struct weft_field batch_fields[] = {
    WEFT_FIELD(struct weft_batch_config, timeout, "200ms", "Pass on what is held after this time; 0 = at once."),
    WEFT_FIELD(struct weft_batch_config, send_batch_size, "8192",
               "Pass on once this many records are held; 0 = at once."),
    WEFT_FIELD(struct weft_batch_config, send_batch_max_size, "0",
               "Largest batch passed on; larger ones are split. 0 = no limit."),
    WEFT_FIELD(struct weft_batch_config, metadata_keys, NULL,
               "Collect apart what came by requests that differ in these headers; see include_metadata."),
    WEFT_FIELD(struct weft_batch_config, metadata_cardinality_limit, "1000",
               "So many combinations of them at a time, on each worker; further ones are refused. 0 = 65536.",
               .maximum = UINT32_MAX),
    WEFT_FIELDS_END,
};

static enum weft_status validate(const void *untyped, struct weft_error *error)
{
    const struct weft_batch_config *config = untyped;
    if (config->send_batch_max_size > 0 && config->send_batch_max_size < config->send_batch_size) {
        return weft_fail(error, WEFT_INVALID, "send_batch_max_size must be greater or equal to send_batch_size");
    }
    if (config->timeout.ns < 0) {
        return weft_fail(error, WEFT_INVALID, "timeout must be greater or equal to 0");
    }
    return weft_metadata_keys_validate(&config->metadata_keys, error);
}

static bool keeps_metadata(const void *untyped, const char *key)
{
    const struct weft_config_strings *keys = &((const struct weft_batch_config *)untyped)->metadata_keys;
    for (size_t i = 0; i < keys->count; i++) {
        if (strcasecmp(keys->items[i], key) == 0) {
            return true;
        }
    }
    return false;
}

static const char *reads_metadata(const void *untyped, size_t index)
{
    const struct weft_config_strings *keys = &((const struct weft_batch_config *)untyped)->metadata_keys;
    return index < keys->count ? keys->items[index] : NULL;
}

static enum weft_holding explain(const void *untyped, struct weft_buffer *out)
{
    const struct weft_batch_config *config = untyped;
    if (config->timeout.ns == 0 || config->send_batch_size == 0) {
        return WEFT_HOLDS_NOTHING;
    }
    weft_buffer_append_format(
        out, "holds records until there are %llu of them (send_batch_size), for %g s at most (timeout)",
        (unsigned long long)config->send_batch_size, (double)config->timeout.ns / 1e9);
    return WEFT_HOLDS_ANSWERED;
}

static const struct weft_consumer_operations batch_operations;

static struct weft_batch_processor *processor_of(const struct weft_consumer *consumer)
{
    weft_assert(consumer->operations == &batch_operations);
    return WEFT_CONTAINER_OF(consumer, struct weft_batch_processor, consumer);
}

/* From here on the batch has of its metadata what the shard has. */
static void adopt_metadata(struct weft_batch *batch, struct weft_batch_shard *shard)
{
    struct weft_metadata *former = batch->metadata;
    batch->metadata = weft_metadata_ref(shard->metadata);
    weft_metadata_unref(&former);
}

/* ---- the consumer ---- */

static enum weft_status consume(struct weft_consumer *consumer, struct weft_batch **own_batch, struct weft_error *error)
{
    struct weft_batch_processor *processor = processor_of(consumer);
    struct weft_batch *batch = *own_batch;
    if (!consumer->is_open || processor->is_draining) {
        return weft_fail(error, WEFT_CLOSED, "%s: %s", consumer->id,
                         processor->is_draining ? "shutting down" : "what follows is full");
    }
    weft_check_magic(batch, batch);
    weft_assert(!batch->is_lent && weft_list_is_empty(&batch->node));
    struct weft_batch_shard *shard = NULL;
    enum weft_status status = weft_batch_find_shard(processor, batch->metadata, &shard, error);
    if (status != WEFT_OK) {
        return status;
    }
    uint64_t weight = batch->weight;
    size_t first_part = shard->pending == NULL ? 0 : shard->pending->part_count;
    struct weft_metadata *own_metadata = weft_metadata_ref(batch->metadata);
    adopt_metadata(batch, shard);
    if (shard->pending == NULL) {
        weft_timer_cancel(consumer->host->timers, &shard->timer);
        shard->pending = batch;
        *own_batch = NULL;
    } else if (weft_batch_merge(shard->pending, own_batch) != WEFT_OK) {
        weft_metadata_unref(&batch->metadata);
        batch->metadata = own_metadata;
        return weft_fail(error, WEFT_NOMEM, "%s: no memory to hold more", consumer->id);
    }
    weft_metadata_unref(&own_metadata);
    weft_host_book(consumer->host, processor->buffer_flow, weight);
    weft_batch_hand_over(shard->pending, first_part);
    bool is_at_once = weft_batch_goes_at_once(processor);
    if (is_at_once || weft_batch_is_large_enough(shard)) {
        processor->size_triggers++;
    }
    weft_batch_flush(shard, is_at_once);
    return WEFT_OK;
}

static void flush_all_of(struct weft_batch_shard *shard, void *context)
{
    (void)context;
    if (shard->processor->next->is_open) {
        weft_batch_flush(shard, true);
    }
}

static void on_next_changed(struct weft_consumer *consumer)
{
    struct weft_batch_processor *processor = processor_of(consumer);
    if (processor->next->is_open && !consumer->is_open && !processor->is_flushing) {
        weft_batch_each_shard(processor, flush_all_of, NULL);
    }
}

static void count_pending(struct weft_batch_shard *shard, void *context)
{
    *(uint64_t *)context += shard->pending == NULL ? 0 : shard->pending->weight;
}

static void audit(const struct weft_consumer *consumer, uint64_t *in_out_count)
{
    weft_batch_each_shard(processor_of(consumer), count_pending, in_out_count);
}

struct draining {
    enum weft_drop_reason reason;
    bool is_forced;
};

static void drain_shard(struct weft_batch_shard *shard, void *context)
{
    const struct draining *draining = context;
    struct weft_batch_processor *processor = shard->processor;
    weft_batch_flush(shard, true);
    if (draining->is_forced && shard->pending != NULL) {
        weft_consumer_drop(&processor->consumer, &shard->pending,
                           draining->reason == WEFT_DROP_RELOAD ? processor->reload_flow : processor->shutdown_flow,
                           draining->reason, NULL);
    }
}

static void drain(struct weft_consumer *consumer, enum weft_drop_reason reason, bool is_forced)
{
    struct weft_batch_processor *processor = processor_of(consumer);
    weft_assert(reason == WEFT_DROP_SHUTDOWN || reason == WEFT_DROP_RELOAD);
    if (processor->next->is_open) {
        processor->is_draining = true;
    }
    struct draining draining = { reason, is_forced };
    weft_batch_each_shard(processor, drain_shard, &draining);
}

static void free_shard(struct weft_batch_shard *shard, void *context)
{
    (void)context;
    weft_batch_shard_fini(shard);
}

static void processor_free(struct weft_consumer *consumer)
{
    struct weft_batch_processor *processor = processor_of(consumer);
    weft_assert(!processor->is_flushing);
    weft_batch_each_shard(processor, free_shard, NULL);
    if (processor->shards != NULL) {
        weft_table_free(processor->shards);
    }
    weft_buffer_fini(&processor->combination);
    weft_consumer_fini(consumer);
    weft_free(processor);
}

static const struct weft_consumer_operations batch_operations = {
    .consume = consume,
    .on_next_changed = on_next_changed,
    .audit = audit,
    .drain = drain,
    .free = processor_free,
};

static weft_flow_id drop_in_flight_flow(struct weft_batch_processor *processor, const struct weft_account *in_flight,
                                        enum weft_drop_reason reason)
{
    struct weft_account dropped = *in_flight;
    dropped.kind = WEFT_ACCOUNT_DROPPED;
    dropped.owner = processor->consumer.id;
    dropped.reason = reason;
    return weft_ledger_flow(processor->consumer.host->ledger, in_flight, &dropped);
}

static enum weft_status create(const struct weft_instance_setup *setup, struct weft_consumer **out_consumer,
                               struct weft_error *error)
{
    (void)error;
    weft_assert(setup->next != NULL && setup->in_flight->kind == WEFT_ACCOUNT_IN_FLIGHT);
    struct weft_batch_processor *processor = weft_alloc(sizeof *processor);
    weft_consumer_init(&processor->consumer, &batch_operations, setup->host, setup->id);
    processor->config = setup->config;
    processor->next = setup->next;
    processor->consumer.held_account = *setup->in_flight;
    processor->consumer.held_account.kind = WEFT_ACCOUNT_BUFFERED;
    processor->consumer.held_account.owner = setup->id;
    if (processor->config->metadata_keys.count > 0) {
        processor->shards = weft_batch_shards_new(setup->host, processor->config);
    } else {
        weft_batch_shard_init(&processor->only, processor);
    }
    weft_buffer_init(&processor->combination, 0);
    struct weft_ledger *ledger = setup->host->ledger;
    processor->buffer_flow = weft_ledger_flow(ledger, setup->in_flight, &processor->consumer.held_account);
    processor->release_flow = weft_ledger_flow(ledger, &processor->consumer.held_account, setup->in_flight);
    processor->refused_flow = drop_in_flight_flow(processor, setup->in_flight, WEFT_DROP_REFUSED_DOWNSTREAM);
    processor->full_flow = drop_in_flight_flow(processor, setup->in_flight, WEFT_DROP_QUEUE_FULL);
    processor->shutdown_flow = weft_consumer_drop_flow(&processor->consumer, WEFT_DROP_SHUTDOWN);
    processor->reload_flow = weft_consumer_drop_flow(&processor->consumer, WEFT_DROP_RELOAD);
    weft_consumer_connect(&processor->consumer, &processor->next, 1);
    *out_consumer = &processor->consumer;
    return WEFT_OK;
}

static void collect(const struct weft_consumer *consumer, struct weft_samples *samples)
{
    const struct weft_batch_processor *processor = processor_of(consumer);
    const struct weft_sample_label *labels = WEFT_LABELS({ "processor", consumer->id });
    weft_samples_add(samples, "otelcol_processor_batch_batch_size_trigger_send",
                     "Number of times the batch was sent due to a size trigger", WEFT_SAMPLE_COUNTER,
                     (double)processor->size_triggers, labels);
    weft_samples_add(samples, "otelcol_processor_batch_timeout_trigger_send",
                     "Number of times the batch was sent due to a timeout trigger", WEFT_SAMPLE_COUNTER,
                     (double)processor->timeout_triggers, labels);
    if (processor->shards != NULL) {
        weft_samples_add(samples, "otelcol_processor_batch_metadata_cardinality",
                         "Number of distinct metadata value combinations being processed", WEFT_SAMPLE_GAUGE,
                         (double)weft_table_count(processor->shards), labels);
        weft_samples_add(samples, "weft_processor_batch_combinations_refused",
                         "Batches refused because of metadata_cardinality_limit", WEFT_SAMPLE_COUNTER,
                         (double)processor->combinations_refused, labels);
    }
}

const struct weft_component weft_processor_batch = {
    .kind = WEFT_PROCESSOR,
    .type = "batch",
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_METRICS | WEFT_SIGNAL_BIT_LOGS,
    .help = "Collects records and passes them on in larger batches.",
    .fields = batch_fields,
    .config_size = sizeof(struct weft_batch_config),
    .validate = validate,
    .reads_metadata = reads_metadata,
    .keeps_metadata = keeps_metadata,
    .explain = explain,
    .create_consumer = create,
    .collect = collect,
};
