#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* "type" or "type/name", as the Collector reads it: blanks around both parts are dropped. Points into one text that
 * the caller frees with weft_component_id_fini. */
struct weft_component_id {
    char *text;       /* "type/name", without the blanks */
    char *type;       /* owned */
    const char *name; /* inside text; "" when there is none */
};

/* The type: a letter, then up to 62 letters, digits and _. The name: up to 1024 bytes, no blanks, control characters or
 * symbols (Unicode categories Z, C, S). WEFT_INVALID or WEFT_NOMEM. */
enum weft_status weft_component_id_parse(const char *text, struct weft_component_id *out_id,
                                         struct weft_error *error) WEFT_MUST_CHECK;
void weft_component_id_fini(struct weft_component_id *id);
