#pragma once

#include "net/tls/config.h"
#include "receivers/otlp_ingest.h"

struct weft_otlp_grpc_server_parameters {
    struct weft_duration max_connection_idle, max_connection_age, max_connection_age_grace, time, timeout;
};

struct weft_otlp_grpc_enforcement {
    struct weft_duration min_time;
    bool permit_without_stream;
};

struct weft_otlp_grpc_keepalive {
    struct weft_otlp_grpc_server_parameters server_parameters;
    struct weft_otlp_grpc_enforcement enforcement_policy;
};

/* `protocols.grpc` of the otlp receiver. */
struct weft_otlp_grpc_config {
    char *endpoint;
    char *transport;
    bool has_tls;
    struct weft_tls_config tls;
    bool require_alpn;
    uint64_t max_recv_msg_size_mib;
    uint64_t max_concurrent_streams;
    uint64_t max_connections;
    uint64_t max_connections_per_address;
    struct weft_otlp_grpc_keepalive keepalive;
    bool has_auth;
    struct weft_auth_config auth;
    bool include_metadata;
};

extern const struct weft_field weft_otlp_grpc_fields[];

/* ingest, config and tls (NULL = plain) outlive the inlet. authenticator: the config's, or NULL. */
struct weft_otlp_inlet *weft_otlp_grpc_new(struct weft_otlp_ingest *ingest, const struct weft_otlp_grpc_config *config,
                                           struct weft_tls_context *tls, struct weft_authenticator *authenticator);
