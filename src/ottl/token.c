/* Tokens of OTTL (parser.h): the Collector's lexer, rule by rule in its order. */
#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/hex.h"
#include "ottl/parser.h"

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_lower(uint8_t byte)
{
    return byte >= 'a' && byte <= 'z';
}

static bool is_upper(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z';
}

static bool is_word(uint8_t byte)
{
    return is_digit(byte) || is_lower(byte) || is_upper(byte) || byte == '_';
}

enum weft_status weft_ottl_fail_at(struct weft_slice text, size_t at, struct weft_error *error, enum weft_status status,
                                   const char *format, ...)
{
    char reason[360];
    unsigned line = 1, column = 1;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    for (size_t i = 0; i < at && i < text.length; i++) {
        bool is_end = text.bytes[i] == '\n';
        line += is_end;
        column = is_end ? 1 : column + ((text.bytes[i] & 0xc0) != 0x80);
    }
    return weft_fail(error, status, "line %u column %u: %s", line, column, reason);
}

static uint8_t byte_at(const struct weft_ottl_parser *parser, size_t at)
{
    return at < parser->text.length ? parser->text.bytes[at] : 0;
}

static size_t skip_digits(const struct weft_ottl_parser *parser, size_t at)
{
    while (is_digit(byte_at(parser, at))) {
        at++;
    }
    return at;
}

/* The end of a number with a point at `at`; at itself if there is none. */
static size_t end_of_float(const struct weft_ottl_parser *parser, size_t at)
{
    size_t end = skip_digits(parser, at);
    bool has_digits = end > at;
    if (byte_at(parser, end) != '.' || (!has_digits && !is_digit(byte_at(parser, end + 1)))) {
        return at;
    }
    end = skip_digits(parser, end + 1);
    if (byte_at(parser, end) == 'e' || byte_at(parser, end) == 'E') {
        size_t digits = end + 1;
        digits += byte_at(parser, digits) == '+' || byte_at(parser, digits) == '-';
        end = is_digit(byte_at(parser, digits)) ? skip_digits(parser, digits) : end;
    }
    return end;
}

/* False: it is no number. */
static bool take_number(const struct weft_ottl_parser *parser, struct weft_ottl_token *token, size_t *out_end)
{
    size_t at = token->at;
    if (byte_at(parser, at) == '0' && byte_at(parser, at + 1) == 'x' && weft_hex_value(byte_at(parser, at + 2)) >= 0) {
        for (at += 2; weft_hex_value(byte_at(parser, at)) >= 0; at++) {
        }
        token->kind = WEFT_OTTL_TOKEN_BYTES;
        *out_end = at;
        return true;
    }
    *out_end = end_of_float(parser, at);
    token->kind = WEFT_OTTL_TOKEN_FLOAT;
    if (*out_end == at) {
        *out_end = skip_digits(parser, at);
        token->kind = WEFT_OTTL_TOKEN_INT;
    }
    return *out_end > at;
}

static bool take_keyword(const struct weft_ottl_parser *parser, struct weft_ottl_token *token, size_t *out_end)
{
    static const struct {
        const char *word;
        enum weft_ottl_token_kind kind;
    } words[] = {
        { "nil", WEFT_OTTL_TOKEN_NIL }, { "not", WEFT_OTTL_TOKEN_NOT },   { "or", WEFT_OTTL_TOKEN_OR },
        { "and", WEFT_OTTL_TOKEN_AND }, { "true", WEFT_OTTL_TOKEN_BOOL }, { "false", WEFT_OTTL_TOKEN_BOOL },
    };
    size_t left = parser->text.length - token->at;
    for (size_t i = 0; i < WEFT_COUNT_OF(words); i++) {
        size_t length = strlen(words[i].word);
        if (length <= left && memcmp(parser->text.bytes + token->at, words[i].word, length) == 0 &&
            !is_word(byte_at(parser, token->at + length))) {
            token->kind = words[i].kind;
            *out_end = token->at + length;
            return true;
        }
    }
    return false;
}

static bool take_word(const struct weft_ottl_parser *parser, struct weft_ottl_token *token, size_t *out_end)
{
    uint8_t first = byte_at(parser, token->at);
    bool (*is_letter)(uint8_t) = is_lower(first) ? is_lower : is_upper;
    size_t at = token->at;
    if (take_keyword(parser, token, out_end)) {
        return true;
    }
    if (first == '_' && !is_word(byte_at(parser, at + 1))) {
        token->kind = WEFT_OTTL_TOKEN_UNDERSCORE;
        *out_end = at + 1;
        return true;
    }
    if (!is_letter(first)) {
        return false;
    }
    while (is_letter(byte_at(parser, at)) || is_digit(byte_at(parser, at)) || byte_at(parser, at) == '_') {
        at++;
    }
    token->kind = is_lower(first) ? WEFT_OTTL_TOKEN_LOWER : WEFT_OTTL_TOKEN_UPPER;
    *out_end = at;
    return true;
}

static bool take_sign(const struct weft_ottl_parser *parser, struct weft_ottl_token *token, size_t *out_end)
{
    uint8_t first = byte_at(parser, token->at);
    uint8_t second = byte_at(parser, token->at + 1);
    *out_end = token->at + 1;
    if ((first == '<' || first == '>' || first == '=' || first == '!') && second == '=') {
        token->kind = WEFT_OTTL_TOKEN_COMPARE;
        *out_end = token->at + 2;
    } else if (first == '<' || first == '>') {
        token->kind = WEFT_OTTL_TOKEN_COMPARE;
    } else if (first == '=' && second == '>') {
        token->kind = WEFT_OTTL_TOKEN_ARROW;
        *out_end = token->at + 2;
    } else if (first != '\0' && strchr("+-/*=(){}:,.[]", first) != NULL) {
        token->kind = WEFT_OTTL_TOKEN_SIGN;
    } else {
        return false;
    }
    return true;
}

/* The end of the text that begins with the quote at `at`; 0: it has none. */
static size_t end_of_string(const struct weft_ottl_parser *parser, size_t at)
{
    for (size_t i = at + 1; i < parser->text.length; i++) {
        if (parser->text.bytes[i] == '"') {
            return i + 1;
        }
        i += parser->text.bytes[i] == '\\';
    }
    return 0;
}

/* What other languages have, and what stands for it here. */
static const char *word_instead_of(uint8_t byte, uint8_t next)
{
    return byte == '\''                 ? "; texts stand in double quotes"
           : byte == '&' && next == '&' ? "; && is written and"
           : byte == '|' && next == '|' ? "; || is written or"
           : byte == '!'                ? "; ! is written not"
                                        : "";
}

enum weft_status weft_ottl_advance(struct weft_ottl_parser *parser)
{
    size_t at = parser->next;
    while (at < parser->text.length && memchr(" \t\n\f\r", parser->text.bytes[at], 5) != NULL) {
        at++;
    }
    struct weft_ottl_token token = { .kind = WEFT_OTTL_TOKEN_END, .at = at };
    size_t end = at;
    if (at < parser->text.length && byte_at(parser, at) == '"') {
        token.kind = WEFT_OTTL_TOKEN_STRING;
        end = end_of_string(parser, at);
        if (end == 0) {
            return weft_ottl_fail_at(parser->text, at, parser->error, WEFT_INVALID, "the string has no end");
        }
    } else if (at < parser->text.length && !take_number(parser, &token, &end) && !take_word(parser, &token, &end) &&
               !take_sign(parser, &token, &end)) {
        return weft_ottl_fail_at(
            parser->text, at, parser->error, WEFT_INVALID, "there is nothing that begins with \"%.*s\"%s", 1,
            (const char *)parser->text.bytes + at, word_instead_of(byte_at(parser, at), byte_at(parser, at + 1)));
    }
    token.text = weft_slice_of(parser->text.bytes + at, end - at);
    parser->token = token;
    parser->next = end;
    return WEFT_OK;
}

/* ---- strings ---- */

/* count digits of the base at *in_out_at. */
static bool read_digits(struct weft_slice text, size_t *in_out_at, int base, int count, uint32_t *out_number)
{
    *out_number = 0;
    for (int i = 0; i < count; i++, (*in_out_at)++) {
        int digit = *in_out_at < text.length ? weft_hex_value(text.bytes[*in_out_at]) : -1;
        if (digit < 0 || digit >= base) {
            return false;
        }
        *out_number = *out_number * (uint32_t)base + (uint32_t)digit;
    }
    return true;
}

static size_t put_character(uint8_t *out, uint32_t character)
{
    if (character < 0x80) {
        out[0] = (uint8_t)character;
        return 1;
    }
    if (character < 0x800) {
        out[0] = (uint8_t)(0xc0 | character >> 6);
        out[1] = (uint8_t)(0x80 | (character & 0x3f));
        return 2;
    }
    if (character < 0x10000) {
        out[0] = (uint8_t)(0xe0 | character >> 12);
        out[1] = (uint8_t)(0x80 | (character >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (character & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | character >> 18);
    out[1] = (uint8_t)(0x80 | (character >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (character >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (character & 0x3f));
    return 4;
}

/* What stands behind a backslash at *in_out_at, as Go's strconv.Unquote reads it: a byte (\x, \0) or a character.
 * Never longer than it is written. */
static bool read_escape(struct weft_slice text, size_t *in_out_at, uint8_t *out, size_t *out_length)
{
    static const char letters[] = "abfnrtv\\\"";
    static const char meanings[] = "\a\b\f\n\r\t\v\\\"";
    char letter = (char)text.bytes[*in_out_at];
    const char *found = letter == '\0' ? NULL : strchr(letters, letter);
    uint32_t number = 0;
    *out_length = 1;
    if (found != NULL) {
        (*in_out_at)++;
        out[0] = (uint8_t)meanings[found - letters];
        return true;
    }
    if (letter >= '0' && letter <= '7') {
        bool is_read = read_digits(text, in_out_at, 8, 3, &number) && number <= 0xff;
        *out_length = put_character(out, number);
        return is_read;
    }
    (*in_out_at)++;
    int count = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
    if (count == 0 || !read_digits(text, in_out_at, 16, count, &number)) {
        return false;
    }
    if (number > 0x10ffff || (number >= 0xd800 && number < 0xe000)) {
        return false;
    }
    *out_length = put_character(out, number);
    return true;
}

enum weft_status weft_ottl_unquote(struct weft_ottl_parser *parser, const struct weft_ottl_token *token,
                                   struct weft_slice *out_text)
{
    weft_assert(token->kind == WEFT_OTTL_TOKEN_STRING && token->text.length >= 2);
    struct weft_slice inside = weft_slice_of(token->text.bytes + 1, token->text.length - 2);
    if (inside.length == 0) {
        *out_text = weft_slice_of(token->text.bytes, 0);
        return WEFT_OK;
    }
    uint8_t *out = weft_arena_try_bytes(parser->arena, inside.length);
    size_t length = 0;
    if (out == NULL) {
        return weft_fail(parser->error, WEFT_NOMEM, "no memory for a statement");
    }
    for (size_t at = 0; at < inside.length;) {
        size_t start = at;
        uint8_t byte = inside.bytes[at++];
        size_t count = 1;
        if (byte == '\n') {
            return weft_ottl_fail_at(parser->text, token->at + 1 + start, parser->error, WEFT_INVALID,
                                     "a string does not reach over the end of a line; write \\n");
        }
        out[length] = byte;
        if (byte == '\\' && (at >= inside.length || !read_escape(inside, &at, out + length, &count))) {
            return weft_ottl_fail_at(parser->text, token->at + 1 + start, parser->error, WEFT_INVALID,
                                     "there is no such escape; a backslash itself is \\\\");
        }
        length += count;
    }
    *out_text = weft_slice_of(out, length);
    return WEFT_OK;
}
