/* Single characters in RE2's language (pattern_translate.h): escapes that stand for one, and writing one. An ASCII
 * letter or digit is written as it is, other ASCII that prints with a backslash, the rest by its number. */
#include "base/pattern_translate.h"

#include "base/hex.h"
#include "base/utf8.h"

enum { MAX_CHARACTER = 0x10ffff, FIRST_SURROGATE = 0xd800, LAST_SURROGATE = 0xdfff };

static bool is_letter(uint32_t character)
{
    return (character | 0x20) >= 'a' && (character | 0x20) <= 'z';
}

static bool is_digit(uint32_t character)
{
    return character >= '0' && character <= '9';
}

int weft_pattern_peek(const struct weft_pattern_translator *translator, size_t offset)
{
    size_t at = translator->at + offset;
    return at < translator->text.length ? translator->text.bytes[at] : -1;
}

uint32_t weft_pattern_next_character(struct weft_pattern_translator *translator)
{
    size_t length;
    uint32_t character = weft_utf8_decode(
        weft_slice_of(translator->text.bytes + translator->at, translator->text.length - translator->at), &length);
    translator->at += length;
    return character;
}

static enum weft_status read_octal(struct weft_pattern_translator *translator, uint32_t *out_character)
{
    uint32_t value = 0;
    for (int i = 0; i < 3 && weft_pattern_peek(translator, 0) >= '0' && weft_pattern_peek(translator, 0) <= '7'; i++) {
        value = value * 8 + (uint32_t)(weft_pattern_peek(translator, 0) - '0');
        translator->at++;
    }
    *out_character = value;
    return WEFT_OK;
}

/* Behind "\x". */
static enum weft_status read_hex(struct weft_pattern_translator *translator, size_t start, uint32_t *out_character)
{
    static const char reason[] = "\\x needs two hexadecimal digits, or \\x{...} up to 10FFFF";
    uint32_t value = 0;
    bool is_braced = weft_pattern_skip(translator, "{");
    for (int i = 0; is_braced || i < 2; i++) {
        int byte = weft_pattern_peek(translator, 0);
        if (is_braced && byte == '}' && i > 0) {
            translator->at++;
            break;
        }
        int digit = byte < 0 ? -1 : weft_hex_value((uint8_t)byte);
        if (digit >= 0) {
            translator->at++;
            value = value * 16 + (uint32_t)digit;
        }
        if (digit < 0 || value > MAX_CHARACTER) {
            return weft_pattern_refuse(translator, WEFT_INVALID, start, reason);
        }
    }
    *out_character = value;
    return WEFT_OK;
}

static enum weft_status refuse_escape(const struct weft_pattern_translator *translator, size_t start,
                                      uint32_t character)
{
    const char *reason = "no such escape";
    if (character >= '1' && character <= '9') {
        reason = "backreferences are not in RE2's language";
    } else if (character == 'Z') {
        reason = "\\Z is not in RE2's language; \\z is the end of the text";
    } else if (character == 'K' || character == 'G' || character == 'R' || character == 'X' || character == 'C') {
        reason = "not in RE2's language";
    } else if (character == 'h' || character == 'H' || character == 'N') {
        reason = "not in RE2's language; write a class, as [ \\t]";
    } else if (character == 'E') {
        reason = "\\E without \\Q before it";
    } else if (character >= 0x80) {
        reason = "a backslash before a character that is not ASCII; leave it out";
    }
    return weft_pattern_refuse(translator, WEFT_INVALID, start, reason);
}

enum weft_status weft_pattern_read_escape(struct weft_pattern_translator *translator, uint32_t *out_character)
{
    static const char letters[] = "afnrtv";
    static const char values[] = "\a\f\n\r\t\v";
    size_t start = translator->at++;
    if (translator->at == translator->text.length) {
        return weft_pattern_refuse(translator, WEFT_INVALID, start, "a backslash at the end");
    }
    int digit = weft_pattern_peek(translator, 0);
    int after = weft_pattern_peek(translator, 1);
    if (digit == '0' || (digit >= '1' && digit <= '7' && after >= '0' && after <= '7')) {
        return read_octal(translator, out_character);
    }
    uint32_t character = weft_pattern_next_character(translator);
    if (character == 'x') {
        return read_hex(translator, start, out_character);
    }
    const char *letter = character < 0x80 && character != 0 ? strchr(letters, (int)character) : NULL;
    if (letter != NULL) {
        *out_character = (uint8_t)values[letter - letters];
        return WEFT_OK;
    }
    if (character >= 0x80 || is_letter(character) || is_digit(character)) {
        return refuse_escape(translator, start, character);
    }
    *out_character = character;
    return WEFT_OK;
}

enum weft_status weft_pattern_write_literal(struct weft_pattern_translator *translator, uint32_t character,
                                            size_t text_at)
{
    if (character >= FIRST_SURROGATE && character <= LAST_SURROGATE) {
        return weft_pattern_refuse(translator, WEFT_UNSUPPORTED, text_at, "a surrogate is no character of UTF-8");
    }
    weft_pattern_begin_character(translator, is_letter(character) || character >= 0x80);
    if (is_letter(character) || is_digit(character)) {
        weft_buffer_append_byte(translator->out, (uint8_t)character);
    } else if (character > ' ' && character < 0x7f) {
        weft_buffer_append_byte(translator->out, '\\');
        weft_buffer_append_byte(translator->out, (uint8_t)character);
    } else {
        weft_buffer_append_format(translator->out, "\\x{%x}", character);
    }
    return WEFT_OK;
}
