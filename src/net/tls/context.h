#pragma once

#include "net/tls/tls.h"

/* Inside of tls.h, for transport.c: what a new connection takes from a context. */
struct ssl_ctx_st;

/* A counted reference to the OpenSSL context in force now; the caller gives it back with SSL_CTX_free. Reads the files
 * again first if they are due. Any thread. */
struct ssl_ctx_st *weft_tls_context_acquire(struct weft_tls_context *context);

const struct weft_tls_settings *weft_tls_context_settings(const struct weft_tls_context *context);

/* The oldest error in OpenSSL's queue of this thread, as text; empties the queue. */
void weft_tls_take_error(char *out_text, size_t capacity);

/* "tls KEY NAME: " and that error; WEFT_INVALID. */
enum weft_status weft_tls_fail(struct weft_error *error, const char *key, const char *name) WEFT_MUST_CHECK;

/* Certificates and keys, from files and from texts, put into an OpenSSL context (material.c): whom it trusts and what
 * it asks of its peer, and who it is. A file is read as a whole before OpenSSL sees it: what is no regular file is an
 * error at once, and a FIFO is waited for by nobody. WEFT_INVALID with the key and the path, WEFT_NOMEM. */
enum weft_status weft_tls_load_authorities(struct ssl_ctx_st *native, const struct weft_tls_settings *settings,
                                           struct weft_error *error) WEFT_MUST_CHECK;
enum weft_status weft_tls_load_identity(struct ssl_ctx_st *native, const struct weft_tls_settings *settings,
                                        struct weft_error *error) WEFT_MUST_CHECK;

/* Go's names of versions, suites and curves, put into an OpenSSL context (names.c). WEFT_INVALID names what is
 * unknown and what is known. */
enum weft_status weft_tls_apply_versions(struct ssl_ctx_st *native, const struct weft_tls_settings *settings,
                                         struct weft_error *error) WEFT_MUST_CHECK;
enum weft_status weft_tls_apply_ciphers(struct ssl_ctx_st *native, const struct weft_tls_settings *settings,
                                        struct weft_error *error) WEFT_MUST_CHECK;
enum weft_status weft_tls_apply_curves(struct ssl_ctx_st *native, const struct weft_tls_settings *settings,
                                       struct weft_error *error) WEFT_MUST_CHECK;
