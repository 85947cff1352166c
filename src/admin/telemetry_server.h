#pragma once

#include "admin/gather.h"
#include "net/http1/server.h"

/* The telemetry port (worker 0): /metrics, /v1/ledger, /health, /ready. Answers that need all workers are put together
 * by a gather and sent when it is back. */
struct weft_telemetry_server;

enum { WEFT_TELEMETRY_BACKLOG = 64 };

struct weft_telemetry_server_settings {
    const char *host;
    uint16_t port;
    bool adds_type_suffix;  /* counters end in _total */
    bool answers_questions; /* also /v1/traces/{word} and /v1/drops, which tell what records say */
    struct weft_wall started;
};

enum weft_status weft_telemetry_server_new(const struct weft_net_context *net,
                                           const struct weft_telemetry_server_settings *settings,
                                           const struct weft_admin_source *source,
                                           struct weft_telemetry_server **out_server,
                                           struct weft_error *error) WEFT_MUST_CHECK;

/* On a listening socket that is taken over; host and port of the settings are not looked at. */
void weft_telemetry_server_new_on(const struct weft_net_context *net,
                                  const struct weft_telemetry_server_settings *settings,
                                  const struct weft_admin_source *source, int listening_descriptor,
                                  struct weft_telemetry_server **out_server);

/* Gathers under way must be back. */
void weft_telemetry_server_free(struct weft_telemetry_server *server);
