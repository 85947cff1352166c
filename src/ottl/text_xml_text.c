/* Texts of XML (text_xml_text.h), with the rules of Go's encoding/xml. */
#include "ottl/text_xml_text.h"

#include <strings.h>

#include "base/hex.h"
#include "base/utf8.h"

enum weft_status weft_ottl_xml_fail(const struct weft_ottl_xml_text *text, const char *reason)
{
    return weft_fail(&text->run->error, WEFT_INVALID, "no XML: byte %zu: %s", (size_t)(text->at - text->start), reason);
}

static struct weft_slice rest_of(const struct weft_ottl_xml_text *text)
{
    return weft_slice_of(text->at, (size_t)(text->end - text->at));
}

bool weft_ottl_xml_is_at(const struct weft_ottl_xml_text *text, const char *word)
{
    size_t length = strlen(word);
    return (size_t)(text->end - text->at) >= length && memcmp(text->at, word, length) == 0;
}

bool weft_ottl_xml_skip(struct weft_ottl_xml_text *text, const char *word)
{
    bool is_there = weft_ottl_xml_is_at(text, word);
    text->at += is_there ? strlen(word) : 0;
    return is_there;
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\r' || byte == '\n' || byte == '\t';
}

void weft_ottl_xml_skip_space(struct weft_ottl_xml_text *text)
{
    while (text->at < text->end && is_space(*text->at)) {
        text->at++;
    }
}

/* Where the word stands, from here; NULL: nowhere. */
static const uint8_t *find(const struct weft_ottl_xml_text *text, const char *word)
{
    return text->at == text->end ? NULL : memmem(text->at, (size_t)(text->end - text->at), word, strlen(word));
}

/* ---- names ---- */

static bool is_ascii_letter(uint32_t character)
{
    return character < 0x80 && (character | 0x20) >= 'a' && (character | 0x20) <= 'z';
}

static bool starts_name(uint32_t character)
{
    static const uint32_t ranges[][2] = { { 0xc0, 0xd6 },     { 0xd8, 0xf6 },     { 0xf8, 0x2ff },
                                          { 0x370, 0x37d },   { 0x37f, 0x1fff },  { 0x200c, 0x200d },
                                          { 0x2070, 0x218f }, { 0x2c00, 0x2fef }, { 0x3001, 0xd7ff },
                                          { 0xf900, 0xfdcf }, { 0xfdf0, 0xfffc }, { 0x10000, 0xeffff } };
    if (is_ascii_letter(character) || character == '_' || character == ':') {
        return true;
    }
    for (size_t i = 0; i < WEFT_COUNT_OF(ranges); i++) {
        if (character >= ranges[i][0] && character <= ranges[i][1]) {
            return true;
        }
    }
    return false;
}

static bool is_in_name(uint32_t character)
{
    return starts_name(character) || (character >= '0' && character <= '9') || character == '-' || character == '.' ||
           character == 0xb7 || (character >= 0x300 && character <= 0x36f) ||
           (character >= 0x203f && character <= 0x2040);
}

/* The bytes that could be one: what is wrong with them is said afterwards. */
static size_t name_length(struct weft_slice rest)
{
    size_t length = 0;
    while (length < rest.length && (rest.bytes[length] >= 0x80 || is_in_name(rest.bytes[length]))) {
        length++;
    }
    return length;
}

enum weft_status weft_ottl_xml_read_name(struct weft_ottl_xml_text *text, struct weft_slice *out_name)
{
    struct weft_slice name = { text->at, name_length(rest_of(text)) };
    struct weft_slice rest = name;
    bool is_name = name.length > 0;
    for (size_t length; is_name && rest.length > 0; rest = weft_slice_of(rest.bytes + length, rest.length - length)) {
        uint32_t character = weft_utf8_decode(rest, &length);
        is_name = rest.bytes == name.bytes ? starts_name(character) : is_in_name(character);
    }
    if (!is_name) {
        return weft_ottl_xml_fail(text, "a name is expected");
    }
    text->at += name.length;
    *out_name = name;
    return WEFT_OK;
}

/* ---- characters ---- */

static bool is_character(uint32_t character)
{
    return character == '\t' || character == '\n' || character == '\r' || (character >= ' ' && character <= 0xd7ff) ||
           (character >= 0xe000 && character <= 0xfffd) || (character >= 0x10000 && character <= 0x10ffff);
}

static bool are_characters(struct weft_slice text)
{
    if (weft_utf8_valid_length(text) < text.length) {
        return false;
    }
    for (size_t length; text.length > 0; text = weft_slice_of(text.bytes + length, text.length - length)) {
        if (!is_character(weft_utf8_decode(text, &length))) {
            return false;
        }
    }
    return true;
}

/* &#..; and &#x..; digits are what is between. */
static bool number_of(struct weft_slice digits, uint32_t *out_character)
{
    enum { MAX = 0x10ffff };
    uint32_t base = digits.length > 0 && digits.bytes[0] == 'x' ? 16 : 10;
    uint32_t number = 0;
    size_t at = base == 16;
    if (at == digits.length) {
        return false;
    }
    for (; at < digits.length; at++) {
        int digit = weft_hex_value(digits.bytes[at]);
        if (digit < 0 || (uint32_t)digit >= base || number > MAX) {
            return false;
        }
        number = number * base + (uint32_t)digit;
    }
    *out_character = number >= 0xd800 && number < 0xe000 ? 0xfffd : number;
    return number <= MAX;
}

/* rest begins with "&". False: no entity that is known. */
static bool take_entity(struct weft_slice rest, size_t *out_length, uint32_t *out_character)
{
    static const struct {
        const char *name;
        char character;
    } entities[] = { { "lt", '<' }, { "gt", '>' }, { "amp", '&' }, { "apos", '\'' }, { "quot", '"' } };
    const uint8_t *end = memchr(rest.bytes, ';', rest.length);
    struct weft_slice name = { rest.bytes + 1, end == NULL ? 0 : (size_t)(end - rest.bytes) - 1 };
    *out_length = name.length + 2;
    if (name.length > 0 && name.bytes[0] == '#') {
        return number_of(weft_slice_of(name.bytes + 1, name.length - 1), out_character);
    }
    for (size_t i = 0; end != NULL && i < WEFT_COUNT_OF(entities); i++) {
        if (weft_slice_equal_text(name, entities[i].name)) {
            *out_character = (uint32_t)entities[i].character;
            return true;
        }
    }
    return false;
}

/* raw as it is meant; *out_text is raw itself if that is the same. */
static enum weft_status give(struct weft_ottl_xml_text *text, struct weft_slice raw, bool has_entities,
                             struct weft_slice *out_text)
{
    enum weft_status status = WEFT_OK;
    bool is_same = raw.length == 0 || (memchr(raw.bytes, '\r', raw.length) == NULL &&
                                       (!has_entities || memchr(raw.bytes, '&', raw.length) == NULL));
    uint8_t *bytes = is_same ? NULL : weft_ottl_run_take(text->run, raw.length);
    uint8_t *to = bytes;
    if (!is_same && bytes == NULL) {
        return WEFT_NOMEM;
    }
    for (size_t at = 0; !is_same && at < raw.length;) {
        uint8_t byte = raw.bytes[at];
        size_t length = 1;
        uint32_t character = 0;
        if (byte == '&' && has_entities) {
            if (!take_entity(weft_slice_of(raw.bytes + at, raw.length - at), &length, &character)) {
                return weft_ottl_xml_fail(text, "an entity that is unknown or does not end");
            }
            to = weft_utf8_put(to, character); /* never longer than the entity */
        } else if (byte != '\n' || at == 0 || raw.bytes[at - 1] != '\r') {
            *to++ = byte == '\r' ? '\n' : byte;
        }
        weft_work_did(length);
        at += length;
    }
    *out_text = is_same ? raw : weft_slice_of(bytes, (size_t)(to - bytes));
    return are_characters(*out_text) ? status : weft_ottl_xml_fail(text, "a character that XML does not have");
}

enum weft_status weft_ottl_xml_read_text(struct weft_ottl_xml_text *text, struct weft_slice *out_text)
{
    const uint8_t *tag = find(text, "<");
    struct weft_slice raw = { text->at, (size_t)((tag == NULL ? text->end : tag) - text->at) };
    if (raw.length > 0 && memmem(raw.bytes, raw.length, "]]>", 3) != NULL) {
        return weft_ottl_xml_fail(text, "]]> outside of a CDATA section");
    }
    enum weft_status status = give(text, raw, true, out_text);
    text->at += status == WEFT_OK ? raw.length : 0;
    return status;
}

enum weft_status weft_ottl_xml_read_quoted(struct weft_ottl_xml_text *text, struct weft_slice *out_text)
{
    char quote[] = { '"', '\0' };
    quote[0] = weft_ottl_xml_is_at(text, "'") ? '\'' : '"';
    if (!weft_ottl_xml_skip(text, quote)) {
        return weft_ottl_xml_fail(text, "a value in quotes is expected");
    }
    const uint8_t *end = find(text, quote);
    struct weft_slice raw = { text->at, end == NULL ? 0 : (size_t)(end - text->at) };
    if (end == NULL || (raw.length > 0 && memchr(raw.bytes, '<', raw.length) != NULL)) {
        return weft_ottl_xml_fail(text, end == NULL ? "a quote is never closed" : "a < in quotes");
    }
    enum weft_status status = give(text, raw, true, out_text);
    text->at = end + 1;
    return status;
}

enum weft_status weft_ottl_xml_read_cdata(struct weft_ottl_xml_text *text, struct weft_slice *out_text)
{
    const uint8_t *end = find(text, "]]>");
    if (end == NULL) {
        return weft_ottl_xml_fail(text, "a CDATA section does not end");
    }
    enum weft_status status = give(text, weft_slice_of(text->at, (size_t)(end - text->at)), false, out_text);
    text->at = end + 3;
    return status;
}

/* ---- what is no element and no text ---- */

/* The value of one of the declaration's parameters; empty: it is not there. */
static struct weft_slice parameter_of(struct weft_slice content, const char *name)
{
    size_t length = strlen(name);
    const uint8_t *end = content.bytes + content.length;
    const uint8_t *at = content.bytes;
    while (at < end && (at = memmem(at, (size_t)(end - at), name, length)) != NULL && end - at > (ptrdiff_t)length) {
        const uint8_t *quote = at + length;
        at = quote + 1;
        if (*quote == '"' || *quote == '\'') {
            const uint8_t *close = memchr(at, *quote, (size_t)(end - at));
            return close == NULL ? WEFT_SLICE_EMPTY : weft_slice_of(at, (size_t)(close - at));
        }
    }
    return WEFT_SLICE_EMPTY;
}

static enum weft_status check_declaration(struct weft_ottl_xml_text *text, struct weft_slice content)
{
    struct weft_slice version = parameter_of(content, "version=");
    struct weft_slice encoding = parameter_of(content, "encoding=");
    if (version.length > 0 && !weft_slice_equal_text(version, "1.0")) {
        return weft_ottl_xml_fail(text, "a version that is not 1.0");
    }
    if (encoding.length > 0 &&
        (encoding.length != 5 || strncasecmp((const char *)encoding.bytes, "utf-8", encoding.length) != 0)) {
        return weft_ottl_xml_fail(text, "an encoding that is not UTF-8");
    }
    return WEFT_OK;
}

static enum weft_status read_instruction(struct weft_ottl_xml_text *text, struct weft_ottl_xml_node *node)
{
    enum weft_status status = weft_ottl_xml_read_name(text, &node->name);
    if (status != WEFT_OK) {
        return status;
    }
    weft_ottl_xml_skip_space(text);
    const uint8_t *end = find(text, "?>");
    if (end == NULL) {
        return weft_ottl_xml_fail(text, "an instruction does not end");
    }
    bool is_declaration = weft_slice_equal_text(node->name, "xml");
    node->kind = is_declaration ? WEFT_OTTL_XML_DECLARATION : WEFT_OTTL_XML_INSTRUCTION;
    node->text = weft_slice_of(text->at, (size_t)(end - text->at));
    status = is_declaration && node->text.length > 0 ? check_declaration(text, node->text) : WEFT_OK;
    text->at = end + 2;
    return status;
}

static enum weft_status read_comment(struct weft_ottl_xml_text *text, struct weft_ottl_xml_node *node)
{
    const uint8_t *end = find(text, "--");
    if (end == NULL || text->end - end < 3 || end[2] != '>') {
        return weft_ottl_xml_fail(text, "a comment with -- in it, or that does not end");
    }
    node->kind = WEFT_OTTL_XML_COMMENT;
    node->text = weft_slice_of(text->at, (size_t)(end - text->at));
    text->at = end + 3;
    return WEFT_OK;
}

/* Behind "<!", of a DOCTYPE and its kind: brackets within it, in quotes and in comments do not end it. */
static enum weft_status read_directive(struct weft_ottl_xml_text *text, struct weft_ottl_xml_node *node)
{
    const uint8_t *start = text->at;
    size_t depth = 0;
    uint8_t quote = 0;
    for (text->at++; text->at < text->end; text->at++) {
        uint8_t byte = *text->at;
        if (quote != 0) {
            quote = byte == quote ? 0 : quote;
        } else if (byte == '"' || byte == '\'') {
            quote = byte;
        } else if (byte == '>' && depth == 0) {
            node->kind = WEFT_OTTL_XML_DIRECTIVE;
            node->text = weft_slice_of(start, (size_t)(text->at - start));
            text->at++;
            return WEFT_OK;
        } else if (byte == '>') {
            depth--;
        } else if (weft_ottl_xml_is_at(text, "<!--")) {
            text->at += 4;
            const uint8_t *end = find(text, "-->");
            text->at = end == NULL ? text->end - 1 : end + 2;
        } else if (byte == '<') {
            depth++;
        }
    }
    return weft_ottl_xml_fail(text, "a declaration does not end");
}

enum weft_status weft_ottl_xml_read_other(struct weft_ottl_xml_text *text, struct weft_ottl_xml_node *node)
{
    if (weft_ottl_xml_skip(text, "<?")) {
        return read_instruction(text, node);
    }
    if (weft_ottl_xml_skip(text, "<!--")) {
        return read_comment(text, node);
    }
    if (weft_ottl_xml_is_at(text, "<!-") || weft_ottl_xml_is_at(text, "<![") || text->end - text->at < 3) {
        return weft_ottl_xml_fail(text, "neither a comment nor a CDATA section");
    }
    text->at += 2;
    return read_directive(text, node);
}
