/* `weft ottl`: what statements make of requests: those given, or the transforms of a config; or what a condition says
 * of their records (ottl_ask.h). OTLP/JSON is read from the standard input, a request a line; each is shown as it came
 * and as it would leave. Nothing is started, nothing is sent.
 */
#include <getopt.h>
#include <stdio.h>

#include "base/alloc.h"
#include "cli/cli.h"
#include "cli/ottl_ask.h"
#include "cli/requests.h"
#include "graph/plan.h"
#include "processors/transform_run.h"
#include "worker/agent.h"
#include "worker/telemetry_config.h"
#include "worker/worker_config.h"

struct ottl {
    struct weft_slice *statements;
    size_t statement_count;
    const struct weft_plan *plan; /* NULL: the statements */
    const char *pipeline;         /* NULL: the first of the signal that has a transform */
};

static enum weft_status apply(const struct weft_transform_rules *rules, const char *id, struct weft_otlp_table *table,
                              struct weft_arena *arena, struct weft_error *error)
{
    struct weft_transform_runner runner;
    enum weft_status status = weft_transform_runner_init(&runner, rules, id, error);
    if (status == WEFT_OK) {
        status = weft_transform_apply(&runner, table, arena, error);
    }
    weft_transform_runner_fini(&runner);
    return status;
}

static enum weft_status run_statements(const struct ottl *ottl, struct weft_otlp_table *table, struct weft_arena *arena,
                                       struct weft_error *error)
{
    struct weft_transform_rules *rules = NULL;
    enum weft_status status =
        weft_transform_rules_of(table->signal, ottl->statements, ottl->statement_count, &rules, error);
    if (status != WEFT_OK) {
        return weft_fail_prefix(error, "the statements");
    }
    status = apply(rules, "ottl", table, arena, error);
    weft_transform_rules_free(&rules);
    return status;
}

/* ---- a config ---- */

static enum weft_status run_config(const struct ottl *ottl, struct weft_otlp_table *table, struct weft_arena *arena,
                                   struct weft_error *error)
{
    const struct weft_plan_pipeline *pipeline =
        weft_cli_find_pipeline(ottl->plan, ottl->pipeline, table->signal, "transform");
    enum weft_status status = WEFT_OK;
    if (pipeline == NULL) {
        return weft_fail(error, WEFT_INVALID, "no pipeline of %s has a transform", weft_signal_name(table->signal));
    }
    for (size_t i = 0; status == WEFT_OK && i < pipeline->processor_count; i++) {
        const struct weft_plan_component *component = pipeline->processors[i];
        struct weft_transform_rules *rules = NULL;
        if (!weft_cli_is_of_type(component, "transform")) {
            continue;
        }
        status = weft_transform_rules_new(component->config, &rules, error);
        if (status == WEFT_OK) {
            status = apply(rules, component->id, table, arena, error);
        }
        weft_transform_rules_free(&rules);
    }
    return status;
}

static enum weft_status change(void *context, struct weft_otlp_table *table, struct weft_arena *arena,
                               struct weft_buffer *told, struct weft_error *error)
{
    (void)told;
    const struct ottl *ottl = context;
    return ottl->plan == NULL ? run_statements(ottl, table, arena, error) : run_config(ottl, table, arena, error);
}

/* ---- the command ---- */

static bool read_options(int argument_count, char **arguments, struct weft_cli_sources *sources,
                         const char **out_pipeline, struct weft_cli_condition *out_question)
{
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' },
        { "set", required_argument, NULL, 's' },
        { "pipeline", required_argument, NULL, 'p' },
        { "condition", required_argument, NULL, 'q' },
        { "context", required_argument, NULL, 'x' },
        { "feature-gates", required_argument, NULL, 'g' },
        { NULL, 0, NULL, 0 },
    };
    int letter;
    while ((letter = getopt_long(argument_count, arguments, "c:", options, NULL)) != -1) {
        if (letter == 'c') {
            weft_cli_sources_add_config(sources, optarg);
        } else if (letter == 's') {
            weft_cli_sources_add_set(sources, optarg);
        } else if (letter == 'g') {
            weft_cli_sources_add_gates(sources, optarg);
        } else if (letter == 'p') {
            *out_pipeline = optarg;
        } else if (letter == 'q') {
            out_question->condition = optarg;
        } else if (letter == 'x') {
            out_question->context = optarg;
        } else {
            return false;
        }
    }
    int given = (optind < argument_count) + (sources->config_count > 0) + (out_question->condition != NULL);
    if (given != 1) {
        weft_cli_print_usage(stderr, "ottl");
        return false;
    }
    return true;
}

static bool try_statements(char **texts, size_t count)
{
    struct weft_slice *statements = weft_alloc(count * sizeof *statements);
    struct ottl ottl = { .statements = statements, .statement_count = count };
    for (size_t i = 0; i < count; i++) {
        statements[i] = weft_slice_of_text(texts[i]);
    }
    bool is_good = weft_cli_requests_change(change, &ottl);
    weft_free(statements);
    return is_good;
}

static bool try_config(const struct weft_cli_sources *sources, const char *pipeline)
{
    struct weft_config_sources view = weft_cli_sources_view(sources);
    struct weft_plan *plan = NULL;
    struct weft_telemetry telemetry;
    struct weft_worker_config workers;
    struct weft_error error = WEFT_ERROR_NONE;
    bool is_good = weft_agent_load(&view, NULL, NULL, &plan, &telemetry, &workers, &error) == WEFT_OK;
    if (is_good) {
        struct ottl ottl = { .plan = plan, .pipeline = pipeline };
        is_good = weft_cli_requests_change(change, &ottl);
    } else {
        fprintf(stderr, "%s\n", error.text);
    }
    weft_plan_unref(&plan);
    return is_good;
}

int weft_cli_ottl(int argument_count, char **arguments)
{
    struct weft_cli_sources sources = { 0 };
    const char *pipeline = NULL;
    struct weft_cli_condition question = { NULL, NULL };
    if (!read_options(argument_count, arguments, &sources, &pipeline, &question)) {
        weft_cli_sources_fini(&sources);
        return 2;
    }
    bool is_good = question.condition != NULL ? weft_cli_requests_change(weft_cli_ottl_ask, &question)
                   : sources.config_count > 0 ? try_config(&sources, pipeline)
                                              : try_statements(arguments + optind, (size_t)(argument_count - optind));
    weft_cli_sources_fini(&sources);
    return is_good ? 0 : 1;
}
