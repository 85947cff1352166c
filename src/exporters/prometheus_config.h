#pragma once

#include "exporters/prometheus_name.h"
#include "net/tls/config.h"
#include "weft/component.h"

/* The keys of the exporter `prometheus`. */
struct weft_prometheus_conversion {
    bool enabled;
    bool exclude_service_attributes;
};

struct weft_prometheus_config {
    char *endpoint;
    bool has_tls;
    struct weft_tls_config tls;
    char *name_space;
    struct weft_config_map const_labels;
    bool send_timestamps;
    struct weft_duration metric_expiration;
    bool enable_open_metrics;
    struct weft_prometheus_conversion conversion;
    char *translation_strategy;
    bool without_scope_info;
    bool has_auth;
    struct weft_auth_config auth;
    struct weft_secret_map response_headers;
    uint64_t max_series;
    uint64_t max_series_bytes;
    uint64_t max_page_bytes;
    uint64_t max_connections;
};

extern const struct weft_field weft_prometheus_config_fields[];

/* As weft_component has them. */
enum weft_status weft_prometheus_config_validate(const void *untyped, struct weft_error *error) WEFT_MUST_CHECK;
enum weft_reach weft_prometheus_config_reach(const void *untyped);
size_t weft_prometheus_config_auth_needs(const void *untyped, struct weft_auth_need *out_needs);

/* Its texts are the config's. */
struct weft_prometheus_naming weft_prometheus_config_naming(const struct weft_prometheus_config *config);
