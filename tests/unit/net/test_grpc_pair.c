/* weft's gRPC client against weft's gRPC server: plain, TLS and compressed, bodies larger than the windows.
 */
#include "net/grpc/server.h"

#include "grpc_client_test.h"
#include "tls_files.h"

static struct weft_grpc_server *server;
static struct weft_watch *listener_watch;
static int listener;
static struct tls_identity authority, leaf;
static char *authority_pem, *certificate_pem, *key_pem;

static void on_echo(void *context, struct weft_grpc_server_call *call, struct weft_payload *own_message,
                    struct weft_payload *wire, enum weft_encoding wire_encoding)
{
    (void)wire;
    (void)wire_encoding;
    (void)context;
    bool is_right = true;
    for (size_t i = 0; i < own_message->length; i++) {
        is_right = is_right && own_message->bytes[i] == pattern_byte(i);
    }
    char text[32];
    snprintf(text, sizeof text, "%s %zu", is_right ? "right" : "wrong", own_message->length);
    weft_payload_unref(&own_message);
    weft_grpc_server_call_reply(call, weft_slice_of_text(text));
}

static void on_refuse(void *context, struct weft_grpc_server_call *call, struct weft_payload *own_message,
                      struct weft_payload *wire, enum weft_encoding wire_encoding)
{
    (void)wire;
    (void)wire_encoding;
    (void)context;
    weft_payload_unref(&own_message);
    weft_grpc_server_call_fail(call, 14, "100% full, caf\xC3\xA9", WEFT_SLICE_LITERAL("\x08\x0e"));
}

static const struct weft_grpc_server_method methods[] = { { "/test.Service/Call", on_echo, NULL },
                                                          { "/test.Service/Refuse", on_refuse, NULL },
                                                          { NULL, NULL, NULL } };

static void on_connection(void *context, unsigned readiness)
{
    (void)context;
    (void)readiness;
    int descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor >= 0) {
        weft_grpc_server_adopt(server, descriptor);
    }
}

static void start_weft_server(struct weft_tls_context *tls)
{
    const struct weft_grpc_server_settings settings = { .max_message_bytes = 16 << 20 };
    fake_listen(&bench.server);
    fake_stop_listening(&bench.server);
    const struct weft_endpoint endpoint = { .host = "127.0.0.1", .port = bench.server.port };
    ck_assert_int_eq(weft_listen(&endpoint, 16, &listener, NULL), WEFT_OK);
    server = weft_grpc_server_new(&bench.net, &settings, methods, tls);
    listener_watch = weft_watch_new(bench.loop, listener, WEFT_READABLE, on_connection, NULL);
}

static void stop_weft_server(void)
{
    weft_grpc_client_free(bench.client);
    bench.client = NULL;
    weft_watch_free(listener_watch);
    close(listener);
    weft_grpc_server_free(server);
}

static struct weft_tls_context *make_tls(bool is_server, const char *name_override)
{
    const struct weft_tls_settings settings = { .is_server = is_server,
                                                .alpn = "h2",
                                                .cert_pem = is_server ? certificate_pem : NULL,
                                                .key_pem = is_server ? key_pem : NULL,
                                                .ca_pem = is_server ? NULL : authority_pem,
                                                .server_name_override = name_override };
    struct weft_tls_context *tls = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_msg(weft_tls_context_new(&settings, &tls, &error) == WEFT_OK, "%s", error.text);
    return tls;
}

static void make_identities(void)
{
    authority = tls_issue(NULL, "test authority", NULL);
    leaf = tls_issue(&authority, "leaf", "IP:127.0.0.1,DNS:gateway.test");
    authority_pem = tls_certificate_pem(&authority);
    certificate_pem = tls_certificate_pem(&leaf);
    key_pem = tls_key_pem(&leaf);
}

static void free_identities(void)
{
    free(authority_pem);
    free(certificate_pem);
    free(key_pem);
    tls_identity_free(&leaf);
    tls_identity_free(&authority);
}

static void open_tls_channel(struct weft_tls_context *tls)
{
    snprintf(bench.settings.endpoint.host, sizeof bench.settings.endpoint.host, "127.0.0.1");
    bench.settings.endpoint.port = bench.server.port;
    bench.client = weft_grpc_client_new(&bench.net, &bench.settings, tls);
}

static void check_answers(void)
{
    static const size_t lengths[] = { 0, 1, 1000, 70000, 5 << 20 };
    for (size_t i = 0; i < WEFT_COUNT_OF(lengths); i++) {
        start_call(i, lengths[i], 50000, 20 * WEFT_NS_PER_S);
    }
    run_calls();
    for (size_t i = 0; i < WEFT_COUNT_OF(lengths); i++) {
        char expected[32];
        int length = snprintf(expected, sizeof expected, "right %zu", lengths[i]);
        ck_assert_str_eq(bench.calls[i].message, "");
        ck_assert_int_eq(bench.calls[i].grpc_status, 0);
        ck_assert_uint_eq(bench.calls[i].response_length, (size_t)length);
        ck_assert(memcmp(bench.calls[i].response, expected, (size_t)length) == 0);
    }
}

START_TEST(test_plain_calls_are_answered)
{
    start_weft_server(NULL);
    open_channel();
    check_answers();
    stop_weft_server();
}
END_TEST

START_TEST(test_failure_keeps_text_and_details)
{
    start_weft_server(NULL);
    open_channel();
    struct call *call = make_call(0, 10, 10, 0);
    call->request.path = "/test.Service/Refuse";
    weft_grpc_client_start(bench.client, &call->request);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 14);
    ck_assert_str_eq(call->message, "100% full, caf\xC3\xA9");
    ck_assert_uint_eq(call->details_length, 2);
    ck_assert(memcmp(call->details, "\x08\x0e", 2) == 0);
    call = make_call(1, 10, 10, 0);
    call->request.path = "/test.Service/None";
    weft_grpc_client_start(bench.client, &call->request);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 12);
    stop_weft_server();
}
END_TEST

START_TEST(test_compressed_request_is_answered)
{
    start_weft_server(NULL);
    open_channel();
    struct call *call = make_call(0, 300000, 1000, 0);
    struct weft_payload *deflated = NULL;
    ck_assert_int_eq(weft_deflate(bench.codec, WEFT_ENCODING_ZSTD, 0, call->slices, call->request.slice_count,
                                  bench.pool, &deflated, NULL),
                     WEFT_OK);
    const struct weft_slice slice = weft_payload_slice(deflated);
    call->request.slices = &slice;
    call->request.slice_count = 1;
    call->request.length = slice.length;
    call->request.encoding = WEFT_ENCODING_ZSTD;
    weft_grpc_client_start(bench.client, &call->request);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 0);
    ck_assert(memcmp(call->response, "right 300000", 12) == 0);
    weft_payload_unref(&deflated);
    stop_weft_server();
}
END_TEST

START_TEST(test_tls_calls_are_answered)
{
    make_identities();
    struct weft_tls_context *server_tls = make_tls(true, NULL);
    struct weft_tls_context *client_tls = make_tls(false, NULL);
    start_weft_server(server_tls);
    open_tls_channel(client_tls);
    check_answers();
    stop_weft_server();
    weft_tls_context_free(server_tls);
    weft_tls_context_free(client_tls);
    free_identities();
}
END_TEST

START_TEST(test_tls_wrong_name_is_unavailable)
{
    make_identities();
    struct weft_tls_context *server_tls = make_tls(true, NULL);
    struct weft_tls_context *client_tls = make_tls(false, "elsewhere.test");
    start_weft_server(server_tls);
    open_tls_channel(client_tls);
    struct call *call = start_call(0, 10, 10, 20 * WEFT_NS_PER_S);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 14);
    ck_assert(!call->is_unconfirmed);
    ck_assert_uint_eq(client_state().connect_failures, 1);
    stop_weft_server();
    weft_tls_context_free(server_tls);
    weft_tls_context_free(client_tls);
    free_identities();
}
END_TEST

/* Cancelled while TLS holds a record of it that the socket did not take. */
START_TEST(test_tls_cancelled_calls_leave_the_connection_in_step)
{
    make_identities();
    struct weft_tls_context *server_tls = make_tls(true, NULL);
    struct weft_tls_context *client_tls = make_tls(false, NULL);
    bench.settings.connection_count = 1;
    start_weft_server(server_tls);
    open_tls_channel(client_tls);
    for (unsigned round = 0; round < 20; round++) {
        struct call *cancelled = start_call(0, 8 << 20, 9001, 0);
        run_ticks(round % 7);
        weft_grpc_client_cancel(bench.client, &cancelled->request);
        struct call *call = start_call(1, 1000, 100, 20 * WEFT_NS_PER_S);
        run_calls();
        ck_assert_uint_eq(cancelled->done_count, 1);
        ck_assert_int_eq(call->grpc_status, 0);
        ck_assert(memcmp(call->response, "right 1000", 10) == 0);
    }
    ck_assert_uint_eq(client_state().connects, 1);
    stop_weft_server();
    weft_tls_context_free(server_tls);
    weft_tls_context_free(client_tls);
    free_identities();
}
END_TEST

START_TEST(test_server_drain_moves_calls)
{
    start_weft_server(NULL);
    open_channel();
    start_call(0, 10, 10, 0);
    run_calls();
    weft_grpc_server_drain(server, NULL, NULL);
    run_ticks(10);
    ck_assert_uint_eq(client_state().connections_ready, 0);
    weft_grpc_server_free(server);
    const struct weft_grpc_server_settings settings = { .max_message_bytes = 1 << 20 };
    server = weft_grpc_server_new(&bench.net, &settings, methods, NULL);
    struct call *call = start_call(1, 10, 10, 0);
    run_calls();
    ck_assert_int_eq(call->grpc_status, 0);
    stop_weft_server();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_plain_calls_are_answered,       test_failure_keeps_text_and_details,
        test_compressed_request_is_answered, test_tls_calls_are_answered,
        test_tls_wrong_name_is_unavailable,  test_tls_cancelled_calls_leave_the_connection_in_step,
        test_server_drain_moves_calls,
    };
    return run_suite("net/grpc_pair", tests, WEFT_COUNT_OF(tests));
}
