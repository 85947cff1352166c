/* The HTTP/1 request parser: what it says of good requests, which code each bad one gets, and that neither depends on
 * where the input is cut. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "net/http1/parser.h"
#include "suite.h"

static const struct weft_http1_parser_settings small = { .max_header_bytes = 400,
                                                         .max_header_fields = 6,
                                                         .max_body_bytes = 64 };

static void record_slice(struct weft_buffer *record, const char *label, struct weft_slice text)
{
    weft_buffer_append_text(record, label);
    weft_buffer_append(record, text.bytes, text.length);
}

static void record_head(struct weft_buffer *record, const struct weft_http1_parser *parser)
{
    record_slice(record, "[", weft_http1_parser_method(parser));
    record_slice(record, " ", weft_http1_parser_path(parser));
    record_slice(record, "?", weft_http1_parser_query(parser));
    record_slice(record, " host=", weft_http1_parser_header(parser, "host"));
    record_slice(record, " x=", weft_http1_parser_header(parser, "x"));
    weft_buffer_append_format(record, " n=%u%s%s] ", parser->head.field_count,
                              weft_http1_parser_keeps_alive(parser) ? "" : " close",
                              parser->head.expects_continue ? " expects" : "");
}

/* Feeds one piece; false once the parser refuses. Pieces are copied to the heap so that reading past an end is seen. */
static bool feed(struct weft_http1_parser *parser, struct weft_slice piece, struct weft_buffer *record)
{
    uint8_t *copy = malloc(piece.length == 0 ? 1 : piece.length);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, piece.bytes, piece.length);
    struct weft_slice input = weft_slice_of(copy, piece.length);
    struct weft_slice body = WEFT_SLICE_EMPTY;
    bool is_going = true;
    while (is_going) {
        enum weft_http1_event event = weft_http1_parser_next(parser, &input, &body);
        if (event == WEFT_HTTP1_MORE) {
            break;
        }
        switch (event) {
        case WEFT_HTTP1_HEAD:
            record_head(record, parser);
            break;
        case WEFT_HTTP1_BODY:
            ck_assert_uint_gt(body.length, 0);
            ck_assert(body.bytes >= copy && body.bytes + body.length <= copy + piece.length);
            record_slice(record, "", body);
            break;
        case WEFT_HTTP1_COMPLETE:
            weft_buffer_append_text(record, " done. ");
            weft_http1_parser_reset(parser);
            break;
        case WEFT_HTTP1_REFUSED:
            weft_buffer_append_format(record, "!%d", parser->refusal_code);
            is_going = false;
            break;
        case WEFT_HTTP1_MORE:
            break;
        }
    }
    free(copy);
    return is_going;
}

/* cuts: ascending offsets. */
static void run(struct weft_slice input, const size_t *cuts, size_t cut_count, struct weft_buffer *record)
{
    struct weft_http1_parser parser;
    weft_http1_parser_init(&parser, &small);
    weft_buffer_clear(record);
    size_t start = 0;
    for (size_t i = 0; i <= cut_count; i++) {
        size_t end = i < cut_count ? cuts[i] : input.length;
        if (!feed(&parser, weft_slice_of(input.bytes + start, end - start), record)) {
            break;
        }
        start = end;
    }
    weft_buffer_append_byte(record, 0);
    weft_http1_parser_fini(&parser);
}

/* Whole, at every single cut, and byte by byte. */
static void expect_everywhere(struct weft_slice input, const char *expected)
{
    struct weft_buffer record;
    weft_buffer_init(&record, 0);
    run(input, NULL, 0, &record);
    ck_assert_str_eq((const char *)record.bytes, expected);
    size_t *every = malloc((input.length + 1) * sizeof every[0]);
    ck_assert_ptr_nonnull(every);
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

#define H "Host: a\r\n"

static const struct {
    const char *input, *expected;
} good[] = {
    { "GET / HTTP/1.1\r\n" H "\r\n", "[GET /? host=a x= n=1]  done. " },
    { "\r\nGET / HTTP/1.1\r\n" H "\r\n", "[GET /? host=a x= n=1]  done. " },
    { "GET /a/b?c=d?e HTTP/1.1\r\nHOST:\t b:1 \t\r\nX:  1  2 \r\n\r\n",
      "[GET /a/b?c=d?e host=b:1 x=1  2 n=2]  done. " },
    { "GET /%41%2f%2E%7e%20 HTTP/1.1\r\n" H "\r\n", "[GET /A%2f.~%20? host=a x= n=1]  done. " },
    { "GET http://h:1/p?q HTTP/1.1\r\n" H "\r\n", "[GET /p?q host=a x= n=1]  done. " },
    { "GET HTTPS://h HTTP/1.1\r\n" H "\r\n", "[GET /? host=a x= n=1]  done. " },
    { "GET http://h?q HTTP/1.1\r\n" H "\r\n", "[GET /?q host=a x= n=1]  done. " },
    { "OPTIONS * HTTP/1.1\r\n" H "\r\n", "[OPTIONS *? host=a x= n=1]  done. " },
    { "GET / HTTP/1.0\r\n\r\n", "[GET /? host= x= n=0 close]  done. " },
    { "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "[GET /? host= x= n=1]  done. " },
    { "GET / HTTP/1.1\r\n" H "Connection: te , Close\r\n\r\n", "[GET /? host=a x= n=2 close]  done. " },
    { "GET / HTTP/1.1\r\nHost:\r\nX:\r\n\r\n", "[GET /? host= x= n=2]  done. " },
    { "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello", "[POST /? host=a x= n=2] hello done. " },
    { "POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", "[POST /? host=a x= n=2]  done. " },
    { "POST / HTTP/1.1\r\n" H "Content-Length: 2\r\nExpect: 100-Continue\r\n\r\nhi",
      "[POST /? host=a x= n=3 expects] hi done. " },
    { "GET / HTTP/1.1\r\n" H "Expect: 100-continue\r\n\r\n", "[GET /? host=a x= n=2]  done. " },
    { "POST / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n00a;x=\"y\"\r\n0123456789\r\n0\r\n\r\n",
      "[POST /? host=a x= n=2] abc0123456789 done. " },
    { "POST / HTTP/1.1\r\n" H
      "Transfer-Encoding: chunked\r\n\r\n1\r\nz\r\n0\r\nX: 9\r\nContent-Length: 7\r\n\r\nGET /n HTTP/1.1\r\n" H "\r\n",
      "[POST /? host=a x= n=2] z done. [GET /n? host=a x= n=1]  done. " },
    { "POST /1 HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nabGET /2 HTTP/1.1\r\n" H "\r\nGET /3 HTTP/1.1\r\n" H "\r\n",
      "[POST /1? host=a x= n=2] ab done. [GET /2? host=a x= n=1]  done. [GET /3? host=a x= n=1]  done. " },
    { "GET / HTTP/1.1\r\n" H "X: caf\xc3\xa9\r\n\r\n", "[GET /? host=a x=caf\xc3\xa9 n=2]  done. " },
};

START_TEST(test_good_requests_give_the_same_events_at_every_cut)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(good); i++) {
        expect_everywhere(weft_slice_of_text(good[i].input), good[i].expected);
    }
}
END_TEST

#define LINE_40 "abcdefghijabcdefghijabcdefghijabcdefghij"
#define TE      "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
#define TE_HEAD "[POST /? host=a x= n=2] "

/* head: what comes before the refusal, NULL = nothing. */
static const struct {
    int code;
    const char *head;
    const char *input;
} bad[] = {
    { 400, NULL, "GET / HTTP/1.1\n" H "\r\n" },
    { 400, NULL, "GET / HTTP/1.1\r\nHost: a\n\r\n" },
    { 400, NULL, "GET / HTTP/1.1\r\n" H "\n" },
    { 400, NULL, "\nGET / HTTP/1.1\r\n" H "\r\n" },
    { 400, NULL, "\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n" },
    { 400, NULL, "GET / HTTP/1.1\r\n" H "X: 1\r\n 2\r\n\r\n" },
    { 400, NULL, "GET / HTTP/1.1\r\n X: 1\r\n" H "\r\n" },
    { 400, NULL, "GET / HTTP/1.1\r\n" H "X: 1\r\n\t2\r\n\r\n" },
    { 400, NULL, "POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n" },
    { 400, NULL, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n" },
    { 400, NULL, "POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nContent-Length: 1\r\n\r\na" },
    { 400, NULL, "POST / HTTP/1.1\r\n" H "Content-Length: 1, 1\r\n\r\na" },
    { 400, NULL, "POST / HTTP/1.1\r\n" H "Content-Length: +1\r\n\r\na" },
    { 400, NULL, "POST / HTTP/1.1\r\n" H "Content-Length: 0x1\r\n\r\na" },
    { 400, NULL, "POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\na" },
    { 400, NULL, "POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551617\r\n\r\na" },
    { 413, TE_HEAD, "POST / HTTP/1.1\r\n" H "Content-Length: 65\r\n\r\na" },
    { 501, NULL, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n" },
    { 501, NULL, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, chunked\r\n\r\n" },
    { 501, NULL, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n" },
    { 501, NULL, "POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n" },
    { 501, NULL, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n\r\n" },
    { 501, NULL, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n" },
    { 400, NULL, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" },
    { 400, NULL, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" },
    { 400, NULL, "GET / HTTP/1.1\r\n\r\n" },
    { 400, NULL, "GET / HTTP/1.1\r\n" H H "\r\n" },
    { 400, NULL, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n" },
    { 400, NULL, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n" },
    { 400, NULL, "GET / HTTP/1.1\r\nHost : a\r\n\r\n" },
    { 400, NULL, "GET / HTTP/1.1\r\n: a\r\n" H "\r\n" },
    { 400, NULL, "GET / HTTP/1.1\r\nHost\r\n\r\n" },
    { 400, NULL, "GET / HTTP/1.1\r\n" H "X(y): 1\r\n\r\n" },
    { 400, NULL, "GET / HTTP/1.1\r\n" H "X\xc3\xa9: 1\r\n\r\n" },
    { 400, NULL, "GET / HTTP/1.1\r\n" H "X: 1\r2\r\n\r\n" },
    { 400, NULL, "GET / HTTP/1.1\r\n" H "X: 1\x01\r\n\r\n" },
    { 400, NULL, "GET / HTTP/1.1\r\n" H "X: 1\x7f\r\n\r\n" },
    { 400, NULL, "GET / HTTP/1.1\r\n" H "X: 1\r\r\n\r\n" },
    { 400, NULL, "GET  / HTTP/1.1\r\n" H "\r\n" },
    { 400, NULL, "GET /  HTTP/1.1\r\n" H "\r\n" },
    { 400, NULL, "GET / HTTP/1.1 \r\n" H "\r\n" },
    { 400, NULL, " GET / HTTP/1.1\r\n" H "\r\n" },
    { 400, NULL, "GET\t/ HTTP/1.1\r\n" H "\r\n" },
    { 400, NULL, "GET /\r\n\r\n" },
    { 400, NULL, "GET\r\n\r\n" },
    { 400, NULL, "G@T / HTTP/1.1\r\n" H "\r\n" },
    { 400, NULL, "GET a HTTP/1.1\r\n" H "\r\n" },
    { 400, NULL, "GET * HTTP/1.1\r\n" H "\r\n" },
    { 400, NULL, "GET ?q HTTP/1.1\r\n" H "\r\n" },
    { 400, NULL, "GET http:///p HTTP/1.1\r\n" H "\r\n" },
    { 400, NULL, "GET ftp://h/p HTTP/1.1\r\n" H "\r\n" },
    { 400, NULL, "CONNECT h:443 HTTP/1.1\r\n" H "\r\n" },
    { 400, NULL, "GET /#f HTTP/1.1\r\n" H "\r\n" },
    { 400, NULL, "GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n" },
    { 400, NULL, "GET /%zz HTTP/1.1\r\n" H "\r\n" },
    { 400, NULL, "GET /%4 HTTP/1.1\r\n" H "\r\n" },
    { 400, NULL, "GET /% HTTP/1.1\r\n" H "\r\n" },
    { 400, NULL, "GET / http/1.1\r\n" H "\r\n" },
    { 400, NULL, "GET / HTTP/1.10\r\n" H "\r\n" },
    { 400, NULL, "GET / HTTP/11\r\n" H "\r\n" },
    { 505, NULL, "GET / HTTP/1.2\r\n" H "\r\n" },
    { 505, NULL, "GET / HTTP/2.0\r\n" H "\r\n" },
    { 505, NULL, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" },
    { 505, NULL, "GET / HTTP/0.9\r\n" H "\r\n" },
    { 417, NULL, "POST / HTTP/1.1\r\n" H "Expect: miracles\r\nContent-Length: 1\r\n\r\na" },
    { 431, NULL, "GET / HTTP/1.1\r\n" H "A:1\r\nB:1\r\nC:1\r\nD:1\r\nE:1\r\nF:1\r\n\r\n" },
    { 431, NULL,
      "GET / HTTP/1.1\r\n" H "X: " LINE_40 LINE_40 LINE_40 LINE_40 LINE_40 LINE_40 LINE_40 LINE_40 LINE_40 LINE_40
      "\r\n\r\n" },
    { 431, NULL,
      "GET /" LINE_40 LINE_40 LINE_40 LINE_40 LINE_40 LINE_40 LINE_40 LINE_40 LINE_40 LINE_40 " HTTP/1.1\r\n" H
      "\r\n" },
    { 400, TE_HEAD, TE "\r\n" },
    { 400, TE_HEAD, TE ";x\r\n" },
    { 400, TE_HEAD, TE "g\r\n" },
    { 400, TE_HEAD, TE "-1\r\n" },
    { 400, TE_HEAD, TE " 1\r\na\r\n" },
    { 400, TE_HEAD, TE "1 \r\na\r\n" },
    { 400, TE_HEAD, TE "0x1\r\na\r\n" },
    { 400, TE_HEAD, TE "1\na\r\n" },
    { 400, TE_HEAD "a", TE "1\r\nab\r\n" },
    { 400, TE_HEAD "a", TE "1\r\na\n0\r\n\r\n" },
    { 400, TE_HEAD "a", TE "1\r\na\rb" },
    { 400, TE_HEAD, TE "1;a\nb\r\na\r\n" },
    { 400, TE_HEAD, TE "1\r\ra" },
    { 400, TE_HEAD, TE "1;" LINE_40 "abcdefghijabcdefghijabcd\r\na\r\n" },
    { 400, TE_HEAD, TE "0000000000000001\r\na\r\n" },
    { 413, TE_HEAD, TE "41\r\n" },
    { 413, TE_HEAD, TE "fffffffffffffff\r\n" },
    { 413, TE_HEAD "0123456789012345678901234567890123456789012345678901234567890123",
      TE "40\r\n0123456789012345678901234567890123456789012345678901234567890123\r\n1\r\na\r\n" },
    { 400, TE_HEAD, TE "0\r\nX 1\r\n\r\n" },
    { 400, TE_HEAD, TE "0\r\nX: 1\r\n 2\r\n\r\n" },
    { 400, TE_HEAD, TE "0\r\n\n" },
    { 431, TE_HEAD, TE "0\r\nA:1\r\nA:1\r\nA:1\r\nA:1\r\nA:1\r\nA:1\r\nA:1\r\n\r\n" },
    { 431, TE_HEAD,
      TE "0\r\nX: " LINE_40 LINE_40 LINE_40 LINE_40 LINE_40 LINE_40 LINE_40 LINE_40 LINE_40 LINE_40 "\r\n\r\n" },
};

START_TEST(test_bad_requests_are_refused_with_their_code_at_every_cut)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(bad); i++) {
        char expected[256];
        snprintf(expected, sizeof expected, "%s!%d", bad[i].head == NULL ? "" : bad[i].head, bad[i].code);
        expect_everywhere(weft_slice_of_text(bad[i].input), expected);
    }
}
END_TEST

START_TEST(test_nul_is_refused_everywhere)
{
    expect_everywhere(WEFT_SLICE_LITERAL("GET /\0 HTTP/1.1\r\n" H "\r\n"), "!400");
    expect_everywhere(WEFT_SLICE_LITERAL("G\0T / HTTP/1.1\r\n" H "\r\n"), "!400");
    expect_everywhere(WEFT_SLICE_LITERAL("GET / HTTP/1.1\r\nHost: a\0\r\n\r\n"), "!400");
    expect_everywhere(WEFT_SLICE_LITERAL("GET / HTTP/1.1\r\n" H "X\0: a\r\n\r\n"), "!400");
    expect_everywhere(WEFT_SLICE_LITERAL("GET / HTTP/1.1\r\n" H "X: \0a\r\n\r\n"), "!400");
    expect_everywhere(WEFT_SLICE_LITERAL("GET /%00 HTTP/1.1\r\n" H "\r\n"), "[GET /%00? host=a x= n=1]  done. ");
}
END_TEST

START_TEST(test_limits_are_exact)
{
    char request[512];
    /* 400 bytes of head are allowed: "GET / HTTP/1.1\r\n" 16, "Host: a\r\n" 9, "X: " 3, CR LF twice 4. */
    for (int excess = 0; excess <= 1; excess++) {
        int length = snprintf(request, sizeof request, "GET / HTTP/1.1\r\n" H "X: %0*d\r\n\r\n", 400 - 32 + excess, 7);
        struct weft_buffer record;
        weft_buffer_init(&record, 0);
        run(weft_slice_of(request, (size_t)length), NULL, 0, &record);
        ck_assert_int_eq(strstr((const char *)record.bytes, "!431") != NULL, excess);
        weft_buffer_fini(&record);
    }
    expect_everywhere(weft_slice_of_text("GET / HTTP/1.1\r\n" H "A:1\r\nB:1\r\nC:1\r\nD:1\r\nE:1\r\n\r\n"),
                      "[GET /? host=a x= n=6]  done. ");
    expect_everywhere(weft_slice_of_text(TE "1;" LINE_40 "abcdefghijabcdefghijabc\r\na\r\n0\r\n\r\n"),
                      TE_HEAD "a done. ");
}
END_TEST

START_TEST(test_no_memory_is_refused_with_503)
{
    for (size_t nth = 1;; nth++) {
        struct weft_buffer record;
        weft_buffer_init(&record, 0);
        ck_assert_ptr_nonnull(weft_buffer_reserve(&record, 4096));
        weft_alloc_fail_at(nth);
        run(weft_slice_of_text("POST / HTTP/1.1\r\n" H "X: " LINE_40 LINE_40 LINE_40 LINE_40 LINE_40 LINE_40
                               "\r\nContent-Length: 1\r\n\r\na"),
            NULL, 0, &record);
        bool has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_int_eq(strcmp((const char *)record.bytes, "!503") == 0, has_failed);
        weft_buffer_fini(&record);
        if (!has_failed) {
            ck_assert_uint_gt(nth, 2);
            break;
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http1_parser");
    TCase *tests = tcase_create("http1_parser");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_good_requests_give_the_same_events_at_every_cut);
    tcase_add_test(tests, test_bad_requests_are_refused_with_their_code_at_every_cut);
    tcase_add_test(tests, test_nul_is_refused_everywhere);
    tcase_add_test(tests, test_limits_are_exact);
    tcase_add_test(tests, test_no_memory_is_refused_with_503);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
