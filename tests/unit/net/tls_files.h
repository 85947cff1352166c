#pragma once

/* Certificates for tests, made on the spot: an authority and what it signs, as PEM in memory or in files. */
#include <check.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tls_identity {
    EVP_PKEY *key;
    X509 *certificate;
};

static inline void tls_add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    ck_assert_ptr_nonnull(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

/* issuer NULL: signs itself, an authority. names: as in subjectAltName, or NULL. */
static inline struct tls_identity tls_issue(const struct tls_identity *issuer, const char *common_name,
                                            const char *names)
{
    static long serial = 1;
    struct tls_identity made = { EVP_EC_gen("P-256"), X509_new() };
    X509_set_version(made.certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), 3600);
    X509_NAME *subject = X509_get_subject_name(made.certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)common_name, -1, -1, 0);
    X509_set_issuer_name(made.certificate, issuer == NULL ? subject : X509_get_subject_name(issuer->certificate));
    X509_set_pubkey(made.certificate, made.key);
    tls_add_extension(made.certificate, NID_basic_constraints, issuer == NULL ? "critical,CA:TRUE" : "CA:FALSE");
    if (names != NULL) {
        tls_add_extension(made.certificate, NID_subject_alt_name, names);
    }
    ck_assert_int_gt(X509_sign(made.certificate, issuer == NULL ? made.key : issuer->key, EVP_sha256()), 0);
    return made;
}

static inline void tls_identity_free(struct tls_identity *identity)
{
    EVP_PKEY_free(identity->key);
    X509_free(identity->certificate);
}

static inline char *tls_text_of(BIO *memory)
{
    char *bytes;
    long length = BIO_get_mem_data(memory, &bytes);
    char *text = calloc(1, (size_t)length + 1);
    memcpy(text, bytes, (size_t)length);
    BIO_free(memory);
    return text;
}

static inline char *tls_certificate_pem(const struct tls_identity *identity)
{
    BIO *memory = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(memory, identity->certificate);
    return tls_text_of(memory);
}

static inline char *tls_key_pem(const struct tls_identity *identity)
{
    BIO *memory = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(memory, identity->key, NULL, NULL, 0, NULL, NULL);
    return tls_text_of(memory);
}

static inline char *tls_locked_key_pem(const struct tls_identity *identity, const char *password)
{
    BIO *memory = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(memory, identity->key, EVP_aes_128_cbc(), (const unsigned char *)password,
                             (int)strlen(password), NULL, NULL);
    return tls_text_of(memory);
}

static inline void tls_write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}
