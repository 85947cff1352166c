#pragma once

#include "net/http1/server.h"
#include "net/tls/config.h"
#include "receivers/otlp_cors.h"
#include "receivers/otlp_ingest.h"
#include "wire/json_schema.h"
#include "wire/log_line.h"

/* `protocols.http` of the otlp receiver: the Collector's HTTP server block and the three paths. */
struct weft_otlp_http_config {
    char *endpoint;
    char *transport;
    bool has_tls;
    struct weft_tls_config tls;
    char *traces_url_path, *metrics_url_path, *logs_url_path;
    bool has_cors;
    struct weft_otlp_cors_config cors;
    int64_t max_request_body_size;
    struct weft_config_strings compression_algorithms;
    struct weft_secret_map response_headers;
    struct weft_duration read_timeout, read_header_timeout, write_timeout, idle_timeout;
    bool keep_alives_enabled;
    uint64_t max_connections, max_connections_per_address;
    bool has_auth;
    struct weft_auth_config auth;
    bool include_metadata;
};

extern const struct weft_field weft_otlp_http_auth_fields[];

extern const struct weft_field weft_otlp_http_fields[];

enum weft_status weft_otlp_http_validate(const struct weft_otlp_http_config *config,
                                         struct weft_error *error) WEFT_MUST_CHECK;

/* The rules that hold whatever the bodies are: compression, headers, CORS. */
enum weft_status weft_otlp_http_validate_server(const struct weft_otlp_http_config *config,
                                                struct weft_error *error) WEFT_MUST_CHECK;

/* key: what to call the path. */
enum weft_status weft_otlp_http_validate_path(const char *key, const char *path,
                                              struct weft_error *error) WEFT_MUST_CHECK;

/* The configured path of a signal; the leading '/' may be missing. */
const char *weft_otlp_http_path(const struct weft_otlp_http_config *config, enum weft_signal signal);

/* Largest body, before and after inflating. */
size_t weft_otlp_http_max_body_bytes(const struct weft_otlp_http_config *config);

/* Content-Encoding of a request -> how to inflate it. WEFT_UNSUPPORTED: not among compression_algorithms. An empty list
 * means that nothing is inflated and the header is not looked at. */
enum weft_status weft_otlp_http_encoding(const struct weft_otlp_http_config *config, struct weft_slice name,
                                         enum weft_encoding *out_encoding) WEFT_MUST_CHECK;

/* How JSON is read, per signal: made once per process. */
struct weft_otlp_json {
    struct weft_json_schema *requests[WEFT_SIGNAL_COUNT];
};

void weft_otlp_json_init(struct weft_otlp_json *json);
void weft_otlp_json_fini(struct weft_otlp_json *json);

/* ingest, config, json and tls (NULL = plain) outlive the inlet. authenticator: the config's, or NULL. */
struct weft_otlp_inlet *weft_otlp_http_new(struct weft_otlp_ingest *ingest, const struct weft_otlp_http_config *config,
                                           const struct weft_otlp_json *json, struct weft_tls_context *tls,
                                           struct weft_authenticator *authenticator);

/* The same server for log lines instead of OTLP (receiver `jsonlog`): one path, config's logs_url_path, bodies of any
 * type, which become requests of logs; answers are JSON. */
struct weft_otlp_inlet *weft_otlp_http_new_for_lines(struct weft_otlp_ingest *ingest,
                                                     const struct weft_otlp_http_config *config,
                                                     const struct weft_log_line_settings *settings,
                                                     struct weft_tls_context *tls,
                                                     struct weft_authenticator *authenticator);
