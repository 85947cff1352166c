#pragma once

#include <stdbool.h>

#include "base/clock.h"
#include "base/status.h"

/* TLS set-up from the Collector's `tls` block. One context is shared by the connections of one endpoint on all workers
 * (OpenSSL's SSL_CTX is counted and locked inside). Files are read again every reload_interval_ns, or on
 * weft_tls_context_reload or _renew: new connections get the new ones, open ones keep theirs; files that do not load
 * change nothing and are logged, or reported. */
struct weft_tls_settings {
    const char *ca_file, *ca_pem;
    const char *cert_file, *cert_pem;
    const char *key_file, *key_pem;
    const char *client_ca_file;            /* server: verify clients, mandatory */
    const char *min_version, *max_version; /* "1.2", "1.3"; "" = default */
    const char *const *cipher_suites;      /* Go names; NULL-ended */
    const char *const *curve_preferences;
    const char *server_name_override; /* client */
    bool is_server;
    bool include_system_ca_certs_pool;
    bool insecure_skip_verify;  /* client */
    bool client_ca_file_reload; /* server: also as soon as client_ca_file is another file, looked at per connection */
    int64_t reload_interval_ns;
    const char *alpn; /* "h2" or "http/1.1"; NULL = none. Server: what is offered; a client that says nothing of ALPN
                         speaks http/1.1 (RFC 7301 section 3.2), and is refused where that is not offered */
    bool is_alpn_optional; /* server: not even then */
};

struct weft_tls_context;

/* settings are copied. */
enum weft_status weft_tls_context_new(const struct weft_tls_settings *settings, struct weft_tls_context **out_context,
                                      struct weft_error *error) WEFT_MUST_CHECK;
void weft_tls_context_free(struct weft_tls_context *context);

/* Any thread. Has the files read again if they are due, or client_ca_file is another one, and waits for that, but not
 * for a disk that stands: then the next connection gets them. Forced: reads them at once. */
void weft_tls_context_reload(struct weft_tls_context *context, bool is_forced);

/* Reads the files again, beside what is in use until weft_tls_context_end_renewal says whether it is to take over. Any
 * thread, one at a time. NULL = there is no TLS. */
enum weft_status weft_tls_context_renew(struct weft_tls_context *context, struct weft_error *error) WEFT_MUST_CHECK;
void weft_tls_context_end_renewal(struct weft_tls_context *context, bool is_used);

/* Gives back what OpenSSL keeps for the calling thread. For one that made or renewed contexts and now waits, perhaps
 * for the end of the process. */
void weft_tls_leave_thread(void);
