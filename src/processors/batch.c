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
#include "base/log.h"
#include "base/table.h"
#include "pipeline/metadata_combination.h"

enum {
    MAX_SHARDS = 65536, /* where the config says that there is no limit */
    IDLE_TIMEOUTS = 10, /* after so many a shard that collects nothing is given up */
};

static const int64_t shortest_idle_ns = WEFT_NS_PER_S;

struct batch_config {
    struct weft_duration timeout;
    uint64_t send_batch_size;
    uint64_t send_batch_max_size;
    struct weft_config_strings metadata_keys;
    uint64_t metadata_cardinality_limit;
};

WEFT_MAGIC(batch_shard, 0x0ba7c45d);

/* What is collected of one combination. */
struct shard {
    uint32_t magic;
    struct batch_processor *processor;
    struct weft_metadata *metadata; /* what goes on with the batches; NULL without metadata_keys */
    struct weft_batch *pending;     /* NULL = nothing is held */
    struct weft_timer timer;        /* to pass on what is held; with nothing held, to give the shard up */
    bool is_kept;                   /* what was to go on could not: what follows is closed */
};

struct batch_processor {
    struct weft_consumer consumer;
    const struct batch_config *config;
    struct weft_consumer *next;
    struct shard only;         /* without metadata_keys */
    struct weft_table *shards; /* with them: by the wide hash of their combination */
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

static const struct weft_field batch_fields[] = {
    WEFT_FIELD(struct batch_config, timeout, "200ms", "Pass on what is held after this time; 0 = at once."),
    WEFT_FIELD(struct batch_config, send_batch_size, "8192", "Pass on once this many records are held; 0 = at once."),
    WEFT_FIELD(struct batch_config, send_batch_max_size, "0",
               "Largest batch passed on; larger ones are split. 0 = no limit."),
    WEFT_FIELD(struct batch_config, metadata_keys, NULL,
               "Collect apart what came by requests that differ in these headers; see include_metadata."),
    WEFT_FIELD(struct batch_config, metadata_cardinality_limit, "1000",
               "So many combinations of them at a time, on each worker; further ones are refused. 0 = 65536.",
               .maximum = UINT32_MAX),
    WEFT_FIELDS_END,
};

static enum weft_status validate(const void *untyped, struct weft_error *error)
{
    const struct batch_config *config = untyped;
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
    const struct weft_config_strings *keys = &((const struct batch_config *)untyped)->metadata_keys;
    for (size_t i = 0; i < keys->count; i++) {
        if (strcasecmp(keys->items[i], key) == 0) {
            return true;
        }
    }
    return false;
}

static enum weft_holding explain(const void *untyped, struct weft_buffer *out)
{
    const struct batch_config *config = untyped;
    if (config->timeout.ns == 0 || config->send_batch_size == 0) {
        return WEFT_HOLDS_NOTHING;
    }
    weft_buffer_append_format(
        out, "holds records until there are %llu of them (send_batch_size), for %g s at most (timeout)",
        (unsigned long long)config->send_batch_size, (double)config->timeout.ns / 1e9);
    return WEFT_HOLDS_ANSWERED;
}

static const struct weft_consumer_operations batch_operations;

static struct batch_processor *processor_of(const struct weft_consumer *consumer)
{
    weft_assert(consumer->operations == &batch_operations);
    return WEFT_CONTAINER_OF(consumer, struct batch_processor, consumer);
}

static void drop(struct batch_processor *processor, struct weft_batch **own_batch, const struct weft_error *cause)
{
    processor->dropped += (*own_batch)->weight;
    weft_log(ERROR, "batch.dropped", "what follows refused a batch",
             WEFT_LOG_STRING("processor", processor->consumer.id), WEFT_LOG_INT("records", (*own_batch)->weight),
             WEFT_LOG_STRING("error", cause->text));
    bool is_full = cause->status == WEFT_CLOSED;
    weft_consumer_drop(&processor->consumer, own_batch, is_full ? processor->full_flow : processor->refused_flow,
                       is_full ? WEFT_DROP_QUEUE_FULL : WEFT_DROP_REFUSED_DOWNSTREAM, cause);
}

/* Gives one batch to what follows. Returns false if it was kept because what follows is closed. */
static bool pass_on(struct batch_processor *processor, struct weft_batch **own_batch)
{
    if (!processor->next->is_open && !processor->is_draining) {
        return false;
    }
    struct weft_error error = WEFT_ERROR_NONE;
    weft_host_book(processor->consumer.host, processor->release_flow, (*own_batch)->weight);
    enum weft_status status = weft_consumer_consume(processor->next, own_batch, &error);
    if (status == WEFT_OK) {
        return true;
    }
    if (status == WEFT_CLOSED && !processor->next->is_open && !processor->is_draining) {
        /* It closed while it looked at this batch (another worker filled the queue): keep it. */
        weft_host_book(processor->consumer.host, processor->buffer_flow, (*own_batch)->weight);
        return false;
    }
    drop(processor, own_batch, &error);
    return true;
}

/* The next batch to pass on, at most send_batch_max_size large; takes it out of pending. */
static struct weft_batch *take_next(struct shard *shard)
{
    weft_assert(shard->processor->is_flushing && shard->pending != NULL);
    struct weft_batch *batch = shard->pending;
    uint64_t max_size = shard->processor->config->send_batch_max_size;
    struct weft_batch *head = NULL;
    if (max_size == 0 || batch->weight <= max_size || weft_batch_split(batch, max_size, 0, &head) != WEFT_OK) {
        shard->pending = NULL;
        return batch;
    }
    if (batch->part_count == 0) {
        weft_batch_end(&batch, NULL, -1);
        shard->pending = NULL;
    }
    return head;
}

/* Puts a batch that was not taken back in front of pending. Without memory for that it is dropped. */
static void put_back(struct shard *shard, struct weft_batch **own_batch)
{
    struct batch_processor *processor = shard->processor;
    struct weft_batch *rest = shard->pending;
    weft_assert(processor->is_flushing && rest != *own_batch);
    if (rest != NULL && weft_batch_merge(*own_batch, &rest) != WEFT_OK) {
        struct weft_error error;
        weft_fail(&error, WEFT_NOMEM, "no memory to keep a batch");
        weft_host_book(processor->consumer.host, processor->release_flow, (*own_batch)->weight);
        drop(processor, own_batch, &error);
        return;
    }
    shard->pending = *own_batch;
    *own_batch = NULL;
}

/* Without a time or without a size there is nothing to wait for. */
static bool goes_at_once(const struct batch_processor *processor)
{
    return processor->config->timeout.ns == 0 || processor->config->send_batch_size == 0;
}

static bool is_large_enough(const struct shard *shard)
{
    return shard->pending->weight >= shard->processor->config->send_batch_size;
}

/* The processor is closed while any shard holds what it could not pass on. */
static void set_kept(struct shard *shard, bool is_kept)
{
    struct batch_processor *processor = shard->processor;
    processor->kept_count += is_kept && !shard->is_kept;
    processor->kept_count -= !is_kept && shard->is_kept;
    shard->is_kept = is_kept;
    weft_consumer_set_open(&processor->consumer, processor->kept_count == 0);
}

/* How long a shard stays that collects nothing. */
static int64_t idle_ns(const struct batch_config *config)
{
    int64_t ns;
    bool is_long = __builtin_mul_overflow(config->timeout.ns, IDLE_TIMEOUTS, &ns);
    return is_long ? config->timeout.ns : ns > shortest_idle_ns ? ns : shortest_idle_ns;
}

static void flush(struct shard *shard, bool is_everything)
{
    struct batch_processor *processor = shard->processor;
    if (processor->is_flushing) {
        return;
    }
    processor->is_flushing = true;
    bool is_kept = false;
    while (shard->pending != NULL && !is_kept && (is_everything || is_large_enough(shard))) {
        struct weft_batch *batch = take_next(shard);
        is_kept = !pass_on(processor, &batch);
        if (is_kept) {
            put_back(shard, &batch);
        }
    }
    processor->is_flushing = false;
    set_kept(shard, is_kept);
    struct weft_timers *timers = processor->consumer.host->timers;
    if (shard->pending == NULL && processor->shards != NULL) {
        weft_timer_set_after(timers, &shard->timer, idle_ns(processor->config));
    } else if (shard->pending == NULL || is_kept) {
        weft_timer_cancel(timers, &shard->timer);
    } else if (!weft_timer_is_set(&shard->timer)) {
        weft_timer_set_after(timers, &shard->timer, processor->config->timeout.ns);
    }
}

/* ---- shards ---- */

static void give_up(struct shard *shard);

static void timeout_expired(void *context)
{
    struct shard *shard = context;
    weft_check_magic(shard, batch_shard);
    if (shard->pending == NULL) {
        give_up(shard);
        return;
    }
    shard->processor->timeout_triggers++;
    flush(shard, true);
}

static void shard_init(struct shard *shard, struct batch_processor *processor)
{
    weft_set_magic(shard, batch_shard);
    shard->processor = processor;
    weft_timer_init(&shard->timer, timeout_expired, shard);
}

static struct weft_budget *budget_of(const struct batch_processor *processor)
{
    return processor->consumer.host->budget;
}

static void shard_fini(struct shard *shard)
{
    weft_assert(shard->pending == NULL);
    weft_timer_cancel(shard->processor->consumer.host->timers, &shard->timer);
    weft_metadata_unref(&shard->metadata);
    weft_clear_magic(shard, batch_shard);
}

static void give_up(struct shard *shard)
{
    struct batch_processor *processor = shard->processor;
    weft_assert(processor->shards != NULL && !processor->is_flushing && !shard->is_kept);
    shard_fini(shard);
    weft_table_remove(processor->shards, shard);
}

static size_t shards_max(const struct batch_config *config)
{
    enum { TABLE_MAX = 1 << 28 };
    uint64_t limit = config->metadata_cardinality_limit;
    return limit == 0 ? MAX_SHARDS : limit < TABLE_MAX ? (size_t)limit : TABLE_MAX;
}

static struct weft_table *shards_new(const struct weft_host *host, const struct batch_config *config)
{
    return weft_table_new(&(struct weft_table_settings){ .budget = host->budget,
                                                         .secret = host->secret,
                                                         .key_bytes_max = WEFT_WIDE_HASH_BYTES,
                                                         .entry_bytes = sizeof(struct shard),
                                                         .entry_count_max = shards_max(config) });
}

static void each_combination(struct batch_processor *processor, void (*visit)(struct shard *shard, void *context),
                             void *context)
{
    uint32_t cursor = 0;
    struct shard *shard;
    while ((shard = weft_table_next(processor->shards, &cursor)) != NULL) {
        visit(shard, context);
    }
}

static void each_shard(struct batch_processor *processor, void (*visit)(struct shard *shard, void *context),
                       void *context)
{
    if (processor->shards != NULL) {
        each_combination(processor, visit, context);
    } else {
        visit(&processor->only, context);
    }
}

static enum weft_status fail_put(struct batch_processor *processor, enum weft_status status, struct weft_error *error)
{
    const char *id = processor->consumer.id;
    if (status == WEFT_LIMIT) {
        processor->combinations_refused++;
        return weft_fail(error, WEFT_INTERNAL, "%s: too many batcher metadata-value combinations", id);
    }
    return weft_fail(error, WEFT_NOMEM, "%s: no memory for another combination", id);
}

/* That of the combination in processor->combination, which may be a new one. */
static enum weft_status put_shard(struct batch_processor *processor, const struct weft_metadata *metadata,
                                  struct shard **out_shard, struct weft_error *error)
{
    uint8_t hash[WEFT_WIDE_HASH_BYTES];
    void *entry;
    bool is_new;
    weft_hash_wide(processor->consumer.host->secret, weft_buffer_slice(&processor->combination), hash);
    enum weft_status status = weft_table_put(processor->shards, weft_slice_of(hash, sizeof hash), &entry, &is_new);
    if (status != WEFT_OK) {
        return fail_put(processor, status, error);
    }
    struct shard *shard = entry;
    if (is_new) {
        shard_init(shard, processor);
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

static enum weft_status find_shard(struct batch_processor *processor, const struct weft_metadata *metadata,
                                   struct shard **out_shard, struct weft_error *error)
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

/* From here on the batch has of its metadata what the shard has. */
static void adopt_metadata(struct weft_batch *batch, struct shard *shard)
{
    struct weft_metadata *former = batch->metadata;
    batch->metadata = weft_metadata_ref(shard->metadata);
    weft_metadata_unref(&former);
}

/* ---- the consumer ---- */

static enum weft_status consume(struct weft_consumer *consumer, struct weft_batch **own_batch, struct weft_error *error)
{
    struct batch_processor *processor = processor_of(consumer);
    struct weft_batch *batch = *own_batch;
    if (!consumer->is_open || processor->is_draining) {
        return weft_fail(error, WEFT_CLOSED, "%s: %s", consumer->id,
                         processor->is_draining ? "shutting down" : "what follows is full");
    }
    weft_check_magic(batch, batch);
    weft_assert(!batch->is_lent && weft_list_is_empty(&batch->node));
    struct shard *shard = NULL;
    enum weft_status status = find_shard(processor, batch->metadata, &shard, error);
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
    bool is_at_once = goes_at_once(processor);
    if (is_at_once || is_large_enough(shard)) {
        processor->size_triggers++;
    }
    flush(shard, is_at_once);
    return WEFT_OK;
}

static void flush_all_of(struct shard *shard, void *context)
{
    (void)context;
    if (shard->processor->next->is_open) {
        flush(shard, true);
    }
}

static void on_next_changed(struct weft_consumer *consumer)
{
    struct batch_processor *processor = processor_of(consumer);
    if (processor->next->is_open && !consumer->is_open && !processor->is_flushing) {
        each_shard(processor, flush_all_of, NULL);
    }
}

static void count_pending(struct shard *shard, void *context)
{
    *(uint64_t *)context += shard->pending == NULL ? 0 : shard->pending->weight;
}

static void audit(const struct weft_consumer *consumer, uint64_t *in_out_count)
{
    each_shard(processor_of(consumer), count_pending, in_out_count);
}

struct draining {
    enum weft_drop_reason reason;
    bool is_forced;
};

static void drain_shard(struct shard *shard, void *context)
{
    const struct draining *draining = context;
    struct batch_processor *processor = shard->processor;
    flush(shard, true);
    if (draining->is_forced && shard->pending != NULL) {
        weft_consumer_drop(&processor->consumer, &shard->pending,
                           draining->reason == WEFT_DROP_RELOAD ? processor->reload_flow : processor->shutdown_flow,
                           draining->reason, NULL);
    }
}

static void drain(struct weft_consumer *consumer, enum weft_drop_reason reason, bool is_forced)
{
    struct batch_processor *processor = processor_of(consumer);
    weft_assert(reason == WEFT_DROP_SHUTDOWN || reason == WEFT_DROP_RELOAD);
    if (processor->next->is_open) {
        processor->is_draining = true;
    }
    struct draining draining = { reason, is_forced };
    each_shard(processor, drain_shard, &draining);
}

static void free_shard(struct shard *shard, void *context)
{
    (void)context;
    shard_fini(shard);
}

static void processor_free(struct weft_consumer *consumer)
{
    struct batch_processor *processor = processor_of(consumer);
    weft_assert(!processor->is_flushing);
    each_shard(processor, free_shard, NULL);
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

static weft_flow_id drop_in_flight_flow(struct batch_processor *processor, const struct weft_account *in_flight,
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
    struct batch_processor *processor = weft_alloc(sizeof *processor);
    weft_consumer_init(&processor->consumer, &batch_operations, setup->host, setup->id);
    processor->config = setup->config;
    processor->next = setup->next;
    processor->consumer.held_account = *setup->in_flight;
    processor->consumer.held_account.kind = WEFT_ACCOUNT_BUFFERED;
    processor->consumer.held_account.owner = setup->id;
    if (processor->config->metadata_keys.count > 0) {
        processor->shards = shards_new(setup->host, processor->config);
    } else {
        shard_init(&processor->only, processor);
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
    const struct batch_processor *processor = processor_of(consumer);
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
    .config_size = sizeof(struct batch_config),
    .validate = validate,
    .keeps_metadata = keeps_metadata,
    .explain = explain,
    .create_consumer = create,
    .collect = collect,
};
