#pragma once

#include "exporters/otlp_content.h"
#include "exporters/otlp_http_config.h"
#include "exporters/otlp_http_proxy.h"
#include "net/http1/client.h"

/* An instance of the exporter otlp_http, and how it sends one batch. */

struct weft_otlp_http_exporter {
    struct weft_consumer consumer;
    const struct weft_otlp_http_export_config *config;
    struct weft_body_form form;
    struct weft_endpoint endpoint;
    char *target; /* path and query */
    struct weft_http1_client_settings client_settings;
    struct weft_proxy proxy;     /* that these point to, as to the headers */
    struct weft_header *headers; /* name NULL ends */
    struct weft_http1_client *client;
    struct weft_tls_context *tls;
    struct weft_http1_client *upgraded; /* the same host over TLS, since a redirect led there; NULL: none has */
    struct weft_endpoint upgraded_endpoint;
    struct weft_auth_client *auth; /* NULL = none */
    struct weft_sender *sender;
};

WEFT_MAGIC(otlp_http_push, 0x07195052);

struct weft_otlp_http_push {
    struct weft_push push; /* first: the sender allocates this struct */
    uint32_t magic;        /* while it is under way */
    struct weft_otlp_http_exporter *exporter;
    struct weft_http1_client_request request;
    struct weft_http1_client *client; /* that has the request */
    const struct weft_endpoint *endpoint;
    int redirect_count;
    char *redirect_target; /* NULL: it was asked for the exporter's own */
    struct weft_otlp_content content;
};

/* Of its sender: each push is a struct weft_otlp_http_push. */
extern const struct weft_sender_operations weft_otlp_http_push_operations;
