/* The keys of the exporter `prometheus` (prometheus_config.h): the Collector's, and weft's limits. */
#include "exporters/prometheus_config.h"

#include "net/address.h"
#include "net/header.h"

static const struct weft_field conversion_fields[] = {
    WEFT_FIELD(struct weft_prometheus_conversion, enabled, "false",
               "Attributes of the resource become labels of each series."),
    WEFT_FIELD(struct weft_prometheus_conversion, exclude_service_attributes, "false",
               "But service.name, service.namespace and service.instance.id, which job and instance show."),
    WEFT_FIELDS_END,
};

const struct weft_field weft_prometheus_config_fields[] = {
    WEFT_FIELD(struct weft_prometheus_config, endpoint, NULL, "Where to listen for scrapes of /metrics.",
               .is_required = true),
    WEFT_FIELD_OPTIONAL(struct weft_prometheus_config, tls, has_tls, weft_tls_server_fields, "off",
                        "Transport security.", .is_off_as_null = true),
    { .key = "namespace",
      .kind = WEFT_KIND_STRING,
      .offset = offsetof(struct weft_prometheus_config, name_space),
      .default_text = "",
      .help = "What the name of each metric begins with." },
    WEFT_FIELD(struct weft_prometheus_config, const_labels, NULL, "Labels of each series."),
    WEFT_FIELD(struct weft_prometheus_config, send_timestamps, "false", "Write the time of each value beside it."),
    WEFT_FIELD(struct weft_prometheus_config, metric_expiration, "5m",
               "How long a series is shown after its last data point."),
    WEFT_FIELD(struct weft_prometheus_config, enable_open_metrics, "false",
               "Write OpenMetrics, with exemplars, for scrapers that prefer it."),
    { .key = "resource_to_telemetry_conversion",
      .kind = WEFT_KIND_BLOCK,
      .offset = offsetof(struct weft_prometheus_config, conversion),
      .help = "What becomes of resource attributes.",
      .fields = conversion_fields },
    WEFT_FIELD(struct weft_prometheus_config, translation_strategy, "",
               "UnderscoreEscapingWithSuffixes, UnderscoreEscapingWithoutSuffixes, NoUTF8EscapingWithSuffixes or "
               "NoTranslation; empty: the first."),
    WEFT_FIELD(struct weft_prometheus_config, without_scope_info, "false", "Leave the labels of the scope out."),
    WEFT_FIELD(struct weft_prometheus_config, max_series, "100000",
               "Series that are held at most; data points of others are dropped (series_limit).", .minimum = 1,
               .maximum = 1 << 28),
    WEFT_FIELD(struct weft_prometheus_config, max_series_bytes, "134217728", "Memory that they may take, the same.",
               .minimum = 1 << 20, .maximum = (double)(1LL << 40)),
    WEFT_FIELD(struct weft_prometheus_config, max_page_bytes, "134217728",
               "Length of a page. New series beyond three quarters of it are dropped; a scrape of more gets an error.",
               .minimum = 1 << 10, .maximum = (double)(1LL << 32)),
    WEFT_FIELD(struct weft_prometheus_config, max_connections, "32",
               "Connections of scrapers; one that is idle or silent makes room, half are one address's at most.",
               .minimum = 1, .maximum = 100000),
    WEFT_FIELD_OPTIONAL(struct weft_prometheus_config, auth, has_auth, weft_auth_fields, "off",
                        "Who may scrape: 401 for others.", .is_off_as_null = true),
    WEFT_FIELD(struct weft_prometheus_config, response_headers, NULL, "Headers put on every answer."),
    WEFT_FIELD_NO_EFFECT("add_metric_suffixes", "bool", "translation_strategy says it; the Collector passes it over."),
    WEFT_FIELD_NO_EFFECT("sending_queue", "any", "weft takes each batch at once."),
    WEFT_FIELD_NO_EFFECT("transport", "string", "The endpoint says it."),
    WEFT_FIELD_NO_EFFECT("include_metadata", "bool", "A scrape has none that is used."),
    WEFT_FIELD_NO_EFFECT("max_request_body_size", "int", "Bodies are read and forgotten."),
    WEFT_FIELD_NO_EFFECT("compression_algorithms", "list", "Bodies are read and forgotten."),
    WEFT_FIELD_NO_EFFECT("read_timeout", "duration", "weft has limits of its own."),
    WEFT_FIELD_NO_EFFECT("read_header_timeout", "duration", "weft has limits of its own."),
    WEFT_FIELD_NO_EFFECT("write_timeout", "duration", "weft has limits of its own."),
    WEFT_FIELD_NO_EFFECT("idle_timeout", "duration", "weft has limits of its own."),
    WEFT_FIELD_NO_EFFECT("keep_alives_enabled", "bool", "Connections are kept for a minute."),
    WEFT_FIELD_UNSUPPORTED("cors", "Answers to browsers of other origins."),
    WEFT_FIELD_UNSUPPORTED("middlewares", "Middleware extensions."),
    WEFT_FIELDS_END,
};

struct strategy {
    const char *name;
    bool adds_suffixes, allows_utf8;
};

static const struct strategy strategies[] = {
    { "UnderscoreEscapingWithSuffixes", true, false },
    { "UnderscoreEscapingWithoutSuffixes", false, false },
    { "NoUTF8EscapingWithSuffixes", true, true },
    { "NoTranslation", false, true },
};

static const struct strategy *strategy_of(const char *name)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(strategies); i++) {
        if (strcmp(strategies[i].name, name) == 0) {
            return &strategies[i];
        }
    }
    return NULL;
}

static enum weft_status validate_headers(const struct weft_config_map *headers, struct weft_error *error)
{
    for (size_t i = 0; i < headers->count; i++) {
        if (!weft_header_is_valid(headers->entries[i].key, headers->entries[i].value)) {
            return weft_fail(error, WEFT_INVALID, "response_headers: \"%s\" cannot be sent as a header",
                             headers->entries[i].key);
        }
    }
    return WEFT_OK;
}

/* The Collector takes others and shows nothing then. */
static enum weft_status validate_labels(const struct weft_config_map *labels, struct weft_error *error)
{
    for (size_t i = 0; i < labels->count; i++) {
        if (labels->entries[i].key[0] == '\0' || strncmp(labels->entries[i].key, "__", 2) == 0) {
            return weft_fail(error, WEFT_INVALID, "const_labels: \"%s\" is not the name of a label",
                             labels->entries[i].key);
        }
    }
    return WEFT_OK;
}

enum weft_status weft_prometheus_config_validate(const void *untyped, struct weft_error *error)
{
    const struct weft_prometheus_config *config = untyped;
    struct weft_endpoint endpoint;
    if (config->endpoint == NULL || config->endpoint[strspn(config->endpoint, " ")] == '\0') {
        return weft_fail(error, WEFT_INVALID, "expecting a non-blank address to run the Prometheus metrics handler");
    }
    if (config->translation_strategy[0] != '\0' && strategy_of(config->translation_strategy) == NULL) {
        return weft_fail(error, WEFT_INVALID, "invalid translation_strategy: %s", config->translation_strategy);
    }
    enum weft_status status = weft_endpoint_parse(config->endpoint, 0, &endpoint, error);
    if (status == WEFT_OK) {
        status = validate_headers(&config->response_headers.map, error);
    }
    if (status == WEFT_OK) {
        status = validate_labels(&config->const_labels, error);
    }
    return status == WEFT_OK && config->has_tls ? weft_tls_config_validate_server(&config->tls, error) : status;
}

enum weft_reach weft_prometheus_config_reach(const void *untyped)
{
    const struct weft_prometheus_config *config = untyped;
    struct weft_endpoint endpoint;
    return weft_endpoint_parse(config->endpoint, 0, &endpoint, NULL) == WEFT_OK && weft_endpoint_is_local(&endpoint)
               ? WEFT_REACH_MACHINE
               : WEFT_REACH_NETWORK;
}

size_t weft_prometheus_config_auth_needs(const void *untyped, struct weft_auth_need *out_needs)
{
    const struct weft_prometheus_config *config = untyped;
    if (config->has_auth) {
        out_needs[0] = (struct weft_auth_need){ config->auth.authenticator, WEFT_AUTHENTICATES_SERVERS, false };
    }
    return config->has_auth;
}

struct weft_prometheus_naming weft_prometheus_config_naming(const struct weft_prometheus_config *config)
{
    const struct strategy *strategy = strategy_of(config->translation_strategy);
    return (struct weft_prometheus_naming){
        .name_space = weft_slice_of_text(config->name_space),
        .adds_suffixes = strategy == NULL || strategy->adds_suffixes,
        .allows_utf8 = strategy != NULL && strategy->allows_utf8,
    };
}
