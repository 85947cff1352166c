/* Texts of expressions (expression_internal.h) without their escapes, which are Go's and a few more. */
#include "base/hex.h"
#include "base/utf8.h"
#include "operators/expression_internal.h"

struct unquoter {
    const struct weft_expression_parser *parser;
    struct weft_slice text;
    size_t offset; /* of text in the expression */
    char quote;
    size_t at;
    uint8_t *out; /* has room for all */
    size_t length;
};

/* As many digits as least, or up to most; false: there are fewer. */
static bool read_digits(struct unquoter *unquoter, int base, int least, int most, uint32_t *out_number)
{
    int count = 0;
    for (*out_number = 0; count < most && unquoter->at < unquoter->text.length; count++) {
        int digit = weft_hex_value(unquoter->text.bytes[unquoter->at]);
        if (digit < 0 || digit >= base) {
            break;
        }
        *out_number = *out_number * (uint32_t)base + (uint32_t)digit;
        unquoter->at++;
    }
    return count >= least;
}

/* What is no character becomes U+FFFD. */
size_t weft_expression_put_character(uint8_t *out, uint32_t character)
{
    if (character > 0x10ffff || (character >= 0xd800 && character < 0xe000)) {
        character = 0xfffd;
    }
    return (size_t)(weft_utf8_put(out, character) - out);
}

/* at is behind the letter u. */
static bool read_braced(struct unquoter *unquoter, uint32_t *out_character)
{
    unquoter->at++;
    return read_digits(unquoter, 16, 1, 6, out_character) && unquoter->at < unquoter->text.length &&
           unquoter->text.bytes[unquoter->at++] == '}';
}

/* at is behind the backslash, before the end. */
static bool read_escape(struct unquoter *unquoter, uint32_t *out_character)
{
    static const char letters[] = "abfnrtv\\";
    static const char meanings[] = "\a\b\f\n\r\t\v\\";
    char letter = (char)unquoter->text.bytes[unquoter->at];
    const char *found = letter == '\0' ? NULL : strchr(letters, letter);
    if (letter == unquoter->quote) {
        unquoter->at++;
        *out_character = (uint32_t)letter;
        return true;
    }
    if (found != NULL) {
        unquoter->at++;
        *out_character = (uint32_t)meanings[found - letters];
        return true;
    }
    if (letter >= '0' && letter <= '3') {
        return read_digits(unquoter, 8, 3, 3, out_character);
    }
    unquoter->at++;
    if (letter == 'u' && unquoter->at < unquoter->text.length && unquoter->text.bytes[unquoter->at] == '{') {
        return read_braced(unquoter, out_character) && *out_character <= 0x10ffff;
    }
    int count = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
    return count > 0 && read_digits(unquoter, 16, count, count, out_character) && *out_character <= 0x10ffff;
}

static enum weft_status unquote_one(struct unquoter *unquoter)
{
    struct weft_slice rest = weft_slice_of(unquoter->text.bytes + unquoter->at, unquoter->text.length - unquoter->at);
    size_t start = unquoter->at, length = 1;
    uint32_t character = weft_utf8_decode(rest, &length);
    unquoter->at += length;
    if (character == '\r') { /* ends of lines are \n */
        unquoter->at += unquoter->at < unquoter->text.length && unquoter->text.bytes[unquoter->at] == '\n';
        character = '\n';
    }
    if (character == '\\' && (unquoter->at >= unquoter->text.length || !read_escape(unquoter, &character))) {
        return weft_expression_fail(unquoter->parser, unquoter->offset + start, WEFT_INVALID,
                                    "there is no such escape; a backslash itself is \\\\");
    }
    unquoter->length += weft_expression_put_character(unquoter->out + unquoter->length, character);
    return WEFT_OK;
}

/* A byte becomes three at most, as one that is no UTF-8 does. */
enum weft_status weft_expression_unquote(struct weft_expression_parser *parser, struct weft_slice text, size_t at,
                                         struct weft_slice *out_value)
{
    struct unquoter unquoter = {
        .parser = parser, .text = text, .offset = at, .quote = (char)parser->source->text.bytes[at - 1]
    };
    enum weft_status status = weft_operator_alloc(parser->reader, text.length * 3 + 1, &unquoter.out);
    while (status == WEFT_OK && unquoter.at < text.length) {
        status = unquote_one(&unquoter);
    }
    if (status == WEFT_OK) {
        *out_value = weft_slice_of(unquoter.out, unquoter.length);
    }
    return status;
}

enum weft_status weft_expression_copy(struct weft_expression_parser *parser, struct weft_slice text,
                                      struct weft_slice *out_copy)
{
    uint8_t *bytes = NULL;
    enum weft_status status = weft_operator_alloc(parser->reader, text.length + 1, &bytes);
    if (status == WEFT_OK) {
        memcpy(bytes, text.bytes, text.length);
        *out_copy = weft_slice_of(bytes, text.length);
    }
    return status;
}
