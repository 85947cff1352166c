/* Types of plain YAML scalars, by the rules of the Collector's reader (go.yaml.in/yaml/v3, resolve.go): YAML 1.2 words
 * for bool and null, integers in any Go base with underscores, floats. Timestamps stay strings: no component has a time
 * as a config value. Called by yaml.c and for default texts. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "config/node_internal.h"

enum { NUMBER_MAX_BYTES = 512 }; /* of digits; longer texts are strings */

static bool is_one_of(const char *text, const char *const words[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool resolve_word(struct weft_node *node, const char *text)
{
    static const char *const null_words[] = { "", "~", "null", "Null", "NULL" };
    static const char *const true_words[] = { "true", "True", "TRUE" };
    static const char *const false_words[] = { "false", "False", "FALSE" };
    static const char *const nan_words[] = { ".nan", ".NaN", ".NAN" };
    static const char *const infinity_words[] = { ".inf", ".Inf", ".INF" };
    if (is_one_of(text, null_words, WEFT_COUNT_OF(null_words))) {
        node->kind = WEFT_NODE_NULL;
        return true;
    }
    bool is_true = is_one_of(text, true_words, WEFT_COUNT_OF(true_words));
    if (is_true || is_one_of(text, false_words, WEFT_COUNT_OF(false_words))) {
        node->kind = WEFT_NODE_BOOL;
        node->value.boolean = is_true;
        return true;
    }
    bool has_sign = text[0] == '-' || text[0] == '+';
    bool is_infinity = is_one_of(text + has_sign, infinity_words, WEFT_COUNT_OF(infinity_words));
    if (is_infinity || is_one_of(text, nan_words, WEFT_COUNT_OF(nan_words))) {
        node->kind = WEFT_NODE_DOUBLE;
        node->value.real = !is_infinity ? NAN : text[0] == '-' ? -INFINITY : INFINITY;
        return true;
    }
    return false;
}

/* The base that a Go integer literal names, and where its digits start. A lone leading 0 means octal, as in YAML 1.1.
 */
static unsigned base_of(const char *digits, const char **out_digits)
{
    static const struct {
        char letter;
        unsigned base;
    } prefixes[] = { { 'x', 16 }, { 'o', 8 }, { 'b', 2 } };
    *out_digits = digits;
    if (digits[0] != '0' || digits[1] == '\0') {
        return 10;
    }
    for (size_t i = 0; i < WEFT_COUNT_OF(prefixes); i++) {
        if ((digits[1] | 0x20) == prefixes[i].letter) {
            *out_digits = digits + 2;
            return prefixes[i].base;
        }
    }
    *out_digits = digits + 1;
    return 8;
}

static bool resolve_integer(struct weft_node *node, const char *plain)
{
    bool is_negative = plain[0] == '-';
    bool has_sign = is_negative || plain[0] == '+';
    const char *digits;
    unsigned base = base_of(plain + has_sign, &digits);
    if (*digits == '\0') {
        return false;
    }
    uint64_t magnitude = 0;
    for (; *digits != '\0'; digits++) {
        unsigned digit = (unsigned)weft_hex_value((uint8_t)*digits); /* beyond any base if it is none */
        if (digit >= base || __builtin_mul_overflow(magnitude, base, &magnitude) ||
            __builtin_add_overflow(magnitude, digit, &magnitude)) {
            return false;
        }
    }
    /* Go reads what does not fit int64 as uint64, and that only without a sign. */
    if (has_sign && magnitude > (uint64_t)INT64_MAX + is_negative) {
        return false;
    }
    node->kind = WEFT_NODE_INT;
    node->is_negative = is_negative && magnitude > 0;
    node->value.magnitude = magnitude;
    return true;
}

static const char *skip_digits(const char *text)
{
    while (*text >= '0' && *text <= '9') {
        text++;
    }
    return text;
}

/* [-+]? ( .digits | digits [. digits?] ) ( e [-+]? digits )? */
static bool is_float_form(const char *text)
{
    text += *text == '-' || *text == '+';
    const char *after = skip_digits(text);
    bool has_digits = after > text;
    if (*after == '.') {
        text = after + 1;
        after = skip_digits(text);
        has_digits = has_digits || after > text;
    }
    if (!has_digits) {
        return false;
    }
    if (*after == 'e' || *after == 'E') {
        text = after + 1;
        text += *text == '-' || *text == '+';
        after = skip_digits(text);
        if (after == text) {
            return false;
        }
    }
    return *after == '\0';
}

static bool resolve_float(struct weft_node *node, const char *plain)
{
    if (!is_float_form(plain)) {
        return false;
    }
    double value = strtod(plain, NULL);
    if (!isfinite(value)) {
        return false;
    }
    node->kind = WEFT_NODE_DOUBLE;
    node->value.real = value;
    return true;
}

/* Underscores group digits, but not in a number that starts with its point. */
static bool copy_without_underscores(const char *text, char *out_plain, size_t size_bytes)
{
    size_t length = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '_' && text[0] != '.') {
            continue;
        }
        if (length + 1 >= size_bytes) {
            return false;
        }
        out_plain[length++] = *at;
    }
    out_plain[length] = '\0';
    return true;
}

void weft_node_resolve_plain(struct weft_node *node, const char *text)
{
    node->text = text;
    if (resolve_word(node, text)) {
        return;
    }
    bool starts_like_number = (text[0] >= '0' && text[0] <= '9') || text[0] == '-' || text[0] == '+' || text[0] == '.';
    char plain[NUMBER_MAX_BYTES];
    if (starts_like_number && copy_without_underscores(text, plain, sizeof plain) &&
        ((text[0] != '.' && resolve_integer(node, plain)) || resolve_float(node, plain))) {
        return;
    }
    node->kind = WEFT_NODE_STRING;
}
