/* Base64 (base64.h): metadata of gRPC, credentials and digests in headers and files, bytes in JSON, YAML and OTTL. */
#include "base/base64.h"

#include "base/work.h"

/* False: what is there is not what completes the last four letters, or no bytes give so many letters. */
static bool cut_padding(struct weft_slice *in_out_text)
{
    size_t padding = 0;
    while (padding < 3 && padding < in_out_text->length &&
           in_out_text->bytes[in_out_text->length - 1 - padding] == '=') {
        padding++;
    }
    if (padding > 0 && (padding > 2 || in_out_text->length % 4 != 0)) {
        return false;
    }
    in_out_text->length -= padding;
    return in_out_text->length % 4 != 1;
}

enum weft_status weft_base64_decode(struct weft_slice encoded, enum weft_base64_alphabet alphabet, uint8_t *out_bytes,
                                    size_t *out_length)
{
    if (!cut_padding(&encoded)) {
        return WEFT_INVALID;
    }
    uint8_t *to = out_bytes;
    int seen = 0;
    uint32_t group = 0;
    for (size_t i = 0; i < encoded.length; i++) {
        int value = weft_base64_value(encoded.bytes[i], alphabet);
        weft_work_did_each(i + 1);
        seen |= value;
        group = group << 6 | ((uint32_t)value & 63);
        if (i % 4 == 3) {
            *to++ = (uint8_t)(group >> 16);
            *to++ = (uint8_t)(group >> 8);
            *to++ = (uint8_t)group;
        }
    }
    if (encoded.length % 4 == 2) {
        *to++ = (uint8_t)(group >> 4);
    } else if (encoded.length % 4 == 3) {
        *to++ = (uint8_t)(group >> 10);
        *to++ = (uint8_t)(group >> 2);
    }
    if (seen < 0) {
        return WEFT_INVALID;
    }
    *out_length = (size_t)(to - out_bytes);
    return WEFT_OK;
}

enum weft_status weft_base64_decode_lines(struct weft_slice encoded, enum weft_base64_alphabet alphabet,
                                          bool has_padding, uint8_t *out_bytes, size_t *out_length)
{
    size_t length = 0;
    for (size_t i = 0; i < encoded.length; i++) {
        weft_work_did_each(i + 1);
        if (encoded.bytes[i] != '\r' && encoded.bytes[i] != '\n') {
            out_bytes[length++] = encoded.bytes[i];
        }
    }
    bool is_padded_right = has_padding ? length % 4 == 0 : length == 0 || out_bytes[length - 1] != '=';
    return is_padded_right ? weft_base64_decode(weft_slice_of(out_bytes, length), alphabet, out_bytes, out_length)
                           : WEFT_INVALID;
}

void weft_base64_append(struct weft_buffer *out, struct weft_slice bytes, enum weft_base64_alphabet alphabet,
                        bool has_padding)
{
    static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char for_urls[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *letters = alphabet == WEFT_BASE64_URL ? for_urls : standard;
    uint8_t *to = weft_buffer_reserve(out, bytes.length / 3 * 4 + 4);
    if (to == NULL) {
        return;
    }
    for (size_t at = 0; at < bytes.length; at += 3) {
        weft_work_did_each(at / 3 + 1);
        size_t count = bytes.length - at < 3 ? bytes.length - at : 3;
        uint32_t group = (uint32_t)bytes.bytes[at] << 16;
        group |= count > 1 ? (uint32_t)bytes.bytes[at + 1] << 8 : 0;
        group |= count > 2 ? bytes.bytes[at + 2] : 0;
        for (size_t i = 0; i <= count; i++) {
            *to++ = (uint8_t)letters[group >> (18 - 6 * i) & 63];
        }
        for (size_t i = count; i < 3 && has_padding; i++) {
            *to++ = '=';
        }
    }
    out->length = (size_t)(to - out->bytes);
}
