/* Durations in the form that Go prints and reads: "1h2m3.5s". Used by every timeout and interval of a config. */
#include "config/duration.h"

#include <stddef.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t ns;
};

/* Longer names first where one begins another. Both micro signs that Unicode has are in use. */
static const struct unit units[] = {
    { "ns", 1 },
    { "us", 1000 },
    { "\xc2\xb5s", 1000 },
    { "\xce\xbcs", 1000 },
    { "ms", 1000000 },
    { "s", 1000000000 },
    { "m", UINT64_C(60) * 1000000000 },
    { "h", UINT64_C(3600) * 1000000000 },
};

static const struct unit *unit_at(const char *text)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(units); i++) {
        if (strncmp(text, units[i].name, strlen(units[i].name)) == 0) {
            return &units[i];
        }
    }
    return NULL;
}

static bool is_digit(char letter)
{
    return letter >= '0' && letter <= '9';
}

/* Digits after the point. Those beyond what 64 bits hold are below a nanosecond of any unit and are dropped. */
static const char *read_fraction(const char *text, uint64_t *out_value, double *out_scale)
{
    uint64_t value = 0;
    double scale = 1;
    for (; is_digit(*text); text++) {
        if (value < UINT64_MAX / 10 - 1) {
            value = value * 10 + (uint64_t)(*text - '0');
            scale *= 10;
        }
    }
    *out_value = value;
    *out_scale = scale;
    return text;
}

/* One number with its unit; returns what follows, or NULL. */
static const char *read_part(const char *text, uint64_t *total_ns)
{
    uint64_t whole = 0;
    const char *at = text;
    for (; is_digit(*at); at++) {
        if (__builtin_mul_overflow(whole, 10, &whole) || __builtin_add_overflow(whole, (uint64_t)(*at - '0'), &whole)) {
            return NULL;
        }
    }
    bool has_digits = at > text;
    uint64_t fraction = 0;
    double scale = 1;
    if (*at == '.') {
        const char *end = read_fraction(at + 1, &fraction, &scale);
        has_digits = has_digits || end > at + 1;
        at = end;
    }
    const struct unit *unit = has_digits ? unit_at(at) : NULL;
    if (unit == NULL || __builtin_mul_overflow(whole, unit->ns, &whole) ||
        __builtin_add_overflow(whole, (uint64_t)((double)fraction * ((double)unit->ns / scale)), &whole) ||
        __builtin_add_overflow(*total_ns, whole, total_ns)) {
        return NULL;
    }
    return at + strlen(unit->name);
}

bool weft_duration_parse(const char *text, int64_t *out_ns)
{
    bool is_negative = *text == '-';
    text += is_negative || *text == '+';
    uint64_t total_ns = 0;
    if (strcmp(text, "0") == 0) {
        *out_ns = 0;
        return true;
    }
    if (*text == '\0') {
        return false;
    }
    while (text != NULL && *text != '\0') {
        text = read_part(text, &total_ns);
    }
    if (text == NULL || total_ns > (uint64_t)INT64_MAX + is_negative) {
        return false;
    }
    *out_ns = is_negative ? (int64_t)(0 - total_ns) : (int64_t)total_ns;
    return true;
}
