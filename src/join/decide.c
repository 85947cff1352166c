/* Deciding (join.h): when a trace's time is up, when memory is short, and what that means for its records. */
#include "base/alloc.h"
#include "base/assert.h"
#include "join/join_internal.h"

static const int64_t step_ns = 5 * WEFT_NS_PER_MS;

enum { COPY_STEP_BYTES = 4 << 20 };

/* ---- facts under new rules ---- */

struct regathering {
    struct weft_join *join;
    struct weft_policy_facts *facts;
    uint32_t context; /* that the resource's facts are of; 0 = none */
};

static void regather_record(void *user, uint32_t context, struct weft_slice record)
{
    struct regathering *regathering = user;
    struct weft_join *join = regathering->join;
    const struct weft_context *from = weft_contexts_at(join->contexts, context);
    struct weft_span_index span;
    if (join->outlets[from->outlet]->outlet.signal != WEFT_TRACES || weft_otlp_index_span(record, &span) != WEFT_OK) {
        return;
    }
    if (regathering->context != context) {
        memset(join->resource_facts, 0, join->facts_bytes);
        weft_policy_set_gather_resource(join->rules->policies, join->scratch, from->resource, join->resource_facts);
        regathering->context = context;
    }
    struct weft_joined_span where = { record, from->resource, from->scope };
    weft_join_gather(join, regathering->facts, join->resource_facts, &span, &where);
}

/* If the rules have changed since its records came, or there was no room for facts, they are read once more. */
const struct weft_policy_facts *weft_join_facts_of(struct weft_join *join, struct weft_trace *trace)
{
    if (trace->generation == join->generation) {
        return &trace->facts;
    }
    bool has_room = join->facts_bytes <= join->entry_facts_bytes;
    struct regathering regathering = { join, has_room ? &trace->facts : join->spare_facts, 0 };
    memset(regathering.facts, 0, join->facts_bytes);
    (void)weft_join_each_record(join, &trace->chain, regather_record, &regathering);
    return regathering.facts;
}

/* ---- verdicts ---- */

struct serving {
    struct weft_join *join;
    struct weft_verdict *verdict;
};

static void count_service(void *user, uint32_t context, uint32_t count)
{
    const struct serving *serving = user;
    struct weft_join *join = serving->join;
    struct weft_verdict *verdict = serving->verdict;
    const struct weft_context *from = weft_contexts_at(join->contexts, context);
    uint32_t name = weft_names_intern_of_record(join->names, from->service);
    uint8_t i = 0;
    while (i < verdict->service_count && verdict->services[i].name != name) {
        i++;
    }
    if (i == verdict->service_count) {
        if (i == WEFT_VERDICT_SERVICES) {
            return;
        }
        verdict->services[verdict->service_count++] = (struct weft_verdict_service){ .name = name };
    }
    bool is_span = join->outlets[from->outlet]->outlet.signal == WEFT_TRACES;
    *(is_span ? &verdict->services[i].spans : &verdict->services[i].logs) += count;
}

struct outcome {
    bool is_kept, is_early;
    uint32_t policy;
    struct weft_wall decided;
};

static void remember(struct weft_join *join, const struct weft_trace *trace, const struct weft_policy_facts *facts,
                     struct outcome outcome)
{
    struct weft_slice key = weft_table_key(join->traces, trace);
    const struct weft_trace_words *words = weft_trace_words_of(join, trace);
    struct weft_verdict *verdict =
        weft_verdicts_add(join->verdicts, key.bytes, weft_table_hash_of(join->traces, trace));
    if (verdict == NULL) {
        return;
    }
    verdict->decided = outcome.decided;
    verdict->decided_ms = weft_join_now_ms(join);
    verdict->start_ns = facts->start_min_ns;
    verdict->end_ns = facts->end_max_ns;
    verdict->policy = outcome.policy;
    verdict->generation = join->generation;
    verdict->span_count = trace->span_count;
    verdict->log_count = trace->log_count;
    verdict->late_span_count = verdict->late_log_count = 0;
    verdict->worst_severity = trace->worst_severity;
    verdict->is_kept = outcome.is_kept;
    verdict->is_dry_run = join->rules->is_dry_run;
    verdict->is_early = outcome.is_early;
    verdict->is_lines = words != NULL && words->is_lines;
    verdict->is_late_member = words != NULL && words->is_late_member;
    verdict->has_error = trace->has_error;
    verdict->has_root = trace->has_root;
    verdict->service_count = 0;
    struct serving serving = { join, verdict };
    weft_join_each_source(join, &trace->chain, trace->sources, trace->source_count, count_service, &serving);
}

/* The name of the policy that decided: "none" if no policy kept the trace. */
static uint32_t judge(struct weft_join *join, const struct weft_trace *trace, const struct weft_policy_facts *facts,
                      struct weft_wall now, bool *out_is_kept)
{
    const struct weft_policy_set *policies = join->rules->policies;
    struct weft_policy_decision decision;
    if (trace->is_large) {
        join->counters.large_traces++;
        *out_is_kept = false;
        return weft_names_intern(join->names, WEFT_SLICE_LITERAL("maximum_trace_size_bytes"));
    }
    struct weft_join_view view = { .join = join, .trace = trace };
    struct weft_policy_trace asked = { .trace_id = weft_table_key(join->traces, trace).bytes,
                                       .facts = facts,
                                       .span_count = trace->span_count,
                                       .worst_severity = trace->worst_severity,
                                       .is_first_match_enough = join->rules->samples_on_first_match,
                                       .now = weft_timers_now(join->stage.host->timers),
                                       .wall = now,
                                       .size_bytes = weft_join_trace_size_bytes,
                                       .see_tree = weft_join_see_tree,
                                       .context = &view };
    weft_policy_set_decide(policies, &asked, &decision);
    join->counters.policy_errors += decision.errors;
    *out_is_kept = decision.is_kept;
    size_t policy = decision.policy < 0 ? weft_policy_set_count(policies) : (size_t)decision.policy;
    (decision.is_kept ? join->policy_kept : join->policy_dropped)[policy]++;
    return decision.policy < 0
               ? weft_names_intern(join->names, WEFT_SLICE_LITERAL("none"))
               : weft_names_intern(join->names, weft_slice_of_text(weft_policy_set_name(policies, policy)));
}

static void decide_logs(struct weft_join *join, struct weft_trace *trace)
{
    const struct weft_join_rules *rules = join->rules;
    bool is_lines = weft_trace_is_lines(join, trace);
    bool is_dropped = is_lines ? rules->drops_logs_without_trace_id : rules->drops_logs_without_spans;
    *(is_lines ? &join->counters.logs_without_trace_id : &join->counters.logs_without_spans) += trace->log_count;
    if (!is_dropped) {
        weft_join_emit_now(join, trace);
        return;
    }
    weft_trace_drop(join, trace, WEFT_DROP_NO_TRACE, WEFT_NAME_NONE);
    weft_trace_end(join, trace);
}

static void carry_out(struct weft_join *join, struct weft_trace *trace, const struct weft_policy_facts *facts,
                      struct outcome outcome)
{
    remember(join, trace, facts, outcome);
    if (trace->span_count > 0) {
        *(outcome.is_kept ? &join->counters.kept_traces : &join->counters.dropped_traces) += 1;
    }
    if (outcome.is_kept || join->rules->is_dry_run) {
        weft_join_emit_trace(join, trace);
        return;
    }
    weft_trace_drop(join, trace, trace->is_large ? WEFT_DROP_EVICTED : WEFT_DROP_SAMPLED_OUT, outcome.policy);
    weft_trace_end(join, trace);
}

/* What came behind the verdict follows it. False: that is forgotten. */
static bool follow(struct weft_join *join, struct weft_trace *trace)
{
    const struct weft_verdict *verdict = weft_verdicts_find(join->verdicts, weft_table_key(join->traces, trace).bytes);
    uint64_t record_count = (uint64_t)trace->span_count + trace->log_count;
    if (verdict == NULL) {
        weft_trace_words_of(join, trace)->is_late = false;
        return false;
    }
    if (verdict->is_kept || verdict->is_dry_run) {
        join->counters.late_kept += record_count;
        weft_join_emit_trace(join, trace);
        return true;
    }
    join->counters.late_dropped += record_count;
    weft_trace_drop(join, trace, WEFT_DROP_SAMPLED_OUT, verdict->policy);
    weft_trace_end(join, trace);
    return true;
}

void weft_join_judge_alone(struct weft_join *join, struct weft_trace *trace, bool is_early)
{
    if (weft_trace_is_late(join, trace) && follow(join, trace)) {
        return;
    }
    if (trace->span_count == 0) {
        decide_logs(join, trace);
        return;
    }
    const struct weft_policy_facts *facts = weft_join_facts_of(join, trace);
    struct outcome outcome = { .is_early = is_early, .decided = weft_wall_now() };
    outcome.policy = judge(join, trace, facts, outcome.decided, &outcome.is_kept);
    carry_out(join, trace, facts, outcome);
}

/* A policy of other rules has no number here any more. */
static uint32_t name_of_verdict(struct weft_join *join, const struct weft_item *verdict, bool is_kept)
{
    if (verdict->generation != join->generation || (verdict->policy < 0 && is_kept)) {
        return weft_names_intern(join->names, WEFT_SLICE_LITERAL("group"));
    }
    const char *name =
        verdict->policy < 0 ? "none" : weft_policy_set_name(join->rules->policies, (size_t)verdict->policy);
    return weft_names_intern(join->names, weft_slice_of_text(name));
}

/* The trace was dropped, and turns out to be of a group that was kept: so is what comes of it from now on. */
static void change_verdict(struct weft_join *join, const struct weft_trace *trace, const struct weft_item *by,
                           bool is_kept)
{
    struct weft_verdict *verdict = weft_verdicts_find(join->verdicts, weft_table_key(join->traces, trace).bytes);
    if (verdict != NULL && is_kept && !verdict->is_kept) {
        verdict->is_kept = true;
        verdict->is_late_member = true;
        verdict->policy = name_of_verdict(join, by, is_kept);
        verdict->generation = join->generation;
    }
}

void weft_join_judge_by_group(struct weft_join *join, struct weft_trace *trace, const struct weft_item *verdict,
                              bool is_early)
{
    bool is_kept = verdict->outcome == WEFT_OUTCOME_KEPT;
    if (weft_trace_is_late(join, trace)) {
        change_verdict(join, trace, verdict, is_kept);
        weft_join_judge_alone(join, trace, is_early);
        return;
    }
    if (trace->span_count > 0 && verdict->generation == join->generation) {
        size_t none = weft_policy_set_count(join->rules->policies);
        (is_kept ? join->policy_kept : join->policy_dropped)[verdict->policy < 0 ? none : (size_t)verdict->policy]++;
    }
    carry_out(join, trace, weft_join_facts_of(join, trace),
              (struct outcome){ .is_kept = is_kept,
                                .is_early = is_early || verdict->is_early,
                                .policy = name_of_verdict(join, verdict, is_kept),
                                .decided = weft_wall_now() });
}

void weft_join_decide(struct weft_join *join, struct weft_trace *trace, bool is_early)
{
    if (!weft_aliases_ask(join, trace, is_early)) {
        weft_join_judge_alone(join, trace, is_early);
    }
}

/* ---- when ---- */

static struct weft_trace *front_of(struct weft_join *join, enum weft_lane lane)
{
    struct weft_list *node = weft_list_first(&join->lanes[lane]);
    return node == NULL ? NULL : WEFT_CONTAINER_OF(node, struct weft_trace, node);
}

/* The undecided trace whose time is up first. */
static struct weft_trace *next_due(struct weft_join *join)
{
    struct weft_trace *waiting = front_of(join, WEFT_LANE_WAITING);
    struct weft_trace *root = front_of(join, WEFT_LANE_ROOT);
    if (waiting == NULL || root == NULL) {
        return waiting == NULL ? root : waiting;
    }
    return weft_trace_due(join, waiting).ns <= weft_trace_due(join, root).ns ? waiting : root;
}

bool weft_join_decide_oldest(struct weft_join *join)
{
    struct weft_trace *trace = next_due(join);
    if (trace == NULL) {
        bool has_hurried = weft_aliases_hurry_lines(join, UINT32_MAX);
        weft_letters_send(join->letters);
        return has_hurried;
    }
    weft_join_decide(join, trace, true);
    if (join->words_offset > 0) {
        weft_letters_send(join->letters); /* where the groups are here, it is decided now */
    }
    return true;
}

/* Decides on the oldest until so much less is held. What is kept is still there until the next flush. */
static bool decide_for_room(struct weft_join *join, size_t bytes_max, unsigned *in_out_count)
{
    while (weft_join_size_bytes(join) > bytes_max + join->leaving_bytes + join->asking_bytes &&
           *in_out_count < JOIN_STEP_TRACES) {
        if (!weft_join_decide_oldest(join)) {
            return false;
        }
        join->counters.early_traces++;
        weft_join_forget_recent(join, 0);
        *in_out_count += 1;
    }
    return true;
}

static bool is_wasteful(const struct weft_join *join)
{
    size_t unused = weft_slab_unused_pinned_bytes(join->slab);
    return unused > join->bytes_max / 16 && unused > weft_slab_size_bytes(join->slab) / 3;
}

static bool has_pinned(const struct weft_join *join)
{
    return join->recent_copied_count < join->recent_count || !weft_list_is_empty(&join->pinning);
}

/* Payloads that are kept in place hold little else than records; else records are copied, once, and the payloads go:
 * first those of recent traces, which nobody waits for, then of the traces that have been in payloads for longest. Some
 * at a time: the rest in the next step. */
static void copy_out_of_payloads(struct weft_join *join)
{
    size_t bytes = COPY_STEP_BYTES;
    bool has_memory = true;
    while (has_memory && bytes > 0 && has_pinned(join) && is_wasteful(join)) {
        if (join->recent_copied_count < join->recent_count) {
            has_memory = weft_join_copy_recent(join, &bytes);
        } else {
            struct weft_list *node = weft_list_first(&join->pinning);
            has_memory = weft_trace_copy_pinned(join, WEFT_CONTAINER_OF(node, struct weft_trace, pinning), &bytes);
        }
    }
}

/* Below this a stage that was closed takes records again. */
static size_t reopening_bytes(const struct weft_join *join)
{
    return join->bytes_max - join->bytes_max / 8;
}

/* Some more than needed in one go, so that what is kept is not passed on in small change: memory that is given back
 * need not be a whole chunk. */
void weft_join_relieve(struct weft_join *join)
{
    size_t bytes_max = join->is_full ? reopening_bytes(join) : join->bytes_max;
    copy_out_of_payloads(join);
    if (weft_join_size_bytes(join) > bytes_max && join->recent_count > 0) {
        weft_join_forget_recent(join, 0);
    }
    bool has_undecided = true;
    for (unsigned count = 0;
         has_undecided && count < JOIN_STEP_TRACES && weft_join_size_bytes(join) > bytes_max + join->asking_bytes;) {
        has_undecided = decide_for_room(join, bytes_max - bytes_max / 64, &count);
        weft_join_flush(join);
        weft_join_forget_recent(join, 0);
    }
    weft_join_flush(join);
    size_t size_bytes = weft_join_size_bytes(join);
    size_t soon_bytes = join->asking_bytes < join->bytes_max / 16 ? join->asking_bytes : join->bytes_max / 16;
    bool is_full = size_bytes > (join->is_full ? reopening_bytes(join) : join->bytes_max) + soon_bytes;
    if (is_full != join->is_full) {
        join->is_full = is_full;
        weft_stage_set_open(&join->stage, !is_full);
    }
}

/* Has fetched into the cache what deciding on the traces behind this one will look at. */
static void look_ahead(const struct weft_join *join, const struct weft_trace *trace)
{
    const struct weft_list *lane = &join->lanes[trace->lane];
    const struct weft_list *next = trace->node.next;
    if (next != lane) {
        const struct weft_trace *soon = WEFT_CONTAINER_OF(next, struct weft_trace, node);
        uint64_t hash = weft_table_hash_of(join->traces, soon);
        weft_table_prefetch(join->traces, hash);
        weft_verdicts_prefetch(join->verdicts, hash);
        if (next->next != lane) {
            weft_table_prefetch_at(join->traces, WEFT_CONTAINER_OF(next->next, struct weft_trace, node));
        }
    }
}

static void decide_due(struct weft_join *join)
{
    struct weft_monotonic now = weft_timers_now(join->stage.host->timers);
    for (unsigned i = 0; i < JOIN_STEP_TRACES; i++) {
        struct weft_trace *trace = next_due(join);
        if (trace == NULL || weft_trace_due(join, trace).ns > now.ns) {
            return;
        }
        look_ahead(join, trace);
        weft_join_decide(join, trace, false);
    }
}

/* Kept traces that waited for an outlet; those that still have to are passed over. All are looked at, once for each
 * time that an outlet goes on. */
static void emit_waiting(struct weft_join *join)
{
    struct weft_list *next = NULL;
    unsigned left = JOIN_STEP_TRACES;
    for (struct weft_list *node = join->lanes[WEFT_LANE_KEPT].next; node != &join->lanes[WEFT_LANE_KEPT] && left > 0;
         node = next) {
        struct weft_trace *trace = WEFT_CONTAINER_OF(node, struct weft_trace, node);
        next = node->next;
        if (!weft_join_is_blocked(join, trace->outlets)) {
            weft_join_emit_trace(join, trace);
            left--;
        }
    }
    join->has_gone_on = left == 0;
}

/* Never later than it is set: what set it has not been done yet, and records that come all the time must not put off
 * what is due. */
static void set_timer_by(struct weft_join *join, struct weft_monotonic at)
{
    if (!weft_timer_is_set(&join->timer) || join->timer.deadline.ns > at.ns) {
        weft_timer_set_at(join->stage.host->timers, &join->timer, at);
    }
}

void weft_join_set_timer(struct weft_join *join)
{
    struct weft_monotonic soonest = weft_monotonic_after(weft_timers_now(join->stage.host->timers), step_ns);
    const struct weft_trace *due = next_due(join);
    struct weft_monotonic aliases_due = weft_aliases_due(join);
    if (aliases_due.ns < WEFT_NEVER.ns) {
        set_timer_by(join, aliases_due.ns > soonest.ns ? aliases_due : soonest);
    }
    bool has_room_to_make = (join->is_full && due != NULL) || (is_wasteful(join) && has_pinned(join));
    if (join->has_gone_on || has_room_to_make) {
        set_timer_by(join, soonest);
    } else if (due != NULL) {
        struct weft_monotonic at = weft_trace_due(join, due);
        set_timer_by(join, at.ns > soonest.ns ? at : soonest);
    }
}

void weft_join_step(void *context)
{
    struct weft_join *join = context;
    for (uint32_t i = 0; i < JOIN_OUTLETS_MAX; i++) {
        if (join->outlets[i] != NULL) {
            weft_join_unpark(join, join->outlets[i]);
        }
    }
    if (join->has_gone_on) {
        emit_waiting(join);
    }
    decide_due(join);
    weft_aliases_step(join);
    weft_join_relieve(join);
    weft_join_set_timer(join);
}
