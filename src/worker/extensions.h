#pragma once

#include "weft/component.h"

struct weft_plan;

/* The extensions of the agent, on worker 0. They run from the start until weft_extensions_free; a reload replaces them.
 * Main thread. */
struct weft_extensions;

/* host and view stay until it is freed. */
struct weft_extensions *weft_extensions_new(struct weft_host *host, const struct weft_agent_view *view);

void weft_extensions_free(struct weft_extensions *extensions);

/* Starts the plan's extensions; those of unchanged components go on. Those that are not in the plan end first, so that
 * the new ones can have their ports. The first failure is told; the others are started all the same. */
enum weft_status weft_extensions_replace(struct weft_extensions *extensions, const struct weft_plan *plan,
                                         struct weft_error *error) WEFT_MUST_CHECK;
