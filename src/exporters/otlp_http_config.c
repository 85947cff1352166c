/* The config of the exporter otlp_http (otlp_http_config.h): its keys, and its rules over several of them. */
#include "exporters/otlp_http_config.h"

#include "exporters/otlp_http_proxy.h"
#include "pipeline/exporter_body.h"

static const char *const encoding_words[] = { "proto", "json", NULL };

static const struct weft_field compression_fields[] = {
    WEFT_FIELD(struct weft_otlp_http_compression, level, "0", "Level of the compression; 0 = its default."),
    WEFT_FIELDS_END,
};

const struct weft_field weft_otlp_http_export_fields[] = {
    WEFT_FIELD(struct weft_otlp_http_export_config, endpoint, "",
               "Base URL of the backend; /v1/traces and so on (/v1development/profiles) is appended. Redirects by 307 "
               "and 308 are followed to "
               "the same host, or from http to https of it."),
    WEFT_FIELD(struct weft_otlp_http_export_config, traces_endpoint, "", "URL for traces, as it stands."),
    WEFT_FIELD(struct weft_otlp_http_export_config, metrics_endpoint, "", "URL for metrics, as it stands."),
    WEFT_FIELD(struct weft_otlp_http_export_config, logs_endpoint, "", "URL for logs, as it stands."),
    WEFT_FIELD(struct weft_otlp_http_export_config, profiles_endpoint, "", "URL for profiles, as it stands."),
    WEFT_FIELD_CHOICE(struct weft_otlp_http_export_config, encoding, encoding_words, "proto", "proto or json."),
    WEFT_FIELD(struct weft_otlp_http_export_config, compression, "gzip",
               "gzip, zstd, deflate, zlib, snappy, x-snappy-framed, lz4 or none."),
    WEFT_FIELD_BLOCK(struct weft_otlp_http_export_config, compression_params, compression_fields, "How to compress."),
    WEFT_FIELD(struct weft_otlp_http_export_config, headers, NULL, "Headers sent with each request."),
    WEFT_FIELD(struct weft_otlp_http_export_config, max_idle_conns, "100", "Idle connections kept; 0 = no limit.",
               .maximum = 1e6),
    WEFT_FIELD(struct weft_otlp_http_export_config, max_idle_conns_per_host, "0",
               "The same; the smaller counts, as there is one host. 0 = no limit.", .maximum = 1e6),
    WEFT_FIELD(struct weft_otlp_http_export_config, max_conns_per_host, "0",
               "Connections at most, over all workers; 0 = as many as requests are under way.", .maximum = 1e6),
    WEFT_FIELD(struct weft_otlp_http_export_config, idle_conn_timeout, "90s",
               "Close a connection that is idle for so long; 0 = never."),
    WEFT_FIELD(struct weft_otlp_http_export_config, disable_keep_alives, "false",
               "Make a connection for each request."),
    WEFT_FIELD_INLINE(struct weft_otlp_http_export_config, balancing, weft_balancing_fields),
    WEFT_FIELD_BLOCK(struct weft_otlp_http_export_config, tls, weft_tls_client_fields,
                     "Transport security, for https:// URLs."),
    WEFT_SENDER_FIELDS(struct weft_otlp_http_export_config, "30s"),
    WEFT_FIELD_NO_EFFECT("read_buffer_size", "int", "weft sizes its own buffers."),
    WEFT_FIELD_NO_EFFECT("write_buffer_size", "int", "weft writes each request in one go."),
    WEFT_FIELD_NO_EFFECT("http2_read_idle_timeout", "duration", "weft speaks HTTP/1.1 here."),
    WEFT_FIELD_NO_EFFECT("http2_ping_timeout", "duration", "weft speaks HTTP/1.1 here."),
    WEFT_FIELD_NO_EFFECT("force_attempt_http2", "bool", "weft speaks HTTP/1.1 here."),
    WEFT_FIELD(struct weft_otlp_http_export_config, proxy_url, NULL,
               "A proxy to send through, http://user:password@host:port; https:// goes by a tunnel."),
    WEFT_FIELD_UNSUPPORTED("cookies", "Keeping cookies."),
    WEFT_FIELD_OPTIONAL(struct weft_otlp_http_export_config, auth, has_auth, weft_auth_fields, "off",
                        "Who gives requests their credentials.", .is_off_as_null = true),
    WEFT_FIELD_UNSUPPORTED("middlewares", "Middleware extensions."),
    WEFT_FIELDS_END,
};

static const char *own_endpoint(const struct weft_otlp_http_export_config *config, enum weft_signal signal)
{
    switch (signal) {
    case WEFT_TRACES:
        return config->traces_endpoint;
    case WEFT_METRICS:
        return config->metrics_endpoint;
    case WEFT_LOGS:
        return config->logs_endpoint;
    case WEFT_PROFILES:
        return config->profiles_endpoint;
    }
    return "";
}

/* Where a signal goes. out_suffix: what the URL's path still lacks. */
enum weft_status weft_otlp_http_export_url(const struct weft_otlp_http_export_config *config, enum weft_signal signal,
                                           struct weft_url *out_url, const char **out_suffix, struct weft_error *error)
{
    const char *own = own_endpoint(config, signal);
    bool is_own = own[0] != '\0';
    if (!is_own && config->endpoint[0] == '\0') {
        return weft_fail(error, WEFT_INVALID, "either endpoint or %s_endpoint must be specified",
                         weft_signal_name(signal));
    }
    *out_suffix = is_own ? "" : weft_signal_url_path(signal);
    return weft_url_parse(is_own ? own : config->endpoint, out_url, error);
}

static bool has_endpoint(const struct weft_otlp_http_export_config *config, enum weft_signal signal)
{
    return config->endpoint[0] != '\0' || own_endpoint(config, signal)[0] != '\0';
}

static enum weft_status validate_urls(const struct weft_otlp_http_export_config *config, struct weft_error *error)
{
    bool has_any = false;
    for (int signal = 0; signal < WEFT_SIGNAL_COUNT; signal++) {
        struct weft_url url;
        const char *suffix;
        if (!has_endpoint(config, (enum weft_signal)signal)) {
            continue;
        }
        has_any = true;
        enum weft_status status = weft_otlp_http_export_url(config, (enum weft_signal)signal, &url, &suffix, error);
        if (status != WEFT_OK) {
            return status;
        }
    }
    return has_any ? WEFT_OK : weft_fail(error, WEFT_INVALID, "at least one endpoint must be specified");
}

size_t weft_otlp_http_export_auth_needs(const void *untyped, struct weft_auth_need *out_needs)
{
    const struct weft_otlp_http_export_config *config = untyped;
    if (!config->has_auth) {
        return 0;
    }
    out_needs[0] = (struct weft_auth_need){ config->auth.authenticator, WEFT_AUTHENTICATES_CLIENTS, false };
    return 1;
}

/* Each pipeline's signal has somewhere to go. */
enum weft_status weft_otlp_http_export_validate_signal(const void *untyped, enum weft_signal signal,
                                                       struct weft_error *error)
{
    struct weft_url url;
    const char *suffix;
    return weft_otlp_http_export_url(untyped, signal, &url, &suffix, error);
}

enum weft_reach weft_otlp_http_export_reach(const void *config)
{
    for (int signal = 0; signal < WEFT_SIGNAL_COUNT; signal++) {
        struct weft_url url;
        const char *suffix;
        if (has_endpoint(config, (enum weft_signal)signal) &&
            (weft_otlp_http_export_url(config, (enum weft_signal)signal, &url, &suffix, NULL) != WEFT_OK ||
             !weft_endpoint_is_local(&url.endpoint))) {
            return WEFT_REACH_NETWORK;
        }
    }
    return WEFT_REACH_MACHINE;
}

enum weft_status weft_otlp_http_export_advise(const void *untyped, const struct weft_node *node,
                                              struct weft_config_notes *notes)
{
    const struct weft_otlp_http_export_config *config = untyped;
    return weft_exporter_advise_headers(&config->headers.map, node, notes);
}

/* configcompression: zlib's levels for its family; zstd takes any and means the nearest. */
static enum weft_status validate_level(const struct weft_otlp_http_export_config *config, enum weft_encoding encoding,
                                       struct weft_error *error)
{
    int64_t level = config->compression_params.level;
    bool is_deflate = encoding == WEFT_ENCODING_GZIP || encoding == WEFT_ENCODING_DEFLATE;
    bool is_known = is_deflate ? level >= -2 && level <= 9 : true; /* none has no level to be wrong */
    return is_known ? WEFT_OK
                    : weft_fail(error, WEFT_INVALID, "compression_params: level %lld is not one of compression \"%s\"",
                                (long long)level, config->compression);
}

enum weft_status weft_otlp_http_export_validate(const void *untyped, struct weft_error *error)
{
    const struct weft_otlp_http_export_config *config = untyped;
    enum weft_encoding encoding;
    enum weft_status status = validate_urls(config, error);
    if (status == WEFT_OK) {
        status = weft_exporter_parse_compression(config->compression, WEFT_COMPRESSION_HTTP, &encoding, error);
    }
    if (status == WEFT_OK) {
        status = validate_level(config, encoding, error);
    }
    if (status == WEFT_OK) {
        status = weft_tls_config_validate(&config->tls, error);
    }
    if (status == WEFT_OK) {
        struct weft_proxy proxy;
        status = weft_proxy_parse(config->proxy_url.text, &proxy, error);
        if (status == WEFT_OK) {
            weft_proxy_fini(&proxy);
        }
    }
    return status == WEFT_OK ? weft_sender_config_validate(&config->sender, error) : status;
}

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* Also where a redirect may lead to https. A context with the system's authorities takes 4 MiB, so what is on this
 * machine gets one only if the config says something of TLS. */
bool weft_otlp_http_export_may_want_tls(const struct weft_otlp_http_export_config *config)
{
    bool has_authority = is_set(config->tls.ca_file) || is_set(config->tls.ca_pem) || config->tls.insecure_skip_verify;
    for (int signal = 0; signal < WEFT_SIGNAL_COUNT; signal++) {
        struct weft_url url;
        const char *suffix;
        if (weft_otlp_http_export_url(config, (enum weft_signal)signal, &url, &suffix, NULL) == WEFT_OK &&
            (url.endpoint.wants_tls || has_authority || !weft_endpoint_is_local(&url.endpoint))) {
            return true;
        }
    }
    return false;
}

/* weft_deflate counts 0 as the default, as the config does; zlib's -1 is the same, its -2 the fastest. */
int weft_otlp_http_export_level(const struct weft_otlp_http_export_config *config, enum weft_encoding encoding)
{
    int64_t level = config->compression_params.level;
    if (encoding != WEFT_ENCODING_ZSTD) {
        return level == -1 ? 0 : level == -2 ? 1 : (int)level;
    }
    return level < -100 ? -100 : level > 100 ? 100 : (int)level;
}
