/* gRPC's text formats and status tables (decode.h), for the client. */
#include "net/grpc/decode.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/hex.h"

enum weft_status weft_grpc_parse_encoding(struct weft_slice name, enum weft_encoding *out_encoding)
{
    enum weft_encoding encoding;
    if (weft_encoding_parse(name, &encoding) != WEFT_OK || encoding == WEFT_ENCODING_SNAPPY_FRAMED ||
        encoding == WEFT_ENCODING_LZ4) {
        return WEFT_UNSUPPORTED;
    }
    *out_encoding = encoding == WEFT_ENCODING_SNAPPY ? WEFT_ENCODING_SNAPPY_FRAMED : encoding;
    return WEFT_OK;
}

const char *weft_grpc_encoding_name(enum weft_encoding encoding)
{
    return weft_encoding_name(encoding == WEFT_ENCODING_SNAPPY_FRAMED ? WEFT_ENCODING_SNAPPY : encoding);
}

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

void weft_grpc_decode_message(struct weft_slice encoded, char *out_text, size_t capacity_bytes)
{
    weft_assert(capacity_bytes > 0);
    size_t length = 0;
    for (size_t i = 0; i < encoded.length && length + 1 < capacity_bytes; i++) {
        uint8_t byte = encoded.bytes[i];
        if (byte == '%' && encoded.length - i > 2) {
            int escaped = weft_hex_byte(encoded.bytes + i + 1);
            if (escaped >= 0) {
                byte = (uint8_t)escaped;
                i += 2;
            }
        }
        out_text[length++] = byte == 0 ? '?' : (char)byte;
    }
    out_text[length] = '\0';
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
