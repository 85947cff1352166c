/* What receivers need of the HTTP/1 server: bodies that are large, unwanted or refused, back-pressure, and an orderly
 * end. */
#include "net/http1_fixture.h"
#include "suite.h"

#define H "Host: a\r\n"

static uint8_t pattern[2 * 1024 * 1024];

static void set_up(void)
{
    for (size_t i = 0; i < sizeof pattern; i++) {
        pattern[i] = (uint8_t)(i * 2654435761U >> 24);
    }
}

static void expect_pattern(int client, size_t length)
{
    ck_assert_int_eq(http1_receive(client, true, &http1_head, &http1_body), 200);
    ck_assert_uint_eq(http1_body.length, length);
    ck_assert(length == 0 || memcmp(http1_body.bytes, pattern, length) == 0);
}

static void send_head(int client, size_t length)
{
    char head[100];
    snprintf(head, sizeof head, "POST /echo HTTP/1.1\r\n" H "Content-Length: %zu\r\n\r\n", length);
    http1_send_text(client, head);
}

static void send_chunked(int client, size_t chunk_bytes, size_t length)
{
    http1_send_text(client, "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n");
    for (size_t at = 0; at < length; at += chunk_bytes) {
        size_t size = length - at < chunk_bytes ? length - at : chunk_bytes;
        char line[40];
        snprintf(line, sizeof line, "%zx\r\n", size);
        http1_send_text(client, line);
        http1_send(client, pattern + at, size);
        http1_send_text(client, "\r\n");
    }
    http1_send_text(client, "0\r\n\r\n");
}

START_TEST(test_bodies_of_every_size_and_framing_arrive_whole)
{
    static const size_t sizes[] = { 0, 1, 4096, 65535, 65536, 65537, 98304, 200000, 1000001, sizeof pattern };
    static const size_t chunks[] = { 997, 32 * 1024, 65536, 333333, sizeof pattern };
    http1_start(&(struct weft_http1_server_settings){ .max_body_bytes = sizeof pattern });
    int client = http1_connect();
    for (size_t i = 0; i < WEFT_COUNT_OF(sizes); i++) {
        send_head(client, sizes[i]);
        http1_send(client, pattern, sizes[i]);
        expect_pattern(client, sizes[i]);
        for (size_t j = 0; j < WEFT_COUNT_OF(chunks); j++) {
            send_chunked(client, chunks[j], sizes[i]);
            expect_pattern(client, sizes[i]);
        }
    }
    close(client);
    http1_stop();
    ck_assert_uint_eq(http1.counters.requests, WEFT_COUNT_OF(sizes) * (1 + WEFT_COUNT_OF(chunks)));
}
END_TEST

START_TEST(test_large_body_with_a_request_behind_it_serves_both)
{
    http1_start(&(struct weft_http1_server_settings){ .max_body_bytes = sizeof pattern });
    int client = http1_connect();
    send_head(client, 300000);
    http1_send(client, pattern, 300000);
    http1_send_text(client, "GET /hello HTTP/1.1\r\n" H "\r\n");
    expect_pattern(client, 300000);
    http1_expect(client, 200, "hello\n");
    close(client);
    http1_stop();
}
END_TEST

START_TEST(test_body_that_nobody_wants_is_forgotten_and_the_connection_goes_on)
{
    http1_start(&(struct weft_http1_server_settings){ .wants_body = http1_wants_body });
    int client = http1_connect();
    http1_send_text(client, "POST /target HTTP/1.1\r\n" H "Content-Length: 200000\r\n\r\n");
    http1_send(client, pattern, 200000);
    http1_expect(client, 200, "POST /target?");
    http1_send_text(client, "POST /echo HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nhi");
    http1_expect(client, 200, "hi");
    close(client);
    http1_stop();
}
END_TEST

START_TEST(test_client_that_asks_first_is_told_at_once_what_comes_of_it)
{
    http1_start(&(struct weft_http1_server_settings){ .wants_body = http1_wants_body });
    int client = http1_connect();
    http1_send_text(client, "POST /target HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    http1_expect(client, 200, "POST /target?");
    ck_assert_ptr_nonnull(strstr((char *)http1_head.bytes, "\r\nConnection: close\r\n"));
    http1_expect_end(client);
    client = http1_connect();
    http1_send_text(client, "POST /echo HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 9000000\r\n\r\n");
    http1_expect(client, 413, "the body is larger than allowed\n");
    http1_expect_end(client);
    http1_stop();
}
END_TEST

START_TEST(test_refused_body_is_answered_in_the_service_s_words)
{
    http1_start(
        &(struct weft_http1_server_settings){ .on_refused = http1_on_refused, .body_timeout_ns = 30 * WEFT_NS_PER_MS });
    static const struct {
        const char *request, *answer;
        int code;
    } cases[] = {
        { "POST /a HTTP/1.1\r\n" H "Content-Length: 9000000\r\n\r\n", "refused 413 /a\n", 413 },
        { "POST /b HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nffffff\r\n", "refused 413 /b\n", 413 },
        { "POST /c HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\nx", "refused 400 /c\n", 400 },
        { "POST /d HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nab", "refused 408 /d\n", 408 },
        { "POST /e HTTP/1.1\n" H "Content-Length: 5\r\n\r\nab", "a line that does not end in CR LF\n", 400 },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        int client = http1_connect();
        http1_send_text(client, cases[i].request);
        http1_expect(client, cases[i].code, cases[i].answer);
        ck_assert_ptr_nonnull(strstr((char *)http1_head.bytes, "\r\nConnection: close\r\n"));
        http1_expect_end(client);
    }
    http1_stop();
    ck_assert_uint_eq(http1.counters.requests_refused, WEFT_COUNT_OF(cases));
    ck_assert_uint_eq(http1.counters.requests, 0);
}
END_TEST

START_TEST(test_body_that_stalls_or_dribbles_is_ended)
{
    http1_start(&(struct weft_http1_server_settings){ .request_timeout_ns = 60 * WEFT_NS_PER_MS });
    int client = http1_connect();
    http1_send_text(client, "POST /echo HTTP/1.1\r\n" H "Content-Length: 1000\r\n\r\n");
    char byte;
    while (recv(client, &byte, 1, MSG_DONTWAIT | MSG_PEEK) != 1) {
        if (send(client, "a", 1, MSG_NOSIGNAL) != 1) {
            break;
        }
        usleep(5000);
    }
    http1_expect(client, 408, "the request did not arrive in time\n");
    http1_expect_end(client);
    http1_stop();
    ck_assert_uint_eq(http1.counters.connections_timed_out, 1);
}
END_TEST

START_TEST(test_requests_wait_while_nothing_is_read_and_no_deadline_runs)
{
    http1_start(&(struct weft_http1_server_settings){ .header_timeout_ns = 30 * WEFT_NS_PER_MS,
                                                      .idle_timeout_ns = 30 * WEFT_NS_PER_MS });
    int client = http1_connect(), other = http1_connect();
    http1_send_text(other, "GET /hello HTTP/1.1\r\n" H "\r\n");
    http1_expect(other, 200, "hello\n");
    http1_send_text(client, "GET /pause HTTP/1.1\r\n" H "\r\nGET /hello HTTP/1.1\r\n" H "\r\n");
    http1_expect(client, 200, "pause\n");
    http1_send_text(other, "GET /hello HTTP/1.1\r\n" H "\r\n");
    usleep(60000);
    ck_assert_int_eq((int)recv(other, (char[1]){ 0 }, 1, MSG_DONTWAIT | MSG_PEEK), -1);
    http1_expect(other, 200, "hello\n");
    http1_expect(client, 200, "hello\n");
    close(client);
    close(other);
    http1_stop();
}
END_TEST

START_TEST(test_drain_ends_idle_connections_and_answers_the_others)
{
    http1_start(&(struct weft_http1_server_settings){ 0 });
    int idle = http1_connect(), busy = http1_connect(), half = http1_connect(), fresh = http1_connect();
    http1_send_text(idle, "GET /hello HTTP/1.1\r\n" H "\r\n");
    http1_expect(idle, 200, "hello\n");
    http1_send_text(half, "POST /echo HTTP/1.1\r\n" H "Content-Length: 4\r\n\r\nab");
    usleep(20000);
    http1_send_text(busy, "GET /drain HTTP/1.1\r\n" H "\r\n");
    http1_expect(busy, 200, "drain\n");
    ck_assert_ptr_nonnull(strstr((char *)http1_head.bytes, "\r\nConnection: close\r\n"));
    http1_expect_end(busy);
    http1_expect_end(idle);
    http1_expect_end(fresh);
    http1_send_text(half, "cd");
    http1_expect(half, 200, "abcd");
    ck_assert_ptr_nonnull(strstr((char *)http1_head.bytes, "\r\nConnection: close\r\n"));
    http1_expect_end(half);
    http1_stop();
}
END_TEST

START_TEST(test_server_without_keep_alive_ends_each_request)
{
    http1_start(&(struct weft_http1_server_settings){ .ends_each_request = true });
    int client = http1_connect();
    http1_send_text(client, "GET /hello HTTP/1.1\r\n" H "\r\n");
    http1_expect(client, 200, "hello\n");
    ck_assert_ptr_nonnull(strstr((char *)http1_head.bytes, "\r\nConnection: close\r\n"));
    http1_expect_end(client);
    http1_stop();
}
END_TEST

/* Sends what the socket takes; a withheld body's peer must not block the test. */
static size_t send_some(int client, const uint8_t *bytes, size_t length)
{
    ssize_t sent = send(client, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent < 0 ? 0 : (size_t)sent;
}

/* Three large bodies begin at once and none can end before the others have begun; all end. */
static void send_large_bodies_side_by_side(void)
{
    enum { LARGE = 1500 * 1000 };
    int clients[3];
    size_t sent[3] = { 0 };
    for (size_t i = 0; i < 3; i++) {
        clients[i] = http1_connect();
        send_head(clients[i], LARGE);
    }
    for (int round = 0; round < 20; round++) { /* all begin, none ends */
        for (size_t i = 0; i < 3; i++) {
            sent[i] += send_some(clients[i], pattern + sent[i], LARGE - 1000 - sent[i]);
        }
        usleep(2000);
    }
    int small = http1_connect();
    http1_send_text(small, "POST /echo HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nhi");
    http1_expect(small, 200, "hi"); /* is not kept waiting by them */
    close(small);
    while (sent[0] + sent[1] + sent[2] < (size_t)3 * LARGE) {
        for (size_t i = 0; i < 3; i++) {
            sent[i] += send_some(clients[i], pattern + sent[i], LARGE - sent[i]);
        }
        usleep(500);
    }
    for (size_t i = 0; i < 3; i++) {
        expect_pattern(clients[i], LARGE);
        close(clients[i]);
    }
}

START_TEST(test_large_bodies_take_turns_when_the_credit_is_used_up)
{
    http1_bodies.credit_bytes = 4000 * 1000;
    http1_start(&(struct weft_http1_server_settings){ .max_body_bytes = sizeof pattern });
    send_large_bodies_side_by_side();
    http1_stop();
    http1_bodies.credit_bytes = 0;
    ck_assert_uint_ge(http1.counters.bodies_withheld, 1);
}
END_TEST

/* Then only as much as one body may have is kept of them all. */
START_TEST(test_bodies_make_way_when_memory_is_overdrawn)
{
    enum { LARGE = 900 * 1000, BEGUN = 400 * 1000 };
    struct weft_budget_limit limit = { .bytes = 64 << 20 };
    http1_start(&(struct weft_http1_server_settings){ .max_body_bytes = 1000 * 1000 });
    weft_budget_add_limit(&http1.budget, &limit);
    int clients[3];
    for (size_t i = 0; i < 3; i++) {
        clients[i] = http1_connect();
        send_head(clients[i], LARGE);
        http1_send(clients[i], pattern, BEGUN);
    }
    weft_budget_charge(&http1.budget, 80 << 20);
    size_t whole = 0;
    for (size_t i = 0; i < 3; i++) {
        http1_send(clients[i], pattern + BEGUN, LARGE - BEGUN);
        int code = http1_receive(clients[i], true, &http1_head, &http1_body);
        ck_assert_msg(code == 200 || code == 503, "%d", code);
        whole += code == 200;
        close(clients[i]);
    }
    weft_budget_release(&http1.budget, 80 << 20);
    weft_budget_remove_limit(&http1.budget, &limit);
    http1_stop();
    ck_assert_uint_ge(whole, 1);
    ck_assert_uint_eq(http1.counters.bodies_shed, 3 - whole);
    ck_assert_uint_ge(http1.counters.bodies_shed, 1);
}
END_TEST

/* The second has to wait for none: either the first moves, and the second is refused, or it makes way. */
START_TEST(test_bodies_beyond_their_number_are_refused_or_replace_others)
{
    http1_bodies.max_begun = http1_bodies.max_begun_per_address = 1;
    http1_start(&(struct weft_http1_server_settings){ .max_body_bytes = sizeof pattern });
    int first = http1_connect(), second = http1_connect(), third = http1_connect();
    send_head(first, 30000);
    http1_send(first, pattern, 20000);
    usleep(20000);
    send_head(second, 10);
    ck_assert_int_eq(http1_receive(second, true, &http1_head, &http1_body), 503);
    http1_send(first, pattern + 20000, 10000);
    expect_pattern(first, 30000);
    send_head(first, 1000);
    http1_send(first, pattern, 10);
    usleep(20000);
    send_head(third, 10);
    ck_assert_int_eq(http1_receive(first, true, &http1_head, &http1_body), 503);
    ck_assert_ptr_nonnull(strstr((char *)http1_head.bytes, "\r\nConnection: close\r\n"));
    http1_send(third, pattern, 10);
    expect_pattern(third, 10);
    close(first);
    close(second);
    close(third);
    http1_stop();
    http1_bodies.max_begun = http1_bodies.max_begun_per_address = 0;
    ck_assert_uint_eq(http1.counters.bodies_refused, 1);
    ck_assert_uint_eq(http1.counters.bodies_shed, 1);
}
END_TEST

START_TEST(test_peer_that_goes_in_the_middle_of_a_body_leaves_nothing_behind)
{
    http1_start(&(struct weft_http1_server_settings){ .max_body_bytes = sizeof pattern });
    for (size_t i = 0; i < 4; i++) {
        int client = http1_connect();
        send_head(client, sizeof pattern);
        http1_send(client, pattern, 100000 * (i + 1));
        close(client);
    }
    int client = http1_connect();
    send_head(client, 700000);
    http1_send(client, pattern, 700000);
    expect_pattern(client, 700000);
    close(client);
    http1_stop(); /* checks the budget */
}
END_TEST

static void on_waited(void *context)
{
    (void)context;
    weft_loop_stop(http1.loop);
}

/* One thread, a socket pair: the allocation that fails is within the server. */
START_TEST(test_no_memory_for_a_body_is_an_answer_or_an_end)
{
    static const char head[] = "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n14000\r\n";
    for (size_t nth = 1;; nth++) {
        http1_make(&(struct weft_http1_server_settings){ .on_refused = http1_on_refused });
        int pair[2];
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
        http1_send(pair[0], head, sizeof head - 1);
        http1_send(pair[0], pattern, 0x14000);
        http1_send_text(pair[0], "\r\n0\r\n\r\n");
        struct weft_timer wait;
        weft_timer_init(&wait, on_waited, NULL);
        weft_alloc_fail_at(nth);
        weft_http1_server_adopt(http1.server, pair[1]);
        weft_timer_set_after(weft_loop_timers(http1.loop), &wait, 20 * WEFT_NS_PER_MS);
        weft_loop_run(http1.loop);
        bool has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        http1_unmake();
        int code = http1_receive(pair[0], true, &http1_head, &http1_body);
        ck_assert_msg(code == 0 || code == 200 || code == 503, "%d", code);
        close(pair[0]);
        if (!has_failed) {
            ck_assert_int_eq(code, 200);
            ck_assert_uint_gt(nth, 4);
            break;
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http1_bodies");
    TCase *tests = tcase_create("http1_bodies");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, http1_release);
    tcase_add_test(tests, test_bodies_of_every_size_and_framing_arrive_whole);
    tcase_add_test(tests, test_large_body_with_a_request_behind_it_serves_both);
    tcase_add_test(tests, test_body_that_nobody_wants_is_forgotten_and_the_connection_goes_on);
    tcase_add_test(tests, test_client_that_asks_first_is_told_at_once_what_comes_of_it);
    tcase_add_test(tests, test_refused_body_is_answered_in_the_service_s_words);
    tcase_add_test(tests, test_body_that_stalls_or_dribbles_is_ended);
    tcase_add_test(tests, test_requests_wait_while_nothing_is_read_and_no_deadline_runs);
    tcase_add_test(tests, test_drain_ends_idle_connections_and_answers_the_others);
    tcase_add_test(tests, test_server_without_keep_alive_ends_each_request);
    tcase_add_test(tests, test_large_bodies_take_turns_when_the_credit_is_used_up);
    tcase_add_test(tests, test_bodies_make_way_when_memory_is_overdrawn);
    tcase_add_test(tests, test_bodies_beyond_their_number_are_refused_or_replace_others);
    tcase_add_test(tests, test_peer_that_goes_in_the_middle_of_a_body_leaves_nothing_behind);
    tcase_add_test(tests, test_no_memory_for_a_body_is_an_answer_or_an_end);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
