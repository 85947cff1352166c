/* Fuzzes the HTTP/1 parser as a client uses it: any bytes and then the end, cut as the first byte says, give the same
 * events as in one piece. */
#include <stdlib.h>

#include "base/assert.h"
#include "net/http1/parser.h"

struct outcome {
    size_t heads, completes, body_bytes;
    uint64_t body_hash;
    bool is_refused;
};

static void take_event(struct weft_http1_parser *parser, enum weft_http1_event event, struct weft_slice body,
                       struct outcome *outcome)
{
    if (event == WEFT_HTTP1_HEAD) {
        weft_assert(parser->head.status_code >= 100 && parser->head.status_code <= 999);
        outcome->heads++;
        weft_http1_parser_header(parser, "retry-after");
    } else if (event == WEFT_HTTP1_BODY) {
        weft_assert(body.length > 0);
        outcome->body_bytes += body.length;
        for (size_t i = 0; i < body.length; i++) {
            outcome->body_hash = outcome->body_hash * 31 + body.bytes[i];
        }
    } else if (event == WEFT_HTTP1_COMPLETE) {
        outcome->completes++;
        weft_http1_parser_reset(parser);
    } else if (event == WEFT_HTTP1_REFUSED) {
        weft_assert(parser->refusal_text != NULL);
        outcome->is_refused = true;
    }
}

static void feed(struct weft_http1_parser *parser, const uint8_t *data, size_t length, struct outcome *outcome)
{
    uint8_t *piece = malloc(length); /* of its own, so that reading beyond a piece is seen */
    weft_assert(piece != NULL);
    memcpy(piece, data, length);
    struct weft_slice input = weft_slice_of(piece, length), body = WEFT_SLICE_EMPTY;
    enum weft_http1_event event;
    do {
        event = weft_http1_parser_next(parser, &input, &body);
        take_event(parser, event, body, outcome);
    } while (event != WEFT_HTTP1_MORE && event != WEFT_HTTP1_REFUSED);
    free(piece);
}

static struct outcome run(const uint8_t *data, size_t size, size_t piece_bytes)
{
    static const struct weft_http1_parser_settings settings = { .is_response = true,
                                                                .max_header_bytes = 512,
                                                                .max_header_fields = 8 };
    struct weft_http1_parser parser;
    struct outcome outcome;
    memset(&outcome, 0, sizeof outcome); /* its gaps are compared too */
    weft_http1_parser_init(&parser, &settings);
    for (size_t start = 0; start < size && !outcome.is_refused; start += piece_bytes) {
        feed(&parser, data + start, size - start < piece_bytes ? size - start : piece_bytes, &outcome);
    }
    if (!outcome.is_refused) {
        take_event(&parser, weft_http1_parser_end(&parser), WEFT_SLICE_EMPTY, &outcome);
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
