/* Numbers as texts (text_number.h). */
#include "ottl/text_number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_DIGITS = 17, NUMBER_BYTES = 40 };

/* d.ddde[+-]xx. */
static void format_shortest(double value, char *out_text)
{
    int digits = 1;
    do {
        snprintf(out_text, NUMBER_BYTES, "%.*e", digits - 1, value);
    } while (strtod(out_text, NULL) != value && ++digits <= MAX_DIGITS);
}

void weft_ottl_put_shortest(struct weft_buffer *out, double value, char verb)
{
    enum { SMALLEST_EXPONENT = -4, LARGEST_EXPONENT = 20 };
    char text[NUMBER_BYTES];
    if (isnan(value) || isinf(value)) {
        weft_buffer_append_text(out, isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
        return;
    }
    format_shortest(value, text);
    char *mark = strchr(text, 'e');
    int exponent = mark == NULL ? 0 : atoi(mark + 1);
    int digits = (int)(mark - text) - (text[0] == '-') - (strchr(text, '.') != NULL);
    if (verb != 'f' && (verb != 'g' || exponent < SMALLEST_EXPONENT || exponent > LARGEST_EXPONENT)) {
        weft_buffer_append_text(out, text);
        return;
    }
    int decimals = digits - 1 - exponent;
    char plain[400];
    snprintf(plain, sizeof plain, "%.*f", decimals > 0 ? decimals : 0, value);
    weft_buffer_append_text(out, plain);
}

static int digit_of(uint8_t byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    if (byte >= 'a' && byte <= 'z') {
        return byte - 'a' + 10;
    }
    return byte >= 'A' && byte <= 'Z' ? byte - 'A' + 10 : INT32_MAX;
}

/* Takes the prefix off. */
static int base_of_prefix(struct weft_slice *in_out_text)
{
    struct weft_slice text = *in_out_text;
    if (text.length < 1 || text.bytes[0] != '0') {
        return 10;
    }
    if (text.length >= 3) {
        uint8_t letter = text.bytes[1] | 0x20;
        int base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
        if (base != 0) {
            *in_out_text = weft_slice_of(text.bytes + 2, text.length - 2);
            return base;
        }
    }
    *in_out_text = weft_slice_of(text.bytes + 1, text.length - 1);
    return 8;
}

/* Underscores stand between digits, or between a prefix and digits. */
static bool are_underscores_right(struct weft_slice text, bool has_prefix)
{
    bool may_be = has_prefix;
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] == '_' && (!may_be || i + 1 == text.length)) {
            return false;
        }
        may_be = text.bytes[i] != '_';
    }
    return true;
}

bool weft_ottl_read_int(struct weft_slice text, int64_t base, int64_t *out_value)
{
    bool is_negative = text.length > 0 && text.bytes[0] == '-';
    if (text.length > 0 && (is_negative || text.bytes[0] == '+')) {
        text = weft_slice_of(text.bytes + 1, text.length - 1);
    }
    bool has_underscores = base == 0;
    size_t whole = text.length;
    if (whole == 0 || base == 1 || base < 0 || base > 36) {
        return false;
    }
    base = base == 0 ? base_of_prefix(&text) : base;
    if (has_underscores && !are_underscores_right(text, text.length < whole)) {
        return false;
    }
    uint64_t value = 0;
    uint64_t limit = is_negative ? UINT64_C(1) << 63 : INT64_MAX;
    for (size_t i = 0; i < text.length; i++) {
        if (has_underscores && text.bytes[i] == '_') {
            continue;
        }
        int digit = digit_of(text.bytes[i]);
        if (digit >= base || value > (limit - (uint64_t)digit) / (uint64_t)base) {
            return false;
        }
        value = value * (uint64_t)base + (uint64_t)digit;
    }
    *out_value = is_negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}
