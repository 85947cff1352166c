/* Frames that cost a server work and bring it nothing: resets, settings, pings, empty data. Whoever floods is cut off,
 * whoever only is busy is not. */
#include "grpc_server_attack_test.h"

START_TEST(test_rapid_reset_is_stopped)
{
    set_up_server();
    world.answer = ANSWER_LATER;
    uint8_t body[16];
    size_t length = raw_message(body, 0, 1, "x", 1);
    for (int32_t id = 1; id < 2000 && !world.peer->has_goaway; id += 2) {
        raw_headers(world.peer, id, &usual, false);
        raw_data(world.peer, id, body, length, true);
        raw_frame(world.peer, NGHTTP2_RST_STREAM, 0, id, cancel, 4);
        if (id % 50 == 49) {
            tick(NULL);
            raw_read(world.peer);
        }
    }
    ck_assert_uint_le(world.call_count, 101);
    assert_calmed("too_many_resets");
}
END_TEST

START_TEST(test_slow_resets_are_welcome)
{
    set_up_server();
    for (int32_t id = 1; id < 800; id += 2) {
        raw_headers(world.peer, id, &usual, false);
        raw_frame(world.peer, NGHTTP2_RST_STREAM, 0, id, cancel, 4);
        if (id % 20 == 19) {
            advance(WEFT_NS_PER_S);
        }
    }
    raw_settle(world.peer);
    ck_assert(!world.peer->has_goaway);
    ck_assert_uint_eq(counters()->calls_cancelled, 400);
    tear_down();
}
END_TEST

/* The server is made to reset its own streams: a WINDOW_UPDATE of 2^31-1 overflows the stream's window. */
START_TEST(test_made_you_reset_is_stopped)
{
    set_up_server();
    static const uint8_t overflow[4] = { 0x7f, 0xff, 0xff, 0xff };
    for (int32_t id = 1; id < 1000 && !world.peer->has_goaway; id += 2) {
        raw_headers(world.peer, id, &usual, false);
        raw_frame(world.peer, NGHTTP2_WINDOW_UPDATE, 0, id, overflow, 4);
        if (id % 20 == 19) {
            raw_settle(world.peer);
        }
    }
    ck_assert(raw_stream(world.peer, 1)->has_reset);
    ck_assert_uint_lt(counters()->calls, 140);
    assert_calmed("too_many_errors");
}
END_TEST

START_TEST(test_settings_flood_is_stopped)
{
    set_up_server();
    flood(NGHTTP2_SETTINGS, 0, 0, NULL, 0);
    assert_calmed("too_many_frames");
}
END_TEST

START_TEST(test_unknown_frame_flood_is_stopped)
{
    set_up_server();
    flood(0xfa, 0, 0, ping, 8);
    assert_calmed("too_many_frames");
}
END_TEST

START_TEST(test_priority_flood_is_stopped)
{
    set_up_server();
    static const uint8_t priority[5] = { 0, 0, 0, 0, 16 };
    flood(NGHTTP2_PRIORITY, 0, 7, priority, 5);
    assert_calmed("too_many_frames");
}
END_TEST

START_TEST(test_window_update_flood_is_stopped)
{
    set_up_server();
    static const uint8_t one[4] = { 0, 0, 0, 1 };
    flood(NGHTTP2_WINDOW_UPDATE, 0, 0, one, 4);
    assert_calmed("too_many_frames");
}
END_TEST

START_TEST(test_empty_data_flood_is_stopped)
{
    set_up_server();
    raw_headers(world.peer, 1, &usual, false);
    flood(NGHTTP2_DATA, 0, 1, NULL, 0);
    assert_calmed("too_many_empty_data_frames");
}
END_TEST

START_TEST(test_padding_only_data_flood_is_stopped)
{
    set_up_server();
    raw_headers(world.peer, 1, &usual, false);
    static const uint8_t no_padding[1] = { 0 };
    flood(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, no_padding, 1);
    assert_calmed("too_many_empty_data_frames");
}
END_TEST

START_TEST(test_data_with_nothing_but_long_padding_is_stopped)
{
    set_up_server();
    raw_headers(world.peer, 1, &usual, false);
    static const uint8_t only_padding[8] = { 7 };
    flood(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, only_padding, sizeof only_padding);
    assert_calmed("too_many_empty_data_frames");
}
END_TEST

START_TEST(test_padded_data_is_no_flood)
{
    set_up_server();
    raw_headers(world.peer, 1, &usual, false);
    uint8_t prefix[5] = { 0, 0, 0, 0x10, 0 };
    raw_data(world.peer, 1, prefix, sizeof prefix, false);
    static const uint8_t one_byte[8] = { 6 };
    flood(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, one_byte, sizeof one_byte);
    raw_settle(world.peer);
    ck_assert(!world.peer->has_goaway);
    tear_down();
}
END_TEST

/* nghttp2 ignores HEADERS of streams that are over, but decodes them; we have forgotten this one. */
START_TEST(test_headers_of_forgotten_streams_are_a_flood)
{
    set_up_server();
    enum { FORGOTTEN = 3, LATER = FORGOTTEN + 2 * WEFT_HTTP2_KNOWN_STREAMS };
    raw_headers(world.peer, FORGOTTEN, &usual, false);
    raw_frame(world.peer, NGHTTP2_RST_STREAM, 0, FORGOTTEN, cancel, 4);
    raw_headers(world.peer, LATER, &usual, false);
    static const uint8_t block[4] = { 0x83, 0x86, 0x84, 0x90 };
    flood(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, FORGOTTEN, block, sizeof block);
    assert_calmed("too_many_frames");
}
END_TEST

/* RFC 9113 sections 5.1 and 5.1.1: what nghttp2 would not mind. */
static const struct {
    const char *what;
    uint8_t type, flags;
    int32_t stream;
    uint32_t goaway; /* the connection ends with this; 0: only a reset comes, or nothing */
    uint32_t reset;
} stray_frames[] = {
    { "headers of what the client reset", NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 3, NGHTTP2_STREAM_CLOSED, 0 },
    { "headers of what it had ended", NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 5, NGHTTP2_STREAM_CLOSED, 0 },
    { "headers of what never was", NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 7, NGHTTP2_PROTOCOL_ERROR, 0 },
    { "data of what the client reset", NGHTTP2_DATA, 0, 3, 0, NGHTTP2_STREAM_CLOSED },
    { "data of what it had ended", NGHTTP2_DATA, 0, 5, 0, NGHTTP2_STREAM_CLOSED },
    { "data of what we ended", NGHTTP2_DATA, 0, 9, 0, 0 },
    { "a window of what it had ended", NGHTTP2_WINDOW_UPDATE, 0, 5, 0, 0 },
    { "priority of nothing", NGHTTP2_PRIORITY, 0, 0, NGHTTP2_PROTOCOL_ERROR, 0 },
    { "priority of what it had ended", NGHTTP2_PRIORITY, 0, 5, 0, 0 },
};

START_TEST(test_frames_of_streams_that_are_over)
{
    set_up_server();
    uint8_t body[16];
    raw_headers(world.peer, 3, &usual, false);
    raw_frame(world.peer, NGHTTP2_RST_STREAM, 0, 3, cancel, 4);
    call_once(5, &usual, body, raw_message(body, 0, 1, "x", 1));
    raw_headers(world.peer, 9, &(struct raw_request){ .method = "GET" }, false); /* is answered before its end */
    raw_settle(world.peer);
    ck_assert(raw_stream(world.peer, 9)->has_reset && raw_stream(world.peer, 9)->reset_code == NGHTTP2_NO_ERROR);
    static const uint8_t payload[5] = { 0, 0, 0, 1, 0 };
    size_t length = stray_frames[_i].type == NGHTTP2_WINDOW_UPDATE ? 4 : sizeof payload;
    struct weft_buffer block;
    weft_buffer_init(&block, 0);
    raw_fields(&block, &usual);
    bool is_headers = stray_frames[_i].type == NGHTTP2_HEADERS;
    raw_frame(world.peer, stray_frames[_i].type, stray_frames[_i].flags, stray_frames[_i].stream,
              is_headers ? block.bytes : payload, is_headers ? block.length : length);
    weft_buffer_fini(&block);
    raw_settle(world.peer);
    ck_assert_msg(world.peer->has_goaway == (stray_frames[_i].goaway != 0), "%s", stray_frames[_i].what);
    ck_assert_uint_eq(world.peer->goaway_code, stray_frames[_i].goaway);
    ck_assert_uint_eq(counters()->connections_failed, stray_frames[_i].goaway != 0);
    ck_assert_uint_eq(counters()->connections_flooded, 0);
    uint32_t code = stray_frames[_i].stream == 0 ? 0 : raw_stream(world.peer, stray_frames[_i].stream)->reset_code;
    ck_assert_uint_eq(code, stray_frames[_i].reset);
    if (stray_frames[_i].goaway == 0) {
        call_once(11, &usual, body, raw_message(body, 0, 1, "x", 1)); /* it goes on */
        ck_assert_uint_eq(world.call_count, 2);
    }
    tear_down();
}
END_TEST

START_TEST(test_ping_flood_is_stopped_as_grpc_says)
{
    set_up_server();
    flood(NGHTTP2_PING, 0, 0, ping, 8);
    ck_assert_uint_le(world.peer->ping_acks, 20);
    assert_calmed("too_many_pings");
}
END_TEST

/* The last words to a flooding client are out and our side is shut: what a service answers now cannot reach it, and the
 * service is told so. */
START_TEST(test_answer_behind_the_last_words_is_lost)
{
    set_up_server();
    world.answer = ANSWER_LATER;
    uint8_t body[16];
    size_t length = raw_message(body, 0, 1, "x", 1);
    call_once(1, &usual, body, length);
    call_once(3, &usual, body, length);
    ck_assert_uint_eq(world.held_count, 2);
    for (int i = 0; i < 4; i++) {
        raw_frame(world.peer, NGHTTP2_PING, 0, 0, ping, 8);
    }
    raw_settle(world.peer);
    ck_assert(world.peer->has_goaway);
    ck_assert(!weft_grpc_server_call_reply(world.held[0], WEFT_SLICE_EMPTY));
    ck_assert(!weft_grpc_server_call_fail(world.held[1], 14, "later", WEFT_SLICE_EMPTY));
    world.held_count = 0;
    raw_settle(world.peer);
    ck_assert_int_eq(raw_stream(world.peer, 1)->http_status, 0);
    assert_calmed("too_many_pings");
}
END_TEST

START_TEST(test_pings_after_an_answer_are_forgiven)
{
    set_up_server();
    uint8_t body[16];
    size_t length = raw_message(body, 0, 1, "x", 1);
    for (int32_t id = 1; id < 40; id += 2) {
        raw_frame(world.peer, NGHTTP2_PING, 0, 0, ping, 8);
        raw_frame(world.peer, NGHTTP2_PING, 0, 0, ping, 8);
        call_once(id, &usual, body, length);
    }
    ck_assert(!world.peer->has_goaway);
    ck_assert_uint_eq(world.peer->ping_acks, 40);
    tear_down();
}
END_TEST

/* Thousands of calls within one second, each with the window updates and pings of a busy client. */
START_TEST(test_busy_clients_are_not_taken_for_a_flood)
{
    set_up_server();
    static const uint8_t increment[4] = { 0, 0, 0, 5 };
    uint8_t body[16];
    size_t length = raw_message(body, 0, 1, "x", 1);
    for (int32_t id = 1; id < 6000; id += 2) {
        raw_headers(world.peer, id, &usual, false);
        raw_data(world.peer, id, body, length, true);
        raw_frame(world.peer, NGHTTP2_WINDOW_UPDATE, 0, 0, increment, 4);
        raw_frame(world.peer, NGHTTP2_WINDOW_UPDATE, 0, 0, increment, 4);
        if (id % 20 == 19) {
            raw_frame(world.peer, NGHTTP2_PING, 0, 0, ping, 8);
            tick(NULL);
            raw_read(world.peer);
        }
    }
    raw_settle(world.peer);
    ck_assert_uint_eq(world.call_count, 3000);
    ck_assert(!world.peer->has_goaway);
    tear_down();
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("grpc_server_floods");
    tcase_add_test(tcase, test_rapid_reset_is_stopped);
    tcase_add_test(tcase, test_slow_resets_are_welcome);
    tcase_add_test(tcase, test_made_you_reset_is_stopped);
    tcase_add_test(tcase, test_settings_flood_is_stopped);
    tcase_add_test(tcase, test_unknown_frame_flood_is_stopped);
    tcase_add_test(tcase, test_priority_flood_is_stopped);
    tcase_add_test(tcase, test_window_update_flood_is_stopped);
    tcase_add_test(tcase, test_empty_data_flood_is_stopped);
    tcase_add_test(tcase, test_padding_only_data_flood_is_stopped);
    tcase_add_test(tcase, test_data_with_nothing_but_long_padding_is_stopped);
    tcase_add_test(tcase, test_padded_data_is_no_flood);
    tcase_add_test(tcase, test_headers_of_forgotten_streams_are_a_flood);
    tcase_add_loop_test(tcase, test_frames_of_streams_that_are_over, 0, (int)WEFT_COUNT_OF(stray_frames));
    tcase_add_test(tcase, test_ping_flood_is_stopped_as_grpc_says);
    tcase_add_test(tcase, test_answer_behind_the_last_words_is_lost);
    tcase_add_test(tcase, test_pings_after_an_answer_are_forgiven);
    tcase_add_test(tcase, test_busy_clients_are_not_taken_for_a_flood);
    return run_suite("grpc_server_floods", tcase);
}
