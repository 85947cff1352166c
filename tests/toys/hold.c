/* Toy stage `hold`: keeps every span and log record for `wait`, then passes it on; the smallest component that holds
 * records across workers, pipelines and reloads (CONTRIBUTING.md, "A stage"). The owner of a record is decided by its
 * trace id.
 *
 * What a call brings becomes one copy of the batch's records that are this worker's, in a queue by time: `wait` is the
 * same for all. */
#include "weft/component.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "join/question.h"
#include "pipeline/loan.h"
#include "wire/protobuf.h"

struct hold_config {
    struct weft_duration wait;
    uint64_t max_records;
};

/* One call's records, on their way through time. */
struct held {
    struct weft_list node;
    struct weft_stage_outlet *outlet;
    struct weft_batch *batch;
    struct weft_monotonic came;
};

struct hold_stage {
    struct weft_stage stage;
    const struct hold_config *config;
    struct weft_list queue; /* of struct held, oldest first */
    uint64_t record_count;
    bool is_releasing;
    struct weft_timer timer;
};

struct hold_outlet {
    struct weft_stage_outlet outlet;
    weft_flow_id full_flow, refused_flow, shutdown_flow, reload_flow; /* held -> dropped */
};

static const struct weft_field hold_fields[] = {
    WEFT_FIELD(struct hold_config, wait, "1s", "Passes records on after this time."),
    WEFT_FIELD(struct hold_config, max_records, "10000", "Takes no more with so many held on a worker."),
    WEFT_FIELDS_END,
};

static void stage_free(struct weft_stage *stage);

/* By what no test that watches the others replaces. */
static struct hold_stage *stage_of(const struct weft_stage *stage)
{
    weft_assert(stage->operations->free == stage_free);
    return WEFT_CONTAINER_OF(stage, struct hold_stage, stage);
}

static struct hold_outlet *outlet_of(struct weft_stage_outlet *outlet)
{
    weft_check_magic(outlet, stage_outlet);
    weft_assert(outlet->stage->operations->free == stage_free);
    return WEFT_CONTAINER_OF(outlet, struct hold_outlet, outlet);
}

/* ---- in ---- */

/* Trace ids are field 1 of a Span and field 9 of a LogRecord; a record without one is worker 0's. */
static uint32_t owner_of(const struct weft_stage *stage, enum weft_signal signal, struct weft_slice record)
{
    struct weft_wire_reader reader = weft_wire_reader_of(record);
    struct weft_wire_field field;
    bool has_field = true;
    uint32_t wanted = signal == WEFT_TRACES ? 1 : 9;
    while (weft_wire_next(&reader, &field, &has_field, NULL) == WEFT_OK && has_field) {
        if (field.number == wanted && field.bytes.length == 16) {
            return field.bytes.bytes[8] % stage->host->worker_count;
        }
    }
    return 0;
}

static void note_fullness(struct hold_stage *hold)
{
    weft_stage_set_open(&hold->stage, hold->record_count < hold->config->max_records);
}

static void take(struct weft_stage *stage, struct weft_stage_outlet *outlet, const struct weft_batch *batch,
                 const struct weft_selection *records, struct weft_selection *out_dropped)
{
    struct hold_stage *hold = stage_of(stage);
    struct held *held = weft_try_alloc(sizeof *held);
    if (held == NULL || weft_batch_copy(batch, records, stage->host->pool, &held->batch) != WEFT_OK) {
        weft_free(held);
        weft_host_drop_selected(stage->host, outlet_of(outlet)->full_flow, batch, records,
                                weft_selection_count(records, 0, records->count));
        memcpy(out_dropped->words, records->words, records->capacity * sizeof *records->words);
        return;
    }
    held->outlet = outlet;
    held->came = weft_timers_now(stage->host->timers);
    weft_list_push_back(&hold->queue, &held->node);
    hold->record_count += held->batch->weight;
    note_fullness(hold);
    if (!weft_timer_is_set(&hold->timer)) {
        weft_timer_set_after(stage->host->timers, &hold->timer, hold->config->wait.ns);
    }
}

static const struct weft_share_operations share_operations = { .owner_of = owner_of, .take = take };

static enum weft_status consume(struct weft_stage *stage, struct weft_stage_outlet *outlet,
                                struct weft_batch **own_batch, struct weft_error *error)
{
    (void)stage;
    return weft_share_out(outlet, &share_operations, own_batch, error);
}

/* ---- out ---- */

static void forget(struct hold_stage *hold, struct held *held, uint64_t weight)
{
    hold->record_count -= weight;
    weft_list_remove(&held->node);
    weft_free(held);
}

static void drop(struct hold_stage *hold, struct held *held, weft_flow_id flow)
{
    uint64_t weight = held->batch->weight;
    weft_host_drop(hold->stage.host, flow, held->batch);
    weft_batch_end(&held->batch, NULL, -1); /* its tickets were settled when it was taken */
    forget(hold, held, weight);
}

/* False if it has to stay. */
static bool let_go(struct hold_stage *hold, struct held *held)
{
    uint64_t weight = held->batch->weight;
    if (!weft_stage_outlet_is_next_open(held->outlet)) {
        weft_stage_outlet_set_blocked(held->outlet, true);
        return false;
    }
    enum weft_status status = weft_stage_outlet_pass_on(held->outlet, &held->batch, NULL);
    if (status == WEFT_OK) {
        forget(hold, held, weight);
    } else if (status == WEFT_CLOSED && !weft_stage_outlet_is_next_open(held->outlet)) {
        weft_stage_outlet_set_blocked(held->outlet, true);
        return false;
    } else {
        drop(hold, held, outlet_of(held->outlet)->refused_flow);
    }
    return true;
}

/* Lets go of what has come before `until`; of one outlet, or of all (NULL). While it passes something on what follows
 * may close and open, which leads here again: the queue is walked by one at a time, and wait_for_next comes back to
 * what was left. */
static void release(struct hold_stage *hold, const struct weft_stage_outlet *outlet, struct weft_monotonic until)
{
    if (hold->is_releasing) {
        return;
    }
    hold->is_releasing = true;
    struct weft_list *next = NULL;
    for (struct weft_list *node = hold->queue.next; node != &hold->queue; node = next) {
        struct held *held = WEFT_CONTAINER_OF(node, struct held, node);
        next = node->next;
        if (held->came.ns > until.ns) {
            break;
        }
        if (outlet == NULL || held->outlet == outlet) {
            (void)let_go(hold, held);
        }
    }
    hold->is_releasing = false;
    note_fullness(hold);
}

/* The oldest may be stuck behind a closed pipeline: then its outlet wakes us, and the others go on by the clock. */
static void wait_for_next(struct hold_stage *hold)
{
    struct weft_timers *timers = hold->stage.host->timers;
    WEFT_LIST_EACH(node, &hold->queue)
    {
        struct held *held = WEFT_CONTAINER_OF(node, struct held, node);
        if (!held->outlet->is_blocked) {
            struct weft_monotonic due = weft_monotonic_after(held->came, hold->config->wait.ns);
            weft_timer_set_at(timers, &hold->timer, due);
            return;
        }
    }
    weft_timer_cancel(timers, &hold->timer);
}

static void release_due(void *context)
{
    struct hold_stage *hold = context;
    struct weft_monotonic now = weft_timers_now(hold->stage.host->timers);
    release(hold, NULL, weft_monotonic_after(now, -hold->config->wait.ns));
    wait_for_next(hold);
}

static void on_next_changed(struct weft_stage *stage, struct weft_stage_outlet *outlet)
{
    struct hold_stage *hold = stage_of(stage);
    if (outlet->is_blocked && weft_stage_outlet_is_next_open(outlet)) {
        weft_stage_outlet_set_blocked(outlet, false);
        release_due(hold);
    }
}

/* ---- the rest of the contract ---- */

static void audit(const struct weft_stage *stage, struct weft_audit *lines)
{
    const struct hold_stage *hold = stage_of(stage);
    WEFT_LIST_EACH(node, &stage->outlets)
    {
        const struct weft_stage_outlet *outlet = WEFT_CONTAINER_OF(node, struct weft_stage_outlet, node);
        weft_audit_add(lines, &outlet->held, 0);
    }
    WEFT_LIST_EACH(node, &hold->queue)
    {
        const struct held *held = WEFT_CONTAINER_OF(node, struct held, node);
        weft_audit_add(lines, &held->outlet->held, held->batch->weight);
    }
}

static void drain(struct weft_stage *stage, struct weft_stage_outlet *outlet, enum weft_drop_reason reason,
                  bool is_forced)
{
    struct hold_stage *hold = stage_of(stage);
    const struct hold_outlet *flows = outlet_of(outlet);
    release(hold, outlet, (struct weft_monotonic){ INT64_MAX });
    struct weft_list *next = NULL;
    for (struct weft_list *node = hold->queue.next; is_forced && node != &hold->queue; node = next) {
        struct held *held = WEFT_CONTAINER_OF(node, struct held, node);
        next = node->next;
        if (held->outlet == outlet) {
            drop(hold, held, reason == WEFT_DROP_RELOAD ? flows->reload_flow : flows->shutdown_flow);
        }
    }
    note_fullness(hold);
    wait_for_next(hold);
}

static void update(struct weft_stage *stage, const void *config, void *shared)
{
    (void)shared;
    struct hold_stage *hold = stage_of(stage);
    hold->config = config;
    note_fullness(hold);
    wait_for_next(hold);
}

static void outlet_init(struct weft_stage_outlet *outlet)
{
    struct hold_outlet *flows = outlet_of(outlet);
    flows->full_flow = weft_stage_outlet_drop_flow(outlet, &outlet->held, WEFT_DROP_OUT_OF_MEMORY);
    flows->refused_flow = weft_stage_outlet_drop_flow(outlet, &outlet->held, WEFT_DROP_REFUSED_DOWNSTREAM);
    flows->shutdown_flow = weft_stage_outlet_drop_flow(outlet, &outlet->held, WEFT_DROP_SHUTDOWN);
    flows->reload_flow = weft_stage_outlet_drop_flow(outlet, &outlet->held, WEFT_DROP_RELOAD);
}

static void stage_free(struct weft_stage *stage)
{
    struct hold_stage *hold = stage_of(stage);
    weft_assert(weft_list_is_empty(&hold->queue));
    weft_timer_cancel(stage->host->timers, &hold->timer);
    weft_stage_fini(stage);
    weft_free(hold);
}

static const struct weft_stage_operations hold_operations = {
    .consume = consume,
    .on_next_changed = on_next_changed,
    .audit = audit,
    .drain = drain,
    .update = update,
    .free = stage_free,
    .outlet_size_bytes = sizeof(struct hold_outlet),
    .outlet_init = outlet_init,
};

static enum weft_status create_stage(const struct weft_instance_setup *setup, struct weft_stage **out_stage,
                                     struct weft_error *error)
{
    (void)error;
    struct hold_stage *hold = weft_alloc(sizeof *hold);
    weft_stage_init(&hold->stage, &hold_operations, setup->host, setup->stage);
    hold->config = setup->config;
    weft_list_init(&hold->queue);
    weft_timer_init(&hold->timer, release_due, hold);
    *out_stage = &hold->stage;
    return WEFT_OK;
}

static void collect_stage(const struct weft_stage *stage, struct weft_samples *samples)
{
    weft_samples_add(samples, "weft_processor_hold_records", "Records held", WEFT_SAMPLE_GAUGE,
                     (double)stage_of(stage)->record_count, WEFT_LABELS({ "processor", stage->identity->id }));
}

/* ---- questions ---- */

static bool is_of(struct weft_slice record, enum weft_signal signal, const struct weft_trace_question *question)
{
    struct weft_wire_reader reader = weft_wire_reader_of(record);
    struct weft_wire_field field;
    bool has_field = true;
    while (weft_wire_next(&reader, &field, &has_field, NULL) == WEFT_OK && has_field) {
        if (field.number == (signal == WEFT_TRACES ? 1 : 9) && field.bytes.length == sizeof question->trace_id) {
            return memcmp(field.bytes.bytes, question->trace_id, sizeof question->trace_id) == 0;
        }
    }
    return false;
}

/* It judges nothing, but it can say what it holds. */
static void ask(const struct weft_stage *stage, struct weft_question *base)
{
    weft_assert(base->kind == WEFT_QUESTION_TRACE);
    struct weft_trace_lookup *lookup = WEFT_CONTAINER_OF(base, struct weft_trace_lookup, base);
    const struct weft_trace_question *question = &lookup->question;
    struct weft_trace_answer *answer = &lookup->answer;
    uint64_t count = 0;
    WEFT_LIST_EACH(node, &stage_of(stage)->queue)
    {
        const struct weft_batch *batch = WEFT_CONTAINER_OF(node, struct held, node)->batch;
        struct weft_batch_cursor cursor = weft_batch_records(batch);
        struct weft_slice record;
        while (weft_batch_next_record(&cursor, &record)) {
            count += is_of(record, batch->signal, question);
        }
    }
    if (count > 0 && answer->knowledge < WEFT_TRACE_HELD) {
        answer->knowledge = WEFT_TRACE_HELD;
        weft_buffer_clear(&answer->json);
        weft_buffer_append_format(&answer->json, "\"spans\":%llu", (unsigned long long)count);
    }
}

const struct weft_component weft_processor_hold = {
    .kind = WEFT_PROCESSOR,
    .type = "hold",
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_LOGS,
    .help = "Keeps records for a while.",
    .fields = hold_fields,
    .config_size = sizeof(struct hold_config),
    .create_stage = create_stage,
    .collect_stage = collect_stage,
    .answers = WEFT_QUESTION_BIT_TRACE,
    .ask = ask,
};
