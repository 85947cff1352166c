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

/* Go's names of versions, suites and curves, put into an OpenSSL context (names.c). WEFT_INVALID names what is
 * unknown and what is known. */
enum weft_status weft_tls_apply_versions(struct ssl_ctx_st *native, const struct weft_tls_settings *settings,
                                         struct weft_error *error) WEFT_MUST_CHECK;
enum weft_status weft_tls_apply_ciphers(struct ssl_ctx_st *native, const struct weft_tls_settings *settings,
                                        struct weft_error *error) WEFT_MUST_CHECK;
enum weft_status weft_tls_apply_curves(struct ssl_ctx_st *native, const struct weft_tls_settings *settings,
                                       struct weft_error *error) WEFT_MUST_CHECK;
