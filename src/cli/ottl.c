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

enum { SIGNAL_COUNT = WEFT_LOGS + 1 }; /* that have statements */

struct ottl {
    struct weft_transform_rules *statements[SIGNAL_COUNT]; /* compiled; NULL: none is of the signal */
    struct weft_cli_target target;                         /* plan NULL: the statements */
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

static enum weft_status change(void *context, struct weft_otlp_table *table, struct weft_arena *arena,
                               struct weft_buffer *told, struct weft_error *error);

/* ---- statements ---- */

static enum weft_status run_statements(const struct ottl *ottl, struct weft_otlp_table *table, struct weft_arena *arena,
                                       struct weft_error *error)
{
    const struct weft_transform_rules *rules = ottl->statements[table->signal];
    return rules == NULL ? weft_fail(error, WEFT_INVALID, "no statement is of %s", weft_signal_name(table->signal))
                         : apply(rules, "ottl", table, arena, error);
}

/* Whether a statement is about records of the signal, and well written. context: "" = by its paths. */
static enum weft_status check_statement(enum weft_signal signal, const char *context, struct weft_slice statement,
                                        bool *out_is_of, struct weft_error *error)
{
    enum weft_ottl_context found = WEFT_OTTL_RESOURCE;
    struct weft_transform_rules *rules = NULL;
    bool is_named = context[0] != '\0';
    enum weft_status status = WEFT_OK;
    if (is_named && !weft_ottl_context_of(weft_slice_of_text(context), &found)) {
        return weft_fail(error, WEFT_INVALID, "--context: there is no context \"%s\"", context);
    }
    if (!is_named) {
        status = weft_ottl_infer_context(&statement, 1, WEFT_OTTL_STATEMENT, signal, &is_named, &found, error);
    }
    if (status == WEFT_OK && !is_named) {
        return weft_fail(error, WEFT_INVALID,
                         "no path says which records are meant; begin paths with their context, "
                         "as in span.name, or say --context");
    }
    *out_is_of = status == WEFT_OK && weft_ottl_context_is_of(found, signal);
    if (*out_is_of) {
        status = weft_transform_rules_of(signal, context, &statement, 1, &rules, error);
        weft_transform_rules_free(&rules);
    }
    return status;
}

/* Those of the signal, all together. False after a message. */
static bool compile(enum weft_signal signal, const char *context, char **texts, size_t count,
                    struct weft_transform_rules **out_rules)
{
    struct weft_slice *statements = weft_alloc(count * sizeof *statements);
    size_t chosen = 0;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < count; i++) {
        bool is_of = false;
        statements[chosen] = weft_slice_of_text(texts[i]);
        status = check_statement(signal, context, statements[chosen], &is_of, &error);
        chosen += is_of;
        if (status != WEFT_OK) {
            fprintf(stderr, "statement %zu: %s\n", i + 1, error.text);
        }
    }
    if (status == WEFT_OK && chosen > 0) {
        status = weft_transform_rules_of(signal, context, statements, chosen, out_rules, &error);
        if (status != WEFT_OK) {
            fprintf(stderr, "the statements together: %s\n", error.text);
        }
    }
    weft_free(statements);
    return status == WEFT_OK;
}

/* They are compiled before anything is read. */
static int try_statements(const char *context, char **texts, size_t count)
{
    struct ottl ottl = { .target.plan = NULL };
    bool is_compiled = true;
    int status = 2;
    for (int signal = 0; is_compiled && signal < SIGNAL_COUNT; signal++) {
        is_compiled = compile((enum weft_signal)signal, context, texts, count, &ottl.statements[signal]);
    }
    if (is_compiled) {
        status = weft_cli_requests_change(change, &ottl) ? 0 : 1;
    }
    for (int signal = 0; signal < SIGNAL_COUNT; signal++) {
        weft_transform_rules_free(&ottl.statements[signal]);
    }
    return status;
}

/* ---- a config ---- */

static enum weft_status run_config(const struct ottl *ottl, struct weft_otlp_table *table, struct weft_arena *arena,
                                   struct weft_error *error)
{
    const struct weft_plan_pipeline *pipeline = NULL;
    enum weft_status status = weft_cli_find_pipeline(&ottl->target, table->signal, "transform", &pipeline, error);
    for (size_t i = 0; status == WEFT_OK && i < pipeline->processor_count; i++) {
        const struct weft_plan_component *component = pipeline->processors[i];
        struct weft_transform_rules *rules = NULL;
        if (!weft_cli_is_of_type(component, "transform")) {
            continue;
        }
        status = weft_transform_rules_new(component->config, NULL, &rules, error);
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
    return ottl->target.plan == NULL ? run_statements(ottl, table, arena, error)
                                     : run_config(ottl, table, arena, error);
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

static int try_config(const struct weft_cli_sources *sources, const char *pipeline)
{
    struct ottl ottl = { .target.pipeline = pipeline };
    return weft_cli_requests_change_by(sources, &ottl.target, change, &ottl);
}

static int try_condition(struct weft_cli_condition *question)
{
    struct weft_error error = WEFT_ERROR_NONE;
    if (weft_cli_ottl_check(question, &error) != WEFT_OK) {
        fprintf(stderr, "--condition: %s\n", error.text);
        return 2;
    }
    return weft_cli_requests_change(weft_cli_ottl_ask, question) ? 0 : 1;
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
    const char *context = question.context == NULL ? "" : question.context;
    int status = question.condition != NULL ? try_condition(&question)
                 : sources.config_count > 0
                     ? try_config(&sources, pipeline)
                     : try_statements(context, arguments + optind, (size_t)(argument_count - optind));
    weft_cli_sources_fini(&sources);
    return status;
}
