/* The gRPC server as a client sees it: right and wrong requests, answers. Its connections are in
 * test_grpc_server_life.c, attacks in test_grpc_server_{floods,headers,streams,slow,begun,noise}.c. */
#include "base/base_test.h"
#include "grpc_server_test.h"

static void assert_failed(const struct raw_stream *stream, int grpc_status, const char *message_part)
{
    ck_assert_int_eq(stream->http_status, 200);
    ck_assert_int_eq(stream->grpc_status, grpc_status);
    ck_assert_msg(strstr(stream->message, message_part) != NULL, "\"%s\" has no \"%s\"", stream->message, message_part);
    ck_assert(stream->has_ended);
    ck_assert_uint_eq(stream->body_length, 0);
}

START_TEST(test_message_reaches_the_service_and_is_answered)
{
    set_up_server();
    uint8_t body[64];
    world.expected = WEFT_SLICE_LITERAL("some spans");
    size_t length = raw_message(body, 0, 10, "some spans", 10);
    assert_ok(call_once(1, &usual, body, length));
    ck_assert(!world.is_last_timed);
    world.expected = WEFT_SLICE_EMPTY;
    assert_ok(call_once(3, &(struct raw_request){ .content_type = "application/grpc+proto", .timeout = "500m" }, body,
                        raw_message(body, 0, 0, NULL, 0)));
    ck_assert(world.is_last_timed);
    world.answer = ANSWER_TEXT;
    struct raw_stream *stream = call_once(5, &usual, body, raw_message(body, 0, 10, "some spans", 10));
    ck_assert_int_eq(stream->grpc_status, 0);
    ck_assert_mem_eq(stream->body, "\0\0\0\0\5hello", 10);
    ck_assert_uint_eq(world.call_count, 3);
    ck_assert_uint_eq(counters()->calls, 3);
    ck_assert_uint_eq(counters()->message_bytes, 15 + 5 + 15);
    ck_assert_uint_eq(counters()->calls_cancelled + counters()->calls_failed, 0);
    tear_down();
}
END_TEST

START_TEST(test_failure_of_the_service_has_encoded_text_and_details)
{
    set_up_server();
    world.answer = ANSWER_FAIL;
    uint8_t body[64];
    struct raw_stream *stream = call_once(1, &usual, body, raw_message(body, 0, 1, "x", 1));
    assert_failed(stream, 8, "too \"much\": 100%25%0A");
    ck_assert_str_eq(stream->details, "AQIDBA");
    ck_assert_uint_eq(counters()->calls_failed, 0);
    tear_down();
}
END_TEST

START_TEST(test_every_split_of_the_input_gives_the_same)
{
    set_up();
    world.expected = WEFT_SLICE_LITERAL("0123456789");
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    /* The bytes of one whole connection, with the message cut over three DATA frames, inside the prefix too. */
    struct raw_peer *writer = raw_peer_new(pair[1], tick, NULL);
    uint8_t body[64];
    size_t length = raw_message(body, 0, 10, "0123456789", 10);
    raw_start(writer);
    raw_headers(writer, 1, &usual, false);
    raw_data(writer, 1, body, 3, false);
    raw_data(writer, 1, body + 3, 7, false);
    raw_data(writer, 1, body + 10, length - 10, true);
    uint8_t bytes[1024];
    ssize_t total = recv(pair[0], bytes, sizeof bytes, 0);
    ck_assert_int_gt(total, 150);
    close(pair[0]);
    raw_peer_free(writer);
    world.server = weft_grpc_server_new(&world.net, &world.settings, world_methods, NULL);
    for (ssize_t split = 0; split <= total; split++) {
        struct raw_peer *peer = connect_silent();
        peer->holds_acks = true; /* they would come before the preface */
        raw_write(peer, bytes, (size_t)split);
        raw_settle(peer);
        raw_write(peer, bytes + split, (size_t)(total - split));
        raw_settle(peer);
        assert_ok(raw_stream(peer, 1));
        raw_peer_free(peer);
    }
    struct raw_peer *peer = connect_silent();
    peer->holds_acks = true;
    for (ssize_t i = 0; i < total; i++) {
        raw_write(peer, bytes + i, 1);
        tick(NULL);
    }
    raw_settle(peer);
    assert_ok(raw_stream(peer, 1));
    raw_peer_free(peer);
    ck_assert_uint_eq(world.call_count, (size_t)total + 2);
    tear_down();
}
END_TEST

START_TEST(test_wrong_requests_are_told_what_is_wrong)
{
    set_up_server();
    uint8_t body[64];
    size_t length = raw_message(body, 0, 4, "abcd", 4);
    assert_failed(call_once(1, &(struct raw_request){ .path = "/no.Such/Method" }, body, length), 12, "no such method");
    struct raw_stream *stream = call_once(3, &(struct raw_request){ .encoding = "lz4" }, body, length);
    assert_failed(stream, 12, "grpc-encoding");
    ck_assert_str_eq(stream->accept_encoding, "identity,gzip,zstd,snappy,deflate");
    ck_assert_int_eq(
        call_once(5, &(struct raw_request){ .content_type = "application/json" }, body, length)->http_status, 415);
    ck_assert_int_eq(
        call_once(7, &(struct raw_request){ .content_type = "application/grpc-web" }, body, length)->http_status, 415);
    stream = call_once(9, &(struct raw_request){ .method = "GET" }, body, length);
    ck_assert_int_eq(stream->http_status, 405);
    ck_assert_int_eq(stream->grpc_status, 13);
    ck_assert(weft_slice_equal_text(weft_slice_of(stream->body, stream->body_length), "gRPC requests are POST\n"));
    ck_assert(stream->has_ended);
    assert_failed(call_once(11, &(struct raw_request){ .timeout = "5x" }, body, length), 13, "grpc-timeout");
    assert_failed(call_once(13, &(struct raw_request){ .timeout = "123456789S" }, body, length), 13, "grpc-timeout");
    ck_assert_uint_eq(world.call_count, 0);
    ck_assert_uint_eq(counters()->calls_failed, 7);
    ck_assert(!world.peer->has_goaway);
    tear_down();
}
END_TEST

START_TEST(test_lying_prefixes_are_refused_with_the_numbers)
{
    set_up_server();
    uint8_t body[64];
    assert_failed(call_once(1, &usual, body, raw_message(body, 0, 10, "abcd", 4)), 13,
                  "request has 4 of 10 declared bytes");
    assert_failed(call_once(3, &usual, body, raw_message(body, 0, 3, "abcd", 4)), 13,
                  "after its one message of 3 bytes");
    assert_failed(call_once(5, &usual, body, raw_message(body, 2, 4, "abcd", 4)), 13, "message flag is 2");
    assert_failed(call_once(7, &usual, body, raw_message(body, 1, 4, "abcd", 4)), 13, "without a grpc-encoding");
    assert_failed(call_once(9, &usual, body, 0), 13, "no message");
    assert_failed(call_once(11, &usual, body, 3), 13, "3 of 5 bytes");
    raw_headers(world.peer, 13, &usual, true);
    raw_settle(world.peer);
    assert_failed(raw_stream(world.peer, 13), 13, "no message");
    ck_assert_uint_eq(world.call_count, 0);
    ck_assert(!raw_stream(world.peer, 13)->has_reset);
    tear_down();
}
END_TEST

START_TEST(test_two_messages_in_a_call_are_refused)
{
    set_up_server();
    uint8_t body[64];
    size_t length = raw_message(body, 0, 4, "abcd", 4);
    length += raw_message(body + length, 0, 4, "efgh", 4);
    assert_failed(call_once(1, &usual, body, length), 13, "calls here are unary");
    ck_assert_uint_eq(world.call_count, 0);
    tear_down();
}
END_TEST

/* The answer comes at once, long before the body, and the client is told to stop. */
START_TEST(test_message_above_the_limit_is_refused_from_its_prefix)
{
    set_up_server();
    uint8_t body[64];
    raw_headers(world.peer, 1, &usual, false);
    raw_data(world.peer, 1, body, raw_message(body, 0, (1 << 20) + 1, "abcd", 4), false);
    raw_settle(world.peer);
    assert_failed(raw_stream(world.peer, 1), 8, "1048577 bytes is larger than the limit of 1048576");
    ck_assert(raw_stream(world.peer, 1)->has_reset);
    ck_assert_uint_eq(raw_stream(world.peer, 1)->reset_code, NGHTTP2_NO_ERROR);
    raw_data(world.peer, 1, body, 5, true); /* was on its way */
    assert_failed(call_once(3, &usual, body, raw_message(body, 0, UINT32_MAX, "abcd", 4)), 8, "4294967295 bytes");
    world.expected = WEFT_SLICE_LITERAL("abcd");
    assert_ok(call_once(5, &usual, body, raw_message(body, 0, 4, "abcd", 4)));
    tear_down();
}
END_TEST

/* Larger than the first windows: they must have grown, and every byte must have come back to the connection. */
START_TEST(test_large_messages_grow_the_windows)
{
    set_up();
    world.settings.max_message_bytes = 8 << 20;
    start_server();
    size_t total = 3 << 20;
    uint8_t *body = malloc(total + 5);
    memset(body, 'x', total + 5);
    raw_message(body, 0, total, NULL, 0);
    world.expected = weft_slice_of(body + 5, total);
    for (int32_t id = 1; id < 9; id += 2) {
        raw_headers(world.peer, id, &usual, false);
        for (size_t at = 0; at < total + 5; at += 16384) {
            size_t left = total + 5 - at;
            raw_data(world.peer, id, body + at, left < 16384 ? left : 16384, left <= 16384);
            tick(NULL);
            raw_read(world.peer);
        }
        raw_settle(world.peer);
        assert_ok(raw_stream(world.peer, id));
    }
    ck_assert_uint_ge(world.peer->initial_window, 4 << 20);
    ck_assert_uint_ge(world.peer->window_bytes, 8U << 20);
    ck_assert(!world.peer->has_goaway);
    free(body);
    tear_down();
}
END_TEST

static struct weft_payload *deflated(enum weft_encoding encoding, struct weft_slice text)
{
    struct weft_payload *payload = NULL;
    struct weft_error error;
    ck_assert_int_eq(weft_deflate(world.codec, encoding, 0, &text, 1, world.pool, &payload, &error), WEFT_OK);
    return payload;
}

static void send_deflated(int32_t id, enum weft_encoding encoding, const struct weft_payload *payload, size_t length)
{
    uint8_t *body = malloc(payload->length + 5);
    raw_message(body, 1, length, payload->bytes, length);
    call_once(id, &(struct raw_request){ .encoding = weft_encoding_name(encoding) }, body, length + 5);
    free(body);
}

START_TEST(test_compressed_messages_are_inflated)
{
    set_up_server();
    static const enum weft_encoding encodings[] = { WEFT_ENCODING_GZIP, WEFT_ENCODING_ZSTD, WEFT_ENCODING_DEFLATE };
    world.expected = WEFT_SLICE_LITERAL("spans spans spans spans spans spans spans spans spans spans");
    int32_t id = 1;
    for (size_t i = 0; i < WEFT_COUNT_OF(encodings); i++, id += 2) {
        struct weft_payload *payload = deflated(encodings[i], world.expected);
        send_deflated(id, encodings[i], payload, payload->length);
        assert_ok(raw_stream(world.peer, id));
        id += 2;
        send_deflated(id, encodings[i], payload, payload->length - 2);
        assert_failed(raw_stream(world.peer, id), 13, "message");
        weft_payload_unref(&payload);
    }
    /* A flag of 0 says that this message is not compressed whatever grpc-encoding says. */
    uint8_t body[128];
    assert_ok(call_once(id, &(struct raw_request){ .encoding = "gzip" }, body,
                        raw_message(body, 0, world.expected.length, world.expected.bytes, world.expected.length)));
    ck_assert_uint_eq(world.call_count, 4);
    ck_assert_uint_eq(counters()->inflated_bytes, 3 * world.expected.length);
    tear_down();
}
END_TEST

START_TEST(test_bombs_are_refused_as_exhausted)
{
    set_up_server();
    size_t length = 16 << 20;
    uint8_t *zeros = calloc(1, length);
    static const enum weft_encoding encodings[] = { WEFT_ENCODING_GZIP, WEFT_ENCODING_ZSTD };
    for (size_t i = 0; i < WEFT_COUNT_OF(encodings); i++) {
        struct weft_payload *payload = deflated(encodings[i], weft_slice_of(zeros, length));
        send_deflated((int32_t)(2 * i + 1), encodings[i], payload, payload->length);
        assert_failed(raw_stream(world.peer, (int32_t)(2 * i + 1)), 8, "message");
        weft_payload_unref(&payload);
    }
    free(zeros);
    ck_assert_uint_eq(world.call_count, 0);
    tear_down();
}
END_TEST

START_TEST(test_late_answers_arrive_in_any_order)
{
    set_up_server();
    world.answer = ANSWER_LATER;
    uint8_t body[64];
    size_t length = raw_message(body, 0, 1, "x", 1);
    for (int32_t id = 1; id < 7; id += 2) {
        call_once(id, &usual, body, length);
        ck_assert_int_eq(raw_stream(world.peer, id)->http_status, 0);
    }
    ck_assert(weft_grpc_server_call_reply(world.held[2], WEFT_SLICE_EMPTY));
    ck_assert(weft_grpc_server_call_fail(world.held[0], 14, "later", WEFT_SLICE_EMPTY));
    ck_assert(weft_grpc_server_call_reply(world.held[1], WEFT_SLICE_EMPTY));
    world.held_count = 0;
    raw_settle(world.peer);
    assert_failed(raw_stream(world.peer, 1), 14, "later");
    assert_ok(raw_stream(world.peer, 3));
    assert_ok(raw_stream(world.peer, 5));
    tear_down();
}
END_TEST

/* tear_down answers those of the closed connection. */
START_TEST(test_calls_survive_their_stream_and_their_connection)
{
    set_up();
    world.settings.keeps_all_fields = true;
    start_server();
    world.answer = ANSWER_LATER;
    uint8_t body[64];
    size_t length = raw_message(body, 0, 1, "x", 1);
    call_once(1, &usual, body, length);
    call_once(3, &usual, body, length);
    static const uint8_t cancel[4] = { 0, 0, 0, NGHTTP2_CANCEL };
    raw_frame(world.peer, NGHTTP2_RST_STREAM, 0, 1, cancel, 4);
    raw_settle(world.peer);
    ck_assert_uint_eq(counters()->calls_cancelled, 1);
    ck_assert(!weft_grpc_server_call_reply(world.held[0], WEFT_SLICE_EMPTY));
    world.held[0] = world.held[--world.held_count];
    raw_peer_free(world.peer);
    world.peer = NULL;
    for (int i = 0; i < 3; i++) {
        tick(NULL);
    }
    ck_assert_uint_eq(weft_grpc_server_connection_count(world.server), 0);
    ck_assert_uint_eq(counters()->calls_cancelled, 2);
    ck_assert(!weft_grpc_server_call_fail(world.held[0], 14, "gone", WEFT_SLICE_EMPTY));
    world.held_count = 0;
    tear_down();
}
END_TEST

START_TEST(test_reset_in_mid_body_gives_the_memory_back)
{
    set_up_server();
    uint64_t before = weft_budget_reserved(&world.budget);
    uint8_t *body = calloc(1, 60000);
    raw_message(body, 0, 500000, NULL, 0);
    raw_headers(world.peer, 1, &usual, false);
    for (int i = 0; i < 3; i++) {
        raw_data(world.peer, 1, body, 16000, false);
        raw_settle(world.peer);
    }
    ck_assert_uint_ge(weft_budget_reserved(&world.budget), before + 47000);
    static const uint8_t cancel[4] = { 0, 0, 0, NGHTTP2_CANCEL };
    raw_frame(world.peer, NGHTTP2_RST_STREAM, 0, 1, cancel, 4);
    raw_settle(world.peer);
    ck_assert_uint_lt(weft_budget_reserved(&world.budget), before + 16000);
    ck_assert_uint_eq(counters()->calls_cancelled, 1);
    free(body);
    tear_down();
}
END_TEST

/* Each allocation of a connection with one compressed call fails in turn, whether its answer has a message or not: the
 * call is answered, reset or cut off, and nothing leaks. */
START_TEST(test_memory_may_run_out_anywhere)
{
    for (size_t nth = 1;; nth++) {
        set_up();
        struct weft_payload *payload = deflated(WEFT_ENCODING_GZIP, WEFT_SLICE_LITERAL("spans and spans"));
        uint8_t body[128];
        size_t length = raw_message(body, 1, payload->length, payload->bytes, payload->length);
        weft_payload_unref(&payload);
        world.server = weft_grpc_server_new(&world.net, &world.settings, world_methods, NULL);
        world.answer = _i == 0 ? ANSWER_TEXT : ANSWER_FAIL;
        weft_alloc_fail_at(nth);
        world.peer = connect_silent();
        raw_start(world.peer);
        raw_settle(world.peer);
        call_once(1, &(struct raw_request){ .encoding = "gzip" }, body, length);
        bool has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        if (!has_failed) {
            ck_assert_uint_eq(world.call_count, 1);
            ck_assert(raw_stream(world.peer, 1)->has_ended);
        }
        tear_down();
        if (!has_failed) {
            ck_assert_uint_gt(nth, 20);
            break;
        }
    }
}
END_TEST

static void reply(void *call)
{
    (void)weft_grpc_server_call_reply(call, WEFT_SLICE_EMPTY);
}

static void state_of(void *call)
{
    ck_assert_ptr_nonnull(weft_grpc_server_call_state(call));
}

/* Our own mistakes: a call that is gone, or something else; what was in its memory is zero by then. */
START_TEST(test_what_is_no_call_is_not_answered)
{
    static max_align_t nothing[64];
    ck_assert(base_test_aborts(reply, nothing));
    ck_assert(base_test_aborts(state_of, nothing));
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("grpc_server");
    tcase_add_test(tcase, test_message_reaches_the_service_and_is_answered);
    tcase_add_test(tcase, test_failure_of_the_service_has_encoded_text_and_details);
    tcase_add_test(tcase, test_every_split_of_the_input_gives_the_same);
    tcase_add_test(tcase, test_wrong_requests_are_told_what_is_wrong);
    tcase_add_test(tcase, test_lying_prefixes_are_refused_with_the_numbers);
    tcase_add_test(tcase, test_two_messages_in_a_call_are_refused);
    tcase_add_test(tcase, test_message_above_the_limit_is_refused_from_its_prefix);
    tcase_add_test(tcase, test_large_messages_grow_the_windows);
    tcase_add_test(tcase, test_compressed_messages_are_inflated);
    tcase_add_test(tcase, test_bombs_are_refused_as_exhausted);
    tcase_add_test(tcase, test_late_answers_arrive_in_any_order);
    tcase_add_test(tcase, test_calls_survive_their_stream_and_their_connection);
    tcase_add_test(tcase, test_reset_in_mid_body_gives_the_memory_back);
    tcase_add_loop_test(tcase, test_memory_may_run_out_anywhere, 0, 2);
    tcase_add_test(tcase, test_what_is_no_call_is_not_answered);
    return run_suite("grpc_server", tcase);
}
