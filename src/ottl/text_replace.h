#pragma once

#include "ottl/function.h"

/* What stands in place of what a pattern matched. */
struct weft_ottl_replacement {
    const char *name;                          /* of the function that replaces, for errors */
    struct weft_slice text;                    /* $1 and ${name} are groups, $$ is $ */
    const struct weft_ottl_function *function; /* of the text; NULL = none */
    struct weft_slice format;                  /* around what the function gives: one %s; empty = none */
    bool has_format;
};

/* Whether the function can be one: of one string. */
enum weft_status weft_ottl_replacement_check(const struct weft_ottl_function *function,
                                             struct weft_error *error) WEFT_MUST_CHECK;

/* The text without a pattern: as it is given, through the function and the format. */
enum weft_status weft_ottl_replacement_give(struct weft_ottl_run *run, const struct weft_ottl_replacement *replacement,
                                            struct weft_slice *out_text) WEFT_MUST_CHECK;

/* Without groups. */
static inline bool weft_ottl_is_plain_replacement(struct weft_slice text)
{
    return text.length == 0 || memchr(text.bytes, '$', text.length) == NULL;
}

/* The same as below, with a text that is plain and goes through no function; in place. */
enum weft_status weft_ottl_replace_with_text(struct weft_ottl_run *run, const struct weft_pattern *pattern,
                                             struct weft_slice *in_out_text, struct weft_slice text, const char *name,
                                             bool *out_is_match) WEFT_MUST_CHECK;

/* subject with each match replaced; *out_is_match false: there was none, and nothing is written. The text lies in
 * run->memory. WEFT_INVALID with run->error: the pattern met its limit, or the function failed. */
enum weft_status weft_ottl_replace(struct weft_ottl_run *run, const struct weft_pattern *pattern,
                                   struct weft_slice subject, const struct weft_ottl_replacement *replacement,
                                   bool *out_is_match, struct weft_slice *out_text) WEFT_MUST_CHECK;
