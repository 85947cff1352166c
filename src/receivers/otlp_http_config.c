/* The config of OTLP over HTTP: fields, the rules between them, and what they mean for a request. Keys, defaults and
 * meaning are the Collector's (confighttp); where a zero means "no limit" there, it means weft's own limit here. */
#include "receivers/otlp_http.h"

#define CONFIG struct weft_otlp_http_config

const struct weft_field weft_otlp_http_auth_fields[] = {
    WEFT_FIELD(struct weft_auth_config, authenticator, "", "The extension that authenticates; there is no default."),
    WEFT_FIELD_UNSUPPORTED("request_params", "Credentials in the query."),
    WEFT_FIELDS_END,
};

const struct weft_field weft_otlp_http_fields[] = {
    WEFT_FIELD(CONFIG, endpoint, "localhost:4318", "Listening address, or a path with transport unix."),
    WEFT_FIELD(CONFIG, transport, "tcp", "tcp or unix."),
    WEFT_FIELD_OPTIONAL(CONFIG, tls, has_tls, weft_tls_server_fields, "off", "Transport security; HTTP/1.1 within.",
                        .is_off_as_null = true),
    WEFT_FIELD(CONFIG, traces_url_path, "/v1/traces", "Path that takes traces."),
    WEFT_FIELD(CONFIG, metrics_url_path, "/v1/metrics", "Path that takes metrics."),
    WEFT_FIELD(CONFIG, logs_url_path, "/v1/logs", "Path that takes logs."),
    WEFT_FIELD_OPTIONAL(CONFIG, cors, has_cors, weft_otlp_cors_fields, "off", "Pages of other sites that may send.",
                        .is_off_as_null = true),
    WEFT_FIELD(CONFIG, max_request_body_size, "0", "Largest body in bytes, before and after inflating; 0 = 20 MiB.",
               .maximum = 1024.0 * 1024 * 1024),
    WEFT_FIELD(CONFIG, compression_algorithms, "[\"\", gzip, zstd, zlib, snappy, deflate, lz4, x-snappy-framed]",
               "Content encodings taken, \"\" for none; an empty list takes every body as it is."),
    WEFT_FIELD(CONFIG, response_headers, NULL, "Headers put on every answer."),
    WEFT_FIELD(CONFIG, read_timeout, "0s", "Time for a whole request; 0 = 15 s for a body, and more as it comes."),
    WEFT_FIELD(CONFIG, read_header_timeout, "0s", "Time for a request's headers; 0 = 10 s."),
    WEFT_FIELD(CONFIG, write_timeout, "0s", "Time for a client to take its answer; 0 = 30 s."),
    WEFT_FIELD(CONFIG, idle_timeout, "0s", "Close connections idle this long; 0 = 6 min."),
    WEFT_FIELD(CONFIG, keep_alives_enabled, "true", "Several requests over one connection."),
    WEFT_FIELD(CONFIG, max_connections, "1000",
               "Connections open at once; beyond it one without a request, or silent, makes room.", .minimum = 1,
               .maximum = 1000000),
    WEFT_FIELD(CONFIG, max_connections_per_address, "0",
               "Of these, how many one address may have (IPv6: a /64 network); 0 = half. Its own make room.",
               .maximum = 1000000),
    WEFT_FIELD(
        CONFIG, include_metadata, "false",
        "Keep the headers of requests, for batch's metadata_keys, headers_setter and from_context of processors."),
    WEFT_FIELD_OPTIONAL(CONFIG, auth, has_auth, weft_otlp_http_auth_fields, "off", "Who may send: 401 for others.",
                        .is_off_as_null = true),
    WEFT_FIELD_UNSUPPORTED("middlewares", "Middleware extensions."),
    WEFT_FIELDS_END,
};

enum { DEFAULT_MAX_BODY_BYTES = 20 * 1024 * 1024 };

/* As the Collector calls them. "deflate" and "zlib" are the same bytes. */
static const char *const algorithms[] = { "", "gzip", "zstd", "zlib", "snappy", "deflate", "lz4", "x-snappy-framed" };

size_t weft_otlp_http_max_body_bytes(const struct weft_otlp_http_config *config)
{
    return config->max_request_body_size <= 0 ? DEFAULT_MAX_BODY_BYTES : (size_t)config->max_request_body_size;
}

const char *weft_otlp_http_path(const struct weft_otlp_http_config *config, enum weft_signal signal)
{
    switch (signal) {
    case WEFT_TRACES:
        return config->traces_url_path;
    case WEFT_METRICS:
        return config->metrics_url_path;
    case WEFT_LOGS:
        return config->logs_url_path;
    case WEFT_PROFILES:
        return weft_signal_url_path(signal);
    }
    return "";
}

static bool is_listed(const struct weft_otlp_http_config *config, struct weft_slice name)
{
    for (size_t i = 0; i < config->compression_algorithms.count; i++) {
        if (weft_slice_equal_text(name, config->compression_algorithms.items[i])) {
            return true;
        }
    }
    return false;
}

enum weft_status weft_otlp_http_encoding(const struct weft_otlp_http_config *config, struct weft_slice name,
                                         enum weft_encoding *out_encoding)
{
    if (config->compression_algorithms.count == 0) {
        *out_encoding = WEFT_ENCODING_IDENTITY;
        return WEFT_OK;
    }
    enum weft_encoding encoding;
    if (weft_encoding_parse(name, &encoding) != WEFT_OK) {
        return WEFT_UNSUPPORTED;
    }
    bool is_taken = false;
    switch (encoding) {
    case WEFT_ENCODING_IDENTITY:
        is_taken = is_listed(config, WEFT_SLICE_EMPTY);
        break;
    case WEFT_ENCODING_GZIP:
    case WEFT_ENCODING_ZSTD:
    case WEFT_ENCODING_SNAPPY:
    case WEFT_ENCODING_SNAPPY_FRAMED:
    case WEFT_ENCODING_LZ4:
        is_taken = is_listed(config, weft_slice_of_text(weft_encoding_name(encoding)));
        break;
    case WEFT_ENCODING_DEFLATE:
        is_taken = is_listed(config, WEFT_SLICE_LITERAL("deflate")) || is_listed(config, WEFT_SLICE_LITERAL("zlib"));
        break;
    }
    if (!is_taken) {
        return WEFT_UNSUPPORTED;
    }
    *out_encoding = encoding;
    return WEFT_OK;
}

static enum weft_status validate_algorithm(const char *name, struct weft_error *error)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(algorithms); i++) {
        if (strcmp(name, algorithms[i]) == 0) {
            return WEFT_OK;
        }
    }
    return weft_fail(
        error, WEFT_INVALID,
        "compression_algorithms: \"%s\" is none of \"\", gzip, zstd, zlib, snappy, deflate, lz4, x-snappy-framed",
        name);
}

/* A colon before the first slash ends the scheme of a URL: "http://host/path" stands for its path, ":path" for nothing.
 */
static bool has_bad_scheme(const char *path)
{
    size_t length = strcspn(path, ":/");
    bool is_scheme = (path[0] | 0x20) >= 'a' && (path[0] | 0x20) <= 'z';
    for (size_t i = 0; i < length && is_scheme; i++) {
        bool is_alphanumeric =
            (path[i] >= '0' && path[i] <= '9') || ((path[i] | 0x20) >= 'a' && (path[i] | 0x20) <= 'z');
        is_scheme = is_alphanumeric || strchr("+-.", path[i]) != NULL;
    }
    return path[length] == ':' && !is_scheme;
}

enum weft_status weft_otlp_http_validate_path(const char *key, const char *path, struct weft_error *error)
{
    if (has_bad_scheme(path)) {
        return weft_fail(error, WEFT_INVALID, "%s: \"%s\" is not a URL path: what stands before the colon is no scheme",
                         key, path);
    }
    for (const char *at = path; *at != '\0'; at++) {
        if (*at <= ' ' || *at >= 0x7f || *at == '?' || *at == '#' || *at == '%') {
            return weft_fail(error, WEFT_INVALID, "%s: \"%s\" is not a plain URL path", key, path);
        }
    }
    return WEFT_OK;
}

static enum weft_status validate_path(const struct weft_otlp_http_config *config, enum weft_signal signal,
                                      struct weft_error *error)
{
    static const char *const keys[WEFT_SIGNAL_COUNT] = {
        [WEFT_TRACES] = "traces_url_path", [WEFT_METRICS] = "metrics_url_path", [WEFT_LOGS] = "logs_url_path"
    };
    if (keys[signal] == NULL) {
        return WEFT_OK;
    }
    const char *path = weft_otlp_http_path(config, signal);
    enum weft_status status = weft_otlp_http_validate_path(keys[signal], path, error);
    if (status != WEFT_OK) {
        return status;
    }
    for (int other = 0; other < (int)signal; other++) {
        const char *taken = weft_otlp_http_path(config, (enum weft_signal)other);
        if (strcmp(taken + (taken[0] == '/'), path + (path[0] == '/')) == 0) {
            return weft_fail(error, WEFT_INVALID, "%s_url_path: \"%s\" takes %s already", weft_signal_name(signal),
                             path, weft_signal_name((enum weft_signal)other));
        }
    }
    return WEFT_OK;
}

static bool is_header_name(const char *name)
{
    for (const char *at = name; *at != '\0'; at++) {
        bool is_alphanumeric = (*at >= '0' && *at <= '9') || ((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z');
        if (!is_alphanumeric && strchr("!#$%&'*+-.^_`|~", *at) == NULL) {
            return false;
        }
    }
    return name[0] != '\0';
}

static enum weft_status validate_response_headers(const struct weft_config_map *headers, struct weft_error *error)
{
    for (size_t i = 0; i < headers->count; i++) {
        if (!is_header_name(headers->entries[i].key)) {
            return weft_fail(error, WEFT_INVALID, "response_headers: \"%s\" is not the name of a header",
                             headers->entries[i].key);
        }
        for (const char *at = headers->entries[i].value; *at != '\0'; at++) {
            if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7f) {
                return weft_fail(error, WEFT_INVALID, "response_headers: the value of \"%s\" has a control character",
                                 headers->entries[i].key);
            }
        }
    }
    return WEFT_OK;
}

enum weft_status weft_otlp_http_validate(const struct weft_otlp_http_config *config, struct weft_error *error)
{
    enum weft_status status = WEFT_OK;
    for (int signal = 0; signal < WEFT_SIGNAL_COUNT && status == WEFT_OK; signal++) {
        status = validate_path(config, (enum weft_signal)signal, error);
    }
    return status == WEFT_OK ? weft_otlp_http_validate_server(config, error) : status;
}

enum weft_status weft_otlp_http_validate_server(const struct weft_otlp_http_config *config, struct weft_error *error)
{
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; i < config->compression_algorithms.count && status == WEFT_OK; i++) {
        status = validate_algorithm(config->compression_algorithms.items[i], error);
    }
    if (status == WEFT_OK) {
        status = validate_response_headers(&config->response_headers.map, error);
    }
    return status == WEFT_OK && config->has_cors ? weft_otlp_cors_validate(&config->cors, error) : status;
}

void weft_otlp_json_init(struct weft_otlp_json *json)
{
    for (int signal = 0; signal < WEFT_SIGNAL_COUNT; signal++) {
        json->requests[signal] = weft_json_schema_of_request((enum weft_signal)signal, WEFT_JSON_ALL_NAMES);
    }
}

void weft_otlp_json_fini(struct weft_otlp_json *json)
{
    for (int signal = 0; signal < WEFT_SIGNAL_COUNT; signal++) {
        weft_json_schema_free(json->requests[signal]);
        json->requests[signal] = NULL;
    }
}
