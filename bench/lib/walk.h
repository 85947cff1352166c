#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Protobuf field iteration, inline because it is the inner loop of the sink and of weft-floor --walk. */
struct bench_range {
    const uint8_t *at;
    const uint8_t *end;
};

struct bench_field {
    uint32_t number;
    uint32_t wire_type;
    struct bench_range value; /* of a length-delimited field; of the others, their encoded bytes */
};

static inline bool bench_walk_varint(struct bench_range *range, uint64_t *out_value)
{
    const uint8_t *at = range->at;
    if (__builtin_expect(at < range->end && *at < 0x80, 1)) {
        *out_value = *at;
        range->at = at + 1;
        return true;
    }
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70 && at < range->end; shift += 7) {
        uint8_t byte = *at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out_value = value;
            range->at = at;
            return true;
        }
    }
    return false;
}

/* The next field of a message; false if it is malformed. The caller has checked that range is not empty. */
static inline __attribute__((always_inline)) bool bench_walk_next(struct bench_range *range,
                                                                  struct bench_field *out_field)
{
    uint64_t tag;
    if (!bench_walk_varint(range, &tag) || tag >> 32 != 0 || tag >> 3 == 0) {
        return false;
    }
    out_field->number = (uint32_t)(tag >> 3);
    out_field->wire_type = (uint32_t)(tag & 7);
    uint64_t length;
    switch (out_field->wire_type) {
    case 0:
        out_field->value.at = range->at;
        if (!bench_walk_varint(range, &length)) {
            return false;
        }
        out_field->value.end = range->at;
        return true;
    case 1:
        length = 8;
        break;
    case 2:
        if (!bench_walk_varint(range, &length)) {
            return false;
        }
        break;
    case 5:
        length = 4;
        break;
    default:
        return false;
    }
    if (length > (uint64_t)(range->end - range->at)) {
        return false;
    }
    out_field->value = (struct bench_range){ range->at, range->at + length };
    range->at += length;
    return true;
}

/* Field numbers of opentelemetry.proto. */
enum {
    BENCH_REQUEST_RESOURCE_SPANS = 1,
    BENCH_RESOURCE_SPANS_RESOURCE = 1,
    BENCH_RESOURCE_SPANS_SCOPE_SPANS = 2,
    BENCH_SCOPE_SPANS_SCOPE = 1,
    BENCH_SCOPE_SPANS_SPANS = 2,
    BENCH_SPAN_TRACE_ID = 1,
    BENCH_SPAN_SPAN_ID = 2,
    BENCH_SPAN_TRACE_STATE = 3,
    BENCH_SPAN_PARENT_SPAN_ID = 4,
    BENCH_SPAN_NAME = 5,
    BENCH_SPAN_KIND = 6,
    BENCH_SPAN_START = 7,
    BENCH_SPAN_END = 8,
    BENCH_SPAN_ATTRIBUTES = 9,
    BENCH_SPAN_EVENTS = 11,
    BENCH_SPAN_LINKS = 13,
    BENCH_SPAN_STATUS = 15,
    /* The messages around a LogRecord have the numbers of those around a Span. */
    BENCH_LOG_RECORD_TIME = 1,
    BENCH_LOG_RECORD_SEVERITY = 2,
    BENCH_LOG_RECORD_SEVERITY_TEXT = 3,
    BENCH_LOG_RECORD_BODY = 5,
    BENCH_LOG_RECORD_ATTRIBUTES = 6,
    BENCH_LOG_RECORD_TRACE_ID = 9,
    BENCH_LOG_RECORD_SPAN_ID = 10,
    BENCH_LOG_RECORD_OBSERVED = 11,
};
