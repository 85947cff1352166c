/* The gRPC server against peers that mean harm (CVE-2023-44487, CVE-2024-28182, CVE-2025-8671, CVE-2026-49975 and plain
 * floods): the attacker is told to calm down or cut off, and its memory comes back. */
#include "grpc_server_test.h"
#include "net/http2/limits.h"

static const struct raw_request usual = { 0 };
static const uint8_t cancel[4] = { 0, 0, 0, NGHTTP2_CANCEL };
static const uint8_t ping[8] = "12345678";

static void assert_calmed(const char *text)
{
    raw_settle(world.peer);
    ck_assert(world.peer->has_goaway);
    ck_assert_uint_eq(world.peer->goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    ck_assert_str_eq(world.peer->goaway_text, text);
    ck_assert_uint_eq(counters()->connections_flooded, 1);
    advance(2 * WEFT_NS_PER_S);
    ck_assert_uint_eq(weft_grpc_server_connection_count(world.server), 0);
    ck_assert(world.peer->is_closed);
    tear_down();
}

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

static void flood(uint8_t type, uint8_t flags, int32_t stream, const void *payload, size_t length)
{
    for (int i = 0; i < 3000 && !world.peer->has_goaway && !world.peer->is_closed; i++) {
        raw_frame(world.peer, type, flags, stream, payload, length);
        if (i % 20 == 19) {
            tick(NULL);
            raw_read(world.peer);
        }
    }
}

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

START_TEST(test_continuation_flood_is_stopped)
{
    set_up_server();
    struct weft_buffer block;
    weft_buffer_init(&block, 0);
    raw_fields(&block, &usual);
    raw_frame(world.peer, NGHTTP2_HEADERS, 0, 1, block.bytes, block.length);
    for (int i = 0; i < 5; i++) {
        raw_frame(world.peer, NGHTTP2_CONTINUATION, 0, 1, NULL, 0);
    }
    weft_buffer_fini(&block);
    assert_calmed("too_many_continuations");
}
END_TEST

START_TEST(test_huge_header_block_is_stopped)
{
    set_up_server();
    uint8_t *junk = calloc(1, 40000);
    raw_frame(world.peer, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, junk, 40000);
    free(junk);
    assert_calmed("header_block_too_large");
}
END_TEST

/* One-byte references to one table entry, thousands of them: small on the wire, large as a list. */
START_TEST(test_header_bomb_costs_its_stream_then_its_connection)
{
    set_up_server();
    for (int32_t id = 1; id < 1000 && !world.peer->has_goaway; id += 2) {
        struct weft_buffer block;
        weft_buffer_init(&block, 0);
        raw_fields(&block, &usual);
        for (int i = 0; i < 10000; i++) {
            weft_buffer_append_byte(&block, 0x80 | 32); /* cookie, of the static table */
        }
        raw_frame(world.peer, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, id, block.bytes, block.length);
        weft_buffer_fini(&block);
        raw_settle(world.peer);
    }
    ck_assert(raw_stream(world.peer, 1)->has_reset);
    ck_assert_uint_eq(world.call_count, 0);
    assert_calmed("too_many_errors");
}
END_TEST

START_TEST(test_too_many_fields_or_bytes_are_refused)
{
    set_up_server();
    struct weft_buffer block;
    weft_buffer_init(&block, 0);
    raw_fields(&block, &usual);
    for (int i = 0; i < 58; i++) {
        raw_field(&block, "x-a", "b"); /* 6 + 58 = 64 */
    }
    uint8_t body[16];
    size_t length = raw_message(body, 0, 1, "x", 1);
    raw_frame(world.peer, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, block.bytes, block.length);
    raw_data(world.peer, 1, body, length, true);
    raw_field(&block, "x-a", "b");
    raw_frame(world.peer, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 3, block.bytes, block.length);
    raw_settle(world.peer);
    ck_assert_uint_eq(world.call_count, 1);
    ck_assert(!raw_stream(world.peer, 1)->has_reset);
    ck_assert(raw_stream(world.peer, 3)->has_reset);
    weft_buffer_fini(&block);
    tear_down();
}
END_TEST

static void open_calls(struct raw_peer *peer, int32_t first, int count)
{
    for (int32_t id = first; id < first + 2 * count && !peer->has_goaway; id += 2) {
        raw_headers(peer, id, &usual, false);
        if (id % 200 == 199) {
            raw_settle(peer);
        }
    }
    raw_settle(peer);
}

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

/* RFC 9113 section 8.2.1. */
static const struct {
    const char *name, *value;
    size_t value_length; /* 0 = of a text */
    bool is_malformed;
} odd_fields[] = {
    { "x a", "b", 0, true },
    { "X-A", "b", 0, true },
    { "", "b", 0, true },
    { "x\x01", "b", 0, true },
    { "x\x7f", "b", 0, true },
    { "x\x80", "b", 0, true },
    { "x:y", "b", 0, true },
    { "x-a", "b\r\nx: y", 0, true },
    { "x-a", "\n", 0, true },
    { "x-a", "b\0c", 3, true },
    { ":x", "b", 0, true },
    { "x-a", "b\x01", 0, true },
    { "x-a", " b ", 0, false },
    { "x-a", "b\tc", 0, false },
    { "x-a", "\xc3\xa9", 0, false },
    { "x-a", "", 0, false },
    { "x!#$%&'*+-.^_`|~9", "b", 0, false },
};

START_TEST(test_fields_that_are_none_are_malformed)
{
    set_up_server();
    struct weft_buffer block;
    weft_buffer_init(&block, 0);
    raw_fields(&block, &usual);
    size_t value_length = odd_fields[_i].value_length == 0 ? strlen(odd_fields[_i].value) : odd_fields[_i].value_length;
    raw_bytes_field(&block, odd_fields[_i].name, odd_fields[_i].value, value_length);
    uint8_t body[16];
    size_t length = raw_message(body, 0, 1, "x", 1);
    raw_frame(world.peer, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, block.bytes, block.length);
    raw_data(world.peer, 1, body, length, true);
    raw_settle(world.peer);
    ck_assert(!world.peer->has_goaway);
    ck_assert(raw_stream(world.peer, 1)->has_reset == odd_fields[_i].is_malformed);
    if (odd_fields[_i].is_malformed) {
        ck_assert_uint_eq(raw_stream(world.peer, 1)->reset_code, NGHTTP2_PROTOCOL_ERROR);
    }
    ck_assert_uint_eq(world.call_count, !odd_fields[_i].is_malformed);
    weft_buffer_fini(&block);
    tear_down();
}
END_TEST

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

/* Ten streams promise a MiB each and send all that their windows allow, never the end. */
START_TEST(test_many_half_messages_are_held_within_the_credit)
{
    set_up();
    world.bodies.credit_bytes = 3 << 20;
    world.settings.stream_window_bytes = 256 * 1024;
    start_server();
    static const uint8_t piece[16000];
    uint8_t prefix[8];
    size_t sent[10] = { 0 };
    raw_message(prefix, 0, 1 << 20, NULL, 0);
    for (int i = 0; i < 10; i++) {
        raw_headers(world.peer, 2 * i + 1, &usual, false);
        raw_data(world.peer, 2 * i + 1, prefix, 5, false);
        sent[i] = 5;
    }
    raw_settle(world.peer);
    for (int round = 0; round < 60; round++) {
        for (int i = 0; i < 10; i++) {
            int32_t id = 2 * i + 1;
            size_t left = (1 << 20) + 5 - sent[i],
                   room = 256 * 1024 + raw_stream(world.peer, id)->window_bytes - sent[i];
            size_t length = room < sizeof piece ? room : sizeof piece;
            length = length < left ? length : left;
            if (length > 0 && sent[i] + length < (1 << 20) + 5) {
                raw_data(world.peer, id, piece, length, false);
                sent[i] += length;
                raw_settle(world.peer);
            }
        }
    }
    ck_assert(!world.peer->has_goaway);
    ck_assert_uint_lt(weft_budget_reserved(&world.budget), (3 << 20) + 10 * 256 * 1024 + 500000);
    /* The others go away: the last may finish. */
    for (int i = 0; i < 9; i++) {
        raw_frame(world.peer, NGHTTP2_RST_STREAM, 0, 2 * i + 1, cancel, 4);
    }
    raw_settle(world.peer);
    while (sent[9] < (1 << 20) + 5) {
        size_t left = (1 << 20) + 5 - sent[9], room = 256 * 1024 + raw_stream(world.peer, 19)->window_bytes - sent[9];
        size_t length = left < sizeof piece ? left : sizeof piece;
        ck_assert_uint_ge(room, length);
        raw_data(world.peer, 19, piece, length, length == left);
        sent[9] += length;
        raw_settle(world.peer);
    }
    ck_assert_int_eq(raw_stream(world.peer, 19)->grpc_status, 0);
    ck_assert_uint_eq(world.call_count, 1);
    tear_down();
}
END_TEST

/* A call whose message stops in the middle; a second goes by. */
static void begin_message(int32_t id, const uint8_t *begun, size_t length)
{
    raw_headers(world.peer, id, &usual, false);
    for (size_t at = 0; at < length; at += 16000) {
        raw_data(world.peer, id, begun + at, length - at < 16000 ? length - at : 16000, false);
    }
    raw_settle(world.peer);
    advance(WEFT_NS_PER_S);
}

/* First windows are promised to every stream: what lies in them is bounded, too. Those that have been silent for
 * longest go, until the credit is kept, or as much as one message may have. */
START_TEST(test_half_messages_beyond_the_hard_mark_are_shed)
{
    set_up();
    world.bodies.credit_bytes = 64 * 1024;
    world.settings.max_message_bytes = 100000;
    start_server();
    uint8_t begun[5 + 40000] = { 0 };
    raw_message(begun, 0, 100000, NULL, 0);
    for (int32_t id = 1; id <= 5; id += 2) {
        begin_message(id, begun, sizeof begun);
    }
    ck_assert_uint_eq(counters()->calls_shed, 0);
    begin_message(7, begun, sizeof begun);
    ck_assert_int_eq(raw_stream(world.peer, 1)->grpc_status, 14);
    ck_assert_int_eq(raw_stream(world.peer, 3)->http_status, 0);
    ck_assert_int_eq(raw_stream(world.peer, 5)->http_status, 0);
    ck_assert_int_eq(raw_stream(world.peer, 7)->http_status, 0);
    ck_assert_uint_eq(counters()->calls_shed, 1);
    uint8_t body[16];
    call_once(9, &usual, body, raw_message(body, 0, 1, "x", 1));
    ck_assert_int_eq(raw_stream(world.peer, 9)->grpc_status, 0);
    ck_assert(!world.peer->has_goaway);
    tear_down();
}
END_TEST

/* Whatever else it is that takes the memory: what is half sent goes, but for as much as one message may have. */
START_TEST(test_half_messages_are_shed_when_memory_is_overdrawn)
{
    set_up();
    struct weft_budget_limit limit = { .bytes = 4 << 20 };
    weft_budget_add_limit(&world.budget, &limit);
    world.settings.max_message_bytes = 100000;
    start_server();
    uint8_t begun[5 + 60000] = { 0 };
    raw_message(begun, 0, 90000, NULL, 0);
    for (int32_t id = 1; id <= 5; id += 2) {
        begin_message(id, begun, sizeof begun);
    }
    ck_assert_uint_eq(counters()->calls_shed, 0);
    weft_budget_charge(&world.budget, 5 << 20);
    raw_data(world.peer, 5, begun, 1, false);
    raw_settle(world.peer);
    ck_assert_uint_eq(counters()->calls_shed, 2);
    ck_assert_int_eq(raw_stream(world.peer, 1)->grpc_status, 14);
    ck_assert_int_eq(raw_stream(world.peer, 3)->grpc_status, 14);
    raw_data(world.peer, 5, begun, 15000, false);
    raw_data(world.peer, 5, begun, 14999, true);
    raw_settle(world.peer);
    ck_assert_int_eq(raw_stream(world.peer, 5)->grpc_status, 0);
    weft_budget_release(&world.budget, 5 << 20);
    weft_budget_remove_limit(&world.budget, &limit);
    tear_down();
}
END_TEST

/* Beyond the number of begun calls the oldest that does not move has to go, and its client learns when to come again.
 */
START_TEST(test_begun_calls_beyond_their_number_replace_those_that_do_not_move)
{
    set_up();
    world.bodies = (struct weft_body_credit_settings){ .max_begun = 3, .max_begun_per_address = 3 };
    world.settings.shed_details = WEFT_SLICE_LITERAL("\x08\x0e");
    start_server();
    uint8_t begun[16];
    size_t length = raw_message(begun, 0, 1000, "x", 1);
    for (int32_t id = 1; id <= 7; id += 2) {
        begin_message(id, begun, length);
    }
    ck_assert_int_eq(raw_stream(world.peer, 1)->grpc_status, 14);
    ck_assert_str_eq(raw_stream(world.peer, 1)->details, "CA4");
    ck_assert_int_eq(raw_stream(world.peer, 3)->http_status, 0);
    ck_assert_uint_eq(counters()->calls_shed, 1);
    ck_assert_uint_eq(counters()->messages_refused, 0);
    tear_down();
}
END_TEST

/* If all of them move, the new one is refused before anything is done for it: its client may try it elsewhere. */
START_TEST(test_begun_calls_beyond_their_number_are_refused_if_all_move)
{
    set_up();
    world.bodies = (struct weft_body_credit_settings){ .max_begun = 2, .max_begun_per_address = 2 };
    start_server();
    uint8_t begun[5 + 20000] = { 0 };
    raw_message(begun, 0, 20001, NULL, 0);
    for (int32_t id = 1; id <= 3; id += 2) {
        raw_headers(world.peer, id, &usual, false);
        raw_data(world.peer, id, begun, 16000, false);
        raw_data(world.peer, id, begun + 16000, sizeof begun - 16000, false);
    }
    raw_headers(world.peer, 5, &usual, false);
    raw_data(world.peer, 5, begun, 100, true);
    raw_settle(world.peer);
    ck_assert(raw_stream(world.peer, 5)->has_reset);
    ck_assert_uint_eq(raw_stream(world.peer, 5)->reset_code, NGHTTP2_REFUSED_STREAM);
    ck_assert_uint_eq(counters()->messages_refused, 1);
    ck_assert(!world.peer->has_goaway);
    raw_data(world.peer, 1, begun + 5, 1, true);
    raw_settle(world.peer);
    ck_assert_int_eq(raw_stream(world.peer, 1)->grpc_status, 0);
    raw_headers(world.peer, 7, &usual, false);
    uint8_t body[16];
    raw_data(world.peer, 7, body, raw_message(body, 0, 1, "x", 1), true);
    raw_settle(world.peer);
    ck_assert_int_eq(raw_stream(world.peer, 7)->grpc_status, 0);
    tear_down();
}
END_TEST

/* A promise costs nothing, one byte a page. What is half received is charged with the call, nghttp2's stream and that.
 */
START_TEST(test_a_byte_of_a_large_message_holds_a_page)
{
    set_up_server();
    uint8_t begun[16];
    size_t length = raw_message(begun, 0, 1 << 20, "x", 1);
    static uint8_t large[5 + 60000];
    raw_message(large, 0, 60000, NULL, 0);
    raw_headers(world.peer, 1, &usual, false);
    for (size_t at = 0; at < sizeof large; at += 12001) {
        raw_data(world.peer, 1, large + at, 12001, at + 12001 == sizeof large);
    }
    raw_settle(world.peer); /* leaves a block behind of which all is resident */
    ck_assert_int_eq(raw_stream(world.peer, 1)->grpc_status, 0);
    uint64_t before = weft_budget_reserved(&world.budget);
    raw_headers(world.peer, 3, &usual, false);
    raw_data(world.peer, 3, begun, 5, false);
    raw_settle(world.peer);
    uint64_t promised = weft_budget_reserved(&world.budget) - before;
    ck_assert_uint_ge(promised, sizeof(struct weft_body));
    ck_assert_uint_lt(promised, 2048);
    raw_data(world.peer, 3, begun + 5, length - 5, false);
    raw_settle(world.peer);
    uint64_t held = weft_budget_reserved(&world.budget) - before;
    ck_assert_uint_eq(held, promised + 4096);
    size_t account = weft_body_credit_read(world.net.bodies).held_bytes;
    ck_assert_uint_le(account, held + 512);
    ck_assert_uint_ge(account + 512, held);
    tear_down();
}
END_TEST

static void assert_survives(const void *bytes, size_t length)
{
    struct raw_peer *attacker = connect_silent();
    attacker->holds_acks = true;
    raw_write(attacker, bytes, length);
    raw_settle(attacker);
    raw_peer_free(attacker);
    tick(NULL);
    tick(NULL);
}

START_TEST(test_noise_and_other_protocols_only_end_their_connection)
{
    set_up_server();
    assert_survives("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27);
    uint64_t random = 88172645463325252U;
    for (int round = 0; round < 300; round++) {
        uint8_t noise[300];
        for (size_t i = 0; i < sizeof noise; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            noise[i] = (uint8_t)(random % 5 == 0 ? random >> 32 : (random >> 20) % 10);
        }
        memcpy(noise, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);
        assert_survives(noise, sizeof noise);
    }
    ck_assert_uint_eq(weft_grpc_server_connection_count(world.server), 1);
    uint8_t body[16];
    ck_assert_int_eq(call_once(1, &usual, body, raw_message(body, 0, 1, "x", 1))->grpc_status, 0);
    ck_assert_uint_gt(counters()->connections_failed, 100);
    tear_down();
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("grpc_server_attacks");
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
    tcase_add_test(tcase, test_many_half_messages_are_held_within_the_credit);
    tcase_add_test(tcase, test_half_messages_beyond_the_hard_mark_are_shed);
    tcase_add_test(tcase, test_begun_calls_beyond_their_number_replace_those_that_do_not_move);
    tcase_add_test(tcase, test_begun_calls_beyond_their_number_are_refused_if_all_move);
    tcase_add_test(tcase, test_a_byte_of_a_large_message_holds_a_page);
    tcase_add_test(tcase, test_half_messages_are_shed_when_memory_is_overdrawn);
    tcase_add_test(tcase, test_continuation_flood_is_stopped);
    tcase_add_test(tcase, test_huge_header_block_is_stopped);
    tcase_add_test(tcase, test_header_bomb_costs_its_stream_then_its_connection);
    tcase_add_test(tcase, test_too_many_fields_or_bytes_are_refused);
    tcase_add_test(tcase, test_streams_above_the_limit_are_refused);
    tcase_add_test(tcase, test_who_takes_no_notice_of_the_limit_is_cut_off);
    tcase_add_test(tcase, test_who_never_agrees_to_the_limit_is_cut_off);
    tcase_add_test(tcase, test_slow_errors_of_who_does_nothing_else_are_stopped);
    tcase_add_test(tcase, test_errors_among_good_calls_are_forgiven);
    tcase_add_loop_test(tcase, test_fields_that_are_none_are_malformed, 0, (int)WEFT_COUNT_OF(odd_fields));
    tcase_add_test(tcase, test_slow_preface_is_cut_off);
    tcase_add_test(tcase, test_unfinished_headers_are_cut_off);
    tcase_add_test(tcase, test_slow_body_is_refused);
    tcase_add_test(tcase, test_answers_that_nobody_reads_are_given_up);
    tcase_add_test(tcase, test_peer_that_never_reads_is_bounded_and_cut_off);
    tcase_add_test(tcase, test_noise_and_other_protocols_only_end_their_connection);
    return run_suite("grpc_server_attacks", tcase);
}
