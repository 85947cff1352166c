/* The HTTP/1 server over real sockets: what clients may do, what they may not, and who is told what. */
#include "base/base_test.h"
#include "net/http1_fixture.h"
#include "net/http1/server_internal.h"
#include "suite.h"

#define H "Host: a\r\n"

static const struct weft_http1_server_settings usual = { 0 };

START_TEST(test_requests_are_answered_on_one_connection)
{
    http1_start(&usual);
    int client = http1_connect();
    http1_send_text(client, "GET /hello HTTP/1.1\r\n" H "\r\n");
    http1_expect(client, 200, "hello\n");
    ck_assert_ptr_nonnull(strstr((char *)http1_head.bytes, "HTTP/1.1 200 OK\r\nDate: "));
    ck_assert_ptr_nonnull(strstr((char *)http1_head.bytes, "\r\nContent-Type: text/plain\r\n"));
    http1_send_text(client, "GET /missing HTTP/1.1\r\n" H "\r\n");
    http1_expect(client, 404, "lost\n");
    ck_assert_ptr_nonnull(strstr((char *)http1_head.bytes, "\r\nX-Lost: yes\r\n"));
    http1_send_text(client, "GET /header HTTP/1.1\r\n" H "X: y z \r\n\r\n");
    http1_expect(client, 200, "y z");
    http1_send_text(client, "PUT /target?a=%41&b HTTP/1.1\r\n" H "\r\n");
    http1_expect(client, 200, "PUT /target?a=%41&b");
    http1_send_text(client, "GET /later HTTP/1.1\r\n" H "\r\n");
    http1_expect(client, 200, "later\n");
    close(client);
    http1_stop();
    ck_assert_uint_eq(http1.counters.requests, 5);
    ck_assert_uint_eq(http1.counters.connections_accepted, 1);
}
END_TEST

START_TEST(test_request_in_single_bytes_is_answered)
{
    http1_start(&usual);
    int client = http1_connect();
    const char request[] =
        "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x\r\ndefg\r\n0\r\nT: 1\r\n\r\n";
    for (size_t i = 0; i + 1 < sizeof request; i++) {
        http1_send(client, request + i, 1);
        usleep(200);
    }
    http1_expect(client, 200, "abcdefg");
    close(client);
    http1_stop();
}
END_TEST

START_TEST(test_pipelined_requests_are_answered_in_order)
{
    http1_start(&usual);
    int client = http1_connect();
    http1_send_text(client,
                    "GET /hello HTTP/1.1\r\n" H "\r\nGET /later HTTP/1.1\r\n" H "\r\n"
                    "POST /echo HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nhiGET /header HTTP/1.1\r\n" H "X: 1\r\n\r\n"
                    "GET /hello HTTP/1.1\r\nConnection: close\r\n" H "\r\nGET /hello HTTP/1.1\r\n" H "\r\n");
    http1_expect(client, 200, "hello\n");
    http1_expect(client, 200, "later\n");
    http1_expect(client, 200, "hi");
    http1_expect(client, 200, "1");
    http1_expect(client, 200, "hello\n");
    ck_assert_ptr_nonnull(strstr((char *)http1_head.bytes, "\r\nConnection: close\r\n"));
    http1_expect_end(client);
    http1_stop();
    ck_assert_uint_eq(http1.counters.requests, 5);
}
END_TEST

START_TEST(test_head_has_the_length_and_no_body)
{
    http1_start(&usual);
    int client = http1_connect();
    http1_send_text(client, "HEAD /hello HTTP/1.1\r\n" H "\r\nGET /hello HTTP/1.1\r\n" H "\r\n");
    ck_assert_int_eq(http1_receive(client, false, &http1_head, &http1_body), 200);
    ck_assert_ptr_nonnull(strstr((char *)http1_head.bytes, "\r\nContent-Length: 6\r\n"));
    http1_expect(client, 200, "hello\n");
    close(client);
    http1_stop();
}
END_TEST

START_TEST(test_http_1_0_ends_unless_it_asks)
{
    http1_start(&usual);
    int client = http1_connect();
    http1_send_text(client, "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    http1_expect(client, 200, "hello\n");
    ck_assert_ptr_nonnull(strstr((char *)http1_head.bytes, "\r\nConnection: keep-alive\r\n"));
    http1_send_text(client, "GET /hello HTTP/1.0\r\n\r\n");
    http1_expect(client, 200, "hello\n");
    http1_expect_end(client);
    http1_stop();
}
END_TEST

START_TEST(test_client_that_closes_its_side_gets_its_answer)
{
    http1_start(&usual);
    int client = http1_connect();
    http1_send_text(client, "GET /later HTTP/1.1\r\n" H "\r\n");
    shutdown(client, SHUT_WR);
    http1_expect(client, 200, "later\n");
    http1_expect_end(client);
    http1_stop();
}
END_TEST

START_TEST(test_malformed_request_is_answered_and_ends_the_connection)
{
    http1_start(&usual);
    int client = http1_connect();
    http1_send_text(client,
                    "GET /hello HTTP/1.1\r\n" H "\r\nGET /hello HTTP/1.1\n" H "\r\nGET /hello HTTP/1.1\r\n" H "\r\n");
    http1_expect(client, 200, "hello\n");
    http1_expect(client, 400, "a line that does not end in CR LF\n");
    http1_expect_end(client);
    client = http1_connect();
    http1_send_text(client, "POST /echo HTTP/1.1\r\n" H "Content-Length: 9000000\r\n\r\nabc");
    http1_expect(client, 413, "the body is larger than allowed\n");
    http1_expect_end(client);
    http1_stop();
    ck_assert_uint_eq(http1.counters.requests, 1);
    ck_assert_uint_eq(http1.counters.requests_refused, 2);
}
END_TEST

START_TEST(test_refusal_reaches_a_client_that_is_still_sending)
{
    http1_start(&usual);
    int client = http1_connect();
    http1_send_text(client, "POST /echo HTTP/1.1\r\n" H "Content-Length: 9000000\r\n\r\n");
    char byte;
    ck_assert_int_eq((int)recv(client, &byte, 1, MSG_PEEK), 1); /* the answer is here, the client has not looked yet */
    static char body[50000];
    for (int i = 0; i < 3; i++) {
        http1_send(client, body, sizeof body);
        usleep(2000);
    }
    http1_expect(client, 413, "the body is larger than allowed\n");
    http1_expect_end(client);
    http1_stop();
}
END_TEST

START_TEST(test_expect_continue_is_answered_before_the_body)
{
    http1_start(&usual);
    int client = http1_connect();
    http1_send_text(client, "POST /echo HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    ck_assert_int_eq(http1_receive(client, false, &http1_head, &http1_body), 100);
    http1_send_text(client, "abc");
    http1_expect(client, 200, "abc");
    close(client);
    http1_stop();
}
END_TEST

START_TEST(test_largest_body_and_large_answer_pass)
{
    http1_start(&usual);
    int client = http1_connect();
    enum { BODY_BYTES = 1024 * 1024 };
    uint8_t *body = malloc(BODY_BYTES);
    ck_assert_ptr_nonnull(body);
    for (size_t i = 0; i < BODY_BYTES; i++) {
        body[i] = (uint8_t)(i * 2654435761U >> 24);
    }
    char head[100];
    snprintf(head, sizeof head, "POST /echo HTTP/1.1\r\n" H "Content-Length: %d\r\n\r\n", BODY_BYTES);
    http1_send_text(client, head);
    http1_send(client, body, BODY_BYTES);
    ck_assert_int_eq(http1_receive(client, true, &http1_head, &http1_body), 200);
    ck_assert_uint_eq(http1_body.length, BODY_BYTES);
    ck_assert_mem_eq(http1_body.bytes, body, BODY_BYTES);
    http1_send_text(client, "GET /big HTTP/1.1\r\n" H "\r\n");
    ck_assert_int_eq(http1_receive(client, true, &http1_head, &http1_body), 200);
    ck_assert_uint_eq(http1_body.length, 8 * 1024 * 1024);
    close(client);
    http1_stop();
    free(body);
}
END_TEST

START_TEST(test_body_that_is_handed_over_passes_and_what_follows_it)
{
    http1_start(&usual);
    int client = http1_connect();
    for (int i = 0; i < 2; i++) {
        http1_send_text(client, "HEAD /own HTTP/1.1\r\n" H "\r\nGET /own HTTP/1.1\r\n" H "\r\n");
        ck_assert_int_eq(http1_receive(client, false, &http1_head, &http1_body), 200);
        ck_assert_int_eq(http1_receive(client, true, &http1_head, &http1_body), 200);
        ck_assert_uint_ge(http1_body.length, 4 * 1024 * 1024);
        for (size_t at = 0; at < http1_body.length;) {
            char number[32];
            int length = snprintf(number, sizeof number, "%zu ", at);
            ck_assert_mem_eq(http1_body.bytes + at, number, (size_t)length);
            at += (size_t)length;
        }
        http1_send_text(client, "GET /hello HTTP/1.1\r\n" H "\r\n");
        http1_expect(client, 200, "hello\n");
    }
    close(client);
    http1_stop();
}
END_TEST

START_TEST(test_slow_header_and_slow_body_get_408)
{
    http1_start(&(struct weft_http1_server_settings){ .header_timeout_ns = 30 * WEFT_NS_PER_MS,
                                                      .body_timeout_ns = 30 * WEFT_NS_PER_MS });
    int silent = http1_connect();
    http1_expect_end(silent);
    int slow = http1_connect();
    http1_send_text(slow, "GET / HT");
    http1_expect(slow, 408, "the request did not arrive in time\n");
    http1_expect_end(slow);
    slow = http1_connect();
    http1_send_text(slow, "POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nab");
    http1_expect(slow, 408, "the request did not arrive in time\n");
    http1_expect_end(slow);
    http1_stop();
    ck_assert_uint_eq(http1.counters.connections_timed_out, 3);
}
END_TEST

START_TEST(test_idle_connection_and_reader_that_stalls_are_ended)
{
    http1_start(&(struct weft_http1_server_settings){ .idle_timeout_ns = 30 * WEFT_NS_PER_MS,
                                                      .write_timeout_ns = 30 * WEFT_NS_PER_MS });
    int idle = http1_connect();
    http1_send_text(idle, "GET /hello HTTP/1.1\r\n" H "\r\n");
    http1_expect(idle, 200, "hello\n");
    http1_expect_end(idle);
    int stalled = http1_connect();
    http1_send_text(stalled, "GET /big HTTP/1.1\r\n" H "\r\n");
    usleep(200 * 1000);
    ck_assert_int_eq(http1_receive(stalled, true, &http1_head, &http1_body), 0);
    close(stalled);
    http1_stop();
    ck_assert_uint_eq(http1.counters.connections_timed_out, 2);
}
END_TEST

START_TEST(test_connections_are_capped_and_idle_ones_make_room)
{
    http1_start(&(struct weft_http1_server_settings){ .max_connections = 2 });
    int first = http1_connect(), second = http1_connect();
    http1_send_text(first, "GET /hello HTTP/1.1\r\n" H "\r\n");
    http1_expect(first, 200, "hello\n");
    http1_send_text(second, "GET /hello HTTP/1.1\r\n" H "\r\n");
    http1_expect(second, 200, "hello\n");
    http1_send_text(second, "GET /never HTTP/1.1\r\n" H "\r\n");
    http1_wait_for_never(1);
    int third = http1_connect(); /* first is idle and goes */
    http1_expect_end(first);
    http1_send_text(third, "GET /never HTTP/1.1\r\n" H "\r\n");
    http1_send_text(third, "GET /hello HTTP/1.1\r\n" H "\r\n");
    http1_wait_for_never(2);
    int fourth = http1_connect(); /* both are busy */
    http1_expect_end(fourth);
    close(second);
    close(third);
    http1_stop();
    ck_assert_uint_eq(http1.counters.connections_evicted, 1);
    ck_assert_uint_eq(http1.counters.connections_refused, 1);
}
END_TEST

START_TEST(test_answer_for_a_peer_that_is_gone_is_harmless)
{
    http1_start(&usual);
    int client = http1_connect();
    http1_send_text(client, "GET /later HTTP/1.1\r\n" H "\r\n");
    struct linger abort = { .l_onoff = 1 };
    setsockopt(client, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
    close(client);
    client = http1_connect();
    usleep(20000);
    http1_send_text(client, "GET /hello HTTP/1.1\r\n" H "\r\n");
    http1_expect(client, 200, "hello\n");
    close(client);
    http1_stop();
}
END_TEST

static void on_waited(void *context)
{
    (void)context;
    weft_loop_stop(http1.loop);
}

/* One thread, a socket pair: the allocation that fails is within the server. */
START_TEST(test_no_memory_is_an_answer_or_an_end)
{
    static const char request[] =
        "POST /echo HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nhiGET /hello HTTP/1.1\r\n" H "\r\n";
    for (size_t nth = 1;; nth++) {
        http1_make(&usual);
        int pair[2];
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
        http1_send(pair[0], request, sizeof request - 1);
        struct weft_timer wait;
        weft_timer_init(&wait, on_waited, NULL);
        weft_alloc_fail_at(nth);
        weft_http1_server_connection_open(http1.server, pair[1], &(struct weft_peer){ .is_unix = true });
        weft_timer_set_after(weft_loop_timers(http1.loop), &wait, 20 * WEFT_NS_PER_MS);
        weft_loop_run(http1.loop);
        bool has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        http1_unmake();
        int code = http1_receive(pair[0], true, &http1_head, &http1_body);
        ck_assert_msg(code == 0 || code == 200 || code == 503, "%d", code);
        if (!has_failed) {
            ck_assert_int_eq(code, 200);
            ck_assert_int_eq(http1_receive(pair[0], true, &http1_head, &http1_body), 200);
        }
        close(pair[0]);
        if (!has_failed) {
            ck_assert_uint_gt(nth, 4);
            break;
        }
    }
}
END_TEST

static void reply(void *exchange)
{
    (void)weft_http1_server_exchange_reply(exchange, 200, "text/plain", NULL, WEFT_SLICE_EMPTY);
}

static void free_connection(void *connection)
{
    weft_http1_server_connection_free(connection);
}

/* Our own mistakes. */
START_TEST(test_what_is_no_exchange_is_not_answered)
{
    struct weft_http1_server_exchange gone = { 0 };
    struct weft_http1_server_exchange *exchange = weft_alloc(sizeof *exchange);
    weft_set_magic(exchange, http1_server_exchange);
    ck_assert(!base_test_aborts(reply, exchange));
    ck_assert(base_test_aborts(reply, &gone));
    ck_assert(base_test_aborts(free_connection, &(struct weft_http1_server_connection){ 0 }));
    weft_free(exchange);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http1_server");
    TCase *tests = tcase_create("http1_server");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, NULL, http1_release);
    tcase_add_test(tests, test_requests_are_answered_on_one_connection);
    tcase_add_test(tests, test_request_in_single_bytes_is_answered);
    tcase_add_test(tests, test_pipelined_requests_are_answered_in_order);
    tcase_add_test(tests, test_head_has_the_length_and_no_body);
    tcase_add_test(tests, test_http_1_0_ends_unless_it_asks);
    tcase_add_test(tests, test_client_that_closes_its_side_gets_its_answer);
    tcase_add_test(tests, test_malformed_request_is_answered_and_ends_the_connection);
    tcase_add_test(tests, test_refusal_reaches_a_client_that_is_still_sending);
    tcase_add_test(tests, test_expect_continue_is_answered_before_the_body);
    tcase_add_test(tests, test_largest_body_and_large_answer_pass);
    tcase_add_test(tests, test_body_that_is_handed_over_passes_and_what_follows_it);
    tcase_add_test(tests, test_slow_header_and_slow_body_get_408);
    tcase_add_test(tests, test_idle_connection_and_reader_that_stalls_are_ended);
    tcase_add_test(tests, test_connections_are_capped_and_idle_ones_make_room);
    tcase_add_test(tests, test_answer_for_a_peer_that_is_gone_is_harmless);
    tcase_add_test(tests, test_no_memory_is_an_answer_or_an_end);
    tcase_add_test(tests, test_what_is_no_exchange_is_not_answered);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
