/* The HTTP/1 parser as a client uses it: what it says of good answers, why it refuses bad ones, and that neither
 * depends on where the input is cut. */
#include <check.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "net/http1/parser.h"
#include "suite.h"

static const struct weft_http1_parser_settings small = { .is_response = true,
                                                         .max_header_bytes = 400,
                                                         .max_header_fields = 6 };

static void record_slice(struct weft_buffer *record, const char *label, struct weft_slice text)
{
    weft_buffer_append_text(record, label);
    weft_buffer_append(record, text.bytes, text.length);
}

static bool record_event(struct weft_http1_parser *parser, enum weft_http1_event event, struct weft_slice body,
                         struct weft_buffer *record)
{
    switch (event) {
    case WEFT_HTTP1_MORE:
        return false;
    case WEFT_HTTP1_HEAD:
        weft_buffer_append_format(record, "[%u", parser->head.status_code);
        record_slice(record, " x=", weft_http1_parser_header(parser, "x"));
        weft_buffer_append_format(record, "%s] ", weft_http1_parser_keeps_alive(parser) ? "" : " close");
        return true;
    case WEFT_HTTP1_BODY:
        ck_assert_uint_gt(body.length, 0);
        record_slice(record, "", body);
        return true;
    case WEFT_HTTP1_COMPLETE:
        weft_buffer_append_text(record, " done. ");
        weft_http1_parser_reset(parser);
        return true;
    case WEFT_HTTP1_REFUSED:
        weft_buffer_append_format(record, "! %s", parser->refusal_text);
        return false;
    }
    return false;
}

/* Pieces are copied to the heap so that reading past an end is seen. */
static bool feed(struct weft_http1_parser *parser, struct weft_slice piece, struct weft_buffer *record)
{
    uint8_t *copy = malloc(piece.length == 0 ? 1 : piece.length);
    memcpy(copy, piece.bytes, piece.length);
    struct weft_slice input = weft_slice_of(copy, piece.length), body = WEFT_SLICE_EMPTY;
    while (record_event(parser, weft_http1_parser_next(parser, &input, &body), body, record)) {
    }
    free(copy);
    return parser->state != WEFT_HTTP1_STATE_REFUSED;
}

/* cuts: ascending offsets. Then the peer closes. */
static void run(struct weft_slice input, const size_t *cuts, size_t cut_count, struct weft_buffer *record)
{
    struct weft_http1_parser parser;
    weft_http1_parser_init(&parser, &small);
    weft_buffer_clear(record);
    size_t start = 0;
    bool is_going = true;
    for (size_t i = 0; i <= cut_count && is_going; i++) {
        size_t end = i < cut_count ? cuts[i] : input.length;
        is_going = feed(&parser, weft_slice_of(input.bytes + start, end - start), record);
        start = end;
    }
    if (is_going && parser.is_begun) {
        record_event(&parser, weft_http1_parser_end(&parser), WEFT_SLICE_EMPTY, record);
    }
    weft_buffer_append_byte(record, 0);
    weft_http1_parser_fini(&parser);
}

/* Whole, at every single cut, and byte by byte. */
static void expect_everywhere(const char *text, const char *expected)
{
    struct weft_slice input = weft_slice_of_text(text);
    struct weft_buffer record;
    weft_buffer_init(&record, 0);
    run(input, NULL, 0, &record);
    ck_assert_str_eq((const char *)record.bytes, expected);
    size_t *every = malloc((input.length + 1) * sizeof every[0]);
    for (size_t cut = 0; cut <= input.length; cut++) {
        run(input, &cut, 1, &record);
        ck_assert_msg(strcmp((const char *)record.bytes, expected) == 0, "cut at %zu: %s", cut, record.bytes);
        every[cut] = cut;
    }
    run(input, every, input.length, &record);
    ck_assert_str_eq((const char *)record.bytes, expected);
    free(every);
    weft_buffer_fini(&record);
}

static const struct {
    const char *input, *expected;
} good[] = {
    { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "[200 x=] hello done. " },
    { "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "[200 x=]  done. " },
    { "HTTP/1.1 404 \r\nX:  y z \r\ncontent-length: 0\r\n\r\n", "[404 x=y z]  done. " },
    { "HTTP/1.1 599 caf\xc3\xa9 \t ok\r\nContent-Length: 0\r\n\r\n", "[599 x=]  done. " },
    { "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x, close\r\n\r\n", "[200 x= close]  done. " },
    { "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", "[200 x= close] a done. " },
    { "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\na", "[200 x=] a done. " },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0A;e=1\r\n0123456789\r\n0\r\n\r\n",
      "[200 x=] abc0123456789 done. " },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nz\r\n0\r\nX: 9\r\n\r\n", "[200 x=] z done. " },
    { "HTTP/1.1 200 OK\r\nX: 1\r\n\r\nuntil\r\nthe end", "[200 x=1 close] until\r\nthe end done. " },
    { "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", "[200 x= close]  done. " },
    { "HTTP/1.1 204 No Content\r\n\r\n", "[204 x=]  done. " },
    { "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "[304 x=]  done. " },
    { "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "[204 x=]  done. " },
    { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: 1\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: "
      "2\r\n\r\nok",
      "[100 x=]  done. [103 x=1]  done. [201 x=] ok done. " },
    { "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb",
      "[200 x=] a done. [200 x=] b done. " },
};

START_TEST(test_good_answers_give_the_same_events_at_every_cut)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(good); i++) {
        expect_everywhere(good[i].input, good[i].expected);
    }
}
END_TEST

#define TEN          "0123456789"
#define FIFTY        TEN TEN TEN TEN TEN
#define FOUR_HUNDRED FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY

static const struct {
    const char *input, *expected;
} bad[] = {
    { "SSH-2.0-OpenSSH_9.2\r\n", "! the first line is not HTTP's" },
    { "HTTP/\r\n", "! the first line is not HTTP's" },
    { "\r\nHTTP/1.1 200 OK\r\n\r\n", "! the first line is not HTTP's" },
    { "HTTP/2.0 200 OK\r\n\r\n", "! an HTTP version other than 1.0 and 1.1" },
    { "HTTP/1.2 200 OK\r\n\r\n", "! an HTTP version other than 1.0 and 1.1" },
    { "HTTP/1.1\r\n", "! the status line has no status code" },
    { "HTTP/1.1 20 OK\r\n", "! the status line has no status code" },
    { "HTTP/1.1 2000 OK\r\n", "! the status line has no status code" },
    { "HTTP/1.1 099 OK\r\n", "! the status line has no status code" },
    { "HTTP/1.1  200 OK\r\n", "! the status line has no status code" },
    { "HTTP/1.1 2x0 OK\r\n", "! the status line has no status code" },
    { "HTTP/1.1 200 O\x01K\r\n", "! a control character in the status line" },
    { "HTTP/1.1 200 OK\n\n", "! a line that does not end in CR LF" },
    { "HTTP/1.1 101 Switching Protocols\r\n\r\n", "! a change of protocol that nobody asked for" },
    { "HTTP/1.1 200 OK\r\nX: a\r\n folded\r\n\r\n", "! a folded header line" },
    { "HTTP/1.1 200 OK\r\nX : a\r\n\r\n", "! a header name" },
    { "HTTP/1.1 200 OK\r\nX: \x01\r\n\r\n", "! a control character in a header" },
    { "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", "! more than one Content-Length" },
    { "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "! Content-Length is not a number" },
    { "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "! both Content-Length and Transfer-Encoding" },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "! a transfer coding other than chunked" },
    { "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "! Transfer-Encoding in HTTP/1.0" },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "[200 x=] ! a chunk size" },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab",
      "[200 x=] a! a chunk that does not end in CR LF" },
    { "HTTP/1.1 200 OK\r\nX: " FOUR_HUNDRED "\r\n\r\n", "! the headers are larger than allowed" },
    { "HTTP/1.1 200 OK\r\na:\r\nb:\r\nc:\r\nd:\r\ne:\r\nf:\r\ng:\r\n\r\n", "! too many headers" },
    { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "[200 x=] hell! closed in the middle" },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "[200 x=] hello! closed in the middle" },
    { "HTTP/1.1 200 OK\r\nContent-", "! closed in the middle" },
};

START_TEST(test_bad_answers_are_refused_the_same_way_at_every_cut)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(bad); i++) {
        expect_everywhere(bad[i].input, bad[i].expected);
    }
}
END_TEST

START_TEST(test_end_before_the_first_byte_is_refused)
{
    struct weft_http1_parser parser;
    weft_http1_parser_init(&parser, &small);
    ck_assert_int_eq(weft_http1_parser_end(&parser), WEFT_HTTP1_REFUSED);
    ck_assert_str_eq(parser.refusal_text, "closed before the first byte");
    ck_assert_int_eq(weft_http1_parser_end(&parser), WEFT_HTTP1_REFUSED);
    weft_http1_parser_fini(&parser);
}
END_TEST

START_TEST(test_lack_of_memory_is_a_refusal)
{
    struct weft_http1_parser parser;
    weft_http1_parser_init(&parser, &small);
    struct weft_slice input = WEFT_SLICE_LITERAL("HTTP/1.1 200 OK\r\n\r\n"), body;
    weft_alloc_fail_at(1);
    ck_assert_int_eq(weft_http1_parser_next(&parser, &input, &body), WEFT_HTTP1_REFUSED);
    weft_alloc_fail_at(0);
    ck_assert_str_eq(parser.refusal_text, "out of memory");
    weft_http1_parser_fini(&parser);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http1_response");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, test_good_answers_give_the_same_events_at_every_cut);
    tcase_add_test(tcase, test_bad_answers_are_refused_the_same_way_at_every_cut);
    tcase_add_test(tcase, test_end_before_the_first_byte_is_refused);
    tcase_add_test(tcase, test_lack_of_memory_is_a_refusal);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
