/* The hand-written structural walk: what a forwarder that trusts nobody has to read at least. It decodes nothing; it
 * proves that each length and wire type is what opentelemetry.proto says. Used by weft-floor --walk. */
#include "lib/check.h"

#include <stddef.h>

enum { DEPTH_MAX = 64 };

static bool check_any_value(struct bench_range range, int depth);

static bool check_key_value(struct bench_range range, int depth)
{
    struct bench_field field;
    while (range.at < range.end) {
        if (!bench_walk_next(&range, &field)) {
            return false;
        }
        if (field.number <= 2 && field.wire_type != 2) {
            return false;
        }
        if (field.number == 2 && !check_any_value(field.value, depth + 1)) {
            return false;
        }
    }
    return true;
}

/* ArrayValue (values = 1 AnyValue) and KeyValueList (values = 1 KeyValue). */
static bool check_values(struct bench_range range, bool is_list, int depth)
{
    struct bench_field field;
    while (range.at < range.end) {
        if (!bench_walk_next(&range, &field)) {
            return false;
        }
        if (field.number != 1) {
            continue;
        }
        if (field.wire_type != 2 ||
            !(is_list ? check_key_value(field.value, depth + 1) : check_any_value(field.value, depth + 1))) {
            return false;
        }
    }
    return true;
}

static bool check_any_value(struct bench_range range, int depth)
{
    /* string, bool, int, double, array, kvlist, bytes */
    static const uint8_t wire_types[8] = { 0, 2, 0, 0, 1, 2, 2, 2 };
    struct bench_field field;
    if (depth > DEPTH_MAX) {
        return false;
    }
    while (range.at < range.end) {
        if (!bench_walk_next(&range, &field)) {
            return false;
        }
        if (field.number > 7) {
            continue;
        }
        if (field.wire_type != wire_types[field.number]) {
            return false;
        }
        if ((field.number == 5 || field.number == 6) && !check_values(field.value, field.number == 6, depth + 1)) {
            return false;
        }
    }
    return true;
}

/* A message of which only the attributes matter: attributes is their field number. */
static bool check_with_attributes(struct bench_range range, uint32_t attributes)
{
    struct bench_field field;
    while (range.at < range.end) {
        if (!bench_walk_next(&range, &field)) {
            return false;
        }
        if (field.number == attributes && (field.wire_type != 2 || !check_key_value(field.value, 0))) {
            return false;
        }
    }
    return true;
}

static bool check_status(struct bench_range range)
{
    return check_with_attributes(range, 0);
}

static bool id_length_is(struct bench_range id, int64_t length)
{
    return id.end - id.at == length || id.end == id.at;
}

/* The usual attribute: key and string value, in that order, all lengths below 128. Lengths are checked against each
 * other only, so that one attribute need not be finished before the next is begun: this halves the cost of the walk.
 * False means: not of this form, look again slowly. */
static inline bool is_plain_attribute(const uint8_t *at, size_t length)
{
    if (length < 6 || at[0] != 0x0a) {
        return false;
    }
    size_t key_length = at[1];
    if (key_length + 6 > length) {
        return false; /* also when the length has a second byte: it counts as 128 or more */
    }
    const uint8_t *value = at + 2 + key_length;
    size_t value_length = length - key_length - 4;
    return value[0] == 0x12 && value[1] == value_length && value_length >= 2 && value[2] == 0x0a &&
           value[3] == value_length - 2;
}

/* The usual head of a span: ids, name, kind and times, in the order of their numbers. Skips as much of it as is there.
 */
static const uint8_t *skip_plain_head(const uint8_t *at, const uint8_t *end)
{
    if (end - at < 256) {
        return at; /* so that the reads below need no bounds */
    }
    if (at[0] == 0x0a && at[1] == 16 && at[18] == 0x12 && at[19] == 8) {
        at += 28;
    }
    if (at[0] == 0x22 && at[1] == 8) {
        at += 10;
    }
    if (at[0] == 0x2a && at[1] < 0x80) {
        at += 2 + at[1];
    }
    if (at[0] == 0x30 && at[1] < 0x80) {
        at += 2;
    }
    if (at[0] == 0x39 && at[9] == 0x41) {
        at += 18;
    }
    return at;
}

static bool check_span(struct bench_range range)
{
    /* by field number 0..16; 9 = unknown */
    static const uint8_t wire_types[17] = { 9, 2, 2, 2, 2, 2, 0, 1, 1, 2, 0, 2, 0, 2, 0, 2, 5 };
    struct bench_field field;
    range.at = skip_plain_head(range.at, range.end);
    while (range.at < range.end) {
        while (range.end - range.at >= 2 && range.at[0] == (BENCH_SPAN_ATTRIBUTES << 3 | 2) && range.at[1] < 0x80 &&
               range.end - range.at >= 2 + range.at[1] && is_plain_attribute(range.at + 2, range.at[1])) {
            range.at += 2 + range.at[1];
        }
        if (range.at == range.end) {
            break;
        }
        if (!bench_walk_next(&range, &field)) {
            return false;
        }
        if (field.number > 16) {
            continue;
        }
        if (field.wire_type != wire_types[field.number]) {
            return false;
        }
        bool is_valid = true;
        switch (field.number) {
        case BENCH_SPAN_ATTRIBUTES:
            is_valid = check_key_value(field.value, 0);
            break;
        case BENCH_SPAN_TRACE_ID:
            is_valid = id_length_is(field.value, 16);
            break;
        case BENCH_SPAN_SPAN_ID:
        case BENCH_SPAN_PARENT_SPAN_ID:
            is_valid = id_length_is(field.value, 8);
            break;
        case BENCH_SPAN_EVENTS:
            is_valid = check_with_attributes(field.value, 3);
            break;
        case BENCH_SPAN_LINKS:
            is_valid = check_with_attributes(field.value, 4);
            break;
        case BENCH_SPAN_STATUS:
            is_valid = check_status(field.value);
            break;
        default:
            break;
        }
        if (!is_valid) {
            return false;
        }
    }
    return true;
}

static bool check_scope_spans(struct bench_range range, uint64_t *span_count)
{
    struct bench_field field;
    while (range.at < range.end) {
        if (!bench_walk_next(&range, &field)) {
            return false;
        }
        if (field.number > 3) {
            continue;
        }
        if (field.wire_type != 2) {
            return false;
        }
        if (field.number == BENCH_SCOPE_SPANS_SPANS) {
            if (!check_span(field.value)) {
                return false;
            }
            ++*span_count;
        } else if (field.number == BENCH_SCOPE_SPANS_SCOPE && !check_with_attributes(field.value, 3)) {
            return false;
        }
    }
    return true;
}

static bool check_resource_spans(struct bench_range range, uint64_t *span_count)
{
    struct bench_field field;
    while (range.at < range.end) {
        if (!bench_walk_next(&range, &field)) {
            return false;
        }
        if (field.number > 3) {
            continue;
        }
        if (field.wire_type != 2) {
            return false;
        }
        if (field.number == BENCH_RESOURCE_SPANS_SCOPE_SPANS && !check_scope_spans(field.value, span_count)) {
            return false;
        }
        if (field.number == BENCH_RESOURCE_SPANS_RESOURCE && !check_with_attributes(field.value, 1)) {
            return false;
        }
    }
    return true;
}

bool bench_check_request(struct bench_range request, uint64_t *out_span_count)
{
    struct bench_field field;
    uint64_t span_count = 0;
    while (request.at < request.end) {
        if (!bench_walk_next(&request, &field)) {
            return false;
        }
        if (field.number == BENCH_REQUEST_RESOURCE_SPANS &&
            (field.wire_type != 2 || !check_resource_spans(field.value, &span_count))) {
            return false;
        }
    }
    *out_span_count = span_count;
    return true;
}
