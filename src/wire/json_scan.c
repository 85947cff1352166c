/* The tokens of strict JSON (json_scan.h). The hot loop is that of strings: sixteen bytes at a time until a
 * quote, a backslash, a control character or the start of a sequence of UTF-8. */
#include "wire/json_scan.h"

#include "base/hex.h"
#include "base/utf8.h"
#include "base/work.h"

enum { ESCAPE_BYTES = 6 }; /* what one costs, as plain bytes */

static const char cut_off[] = "the text ends here: it is cut off";

__attribute__((cold, noinline)) static const uint8_t *fail(struct weft_json_fault *fault, const uint8_t *at,
                                                           const char *reason)
{
    *fault = (struct weft_json_fault){ .at = at, .reason = reason };
    return NULL;
}

const uint8_t *weft_json_skip_space_long(const uint8_t *at, const uint8_t *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) {
        at++;
    }
    return at;
}

/* at is the backslash. */
static const uint8_t *scan_escape(const uint8_t *at, const uint8_t *end, struct weft_json_fault *fault)
{
    if (end - at < 2) {
        return fail(fault, end, cut_off);
    }
    if (at[1] != 'u') {
        bool is_known = at[1] != 0 && strchr("\"\\/bfnrt", at[1]) != NULL;
        return is_known ? at + 2 : fail(fault, at, "\\ is followed by one of \"\\/bfnrtu");
    }
    for (size_t i = 2; i < 6; i++) {
        if (at + i == end) {
            return fail(fault, end, cut_off);
        }
        if (weft_hex_value(at[i]) < 0) {
            return fail(fault, at, "\\u is followed by four hex digits");
        }
    }
    return at + 6;
}

const uint8_t *weft_json_scan_string_long(const uint8_t *at, const uint8_t *end, bool *out_has_escapes,
                                          struct weft_json_fault *fault)
{
    bool has_escapes = false;
    for (;;) {
        at = weft_json_skip_plain(at, end);
        if (WEFT_UNLIKELY(at == end)) {
            return fail(fault, end, cut_off);
        }
        uint8_t byte = *at;
        if (byte == '"') {
            *out_has_escapes = has_escapes;
            return at;
        }
        if (byte == '\\') {
            has_escapes = true;
            weft_work_did(ESCAPE_BYTES);
            at = scan_escape(at, end, fault);
            if (at == NULL) {
                return NULL;
            }
        } else if (byte >= 0x80) {
            size_t length = weft_utf8_character_length(at, end);
            if (length == 0 && !fault->takes_bad_text) {
                return fail(fault, at, "text must be UTF-8");
            }
            fault->has_bad_text |= length == 0;
            weft_work_did(ESCAPE_BYTES);
            at += length == 0 ? 1 : length;
        } else if (byte < ' ') {
            return fail(fault, at, "a control character must be escaped");
        } else {
            at++;
        }
    }
}

static uint32_t hex4(const uint8_t *at)
{
    uint32_t value = 0;
    for (size_t i = 0; i < 4; i++) {
        value = value << 4 | (uint32_t)weft_hex_value(at[i]);
    }
    return value;
}

/* at is after "\u". A pair of surrogates is one code point; half of one is not text: JavaScript can send it,
 * no reader of protobuf takes it. */
static const uint8_t *take_unicode(const uint8_t *at, const uint8_t *end, uint32_t *out_code)
{
    uint32_t code = hex4(at);
    at += 4;
    if (code < 0xd800 || code > 0xdfff) {
        *out_code = code;
        return at;
    }
    uint32_t low = code < 0xdc00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u' ? hex4(at + 2) : 0;
    if (low >= 0xdc00 && low <= 0xdfff) {
        *out_code = 0x10000 + ((code - 0xd800) << 10 | (low - 0xdc00));
        return at + 6;
    }
    *out_code = 0xfffd;
    return at;
}

static uint8_t unescaped(uint8_t letter)
{
    switch (letter) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return letter;
    }
}

uint8_t *weft_json_unescape(uint8_t *to, struct weft_slice contents)
{
    const uint8_t *at = contents.bytes;
    const uint8_t *end = at + contents.length;
    while (at < end) {
        const uint8_t *escape = memchr(at, '\\', (size_t)(end - at));
        size_t length = (size_t)((escape == NULL ? end : escape) - at);
        weft_work_did(length + ESCAPE_BYTES);
        memmove(to, at, length);
        to += length;
        at += length;
        if (escape == NULL) {
            return to;
        }
        if (at[1] == 'u') {
            uint32_t code;
            at = take_unicode(at + 2, end, &code);
            to = weft_utf8_put(to, code);
        } else {
            *to++ = unescaped(at[1]);
            at += 2;
        }
    }
    return to;
}

static inline bool is_digit(const uint8_t *at, const uint8_t *end)
{
    return at < end && (uint8_t)(*at - '0') < 10;
}

/* Digits from at on go into the mantissa as long as it holds them. Returns the byte after the last one. */
static inline const uint8_t *take_digits(const uint8_t *at, const uint8_t *end, struct weft_json_number *number)
{
    uint64_t mantissa = number->mantissa;
    uint64_t eight;
    while (end - at >= 8 && mantissa < UINT64_C(10000000000) && weft_json_take_eight_digits(at, &eight)) {
        mantissa = mantissa * 100000000 + eight;
        at += 8;
    }
    for (; is_digit(at, end); at++) {
        if (WEFT_UNLIKELY(mantissa >= UINT64_C(1000000000000000000))) {
            number->is_exact = false;
            break;
        }
        mantissa = mantissa * 10 + (uint64_t)(*at - '0');
    }
    number->mantissa = mantissa;
    while (is_digit(at, end)) {
        at++;
    }
    return at;
}

/* at is the e. Exponents beyond any number's are all the same: too large. */
static const uint8_t *take_exponent(const uint8_t *at, const uint8_t *end, struct weft_json_number *number,
                                    struct weft_json_fault *fault)
{
    at++;
    bool is_negative = at < end && *at == '-';
    at += at < end && (*at == '-' || *at == '+');
    if (!is_digit(at, end)) {
        return fail(fault, at, at == end ? cut_off : "an exponent has a digit");
    }
    int64_t exponent = 0;
    for (; is_digit(at, end); at++) {
        exponent = exponent < INT64_C(1000000000000000) ? exponent * 10 + (*at - '0') : exponent;
    }
    number->exponent10 += is_negative ? -exponent : exponent;
    return at;
}

const uint8_t *weft_json_scan_number(const uint8_t *at, const uint8_t *end, struct weft_json_number *out_number,
                                     struct weft_json_fault *fault)
{
    const uint8_t *start = at;
    struct weft_json_number number = { .is_exact = true };
    if (at < end && *at == '-') {
        number.is_negative = true;
        at++;
    }
    if (!is_digit(at, end)) {
        return fail(fault, at, at == end ? cut_off : "a number begins with a digit");
    }
    if (*at == '0') {
        at++;
        if (is_digit(at, end)) {
            return fail(fault, at, "a number has no leading zeros");
        }
    } else {
        at = take_digits(at, end, &number);
    }
    if (at < end && *at == '.') {
        const uint8_t *fraction = at + 1;
        if (!is_digit(fraction, end)) {
            return fail(fault, fraction, fraction == end ? cut_off : "a point is followed by a digit");
        }
        at = take_digits(fraction, end, &number);
        number.exponent10 = -(int64_t)(at - fraction);
    }
    if (at < end && (*at | 32) == 'e') {
        at = take_exponent(at, end, &number, fault);
        if (at == NULL) {
            return NULL;
        }
    }
    number.text = weft_slice_of(start, (size_t)(at - start));
    *out_number = number;
    return at;
}

const uint8_t *weft_json_scan_literal(const uint8_t *at, const uint8_t *end, const char *literal,
                                      struct weft_json_fault *fault)
{
    for (const uint8_t *start = at; *literal != 0; literal++, at++) {
        if (at == end) {
            return fail(fault, end, cut_off);
        }
        if (*at != (uint8_t)*literal) {
            return fail(fault, start, "a word is one of true, false, null");
        }
    }
    return at;
}
