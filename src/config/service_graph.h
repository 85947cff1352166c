#pragma once

#include "config/service.h"

/* Connectors: each that is used stands as an exporter in one pipeline and as a receiver in another, and no chain of
 * them leads back to where it came from. WEFT_INVALID with file:line; WEFT_NOMEM. */
enum weft_status weft_service_graph_check(const struct weft_settings *settings,
                                          struct weft_error *error) WEFT_MUST_CHECK;
