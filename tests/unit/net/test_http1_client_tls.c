/* The HTTP/1.1 client over TLS. */
#include "http1_client_test.h"
#include "tls_files.h"

static void set_up_tls(const char *names, const char *server_alpn, const char *client_alpn)
{
    struct tls_identity authority = tls_issue(NULL, "Test Authority", NULL);
    struct tls_identity identity = tls_issue(&authority, "server", names);
    char *authority_pem = tls_certificate_pem(&authority), *certificate_pem = tls_certificate_pem(&identity);
    char *key_pem = tls_key_pem(&identity);
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_tls_settings server = {
        .cert_pem = certificate_pem, .key_pem = key_pem, .is_server = true, .alpn = server_alpn
    };
    struct weft_tls_settings client = { .ca_pem = authority_pem, .alpn = client_alpn };
    ck_assert_msg(weft_tls_context_new(&server, &bench.server_tls, &error) == WEFT_OK, "%s", error.text);
    ck_assert_msg(weft_tls_context_new(&client, &bench.client_tls, &error) == WEFT_OK, "%s", error.text);
    free(authority_pem);
    free(certificate_pem);
    free(key_pem);
    tls_identity_free(&authority);
    tls_identity_free(&identity);
}

START_TEST(test_tls_carries_large_requests_and_keeps_the_connection)
{
    set_up_tls("IP:127.0.0.1", "http/1.1", "http/1.1");
    bench.receive_buffer_bytes = 4096;
    start_server(answer_ok);
    open_channel();
    for (size_t i = 0; i < 3; i++) {
        struct call *call = make_call(i, 500 * 1024, 50, 0);
        start_made(call);
        run_calls();
        ck_assert_msg(call->code == 200, "%s", call->failure);
    }
    ck_assert_uint_eq(bench.peer_count, 1);
}
END_TEST

START_TEST(test_server_without_alpn_speaks_http1)
{
    set_up_tls("IP:127.0.0.1", NULL, "http/1.1");
    start_server(answer_ok);
    open_channel();
    struct call *call = start_call(0, 10);
    run_calls();
    ck_assert_msg(call->code == 200, "%s", call->failure);
}
END_TEST

START_TEST(test_wrong_name_is_refused)
{
    set_up_tls("DNS:elsewhere.test", "http/1.1", "http/1.1");
    start_server(answer_ok);
    open_channel();
    struct call *call = start_call(0, 10);
    run_calls();
    expect_failure(call, WEFT_IO, "TLS handshake", false);
    ck_assert_uint_eq(bench.request_count, 0);
}
END_TEST

START_TEST(test_cancel_half_written_over_tls_forgets_the_bytes)
{
    set_up_tls("IP:127.0.0.1", "http/1.1", "http/1.1");
    cancel_half_written();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_tls_carries_large_requests_and_keeps_the_connection,
        test_server_without_alpn_speaks_http1,
        test_wrong_name_is_refused,
        test_cancel_half_written_over_tls_forgets_the_bytes,
    };
    return run_suite("http1_client_tls", tests, WEFT_COUNT_OF(tests));
}
