#pragma once

#include "base/slice.h"

/* The members of one JSON object, or the items of one array, one after the other:
 *
 *     struct weft_json_each each = weft_json_each_of(value);
 *     while (weft_json_each_next(&each)) { ... each.key, each.value ... }
 *
 * What is neither has none; what is malformed, or nested more than WEFT_JSON_MAX_SKIP_DEPTH deep, ends the walk. Plain
 * data; the text is borrowed. */
struct weft_json_each {
    struct weft_slice key;   /* between the quotes, as it stands; empty in an array */
    struct weft_slice value; /* its text */
    const uint8_t *at, *end;
    bool is_object;
    bool has_begun;
};

struct weft_json_each weft_json_each_of(struct weft_slice value);
bool weft_json_each_next(struct weft_json_each *each);
