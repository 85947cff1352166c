/* The gRPC server behind TLS: a raw peer whose bytes go through a client transport. */
#include "grpc_server_test.h"
#include "net/tls/tls.h"
#include "net/transport.h"
#include "tls_files.h"

struct relay {
    struct weft_transport *client;
    int inner;
};

static bool is_alpn_optional, is_refused;
static struct relay relay;
static struct weft_tls_context *server_tls, *client_tls;

/* Moves what the raw peer wrote into TLS and what TLS decrypted to the raw peer, then lets the server work. */
static void relay_tick(void *context)
{
    (void)context;
    static uint8_t bytes[65536];
    size_t length;
    if (weft_transport_handshake(relay.client) == WEFT_IO_DONE) {
        ssize_t taken;
        while ((taken = recv(relay.inner, bytes, 16000, MSG_DONTWAIT)) > 0) {
            size_t sent = 0;
            while (sent < (size_t)taken) {
                struct iovec vector = { bytes + sent, (size_t)taken - sent };
                enum weft_io_result result = weft_transport_write(relay.client, &vector, 1, &length);
                if (result == WEFT_IO_FAILED) {
                    ck_assert(is_refused);
                    return;
                }
                sent += length;
                tick(NULL);
            }
        }
        while (weft_transport_read(relay.client, bytes, sizeof bytes, &length) == WEFT_IO_DONE) {
            ck_assert_int_eq(send(relay.inner, bytes, length, 0), (ssize_t)length);
        }
    }
    tick(NULL);
}

static void set_up_tls(const char *alpn)
{
    set_up();
    struct tls_identity authority = tls_issue(NULL, "Authority", NULL);
    struct tls_identity identity = tls_issue(&authority, "server", "DNS:weft.test");
    char *authority_pem = tls_certificate_pem(&authority), *pem = tls_certificate_pem(&identity),
         *key = tls_key_pem(&identity);
    struct weft_tls_settings server = {
        .is_server = true, .cert_pem = pem, .key_pem = key, .alpn = "h2", .is_alpn_optional = is_alpn_optional
    };
    struct weft_tls_settings client = { .ca_pem = authority_pem, .alpn = alpn };
    ck_assert_int_eq(weft_tls_context_new(&server, &server_tls, NULL), WEFT_OK);
    ck_assert_int_eq(weft_tls_context_new(&client, &client_tls, NULL), WEFT_OK);
    tls_identity_free(&authority);
    tls_identity_free(&identity);
    free(authority_pem);
    free(pem);
    free(key);
    world.server = weft_grpc_server_new(&world.net, &world.settings, world_methods, server_tls);
    int outer[2], inner[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, outer), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, inner), 0);
    weft_grpc_server_adopt(world.server, outer[0]);
    relay.client = weft_transport_tls(outer[1], client_tls, "weft.test");
    relay.inner = inner[0];
    world.peer = raw_peer_new(inner[1], relay_tick, NULL);
    raw_start(world.peer);
    raw_settle(world.peer);
}

static void tear_down_tls(void)
{
    weft_transport_free(relay.client);
    close(relay.inner);
    tear_down();
    weft_tls_context_free(server_tls);
    weft_tls_context_free(client_tls);
}

START_TEST(test_calls_work_over_tls)
{
    set_up_tls("h2");
    size_t total = 900000;
    uint8_t *body = malloc(total + 5);
    memset(body, 'x', total + 5);
    raw_message(body, 0, total, NULL, 0);
    world.expected = weft_slice_of(body + 5, total);
    for (int32_t id = 1; id < 7; id += 2) {
        raw_headers(world.peer, id, &usual, false);
        for (size_t at = 0; at < total + 5; at += 16000) {
            size_t left = total + 5 - at;
            raw_data(world.peer, id, body + at, left < 16000 ? left : 16000, left <= 16000);
            if (at / 16000 % 4 == 0) {
                relay_tick(NULL);
                raw_read(world.peer);
            }
        }
        raw_settle(world.peer);
        ck_assert_int_eq(raw_stream(world.peer, id)->grpc_status, 0);
    }
    ck_assert_uint_eq(world.call_count, 3);
    free(body);
    tear_down_tls();
}
END_TEST

START_TEST(test_pause_keeps_what_tls_has_decrypted)
{
    set_up_tls("h2");
    uint8_t body[64];
    weft_grpc_server_set_reading(world.server, false);
    raw_headers(world.peer, 1, &usual, false);
    raw_data(world.peer, 1, body, raw_message(body, 0, 4, "abcd", 4), true);
    raw_settle(world.peer);
    ck_assert_uint_eq(world.call_count, 0);
    weft_grpc_server_set_reading(world.server, true);
    raw_settle(world.peer);
    ck_assert_uint_eq(world.call_count, 1);
    ck_assert_int_eq(raw_stream(world.peer, 1)->grpc_status, 0);
    tear_down_tls();
}
END_TEST

START_TEST(test_wrong_protocol_is_refused_in_the_handshake)
{
    set_up_tls("http/1.1");
    ck_assert_int_eq(weft_transport_handshake(relay.client), WEFT_IO_FAILED);
    ck_assert_uint_eq(weft_grpc_server_connection_count(world.server), 0);
    ck_assert_uint_eq(counters()->connections_failed, 1);
    tear_down_tls();
}
END_TEST

/* As grpc-go does: it would be HTTP/1.1. */
START_TEST(test_no_protocol_is_refused_unless_told_otherwise)
{
    is_alpn_optional = _i == 1;
    is_refused = !is_alpn_optional;
    set_up_tls(NULL);
    uint8_t body[64];
    raw_headers(world.peer, 1, &usual, false);
    raw_data(world.peer, 1, body, raw_message(body, 0, 4, "abcd", 4), true);
    raw_settle(world.peer);
    ck_assert_uint_eq(world.call_count, is_alpn_optional);
    ck_assert_uint_eq(weft_grpc_server_connection_count(world.server), is_alpn_optional);
    ck_assert_uint_eq(counters()->connections_failed, !is_alpn_optional);
    tear_down_tls();
    is_alpn_optional = is_refused = false;
}
END_TEST

START_TEST(test_handshake_that_never_comes_is_cut_off)
{
    set_up_tls("h2");
    struct raw_peer *silent = connect_silent();
    raw_settle(silent);
    ck_assert_uint_eq(weft_grpc_server_connection_count(world.server), 2);
    advance(6 * WEFT_NS_PER_S);
    raw_settle(silent);
    ck_assert(silent->is_closed);
    ck_assert_uint_ge(counters()->connections_timed_out, 1);
    raw_peer_free(silent);
    tear_down_tls();
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("grpc_server_tls");
    tcase_add_test(tcase, test_calls_work_over_tls);
    tcase_add_test(tcase, test_pause_keeps_what_tls_has_decrypted);
    tcase_add_test(tcase, test_wrong_protocol_is_refused_in_the_handshake);
    tcase_add_loop_test(tcase, test_no_protocol_is_refused_unless_told_otherwise, 0, 2);
    tcase_add_test(tcase, test_handshake_that_never_comes_is_cut_off);
    return run_suite("grpc_server_tls", tcase);
}
