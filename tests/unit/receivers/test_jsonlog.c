/* The inlets of the receiver `jsonlog`: lines over HTTP through a socket pair, and lines of a pipe, into a pipeline
 * that does as the test says. */
#include "receivers/inlet_test.h"
#include "receivers/log_stdin.h"
#include "suite.h"

static int pipe_end = -1; /* the client's other end, instead of a socket */

static bool has_taken(const char *word)
{
    return memmem(pipeline.text, pipeline.text_length, word, strlen(word)) != NULL;
}

static void set_up(void)
{
    begin_ingest("jsonlog", WEFT_LOGS, "logs");
    config.max_request_body_size = 5000;
}

static void set_up_http(void)
{
    const struct weft_log_line_settings settings = { 0 };
    set_up();
    inlet = weft_otlp_http_new_for_lines(&ingest, &config, &settings, NULL, NULL);
    connect_client();
}

/* Refusals are offered again in the next tick, and lines are at most 100 bytes long. */
static void set_up_stdin(void)
{
    const struct weft_log_line_settings settings = { .max_line_bytes = 100 };
    int pair[2];
    set_up();
    ingest.retry_after_ns = 0;
    ck_assert_int_eq(pipe(pair), 0);
    pipe_end = pair[0];
    client = pair[1];
    inlet = weft_log_stdin_new(&ingest, pipe_end, &settings);
}

static void tear_down(void)
{
    end_ingest();
    if (pipe_end >= 0) {
        close(pipe_end);
        pipe_end = -1;
    }
}

/* ---- HTTP ---- */

static void post_bytes(const char *headers, const void *body, size_t length)
{
    char head[300];
    snprintf(head, sizeof head, "POST /v1/logs HTTP/1.1\r\nHost: a\r\n%s", headers);
    send_request(head, body, length);
}

static void post(const char *headers, const char *body)
{
    post_bytes(headers, body, strlen(body));
}

static void expect(int code, const char *text)
{
    char line[32];
    snprintf(line, sizeof line, "HTTP/1.1 %d ", code);
    ck_assert_msg(strncmp(answers, line, strlen(line)) == 0, "not %d: %s", code, answers);
    ck_assert_msg(strstr(answers, text) != NULL, "no %s in %s", text, answers);
}

static const char json_type[] = "Content-Type: application/json\r\n";

START_TEST(test_lines_of_a_body_are_one_request)
{
    post("", "{\"message\":\"one\"}\r\n\ntwo\n{\"broken\"\n{\"message\":\"four\"}");
    expect(200, "\r\n\r\n{}");
    ck_assert_uint_eq(pipeline.weight, 4);
    ck_assert_uint_eq(pipeline.offers, 1);
    ck_assert(has_taken("one") && has_taken("two") && has_taken("{\"broken\"") && has_taken("four"));
    ck_assert_uint_eq(inlet->accepted[WEFT_LOGS], 4);
    post(json_type, "{\"a\":1}\n{\"a\":2}\n");
    expect(200, "{}");
    ck_assert_uint_eq(pipeline.weight, 6);
    post("", "");
    expect(200, "{}");
    ck_assert_uint_eq(pipeline.offers, 2);
}
END_TEST

START_TEST(test_an_array_is_taken_or_refused_whole)
{
    post(json_type, "[{\"message\":\"a\"}, {\"message\":\"b\"}]");
    expect(200, "{}");
    ck_assert_uint_eq(pipeline.weight, 2);
    post(json_type, "[{\"message\":\"a\"}, {\"message\" \"b\"}]");
    expect(400, "byte 29: a key is followed by :");
    post(json_type, "[{\"message\":\"a\"}");
    expect(400, "byte 16: ");
    ck_assert_uint_eq(pipeline.offers, 1);
    ck_assert_uint_eq(inlet->malformed_requests, 2);
    post("Content-Type: text/plain\r\n", "[{\"message\":\"a\"}");
    expect(200, "{}");
    ck_assert(has_taken("[{\"message\":\"a\"}"));
    ck_assert_uint_eq(pipeline.weight, 3);
}
END_TEST

START_TEST(test_compressed_bodies_are_inflated)
{
    static const enum weft_encoding encodings[] = { WEFT_ENCODING_GZIP, WEFT_ENCODING_ZSTD };
    struct weft_slice plain = WEFT_SLICE_LITERAL("{\"message\":\"one\"}\ntwo\n");
    for (size_t i = 0; i < WEFT_COUNT_OF(encodings); i++) {
        struct weft_payload *packed = NULL;
        char header[64];
        ck_assert(weft_deflate(host.codec, encodings[i], 0, &plain, 1, host.pool, &packed, NULL) == WEFT_OK);
        snprintf(header, sizeof header, "Content-Encoding: %s\r\n", weft_encoding_name(encodings[i]));
        post_bytes(header, packed->bytes, packed->length);
        expect(200, "{}");
        ck_assert_uint_eq(pipeline.weight, 2 * (i + 1));
        weft_payload_unref(&packed);
    }
    post("Content-Encoding: gzip\r\n", "no gzip");
    expect(400, "gzip body");
}
END_TEST

START_TEST(test_refusals_take_nothing)
{
    pipeline.answer = WEFT_CLOSED;
    post("", "one\ntwo\n");
    expect(503, "Retry-After: 2\r\n");
    ck_assert_uint_eq(pipeline.weight, 0);
    ck_assert_uint_eq(inlet->refused[WEFT_LOGS], 2);
    char large[6000];
    memset(large, 'x', sizeof large);
    post_bytes("", large, sizeof large);
    expect(413, "");
    ck_assert_uint_eq(pipeline.offers, 1);
}
END_TEST

/* Short lines become longer records. */
START_TEST(test_bodies_that_grow_too_much_are_too_large)
{
    char lines[2000];
    for (size_t i = 0; i < sizeof lines; i += 2) {
        memcpy(lines + i, "x\n", 2);
    }
    post_bytes("", lines, sizeof lines);
    expect(413, "the lines become more than 10000 bytes");
    ck_assert_uint_eq(pipeline.offers, 0);
    post_bytes("", lines, sizeof lines / 4);
    expect(200, "{}");
    ck_assert_uint_eq(pipeline.weight, sizeof lines / 8);
}
END_TEST

START_TEST(test_other_paths_and_methods_are_refused)
{
    static const char request[] = "GET /v1/logs HTTP/1.1\r\nHost: a\r\n\r\nPOST /v1/traces HTTP/1.1\r\nHost: a\r\n"
                                  "Content-Length: 0\r\n\r\n";
    ck_assert_int_eq((int)send(client, request, sizeof request - 1, MSG_NOSIGNAL), (int)sizeof request - 1);
    tick();
    expect(405, "HTTP/1.1 404 ");
}
END_TEST

/* ---- standard input ---- */

static void feed(const char *text)
{
    ck_assert_int_eq((int)write(client, text, strlen(text)), (int)strlen(text));
    run_loop();
}

START_TEST(test_whole_lines_of_the_input_are_offered)
{
    feed("{\"message\":\"one\"}\ntwo\nthr");
    ck_assert_uint_eq(pipeline.weight, 2);
    ck_assert(has_taken("one") && has_taken("two") && !has_taken("thr"));
    feed("ee\n");
    ck_assert_uint_eq(pipeline.weight, 3);
    ck_assert(has_taken("three"));
    feed("the end");
    ck_assert_uint_eq(pipeline.weight, 3);
    close(client);
    client = -1;
    run_loop();
    ck_assert_uint_eq(pipeline.weight, 4);
    ck_assert(has_taken("the end"));
}
END_TEST

START_TEST(test_long_lines_of_the_input_keep_their_beginning)
{
    static char line[200001];
    memset(line, 'x', sizeof line - 1);
    memcpy(line, "begin", 5);
    size_t written = 0;
    while (written < sizeof line - 1) {
        size_t piece = sizeof line - 1 - written < 30000 ? sizeof line - 1 - written : 30000;
        ck_assert_int_eq((int)write(client, line + written, piece), (int)piece);
        written += piece;
        run_loop();
    }
    feed("\nnext\n");
    run_loop();
    ck_assert_uint_eq(pipeline.weight, 2);
    ck_assert(has_taken("next") && !has_taken("xxx"));
}
END_TEST

START_TEST(test_refused_lines_are_offered_again)
{
    pipeline.answer = WEFT_CLOSED;
    feed("one\ntwo\n");
    ck_assert_uint_ge(pipeline.offers, 2);
    ck_assert_uint_eq(pipeline.weight, 0);
    feed("three\n"); /* stays in the pipe */
    pipeline.answer = WEFT_OK;
    run_loop();
    run_loop();
    ck_assert_uint_eq(pipeline.weight, 3);
    ck_assert(has_taken("three"));
}
END_TEST

START_TEST(test_nothing_is_read_under_pressure)
{
    inlet->operations->set_reading(inlet, false);
    feed("one\n");
    ck_assert_uint_eq(pipeline.offers, 0);
    inlet->operations->set_reading(inlet, true);
    run_loop();
    ck_assert_uint_eq(pipeline.weight, 1);
}
END_TEST

START_TEST(test_draining_offers_the_rest_once)
{
    feed("one\nrest");
    inlet->operations->drain(inlet);
    run_loop();
    ck_assert_uint_eq(pipeline.weight, 2);
    ck_assert(has_taken("rest"));
    ck_assert_uint_eq(inlet->operations->connection_count(inlet), 0);
}
END_TEST

START_TEST(test_lines_that_are_refused_while_draining_are_given_up)
{
    pipeline.answer = WEFT_CLOSED;
    feed("one\nrest");
    ingest.is_draining = true;
    inlet->operations->drain(inlet);
    run_loop();
    ck_assert_uint_eq(inlet->operations->connection_count(inlet), 0);
    ck_assert(weft_otlp_ingest_is_idle(&ingest));
    ck_assert_uint_eq(pipeline.weight, 0);
}
END_TEST

/* The pipeline answers when the inlet is gone. */
START_TEST(test_the_inlet_may_go_before_the_answer)
{
    ingest.acknowledge = WEFT_ACKNOWLEDGE_DELIVERED;
    pipeline.holds = true;
    feed("one\n");
    ck_assert_ptr_nonnull(pipeline.held);
    feed("two\n"); /* waits */
    ck_assert_uint_eq(pipeline.offers, 1);
    free_inlet();
    weft_batch_end(&pipeline.held, NULL, -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jsonlog");
    TCase *http = tcase_create("http");
    tcase_add_checked_fixture(http, set_up_http, tear_down);
    tcase_add_test(http, test_lines_of_a_body_are_one_request);
    tcase_add_test(http, test_an_array_is_taken_or_refused_whole);
    tcase_add_test(http, test_compressed_bodies_are_inflated);
    tcase_add_test(http, test_refusals_take_nothing);
    tcase_add_test(http, test_bodies_that_grow_too_much_are_too_large);
    tcase_add_test(http, test_other_paths_and_methods_are_refused);
    suite_add_tcase(suite, http);
    TCase *input = tcase_create("stdin");
    tcase_add_checked_fixture(input, set_up_stdin, tear_down);
    tcase_add_test(input, test_whole_lines_of_the_input_are_offered);
    tcase_add_test(input, test_long_lines_of_the_input_keep_their_beginning);
    tcase_add_test(input, test_refused_lines_are_offered_again);
    tcase_add_test(input, test_nothing_is_read_under_pressure);
    tcase_add_test(input, test_draining_offers_the_rest_once);
    tcase_add_test(input, test_lines_that_are_refused_while_draining_are_given_up);
    tcase_add_test(input, test_the_inlet_may_go_before_the_answer);
    suite_add_tcase(suite, input);
    return suite_run(suite);
}
