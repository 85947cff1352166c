#pragma once

#include "exporters/prometheus_accept.h"
#include "net/http1/server.h"
#include "pipeline/authenticator.h"
#include "pipeline/host.h"
#include "pipeline/samples.h"

/* The port that is scraped: /metrics, written from a table in steps, so that a large page keeps nobody waiting. */
struct weft_prometheus_server;

struct weft_prometheus_server_settings {
    struct weft_host *host;
    struct weft_prometheus_table *table;
    struct weft_tls_context *tls;             /* or NULL */
    struct weft_authenticator *authenticator; /* or NULL */
    const struct weft_config_map *headers;    /* put on each answer; outlives the server */
    bool has_open_metrics, sends_timestamps;
    uint32_t max_connections;
    size_t max_page_bytes;
    const char *id;
};

/* host, table, tls and id outlive the server. Takes the listening socket over. */
struct weft_prometheus_server *weft_prometheus_server_new(const struct weft_prometheus_server_settings *settings,
                                                          int listening_descriptor);

/* Takes no new connections. */
void weft_prometheus_server_drain(struct weft_prometheus_server *server);
void weft_prometheus_server_free(struct weft_prometheus_server *server);
void weft_prometheus_server_collect(const struct weft_prometheus_server *server, struct weft_samples *samples);
