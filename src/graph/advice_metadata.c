/* Advice (advice.h): an exporter's authenticator makes header fields of what a client's request said, or a processor
 * reads it, and no receiver keeps it, or a processor before the exporter does not pass it on. Then every request gets
 * what stands for those that said nothing, as it is in the Collector: the records of all tenants go to one. */
#include "graph/advice.h"

enum { MAX_CHAIN = 8 }; /* of authenticators that name another one; the plan refuses longer ones */

struct reading {
    const struct weft_plan *plan;
    size_t pipeline;
    const struct weft_plan_component *exporter;
    struct weft_config_notes *notes;
};

static bool is_given(const struct weft_plan_pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->receiver_count; i++) {
        const struct weft_plan_component *receiver = pipeline->receivers[i];
        if (receiver->component->gives_metadata != NULL && receiver->component->gives_metadata(receiver->config)) {
            return true;
        }
    }
    return false;
}

/* Of a pipeline in which nothing is kept. */
static enum weft_status advise_of_reader(const struct weft_plan_pipeline *pipeline,
                                         const struct weft_plan_component *reader, const char *key,
                                         struct weft_config_notes *notes)
{
    struct weft_position at = weft_node_position(reader->node);
    return weft_config_notes_add(notes, WEFT_NOTE_WARNING,
                                 "%s:%u: pipeline %s: %s reads what requests say in %.100s, and no receiver of this "
                                 "pipeline has include_metadata: they all count as if they said nothing",
                                 at.file, at.line, pipeline->id, reader->id, key);
}

static enum weft_status advise_of_processors(const struct weft_plan_pipeline *pipeline, struct weft_config_notes *notes)
{
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; i < pipeline->processor_count; i++) {
        const struct weft_plan_component *processor = pipeline->processors[i];
        const char *(*reads)(const void *, size_t) = processor->component->reads_metadata;
        const char *key;
        for (size_t j = 0; status == WEFT_OK && reads != NULL && (key = reads(processor->config, j)) != NULL; j++) {
            status = advise_of_reader(pipeline, processor, key, notes);
        }
    }
    return status;
}

static bool keeps(const struct weft_plan_component *processor, const char *key)
{
    const struct weft_component *type = processor->component;
    return type->keeps_metadata != NULL ? type->keeps_metadata(processor->config, key) : type->create_stage == NULL;
}

static enum weft_status advise_of_key(const struct reading *reading, const struct weft_plan_component *extension,
                                      const char *key)
{
    const struct weft_plan_pipeline *pipeline = &reading->plan->pipelines[reading->pipeline];
    if (!is_given(pipeline)) {
        return advise_of_reader(pipeline, extension, key, reading->notes);
    }
    for (size_t i = 0; i < pipeline->processor_count; i++) {
        const struct weft_plan_component *processor = pipeline->processors[i];
        if (keeps(processor, key)) {
            continue;
        }
        struct weft_position at = weft_advice_place(reading->plan, reading->pipeline, i);
        bool has_keys = processor->component->keeps_metadata != NULL;
        return weft_config_notes_add(
            reading->notes, WEFT_NOTE_WARNING,
            "%s:%u: pipeline %s: %s does not pass on what requests say in %.100s, and %s takes "
            "it from there for %s: they all count as if they said nothing%s",
            at.file, at.line, pipeline->id, processor->id, key, extension->id, reading->exporter->id,
            has_keys ? "; add it to metadata_keys" : "");
    }
    return WEFT_OK;
}

static enum weft_status advise_of(const struct reading *reading, const struct weft_plan_component *component, int depth)
{
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; depth < MAX_CHAIN && i < WEFT_AUTH_NEEDS_MAX && status == WEFT_OK; i++) {
        const struct weft_plan_component *extension = component->authenticators[i];
        if (extension == NULL) {
            continue;
        }
        const char *(*reads)(const void *, size_t) = extension->component->reads_metadata;
        const char *key;
        for (size_t j = 0; status == WEFT_OK && reads != NULL && (key = reads(extension->config, j)) != NULL; j++) {
            status = advise_of_key(reading, extension, key);
        }
        status = status == WEFT_OK ? advise_of(reading, extension, depth + 1) : status;
    }
    return status;
}

enum weft_status weft_advise_of_metadata(const struct weft_plan *plan, struct weft_config_notes *notes)
{
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        if (status == WEFT_OK && !is_given(&plan->pipelines[i])) {
            status = advise_of_processors(&plan->pipelines[i], notes);
        }
        for (size_t j = 0; status == WEFT_OK && j < plan->pipelines[i].exporter_count; j++) {
            const struct reading reading = { plan, i, plan->pipelines[i].exporters[j], notes };
            status = advise_of(&reading, reading.exporter, 0);
        }
    }
    return status;
}
