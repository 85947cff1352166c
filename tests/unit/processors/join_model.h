#pragma once

#include "join_policies.h"
#include "pipeline/loan.h"

/* The model of the join, written from the sentences of its semantics alone: traces and logs by arrival, what becomes of
 * each record and from when on. It holds no bytes, decides by its own policies, and sees what comes out.
 *
 *   a trace waits decision_wait from its first span on, or decision_wait_after_root_received from its root on;
 *   log lines whose trace has no span wait decision_wait from the first of them on, and the first span takes them over;
 *   a log line without an id is passed or dropped at once, one without a span at its end, without a verdict;
 *   late records follow the verdict;
 *   new rules go for what is held; a drain decides now. */
enum { MODEL_RECORDS = 1200, MODEL_TRACES = 24, MODEL_OFFERS = 400, MODEL_SLACK_MS = 6 };

enum model_fate { FATE_UNDER_WAY, FATE_HELD, FATE_OUT, FATE_DROPPED };

struct model_record {
    struct join_record record;
    struct weft_buffer bytes;
    size_t trace; /* MODEL_TRACES = none */
    uint32_t owner;
    size_t offer;
    int64_t arrived_ns, due_ns;
    enum model_fate fate;
    enum weft_drop_reason reason;
    bool has_come;
};

struct model_trace {
    uint8_t id[16];
    bool has_span, has_root, is_decided, is_kept;
    int policy;
    int64_t first_span_ns, root_ns;
    unsigned pipelines; /* bits: what it has records in */
    size_t records[MODEL_RECORDS];
    size_t record_count;
};

struct model_offer {
    struct weft_ticket ticket;
    size_t first, count;
    uint32_t away; /* loans */
    unsigned settled;
    enum weft_status status;
};

struct model_rules {
    struct model_policies policies;
    int64_t wait_ns, root_wait_ns;
    bool drops_logs_without_spans, drops_logs_without_trace_id, drops_pending;
};

struct model {
    struct model_rules rules;
    struct model_record records[MODEL_RECORDS];
    size_t record_count;
    struct model_trace traces[MODEL_TRACES];
    struct model_offer offers[MODEL_OFFERS];
    size_t offer_count;
    bool is_shut[JOIN_WORKERS][JOIN_PIPELINES];
    int64_t opened_ns[JOIN_WORKERS][JOIN_PIPELINES];
};

static struct model *model;
static uint64_t model_seed;

#define MODEL_EXPECT(condition, ...)                                                                                   \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            char text_[400];                                                                                           \
            snprintf(text_, sizeof text_, __VA_ARGS__);                                                                \
            ck_abort_msg("seed %llu at %.3f ms: %s", (unsigned long long)model_seed, (double)join_now() / 1e6, text_); \
        }                                                                                                              \
    } while (0)

extern const struct weft_share_operations weft_join_share_operations;

/* ---- what becomes of records ---- */

static inline void model_set_fate(struct model_record *record, enum model_fate fate, enum weft_drop_reason reason,
                                  int64_t at_ns)
{
    record->fate = fate;
    record->reason = reason;
    record->due_ns = at_ns;
}

static inline void model_pass_or_drop(struct model_record *record, bool is_dropped, int64_t at_ns)
{
    model_set_fate(record, is_dropped ? FATE_DROPPED : FATE_OUT, WEFT_DROP_NO_TRACE, at_ns);
}

static inline void model_follow(const struct model_trace *trace, struct model_record *record, int64_t at_ns)
{
    model_set_fate(record, trace->is_kept ? FATE_OUT : FATE_DROPPED, WEFT_DROP_SAMPLED_OUT, at_ns);
}

static inline void model_decide_trace(struct model_trace *trace, int64_t at_ns)
{
    struct model_facts facts = { 0 };
    for (size_t i = 0; i < trace->record_count; i++) {
        const struct model_record *record = &model->records[trace->records[i]];
        if (record->record.pipeline == 0) {
            facts_add(&facts, &record->record);
        }
    }
    trace->is_decided = true;
    trace->is_kept = model_decide(&model->rules.policies, &facts, trace->id, &trace->policy);
    for (size_t i = 0; i < trace->record_count; i++) {
        struct model_record *record = &model->records[trace->records[i]];
        if (record->fate == FATE_HELD) {
            model_follow(trace, record, at_ns);
        }
    }
}

static inline int64_t model_due_of(const struct model_trace *trace)
{
    int64_t due = trace->first_span_ns + model->rules.wait_ns;
    if (trace->has_root && model->rules.root_wait_ns > 0 && trace->root_ns + model->rules.root_wait_ns < due) {
        due = trace->root_ns + model->rules.root_wait_ns;
    }
    return due;
}

static inline int64_t later_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Time has come so far; changed_ns: since when the rules are these. */
static inline void model_advance(int64_t now_ns, int64_t changed_ns)
{
    for (size_t t = 0; t < MODEL_TRACES; t++) {
        struct model_trace *trace = &model->traces[t];
        if (trace->has_span) {
            if (!trace->is_decided && model_due_of(trace) <= now_ns) {
                model_decide_trace(trace, later_of(model_due_of(trace), changed_ns));
            }
            continue;
        }
        int64_t due_ns = INT64_MAX;
        for (size_t i = 0; i < trace->record_count; i++) {
            struct model_record *record = &model->records[trace->records[i]];
            if (record->fate != FATE_HELD) {
                continue;
            }
            due_ns = due_ns == INT64_MAX ? record->arrived_ns + model->rules.wait_ns : due_ns;
            if (due_ns <= now_ns) {
                model_pass_or_drop(record, model->rules.drops_logs_without_spans, later_of(due_ns, changed_ns));
            }
        }
    }
}

static inline void model_drain(bool is_shutdown)
{
    int64_t now_ns = join_now();
    for (size_t t = 0; t < MODEL_TRACES; t++) {
        struct model_trace *trace = &model->traces[t];
        bool is_pending_dropped = is_shutdown && model->rules.drops_pending && !trace->is_decided;
        if (trace->has_span && !trace->is_decided && !is_pending_dropped) {
            model_decide_trace(trace, now_ns);
        }
        for (size_t i = 0; i < trace->record_count; i++) {
            struct model_record *record = &model->records[trace->records[i]];
            if (record->fate == FATE_HELD && is_pending_dropped) {
                model_set_fate(record, FATE_DROPPED, WEFT_DROP_SHUTDOWN, now_ns);
            } else if (record->fate == FATE_HELD) {
                model_pass_or_drop(record, model->rules.drops_logs_without_spans, now_ns);
            }
        }
    }
}

/* ---- arrival ---- */

static inline void model_arrive(struct model_record *record, int64_t now_ns)
{
    record->arrived_ns = now_ns;
    if (record->trace == MODEL_TRACES) {
        model_pass_or_drop(record, model->rules.drops_logs_without_trace_id, now_ns);
        return;
    }
    struct model_trace *trace = &model->traces[record->trace];
    trace->pipelines |= 1U << record->record.pipeline;
    if (trace->is_decided) {
        model_follow(trace, record, now_ns);
        return;
    }
    trace->records[trace->record_count++] = (size_t)(record - model->records);
    model_set_fate(record, FATE_HELD, WEFT_DROP_NONE, 0);
    if (record->record.pipeline != 0) {
        return;
    }
    if (!trace->has_span) {
        trace->has_span = true;
        trace->first_span_ns = now_ns;
    }
    if (!trace->has_root && record->record.parent == JOIN_NO_SPAN) {
        trace->has_root = true;
        trace->root_ns = now_ns;
    }
}

/* The offer's records that are this worker's. */
static inline void model_offer_arrives(size_t offer, uint32_t worker)
{
    for (size_t i = 0; i < model->offers[offer].count; i++) {
        struct model_record *record = &model->records[model->offers[offer].first + i];
        if (record->owner == worker) {
            MODEL_EXPECT(record->fate == FATE_UNDER_WAY, "record %u arrives twice", record->record.number);
            model_arrive(record, join_now());
        }
    }
}

/* ---- what comes out ---- */

/* Up to when a record that is due must have come out; INT64_MAX: what follows is shut. Its trace goes as a whole. */
static inline int64_t model_latest(const struct model_record *record)
{
    unsigned pipelines = 1U << record->record.pipeline;
    int64_t latest = record->due_ns;
    pipelines |= record->trace < MODEL_TRACES ? model->traces[record->trace].pipelines : 0;
    for (size_t p = 0; p < JOIN_PIPELINES; p++) {
        if ((pipelines >> p & 1) != 0) {
            if (model->is_shut[record->owner][p]) {
                return INT64_MAX;
            }
            latest = later_of(latest, model->opened_ns[record->owner][p]);
        }
    }
    return latest + MODEL_SLACK_MS * WEFT_NS_PER_MS;
}

static inline void expect_frame(const struct weft_otlp_table *table, uint32_t row, const struct join_record *record)
{
    const struct weft_otlp_scope *scope = &table->scopes[table->records[row].scope];
    struct weft_slice resource = table->resources[scope->resource].header;
    struct weft_buffer expected;
    weft_buffer_init(&expected, 0);
    put_join_resource(&expected, record->resource);
    MODEL_EXPECT(weft_slice_equal(resource, weft_buffer_slice(&expected)), "record %u has another resource",
                 record->number);
    weft_buffer_fini(&expected);
    weft_buffer_init(&expected, 0);
    put_join_scope(&expected, record->scope);
    MODEL_EXPECT(weft_slice_equal(scope->header, weft_buffer_slice(&expected)), "record %u has another scope",
                 record->number);
    weft_buffer_fini(&expected);
}

static inline void model_on_out(size_t pipeline, uint32_t worker, const struct weft_otlp_table *table, uint32_t row)
{
    struct weft_slice bytes = weft_slice_of(table->records[row].bytes, table->records[row].length);
    uint32_t number = join_number_of(bytes);
    MODEL_EXPECT(number < model->record_count, "a record came out that never came in");
    struct model_record *record = &model->records[number];
    MODEL_EXPECT(weft_slice_equal(bytes, weft_buffer_slice(&record->bytes)), "record %u was changed", number);
    expect_frame(table, row, &record->record);
    MODEL_EXPECT(record->record.pipeline == pipeline && record->owner == worker,
                 "record %u of %s and worker %u came out of %s on worker %u", number,
                 join_pipelines[record->record.pipeline], record->owner, join_pipelines[pipeline], worker);
    MODEL_EXPECT(!record->has_come, "record %u came twice", number);
    MODEL_EXPECT(record->fate == FATE_OUT, "record %u of trace %zu came out, it is %s", number, record->trace,
                 record->fate == FATE_DROPPED ? "to be dropped" : "held");
    MODEL_EXPECT(join_now() >= record->due_ns && join_now() <= model_latest(record),
                 "record %u of trace %zu in %s came out, due from %.3f to %.3f ms", number, record->trace,
                 join_pipelines[pipeline], (double)record->due_ns / 1e6, (double)model_latest(record) / 1e6);
    record->has_come = true;
}

/* ---- books ---- */

static inline uint64_t books_of(const struct weft_ledger_snapshot *snapshot, enum weft_account_kind kind,
                                size_t pipeline, enum weft_drop_reason reason)
{
    uint64_t count = 0;
    for (size_t i = 0; i < snapshot->count; i++) {
        const struct weft_ledger_balance *balance = &snapshot->balances[i];
        bool is_it = balance->account.kind == kind && balance->account.reason == reason &&
                     strcmp(balance->account.pipeline, join_pipelines[pipeline]) == 0;
        count += is_it ? balance->inflow - balance->outflow : 0;
    }
    return count;
}

static inline void expect_reasons(const struct weft_ledger_snapshot *snapshot, size_t pipeline)
{
    for (int reason = 1; reason < WEFT_DROP_COUNT; reason++) {
        uint64_t least = 0, most = 0;
        for (size_t i = 0; i < model->record_count; i++) {
            const struct model_record *record = &model->records[i];
            bool is_it =
                record->fate == FATE_DROPPED && (int)record->reason == reason && record->record.pipeline == pipeline;
            most += is_it ? 1 : 0;
            least += is_it && record->due_ns + MODEL_SLACK_MS * WEFT_NS_PER_MS <= join_now() ? 1 : 0;
        }
        uint64_t booked = books_of(snapshot, WEFT_ACCOUNT_DROPPED, pipeline, (enum weft_drop_reason)reason);
        MODEL_EXPECT(booked >= least && booked <= most, "%llu of %s dropped as %s, not %llu to %llu",
                     (unsigned long long)booked, join_pipelines[pipeline],
                     weft_drop_reason_text((enum weft_drop_reason)reason), (unsigned long long)least,
                     (unsigned long long)most);
    }
}

static inline void expect_places(const struct weft_ledger_snapshot *snapshot, size_t pipeline)
{
    uint64_t under_way = 0, held = 0, maybe = 0;
    for (size_t i = 0; i < model->record_count; i++) {
        const struct model_record *record = &model->records[i];
        if (record->record.pipeline != pipeline) {
            continue;
        }
        under_way += record->fate == FATE_UNDER_WAY ? 1 : 0;
        held += record->fate == FATE_HELD || (record->fate == FATE_OUT && !record->has_come) ? 1 : 0;
        maybe += record->fate == FATE_DROPPED && record->due_ns + MODEL_SLACK_MS * WEFT_NS_PER_MS > join_now() ? 1 : 0;
    }
    uint64_t transit = books_of(snapshot, WEFT_ACCOUNT_IN_TRANSIT, pipeline, WEFT_DROP_NONE);
    uint64_t buffered = books_of(snapshot, WEFT_ACCOUNT_BUFFERED, pipeline, WEFT_DROP_NONE);
    MODEL_EXPECT(transit == under_way, "%llu of %s in transit, not %llu", (unsigned long long)transit,
                 join_pipelines[pipeline], (unsigned long long)under_way);
    MODEL_EXPECT(buffered >= held && buffered <= held + maybe, "%llu of %s held, not %llu",
                 (unsigned long long)buffered, join_pipelines[pipeline], (unsigned long long)held);
}

static inline void model_expect_books(void)
{
    struct weft_ledger_snapshot snapshot;
    ck_assert(weft_ledger_snapshot_take(host.ledger, &snapshot) == WEFT_OK);
    for (size_t p = 0; p < JOIN_PIPELINES; p++) {
        struct weft_ledger_totals sums;
        expect_reasons(&snapshot, p);
        expect_places(&snapshot, p);
        weft_ledger_snapshot_totals(&snapshot, weft_signal_name(join_signal_of(p)), &sums);
        MODEL_EXPECT(weft_ledger_totals_balance(&sums) && sums.in_flight == 0, "the books do not balance");
    }
    weft_ledger_snapshot_fini(&snapshot);
    join_expect_audit();
}

/* ---- at a pause: what is due is out, tickets are settled, faces are as they should be ---- */

static inline void expect_out(void)
{
    for (size_t i = 0; i < model->record_count; i++) {
        const struct model_record *record = &model->records[i];
        MODEL_EXPECT(record->fate != FATE_OUT || record->has_come || model_latest(record) >= join_now(),
                     "record %u of trace %zu was due at %.3f ms and has not come out", record->record.number,
                     record->trace, (double)record->due_ns / 1e6);
    }
}

static inline void expect_tickets(void)
{
    for (size_t i = 0; i < model->offer_count; i++) {
        const struct model_offer *offer = &model->offers[i];
        MODEL_EXPECT(offer->settled == (offer->away == 0 ? 1U : 0U), "offer %zu: settled %u times, %u loans away", i,
                     offer->settled, offer->away);
        MODEL_EXPECT(offer->settled == 0 || offer->status == WEFT_OK, "offer %zu: its ticket failed", i);
    }
}

/* Only its own outlet holds the record up, not another one of its trace. */
static inline bool is_stuck_alone(const struct model_record *record)
{
    unsigned pipelines = record->trace < MODEL_TRACES ? model->traces[record->trace].pipelines : 0;
    for (size_t p = 0; p < JOIN_PIPELINES; p++) {
        if (p != record->record.pipeline && (pipelines >> p & 1) != 0 && model->is_shut[record->owner][p]) {
            return false;
        }
    }
    return record->fate == FATE_OUT && !record->has_come &&
           record->due_ns + MODEL_SLACK_MS * WEFT_NS_PER_MS < join_now();
}

/* A face of this worker is closed while something of its outlet is stuck, and no longer. */
static inline void expect_faces(void)
{
    for (uint32_t w = 0; w < join->worker_count; w++) {
        for (size_t p = 0; p < JOIN_PIPELINES; p++) {
            bool is_stuck = false;
            for (size_t i = 0; i < model->record_count; i++) {
                const struct model_record *record = &model->records[i];
                is_stuck = is_stuck || (record->owner == w && record->record.pipeline == p && is_stuck_alone(record));
            }
            if (model->is_shut[w][p]) {
                MODEL_EXPECT(!is_stuck || !join->faces[w][p]->is_open, "%s is stuck on worker %u, its face is open",
                             join_pipelines[p], w);
            } else {
                MODEL_EXPECT(join->faces[w][p]->is_open, "%s is not stuck on worker %u, its face is closed",
                             join_pipelines[p], w);
            }
        }
    }
}

static inline void model_expect_pause(void)
{
    expect_out();
    expect_tickets();
    expect_faces();
    model_expect_books();
}

static inline void model_expect_answer(const struct model_trace *trace)
{
    struct weft_trace_answer answer = join_ask(trace->id);
    bool is_held = false;
    for (size_t i = 0; i < trace->record_count; i++) {
        is_held = is_held || model->records[trace->records[i]].fate == FATE_HELD;
    }
    enum weft_trace_knowledge expected = trace->is_decided ? trace->is_kept ? WEFT_TRACE_KEPT : WEFT_TRACE_DROPPED
                                         : is_held         ? WEFT_TRACE_HELD
                                                           : WEFT_TRACE_NOT_SEEN;
    MODEL_EXPECT(answer.knowledge == expected, "trace %zu is said to be %d, not %d", (size_t)(trace - model->traces),
                 (int)answer.knowledge, (int)expected);
    if (trace->is_decided) {
        char policy[32] = "\"policy\":\"none\"";
        if (trace->policy >= 0) {
            snprintf(policy, sizeof policy, "\"policy\":\"p%d\"", trace->policy);
        }
        weft_buffer_append(&answer.json, "", 1);
        MODEL_EXPECT(strstr((char *)answer.json.bytes, policy) != NULL, "not %s: %.200s", policy,
                     (char *)answer.json.bytes);
    }
    weft_buffer_fini(&answer.json);
}
