#pragma once

#include "net/tls/config.h"
#include "weft/component.h"

/* What extensions that answer over HTTP have in common: their keys, those of the Collector's HTTP server that do
 * nothing here or are not there yet among them, and a TLS context that a reload renews. That context is what such a
 * component shares; NULL = plaintext. Its config begins with a page config (WEFT_IS_PAGE_CONFIG). */
struct weft_page_config {
    char *endpoint;
    bool has_tls;
    struct weft_tls_config tls;
    bool has_auth;
    struct weft_auth_config auth;
};

#define WEFT_IS_PAGE_CONFIG(config_type)                                                                           \
    _Static_assert(offsetof(config_type, page) == 0, "the page config comes first: fields and operations find it " \
                                                     "there")

#define WEFT_PAGE_SERVER_FIELDS(default_endpoint)                                                                   \
    WEFT_FIELD(struct weft_page_config, endpoint, default_endpoint, "Where to listen."),                            \
        WEFT_FIELD_OPTIONAL(struct weft_page_config, tls, has_tls, weft_tls_server_fields, "off",                   \
                            "Transport security.", .is_off_as_null = true),                                         \
        WEFT_FIELD_NO_EFFECT_CHOICE("transport", "The endpoint says it.", "", "tcp", "tcp4", "tcp6", "udp", "udp4", \
                                    "udp6", "ip", "ip4", "ip6", "unix", "unixgram", "unixpacket"),                  \
        WEFT_FIELD_NO_EFFECT("include_metadata", "bool", "A request has none that is used."),                       \
        WEFT_FIELD_NO_EFFECT("max_request_body_size", "int", "Bodies are read and forgotten."),                     \
        WEFT_FIELD_NO_EFFECT("compression_algorithms", "strings", "Bodies are read and forgotten."),                \
        WEFT_FIELD_NO_EFFECT("read_timeout", "duration", "weft has limits of its own."),                            \
        WEFT_FIELD_NO_EFFECT("read_header_timeout", "duration", "weft has limits of its own."),                     \
        WEFT_FIELD_NO_EFFECT("write_timeout", "duration", "weft has limits of its own."),                           \
        WEFT_FIELD_NO_EFFECT("idle_timeout", "duration", "weft has limits of its own."),                            \
        WEFT_FIELD_NO_EFFECT("keep_alives_enabled", "bool", "Connections are kept for a minute."),                  \
        WEFT_FIELD_UNSUPPORTED("cors", "Answers to browsers of other origins."),                                    \
        WEFT_FIELD_OPTIONAL(struct weft_page_config, auth, has_auth, weft_page_auth_fields, "off",                  \
                            "Who may look: 401 for others.", .is_off_as_null = true),                               \
        WEFT_FIELD_UNSUPPORTED("response_headers", "Headers added to each answer."),                                \
        WEFT_FIELD_UNSUPPORTED("middlewares", "Middleware extensions.")

/* `auth` of such a server. */
extern const struct weft_field weft_page_auth_fields[];

/* A component's try_files, auth_needs and share, for a config that begins with a page config. */
enum weft_status weft_page_server_try_files(const void *config, struct weft_error *error);
size_t weft_page_server_auth_needs(const void *config, struct weft_auth_need *out_needs);
enum weft_status weft_page_server_share(const void *config, const char *id, struct weft_budget *budget,
                                        void **out_shared, struct weft_error *error);

/* For a component's validate, which sees to an empty endpoint. */
enum weft_status weft_page_server_validate(const struct weft_page_config *config,
                                           struct weft_error *error) WEFT_MUST_CHECK;

/* A component's unshare, renew and end_renewal. */
void weft_page_server_unshare(void *shared);
enum weft_status weft_page_server_renew(void *shared, struct weft_error *error);
void weft_page_server_end_renewal(void *shared, bool is_used);

/* For a component's create: a listening socket, which is the caller's; the log says where. id: the extension's. */
enum weft_status weft_page_server_listen(const char *endpoint, const char *id, bool has_tls, int *out_descriptor,
                                         struct weft_error *error) WEFT_MUST_CHECK;
