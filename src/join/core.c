/* The join as the core of a stage (join.h): made, fed, drained, given other rules, and taken apart. */
#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "join/join_internal.h"

enum {
    FACTS_BYTES_MIN = 64, /* so that most reloads need no larger entries */
    TRACES_MAX = 1 << 24,
    DRAIN_TRACES = 16 * JOIN_STEP_TRACES,
    RECENT_MAX = 4096,
    DEFAULT_BYTES = 64 << 20,
};

/* ---- rules ---- */

static size_t share_of(const struct weft_join *join, uint64_t whole)
{
    uint32_t worker_count = join->stage.host->worker_count;
    return (size_t)((whole + worker_count - 1) / worker_count);
}

static uint64_t bytes_of_process(const struct weft_join *join, const struct weft_join_rules *rules)
{
    uint64_t limit = weft_budget_limit(join->stage.host->budget);
    if (rules->max_bytes > 0) {
        return rules->max_bytes;
    }
    return limit == UINT64_MAX ? DEFAULT_BYTES : limit / 2;
}

/* Where an entry's words are, behind so many bytes of facts. */
static size_t words_offset_of(size_t facts_bytes)
{
    size_t offset = offsetof(struct weft_trace, facts) + facts_bytes;
    weft_assert(offset % _Alignof(struct weft_trace_words) == 0);
    return offset;
}

static struct weft_table *table_new(const struct weft_join *join, size_t facts_bytes, bool has_words)
{
    size_t entry_bytes = words_offset_of(facts_bytes) + (has_words ? sizeof(struct weft_trace_words) : 0);
    return weft_table_new(&(struct weft_table_settings){ .budget = join->stage.host->budget,
                                                         .secret = join->stage.host->secret,
                                                         .key_bytes_max = WEFT_TRACE_ID_BYTES,
                                                         .entry_bytes = entry_bytes,
                                                         .entry_count_max = TRACES_MAX });
}

static void move_words(const struct weft_join *join, const struct weft_trace *trace, struct weft_trace *to,
                       size_t to_offset)
{
    const struct weft_trace_words *words = weft_trace_words_of(join, trace);
    if (words != NULL) {
        weft_assert(to_offset > 0);
        memcpy((uint8_t *)to + to_offset, words, sizeof *words);
    }
}

/* Moves every trace to a table with room for more. False without memory: all are where they were. */
static bool move_traces(struct weft_join *join, size_t facts_bytes, bool has_words)
{
    struct weft_table *larger = table_new(join, facts_bytes, has_words);
    size_t words_offset = has_words ? words_offset_of(facts_bytes) : 0;
    for (int i = 0; i < WEFT_LANE_COUNT; i++) {
        WEFT_LIST_EACH(node, &join->lanes[i])
        {
            const struct weft_trace *trace = WEFT_CONTAINER_OF(node, struct weft_trace, node);
            void *entry = NULL;
            bool is_new = false;
            if (weft_table_put(larger, weft_table_key(join->traces, trace), &entry, &is_new) != WEFT_OK) {
                weft_table_free(larger);
                return false;
            }
        }
    }
    for (int i = 0; i < WEFT_LANE_COUNT; i++) {
        struct weft_list *next = NULL;
        for (struct weft_list *node = join->lanes[i].next; node != &join->lanes[i]; node = next) {
            struct weft_trace *trace = WEFT_CONTAINER_OF(node, struct weft_trace, node);
            struct weft_trace *moved = weft_table_find(larger, weft_table_key(join->traces, trace));
            next = node->next;
            memcpy(moved, trace, offsetof(struct weft_trace, facts));
            move_words(join, trace, moved, words_offset);
            weft_list_replace(node, &moved->node);
            weft_list_replace(&trace->pinning, &moved->pinning);
        }
    }
    weft_table_free(join->traces);
    join->traces = larger;
    join->entry_facts_bytes = facts_bytes;
    join->words_offset = words_offset;
    return true;
}

static void take_rules(struct weft_join *join, const struct weft_join_rules *rules)
{
    size_t policy_count = weft_policy_set_count(rules->policies) + 1;
    weft_free(join->policy_kept);
    weft_free(join->policy_dropped);
    join->policy_kept = weft_alloc(policy_count * sizeof(uint64_t));
    join->policy_dropped = weft_alloc(policy_count * sizeof(uint64_t));
    join->rules = rules;
    join->aliases = join->words_offset > 0 ? rules->aliases : NULL;
    join->generation++;
    join->bytes_max = share_of(join, bytes_of_process(join, rules));
    join->traces_max = share_of(join, rules->num_traces);
    join->recent_bytes_max = share_of(join, rules->recent_traces_bytes);
    weft_join_forget_recent(join, join->recent_bytes_max);
}

/* Room for the facts of these rules, and for words if they have aliases; without memory for it facts are gathered when
 * a trace is decided, and nothing aliases. What has room keeps it. */
static void make_room(struct weft_join *join, const struct weft_join_rules *rules)
{
    size_t facts_bytes = weft_policy_set_facts_bytes(rules->policies);
    size_t entry_facts_bytes = facts_bytes > join->entry_facts_bytes ? facts_bytes : join->entry_facts_bytes;
    bool has_words = join->words_offset > 0 || rules->aliases != NULL;
    if (entry_facts_bytes > join->entry_facts_bytes || has_words != (join->words_offset > 0)) {
        if (!move_traces(join, entry_facts_bytes, has_words) && has_words != (join->words_offset > 0)) {
            weft_log(ERROR, "tail_sampling.no_room_for_aliases", "no memory for words: only trace ids join",
                     WEFT_LOG_STRING("processor", join->stage.identity->id));
        }
    }
    if (facts_bytes > join->facts_bytes) {
        weft_free(join->resource_facts);
        weft_free(join->spare_facts);
        join->resource_facts = weft_alloc(facts_bytes);
        join->spare_facts = weft_alloc(facts_bytes);
        join->facts_bytes = facts_bytes;
    }
}

/* Verdicts are not moved: who forgets some of them judges their late spans anew. */
static void say_what_stays(const struct weft_join *join, const struct weft_join_rules *rules)
{
    if (join->stage.host->worker_index == 0 && rules->verdict_memory_bytes != join->verdict_memory_bytes) {
        weft_log(WARN, "agent.restart_needed", "a change takes effect at the next start",
                 WEFT_LOG_STRING("processor", join->stage.identity->id), WEFT_LOG_STRING("setting", "verdict_memory"));
    }
}

void weft_join_update(struct weft_stage *stage, const struct weft_join_rules *rules)
{
    struct weft_join *join = weft_join_of(stage);
    say_what_stays(join, rules);
    make_room(join, rules);
    take_rules(join, rules);
    weft_join_sort_lanes(join);
    weft_join_relieve(join);
    weft_join_set_timer(join);
}

/* ---- the stage's operations ---- */

static enum weft_status consume(struct weft_stage *stage, struct weft_stage_outlet *outlet,
                                struct weft_batch **own_batch, struct weft_error *error)
{
    (void)stage;
    return weft_share_out(outlet, &weft_join_share_operations, own_batch, error);
}

/* Not now: whoever tells it is in the middle of something. */
static void on_next_changed(struct weft_stage *stage, struct weft_stage_outlet *outlet)
{
    struct weft_join *join = weft_join_of(stage);
    (void)outlet;
    join->has_gone_on = true;
    weft_timer_set_after(stage->host->timers, &join->timer, 0);
}

static void audit(const struct weft_stage *stage, struct weft_audit *lines)
{
    const struct weft_join *join = weft_join_of(stage);
    for (uint32_t i = 0; i < JOIN_OUTLETS_MAX; i++) {
        if (join->outlets[i] != NULL) {
            weft_audit_add(lines, &join->outlets[i]->outlet.held, join->outlets[i]->held);
        }
    }
}

static void drop_lane(struct weft_join *join, enum weft_lane lane, uint32_t outlets, enum weft_drop_reason reason)
{
    struct weft_list *next = NULL;
    for (struct weft_list *node = join->lanes[lane].next; node != &join->lanes[lane]; node = next) {
        struct weft_trace *trace = WEFT_CONTAINER_OF(node, struct weft_trace, node);
        next = node->next;
        if ((trace->outlets & outlets) != 0) {
            weft_trace_drop(join, trace, reason, WEFT_NAME_NONE);
            weft_trace_end(join, trace);
        }
    }
}

/* By force: no answer is waited for. */
static void judge_lane(struct weft_join *join, enum weft_lane lane, uint32_t outlets)
{
    struct weft_list *next = NULL;
    for (struct weft_list *node = join->lanes[lane].next; node != &join->lanes[lane]; node = next) {
        struct weft_trace *trace = WEFT_CONTAINER_OF(node, struct weft_trace, node);
        next = node->next;
        if ((trace->outlets & outlets) != 0) {
            weft_join_judge_alone(join, trace, true);
        }
    }
}

/* At most so many that have records of these outlets. */
static void decide_lane(struct weft_join *join, enum weft_lane lane, uint32_t outlets, size_t count_max)
{
    struct weft_list *next = NULL;
    for (struct weft_list *node = join->lanes[lane].next; node != &join->lanes[lane] && count_max > 0; node = next) {
        struct weft_trace *trace = WEFT_CONTAINER_OF(node, struct weft_trace, node);
        next = node->next;
        if ((trace->outlets & outlets) != 0) {
            weft_join_decide(join, trace, true);
            count_max--;
        }
    }
}

/* Traces with records of this outlet are decided now, also for the other outlets that they have records of; the others
 * wait on: in a reload only this pipeline may leave. */
static void drain(struct weft_stage *stage, struct weft_stage_outlet *outlet, enum weft_drop_reason reason,
                  bool is_forced)
{
    struct weft_join *join = weft_join_of(stage);
    struct weft_join_outlet *leaving = weft_join_outlet_of(outlet);
    uint32_t bit = UINT32_C(1) << leaving->index;
    if (leaving->held == 0) {
        return;
    }
    if (reason == WEFT_DROP_SHUTDOWN && join->rules->drops_pending_on_shutdown) {
        drop_lane(join, WEFT_LANE_WAITING, bit, reason);
        drop_lane(join, WEFT_LANE_ROOT, bit, reason);
        drop_lane(join, WEFT_LANE_ASKING, bit, reason);
        drop_lane(join, WEFT_LANE_LINES, bit, reason);
    }
    decide_lane(join, WEFT_LANE_WAITING, bit, is_forced ? SIZE_MAX : DRAIN_TRACES);
    decide_lane(join, WEFT_LANE_ROOT, bit, is_forced ? SIZE_MAX : DRAIN_TRACES);
    (void)weft_aliases_hurry_lines(join, bit);
    weft_letters_send(join->letters);
    if (is_forced) {
        judge_lane(join, WEFT_LANE_ASKING, bit);
        judge_lane(join, WEFT_LANE_LINES, bit);
    }
    weft_join_flush(join);
    weft_join_step(join);
    if (is_forced) {
        drop_lane(join, WEFT_LANE_KEPT, bit, reason);
        weft_join_drop_parked(join, leaving, reason);
    }
}

static void update(struct weft_stage *stage, const void *config, void *shared)
{
    (void)config;
    weft_join_update(stage, shared);
}

static void outlet_init(struct weft_stage_outlet *stage_outlet)
{
    struct weft_join *join = weft_join_of(stage_outlet->stage);
    struct weft_join_outlet *outlet = weft_join_outlet_of(stage_outlet);
    while (join->outlets[outlet->index] != NULL) {
        outlet->index++;
        weft_assert(outlet->index < JOIN_OUTLETS_MAX);
    }
    join->outlets[outlet->index] = outlet;
    weft_list_init(&outlet->parked);
    const struct weft_account *held = &stage_outlet->held;
    outlet->sampled_out_flow = weft_stage_outlet_drop_flow(stage_outlet, held, WEFT_DROP_SAMPLED_OUT);
    outlet->no_trace_flow = weft_stage_outlet_drop_flow(stage_outlet, held, WEFT_DROP_NO_TRACE);
    outlet->evicted_flow = weft_stage_outlet_drop_flow(stage_outlet, held, WEFT_DROP_EVICTED);
    outlet->out_of_memory_flow = weft_stage_outlet_drop_flow(stage_outlet, held, WEFT_DROP_OUT_OF_MEMORY);
    outlet->refused_flow = weft_stage_outlet_drop_flow(stage_outlet, held, WEFT_DROP_REFUSED_DOWNSTREAM);
    outlet->shutdown_flow = weft_stage_outlet_drop_flow(stage_outlet, held, WEFT_DROP_SHUTDOWN);
    outlet->reload_flow = weft_stage_outlet_drop_flow(stage_outlet, held, WEFT_DROP_RELOAD);
}

/* Recent traces may name contexts of the outlet: they are forgotten with it, unless it is one of a graph that was not
 * used after all. */
static void outlet_fini(struct weft_stage_outlet *stage_outlet)
{
    struct weft_join *join = weft_join_of(stage_outlet->stage);
    struct weft_join_outlet *outlet = weft_join_outlet_of(stage_outlet);
    weft_assert(weft_list_is_empty(&outlet->parked) && outlet->emission_count == 0);
    if (outlet->has_taken) {
        weft_join_forget_recent(join, 0);
    }
    weft_free(outlet->emissions);
    weft_free(outlet->touched);
    join->outlets[outlet->index] = NULL;
}

static void core_free(struct weft_stage *stage)
{
    struct weft_join *join = weft_join_of(stage);
    weft_assert(weft_table_count(join->traces) == 0);
    weft_timer_cancel(stage->host->timers, &join->timer);
    weft_join_forget_recent(join, 0);
    weft_aliases_fini(join);
    weft_table_free(join->traces);
    weft_contexts_free(join->contexts);
    weft_slab_free(join->slab);
    weft_verdicts_free(join->verdicts);
    weft_names_free(join->names);
    weft_policy_scratch_free(&join->scratch);
    weft_free(join->resource_facts);
    weft_free(join->spare_facts);
    weft_free(join->recent);
    weft_free(join->policy_kept);
    weft_free(join->policy_dropped);
    weft_stage_fini(stage);
    weft_free(join);
}

static const struct weft_stage_operations join_operations = {
    .consume = consume,
    .on_next_changed = on_next_changed,
    .audit = audit,
    .drain = drain,
    .update = update,
    .free = core_free,
    .outlet_size_bytes = sizeof(struct weft_join_outlet),
    .outlet_init = outlet_init,
    .outlet_fini = outlet_fini,
};

/* ---- making one ---- */

enum weft_status weft_join_new(struct weft_host *host, struct weft_stage_identity *identity,
                               const struct weft_join_rules *rules, struct weft_stage **out_stage,
                               struct weft_error *error)
{
    struct weft_policy_scratch *scratch = NULL;
    enum weft_status status = weft_policy_scratch_new(&scratch, error);
    if (status != WEFT_OK) {
        return status;
    }
    struct weft_join *join = weft_alloc(sizeof *join);
    weft_stage_init(&join->stage, &join_operations, host, identity);
    join->scratch = scratch;
    join->facts_bytes = weft_policy_set_facts_bytes(rules->policies);
    join->facts_bytes = join->facts_bytes < FACTS_BYTES_MIN ? FACTS_BYTES_MIN : join->facts_bytes;
    join->entry_facts_bytes = join->facts_bytes;
    join->resource_facts = weft_alloc(join->facts_bytes);
    join->spare_facts = weft_alloc(join->facts_bytes);
    join->words_offset = rules->aliases == NULL ? 0 : words_offset_of(join->facts_bytes);
    join->traces = table_new(join, join->facts_bytes, rules->aliases != NULL);
    join->slab = weft_slab_new(host->budget);
    join->contexts = weft_contexts_new(host->budget, host->secret);
    join->names = weft_names_new(host->budget, host->secret);
    join->verdict_memory_bytes = rules->verdict_memory_bytes;
    join->verdicts = weft_verdicts_new(host->budget, host->secret, share_of(join, rules->verdict_memory_bytes));
    weft_list_init(&join->pinning);
    join->recent_capacity = RECENT_MAX;
    join->recent = weft_alloc(RECENT_MAX * sizeof *join->recent);
    for (int i = 0; i < WEFT_LANE_COUNT; i++) {
        weft_list_init(&join->lanes[i]);
    }
    weft_aliases_init(join);
    weft_timer_init(&join->timer, weft_join_step, join);
    join->started = weft_wall_now();
    take_rules(join, rules);
    *out_stage = &join->stage;
    return WEFT_OK;
}

/* ---- numbers ---- */

static void collect_policies(const struct weft_join *join, struct weft_samples *samples)
{
    const struct weft_policy_set *policies = join->rules->policies;
    for (size_t i = 0; i < weft_policy_set_count(policies); i++) {
        weft_samples_add(samples, "otelcol_processor_tail_sampling_count_traces_sampled",
                         "Count of traces that were sampled or not per sampling policy", WEFT_SAMPLE_COUNTER,
                         (double)join->policy_kept[i],
                         WEFT_LABELS({ "processor", join->stage.identity->id },
                                     { "policy", weft_policy_set_name(policies, i) }, { "sampled", "true" }));
        weft_samples_add(samples, "otelcol_processor_tail_sampling_count_traces_sampled",
                         "Count of traces that were sampled or not per sampling policy", WEFT_SAMPLE_COUNTER,
                         (double)join->policy_dropped[i],
                         WEFT_LABELS({ "processor", join->stage.identity->id },
                                     { "policy", weft_policy_set_name(policies, i) }, { "sampled", "false" }));
    }
}

void weft_join_collect(const struct weft_stage *stage, struct weft_samples *samples)
{
    const struct weft_join *join = weft_join_of(stage);
    const struct weft_join_counters *counters = &join->counters;
    const struct weft_sample_label *labels = WEFT_LABELS({ "processor", stage->identity->id });
    const struct {
        const char *name, *help;
        enum weft_sample_type type;
        double value;
    } rows[] = {
        { "otelcol_processor_tail_sampling_new_trace_id_received", "Counts the arrival of new traces",
          WEFT_SAMPLE_COUNTER, (double)counters->new_traces },
        { "otelcol_processor_tail_sampling_sampling_traces_on_memory", "Traces held until they are decided",
          WEFT_SAMPLE_GAUGE, (double)weft_table_count(join->traces) },
        { "otelcol_processor_tail_sampling_sampling_trace_dropped_too_early",
          "Traces decided before their time because memory or num_traces was used up", WEFT_SAMPLE_COUNTER,
          (double)counters->early_traces },
        { "otelcol_processor_tail_sampling_traces_dropped_too_large", "Traces over maximum_trace_size_bytes",
          WEFT_SAMPLE_COUNTER, (double)counters->large_traces },
        { "otelcol_processor_tail_sampling_sampling_policy_evaluation_error", "Policies that could not say",
          WEFT_SAMPLE_COUNTER, (double)counters->policy_errors },
        { "weft_join_pattern_limits_met", "Matches of policies' patterns that met a limit", WEFT_SAMPLE_COUNTER,
          (double)weft_policy_scratch_limits_met(join->scratch) },
        { "weft_join_late_records_kept", "Records that followed the verdict of a kept trace", WEFT_SAMPLE_COUNTER,
          (double)counters->late_kept },
        { "weft_join_late_records_dropped", "Records that followed the verdict of a dropped trace", WEFT_SAMPLE_COUNTER,
          (double)counters->late_dropped },
        { "weft_join_logs_without_spans", "Log records whose trace never came", WEFT_SAMPLE_COUNTER,
          (double)counters->logs_without_spans },
        { "weft_join_logs_without_trace_id", "Log records that name no trace", WEFT_SAMPLE_COUNTER,
          (double)counters->logs_without_trace_id },
        { "weft_join_verdicts", "Verdicts that are remembered", WEFT_SAMPLE_GAUGE,
          (double)weft_verdicts_count(join->verdicts) },
        { "weft_join_bytes", "Memory that held traces take", WEFT_SAMPLE_GAUGE, (double)weft_join_size_bytes(join) },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        weft_samples_add(samples, rows[i].name, rows[i].help, rows[i].type, rows[i].value, labels);
    }
    weft_samples_add(samples, "otelcol_processor_tail_sampling_global_count_traces_sampled",
                     "Global count of traces that were sampled or not by at least one policy", WEFT_SAMPLE_COUNTER,
                     (double)counters->kept_traces,
                     WEFT_LABELS({ "processor", stage->identity->id }, { "sampled", "true" }));
    weft_samples_add(samples, "otelcol_processor_tail_sampling_global_count_traces_sampled",
                     "Global count of traces that were sampled or not by at least one policy", WEFT_SAMPLE_COUNTER,
                     (double)counters->dropped_traces,
                     WEFT_LABELS({ "processor", stage->identity->id }, { "sampled", "false" }));
    collect_policies(join, samples);
    weft_aliases_collect(join, samples);
}
