/* Processor `transform`: statements in OTTL change spans, span events, log records, metrics, data points, scopes and
 * resources, as the Collector's transformprocessor does: group by group, each over all records.
 *
 * A batch is edited as a whole or not at all (pipeline/edit); one that takes long is kept, and goes on in later ticks
 * (pipeline/slow_edit). A record in which nothing changes leaves as the bytes that came in, and so do all fields of one
 * that no statement wrote. */
#include "weft/component.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "pipeline/slow_edit.h"
#include "processors/transform_run.h"

struct transform_processor {
    struct weft_consumer consumer;
    struct weft_consumer *next;
    struct weft_slow_edit slow;
    enum weft_signal signal;
    struct weft_transform_runner runner;
    /* only where statements change how many data points there are: */
    weft_flow_id copied_flow;   /* copied -> in_flight: points that statements make */
    weft_flow_id uncopied_flow; /* in_flight -> uncopied: of a batch that was refused */
    weft_flow_id drop_flow;     /* in_flight -> dropped(aggregated) */
};

static const struct weft_field transform_fields[] = {
    WEFT_FIELD_CHOICE(struct weft_transform_config, error_mode, weft_transform_error_modes, "ignore",
                      "What a statement that fails on a record does: ignore, silent (ignore without a line in the "
                      "log), or propagate, which refuses the batch."),
    WEFT_FIELD(struct weft_transform_config, trace_statements, NULL,
               "Statements for traces; or blocks of context, conditions, statements and error_mode."),
    WEFT_FIELD(struct weft_transform_config, metric_statements, NULL, "The same for metrics."),
    WEFT_FIELD(struct weft_transform_config, log_statements, NULL, "The same for logs."),
    WEFT_FIELD_UNSUPPORTED("profile_statements", "Statements for profiles."),
    WEFT_FIELD(struct weft_transform_config, flatten_data, "false",
               "Gives each log record a resource and a scope of its own while statements run; those that are the same "
               "afterwards are one again."),
    WEFT_FIELD(
        struct weft_transform_config, max_steps, "20000000",
        "weft's own: what a statement may take on one record: steps of about a nanosecond, and half as many again "
        "in bytes of memory. A longer one fails.",
        .minimum = 100000, .maximum = 100000000),
    WEFT_FIELDS_END,
};

static enum weft_status validate(const void *untyped, struct weft_error *error)
{
    struct weft_transform_rules *rules = NULL;
    enum weft_status status = weft_transform_rules_new(untyped, NULL, &rules, error);
    weft_transform_rules_free(&rules);
    return status;
}

/* All errors of statements, or what those without one will do on each record. */
static enum weft_status advise(const void *config, const struct weft_node *node, struct weft_config_notes *notes)
{
    struct weft_transform_rules *rules = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    (void)node;
    enum weft_status status = config == NULL ? WEFT_OK : weft_transform_rules_new(config, notes, &rules, &error);
    weft_transform_rules_free(&rules);
    return status == WEFT_NOMEM ? status : WEFT_OK;
}

static enum weft_status share_rules(const void *config, const char *id, struct weft_budget *budget, void **out_shared,
                                    struct weft_error *error)
{
    (void)id;
    (void)budget;
    struct weft_transform_rules *rules = NULL;
    enum weft_status status = weft_transform_rules_new(config, NULL, &rules, error);
    if (status == WEFT_OK) {
        *out_shared = rules;
    }
    return status;
}

static void unshare_rules(void *shared)
{
    struct weft_transform_rules *rules = shared;
    weft_transform_rules_free(&rules);
}

/* ---- batches ---- */

static const struct weft_consumer_operations transform_operations;

static struct transform_processor *processor_of(const struct weft_consumer *consumer)
{
    weft_assert(consumer->operations == &transform_operations);
    return WEFT_CONTAINER_OF(consumer, struct transform_processor, consumer);
}

static enum weft_status edit_batch(struct weft_consumer *consumer, struct weft_edit *edit, struct weft_error *error)
{
    struct weft_transform_runner *runner = &processor_of(consumer)->runner;
    bool may_visit = weft_transform_may_visit(runner->rules, edit->before->signal);
    enum weft_status status = may_visit ? weft_edit_copy(edit) : weft_edit_open(edit);
    weft_transform_runner_clear(runner);
    for (size_t i = 0; status == WEFT_OK && i < edit->batch->part_count; i++) {
        status = weft_transform_apply_part(runner, edit->batch, i, error);
    }
    if (runner->is_changed) {
        weft_edit_note_change(edit);
    }
    return status == WEFT_OK || status == WEFT_NOMEM || status == WEFT_CLOSED
               ? status
               : weft_fail_prefix(error, "%s", consumer->id);
}

/* ---- data points that came and went ---- */

static void book_made(struct weft_consumer *consumer, struct weft_edit *edit)
{
    struct transform_processor *processor = processor_of(consumer);
    weft_edit_reweigh(edit);
    if (processor->runner.made.point_count > 0) {
        weft_host_book(consumer->host, processor->copied_flow, processor->runner.made.point_count);
    }
}

static void book_unmade(struct weft_consumer *consumer)
{
    struct transform_processor *processor = processor_of(consumer);
    if (processor->runner.made.point_count > 0) {
        weft_host_book(consumer->host, processor->uncopied_flow, processor->runner.made.point_count);
    }
}

/* Those that were put together with others, by service. */
static void book_gone(struct weft_consumer *consumer, struct weft_batch **own_removed)
{
    struct transform_processor *processor = processor_of(consumer);
    const struct weft_transform_made *made = &processor->runner.made;
    const struct weft_transform_gone *gone = (const struct weft_transform_gone *)(const void *)made->gone.bytes;
    const uint8_t *name = made->services.bytes;
    weft_assert(*own_removed == NULL);
    for (size_t i = 0; i < made->gone.length / sizeof *gone; i++) {
        weft_host_drop_records(consumer->host, processor->drop_flow, WEFT_SLICE_EMPTY,
                               weft_slice_of(name, gone[i].service_bytes), gone[i].count);
        name += gone[i].service_bytes;
    }
}

static const struct weft_slow_edit_operations transform_edits = { .edit = edit_batch };
static const struct weft_slow_edit_operations counted_edits = {
    .edit = edit_batch, .book_made = book_made, .book_unmade = book_unmade, .book_gone = book_gone
};

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
    struct transform_processor *processor = processor_of(consumer);
    weft_slow_edit_fini(&processor->slow);
    weft_transform_runner_fini(&processor->runner);
    weft_consumer_fini(consumer);
    weft_free(processor);
}

static void collect(const struct weft_consumer *consumer, struct weft_samples *samples)
{
    const struct transform_processor *processor = processor_of(consumer);
    const struct weft_sample_label *labels =
        WEFT_LABELS({ "processor", consumer->id }, { "signal", weft_signal_name(processor->signal) });
    weft_samples_add(samples, "weft_transform_errors", "Statements and conditions that failed on a record",
                     WEFT_SAMPLE_COUNTER, (double)processor->runner.errors, labels);
    weft_samples_add(samples, "weft_transform_limits_met",
                     "Statements that failed since they met a limit of work: max_steps, or that of a pattern",
                     WEFT_SAMPLE_COUNTER, (double)processor->runner.run.limits_met, labels);
    weft_samples_add(samples, "weft_transform_put_off_batches", "Batches that took more than a turn of the loop",
                     WEFT_SAMPLE_COUNTER, (double)processor->slow.put_off_count, labels);
}

static const struct weft_consumer_operations transform_operations = {
    .consume = consume,
    .on_next_changed = on_next_changed,
    .audit = audit,
    .drain = drain,
    .free = processor_free,
};

static void register_flows(struct transform_processor *processor, const struct weft_instance_setup *setup)
{
    struct weft_ledger *ledger = setup->host->ledger;
    struct weft_account account = *setup->in_flight;
    account.owner = setup->id;
    account.kind = WEFT_ACCOUNT_COPIED;
    processor->copied_flow = weft_ledger_flow(ledger, &account, setup->in_flight);
    account.kind = WEFT_ACCOUNT_UNCOPIED;
    processor->uncopied_flow = weft_ledger_flow(ledger, setup->in_flight, &account);
    account.kind = WEFT_ACCOUNT_DROPPED;
    account.reason = WEFT_DROP_AGGREGATED;
    processor->drop_flow = weft_ledger_flow(ledger, setup->in_flight, &account);
}

static enum weft_status create(const struct weft_instance_setup *setup, struct weft_consumer **out_consumer,
                               struct weft_error *error)
{
    weft_assert(setup->next != NULL && setup->next->host == setup->host);
    struct transform_processor *processor = weft_alloc(sizeof *processor);
    weft_consumer_init(&processor->consumer, &transform_operations, setup->host, setup->id);
    processor->next = setup->next;
    processor->signal = setup->signal;
    bool changes_count = weft_transform_rules_change_count(setup->shared, setup->signal);
    enum weft_status status = weft_transform_runner_init(&processor->runner, setup->shared, setup->id, error);
    status = status == WEFT_OK
                 ? weft_slow_edit_init(&processor->slow, &processor->consumer, setup->next, setup->in_flight,
                                       changes_count ? &counted_edits : &transform_edits, error)
                 : status;
    if (status != WEFT_OK) {
        processor_free(&processor->consumer);
        return status;
    }
    if (changes_count) {
        register_flows(processor, setup);
    }
    processor->runner.is_given_up = &processor->slow.is_given_up;
    weft_consumer_connect(&processor->consumer, &processor->next, 1);
    weft_slow_edit_next_changed(&processor->slow);
    *out_consumer = &processor->consumer;
    return WEFT_OK;
}

const struct weft_component weft_processor_transform = {
    .kind = WEFT_PROCESSOR,
    .type = "transform",
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_METRICS | WEFT_SIGNAL_BIT_LOGS,
    .help = "Changes records as statements in OTTL say.",
    .fields = transform_fields,
    .config_size = sizeof(struct weft_transform_config),
    .validate = validate,
    .tell_errors = advise,
    .advise = advise,
    .share = share_rules,
    .unshare = unshare_rules,
    .create_consumer = create,
    .collect = collect,
};
