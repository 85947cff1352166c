/* Codes of bytes (text_base64.h). */
#include "ottl/text_base64.h"

#include <strings.h>

#include "base/utf8.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char for_urls[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static const struct {
    const char *name;
    unsigned form;
} forms[] = {
    { "base64", WEFT_OTTL_BASE64_PADDED },
    { "base64-raw", 0 },
    { "base64-url", WEFT_OTTL_BASE64_PADDED | WEFT_OTTL_BASE64_URL },
    { "base64-raw-url", WEFT_OTTL_BASE64_URL },
};

bool weft_ottl_base64_form_of(struct weft_slice name, unsigned *out_form)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(forms); i++) {
        if (weft_slice_equal_text(name, forms[i].name)) {
            *out_form = forms[i].form;
            return true;
        }
    }
    return false;
}

void weft_ottl_base64_put(struct weft_buffer *out, struct weft_slice bytes, unsigned form)
{
    const char *letters = (form & WEFT_OTTL_BASE64_URL) != 0 ? for_urls : standard;
    uint8_t *to = weft_buffer_reserve(out, bytes.length / 3 * 4 + 4);
    if (to == NULL) {
        return;
    }
    for (size_t at = 0; at < bytes.length; at += 3) {
        size_t count = bytes.length - at < 3 ? bytes.length - at : 3;
        uint32_t word = (uint32_t)bytes.bytes[at] << 16;
        word |= count > 1 ? (uint32_t)bytes.bytes[at + 1] << 8 : 0;
        word |= count > 2 ? bytes.bytes[at + 2] : 0;
        for (size_t i = 0; i <= count; i++) {
            *to++ = (uint8_t)letters[word >> (18 - 6 * i) & 63];
        }
        for (size_t i = count; i < 3 && (form & WEFT_OTTL_BASE64_PADDED) != 0; i++) {
            *to++ = '=';
        }
    }
    out->length = (size_t)(to - out->bytes);
}

static int value_of(uint8_t byte, bool is_url)
{
    if (byte >= 'A' && byte <= 'Z') {
        return byte - 'A';
    }
    if (byte >= 'a' && byte <= 'z') {
        return byte - 'a' + 26;
    }
    if (byte >= '0' && byte <= '9') {
        return byte - '0' + 52;
    }
    return byte == (is_url ? '-' : '+') ? 62 : byte == (is_url ? '_' : '/') ? 63 : -1;
}

bool weft_ottl_base64_read(struct weft_buffer *out, struct weft_slice text, unsigned form)
{
    uint32_t word = 0;
    size_t letters = 0;
    size_t padding = 0;
    uint8_t *to = weft_buffer_reserve(out, text.length / 4 * 3 + 3);
    for (size_t at = 0; to != NULL && at < text.length; at++) {
        uint8_t byte = text.bytes[at];
        if (byte == '\n' || byte == '\r') {
            continue;
        }
        if (byte == '=' && (form & WEFT_OTTL_BASE64_PADDED) != 0 && letters % 4 >= 2 && padding < 4 - letters % 4) {
            padding++;
            continue;
        }
        int value = value_of(byte, (form & WEFT_OTTL_BASE64_URL) != 0);
        if (value < 0 || padding > 0) {
            return false;
        }
        word = word << 6 | (uint32_t)value;
        if (++letters % 4 == 0) {
            *to++ = (uint8_t)(word >> 16);
            *to++ = (uint8_t)(word >> 8);
            *to++ = (uint8_t)word;
            word = 0;
        }
    }
    size_t rest = letters % 4;
    out->length += to == NULL ? 0 : (size_t)(to - out->bytes) - out->length;
    if (rest == 1 || (rest > 0 && (form & WEFT_OTTL_BASE64_PADDED) != 0 && padding != 4 - rest)) {
        return false;
    }
    if (rest > 0) {
        uint8_t bytes[2] = { (uint8_t)(rest == 2 ? word >> 4 : word >> 10), (uint8_t)(word >> 2) };
        weft_buffer_append(out, bytes, rest - 1);
    }
    return true;
}

/* ---- encodings ---- */

static const struct {
    const char *name;
    enum weft_ottl_encoding encoding;
} encodings[] = {
    { "utf-8", WEFT_OTTL_ENCODING_UTF8 },
    { "utf8", WEFT_OTTL_ENCODING_UTF8 },
    { "ascii", WEFT_OTTL_ENCODING_UTF8 },
    { "us-ascii", WEFT_OTTL_ENCODING_UTF8 },
    { "", WEFT_OTTL_ENCODING_UTF8 },
    { "utf-8-raw", WEFT_OTTL_ENCODING_RAW },
    { "utf8-raw", WEFT_OTTL_ENCODING_RAW },
    { "nop", WEFT_OTTL_ENCODING_RAW },
    { "iso-8859-1", WEFT_OTTL_ENCODING_LATIN1 },
    { "latin1", WEFT_OTTL_ENCODING_LATIN1 },
    { "utf-16", WEFT_OTTL_ENCODING_UTF16_LITTLE },
    { "utf16", WEFT_OTTL_ENCODING_UTF16_LITTLE },
    { "utf-16le", WEFT_OTTL_ENCODING_UTF16_LITTLE },
    { "utf-16be", WEFT_OTTL_ENCODING_UTF16_BIG },
};

enum weft_ottl_encoding weft_ottl_text_encoding_of(struct weft_slice name)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(encodings); i++) {
        const char *known = encodings[i].name;
        if (strlen(known) == name.length && strncasecmp(known, (const char *)name.bytes, name.length) == 0) {
            return encodings[i].encoding;
        }
    }
    return WEFT_OTTL_ENCODING_NONE;
}

static uint32_t unit_at(struct weft_slice bytes, size_t at, bool is_big)
{
    uint32_t first = bytes.bytes[at];
    uint32_t second = bytes.bytes[at + 1];
    return is_big ? first << 8 | second : second << 8 | first;
}

static void decode_utf16(struct weft_buffer *out, struct weft_slice bytes, bool is_big)
{
    enum { REPLACEMENT = 0xfffd, MOST_BYTES = 3 }; /* of what one unit becomes */
    size_t at = 0;
    uint8_t *to = weft_buffer_reserve(out, bytes.length / 2 * MOST_BYTES + MOST_BYTES);
    if (to == NULL) {
        return;
    }
    while (bytes.length - at >= 2) {
        uint32_t unit = unit_at(bytes, at, is_big);
        uint32_t next = bytes.length - at >= 4 ? unit_at(bytes, at + 2, is_big) : 0;
        bool is_pair = unit >= 0xd800 && unit < 0xdc00 && next >= 0xdc00 && next < 0xe000;
        bool is_half = !is_pair && unit >= 0xd800 && unit < 0xe000;
        to = weft_utf8_put(to, is_pair   ? 0x10000 + ((unit - 0xd800) << 10) + (next - 0xdc00)
                               : is_half ? (uint32_t)REPLACEMENT
                                         : unit);
        at += is_pair ? 4 : 2;
    }
    if (at < bytes.length) {
        to = weft_utf8_put(to, REPLACEMENT);
    }
    out->length = (size_t)(to - out->bytes);
}

static void decode_latin1(struct weft_buffer *out, struct weft_slice bytes)
{
    uint8_t *to = weft_buffer_reserve(out, 2 * bytes.length);
    if (to == NULL) {
        return;
    }
    for (size_t i = 0; i < bytes.length; i++) {
        to = weft_utf8_put(to, bytes.bytes[i]);
    }
    out->length = (size_t)(to - out->bytes);
}

void weft_ottl_text_decode(struct weft_buffer *out, struct weft_slice bytes, enum weft_ottl_encoding encoding)
{
    switch (encoding) {
    case WEFT_OTTL_ENCODING_NONE:
        return;
    case WEFT_OTTL_ENCODING_UTF8:
        weft_utf8_append_repaired(out, bytes);
        return;
    case WEFT_OTTL_ENCODING_RAW:
        weft_buffer_append(out, bytes.bytes, bytes.length);
        return;
    case WEFT_OTTL_ENCODING_LATIN1:
        decode_latin1(out, bytes);
        return;
    case WEFT_OTTL_ENCODING_UTF16_LITTLE:
    case WEFT_OTTL_ENCODING_UTF16_BIG:
        decode_utf16(out, bytes, encoding == WEFT_OTTL_ENCODING_UTF16_BIG);
        return;
    }
}
