/* The HTTP/1.1 client when things go wrong: connections that die at every moment, answers that are cut off or make no
 * sense, time that runs out; and each time, whether the peer may have acted. */
#include "http1_client_test.h"
#include "net/http1/client_internal.h"

/* ---- dead connections ---- */

static void close_at_once(struct peer *peer)
{
    peer_close(peer);
}

START_TEST(test_close_without_an_answer_is_unconfirmed)
{
    start_server(close_at_once);
    open_channel();
    struct call *call = start_call(0, 10);
    run_calls();
    expect_failure(call, WEFT_IO, "before it answered", true);
    ck_assert_uint_eq(bench.request_count, 1); /* a fresh connection: no second try */
}
END_TEST

static void answer_first_then_close(struct peer *peer)
{
    if (peer->request_count == 1) {
        answer_ok(peer);
    } else {
        peer_close(peer);
    }
}

START_TEST(test_reused_connection_that_dies_is_replaced_once)
{
    start_server(answer_first_then_close);
    open_channel();
    start_call(0, 10);
    run_calls();
    struct call *call = start_call(1, 2000);
    run_calls();
    ck_assert_int_eq(call->code, 200);
    ck_assert_uint_eq(bench.peer_count, 2);
    ck_assert_uint_eq(bench.request_count, 3);
    ck_assert_uint_eq(client_state().retries, 1);
    ck_assert(call->is_unconfirmed); /* the first try was sent whole: only the answer to the second is known */
}
END_TEST

static void answer_first_ever(struct peer *peer)
{
    if (bench.request_count == 1) {
        answer_ok(peer);
    } else {
        peer_reset(peer);
    }
}

START_TEST(test_second_try_that_dies_is_the_last)
{
    start_server(answer_first_ever);
    open_channel();
    start_call(0, 10);
    run_calls();
    struct call *call = start_call(1, 10);
    run_calls();
    expect_failure(call, WEFT_IO, "", true);
    ck_assert_uint_eq(bench.request_count, 3);
}
END_TEST

static bool is_peer_closed(void)
{
    return client_state().connections_ready == 0;
}

START_TEST(test_idle_connection_that_the_peer_closes_is_forgotten)
{
    start_server(answer_ok);
    open_channel();
    start_call(0, 10);
    run_calls();
    peer_close(&bench.peers[0]);
    run_until(is_peer_closed);
    struct call *call = start_call(1, 10);
    run_calls();
    ck_assert_int_eq(call->code, 200);
    ck_assert(!call->is_unconfirmed);
    ck_assert_uint_eq(client_state().retries, 0);
}
END_TEST

START_TEST(test_closed_idle_connection_is_found_out_without_sending_twice)
{
    start_server(answer_ok);
    open_channel();
    start_call(0, 10);
    run_calls();
    peer_reset(&bench.peers[0]); /* and before the loop can tell, the next request is there */
    struct call *call = start_call(1, 10);
    run_calls();
    ck_assert_int_eq(call->code, 200);
    ck_assert_uint_eq(client_state().retries, 1);
}
END_TEST

START_TEST(test_dead_connection_at_the_limit_makes_room_for_a_fresh_one)
{
    bench.settings.max_connections = 2;
    start_server(answer_first_then_close);
    open_channel();
    start_call(0, 10);
    start_call(1, 10);
    run_calls();
    ck_assert_uint_eq(client_state().connections_ready, 2);
    struct call *call = start_call(2, 10);
    run_calls();
    ck_assert_int_eq(call->code, 200);
}
END_TEST

static void answer_then_chatter(struct peer *peer)
{
    answer_ok(peer);
}

START_TEST(test_bytes_that_nobody_asked_for_close_the_connection)
{
    start_server(answer_then_chatter);
    open_channel();
    start_call(0, 10);
    run_calls();
    peer_say(&bench.peers[0], "HTTP/1.1 200 OK\r\n");
    run_until(is_peer_closed);
    struct call *call = start_call(1, 10);
    run_calls();
    ck_assert_int_eq(call->code, 200);
}
END_TEST

/* ---- half answers and nonsense ---- */

static const char *half;

static void answer_half(struct peer *peer)
{
    peer_say(peer, half);
    peer_close(peer);
}

START_TEST(test_answer_cut_off_anywhere_is_unconfirmed)
{
    static const char whole[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine";
    tear_down();
    for (size_t length = 1; length < sizeof whole - 1; length++) {
        char text[sizeof whole];
        snprintf(text, length + 1, "%s", whole);
        half = text;
        set_up();
        start_server(answer_half);
        open_channel();
        struct call *call = start_call(0, 10);
        run_calls();
        expect_failure(call, WEFT_IO, "in the middle of an answer", true);
        tear_down();
    }
    set_up();
}
END_TEST

static void answer_half_the_second_time(struct peer *peer)
{
    if (bench.request_count == 1) {
        answer_ok(peer);
    } else {
        answer_half(peer);
    }
}

START_TEST(test_reused_connection_that_has_begun_to_answer_is_not_tried_again)
{
    half = "HTTP/1.1 100 Continue\r\n\r\n";
    start_server(answer_half_the_second_time);
    open_channel();
    start_call(0, 10);
    run_calls();
    struct call *call = start_call(1, 10);
    run_calls();
    expect_failure(call, WEFT_IO, "in the middle", true);
    ck_assert_uint_eq(bench.request_count, 2);
}
END_TEST

static void say_ssh(struct peer *peer)
{
    peer_say(peer, "SSH-2.0-OpenSSH_9.2\r\n");
}

START_TEST(test_nonsense_is_told)
{
    start_server(say_ssh);
    open_channel();
    struct call *call = start_call(0, 10);
    run_calls();
    expect_failure(call, WEFT_IO, "not proper HTTP/1.1: the first line", true);
}
END_TEST

static void say_large_header(struct peer *peer)
{
    char line[1000];
    snprintf(line, sizeof line, "X: %0900d\r\n", 1);
    peer_say(peer, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 40; i++) {
        peer_say(peer, line);
    }
}

START_TEST(test_headers_beyond_the_limit_are_refused)
{
    start_server(say_large_header);
    open_channel();
    struct call *call = start_call(0, 10);
    run_calls();
    expect_failure(call, WEFT_IO, "headers are larger than allowed", true);
}
END_TEST

static void say_interim_for_ever(struct peer *peer)
{
    for (int i = 0; i < 100; i++) {
        peer_say(peer, "HTTP/1.1 100 Continue\r\n\r\n");
    }
}

START_TEST(test_interim_answers_are_limited)
{
    start_server(say_interim_for_ever);
    open_channel();
    struct call *call = start_call(0, 10);
    run_calls();
    expect_failure(call, WEFT_IO, "too many interim", true);
}
END_TEST

/* ---- answers before the request is whole ---- */

static void refuse_early(struct peer *peer)
{
    peer_say(peer, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
    peer->is_deaf = true;
}

START_TEST(test_answer_before_the_request_is_whole_counts)
{
    bench.receive_buffer_bytes = 4096;
    bench.on_head = refuse_early;
    start_server(say_nothing);
    open_channel();
    struct call *call = make_call(0, 64 << 20, 8, 0);
    start_made(call);
    run_calls();
    ck_assert_int_eq(call->status, WEFT_OK);
    ck_assert_int_eq(call->code, 413);
    ck_assert(!call->is_unconfirmed);
    ck_assert_uint_eq(client_state().connections_ready, 0); /* it cannot be used again */
}
END_TEST

static void refuse_early_and_reset(struct peer *peer)
{
    peer_say(peer, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
    peer_close(peer); /* with bytes unread: a reset follows the answer */
}

START_TEST(test_early_answer_or_reset_never_is_unconfirmed)
{
    bench.receive_buffer_bytes = 4096;
    bench.on_head = refuse_early_and_reset;
    start_server(say_nothing);
    open_channel();
    struct call *call = make_call(0, 64 << 20, 8, 0);
    start_made(call);
    run_calls();
    ck_assert(call->status == WEFT_OK ? call->code == 413 : call->status == WEFT_IO); /* the reset may win */
    ck_assert(!call->is_unconfirmed);
}
END_TEST

static void refuse_early_and_let_the_write_fail(struct peer *peer)
{
    refuse_early_and_reset(peer);
    weft_http1_client_connection_attend(bench.calls[0].request.state.connection); /* writes before the loop can read */
}

START_TEST(test_answer_is_read_after_a_write_that_failed)
{
    bench.receive_buffer_bytes = 4096;
    bench.on_head = refuse_early_and_let_the_write_fail;
    start_server(say_nothing);
    open_channel();
    struct call *call = make_call(0, 64 << 20, 8, 0);
    start_made(call);
    run_calls();
    ck_assert_msg(call->code == 413, "%s", call->failure);
    ck_assert(!call->is_unconfirmed);
}
END_TEST

static void close_early(struct peer *peer)
{
    peer_close(peer);
}

START_TEST(test_close_before_the_request_is_whole_is_not_unconfirmed)
{
    bench.receive_buffer_bytes = 4096;
    bench.on_head = close_early;
    start_server(say_nothing);
    open_channel();
    struct call *call = make_call(0, 64 << 20, 8, 0);
    start_made(call);
    run_calls();
    expect_failure(call, WEFT_IO, "", false);
}
END_TEST

/* ---- time ---- */

START_TEST(test_no_answer_in_time_is_unconfirmed)
{
    start_server(say_nothing);
    open_channel();
    struct call *call = make_call(0, 10, 1, 50 * WEFT_NS_PER_MS);
    start_made(call);
    run_until(has_request);
    run_calls();
    expect_failure(call, WEFT_TIMEOUT, "no answer in time", true);
    run_until(is_peer_closed);
}
END_TEST

static void go_deaf(struct peer *peer)
{
    peer->is_deaf = true;
}

START_TEST(test_request_not_written_in_time_is_not_unconfirmed)
{
    bench.receive_buffer_bytes = 4096;
    bench.on_head = go_deaf;
    start_server(say_nothing);
    open_channel();
    struct call *call = make_call(0, 64 << 20, 8, 300 * WEFT_NS_PER_MS);
    start_made(call);
    run_calls();
    expect_failure(call, WEFT_TIMEOUT, "could not be written in time", false);
}
END_TEST

START_TEST(test_no_connection_in_time_is_told)
{
    bench.settings.max_connections = 1;
    start_server(say_nothing);
    open_channel();
    start_call(0, 10);
    struct call *call = make_call(1, 10, 1, 30 * WEFT_NS_PER_MS);
    start_made(call);
    while (call->done_count == 0) {
        run_ticks(1);
    }
    ck_assert_int_eq(call->status, WEFT_TIMEOUT);
    ck_assert_ptr_nonnull(strstr(call->failure, "no connection in time"));
    ck_assert(!call->is_unconfirmed);
}
END_TEST

/* ---- connecting ---- */

START_TEST(test_nobody_listening_is_told)
{
    start_server(answer_ok);
    stop_listening();
    open_channel();
    for (size_t i = 0; i < 3; i++) {
        start_call(i, 10);
    }
    run_calls();
    for (size_t i = 0; i < 3; i++) {
        expect_failure(&bench.calls[i], WEFT_IO, "connect: Connection refused", false);
    }
    ck_assert_uint_eq(client_state().connect_failures, 3);
    ck_assert_ptr_nonnull(strstr(client_state().last_failure, "refused"));
    start_server(answer_ok);
    struct call *call = start_call(3, 10);
    run_calls();
    ck_assert_int_eq(call->code, 200);
    ck_assert_str_eq(client_state().last_failure, "");
}
END_TEST

START_TEST(test_each_request_gets_its_attempt_at_the_limit)
{
    bench.settings.max_connections = 1;
    start_server(answer_ok);
    stop_listening();
    open_channel();
    for (size_t i = 0; i < 3; i++) {
        start_call(i, 10);
    }
    run_calls();
    ck_assert_uint_eq(client_state().connect_failures, 3);
}
END_TEST

START_TEST(test_unknown_name_is_told)
{
    snprintf(bench.settings.endpoint.host, sizeof bench.settings.endpoint.host, "no-such-host.invalid");
    bench.port = 4318;
    open_channel();
    struct call *call = start_call(0, 10);
    run_calls();
    expect_failure(call, WEFT_IO, "cannot resolve no-such-host.invalid", false);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_close_without_an_answer_is_unconfirmed,
        test_reused_connection_that_dies_is_replaced_once,
        test_second_try_that_dies_is_the_last,
        test_idle_connection_that_the_peer_closes_is_forgotten,
        test_closed_idle_connection_is_found_out_without_sending_twice,
        test_dead_connection_at_the_limit_makes_room_for_a_fresh_one,
        test_bytes_that_nobody_asked_for_close_the_connection,
        test_answer_cut_off_anywhere_is_unconfirmed,
        test_reused_connection_that_has_begun_to_answer_is_not_tried_again,
        test_nonsense_is_told,
        test_headers_beyond_the_limit_are_refused,
        test_interim_answers_are_limited,
        test_answer_before_the_request_is_whole_counts,
        test_early_answer_or_reset_never_is_unconfirmed,
        test_answer_is_read_after_a_write_that_failed,
        test_close_before_the_request_is_whole_is_not_unconfirmed,
        test_no_answer_in_time_is_unconfirmed,
        test_request_not_written_in_time_is_not_unconfirmed,
        test_no_connection_in_time_is_told,
        test_nobody_listening_is_told,
        test_each_request_gets_its_attempt_at_the_limit,
        test_unknown_name_is_told,
    };
    return run_suite("http1_channel_faults", tests, WEFT_COUNT_OF(tests));
}
