/* What a TLS server does before its client's first record is whole: nothing, and it is not woken up either. */
#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loop.h"
#include "net/tls/tls.h"
#include "net/transport.h"
#include "suite.h"
#include "tls_files.h"

struct bed {
    uint8_t hello[4096];
    size_t hello_length;
    struct weft_tls_context *context; /* of the server */
    struct weft_transport *server;
    int client;
};

static struct weft_tls_context *make_context(const struct weft_tls_settings *settings)
{
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_tls_context *context = NULL;
    ck_assert_msg(weft_tls_context_new(settings, &context, &error) == WEFT_OK, "%s", error.text);
    return context;
}

static void take_hello(struct bed *bed)
{
    struct weft_tls_context *context = make_context(&(struct weft_tls_settings){ .insecure_skip_verify = true });
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    struct weft_transport *client = weft_transport_tls(pair[0], context, "weft.test");
    ck_assert_int_eq(weft_transport_handshake(client), WEFT_IO_AGAIN);
    ssize_t length = recv(pair[1], bed->hello, sizeof bed->hello, 0);
    ck_assert_int_gt(length, 100);
    bed->hello_length = (size_t)length;
    weft_transport_free(client);
    weft_tls_context_free(context);
    close(pair[1]);
}

/* The bed has the client's end, the server the other one. */
static void set_up(struct bed *bed, const int pair[2])
{
    struct tls_identity authority = tls_issue(NULL, "Test Authority", NULL);
    struct tls_identity identity = tls_issue(&authority, "server", "DNS:weft.test");
    char *certificate = tls_certificate_pem(&identity), *key = tls_key_pem(&identity);
    take_hello(bed);
    bed->context =
        make_context(&(struct weft_tls_settings){ .is_server = true, .cert_pem = certificate, .key_pem = key });
    bed->server = weft_transport_tls(pair[1], bed->context, NULL);
    bed->client = pair[0];
    free(certificate);
    free(key);
    tls_identity_free(&identity);
    tls_identity_free(&authority);
}

static void tear_down(struct bed *bed)
{
    weft_transport_free(bed->server);
    weft_tls_context_free(bed->context);
    close(bed->client);
}

/* A socket that tells when so many bytes are there; pairs of unix sockets do not. */
static void connect_over_tcp(int pair[2])
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, length), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    pair[0] = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(pair[0], (struct sockaddr *)&address, length), 0);
    pair[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    ck_assert_int_ge(pair[1], 0);
    close(listener);
}

static bool is_readable(int descriptor, int timeout_ms)
{
    struct pollfd poller = { .fd = descriptor, .events = POLLIN };
    return poll(&poller, 1, timeout_ms) == 1;
}

static bool server_is_readable(const struct bed *bed, int timeout_ms)
{
    return is_readable(weft_transport_descriptor(bed->server), timeout_ms);
}

START_TEST(test_a_client_is_heard_when_its_first_record_is_whole)
{
    struct bed bed;
    int pair[2];
    connect_over_tcp(pair);
    set_up(&bed, pair);
    const struct {
        size_t end;
        bool wakes;
    } pieces[] = { { 1, true }, { 5, true }, { bed.hello_length - 1, false }, { bed.hello_length, true } };
    size_t sent = 0;
    for (size_t i = 0; i < WEFT_COUNT_OF(pieces); i++) {
        size_t length = pieces[i].end - sent;
        ck_assert(!weft_transport_has_heard(bed.server));
        ck_assert_int_eq(send(bed.client, bed.hello + sent, length, 0), (ssize_t)length);
        sent = pieces[i].end;
        if (pieces[i].wakes) {
            ck_assert(server_is_readable(&bed, 5000));
            ck_assert_int_eq(weft_transport_handshake(bed.server), WEFT_IO_AGAIN);
            ck_assert_int_eq(weft_transport_interest(bed.server), WEFT_READABLE);
        }
        ck_assert(!server_is_readable(&bed, 0));
    }
    ck_assert(weft_transport_has_heard(bed.server));
    ck_assert(is_readable(bed.client, 5000)); /* it answers */
    ck_assert_int_eq(send(bed.client, bed.hello, 1, 0), 1);
    ck_assert(server_is_readable(&bed, 5000)); /* and is woken up by every byte from now on */
    tear_down(&bed);
}
END_TEST

/* Neither an end nor a socket that does not wait for the rest leaves the loop turning. */
START_TEST(test_half_a_record_is_not_looked_at_for_ever)
{
    for (int is_ended = 0; is_ended < 2; is_ended++) {
        struct bed bed;
        int pair[2];
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
        set_up(&bed, pair);
        ssize_t half = (ssize_t)bed.hello_length / 2;
        ck_assert_int_eq(send(bed.client, bed.hello, (size_t)half, 0), half);
        ck_assert(!is_ended || shutdown(bed.client, SHUT_WR) == 0);
        enum weft_io_result result = WEFT_IO_AGAIN;
        for (int looks = 0; looks < 6 && result == WEFT_IO_AGAIN && server_is_readable(&bed, 0); looks++) {
            result = weft_transport_handshake(bed.server);
        }
        ck_assert_int_eq(result, is_ended ? WEFT_IO_FAILED : WEFT_IO_AGAIN);
        ck_assert(weft_transport_has_heard(bed.server));
        ck_assert_int_eq(server_is_readable(&bed, 0), is_ended);
        tear_down(&bed);
    }
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("tls hello");
    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, test_a_client_is_heard_when_its_first_record_is_whole);
    tcase_add_test(tcase, test_half_a_record_is_not_looked_at_for_ever);
    Suite *suite = suite_create("tls hello");
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
