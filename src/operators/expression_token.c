/* Words, signs, numbers and texts of an expression (expression_internal.h), one by one. Letters outside of ASCII stand
 * in texts only. */
#include <ctype.h>

#include "base/utf8.h"
#include "operators/expression_internal.h"

/* Longer ones before those that they begin with. */
static const char *const signs[] = {
    "&&", "||", "==", "!=", "<=", ">=", "**", "?.", "??", "..", "::", "&", "|", "=", "!", "<", ">", "*",
    "?",  ".",  ":",  ",",  ";",  "+",  "-",  "%",  "^",  "/",  "#",  "(", ")", "[", "]", "{", "}",
};

static const char *const words[] = {
    "not", "in", "or", "and", "matches", "contains", "startsWith", "endsWith", "let", "if", "else",
};

static bool is_in(char byte, const char *set)
{
    return byte != '\0' && strchr(set, byte) != NULL;
}

static bool is_letter(char byte)
{
    return isalpha((unsigned char)byte) || byte == '_' || byte == '$';
}

/* '\0' at the end, and for a byte that is one. */
static char byte_at(const struct weft_expression_parser *parser, size_t at)
{
    return at < parser->source->text.length ? (char)parser->source->text.bytes[at] : '\0';
}

static size_t skip_set(const struct weft_expression_parser *parser, size_t at, const char *set)
{
    while (is_in(byte_at(parser, at), set)) {
        at++;
    }
    return at;
}

static void set_token(struct weft_expression_parser *parser, enum weft_expression_token_kind kind, size_t end)
{
    size_t start = parser->at;
    parser->token = (struct weft_expression_token){
        .kind = kind, .text = weft_slice_of(parser->source->text.bytes + start, end - start), .at = start
    };
    parser->at = end;
}

static enum weft_status skip_spaces(struct weft_expression_parser *parser)
{
    const struct weft_slice text = parser->source->text;
    for (;;) {
        size_t at = parser->at = skip_set(parser, parser->at, " \t\n\v\f\r");
        if (byte_at(parser, at) != '/' || !is_in(byte_at(parser, at + 1), "/*")) {
            return WEFT_OK;
        }
        bool is_line = byte_at(parser, at + 1) == '/';
        for (at += 2; at < text.length; at++) {
            if (is_line ? text.bytes[at] == '\n' : text.bytes[at] == '*' && byte_at(parser, at + 1) == '/') {
                break;
            }
        }
        if (!is_line && at >= text.length) {
            return weft_expression_fail(parser, parser->at, WEFT_INVALID, "a comment is not closed");
        }
        parser->at = is_line ? at : at + 2;
    }
}

/* Digits may be more than the base has: then it is no number when it is read. */
static enum weft_status read_number(struct weft_expression_parser *parser)
{
    const char *digits = "0123456789_";
    size_t at = parser->at;
    if (byte_at(parser, at) == '0') {
        char base = (char)tolower((unsigned char)byte_at(parser, at + 1));
        digits = base == 'x' ? "0123456789abcdefABCDEF_" : base == 'o' ? "01234567_" : base == 'b' ? "01_" : digits;
        at += is_in(base, "xob") ? 2 : 1;
    }
    at = skip_set(parser, at, digits);
    if (byte_at(parser, at) == '.' && byte_at(parser, at + 1) != '.') {
        at = skip_set(parser, at + 1, digits);
    }
    if (is_in(byte_at(parser, at), "eE")) {
        at += is_in(byte_at(parser, at + 1), "+-") ? 2 : 1;
        at = skip_set(parser, at, digits);
    }
    if (is_letter(byte_at(parser, at)) || isdigit((unsigned char)byte_at(parser, at))) {
        return weft_expression_fail(parser, parser->at, WEFT_INVALID, "this is no number");
    }
    set_token(parser, WEFT_EXPRESSION_TOKEN_NUMBER, at);
    return WEFT_OK;
}

static enum weft_status read_text(struct weft_expression_parser *parser, char quote)
{
    const struct weft_slice text = parser->source->text;
    size_t start = parser->at, end = start + 1;
    while (end < text.length && (char)text.bytes[end] != quote && (quote == '`' || text.bytes[end] != '\n')) {
        end += quote != '`' && text.bytes[end] == '\\' ? 2 : 1;
    }
    if (end >= text.length || (char)text.bytes[end] != quote) {
        return weft_expression_fail(parser, start, WEFT_INVALID, "a text is not closed");
    }
    struct weft_slice inside = weft_slice_of(text.bytes + start + 1, end - start - 1);
    set_token(parser, WEFT_EXPRESSION_TOKEN_TEXT, end + 1);
    return quote == '`' ? weft_expression_copy(parser, inside, &parser->token.value)
                        : weft_expression_unquote(parser, inside, start + 1, &parser->token.value);
}

static void read_word(struct weft_expression_parser *parser)
{
    size_t end = parser->at;
    while (is_letter(byte_at(parser, end)) || isdigit((unsigned char)byte_at(parser, end))) {
        end++;
    }
    set_token(parser, WEFT_EXPRESSION_TOKEN_NAME, end);
    for (size_t i = 0; i < WEFT_COUNT_OF(words); i++) {
        if (weft_slice_equal_text(parser->token.text, words[i])) {
            parser->token.kind = WEFT_EXPRESSION_TOKEN_SIGN;
        }
    }
}

static enum weft_status read_sign(struct weft_expression_parser *parser)
{
    struct weft_slice rest =
        weft_slice_of(parser->source->text.bytes + parser->at, parser->source->text.length - parser->at);
    for (size_t i = 0; i < WEFT_COUNT_OF(signs); i++) {
        size_t length = strlen(signs[i]);
        if (length <= rest.length && memcmp(rest.bytes, signs[i], length) == 0) {
            set_token(parser, WEFT_EXPRESSION_TOKEN_SIGN, parser->at + length);
            return WEFT_OK;
        }
    }
    size_t length = 1;
    uint32_t character = weft_utf8_decode(rest, &length);
    return weft_expression_fail(parser, parser->at, WEFT_INVALID,
                                "U+%04X cannot stand here: a key with such characters stands in brackets and quotes",
                                (unsigned)character);
}

enum weft_status weft_expression_advance(struct weft_expression_parser *parser)
{
    enum weft_status status = skip_spaces(parser);
    if (status != WEFT_OK) {
        return status;
    }
    char first = byte_at(parser, parser->at), second = byte_at(parser, parser->at + 1);
    if (parser->at >= parser->source->text.length) {
        set_token(parser, WEFT_EXPRESSION_TOKEN_END, parser->at);
    } else if (is_in(first, "'\"`")) {
        return read_text(parser, first);
    } else if (is_in(first, "bB") && is_in(second, "'\"")) {
        return weft_expression_fail(parser, parser->at, WEFT_UNSUPPORTED, "weft does not have bytes (b\"...\") yet");
    } else if (isdigit((unsigned char)first) || (first == '.' && isdigit((unsigned char)second))) {
        return read_number(parser);
    } else if (is_letter(first)) {
        read_word(parser);
    } else {
        return read_sign(parser);
    }
    return WEFT_OK;
}
