/* `weft redact`: what the redactions of a config make of requests. OTLP/JSON is read from the standard input, a request
 * a line; each is shown as it came and as it would leave, with what was done to which value, and by which rule. Nothing
 * is started, nothing is sent. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "cli/cli.h"
#include "graph/plan.h"
#include "logs_service.pb-c.h"
#include "metrics_service.pb-c.h"
#include "processors/redaction_walk.h"
#include "trace_service.pb-c.h"
#include "wire/json_reader.h"
#include "wire/json_writer.h"
#include "wire/otlp_table.h"
#include "worker/agent.h"
#include "worker/telemetry_config.h"
#include "worker/worker_config.h"

struct redact {
    const struct weft_plan *plan;
    const char *pipeline; /* NULL: the first of the signal that has a redaction */
    struct weft_budget budget;
    struct weft_payload_pool *pool;
    struct weft_json_schema *schemas[WEFT_SIGNAL_COUNT];
    struct weft_buffer told; /* what was done to the request */
};

/* ---- one request ---- */

/* The lines of one message, each with what it was. */
static void tell(struct redact *redact, const char *where, uint32_t number, struct weft_buffer *lines)
{
    for (size_t from = 0; from < lines->length;) {
        const uint8_t *end = memchr(lines->bytes + from, '\n', lines->length - from);
        if (end == NULL) {
            break; /* memory ran out in the middle of a line */
        }
        size_t length = (size_t)(end - lines->bytes) - from;
        weft_buffer_append_format(&redact->told, "       %s[%u] ", where, number);
        weft_buffer_append(&redact->told, lines->bytes + from, length + 1);
        from += length + 1;
    }
    weft_buffer_clear(lines);
}

static enum weft_status redact_table(struct redact *redact, struct weft_redactor *redactor, struct weft_arena *arena,
                                     struct weft_otlp_table *table)
{
    static const char *const records[] = { [WEFT_TRACES] = "span", [WEFT_METRICS] = "metric", [WEFT_LOGS] = "log" };
    struct weft_buffer lines = { 0 };
    enum weft_status status = WEFT_OK;
    redactor->explanation = &lines;
    for (uint32_t i = 0; i < table->resource_count && status == WEFT_OK; i++) {
        struct weft_slice *header = &table->resources[i].header;
        status = weft_redactor_apply(redactor, table->signal, WEFT_REDACTION_RESOURCE_X, arena, header);
        tell(redact, "resource", i, &lines);
    }
    for (uint32_t i = 0; i < table->scope_count && status == WEFT_OK; i++) {
        struct weft_slice *header = &table->scopes[i].header;
        status = weft_redactor_apply(redactor, table->signal, WEFT_REDACTION_SCOPE_X, arena, header);
        tell(redact, "scope", i, &lines);
    }
    for (uint32_t i = 0; i < table->record_count && status == WEFT_OK; i++) {
        struct weft_slice record = { table->records[i].bytes, table->records[i].length };
        status = weft_redactor_apply(redactor, table->signal, WEFT_REDACTION_RECORD, arena, &record);
        table->records[i].bytes = record.bytes;
        table->records[i].length = (uint32_t)record.length;
        tell(redact, records[table->signal], i, &lines);
    }
    weft_buffer_fini(&lines);
    return status;
}

static enum weft_status redact_by(struct redact *redact, const struct weft_plan_component *component,
                                  struct weft_arena *arena, struct weft_otlp_table *table, struct weft_error *error)
{
    struct weft_redaction_rules *rules = NULL;
    struct weft_redactor redactor;
    enum weft_status status = weft_redaction_rules_new(component->config, &rules, error);
    if (status != WEFT_OK) {
        return status;
    }
    status = weft_redactor_init(&redactor, rules, error);
    if (status == WEFT_OK) {
        weft_buffer_append_format(&redact->told, "  by %s:\n", component->id);
        status = redact_table(redact, &redactor, arena, table);
    }
    weft_redactor_fini(&redactor);
    weft_redaction_rules_free(&rules);
    return status;
}

static bool is_redaction(const struct weft_plan_component *component)
{
    return strcmp(component->component->type, "redaction") == 0;
}

static const struct weft_plan_pipeline *find_pipeline(const struct redact *redact, enum weft_signal signal)
{
    for (size_t i = 0; i < redact->plan->pipeline_count; i++) {
        const struct weft_plan_pipeline *pipeline = &redact->plan->pipelines[i];
        bool has_redaction = false;
        for (size_t n = 0; n < pipeline->processor_count; n++) {
            has_redaction = has_redaction || is_redaction(pipeline->processors[n]);
        }
        if (pipeline->signal == signal &&
            (redact->pipeline == NULL ? has_redaction : strcmp(redact->pipeline, pipeline->id) == 0)) {
            return pipeline;
        }
    }
    return NULL;
}

static void print_request(const char *title, enum weft_signal signal, struct weft_slice request)
{
    struct weft_buffer json = { 0 };
    struct weft_error error = WEFT_ERROR_NONE;
    if (weft_json_write_request(signal, request, &json, &error) == WEFT_OK) {
        printf("%s %.*s\n", title, WEFT_SLICE_PRINT(weft_buffer_slice(&json)));
    }
    weft_buffer_fini(&json);
}

static enum weft_status print_table(const struct weft_otlp_table *table, struct weft_arena *arena)
{
    struct weft_slices slices;
    struct weft_buffer out = { 0 };
    weft_slices_init(&slices);
    enum weft_status status = weft_otlp_table_emit(table, arena, &slices);
    for (size_t i = 0; status == WEFT_OK && i < slices.count; i++) {
        weft_buffer_append(&out, slices.items[i].bytes, slices.items[i].length);
    }
    if (status == WEFT_OK) {
        print_request("after ", table->signal, weft_buffer_slice(&out));
    }
    weft_buffer_fini(&out);
    weft_slices_fini(&slices);
    return status;
}

static enum weft_status redact_request(struct redact *redact, enum weft_signal signal, struct weft_slice request,
                                       const struct weft_otlp_counts *counts, struct weft_error *error)
{
    struct weft_otlp_table table;
    const struct weft_plan_pipeline *pipeline = find_pipeline(redact, signal);
    if (pipeline == NULL) {
        return weft_fail(error, WEFT_INVALID, "no pipeline of %s has a redaction", weft_signal_name(signal));
    }
    struct weft_arena *arena = weft_arena_try_new();
    enum weft_status status =
        arena == NULL ? WEFT_NOMEM : weft_otlp_table_build(signal, request, counts, arena, &table, error);
    print_request("before", signal, request);
    for (size_t i = 0; status == WEFT_OK && i < pipeline->processor_count; i++) {
        if (is_redaction(pipeline->processors[i])) {
            status = redact_by(redact, pipeline->processors[i], arena, &table, error);
        }
    }
    status = status == WEFT_OK ? print_table(&table, arena) : status;
    if (status == WEFT_OK) {
        printf("%.*s", WEFT_SLICE_PRINT(weft_buffer_slice(&redact->told)));
    }
    weft_buffer_clear(&redact->told);
    weft_arena_unref(&arena);
    return status == WEFT_NOMEM ? weft_fail(error, status, "no memory") : status;
}

/* ---- the standard input ---- */

/* By the key that it begins with, in either spelling. */
static bool find_signal(struct weft_slice line, enum weft_signal *out_signal)
{
    static const char *const keys[][2] = { [WEFT_TRACES] = { "\"resourceSpans\"", "\"resource_spans\"" },
                                           [WEFT_METRICS] = { "\"resourceMetrics\"", "\"resource_metrics\"" },
                                           [WEFT_LOGS] = { "\"resourceLogs\"", "\"resource_logs\"" } };
    for (int signal = 0; signal < WEFT_SIGNAL_COUNT; signal++) {
        for (int spelling = 0; spelling < 2; spelling++) {
            const char *key = keys[signal][spelling];
            if (memmem(line.bytes, line.length, key, strlen(key)) != NULL) {
                *out_signal = (enum weft_signal)signal;
                return true;
            }
        }
    }
    return false;
}

static enum weft_status redact_line(struct redact *redact, struct weft_slice line, struct weft_error *error)
{
    enum weft_signal signal;
    struct weft_otlp_counts counts;
    if (!find_signal(line, &signal)) {
        return weft_fail(error, WEFT_INVALID, "no resourceSpans, resourceMetrics or resourceLogs in it");
    }
    struct weft_payload *payload = weft_payload_try_new(redact->pool, 0);
    if (payload == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory");
    }
    enum weft_status status = weft_json_read_message(redact->schemas[signal], line, NULL, payload, &counts, error);
    if (status == WEFT_OK) {
        status = redact_request(redact, signal, weft_payload_slice(payload), &counts, error);
    }
    weft_payload_unref(&payload);
    return status;
}

static bool redact_lines(struct redact *redact)
{
    char *line = NULL;
    size_t size_bytes = 0;
    ssize_t length;
    bool is_good = true;
    for (size_t number = 1; (length = getline(&line, &size_bytes, stdin)) >= 0; number++) {
        struct weft_error error = WEFT_ERROR_NONE;
        struct weft_slice text = weft_slice_trim(weft_slice_of(line, (size_t)length));
        if (text.length > 0 && redact_line(redact, text, &error) != WEFT_OK) {
            fprintf(stderr, "line %zu: %s\n", number, error.text);
            is_good = false;
        }
    }
    free(line);
    return is_good;
}

static bool redact_input(const struct weft_plan *plan, const char *pipeline)
{
    static const ProtobufCMessageDescriptor *const roots[] = {
        [WEFT_TRACES] = &opentelemetry__proto__collector__trace__v1__export_trace_service_request__descriptor,
        [WEFT_METRICS] = &opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__descriptor,
        [WEFT_LOGS] = &opentelemetry__proto__collector__logs__v1__export_logs_service_request__descriptor,
    };
    struct redact redact = { .plan = plan, .pipeline = pipeline };
    redact.pool = weft_payload_pool_new(&redact.budget, 0);
    for (int signal = 0; signal < WEFT_SIGNAL_COUNT; signal++) {
        redact.schemas[signal] = weft_json_schema_new(roots[signal], WEFT_JSON_ALL_NAMES);
    }
    bool is_good = redact_lines(&redact);
    for (int signal = 0; signal < WEFT_SIGNAL_COUNT; signal++) {
        weft_json_schema_free(redact.schemas[signal]);
    }
    weft_buffer_fini(&redact.told);
    weft_payload_pool_free(redact.pool);
    return is_good;
}

/* ---- the command ---- */

static bool read_options(int argument_count, char **arguments, struct weft_cli_sources *sources,
                         const char **out_pipeline)
{
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' },
        { "set", required_argument, NULL, 's' },
        { "pipeline", required_argument, NULL, 'p' },
        { NULL, 0, NULL, 0 },
    };
    int letter;
    while ((letter = getopt_long(argument_count, arguments, "c:", options, NULL)) != -1) {
        if (letter == 'c') {
            weft_cli_sources_add_config(sources, optarg);
        } else if (letter == 's') {
            weft_cli_sources_add_set(sources, optarg);
        } else if (letter == 'p') {
            *out_pipeline = optarg;
        } else {
            return false;
        }
    }
    if (optind < argument_count || sources->config_count == 0) {
        fprintf(stderr, "usage: weft redact --config FILE [--set KEY=VALUE ...] [--pipeline ID] < OTLP/JSON lines\n");
        return false;
    }
    return true;
}

int weft_cli_redact(int argument_count, char **arguments)
{
    struct weft_cli_sources sources = { 0 };
    const char *pipeline = NULL;
    if (!read_options(argument_count, arguments, &sources, &pipeline)) {
        weft_cli_sources_fini(&sources);
        return 2;
    }
    struct weft_config_sources view = weft_cli_sources_view(&sources);
    struct weft_plan *plan = NULL;
    struct weft_telemetry telemetry;
    struct weft_worker_config workers;
    struct weft_error error = WEFT_ERROR_NONE;
    bool is_good = weft_agent_load(&view, NULL, NULL, &plan, &telemetry, &workers, &error) == WEFT_OK;
    if (is_good) {
        is_good = redact_input(plan, pipeline);
    } else {
        fprintf(stderr, "%s\n", error.text);
    }
    weft_plan_unref(&plan);
    weft_cli_sources_fini(&sources);
    return is_good ? 0 : 1;
}
