/* The command line's GET against the real server and against answers made up to be wrong. */
#include <sys/ioctl.h>

#include "net/http1/get.h"
#include "net/http1_fixture.h"
#include "suite.h"

static struct weft_buffer body;
static struct weft_error error;
static int code;

static struct weft_endpoint server_endpoint(const char *host)
{
    struct weft_endpoint endpoint = { .port = ntohs(http1.address.sin_port) };
    snprintf(endpoint.host, sizeof endpoint.host, "%s", host);
    return endpoint;
}

static enum weft_status get(const struct weft_endpoint *endpoint, const char *target, size_t max_body_bytes)
{
    weft_buffer_clear(&body);
    error = WEFT_ERROR_NONE;
    code = 0;
    return weft_http1_get(
        endpoint, target,
        &(struct weft_http1_get_settings){ .timeout_ns = 5 * WEFT_NS_PER_S, .max_body_bytes = max_body_bytes }, &code,
        &body, &error);
}

START_TEST(test_get_brings_code_and_body)
{
    http1_start(&(struct weft_http1_server_settings){ 0 });
    static const char *const hosts[] = { "127.0.0.1", "localhost", "", "0.0.0.0", "::" };
    for (size_t i = 0; i < WEFT_COUNT_OF(hosts); i++) {
        struct weft_endpoint endpoint = server_endpoint(hosts[i]);
        ck_assert_msg(get(&endpoint, "/hello", 0) == WEFT_OK, "%s: %s", hosts[i], error.text);
        ck_assert_int_eq(code, 200);
        ck_assert(weft_slice_equal_text(weft_buffer_slice(&body), "hello\n"));
    }
    struct weft_endpoint endpoint = server_endpoint("127.0.0.1");
    ck_assert_int_eq(get(&endpoint, "/missing", 0), WEFT_OK);
    ck_assert_int_eq(code, 404);
    ck_assert_int_eq(get(&endpoint, "/target?a=b", 0), WEFT_OK);
    ck_assert(weft_slice_equal_text(weft_buffer_slice(&body), "GET /target?a=b"));
    ck_assert_int_eq(get(&endpoint, "/big", 0), WEFT_OK);
    ck_assert_uint_eq(body.length, 8 * 1024 * 1024);
    ck_assert_int_eq(get(&endpoint, "/big", 8 * 1024 * 1024 - 1), WEFT_LIMIT);
    http1_stop();
}
END_TEST

START_TEST(test_silence_times_out_and_nobody_is_an_error)
{
    http1_start(&(struct weft_http1_server_settings){ 0 });
    struct weft_endpoint endpoint = server_endpoint("127.0.0.1");
    ck_assert_int_eq(weft_http1_get(&endpoint, "/never",
                                    &(struct weft_http1_get_settings){ .timeout_ns = WEFT_NS_PER_MS * 20 }, &code,
                                    &body, &error),
                     WEFT_TIMEOUT);
    http1_stop();
    ck_assert_int_eq(get(&endpoint, "/hello", 0), WEFT_IO);
    ck_assert_ptr_nonnull(strstr(error.text, "refused"));
    struct weft_endpoint other = { .host = "example.com", .port = 80 };
    ck_assert_int_eq(get(&other, "/", 0), WEFT_INVALID);
    struct weft_endpoint secure = { .host = "127.0.0.1", .port = 80, .wants_tls = true };
    ck_assert_int_eq(get(&secure, "/", 0), WEFT_INVALID);
    struct weft_endpoint missing = { .host = "/tmp/weft-no-such-socket", .is_unix = true };
    ck_assert_int_eq(get(&missing, "/", 0), WEFT_IO);
}
END_TEST

struct fake {
    int listener;
    const char *answer;
};

static void answer_once(void *context)
{
    const struct fake *fake = context;
    int peer = accept(fake->listener, NULL, NULL);
    char request[1024];
    if (peer >= 0 && recv(peer, request, sizeof request, 0) > 0) {
        /* In two pieces, so that nothing relies on one. */
        size_t length = strlen(fake->answer), half = length / 2;
        if (send(peer, fake->answer, half, MSG_NOSIGNAL) == (ssize_t)half) {
            usleep(1000);
            ssize_t rest = send(peer, fake->answer + half, length - half, MSG_NOSIGNAL);
            (void)rest; /* a client that has already refused is gone */
        }
    }
    close(peer);
}

static const struct {
    const char *answer;
    enum weft_status status;
    const char *body;
} answers[] = {
    { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", WEFT_OK, "hi" },
    { "HTTP/1.1 200 OK\r\ncontent-length:  2 \r\n\r\nhi and more", WEFT_OK, "hi" },
    { "HTTP/1.0 200 OK\r\n\r\nuntil the end", WEFT_OK, "until the end" },
    { "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", WEFT_OK, "" },
    { "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhi", WEFT_IO, NULL },
    { "HTTP/1.1 200 OK\r\nContent-Le", WEFT_IO, NULL },
    { "", WEFT_IO, NULL },
    { "HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\nhi", WEFT_LIMIT, NULL },
    { "HTTP/1.0 200 OK\r\n\r\n01234567890123456789012345678901234567890123456789012345678901234567890123456789"
      "0123456789012345678901234567890123456789",
      WEFT_LIMIT, NULL },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", WEFT_INVALID, NULL },
    { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi", WEFT_INVALID, NULL },
    { "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nhi", WEFT_INVALID, NULL },
    { "HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999999\r\n\r\nhi", WEFT_INVALID, NULL },
    { "SSH-2.0-OpenSSH\r\n\r\n", WEFT_INVALID, NULL },
    { "HTTP/1.1 abc\r\nX: 1\r\n\r\n", WEFT_INVALID, NULL },
};

START_TEST(test_made_up_answers_over_a_unix_socket)
{
    char directory[] = "/tmp/weft-get-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(directory));
    struct weft_endpoint endpoint = { .is_unix = true };
    snprintf(endpoint.host, sizeof endpoint.host, "%s/socket", directory);
    int listener = -1;
    ck_assert_int_eq(weft_listen(&endpoint, 4, &listener, &error), WEFT_OK);
    int flags = 0;
    ck_assert_int_eq(ioctl(listener, FIONBIO, &flags), 0);
    for (size_t i = 0; i < WEFT_COUNT_OF(answers); i++) {
        struct fake fake = { listener, answers[i].answer };
        struct weft_thread *thread = weft_thread_start("fake", answer_once, &fake);
        enum weft_status status = get(&endpoint, "/", 100);
        weft_thread_join(thread);
        ck_assert_msg(status == answers[i].status, "%zu: %s %s", i, weft_status_name(status), error.text);
        if (status == WEFT_OK) {
            ck_assert(weft_slice_equal_text(weft_buffer_slice(&body), answers[i].body));
        }
    }
    for (size_t nth = 1;; nth++) {
        struct fake fake = { listener, answers[0].answer };
        struct weft_thread *thread = weft_thread_start("fake", answer_once, &fake);
        weft_buffer_fini(&body);
        weft_alloc_fail_at(nth);
        enum weft_status status = get(&endpoint, "/", 100);
        bool has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        weft_thread_join(thread);
        ck_assert_int_eq(status, has_failed ? WEFT_NOMEM : WEFT_OK);
        if (!has_failed) {
            break;
        }
    }
    close(listener);
    unlink(endpoint.host);
    rmdir(directory);
}
END_TEST

static void release(void)
{
    weft_buffer_fini(&body);
    http1_release();
}

int main(void)
{
    Suite *suite = suite_create("http1_client");
    TCase *tests = tcase_create("http1_client");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, NULL, release);
    tcase_add_test(tests, test_get_brings_code_and_body);
    tcase_add_test(tests, test_silence_times_out_and_nobody_is_an_error);
    tcase_add_test(tests, test_made_up_answers_over_a_unix_socket);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
