/* `tls` blocks: field tables and their way to struct weft_tls_settings (config.h). */
#include "net/tls/config.h"

#include <string.h>

#include "base/alloc.h"

#define SHARED_FIELDS                                                                                                  \
    WEFT_FIELD(struct weft_tls_config, ca_file, NULL, "CA certificates to trust, PEM file."),                          \
        WEFT_FIELD(struct weft_tls_config, ca_pem, NULL, "CA certificates to trust, PEM text."),                       \
        WEFT_FIELD(struct weft_tls_config, cert_file, NULL, "Own certificate chain, PEM file."),                       \
        WEFT_FIELD(struct weft_tls_config, cert_pem, NULL, "Own certificate chain, PEM text."),                        \
        WEFT_FIELD(struct weft_tls_config, key_file, NULL, "Own private key, PEM file."),                              \
        WEFT_FIELD(struct weft_tls_config, key_pem, NULL, "Own private key, PEM text."),                               \
        WEFT_FIELD(struct weft_tls_config, include_system_ca_certs_pool, "false",                                      \
                   "Trust the system's CA certificates too."),                                                         \
        WEFT_FIELD(struct weft_tls_config, min_version, "1.2", "Lowest TLS version: 1.2 or 1.3."),                     \
        WEFT_FIELD(struct weft_tls_config, max_version, "", "Highest TLS version; empty = 1.3."),                      \
        WEFT_FIELD(struct weft_tls_config, cipher_suites, NULL, "TLS 1.2 suites by their Go names."),                  \
        WEFT_FIELD(struct weft_tls_config, curve_preferences, NULL, "Key exchange curves, preferred first."),          \
        WEFT_FIELD(struct weft_tls_config, reload_interval, "0s", "Read the files again after this time; 0 = never."), \
        WEFT_FIELD_NO_EFFECT("include_insecure_cipher_suites", "bool", "weft offers AEAD suites only."),               \
        WEFT_FIELD_UNSUPPORTED("tpm", "Keys in a TPM.")

const struct weft_field weft_tls_client_fields[] = {
    SHARED_FIELDS,
    WEFT_FIELD(struct weft_tls_config, insecure, "false", "Plaintext, if no CA is set."),
    WEFT_FIELD(struct weft_tls_config, insecure_skip_verify, "false", "Do not verify the server's certificate."),
    WEFT_FIELD(struct weft_tls_config, server_name_override, NULL, "Name to verify instead of the endpoint's host."),
    WEFT_FIELDS_END,
};

const struct weft_field weft_tls_server_fields[] = {
    SHARED_FIELDS,
    WEFT_FIELD(struct weft_tls_config, client_ca_file, NULL, "Demand client certificates signed by this CA, PEM file."),
    WEFT_FIELD(struct weft_tls_config, client_ca_file_reload, "false",
               "Read client_ca_file again as soon as it changes."),
    WEFT_FIELDS_END,
};

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static bool is_version(const char *text)
{
    return !is_set(text) || strcmp(text, "1.2") == 0 || strcmp(text, "1.3") == 0;
}

enum weft_status weft_tls_config_validate(const struct weft_tls_config *config, struct weft_error *error)
{
    if ((is_set(config->ca_file) && is_set(config->ca_pem)) ||
        (is_set(config->cert_file) && is_set(config->cert_pem)) ||
        (is_set(config->key_file) && is_set(config->key_pem.text))) {
        return weft_fail(error, WEFT_INVALID, "tls: give a file or the PEM text, not both");
    }
    bool has_certificate = is_set(config->cert_file) || is_set(config->cert_pem);
    bool has_key = is_set(config->key_file) || is_set(config->key_pem.text);
    if (has_certificate != has_key) {
        return weft_fail(error, WEFT_INVALID, "tls: provide both certificate and key, or neither");
    }
    if (!is_version(config->min_version) || !is_version(config->max_version)) {
        return weft_fail(error, WEFT_INVALID, "tls: min_version and max_version are \"1.2\" or \"1.3\"");
    }
    if (is_set(config->min_version) && is_set(config->max_version) &&
        strcmp(config->min_version, config->max_version) > 0) {
        return weft_fail(error, WEFT_INVALID, "tls: min_version %s is above max_version %s", config->min_version,
                         config->max_version);
    }
    return WEFT_OK;
}

enum weft_status weft_tls_config_validate_server(const struct weft_tls_config *config, struct weft_error *error)
{
    enum weft_status status = weft_tls_config_validate(config, error);
    bool has_certificate = is_set(config->cert_file) || is_set(config->cert_pem);
    return status != WEFT_OK || has_certificate
               ? status
               : weft_fail(error, WEFT_INVALID, "tls: a server needs a certificate and its key");
}

enum weft_status weft_tls_config_try(const struct weft_tls_config *config, bool is_server, struct weft_error *error)
{
    struct weft_tls_context *context = NULL;
    enum weft_status status = weft_tls_config_open(config, is_server, "h2", false, &context, error);
    weft_tls_context_free(context);
    return status;
}

/* A NULL-ended copy of the pointers, for the duration of weft_tls_context_new. */
static const char **ended(const struct weft_config_strings *strings)
{
    const char **items = weft_alloc((strings->count + 1) * sizeof *items);
    for (size_t i = 0; i < strings->count; i++) {
        items[i] = strings->items[i];
    }
    return items;
}

enum weft_status weft_tls_config_open(const struct weft_tls_config *config, bool is_server, const char *alpn,
                                      bool is_alpn_optional, struct weft_tls_context **out_context,
                                      struct weft_error *error)
{
    const char **suites = ended(&config->cipher_suites);
    const char **curves = ended(&config->curve_preferences);
    struct weft_tls_settings settings = {
        .ca_file = config->ca_file,
        .ca_pem = config->ca_pem,
        .cert_file = config->cert_file,
        .cert_pem = config->cert_pem,
        .key_file = config->key_file,
        .key_pem = config->key_pem.text,
        .client_ca_file = config->client_ca_file,
        .min_version = config->min_version,
        .max_version = config->max_version,
        .cipher_suites = suites,
        .curve_preferences = curves,
        .server_name_override = config->server_name_override,
        .is_server = is_server,
        .include_system_ca_certs_pool = config->include_system_ca_certs_pool,
        .insecure_skip_verify = config->insecure_skip_verify,
        .client_ca_file_reload = config->client_ca_file_reload,
        .reload_interval_ns = config->reload_interval.ns,
        .alpn = alpn,
        .is_alpn_optional = is_alpn_optional,
    };
    enum weft_status status = weft_tls_context_new(&settings, out_context, error);
    weft_free(suites);
    weft_free(curves);
    return status;
}
