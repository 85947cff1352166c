#pragma once

#include <stdint.h>

#include "wire/signal.h"

/* What the check knows about OTLP's messages: per field number the wire type that is expected and what its
 * contents are. Field numbers above 16 do not occur in OTLP; what has no rule is unknown and checked for
 * structure only. */
enum weft_otlp_message {
    OTLP_TRACES_REQUEST = WEFT_TRACES,
    OTLP_METRICS_REQUEST = WEFT_METRICS,
    OTLP_LOGS_REQUEST = WEFT_LOGS,
    OTLP_PROFILES_REQUEST = WEFT_PROFILES,
    OTLP_RESOURCE_SPANS,
    OTLP_RESOURCE_METRICS,
    OTLP_RESOURCE_LOGS,
    OTLP_RESOURCE_PROFILES,
    OTLP_SCOPE_SPANS,
    OTLP_SCOPE_METRICS,
    OTLP_SCOPE_LOGS,
    OTLP_SCOPE_PROFILES,
    OTLP_RESOURCE,
    OTLP_ENTITY_REF,
    OTLP_SCOPE,
    OTLP_KEY_VALUE,
    OTLP_ANY_VALUE,
    OTLP_ARRAY_VALUE,
    OTLP_KEY_VALUE_LIST,
    OTLP_DEEPEST_LIST, /* the same where an attribute would be nested too deep: without the short cut */
    OTLP_SPAN,
    OTLP_EVENT,
    OTLP_LINK,
    OTLP_STATUS,
    OTLP_LOG_RECORD,
    OTLP_METRIC,
    OTLP_GAUGE,
    OTLP_SUM,
    OTLP_HISTOGRAM,
    OTLP_EXPONENTIAL_HISTOGRAM,
    OTLP_SUMMARY,
    OTLP_NUMBER_POINT,
    OTLP_HISTOGRAM_POINT,
    OTLP_EXPONENTIAL_POINT,
    OTLP_SUMMARY_POINT,
    OTLP_BUCKETS,
    OTLP_QUANTILE,
    OTLP_EXEMPLAR,
    OTLP_PROFILE,
    OTLP_SAMPLE,
    OTLP_VALUE_TYPE,
    OTLP_DICTIONARY,
    OTLP_MAPPING,
    OTLP_LOCATION,
    OTLP_LINE,
    OTLP_FUNCTION,
    OTLP_PROFILE_LINK,
    OTLP_KEY_VALUE_AND_UNIT,
    OTLP_STACK,
    OTLP_MESSAGE_COUNT
};

enum weft_otlp_kind {
    OTLP_UNKNOWN,
    OTLP_VARINT,
    OTLP_FIXED64,
    OTLP_FIXED32,
    OTLP_BYTES,
    OTLP_STRING,         /* UTF-8 is asked for, and counted where it is none */
    OTLP_TRACE_ID,       /* 16 bytes or empty */
    OTLP_SPAN_ID,        /* 8 bytes or empty */
    OTLP_PACKED_FIXED64, /* repeated: packed, or one by one as fixed64 */
    OTLP_PACKED_VARINT,
    OTLP_MESSAGE,
    OTLP_ATTRIBUTE, /* a KeyValue: a message with a short cut */
    OTLP_RECORD,    /* the rest are messages that are counted */
    OTLP_SCOPE_X,
    OTLP_RESOURCE_X
};

enum { WEFT_OTLP_FIELD_LIMIT = 17 };

struct weft_otlp_rule {
    uint8_t wire_type; /* the one that is expected */
    uint8_t kind;      /* enum weft_otlp_kind */
    uint8_t child;     /* enum weft_otlp_message, for messages */
    uint8_t unused;    /* four bytes, so that one load takes all */
};

/* The export request of a signal. */
static inline enum weft_otlp_message weft_otlp_request_message(enum weft_signal signal)
{
    return (enum weft_otlp_message)signal;
}

extern const struct weft_otlp_rule weft_otlp_rules[OTLP_MESSAGE_COUNT][WEFT_OTLP_FIELD_LIMIT];
