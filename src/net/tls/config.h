#pragma once

#include "config/field.h"
#include "net/tls/tls.h"

/* The Collector's `tls` blocks (configtls), for clients and for servers. */
struct weft_tls_config {
    char *ca_file, *ca_pem;
    char *cert_file, *cert_pem;
    char *key_file;
    struct weft_secret key_pem;
    bool include_system_ca_certs_pool;
    char *min_version, *max_version;
    struct weft_config_strings cipher_suites;
    struct weft_config_strings curve_preferences;
    struct weft_duration reload_interval;
    /* client */
    bool insecure;
    bool insecure_skip_verify;
    char *server_name_override;
    /* server */
    char *client_ca_file;
    bool client_ca_file_reload;
};

extern const struct weft_field weft_tls_client_fields[];
extern const struct weft_field weft_tls_server_fields[];

/* The rules between keys: certificate and key together, versions in order. */
enum weft_status weft_tls_config_validate(const struct weft_tls_config *config,
                                          struct weft_error *error) WEFT_MUST_CHECK;

/* The same, and what a server must have: a certificate. */
enum weft_status weft_tls_config_validate_server(const struct weft_tls_config *config,
                                                 struct weft_error *error) WEFT_MUST_CHECK;

/* Reads the block's certificates and keys and forgets them. */
enum weft_status weft_tls_config_try(const struct weft_tls_config *config, bool is_server,
                                     struct weft_error *error) WEFT_MUST_CHECK;

/* A context from the block. alpn and is_alpn_optional as in weft_tls_settings. */
enum weft_status weft_tls_config_open(const struct weft_tls_config *config, bool is_server, const char *alpn,
                                      bool is_alpn_optional, struct weft_tls_context **out_context,
                                      struct weft_error *error) WEFT_MUST_CHECK;
