#pragma once

#include <stdarg.h>

#include "stage_client.h"
#include "stage_sink.h"
#include "stage_spy.h"

/* Random configs of the stage simulation, and what one becomes at a reload. */
extern const struct weft_component weft_processor_batch, weft_processor_half, weft_processor_attributes,
    weft_processor_redaction, weft_processor_resource, weft_processor_filter, weft_processor_transform,
    weft_processor_tail_sampling;

static const struct weft_component_registry simulation_registry = { (const struct weft_component *const[]){
    &client_component, &weft_processor_batch, &spied_hold, &weft_processor_half, &weft_processor_attributes,
    &weft_processor_redaction, &weft_processor_resource, &weft_processor_filter, &weft_processor_transform,
    &weft_processor_tail_sampling, &sink_component, NULL } };

static inline void random_sinks(struct pipeline_shape *pipeline)
{
    pipeline->has_sink[pick(SINKS)] = true;
    for (size_t i = 0; i < SINKS; i++) {
        pipeline->has_sink[i] = pipeline->has_sink[i] || chance(20);
    }
}

static const size_t editing_steps[] = { STEP_FILTER_FRONT, STEP_EDIT_FRONT,  STEP_TURN_FRONT, STEP_MASK,
                                        STEP_EDIT_BEHIND,  STEP_TURN_BEHIND, STEP_RESOURCE,   STEP_FILTER_BEHIND };

static inline void random_pipeline(struct pipeline_shape *pipeline)
{
    *pipeline = (struct pipeline_shape){ .is_there = true };
    pipeline->has_step[STEP_SAMPLE] = chance(world->is_strict ? 0 : 30);
    pipeline->has_step[STEP_HOLD_A] = chance(pipeline->has_step[STEP_SAMPLE] ? 30 : 90);
    pipeline->has_step[STEP_HOLD_B] = chance(world->is_strict ? 0 : 25);
    pipeline->has_step[STEP_BATCH_FRONT] = chance(35);
    pipeline->has_step[STEP_HALF_FRONT] = chance(15);
    pipeline->has_step[STEP_BATCH_BEHIND] = chance(35);
    for (size_t i = 0; i < WEFT_COUNT_OF(editing_steps); i++) {
        pipeline->has_step[editing_steps[i]] = chance(25);
    }
    pipeline->has_step[STEP_HALF_BEHIND] = chance(15);
    random_sinks(pipeline);
}

static inline void random_hold(struct shape *shape, size_t index)
{
    shape->wait_ms[index] = chance(10) ? 0 : pick(1200);
    shape->max_records[index] = chance(50) ? 1 + pick(12) : 1000;
}

static inline void random_batch(struct shape *shape, size_t index)
{
    shape->batch_ms[index] = pick(300);
    shape->batch_size[index] = pick(12);
    shape->batch_max[index] = chance(50) ? 0 : shape->batch_size[index] + 1 + pick(6);
}

static inline bool samples_traces(const struct shape *shape)
{
    return (shape->pipelines[0].is_there && shape->pipelines[0].has_step[STEP_SAMPLE]) ||
           (shape->pipelines[1].is_there && shape->pipelines[1].has_step[STEP_SAMPLE]);
}

/* Two traces pipelines that name one stage have one each, and no logs pipeline may then share it. Log lines follow a
 * verdict only where there are some. */
static inline void obey_rules(struct shape *shape)
{
    for (size_t step = STEP_SAMPLE; step <= STEP_HOLD_B; step++) {
        bool are_two = shape->pipelines[0].is_there && shape->pipelines[1].is_there &&
                       shape->pipelines[0].has_step[step] && shape->pipelines[1].has_step[step];
        for (size_t p = 2; are_two && p < PIPELINES; p++) {
            shape->pipelines[p].has_step[step] = false;
        }
    }
    for (size_t p = 2; p < PIPELINES && !samples_traces(shape); p++) {
        shape->pipelines[p].has_step[STEP_SAMPLE] = false;
    }
    if (!shape->pipelines[0].is_there && !shape->pipelines[2].is_there && !shape->pipelines[3].is_there) {
        shape->pipelines[1].is_there = true;
    }
}

static inline void random_shape(struct shape *shape)
{
    *shape = (struct shape){ 0 };
    for (size_t p = 0; p < PIPELINES; p++) {
        random_pipeline(&shape->pipelines[p]);
        shape->pipelines[p].is_there = chance(p % 2 == 0 ? 90 : 20);
    }
    random_hold(shape, 0);
    random_hold(shape, 1);
    random_batch(shape, 0);
    random_batch(shape, 1);
    obey_rules(shape);
}

/* One thing is another now. */
static inline void change_shape(struct shape *shape)
{
    struct pipeline_shape *pipeline = &shape->pipelines[pick(PIPELINES)];
    size_t hold = STEP_HOLD_A + (world->is_strict ? 0 : pick(2));
    switch (pick(8)) {
    case 0:
        shape->sink_version[pick(SINKS)]++;
        break;
    case 1:
    case 2:
        random_hold(shape, pick(2));
        break;
    case 3:
        pipeline->is_there = !pipeline->is_there;
        break;
    case 4:
        pipeline->has_step[hold] = !pipeline->has_step[hold];
        break;
    case 5:
        memset(pipeline->has_sink, 0, sizeof pipeline->has_sink);
        random_sinks(pipeline);
        break;
    case 6:
        random_batch(shape, pick(2));
        break;
    default:
        shape->client_version++;
        for (size_t p = 0; p < PIPELINES; p++) {
            shape->pipelines[p].has_step[STEP_HOLD_A] = chance(50);
        }
    }
}

/* ---- as a config ---- */

struct text {
    char bytes[4096];
    size_t length;
};

static inline void WEFT_PRINTF(2, 3) put(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    text->length += (size_t)vsnprintf(text->bytes + text->length, sizeof text->bytes - text->length, format, arguments);
    va_end(arguments);
}

static inline void put_names(struct text *text, const char *key, const bool *has, const char *const *names,
                             size_t count)
{
    const char *separator = "";
    put(text, "%s: [", key);
    for (size_t i = 0; i < count; i++) {
        if (has[i]) {
            put(text, "%s%s", separator, names[i]);
            separator = ", ";
        }
    }
    put(text, "]");
}

static inline void put_pipeline(struct text *text, const struct pipeline_shape *pipeline, size_t index)
{
    static const char *const sink_names[SINKS] = { "sink/0", "sink/1", "sink/2" };
    bool has_client[CLIENTS];
    for (size_t i = 0; i < CLIENTS; i++) {
        has_client[i] = does_feed(i, index);
    }
    put(text, "    %s: {", pipeline_names[index]);
    put_names(text, "receivers", has_client, client_names, CLIENTS);
    put_names(text, ", processors", pipeline->has_step, step_names, STEPS);
    put_names(text, ", exporters", pipeline->has_sink, sink_names, SINKS);
    put(text, "}\n");
}

static inline void put_ottl(struct text *text)
{
    put(text, "  filter/front: {trace_conditions: ['%s'], log_conditions: ['%s']}\n", FILTERED_FRONT("span"),
        FILTERED_FRONT("log"));
    put(text, "  filter/behind: {trace_conditions: ['%s'], log_conditions: ['%s']}\n", FILTERED_BEHIND("span"),
        FILTERED_BEHIND("log"));
    put(text, "  transform/front: {trace_statements: [%s], log_statements: [%s]}\n", TURNS("span", TURNED_FRONT),
        TURNS("log", TURNED_FRONT));
    put(text, "  transform/behind: {trace_statements: [%s, %s], log_statements: [%s, %s]}\n",
        TURNS("span", TURNED_BEHIND), TURNS("resource", TURNED_RESOURCE), TURNS("log", TURNED_BEHIND),
        TURNS("resource", TURNED_RESOURCE));
}

static inline void put_shape(struct text *text, const struct shape *shape)
{
    put(text, "receivers:\n");
    for (size_t i = 0; i < CLIENTS; i++) {
        put(text, "  %s: {text: v%u}\n", client_names[i], shape->client_version);
    }
    put(text, "processors:\n  half/front:\n  half/behind:\n");
    put(text, "  attributes/front: {actions: %s}\n", EDITS(EDITED_FRONT));
    put(text, "  attributes/behind: {actions: %s}\n", EDITS(EDITED_BEHIND));
    put(text, "  resource: {attributes: %s}\n", EDITS(EDITED_RESOURCE));
    put_ottl(text);
    put(text, "  tail_sampling: {decision_wait: 300ms, num_traces: 100, policies: [{name: p, type: probabilistic, "
              "probabilistic: {sampling_percentage: 70}}]}\n");
    put(text, "  redaction: {allow_all_keys: true, blocked_values: [.+], hash_function: md5}\n");
    for (size_t i = 0; i < 2; i++) {
        put(text, "  hold/%c: {wait: %ums, max_records: %u}\n", "ab"[i], shape -> wait_ms[i], shape -> max_records[i]);
        put(text, "  batch/%s: {timeout: %ums, send_batch_size: %u, send_batch_max_size: %u}\n",
            i == 0 ? "front" : "behind", shape->batch_ms[i], shape->batch_size[i], shape->batch_max[i]);
    }
    put(text, "exporters:\n");
    for (size_t i = 0; i < SINKS; i++) {
        put(text, "  sink/%zu: {text: v%u}\n", i, shape->sink_version[i]);
    }
    put(text, "service:\n  pipelines:\n");
    for (size_t p = 0; p < PIPELINES; p++) {
        if (shape->pipelines[p].is_there) {
            put_pipeline(text, &shape->pipelines[p], p);
        }
    }
}

/* NULL: the config breaks a rule of the plan. */
static inline struct weft_plan *plan_of(const struct shape *shape, const struct weft_plan *former)
{
    struct text *text = weft_alloc(sizeof *text);
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_tree *tree = NULL;
    struct weft_plan *plan = NULL;
    put_shape(text, shape);
    EXPECT(weft_config_load_text(text->bytes, "simulation.yaml", &tree, &error) == WEFT_OK, "%s", error.text);
    enum weft_status status = weft_plan_new(&tree, &simulation_registry, former, NULL, &plan, &error);
    weft_free(text);
    if (status != WEFT_OK) {
        EXPECT(strstr(error.text, "traces pipeline") != NULL, "%s", error.text);
        weft_tree_free(&tree);
        return NULL;
    }
    EXPECT(weft_plan_open(plan, &world->budget, world->worker_count, &error) == WEFT_OK, "%s", error.text);
    return plan;
}
