/* The top level of a config (service.h): sections, pipelines, references. service_graph.c checks what connectors join.
 * Which types exist is the pipeline floor's to know. */
#include "config/service.h"

#include <stdio.h>

#include "base/alloc.h"
#include "config/service_graph.h"
#include "config/unknown_key.h"

static const struct {
    const char *section;
    const char *name;
} kinds[WEFT_COMPONENT_KIND_COUNT] = {
    [WEFT_RECEIVER] = { "receivers", "receiver" },    [WEFT_PROCESSOR] = { "processors", "processor" },
    [WEFT_EXPORTER] = { "exporters", "exporter" },    [WEFT_CONNECTOR] = { "connectors", "connector" },
    [WEFT_EXTENSION] = { "extensions", "extension" },
};

struct parser {
    struct weft_settings *settings;
    struct weft_config_notes *notes;
    struct weft_error *error;
};

const char *weft_component_kind_name(enum weft_component_kind kind)
{
    return kinds[kind].name;
}

static enum weft_status fail_memory(const struct parser *parser)
{
    return weft_fail(parser->error, WEFT_NOMEM, "out of memory");
}

/* Null and absent are an empty map. */
static enum weft_status check_map(const struct parser *parser, const struct weft_node *node)
{
    if (node != NULL && weft_node_kind(node) != WEFT_NODE_MAP && weft_node_kind(node) != WEFT_NODE_NULL) {
        return weft_node_fail(parser->error, WEFT_INVALID, node, "wants a map, not %s", weft_node_kind_text(node));
    }
    return WEFT_OK;
}

static enum weft_status survive(const struct parser *parser, enum weft_status status)
{
    return weft_config_notes_survive(parser->notes, status, parser->error);
}

static enum weft_status check_block(const struct parser *parser, const struct weft_node *node, const char *const *words,
                                    size_t count)
{
    enum weft_status status = check_map(parser, node);
    for (size_t i = 0; i < weft_node_count(node) && status == WEFT_OK; i++) {
        const struct weft_node *child = weft_node_at(node, i);
        bool is_known = false;
        for (size_t word = 0; word < count && !is_known; word++) {
            is_known = strcmp(weft_node_key(child), words[word]) == 0;
        }
        if (!is_known) {
            status = survive(parser, weft_config_fail_unknown_key(child, words, count, parser->error));
        }
    }
    return status;
}

/* Puts "file:line: path: " before what component_id.c says. */
static enum weft_status parse_id(const struct parser *parser, const char *text, const struct weft_node *place,
                                 struct weft_component_id *out_id)
{
    struct weft_error why;
    enum weft_status status = weft_component_id_parse(text, out_id, &why);
    return status == WEFT_OK ? WEFT_OK : weft_node_fail(parser->error, status, place, "%s", why.text);
}

static const struct weft_component_settings *find_component(const struct weft_component_list *list, const char *id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].id.text, id) == 0) {
            return &list->items[i];
        }
    }
    return NULL;
}

const struct weft_component_settings *weft_settings_find(const struct weft_settings *settings,
                                                         enum weft_component_kind kind, const char *id)
{
    return find_component(&settings->components[kind], id);
}

static enum weft_status parse_component(const struct parser *parser, const struct weft_node *node,
                                        struct weft_component_list *list)
{
    struct weft_component_id id;
    enum weft_status status = check_map(parser, node);
    if (status == WEFT_OK) {
        status = parse_id(parser, weft_node_key(node), node, &id);
    }
    if (status != WEFT_OK) {
        return status;
    }
    if (find_component(list, id.text) != NULL) {
        weft_component_id_fini(&id);
        return weft_node_fail(parser->error, WEFT_INVALID, node, "the same id is defined twice");
    }
    list->items[list->count++] = (struct weft_component_settings){ .id = id, .node = node };
    return WEFT_OK;
}

static enum weft_status parse_section(const struct parser *parser, const struct weft_node *root,
                                      enum weft_component_kind kind)
{
    const struct weft_node *section = weft_node_find(root, kinds[kind].section);
    struct weft_component_list *list = &parser->settings->components[kind];
    enum weft_status status = check_map(parser, section);
    if (status != WEFT_OK) {
        return status;
    }
    list->items = weft_try_alloc(weft_node_count(section) * sizeof list->items[0]);
    if (list->items == NULL) {
        return fail_memory(parser);
    }
    for (size_t i = 0; i < weft_node_count(section) && status == WEFT_OK; i++) {
        status = survive(parser, parse_component(parser, weft_node_at(section, i), list));
    }
    return status;
}

/* A connector stands where a receiver or an exporter may stand. */
static const struct weft_component_settings *
resolve(const struct weft_settings *settings, enum weft_component_kind kind, const char *id, bool *out_is_connector)
{
    const struct weft_component_settings *component = weft_settings_find(settings, kind, id);
    *out_is_connector = false;
    if (component == NULL && (kind == WEFT_RECEIVER || kind == WEFT_EXPORTER)) {
        component = weft_settings_find(settings, WEFT_CONNECTOR, id);
        *out_is_connector = component != NULL;
    }
    return component;
}

static enum weft_status fail_reference(const struct parser *parser, const struct weft_node *place,
                                       enum weft_component_kind kind, const char *id)
{
    enum { MAX_WORDS = 128 };
    const struct weft_component_list *list = &parser->settings->components[kind];
    const char *words[MAX_WORDS];
    size_t count = 0;
    for (; count < list->count && count < MAX_WORDS; count++) {
        words[count] = list->items[count].id.text;
    }
    const char *nearest = weft_config_nearest(id, words, count);
    return weft_node_fail(parser->error, WEFT_INVALID, place, "%s \"%.100s\" is not defined%s%s%s", kinds[kind].name,
                          id, nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                          nearest != NULL ? "\"?" : "");
}

static enum weft_status fail_or_skip_repeated(const struct parser *parser, const struct weft_node *place,
                                              enum weft_component_kind kind, const char *id)
{
    if (kind == WEFT_PROCESSOR) {
        return weft_node_fail(parser->error, WEFT_INVALID, place, "processor \"%.100s\" stands twice in one pipeline",
                              id);
    }
    struct weft_error line;
    weft_node_fail(&line, WEFT_INVALID, place, "%s \"%.100s\" is listed twice; taken once", kinds[kind].name, id);
    enum weft_status status = weft_config_notes_add(parser->notes, WEFT_NOTE_WARNING, "%s", line.text);
    return status == WEFT_OK ? WEFT_OK : fail_memory(parser);
}

static enum weft_status add_reference(const struct parser *parser, const struct weft_node *place, const char *text,
                                      enum weft_component_kind kind, struct weft_reference_list *list)
{
    struct weft_component_id id;
    enum weft_status status = parse_id(parser, text, place, &id);
    if (status != WEFT_OK) {
        return status;
    }
    struct weft_component_reference reference = { .position = weft_node_position(place) };
    reference.component = resolve(parser->settings, kind, id.text, &reference.is_connector);
    if (reference.component == NULL) {
        status = fail_reference(parser, place, kind, id.text);
    }
    weft_component_id_fini(&id);
    if (status != WEFT_OK) {
        return status;
    }
    reference.id = reference.component->id.text;
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].component == reference.component) {
            return fail_or_skip_repeated(parser, place, kind, reference.id);
        }
    }
    list->items[list->count++] = reference;
    return WEFT_OK;
}

static enum weft_status parse_references(const struct parser *parser, const struct weft_node *node,
                                         enum weft_component_kind kind, struct weft_reference_list *list)
{
    if (node == NULL || weft_node_kind(node) == WEFT_NODE_NULL) {
        return WEFT_OK;
    }
    if (weft_node_kind(node) == WEFT_NODE_STRING) {
        return weft_node_fail(parser->error, WEFT_INVALID, node, "wants a list of ids, not a string; write [%s]",
                              weft_node_text(node));
    }
    if (weft_node_kind(node) != WEFT_NODE_LIST) {
        return weft_node_fail(parser->error, WEFT_INVALID, node, "wants a list of ids, not %s",
                              weft_node_kind_text(node));
    }
    list->items = weft_try_alloc(weft_node_count(node) * sizeof list->items[0]);
    if (list->items == NULL) {
        return fail_memory(parser);
    }
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; i < weft_node_count(node) && status == WEFT_OK; i++) {
        const struct weft_node *item = weft_node_at(node, i);
        if (weft_node_text(item) == NULL || weft_node_count(item) > 0) {
            status =
                weft_node_fail(parser->error, WEFT_INVALID, item, "wants an id, not %s", weft_node_kind_text(item));
        } else {
            weft_node_mark_read(item, WEFT_NODE_STRING);
            status = add_reference(parser, item, weft_node_text(item), kind, list);
        }
        status = survive(parser, status);
    }
    return status;
}

static enum weft_status parse_signal(const struct parser *parser, const struct weft_node *node, const char *type,
                                     enum weft_signal *out_signal)
{
    if (weft_signal_parse(type, out_signal)) {
        return WEFT_OK;
    }
    return weft_node_fail(parser->error, WEFT_INVALID, node,
                          "\"%s\" is not a signal (traces, metrics, logs or profiles)", type);
}

/* What is parsed before a failure stays in pipeline, for weft_settings_fini. */
static enum weft_status parse_pipeline(const struct parser *parser, const struct weft_node *node,
                                       struct weft_pipeline_settings *pipeline)
{
    static const char *const words[] = { "receivers", "processors", "exporters" };
    size_t error_count = weft_config_notes_errors(parser->notes);
    pipeline->node = node;
    pipeline->position = weft_node_position(node);
    enum weft_status status = parse_id(parser, weft_node_key(node), node, &pipeline->id);
    if (status == WEFT_OK) {
        status = parse_signal(parser, node, pipeline->id.type, &pipeline->signal);
    }
    if (status == WEFT_OK) {
        status = check_block(parser, node, words, WEFT_COUNT_OF(words));
    }
    if (status == WEFT_OK) {
        status = parse_references(parser, weft_node_find(node, "receivers"), WEFT_RECEIVER, &pipeline->receivers);
    }
    if (status == WEFT_OK) {
        status = parse_references(parser, weft_node_find(node, "processors"), WEFT_PROCESSOR, &pipeline->processors);
    }
    if (status == WEFT_OK) {
        status = parse_references(parser, weft_node_find(node, "exporters"), WEFT_EXPORTER, &pipeline->exporters);
    }
    if (weft_config_notes_errors(parser->notes) > error_count) {
        return status; /* what is missing may be what was not understood */
    }
    if (status == WEFT_OK && pipeline->receivers.count == 0) {
        return weft_node_fail(parser->error, WEFT_INVALID, node, "must have at least one receiver");
    }
    if (status == WEFT_OK && pipeline->exporters.count == 0) {
        return weft_node_fail(parser->error, WEFT_INVALID, node, "must have at least one exporter");
    }
    return status;
}

static enum weft_status parse_pipelines(const struct parser *parser, const struct weft_node *service,
                                        const struct weft_node *root)
{
    enum { MAX_PIPELINES = 1000 };
    struct weft_settings *settings = parser->settings;
    const struct weft_node *node = weft_node_find(service, "pipelines");
    enum weft_status status = check_map(parser, node);
    if (status != WEFT_OK) {
        return status;
    }
    size_t count = weft_node_count(node);
    if (count == 0 || count > MAX_PIPELINES) {
        return weft_node_fail(parser->error, WEFT_INVALID,
                              node != NULL      ? node
                              : service != NULL ? service
                                                : root,
                              "the service must have at least one pipeline, and at most %d", MAX_PIPELINES);
    }
    settings->pipelines = weft_try_alloc(count * sizeof settings->pipelines[0]);
    if (settings->pipelines == NULL) {
        return fail_memory(parser);
    }
    while (settings->pipeline_count < count && status == WEFT_OK) {
        size_t index = settings->pipeline_count++;
        const struct weft_node *entry = weft_node_at(node, index);
        status = survive(parser, parse_pipeline(parser, entry, &settings->pipelines[index]));
        for (size_t i = 0; i < index && status == WEFT_OK; i++) {
            const char *id = settings->pipelines[index].id.text, *former_id = settings->pipelines[i].id.text;
            if (id != NULL && former_id != NULL && strcmp(id, former_id) == 0) {
                status = weft_node_fail(parser->error, WEFT_INVALID, entry, "the same id is defined twice");
                status = survive(parser, status);
            }
        }
    }
    return status;
}

/* One id may name an exporter and a connector nowhere: a pipeline could not say which it means. */
static enum weft_status check_connector_ids(const struct parser *parser)
{
    static const enum weft_component_kind others[] = { WEFT_EXPORTER, WEFT_RECEIVER };
    const struct weft_component_list *connectors = &parser->settings->components[WEFT_CONNECTOR];
    for (size_t i = 0; i < connectors->count; i++) {
        for (size_t other = 0; other < WEFT_COUNT_OF(others); other++) {
            const char *id = connectors->items[i].id.text;
            if (weft_settings_find(parser->settings, others[other], id) != NULL) {
                return weft_node_fail(parser->error, WEFT_INVALID, connectors->items[i].node,
                                      "there is also %s %s \"%.100s\"; rename one of them",
                                      others[other] == WEFT_EXPORTER ? "an" : "a", kinds[others[other]].name, id);
            }
        }
    }
    return WEFT_OK;
}

static enum weft_status check_present(const struct parser *parser, const struct weft_node *root,
                                      enum weft_component_kind kind)
{
    if (parser->settings->components[kind].count > 0) {
        return WEFT_OK;
    }
    return weft_node_fail(parser->error, WEFT_INVALID, root, "no %s is defined", kinds[kind].name);
}

static enum weft_status parse_service(const struct parser *parser, const struct weft_node *root)
{
    static const char *const words[] = { "extensions",         "max_begun_bytes",
                                         "max_begun_requests", "max_begun_requests_per_address",
                                         "pipelines",          "telemetry",
                                         "wake_interval",      "workers" };
    const struct weft_node *service = weft_node_find(root, "service");
    parser->settings->telemetry = weft_node_find(service, "telemetry");
    parser->settings->workers = weft_node_find(service, "workers");
    parser->settings->wake_interval = weft_node_find(service, "wake_interval");
    parser->settings->max_begun_requests = weft_node_find(service, "max_begun_requests");
    parser->settings->max_begun_requests_per_address = weft_node_find(service, "max_begun_requests_per_address");
    parser->settings->max_begun_bytes = weft_node_find(service, "max_begun_bytes");
    enum weft_status status = check_block(parser, service, words, WEFT_COUNT_OF(words));
    if (status == WEFT_OK) {
        status = parse_references(parser, weft_node_find(service, "extensions"), WEFT_EXTENSION,
                                  &parser->settings->extensions);
    }
    return status == WEFT_OK ? parse_pipelines(parser, service, root) : status;
}

static enum weft_status parse_root(const struct parser *parser, const struct weft_node *root)
{
    static const char *const words[] = {
        "receivers", "processors", "exporters", "connectors", "extensions", "service"
    };
    enum weft_status status = check_block(parser, root, words, WEFT_COUNT_OF(words));
    for (int kind = 0; kind < WEFT_COMPONENT_KIND_COUNT && status == WEFT_OK; kind++) {
        status = survive(parser, parse_section(parser, root, (enum weft_component_kind)kind));
    }
    status = status == WEFT_OK ? survive(parser, check_present(parser, root, WEFT_RECEIVER)) : status;
    status = status == WEFT_OK ? survive(parser, check_present(parser, root, WEFT_EXPORTER)) : status;
    status = status == WEFT_OK ? survive(parser, check_connector_ids(parser)) : status;
    status = status == WEFT_OK ? survive(parser, parse_service(parser, root)) : status;
    if (status != WEFT_OK || weft_config_notes_errors(parser->notes) > 0) {
        return status; /* how pipelines hang together is a question only to pipelines that are whole */
    }
    return survive(parser, weft_service_graph_check(parser->settings, parser->error));
}

enum weft_status weft_settings_parse(const struct weft_node *root, struct weft_settings *out_settings,
                                     struct weft_config_notes *notes, struct weft_error *error)
{
    struct weft_settings settings = { 0 };
    struct parser parser = { .settings = &settings, .notes = notes, .error = error };
    enum weft_status status = parse_root(&parser, root);
    if (status != WEFT_OK) {
        weft_settings_fini(&settings);
        return status;
    }
    *out_settings = settings;
    return WEFT_OK;
}

void weft_settings_fini(struct weft_settings *settings)
{
    for (int kind = 0; kind < WEFT_COMPONENT_KIND_COUNT; kind++) {
        struct weft_component_list *list = &settings->components[kind];
        for (size_t i = 0; i < list->count; i++) {
            weft_component_id_fini(&list->items[i].id);
        }
        weft_free(list->items);
    }
    for (size_t i = 0; i < settings->pipeline_count; i++) {
        struct weft_pipeline_settings *pipeline = &settings->pipelines[i];
        weft_component_id_fini(&pipeline->id);
        weft_free(pipeline->receivers.items);
        weft_free(pipeline->processors.items);
        weft_free(pipeline->exporters.items);
    }
    weft_free(settings->pipelines);
    weft_free(settings->extensions.items);
    *settings = (struct weft_settings){ 0 };
}
