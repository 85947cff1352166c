#pragma once

#include "base/buffer.h"
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

bool weft_cli_is_of_type(const struct weft_plan_component *component, const char *type);

/* Whether the plan has it; NULL: none is asked for. Says so if not, and which there are. */
bool weft_cli_has_pipeline(const struct weft_plan *plan, const char *id);

/* The pipeline of that id and signal; id NULL: the first of the signal that has a processor of that type. WEFT_INVALID:
 * there is none. */
enum weft_status weft_cli_find_pipeline(const struct weft_plan *plan, const char *id, enum weft_signal signal,
                                        const char *type, const struct weft_plan_pipeline **out_pipeline,
                                        struct weft_error *error);
