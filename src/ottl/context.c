/* Contexts and their enums (context.h). */
#include "ottl/context.h"

#include "base/assert.h"
#include "config/unknown_key.h"

static const struct {
    const char *name;
    uint32_t sees;
    uint32_t signals; /* bits by enum weft_signal */
} contexts[WEFT_OTTL_CONTEXT_COUNT] = {
    [WEFT_OTTL_LOG] = { "log", WEFT_OTTL_IN_LOG | WEFT_OTTL_IN_SCOPE | WEFT_OTTL_IN_RESOURCE, 1 << WEFT_LOGS },
    [WEFT_OTTL_DATAPOINT] = { "datapoint",
                              WEFT_OTTL_IN_DATAPOINT | WEFT_OTTL_IN_METRIC | WEFT_OTTL_IN_SCOPE | WEFT_OTTL_IN_RESOURCE,
                              1 << WEFT_METRICS },
    [WEFT_OTTL_METRIC] = { "metric", WEFT_OTTL_IN_METRIC | WEFT_OTTL_IN_SCOPE | WEFT_OTTL_IN_RESOURCE,
                           1 << WEFT_METRICS },
    [WEFT_OTTL_SPANEVENT] = { "spanevent",
                              WEFT_OTTL_IN_SPANEVENT | WEFT_OTTL_IN_SPAN | WEFT_OTTL_IN_SCOPE | WEFT_OTTL_IN_RESOURCE,
                              1 << WEFT_TRACES },
    [WEFT_OTTL_SPAN] = { "span", WEFT_OTTL_IN_SPAN | WEFT_OTTL_IN_SCOPE | WEFT_OTTL_IN_RESOURCE, 1 << WEFT_TRACES },
    [WEFT_OTTL_SCOPE] = { "scope", WEFT_OTTL_IN_SCOPE | WEFT_OTTL_IN_RESOURCE,
                          1 << WEFT_TRACES | 1 << WEFT_METRICS | 1 << WEFT_LOGS },
    [WEFT_OTTL_RESOURCE] = { "resource", WEFT_OTTL_IN_RESOURCE, 1 << WEFT_TRACES | 1 << WEFT_METRICS | 1 << WEFT_LOGS },
};

enum {
    SPANS = WEFT_OTTL_IN_SPAN | WEFT_OTTL_IN_SPANEVENT,
    METRICS = WEFT_OTTL_IN_METRIC | WEFT_OTTL_IN_DATAPOINT,
};

static const struct symbol {
    const char *name;
    int64_t number;
    uint32_t contexts;
} symbols[] = {
    { "SPAN_KIND_UNSPECIFIED", 0, SPANS },
    { "SPAN_KIND_INTERNAL", 1, SPANS },
    { "SPAN_KIND_SERVER", 2, SPANS },
    { "SPAN_KIND_CLIENT", 3, SPANS },
    { "SPAN_KIND_PRODUCER", 4, SPANS },
    { "SPAN_KIND_CONSUMER", 5, SPANS },
    { "STATUS_CODE_UNSET", 0, SPANS },
    { "STATUS_CODE_OK", 1, SPANS },
    { "STATUS_CODE_ERROR", 2, SPANS },
    { "AGGREGATION_TEMPORALITY_UNSPECIFIED", 0, METRICS },
    { "AGGREGATION_TEMPORALITY_DELTA", 1, METRICS },
    { "AGGREGATION_TEMPORALITY_CUMULATIVE", 2, METRICS },
    { "METRIC_DATA_TYPE_NONE", 0, METRICS },
    { "METRIC_DATA_TYPE_GAUGE", 1, METRICS },
    { "METRIC_DATA_TYPE_SUM", 2, METRICS },
    { "METRIC_DATA_TYPE_HISTOGRAM", 3, METRICS },
    { "METRIC_DATA_TYPE_EXPONENTIAL_HISTOGRAM", 4, METRICS },
    { "METRIC_DATA_TYPE_SUMMARY", 5, METRICS },
    { "FLAG_NONE", 0, WEFT_OTTL_IN_DATAPOINT },
    { "FLAG_NO_RECORDED_VALUE", 1, WEFT_OTTL_IN_DATAPOINT },
    { "SEVERITY_NUMBER_UNSPECIFIED", 0, WEFT_OTTL_IN_LOG },
    { "SEVERITY_NUMBER_TRACE", 1, WEFT_OTTL_IN_LOG },
    { "SEVERITY_NUMBER_TRACE2", 2, WEFT_OTTL_IN_LOG },
    { "SEVERITY_NUMBER_TRACE3", 3, WEFT_OTTL_IN_LOG },
    { "SEVERITY_NUMBER_TRACE4", 4, WEFT_OTTL_IN_LOG },
    { "SEVERITY_NUMBER_DEBUG", 5, WEFT_OTTL_IN_LOG },
    { "SEVERITY_NUMBER_DEBUG2", 6, WEFT_OTTL_IN_LOG },
    { "SEVERITY_NUMBER_DEBUG3", 7, WEFT_OTTL_IN_LOG },
    { "SEVERITY_NUMBER_DEBUG4", 8, WEFT_OTTL_IN_LOG },
    { "SEVERITY_NUMBER_INFO", 9, WEFT_OTTL_IN_LOG },
    { "SEVERITY_NUMBER_INFO2", 10, WEFT_OTTL_IN_LOG },
    { "SEVERITY_NUMBER_INFO3", 11, WEFT_OTTL_IN_LOG },
    { "SEVERITY_NUMBER_INFO4", 12, WEFT_OTTL_IN_LOG },
    { "SEVERITY_NUMBER_WARN", 13, WEFT_OTTL_IN_LOG },
    { "SEVERITY_NUMBER_WARN2", 14, WEFT_OTTL_IN_LOG },
    { "SEVERITY_NUMBER_WARN3", 15, WEFT_OTTL_IN_LOG },
    { "SEVERITY_NUMBER_WARN4", 16, WEFT_OTTL_IN_LOG },
    { "SEVERITY_NUMBER_ERROR", 17, WEFT_OTTL_IN_LOG },
    { "SEVERITY_NUMBER_ERROR2", 18, WEFT_OTTL_IN_LOG },
    { "SEVERITY_NUMBER_ERROR3", 19, WEFT_OTTL_IN_LOG },
    { "SEVERITY_NUMBER_ERROR4", 20, WEFT_OTTL_IN_LOG },
    { "SEVERITY_NUMBER_FATAL", 21, WEFT_OTTL_IN_LOG },
    { "SEVERITY_NUMBER_FATAL2", 22, WEFT_OTTL_IN_LOG },
    { "SEVERITY_NUMBER_FATAL3", 23, WEFT_OTTL_IN_LOG },
    { "SEVERITY_NUMBER_FATAL4", 24, WEFT_OTTL_IN_LOG },
};

const char *weft_ottl_context_name(enum weft_ottl_context context)
{
    weft_assert(context < WEFT_OTTL_CONTEXT_COUNT);
    return contexts[context].name;
}

bool weft_ottl_context_of(struct weft_slice name, enum weft_ottl_context *out_context)
{
    if (weft_slice_equal_text(name, "instrumentation_scope")) {
        *out_context = WEFT_OTTL_SCOPE;
        return true;
    }
    for (int i = 0; i < WEFT_OTTL_CONTEXT_COUNT; i++) {
        if (weft_slice_equal_text(name, contexts[i].name)) {
            *out_context = (enum weft_ottl_context)i;
            return true;
        }
    }
    return false;
}

uint32_t weft_ottl_context_sees(enum weft_ottl_context context)
{
    weft_assert(context < WEFT_OTTL_CONTEXT_COUNT);
    return contexts[context].sees;
}

bool weft_ottl_context_is_of(enum weft_ottl_context context, enum weft_signal signal)
{
    weft_assert(context < WEFT_OTTL_CONTEXT_COUNT);
    return (contexts[context].signals >> signal & 1) != 0;
}

bool weft_ottl_enum_of(struct weft_slice name, enum weft_ottl_context context, int64_t *out_number)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(symbols); i++) {
        if ((symbols[i].contexts >> context & 1) != 0 && weft_slice_equal_text(name, symbols[i].name)) {
            *out_number = symbols[i].number;
            return true;
        }
    }
    return false;
}

/* The first name whose end is the word: ERROR is meant for STATUS_CODE_ERROR. */
static const char *ends_with_word(const char *const *names, size_t count, const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; i < count; i++) {
        size_t whole = strlen(names[i]);
        bool has_more = whole > length && names[i][whole - length - 1] == '_';
        if (has_more && strcmp(names[i] + whole - length, word) == 0) {
            return names[i];
        }
    }
    return NULL;
}

const char *weft_ottl_enum_nearest(struct weft_slice name, enum weft_ottl_context context)
{
    const char *names[WEFT_COUNT_OF(symbols)];
    char word[65];
    size_t count = 0;
    for (size_t i = 0; i < WEFT_COUNT_OF(symbols); i++) {
        if ((symbols[i].contexts >> context & 1) != 0) {
            names[count++] = symbols[i].name;
        }
    }
    if (name.length >= sizeof word) {
        return NULL;
    }
    memcpy(word, name.bytes, name.length);
    word[name.length] = '\0';
    const char *by_end = ends_with_word(names, count, word);
    return by_end != NULL ? by_end : weft_config_nearest(word, names, count);
}
