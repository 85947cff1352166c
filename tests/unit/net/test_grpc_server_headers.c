/* Header blocks that are too long, too many, bombs or malformed, before a gRPC server. */
#include "grpc_server_attack_test.h"

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

/* A client that leaves its calls open holds them. */
START_TEST(test_fields_that_are_kept_are_charged)
{
    uint64_t held[2];
    for (int keeps = 0; keeps < 2; keeps++) {
        set_up();
        world.settings.keeps_all_fields = keeps;
        start_server();
        struct weft_buffer block;
        weft_buffer_init(&block, 0);
        raw_fields(&block, &usual);
        for (int i = 0; i < 50; i++) {
            raw_field(&block, "x-a", "a value of some length, that many such would add up, to several kilobytes");
        }
        raw_frame(world.peer, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, block.bytes, block.length);
        raw_settle(world.peer);
        held[keeps] = weft_budget_reserved(&world.budget);
        weft_buffer_fini(&block);
        tear_down(); /* nothing is left charged */
    }
    ck_assert_uint_ge(held[1] - held[0], 50 * (strlen("x-a") + 70));
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("grpc_server_headers");
    tcase_add_test(tcase, test_continuation_flood_is_stopped);
    tcase_add_test(tcase, test_huge_header_block_is_stopped);
    tcase_add_test(tcase, test_header_bomb_costs_its_stream_then_its_connection);
    tcase_add_test(tcase, test_too_many_fields_or_bytes_are_refused);
    tcase_add_test(tcase, test_fields_that_are_kept_are_charged);
    tcase_add_loop_test(tcase, test_fields_that_are_none_are_malformed, 0, (int)WEFT_COUNT_OF(odd_fields));
    return run_suite("grpc_server_headers", tcase);
}
