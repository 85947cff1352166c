/* Words (text_words.h), byte by byte, since the Collector's library looks at nothing but ASCII. */
#include "ottl/text_words.h"

#include "base/utf8.h"
#include "base/work.h"

static bool is_space(uint32_t character)
{
    return (character >= '\t' && character <= '\r') || character == ' ' || character == 0x85 || character == 0xa0 ||
           character == 0x1680 || (character >= 0x2000 && character <= 0x200a) || character == 0x2028 ||
           character == 0x2029 || character == 0x202f || character == 0x205f || character == 0x3000;
}

/* Where the last character of text begins. */
static size_t last_start(struct weft_slice text)
{
    size_t at = text.length - 1;
    for (size_t back = 1; back < WEFT_UTF8_MAX_BYTES && at > 0 && (text.bytes[at] & 0xc0) == 0x80; back++) {
        at--;
    }
    size_t length;
    weft_utf8_decode(weft_slice_of(text.bytes + at, text.length - at), &length);
    return at + length == text.length ? at : text.length - 1;
}

struct weft_slice weft_ottl_trim_start(struct weft_slice text)
{
    size_t length;
    while (text.length > 0 && is_space(weft_utf8_decode(text, &length))) {
        text = weft_slice_of(text.bytes + length, text.length - length);
    }
    return text;
}

struct weft_slice weft_ottl_trim_space(struct weft_slice text)
{
    size_t length;
    text = weft_ottl_trim_start(text);
    while (text.length > 0) {
        size_t at = last_start(text);
        if (!is_space(weft_utf8_decode(weft_slice_of(text.bytes + at, text.length - at), &length))) {
            break;
        }
        text.length = at;
    }
    return text;
}

static bool is_capital(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z';
}

static bool is_small(uint8_t byte)
{
    return byte >= 'a' && byte <= 'z';
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_delimiter(uint8_t byte)
{
    return byte == '_' || byte == ' ' || byte == '-' || byte == '.';
}

void weft_ottl_put_camel_case(struct weft_buffer *out, struct weft_slice text)
{
    enum { TO_OTHER_CASE = 'a' - 'A' };
    bool begins_word = true;
    bool is_behind_capital = false;
    text = weft_ottl_trim_space(text);
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = text.bytes[i];
        weft_work_did_each(i + 1);
        bool is_letter = is_capital(byte) || is_small(byte);
        if (begins_word && is_small(byte)) {
            weft_buffer_append_byte(out, (uint8_t)(byte - TO_OTHER_CASE));
        } else if (!begins_word && is_behind_capital && is_capital(byte)) {
            weft_buffer_append_byte(out, (uint8_t)(byte + TO_OTHER_CASE));
        } else if (is_letter || is_digit(byte)) {
            weft_buffer_append_byte(out, byte);
        }
        is_behind_capital = is_capital(byte);
        begins_word = is_letter ? false : is_digit(byte) || is_delimiter(byte);
    }
}

/* Whether another kind of word begins behind this byte. */
static bool is_change(uint8_t byte, uint8_t next)
{
    return (is_capital(byte) && (is_small(next) || is_digit(next))) ||
           (is_small(byte) && (is_capital(next) || is_digit(next))) ||
           (is_digit(byte) && (is_capital(next) || is_small(next)));
}

void weft_ottl_put_snake_case(struct weft_buffer *out, struct weft_slice text)
{
    text = weft_ottl_trim_space(text);
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = text.bytes[i];
        weft_work_did_each(i + 1);
        uint8_t next = i + 1 < text.length ? text.bytes[i + 1] : 0;
        uint8_t small = is_capital(byte) ? (uint8_t)(byte + ('a' - 'A')) : byte;
        if (!is_change(byte, next)) {
            weft_buffer_append_byte(out, is_delimiter(byte) ? '_' : small);
            continue;
        }
        if (is_capital(byte) && is_small(next) && i > 0 && is_capital(text.bytes[i - 1])) {
            weft_buffer_append_byte(out, '_');
        }
        weft_buffer_append_byte(out, small);
        if (is_small(byte) || is_digit(byte) || is_digit(next)) {
            weft_buffer_append_byte(out, '_');
        }
    }
}
