/* Values that actions make of others (attributes_value.h): hashes, and numbers and texts turned into one another. */
#include "processors/attributes_value.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "wire/otlp_text.h"
#include "wire/protobuf.h"

enum { MAX_HEADER_BYTES = 12 };

/* A string, of a KeyValue. */
struct weft_slice weft_attribute_text_value(struct weft_arena *arena, struct weft_slice text)
{
    size_t inner = weft_wire_size_bytes_header(WEFT_OTLP_VALUE_STRING, text.length) + text.length;
    size_t length = weft_wire_size_bytes_header(WEFT_OTLP_VALUE_FIELD, inner) + inner;
    uint8_t *bytes = weft_arena_try_bytes(arena, length);
    if (bytes == NULL) {
        return WEFT_SLICE_EMPTY;
    }
    uint8_t *at = weft_wire_put_bytes_header(bytes, WEFT_OTLP_VALUE_FIELD, inner);
    at = weft_wire_put_bytes_header(at, WEFT_OTLP_VALUE_STRING, text.length);
    if (text.length > 0) {
        memcpy(at, text.bytes, text.length);
    }
    return weft_slice_of(bytes, length);
}

static struct weft_slice member_value(struct weft_arena *arena, const uint8_t *member, size_t length)
{
    uint8_t *bytes = weft_arena_try_bytes(arena, length + 2);
    if (bytes == NULL) {
        return WEFT_SLICE_EMPTY;
    }
    memcpy(weft_wire_put_bytes_header(bytes, WEFT_OTLP_VALUE_FIELD, length), member, length);
    return weft_slice_of(bytes, length + 2);
}

static struct weft_slice int_value(struct weft_arena *arena, int64_t number)
{
    uint8_t member[MAX_HEADER_BYTES] = { WEFT_OTLP_VALUE_INT << 3 | WEFT_WIRE_VARINT };
    return member_value(arena, member, (size_t)(weft_wire_put_varint(member + 1, (uint64_t)number) - member));
}

static struct weft_slice double_value(struct weft_arena *arena, double number)
{
    uint8_t member[1 + sizeof number] = { WEFT_OTLP_VALUE_DOUBLE << 3 | WEFT_WIRE_FIXED64 };
    memcpy(member + 1, &number, sizeof number);
    return member_value(arena, member, sizeof member);
}

/* ---- hash ---- */

struct weft_slice weft_attribute_hash_value(struct weft_arena *arena, struct weft_digest *digest,
                                            const struct weft_otlp_value *value)
{
    char hex[WEFT_DIGEST_MAX_HEX];
    uint8_t flag = value->kind == WEFT_OTLP_VALUE_BOOL && value->is_true;
    struct weft_slice bytes;
    switch (value->kind) {
    case WEFT_OTLP_VALUE_STRING:
        bytes = value->bytes;
        break;
    case WEFT_OTLP_VALUE_BOOL:
        bytes = weft_slice_of(&flag, sizeof flag);
        break;
    case WEFT_OTLP_VALUE_INT:
        bytes = weft_slice_of(&value->integer, sizeof value->integer);
        break;
    case WEFT_OTLP_VALUE_DOUBLE:
        bytes = weft_slice_of(&value->real, sizeof value->real);
        break;
    case WEFT_OTLP_VALUE_NONE:
    case WEFT_OTLP_VALUE_ARRAY:
    case WEFT_OTLP_VALUE_MAP:
    case WEFT_OTLP_VALUE_BYTES:
        return weft_attribute_text_value(arena, WEFT_SLICE_EMPTY);
    }
    return weft_attribute_text_value(arena, weft_slice_of(hex, weft_digest_compute_hex(digest, bytes, hex)));
}

/* ---- numbers in texts ---- */

static bool read_int(struct weft_slice text, int64_t *out_number)
{
    bool has_sign = text.length > 0 && (text.bytes[0] == '-' || text.bytes[0] == '+');
    bool is_negative = has_sign && text.bytes[0] == '-';
    uint64_t limit = (uint64_t)INT64_MAX + is_negative;
    uint64_t number = 0;
    for (size_t i = has_sign; i < text.length; i++) {
        if (!isdigit(text.bytes[i])) {
            return false;
        }
        unsigned digit = text.bytes[i] - '0';
        if (number > (limit - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *out_number = is_negative ? (int64_t)(0 - number) : (int64_t)number;
    return text.length > has_sign;
}

/* NaN has no sign, and infinity may have one. Of the many NaNs it is Go's, whose bits can be hashed. */
static bool read_word(const char *text, double *out_number)
{
    static const uint64_t not_a_number = 0x7ff8000000000001;
    const char *word = text + (text[0] == '-' || text[0] == '+');
    if (strcasecmp(text, "nan") == 0) {
        memcpy(out_number, &not_a_number, sizeof not_a_number);
        return true;
    }
    *out_number = text[0] == '-' ? -INFINITY : INFINITY;
    return strcasecmp(word, "inf") == 0 || strcasecmp(word, "infinity") == 0;
}

/* Takes the underscores out: each stands between digits, or behind 0x. */
static bool drop_underscores(char *text, bool is_hex)
{
    char *to = text;
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char before = at == text ? '\0' : (unsigned char)at[-1];
        unsigned char after = (unsigned char)at[1];
        bool is_behind_prefix = is_hex && tolower(before) == 'x';
        bool is_between = (is_hex ? isxdigit(before) : isdigit(before)) && (is_hex ? isxdigit(after) : isdigit(after));
        if (*at == '_' && !is_between && !(is_behind_prefix && isxdigit(after))) {
            return false;
        }
        if (*at != '_') {
            *to++ = *at;
        }
    }
    *to = '\0';
    return true;
}

bool weft_attribute_read_double(struct weft_slice text, double *out_number)
{
    enum { MAX_BYTES = 1024 };
    char copy[MAX_BYTES + 1];
    char *end = NULL;
    if (text.length == 0 || text.length > MAX_BYTES || memchr(text.bytes, '\0', text.length) != NULL) {
        return false;
    }
    memcpy(copy, text.bytes, text.length);
    copy[text.length] = '\0';
    if (read_word(copy, out_number)) {
        return true;
    }
    const char *digits = copy + (copy[0] == '-' || copy[0] == '+');
    bool is_hex = digits[0] == '0' && tolower((unsigned char)digits[1]) == 'x';
    size_t known = strspn(copy, is_hex ? "+-._0123456789abcdefABCDEFpPxX" : "+-._0123456789eE");
    if (copy[known] != '\0' || !drop_underscores(copy, is_hex) || (is_hex && strpbrk(copy, "pP") == NULL)) {
        return false;
    }
    double number = strtod(copy, &end);
    if (*end != '\0' || end == copy || isinf(number)) {
        return false;
    }
    *out_number = number;
    return true;
}

/* ---- conversion ---- */

/* As the processor does it: what does not fit is the least there is. */
static int64_t int_of(double number)
{
    return number >= -0x1p63 && number < 0x1p63 ? (int64_t)number : INT64_MIN;
}

static bool convert_to_int(struct weft_arena *arena, const struct weft_otlp_value *value, struct weft_slice *out_value)
{
    int64_t number = 0;
    switch (value->kind) {
    case WEFT_OTLP_VALUE_STRING:
        if (!read_int(value->bytes, &number)) {
            return false;
        }
        break;
    case WEFT_OTLP_VALUE_BOOL:
        number = value->is_true;
        break;
    case WEFT_OTLP_VALUE_DOUBLE:
        number = int_of(value->real);
        break;
    case WEFT_OTLP_VALUE_INT:
    case WEFT_OTLP_VALUE_NONE:
    case WEFT_OTLP_VALUE_ARRAY:
    case WEFT_OTLP_VALUE_MAP:
    case WEFT_OTLP_VALUE_BYTES:
        return false;
    }
    *out_value = int_value(arena, number);
    return true;
}

static bool convert_to_double(struct weft_arena *arena, const struct weft_otlp_value *value,
                              struct weft_slice *out_value)
{
    double number = 0;
    switch (value->kind) {
    case WEFT_OTLP_VALUE_STRING:
        if (!weft_attribute_read_double(value->bytes, &number)) {
            return false;
        }
        break;
    case WEFT_OTLP_VALUE_BOOL:
        number = value->is_true;
        break;
    case WEFT_OTLP_VALUE_INT:
        number = (double)value->integer;
        break;
    case WEFT_OTLP_VALUE_DOUBLE:
    case WEFT_OTLP_VALUE_NONE:
    case WEFT_OTLP_VALUE_ARRAY:
    case WEFT_OTLP_VALUE_MAP:
    case WEFT_OTLP_VALUE_BYTES:
        return false;
    }
    *out_value = double_value(arena, number);
    return true;
}

bool weft_attribute_convert_value(struct weft_arena *arena, struct weft_attribute_texts *texts,
                                  enum weft_attribute_type type, const struct weft_otlp_value *value,
                                  struct weft_slice *out_value)
{
    switch (type) {
    case WEFT_ATTRIBUTE_TO_INT:
        return convert_to_int(arena, value, out_value);
    case WEFT_ATTRIBUTE_TO_DOUBLE:
        return convert_to_double(arena, value, out_value);
    case WEFT_ATTRIBUTE_TO_STRING:
        break;
    }
    if (value->kind == WEFT_OTLP_VALUE_STRING) {
        return false;
    }
    weft_buffer_clear(&texts->text);
    weft_otlp_put_text(value, &texts->stack, &texts->text);
    bool has_all = weft_buffer_status(&texts->text) == WEFT_OK && weft_buffer_status(&texts->stack) == WEFT_OK;
    *out_value = has_all ? weft_attribute_text_value(arena, weft_buffer_slice(&texts->text)) : WEFT_SLICE_EMPTY;
    return true;
}

void weft_attribute_texts_fini(struct weft_attribute_texts *texts)
{
    weft_buffer_fini(&texts->stack);
    weft_buffer_fini(&texts->text);
}
