/* Certificates and keys (context.h): one way for what is in a file and for what is in the config itself. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>

#include "base/regular_file.h"
#include "net/tls/context.h"

enum { MAX_PEM_BYTES = 16 << 20 }; /* a system's whole list of authorities has some 200 KB */

/* A PEM text. From a file it is ours, and wiped: it may be a key. */
struct pem {
    const char *key;  /* what it is called in the config, for errors */
    const char *path; /* "" = it stands in the config */
    struct weft_buffer read;
    BIO *memory;
};

void weft_tls_take_error(char *out_text, size_t capacity)
{
    const char *data = NULL;
    int flags = 0;
    unsigned long code = ERR_get_error_all(NULL, NULL, NULL, &data, &flags);
    const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);
    bool has_data = data != NULL && (flags & ERR_TXT_STRING) != 0 && data[0] != '\0';
    snprintf(out_text, capacity, "%s%s%s%s", reason != NULL ? reason : "unknown failure", has_data ? " (" : "",
             has_data ? data : "", has_data ? ")" : "");
    ERR_clear_error();
}

enum weft_status weft_tls_fail(struct weft_error *error, const char *key, const char *name)
{
    char reason[200];
    weft_tls_take_error(reason, sizeof reason);
    return weft_fail(error, WEFT_INVALID, "tls %s%s%s: %s", key, name[0] != '\0' ? " " : "", name, reason);
}

static bool is_given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static void pem_close(struct pem *pem)
{
    BIO_free(pem->memory);
    if (pem->read.bytes != NULL) {
        OPENSSL_cleanse(pem->read.bytes, pem->read.length);
    }
    weft_buffer_fini(&pem->read);
}

/* path, else text. */
static enum weft_status pem_open(struct pem *pem, const char *path_key, const char *path, const char *text_key,
                                 const char *text, struct weft_error *error)
{
    *pem = (struct pem){ .key = is_given(path) ? path_key : text_key, .path = is_given(path) ? path : "" };
    weft_buffer_init(&pem->read, 0);
    if (!is_given(path)) {
        pem->memory = BIO_new_mem_buf(text, -1);
    } else {
        struct weft_error reason = WEFT_ERROR_NONE;
        if (weft_regular_file_read(path, MAX_PEM_BYTES, &pem->read, &reason) != WEFT_OK) {
            pem_close(pem);
            return weft_fail(error, WEFT_INVALID, "tls %s %s", path_key, reason.text);
        }
        pem->memory = BIO_new_mem_buf(pem->read.bytes, (int)pem->read.length);
    }
    if (pem->memory == NULL) {
        pem_close(pem);
        return weft_fail(error, WEFT_NOMEM, "tls %s: out of memory", pem->key);
    }
    return WEFT_OK;
}

/* Closes it. */
static enum weft_status pem_end(struct pem *pem, bool is_good, struct weft_error *error)
{
    enum weft_status status = is_good ? WEFT_OK : weft_tls_fail(error, pem->key, pem->path);
    pem_close(pem);
    ERR_clear_error(); /* the end of a text is an error to OpenSSL: "no start line" */
    return status;
}

/* ---- whom to trust ---- */

/* names: NULL, or takes each subject once. */
static bool add_authorities(X509_STORE *store, BIO *memory, STACK_OF(X509_NAME) * names)
{
    size_t count = 0;
    X509 *certificate;
    while ((certificate = PEM_read_bio_X509_AUX(memory, NULL, NULL, NULL)) != NULL) {
        count += X509_STORE_add_cert(store, certificate) == 1;
        X509_NAME *name = names == NULL ? NULL : X509_NAME_dup(X509_get_subject_name(certificate));
        if (name != NULL && (sk_X509_NAME_find(names, name) >= 0 || sk_X509_NAME_push(names, name) == 0)) {
            X509_NAME_free(name);
        }
        X509_free(certificate);
    }
    return count > 0;
}

/* What ca_file or ca_pem names. */
static enum weft_status add_own_authorities(X509_STORE *store, const struct weft_tls_settings *settings,
                                            struct weft_error *error)
{
    struct pem pem;
    enum weft_status status = pem_open(&pem, "ca_file", settings->ca_file, "ca_pem", settings->ca_pem, error);
    return status == WEFT_OK ? pem_end(&pem, add_authorities(store, pem.memory, NULL), error) : status;
}

/* The named authorities, or the system's when none are named. */
static enum weft_status trust_servers(SSL_CTX *native, const struct weft_tls_settings *settings,
                                      struct weft_error *error)
{
    bool has_own = is_given(settings->ca_file) || is_given(settings->ca_pem);
    SSL_CTX_set_verify(native, settings->insecure_skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    if ((!has_own || settings->include_system_ca_certs_pool) && SSL_CTX_set_default_verify_paths(native) != 1) {
        return weft_tls_fail(error, "system certificates", "");
    }
    return has_own ? add_own_authorities(SSL_CTX_get_cert_store(native), settings, error) : WEFT_OK;
}

static int compare_names(const X509_NAME *const *left, const X509_NAME *const *right)
{
    return X509_NAME_cmp(*left, *right);
}

static enum weft_status trust_clients(SSL_CTX *native, const struct weft_tls_settings *settings,
                                      struct weft_error *error)
{
    struct pem pem;
    enum weft_status status = pem_open(&pem, "client_ca_file", settings->client_ca_file, "", NULL, error);
    if (status != WEFT_OK) {
        return status;
    }
    STACK_OF(X509_NAME) *names = sk_X509_NAME_new(compare_names);
    bool is_good = names != NULL && add_authorities(SSL_CTX_get_cert_store(native), pem.memory, names);
    status = pem_end(&pem, is_good, error);
    if (status != WEFT_OK) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return status;
    }
    SSL_CTX_set_client_CA_list(native, names);
    SSL_CTX_set_verify(native, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return WEFT_OK;
}

/* A server trusts nobody for its ca_file, as Go's do not; a mistake in it is told all the same. */
static enum weft_status check_own_authorities(const struct weft_tls_settings *settings, struct weft_error *error)
{
    if (!is_given(settings->ca_file) && !is_given(settings->ca_pem)) {
        return WEFT_OK;
    }
    X509_STORE *store = X509_STORE_new();
    enum weft_status status =
        store == NULL ? weft_tls_fail(error, "ca_file", "") : add_own_authorities(store, settings, error);
    X509_STORE_free(store);
    return status;
}

enum weft_status weft_tls_load_authorities(SSL_CTX *native, const struct weft_tls_settings *settings,
                                           struct weft_error *error)
{
    if (!settings->is_server) {
        return trust_servers(native, settings, error);
    }
    enum weft_status status = check_own_authorities(settings, error);
    return status == WEFT_OK && is_given(settings->client_ca_file) ? trust_clients(native, settings, error) : status;
}

/* ---- who we are ---- */

static bool use_certificate(SSL_CTX *native, BIO *memory)
{
    X509 *certificate = PEM_read_bio_X509_AUX(memory, NULL, NULL, NULL);
    bool is_good = certificate != NULL && SSL_CTX_use_certificate(native, certificate) == 1;
    X509_free(certificate);
    while (is_good && (certificate = PEM_read_bio_X509(memory, NULL, NULL, NULL)) != NULL) {
        is_good = SSL_CTX_add0_chain_cert(native, certificate) == 1;
        if (!is_good) {
            X509_free(certificate);
        }
    }
    return is_good;
}

/* Else OpenSSL asks for it at the terminal, and waits. */
static int have_no_password(char *out_text, int capacity, int is_writing, void *context)
{
    (void)out_text, (void)capacity, (void)is_writing, (void)context;
    return -1;
}

static bool use_key(SSL_CTX *native, BIO *memory)
{
    EVP_PKEY *key = PEM_read_bio_PrivateKey(memory, NULL, have_no_password, NULL);
    bool is_good = key != NULL && SSL_CTX_use_PrivateKey(native, key) == 1;
    EVP_PKEY_free(key);
    return is_good;
}

enum weft_status weft_tls_load_identity(SSL_CTX *native, const struct weft_tls_settings *settings,
                                        struct weft_error *error)
{
    bool has_certificate = is_given(settings->cert_file) || is_given(settings->cert_pem);
    bool has_key = is_given(settings->key_file) || is_given(settings->key_pem);
    struct pem pem;
    if (has_certificate != has_key) {
        return weft_fail(error, WEFT_INVALID, "tls: %s is given without %s", has_key ? "a key" : "a certificate",
                         has_key ? "its certificate (cert_file or cert_pem)" : "its key (key_file or key_pem)");
    }
    if (!has_certificate) {
        return settings->is_server ? weft_fail(error, WEFT_INVALID, "tls: a server needs cert_file and key_file")
                                   : WEFT_OK;
    }
    enum weft_status status = pem_open(&pem, "cert_file", settings->cert_file, "cert_pem", settings->cert_pem, error);
    if (status == WEFT_OK) {
        status = pem_end(&pem, use_certificate(native, pem.memory), error);
    }
    if (status == WEFT_OK) {
        status = pem_open(&pem, "key_file", settings->key_file, "key_pem", settings->key_pem, error);
    }
    if (status == WEFT_OK) {
        status = pem_end(&pem, use_key(native, pem.memory), error);
    }
    if (status != WEFT_OK) {
        return status;
    }
    return SSL_CTX_check_private_key(native) == 1 ? WEFT_OK : weft_tls_fail(error, "key and certificate", "");
}
