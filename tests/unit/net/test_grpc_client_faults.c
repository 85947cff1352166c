/* A gRPC client whose server resets, refuses, says goodbye or is late: what each call ends with, and whether the server
 * may have seen it. */
#include "grpc_client_test.h"
#include "net/grpc/client_internal.h"

static void reset_with(struct fake_stream *stream)
{
    fake_reset(stream, bench.server.last_reset_code);
}

START_TEST(test_resets_are_mapped)
{
    static const struct {
        uint32_t code;
        int grpc_status;
    } cases[] = { { NGHTTP2_NO_ERROR, 13 },      { NGHTTP2_PROTOCOL_ERROR, 13 },     { NGHTTP2_INTERNAL_ERROR, 13 },
                  { NGHTTP2_CANCEL, 1 },         { NGHTTP2_ENHANCE_YOUR_CALM, 8 },   { NGHTTP2_INADEQUATE_SECURITY, 7 },
                  { NGHTTP2_STREAM_CLOSED, 13 }, { NGHTTP2_FLOW_CONTROL_ERROR, 13 }, { 0x12345, 13 } };
    start_server(reset_with);
    open_channel();
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        bench.server.last_reset_code = cases[i].code;
        struct call *call = start_call(0, 10, 10, 0);
        run_calls();
        ck_assert_int_eq(call->grpc_status, cases[i].grpc_status);
        ck_assert(call->is_unconfirmed);
    }
    ck_assert_uint_eq(bench.server.accepted, 1);
}
END_TEST

static unsigned refusals_left;

static void refuse_some(struct fake_stream *stream)
{
    if (refusals_left > 0) {
        refusals_left--;
        fake_reset(stream, NGHTTP2_REFUSED_STREAM);
    } else {
        fake_ok(stream);
    }
}

START_TEST(test_refused_stream_is_tried_once_more)
{
    start_server(refuse_some);
    open_channel();
    refusals_left = 1;
    struct call *call = start_call(0, 200000, 1000, 0);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 0);
    ck_assert_uint_eq(bench.server.requests, 2);
    refusals_left = 2;
    call = start_call(0, 10, 10, 0);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 14);
    ck_assert(!call->is_unconfirmed);
    ck_assert_uint_eq(bench.server.requests, 4);
}
END_TEST

static struct fake_stream *kept;

static void goaway_below_first(struct fake_stream *stream)
{
    if (bench.server.accepted == 1) {
        fake_goaway(stream->connection, 0, NGHTTP2_NO_ERROR);
    } else if (stream->is_complete) {
        fake_ok(stream);
    }
}

START_TEST(test_goaway_below_stream_moves_call_to_new_connection)
{
    start_server(goaway_below_first);
    open_channel();
    struct call *call = start_call(0, 10, 10, 0);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 0);
    ck_assert_uint_eq(bench.server.accepted, 2);
    ck_assert_uint_eq(bench.server.requests, 2);
}
END_TEST

/* The same in the middle of the body. */
START_TEST(test_goaway_below_stream_mid_body_moves_call)
{
    bench.server.on_headers = goaway_below_first;
    start_server(fake_ok);
    open_channel();
    struct call *call = start_call(0, 1 << 20, 1000, 0);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 0);
    ck_assert_uint_eq(bench.server.accepted, 2);
    ck_assert_uint_eq(bench.server.requests, 1);
}
END_TEST

static void always_goaway(struct fake_stream *stream)
{
    fake_goaway(stream->connection, 0, NGHTTP2_NO_ERROR);
}

START_TEST(test_goaway_twice_ends_call_confirmed_unsent)
{
    start_server(always_goaway);
    open_channel();
    struct call *call = start_call(0, 10, 10, 0);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 14);
    ck_assert(!call->is_unconfirmed);
    ck_assert_uint_eq(bench.server.accepted, 2);
}
END_TEST

static void goaway_at_first(struct fake_stream *stream)
{
    if (bench.server.accepted == 1) {
        kept = stream;
        fake_goaway(stream->connection, stream->id, NGHTTP2_NO_ERROR);
    } else {
        fake_ok(stream);
    }
}

START_TEST(test_goaway_at_stream_lets_it_finish)
{
    start_server(goaway_at_first);
    open_channel();
    struct call *first = start_call(0, 10, 10, 0);
    run_ticks(10);
    ck_assert_uint_eq(first->done_count, 0);
    struct call *second = start_call(1, 10, 10, 0);
    run_ticks(20);
    ck_assert_uint_eq(second->done_count, 1);
    ck_assert_int_eq(second->grpc_status, 0);
    ck_assert_uint_eq(bench.server.accepted, 2);
    fake_ok(kept);
    run_calls();
    ck_assert_int_eq(first->grpc_status, 0);
    ck_assert(!weft_list_is_empty(&bench.server.connections));
    ck_assert_uint_eq(client_state().connections_ready, 1);
}
END_TEST

static void close_connection(struct fake_stream *stream)
{
    fake_close(stream->connection);
}

static void answer_and_leave(struct fake_stream *stream)
{
    fake_goaway(stream->connection, stream->id, NGHTTP2_NO_ERROR);
    fake_ok(stream);
}

/* Nothing has failed: the server let an idle connection go. Whoever asks is not told of a failing backend. */
START_TEST(test_orderly_end_is_no_failure)
{
    start_server(answer_and_leave);
    open_channel();
    struct call *call = start_call(0, 10, 10, 0);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 0);
    run_ticks(20);
    ck_assert_uint_eq(client_state().connections_ready, 0);
    ck_assert(weft_list_is_empty(&bench.server.connections));
    ck_assert_str_eq(client_state().last_failure, "");
    bench.server.on_request = close_connection;
    start_call(1, 10, 10, 0);
    run_calls();
    ck_assert_str_ne(client_state().last_failure, "");
    bench.server.on_request = fake_ok;
    start_call(2, 10, 10, 0);
    run_calls();
    ck_assert_str_eq(client_state().last_failure, "");
}
END_TEST

START_TEST(test_close_after_request_is_unconfirmed)
{
    start_server(close_connection);
    open_channel();
    struct call *call = start_call(0, 100000, 1000, 0);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 14);
    ck_assert(call->is_unconfirmed);
    ck_assert(call->message[0] != '\0');
}
END_TEST

START_TEST(test_close_before_request_end_is_confirmed_unsent)
{
    bench.server.on_headers = close_connection;
    start_server(NULL);
    open_channel();
    struct call *call = start_call(0, 1 << 20, 1000, 0);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 14);
    ck_assert(!call->is_unconfirmed);
}
END_TEST

START_TEST(test_deadline_resets_stream)
{
    start_server(NULL); /* never answers */
    open_channel();
    struct call *call = start_call(0, 10, 10, 30 * WEFT_NS_PER_MS);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 4);
    ck_assert(call->is_unconfirmed);
    run_ticks(5);
    ck_assert_uint_eq(bench.server.resets, 1);
    ck_assert_uint_eq(bench.server.last_reset_code, NGHTTP2_CANCEL);
    bench.server.on_request = fake_ok;
    struct call *second = start_call(1, 10, 10, 0);
    run_calls();
    ck_assert_int_eq(second->grpc_status, 0);
    ck_assert_uint_eq(bench.server.accepted, 1);
}
END_TEST

START_TEST(test_deadline_in_the_middle_of_body_is_confirmed_unsent)
{
    bench.server.settings[0] = (nghttp2_settings_entry){ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0 };
    bench.server.settings_count = 1;
    start_server(NULL);
    open_channel();
    struct call *call = start_call(0, 100000, 1000, 30 * WEFT_NS_PER_MS);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 4);
    ck_assert(!call->is_unconfirmed);
}
END_TEST

START_TEST(test_deadline_in_the_past_sends_nothing)
{
    start_server(fake_ok);
    open_channel();
    struct call *call = make_call(0, 10, 10, 0);
    call->request.deadline = (struct weft_monotonic){ 1 };
    weft_grpc_client_start(bench.client, &call->request);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 4);
    ck_assert(!call->is_unconfirmed);
    ck_assert_uint_eq(bench.server.requests, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_resets_are_mapped,
        test_refused_stream_is_tried_once_more,
        test_goaway_below_stream_moves_call_to_new_connection,
        test_goaway_below_stream_mid_body_moves_call,
        test_goaway_twice_ends_call_confirmed_unsent,
        test_goaway_at_stream_lets_it_finish,
        test_orderly_end_is_no_failure,
        test_close_after_request_is_unconfirmed,
        test_close_before_request_end_is_confirmed_unsent,
        test_deadline_resets_stream,
        test_deadline_in_the_middle_of_body_is_confirmed_unsent,
        test_deadline_in_the_past_sends_nothing,
    };
    return run_suite("net/grpc_client_faults", tests, WEFT_COUNT_OF(tests));
}
