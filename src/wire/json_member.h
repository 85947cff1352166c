#pragma once

#include "base/slice.h"
#include "base/status.h"

/* Looking up a few members of a small JSON object, such as a backend's answer, without a schema. */

/* The last member of that name (a plain ASCII key, in the text as it stands). NOT_FOUND: the object has none, or it is
 * null. INVALID: not one well-formed JSON object. out_value is a slice of the text. */
enum weft_status weft_json_find_member(struct weft_slice object, const char *key,
                                       struct weft_slice *out_value) WEFT_MUST_CHECK;

/* A string's text, escapes resolved, cut to fit capacity with its terminator; "" for any other value. */
void weft_json_copy_text(struct weft_slice value, char *out_text, size_t capacity);

/* A whole number from 0 on, as a number or in a string; 0 for anything else. */
uint64_t weft_json_read_count(struct weft_slice value);
