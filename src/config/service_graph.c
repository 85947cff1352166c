/* What pipelines and connectors make together (service_graph.h). Pipelines are few, so edges are looked up, not stored.
 */
#include "config/service_graph.h"

#include "base/alloc.h"

/* Depth-first search: a pipeline that is met again while it is open lies on a cycle. */
enum visit { VISIT_NEW, VISIT_OPEN, VISIT_DONE };

struct search {
    const struct weft_settings *settings;
    enum visit *visits; /* one for each pipeline */
    struct weft_error *error;
};

static const struct weft_component_reference *find_reference(const struct weft_reference_list *list,
                                                             const struct weft_component_settings *component)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].component == component) {
            return &list->items[i];
        }
    }
    return NULL;
}

static enum weft_status fail_at(struct weft_error *error, struct weft_position position, const char *id,
                                const char *text)
{
    return weft_fail(error, WEFT_INVALID, "%s:%u: connector \"%.100s\" %s", position.file, position.line, id, text);
}

static enum weft_status check_use(const struct weft_settings *settings, const struct weft_component_settings *connector,
                                  struct weft_error *error)
{
    const struct weft_component_reference *as_receiver = NULL;
    const struct weft_component_reference *as_exporter = NULL;
    for (size_t i = 0; i < settings->pipeline_count; i++) {
        const struct weft_pipeline_settings *pipeline = &settings->pipelines[i];
        if (as_receiver == NULL) {
            as_receiver = find_reference(&pipeline->receivers, connector);
        }
        if (as_exporter == NULL) {
            as_exporter = find_reference(&pipeline->exporters, connector);
        }
    }
    if (as_receiver != NULL && as_exporter == NULL) {
        return fail_at(error, as_receiver->position, connector->id.text,
                       "is a receiver here, but an exporter in no pipeline");
    }
    if (as_exporter != NULL && as_receiver == NULL) {
        return fail_at(error, as_exporter->position, connector->id.text,
                       "is an exporter here, but a receiver in no pipeline");
    }
    return WEFT_OK;
}

static enum weft_status visit(struct search *search, size_t index);

static enum weft_status follow(struct search *search, const struct weft_component_reference *connector)
{
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; i < search->settings->pipeline_count && status == WEFT_OK; i++) {
        if (find_reference(&search->settings->pipelines[i].receivers, connector->component) == NULL) {
            continue;
        }
        status = search->visits[i] == VISIT_OPEN
                     ? fail_at(search->error, connector->position, connector->id, "closes a cycle of pipelines")
                     : visit(search, i);
    }
    return status;
}

static enum weft_status visit(struct search *search, size_t index)
{
    if (search->visits[index] == VISIT_DONE) {
        return WEFT_OK;
    }
    const struct weft_reference_list *exporters = &search->settings->pipelines[index].exporters;
    enum weft_status status = WEFT_OK;
    search->visits[index] = VISIT_OPEN;
    for (size_t i = 0; i < exporters->count && status == WEFT_OK; i++) {
        status = exporters->items[i].is_connector ? follow(search, &exporters->items[i]) : WEFT_OK;
    }
    search->visits[index] = VISIT_DONE;
    return status;
}

enum weft_status weft_service_graph_check(const struct weft_settings *settings, struct weft_error *error)
{
    const struct weft_component_list *connectors = &settings->components[WEFT_CONNECTOR];
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; i < connectors->count && status == WEFT_OK; i++) {
        status = check_use(settings, &connectors->items[i], error);
    }
    if (status != WEFT_OK) {
        return status;
    }
    struct search search = { .settings = settings, .error = error };
    search.visits = weft_try_alloc(settings->pipeline_count * sizeof search.visits[0]);
    if (search.visits == NULL) {
        return weft_fail(error, WEFT_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < settings->pipeline_count && status == WEFT_OK; i++) {
        status = visit(&search, i);
    }
    weft_free(search.visits);
    return status;
}
