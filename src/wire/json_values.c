/* How numbers, bytes and keys look in OTLP/JSON (json_values.h). */
#include "wire/json_values.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/hex.h"

void weft_json_put_u64(struct weft_buffer *out, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    weft_buffer_append(out, digits + at, sizeof digits - at);
}

void weft_json_put_i64(struct weft_buffer *out, int64_t value)
{
    if (value < 0) {
        weft_buffer_append_byte(out, '-');
    }
    weft_json_put_u64(out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

/* Fifteen digits always survive, so if they say it all, nothing shorter does but their own form without
 * zeros, which %g gives. Subnormal numbers have fewer digits, so there every length is tried. */
void weft_json_put_double(struct weft_buffer *out, double value)
{
    if (isnan(value)) {
        weft_buffer_append_text(out, "\"NaN\"");
        return;
    }
    if (isinf(value)) {
        weft_buffer_append_text(out, value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
        return;
    }
    if (value == 0 && signbit(value)) {
        weft_buffer_append_text(out, "-0.0"); /* -0 is an integer to some readers, and integers have one zero */
        return;
    }
    char text[32];
    int digits = value != 0 && fabs(value) < DBL_MIN ? 1 : DBL_DIG;
    do {
        snprintf(text, sizeof text, "%.*g", digits, value);
    } while (strtod(text, NULL) != value && ++digits <= 17);
    weft_buffer_append_text(out, text);
}

void weft_json_put_base64(struct weft_buffer *out, struct weft_slice bytes)
{
    weft_buffer_append_byte(out, '"');
    weft_base64_append(out, bytes, WEFT_BASE64_STANDARD, true);
    weft_buffer_append_byte(out, '"');
}

void weft_json_put_hex(struct weft_buffer *out, struct weft_slice bytes)
{
    weft_buffer_append_byte(out, '"');
    weft_hex_append(out, bytes);
    weft_buffer_append_byte(out, '"');
}

void weft_json_put_key(struct weft_buffer *out, const char *field_name)
{
    size_t length = strlen(field_name);
    uint8_t *text = weft_buffer_reserve(out, length + 3);
    if (text == NULL) {
        return;
    }
    size_t at = 0;
    text[at++] = '"';
    for (size_t i = 0; i < length; i++) {
        bool is_word_start = field_name[i] == '_' && field_name[i + 1] >= 'a' && field_name[i + 1] <= 'z';
        i += is_word_start;
        text[at++] = (uint8_t)(is_word_start ? field_name[i] - 'a' + 'A' : field_name[i]);
    }
    text[at++] = '"';
    text[at++] = ':';
    out->length += at;
}
