/* Numbers of a page (prometheus_number.h): digits and an exponent first, then the form. */
#include "exporters/prometheus_number.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { DIGITS_MAX = 17, TEXT_BYTES = 48, EXPONENT_FROM = 6, EXPONENT_BELOW = -4 };

struct digits {
    char text[TEXT_BYTES];
    int count;
    int exponent; /* of the first digit */
};

static void drop_zeros(struct digits *digits)
{
    while (digits->count > 1 && digits->text[digits->count - 1] == '0') {
        digits->count--;
    }
}

/* Most values are whole numbers, which need no search. */
static bool take_whole(double value, struct digits *out_digits)
{
    const double exact = 9007199254740992.0; /* 2^53 */
    if (value >= exact || value != floor(value)) {
        return false;
    }
    out_digits->count = snprintf(out_digits->text, sizeof out_digits->text, "%" PRIu64, (uint64_t)value);
    out_digits->exponent = out_digits->count - 1;
    drop_zeros(out_digits);
    return true;
}

/* Fifteen digits always survive; subnormal numbers have fewer. */
static void take_shortest(double value, struct digits *out_digits)
{
    char text[TEXT_BYTES];
    int count = value < DBL_MIN ? 1 : DBL_DIG;
    do {
        snprintf(text, sizeof text, "%.*e", count - 1, value);
    } while (strtod(text, NULL) != value && ++count <= DIGITS_MAX);
    const char *at = text;
    out_digits->count = 0;
    for (; *at != 'e' && *at != '\0'; at++) {
        if (*at != '.') {
            out_digits->text[out_digits->count++] = *at;
        }
    }
    out_digits->exponent = *at == 'e' ? atoi(at + 1) : 0;
    drop_zeros(out_digits);
}

static void put_zeros(int count, struct weft_buffer *out)
{
    for (int i = 0; i < count; i++) {
        weft_buffer_append_byte(out, '0');
    }
}

static void put_plain(const struct digits *digits, struct weft_buffer *out)
{
    int before = digits->exponent + 1; /* digits before the point */
    if (before <= 0) {
        weft_buffer_append_text(out, "0.");
        put_zeros(-before, out);
        weft_buffer_append(out, digits->text, (size_t)digits->count);
    } else if (digits->count <= before) {
        weft_buffer_append(out, digits->text, (size_t)digits->count);
        put_zeros(before - digits->count, out);
    } else {
        weft_buffer_append(out, digits->text, (size_t)before);
        weft_buffer_append_byte(out, '.');
        weft_buffer_append(out, digits->text + before, (size_t)(digits->count - before));
    }
}

static void put_with_exponent(const struct digits *digits, struct weft_buffer *out)
{
    weft_buffer_append(out, digits->text, 1);
    if (digits->count > 1) {
        weft_buffer_append_byte(out, '.');
        weft_buffer_append(out, digits->text + 1, (size_t)(digits->count - 1));
    }
    weft_buffer_append_format(out, "e%c%02d", digits->exponent < 0 ? '-' : '+', abs(digits->exponent));
}

static void put(double value, bool is_real, struct weft_buffer *out)
{
    if (isnan(value) || isinf(value)) {
        weft_buffer_append_text(out, isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
        return;
    }
    struct digits digits = { .text = "0", .count = 1 };
    double size = fabs(value);
    if (!take_whole(size, &digits)) {
        take_shortest(size, &digits);
    }
    weft_buffer_append_text(out, value < 0 ? "-" : "");
    if (digits.exponent < EXPONENT_BELOW || digits.exponent >= EXPONENT_FROM) {
        put_with_exponent(&digits, out);
        return;
    }
    put_plain(&digits, out);
    weft_buffer_append_text(out, is_real && digits.count <= digits.exponent + 1 ? ".0" : "");
}

void weft_prometheus_put_number(double value, struct weft_buffer *out)
{
    put(value, false, out);
}

void weft_prometheus_put_real(double value, struct weft_buffer *out)
{
    put(value, true, out);
}
