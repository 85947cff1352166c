/* Requests from the standard input (requests.h). Nothing is started, nothing is sent. */
#include "cli/requests.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/payload.h"
#include "wire/json_reader.h"
#include "wire/json_writer.h"
#include "worker/agent.h"
#include "worker/telemetry_config.h"
#include "worker/worker_config.h"

struct requests {
    weft_cli_change_fn change;
    void *context;
    struct weft_budget budget;
    struct weft_payload_pool *pool;
    struct weft_json_schema *schemas[WEFT_SIGNAL_COUNT];
    struct weft_buffer told;
};

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
    if (status == WEFT_OK && table->record_count == 0) {
        printf("after  nothing\n");
    } else if (status == WEFT_OK) {
        print_request("after ", table->signal, weft_buffer_slice(&out));
    }
    weft_buffer_fini(&out);
    weft_slices_fini(&slices);
    return status;
}

static enum weft_status change_request(struct requests *requests, enum weft_signal signal, struct weft_slice request,
                                       const struct weft_otlp_counts *counts, struct weft_error *error)
{
    struct weft_otlp_table table;
    struct weft_arena *arena = weft_arena_try_new();
    enum weft_status status =
        arena == NULL ? WEFT_NOMEM : weft_otlp_table_build(signal, request, counts, arena, &table, error);
    if (status == WEFT_OK) {
        status = requests->change(requests->context, &table, arena, &requests->told, error);
    }
    if (status == WEFT_OK) {
        print_request("before", signal, request);
        status = print_table(&table, arena);
    }
    if (status == WEFT_OK) {
        printf("%.*s", WEFT_SLICE_PRINT(weft_buffer_slice(&requests->told)));
    }
    weft_buffer_clear(&requests->told);
    weft_arena_unref(&arena);
    return status == WEFT_NOMEM ? weft_fail(error, status, "no memory") : status;
}

/* By the key that it begins with, in either spelling. */
static bool find_signal(struct weft_slice line, enum weft_signal *out_signal)
{
    static const char *const keys[][2] = { [WEFT_TRACES] = { "\"resourceSpans\"", "\"resource_spans\"" },
                                           [WEFT_METRICS] = { "\"resourceMetrics\"", "\"resource_metrics\"" },
                                           [WEFT_LOGS] = { "\"resourceLogs\"", "\"resource_logs\"" } };
    for (size_t signal = 0; signal < WEFT_COUNT_OF(keys); signal++) {
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

static enum weft_status change_line(struct requests *requests, struct weft_slice line, struct weft_error *error)
{
    enum weft_signal signal;
    struct weft_otlp_counts counts;
    if (!find_signal(line, &signal)) {
        return weft_fail(error, WEFT_INVALID, "no resourceSpans, resourceMetrics or resourceLogs in it");
    }
    struct weft_payload *payload = weft_payload_try_new(requests->pool, 0);
    if (payload == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory");
    }
    enum weft_status status = weft_json_read_message(requests->schemas[signal], line, NULL, payload, &counts, error);
    if (status == WEFT_OK) {
        status = change_request(requests, signal, weft_payload_slice(payload), &counts, error);
    }
    weft_payload_unref(&payload);
    return status;
}

static bool change_lines(struct requests *requests)
{
    char *line = NULL;
    size_t size_bytes = 0;
    ssize_t length;
    bool is_good = true;
    for (size_t number = 1; (length = getline(&line, &size_bytes, stdin)) >= 0; number++) {
        struct weft_error error = WEFT_ERROR_NONE;
        struct weft_slice text = weft_slice_trim(weft_slice_of(line, (size_t)length));
        if (text.length > 0 && change_line(requests, text, &error) != WEFT_OK) {
            fprintf(stderr, "input line %zu: %s\n", number, error.text);
            is_good = false;
        }
    }
    free(line);
    return is_good;
}

bool weft_cli_requests_change(weft_cli_change_fn change, void *context)
{
    struct requests requests = { .change = change, .context = context };
    requests.pool = weft_payload_pool_new(&requests.budget, 0);
    for (int signal = 0; signal < WEFT_SIGNAL_COUNT; signal++) {
        requests.schemas[signal] = weft_json_schema_of_request((enum weft_signal)signal, WEFT_JSON_ALL_NAMES);
    }
    bool is_good = change_lines(&requests);
    for (int signal = 0; signal < WEFT_SIGNAL_COUNT; signal++) {
        weft_json_schema_free(requests.schemas[signal]);
    }
    weft_buffer_fini(&requests.told);
    weft_payload_pool_free(requests.pool);
    return is_good;
}

bool weft_cli_is_of_type(const struct weft_plan_component *component, const char *type)
{
    return strcmp(component->component->type, type) == 0;
}

static bool has_processor(const struct weft_plan_pipeline *pipeline, const char *type)
{
    for (size_t i = 0; i < pipeline->processor_count; i++) {
        if (weft_cli_is_of_type(pipeline->processors[i], type)) {
            return true;
        }
    }
    return false;
}

/* NULL: none is asked for. */
static bool has_pipeline(const struct weft_plan *plan, const char *id)
{
    struct weft_buffer names;
    weft_buffer_init(&names, 0);
    bool is_there = id == NULL;
    for (size_t i = 0; !is_there && i < plan->pipeline_count; i++) {
        is_there = strcmp(plan->pipelines[i].id, id) == 0;
        weft_buffer_append_format(&names, "%s%s", i > 0 ? ", " : "", plan->pipelines[i].id);
    }
    if (!is_there) {
        fprintf(stderr, "no pipeline is called %s; there are %.*s\n", id, WEFT_SLICE_PRINT(weft_buffer_slice(&names)));
    }
    weft_buffer_fini(&names);
    return is_there;
}

int weft_cli_requests_change_by(const struct weft_cli_sources *sources, struct weft_cli_target *target,
                                weft_cli_change_fn change, void *context)
{
    struct weft_config_sources view = weft_cli_sources_view(sources);
    struct weft_plan *plan = NULL;
    struct weft_telemetry telemetry;
    struct weft_worker_config workers;
    struct weft_error error = WEFT_ERROR_NONE;
    int status = 1;
    if (weft_agent_load(&view, NULL, NULL, &plan, &telemetry, &workers, &error) != WEFT_OK) {
        fprintf(stderr, "%s\n", error.text);
    } else if (!has_pipeline(plan, target->pipeline)) {
        status = 2;
    } else {
        target->plan = plan;
        status = weft_cli_requests_change(change, context) ? 0 : 1;
        target->plan = NULL;
    }
    weft_plan_unref(&plan);
    return status;
}

enum weft_status weft_cli_find_pipeline(const struct weft_cli_target *target, enum weft_signal signal, const char *type,
                                        const struct weft_plan_pipeline **out_pipeline, struct weft_error *error)
{
    const struct weft_plan *plan = target->plan;
    const char *id = target->pipeline;
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        const struct weft_plan_pipeline *pipeline = &plan->pipelines[i];
        bool is_wanted = id == NULL ? has_processor(pipeline, type) : strcmp(id, pipeline->id) == 0;
        if (pipeline->signal == signal && is_wanted) {
            *out_pipeline = pipeline;
            return WEFT_OK;
        }
    }
    return id == NULL ? weft_fail(error, WEFT_INVALID, "no pipeline of %s has a %s", weft_signal_name(signal), type)
                      : weft_fail(error, WEFT_INVALID, "pipeline %s is not of %s", id, weft_signal_name(signal));
}
