/* A gRPC client's connections: those that cannot be had, that end, that are silent; back-off, pings, addresses. */
#include "grpc_client_test.h"
#include "net/grpc/client_internal.h"

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

int main(void)
{
    const TTest *const tests[] = {
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
        test_second_address_is_tried,
        test_unknown_name_is_unavailable,
    };
    return run_suite("net/grpc_client_faults", tests, WEFT_COUNT_OF(tests));
}
