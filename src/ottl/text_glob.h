#pragma once

#include "base/buffer.h"
#include "base/status.h"

/* A glob of the Collector as a regular expression that matches what it does, from the first byte to the last: * is any
 * text, ? one character, [abc] and [!a-z] one of a set, {a,b} one of several. WEFT_INVALID: it is broken. */
enum weft_status weft_ottl_glob_to_pattern(struct weft_slice glob, struct weft_buffer *out,
                                           struct weft_error *error) WEFT_MUST_CHECK;
