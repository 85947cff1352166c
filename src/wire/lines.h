#pragma once

#include "base/slice.h"
#include "base/status.h"

/* A body of many values, taken apart without memory of its own; all that comes out are slices of it. */

/* Lines end with LF or CRLF; the last one may end with the body. */
struct weft_lines {
    const uint8_t *at;
    const uint8_t *end;
};

struct weft_lines weft_lines_of(struct weft_slice body);

/* The next line with something other than white space in it, without its end. False: there is none. */
bool weft_lines_next(struct weft_lines *lines, struct weft_slice *out_line);

/* The elements of one JSON array that is all of the body. */
struct weft_json_elements {
    const uint8_t *origin;
    const uint8_t *at;
    const uint8_t *end;
    bool is_begun;
    bool is_ended;
};

struct weft_json_elements weft_json_elements_of(struct weft_slice body);

/* The next element, whole. Elements nested deeper than WEFT_JSON_MAX_SKIP_DEPTH are only known to have balanced
 * brackets. WEFT_INVALID with the byte offset: no array, an element that is no JSON, something behind the array. What
 * came before then stands in a broken array: whoever takes all or nothing has looked at all before taking. */
enum weft_status weft_json_elements_next(struct weft_json_elements *elements, struct weft_slice *out_element,
                                         bool *out_has_element, struct weft_error *error) WEFT_MUST_CHECK;

/* Any value by its brackets and quotes alone, at whatever depth; at is the opening bracket. NULL: it is not closed. */
const uint8_t *weft_json_skip_balanced(const uint8_t *at, const uint8_t *end, size_t *out_depth) WEFT_MUST_CHECK;
