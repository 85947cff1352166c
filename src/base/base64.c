/* Base64 (base64.h): metadata of gRPC, credentials and digests in headers and files. JSON has its own, over vectors. */
#include "base/base64.h"

static int value_of(uint8_t letter)
{
    if (letter >= 'A' && letter <= 'Z') {
        return letter - 'A';
    }
    if (letter >= 'a' && letter <= 'z') {
        return letter - 'a' + 26;
    }
    if (letter >= '0' && letter <= '9') {
        return letter - '0' + 52;
    }
    return letter == '+' ? 62 : letter == '/' ? 63 : -1;
}

enum weft_status weft_base64_decode(struct weft_slice encoded, uint8_t *out_bytes, size_t *out_length)
{
    size_t end = encoded.length;
    while (end > 0 && encoded.length - end < 2 && encoded.bytes[end - 1] == '=') {
        end--;
    }
    if (end % 4 == 1) {
        return WEFT_INVALID;
    }
    size_t length = 0;
    uint32_t bits = 0;
    unsigned bit_count = 0;
    for (size_t i = 0; i < end; i++) {
        int value = value_of(encoded.bytes[i]);
        if (value < 0) {
            return WEFT_INVALID;
        }
        bits = bits << 6 | (uint32_t)value;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            out_bytes[length++] = (uint8_t)(bits >> bit_count);
        }
    }
    *out_length = length;
    return WEFT_OK;
}

void weft_base64_append(struct weft_buffer *out, struct weft_slice bytes, bool has_padding)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.length; i += 3) {
        size_t left = bytes.length - i;
        size_t digit_count = left > 2 ? 4 : left + 1;
        uint32_t group = (uint32_t)bytes.bytes[i] << 16 | (left > 1 ? (uint32_t)bytes.bytes[i + 1] << 8 : 0) |
                         (left > 2 ? bytes.bytes[i + 2] : 0);
        for (size_t digit = 0; digit < digit_count; digit++) {
            weft_buffer_append_byte(out, (uint8_t)digits[group >> (18 - 6 * digit) & 63]);
        }
        for (size_t digit = digit_count; has_padding && digit < 4; digit++) {
            weft_buffer_append_byte(out, '=');
        }
    }
}
