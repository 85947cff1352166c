/* The HTTP/1 server behind TLS: bytes that only the TLS library knows of are not forgotten. */
#include <openssl/ssl.h>

#include "net/http1_fixture.h"
#include "net/tls_files.h"
#include "suite.h"

#define H "Host: a\r\n"

static char *certificate_pem, *key_pem;
static SSL_CTX *client_context;

static void set_up(void)
{
    struct tls_identity identity = tls_issue(NULL, "server", NULL);
    certificate_pem = tls_certificate_pem(&identity);
    key_pem = tls_key_pem(&identity);
    tls_identity_free(&identity);
    struct weft_tls_settings settings = {
        .cert_pem = certificate_pem, .key_pem = key_pem, .is_server = true, .alpn = "http/1.1"
    };
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_msg(weft_tls_context_new(&settings, &http1_tls, &error) == WEFT_OK, "%s", error.text);
    client_context = SSL_CTX_new(TLS_client_method());
}

static void tear_down(void)
{
    weft_tls_context_free(http1_tls);
    http1_tls = NULL;
    SSL_CTX_free(client_context);
    free(certificate_pem);
    free(key_pem);
    http1_release();
}

static SSL *connect_tls(void)
{
    SSL *session = SSL_new(client_context);
    SSL_set_fd(session, http1_connect());
    ck_assert_int_eq(SSL_connect(session), 1);
    return session;
}

static void disconnect_tls(SSL *session)
{
    close(SSL_get_fd(session));
    SSL_free(session);
}

static void expect_text(SSL *session, const char *text)
{
    char received[1024];
    size_t length = 0;
    while (length < strlen(text) || memcmp(received + length - strlen(text), text, strlen(text)) != 0) {
        ck_assert_uint_lt(length, sizeof received);
        int count = SSL_read(session, received + length, 1);
        ck_assert_int_eq(count, 1);
        length += (size_t)count;
    }
}

START_TEST(test_pipelined_requests_in_one_record_are_all_answered)
{
    http1_start(&(struct weft_http1_server_settings){ 0 });
    SSL *session = connect_tls();
    static const char requests[] = "GET /hello HTTP/1.1\r\n" H "\r\nGET /later HTTP/1.1\r\n" H "\r\n"
                                   "POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc";
    ck_assert_int_eq(SSL_write(session, requests, sizeof requests - 1), sizeof requests - 1);
    expect_text(session, "\r\n\r\nhello\n");
    expect_text(session, "\r\n\r\nlater\n");
    expect_text(session, "\r\n\r\nabc");
    disconnect_tls(session);
    http1_stop();
}
END_TEST

START_TEST(test_large_body_and_answer_pass)
{
    http1_start(&(struct weft_http1_server_settings){ 0 });
    SSL *session = connect_tls();
    static uint8_t body[1000000];
    static const char head[] = "POST /echo HTTP/1.1\r\n" H "Content-Length: 1000000\r\n\r\n";
    for (size_t i = 0; i < sizeof body; i++) {
        body[i] = (uint8_t)(i * 2654435761U >> 24);
    }
    ck_assert_int_eq(SSL_write(session, head, sizeof head - 1), sizeof head - 1);
    ck_assert_int_eq(SSL_write(session, body, sizeof body), sizeof body);
    expect_text(session, "\r\n\r\n");
    for (size_t at = 0; at < sizeof body;) {
        uint8_t piece[16384];
        int count = SSL_read(session, piece, sizeof piece);
        ck_assert_int_gt(count, 0);
        ck_assert_mem_eq(piece, body + at, (size_t)count);
        at += (size_t)count;
    }
    disconnect_tls(session);
    http1_stop();
}
END_TEST

START_TEST(test_refusal_is_read_before_the_end)
{
    http1_start(&(struct weft_http1_server_settings){ 0 });
    SSL *session = connect_tls();
    ck_assert_int_eq(SSL_write(session, "GET\r\n\r\n", 7), 7);
    expect_text(session, "HTTP/1.1 400 Bad Request\r\n");
    char rest[1024];
    int count;
    while ((count = SSL_read(session, rest, sizeof rest)) > 0) {
    }
    ck_assert_int_eq(SSL_get_error(session, count), SSL_ERROR_ZERO_RETURN);
    disconnect_tls(session);
    http1_stop();
}
END_TEST

START_TEST(test_handshake_that_stalls_or_is_none_ends)
{
    http1_start(&(struct weft_http1_server_settings){ .header_timeout_ns = 30 * WEFT_NS_PER_MS });
    int silent = http1_connect();
    http1_expect_end(silent);
    int plain = http1_connect();
    http1_send_text(plain, "GET /hello HTTP/1.1\r\n" H "\r\n");
    char bytes[256];
    while (recv(plain, bytes, sizeof bytes, 0) > 0) { /* a TLS alert may come first */
    }
    close(plain);
    http1_stop();
    ck_assert_uint_eq(http1.counters.connections_timed_out, 1);
    ck_assert_uint_eq(http1.counters.requests, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http1_tls");
    TCase *tests = tcase_create("http1_tls");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, test_pipelined_requests_in_one_record_are_all_answered);
    tcase_add_test(tests, test_large_body_and_answer_pass);
    tcase_add_test(tests, test_refusal_is_read_before_the_end);
    tcase_add_test(tests, test_handshake_that_stalls_or_is_none_ends);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
