/* `service.telemetry` (telemetry_config.h). A pull reader with a prometheus exporter is where /metrics listens. */
#include "worker/telemetry_config.h"

#include <stdio.h>
#include <string.h>

#include "config/field.h"
#include "config/unknown_key.h"
#include "net/address.h"

struct logs_config {
    char *level;
    struct weft_config_map initial_fields;
};

struct prometheus_config {
    char *host;
    uint64_t port;
    bool without_type_suffix;
};

struct pull_exporter_config {
    bool has_prometheus;
    struct prometheus_config prometheus;
};

struct pull_config {
    struct pull_exporter_config exporter;
};

struct reader_config {
    bool has_pull;
    struct pull_config pull;
};

struct metrics_config {
    struct weft_choice level;
    char *address;                   /* of Collectors before 0.123; NULL = none */
    struct weft_config_list readers; /* of struct reader_config */
};

struct telemetry_config {
    struct logs_config logs;
    struct metrics_config metrics;
    struct weft_config_any
        resource; /* a map, or, as the declarative configuration has it, a list in its `attributes` */
};

static const char *const level_words[] = { "none", "basic", "normal", "detailed", NULL };

static const struct weft_field sampling_fields[] = {
    WEFT_FIELD_NO_EFFECT("enabled", "bool", "Whether lines are left out."),
    WEFT_FIELD_NO_EFFECT("tick", "duration", "A turn."),
    WEFT_FIELD_NO_EFFECT("initial", "int", "Lines in each turn that all are written."),
    WEFT_FIELD_NO_EFFECT("thereafter", "int", "After those, every so many-th."),
    WEFT_FIELDS_END,
};

static const struct weft_field logs_fields[] = {
    WEFT_FIELD(struct logs_config, level, "info", "debug, info, warn or error."),
    WEFT_FIELD(struct logs_config, initial_fields, NULL, "environment is taken from here.", .takes_numbers = true),
    WEFT_FIELD_NO_EFFECT_CHOICE("encoding", "weft logs JSON.", "json", "console", ""),
    WEFT_FIELD_NO_EFFECT("development", "bool", "weft has no development logger."),
    WEFT_FIELD_NO_EFFECT("disable_caller", "bool", "weft logs event names, not call sites."),
    WEFT_FIELD_NO_EFFECT("disable_stacktrace", "bool", "weft logs no stack traces."),
    WEFT_FIELD_NO_EFFECT("sampling", "map", "Every warn and error site is rate-limited.", .fields = sampling_fields),
    WEFT_FIELD_NO_EFFECT("output_paths", "strings", "weft logs to stderr."),
    WEFT_FIELD_NO_EFFECT("error_output_paths", "strings", "weft logs to stderr."),
    WEFT_FIELD_UNSUPPORTED("processors", "Own logs over OTLP."),
    WEFT_FIELDS_END,
};

static const struct weft_field resource_labels_fields[] = {
    WEFT_FIELD_NO_EFFECT("included", "strings", "Attributes that become labels."),
    WEFT_FIELD_NO_EFFECT("excluded", "strings", "Attributes that do not."),
    WEFT_FIELDS_END,
};

static const struct weft_field prometheus_fields[] = {
    WEFT_FIELD(struct prometheus_config, host, "localhost", "Where /metrics listens."),
    WEFT_FIELD(struct prometheus_config, port, "8888", "Where /metrics listens.", .minimum = 1, .maximum = 65535),
    WEFT_FIELD(struct prometheus_config, without_type_suffix, "false", "Leave out _total."),
    WEFT_FIELD_NO_EFFECT("without_units", "bool", "weft's names carry their units."),
    WEFT_FIELD_NO_EFFECT("without_scope_info", "bool", "weft writes no scope info."),
    WEFT_FIELD_NO_EFFECT("with_resource_constant_labels", "map", "weft writes no resource labels.",
                         .fields = resource_labels_fields),
    WEFT_FIELDS_END,
};

static const struct weft_field pull_exporter_fields[] = {
    WEFT_FIELD_OPTIONAL(struct pull_exporter_config, prometheus, has_prometheus, prometheus_fields, "off",
                        "A scrape endpoint."),
    WEFT_FIELDS_END,
};

static const struct weft_field pull_fields[] = {
    WEFT_FIELD_BLOCK(struct pull_config, exporter, pull_exporter_fields, "What is pulled from."),
    WEFT_FIELDS_END,
};

static const struct weft_field reader_fields[] = {
    WEFT_FIELD_OPTIONAL(struct reader_config, pull, has_pull, pull_fields, "off", "A reader that is scraped."),
    WEFT_FIELD_UNSUPPORTED("periodic", "Own metrics over OTLP."),
    WEFT_FIELDS_END,
};

static const struct weft_field metrics_fields[] = {
    WEFT_FIELD_CHOICE(struct metrics_config, level, level_words, "normal", "none switches the endpoint off.",
                      .ignores_case = true),
    WEFT_FIELD(struct metrics_config, address, NULL,
               "host:port, as former Collectors had it; readers are the present form."),
    WEFT_FIELD_LIST(struct metrics_config, readers, struct reader_config, reader_fields, "At most one pull reader."),
    WEFT_FIELD_UNSUPPORTED("views", "Metric views."),
    WEFT_FIELDS_END,
};

static const struct weft_field span_processor_fields[] = {
    WEFT_FIELD_NO_EFFECT("batch", "map", "Spans in batches."),
    WEFT_FIELD_NO_EFFECT("simple", "map", "Spans one by one."),
    WEFT_FIELDS_END,
};

static const struct weft_field sampler_fields[] = {
    WEFT_FIELD_NO_EFFECT("always_on", "map", "All."),
    WEFT_FIELD_NO_EFFECT("always_off", "map", "None."),
    WEFT_FIELD_NO_EFFECT("parent_based", "map", "What the caller's was."),
    WEFT_FIELD_NO_EFFECT("trace_id_ratio_based", "map", "A share."),
    WEFT_FIELD_NO_EFFECT("jaeger_remote", "map", "What a server says."),
    WEFT_FIELDS_END,
};

static const struct weft_field traces_fields[] = {
    { .key = "level",
      .kind = WEFT_KIND_NO_EFFECT,
      .words = (const char *const[]){ "choice", "none", "basic", "normal", "detailed", NULL },
      .ignores_case = true,
      .help = "How many spans." },
    WEFT_FIELD_NO_EFFECT("propagators", "strings", "How a caller's trace is known."),
    WEFT_FIELD_NO_EFFECT("processors", "list", "Where spans go.", .fields = span_processor_fields),
    WEFT_FIELD_NO_EFFECT("limits", "map", "How much a span holds."),
    WEFT_FIELD_NO_EFFECT("sampler", "map", "Which spans.", .fields = sampler_fields),
    WEFT_FIELDS_END,
};

static const struct weft_field telemetry_fields[] = {
    WEFT_FIELD_BLOCK(struct telemetry_config, logs, logs_fields, "The agent's own logs."),
    WEFT_FIELD_BLOCK(struct telemetry_config, metrics, metrics_fields, "The agent's own metrics."),
    WEFT_FIELD(struct telemetry_config, resource, NULL, "service.name and deployment.environment are taken from here."),
    WEFT_FIELD_NO_EFFECT("traces", "map", "weft does not trace itself.", .fields = traces_fields),
    WEFT_FIELDS_END,
};

/* The text of an attribute; NULL if it is not there. */
static const char *resource_find(const struct weft_node *resource, const char *key)
{
    const struct weft_node *list = weft_node_find(resource, "attributes");
    if (list == NULL || weft_node_kind(list) != WEFT_NODE_LIST) {
        const struct weft_node *value = weft_node_find(resource, key);
        return value == NULL || weft_node_kind(value) == WEFT_NODE_NULL ? NULL : weft_node_text(value);
    }
    for (size_t i = 0; i < weft_node_count(list); i++) {
        const struct weft_node *name = weft_node_find(weft_node_at(list, i), "name");
        const struct weft_node *value = weft_node_find(weft_node_at(list, i), "value");
        if (name != NULL && value != NULL && weft_node_text(name) != NULL && strcmp(weft_node_text(name), key) == 0) {
            return weft_node_text(value);
        }
    }
    return NULL;
}

/* The list form: each attribute with name and value, and perhaps the value's type. */
static enum weft_status check_attributes(const struct weft_node *list, struct weft_error *error)
{
    static const char *const keys[] = { "name", "value", "type" };
    for (size_t i = 0; i < weft_node_count(list); i++) {
        const struct weft_node *item = weft_node_at(list, i);
        if (weft_node_find(item, "name") == NULL) {
            return weft_node_fail(error, WEFT_INVALID, item, "wants the keys name and value");
        }
        for (size_t j = 0; j < weft_node_count(item); j++) {
            const struct weft_node *child = weft_node_at(item, j);
            bool is_known = false;
            for (size_t k = 0; k < WEFT_COUNT_OF(keys); k++) {
                is_known = is_known || strcmp(keys[k], weft_node_key(child)) == 0;
            }
            if (!is_known) {
                return weft_config_fail_unknown_key(child, keys, WEFT_COUNT_OF(keys), error);
            }
            if (strcmp(weft_node_key(child), "type") == 0 && weft_node_kind(child) != WEFT_NODE_MAP &&
                weft_node_kind(child) != WEFT_NODE_NULL) {
                return weft_node_fail(error, WEFT_INVALID, child, "wants a map, not %s", weft_node_kind_text(child));
            }
        }
    }
    return WEFT_OK;
}

static enum weft_status check_resource(const struct weft_node *resource, struct weft_error *error)
{
    if (resource != NULL && weft_node_kind(resource) != WEFT_NODE_MAP && weft_node_kind(resource) != WEFT_NODE_NULL) {
        return weft_node_fail(error, WEFT_INVALID, resource, "wants a map, not %s", weft_node_kind_text(resource));
    }
    const struct weft_node *list = weft_node_find(resource, "attributes");
    if (list != NULL && weft_node_kind(list) == WEFT_NODE_LIST) {
        return check_attributes(list, error);
    }
    for (size_t i = 0; i < weft_node_count(resource); i++) {
        const struct weft_node *value = weft_node_at(resource, i);
        bool is_text = weft_node_kind(value) == WEFT_NODE_STRING || weft_node_kind(value) == WEFT_NODE_NULL;
        if (!is_text && !weft_node_is_expanded(value) && strcmp(weft_node_key(value), "attributes") != 0) {
            return weft_node_fail(error, WEFT_INVALID, value, "wants a string or null, not %s",
                                  weft_node_kind_text(value));
        }
        if (!is_text && weft_node_text(value) != NULL) {
            weft_node_mark_read(value, WEFT_NODE_STRING);
        }
    }
    return WEFT_OK;
}

/* host:port of former Collectors, in place of a reader. */
static enum weft_status take_address(const char *address, const struct weft_node *node,
                                     struct weft_telemetry *telemetry, struct weft_config_notes *notes,
                                     struct weft_error *error)
{
    struct weft_endpoint endpoint;
    struct weft_error why;
    const struct weft_node *at = weft_node_find(weft_node_find(node, "metrics"), "address");
    if (weft_endpoint_parse(address, 0, &endpoint, &why) != WEFT_OK || endpoint.is_unix) {
        return weft_node_fail(error, WEFT_INVALID, at, "\"%s\" is not host:port", address);
    }
    snprintf(telemetry->host, sizeof telemetry->host, "%s", endpoint.host);
    telemetry->port = endpoint.port;
    struct weft_error line;
    weft_node_fail(&line, WEFT_INVALID, at,
                   "is of former Collectors; write readers: [{pull: {exporter: {prometheus: "
                   "{host: %s, port: %u}}}}]",
                   endpoint.host, endpoint.port);
    return weft_config_notes_add(notes, WEFT_NOTE_WARNING, "%s", line.text) == WEFT_OK
               ? WEFT_OK
               : weft_fail(error, WEFT_NOMEM, "out of memory");
}

static const char *map_find(const struct weft_config_map *map, const char *key)
{
    for (size_t i = 0; i < map->count; i++) {
        if (strcmp(map->entries[i].key, key) == 0) {
            return map->entries[i].value;
        }
    }
    return NULL;
}

static const char *first_of(const char *a, const char *b, const char *c)
{
    return a != NULL ? a : b != NULL ? b : c;
}

static enum weft_status read_level(const char *text, const struct weft_node *node, enum weft_log_level *out_level,
                                   struct weft_error *error)
{
    static const struct {
        const char *name;
        enum weft_log_level level;
    } rows[] = {
        { "debug", WEFT_LOG_DEBUG }, { "", WEFT_LOG_INFO },       { "info", WEFT_LOG_INFO },
        { "warn", WEFT_LOG_WARN },   { "error", WEFT_LOG_ERROR }, { "dpanic", WEFT_LOG_ERROR },
        { "panic", WEFT_LOG_ERROR }, { "fatal", WEFT_LOG_ERROR },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        if (strcasecmp(rows[i].name, text) == 0) {
            *out_level = rows[i].level;
            return WEFT_OK;
        }
    }
    const struct weft_node *at = weft_node_find(weft_node_find(node, "logs"), "level");
    return weft_node_fail(error, WEFT_INVALID, at, "\"%s\" is not a level; use debug, info, warn or error", text);
}

static enum weft_status read_metrics(const struct metrics_config *metrics, const struct weft_node *node,
                                     struct weft_telemetry *telemetry, struct weft_error *error)
{
    telemetry->has_metrics = metrics->level.value != 0;
    snprintf(telemetry->host, sizeof telemetry->host, "localhost");
    telemetry->port = 8888;
    const struct reader_config *readers = metrics->readers.items;
    bool has_reader = false;
    for (size_t i = 0; i < metrics->readers.count; i++) {
        if (!readers[i].has_pull || !readers[i].pull.exporter.has_prometheus) {
            continue;
        }
        if (has_reader) {
            return weft_node_fail(error, WEFT_UNSUPPORTED, weft_node_find(weft_node_find(node, "metrics"), "readers"),
                                  "weft has one pull reader");
        }
        has_reader = true;
        const struct prometheus_config *prometheus = &readers[i].pull.exporter.prometheus;
        snprintf(telemetry->host, sizeof telemetry->host, "%s", prometheus->host);
        telemetry->port = (uint16_t)prometheus->port;
        telemetry->adds_type_suffix = !prometheus->without_type_suffix;
    }
    const struct weft_node *list = weft_node_find(weft_node_find(node, "metrics"), "readers");
    bool is_empty = list != NULL && weft_node_kind(list) == WEFT_NODE_LIST && weft_node_count(list) == 0;
    if (is_empty && telemetry->has_metrics) {
        return weft_node_fail(error, WEFT_INVALID, list, "must have a reader, or level must be none");
    }
    telemetry->has_metrics = telemetry->has_metrics && (list == NULL || has_reader);
    return WEFT_OK;
}

enum weft_status weft_telemetry_parse(const struct weft_node *node, struct weft_telemetry *out_telemetry,
                                      struct weft_config_notes *notes, struct weft_error *error)
{
    struct telemetry_config config;
    enum weft_status status = weft_config_parse(telemetry_fields, node, &config, notes, error);
    if (status != WEFT_OK) {
        return status;
    }
    *out_telemetry = (struct weft_telemetry){ 0 };
    struct weft_telemetry *telemetry = out_telemetry;
    status = read_level(config.logs.level, node, &telemetry->log.level, error);
    if (status == WEFT_OK) {
        status = check_resource(config.resource.node, error);
    }
    if (status == WEFT_OK) {
        status = read_metrics(&config.metrics, node, telemetry, error);
    }
    if (status == WEFT_OK && config.metrics.address != NULL && config.metrics.address[0] != '\0' &&
        config.metrics.readers.count == 0) {
        status = take_address(config.metrics.address, node, telemetry, notes, error);
    }
    snprintf(telemetry->service, sizeof telemetry->service, "%s",
             first_of(resource_find(config.resource.node, "service.name"),
                      map_find(&config.logs.initial_fields, "service"), "weft"));
    snprintf(telemetry->environment, sizeof telemetry->environment, "%s",
             first_of(resource_find(config.resource.node, "deployment.environment.name"),
                      first_of(resource_find(config.resource.node, "deployment.environment"),
                               map_find(&config.logs.initial_fields, "environment"), NULL),
                      ""));
    telemetry->log.descriptor = 2;
    weft_config_fini(telemetry_fields, &config);
    return status;
}
