/* Numbers in expressions (expression_internal.h), read and written as Go's strconv does. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "operators/expression_internal.h"

enum { MAX_DIGITS = 17, MAX_NUMBER_BYTES = 400 };

/* Digits of the base, up to the limit; false: others, none or too many. */
static bool read_digits(struct weft_slice text, unsigned base, uint64_t limit, uint64_t *out_number)
{
    uint64_t number = 0;
    for (size_t i = 0; i < text.length; i++) {
        char byte = (char)tolower(text.bytes[i]);
        unsigned digit = byte >= '0' && byte <= '9'   ? (unsigned)(byte - '0')
                         : byte >= 'a' && byte <= 'f' ? (unsigned)(byte - 'a') + 10
                                                      : base;
        if (digit >= base || number > (limit - digit) / base) {
            return false;
        }
        number = number * base + digit;
    }
    *out_number = number;
    return text.length > 0;
}

bool weft_expression_read_int(struct weft_slice text, int64_t *out_number)
{
    bool has_sign = text.length > 0 && (text.bytes[0] == '-' || text.bytes[0] == '+');
    bool is_negative = has_sign && text.bytes[0] == '-';
    struct weft_slice digits = weft_slice_of(text.bytes + has_sign, text.length - has_sign);
    uint64_t number = 0;
    if (!read_digits(digits, 10, (uint64_t)INT64_MAX + is_negative, &number)) {
        return false;
    }
    *out_number = is_negative ? (int64_t)(0 - number) : (int64_t)number;
    return true;
}

static bool read_word(const char *text, double *out_number)
{
    bool is_negative = text[0] == '-';
    const char *word = text + (text[0] == '-' || text[0] == '+');
    if (strcasecmp(word, "nan") == 0 && word == text) {
        *out_number = NAN;
        return true;
    }
    *out_number = is_negative ? -INFINITY : INFINITY;
    return strcasecmp(word, "inf") == 0 || strcasecmp(word, "infinity") == 0;
}

/* Decimal, as Go's ParseFloat; hexadecimal ones are no numbers here. */
bool weft_expression_read_double(struct weft_slice text, double *out_number)
{
    char copy[MAX_NUMBER_BYTES + 1];
    char *end = NULL;
    if (text.length == 0 || text.length > MAX_NUMBER_BYTES) {
        return false;
    }
    memcpy(copy, text.bytes, text.length);
    copy[text.length] = '\0';
    if (strspn(copy, "+-.0123456789eE") != text.length) {
        return strlen(copy) == text.length && read_word(copy, out_number);
    }
    double number = strtod(copy, &end);
    if (end != copy + text.length || isinf(number)) {
        return false;
    }
    *out_number = number;
    return true;
}

bool weft_expression_read_number(struct weft_slice text, struct weft_log_value *out_value)
{
    uint8_t plain[MAX_NUMBER_BYTES];
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] != '_') {
            if (length == sizeof plain) {
                return false;
            }
            plain[length++] = text.bytes[i];
        }
    }
    char letter = length > 1 && plain[0] == '0' ? (char)tolower(plain[1]) : '\0';
    unsigned base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;
    struct weft_slice digits = weft_slice_of(plain + (base == 10 ? 0 : 2), length - (base == 10 ? 0 : 2));
    bool is_double = base == 10 && (memchr(plain, '.', length) != NULL || memchr(plain, 'e', length) != NULL ||
                                    memchr(plain, 'E', length) != NULL);
    if (is_double) {
        out_value->kind = WEFT_LOG_DOUBLE;
        return weft_expression_read_double(digits, &out_value->real);
    }
    uint64_t number = 0;
    bool is_read = read_digits(digits, base, INT64_MAX, &number);
    *out_value = weft_expression_int((int64_t)number);
    return is_read;
}

/* The fewest digits that read back as the same number. */
void weft_expression_format_number(double value, char *out_text)
{
    enum { SIZE = 32, PLAIN_DIGITS = 6 };
    if (!isfinite(value)) {
        snprintf(out_text, SIZE, "%s", isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
        return;
    }
    int digits = 0;
    do {
        snprintf(out_text, SIZE, "%.*e", digits, value);
    } while (strtod(out_text, NULL) != value && ++digits < MAX_DIGITS);
    int exponent = atoi(strchr(out_text, 'e') + 1);
    if (exponent >= -4 && exponent < PLAIN_DIGITS) {
        snprintf(out_text, SIZE, "%.*f", digits > exponent ? digits - exponent : 0, value);
    }
}
