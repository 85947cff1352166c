/* Ids from words (ids.h): a table of forms, tried in order; each row says under whose keys and for which of the two
 * ids it holds. Whole headers are in ids_header.c. */
#include "wire/ids.h"

#include "base/assert.h"
#include "base/hex.h"
#include "wire/json_convert.h"
#include "wire/sha256.h"

enum { TRACE = 1, SPAN = 2, BOTH = TRACE | SPAN };

#define UNDER(dialect) (1u << WEFT_ID_##dialect)
#define UNDER_TRACERS  (UNDER(TRACER) | UNDER(DATADOG))
#define UNDER_ALL      (UNDER(GENERIC) | UNDER_TRACERS)

/* Writes length bytes and says what they are; WEFT_ID_NONE: the text has another form. */
typedef enum weft_id_kind take_fn(struct weft_slice text, uint8_t *bytes, size_t length);

struct rule {
    take_fn *take;
    unsigned dialects; /* UNDER(...) */
    unsigned ids;      /* TRACE, SPAN */
};

static const char *const kind_names[] = {
#define KIND_NAME(name, text) text,
    WEFT_ID_KIND_ROWS(KIND_NAME)
#undef KIND_NAME
};

static const char *const problem_names[] = {
#define PROBLEM_NAME(name, text) text,
    WEFT_ID_PROBLEM_ROWS(PROBLEM_NAME)
#undef PROBLEM_NAME
};

/* Words for nothing, as languages print it, and those that stand for "I do not know": one trace of all of them would
 * join strangers. In lower case. */
static const char *const empty_words[] = { "0",     "none", "null", "undefined", "nil",    "<nil>",
                                           "unset", "-",    "n/a",  "unknown",   "default" };

enum { LONGEST_EMPTY = 9 };

const char *weft_id_kind_name(enum weft_id_kind kind)
{
    weft_assert(kind < WEFT_ID_KIND_COUNT);
    return kind_names[kind];
}

const char *weft_id_problem_name(enum weft_id_problem problem)
{
    weft_assert(problem < WEFT_ID_PROBLEM_COUNT);
    return problem_names[problem];
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool equal_in_any_case(struct weft_slice text, const char *lower)
{
    if (text.length != strlen(lower)) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = text.bytes[i];
        byte |= byte >= 'A' && byte <= 'Z' ? 32 : 0;
        if (byte != (uint8_t)lower[i]) {
            return false;
        }
    }
    return true;
}

static bool starts_with(struct weft_slice text, const char *start)
{
    size_t length = strlen(start);
    return text.length >= length && memcmp(text.bytes, start, length) == 0;
}

static struct weft_slice without(struct weft_slice text, size_t before, size_t after)
{
    return weft_slice_of(text.bytes + before, text.length - before - after);
}

/* 1 to 2 * length hex digits, with zeros before them. */
static bool take_padded_hex(struct weft_slice text, uint8_t *bytes, size_t length)
{
    uint8_t digits[2 * WEFT_TRACE_ID_BYTES];
    if (text.length == 0 || text.length > 2 * length) {
        return false;
    }
    memset(digits, '0', sizeof digits);
    memcpy(digits + 2 * length - text.length, text.bytes, text.length);
    return weft_hex_decode(weft_slice_of(digits, 2 * length), bytes, length);
}

static enum weft_id_kind take_full_hex(struct weft_slice text, uint8_t *bytes, size_t length)
{
    return weft_hex_decode(text, bytes, length) ? WEFT_ID_FULL : WEFT_ID_NONE;
}

static enum weft_id_kind take_decimal(struct weft_slice text, uint8_t *bytes, size_t length)
{
    uint64_t value = 0;
    if (text.length == 0 || text.length > 20) {
        return WEFT_ID_NONE;
    }
    for (size_t i = 0; i < text.length; i++) {
        if (!is_digit(text.bytes[i]) || __builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text.bytes[i] - '0'), &value)) {
            return WEFT_ID_NONE;
        }
    }
    memset(bytes, 0, length);
    for (size_t i = 1; i <= WEFT_SPAN_ID_BYTES; i++, value >>= 8) {
        bytes[length - i] = (uint8_t)value;
    }
    return length == WEFT_TRACE_ID_BYTES ? WEFT_ID_LOW64 : WEFT_ID_FULL;
}

static enum weft_id_kind take_half_hex(struct weft_slice text, uint8_t *bytes, size_t length)
{
    return text.length == length && take_padded_hex(text, bytes, length) ? WEFT_ID_LOW64 : WEFT_ID_NONE;
}

/* As Python's hex() writes it. */
static enum weft_id_kind take_prefixed_hex(struct weft_slice text, uint8_t *bytes, size_t length)
{
    if (!starts_with(text, "0x") && !starts_with(text, "0X")) {
        return WEFT_ID_NONE;
    }
    text = without(text, 2, 0);
    if (!take_padded_hex(text, bytes, length)) {
        return WEFT_ID_NONE;
    }
    bool is_half = length == WEFT_TRACE_ID_BYTES && text.length == length;
    return text.length == 2 * length ? WEFT_ID_FULL : is_half ? WEFT_ID_LOW64 : WEFT_ID_PADDED;
}

/* Hex digits with dashes before the given ones (ascending, counted without dashes). */
static bool take_dashed_hex(struct weft_slice text, const uint8_t *dashes, uint8_t *bytes, size_t length)
{
    uint8_t digits[2 * WEFT_TRACE_ID_BYTES];
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (count == *dashes) {
            dashes++;
            if (text.bytes[i] != '-') {
                return false;
            }
        } else if (count < sizeof digits) {
            digits[count++] = text.bytes[i];
        } else {
            return false;
        }
    }
    return weft_hex_decode(weft_slice_of(digits, count), bytes, length);
}

enum { NO_MORE_DASHES = 255, UUID_LENGTH = 36, XRAY_LENGTH = 35 };

/* 1-5759e988-bd862e3fe1be46a994272793 */
static enum weft_id_kind take_xray(struct weft_slice text, uint8_t *bytes, size_t length)
{
    static const uint8_t dashes[] = { 8, NO_MORE_DASHES };
    bool is_xray = text.length == XRAY_LENGTH && starts_with(text, "1-") &&
                   take_dashed_hex(without(text, 2, 0), dashes, bytes, length);
    return is_xray ? WEFT_ID_FULL : WEFT_ID_NONE;
}

static enum weft_id_kind take_uuid(struct weft_slice text, uint8_t *bytes, size_t length)
{
    static const uint8_t dashes[] = { 8, 12, 16, 20, NO_MORE_DASHES };
    bool is_uuid = text.length == UUID_LENGTH && take_dashed_hex(text, dashes, bytes, length);
    return is_uuid ? WEFT_ID_FULL : WEFT_ID_NONE;
}

/* projects/P/traces/T */
static enum weft_id_kind take_gcp(struct weft_slice text, uint8_t *bytes, size_t length)
{
    const uint8_t *slash = starts_with(text, "projects/") ? memrchr(text.bytes, '/', text.length) : NULL;
    if (slash == NULL) {
        return WEFT_ID_NONE;
    }
    struct weft_slice id = without(text, (size_t)(slash + 1 - text.bytes), 0);
    enum weft_id_kind kind = take_full_hex(id, bytes, length);
    return kind != WEFT_ID_NONE ? kind : take_half_hex(id, bytes, length);
}

static enum weft_id_kind take_short_hex(struct weft_slice text, uint8_t *bytes, size_t length)
{
    return take_padded_hex(text, bytes, length) ? WEFT_ID_PADDED : WEFT_ID_NONE;
}

static enum weft_id_kind take_opaque(struct weft_slice text, uint8_t *bytes, size_t length)
{
    static const char salt[] = "weft-id"; /* its NUL is part of it */
    uint8_t salted[sizeof salt + WEFT_ID_MAX_WORD];
    uint8_t digest[WEFT_SHA256_BYTES];
    memcpy(salted, salt, sizeof salt);
    memcpy(salted + sizeof salt, text.bytes, text.length);
    weft_sha256(weft_slice_of(salted, sizeof salt + text.length), digest);
    memcpy(bytes, digest, length);
    return WEFT_ID_OPAQUE;
}

/* Decimal is first under Datadog's keys, where 16 digits are no hex. */
static const struct rule rules[] = {
    { take_decimal, UNDER(DATADOG), BOTH }, { take_full_hex, UNDER_ALL, BOTH },
    { take_half_hex, UNDER_ALL, TRACE },    { take_prefixed_hex, UNDER_ALL, BOTH },
    { take_uuid, UNDER_ALL, TRACE },        { take_xray, UNDER_ALL, TRACE },
    { take_gcp, UNDER_ALL, TRACE },         { take_short_hex, UNDER_TRACERS, BOTH },
    { take_opaque, UNDER_ALL, TRACE },
};

/* What Rust's `?` prints of an Option or of a text, and what was put in quotes twice. */
static struct weft_slice unwrap(struct weft_slice text)
{
    if (text.length > 0 && text.bytes[text.length - 1] == ')' && starts_with(text, "Some(")) {
        text = without(text, 5, 1);
    }
    bool is_quoted = text.length > 1 && text.bytes[0] == '"' && text.bytes[text.length - 1] == '"';
    return is_quoted ? without(text, 1, 1) : text;
}

static bool is_empty_word(struct weft_slice text)
{
    bool is_empty = text.length == 0;
    for (size_t i = 0; i < WEFT_COUNT_OF(empty_words); i++) {
        is_empty = is_empty || equal_in_any_case(text, empty_words[i]);
    }
    return is_empty;
}

/* Zeros of any number, which no rule might know for an id, are nothing all the same. */
static bool is_only_zeros(struct weft_slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] != '0') {
            return false;
        }
    }
    return true;
}

static bool is_zero(const uint8_t *bytes, size_t length)
{
    static const uint8_t zeros[WEFT_TRACE_ID_BYTES];
    return memcmp(bytes, zeros, length) == 0;
}

static enum weft_id_problem take_id(struct weft_slice text, enum weft_id_dialect dialect, unsigned id, uint8_t *bytes,
                                    size_t length, enum weft_id_kind *out_kind)
{
    text = unwrap(text);
    if (text.length <= LONGEST_EMPTY && is_empty_word(text)) {
        return WEFT_ID_PROBLEM_EMPTY;
    }
    if (text.length > WEFT_ID_MAX_WORD) {
        return WEFT_ID_PROBLEM_TOO_LONG;
    }
    if (text.bytes[0] == '0' && is_only_zeros(text)) {
        return WEFT_ID_PROBLEM_ZERO;
    }
    for (size_t i = 0; i < WEFT_COUNT_OF(rules); i++) {
        bool is_for_this = (rules[i].dialects & 1u << dialect) != 0 && (rules[i].ids & id) != 0;
        enum weft_id_kind kind = is_for_this ? rules[i].take(text, bytes, length) : WEFT_ID_NONE;
        if (kind != WEFT_ID_NONE) {
            *out_kind = kind;
            return is_zero(bytes, length) ? WEFT_ID_PROBLEM_ZERO : WEFT_ID_PROBLEM_OK;
        }
    }
    return WEFT_ID_PROBLEM_OPAQUE_SPAN;
}

enum weft_id_problem weft_trace_id_of_text(struct weft_slice text, enum weft_id_dialect dialect,
                                           struct weft_trace_id *out_id)
{
    struct weft_trace_id id;
    enum weft_id_problem problem = take_id(text, dialect, TRACE, id.bytes, sizeof id.bytes, &id.kind);
    if (problem == WEFT_ID_PROBLEM_OK) {
        *out_id = id;
    }
    return problem;
}

enum weft_id_problem weft_span_id_of_text(struct weft_slice text, enum weft_id_dialect dialect,
                                          struct weft_span_id *out_id)
{
    struct weft_span_id id;
    enum weft_id_problem problem = take_id(text, dialect, SPAN, id.bytes, sizeof id.bytes, &id.kind);
    if (problem == WEFT_ID_PROBLEM_OK) {
        *out_id = id;
    }
    return problem;
}

/* No fraction, exponent or sign, and within 64 bits. */
static bool is_decimal_id(struct weft_slice text, enum weft_id_dialect dialect)
{
    uint8_t bytes[WEFT_SPAN_ID_BYTES];
    return dialect == WEFT_ID_DATADOG && take_decimal(text, bytes, sizeof bytes) != WEFT_ID_NONE;
}

enum weft_id_problem weft_trace_id_of_number(struct weft_slice text, enum weft_id_dialect dialect,
                                             struct weft_trace_id *out_id)
{
    return is_decimal_id(text, dialect) ? weft_trace_id_of_text(text, dialect, out_id) : WEFT_ID_PROBLEM_NOT_TEXT;
}

enum weft_id_problem weft_span_id_of_number(struct weft_slice text, enum weft_id_dialect dialect,
                                            struct weft_span_id *out_id)
{
    return is_decimal_id(text, dialect) ? weft_span_id_of_text(text, dialect, out_id) : WEFT_ID_PROBLEM_NOT_TEXT;
}

bool weft_trace_flags_of_text(struct weft_slice text, uint8_t *out_flags)
{
    uint8_t flags[WEFT_SPAN_ID_BYTES];
    bool is_true = equal_in_any_case(text, "true");
    if (is_true || equal_in_any_case(text, "false")) {
        *out_flags = is_true;
        return true;
    }
    if (text.length > 2 || !take_padded_hex(text, flags, sizeof flags)) {
        return false;
    }
    *out_flags = flags[sizeof flags - 1];
    return true;
}
