#pragma once

#include "ottl/function.h"

/* What the files functions_*.c share: results, and scratch for the texts that they are made of. */

static inline enum weft_status weft_ottl_give(struct weft_ottl_value *out_value, struct weft_ottl_value value)
{
    *out_value = value;
    return WEFT_OK;
}

/* The scratch of a call, empty. What evaluates something meanwhile writes over it. */
static inline struct weft_buffer *weft_ottl_scratch(struct weft_ottl_run *run)
{
    weft_buffer_clear(&run->text);
    return &run->text;
}

/* What the scratch holds, as a string in run->memory. */
enum weft_status weft_ottl_give_scratch(struct weft_ottl_run *run, struct weft_ottl_value *out_value);

/* Bytes as a string in hex digits. */
enum weft_status weft_ottl_give_hex(struct weft_ottl_run *run, struct weft_slice bytes,
                                    struct weft_ottl_value *out_value);

/* Empty ones; NULL without memory. */
struct weft_ottl_map *weft_ottl_new_map(struct weft_ottl_run *run);
struct weft_ottl_list *weft_ottl_new_list(struct weft_ottl_run *run);

static inline bool weft_ottl_is_given(const struct weft_ottl_call *call, size_t parameter)
{
    return call->arguments[parameter].kind != WEFT_OTTL_ABSENT;
}

/* The literal text of an optional parameter. */
static inline struct weft_slice weft_ottl_text_or(const struct weft_ottl_call *call, size_t parameter,
                                                  const char *otherwise)
{
    return weft_ottl_is_given(call, parameter) ? call->arguments[parameter].bytes : weft_slice_of_text(otherwise);
}
