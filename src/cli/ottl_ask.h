#pragma once

#include "cli/requests.h"

/* A condition in OTTL, asked of each record of a request, or of what it is of: resources, scopes, span events, data
 * points. context: its word, or NULL: the condition's paths say, or else it is of records. */
struct weft_cli_condition {
    const char *condition;
    const char *context;
};

/* Whether records of some signal can be asked it: before any is read. */
enum weft_status weft_cli_ottl_check(const struct weft_cli_condition *question, struct weft_error *error);

/* A weft_cli_change_fn that changes nothing; its context is a struct weft_cli_condition. */
enum weft_status weft_cli_ottl_ask(void *context, struct weft_otlp_table *table, struct weft_arena *arena,
                                   struct weft_buffer *told, struct weft_error *error);
