#pragma once

#include "net/tls/config.h"
#include "pipeline/listener.h"
#include "weft/component.h"

/* Where and how a protocol of a receiver listens: what its config says, checked and opened. */
struct weft_listening {
    const char *name;                  /* its key below protocols, for messages */
    const char *label;                 /* for the log */
    const char *endpoint, *transport;  /* "tcp", "tcp4", "tcp6", or "unix" with a path */
    const struct weft_tls_config *tls; /* NULL = plain */
    const char *alpn;
    bool is_alpn_optional;
};

/* WEFT_INVALID with the value; without the name in front. */
enum weft_status weft_listening_validate(const struct weft_listening *listening,
                                         struct weft_error *error) WEFT_MUST_CHECK;

/* Of an endpoint that is valid: whether others than this machine can connect. */
enum weft_reach weft_listening_reach(const struct weft_listening *listening);

/* Reads the certificate, for validate. */
enum weft_status weft_listening_try_files(const struct weft_listening *listening,
                                          struct weft_error *error) WEFT_MUST_CHECK;

/* Opens the listener and, with TLS, the context (else NULL), and says so in the log; what: what is accepted there. On
 * failure the error has the name in front, the listener is not open, and the context is the caller's to free. */
enum weft_status weft_listening_open(const struct weft_listening *listening, const char *receiver_id, const char *what,
                                     struct weft_listener *out_listener, struct weft_tls_context **out_tls,
                                     struct weft_error *error) WEFT_MUST_CHECK;
