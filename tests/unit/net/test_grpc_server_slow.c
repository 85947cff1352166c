/* Peers of a gRPC server that send too slowly, or do not read what they asked for. */
#include "grpc_server_attack_test.h"

START_TEST(test_slow_preface_is_cut_off)
{
    set_up();
    start_server();
    struct raw_peer *silent = connect_silent();
    silent->holds_acks = true;
    raw_write(silent, "PRI * HT", 8);
    raw_settle(silent);
    advance(4 * WEFT_NS_PER_S);
    raw_settle(silent);
    ck_assert(!silent->is_closed);
    advance(2 * WEFT_NS_PER_S);
    raw_settle(silent);
    ck_assert(silent->is_closed);
    ck_assert(!world.peer->is_closed);
    ck_assert_uint_eq(counters()->connections_timed_out, 1);
    raw_peer_free(silent);
    tear_down();
}
END_TEST

START_TEST(test_unfinished_headers_are_cut_off)
{
    set_up_server();
    struct weft_buffer block;
    weft_buffer_init(&block, 0);
    raw_fields(&block, &usual);
    raw_frame(world.peer, NGHTTP2_HEADERS, 0, 1, block.bytes, block.length);
    weft_buffer_fini(&block);
    raw_settle(world.peer);
    advance(9 * WEFT_NS_PER_S);
    ck_assert(!world.peer->is_closed);
    advance(2 * WEFT_NS_PER_S);
    ck_assert(world.peer->is_closed);
    ck_assert_uint_eq(counters()->connections_timed_out, 1);
    tear_down();
}
END_TEST

/* A body that trickles is refused after its time; one that keeps the rate is not. */
START_TEST(test_slow_body_is_refused)
{
    set_up_server();
    static const uint8_t pieces[70000];
    uint8_t body[16];
    raw_headers(world.peer, 1, &usual, false);
    raw_data(world.peer, 1, body, raw_message(body, 0, 1 << 20, NULL, 0), false);
    raw_headers(world.peer, 3, &usual, false);
    raw_data(world.peer, 3, body, 5, false);
    for (int second = 0; second < 14; second++) {
        raw_data(world.peer, 1, "x", 1, false);
        raw_data(world.peer, 3, pieces, second < 7 ? sizeof pieces : 1, false);
        advance(WEFT_NS_PER_S);
    }
    ck_assert(!raw_stream(world.peer, 1)->has_ended);
    advance(2 * WEFT_NS_PER_S);
    ck_assert_int_eq(raw_stream(world.peer, 1)->grpc_status, 4);
    ck_assert_msg(strstr(raw_stream(world.peer, 1)->message, "too slowly: 19 bytes") != NULL, "%s",
                  raw_stream(world.peer, 1)->message);
    ck_assert(!raw_stream(world.peer, 3)->has_ended);
    advance(8 * WEFT_NS_PER_S);
    ck_assert_int_eq(raw_stream(world.peer, 3)->grpc_status, 4);
    ck_assert_uint_lt(weft_budget_reserved(&world.budget), 200000);
    tear_down();
}
END_TEST

/* Windows of zero for answers: the stream goes, then the connection. */
START_TEST(test_answers_that_nobody_reads_are_given_up)
{
    set_up_server();
    static const uint8_t no_window[6] = { 0, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0, 0, 0, 0 };
    raw_frame(world.peer, NGHTTP2_SETTINGS, 0, 0, no_window, 6);
    uint8_t body[16];
    size_t length = raw_message(body, 0, 1, "x", 1);
    call_once(1, &usual, body, length);
    ck_assert_uint_eq(raw_stream(world.peer, 1)->body_length, 0);
    advance(11 * WEFT_NS_PER_S);
    ck_assert(raw_stream(world.peer, 1)->has_reset);
    ck_assert(!world.peer->has_goaway);
    call_once(3, &usual, body, length);
    advance(11 * WEFT_NS_PER_S);
    assert_calmed("responses_not_read");
}
END_TEST

/* Reads nothing at all while it keeps asking: output stays bounded and the write deadline ends it. */
START_TEST(test_peer_that_never_reads_is_bounded_and_cut_off)
{
    set_up();
    world.settings.max_control_frames_per_s = 1000000;
    start_server();
    world.answer = ANSWER_FAIL;
    uint8_t body[16];
    size_t length = raw_message(body, 0, 1, "x", 1);
    struct weft_buffer block;
    weft_buffer_init(&block, 0);
    raw_fields(&block, &usual);
    struct weft_buffer call;
    weft_buffer_init(&call, 0);
    uint64_t highest = 0;
    for (int32_t id = 1; id < 60000; id += 2) {
        weft_buffer_clear(&call);
        uint8_t header[9] = { 0,
                              0,
                              (uint8_t)block.length,
                              NGHTTP2_HEADERS,
                              NGHTTP2_FLAG_END_HEADERS,
                              0,
                              (uint8_t)(id >> 16),
                              (uint8_t)(id >> 8),
                              (uint8_t)id };
        weft_buffer_append(&call, header, 9);
        weft_buffer_append(&call, block.bytes, block.length);
        header[2] = (uint8_t)length;
        header[3] = NGHTTP2_DATA;
        header[4] = NGHTTP2_FLAG_END_STREAM;
        weft_buffer_append(&call, header, 9);
        weft_buffer_append(&call, body, length);
        if (send(world.peer->descriptor, call.bytes, call.length, MSG_DONTWAIT | MSG_NOSIGNAL) < (ssize_t)call.length) {
            break;
        }
        tick(NULL);
        uint64_t reserved = weft_budget_reserved(&world.budget);
        highest = reserved > highest ? reserved : highest;
    }
    ck_assert_uint_lt(highest, 2 << 20);
    struct weft_timers *timers = weft_loop_timers(world.loop);
    for (int i = 0; i < 4; i++) {
        weft_timers_touch(timers, weft_monotonic_after(weft_timers_now(timers), 16 * WEFT_NS_PER_S));
        tick(NULL);
    }
    ck_assert_uint_eq(weft_grpc_server_connection_count(world.server), 0);
    weft_buffer_fini(&block);
    weft_buffer_fini(&call);
    tear_down();
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("grpc_server_slow");
    tcase_add_test(tcase, test_slow_preface_is_cut_off);
    tcase_add_test(tcase, test_unfinished_headers_are_cut_off);
    tcase_add_test(tcase, test_slow_body_is_refused);
    tcase_add_test(tcase, test_answers_that_nobody_reads_are_given_up);
    tcase_add_test(tcase, test_peer_that_never_reads_is_bounded_and_cut_off);
    return run_suite("grpc_server_slow", tcase);
}
