#pragma once

#include "admin/telemetry_server.h"

/* admin.sock in the state directory: what the telemetry port serves, and questions about traces and drops. Mode 0600:
 * whoever may connect is the agent's own user or root. Worker 0. */
struct weft_admin_socket;

#define WEFT_ADMIN_SOCKET_NAME "admin.sock"

/* The state directory is this process's alone (the ledger's lock): a socket that a dead process left is replaced. */
enum weft_status weft_admin_socket_new(const struct weft_net_context *net, const char *state_directory,
                                       const struct weft_telemetry_server_settings *settings,
                                       const struct weft_admin_source *source, struct weft_admin_socket **out_socket,
                                       struct weft_error *error) WEFT_MUST_CHECK;

/* Takes the file away, if it is still this one. Gathers under way must be back. */
void weft_admin_socket_free(struct weft_admin_socket *socket);
