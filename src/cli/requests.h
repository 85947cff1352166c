#pragma once

#include "base/buffer.h"
#include "cli/cli.h"
#include "graph/plan.h"
#include "wire/otlp_table.h"

/* Requests as OTLP/JSON, one a line, from the standard input: each is shown as it came and as it would leave. For
 * commands that try something on records. */

/* Changes the rows of a request's table; what is written for them lies in arena. told: lines about what was done, shown
 * behind the request. */
typedef enum weft_status (*weft_cli_change_fn)(void *context, struct weft_otlp_table *table, struct weft_arena *arena,
                                               struct weft_buffer *told, struct weft_error *error);

/* False: a line was no request, or could not be changed; standard error says which and why. */
bool weft_cli_requests_change(weft_cli_change_fn change, void *context);

/* Whose processors change the requests: those of a config. */
struct weft_cli_target {
    const struct weft_plan *plan;
    const char *pipeline; /* NULL: the first of the request's signal that has a processor of the command's type */
};

/* The same by a config, which is target->plan meanwhile; context knows the target. What the command returns: 1 also if
 * the config is wrong, 2 if it has no such pipeline; standard error says so, and which there are. */
int weft_cli_requests_change_by(const struct weft_cli_sources *sources, struct weft_cli_target *target,
                                weft_cli_change_fn change, void *context);

bool weft_cli_is_of_type(const struct weft_plan_component *component, const char *type);

/* The target's pipeline if it is of that signal; without one the first of the signal that has a processor of that type.
 * WEFT_INVALID: there is none. */
enum weft_status weft_cli_find_pipeline(const struct weft_cli_target *target, enum weft_signal signal, const char *type,
                                        const struct weft_plan_pipeline **out_pipeline, struct weft_error *error);
