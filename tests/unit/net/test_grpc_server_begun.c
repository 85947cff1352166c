/* Calls that are begun and not finished: what they may hold of a gRPC server's memory, and which of them give way. */
#include "grpc_server_attack_test.h"

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

int main(void)
{
    TCase *tcase = tcase_create("grpc_server_begun");
    tcase_add_test(tcase, test_many_half_messages_are_held_within_the_credit);
    tcase_add_test(tcase, test_half_messages_beyond_the_hard_mark_are_shed);
    tcase_add_test(tcase, test_begun_calls_beyond_their_number_replace_those_that_do_not_move);
    tcase_add_test(tcase, test_begun_calls_beyond_their_number_are_refused_if_all_move);
    tcase_add_test(tcase, test_a_byte_of_a_large_message_holds_a_page);
    tcase_add_test(tcase, test_half_messages_are_shed_when_memory_is_overdrawn);
    return run_suite("grpc_server_begun", tcase);
}
