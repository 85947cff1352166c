#pragma once

#include "base/buffer.h"

/* Texts as words, as the Collector's functions take them apart. */

/* Without the white space before it, or around it, of which Unicode has more than ASCII. */
struct weft_slice weft_ottl_trim_start(struct weft_slice text);
struct weft_slice weft_ottl_trim_space(struct weft_slice text);

/* "some HTTP_name" as SomeHttpName and as some_http_name; bytes that are no letters or digits of ASCII are left out by
 * the first and stay in the second. */
void weft_ottl_put_camel_case(struct weft_buffer *out, struct weft_slice text);
void weft_ottl_put_snake_case(struct weft_buffer *out, struct weft_slice text);
