/* Warnings about whole pipelines, as `weft validate` prints them: rows of a config, the line that each names and a part
 * of its words. A config that is as it should be gets none. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "graph/plan.h"
#include "suite.h"
#include "worker/agent.h"
#include "worker/telemetry_config.h"
#include "worker/worker_config.h"

/* One part a line, so that lines can be counted on: receivers are line 1, processors 2, exporters 3, pipelines 4 on. */
#define RECEIVERS(block)  "receivers: {" block "}\n"
#define PROCESSORS(block) "processors: {" block "}\n"
#define EXPORTERS(block)  "exporters: {" block "}\n"
#define OPEN              "otlp: {protocols: {grpc: {endpoint: \"0.0.0.0:4317\"}}}"
#define PODS              "file_log: {include: [/var/log/pods/*/*/*.log]}"
#define SAMPLING          "tail_sampling: {policies: [{name: some, type: latency, latency: {threshold_ms: 5}}]}"
#define BACKEND           "otlp: {endpoint: \"backend:4317\"}"
#define PIPELINE(name, receivers, processors, exporters) \
    name ": {receivers: [" receivers "], processors: [" processors "], exporters: [" exporters "]}"
#define SERVICE(first, second) "service: {pipelines: {" first ",\n" second "}}\n"
#define TRACES                 PIPELINE("traces", "otlp", "tail_sampling", "otlp")
#define LOGS                   PIPELINE("logs", "file_log", "", "otlp")

enum { MAX_WARNINGS = 4 };

struct row {
    const char *yaml;
    struct {
        unsigned line; /* 0: no more warnings */
        const char *text;
    } warnings[MAX_WARNINGS];
};

/* ---- an agent that judges traces ---- */

#define NODE(receivers, exporters, first, second) \
    RECEIVERS(receivers) PROCESSORS(SAMPLING) EXPORTERS(exporters) SERVICE(first, second)
#define AGENT(receivers, exporters) NODE(receivers, exporters, TRACES, LOGS)
#define FILES(path)                 "file_log: {include: [\"" path "\"]}"
#define HTTP_OUT(url)               "otlp_http: {endpoint: \"" url "\"}"

#define IN_PIECES "pipeline traces: tail_sampling judges what this node sees (file_log reads the files of its pods)"

static const struct row agent_rows[] = {
    { AGENT(OPEN ", " PODS, BACKEND), { { 4, IN_PIECES } } },
    { AGENT(OPEN ", " FILES("/host/var/log/containers/*.log"), BACKEND), { { 4, IN_PIECES } } },
    { AGENT(OPEN ", " FILES("/var/lib/docker/containers/*/*.log"), BACKEND), { { 4, IN_PIECES } } },
    { NODE(OPEN ", " PODS, HTTP_OUT("https://backend"), PIPELINE("traces", "otlp", "tail_sampling", "otlp_http"),
           PIPELINE("logs", "file_log", "", "otlp_http")),
      { { 4, IN_PIECES } } },
    /* only one of the protocols is open to others */
    { AGENT("otlp: {protocols: {grpc: , http: {endpoint: \":4318\"}}}, " PODS, BACKEND), { { 4, IN_PIECES } } },
    { AGENT("otlp: {protocols: {grpc: {endpoint: \"10.0.0.1:4317\"}}}, " PODS, BACKEND), { { 4, IN_PIECES } } },
    /* a gateway reads no files of a node */
    { NODE(OPEN, BACKEND, TRACES, PIPELINE("logs", "otlp", "tail_sampling", "otlp")), { { 0, NULL } } },
    { AGENT(OPEN ", " FILES("/var/log/app/*.log"), BACKEND), { { 0, NULL } } },
    /* an agent that leaves it to the gateway */
    { NODE(OPEN ", " PODS, BACKEND, PIPELINE("traces", "otlp", "", "otlp"), LOGS), { { 0, NULL } } },
    /* everything is on one machine: who sends, or where it goes */
    { AGENT("otlp: {protocols: {grpc: }}, " PODS, BACKEND), { { 0, NULL } } },
    { AGENT("otlp: {protocols: {grpc: {endpoint: \"[::1]:4317\"}}}, " PODS, BACKEND), { { 0, NULL } } },
    { AGENT("otlp: {protocols: {grpc: {transport: unix, endpoint: /run/x}}}, " PODS, BACKEND), { { 0, NULL } } },
    { AGENT(OPEN ", " PODS, "otlp: {endpoint: \"127.0.0.1:4317\"}"), { { 0, NULL } } },
    { NODE(OPEN ", " PODS, HTTP_OUT("http://localhost:4318"), PIPELINE("traces", "otlp", "tail_sampling", "otlp_http"),
           PIPELINE("logs", "file_log", "", "otlp_http")),
      { { 0, NULL } } },
    { NODE(OPEN ", " PODS, "debug: ", PIPELINE("traces", "otlp", "tail_sampling", "debug"),
           PIPELINE("logs", "file_log", "", "debug")),
      { { 0, NULL } } },
    /* a receiver that no pipeline names says nothing of this weft */
    { NODE(OPEN ", " PODS, BACKEND, TRACES, PIPELINE("logs", "otlp", "", "otlp")), { { 0, NULL } } },
};

/* ---- a redaction before what decides ---- */

#define WITH(redaction, sampling)                                                                    \
    RECEIVERS(OPEN)                                                                                  \
    "processors: {redaction: {" redaction "},\n tail_sampling: {" sampling "}}\n" EXPORTERS(BACKEND) \
        SERVICE(PIPELINE("traces", "otlp", "redaction, tail_sampling", "otlp"),                      \
                PIPELINE("logs", "otlp", "redaction, tail_sampling", "otlp"))
#define WITH_ONE_EACH(of_traces, of_logs, sampling)                                                     \
    RECEIVERS(OPEN)                                                                                     \
    "processors: {redaction/t: {" of_traces "}, redaction: {" of_logs "},\n tail_sampling: {" sampling  \
    "}}\n" EXPORTERS(BACKEND) SERVICE(PIPELINE("traces", "otlp", "redaction/t, tail_sampling", "otlp"), \
                                      PIPELINE("logs", "otlp", "redaction, tail_sampling", "otlp"))
#define POLICIES(list)  "policies: [" list "]"
#define TIER(more)      POLICIES("{name: gold, type: string_attribute, string_attribute: {key: tier, " more "}}")
#define FAMILIES(names) POLICIES("{name: all, type: always_sample}") ", aliases: {families: [" names "]}"
#define CUSTOM                                   \
    POLICIES("{name: all, type: always_sample}") \
    ", aliases: {custom: [{name: order, attributes: [order.id, orderId]}]}"
#define ALLOWS     "allow_all_keys: true, "
#define SIZE       "{name: big, type: numeric_attribute, numeric_attribute: {key: size, min_value: 5}}"
#define PAID       "{name: paid, type: boolean_attribute, boolean_attribute: {key: paid, value: true}}"
#define REMOVES    "redaction removes "
#define MASKS      "redaction masks "
#define READS_TIER "tier before tail_sampling sees it: the policy gold reads it there; "

static const struct row masked_rows[] = {
    /* keys of policies, wherever they stand */
    { WITH("", TIER("values: [gold]")), { { 2, REMOVES READS_TIER "add what is in use to allowed_keys" } } },
    { WITH("allowed_keys: [tier]", TIER("values: [gold]")), { { 0, NULL } } },
    { WITH("ignored_keys: [tier]", TIER("values: [gold]")), { { 0, NULL } } },
    { WITH(ALLOWS "blocked_key_patterns: [ti]", TIER("values: [gold]")),
      { { 2, MASKS READS_TIER "add what is in use to ignored_keys, or narrow blocked_key_patterns" } } },
    { WITH(ALLOWS "blocked_key_patterns: [ti], allowed_values: [gold]", TIER("values: [gold]")), { { 0, NULL } } },
    { WITH(ALLOWS "blocked_key_patterns: [ti], allowed_values: [gold]", TIER("values: [gold, silver]")),
      { { 2, MASKS READS_TIER } } },
    { WITH("allowed_keys: [a]", POLICIES(SIZE ", " PAID)),
      { { 2, REMOVES "size before tail_sampling sees it: the policy big" },
        { 2, REMOVES "paid before tail_sampling sees it: the policy paid" } } },
    { WITH("", POLICIES("{name: a, type: and, and: {and_sub_policy: [" SIZE
                        ", {name: n, type: not, not: {not_sub_policy: " PAID "}}]}}")),
      { { 2, "the policy big" }, { 2, "the policy paid" } } },
    { WITH("", POLICIES("{name: d, type: drop, drop: {drop_sub_policy: [{type: boolean_attribute, boolean_attribute: "
                        "{key: paid}}]}}")),
      { { 2, REMOVES "paid before tail_sampling sees it: the policy d reads it there" } } },
    { WITH("", POLICIES("{name: n, type: not, not: {not_sub_policy: " SIZE "}}")), { { 2, "the policy big" } } },
    { WITH("", POLICIES("{name: c, type: composite, composite: {max_total_spans_per_second: 1, composite_sub_policy: "
                        "[" SIZE ", {name: x, type: and, and: {and_sub_policy: [" PAID
                        "]}}], rate_allocation: [{policy: big, percent: 50}, {policy: x, percent: 50}]}}")),
      { { 2, "the policy big" }, { 2, "the policy paid" } } },
    /* a block that the type does not name counts for nothing */
    { WITH("", POLICIES("{name: all, type: always_sample, numeric_attribute: {key: size}}")), { { 0, NULL } } },
    /* values that policies look for */
    { WITH(ALLOWS "blocked_values: [\"g.ld\"]", TIER("values: [silver, gold]")),
      { { 2,
          MASKS "what is like gold in " READS_TIER "add what is in use to ignored_keys, or narrow blocked_values" } } },
    { WITH(ALLOWS "url_sanitizer: {enabled: true, attributes: [tier]}", TIER("values: [/gold, /g/12]")),
      { { 2, MASKS "what is like /g/12 in " READS_TIER } } },
    { WITH(ALLOWS "blocked_values: [\"g.ld\"], allowed_values: [\"^gold$\"]", TIER("values: [gold]")),
      { { 0, NULL } } },
    { WITH(ALLOWS "blocked_values: [\"g.ld\"], ignored_keys: [tier]", TIER("values: [gold]")), { { 0, NULL } } },
    { WITH(ALLOWS "blocked_values: [\"sk-[a-z]+\"]", TIER("values: [gold]")), { { 0, NULL } } },
    { WITH(ALLOWS "blocked_values: [\"g.ld\"]", TIER("values: [gold], enabled_regex_matching: true")),
      { { 0, NULL } } },
    { WITH(ALLOWS "blocked_values: [\"t.er\"]", TIER("values: [gold]")), { { 0, NULL } } },
    { WITH(ALLOWS "scope: all, blocked_values: [\"t.er\"]", TIER("values: [gold]")),
      { { 2, MASKS "what is like tier in " READS_TIER } } },
    /* attributes of aliases */
    { WITH("", FAMILIES("job_id, links")),
      { { 2, REMOVES "job_id, job.id, jobId, ... before tail_sampling sees it: the family job_id" } } },
    { WITH("allowed_keys: [jobId]", FAMILIES("job_id")), { { 0, NULL } } },
    { WITH("allowed_keys: [jobId]", FAMILIES("job_id, comfyui")), { { 2, REMOVES "prompt_id, comfyui.prompt_id, " } } },
    { WITH("allowed_keys: [jobId]", POLICIES("{name: all, type: always_sample}")), { { 0, NULL } } },
    { WITH(ALLOWS "blocked_key_patterns: [\"(?i)requestid\"]", FAMILIES("runpod")),
      { { 2, MASKS "requestId before tail_sampling sees it: the family runpod" } } },
    { WITH(ALLOWS "blocked_values: [\"[0-9a-f-]{36}\"]", FAMILIES("comfyui, inngest")),
      { { 2, MASKS "what is like 7c9e6679-7425-40de-944b-e07fc1f90ae7 in prompt_id, " },
        { 2, MASKS "what is like 7c9e6679-7425-40de-944b-e07fc1f90ae7 in sdk.run.id, " } } },
    { WITH(ALLOWS "blocked_values: [\"[0-9a-f]{16}-\"]", FAMILIES("inngest")),
      { { 2,
          MASKS "what is like 00-5b8efff798038103d269b633813fc60c-eee19b7ec3c1b174-01 in inngest.traceparent, " } } },
    { WITH(ALLOWS "blocked_values: [\"sk-[A-Za-z0-9]{20,}\", \"\\\\b4[0-9]{15}\\\\b\"]",
           FAMILIES("job_id, request_id, inngest, runpod, comfyui, links")),
      { { 0, NULL } } },
    /* of an own family each attribute was written down */
    { WITH("allowed_keys: [orderId]", CUSTOM),
      { { 2, REMOVES "order.id before tail_sampling sees it: the family order" } } },
    /* policies read spans, families log records, too */
    { WITH_ONE_EACH("allow_all_keys: true", "", TIER("values: [gold]") ", aliases: {families: [job_id]}"),
      { { 2, REMOVES "job_id, job.id, jobId, ... before tail_sampling sees it: the family job_id" } } },
    { WITH_ONE_EACH("", "allow_all_keys: true", TIER("values: [gold]") ", aliases: {families: [job_id]}"),
      { { 2, "redaction/t removes " READS_TIER }, { 2, "redaction/t removes job_id, job.id, jobId, ... " } } },
};

/* ---- what is held is not redacted yet ---- */

#define IN_ORDER(first, second)                                                                                  \
    RECEIVERS(OPEN)                                                                                              \
    PROCESSORS("redaction: , redaction/b: {" ALLOWS "}, " SAMPLING ", tail_sampling/b: {policies: [{name: all, " \
               "type: always_sample}]}")                                                                         \
    EXPORTERS(BACKEND) SERVICE(first, second)
#define TRACES_OF(processors) PIPELINE("traces", "otlp", processors, "otlp")
#define LOGS_OF(processors)   PIPELINE("logs", "otlp", processors, "otlp")
#define SHOWN                 " stands before redaction: what it holds and `weft trace` shows is not redacted yet"
#define NONE(other)           "no redaction stands before tail_sampling, as in pipeline " other

static const struct row order_rows[] = {
    { IN_ORDER(TRACES_OF("tail_sampling, redaction"), LOGS_OF("redaction/b, tail_sampling")),
      { { 4, "pipeline traces: tail_sampling" SHOWN } } },
    { IN_ORDER(TRACES_OF("tail_sampling, redaction"), LOGS_OF("tail_sampling, redaction")),
      { { 4, "pipeline traces: tail_sampling" SHOWN }, { 5, "pipeline logs: tail_sampling" SHOWN } } },
    { IN_ORDER(TRACES_OF("tail_sampling"), LOGS_OF("redaction, tail_sampling")),
      { { 4, "pipeline traces: " NONE("logs") } } },
    { IN_ORDER(TRACES_OF("redaction, tail_sampling"), LOGS_OF("tail_sampling")),
      { { 5, "pipeline logs: " NONE("traces") } } },
    /* what stands behind takes nothing away from it */
    { RECEIVERS(OPEN) PROCESSORS("redaction: , tail_sampling: {" TIER("values: [gold]") "}") EXPORTERS(BACKEND)
          SERVICE(TRACES_OF("tail_sampling, redaction"), LOGS_OF("redaction")),
      { { 4, "pipeline traces: tail_sampling" SHOWN } } },
    /* twice is once before */
    { IN_ORDER(TRACES_OF("redaction, tail_sampling, redaction/b"), LOGS_OF("redaction/b, tail_sampling")),
      { { 0, NULL } } },
    /* nobody redacts what is held: it was redacted elsewhere, or need not be */
    { IN_ORDER(TRACES_OF("tail_sampling"), LOGS_OF("tail_sampling")), { { 0, NULL } } },
    { IN_ORDER(TRACES_OF("tail_sampling"), LOGS_OF("redaction")), { { 0, NULL } } },
    { IN_ORDER(TRACES_OF("tail_sampling"), PIPELINE("traces/b", "otlp", "redaction, tail_sampling/b", "otlp")),
      { { 0, NULL } } },
};

/* ---- what an authenticator reads is gone ---- */

#define KEEPING "otlp: {protocols: {grpc: {endpoint: \"0.0.0.0:4317\", include_metadata: true}}}"
#define SETTER(name, more) \
    name ": {headers: [{key: a, value: b}, {key: X-Scope, from_context: X-Tenant, default_value: none}]" more "}"
#define WITH_SETTER(extensions, batch, processors)                                                                  \
    "extensions: {" extensions "}\n" RECEIVERS(KEEPING) PROCESSORS("batch: {" batch "}, nop: , " SAMPLING)          \
        EXPORTERS("otlp: {endpoint: \"backend:4317\", auth: {authenticator: headers_setter}}, otlp/b: {endpoint: "  \
                  "\"backend:4317\"}") "service: {extensions: [headers_setter, headers_setter/b], pipelines: "      \
                                       "{\n" PIPELINE("traces", "otlp", processors, "otlp, otlp/b") ",\n" PIPELINE( \
                                           "logs", "otlp", "batch", "otlp/b") "}}\n"
#define ONE_SETTER "headers_setter: {headers: [{key: a, value: b}]}, headers_setter/b: {headers: [{key: a, value: b}]}"
#define SETTERS    SETTER("headers_setter", "") ", headers_setter/b: {headers: [{key: a, value: b}]}"
#define CHAIN                                                                                                         \
    "headers_setter: {headers: [{key: a, value: b}], additional_auth: headers_setter/b}, " SETTER("headers_setter/b", \
                                                                                                  "")
#define LOST(processor) "pipeline traces: " processor " does not pass on what requests say in X-Tenant"

static const struct row metadata_rows[] = {
    { WITH_SETTER(SETTERS, "", "nop, batch"),
      { { 6, LOST("batch") ", and headers_setter takes it from there for otlp" } } },
    { WITH_SETTER(SETTERS, "metadata_keys: [x-other]", "batch"), { { 6, "; add it to metadata_keys" } } },
    { WITH_SETTER(SETTERS, "metadata_keys: [x-tenant]", "batch"), { { 0, NULL } } },
    { WITH_SETTER(SETTERS, "", "nop"), { { 0, NULL } } },
    { WITH_SETTER(SETTERS, "", "tail_sampling"), { { 6, LOST("tail_sampling") } } },
    { WITH_SETTER(ONE_SETTER, "", "batch"), { { 0, NULL } } },
    { WITH_SETTER(CHAIN, "", "batch"), { { 6, LOST("batch") ", and headers_setter/b takes it" } } },
};

#define READING(receivers, processors, names)                                                                   \
    RECEIVERS(receivers)                                                                                        \
    PROCESSORS(processors)                                                                                      \
    EXPORTERS(BACKEND)                                                                                          \
    "service: {pipelines: {\n" PIPELINE("traces", "otlp", names, "otlp") ",\n" PIPELINE("logs", "file_log", "", \
                                                                                        "otlp") "}}\n"
#define ATTRIBUTES(source) \
    "attributes: {actions: [{key: a, action: insert, from_context: " source ", default_value: b}]}"
#define RESOURCE         "resource: {attributes: [{key: a, action: upsert, from_context: x-tenant, default_value: b}]}"
#define NOT_KEPT(reader) "pipeline traces: " reader " reads what requests say in x-tenant, and no receiver of this"
#define KEPT_BY_HTTP     "otlp: {protocols: {grpc: , http: {include_metadata: true}}}, " FILES("/a")

static const struct row kept_rows[] = {
    { READING(OPEN ", " FILES("/a"), ATTRIBUTES("metadata.x-tenant"), "attributes"),
      { { 2, NOT_KEPT("attributes") } } },
    { READING(OPEN ", " FILES("/a"), ATTRIBUTES("x-tenant"), "attributes"), { { 2, NOT_KEPT("attributes") } } },
    { READING(OPEN ", " FILES("/a"), ATTRIBUTES("client.address"), "attributes"), { { 0, NULL } } },
    { READING(OPEN ", " FILES("/a"), ATTRIBUTES("auth.x"), "attributes"), { { 0, NULL } } },
    { READING(OPEN ", " FILES("/a"), RESOURCE, "resource"), { { 2, NOT_KEPT("resource") } } },
    { READING(OPEN ", " FILES("/a"), "batch: {metadata_keys: [x-tenant]}", "batch"), { { 2, NOT_KEPT("batch") } } },
    { READING(KEPT_BY_HTTP, "batch: {metadata_keys: [x-tenant]}", "batch"), { { 0, NULL } } },
    { "extensions: {" SETTER("headers_setter", "") "}\n" RECEIVERS(OPEN) PROCESSORS("batch: ")
          EXPORTERS("otlp: {endpoint: \"backend:4317\", auth: {authenticator: headers_setter}}") //
      "service: {extensions: [headers_setter], pipelines: {\n" PIPELINE("traces", "otlp", "batch", "otlp") "}}\n",
      { { 1, "pipeline traces: headers_setter reads what requests say in X-Tenant, and no receiver" } } },
};

/* ---- what has no effect on a signal ---- */

#define EXCLUDES(first, second)                                                                       \
    RECEIVERS(OPEN)                                                                                   \
    PROCESSORS("attributes: {actions: [{key: a, action: delete}], exclude: {resources: [{key: b}]}}") \
    EXPORTERS(BACKEND) SERVICE(first, second)
#define METRICS_OF(processors) PIPELINE("metrics", "otlp", processors, "otlp")

static const struct row signal_rows[] = {
    { EXCLUDES(TRACES_OF("attributes"), METRICS_OF("attributes")),
      { { 2, "exclude.resources: metrics are not asked for their resources, as in the Collector" } } },
    { EXCLUDES(TRACES_OF("attributes"), METRICS_OF("")), { { 0, NULL } } },
};

/* ---- playing rows ---- */

static void load_notes(const char *yaml, struct weft_config_notes *notes)
{
    static char config[8192];
    const char *configs[] = { config };
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_telemetry telemetry;
    struct weft_plan *plan = NULL;
    struct weft_worker_config workers;
    snprintf(config, sizeof config, "yaml:%s", yaml);
    ck_assert_msg(weft_agent_load(&(struct weft_config_sources){ .configs = configs, .config_count = 1 }, NULL, notes,
                                  &plan, &telemetry, &workers, &error) == WEFT_OK,
                  "%s\n%s", error.text, yaml);
    weft_plan_unref(&plan);
}

/* Each allocation that may fail does, in turn: the config is refused, or the rest of the notes is there. */
START_TEST(test_memory_that_fails_is_an_error)
{
    const char *config = "yaml:" WITH("blocked_key_patterns: [ti, er]", TIER("values: [gold]"));
    bool has_failed = true;
    for (size_t nth = 1; has_failed; nth++) {
        struct weft_config_notes notes = { 0 };
        struct weft_error error = WEFT_ERROR_NONE;
        struct weft_telemetry telemetry;
        struct weft_plan *plan = NULL;
        struct weft_worker_config workers;
        weft_alloc_fail_at(nth);
        enum weft_status status =
            weft_agent_load(&(struct weft_config_sources){ .configs = &config, .config_count = 1 }, NULL, &notes, &plan,
                            &telemetry, &workers, &error);
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert(status == WEFT_OK ? notes.count == 2 : error.text[0] != '\0');
        weft_plan_unref(&plan);
        weft_config_notes_fini(&notes);
    }
}
END_TEST

static unsigned line_of(const char *text)
{
    const char *colon = strchr(text, ':');
    ck_assert_msg(colon != NULL && strncmp(text, "yaml:", 5) == 0, "no place: %s", text);
    return (unsigned)strtoul(colon + 1, NULL, 10);
}

/* What is said of one component, wherever it stands (test_one_component_is_warned_of). */
static bool is_of_one_component(const char *text)
{
    return strstr(text, ": it keeps every trace") != NULL || strstr(text, ": redaction has no allowed_keys") != NULL;
}

static void check_row(const struct row *row)
{
    struct weft_config_notes notes = { 0 };
    size_t count = 0;
    load_notes(row->yaml, &notes);
    for (size_t i = 0; i < notes.count; i++) {
        const char *text = notes.items[i].text;
        if (is_of_one_component(text)) {
            continue;
        }
        ck_assert_int_eq(notes.items[i].kind, WEFT_NOTE_WARNING);
        ck_assert_msg(count < MAX_WARNINGS && row->warnings[count].line != 0, "one more: %s\n%s", text, row->yaml);
        ck_assert_msg(line_of(text) == row->warnings[count].line && strstr(text, row->warnings[count].text) != NULL,
                      "wanted %u: %s, got: %s\n%s", row->warnings[count].line, row->warnings[count].text, text,
                      row->yaml);
        count++;
    }
    ck_assert_msg(count == MAX_WARNINGS || row->warnings[count].line == 0, "missing: %s\n%s", row->warnings[count].text,
                  row->yaml);
    weft_config_notes_fini(&notes);
}

#define ALONE(extensions, runs, processors, name)                                                    \
    "extensions: {" extensions "}\n" RECEIVERS("otlp: {protocols: {grpc: }}") PROCESSORS(processors) \
        EXPORTERS("nop: ") "service: {extensions: [" runs                                            \
                           "], pipelines: {\n" PIPELINE("traces", "otlp", name, "nop") "}}\n"
#define COMPOSITE                                                                                       \
    "{name: c, type: composite, composite: {policy_order: [x], composite_sub_policy: [{name: x, type: " \
    "always_sample}], rate_allocation: [{policy: x, percent: 50}], max_total_spans_per_second: 10}}"

START_TEST(test_one_component_is_warned_of)
{
    static const struct {
        const char *yaml, *note; /* NULL: none at all */
        enum weft_note_kind kind;
    } rows[] = {
        { ALONE("", "", "redaction: ", "redaction"),
          "yaml:3: redaction has no allowed_keys: it removes every attribute, ", WEFT_NOTE_WARNING },
        { ALONE("", "", "redaction: {ignored_keys: [a]}", "redaction"), "every attribute but those",
          WEFT_NOTE_WARNING },
        { ALONE("", "", "redaction: {allow_all_keys: true}", "redaction"), NULL, WEFT_NOTE_WARNING },
        { ALONE("", "", "redaction: {allowed_keys: [a]}", "redaction"), NULL, WEFT_NOTE_WARNING },
        { ALONE("zpages: ", "", "nop: ", "nop"),
          "yaml:1: extensions.zpages has no effect: it is not in service.extensions", WEFT_NOTE_NO_EFFECT },
        { ALONE("zpages: ", "zpages", "nop: ", "nop"), NULL, WEFT_NOTE_WARNING },
        { ALONE("pprof: ", "pprof", "nop: ", "nop"), "pprof has no effect: weft has no Go profiler",
          WEFT_NOTE_WARNING },
        { ALONE("pprof: {endpoint: x}", "pprof", "nop: ", "nop"), "extensions.pprof.endpoint: has no effect in weft",
          WEFT_NOTE_NO_EFFECT },
        { ALONE("", "", "tail_sampling: {decision_cache: {sampled_cache_size: 1}, policies: [{name: d, type: drop}]}",
                "tail_sampling"),
          "processors.tail_sampling.decision_cache: has no effect in weft: Verdicts", WEFT_NOTE_NO_EFFECT },
        { ALONE("", "", "tail_sampling: {policies: [" COMPOSITE "]}", "tail_sampling"),
          "composite.policy_order: has no effect in weft: Parts are asked", WEFT_NOTE_NO_EFFECT },
        { ALONE("", "", "batch: {timeout: 5}", "batch"), "processors.batch.timeout: a number without a unit counts",
          WEFT_NOTE_WARNING },
        { ALONE("", "", "batch: {timeout: 5s}", "batch"), NULL, WEFT_NOTE_WARNING },
        { ALONE("", "", "batch: {timeout: 0}", "batch"), NULL, WEFT_NOTE_WARNING },
        { ALONE("", "", "batch: {timeout: 5000000}", "batch"), NULL, WEFT_NOTE_WARNING },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct weft_config_notes notes = { 0 };
        load_notes(rows[i].yaml, &notes);
        const char *found = notes.count == 0 ? NULL : notes.items[0].text;
        ck_assert_msg((found == NULL) == (rows[i].note == NULL), "%s%s", rows[i].yaml, found == NULL ? "" : found);
        ck_assert_msg(found == NULL || (strstr(found, rows[i].note) != NULL && notes.items[0].kind == rows[i].kind),
                      "%s%s", rows[i].yaml, found == NULL ? "" : found);
        bool is_drop = strstr(rows[i].yaml, "type: drop") != NULL; /* that has no parts, which is said, too */
        ck_assert_uint_eq(notes.count, (found != NULL) + is_drop);
        weft_config_notes_fini(&notes);
    }
}
END_TEST

START_TEST(test_agent_that_judges_is_warned_of)
{
    check_row(&agent_rows[_i]);
}
END_TEST

START_TEST(test_redaction_before_what_decides_is_warned_of)
{
    check_row(&masked_rows[_i]);
}
END_TEST

START_TEST(test_redaction_behind_what_holds_is_warned_of)
{
    check_row(&order_rows[_i]);
}
END_TEST

START_TEST(test_metadata_that_an_authenticator_misses_is_warned_of)
{
    check_row(&metadata_rows[_i]);
}
END_TEST

START_TEST(test_metadata_that_no_receiver_keeps_is_warned_of)
{
    check_row(&kept_rows[_i]);
}
END_TEST

START_TEST(test_what_has_no_effect_on_a_signal_is_warned_of)
{
    check_row(&signal_rows[_i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("worker/advice");
    TCase *advice = tcase_create("advice");
    tcase_add_test(advice, test_one_component_is_warned_of);
    tcase_add_loop_test(advice, test_agent_that_judges_is_warned_of, 0, (int)WEFT_COUNT_OF(agent_rows));
    tcase_add_loop_test(advice, test_redaction_before_what_decides_is_warned_of, 0, (int)WEFT_COUNT_OF(masked_rows));
    tcase_add_loop_test(advice, test_redaction_behind_what_holds_is_warned_of, 0, (int)WEFT_COUNT_OF(order_rows));
    tcase_add_loop_test(advice, test_metadata_that_an_authenticator_misses_is_warned_of, 0,
                        (int)WEFT_COUNT_OF(metadata_rows));
    tcase_add_loop_test(advice, test_metadata_that_no_receiver_keeps_is_warned_of, 0, (int)WEFT_COUNT_OF(kept_rows));
    tcase_add_loop_test(advice, test_what_has_no_effect_on_a_signal_is_warned_of, 0, (int)WEFT_COUNT_OF(signal_rows));
    tcase_add_test(advice, test_memory_that_fails_is_an_error);
    suite_add_tcase(suite, advice);
    return suite_run(suite);
}
