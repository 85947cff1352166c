#pragma once

#include "net/tls/config.h"
#include "receivers/otlp_ingest.h"
#include "wire/log_line.h"

/* The inlet for clients that write log lines to a socket and read nothing: one line after the other, JSON or text.
 * There is no answer; under pressure nothing is read, and the client's writes block. When a client closes its side the
 * rest of what it sent is a line. */

struct weft_log_sockets_config {
    char *endpoint;
    bool has_tls;
    struct weft_tls_config tls;
    uint64_t max_connections, max_connections_per_address; /* of the process; 0 per address = half */
    uint64_t max_buffered_bytes;                           /* of unfinished lines, of a worker */
};

/* tls may be NULL; it and the config outlive the inlet. */
struct weft_otlp_inlet *weft_log_sockets_new(struct weft_otlp_ingest *ingest, bool is_unix,
                                             const struct weft_log_sockets_config *config,
                                             const struct weft_log_line_settings *settings,
                                             struct weft_tls_context *tls);
