/* The gRPC client when things go wrong: resets, GOAWAY, lost connections, deadlines, cancelled calls. Each
 * call must end exactly once, say truthfully whether the peer may have the request, and never touch its bytes
 * after that. */
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

/* A port on which nobody listens. */
static void reserve_port(void)
{
    fake_listen(&bench.server);
    fake_stop_listening(&bench.server);
}

START_TEST(test_refused_connection_fails_calls_fast)
{
    bench.settings.reconnect_min_ns = bench.settings.reconnect_max_ns = 3600 * WEFT_NS_PER_S;
    reserve_port();
    open_channel();
    struct call *call = start_call(0, 10, 10, 0);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 14);
    ck_assert(!call->is_unconfirmed);
    ck_assert_ptr_nonnull(strstr(call->message, "Connection refused"));
    ck_assert_uint_eq(client_state().connect_failures, 1);
    ck_assert_ptr_nonnull(strstr(client_state().last_failure, "Connection refused"));
    start_server(fake_ok);
    call = start_call(0, 10, 10, 0); /* in back-off: fails without a try */
    run_calls();
    ck_assert_int_eq(call->grpc_status, 14);
    ck_assert_uint_eq(client_state().connect_failures, 1);
    ck_assert_uint_eq(bench.server.accepted, 0);
}
END_TEST

/* A server that is about to end, or wants nobody: it is no reason to come back at once, again and again. */
START_TEST(test_goaway_in_place_of_greeting_leads_to_back_off)
{
    bench.settings.reconnect_min_ns = bench.settings.reconnect_max_ns = 3600 * WEFT_NS_PER_S;
    bench.server.leaves_at_once = true;
    start_server(fake_ok);
    open_channel();
    struct call *call = start_call(0, 10, 10, 0);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 14);
    ck_assert(!call->is_unconfirmed);
    ck_assert_ptr_nonnull(strstr(call->message, "GOAWAY before the first call"));
    ck_assert_uint_eq(bench.server.accepted, 1);
    ck_assert_uint_eq(client_state().connect_failures, 1);
}
END_TEST

START_TEST(test_back_off_ends_and_channel_connects_again)
{
    reserve_port();
    open_channel();
    struct call *call = start_call(0, 10, 10, 0);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 14);
    start_server(fake_ok);
    for (unsigned tries = 0; tries < 1000 && call->grpc_status != 0; tries++) {
        call = start_call(0, 10, 10, 0);
        run_calls();
    }
    ck_assert_int_eq(call->grpc_status, 0);
}
END_TEST

START_TEST(test_wait_for_ready_waits_for_server)
{
    bench.settings.wait_for_ready = true;
    reserve_port();
    open_channel();
    struct call *call = start_call(0, 10, 10, 0);
    run_ticks(50);
    ck_assert_uint_eq(call->done_count, 0);
    ck_assert_uint_ge(client_state().connect_failures, 1);
    start_server(fake_ok);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 0);
}
END_TEST

START_TEST(test_wait_for_ready_ends_at_deadline)
{
    bench.settings.wait_for_ready = true;
    reserve_port();
    open_channel();
    struct call *call = start_call(0, 10, 10, 60 * WEFT_NS_PER_MS);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 4);
    ck_assert(!call->is_unconfirmed);
    ck_assert_ptr_nonnull(strstr(call->message, "Connection refused"));
}
END_TEST

START_TEST(test_server_restart_is_survived)
{
    bench.settings.wait_for_ready = true;
    start_server(fake_ok);
    open_channel();
    start_call(0, 10, 10, 0);
    run_calls();
    fake_stop_listening(&bench.server);
    fake_close_all(&bench.server);
    run_ticks(10);
    ck_assert_uint_eq(client_state().connections_ready, 0);
    struct call *call = start_call(1, 10, 10, 0);
    run_ticks(10);
    ck_assert_uint_eq(call->done_count, 0);
    start_server(fake_ok);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 0);
    ck_assert_uint_eq(client_state().connects, 2);
}
END_TEST

START_TEST(test_server_that_hangs_up_at_once_is_a_failed_connect)
{
    bench.server.closes_at_once = true;
    start_server(NULL);
    open_channel();
    struct call *call = start_call(0, 10, 10, 0);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 14);
    ck_assert_uint_eq(client_state().connect_failures, 1);
    ck_assert_uint_eq(client_state().connects, 0);
}
END_TEST

START_TEST(test_server_without_settings_times_out)
{
    bench.server.never_greets = true;
    bench.settings.connect_timeout_ns = 40 * WEFT_NS_PER_MS;
    start_server(NULL);
    open_channel();
    struct call *call = start_call(0, 10, 10, 0);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 14);
    ck_assert_ptr_nonnull(strstr(call->message, "timed out"));
}
END_TEST

static void send_garbage(struct fake_stream *stream)
{
    static const char garbage[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
    ck_assert_int_eq(send(stream->connection->descriptor, garbage, sizeof garbage - 1, 0), sizeof garbage - 1);
}

START_TEST(test_bytes_that_are_not_http2_end_the_connection)
{
    start_server(send_garbage);
    open_channel();
    struct call *call = start_call(0, 10, 10, 0);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 14);
    ck_assert(call->is_unconfirmed);
}
END_TEST

START_TEST(test_unanswered_ping_ends_the_connection)
{
    bench.settings.keepalive_time_ns = 20 * WEFT_NS_PER_MS;
    bench.settings.keepalive_timeout_ns = 20 * WEFT_NS_PER_MS;
    start_server(NULL);
    open_channel();
    struct call *call = start_call(0, 10, 10, 0);
    run_ticks(8);
    fake_set_reading(&bench.server, false);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 14);
    ck_assert_ptr_nonnull(strstr(call->message, "keepalive"));
}
END_TEST

static bool are_three_pings_there(void)
{
    return bench.server.pings >= 3;
}

START_TEST(test_answered_pings_keep_the_connection)
{
    bench.settings.keepalive_time_ns = 5 * WEFT_NS_PER_MS;
    bench.settings.keepalive_timeout_ns = 10 * WEFT_NS_PER_S;
    bench.settings.permit_pings_without_stream = true;
    start_server(fake_ok);
    open_channel();
    start_call(0, 10, 10, 0);
    run_until(are_three_pings_there);
    ck_assert_uint_eq(client_state().connections_ready, 1);
}
END_TEST

START_TEST(test_idle_connection_is_not_pinged_unless_permitted)
{
    bench.settings.keepalive_time_ns = 2 * WEFT_NS_PER_MS;
    start_server(fake_ok);
    open_channel();
    start_call(0, 10, 10, 0);
    run_calls();
    unsigned before = bench.server.pings;
    run_ticks(30);
    ck_assert_uint_le(bench.server.pings, before + 1);
}
END_TEST

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

/* ---- addresses ---- */

static void look_up_two(const struct weft_endpoint *endpoint, struct weft_resolver_answer *out_answer)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(1) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    memcpy(&out_answer->addresses[0].socket_address, &address, sizeof address);
    address.sin_port = htons(endpoint->port);
    memcpy(&out_answer->addresses[1].socket_address, &address, sizeof address);
    out_answer->addresses[0].length = out_answer->addresses[1].length = sizeof address;
    out_answer->count = 2;
    out_answer->status = WEFT_OK;
}

static void open_channel_by_name(struct weft_resolver *resolver)
{
    bench.net.resolver = resolver;
    snprintf(bench.settings.endpoint.host, sizeof bench.settings.endpoint.host, "gateway.test");
    bench.settings.endpoint.port = bench.server.port;
    bench.client = weft_grpc_client_new(&bench.net, &bench.settings, NULL);
}

START_TEST(test_second_address_is_tried)
{
    start_server(fake_ok);
    struct weft_resolver *resolver = weft_resolver_new(bench.loop, look_up_two);
    open_channel_by_name(resolver);
    struct call *call = start_call(0, 10, 10, 0);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 0);
    ck_assert_uint_eq(client_state().connect_failures, 1);
    weft_grpc_client_free(bench.client);
    bench.client = NULL;
    weft_resolver_free(resolver);
}
END_TEST

static void look_up_none(const struct weft_endpoint *endpoint, struct weft_resolver_answer *out_answer)
{
    (void)endpoint;
    out_answer->status = WEFT_NOT_FOUND;
    snprintf(out_answer->failure, sizeof out_answer->failure, "no such name");
}

START_TEST(test_unknown_name_is_unavailable)
{
    struct weft_resolver *resolver = weft_resolver_new(bench.loop, look_up_none);
    open_channel_by_name(resolver);
    struct call *call = start_call(0, 10, 10, 0);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 14);
    ck_assert_ptr_nonnull(strstr(call->message, "no such name"));
    weft_grpc_client_free(bench.client);
    bench.client = NULL;
    weft_resolver_free(resolver);
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
        test_refused_connection_fails_calls_fast,
        test_goaway_in_place_of_greeting_leads_to_back_off,
        test_back_off_ends_and_channel_connects_again,
        test_wait_for_ready_waits_for_server,
        test_wait_for_ready_ends_at_deadline,
        test_server_restart_is_survived,
        test_server_that_hangs_up_at_once_is_a_failed_connect,
        test_server_without_settings_times_out,
        test_bytes_that_are_not_http2_end_the_connection,
        test_unanswered_ping_ends_the_connection,
        test_answered_pings_keep_the_connection,
        test_idle_connection_is_not_pinged_unless_permitted,
        test_cancel_works_in_every_phase,
        test_cancel_before_headers_are_sent_sends_nothing,
        test_full_socket_is_written_on_when_it_has_room,
        test_cancel_of_half_written_request_keeps_the_connection_in_step,
        test_cancel_of_half_written_request_without_memory_closes,
        test_connection_lost_while_half_written_ends_call,
        test_free_cancels_calls_in_every_phase,
        test_free_while_connecting_ends_calls,
        test_second_address_is_tried,
        test_unknown_name_is_unavailable,
        test_chaos_ends_every_call_once,
    };
    return run_suite("net/grpc_client_faults", tests, WEFT_COUNT_OF(tests));
}
