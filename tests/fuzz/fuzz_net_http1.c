/* Fuzzes the HTTP/1 request parser: any bytes, cut as the first byte says, give the same events as in one piece. */
#include <stdlib.h>

#include "base/assert.h"
#include "net/http1/parser.h"

struct outcome {
    size_t heads, completes, body_bytes;
    uint64_t body_hash;
    int refusal_code;
};

static void take_event(struct weft_http1_parser *parser, enum weft_http1_event event, struct weft_slice body,
                       struct outcome *outcome)
{
    if (event == WEFT_HTTP1_HEAD) {
        outcome->heads++;
        weft_assert(weft_http1_parser_method(parser).length > 0 && weft_http1_parser_path(parser).length > 0);
        weft_http1_parser_header(parser, "content-type");
    } else if (event == WEFT_HTTP1_BODY) {
        weft_assert(body.length > 0);
        outcome->body_bytes += body.length;
        for (size_t i = 0; i < body.length; i++) {
            outcome->body_hash = outcome->body_hash * 31 + body.bytes[i];
        }
    } else if (event == WEFT_HTTP1_COMPLETE) {
        weft_assert(parser->body_bytes <= parser->settings.max_body_bytes);
        outcome->completes++;
        weft_http1_parser_reset(parser);
    } else if (event == WEFT_HTTP1_REFUSED) {
        weft_assert(parser->refusal_code >= 400 && parser->refusal_text != NULL);
        outcome->refusal_code = parser->refusal_code;
    }
}

static struct outcome run(const uint8_t *data, size_t size, size_t piece_bytes)
{
    static const struct weft_http1_parser_settings settings = { .max_header_bytes = 512,
                                                                .max_header_fields = 8,
                                                                .max_body_bytes = 256 };
    struct weft_http1_parser parser;
    struct outcome outcome = { 0 };
    weft_http1_parser_init(&parser, &settings);
    for (size_t start = 0; start < size && outcome.refusal_code == 0; start += piece_bytes) {
        size_t length = size - start < piece_bytes ? size - start : piece_bytes;
        /* A heap copy of its own, so that reading beyond a piece is seen. */
        uint8_t *piece = malloc(length);
        weft_assert(piece != NULL);
        memcpy(piece, data + start, length);
        struct weft_slice input = weft_slice_of(piece, length);
        struct weft_slice body = WEFT_SLICE_EMPTY;
        enum weft_http1_event event;
        do {
            event = weft_http1_parser_next(&parser, &input, &body);
            take_event(&parser, event, body, &outcome);
        } while (event != WEFT_HTTP1_MORE && event != WEFT_HTTP1_REFUSED);
        free(piece);
    }
    weft_http1_parser_fini(&parser);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct outcome whole = run(data + 1, size - 1, size - 1);
    struct outcome cut = run(data + 1, size - 1, 1 + data[0] % 61U);
    weft_assert(memcmp(&whole, &cut, sizeof whole) == 0);
    return 0;
}
