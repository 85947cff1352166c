#pragma once

#include "exporters/prometheus_accept.h"
#include "net/http1/server.h"
#include "pipeline/authenticator.h"
#include "pipeline/host.h"
#include "pipeline/samples.h"

/* The port that is scraped: /metrics, written from a table in steps, so that a large page keeps nobody waiting. All on
 * the host's worker. A scraper whose credentials are wrong gets 401; one too many (8 pages at a time, and 64 whose
 * credentials are looked at), one whose page outgrows max_page_bytes and one for which there is no memory get 503. */
struct weft_prometheus_server;

struct weft_prometheus_server_settings {
    struct weft_host *host;
    struct weft_prometheus_table *table;
    struct weft_tls_context *tls;             /* or NULL */
    struct weft_authenticator *authenticator; /* or NULL */
    const struct weft_config_map *headers;    /* put on each answer; outlives the server */
    bool has_open_metrics;                    /* to who asks for it */
    bool sends_timestamps;                    /* each point's own */
    uint32_t max_connections;
    size_t max_page_bytes; /* as it is sent, and of a step before it is compressed; all pages: twice that */
    const char *id;        /* the exporter's, for logs and metrics */
};

/* Start-up: never NULL. host, table, tls, authenticator and id outlive the server. Takes the listening socket over. */
struct weft_prometheus_server *weft_prometheus_server_new(const struct weft_prometheus_server_settings *settings,
                                                          int listening_descriptor);

/* Takes no new connections; what is under way is answered. */
void weft_prometheus_server_drain(struct weft_prometheus_server *server);

/* Scrapes that are under way are told that it goes. */
void weft_prometheus_server_free(struct weft_prometheus_server *server);

/* Adds its counters of scrapes, and those of its HTTP server, with the exporter's id as a label. */
void weft_prometheus_server_collect(const struct weft_prometheus_server *server, struct weft_samples *samples);
