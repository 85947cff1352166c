/* Processor `filter`: drops what conditions in OTTL are true of, as the Collector's filterprocessor does: resources,
 * scopes, spans, span events, metrics, data points, log records. What has nothing left in it is dropped, too.
 *
 * A batch is looked at as it lies; only if something of it goes it is edited (pipeline/edit), as a whole or not at all.
 * One that takes long is kept, and goes on in later ticks (pipeline/slow_edit).
 * Records and data points are booked dropped(filtered), by condition and service; span events are part of their span
 * and counted apart. */
#include "weft/component.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "pipeline/slow_edit.h"
#include "processors/filter_divide.h"
#include "processors/metric_unite.h"

struct filter_processor {
    struct weft_consumer consumer;
    struct weft_consumer *next;
    struct weft_slow_edit slow;
    enum weft_signal signal;
    weft_flow_id drop_flow; /* in_flight -> dropped(filtered) */
    struct weft_filter_look look;
    struct weft_selection dropped; /* of one batch that is divided; kept for its memory */
    uint64_t event_count;          /* that are gone for good */
};

static enum weft_status validate(const void *untyped, struct weft_error *error)
{
    struct weft_filter_rules *rules = NULL;
    enum weft_status status = weft_filter_rules_new(untyped, NULL, &rules, error);
    weft_filter_rules_free(&rules);
    return status;
}

static enum weft_status tell_errors(const void *config, const struct weft_node *node, struct weft_config_notes *notes)
{
    struct weft_filter_rules *rules = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    (void)node;
    enum weft_status status = config == NULL ? WEFT_OK : weft_filter_rules_new(config, notes, &rules, &error);
    weft_filter_rules_free(&rules);
    return status == WEFT_NOMEM ? status : WEFT_OK;
}

static enum weft_status share_rules(const void *config, const char *id, struct weft_budget *budget, void **out_shared,
                                    struct weft_error *error)
{
    (void)id;
    (void)budget;
    struct weft_filter_rules *rules = NULL;
    enum weft_status status = weft_filter_rules_new(config, NULL, &rules, error);
    if (status == WEFT_OK) {
        *out_shared = rules;
    }
    return status;
}

static void unshare_rules(void *shared)
{
    struct weft_filter_rules *rules = shared;
    weft_filter_rules_free(&rules);
}

/* ---- batches ---- */

static const struct weft_consumer_operations filter_operations;

static struct filter_processor *processor_of(const struct weft_consumer *consumer)
{
    weft_assert(consumer->operations == &filter_operations);
    return WEFT_CONTAINER_OF(consumer, struct filter_processor, consumer);
}

static const struct weft_filter_condition *condition_at(const struct filter_processor *filter, uint32_t index)
{
    const struct weft_filter_signal_rules *rules = filter->look.rules;
    for (size_t i = 0; i < rules->count; i++) {
        for (size_t j = 0; j < WEFT_COUNT_OF(rules->groups[i].lists); j++) {
            const struct weft_filter_list *list = &rules->groups[i].lists[j];
            for (size_t k = 0; k < list->count; k++) {
                if (list->items[k].index == index) {
                    return &list->items[k];
                }
            }
        }
    }
    weft_assert(!"condition");
}

/* By condition and service; what the notes do not know of, which would be a mistake, by none. */
static void book_gone(struct weft_consumer *consumer, struct weft_batch **own_removed)
{
    struct filter_processor *filter = processor_of(consumer);
    struct weft_host *host = consumer->host;
    filter->event_count += filter->look.event_count;
    if (*own_removed == NULL) { /* nothing but events went, which are part of their span */
        return;
    }
    uint64_t left = (*own_removed)->weight;
    for (size_t i = 0; i < filter->look.note_count; i++) {
        const struct weft_filter_note *note = &filter->look.notes[i];
        uint64_t count = note->count < left ? note->count : left;
        left -= count;
        weft_host_drop_records(host, filter->drop_flow, condition_at(filter, note->condition)->name, note->service,
                               count);
    }
    if (left > 0) {
        weft_host_drop_records(host, filter->drop_flow, WEFT_SLICE_EMPTY, WEFT_SLICE_EMPTY, left);
    }
    weft_batch_end(own_removed, NULL, -1);
}

static enum weft_status remove_dropped(struct filter_processor *filter, struct weft_edit *edit,
                                       struct weft_error *error)
{
    struct weft_filter_look *look = &filter->look;
    const struct weft_selection *dropped = &look->dropped;
    if (weft_selection_count(&look->divided, 0, look->divided.count) > 0) {
        enum weft_status status = weft_filter_divide(look, edit, &filter->dropped, error);
        if (status != WEFT_OK) {
            return status;
        }
        dropped = &filter->dropped;
    }
    return weft_edit_remove(edit, dropped);
}

static bool has_pieces(const struct weft_batch *batch)
{
    struct weft_batch_cursor cursor = weft_batch_records(batch);
    struct weft_slice record;
    bool is_in_pieces = false;
    while (!is_in_pieces && weft_batch_next_record(&cursor, &record)) {
        is_in_pieces = weft_metric_is_in_pieces(record);
    }
    return is_in_pieces;
}

/* What is looked at: the batch as it lies, unless data of its metrics is in pieces, which hardly ever is. */
static enum weft_status prepare(const struct filter_processor *filter, struct weft_edit *edit,
                                const struct weft_batch **out_batch)
{
    *out_batch = edit->before;
    if (filter->signal != WEFT_METRICS || !has_pieces(edit->before)) {
        return WEFT_OK;
    }
    enum weft_status status = weft_edit_open(edit);
    *out_batch = edit->batch;
    for (size_t i = 0; status == WEFT_OK && i < edit->batch->part_count; i++) {
        status = weft_metric_unite(&edit->batch->parts[i].table, edit->batch->parts[i].arena);
    }
    return status;
}

static enum weft_status filter_batch(struct weft_consumer *consumer, struct weft_edit *edit, struct weft_error *error)
{
    struct filter_processor *filter = processor_of(consumer);
    struct weft_filter_look *look = &filter->look;
    const struct weft_batch *batch;
    enum weft_status status = prepare(filter, edit, &batch);
    if (status == WEFT_OK) {
        status = weft_filter_look_at(look, batch, error);
    }
    if (status != WEFT_OK) {
        return status;
    }
    bool is_touched = weft_selection_count(&look->dropped, 0, look->dropped.count) > 0 ||
                      weft_selection_count(&look->divided, 0, look->divided.count) > 0;
    return is_touched ? remove_dropped(filter, edit, error) : WEFT_OK;
}

static const struct weft_slow_edit_operations filter_edits = { .edit = filter_batch, .book_gone = book_gone };

static enum weft_status consume(struct weft_consumer *consumer, struct weft_batch **own_batch, struct weft_error *error)
{
    return weft_slow_edit_consume(&processor_of(consumer)->slow, own_batch, true, error);
}

static void on_next_changed(struct weft_consumer *consumer)
{
    weft_slow_edit_next_changed(&processor_of(consumer)->slow);
}

static void audit(const struct weft_consumer *consumer, uint64_t *in_out_count)
{
    weft_slow_edit_audit(&processor_of(consumer)->slow, in_out_count);
}

static void drain(struct weft_consumer *consumer, enum weft_drop_reason reason, bool is_forced)
{
    weft_slow_edit_drain(&processor_of(consumer)->slow, reason, is_forced);
}

static void processor_free(struct weft_consumer *consumer)
{
    struct filter_processor *filter = processor_of(consumer);
    weft_slow_edit_fini(&filter->slow);
    weft_filter_look_fini(&filter->look);
    weft_selection_fini(&filter->dropped);
    weft_consumer_fini(consumer);
    weft_free(filter);
}

static void collect(const struct weft_consumer *consumer, struct weft_samples *samples)
{
    const struct filter_processor *filter = processor_of(consumer);
    const struct weft_sample_label *labels =
        WEFT_LABELS({ "processor", consumer->id }, { "signal", weft_signal_name(filter->signal) });
    weft_samples_add(samples, "weft_filter_failed_conditions", "Conditions that failed when they were asked",
                     WEFT_SAMPLE_COUNTER, (double)filter->look.error_count, labels);
    weft_samples_add(samples, "weft_filter_limits_met",
                     "Conditions that failed since they met a limit of work: max_steps, or that of a pattern",
                     WEFT_SAMPLE_COUNTER, (double)filter->look.run.limits_met, labels);
    weft_samples_add(samples, "weft_filter_put_off_batches", "Batches that took more than a turn of the loop",
                     WEFT_SAMPLE_COUNTER, (double)filter->slow.put_off_count, labels);
    if (filter->signal == WEFT_TRACES) {
        weft_samples_add(samples, "weft_filter_dropped_events", "Span events that were dropped from spans that stay",
                         WEFT_SAMPLE_COUNTER, (double)filter->event_count, labels);
    }
}

static const struct weft_consumer_operations filter_operations = {
    .consume = consume,
    .on_next_changed = on_next_changed,
    .audit = audit,
    .drain = drain,
    .free = processor_free,
};

static enum weft_status create(const struct weft_instance_setup *setup, struct weft_consumer **out_consumer,
                               struct weft_error *error)
{
    const struct weft_filter_rules *rules = setup->shared;
    struct filter_processor *filter = weft_alloc(sizeof *filter);
    weft_consumer_init(&filter->consumer, &filter_operations, setup->host, setup->id);
    filter->next = setup->next;
    filter->signal = setup->signal;
    struct weft_account dropped = *setup->in_flight;
    dropped.kind = WEFT_ACCOUNT_DROPPED;
    dropped.owner = setup->id;
    dropped.reason = WEFT_DROP_FILTERED;
    filter->drop_flow = weft_ledger_flow(setup->host->ledger, setup->in_flight, &dropped);
    enum weft_status status =
        weft_filter_look_init(&filter->look, &rules->signals[setup->signal], setup->signal, setup->id, error);
    status = status == WEFT_OK ? weft_slow_edit_init(&filter->slow, &filter->consumer, setup->next, setup->in_flight,
                                                     &filter_edits, error)
                               : status;
    if (status != WEFT_OK) {
        processor_free(&filter->consumer);
        return status;
    }
    filter->look.is_given_up = &filter->slow.is_given_up;
    weft_consumer_connect(&filter->consumer, &filter->next, 1);
    weft_slow_edit_next_changed(&filter->slow);
    *out_consumer = &filter->consumer;
    return WEFT_OK;
}

const struct weft_component weft_processor_filter = {
    .kind = WEFT_PROCESSOR,
    .type = "filter",
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_METRICS | WEFT_SIGNAL_BIT_LOGS,
    .help = "Drops what conditions in OTTL are true of.",
    .fields = weft_filter_fields,
    .config_size = sizeof(struct weft_filter_config),
    .validate = validate,
    .tell_errors = tell_errors,
    .share = share_rules,
    .unshare = unshare_rules,
    .create_consumer = create,
    .collect = collect,
};
