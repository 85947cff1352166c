#pragma once

#include "base/slice.h"
#include "base/status.h"
#include "wire/signal.h"

/* What a condition or a statement is asked of, and the words that paths begin with. In the order in which the Collector
 * prefers them when it infers one: the lowest that is named. */
enum weft_ottl_context {
    WEFT_OTTL_LOG,
    WEFT_OTTL_DATAPOINT,
    WEFT_OTTL_METRIC,
    WEFT_OTTL_SPANEVENT,
    WEFT_OTTL_SPAN,
    WEFT_OTTL_SCOPE, /* also "instrumentation_scope" */
    WEFT_OTTL_RESOURCE,
    WEFT_OTTL_CONTEXT_COUNT,
};

enum {
    WEFT_OTTL_IN_LOG = 1 << WEFT_OTTL_LOG,
    WEFT_OTTL_IN_DATAPOINT = 1 << WEFT_OTTL_DATAPOINT,
    WEFT_OTTL_IN_METRIC = 1 << WEFT_OTTL_METRIC,
    WEFT_OTTL_IN_SPANEVENT = 1 << WEFT_OTTL_SPANEVENT,
    WEFT_OTTL_IN_SPAN = 1 << WEFT_OTTL_SPAN,
    WEFT_OTTL_IN_SCOPE = 1 << WEFT_OTTL_SCOPE,
    WEFT_OTTL_IN_RESOURCE = 1 << WEFT_OTTL_RESOURCE,
    WEFT_OTTL_IN_ALL = (1 << WEFT_OTTL_CONTEXT_COUNT) - 1,
};

const char *weft_ottl_context_name(enum weft_ottl_context context);
bool weft_ottl_context_of(struct weft_slice name, enum weft_ottl_context *out_context);

/* The contexts whose paths a statement of this context may have: a bit each. */
uint32_t weft_ottl_context_sees(enum weft_ottl_context context);

/* The signals whose records are looked at in this context: enum weft_signal as bits. */
bool weft_ottl_context_is_of(enum weft_ottl_context context, enum weft_signal signal);

/* Words for numbers, as each context has them. */
bool weft_ottl_enum_of(struct weft_slice name, enum weft_ottl_context context, int64_t *out_number);
/* NULL: none is near. */
const char *weft_ottl_enum_nearest(struct weft_slice name, enum weft_ottl_context context);
