/* Times that count from 1970 on (time_block.h). As in the Collector what stands behind the point of `s.ms` is a number
 * of milliseconds, not a fraction: 1.5 is one second and five milliseconds. */
#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "operators/time_block.h"
#include "wire/time.h"

/* A sign and digits, nothing else. */
static bool read_integer(struct weft_slice text, int64_t *out_number)
{
    size_t start = text.length > 0 && (text.bytes[0] == '-' || text.bytes[0] == '+');
    bool is_negative = start > 0 && text.bytes[0] == '-';
    int64_t number = 0;
    for (size_t i = start; i < text.length; i++) {
        int digit = text.bytes[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_sub_overflow(number, digit, &number)) {
            return false;
        }
    }
    *out_number = number; /* below zero, where there is room for one more */
    return text.length > start && (is_negative || !__builtin_sub_overflow(0, number, out_number));
}

static bool to_nanoseconds(int64_t seconds, int64_t parts, int64_t unit_ns, uint64_t *out_ns)
{
    int64_t nanos;
    if (__builtin_mul_overflow(parts, unit_ns, &nanos)) {
        return false;
    }
    int64_t whole = nanos / WEFT_NS_PER_S;
    int64_t rest = nanos % WEFT_NS_PER_S;
    if (rest < 0) {
        whole--;
        rest += WEFT_NS_PER_S;
    }
    *out_ns = 0;
    return !__builtin_add_overflow(seconds, whole, &seconds) &&
           weft_time_of_parts(seconds, rest, out_ns) != WEFT_TIME_PROBLEM_RANGE;
}

static bool read_parts(const struct weft_time_block *block, struct weft_slice text, uint64_t *out_ns)
{
    const uint8_t *point = text.length == 0 ? NULL : memchr(text.bytes, '.', text.length);
    int64_t seconds;
    int64_t parts;
    if (point == NULL) {
        return false;
    }
    size_t length = (size_t)(point - text.bytes);
    return read_integer(weft_slice_of(text.bytes, length), &seconds) &&
           read_integer(weft_slice_of(point + 1, text.length - length - 1), &parts) &&
           to_nanoseconds(seconds, parts, block->epoch_unit_ns, out_ns);
}

static bool read_count(const struct weft_time_block *block, int64_t count, uint64_t *out_ns)
{
    int64_t per_second = WEFT_NS_PER_S / block->epoch_unit_ns;
    return to_nanoseconds(count / per_second, count % per_second, block->epoch_unit_ns, out_ns);
}

static bool read_text(const struct weft_time_block *block, struct weft_slice text, uint64_t *out_ns)
{
    int64_t count;
    return block->form == WEFT_TIME_OF_EPOCH_PARTS ? read_parts(block, text, out_ns)
                                                   : read_integer(text, &count) && read_count(block, count, out_ns);
}

/* The Collector writes it ten characters wide and reads that: small ones have spaces before them and are none. */
static bool read_double(const struct weft_time_block *block, double number, uint64_t *out_ns)
{
    static const double limit = 9.2e18;
    char text[64];
    if (!(fabs(number) < limit)) {
        return false;
    }
    if (block->form == WEFT_TIME_OF_EPOCH) {
        return read_count(block, (int64_t)number, out_ns);
    }
    snprintf(text, sizeof text, "%10.*f", block->epoch_digits, number);
    return read_parts(block, weft_slice_of_text(text), out_ns);
}

bool weft_time_epoch_read(const struct weft_time_block *block, const struct weft_log_value *value, uint64_t *out_ns)
{
    switch (value->kind) {
    case WEFT_LOG_STRING:
    case WEFT_LOG_BYTES:
        return read_text(block, value->text, out_ns);
    case WEFT_LOG_INT:
        return block->form == WEFT_TIME_OF_EPOCH ? read_count(block, value->integer, out_ns)
                                                 : to_nanoseconds(value->integer, 0, 1, out_ns);
    case WEFT_LOG_DOUBLE:
        return read_double(block, value->real, out_ns);
    case WEFT_LOG_NIL:
    case WEFT_LOG_BOOL:
    case WEFT_LOG_LIST:
    case WEFT_LOG_MAP:
        return false;
    }
    return false;
}
