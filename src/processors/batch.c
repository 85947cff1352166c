/* Processor `batch`: collects records and passes them on in larger batches, as the Collector's batchprocessor does.
 *
 * Input is merged into one pending batch; when it reaches send_batch_size, or after timeout, it goes on, cut to
 * send_batch_max_size. A flush that is refused is dropped with its reason, unless what follows is closed
 * (block_on_overflow): then it is kept, this processor closes too, and the receivers stop reading. */
#include "weft/component.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"

struct batch_config {
    struct weft_duration timeout;
    uint64_t send_batch_size;
    uint64_t send_batch_max_size;
};

struct batch_processor {
    struct weft_consumer consumer;
    const struct batch_config *config;
    struct weft_consumer *next;
    struct weft_batch *pending; /* NULL = nothing is held */
    struct weft_timer timer;
    bool is_draining;
    bool is_flushing;
    weft_flow_id buffer_flow;                /* in_flight -> buffered */
    weft_flow_id release_flow;               /* buffered -> in_flight */
    weft_flow_id refused_flow;               /* in_flight -> dropped */
    weft_flow_id full_flow;                  /* in_flight -> dropped */
    weft_flow_id shutdown_flow, reload_flow; /* buffered -> dropped */
    uint64_t size_triggers, timeout_triggers, dropped;
};

static const struct weft_field batch_fields[] = {
    WEFT_FIELD(struct batch_config, timeout, "200ms", "Pass on what is held after this time; 0 = at once."),
    WEFT_FIELD(struct batch_config, send_batch_size, "8192", "Pass on once this many records are held; 0 = at once."),
    WEFT_FIELD(struct batch_config, send_batch_max_size, "0",
               "Largest batch passed on; larger ones are split. 0 = no limit."),
    WEFT_FIELD_UNSUPPORTED("metadata_keys", "One batcher per combination of request metadata."),
    WEFT_FIELD_NO_EFFECT("metadata_cardinality_limit", "uint", "Limits the combinations of metadata_keys.",
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
    return WEFT_OK;
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
static struct weft_batch *take_next(struct batch_processor *processor)
{
    weft_assert(processor->is_flushing && processor->pending != NULL);
    struct weft_batch *batch = processor->pending;
    uint64_t max_size = processor->config->send_batch_max_size;
    struct weft_batch *head = NULL;
    if (max_size == 0 || batch->weight <= max_size || weft_batch_split(batch, max_size, 0, &head) != WEFT_OK) {
        processor->pending = NULL;
        return batch;
    }
    if (batch->part_count == 0) {
        weft_batch_end(&batch, NULL, -1);
        processor->pending = NULL;
    }
    return head;
}

/* Puts a batch that was not taken back in front of pending. Without memory for that it is dropped. */
static void put_back(struct batch_processor *processor, struct weft_batch **own_batch)
{
    struct weft_batch *rest = processor->pending;
    weft_assert(processor->is_flushing && rest != *own_batch);
    if (rest != NULL && weft_batch_merge(*own_batch, &rest) != WEFT_OK) {
        struct weft_error error;
        weft_fail(&error, WEFT_NOMEM, "no memory to keep a batch");
        weft_host_book(processor->consumer.host, processor->release_flow, (*own_batch)->weight);
        drop(processor, own_batch, &error);
        return;
    }
    processor->pending = *own_batch;
    *own_batch = NULL;
}

/* Without a time or without a size there is nothing to wait for. */
static bool goes_at_once(const struct batch_processor *processor)
{
    return processor->config->timeout.ns == 0 || processor->config->send_batch_size == 0;
}

static bool is_large_enough(const struct batch_processor *processor)
{
    return processor->pending->weight >= processor->config->send_batch_size;
}

static void flush(struct batch_processor *processor, bool is_everything)
{
    if (processor->is_flushing) {
        return;
    }
    processor->is_flushing = true;
    bool is_kept = false;
    while (processor->pending != NULL && !is_kept && (is_everything || is_large_enough(processor))) {
        struct weft_batch *batch = take_next(processor);
        is_kept = !pass_on(processor, &batch);
        if (is_kept) {
            put_back(processor, &batch);
        }
    }
    processor->is_flushing = false;
    weft_consumer_set_open(&processor->consumer, !is_kept);
    struct weft_timers *timers = processor->consumer.host->timers;
    if (processor->pending == NULL || is_kept) {
        weft_timer_cancel(timers, &processor->timer);
    } else if (!weft_timer_is_set(&processor->timer)) {
        weft_timer_set_after(timers, &processor->timer, processor->config->timeout.ns);
    }
}

static void timeout_expired(void *context)
{
    struct batch_processor *processor = processor_of(context);
    weft_assert(processor->pending != NULL);
    processor->timeout_triggers++;
    flush(processor, true);
}

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
    uint64_t weight = batch->weight;
    size_t first_part = processor->pending == NULL ? 0 : processor->pending->part_count;
    if (processor->pending == NULL) {
        processor->pending = batch;
        *own_batch = NULL;
    } else if (weft_batch_merge(processor->pending, own_batch) != WEFT_OK) {
        return weft_fail(error, WEFT_NOMEM, "%s: no memory to hold more", consumer->id);
    }
    weft_host_book(consumer->host, processor->buffer_flow, weight);
    weft_batch_hand_over(processor->pending, first_part);
    bool is_at_once = goes_at_once(processor);
    if (is_at_once || is_large_enough(processor)) {
        processor->size_triggers++;
    }
    flush(processor, is_at_once);
    return WEFT_OK;
}

static void on_next_changed(struct weft_consumer *consumer)
{
    struct batch_processor *processor = processor_of(consumer);
    if (processor->next->is_open && !consumer->is_open && !processor->is_flushing) {
        flush(processor, true);
    }
}

static void audit(const struct weft_consumer *consumer, uint64_t *in_out_count)
{
    const struct batch_processor *processor = processor_of(consumer);
    *in_out_count += processor->pending == NULL ? 0 : processor->pending->weight;
}

static void drain(struct weft_consumer *consumer, enum weft_drop_reason reason, bool is_forced)
{
    struct batch_processor *processor = processor_of(consumer);
    weft_assert(reason == WEFT_DROP_SHUTDOWN || reason == WEFT_DROP_RELOAD);
    if (processor->next->is_open) {
        processor->is_draining = true;
    }
    flush(processor, true);
    if (is_forced && processor->pending != NULL) {
        weft_consumer_drop(consumer, &processor->pending,
                           reason == WEFT_DROP_RELOAD ? processor->reload_flow : processor->shutdown_flow, reason,
                           NULL);
    }
}

static void processor_free(struct weft_consumer *consumer)
{
    struct batch_processor *processor = processor_of(consumer);
    weft_assert(processor->pending == NULL && !processor->is_flushing);
    weft_timer_cancel(consumer->host->timers, &processor->timer);
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
    weft_timer_init(&processor->timer, timeout_expired, &processor->consumer);
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
}

const struct weft_component weft_processor_batch = {
    .kind = WEFT_PROCESSOR,
    .type = "batch",
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_METRICS | WEFT_SIGNAL_BIT_LOGS,
    .help = "Collects records and passes them on in larger batches.",
    .fields = batch_fields,
    .config_size = sizeof(struct batch_config),
    .validate = validate,
    .create_consumer = create,
    .collect = collect,
};
