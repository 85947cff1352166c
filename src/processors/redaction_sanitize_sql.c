/* SQL without its literals (redaction_sanitize.h): a lexer for all dialects that knows words, numbers, quotes, comments
 * and operators, and nothing of what they mean. It parts a statement as the one that the Collector's db_sanitizer uses
 * does, in the way in which that is used there. A quote that is open at the end hides all that follows it. */
#include <strings.h>

#include "base/assert.h"
#include "base/utf8.h"
#include "processors/redaction_sanitize.h"

struct lexer {
    const uint8_t *at, *end;
    bool is_mysql;
    bool is_quote_open; /* a name in quotes has no end: no quote behind it begins one */
};

/* What becomes of a piece. */
enum piece {
    KEPT,
    HIDDEN,
    NUMBERED, /* a name: its digits are hidden */
    FUNCTION, /* $func$ statement $func$ */
};

static const char function_tag[] = "$func$";

enum { TAG_BYTES = sizeof function_tag - 1 };

/* ---- characters ---- */

static uint8_t peek(const struct lexer *lexer, size_t ahead)
{
    return ahead < (size_t)(lexer->end - lexer->at) ? lexer->at[ahead] : 0;
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_letter(uint8_t byte)
{
    uint8_t letter = byte | 0x20;
    return (letter >= 'a' && letter <= 'z') || byte == '_';
}

static bool is_one_of(uint8_t byte, const char *bytes)
{
    return byte != 0 && strchr(bytes, byte) != NULL;
}

static bool is_space(uint8_t byte)
{
    return is_one_of(byte, " \t\r\n");
}

static bool is_punctuation(uint8_t byte)
{
    return is_one_of(byte, "(),;.:[]{}");
}

static bool is_operator(uint8_t byte)
{
    return is_one_of(byte, "+-*/=<>!&|^%~?@:#");
}

/* Behind the ASCII characters, what is no letter: signs and punctuation, emoji. */
static const struct {
    uint32_t first, last;
} no_letters[] = {
    { 0x80, 0xa9 },     { 0xab, 0xb4 },       { 0xb6, 0xb9 },        { 0xbb, 0xbf },     { 0xd7, 0xd7 },
    { 0xf7, 0xf7 },     { 0x300, 0x36f },     { 0x660, 0x66d },      { 0x6f0, 0x6f9 },   { 0x966, 0x96f },
    { 0x2000, 0x2070 }, { 0x2072, 0x207e },   { 0x2080, 0x208f },    { 0x20a0, 0x2101 }, { 0x2150, 0x2bff },
    { 0x3000, 0x3004 }, { 0x3007, 0x3030 },   { 0xe000, 0xf8ff },    { 0xfe00, 0xfe6f }, { 0xff00, 0xff20 },
    { 0xffe0, 0xffff }, { 0x1f000, 0x1faff }, { 0xe0000, 0x10ffff },
};

/* Bytes of the letter beyond ASCII at `at`; 0 if there is none. */
static size_t foreign_letter(const struct lexer *lexer, const uint8_t *at)
{
    size_t length = 0;
    if (at == lexer->end || *at < 0x80) {
        return 0;
    }
    uint32_t character = weft_utf8_decode(weft_slice_of(at, (size_t)(lexer->end - at)), &length);
    for (size_t i = 0; i < sizeof no_letters / sizeof no_letters[0]; i++) {
        if (character >= no_letters[i].first && character <= no_letters[i].last) {
            return 0;
        }
    }
    return length;
}

/* ---- pieces ---- */

static enum piece scan_bytes(struct lexer *lexer, size_t count)
{
    size_t left = (size_t)(lexer->end - lexer->at);
    lexer->at += count < left ? count : left;
    return KEPT;
}

static enum piece scan_spaces(struct lexer *lexer)
{
    while (is_space(peek(lexer, 0))) {
        lexer->at++;
    }
    return KEPT;
}

/* The rest of a name. */
static void skip_name(struct lexer *lexer)
{
    for (;;) {
        uint8_t byte = peek(lexer, 0);
        bool is_name = is_letter(byte) || is_digit(byte) || is_one_of(byte, "\".?$#/@!");
        size_t length = is_name ? 1 : foreign_letter(lexer, lexer->at);
        if (length == 0) {
            return;
        }
        lexer->at += length;
    }
}

static bool is_literal(struct weft_slice word)
{
    static const char *const literals[] = { "true", "false", "null" };
    for (size_t i = 0; i < sizeof literals / sizeof literals[0]; i++) {
        if (word.length == strlen(literals[i]) &&
            strncasecmp((const char *)word.bytes, literals[i], word.length) == 0) {
            return true;
        }
    }
    return false;
}

/* A name, but one of a function, has no digits afterwards. */
static enum piece scan_word(struct lexer *lexer)
{
    const uint8_t *from = lexer->at;
    while (is_letter(peek(lexer, 0))) {
        lexer->at++;
    }
    bool is_whole = lexer->at == lexer->end || is_space(*lexer->at) || is_punctuation(*lexer->at);
    if (is_whole && is_literal(weft_slice_of(from, (size_t)(lexer->at - from)))) {
        return HIDDEN;
    }
    skip_name(lexer);
    return peek(lexer, 0) == '(' ? KEPT : NUMBERED;
}

/* A name in another script, or a character that is nothing. */
static enum piece scan_foreign(struct lexer *lexer)
{
    if (foreign_letter(lexer, lexer->at) == 0) {
        return scan_bytes(lexer, 1);
    }
    skip_name(lexer);
    return NUMBERED;
}

/* In MySQL's double quotes or anybody's single ones. */
static enum piece scan_string(struct lexer *lexer, uint8_t quote)
{
    for (lexer->at++; lexer->at < lexer->end; lexer->at++) {
        if (*lexer->at == '\\') {
            lexer->at += lexer->end - lexer->at > 1;
        } else if (*lexer->at == quote) {
            lexer->at++;
            break;
        }
    }
    return HIDDEN;
}

/* "a" and "a"."b". */
static enum piece scan_quoted_name(struct lexer *lexer, uint8_t quote)
{
    const uint8_t *at = lexer->at + 1;
    while (!lexer->is_quote_open && at < lexer->end) {
        if (*at != quote) {
            at++;
        } else if (lexer->end - at >= 3 && at[1] == '.' && at[2] == quote) {
            at += 3;
        } else {
            lexer->at = at + 1;
            return NUMBERED;
        }
    }
    lexer->is_quote_open = true;
    return scan_bytes(lexer, 1);
}

static enum piece scan_number(struct lexer *lexer)
{
    uint8_t second = peek(lexer, 1);
    if (*lexer->at == '0' && (second | 0x20) == 'x') {
        for (lexer->at += 2; is_digit(peek(lexer, 0)) || is_one_of(peek(lexer, 0) | 0x20, "abcdef"); lexer->at++) {
        }
        return HIDDEN;
    }
    if (*lexer->at == '0' && second >= '0' && second <= '7') {
        for (lexer->at += 2; peek(lexer, 0) >= '0' && peek(lexer, 0) <= '7'; lexer->at++) {
        }
        return HIDDEN;
    }
    for (lexer->at++;;) { /* a digit or a sign */
        uint8_t byte = peek(lexer, 0);
        bool is_exponent = (byte | 0x20) == 'e';
        if (!is_digit(byte) && byte != '.' && !is_exponent) {
            return HIDDEN;
        }
        lexer->at++;
        lexer->at += is_exponent && is_one_of(peek(lexer, 0), "+-");
    }
}

static enum piece scan_line_comment(struct lexer *lexer)
{
    const uint8_t *end = memchr(lexer->at, '\n', (size_t)(lexer->end - lexer->at));
    lexer->at = end == NULL ? lexer->end : end;
    return KEPT;
}

static enum piece scan_comment(struct lexer *lexer)
{
    const uint8_t *from = lexer->at + 2;
    const uint8_t *end = memmem(from, (size_t)(lexer->end - from), "*/", 2);
    lexer->at = end == NULL ? lexer->end : end + 2;
    return KEPT;
}

/* $1, $$ text $$, $tag$ text $tag$; another $ means nothing. */
static enum piece scan_dollar(struct lexer *lexer)
{
    const uint8_t *from = lexer->at++;
    if (is_digit(peek(lexer, 0))) {
        while (is_digit(peek(lexer, 0))) {
            lexer->at++;
        }
        return HIDDEN;
    }
    const uint8_t *tag_end = lexer->at;
    while (tag_end < lexer->end && (is_letter(*tag_end) || is_digit(*tag_end) || *tag_end >= 0x80)) {
        tag_end++;
    }
    if (tag_end == lexer->end || *tag_end != '$') {
        return KEPT;
    }
    size_t tag_bytes = (size_t)(tag_end + 1 - from);
    const uint8_t *close = memmem(from + tag_bytes, (size_t)(lexer->end - from) - tag_bytes, from, tag_bytes);
    bool is_function = tag_bytes == TAG_BYTES && memcmp(from, function_tag, TAG_BYTES) == 0;
    lexer->at = close == NULL ? lexer->end : close + tag_bytes;
    return close != NULL && is_function ? FUNCTION : HIDDEN;
}

/* An operator of one piece: of PostgreSQL's for JSON each, of others as many as follow one another. */
static enum piece scan_operator(struct lexer *lexer)
{
    uint8_t byte = *lexer->at++;
    uint8_t next = peek(lexer, 0);
    if ((byte == '-' || byte == '#') && next == '>') {
        return scan_bytes(lexer, peek(lexer, 1) == '>' ? 2 : 1);
    }
    if ((byte == '#' && next == '-') || (byte == '?' && is_one_of(next, "|&")) || (byte == '<' && next == '@')) {
        return scan_bytes(lexer, 1);
    }
    while (is_operator(peek(lexer, 0)) && !(byte == '=' && is_one_of(peek(lexer, 0), "?@"))) {
        byte = *lexer->at++;
    }
    return KEPT;
}

/* @@variable, @parameter, operators. */
static enum piece scan_at(struct lexer *lexer)
{
    size_t signs = peek(lexer, 1) == '@' ? 2 : 1;
    uint8_t byte = peek(lexer, signs);
    size_t foreign = foreign_letter(lexer, lexer->at + signs < lexer->end ? lexer->at + signs : lexer->end);
    if (!is_letter(byte) && !is_digit(byte) && foreign == 0) {
        return signs == 2 || is_one_of(byte, "?>") ? scan_bytes(lexer, 2) : scan_operator(lexer);
    }
    for (lexer->at += signs; is_letter(peek(lexer, 0)) || is_digit(peek(lexer, 0)); lexer->at++) {
    }
    lexer->at += foreign_letter(lexer, lexer->at); /* its end, as in the Collector */
    return KEPT;
}

/* What begins with a sign that may be one of a number. */
static enum piece scan_sign(struct lexer *lexer)
{
    uint8_t next = peek(lexer, 1);
    if (*lexer->at == '-' && next == '-') {
        return scan_line_comment(lexer);
    }
    return is_digit(next) || next == '.' ? scan_number(lexer) : scan_operator(lexer);
}

static enum piece scan(struct lexer *lexer)
{
    uint8_t byte = *lexer->at;
    if (is_letter(byte)) {
        return scan_word(lexer);
    }
    if (is_space(byte)) {
        return scan_spaces(lexer);
    }
    if (is_digit(byte)) {
        return scan_number(lexer);
    }
    switch (byte) {
    case '\'':
        return scan_string(lexer, byte);
    case '"':
        return lexer->is_mysql ? scan_string(lexer, byte) : scan_quoted_name(lexer, byte);
    case '`':
        return lexer->is_mysql ? scan_quoted_name(lexer, byte) : scan_bytes(lexer, 1);
    case '+':
    case '-':
        return scan_sign(lexer);
    case '/':
        return peek(lexer, 1) == '*' ? scan_comment(lexer) : scan_operator(lexer);
    case '#':
        return lexer->is_mysql ? scan_line_comment(lexer) : scan_operator(lexer);
    case '$':
        return scan_dollar(lexer);
    case '@':
        return scan_at(lexer);
    case '*':
        return scan_bytes(lexer, 1);
    default:
        return byte >= 0x80 ? scan_foreign(lexer) : is_operator(byte) ? scan_operator(lexer) : scan_bytes(lexer, 1);
    }
}

/* ---- writing ---- */

static void put_name(struct weft_slice name, struct weft_buffer *out)
{
    bool was_digit = false;
    for (size_t i = 0; i < name.length; i++) {
        bool is_hidden = is_digit(name.bytes[i]);
        if (!is_hidden || !was_digit) {
            weft_buffer_append_byte(out, is_hidden ? '?' : name.bytes[i]);
        }
        was_digit = is_hidden;
    }
}

/* The body of a function has none in it: the first $func$ would end it. */
static void put_function(struct weft_slice piece, bool is_mysql, struct weft_buffer *out)
{
    weft_buffer_append_text(out, function_tag);
    weft_sanitize_sql(weft_slice_of(piece.bytes + TAG_BYTES, piece.length - (size_t)2 * TAG_BYTES), is_mysql, out);
    weft_buffer_append_text(out, function_tag);
}

static void put_piece(enum piece kind, struct weft_slice piece, bool is_mysql, struct weft_buffer *out)
{
    switch (kind) {
    case KEPT:
        weft_buffer_append(out, piece.bytes, piece.length);
        break;
    case HIDDEN:
        weft_buffer_append_byte(out, '?');
        break;
    case NUMBERED:
        put_name(piece, out);
        break;
    case FUNCTION:
        put_function(piece, is_mysql, out);
        break;
    }
}

/* What stands behind a NUL is no part of it, as in the Collector. */
static struct weft_slice cut(struct weft_slice statement)
{
    const uint8_t *end = statement.length == 0 ? NULL : memchr(statement.bytes, 0, statement.length);
    return end == NULL ? statement : weft_slice_of(statement.bytes, (size_t)(end - statement.bytes));
}

void weft_sanitize_sql(struct weft_slice statement, bool is_mysql, struct weft_buffer *out)
{
    size_t start = out->length;
    struct weft_slice text = cut(statement);
    if (text.length == 0) {
        return; /* there may be no pointer either */
    }
    struct lexer lexer = { .at = text.bytes, .end = text.bytes + text.length, .is_mysql = is_mysql };
    while (lexer.at < lexer.end) {
        const uint8_t *from = lexer.at;
        enum piece kind = scan(&lexer);
        weft_assert(lexer.at > from && lexer.at <= lexer.end);
        put_piece(kind, weft_slice_of(from, (size_t)(lexer.at - from)), is_mysql, out);
    }
    if (weft_buffer_status(out) == WEFT_OK && out->length > start) {
        struct weft_slice trimmed = weft_sanitize_trim(weft_slice_of(out->bytes + start, out->length - start));
        memmove(out->bytes + start, trimmed.bytes, trimmed.length);
        out->length = start + trimmed.length;
    }
}
