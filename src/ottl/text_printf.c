/* Formats (text_printf.h). */
#include "ottl/text_printf.h"

#include <math.h>
#include <stdio.h>

#include "base/hex.h"
#include "base/utf8.h"
#include "ottl/function.h"
#include "ottl/text_number.h"

enum { MAX_WIDTH = 1000, NO_PRECISION = -1, STEPS_OF_NUMBER = 200 };

struct verb {
    bool has_minus, has_plus, has_sharp, has_space, has_zero;
    int width, precision;
    uint32_t letter;
};

static size_t character_count(struct weft_slice text)
{
    size_t count = 0;
    for (size_t length; text.length > 0; text = weft_slice_of(text.bytes + length, text.length - length)) {
        weft_utf8_decode(text, &length);
        count++;
    }
    return count;
}

static void put_fill(struct weft_buffer *out, size_t count, char byte)
{
    for (size_t i = 0; i < count; i++) {
        weft_buffer_append_byte(out, (uint8_t)byte);
    }
}

/* With what fills it up to its width; zeros go behind a sign. */
static void put_padded(struct weft_buffer *out, const struct verb *verb, struct weft_slice text, bool is_number)
{
    size_t count = verb->width > 0 ? character_count(text) : 0;
    size_t fill = verb->width > 0 && (size_t)verb->width > count ? (size_t)verb->width - count : 0;
    bool has_sign = text.length > 0 && (text.bytes[0] == '-' || text.bytes[0] == '+' || text.bytes[0] == ' ');
    if (verb->has_zero && !verb->has_minus && is_number && has_sign) {
        weft_buffer_append_byte(out, text.bytes[0]);
        text = weft_slice_of(text.bytes + 1, text.length - 1);
    }
    if (!verb->has_minus) {
        put_fill(out, fill, verb->has_zero ? '0' : ' ');
    }
    weft_buffer_append(out, text.bytes, text.length);
    put_fill(out, verb->has_minus ? fill : 0, ' ');
}

/* ---- by type ---- */

static const char *prefix_of(const struct verb *verb)
{
    switch (verb->letter) {
    case 'b':
        return verb->has_sharp ? "0b" : "";
    case 'o':
        return verb->has_sharp ? "0" : "";
    case 'O':
        return "0o";
    case 'x':
        return verb->has_sharp ? "0x" : "";
    case 'X':
        return verb->has_sharp ? "0X" : "";
    default:
        return "";
    }
}

static unsigned base_of(uint32_t letter)
{
    return letter == 'b' ? 2 : letter == 'o' || letter == 'O' ? 8 : letter == 'x' || letter == 'X' ? 16 : 10;
}

/* Written from its end: digits, zeros up to the precision, prefix, sign. */
static void put_int(struct weft_buffer *out, const struct verb *verb, int64_t integer)
{
    enum { MAX_PRECISION = MAX_WIDTH, MAX_PREFIX_AND_SIGN = 3 };
    const char *digits = verb->letter == 'X' ? WEFT_HEX_UPPER : WEFT_HEX_LOWER;
    const char *prefix = prefix_of(verb);
    char sign = integer < 0 ? '-' : verb->has_plus ? '+' : ' ';
    uint64_t magnitude = integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer;
    unsigned base = base_of(verb->letter);
    char text[MAX_PRECISION + MAX_PREFIX_AND_SIGN];
    char *at = text + sizeof text;
    do {
        *--at = digits[magnitude % base];
        magnitude /= base;
    } while (magnitude > 0);
    while (verb->precision > text + sizeof text - at) {
        *--at = '0';
    }
    at -= strlen(prefix);
    memcpy(at, prefix, strlen(prefix));
    if (sign != ' ' || verb->has_space) {
        *--at = sign;
    }
    put_padded(out, verb, weft_slice_of(at, (size_t)(text + sizeof text - at)), true);
}

static void put_character(struct weft_buffer *out, const struct verb *verb, int64_t integer)
{
    uint8_t bytes[WEFT_UTF8_MAX_BYTES];
    char text[32];
    bool is_character = integer >= 0 && integer <= 0x10ffff && (integer < 0xd800 || integer > 0xdfff);
    if (verb->letter == 'U') {
        int length = snprintf(text, sizeof text, "U+%04llX", (unsigned long long)integer);
        put_padded(out, verb, weft_slice_of(text, (size_t)length), false);
        return;
    }
    size_t length = (size_t)(weft_utf8_put(bytes, is_character ? (uint32_t)integer : 0xfffd) - bytes);
    if (verb->letter == 'q') {
        int quoted = snprintf(text, sizeof text, "'%.*s'", (int)length, (const char *)bytes);
        put_padded(out, verb, weft_slice_of(text, (size_t)quoted), false);
        return;
    }
    put_padded(out, verb, weft_slice_of(bytes, length), false);
}

/* verb->letter is one of efgEFGv. */
static void put_double(struct weft_buffer *out, const struct verb *verb, double real)
{
    enum { DEFAULT_PRECISION = 6 };
    struct weft_buffer text = { 0 };
    struct verb how = *verb;
    char letter = verb->letter == 'v' ? 'g' : verb->letter == 'F' ? 'f' : (char)verb->letter;
    bool is_general = letter == 'g' || letter == 'G';
    if ((verb->has_plus || verb->has_space) && !signbit(real) && !isnan(real)) {
        weft_buffer_append_byte(&text, verb->has_plus ? '+' : ' ');
    }
    if (isnan(real) || isinf(real)) {
        bool has_sign = text.length > 0 || real < 0;
        weft_buffer_append_text(&text, isnan(real) ? "NaN" : real < 0 ? "-Inf" : has_sign ? "Inf" : "+Inf");
        how.has_zero = false;
    } else if (is_general && verb->precision == NO_PRECISION) {
        weft_ottl_put_shortest(&text, real, 'g');
    } else {
        int precision = verb->precision == NO_PRECISION ? DEFAULT_PRECISION : verb->precision;
        weft_buffer_append_format(&text,
                                  letter == 'e'   ? "%.*e"
                                  : letter == 'E' ? "%.*E"
                                  : letter == 'f' ? "%.*f"
                                  : letter == 'G' ? "%.*G"
                                                  : "%.*g",
                                  precision, real);
    }
    put_padded(out, &how, weft_buffer_slice(&text), true);
    out->is_failed = out->is_failed || text.is_failed;
    weft_buffer_fini(&text);
}

static void put_hex(struct weft_buffer *out, struct weft_slice bytes, bool is_capital)
{
    const char *digits = is_capital ? WEFT_HEX_UPPER : WEFT_HEX_LOWER;
    uint8_t *to = weft_buffer_reserve(out, 2 * bytes.length);
    for (size_t i = 0; to != NULL && i < bytes.length; i++) {
        weft_work_did_each(i + 1);
        to = weft_hex_put_byte(to, bytes.bytes[i], digits);
    }
    out->length += to == NULL ? 0 : 2 * bytes.length;
}

static uint8_t *put_escape(uint8_t *to, char letter)
{
    *to++ = '\\';
    *to++ = (uint8_t)letter;
    return to;
}

/* A byte as \x.. */
static uint8_t *put_byte(uint8_t *to, uint8_t byte)
{
    return weft_hex_put_byte(put_escape(to, 'x'), byte, WEFT_HEX_LOWER);
}

/* How much of text is ASCII that stands for itself between quotes; a long one comes in pieces. */
static size_t plain_length(struct weft_slice text)
{
    enum { MOST_BYTES = 4096 };
    size_t length = 0;
    while (length < text.length && length < MOST_BYTES && text.bytes[length] >= ' ' && text.bytes[length] < 0x7f &&
           text.bytes[length] != '"' && text.bytes[length] != '\\') {
        length++;
    }
    return length;
}

/* As strconv.Quote. */
static void put_quoted(struct weft_buffer *out, struct weft_slice text)
{
    static const char escapes[] = "\a\b\t\n\v\f\r";
    static const char letters[] = "abtnvfr";
    enum { ESCAPE_BYTES = 4 };
    uint8_t *to = weft_buffer_reserve(out, ESCAPE_BYTES * text.length + 2);
    if (to == NULL) {
        return;
    }
    *to++ = '"';
    for (size_t length; text.length > 0; text = weft_slice_of(text.bytes + length, text.length - length)) {
        length = plain_length(text);
        weft_work_did(length);
        if (length > 0) {
            memcpy(to, text.bytes, length);
            to += length;
            continue;
        }
        uint32_t character = weft_utf8_decode(text, &length);
        const char *escape = character > 0 && character < 0x80 ? strchr(escapes, (int)character) : NULL;
        if (character == 0xfffd && length == 1) {
            to = put_byte(to, text.bytes[0]);
        } else if (character == '"' || character == '\\') {
            to = put_escape(to, (char)character);
        } else if (escape != NULL) {
            to = put_escape(to, letters[escape - escapes]);
        } else if (character < ' ' || character == 0x7f) {
            to = put_byte(to, (uint8_t)character);
        } else {
            memcpy(to, text.bytes, length);
            to += length;
        }
    }
    *to++ = '"';
    out->length = (size_t)(to - out->bytes);
}

static void put_text(struct weft_buffer *out, const struct verb *verb, struct weft_slice text)
{
    struct weft_buffer made = { 0 };
    size_t length;
    struct weft_slice rest = text;
    for (int i = 0; verb->precision != NO_PRECISION && i < verb->precision && rest.length > 0; i++) {
        weft_utf8_decode(rest, &length);
        rest = weft_slice_of(rest.bytes + length, rest.length - length);
    }
    text.length -= verb->precision == NO_PRECISION ? 0 : rest.length;
    if (verb->letter == 'q') {
        put_quoted(&made, text);
    } else if (verb->letter == 'x' || verb->letter == 'X') {
        put_hex(&made, text, verb->letter == 'X');
    } else {
        weft_buffer_append(&made, text.bytes, text.length);
    }
    put_padded(out, verb, weft_buffer_slice(&made), false);
    out->is_failed = out->is_failed || made.is_failed;
    weft_buffer_fini(&made);
}

/* ---- one value ---- */

static const char *type_of(const struct weft_ottl_value *value)
{
    switch (value->kind) {
    case WEFT_OTTL_STRING:
        return "string";
    case WEFT_OTTL_INT:
        return "int64";
    case WEFT_OTTL_DOUBLE:
        return "float64";
    case WEFT_OTTL_BOOL:
        return "bool";
    case WEFT_OTTL_BYTES:
        return "[]uint8";
    case WEFT_OTTL_DURATION:
        return "time.Duration";
    case WEFT_OTTL_TIME:
        return "time.Time";
    case WEFT_OTTL_MAP:
        return "pcommon.Map";
    case WEFT_OTTL_LIST:
        return "pcommon.Slice";
    case WEFT_OTTL_TRACE_ID:
        return "pcommon.TraceID";
    case WEFT_OTTL_SPAN_ID:
        return "pcommon.SpanID";
    case WEFT_OTTL_NIL:
    case WEFT_OTTL_MESSAGE:
    case WEFT_OTTL_MESSAGES:
    case WEFT_OTTL_FUNCTION:
    case WEFT_OTTL_ABSENT:
        break;
    }
    return "<nil>";
}

static bool is_among(uint32_t letter, const char *letters)
{
    return letter < 0x80 && letter != 0 && strchr(letters, (int)letter) != NULL;
}

/* "%!z(" and what follows it: the verb does not go with the type, or there is no value for it. */
static void begin_complaint(struct weft_buffer *out, uint32_t letter)
{
    uint8_t bytes[WEFT_UTF8_MAX_BYTES];
    weft_buffer_append_text(out, "%!");
    weft_buffer_append(out, bytes, (size_t)(weft_utf8_put(bytes, letter) - bytes));
    weft_buffer_append_byte(out, '(');
}

static void put_bool(struct weft_buffer *out, const struct verb *verb, bool value)
{
    const struct verb plain = {
        .letter = 's', .width = verb->width, .has_minus = verb->has_minus, .precision = NO_PRECISION
    };
    put_text(out, &plain, weft_slice_of_text(value ? "true" : "false"));
}

/* As []byte: numbers, each of which the verb is for. */
static void put_bytes(struct weft_buffer *out, const struct verb *verb, struct weft_slice bytes)
{
    static const struct verb plain = { .letter = 'v', .precision = NO_PRECISION };
    enum { NUMBER_BYTES = 64 }; /* what one costs */
    weft_buffer_append_byte(out, '[');
    for (size_t i = 0; i < bytes.length && !out->is_failed; i++) {
        weft_work_did(NUMBER_BYTES);
        weft_buffer_append_text(out, i > 0 ? " " : "");
        if (is_among(verb->letter, "vdboO")) {
            put_int(out, verb, bytes.bytes[i]);
        } else if (is_among(verb->letter, "cU")) {
            put_character(out, verb, bytes.bytes[i]);
        } else {
            begin_complaint(out, verb->letter);
            weft_buffer_append_text(out, "uint8=");
            put_int(out, &plain, bytes.bytes[i]);
            weft_buffer_append_byte(out, ')');
        }
    }
    weft_buffer_append_byte(out, ']');
}

static enum weft_status put_other(struct weft_ottl_run *run, const struct verb *verb,
                                  const struct weft_ottl_value *value, struct weft_buffer *out)
{
    struct weft_ottl_value text = *value;
    enum weft_status status = weft_ottl_argument_take(run, WEFT_OTTL_TAKES_STRING_LIKE, &text);
    if (status == WEFT_OK) {
        struct verb plain = *verb;
        plain.letter = 's';
        put_text(out, &plain, text.bytes);
    }
    return status;
}

/* The verbs that are for values of the kind; NULL: all. 'v' always is. */
static const char *verbs_of(enum weft_ottl_kind kind)
{
    switch (kind) {
    case WEFT_OTTL_STRING:
        return "vsqxX";
    case WEFT_OTTL_BYTES:
        return NULL; /* put_bytes sees to it number by number */
    case WEFT_OTTL_INT:
        return "vdboOxXcqU";
    case WEFT_OTTL_DOUBLE:
        return "veEfFgG";
    case WEFT_OTTL_BOOL:
        return "vt";
    case WEFT_OTTL_NIL:
    case WEFT_OTTL_ABSENT:
        return "v";
    case WEFT_OTTL_DURATION:
    case WEFT_OTTL_TIME:
    case WEFT_OTTL_MAP:
    case WEFT_OTTL_LIST:
    case WEFT_OTTL_TRACE_ID:
    case WEFT_OTTL_SPAN_ID:
    case WEFT_OTTL_MESSAGE:
    case WEFT_OTTL_MESSAGES:
    case WEFT_OTTL_FUNCTION:
        break;
    }
    return "vs";
}

/* The verb is one of verbs_of the kind. */
static enum weft_status put_known(struct weft_ottl_run *run, const struct verb *verb,
                                  const struct weft_ottl_value *value, struct weft_buffer *out)
{
    switch (value->kind) {
    case WEFT_OTTL_STRING:
        put_text(out, verb, value->bytes);
        return WEFT_OK;
    case WEFT_OTTL_BYTES:
        if (is_among(verb->letter, "sqxX")) {
            put_text(out, verb, value->bytes);
            return WEFT_OK;
        }
        if (!weft_ottl_spend(run, STEPS_OF_NUMBER * (uint64_t)value->bytes.length)) {
            return weft_ottl_fail_steps(run);
        }
        put_bytes(out, verb, value->bytes);
        return WEFT_OK;
    case WEFT_OTTL_INT:
        (is_among(verb->letter, "cqU") ? put_character : put_int)(out, verb, value->integer);
        return WEFT_OK;
    case WEFT_OTTL_DOUBLE:
        put_double(out, verb, value->real);
        return WEFT_OK;
    case WEFT_OTTL_BOOL:
        put_bool(out, verb, value->boolean);
        return WEFT_OK;
    case WEFT_OTTL_NIL:
    case WEFT_OTTL_ABSENT:
        put_padded(out, verb, WEFT_SLICE_LITERAL("<nil>"), false);
        return WEFT_OK;
    case WEFT_OTTL_DURATION:
    case WEFT_OTTL_TIME:
    case WEFT_OTTL_MAP:
    case WEFT_OTTL_LIST:
    case WEFT_OTTL_TRACE_ID:
    case WEFT_OTTL_SPAN_ID:
    case WEFT_OTTL_MESSAGE:
    case WEFT_OTTL_MESSAGES:
    case WEFT_OTTL_FUNCTION:
        break;
    }
    return put_other(run, verb, value, out);
}

static enum weft_status put_value(struct weft_ottl_run *run, const struct verb *verb,
                                  const struct weft_ottl_value *value, struct weft_buffer *out)
{
    static const struct verb plain = { .letter = 'v', .precision = NO_PRECISION };
    const char *verbs = verbs_of(value->kind);
    if (verb->letter == 'T') {
        put_text(out, verb, weft_slice_of_text(type_of(value)));
        return WEFT_OK;
    }
    if (verbs == NULL || is_among(verb->letter, verbs)) {
        return put_known(run, verb, value, out);
    }
    begin_complaint(out, verb->letter);
    if (value->kind != WEFT_OTTL_NIL) {
        weft_buffer_append_format(out, "%s=", type_of(value));
    }
    enum weft_status status = put_known(run, &plain, value, out);
    weft_buffer_append_byte(out, ')');
    return status;
}

/* ---- the format ---- */

/* Digits at *in_out_at; 0 if there are none. */
static int take_number(struct weft_slice format, size_t *in_out_at)
{
    int number = 0;
    size_t at = *in_out_at;
    for (; at < format.length && format.bytes[at] >= '0' && format.bytes[at] <= '9'; at++) {
        number = number < MAX_WIDTH ? number * 10 + (format.bytes[at] - '0') : number;
    }
    *in_out_at = at;
    return number < MAX_WIDTH ? number : MAX_WIDTH;
}

/* *in_out_at is behind the %. False: the format ends before the verb. */
static bool take_verb(struct weft_slice format, size_t *in_out_at, struct verb *out_verb)
{
    struct verb verb = { .precision = NO_PRECISION };
    size_t at = *in_out_at;
    for (; at < format.length && is_among(format.bytes[at], "-+# 0"); at++) {
        verb.has_minus |= format.bytes[at] == '-';
        verb.has_plus |= format.bytes[at] == '+';
        verb.has_sharp |= format.bytes[at] == '#';
        verb.has_space |= format.bytes[at] == ' ';
        verb.has_zero |= format.bytes[at] == '0';
    }
    verb.width = take_number(format, &at);
    if (at < format.length && format.bytes[at] == '.') {
        at++;
        verb.precision = take_number(format, &at);
    }
    if (at == format.length) {
        *in_out_at = at;
        return false;
    }
    size_t length;
    verb.letter = weft_utf8_decode(weft_slice_of(format.bytes + at, format.length - at), &length);
    *in_out_at = at + length;
    *out_verb = verb;
    return true;
}

static enum weft_status put_extra(struct weft_ottl_run *run, const struct weft_ottl_list *values, size_t from,
                                  struct weft_buffer *out)
{
    const struct verb plain = { .letter = 'v', .precision = NO_PRECISION };
    enum weft_status status = WEFT_OK;
    weft_buffer_append_text(out, "%!(EXTRA ");
    for (size_t i = from; status == WEFT_OK && i < values->count; i++) {
        weft_buffer_append_text(out, i > from ? ", " : "");
        weft_buffer_append_text(out, type_of(&values->items[i]));
        if (values->items[i].kind != WEFT_OTTL_NIL) {
            weft_buffer_append_byte(out, '=');
            status = put_value(run, &plain, &values->items[i], out);
        }
    }
    weft_buffer_append_byte(out, ')');
    return status;
}

enum weft_status weft_ottl_put_format(struct weft_ottl_run *run, struct weft_slice format,
                                      const struct weft_ottl_list *values, struct weft_buffer *out)
{
    enum weft_status status = WEFT_OK;
    size_t next = 0;
    for (size_t at = 0; status == WEFT_OK && at < format.length;) {
        struct verb verb;
        if (format.bytes[at] != '%') {
            weft_buffer_append_byte(out, format.bytes[at++]);
            continue;
        }
        at++;
        if (!take_verb(format, &at, &verb)) {
            weft_buffer_append_text(out, "%!(NOVERB)");
        } else if (verb.letter == '%') {
            weft_buffer_append_byte(out, '%');
        } else if (next == values->count) {
            begin_complaint(out, verb.letter);
            weft_buffer_append_text(out, "MISSING)");
        } else {
            status = put_value(run, &verb, &values->items[next++], out);
        }
    }
    if (status == WEFT_OK && next < values->count) {
        status = put_extra(run, values, next, out);
    }
    return status;
}
