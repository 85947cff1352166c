#pragma once

#include "ottl/function.h"

/* Converters of the formats of log lines, which only logs have: what their tables name (functions_log.c). */
enum weft_status weft_ottl_parse_cef(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                     struct weft_ottl_value *out_value) WEFT_MUST_CHECK;
enum weft_status weft_ottl_parse_leef(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                      struct weft_ottl_value *out_value) WEFT_MUST_CHECK;
enum weft_status weft_ottl_parse_elf(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                     struct weft_ottl_value *out_value) WEFT_MUST_CHECK;

/* ---- for those files ---- */

static inline enum weft_status weft_ottl_fail_line(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                                   const char *reason)
{
    return weft_fail(&run->error, WEFT_INVALID, "%s: %s", call->function->name, reason);
}

static inline enum weft_status weft_ottl_add_text(struct weft_ottl_run *run, struct weft_ottl_map *map, const char *key,
                                                  struct weft_slice text)
{
    return weft_ottl_map_append(&run->memory, map, weft_slice_of_text(key), weft_ottl_string(text));
}

/* The text before the first such byte; *in_out_text is what is behind it. False, and all of it: there is none. */
static inline bool weft_ottl_cut(struct weft_slice *in_out_text, char byte, struct weft_slice *out_before)
{
    struct weft_slice text = *in_out_text;
    const uint8_t *found = text.length == 0 ? NULL : memchr(text.bytes, byte, text.length);
    size_t length = found == NULL ? text.length : (size_t)(found - text.bytes);
    *out_before = weft_slice_of(text.bytes, length);
    *in_out_text = found == NULL ? WEFT_SLICE_EMPTY : weft_slice_of(found + 1, text.length - length - 1);
    return found != NULL;
}
