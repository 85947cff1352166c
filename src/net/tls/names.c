/* Collector configs name TLS versions, cipher suites and curves as Go's crypto/tls does; here is what OpenSSL calls
 * them. Suites without authenticated encryption are known, so that the error can say why they are refused. */
#include <openssl/ssl.h>

#include "base/buffer.h"
#include "net/tls/context.h"

struct suite {
    const char *go_name;
    const char *openssl_name; /* NULL = not offered: not authenticated encryption, or no forward secrecy */
    bool is_tls13;
};

static const struct suite suites[] = {
    { "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", true },
    { "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384", true },
    { "TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256", true },
    { "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256", false },
    { "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384", false },
    { "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305", false },
    { "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", "ECDHE-ECDSA-CHACHA20-POLY1305", false },
    { "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256", false },
    { "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384", false },
    { "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305", false },
    { "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", "ECDHE-RSA-CHACHA20-POLY1305", false },
    { "TLS_RSA_WITH_AES_128_GCM_SHA256", NULL, false },
    { "TLS_RSA_WITH_AES_256_GCM_SHA384", NULL, false },
    { "TLS_RSA_WITH_AES_128_CBC_SHA", NULL, false },
    { "TLS_RSA_WITH_AES_256_CBC_SHA", NULL, false },
    { "TLS_RSA_WITH_AES_128_CBC_SHA256", NULL, false },
    { "TLS_RSA_WITH_3DES_EDE_CBC_SHA", NULL, false },
    { "TLS_RSA_WITH_RC4_128_SHA", NULL, false },
    { "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", NULL, false },
    { "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", NULL, false },
    { "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", NULL, false },
    { "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", NULL, false },
    { "TLS_ECDHE_RSA_WITH_RC4_128_SHA", NULL, false },
    { "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", NULL, false },
    { "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", NULL, false },
    { "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", NULL, false },
    { "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", NULL, false },
};

static const char default_suites[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

struct curve {
    const char *go_name;
    const char *openssl_name; /* NULL = this OpenSSL does not have it */
};

static const struct curve curves[] = {
    { "X25519", "X25519" }, { "P256", "P-256" }, { "P384", "P-384" }, { "P521", "P-521" }, { "X25519MLKEM768", NULL },
};

static enum weft_status parse_version(const char *key, const char *text, int *out_version, struct weft_error *error)
{
    if (text == NULL || text[0] == '\0') {
        return WEFT_OK;
    }
    if (strcmp(text, "1.2") == 0) {
        *out_version = TLS1_2_VERSION;
    } else if (strcmp(text, "1.3") == 0) {
        *out_version = TLS1_3_VERSION;
    } else if (strcmp(text, "1.0") == 0 || strcmp(text, "1.1") == 0) {
        return weft_fail(error, WEFT_INVALID, "tls %s: TLS %s is no longer safe (RFC 8996); 1.2 and 1.3 are supported",
                         key, text);
    } else {
        return weft_fail(error, WEFT_INVALID, "tls %s: \"%s\" is not a version; 1.2 and 1.3 are supported", key, text);
    }
    return WEFT_OK;
}

enum weft_status weft_tls_apply_versions(struct ssl_ctx_st *native, const struct weft_tls_settings *settings,
                                         struct weft_error *error)
{
    int lowest = TLS1_2_VERSION, highest = TLS1_3_VERSION;
    if (parse_version("min_version", settings->min_version, &lowest, error) != WEFT_OK ||
        parse_version("max_version", settings->max_version, &highest, error) != WEFT_OK) {
        return WEFT_INVALID;
    }
    if (lowest > highest) {
        return weft_fail(error, WEFT_INVALID, "tls: min_version 1.3 is above max_version 1.2");
    }
    SSL_CTX_set_min_proto_version(native, lowest);
    SSL_CTX_set_max_proto_version(native, highest);
    return WEFT_OK;
}

static const struct suite *find_suite(const char *name)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(suites); i++) {
        if (strcmp(suites[i].go_name, name) == 0) {
            return &suites[i];
        }
    }
    return NULL;
}

static void append_name(struct weft_buffer *list, const char *name)
{
    if (list->length > 0) {
        weft_buffer_append_byte(list, ':');
    }
    weft_buffer_append_text(list, name);
}

static enum weft_status gather_suites(const char *const *names, struct weft_buffer *tls12, struct weft_buffer *tls13,
                                      struct weft_error *error)
{
    for (; *names != NULL; names++) {
        const struct suite *suite = find_suite(*names);
        if (suite == NULL) {
            return weft_fail(error, WEFT_INVALID,
                             "tls cipher_suites: \"%s\" is not known; names are as in Go, such as "
                             "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                             *names);
        }
        if (suite->openssl_name == NULL) {
            return weft_fail(
                error, WEFT_INVALID,
                "tls cipher_suites: %s is refused: only forward-secret suites with authenticated encryption "
                "(ECDHE with GCM or CHACHA20) are offered",
                *names);
        }
        append_name(suite->is_tls13 ? tls13 : tls12, suite->openssl_name);
    }
    weft_buffer_append_byte(tls12, '\0');
    weft_buffer_append_byte(tls13, '\0');
    if (weft_buffer_status(tls12) != WEFT_OK || weft_buffer_status(tls13) != WEFT_OK) {
        return weft_fail(error, WEFT_NOMEM, "tls cipher_suites: no memory");
    }
    return WEFT_OK;
}

enum weft_status weft_tls_apply_ciphers(struct ssl_ctx_st *native, const struct weft_tls_settings *settings,
                                        struct weft_error *error)
{
    if (settings->cipher_suites == NULL || settings->cipher_suites[0] == NULL) {
        if (SSL_CTX_set_cipher_list(native, default_suites) != 1) {
            return weft_fail(error, WEFT_INTERNAL, "tls: OpenSSL offers none of %s", default_suites);
        }
        return WEFT_OK;
    }
    struct weft_buffer tls12, tls13;
    weft_buffer_init(&tls12, 0);
    weft_buffer_init(&tls13, 0);
    enum weft_status status = gather_suites(settings->cipher_suites, &tls12, &tls13, error);
    if (status == WEFT_OK && tls12.length > 1 && SSL_CTX_set_cipher_list(native, (const char *)tls12.bytes) != 1) {
        status = weft_fail(error, WEFT_INVALID, "tls cipher_suites: OpenSSL offers none of them");
    }
    /* As in Go, the list governs TLS 1.2; TLS 1.3 suites are narrowed only if some are named. */
    if (status == WEFT_OK && tls13.length > 1 && SSL_CTX_set_ciphersuites(native, (const char *)tls13.bytes) != 1) {
        status = weft_fail(error, WEFT_INVALID, "tls cipher_suites: OpenSSL offers none of the TLS 1.3 suites");
    }
    if (status == WEFT_OK && tls12.length == 1 && SSL_CTX_set_cipher_list(native, default_suites) != 1) {
        status = weft_fail(error, WEFT_INTERNAL, "tls: OpenSSL offers none of %s", default_suites);
    }
    weft_buffer_fini(&tls12);
    weft_buffer_fini(&tls13);
    return status;
}

static enum weft_status gather_curves(const char *const *names, struct weft_buffer *list, struct weft_error *error)
{
    for (; *names != NULL; names++) {
        const struct curve *found = NULL;
        for (size_t i = 0; i < WEFT_COUNT_OF(curves); i++) {
            found = strcmp(curves[i].go_name, *names) == 0 ? &curves[i] : found;
        }
        if (found == NULL) {
            return weft_fail(error, WEFT_INVALID,
                             "tls curve_preferences: \"%s\" is not known; X25519, P256, P384, P521 are", *names);
        }
        if (found->openssl_name == NULL) {
            return weft_fail(
                error, WEFT_INVALID,
                "tls curve_preferences: %s needs OpenSSL 3.5, this is %s; X25519, P256, P384, P521 are supported",
                *names, OpenSSL_version(OPENSSL_VERSION_STRING));
        }
        append_name(list, found->openssl_name);
    }
    weft_buffer_append_byte(list, '\0');
    return weft_buffer_status(list) == WEFT_OK ? WEFT_OK
                                               : weft_fail(error, WEFT_NOMEM, "tls curve_preferences: no memory");
}

enum weft_status weft_tls_apply_curves(struct ssl_ctx_st *native, const struct weft_tls_settings *settings,
                                       struct weft_error *error)
{
    if (settings->curve_preferences == NULL || settings->curve_preferences[0] == NULL) {
        return WEFT_OK;
    }
    struct weft_buffer list;
    weft_buffer_init(&list, 0);
    enum weft_status status = gather_curves(settings->curve_preferences, &list, error);
    if (status == WEFT_OK && SSL_CTX_set1_groups_list(native, (const char *)list.bytes) != 1) {
        status = weft_fail(error, WEFT_INVALID, "tls curve_preferences: OpenSSL refuses %s", (const char *)list.bytes);
    }
    weft_buffer_fini(&list);
    return status;
}
