/* Calls that are cancelled or lost in every phase, also with a request that is half written; and chaos: every call ends
 * once. */
#include "grpc_client_test.h"
#include "net/grpc/client_internal.h"

/* ---- cancelling ---- */

static bool is_stream_there(void)
{
    return fake_first_stream(&bench.server) != NULL;
}

START_TEST(test_cancel_works_in_every_phase)
{
    start_server(NULL);
    open_channel();
    struct call *waiting = start_call(0, 10, 10, 0);
    weft_grpc_client_cancel(bench.client, &waiting->request);
    ck_assert_uint_eq(waiting->done_count, 0);
    weft_grpc_client_cancel(bench.client, &waiting->request); /* ended already: no effect */
    run_calls();
    ck_assert_int_eq(waiting->grpc_status, 1);
    ck_assert(!waiting->is_unconfirmed);
    struct call *open = start_call(1, 10, 10, 0);
    run_until(is_stream_there);
    weft_grpc_client_cancel(bench.client, &open->request);
    ck_assert_uint_eq(open->done_count, 0);
    run_calls();
    ck_assert_int_eq(open->grpc_status, 1);
    ck_assert(open->is_unconfirmed);
    weft_grpc_client_cancel(bench.client, &open->request); /* not the client's any more */
    run_ticks(5);
    ck_assert_uint_eq(bench.server.last_reset_code, NGHTTP2_CANCEL);
    ck_assert_uint_eq(bench.server.resets, 1);
}
END_TEST

START_TEST(test_cancel_before_headers_are_sent_sends_nothing)
{
    start_server(fake_ok);
    open_channel();
    start_call(0, 10, 10, 0);
    run_calls();
    struct call *call = start_call(1, 10, 10, 0);
    weft_grpc_client_cancel(bench.client, &call->request);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 1);
    ck_assert(!call->is_unconfirmed);
    run_ticks(5);
    ck_assert_uint_eq(bench.server.requests, 1);
    ck_assert_uint_eq(bench.server.accepted, 1);
}
END_TEST

enum { LARGE_BYTES = 64 << 20 };

static void check_start_of_pattern(struct fake_stream *stream)
{
    ck_assert_uint_gt(stream->body_length, 0);
    ck_assert(is_pattern(stream->body, stream->body_length, LARGE_BYTES));
}

/* The connection's output holds borrowed bytes of the call. */
static bool is_half_written(const struct call *call)
{
    struct weft_list *node = weft_list_first(&bench.client->connections);
    ck_assert_ptr_nonnull(node);
    const struct weft_grpc_client_connection *connection =
        WEFT_CONTAINER_OF(node, struct weft_grpc_client_connection, node);
    return weft_http2_output_owes(&connection->output, &call->request);
}

static void fill_socket(void)
{
    bench.server.settings[0] = (nghttp2_settings_entry){ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 30 };
    bench.server.settings_count = 1;
    bench.server.connection_window = 1 << 30;
    bench.server.receive_buffer_bytes = 256 * 1024;
    bench.settings.connection_count = 1;
    start_server(fake_ok);
    open_channel();
    start_call(0, 10, 10, 0);
    run_calls();
    bench.calls[0].request.on_done = NULL;
    fake_set_reading(&bench.server, false);
    start_call(1, LARGE_BYTES, 50000, 0);
    run_ticks(10);
    while (!is_half_written(&bench.calls[1])) { /* the socket happened to be full between two writes */
        fake_set_reading(&bench.server, true);
        run_ticks(1);
        fake_set_reading(&bench.server, false);
        run_ticks(5);
    }
    ck_assert_uint_eq(bench.calls[1].done_count, 0);
    ck_assert_uint_lt(client_state().bytes_sent, LARGE_BYTES);
}

static void check_large(struct fake_stream *stream)
{
    ck_assert_uint_eq(stream->body_length, LARGE_BYTES + 5);
    ck_assert(is_pattern(stream->body, stream->body_length, LARGE_BYTES));
    fake_ok(stream);
}

START_TEST(test_full_socket_is_written_on_when_it_has_room)
{
    fill_socket();
    bench.server.on_request = check_large;
    fake_set_reading(&bench.server, true);
    run_calls();
    ck_assert_int_eq(bench.calls[1].grpc_status, 0);
}
END_TEST

/* The bytes are freed in on_done while the frame that they are in is half written. What its header promised
 * must still come, unchanged, or the connection would be out of step; the call after it shows that it is not.
 */
START_TEST(test_cancel_of_half_written_request_keeps_the_connection_in_step)
{
    fill_socket();
    weft_grpc_client_cancel(bench.client, &bench.calls[1].request);
    run_calls();
    ck_assert_int_eq(bench.calls[1].grpc_status, 1);
    ck_assert(!bench.calls[1].is_unconfirmed);
    bench.server.on_reset = check_start_of_pattern;
    fake_set_reading(&bench.server, true);
    struct call *next = start_call(2, 1000, 100, 0);
    run_calls();
    ck_assert_uint_eq(bench.server.resets, 1);
    ck_assert_int_eq(next->grpc_status, 0);
    ck_assert_uint_eq(bench.server.accepted, 1);
}
END_TEST

/* No memory for the copy: then the connection goes, and with it every other call on it. */
START_TEST(test_cancel_of_half_written_request_without_memory_closes)
{
    for (size_t n = 1; n <= 3; n++) {
        tear_down();
        set_up();
        fill_socket();
        struct call *other = start_call(2, 10, 10, 0);
        run_ticks(3);
        ck_assert_uint_eq(other->done_count, 0);
        weft_alloc_fail_at(n);
        weft_grpc_client_cancel(bench.client, &bench.calls[1].request);
        ck_assert(weft_alloc_has_failed());
        weft_alloc_fail_at(0);
        run_ticks(3);
        ck_assert_uint_eq(bench.calls[1].done_count, 1);
        ck_assert_int_eq(bench.calls[1].grpc_status, 1);
        if (n <= 2) { /* the reset's memory, the copy's; the third one's loss only costs the text */
            ck_assert_uint_eq(other->done_count, 1);
            ck_assert_int_eq(other->grpc_status, 14);
            ck_assert_ptr_nonnull(strstr(other->message, "out of memory"));
        } else {
            ck_assert_uint_eq(other->done_count, 0);
            ck_assert_str_eq(bench.calls[1].message, "");
        }
    }
}
END_TEST

START_TEST(test_connection_lost_while_half_written_ends_call)
{
    fill_socket();
    fake_close_all(&bench.server);
    run_calls();
    ck_assert_int_eq(bench.calls[1].grpc_status, 14);
    ck_assert(!bench.calls[1].is_unconfirmed);
}
END_TEST

START_TEST(test_free_cancels_calls_in_every_phase)
{
    bench.settings.connection_count = 1;
    bench.settings.max_streams_per_connection = 2;
    start_server(NULL);
    open_channel();
    for (size_t i = 0; i < 4; i++) { /* two open, two waiting */
        start_call(i, 100000, 1000, 0);
    }
    run_until(is_stream_there);
    run_ticks(3);
    weft_grpc_client_cancel(bench.client, &bench.calls[1].request); /* ended, not delivered */
    weft_grpc_client_free(bench.client);
    bench.client = NULL;
    for (size_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(bench.calls[i].done_count, 1);
        ck_assert_int_eq(bench.calls[i].grpc_status, 1);
    }
    run_ticks(3);
}
END_TEST

START_TEST(test_free_while_connecting_ends_calls)
{
    bench.server.never_greets = true;
    start_server(NULL);
    open_channel();
    start_call(0, 10, 10, 0);
    weft_grpc_client_free(bench.client);
    ck_assert_uint_eq(bench.calls[0].done_count, 1);
    open_channel();
    start_call(1, 10, 10, 0);
    run_ticks(5);
    weft_grpc_client_free(bench.client);
    bench.client = NULL;
    ck_assert_uint_eq(bench.calls[1].done_count, 1);
    ck_assert_int_eq(bench.calls[1].grpc_status, 1);
}
END_TEST

/* ---- chaos ---- */

static uint64_t chaos_state;

static unsigned chaos(unsigned below)
{
    chaos_state ^= chaos_state << 13;
    chaos_state ^= chaos_state >> 7;
    chaos_state ^= chaos_state << 17;
    return (unsigned)(chaos_state >> 33) % below;
}

static void misbehave(struct fake_stream *stream)
{
    if (stream->is_answered || (!stream->is_complete && chaos(3) != 0)) {
        return;
    }
    switch (chaos(9)) {
    case 0:
    case 1:
    case 2:
        if (stream->is_complete) {
            fake_ok(stream);
        }
        break;
    case 3:
        stream->is_answered = true;
        fake_fail(stream, "14", "busy", "CA4");
        break;
    case 4:
        fake_reset(stream, chaos(14));
        break;
    case 5:
        fake_goaway(stream->connection, stream->id - 2 * (int32_t)chaos(2), NGHTTP2_NO_ERROR);
        break;
    case 6:
        fake_close(stream->connection);
        break;
    default:
        break; /* never */
    }
}

START_TEST(test_chaos_ends_every_call_once)
{
    bench.settings.reconnect_min_ns = WEFT_NS_PER_MS;
    bench.settings.reconnect_max_ns = 2 * WEFT_NS_PER_MS;
    bench.server.on_headers = misbehave;
    start_server(misbehave);
    open_channel();
    unsigned ok_count = 0;
    for (uint64_t round = 1; round <= 60; round++) {
        chaos_state = round * 0x9E3779B97F4A7C15;
        for (size_t i = 0; i < MAX_CALLS; i++) {
            start_call(i, chaos(2) == 0 ? chaos(1000) : chaos(300000), 1 + chaos(9000), 20 * WEFT_NS_PER_MS);
            if (chaos(4) == 0) {
                run_ticks(chaos(4));
            }
            if (chaos(6) == 0) {
                size_t victim = chaos((unsigned)i + 1);
                weft_grpc_client_cancel(bench.client, &bench.calls[victim].request);
            }
        }
        run_calls();
        for (size_t i = 0; i < MAX_CALLS; i++) {
            ck_assert_uint_eq(bench.calls[i].done_count, 1);
            ok_count += bench.calls[i].grpc_status == 0;
        }
        ck_assert_uint_eq(client_state().calls_open, 0);
    }
    ck_assert_uint_gt(ok_count, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_cancel_works_in_every_phase,
        test_cancel_before_headers_are_sent_sends_nothing,
        test_full_socket_is_written_on_when_it_has_room,
        test_cancel_of_half_written_request_keeps_the_connection_in_step,
        test_cancel_of_half_written_request_without_memory_closes,
        test_connection_lost_while_half_written_ends_call,
        test_free_cancels_calls_in_every_phase,
        test_free_while_connecting_ends_calls,
        test_chaos_ends_every_call_once,
    };
    return run_suite("net/grpc_client_faults", tests, WEFT_COUNT_OF(tests));
}
