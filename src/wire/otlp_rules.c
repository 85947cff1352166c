/* OTLP 1.x as tables for otlp_check.c: constant, so that the walk reads a few hot cache lines. A field number
 * without a row is OTLP_UNKNOWN. A unit test holds the tables against protobuf-c's descriptors of proto/. */
#include "wire/otlp_rules.h"

#include "wire/protobuf.h"

/* clang-format off */
#define VARINT    { WEFT_WIRE_VARINT, OTLP_VARINT, 0, 0 }
#define FIXED64   { WEFT_WIRE_FIXED64, OTLP_FIXED64, 0, 0 }
#define FIXED32   { WEFT_WIRE_FIXED32, OTLP_FIXED32, 0, 0 }
#define BYTES     { WEFT_WIRE_BYTES, OTLP_BYTES, 0, 0 }
#define STRING    { WEFT_WIRE_BYTES, OTLP_STRING, 0, 0 }
#define TRACE_ID  { WEFT_WIRE_BYTES, OTLP_TRACE_ID, 0, 0 }
#define SPAN_ID   { WEFT_WIRE_BYTES, OTLP_SPAN_ID, 0, 0 }
#define FIXED64S  { WEFT_WIRE_BYTES, OTLP_PACKED_FIXED64, 0, 0 }
#define VARINTS   { WEFT_WIRE_BYTES, OTLP_PACKED_VARINT, 0, 0 }
#define ATTRIBUTE { WEFT_WIRE_BYTES, OTLP_ATTRIBUTE, OTLP_KEY_VALUE, 0 }

#define MESSAGE(name)    { WEFT_WIRE_BYTES, OTLP_MESSAGE, OTLP_##name, 0 }
#define RECORD(name)     { WEFT_WIRE_BYTES, OTLP_RECORD, OTLP_##name, 0 }
#define SCOPE_X(name)    { WEFT_WIRE_BYTES, OTLP_SCOPE_X, OTLP_##name, 0 }
#define RESOURCE_X(name) { WEFT_WIRE_BYTES, OTLP_RESOURCE_X, OTLP_##name, 0 }

const struct weft_otlp_rule weft_otlp_rules[OTLP_MESSAGE_COUNT][WEFT_OTLP_FIELD_LIMIT] = {
    [OTLP_TRACES_REQUEST] = { [1] = RESOURCE_X(RESOURCE_SPANS) },
    [OTLP_METRICS_REQUEST] = { [1] = RESOURCE_X(RESOURCE_METRICS) },
    [OTLP_LOGS_REQUEST] = { [1] = RESOURCE_X(RESOURCE_LOGS) },
    [OTLP_PROFILES_REQUEST] = { [1] = RESOURCE_X(RESOURCE_PROFILES), [2] = MESSAGE(DICTIONARY) },
    [OTLP_RESOURCE_SPANS] = { [1] = MESSAGE(RESOURCE), [2] = SCOPE_X(SCOPE_SPANS), [3] = STRING },
    [OTLP_RESOURCE_METRICS] = { [1] = MESSAGE(RESOURCE), [2] = SCOPE_X(SCOPE_METRICS), [3] = STRING },
    [OTLP_RESOURCE_LOGS] = { [1] = MESSAGE(RESOURCE), [2] = SCOPE_X(SCOPE_LOGS), [3] = STRING },
    [OTLP_RESOURCE_PROFILES] = { [1] = MESSAGE(RESOURCE), [2] = SCOPE_X(SCOPE_PROFILES), [3] = STRING },
    [OTLP_SCOPE_SPANS] = { [1] = MESSAGE(SCOPE), [2] = RECORD(SPAN), [3] = STRING },
    [OTLP_SCOPE_METRICS] = { [1] = MESSAGE(SCOPE), [2] = RECORD(METRIC), [3] = STRING },
    [OTLP_SCOPE_LOGS] = { [1] = MESSAGE(SCOPE), [2] = RECORD(LOG_RECORD), [3] = STRING },
    [OTLP_SCOPE_PROFILES] = { [1] = MESSAGE(SCOPE), [2] = RECORD(PROFILE), [3] = STRING },
    [OTLP_RESOURCE] = { [1] = ATTRIBUTE, [2] = VARINT, [3] = MESSAGE(ENTITY_REF) },
    [OTLP_ENTITY_REF] = { [1] = STRING, [2] = STRING, [3] = STRING, [4] = STRING },
    [OTLP_SCOPE] = { [1] = STRING, [2] = STRING, [3] = ATTRIBUTE, [4] = VARINT },
    [OTLP_KEY_VALUE] = { [1] = STRING, [2] = MESSAGE(ANY_VALUE), [3] = VARINT },
    [OTLP_ANY_VALUE] = { [1] = STRING, [2] = VARINT, [3] = VARINT, [4] = FIXED64, [5] = MESSAGE(ARRAY_VALUE),
                         [6] = MESSAGE(KEY_VALUE_LIST), [7] = BYTES, [8] = VARINT },
    [OTLP_ARRAY_VALUE] = { [1] = MESSAGE(ANY_VALUE) },
    [OTLP_KEY_VALUE_LIST] = { [1] = ATTRIBUTE },
    [OTLP_DEEPEST_LIST] = { [1] = MESSAGE(KEY_VALUE) },
    [OTLP_SPAN] = { [1] = TRACE_ID, [2] = SPAN_ID, [3] = STRING, [4] = SPAN_ID, [5] = STRING, [6] = VARINT,
                    [7] = FIXED64, [8] = FIXED64, [9] = ATTRIBUTE, [10] = VARINT, [11] = MESSAGE(EVENT),
                    [12] = VARINT, [13] = MESSAGE(LINK), [14] = VARINT, [15] = MESSAGE(STATUS),
                    [16] = FIXED32 },
    [OTLP_EVENT] = { [1] = FIXED64, [2] = STRING, [3] = ATTRIBUTE, [4] = VARINT },
    [OTLP_LINK] = { [1] = TRACE_ID, [2] = SPAN_ID, [3] = STRING, [4] = ATTRIBUTE, [5] = VARINT,
                    [6] = FIXED32 },
    [OTLP_STATUS] = { [2] = STRING, [3] = VARINT },
    [OTLP_LOG_RECORD] = { [1] = FIXED64, [2] = VARINT, [3] = STRING, [5] = MESSAGE(ANY_VALUE),
                          [6] = ATTRIBUTE, [7] = VARINT, [8] = FIXED32, [9] = TRACE_ID, [10] = SPAN_ID,
                          [11] = FIXED64, [12] = STRING },
    [OTLP_METRIC] = { [1] = STRING, [2] = STRING, [3] = STRING, [5] = MESSAGE(GAUGE), [7] = MESSAGE(SUM),
                      [9] = MESSAGE(HISTOGRAM), [10] = MESSAGE(EXPONENTIAL_HISTOGRAM),
                      [11] = MESSAGE(SUMMARY), [12] = ATTRIBUTE },
    [OTLP_GAUGE] = { [1] = MESSAGE(NUMBER_POINT) },
    [OTLP_SUM] = { [1] = MESSAGE(NUMBER_POINT), [2] = VARINT, [3] = VARINT },
    [OTLP_HISTOGRAM] = { [1] = MESSAGE(HISTOGRAM_POINT), [2] = VARINT },
    [OTLP_EXPONENTIAL_HISTOGRAM] = { [1] = MESSAGE(EXPONENTIAL_POINT), [2] = VARINT },
    [OTLP_SUMMARY] = { [1] = MESSAGE(SUMMARY_POINT) },
    [OTLP_NUMBER_POINT] = { [2] = FIXED64, [3] = FIXED64, [4] = FIXED64, [5] = MESSAGE(EXEMPLAR),
                            [6] = FIXED64, [7] = ATTRIBUTE, [8] = VARINT },
    [OTLP_HISTOGRAM_POINT] = { [2] = FIXED64, [3] = FIXED64, [4] = FIXED64, [5] = FIXED64, [6] = FIXED64S,
                               [7] = FIXED64S, [8] = MESSAGE(EXEMPLAR), [9] = ATTRIBUTE, [10] = VARINT,
                               [11] = FIXED64, [12] = FIXED64 },
    [OTLP_EXPONENTIAL_POINT] = { [1] = ATTRIBUTE, [2] = FIXED64, [3] = FIXED64, [4] = FIXED64,
                                 [5] = FIXED64, [6] = VARINT, [7] = FIXED64, [8] = MESSAGE(BUCKETS),
                                 [9] = MESSAGE(BUCKETS), [10] = VARINT, [11] = MESSAGE(EXEMPLAR),
                                 [12] = FIXED64, [13] = FIXED64, [14] = FIXED64 },
    [OTLP_SUMMARY_POINT] = { [2] = FIXED64, [3] = FIXED64, [4] = FIXED64, [5] = FIXED64,
                             [6] = MESSAGE(QUANTILE), [7] = ATTRIBUTE, [8] = VARINT },
    [OTLP_BUCKETS] = { [1] = VARINT, [2] = VARINTS },
    [OTLP_QUANTILE] = { [1] = FIXED64, [2] = FIXED64 },
    [OTLP_EXEMPLAR] = { [2] = FIXED64, [3] = FIXED64, [4] = SPAN_ID, [5] = TRACE_ID, [6] = FIXED64,
                        [7] = ATTRIBUTE },
    [OTLP_PROFILE] = { [1] = MESSAGE(VALUE_TYPE), [2] = MESSAGE(SAMPLE), [3] = FIXED64, [4] = VARINT,
                       [5] = MESSAGE(VALUE_TYPE), [6] = VARINT, [7] = TRACE_ID, [8] = VARINT, [9] = STRING,
                       [10] = BYTES, [11] = VARINTS },
    [OTLP_SAMPLE] = { [1] = VARINT, [2] = VARINTS, [3] = VARINT, [4] = VARINTS, [5] = FIXED64S },
    [OTLP_VALUE_TYPE] = { [1] = VARINT, [2] = VARINT },
    [OTLP_DICTIONARY] = { [1] = MESSAGE(MAPPING), [2] = MESSAGE(LOCATION), [3] = MESSAGE(FUNCTION),
                          [4] = MESSAGE(PROFILE_LINK), [5] = STRING, [6] = MESSAGE(KEY_VALUE_AND_UNIT),
                          [7] = MESSAGE(STACK) },
    [OTLP_MAPPING] = { [1] = VARINT, [2] = VARINT, [3] = VARINT, [4] = VARINT, [5] = VARINTS },
    [OTLP_LOCATION] = { [1] = VARINT, [2] = VARINT, [3] = MESSAGE(LINE), [4] = VARINTS },
    [OTLP_LINE] = { [1] = VARINT, [2] = VARINT, [3] = VARINT },
    [OTLP_FUNCTION] = { [1] = VARINT, [2] = VARINT, [3] = VARINT, [4] = VARINT },
    [OTLP_PROFILE_LINK] = { [1] = TRACE_ID, [2] = SPAN_ID },
    [OTLP_KEY_VALUE_AND_UNIT] = { [1] = VARINT, [2] = MESSAGE(ANY_VALUE), [3] = VARINT },
    [OTLP_STACK] = { [1] = VARINTS },
};
