/* The gRPC server's connections as a client sees them: pauses and drains, which one makes room, which is asked to
 * leave. Calls are in test_grpc_server.c. */
#include "grpc_server_test.h"

START_TEST(test_pause_keeps_what_came_and_stops_the_clocks)
{
    set_up_server();
    uint8_t body[64];
    size_t length = raw_message(body, 0, 4, "abcd", 4);
    raw_headers(world.peer, 1, &usual, false);
    raw_settle(world.peer);
    weft_grpc_server_set_reading(world.server, false);
    raw_data(world.peer, 1, body, length, true);
    raw_settle(world.peer);
    ck_assert_uint_eq(world.call_count, 0);
    advance(60 * WEFT_NS_PER_S);
    advance(60 * WEFT_NS_PER_S);
    weft_grpc_server_set_reading(world.server, true);
    raw_settle(world.peer);
    assert_ok(raw_stream(world.peer, 1));
    ck_assert_uint_eq(world.call_count, 1);
    tear_down();
}
END_TEST

static void on_drained(void *context)
{
    ck_assert_ptr_eq(context, &world);
    ck_assert(!world.is_drained);
    world.is_drained = true;
}

START_TEST(test_drain_lets_open_calls_finish)
{
    set_up_server();
    world.answer = ANSWER_LATER;
    uint8_t body[64];
    call_once(1, &usual, body, raw_message(body, 0, 1, "x", 1));
    weft_grpc_server_drain(world.server, on_drained, &world);
    raw_settle(world.peer);
    ck_assert_uint_eq(world.peer->goaway_count, 2);
    ck_assert_uint_eq(world.peer->goaway_code, NGHTTP2_NO_ERROR);
    ck_assert_int_eq(world.peer->goaway_last_stream, 1);
    ck_assert(!world.is_drained && !world.peer->is_closed);
    struct raw_peer *late = connect_silent();
    raw_settle(late);
    ck_assert(late->is_closed);
    raw_peer_free(late);
    ck_assert(weft_grpc_server_call_reply(world.held[0], WEFT_SLICE_EMPTY));
    world.held_count = 0;
    raw_settle(world.peer);
    assert_ok(raw_stream(world.peer, 1));
    ck_assert(world.peer->is_closed);
    close(world.peer->descriptor);
    world.peer->descriptor = dup(2);
    for (int i = 0; i < 4; i++) {
        tick(NULL);
    }
    ck_assert(world.is_drained);
    tear_down();
}
END_TEST

/* A client that has answered the notice may have streams on their way, right behind the answer. A stream that is served
 * must not be beyond the last one that the final GOAWAY names, or the client sends the request a second time. */
START_TEST(test_call_right_behind_the_answer_to_the_notice_is_served_and_named)
{
    set_up_server();
    uint8_t body[64];
    call_once(1, &usual, body, raw_message(body, 0, 1, "x", 1));
    world.peer->holds_acks = true;
    weft_grpc_server_drain(world.server, NULL, NULL);
    raw_settle(world.peer);
    ck_assert_uint_eq(world.peer->goaway_count, 1);
    ck_assert_uint_eq(world.peer->pings, 1);
    raw_frame(world.peer, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "goaway\0", 8);
    call_once(3, &usual, body, raw_message(body, 0, 1, "y", 1));
    ck_assert_uint_eq(world.peer->goaway_count, 2);
    ck_assert_int_eq(world.peer->goaway_last_stream, 3);
    assert_ok(raw_stream(world.peer, 3));
    ck_assert_uint_eq(world.call_count, 2);
    tear_down();
}
END_TEST

/* The answer to a keepalive ping that was sent before says nothing of the notice: what the client has sent since is
 * still to be served, and it would have to send it again. */
START_TEST(test_only_the_answer_to_the_notice_brings_the_final_goaway)
{
    set_up();
    world.settings.keepalive_time_ns = 60 * WEFT_NS_PER_S;
    start_server();
    uint8_t body[64];
    call_once(1, &usual, body, raw_message(body, 0, 1, "x", 1));
    world.peer->holds_acks = true;
    advance(61 * WEFT_NS_PER_S);
    ck_assert_uint_eq(world.peer->pings, 1);
    weft_grpc_server_drain(world.server, NULL, NULL);
    raw_settle(world.peer);
    ck_assert_uint_eq(world.peer->pings, 2);
    raw_frame(world.peer, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "\0\0\0\0\0\0\0\0", 8);
    raw_settle(world.peer);
    ck_assert_uint_eq(world.peer->goaway_count, 1);
    call_once(3, &usual, body, raw_message(body, 0, 1, "y", 1));
    assert_ok(raw_stream(world.peer, 3));
    raw_frame(world.peer, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "goaway\0", 8);
    raw_settle(world.peer);
    ck_assert_uint_eq(world.peer->goaway_count, 2);
    ck_assert_int_eq(world.peer->goaway_last_stream, 3);
    tear_down();
}
END_TEST

START_TEST(test_call_behind_the_final_goaway_is_not_served)
{
    set_up_server();
    world.answer = ANSWER_LATER;
    uint8_t body[64];
    call_once(1, &usual, body, raw_message(body, 0, 1, "x", 1));
    weft_grpc_server_drain(world.server, NULL, NULL);
    raw_settle(world.peer);
    ck_assert_uint_eq(world.peer->goaway_count, 2);
    ck_assert_int_eq(world.peer->goaway_last_stream, 1);
    call_once(3, &usual, body, raw_message(body, 0, 1, "y", 1));
    ck_assert_uint_eq(world.call_count, 1);
    ck_assert_int_eq(raw_stream(world.peer, 3)->http_status, 0);
    tear_down();
}
END_TEST

START_TEST(test_drain_of_nothing_is_told_too)
{
    set_up();
    world.server = weft_grpc_server_new(&world.net, &world.settings, world_methods, NULL);
    weft_grpc_server_drain(world.server, on_drained, &world);
    ck_assert(!world.is_drained);
    tick(NULL);
    ck_assert(world.is_drained);
    tear_down();
}
END_TEST

START_TEST(test_oldest_idle_connection_makes_room)
{
    set_up();
    world.settings.max_connections = 2;
    start_server();
    struct raw_peer *second = connect_peer();
    world.answer = ANSWER_LATER;
    uint8_t body[64];
    call_once(1, &usual, body, raw_message(body, 0, 1, "x", 1));
    struct raw_peer *third = connect_peer();
    raw_settle(second);
    ck_assert(second->is_closed);
    ck_assert(!world.peer->is_closed && !third->is_closed);
    ck_assert_uint_eq(counters()->connections_evicted, 1);
    ck_assert_uint_eq(counters()->connections_refused, 0);
    raw_peer_free(second);
    raw_peer_free(third);
    tear_down();
}
END_TEST

START_TEST(test_hanging_connection_makes_room_before_a_busy_one)
{
    set_up();
    world.settings.max_connections = 2;
    start_server();
    uint8_t body[64];
    call_once(1, &usual, body, raw_message(body, 0, 1, "x", 1));
    struct raw_peer *hanging = connect_peer();
    raw_headers(hanging, 1, &usual, false);
    raw_settle(hanging);
    struct raw_peer *third = connect_peer(); /* all have just spoken: who never got an answer goes */
    raw_settle(hanging);
    ck_assert(hanging->is_closed && !world.peer->is_closed);
    raw_headers(third, 1, &usual, false);
    raw_settle(third);
    advance(2 * WEFT_NS_PER_S);
    call_once(3, &usual, body, raw_message(body, 0, 1, "x", 1));
    struct raw_peer *fourth = connect_peer();
    raw_settle(third);
    ck_assert(third->is_closed && !world.peer->is_closed && !fourth->is_closed);
    raw_peer_free(hanging);
    raw_peer_free(third);
    raw_peer_free(fourth);
    tear_down();
}
END_TEST

START_TEST(test_old_and_idle_connections_are_asked_to_leave)
{
    set_up();
    world.settings.max_connection_age_ns = 100 * WEFT_NS_PER_S;
    world.settings.max_connection_age_grace_ns = 10 * WEFT_NS_PER_S;
    start_server();
    world.answer = ANSWER_LATER;
    uint8_t body[64];
    call_once(1, &usual, body, raw_message(body, 0, 1, "x", 1));
    advance(80 * WEFT_NS_PER_S);
    ck_assert(!world.peer->has_goaway);
    advance(31 * WEFT_NS_PER_S);
    ck_assert(world.peer->has_goaway);
    ck_assert(!world.peer->is_closed);
    advance(11 * WEFT_NS_PER_S);
    ck_assert(world.peer->is_closed);
    tear_down();

    set_up();
    world.settings.max_connection_idle_ns = 10 * WEFT_NS_PER_S;
    start_server();
    advance(9 * WEFT_NS_PER_S);
    ck_assert(!world.peer->has_goaway);
    advance(2 * WEFT_NS_PER_S);
    ck_assert(world.peer->has_goaway && world.peer->is_closed);
    tear_down();
}
END_TEST

START_TEST(test_dead_peers_are_found_by_keepalive)
{
    set_up();
    world.settings.keepalive_time_ns = 60 * WEFT_NS_PER_S;
    world.settings.keepalive_timeout_ns = 20 * WEFT_NS_PER_S;
    start_server();
    advance(61 * WEFT_NS_PER_S);
    ck_assert_uint_eq(world.peer->pings, 1);
    advance(30 * WEFT_NS_PER_S);
    ck_assert(!world.peer->is_closed);
    world.peer->holds_acks = true;
    advance(61 * WEFT_NS_PER_S);
    ck_assert_uint_eq(world.peer->pings, 2);
    ck_assert(!world.peer->is_closed);
    advance(21 * WEFT_NS_PER_S);
    ck_assert(world.peer->is_closed);
    ck_assert_uint_eq(counters()->connections_timed_out, 1);
    tear_down();
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("grpc_server_life");
    tcase_add_test(tcase, test_pause_keeps_what_came_and_stops_the_clocks);
    tcase_add_test(tcase, test_drain_lets_open_calls_finish);
    tcase_add_test(tcase, test_call_right_behind_the_answer_to_the_notice_is_served_and_named);
    tcase_add_test(tcase, test_only_the_answer_to_the_notice_brings_the_final_goaway);
    tcase_add_test(tcase, test_call_behind_the_final_goaway_is_not_served);
    tcase_add_test(tcase, test_drain_of_nothing_is_told_too);
    tcase_add_test(tcase, test_oldest_idle_connection_makes_room);
    tcase_add_test(tcase, test_hanging_connection_makes_room_before_a_busy_one);
    tcase_add_test(tcase, test_old_and_idle_connections_are_asked_to_leave);
    tcase_add_test(tcase, test_dead_peers_are_found_by_keepalive);
    return run_suite("grpc_server_life", tcase);
}
