/* Processor `tail_sampling`: traces are held until they are complete, then kept or dropped as a whole by policies, and
 * log lines follow the trace that they name. The Collector's keys; what weft adds stands behind them in the table. It
 * is a stage whose core is the join (src/join); here are its config and the rules that are made of it. */
#include "weft/component.h"

#include "base/alloc.h"
#include "join/join.h"

struct tail_sampling_config {
    struct weft_duration decision_wait;
    struct weft_duration decision_wait_after_root_received;
    uint64_t num_traces;
    bool sample_on_first_match;
    bool drop_pending_traces_on_shutdown;
    uint64_t maximum_trace_size_bytes;
    struct weft_choice sampling_strategy;
    struct weft_config_list policies; /* of struct weft_policy_item_config */
    uint64_t max_bytes;
    uint64_t verdict_memory;
    uint64_t recent_traces;
    struct weft_choice logs_without_spans;
    struct weft_choice logs_without_trace_id;
    bool dry_run;
    struct weft_alias_config aliases;
    bool has_aliases;
};

/* What the workers' cores share: the rules that are made of a config. */
struct tail_sampling_shared {
    struct weft_join_rules rules; /* first: it is what the core takes on update */
    struct weft_policy_set *policies;
    struct weft_alias_rules *aliases; /* NULL = none */
};

static const char *const strategy_words[] = { "trace-complete", NULL };
static const char *const pass_words[] = { "pass", "drop", NULL };

static const struct weft_field cache_fields[] = {
    WEFT_FIELD_NO_EFFECT("sampled_cache_size", "uint", "Verdicts are remembered in verdict_memory."),
    WEFT_FIELD_NO_EFFECT("non_sampled_cache_size", "uint", "Verdicts are remembered in verdict_memory."),
    WEFT_FIELDS_END,
};

#define TAIL struct tail_sampling_config

static const struct weft_field tail_sampling_fields[] = {
    WEFT_FIELD(TAIL, decision_wait, "30s", "How long a trace is held, from its first span on."),
    WEFT_FIELD(TAIL, decision_wait_after_root_received, "0s", "A shorter wait once the root has come; 0 = none."),
    WEFT_FIELD(TAIL, num_traces, "50000", "Traces that wait for a verdict; beyond it the oldest are decided early.",
               .minimum = 1, .maximum = 16000000),
    WEFT_FIELD(TAIL, sample_on_first_match, "false",
               "Ask no policy behind the first that keeps: else rates and composites there are drawn on all the same."),
    WEFT_FIELD(TAIL, drop_pending_traces_on_shutdown, "false", "Drop what is undecided at the end; else decide on it."),
    WEFT_FIELD(TAIL, maximum_trace_size_bytes, "0", "A trace that grows beyond this is dropped; 0 = no limit."),
    WEFT_FIELD_CHOICE(TAIL, sampling_strategy, strategy_words, "trace-complete", "When policies are asked."),
    WEFT_FIELD_NO_EFFECT("decision_cache", "map", "Verdicts are remembered in verdict_memory.", .fields = cache_fields),
    WEFT_FIELD_LIST(TAIL, policies, struct weft_policy_item_config, weft_policy_item_fields,
                    "What decides: drops first, then the first policy that keeps."),
    WEFT_FIELD_NO_EFFECT("expected_new_traces_per_sec", "uint", "A hint for memory that weft does not need."),
    WEFT_FIELD_UNSUPPORTED("block_on_overflow", "Wait for a free slot instead of deciding early."),
    WEFT_FIELD_UNSUPPORTED("tail_storage", "Hold spans in an extension."),
    WEFT_FIELD_NO_EFFECT("num_shards", "int", "Shares of one process; weft's are its workers."),
    WEFT_FIELD(
        TAIL, max_bytes, "0",
        "Memory for what is held; beyond it the oldest are decided early. 0 = half of the soft memory limit, or 64 "
        "MiB without one."),
    WEFT_FIELD(TAIL, verdict_memory, "16777216", "Bytes for verdicts that are remembered; a change needs a restart.",
               .minimum = 65536, .maximum = 17179869184),
    WEFT_FIELD(TAIL, recent_traces, "8388608", "Bytes of decided traces kept to be asked about."),
    WEFT_FIELD_CHOICE(TAIL, logs_without_spans, pass_words, "pass",
                      "What becomes of log lines whose trace has not come within decision_wait."),
    WEFT_FIELD_CHOICE(TAIL, logs_without_trace_id, pass_words, "pass",
                      "What becomes of log lines that name no trace, by an id or a traceparent."),
    WEFT_FIELD(TAIL, dry_run, "false",
               "Judge and count, but pass everything on: `weft trace` and the metrics say what policies would do."),
    WEFT_FIELD_OPTIONAL(TAIL, aliases, has_aliases, weft_alias_fields, "off",
                        "Words beside the trace id that join traces and log lines: they are judged as one."),
    WEFT_FIELDS_END,
};

static enum weft_status check_wait(const char *key, struct weft_duration wait, struct weft_error *error)
{
    return wait.ns >= 0 ? WEFT_OK
                        : weft_fail(error, WEFT_INVALID, "%s is %gs, it must be 0 or more", key,
                                    (double)wait.ns / WEFT_NS_PER_S);
}

/* NULL without the block. */
static enum weft_status make_aliases(const struct tail_sampling_config *config, struct weft_alias_rules **out_aliases,
                                     struct weft_error *error)
{
    *out_aliases = NULL;
    return config->has_aliases ? weft_alias_rules_new(&config->aliases, out_aliases, error) : WEFT_OK;
}

static enum weft_status validate(const void *untyped, struct weft_error *error)
{
    const struct tail_sampling_config *config = untyped;
    struct weft_policy_set *policies = NULL;
    enum weft_status status = check_wait("decision_wait", config->decision_wait, error);
    if (status == WEFT_OK) {
        status = check_wait("decision_wait_after_root_received", config->decision_wait_after_root_received, error);
    }
    if (status != WEFT_OK) {
        return status;
    }
    status = weft_policy_set_new(&config->policies, &policies, error);
    weft_policy_set_free(&policies);
    if (status == WEFT_OK) {
        struct weft_alias_rules *aliases = NULL;
        status = make_aliases(config, &aliases, error);
        weft_alias_rules_free(&aliases);
    }
    return status;
}

static enum weft_status advise(const void *untyped, const struct weft_node *node, struct weft_config_notes *notes)
{
    const struct tail_sampling_config *config = untyped;
    struct weft_position at = weft_node_position(node);
    enum weft_status status = WEFT_OK;
    if (config->policies.count == 0) {
        status = weft_config_notes_add(
            notes, WEFT_NOTE_WARNING, "%s:%u: tail_sampling has no policies: every trace is dropped", at.file, at.line);
    }
    if (status == WEFT_OK && config->dry_run) {
        status = weft_config_notes_add(notes, WEFT_NOTE_WARNING,
                                       "%s:%u: tail_sampling is a dry run: every trace is passed on", at.file, at.line);
    }
    return status == WEFT_OK ? weft_policies_advise(&config->policies, notes) : status;
}

static enum weft_status name_keys(const void *untyped, struct weft_named_keys *keys)
{
    const struct tail_sampling_config *config = untyped;
    enum weft_status status = weft_policies_name_keys(&config->policies, keys);
    return status == WEFT_OK && config->has_aliases ? weft_alias_name_keys(&config->aliases, keys) : status;
}

static enum weft_status validate_uses(const void *config, const struct weft_use *uses, size_t use_count,
                                      struct weft_error *error)
{
    (void)config;
    bool has_traces = false;
    for (size_t i = 0; i < use_count; i++) {
        has_traces = has_traces || uses[i].signal == WEFT_TRACES;
    }
    if (!has_traces) {
        return weft_fail(
            error, WEFT_INVALID,
            "pipeline %s has it for logs, but no traces pipeline names it: log lines follow the verdict on "
            "their trace",
            uses[0].pipeline);
    }
    return use_count <= WEFT_JOIN_PIPELINES_MAX
               ? WEFT_OK
               : weft_fail(error, WEFT_INVALID, "%zu pipelines name it, at most %d can", use_count,
                           WEFT_JOIN_PIPELINES_MAX);
}

static enum weft_status share(const void *untyped, const char *id, struct weft_budget *budget, void **out_shared,
                              struct weft_error *error)
{
    (void)id;
    (void)budget;
    const struct tail_sampling_config *config = untyped;
    struct weft_policy_set *policies = NULL;
    enum weft_status status = weft_policy_set_new(&config->policies, &policies, error);
    if (status != WEFT_OK) {
        return status;
    }
    struct weft_alias_rules *aliases = NULL;
    status = make_aliases(config, &aliases, error);
    if (status != WEFT_OK) {
        weft_policy_set_free(&policies);
        return status;
    }
    struct tail_sampling_shared *shared = weft_alloc(sizeof *shared);
    shared->policies = policies;
    shared->aliases = aliases;
    shared->rules = (struct weft_join_rules){
        .policies = policies,
        .aliases = aliases,
        .decision_wait_ns = config->decision_wait.ns,
        .decision_wait_after_root_ns = config->decision_wait_after_root_received.ns,
        .num_traces = config->num_traces,
        .maximum_trace_size_bytes = config->maximum_trace_size_bytes,
        .max_bytes = config->max_bytes,
        .verdict_memory_bytes = config->verdict_memory,
        .recent_traces_bytes = config->recent_traces,
        .drops_logs_without_spans = config->logs_without_spans.value == 1 && !config->dry_run,
        .drops_logs_without_trace_id = config->logs_without_trace_id.value == 1 && !config->dry_run,
        .drops_pending_on_shutdown = config->drop_pending_traces_on_shutdown && !config->dry_run,
        .samples_on_first_match = config->sample_on_first_match,
        .is_dry_run = config->dry_run,
    };
    *out_shared = shared;
    return WEFT_OK;
}

static void shared_free(void *untyped)
{
    struct tail_sampling_shared *shared = untyped;
    weft_policy_set_free(&shared->policies);
    weft_alias_rules_free(&shared->aliases);
    weft_free(shared);
}

static enum weft_status create_stage(const struct weft_instance_setup *setup, struct weft_stage **out_stage,
                                     struct weft_error *error)
{
    const struct tail_sampling_shared *shared = setup->shared;
    return weft_join_new(setup->host, setup->stage, &shared->rules, out_stage, error);
}

static enum weft_holding explain(const void *untyped, struct weft_buffer *out)
{
    const struct tail_sampling_config *config = untyped;
    weft_buffer_append_format(out,
                              "holds each trace, and the log lines that name it, for %g s from its first span on "
                              "(decision_wait), %llu traces at most (num_traces), and remembers verdicts in memory",
                              (double)config->decision_wait.ns / 1e9, (unsigned long long)config->num_traces);
    return WEFT_HOLDS_ANSWERED;
}

const struct weft_component weft_processor_tail_sampling = {
    .kind = WEFT_PROCESSOR,
    .type = "tail_sampling",
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_LOGS,
    .help = "Keeps or drops whole traces, with the log lines that name them.",
    .fields = tail_sampling_fields,
    .config_size = sizeof(struct tail_sampling_config),
    .validate = validate,
    .explain = explain,
    .advise = advise,
    .validate_uses = validate_uses,
    .name_keys = name_keys,
    .share = share,
    .unshare = shared_free,
    .create_stage = create_stage,
    .collect_stage = weft_join_collect,
    .answers = WEFT_QUESTION_BIT_TRACE,
    .ask = weft_join_ask,
};
