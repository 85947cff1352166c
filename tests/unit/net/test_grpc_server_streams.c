/* More streams than a gRPC server allows, and errors: what is refused, and who is cut off. */
#include "grpc_server_attack_test.h"

/* The excess streams are lost and nothing else, whether the client could know the limit or not. */
START_TEST(test_streams_above_the_limit_are_refused)
{
    set_up();
    world.settings.max_concurrent_streams = 10;
    start_server();
    struct raw_peer *early = connect_silent();
    early->holds_acks = true;
    raw_start(early);
    open_calls(early, 1, 20);
    open_calls(world.peer, 1, 20);
    ck_assert_uint_eq(early->max_concurrent_streams, 10);
    ck_assert_uint_eq(counters()->calls, 20);
    ck_assert_uint_eq(counters()->calls_refused, 20);
    struct raw_peer *both[] = { early, world.peer };
    for (size_t i = 0; i < 2; i++) {
        ck_assert(!raw_stream(both[i], 19)->has_reset);
        ck_assert(raw_stream(both[i], 21)->has_reset);
        ck_assert_uint_eq(raw_stream(both[i], 21)->reset_code, NGHTTP2_REFUSED_STREAM);
        ck_assert(!both[i]->has_goaway);
    }
    uint8_t body[16];
    size_t length = raw_message(body, 0, 1, "x", 1);
    for (int32_t id = 1; id < 21; id += 2) {
        raw_data(early, id, body, length, true);
    }
    raw_settle(early);
    ck_assert_uint_eq(world.call_count, 10);
    raw_headers(early, 41, &usual, false); /* there is room again */
    raw_data(early, 41, body, length, true);
    raw_settle(early);
    ck_assert_uint_eq(world.call_count, 11);
    raw_peer_free(early);
    tear_down();
}
END_TEST

START_TEST(test_who_takes_no_notice_of_the_limit_is_cut_off)
{
    set_up();
    world.settings.max_concurrent_streams = 1;
    start_server();
    open_calls(world.peer, 1, 1000);
    ck_assert(!world.peer->has_goaway);
    open_calls(world.peer, 2001, 200);
    assert_calmed("too_many_streams");
}
END_TEST

START_TEST(test_who_never_agrees_to_the_limit_is_cut_off)
{
    set_up();
    world.settings.max_concurrent_streams = 1;
    start_server();
    raw_peer_free(world.peer);
    world.peer = connect_silent();
    world.peer->holds_acks = true;
    raw_start(world.peer);
    open_calls(world.peer, 1, 9000);
    ck_assert(!world.peer->has_goaway);
    open_calls(world.peer, 18001, 2000);
    assert_calmed("too_many_streams");
}
END_TEST

/* One bad call a second, and never a good one: below any burst, but nothing else comes of it. */
START_TEST(test_slow_errors_of_who_does_nothing_else_are_stopped)
{
    set_up_server();
    struct weft_buffer block;
    weft_buffer_init(&block, 0);
    raw_fields(&block, &usual);
    for (int i = 0; i < 60; i++) {
        raw_field(&block, "x-a", "b");
    }
    int count = 0;
    for (int32_t id = 1; id < 100 && !world.peer->has_goaway; id += 2, count++) {
        raw_frame(world.peer, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, id, block.bytes, block.length);
        advance(WEFT_NS_PER_S);
    }
    ck_assert_int_eq(count, 21);
    weft_buffer_fini(&block);
    assert_calmed("too_many_errors");
}
END_TEST

START_TEST(test_errors_among_good_calls_are_forgiven)
{
    set_up_server();
    struct weft_buffer block;
    weft_buffer_init(&block, 0);
    raw_fields(&block, &usual);
    for (int i = 0; i < 60; i++) {
        raw_field(&block, "x-a", "b");
    }
    uint8_t body[16];
    size_t length = raw_message(body, 0, 1, "x", 1);
    for (int32_t id = 1; id < 400; id += 4) {
        raw_frame(world.peer, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, id, block.bytes, block.length);
        call_once(id + 2, &usual, body, length);
        advance(WEFT_NS_PER_S / 10);
    }
    ck_assert(!world.peer->has_goaway);
    weft_buffer_fini(&block);
    tear_down();
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("grpc_server_streams");
    tcase_add_test(tcase, test_streams_above_the_limit_are_refused);
    tcase_add_test(tcase, test_who_takes_no_notice_of_the_limit_is_cut_off);
    tcase_add_test(tcase, test_who_never_agrees_to_the_limit_is_cut_off);
    tcase_add_test(tcase, test_slow_errors_of_who_does_nothing_else_are_stopped);
    tcase_add_test(tcase, test_errors_among_good_calls_are_forgiven);
    return run_suite("grpc_server_streams", tcase);
}
