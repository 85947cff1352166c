/* JSON's numbers and texts as binary values (json_convert.h). Integers are never read through a double. */
#include "wire/json_convert.h"

#include <math.h>
#include <stdlib.h>

/* A whole number without the zeros at its end: digits * 10^exponent10. */
struct integer {
    uint64_t digits;
    int64_t exponent10;
};

static bool append_digit(struct integer *integer, unsigned digit)
{
    return !__builtin_mul_overflow(integer->digits, 10u, &integer->digits) &&
           !__builtin_add_overflow(integer->digits, digit, &integer->digits);
}

/* From the text, for more digits than the mantissa holds. Zeros count when another digit follows, so that
 * 1000000000000000000000e-3 fits. False: more digits than any 64-bit integer has. */
static bool read_integer(const struct weft_json_number *number, struct integer *out_integer)
{
    struct integer integer = { 0, number->exponent10 };
    int64_t zeros = 0;
    for (size_t i = number->is_negative; i < number->text.length; i++) {
        uint8_t byte = number->text.bytes[i];
        if ((byte | 32) == 'e') {
            break;
        }
        if (byte == '.') {
            continue;
        }
        zeros++;
        if (byte == '0') {
            continue;
        }
        for (; zeros > 1 && integer.digits > 0; zeros--) {
            if (!append_digit(&integer, 0)) {
                return false;
            }
        }
        zeros = 0;
        if (!append_digit(&integer, byte - '0')) {
            return false;
        }
    }
    integer.exponent10 += zeros;
    *out_integer = integer;
    return true;
}

bool weft_json_to_magnitude(const struct weft_json_number *number, uint64_t *out_magnitude)
{
    struct integer integer = { number->mantissa, number->exponent10 };
    if (!number->is_exact && !read_integer(number, &integer)) {
        return false;
    }
    if (integer.digits == 0) {
        integer.exponent10 = 0;
    }
    for (; integer.exponent10 < 0; integer.exponent10++) {
        if (integer.digits % 10 != 0) {
            return false;
        }
        integer.digits /= 10;
    }
    for (; integer.exponent10 > 0; integer.exponent10--) {
        if (!append_digit(&integer, 0)) {
            return false;
        }
    }
    *out_magnitude = integer.digits;
    return true;
}

bool weft_json_to_double(const struct weft_json_number *number, double *out_value)
{
    static const double powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                     1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    int64_t exponent10 = number->exponent10;
    /* Both factors are exact, so the one rounding is the right one (Clinger 1990). */
    if (number->is_exact && number->mantissa <= UINT64_C(1) << 53 && exponent10 >= -22 && exponent10 <= 22) {
        double value = (double)number->mantissa;
        value = exponent10 < 0 ? value / powers[-exponent10] : value * powers[exponent10];
        *out_value = number->is_negative ? -value : value;
        return true;
    }
    double value = strtod((const char *)number->text.bytes, NULL);
    *out_value = value;
    return !isinf(value);
}
