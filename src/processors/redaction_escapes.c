/* Undoing escapes in a text (redaction_escapes.h), in one pass. What comes out is never longer than what went in. */
#include "processors/redaction_escapes.h"

#include "processors/redaction_detector.h"

enum { MAX_CHARACTER = 3, NO_CODE = UINT32_MAX, ESCAPE = 0x1b };

/* The number that so many hex digits say. */
static uint32_t read_code(struct weft_slice text, size_t at, size_t digits)
{
    uint32_t code = 0;
    for (size_t i = 0; i < digits; i++) {
        uint8_t byte = weft_byte_at(text, at + i);
        if (!weft_is_hex(byte)) {
            return NO_CODE;
        }
        code = code << 4 | (uint32_t)(weft_is_digit(byte) ? byte - '0' : (byte | 0x20) - 'a' + 10);
    }
    return code;
}

/* As UTF-8; a half of a pair as three bytes that are none: all that counts is that it is no letter. */
static size_t put_character(uint32_t code, uint8_t *out)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (uint8_t)(0xc0 | code >> 6);
        out[1] = (uint8_t)(0x80 | (code & 0x3f));
        return 2;
    }
    out[0] = (uint8_t)(0xe0 | code >> 12);
    out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    out[2] = (uint8_t)(0x80 | (code & 0x3f));
    return 3;
}

/* The character of the escape whose letter stands at `at`, and the letter's end; 0 if that is none. */
static size_t read_escape(struct weft_slice text, size_t at, uint8_t out[MAX_CHARACTER], size_t *out_end)
{
    enum { UNICODE_DIGITS = 4, BYTE_DIGITS = 2 };
    static const char letters[] = "bfnrt\"'/";
    static const char meant[] = "\b\f\n\r\t\"'/";
    uint8_t letter = weft_byte_at(text, at);
    const char *known = letter == 0 ? NULL : strchr(letters, letter);
    size_t digits = letter == 'u' ? UNICODE_DIGITS : letter == 'x' ? BYTE_DIGITS : 0;
    *out_end = at + 1 + digits;
    if (known != NULL) {
        out[0] = (uint8_t)meant[known - letters];
        return 1;
    }
    uint32_t code = digits == 0 ? NO_CODE : read_code(text, at + 1, digits);
    return code == NO_CODE ? 0 : put_character(code, out);
}

/* The end of what tells a terminal a colour, if that stands behind an ESC: [31m (ECMA-48, 5.4). */
static size_t skip_sequence(struct weft_slice text, size_t at)
{
    size_t end = at;
    if (weft_byte_at(text, at) != '[') {
        return at;
    }
    do {
        end++;
    } while (weft_byte_at(text, end) >= ' ' && weft_byte_at(text, end) <= '?');
    return weft_byte_at(text, end) >= '@' && weft_byte_at(text, end) <= '~' ? end + 1 : at;
}

bool weft_redaction_unescape(struct weft_slice text, struct weft_unescaped *out_unescaped)
{
    weft_buffer_clear(&out_unescaped->text);
    weft_buffer_clear(&out_unescaped->origin);
    if (weft_find_byte(text, 0, '\\') == text.length && weft_find_byte(text, 0, ESCAPE) == text.length) {
        return false;
    }
    uint8_t *out = weft_buffer_reserve(&out_unescaped->text, text.length);
    uint32_t *origin = (void *)weft_buffer_reserve(&out_unescaped->origin, (text.length + 1) * sizeof *origin);
    if (out == NULL || origin == NULL) {
        return true;
    }
    size_t count = 0;
    for (size_t at = 0, end; at < text.length; at = end) {
        weft_work_did_each(at);
        size_t letter = at;
        uint8_t character[MAX_CHARACTER];
        while (weft_byte_at(text, letter) == '\\') {
            letter++;
        }
        size_t length = letter == at ? 0 : read_escape(text, letter, character, &end);
        if (length == 0) { /* as it is; of backslashes that escape nothing one is enough */
            character[0] = text.bytes[at];
            length = 1;
            end = letter > at ? letter : at + 1;
        }
        end = character[0] == ESCAPE ? skip_sequence(text, end) : end;
        for (size_t i = 0; i < length; i++) {
            out[count] = character[i];
            origin[count++] = (uint32_t)at;
        }
    }
    origin[count] = (uint32_t)text.length;
    out_unescaped->text.length = count;
    out_unescaped->origin.length = (count + 1) * sizeof *origin;
    return true;
}
