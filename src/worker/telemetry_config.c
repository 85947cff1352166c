/* `service.telemetry` (telemetry_config.h). A pull reader with a prometheus exporter is where /metrics listens. */
#include "worker/telemetry_config.h"

#include <stdio.h>
#include <string.h>

#include "config/field.h"

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
    struct weft_config_list readers; /* of struct reader_config */
};

struct telemetry_config {
    struct logs_config logs;
    struct metrics_config metrics;
    struct weft_config_map resource;
};

static const char *const level_words[] = { "none", "basic", "normal", "detailed", NULL };

static const struct weft_field logs_fields[] = {
    WEFT_FIELD(struct logs_config, level, "info", "debug, info, warn or error."),
    WEFT_FIELD(struct logs_config, initial_fields, NULL, "environment is taken from here."),
    WEFT_FIELD_NO_EFFECT("encoding", "string", "weft logs JSON."),
    WEFT_FIELD_NO_EFFECT("development", "bool", "weft has no development logger."),
    WEFT_FIELD_NO_EFFECT("disable_caller", "bool", "weft logs event names, not call sites."),
    WEFT_FIELD_NO_EFFECT("disable_stacktrace", "bool", "weft logs no stack traces."),
    WEFT_FIELD_NO_EFFECT("sampling", "any", "Every warn and error site is rate-limited."),
    WEFT_FIELD_NO_EFFECT("output_paths", "any", "weft logs to stderr."),
    WEFT_FIELD_NO_EFFECT("error_output_paths", "any", "weft logs to stderr."),
    WEFT_FIELD_UNSUPPORTED("processors", "Own logs over OTLP."),
    WEFT_FIELDS_END,
};

static const struct weft_field prometheus_fields[] = {
    WEFT_FIELD(struct prometheus_config, host, "localhost", "Where /metrics listens."),
    WEFT_FIELD(struct prometheus_config, port, "8888", "Where /metrics listens.", .minimum = 1, .maximum = 65535),
    WEFT_FIELD(struct prometheus_config, without_type_suffix, "false", "Leave out _total."),
    WEFT_FIELD_NO_EFFECT("without_units", "bool", "weft's names carry their units."),
    WEFT_FIELD_NO_EFFECT("without_scope_info", "bool", "weft writes no scope info."),
    WEFT_FIELD_NO_EFFECT("with_resource_constant_labels", "any", "weft writes no resource labels."),
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
    WEFT_FIELD_LIST(struct metrics_config, readers, struct reader_config, reader_fields, "At most one pull reader."),
    WEFT_FIELD_UNSUPPORTED("views", "Metric views."),
    WEFT_FIELDS_END,
};

static const struct weft_field telemetry_fields[] = {
    WEFT_FIELD_BLOCK(struct telemetry_config, logs, logs_fields, "The agent's own logs."),
    WEFT_FIELD_BLOCK(struct telemetry_config, metrics, metrics_fields, "The agent's own metrics."),
    WEFT_FIELD(struct telemetry_config, resource, NULL, "service.name and deployment.environment are taken from here."),
    WEFT_FIELD_NO_EFFECT("traces", "any", "weft does not trace itself."),
    WEFT_FIELDS_END,
};

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
        { "debug", WEFT_LOG_DEBUG }, { "info", WEFT_LOG_INFO },    { "warn", WEFT_LOG_WARN },
        { "error", WEFT_LOG_ERROR }, { "dpanic", WEFT_LOG_ERROR }, { "panic", WEFT_LOG_ERROR },
        { "fatal", WEFT_LOG_ERROR },
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
    if (weft_node_find(weft_node_find(node, "metrics"), "readers") != NULL && !has_reader) {
        telemetry->has_metrics = false;
    }
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
        status = read_metrics(&config.metrics, node, telemetry, error);
    }
    snprintf(
        telemetry->service, sizeof telemetry->service, "%s",
        first_of(map_find(&config.resource, "service.name"), map_find(&config.logs.initial_fields, "service"), "weft"));
    snprintf(telemetry->environment, sizeof telemetry->environment, "%s",
             first_of(map_find(&config.resource, "deployment.environment.name"),
                      first_of(map_find(&config.resource, "deployment.environment"),
                               map_find(&config.logs.initial_fields, "environment"), NULL),
                      ""));
    telemetry->log.descriptor = 2;
    weft_config_fini(telemetry_fields, &config);
    return status;
}
