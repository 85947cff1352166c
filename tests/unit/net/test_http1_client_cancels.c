/* The HTTP/1.1 client when requests are cancelled, the client is freed or memory is gone; and each time, whether the
 * peer may have acted. */
#include "http1_client_test.h"

/* ---- cancelling and closing ---- */

START_TEST(test_cancel_before_a_connection_is_not_unconfirmed)
{
    start_server(answer_ok);
    open_channel();
    struct call *call = start_call(0, 10);
    weft_http1_client_cancel(bench.client, &call->request);
    weft_http1_client_cancel(bench.client, &call->request);
    run_calls();
    expect_failure(call, WEFT_CLOSED, "cancelled", false);
}
END_TEST

START_TEST(test_cancel_after_sending_closes_the_connection)
{
    start_server(say_nothing);
    open_channel();
    struct call *call = start_call(0, 10);
    run_until(has_request);
    weft_http1_client_cancel(bench.client, &call->request);
    run_calls();
    expect_failure(call, WEFT_CLOSED, "cancelled", true);
    run_until(is_no_peer_open);
}
END_TEST

START_TEST(test_cancel_half_written_closes_the_connection_and_forgets_the_bytes)
{
    cancel_half_written();
    ck_assert_uint_eq(client_state().connections_ready, 0);
}
END_TEST

START_TEST(test_free_ends_every_request_at_every_moment)
{
    tear_down();
    for (unsigned ticks = 0; ticks < 12; ticks++) {
        set_up();
        bench.settings.max_connections = 2;
        start_server(ticks % 2 == 0 ? say_nothing : answer_ok);
        open_channel();
        for (size_t i = 0; i < 4; i++) {
            start_call(i, 100000);
        }
        struct call *late = make_call(5, 10, 1, 0);
        bench.calls[3].next = late;
        run_ticks(ticks);
        close_channel();
        for (size_t i = 0; i < 4; i++) {
            ck_assert_uint_eq(bench.calls[i].done_count, 1);
        }
        tear_down();
    }
    set_up();
}
END_TEST

/* ---- memory ---- */

/* Plain, and through a proxy with a tunnel and a secret: there is a client that works, or none, and nothing is left. */
START_TEST(test_a_client_is_made_whole_or_not)
{
    struct weft_endpoint proxy = { .host = "127.0.0.1", .port = 1 };
    struct weft_header headers[] = { { "x-a", "b" }, { NULL, NULL } };
    struct weft_http1_client_settings settings = { .endpoint = { .host = "127.0.0.1", .port = 2 },
                                                   .proxy_authorization = "Basic x",
                                                   .headers = headers };
    struct weft_net_context net = bench.net;
    net.resolver = weft_resolver_new(bench.net.loop, NULL);
    for (int has_proxy = 0; has_proxy < 2; has_proxy++) {
        struct weft_http1_client *client = NULL;
        size_t nth = 0;
        settings.proxy = has_proxy ? &proxy : NULL;
        while (client == NULL) {
            weft_alloc_fail_at(++nth);
            client = weft_http1_client_try_new(&net, &settings, NULL);
            ck_assert_int_eq(client == NULL, weft_alloc_has_failed());
            weft_alloc_fail_at(0);
            ck_assert_uint_lt(nth, 100);
        }
        ck_assert_uint_gt(nth, 4);
        weft_http1_client_free(client);
    }
    weft_resolver_free(net.resolver);
}
END_TEST

/* One more request on a fresh and on a kept connection with each allocation failing: it ends, well or with words, and
 * the client serves the next. */
START_TEST(test_each_failing_allocation_ends_the_request)
{
    bool has_failed = true;
    tear_down();
    for (size_t nth = 1; has_failed; nth++) {
        set_up();
        start_server(answer_ok);
        open_channel();
        weft_alloc_fail_at(nth);
        struct call *first = start_call(0, 10);
        run_calls();
        struct call *second = start_call(1, 10);
        run_calls();
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        const struct call *calls[] = { first, second };
        for (size_t i = 0; i < 2; i++) {
            bool is_well = calls[i]->status == WEFT_OK && calls[i]->code == 200 &&
                           (calls[i]->is_truncated || strcmp(calls[i]->answer, "fine") == 0);
            ck_assert_msg(is_well || calls[i]->failure[0] != '\0', "%zu", nth);
        }
        struct call *third = start_call(2, 10);
        run_calls();
        ck_assert_int_eq(third->code, 200);
        tear_down();
    }
    set_up();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_cancel_before_a_connection_is_not_unconfirmed,
        test_cancel_after_sending_closes_the_connection,
        test_cancel_half_written_closes_the_connection_and_forgets_the_bytes,
        test_free_ends_every_request_at_every_moment,
        test_a_client_is_made_whole_or_not,
        test_each_failing_allocation_ends_the_request,
    };
    return run_suite("http1_client_cancels", tests, WEFT_COUNT_OF(tests));
}
