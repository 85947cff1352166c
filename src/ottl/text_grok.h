#pragma once

#include "base/pattern.h"

/* Grok: a regular expression with references to named ones, `%{NAME}`, `%{NAME:field}`, `%{NAME:field:type}`. Known are
 * those of text_grok.c and what the caller defines, which wins. */
enum weft_ottl_grok_type {
    WEFT_OTTL_GROK_STRING,
    WEFT_OTTL_GROK_INT,
    WEFT_OTTL_GROK_DOUBLE,
    WEFT_OTTL_GROK_BOOL,
    WEFT_OTTL_GROK_UNKNOWN, /* a type that there is not: whoever finds something in the field fails */
};

enum {
    WEFT_OTTL_GROK_MAX_DEPTH = 32,  /* of definitions within definitions */
    WEFT_OTTL_GROK_MAX_GROUPS = 64, /* of the whole */
};

struct weft_ottl_grok {
    struct weft_pattern *pattern;
    enum weft_ottl_grok_type types[WEFT_OTTL_GROK_MAX_GROUPS + 1]; /* by group */
    bool has_fields;
};

struct weft_ottl_grok_options {
    const struct weft_slice *definitions; /* NAME=pattern */
    size_t definition_count;
    bool is_named_only; /* references without a field are no fields */
};

/* WEFT_INVALID, WEFT_UNSUPPORTED and WEFT_LIMIT with a reason; WEFT_NOMEM. */
enum weft_status weft_ottl_grok_new(struct weft_slice text, const struct weft_ottl_grok_options *options,
                                    struct weft_ottl_grok **out_grok, struct weft_error *error) WEFT_MUST_CHECK;
void weft_ottl_grok_free(struct weft_ottl_grok **own_grok);
