/* Building, taking over and taking apart a worker's graph (graph.h). Instances are made from the end: exporters and the
 * cores of stages, then each pipeline from its outlets to its first processor, then the receivers' entries. */
#include "graph/graph.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "pipeline/fan_out.h"
#include "graph/graph_internal.h"

/* ---- finding in a former graph ---- */

static struct graph_exporter *find_exporter(const struct weft_graph *graph, const struct weft_plan_component *component,
                                            enum weft_signal signal)
{
    for (size_t i = 0; graph != NULL && i < graph->exporter_count; i++) {
        if (graph->exporters[i]->component == component && graph->exporters[i]->signal == signal) {
            return graph->exporters[i];
        }
    }
    return NULL;
}

static struct graph_stage *find_stage(const struct weft_graph *graph, const struct weft_stage_identity *identity)
{
    for (size_t i = 0; graph != NULL && i < graph->stage_count; i++) {
        if (graph->stages[i]->identity == identity) {
            return graph->stages[i];
        }
    }
    return NULL;
}

static bool has_components(const struct weft_plan_component *const *left, struct weft_plan_component *const *right,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (left[i] != right[i]) {
            return false;
        }
    }
    return true;
}

static bool has_stages(const struct graph_pipeline *pipeline, const struct weft_plan_pipeline *plan)
{
    for (size_t i = 0; i < pipeline->processor_count; i++) {
        if (pipeline->stages[i] != (plan->stages[i] == NULL ? NULL : plan->stages[i]->identity)) {
            return false;
        }
    }
    return true;
}

static struct graph_pipeline *find_pipeline(const struct weft_graph *graph, const struct weft_plan_pipeline *plan)
{
    for (size_t i = 0; graph != NULL && i < graph->pipeline_count; i++) {
        struct graph_pipeline *pipeline = graph->pipelines[i];
        if (strcmp(pipeline->id, plan->id) == 0 && pipeline->processor_count == plan->processor_count &&
            pipeline->outlet_count == plan->exporter_count &&
            has_components(pipeline->processor_components, plan->processors, plan->processor_count) &&
            has_components(pipeline->exporter_components, plan->exporters, plan->exporter_count) &&
            has_stages(pipeline, plan)) {
            return pipeline;
        }
    }
    return NULL;
}

static struct graph_receiver *find_receiver(const struct weft_graph *graph, const struct weft_plan_component *component)
{
    for (size_t i = 0; graph != NULL && i < graph->receiver_count; i++) {
        if (graph->receivers[i]->component == component) {
            return graph->receivers[i];
        }
    }
    return NULL;
}

/* ---- building ---- */

static enum weft_status add_exporter(struct weft_graph *graph, const struct weft_plan_component *component,
                                     enum weft_signal signal, const struct weft_graph *former, struct weft_error *error)
{
    if (find_exporter(graph, component, signal) != NULL) {
        return WEFT_OK;
    }
    struct graph_exporter *exporter = find_exporter(former, component, signal);
    if (exporter == NULL) {
        struct weft_instance_setup setup = { .host = graph->host,
                                             .id = component->id,
                                             .config = component->config,
                                             .shared = component->shared,
                                             .signal = signal };
        weft_plan_give_authenticators(component, &setup);
        struct weft_consumer *consumer = NULL;
        enum weft_status status = component->component->create_consumer(&setup, &consumer, error);
        if (status != WEFT_OK) {
            return status;
        }
        exporter = weft_alloc(sizeof *exporter);
        *exporter = (struct graph_exporter){ component, signal, consumer, 0 };
    }
    weft_assert(exporter->consumer->host == graph->host && exporter->consumer->operations != NULL);
    exporter->references++;
    graph->exporters[graph->exporter_count++] = exporter;
    return WEFT_OK;
}

static void exporter_unref(struct graph_exporter *exporter)
{
    weft_assert(exporter->references > 0);
    if (--exporter->references == 0) {
        exporter->consumer->operations->free(exporter->consumer);
        weft_free(exporter);
    }
}

static enum weft_status add_stage(struct weft_graph *graph, const struct weft_plan_stage *plan,
                                  const struct weft_graph *former, struct weft_error *error)
{
    struct graph_stage *stage = find_stage(former, plan->identity);
    if (stage == NULL) {
        struct weft_instance_setup setup = { .host = graph->host,
                                             .id = plan->identity->id,
                                             .config = plan->component->config,
                                             .shared = plan->component->shared,
                                             .stage = plan->identity };
        struct weft_stage *core = NULL;
        enum weft_status status = plan->component->component->create_stage(&setup, &core, error);
        if (status != WEFT_OK) {
            return status;
        }
        stage = weft_alloc(sizeof *stage);
        *stage = (struct graph_stage){ plan->component, plan->identity, core, 0 };
    }
    weft_assert(stage->core->identity == plan->identity && stage->core->host == graph->host);
    stage->references++;
    graph->stages[graph->stage_count++] = stage;
    return WEFT_OK;
}

static void stage_unref(struct graph_stage *stage)
{
    weft_assert(stage->references > 0);
    if (--stage->references == 0) {
        stage->core->operations->free(stage->core);
        weft_free(stage);
    }
}

static void pipeline_unref(struct graph_pipeline *pipeline)
{
    weft_assert(pipeline->references > 0);
    if (--pipeline->references > 0) {
        return;
    }
    for (size_t i = 0; i < pipeline->processor_count; i++) {
        if (pipeline->processors[i] != NULL) {
            pipeline->processors[i]->operations->free(pipeline->processors[i]);
        }
    }
    if (pipeline->fan_out != NULL) {
        pipeline->fan_out->operations->free(pipeline->fan_out);
    }
    for (size_t i = 0; i < pipeline->outlet_count; i++) {
        pipeline->outlets[i]->operations->free(pipeline->outlets[i]);
    }
    weft_free(pipeline->processors);
    weft_free(pipeline->stages);
    weft_free(pipeline->outlets);
    weft_free(pipeline->processor_components);
    weft_free(pipeline->exporter_components);
    weft_free(pipeline->id);
    weft_free(pipeline);
}

static void *copy_pointers(const void *pointers, size_t count)
{
    void *copy = weft_alloc((count + 1) * sizeof(void *));
    if (count > 0) {
        memcpy(copy, pointers, count * sizeof(void *));
    }
    return copy;
}

static struct graph_pipeline *pipeline_new(struct weft_graph *graph, const struct weft_plan_pipeline *plan)
{
    struct graph_pipeline *pipeline = weft_alloc(sizeof *pipeline);
    pipeline->id = weft_alloc_string(plan->id);
    pipeline->signal = plan->signal;
    pipeline->in_flight = (struct weft_account){
        .kind = WEFT_ACCOUNT_IN_FLIGHT, .signal = weft_signal_name(plan->signal), .pipeline = pipeline->id, .owner = ""
    };
    pipeline->processor_components = copy_pointers(plan->processors, plan->processor_count);
    pipeline->exporter_components = copy_pointers(plan->exporters, plan->exporter_count);
    pipeline->processor_count = plan->processor_count;
    pipeline->processors = weft_alloc((plan->processor_count + 1) * sizeof(struct weft_consumer *));
    pipeline->stages = weft_alloc((plan->processor_count + 1) * sizeof(struct weft_stage_identity *));
    for (size_t i = 0; i < plan->processor_count; i++) {
        pipeline->stages[i] = plan->stages[i] == NULL ? NULL : plan->stages[i]->identity;
    }
    pipeline->outlets = weft_alloc((plan->exporter_count + 1) * sizeof(struct weft_consumer *));
    for (size_t i = 0; i < plan->exporter_count; i++) {
        struct graph_exporter *exporter = find_exporter(graph, plan->exporters[i], plan->signal);
        weft_assert(exporter != NULL);
        pipeline->outlets[pipeline->outlet_count++] =
            weft_outlet_new(graph->host, &pipeline->in_flight, exporter->consumer);
    }
    if (pipeline->outlet_count > 1) {
        pipeline->fan_out =
            weft_fan_out_new(graph->host, &pipeline->in_flight, pipeline->outlets, pipeline->outlet_count);
    }
    pipeline->first = pipeline->fan_out != NULL ? pipeline->fan_out : pipeline->outlets[0];
    return pipeline;
}

static enum weft_status add_processor(struct weft_graph *graph, struct graph_pipeline *pipeline, size_t position,
                                      struct weft_error *error)
{
    if (pipeline->stages[position] != NULL) {
        const struct graph_stage *stage = find_stage(graph, pipeline->stages[position]);
        weft_assert(stage != NULL);
        pipeline->processors[position] =
            weft_face_new(stage->core, &pipeline->in_flight, pipeline->signal, pipeline->first);
        return WEFT_OK;
    }
    const struct weft_plan_component *component = pipeline->processor_components[position];
    struct weft_instance_setup setup = { .host = graph->host,
                                         .id = component->id,
                                         .config = component->config,
                                         .shared = component->shared,
                                         .signal = pipeline->signal,
                                         .in_flight = &pipeline->in_flight,
                                         .next = pipeline->first };
    return component->component->create_consumer(&setup, &pipeline->processors[position], error);
}

static enum weft_status add_processors(struct weft_graph *graph, struct graph_pipeline *pipeline,
                                       struct weft_error *error)
{
    for (size_t i = pipeline->processor_count; i > 0; i--) {
        enum weft_status status = add_processor(graph, pipeline, i - 1, error);
        if (status != WEFT_OK) {
            return status;
        }
        pipeline->first = pipeline->processors[i - 1];
    }
    return WEFT_OK;
}

static enum weft_status add_pipeline(struct weft_graph *graph, const struct weft_plan_pipeline *plan,
                                     const struct weft_graph *former, struct weft_error *error)
{
    struct graph_pipeline *pipeline = find_pipeline(former, plan);
    enum weft_status status = WEFT_OK;
    if (pipeline == NULL) {
        pipeline = pipeline_new(graph, plan);
        status = add_processors(graph, pipeline, error);
    }
    pipeline->references++;
    graph->pipeline_plans[graph->pipeline_count] = plan;
    graph->pipelines[graph->pipeline_count++] = pipeline;
    return status;
}

static enum weft_status add_receiver(struct weft_graph *graph, const struct weft_plan_component *component,
                                     const struct weft_graph *former, struct weft_error *error)
{
    if (find_receiver(graph, component) != NULL) {
        return WEFT_OK;
    }
    struct graph_receiver *receiver = weft_alloc(sizeof *receiver);
    const struct graph_receiver *same = find_receiver(former, component);
    receiver->component = component;
    graph->receivers[graph->receiver_count++] = receiver;
    if (same != NULL) {
        receiver->receiver = same->receiver;
        receiver->is_taken_over = true;
        return WEFT_OK;
    }
    struct weft_instance_setup setup = {
        .host = graph->host, .id = component->id, .config = component->config, .shared = component->shared
    };
    weft_plan_give_authenticators(component, &setup);
    return component->component->create_receiver(&setup, &receiver->receiver, error);
}

static void receiver_pressure_changed(void *context)
{
    const struct graph_receiver *receiver = context;
    weft_assert(receiver->component != NULL && receiver->component->component->kind == WEFT_RECEIVER);
    if (receiver->receiver != NULL && receiver->receiver->operations->on_pressure != NULL) {
        receiver->receiver->operations->on_pressure(receiver->receiver);
    }
}

static bool asks_for_address(const struct weft_plan_pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->processor_count; i++) {
        const struct weft_component *component = pipeline->processors[i]->component;
        if (component->asks_for_address != NULL && component->asks_for_address(pipeline->processors[i]->config)) {
            return true;
        }
    }
    return false;
}

/* The entry of one receiver into the pipelines of one signal. */
static void make_entry(struct weft_graph *graph, const struct weft_plan *plan, struct graph_receiver *receiver,
                       enum weft_signal signal)
{
    struct weft_pipeline_entrance *entrances = weft_alloc((plan->pipeline_count + 1) * sizeof *entrances);
    size_t count = 0;
    bool asks = false;
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        const struct weft_plan_pipeline *pipeline = &plan->pipelines[i];
        for (size_t j = 0; j < pipeline->receiver_count; j++) {
            if (pipeline->signal == signal && pipeline->receivers[j] == receiver->component) {
                entrances[count].in_flight = graph->pipelines[i]->in_flight;
                entrances[count].first = graph->pipelines[i]->first;
                asks = asks || asks_for_address(pipeline);
                count++;
                break;
            }
        }
    }
    if (count > 0) {
        receiver->entries[signal] = weft_entry_new(graph->host, receiver->component->id, signal, entrances, count,
                                                   receiver_pressure_changed, receiver);
        weft_entry_set_asks_for_address(receiver->entries[signal], asks);
    }
    weft_free(entrances);
}

/* Nothing fails here: what was found in former changes hands. */
static void connect_receivers(struct weft_graph *graph, const struct weft_plan *plan, struct weft_graph *former)
{
    for (size_t i = 0; i < graph->receiver_count; i++) {
        struct graph_receiver *receiver = graph->receivers[i];
        for (int signal = 0; signal < WEFT_SIGNAL_COUNT; signal++) {
            make_entry(graph, plan, receiver, (enum weft_signal)signal);
            receiver->receiver->operations->set_entry(receiver->receiver, (enum weft_signal)signal,
                                                      receiver->entries[signal]);
        }
        struct graph_receiver *same = find_receiver(former, receiver->component);
        if (same != NULL) {
            weft_assert(same->receiver == receiver->receiver && receiver->is_taken_over);
            same->receiver = NULL;
            receiver->is_taken_over = false;
        }
        receiver_pressure_changed(receiver);
    }
}

/* Cores that were taken over go by the new rules, and lead out into the new pipelines. */
static void connect_stages(struct weft_graph *graph, const struct weft_plan *plan)
{
    for (size_t i = 0; i < plan->stage_count; i++) {
        struct graph_stage *stage = find_stage(graph, plan->stages[i].identity);
        weft_assert(stage != NULL);
        const struct weft_plan_component *component = plan->stages[i].component;
        if (stage->component != component) {
            stage->component = component;
            if (stage->core->operations->update != NULL) {
                stage->core->operations->update(stage->core, component->config, component->shared);
            }
        }
    }
    for (size_t i = 0; i < graph->pipeline_count; i++) {
        struct graph_pipeline *pipeline = graph->pipelines[i];
        for (size_t j = 0; j < pipeline->processor_count; j++) {
            if (pipeline->stages[j] != NULL) {
                weft_face_attach(pipeline->processors[j]);
            }
        }
    }
}

/* Lets go of what the new graph has taken over. */
static void leave_to(struct weft_graph *former, const struct weft_graph *graph)
{
    size_t kept = 0;
    for (size_t i = 0; i < former->pipeline_count; i++) {
        if (former->pipelines[i]->references > 1) {
            pipeline_unref(former->pipelines[i]);
        } else {
            former->pipeline_plans[kept] = former->pipeline_plans[i];
            former->pipelines[kept++] = former->pipelines[i];
        }
    }
    former->pipeline_count = kept;
    kept = 0;
    for (size_t i = 0; i < former->exporter_count; i++) {
        if (find_exporter(graph, former->exporters[i]->component, former->exporters[i]->signal) != NULL) {
            exporter_unref(former->exporters[i]);
        } else {
            former->exporters[kept++] = former->exporters[i];
        }
    }
    former->exporter_count = kept;
    kept = 0;
    for (size_t i = 0; i < former->stage_count; i++) {
        if (find_stage(graph, former->stages[i]->identity) != NULL) {
            stage_unref(former->stages[i]);
        } else {
            former->stages[kept++] = former->stages[i];
        }
    }
    former->stage_count = kept;
}

static enum weft_status build(struct weft_graph *graph, const struct weft_plan *plan, const struct weft_graph *former,
                              struct weft_error *error)
{
    size_t exporter_max = 0;
    size_t receiver_max = 0;
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        exporter_max += plan->pipelines[i].exporter_count;
        receiver_max += plan->pipelines[i].receiver_count;
    }
    graph->exporters = weft_alloc((exporter_max + 1) * sizeof(struct graph_exporter *));
    graph->pipelines = weft_alloc((plan->pipeline_count + 1) * sizeof(struct graph_pipeline *));
    graph->pipeline_plans = weft_alloc((plan->pipeline_count + 1) * sizeof(struct weft_plan_pipeline *));
    graph->receivers = weft_alloc((receiver_max + 1) * sizeof(struct graph_receiver *));
    graph->stages = weft_alloc((plan->stage_count + 1) * sizeof(struct graph_stage *));
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < plan->stage_count; i++) {
        status = add_stage(graph, &plan->stages[i], former, error);
    }
    for (size_t i = 0; status == WEFT_OK && i < plan->pipeline_count; i++) {
        const struct weft_plan_pipeline *pipeline = &plan->pipelines[i];
        for (size_t j = 0; status == WEFT_OK && j < pipeline->exporter_count; j++) {
            status = add_exporter(graph, pipeline->exporters[j], pipeline->signal, former, error);
        }
        if (status == WEFT_OK) {
            status = add_pipeline(graph, pipeline, former, error);
        }
    }
    for (size_t i = 0; status == WEFT_OK && i < plan->pipeline_count; i++) {
        for (size_t j = 0; status == WEFT_OK && j < plan->pipelines[i].receiver_count; j++) {
            status = add_receiver(graph, plan->pipelines[i].receivers[j], former, error);
        }
    }
    return status;
}

enum weft_status weft_graph_build(struct weft_host *host, const struct weft_plan *plan, const struct weft_graph *former,
                                  struct weft_graph **out_graph, struct weft_error *error)
{
    weft_assert(weft_host_is_here(host) && (former == NULL || former->host == host));
    struct weft_graph *graph = weft_alloc(sizeof *graph);
    graph->host = host;
    graph->plan = plan;
    enum weft_status status = build(graph, plan, former, error);
    if (status != WEFT_OK) {
        weft_graph_free(graph);
        return status;
    }
    *out_graph = graph;
    return WEFT_OK;
}

void weft_graph_switch(struct weft_graph *graph, struct weft_graph *former)
{
    weft_assert(weft_host_is_here(graph->host) && graph != former &&
                graph->pipeline_count == graph->plan->pipeline_count);
    connect_stages(graph, graph->plan);
    connect_receivers(graph, graph->plan, former);
    if (former != NULL) {
        leave_to(former, graph);
    }
}

struct weft_receiver *weft_graph_receiver(const struct weft_graph *graph, const struct weft_plan_component *component)
{
    const struct graph_receiver *receiver = find_receiver(graph, component);
    return receiver == NULL ? NULL : receiver->receiver;
}

size_t weft_graph_connection_count(const struct weft_graph *graph)
{
    size_t count = 0;
    for (size_t i = 0; i < graph->receiver_count; i++) {
        const struct weft_receiver *receiver = graph->receivers[i]->receiver;
        if (receiver != NULL && receiver->operations->connection_count != NULL) {
            count += receiver->operations->connection_count(receiver);
        }
    }
    return count;
}

void weft_graph_check(const struct weft_graph *graph, void (*add)(void *context, const char *id, const char *text),
                      void *context)
{
    weft_assert(weft_host_is_here(graph->host));
    for (size_t i = 0; i < graph->exporter_count; i++) {
        const struct weft_consumer *consumer = graph->exporters[i]->consumer;
        const struct weft_component *component = graph->exporters[i]->component->component;
        char text[WEFT_CHECK_BYTES] = "ok";
        if (component->check != NULL) {
            component->check(consumer, text);
        }
        add(context, consumer->id, text);
    }
}

static void receiver_free(struct graph_receiver *receiver)
{
    for (int signal = 0; signal < WEFT_SIGNAL_COUNT; signal++) {
        if (receiver->receiver != NULL && !receiver->is_taken_over && receiver->entries[signal] != NULL) {
            receiver->receiver->operations->set_entry(receiver->receiver, (enum weft_signal)signal, NULL);
        }
        if (receiver->entries[signal] != NULL) {
            weft_entry_free(receiver->entries[signal]);
        }
    }
    if (receiver->receiver != NULL && !receiver->is_taken_over) {
        receiver->receiver->operations->free(receiver->receiver);
    }
    weft_free(receiver);
}

void weft_graph_free(struct weft_graph *graph)
{
    weft_assert(weft_host_is_here(graph->host));
    for (size_t i = 0; i < graph->receiver_count; i++) {
        receiver_free(graph->receivers[i]);
    }
    for (size_t i = 0; i < graph->pipeline_count; i++) {
        pipeline_unref(graph->pipelines[i]);
    }
    for (size_t i = 0; i < graph->stage_count; i++) {
        stage_unref(graph->stages[i]);
    }
    for (size_t i = 0; i < graph->exporter_count; i++) {
        exporter_unref(graph->exporters[i]);
    }
    weft_free(graph->receivers);
    weft_free(graph->pipelines);
    weft_free(graph->pipeline_plans);
    weft_free(graph->stages);
    weft_free(graph->exporters);
    weft_free(graph);
}

void weft_graph_collect(const struct weft_graph *graph, struct weft_samples *samples)
{
    weft_assert(weft_host_is_here(graph->host));
    for (size_t i = 0; i < graph->receiver_count; i++) {
        const struct weft_receiver *receiver = graph->receivers[i]->receiver;
        if (receiver != NULL && receiver->operations->collect != NULL) {
            receiver->operations->collect(receiver, samples);
        }
    }
    for (size_t i = 0; i < graph->pipeline_count; i++) {
        const struct graph_pipeline *pipeline = graph->pipelines[i];
        for (size_t j = 0; j < pipeline->processor_count; j++) {
            const struct weft_component *component = pipeline->processor_components[j]->component;
            if (component->collect != NULL && pipeline->stages[j] == NULL) {
                component->collect(pipeline->processors[j], samples);
            }
        }
    }
    for (size_t i = 0; i < graph->stage_count; i++) {
        const struct weft_component *component = graph->stages[i]->component->component;
        if (component->collect_stage != NULL) {
            component->collect_stage(graph->stages[i]->core, samples);
        }
    }
    for (size_t i = 0; i < graph->exporter_count; i++) {
        const struct weft_component *component = graph->exporters[i]->component->component;
        if (component->collect != NULL) {
            component->collect(graph->exporters[i]->consumer, samples);
        }
    }
}
