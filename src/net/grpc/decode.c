/* gRPC's text formats and status tables (decode.h), for the client. */
#include "net/grpc/decode.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>

#include "base/assert.h"

int weft_grpc_status_of_http(int http_status)
{
    switch (http_status) {
    case 400:
        return WEFT_GRPC_INTERNAL;
    case 401:
        return WEFT_GRPC_UNAUTHENTICATED;
    case 403:
        return WEFT_GRPC_PERMISSION_DENIED;
    case 404:
        return WEFT_GRPC_UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
        return WEFT_GRPC_UNAVAILABLE;
    default:
        return WEFT_GRPC_UNKNOWN;
    }
}

int weft_grpc_status_of_reset(uint32_t code)
{
    switch (code) {
    case NGHTTP2_REFUSED_STREAM:
        return WEFT_GRPC_UNAVAILABLE;
    case NGHTTP2_CANCEL:
        return WEFT_GRPC_CANCELLED;
    case NGHTTP2_ENHANCE_YOUR_CALM:
        return WEFT_GRPC_RESOURCE_EXHAUSTED;
    case NGHTTP2_INADEQUATE_SECURITY:
        return WEFT_GRPC_PERMISSION_DENIED;
    default:
        return WEFT_GRPC_INTERNAL;
    }
}

int weft_grpc_parse_status(struct weft_slice text)
{
    int number = 0;
    if (text.length == 0 || text.length > 9) {
        return -1;
    }
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9') {
            return -1;
        }
        number = number * 10 + (text.bytes[i] - '0');
    }
    return number <= WEFT_GRPC_UNAUTHENTICATED ? number : WEFT_GRPC_UNKNOWN;
}

static int hex_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    uint8_t lower = digit | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

void weft_grpc_decode_message(struct weft_slice encoded, char *out_text, size_t capacity_bytes)
{
    weft_assert(capacity_bytes > 0);
    size_t length = 0;
    for (size_t i = 0; i < encoded.length && length + 1 < capacity_bytes; i++) {
        uint8_t byte = encoded.bytes[i];
        if (byte == '%' && encoded.length - i > 2) {
            int high = hex_value(encoded.bytes[i + 1]);
            int low = hex_value(encoded.bytes[i + 2]);
            if (high >= 0 && low >= 0) {
                byte = (uint8_t)(high * 16 + low);
                i += 2;
            }
        }
        out_text[length++] = byte == 0 ? '?' : (char)byte;
    }
    out_text[length] = '\0';
}

static int base64_value(uint8_t letter)
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

enum weft_status weft_grpc_decode_base64(struct weft_slice encoded, uint8_t *out_bytes, size_t *out_length)
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
        int value = base64_value(encoded.bytes[i]);
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

void weft_grpc_append_base64(struct weft_buffer *out, struct weft_slice bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.length; i += 3) {
        size_t left = bytes.length - i;
        uint32_t group = (uint32_t)bytes.bytes[i] << 16 | (left > 1 ? (uint32_t)bytes.bytes[i + 1] << 8 : 0) |
                         (left > 2 ? bytes.bytes[i + 2] : 0);
        for (size_t digit = 0; digit < (left > 2 ? 4 : left + 1); digit++) {
            weft_buffer_append_byte(out, (uint8_t)digits[group >> (18 - 6 * digit) & 63]);
        }
    }
}

void weft_grpc_format_timeout(int64_t timeout_ns, char *out_text)
{
    static const struct {
        int64_t unit_ns;
        char letter;
    } units[] = { { 1, 'n' },
                  { 1000, 'u' },
                  { 1000 * 1000, 'm' },
                  { INT64_C(1000000000), 'S' },
                  { INT64_C(60000000000), 'M' },
                  { INT64_C(3600000000000), 'H' } };
    weft_assert(timeout_ns > 0);
    size_t i = 0;
    int64_t amount = timeout_ns;
    while (amount > 99999999 && i + 1 < WEFT_COUNT_OF(units)) {
        i++;
        amount = (timeout_ns - 1) / units[i].unit_ns + 1;
    }
    snprintf(out_text, WEFT_GRPC_TIMEOUT_BYTES, "%lld%c", (long long)amount, units[i].letter);
}
