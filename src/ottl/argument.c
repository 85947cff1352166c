/* What parameters take (function.h). What a `like` makes of a value is what the Collector's getters make of it. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/assert.h"
#include "base/hex.h"
#include "ottl/function.h"
#include "ottl/text_number.h"
#include "wire/time_layout.h"

static enum weft_status expect(struct weft_ottl_run *run, const struct weft_ottl_value *value,
                               enum weft_ottl_kind expected)
{
    return value->kind == expected ? WEFT_OK
                                   : weft_fail(&run->error, WEFT_INVALID, "expected %s but got %s",
                                               weft_ottl_kind_text(expected), weft_ottl_kind_text(value->kind));
}

static enum weft_status refuse(struct weft_ottl_run *run, const struct weft_ottl_value *value, const char *what)
{
    return weft_fail(&run->error, WEFT_INVALID, "%s cannot be made of %s", what, weft_ottl_kind_text(value->kind));
}

/* ---- strings ---- */

static enum weft_status keep(struct weft_ottl_run *run, const char *text, struct weft_ottl_value *in_out_value)
{
    size_t length = strlen(text);
    uint8_t *bytes = weft_ottl_run_take(run, length + 1);
    if (bytes == NULL) {
        return WEFT_NOMEM;
    }
    memcpy(bytes, text, length);
    *in_out_value = weft_ottl_string(weft_slice_of(bytes, length));
    return WEFT_OK;
}

static enum weft_status take_hex(struct weft_ottl_run *run, struct weft_ottl_value *in_out_value)
{
    struct weft_slice from = in_out_value->bytes;
    uint8_t *text = weft_ottl_run_take(run, from.length * 2 + 1);
    if (text == NULL) {
        return WEFT_NOMEM;
    }
    weft_hex_put(text, from);
    *in_out_value = weft_ottl_string(weft_slice_of(text, from.length * 2));
    return WEFT_OK;
}

/* In quotes, as JSON has it: RFC 3339 with as many digits behind the second as there are. */
static enum weft_status take_time(struct weft_ottl_run *run, struct weft_ottl_value *in_out_value)
{
    enum { MAX_YEAR = 9999, MINUTE = 60 };
    char text[64], fraction[16] = "", zone[8] = "Z";
    struct weft_time_clock clock = { .seconds = in_out_value->time.seconds,
                                     .nanos = (uint32_t)in_out_value->time.nanos,
                                     .offset_s = in_out_value->time.east_of_utc_seconds };
    struct weft_time_date date = weft_time_date_of(&clock);
    if (date.year < 0 || date.year > MAX_YEAR) {
        return refuse(run, in_out_value, "a text");
    }
    if (clock.nanos != 0) {
        int length = snprintf(fraction, sizeof fraction, ".%09u", (unsigned)clock.nanos);
        while (length > 1 && fraction[length - 1] == '0') {
            fraction[--length] = '\0';
        }
    }
    if (clock.offset_s != 0) {
        int minutes = abs(clock.offset_s) / MINUTE;
        snprintf(zone, sizeof zone, "%c%02d:%02d", clock.offset_s < 0 ? '-' : '+', minutes / MINUTE % 100,
                 minutes % MINUTE);
    }
    snprintf(text, sizeof text, "\"%04d-%02d-%02dT%02d:%02d:%02d%s%s\"", (int)date.year, date.month, date.day,
             date.hour, date.minute, date.second, fraction, zone);
    return keep(run, text, in_out_value);
}

/* As JSON writes an array of bytes. */
static enum weft_status take_id(struct weft_ottl_run *run, struct weft_ottl_value *in_out_value)
{
    char text[96];
    size_t length = 0;
    for (size_t i = 0; i < in_out_value->bytes.length; i++) {
        length += (size_t)snprintf(text + length, sizeof text - length, "%c%u", i == 0 ? '[' : ',',
                                   in_out_value->bytes.bytes[i]);
    }
    snprintf(text + length, sizeof text - length, "]");
    return keep(run, text, in_out_value);
}

/* As JSON does it here: exponents have two digits. */
static enum weft_status take_double(struct weft_ottl_run *run, struct weft_ottl_value *in_out_value)
{
    double magnitude = fabs(in_out_value->real);
    bool is_plain = magnitude == 0 || (magnitude >= 1e-6 && magnitude < 1e21);
    if (!isfinite(in_out_value->real)) {
        return refuse(run, in_out_value, "a text");
    }
    weft_buffer_clear(&run->text);
    weft_ottl_put_shortest(&run->text, in_out_value->real, is_plain ? 'f' : 'e');
    weft_buffer_append_byte(&run->text, 0);
    return weft_buffer_status(&run->text) == WEFT_OK ? keep(run, (const char *)run->text.bytes, in_out_value)
                                                     : WEFT_NOMEM;
}

static bool is_html(uint8_t byte)
{
    return byte == '<' || byte == '>' || byte == '&';
}

/* JSON that may stand in HTML, as Go's encoder writes it unless it is told not to. */
static enum weft_status escape_for_html(struct weft_ottl_run *run, struct weft_slice *in_out_text)
{
    enum { ESCAPE_BYTES = 6 };
    size_t count = 0, length = 0;
    for (size_t i = 0; i < in_out_text->length; i++) {
        weft_work_did_each(i + 1);
        count += is_html(in_out_text->bytes[i]);
    }
    if (count == 0) {
        return WEFT_OK;
    }
    uint8_t *text = weft_ottl_run_take(run, in_out_text->length + count * (ESCAPE_BYTES - 1) + 1);
    if (text == NULL) {
        return WEFT_NOMEM;
    }
    for (size_t i = 0; i < in_out_text->length; i++) {
        uint8_t byte = in_out_text->bytes[i];
        weft_work_did_each(i + 1);
        if (is_html(byte)) {
            length += (size_t)snprintf((char *)text + length, ESCAPE_BYTES + 1, "\\u00%02x", byte);
        } else {
            text[length++] = byte;
        }
    }
    *in_out_text = weft_slice_of(text, length);
    return WEFT_OK;
}

static enum weft_status take_string_like(struct weft_ottl_run *run, struct weft_ottl_value *in_out_value)
{
    char number[32];
    enum weft_status status;
    switch (in_out_value->kind) {
    case WEFT_OTTL_NIL:
    case WEFT_OTTL_STRING:
        return WEFT_OK;
    case WEFT_OTTL_BYTES:
        return take_hex(run, in_out_value);
    case WEFT_OTTL_DURATION:
        snprintf(number, sizeof number, "%lld", (long long)in_out_value->integer);
        return keep(run, number, in_out_value);
    case WEFT_OTTL_TIME:
        return take_time(run, in_out_value);
    case WEFT_OTTL_DOUBLE:
        return take_double(run, in_out_value);
    case WEFT_OTTL_BOOL:
    case WEFT_OTTL_INT:
    case WEFT_OTTL_MAP:
    case WEFT_OTTL_LIST:
        break;
    case WEFT_OTTL_TRACE_ID:
    case WEFT_OTTL_SPAN_ID:
        return take_id(run, in_out_value);
    case WEFT_OTTL_MESSAGE:
    case WEFT_OTTL_MESSAGES:
        *in_out_value = weft_ottl_string(WEFT_SLICE_LITERAL("{}")); /* Go's encoder sees nothing in them */
        return WEFT_OK;
    case WEFT_OTTL_FUNCTION:
    case WEFT_OTTL_ABSENT:
        return refuse(run, in_out_value, "a text");
    }
    bool is_json = in_out_value->kind == WEFT_OTTL_MAP || in_out_value->kind == WEFT_OTTL_LIST;
    struct weft_slice text;
    status = weft_ottl_value_text(run, in_out_value, &text);
    if (status == WEFT_OK && is_json) {
        status = escape_for_html(run, &text);
    }
    if (status == WEFT_OK) {
        *in_out_value = weft_ottl_string(text);
    }
    return status;
}

/* ---- numbers ---- */

/* As Go's ParseInt with base 10. */
static bool read_int(struct weft_slice text, int64_t *out_number)
{
    bool has_sign = text.length > 0 && (text.bytes[0] == '-' || text.bytes[0] == '+');
    bool is_negative = has_sign && text.bytes[0] == '-';
    int64_t number = 0;
    for (size_t i = has_sign; i < text.length; i++) {
        int digit = text.bytes[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, is_negative ? -digit : digit, &number)) {
            return false;
        }
    }
    *out_number = number;
    return text.length > (size_t)has_sign;
}

/* As Go's conversion on amd64: what does not fit is the least number. */
static int64_t int_of_double(double real)
{
    return real >= -9223372036854775808.0 && real < 9223372036854775808.0 ? (int64_t)real : INT64_MIN;
}

static enum weft_status take_int_like(struct weft_ottl_run *run, struct weft_ottl_value *in_out_value)
{
    int64_t number = 0;
    switch (in_out_value->kind) {
    case WEFT_OTTL_NIL:
    case WEFT_OTTL_INT:
        return WEFT_OK;
    case WEFT_OTTL_STRING:
        *in_out_value = read_int(in_out_value->bytes, &number) ? weft_ottl_int(number) : weft_ottl_nil();
        return WEFT_OK;
    case WEFT_OTTL_DOUBLE:
        *in_out_value = weft_ottl_int(int_of_double(in_out_value->real));
        return WEFT_OK;
    case WEFT_OTTL_BOOL:
        *in_out_value = weft_ottl_int(in_out_value->boolean);
        return WEFT_OK;
    default:
        return refuse(run, in_out_value, "an int");
    }
}

static bool is_word_of_float(const char *text)
{
    static const char *const words[] = { "inf", "infinity", "nan" };
    const char *bare = text + (*text == '+' || *text == '-');
    for (size_t i = 0; i < WEFT_COUNT_OF(words); i++) {
        if (strcasecmp(bare, words[i]) == 0) {
            return i < 2 || bare == text;
        }
    }
    return false;
}

/* As Go's ParseFloat, but for underscores, which it takes with a prefix only. */
static bool read_double(struct weft_slice text, double *out_number)
{
    enum { MAX_BYTES = 400 };
    char copy[MAX_BYTES + 1];
    char *end = NULL;
    if (text.length == 0 || text.length > MAX_BYTES || memchr(text.bytes, '\0', text.length) != NULL) {
        return false;
    }
    memcpy(copy, text.bytes, text.length);
    copy[text.length] = '\0';
    bool is_word = is_word_of_float(copy);
    bool is_hex = strpbrk(copy, "xX") != NULL;
    if (!is_word && (strspn(copy, is_hex ? "+-.0123456789abcdefABCDEFxXpP" : "+-.0123456789eE") != text.length ||
                     (is_hex && strpbrk(copy, "pP") == NULL))) {
        return false;
    }
    *out_number = strtod(copy, &end);
    return end == copy + text.length && (is_word || !isinf(*out_number));
}

static enum weft_status take_float_like(struct weft_ottl_run *run, struct weft_ottl_value *in_out_value)
{
    double number = 0;
    switch (in_out_value->kind) {
    case WEFT_OTTL_NIL:
    case WEFT_OTTL_DOUBLE:
        return WEFT_OK;
    case WEFT_OTTL_INT:
        *in_out_value = weft_ottl_double((double)in_out_value->integer);
        return WEFT_OK;
    case WEFT_OTTL_BOOL:
        *in_out_value = weft_ottl_double(in_out_value->boolean ? 1 : 0);
        return WEFT_OK;
    case WEFT_OTTL_STRING:
        if (!read_double(in_out_value->bytes, &number)) {
            return weft_fail(&run->error, WEFT_INVALID, "the string is no number");
        }
        *in_out_value = weft_ottl_double(number);
        return WEFT_OK;
    default:
        return refuse(run, in_out_value, "a float");
    }
}

/* As Go's ParseBool. */
static bool read_bool(struct weft_slice text, bool *out_bool)
{
    static const char *const words[] = {
        "1", "t", "T", "true", "TRUE", "True", "0", "f", "F", "false", "FALSE", "False"
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(words); i++) {
        if (weft_slice_equal_text(text, words[i])) {
            *out_bool = i < WEFT_COUNT_OF(words) / 2;
            return true;
        }
    }
    return false;
}

static enum weft_status take_bool_like(struct weft_ottl_run *run, struct weft_ottl_value *in_out_value)
{
    bool boolean = false;
    switch (in_out_value->kind) {
    case WEFT_OTTL_NIL:
    case WEFT_OTTL_BOOL:
        return WEFT_OK;
    case WEFT_OTTL_INT:
        *in_out_value = weft_ottl_bool(in_out_value->integer != 0);
        return WEFT_OK;
    case WEFT_OTTL_DOUBLE:
        *in_out_value = weft_ottl_bool(in_out_value->real != 0);
        return WEFT_OK;
    case WEFT_OTTL_STRING:
        if (!read_bool(in_out_value->bytes, &boolean)) {
            return weft_fail(&run->error, WEFT_INVALID, "the string is neither true nor false");
        }
        *in_out_value = weft_ottl_bool(boolean);
        return WEFT_OK;
    default:
        return refuse(run, in_out_value, "a bool");
    }
}

/* ---- bytes ---- */

/* Numbers as eight bytes, the highest first; a bool is one byte. */
static enum weft_status take_bytes_like(struct weft_ottl_run *run, struct weft_ottl_value *in_out_value)
{
    uint64_t bits = 0;
    size_t length = sizeof bits;
    switch (in_out_value->kind) {
    case WEFT_OTTL_NIL:
    case WEFT_OTTL_BYTES:
        return WEFT_OK;
    case WEFT_OTTL_STRING:
        in_out_value->kind = WEFT_OTTL_BYTES;
        if (in_out_value->bytes.bytes == NULL) {
            in_out_value->bytes.bytes = (const uint8_t *)"";
        }
        return WEFT_OK;
    case WEFT_OTTL_INT:
        bits = (uint64_t)in_out_value->integer;
        break;
    case WEFT_OTTL_DOUBLE:
        memcpy(&bits, &in_out_value->real, sizeof bits);
        break;
    case WEFT_OTTL_BOOL:
        bits = (uint64_t)in_out_value->boolean << 56;
        length = 1;
        break;
    default:
        return refuse(run, in_out_value, "bytes");
    }
    bits = __builtin_bswap64(bits);
    uint8_t *bytes = weft_ottl_run_take(run, sizeof bits);
    if (bytes == NULL) {
        return WEFT_NOMEM;
    }
    memcpy(bytes, &bits, sizeof bits);
    *in_out_value = (struct weft_ottl_value){ .kind = WEFT_OTTL_BYTES, .bytes = { bytes, length } };
    return WEFT_OK;
}

enum weft_status weft_ottl_argument_take(struct weft_ottl_run *run, enum weft_ottl_takes takes,
                                         struct weft_ottl_value *in_out_value)
{
    switch (takes) {
    case WEFT_OTTL_TAKES_ANY:
    case WEFT_OTTL_TAKES_LITERAL_STRING:
    case WEFT_OTTL_TAKES_LITERAL_INT:
    case WEFT_OTTL_TAKES_LITERAL_FLOAT:
    case WEFT_OTTL_TAKES_LITERAL_BOOL:
    case WEFT_OTTL_TAKES_LITERAL_BYTES:
    case WEFT_OTTL_TAKES_ENUM:
    case WEFT_OTTL_TAKES_FUNCTION:
    case WEFT_OTTL_TAKES_TARGET:
        return WEFT_OK;
    case WEFT_OTTL_TAKES_STRING:
        return expect(run, in_out_value, WEFT_OTTL_STRING);
    case WEFT_OTTL_TAKES_INT:
        return expect(run, in_out_value, WEFT_OTTL_INT);
    case WEFT_OTTL_TAKES_FLOAT:
        return expect(run, in_out_value, WEFT_OTTL_DOUBLE);
    case WEFT_OTTL_TAKES_BOOL:
        return expect(run, in_out_value, WEFT_OTTL_BOOL);
    case WEFT_OTTL_TAKES_TIME:
        return expect(run, in_out_value, WEFT_OTTL_TIME);
    case WEFT_OTTL_TAKES_DURATION:
        return expect(run, in_out_value, WEFT_OTTL_DURATION);
    case WEFT_OTTL_TAKES_MAP:
        return expect(run, in_out_value, WEFT_OTTL_MAP);
    case WEFT_OTTL_TAKES_LIST:
        return expect(run, in_out_value, WEFT_OTTL_LIST);
    case WEFT_OTTL_TAKES_STRING_LIKE:
        return take_string_like(run, in_out_value);
    case WEFT_OTTL_TAKES_INT_LIKE:
        return take_int_like(run, in_out_value);
    case WEFT_OTTL_TAKES_FLOAT_LIKE:
        return take_float_like(run, in_out_value);
    case WEFT_OTTL_TAKES_BOOL_LIKE:
        return take_bool_like(run, in_out_value);
    case WEFT_OTTL_TAKES_BYTES_LIKE:
        return take_bytes_like(run, in_out_value);
    }
    weft_assert(!"takes");
}
