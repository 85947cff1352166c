/* The HTTP/1.1 client against a scripted server: requests as they go out, answers in every framing, and which
 * connections are kept. */
#include "http1_client_test.h"

enum { LARGE_BYTES = 12 << 20 };

static void check_lines(struct peer *peer)
{
    static const char start[] = "POST /v1/x?y HTTP/1.1\r\n";
    char host[64];
    snprintf(host, sizeof host, "Host: 127.0.0.1:%u", bench.port);
    ck_assert(strncmp(peer->received, start, strlen(start)) == 0);
    ck_assert(peer_has_line(peer, host));
    ck_assert(peer_has_line(peer, "User-Agent: tester/1"));
    ck_assert(peer_has_line(peer, "X-Tenant: a"));
    ck_assert(peer_has_line(peer, "Content-Type: text/plain"));
    ck_assert(peer_has_line(peer, "Content-Encoding: gzip"));
    ck_assert(peer_has_line(peer, "Content-Length: 1000"));
    ck_assert(!peer_has_line(peer, "Content-length: 7"));
    ck_assert(!peer_has_line(peer, "transfer-encoding: chunked"));
    ck_assert(!peer_has_line(peer, "Connection: close"));
    ck_assert(is_pattern(peer->received + peer->head_length, 1000));
    answer_ok(peer);
}

START_TEST(test_request_carries_lines_and_body)
{
    const struct weft_header headers[] = {
        { "X-Tenant", "a" }, { "Content-length", "7" }, { "transfer-encoding", "chunked" }, { NULL, NULL }
    };
    bench.settings.headers = headers;
    bench.settings.user_agent = "tester/1";
    start_server(check_lines);
    open_channel();
    struct call *call = make_call(0, 1000, 7, 0);
    call->request.content_encoding = "gzip";
    start_made(call);
    run_calls();
    ck_assert_int_eq(call->status, WEFT_OK);
    ck_assert_int_eq(call->code, 200);
    ck_assert_str_eq(call->answer, "fine");
    ck_assert_str_eq(call->content_type, "text/x");
    ck_assert_str_eq(call->retry_after, "");
    ck_assert_str_eq(call->failure, "");
    ck_assert(!call->is_unconfirmed && !call->is_truncated);
    ck_assert_uint_eq(client_state().requests_open, 0);
    ck_assert_uint_gt(client_state().bytes_sent, 1000);
}
END_TEST

static void check_own_lines(struct peer *peer)
{
    ck_assert(peer_has_line(peer, "host: elsewhere"));
    ck_assert(peer_has_line(peer, "USER-AGENT: mine"));
    ck_assert(peer_has_line(peer, "content-type: application/x"));
    ck_assert(!peer_has_line(peer, "Content-Type: text/plain"));
    ck_assert(strcasestr(peer->received, "host: 127") == NULL);
    answer_ok(peer);
}

START_TEST(test_configured_headers_replace_own_ones)
{
    const struct weft_header headers[] = {
        { "host", "elsewhere" }, { "USER-AGENT", "mine" }, { "content-type", "application/x" }, { NULL, NULL }
    };
    bench.settings.headers = headers;
    start_server(check_own_lines);
    open_channel();
    struct call *call = start_call(0, 0);
    run_calls();
    ck_assert_int_eq(call->code, 200);
}
END_TEST

START_TEST(test_header_grammar_is_checked)
{
    ck_assert(weft_header_is_valid("X-Api_Key", "a b\tc \xc3\xa9"));
    ck_assert(weft_header_is_valid("x", ""));
    ck_assert(!weft_header_is_valid("", "a"));
    ck_assert(!weft_header_is_valid("a b", "c"));
    ck_assert(!weft_header_is_valid("a:", "c"));
    ck_assert(!weft_header_is_valid("a", "b\r\nX: y"));
    ck_assert(!weft_header_is_valid("a", "b\x7f"));
}
END_TEST

static void check_large_body(struct peer *peer)
{
    ck_assert_uint_eq(peer->body_length, LARGE_BYTES);
    ck_assert(is_pattern(peer->received + peer->head_length, LARGE_BYTES));
    answer_ok(peer);
}

START_TEST(test_large_body_goes_out_whole_past_a_slow_socket)
{
    bench.receive_buffer_bytes = 4096;
    start_server(check_large_body);
    open_channel();
    struct call *call = make_call(0, LARGE_BYTES, 64, 0);
    start_made(call);
    run_calls();
    ck_assert_int_eq(call->code, 200);
    ck_assert_uint_eq(bench.request_count, 1);
}
END_TEST

/* ---- answers ---- */

struct script {
    const char *answer;
    bool closes;
    int code;
    const char *body;
    bool is_kept; /* the connection */
};

static const struct script scripts[] = {
    { "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine", false, 200, "fine", true },
    { "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", false, 404, "", true },
    { "HTTP/1.1 204 No Content\r\n\r\n", false, 204, "", true },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nfi\r\n2;x\r\nne\r\n0\r\nX: y\r\n\r\n", false, 200,
      "fine", true },
    { "HTTP/1.1 200 OK\r\n\r\nuntil the end", true, 200, "until the end", false },
    { "HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nfine", false, 200, "fine", false },
    { "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nfine", false, 200, "fine", false },
    { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine",
      false, 200, "fine", true },
    { "HTTP/1.1 307 Temporary Redirect\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n", false, 307, "", true },
    { "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfineHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, 200,
      "fine", false },
};

static const struct script *script;
static size_t script_piece; /* bytes at a time; 0 = all at once */
static struct weft_timer script_timer;
static struct peer *script_peer;
static size_t script_position;

static void say_on(void *context)
{
    (void)context;
    size_t left = strlen(script->answer) - script_position;
    size_t length = script_piece == 0 || script_piece > left ? left : script_piece;
    if (script_peer->watch == NULL) {
        return; /* the client has heard enough */
    }
    peer_send(script_peer, script->answer + script_position, length);
    script_position += length;
    if (script_position < strlen(script->answer)) {
        weft_timer_set_after(weft_loop_timers(bench.loop), &script_timer, 0);
    } else if (script->closes) {
        peer_close(script_peer);
    }
}

static void play_script(struct peer *peer)
{
    script_peer = peer;
    script_position = 0;
    weft_timer_init(&script_timer, say_on, NULL);
    say_on(NULL);
}

static void check_scripts(size_t piece)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(scripts); i++) {
        script = &scripts[i];
        script_piece = piece;
        set_up();
        start_server(play_script);
        open_channel();
        struct call *call = start_call(0, 100);
        run_calls();
        ck_assert_msg(call->status == WEFT_OK, "%zu: %s", i, call->failure);
        ck_assert_int_eq(call->code, scripts[i].code);
        ck_assert_str_eq(call->answer, scripts[i].body);
        ck_assert_str_eq(call->location, scripts[i].code == 307 ? "/there" : "");
        ck_assert(!call->is_unconfirmed && !call->is_truncated);
        ck_assert_msg(client_state().connections_ready == scripts[i].is_kept, "%zu", i);
        weft_timer_cancel(weft_loop_timers(bench.loop), &script_timer);
        tear_down();
    }
    set_up();
}

START_TEST(test_answers_in_every_framing_are_taken)
{
    tear_down();
    check_scripts(0);
}
END_TEST

START_TEST(test_answers_byte_by_byte_are_taken)
{
    tear_down();
    check_scripts(1);
}
END_TEST

static void answer_busy(struct peer *peer)
{
    peer_say(peer, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n");
}

START_TEST(test_retry_after_is_handed_on)
{
    start_server(answer_busy);
    open_channel();
    struct call *call = start_call(0, 10);
    run_calls();
    ck_assert_int_eq(call->code, 503);
    ck_assert_str_eq(call->retry_after, "120");
    ck_assert(!call->is_unconfirmed);
}
END_TEST

static void answer_much(struct peer *peer)
{
    char text[1200];
    int length = snprintf(text, sizeof text, "HTTP/1.1 400 Bad\r\nContent-Length: 1000\r\n\r\n%01000d", 7);
    peer_send(peer, text, (size_t)length);
}

START_TEST(test_body_beyond_the_limit_is_cut_and_the_connection_closed)
{
    bench.settings.max_response_bytes = 100;
    start_server(answer_much);
    open_channel();
    struct call *call = start_call(0, 10);
    run_calls();
    ck_assert_int_eq(call->code, 400);
    ck_assert_uint_eq(call->answer_length, 100);
    ck_assert(call->is_truncated);
    ck_assert_uint_eq(client_state().connections_ready, 0);
}
END_TEST

static const uint8_t gzip_hello[] = { 0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03,
                                      0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xc8, 0x40, 0x27, 0x01,
                                      0xe3, 0x51, 0x3d, 0x8d, 0x17, 0x00, 0x00, 0x00 };

static const char *coding;
static size_t coded_length; /* of gzip_hello; less: it is torn */

static void answer_coded(struct peer *peer)
{
    char head[200];
    ck_assert(peer_has_line(peer, "Accept-Encoding: identity"));
    int length = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %zu\r\n\r\n",
                          coding, coded_length);
    peer_send(peer, head, (size_t)length);
    peer_send(peer, (const char *)gzip_hello, coded_length);
}

/* It was not asked for, and is understood all the same; what cannot be is no empty body. */
START_TEST(test_coded_body_is_decoded)
{
    static const struct {
        const char *coding;
        size_t length;
        const char *answer; /* NULL: not understood */
    } cases[] = {
        { "gzip", sizeof gzip_hello, "hello hello hello hello" },
        { "GZIP", sizeof gzip_hello, "hello hello hello hello" },
        { "identity", 0, "" },
        { "gzip", sizeof gzip_hello - 1, NULL },
        { "br", sizeof gzip_hello, NULL },
        { "gzip, gzip", sizeof gzip_hello, NULL },
    };
    start_server(answer_coded);
    open_channel();
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        coding = cases[i].coding;
        coded_length = cases[i].length;
        struct call *call = start_call(i, 10);
        run_calls();
        ck_assert_int_eq(call->status, WEFT_OK);
        ck_assert_int_eq(call->code, 200);
        ck_assert_str_eq(call->answer, cases[i].answer == NULL ? "" : cases[i].answer);
        ck_assert_int_eq(call->is_truncated, cases[i].answer == NULL);
    }
}
END_TEST

START_TEST(test_body_at_the_limit_is_whole)
{
    bench.settings.max_response_bytes = 1000;
    start_server(answer_much);
    open_channel();
    struct call *call = start_call(0, 10);
    run_calls();
    ck_assert_uint_eq(call->answer_length, 1000);
    ck_assert(!call->is_truncated);
    ck_assert_uint_eq(client_state().connections_ready, 1);
}
END_TEST

/* ---- connections ---- */

START_TEST(test_connection_is_used_again)
{
    start_server(answer_ok);
    open_channel();
    for (size_t i = 0; i < 5; i++) {
        ck_assert_int_eq(start_call(i, 10)->done_count, 0);
        run_calls();
        ck_assert_int_eq(bench.calls[i].code, 200);
    }
    ck_assert_uint_eq(bench.peer_count, 1);
    ck_assert_uint_eq(client_state().connects, 1);
}
END_TEST

START_TEST(test_requests_at_once_get_a_connection_each)
{
    start_server(answer_ok);
    open_channel();
    for (size_t i = 0; i < 8; i++) {
        start_call(i, 10);
    }
    run_calls();
    ck_assert_uint_eq(bench.request_count, 8);
    ck_assert_uint_eq(bench.peer_count, 8);
    ck_assert_uint_eq(client_state().connections_ready, 8);
}
END_TEST

START_TEST(test_connections_are_limited)
{
    bench.settings.max_connections = 2;
    start_server(answer_ok);
    open_channel();
    for (size_t i = 0; i < 8; i++) {
        start_call(i, 10);
    }
    run_calls();
    ck_assert_uint_eq(bench.request_count, 8);
    ck_assert_uint_eq(bench.peer_count, 2);
}
END_TEST

START_TEST(test_idle_connections_are_limited)
{
    bench.settings.max_idle_connections = 3;
    start_server(answer_ok);
    open_channel();
    for (size_t i = 0; i < 8; i++) {
        start_call(i, 10);
    }
    run_calls();
    ck_assert_uint_eq(bench.request_count, 8);
    ck_assert_uint_eq(client_state().connections_ready, 3);
}
END_TEST

START_TEST(test_idle_connection_is_closed_in_time)
{
    bench.settings.idle_timeout_ns = 20 * WEFT_NS_PER_MS;
    start_server(answer_ok);
    open_channel();
    start_call(0, 10);
    run_until(are_all_done);
    run_until(is_no_peer_open);
    ck_assert_uint_eq(client_state().connections_ready, 0);
    struct call *call = start_call(1, 10);
    run_calls();
    ck_assert_int_eq(call->code, 200);
    ck_assert_uint_eq(client_state().retries, 0);
}
END_TEST

static void check_close_line(struct peer *peer)
{
    ck_assert(peer_has_line(peer, "Connection: close"));
    answer_ok(peer);
}

START_TEST(test_without_keep_alive_each_request_has_its_connection)
{
    bench.settings.disable_keep_alives = true;
    start_server(check_close_line);
    open_channel();
    for (size_t i = 0; i < 3; i++) {
        start_call(i, 10);
        run_calls();
    }
    ck_assert_uint_eq(bench.peer_count, 3);
    ck_assert_uint_eq(client_state().connections_ready, 0);
}
END_TEST

START_TEST(test_request_started_in_on_done_is_served)
{
    bench.settings.max_connections = 1;
    start_server(answer_ok);
    open_channel();
    struct call *second = make_call(1, 10, 1, 0);
    struct call *first = make_call(0, 10, 1, 0);
    first->next = second;
    start_made(first);
    run_calls();
    ck_assert_int_eq(second->code, 200);
    ck_assert_uint_eq(bench.peer_count, 1);
}
END_TEST

START_TEST(test_name_is_looked_up)
{
    snprintf(bench.settings.endpoint.host, sizeof bench.settings.endpoint.host, "localhost");
    start_server(answer_ok);
    open_channel();
    for (size_t i = 0; i < MAX_REQUESTS; i++) { /* more than a resolver takes at once, were each to ask */
        start_call(i, 10);
    }
    run_calls();
    for (size_t i = 0; i < MAX_REQUESTS; i++) {
        ck_assert_msg(bench.calls[i].code == 200, "%s", bench.calls[i].failure);
    }
}
END_TEST

/* ---- several addresses: the server under two ports, and one where nobody is ---- */

static int other_listener;
static struct weft_watch *other_watch;
static uint16_t ports[3];

static void look_up_ports(const struct weft_endpoint *endpoint, struct weft_resolver_answer *out_answer)
{
    (void)endpoint;
    for (size_t i = 0; i < WEFT_COUNT_OF(ports); i++) {
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_port = htons(ports[i]),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        memcpy(&out_answer->addresses[i].socket_address, &address, sizeof address);
        out_answer->addresses[i].length = sizeof address;
    }
    out_answer->count = WEFT_COUNT_OF(ports);
    out_answer->status = WEFT_OK;
}

static uint16_t port_of(const struct peer *peer)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    ck_assert_int_eq(getsockname(weft_transport_descriptor(peer->transport), (struct sockaddr *)&address, &length), 0);
    return ntohs(address.sin_port);
}

static void open_by_name(void)
{
    start_server(answer_ok);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof address;
    other_listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(other_listener, (struct sockaddr *)&address, length), 0);
    ck_assert_int_eq(listen(other_listener, 16), 0);
    ck_assert_int_eq(getsockname(other_listener, (struct sockaddr *)&address, &length), 0);
    other_watch = weft_watch_new(bench.loop, other_listener, WEFT_READABLE, on_listener_ready, &other_listener);
    ports[0] = 1;
    ports[1] = bench.port;
    ports[2] = ntohs(address.sin_port);
    bench.net.resolver = weft_resolver_new(bench.loop, look_up_ports);
    snprintf(bench.settings.endpoint.host, sizeof bench.settings.endpoint.host, "gateway.test");
    bench.settings.endpoint.port = 1;
    bench.client = weft_http1_client_new(&bench.net, &bench.settings, NULL);
}

static void close_by_name(void)
{
    weft_http1_client_free(bench.client);
    bench.client = NULL;
    weft_resolver_free(bench.net.resolver);
    weft_watch_free(other_watch);
    close(other_listener);
}

static bool are_two_connected(void)
{
    return client_state().connections_ready == 2;
}

START_TEST(test_requests_go_to_all_addresses_that_work)
{
    unsigned count_by_peer[2];
    open_by_name();
    start_call(0, 10);
    run_calls();
    ck_assert_msg(bench.calls[0].code == 200, "%s", bench.calls[0].failure); /* although one address is dead */
    while (!are_two_connected()) {
        start_call(0, 10);
        run_calls();
    }
    ck_assert_uint_eq(bench.peer_count, 2);
    ck_assert_uint_ne(port_of(&bench.peers[0]), port_of(&bench.peers[1]));
    count_by_peer[0] = bench.peers[0].request_count;
    count_by_peer[1] = bench.peers[1].request_count;
    for (size_t i = 0; i < 8; i++) {
        start_call(0, 10);
        run_calls();
    }
    ck_assert_uint_eq(bench.peers[0].request_count - count_by_peer[0], 4);
    ck_assert_uint_eq(bench.peers[1].request_count - count_by_peer[1], 4);
    ck_assert_uint_eq(client_state().addresses, 3);
    ck_assert_uint_ge(client_state().connect_failures, 1);
    close_by_name();
}
END_TEST

START_TEST(test_pick_first_uses_the_first_that_works)
{
    bench.settings.balancing = WEFT_PICK_FIRST;
    open_by_name();
    for (size_t i = 0; i < 4; i++) {
        start_call(0, 10);
        run_calls();
        ck_assert_msg(bench.calls[0].code == 200, "%s", bench.calls[0].failure);
    }
    ck_assert_uint_eq(bench.peer_count, 1);
    ck_assert_uint_eq(port_of(&bench.peers[0]), ports[1]);
    close_by_name();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_request_carries_lines_and_body,
        test_configured_headers_replace_own_ones,
        test_header_grammar_is_checked,
        test_large_body_goes_out_whole_past_a_slow_socket,
        test_answers_in_every_framing_are_taken,
        test_answers_byte_by_byte_are_taken,
        test_retry_after_is_handed_on,
        test_body_beyond_the_limit_is_cut_and_the_connection_closed,
        test_body_at_the_limit_is_whole,
        test_coded_body_is_decoded,
        test_connection_is_used_again,
        test_requests_at_once_get_a_connection_each,
        test_connections_are_limited,
        test_idle_connections_are_limited,
        test_idle_connection_is_closed_in_time,
        test_without_keep_alive_each_request_has_its_connection,
        test_request_started_in_on_done_is_served,
        test_name_is_looked_up,
        test_requests_go_to_all_addresses_that_work,
        test_pick_first_uses_the_first_that_works,
    };
    return run_suite("http1_client", tests, WEFT_COUNT_OF(tests));
}
