/* What contrib's ottlfuncs has and weft has not: an error by name, where the name is read. */
#include "ottl/functions.h"

#define MISSING(text)                        \
    {                                        \
        .name = text, .is_unsupported = true \
    }
#define MISSING_IN(text, where)                                                \
    {                                                                          \
        .name = text, .contexts = WEFT_OTTL_IN_##where, .is_unsupported = true \
    }

const struct weft_ottl_function weft_ottl_functions_missing[] = {
    /* other languages within */
    MISSING("UserAgent"),
    MISSING("ProfileID"),
    /* those that take a lambda, which the Collector has behind a gate */
    MISSING("All"),
    MISSING("Any"),
    MISSING("Filter"),
    MISSING("Find"),
    MISSING("MapEach"),
    MISSING("MapKeys"),
    MISSING("Reduce"),
    MISSING("When"),
    /* those of one signal */
    MISSING_IN("set_semconv_span_name", SPAN),
    { .name = NULL },
};
