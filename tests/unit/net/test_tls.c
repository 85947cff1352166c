/* TLS contexts and transports against each other over a socket pair: who is trusted, what is agreed on, and bytes. */
#include "net/tls/tls.h"

#include <check.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "net/transport.h"
#include "suite.h"
#include "tls_files.h"

struct bed {
    struct tls_identity authority, other_authority, server, client, stranger;
    char *authority_pem, *server_pem, *server_key, *client_pem, *client_key, *stranger_pem, *stranger_key;
    char path[3][64];                     /* ca, cert, key */
    struct weft_tls_context *contexts[2]; /* client, server */
    struct weft_transport *ends[2];
};

static struct bed bed;

static void set_up(void)
{
    weft_log_configure(
        &(struct weft_log_config){ .level = WEFT_LOG_ERROR, .service = "test", .environment = "", .descriptor = 2 });
    memset(&bed, 0, sizeof bed);
    bed.authority = tls_issue(NULL, "Test Authority", NULL);
    bed.other_authority = tls_issue(NULL, "Other Authority", NULL);
    bed.server = tls_issue(&bed.authority, "server", "DNS:weft.test,IP:127.0.0.1");
    bed.client = tls_issue(&bed.authority, "client", NULL);
    bed.stranger = tls_issue(&bed.other_authority, "stranger", "DNS:weft.test");
    bed.authority_pem = tls_certificate_pem(&bed.authority);
    bed.server_pem = tls_certificate_pem(&bed.server);
    bed.server_key = tls_key_pem(&bed.server);
    bed.client_pem = tls_certificate_pem(&bed.client);
    bed.client_key = tls_key_pem(&bed.client);
    bed.stranger_pem = tls_certificate_pem(&bed.stranger);
    bed.stranger_key = tls_key_pem(&bed.stranger);
    for (int i = 0; i < 3; i++) {
        snprintf(bed.path[i], sizeof bed.path[i], "/tmp/weft-tls-%d-%d.pem", (int)getpid(), i);
    }
    tls_write_file(bed.path[0], bed.authority_pem);
    tls_write_file(bed.path[1], bed.server_pem);
    tls_write_file(bed.path[2], bed.server_key);
}

static void disconnect(void)
{
    for (int i = 0; i < 2; i++) {
        weft_transport_free(bed.ends[i]);
        weft_tls_context_free(bed.contexts[i]);
        bed.ends[i] = NULL;
        bed.contexts[i] = NULL;
    }
}

static void tear_down(void)
{
    disconnect();
    struct tls_identity *identities[] = { &bed.authority, &bed.other_authority, &bed.server, &bed.client,
                                          &bed.stranger };
    for (size_t i = 0; i < WEFT_COUNT_OF(identities); i++) {
        tls_identity_free(identities[i]);
    }
    char *texts[] = { bed.authority_pem, bed.server_pem,   bed.server_key,  bed.client_pem,
                      bed.client_key,    bed.stranger_pem, bed.stranger_key };
    for (size_t i = 0; i < WEFT_COUNT_OF(texts); i++) {
        free(texts[i]);
    }
    for (int i = 0; i < 3; i++) {
        unlink(bed.path[i]);
    }
}

static struct weft_tls_settings server_settings(void)
{
    return (struct weft_tls_settings){
        .is_server = true, .cert_pem = bed.server_pem, .key_pem = bed.server_key, .alpn = "h2"
    };
}

static struct weft_tls_settings client_settings(void)
{
    return (struct weft_tls_settings){ .ca_pem = bed.authority_pem, .alpn = "h2" };
}

static void open_ends(const char *peer_name)
{
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    bed.ends[0] = weft_transport_tls(pair[0], bed.contexts[0], peer_name);
    bed.ends[1] = weft_transport_tls(pair[1], bed.contexts[1], NULL);
}

static struct weft_tls_context *make(const struct weft_tls_settings *settings)
{
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_tls_context *context = NULL;
    ck_assert_msg(weft_tls_context_new(settings, &context, &error) == WEFT_OK, "%s", error.text);
    return context;
}

/* True if both ends agree; the texts of failed ends stay in the transports. */
static bool shake_hands(void)
{
    enum weft_io_result results[2] = { WEFT_IO_AGAIN, WEFT_IO_AGAIN };
    char byte;
    size_t length;
    for (int i = 0; i < 20; i++) {
        int end = i % 2;
        if (results[end] == WEFT_IO_AGAIN) {
            results[end] = weft_transport_handshake(bed.ends[end]);
        } else if (results[end] == WEFT_IO_DONE &&
                   weft_transport_read(bed.ends[end], &byte, 1, &length) == WEFT_IO_FAILED) {
            results[end] = WEFT_IO_FAILED; /* TLS 1.3: the server may refuse after the client was done */
        }
    }
    return results[0] == WEFT_IO_DONE && results[1] == WEFT_IO_DONE;
}

static bool agree(const struct weft_tls_settings *client, const struct weft_tls_settings *server, const char *peer_name)
{
    disconnect();
    bed.contexts[0] = make(client);
    bed.contexts[1] = make(server);
    open_ends(peer_name);
    return shake_hands();
}

START_TEST(test_trusted_server_with_the_right_name_is_accepted)
{
    set_up();
    struct weft_tls_settings client = client_settings(), server = server_settings();
    ck_assert(agree(&client, &server, "weft.test"));
    ck_assert(agree(&client, &server, "127.0.0.1"));
    ck_assert(!agree(&client, &server, "other.test"));
    ck_assert_msg(strstr(weft_transport_failure(bed.ends[0]), "hostname mismatch") != NULL, "%s",
                  weft_transport_failure(bed.ends[0]));
    ck_assert(!agree(&client, &server, "127.0.0.2"));
    client.server_name_override = "weft.test";
    ck_assert(agree(&client, &server, "other.test"));
    tear_down();
}
END_TEST

/* Its subject says who it is, but that is no name (RFC 9525 section 6.3; Go does not look there either). */
START_TEST(test_server_without_alternative_names_is_refused)
{
    set_up();
    struct weft_tls_settings client = client_settings(), server = server_settings();
    struct tls_identity nameless = tls_issue(&bed.authority, "weft.test", NULL);
    char *pem = tls_certificate_pem(&nameless), *key = tls_key_pem(&nameless);
    server.cert_pem = pem;
    server.key_pem = key;
    ck_assert(!agree(&client, &server, "weft.test"));
    tls_identity_free(&nameless);
    free(pem);
    free(key);
    tear_down();
}
END_TEST

START_TEST(test_unknown_authority_is_refused_unless_told_to_skip)
{
    set_up();
    struct weft_tls_settings client = client_settings(), server = server_settings();
    server.cert_pem = bed.stranger_pem;
    server.key_pem = bed.stranger_key;
    ck_assert(!agree(&client, &server, "weft.test"));
    ck_assert_ptr_nonnull(strstr(weft_transport_failure(bed.ends[0]), "unable to get local issuer"));
    client.insecure_skip_verify = true;
    ck_assert(agree(&client, &server, "weft.test"));
    client = (struct weft_tls_settings){ .alpn = "h2" }; /* the system's authorities do not know it either */
    ck_assert(!agree(&client, &server, "weft.test"));
    tear_down();
}
END_TEST

START_TEST(test_client_certificates_are_mandatory_when_asked_for)
{
    set_up();
    struct weft_tls_settings client = client_settings(), server = server_settings();
    server.client_ca_file = bed.path[0];
    ck_assert(!agree(&client, &server, "weft.test"));
    client.cert_pem = bed.stranger_pem;
    client.key_pem = bed.stranger_key;
    ck_assert(!agree(&client, &server, "weft.test"));
    client.cert_pem = bed.client_pem;
    client.key_pem = bed.client_key;
    ck_assert(agree(&client, &server, "weft.test"));
    tear_down();
}
END_TEST

/* Its clients are who client_ca_file says. */
START_TEST(test_a_servers_own_ca_file_makes_nobody_trusted)
{
    set_up();
    struct weft_tls_settings client = client_settings(), server = server_settings();
    char *other_pem = tls_certificate_pem(&bed.other_authority);
    server.client_ca_file = bed.path[0];
    server.ca_pem = other_pem;
    client.cert_pem = bed.stranger_pem;
    client.key_pem = bed.stranger_key;
    ck_assert(!agree(&client, &server, "weft.test"));
    client.cert_pem = bed.client_pem;
    client.key_pem = bed.client_key;
    ck_assert(agree(&client, &server, "weft.test"));
    free(other_pem);
    tear_down();
}
END_TEST

START_TEST(test_alpn_must_agree_unless_it_is_optional)
{
    set_up();
    struct weft_tls_settings client = client_settings(), server = server_settings();
    client.alpn = "http/1.1";
    ck_assert(!agree(&client, &server, "weft.test"));
    client.alpn = NULL;
    ck_assert(!agree(&client, &server, "weft.test"));
    ck_assert_ptr_nonnull(strstr(weft_transport_failure(bed.ends[1]), "the client did not agree to h2 (ALPN)"));
    server.is_alpn_optional = true;
    ck_assert(agree(&client, &server, "weft.test"));
    server.alpn = "http/1.1"; /* which is what a client speaks that says nothing */
    server.is_alpn_optional = false;
    ck_assert(agree(&client, &server, "weft.test"));
    client.alpn = "h2";
    server.alpn = NULL;
    ck_assert(!agree(&client, &server, "weft.test"));
    ck_assert_ptr_nonnull(strstr(weft_transport_failure(bed.ends[0]), "ALPN"));
    tear_down();
}
END_TEST

START_TEST(test_versions_and_suites_by_their_go_names)
{
    set_up();
    struct weft_tls_settings client = client_settings(), server = server_settings();
    client.max_version = "1.2";
    static const char *const gcm[] = { "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", NULL };
    static const char *const chacha[] = { "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", NULL };
    static const char *const curves[] = { "P384", "X25519", NULL };
    server.cipher_suites = gcm;
    server.curve_preferences = curves;
    client.cipher_suites = gcm;
    ck_assert(agree(&client, &server, "weft.test"));
    client.cipher_suites = chacha;
    ck_assert(!agree(&client, &server, "weft.test"));
    client.cipher_suites = NULL;
    server.min_version = "1.3";
    ck_assert(!agree(&client, &server, "weft.test"));
    client.max_version = "";
    ck_assert(agree(&client, &server, "weft.test"));
    tear_down();
}
END_TEST

static void assert_refused(struct weft_tls_settings settings, const char *part)
{
    struct weft_tls_context *context = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(weft_tls_context_new(&settings, &context, &error), WEFT_INVALID);
    ck_assert_ptr_null(context);
    ck_assert_msg(strstr(error.text, part) != NULL, "\"%s\" has no \"%s\"", error.text, part);
}

START_TEST(test_bad_settings_are_explained)
{
    set_up();
    static const char *const unknown[] = { "TLS_NO_SUCH", NULL };
    static const char *const weak[] = { "TLS_RSA_WITH_AES_128_CBC_SHA", NULL };
    static const char *const hybrid[] = { "X25519MLKEM768", NULL };
    static const char *const no_curve[] = { "P512", NULL };
    struct weft_tls_settings server = server_settings(), settings;
    settings = server;
    settings.min_version = "1.1";
    assert_refused(settings, "no longer safe");
    settings = server;
    settings.max_version = "2";
    assert_refused(settings, "not a version");
    settings = server;
    settings.min_version = "1.3";
    settings.max_version = "1.2";
    assert_refused(settings, "above");
    settings = server;
    settings.cipher_suites = unknown;
    assert_refused(settings, "TLS_NO_SUCH");
    settings = server;
    settings.cipher_suites = weak;
    assert_refused(settings, "forward-secret");
    settings = server;
    settings.curve_preferences = hybrid;
    assert_refused(settings, "OpenSSL 3.5");
    settings = server;
    settings.curve_preferences = no_curve;
    assert_refused(settings, "P512");
    settings = server;
    settings.key_pem = NULL;
    assert_refused(settings, "key");
    settings = server;
    settings.key_pem = bed.client_key;
    assert_refused(settings, "mismatch");
    settings = server;
    settings.client_ca_file = "/no/such/file";
    assert_refused(settings, "client_ca_file /no/such/file");
    settings = server;
    char *locked_key = tls_locked_key_pem(&bed.server, "secret");
    settings.key_pem = locked_key; /* nobody is asked at a terminal */
    assert_refused(settings, "key_pem");
    free(locked_key);
    settings = (struct weft_tls_settings){ .ca_pem = "not a certificate" };
    assert_refused(settings, "ca_pem");
    settings = server;
    settings.ca_pem = "not a certificate";
    assert_refused(settings, "ca_pem");
    assert_refused((struct weft_tls_settings){ .is_server = true }, "a server needs");
    tear_down();
}
END_TEST

START_TEST(test_reload_serves_new_connections_and_keeps_what_is_good)
{
    set_up();
    struct weft_tls_settings client = client_settings(), server = server_settings();
    server.cert_pem = server.key_pem = NULL;
    server.cert_file = bed.path[1];
    server.key_file = bed.path[2];
    ck_assert(agree(&client, &server, "weft.test"));
    struct weft_transport *old[2] = { bed.ends[0], bed.ends[1] };
    tls_write_file(bed.path[1], "broken");
    weft_log_configure(
        &(struct weft_log_config){ .level = WEFT_LOG_ERROR, .service = "test", .environment = "", .descriptor = 2 });
    weft_tls_context_reload(bed.contexts[1], true);
    open_ends("weft.test");
    ck_assert(shake_hands());
    weft_transport_free(bed.ends[0]);
    weft_transport_free(bed.ends[1]);
    tls_write_file(bed.path[1], bed.stranger_pem);
    tls_write_file(bed.path[2], bed.stranger_key);
    weft_tls_context_reload(bed.contexts[1], false); /* no interval: not due */
    open_ends("weft.test");
    ck_assert(shake_hands());
    weft_transport_free(bed.ends[0]);
    weft_transport_free(bed.ends[1]);
    weft_tls_context_reload(bed.contexts[1], true);
    open_ends("weft.test");
    ck_assert(!shake_hands());
    /* The first connection still works. */
    struct iovec vector = { (void *)"still", 5 };
    char bytes[8];
    size_t length;
    ck_assert_int_eq(weft_transport_write(old[1], &vector, 1, &length), WEFT_IO_DONE);
    ck_assert_int_eq(weft_transport_read(old[0], bytes, sizeof bytes, &length), WEFT_IO_DONE);
    ck_assert_uint_eq(length, 5);
    weft_transport_free(old[0]);
    weft_transport_free(old[1]);
    tear_down();
}
END_TEST

/* Beside what is in use, until it is said to take over; and what does not load is reported. */
START_TEST(test_renewal_takes_over_when_it_is_told_to)
{
    set_up();
    struct weft_tls_settings client = client_settings(), server = server_settings();
    server.cert_pem = server.key_pem = NULL;
    server.cert_file = bed.path[1];
    server.key_file = bed.path[2];
    ck_assert(agree(&client, &server, "weft.test"));
    struct weft_error error = WEFT_ERROR_NONE;
    tls_write_file(bed.path[1], "broken");
    ck_assert(weft_tls_context_renew(bed.contexts[1], &error) == WEFT_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, "cert_file"));
    weft_tls_context_end_renewal(bed.contexts[1], true); /* there is nothing to take over */
    tls_write_file(bed.path[1], bed.stranger_pem);
    tls_write_file(bed.path[2], bed.stranger_key);
    for (int is_used = 0; is_used <= 1; is_used++) {
        ck_assert(weft_tls_context_renew(bed.contexts[1], &error) == WEFT_OK);
        weft_transport_free(bed.ends[0]);
        weft_transport_free(bed.ends[1]);
        open_ends("weft.test");
        ck_assert(shake_hands());
        weft_tls_context_end_renewal(bed.contexts[1], is_used == 1);
        weft_transport_free(bed.ends[0]);
        weft_transport_free(bed.ends[1]);
        open_ends("weft.test");
        ck_assert_int_eq(shake_hands(), is_used == 0);
    }
    ck_assert(weft_tls_context_renew(NULL, &error) == WEFT_OK);
    weft_tls_context_end_renewal(NULL, true);
    tear_down();
}
END_TEST

/* Whoever takes an authority out of the file wants its clients out, without a reload_interval too. */
START_TEST(test_client_authorities_are_read_again_when_their_file_changes)
{
    for (int is_watched = 0; is_watched <= 1; is_watched++) {
        set_up();
        struct weft_tls_settings client = client_settings(), server = server_settings();
        server.client_ca_file = bed.path[0];
        server.client_ca_file_reload = is_watched == 1;
        client.cert_pem = bed.client_pem;
        client.key_pem = bed.client_key;
        ck_assert(agree(&client, &server, "weft.test"));
        static const char *const broken = "broken";
        char *other = tls_certificate_pem(&bed.other_authority);
        const char *contents[] = { broken, other, bed.authority_pem };
        bool is_accepted[] = { true, !is_watched, true };
        for (size_t i = 0; i < WEFT_COUNT_OF(contents); i++) {
            char next[sizeof bed.path[0] + 8];
            snprintf(next, sizeof next, "%s.next", bed.path[0]);
            tls_write_file(next, contents[i]);
            ck_assert_int_eq(rename(next, bed.path[0]), 0);
            bool was_accepted;
            size_t tries = 0;
            do { /* a file that takes long to be read is used for the next connection */
                weft_transport_free(bed.ends[0]);
                weft_transport_free(bed.ends[1]);
                open_ends("weft.test");
                was_accepted = shake_hands();
            } while (was_accepted != is_accepted[i] && ++tries < 100);
            ck_assert_msg(was_accepted == is_accepted[i], "%d, file %zu", is_watched, i);
        }
        free(other);
        tear_down();
    }
}
END_TEST

static uint8_t pattern(uint64_t at)
{
    return (uint8_t)(at * 31 >> 3);
}

/* Vectors of all sizes through a socket that is often full; the bytes arrive whole and in order, then an orderly end.
 */
START_TEST(test_bytes_survive_short_writes_and_the_end_is_seen)
{
    set_up();
    struct weft_tls_settings client = client_settings(), server = server_settings();
    ck_assert(agree(&client, &server, "weft.test"));
    enum { TOTAL = 3000000 };
    uint8_t *sent = malloc(TOTAL), *taken = malloc(200000);
    for (size_t i = 0; i < TOTAL; i++) {
        sent[i] = pattern(i);
    }
    size_t written = 0, received = 0, stalls = 0;
    while (received < TOTAL) {
        struct iovec vectors[64];
        size_t count = 0, at = written;
        for (; count < 64 && at < TOTAL; count++) {
            size_t piece = (at * 7919) % 50 == 0 ? 40000 : 1 + at % 700;
            piece = piece > TOTAL - at ? TOTAL - at : piece;
            vectors[count] = (struct iovec){ sent + at, piece };
            at += piece;
        }
        size_t length = 0;
        if (count > 0) {
            enum weft_io_result result = weft_transport_write(bed.ends[0], vectors, count, &length);
            ck_assert_int_ne(result, WEFT_IO_FAILED);
            stalls += result == WEFT_IO_AGAIN;
            written += length;
        }
        if (length == 0) {
            while (weft_transport_read(bed.ends[1], taken, 1 + received % 200000, &length) == WEFT_IO_DONE) {
                ck_assert_mem_eq(taken, sent + received, length);
                received += length;
            }
        }
    }
    ck_assert_uint_gt(stalls, 3);
    ck_assert_uint_eq(written, TOTAL);
    weft_transport_free(bed.ends[0]);
    bed.ends[0] = NULL;
    size_t length;
    ck_assert_int_eq(weft_transport_read(bed.ends[1], taken, 10, &length), WEFT_IO_END);
    struct iovec vector = { sent, 10 };
    ck_assert_int_eq(weft_transport_write(bed.ends[1], &vector, 1, &length), WEFT_IO_FAILED);
    free(sent);
    free(taken);
    tear_down();
}
END_TEST

START_TEST(test_bytes_in_the_library_are_known_about)
{
    set_up();
    struct weft_tls_settings client = client_settings(), server = server_settings();
    ck_assert(agree(&client, &server, "weft.test"));
    struct iovec vector = { (void *)"0123456789", 10 };
    char bytes[10];
    size_t length;
    ck_assert_int_eq(weft_transport_write(bed.ends[0], &vector, 1, &length), WEFT_IO_DONE);
    ck_assert_int_eq(weft_transport_read(bed.ends[1], bytes, 4, &length), WEFT_IO_DONE);
    ck_assert(weft_transport_has_buffered(bed.ends[1]));
    ck_assert_int_eq(weft_transport_read(bed.ends[1], bytes, 10, &length), WEFT_IO_DONE);
    ck_assert_uint_eq(length, 6);
    ck_assert(!weft_transport_has_buffered(bed.ends[1]));
    tear_down();
}
END_TEST

START_TEST(test_plaintext_and_noise_fail_with_a_reason)
{
    set_up();
    struct weft_tls_settings server = server_settings();
    bed.contexts[1] = make(&server);
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    bed.ends[1] = weft_transport_tls(pair[1], bed.contexts[1], NULL);
    char bytes[8];
    size_t length;
    ck_assert_int_eq(weft_transport_read(bed.ends[1], bytes, 8, &length), WEFT_IO_AGAIN);
    ck_assert_int_eq(weft_transport_handshake(bed.ends[1]), WEFT_IO_AGAIN);
    ck_assert_uint_ne(weft_transport_interest(bed.ends[1]), 0);
    ck_assert_int_eq(write(pair[0], "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24), 24);
    ck_assert_int_eq(weft_transport_handshake(bed.ends[1]), WEFT_IO_FAILED);
    ck_assert_ptr_nonnull(strstr(weft_transport_failure(bed.ends[1]), "TLS handshake"));
    close(pair[0]);
    tear_down();
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("tls");
    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, test_trusted_server_with_the_right_name_is_accepted);
    tcase_add_test(tcase, test_server_without_alternative_names_is_refused);
    tcase_add_test(tcase, test_unknown_authority_is_refused_unless_told_to_skip);
    tcase_add_test(tcase, test_client_certificates_are_mandatory_when_asked_for);
    tcase_add_test(tcase, test_a_servers_own_ca_file_makes_nobody_trusted);
    tcase_add_test(tcase, test_alpn_must_agree_unless_it_is_optional);
    tcase_add_test(tcase, test_versions_and_suites_by_their_go_names);
    tcase_add_test(tcase, test_bad_settings_are_explained);
    tcase_add_test(tcase, test_renewal_takes_over_when_it_is_told_to);
    tcase_add_test(tcase, test_reload_serves_new_connections_and_keeps_what_is_good);
    tcase_add_test(tcase, test_client_authorities_are_read_again_when_their_file_changes);
    tcase_add_test(tcase, test_bytes_survive_short_writes_and_the_end_is_seen);
    tcase_add_test(tcase, test_bytes_in_the_library_are_known_about);
    tcase_add_test(tcase, test_plaintext_and_noise_fail_with_a_reason);
    Suite *suite = suite_create("tls");
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
