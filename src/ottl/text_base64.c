/* Codes of bytes (text_base64.h). */
#include "ottl/text_base64.h"

#include <strings.h>

#include "base/base64.h"
#include "base/utf8.h"
#include "base/work.h"

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

static enum weft_base64_alphabet alphabet_of(unsigned form)
{
    return (form & WEFT_OTTL_BASE64_URL) != 0 ? WEFT_BASE64_URL : WEFT_BASE64_STANDARD;
}

void weft_ottl_base64_put(struct weft_buffer *out, struct weft_slice bytes, unsigned form)
{
    weft_base64_append(out, bytes, alphabet_of(form), (form & WEFT_OTTL_BASE64_PADDED) != 0);
}

bool weft_ottl_base64_read(struct weft_buffer *out, struct weft_slice text, unsigned form)
{
    size_t length;
    bool has_padding = (form & WEFT_OTTL_BASE64_PADDED) != 0;
    uint8_t *to = weft_buffer_reserve(out, text.length);
    if (to == NULL) {
        return true; /* told by the buffer's status */
    }
    if (weft_base64_decode_lines(text, alphabet_of(form), has_padding, to, &length) != WEFT_OK) {
        return false;
    }
    out->length += length;
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
        weft_work_did(2);
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
        weft_work_did_each(i + 1);
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
