#pragma once

#include "net/tls/config.h"
#include "net/url.h"
#include "pipeline/exporter.h"
#include "pipeline/exporter_balancing.h"
#include "weft/component.h"

/* The config of the exporter otlp_http, and what can be said from it alone. */

struct weft_otlp_http_compression {
    int64_t level;
};

struct weft_otlp_http_export_config {
    char *endpoint;
    char *traces_endpoint;
    char *metrics_endpoint;
    char *logs_endpoint;
    char *profiles_endpoint;
    struct weft_choice encoding; /* enum weft_body_format */
    char *compression;
    struct weft_otlp_http_compression compression_params;
    struct weft_secret proxy_url;
    struct weft_secret_map headers;
    uint64_t max_idle_conns;
    uint64_t max_idle_conns_per_host;
    struct weft_balancing_config balancing;
    uint64_t max_conns_per_host;
    struct weft_duration idle_conn_timeout;
    bool disable_keep_alives;
    struct weft_tls_config tls;
    struct weft_sender_config sender;
    bool has_auth;
    struct weft_auth_config auth;
};

extern const struct weft_field weft_otlp_http_export_fields[];

/* Where a signal goes. out_suffix: what the URL's path still lacks. */
enum weft_status weft_otlp_http_export_url(const struct weft_otlp_http_export_config *config, enum weft_signal signal,
                                           struct weft_url *out_url, const char **out_suffix,
                                           struct weft_error *error) WEFT_MUST_CHECK;

bool weft_otlp_http_export_may_want_tls(const struct weft_otlp_http_export_config *config);
int weft_otlp_http_export_level(const struct weft_otlp_http_export_config *config, enum weft_encoding encoding);

/* Of the component's contract. */
size_t weft_otlp_http_export_auth_needs(const void *config, struct weft_auth_need *out_needs);
enum weft_status weft_otlp_http_export_validate_signal(const void *config, enum weft_signal signal,
                                                       struct weft_error *error);
enum weft_reach weft_otlp_http_export_reach(const void *config);
enum weft_status weft_otlp_http_export_advise(const void *config, const struct weft_node *node,
                                              struct weft_config_notes *notes);
enum weft_status weft_otlp_http_export_validate(const void *config, struct weft_error *error);
