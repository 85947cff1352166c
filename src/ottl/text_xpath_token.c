/* Words of an XPath (text_xpath_token.h). */
#include "ottl/text_xpath_token.h"

static uint8_t byte_at(const struct weft_ottl_xpath_scanner *scanner, size_t ahead)
{
    size_t at = scanner->at + ahead;
    return at < scanner->text.length ? scanner->text.bytes[at] : 0;
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool starts_name(uint8_t byte)
{
    return byte >= 0x80 || byte == '_' || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
}

static bool is_in_name(uint8_t byte)
{
    return starts_name(byte) || is_digit(byte) || byte == '-' || byte == '.';
}

static void skip_space(struct weft_ottl_xpath_scanner *scanner)
{
    while (weft_slice_is_space(byte_at(scanner, 0))) {
        scanner->at++;
    }
}

static struct weft_slice scan_name(struct weft_ottl_xpath_scanner *scanner)
{
    size_t start = scanner->at;
    while (is_in_name(byte_at(scanner, 0))) {
        scanner->at++;
    }
    return weft_slice_of(scanner->text.bytes + start, scanner->at - start);
}

/* name, prefix:name or prefix:* in one piece. */
static void scan_qualified(struct weft_ottl_xpath_scanner *scanner, struct weft_ottl_xpath_token *token)
{
    token->kind = WEFT_OTTL_XPATH_A_NAME;
    token->text = scan_name(scanner);
    if (byte_at(scanner, 0) == ':' && (starts_name(byte_at(scanner, 1)) || byte_at(scanner, 1) == '*')) {
        token->prefix = token->text;
        scanner->at++;
        bool is_star = byte_at(scanner, 0) == '*';
        token->text = is_star ? weft_slice_of(scanner->text.bytes + scanner->at, 1) : scan_name(scanner);
        scanner->at += is_star;
    }
    skip_space(scanner);
    token->is_call = byte_at(scanner, 0) == '(';
}

static void scan_string(struct weft_ottl_xpath_scanner *scanner, struct weft_ottl_xpath_token *token)
{
    const uint8_t *start = scanner->text.bytes + scanner->at + 1;
    size_t left = scanner->text.length - scanner->at - 1;
    const uint8_t *end = left == 0 ? NULL : memchr(start, start[-1], left);
    token->kind = end == NULL ? WEFT_OTTL_XPATH_UNKNOWN : WEFT_OTTL_XPATH_A_STRING;
    token->text = weft_slice_of(start, end == NULL ? left : (size_t)(end - start));
    scanner->at += token->text.length + 1 + (end != NULL);
}

static void scan_number(struct weft_ottl_xpath_scanner *scanner, struct weft_ottl_xpath_token *token)
{
    size_t start = scanner->at;
    while (is_digit(byte_at(scanner, 0))) {
        scanner->at++;
    }
    if (byte_at(scanner, 0) == '.') {
        scanner->at++;
        while (is_digit(byte_at(scanner, 0))) {
            scanner->at++;
        }
    }
    token->kind = WEFT_OTTL_XPATH_A_NUMBER;
    token->text = weft_slice_of(scanner->text.bytes + start, scanner->at - start);
}

static void scan_sign(struct weft_ottl_xpath_scanner *scanner, struct weft_ottl_xpath_token *token)
{
    static const struct {
        char text[3];
        char kind;
    } pairs[] = { { "//", 'D' }, { "..", 'P' }, { "::", 'A' }, { "!=", 'N' }, { "<=", 'L' }, { ">=", 'G' } };
    uint8_t first = byte_at(scanner, 0), second = byte_at(scanner, 1);
    for (size_t i = 0; i < WEFT_COUNT_OF(pairs); i++) {
        if (first == (uint8_t)pairs[i].text[0] && second == (uint8_t)pairs[i].text[1]) {
            token->kind = pairs[i].kind;
            scanner->at += 2;
            return;
        }
    }
    token->kind = strchr("/|*[]()@.,=<>+-$", first) != NULL && first != 0 ? first : WEFT_OTTL_XPATH_UNKNOWN;
    scanner->at++;
}

struct weft_ottl_xpath_token weft_ottl_xpath_token_next(struct weft_ottl_xpath_scanner *scanner)
{
    skip_space(scanner);
    struct weft_ottl_xpath_token token = { .kind = WEFT_OTTL_XPATH_END, .at = scanner->at };
    uint8_t byte = byte_at(scanner, 0);
    if (scanner->at >= scanner->text.length) {
        return token;
    }
    if (starts_name(byte)) {
        scan_qualified(scanner, &token);
    } else if (byte == '"' || byte == '\'') {
        scan_string(scanner, &token);
    } else if (is_digit(byte) || (byte == '.' && is_digit(byte_at(scanner, 1)))) {
        scan_number(scanner, &token);
    } else {
        scan_sign(scanner, &token);
    }
    return token;
}
