/* Endpoints as configs write them, and listening on them. */
#include "net/address.h"
#include "suite.h"

#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>
#include <unistd.h>

static const struct good {
    const char *text;
    uint16_t default_port;
    const char *host;
    uint16_t port;
    bool is_unix, has_scheme, wants_tls;
} good[] = {
    { "127.0.0.1:4317", 0, "127.0.0.1", 4317, false, false, false },
    { "localhost:4317", 1, "localhost", 4317, false, false, false },
    { ":4318", 0, "", 4318, false, false, false },
    { "[::1]:4317", 0, "::1", 4317, false, false, false },
    { "[fe80::1%lo]:1", 0, "fe80::1%lo", 1, false, false, false },
    { "collector", 4317, "collector", 4317, false, false, false },
    { "[::]", 4317, "::", 4317, false, false, false },
    { "http://api.example.com:443", 0, "api.example.com", 443, false, true, false },
    { "https://api.example.com", 443, "api.example.com", 443, false, true, true },
    { "https://api.example.com:4317/", 443, "api.example.com", 4317, false, true, true },
    { "dns:///tempo.svc_a:4317", 0, "tempo.svc_a", 4317, false, true, false },
    { "dns://8.8.8.8/tempo:4317", 0, "tempo", 4317, false, true, false },
    { "dns://[::1]:53/[::2]:4317", 0, "::2", 4317, false, true, false },
    { "passthrough:///10.0.0.1:4317", 0, "10.0.0.1", 4317, false, true, false },
    { "unix:/run/weft.sock", 0, "/run/weft.sock", 0, true, true, false },
    { "unix:///run/weft.sock", 0, "/run/weft.sock", 0, true, true, false },
    { "0.0.0.0:0", 0, "0.0.0.0", 0, false, false, false },
    { "host:65535", 0, "host", 65535, false, false, false },
};

START_TEST(test_endpoints_are_understood)
{
    const struct good *row = &good[_i];
    struct weft_endpoint endpoint;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_msg(weft_endpoint_parse(row->text, row->default_port, &endpoint, &error) == WEFT_OK, "%s: %s", row->text,
                  error.text);
    ck_assert_str_eq(endpoint.host, row->host);
    ck_assert_uint_eq(endpoint.port, row->port);
    ck_assert(endpoint.is_unix == row->is_unix && endpoint.has_scheme == row->has_scheme &&
              endpoint.wants_tls == row->wants_tls);
}
END_TEST

static const struct bad {
    const char *text, *part;
} bad[] = {
    { "", "host:port" },
    { "localhost", "host:port" },
    { ":", "port \"\"" },
    { "host:", "port \"\"" },
    { "host:65536", "65536" },
    { "host:123456", "123456" },
    { "host:12x", "12x" },
    { "host:-1", "-1" },
    { "::1:4317", "brackets" },
    { "[::1:4317", "']' is missing" },
    { "[::1]x", "may follow" },
    { "http://host:4317/path", "/path" },
    { "ho st:1", "host:port" },
    { "user:word@host:1", "user name" },
    { "dns:///user:word@host:1", "user name" },
    { "https://user:word@host", "user name" },
    { "ftp://host:1", "brackets" },
    { "unix:", "socket path" },
    { "unix:/a/very/long/path/that/does/not/fit/into/the/address/of/a/unix/socket/which/has/one/hundred/and/eight/"
      "bytes/only",
      "at most" },
};

START_TEST(test_bad_endpoints_are_explained)
{
    struct weft_endpoint endpoint = { .port = 77 };
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_msg(weft_endpoint_parse(bad[_i].text, 0, &endpoint, &error) == WEFT_INVALID, "%s", bad[_i].text);
    ck_assert_msg(strstr(error.text, bad[_i].part) != NULL, "%s", error.text);
    ck_assert_ptr_null(strstr(error.text, "word"));
    ck_assert_uint_eq(endpoint.port, 77);
}
END_TEST

START_TEST(test_overlong_hosts_are_refused)
{
    char text[400];
    memset(text, 'a', sizeof text);
    strcpy(text + 300, ":1");
    struct weft_endpoint endpoint;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(weft_endpoint_parse(text, 0, &endpoint, &error), WEFT_INVALID);
}
END_TEST

static struct weft_endpoint parsed(const char *text)
{
    struct weft_endpoint endpoint;
    ck_assert_int_eq(weft_endpoint_parse(text, 0, &endpoint, NULL), WEFT_OK);
    return endpoint;
}

static const struct family {
    const char *text;
    int family;
    const char *host; /* NULL: refused */
} families[] = {
    { ":1", AF_INET, "0.0.0.0" },
    { ":1", AF_INET6, "::" },
    { "localhost:1", AF_INET, "127.0.0.1" },
    { "localhost:1", AF_INET6, "::1" },
    { "10.0.0.1:1", AF_INET, "10.0.0.1" },
    { "10.0.0.1:1", AF_INET6, NULL },
    { "[::1]:1", AF_INET6, "::1" },
    { "[::1]:1", AF_INET, NULL },
    { "node:1", AF_INET, "node" },
};

START_TEST(test_family_of_a_listener)
{
    struct weft_endpoint endpoint;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(weft_endpoint_parse(families[_i].text, 0, &endpoint, &error), WEFT_OK);
    enum weft_status status = weft_endpoint_set_family(&endpoint, families[_i].family, &error);
    ck_assert_int_eq(status, families[_i].host == NULL ? WEFT_INVALID : WEFT_OK);
    if (families[_i].host != NULL) {
        ck_assert_str_eq(endpoint.host, families[_i].host);
    }
}
END_TEST

START_TEST(test_literals_need_no_name_service)
{
    struct sockaddr_storage address;
    socklen_t length;
    struct weft_endpoint endpoint = parsed("10.1.2.3:80");
    ck_assert_int_eq(weft_endpoint_literal(&endpoint, &address, &length), WEFT_OK);
    ck_assert_int_eq(address.ss_family, AF_INET);
    ck_assert_uint_eq(ntohs(((struct sockaddr_in *)&address)->sin_port), 80);
    endpoint = parsed("[fe80::1%lo]:81");
    ck_assert_int_eq(weft_endpoint_literal(&endpoint, &address, &length), WEFT_OK);
    ck_assert_uint_gt(((struct sockaddr_in6 *)&address)->sin6_scope_id, 0);
    endpoint = parsed("unix:/tmp/x");
    ck_assert_int_eq(weft_endpoint_literal(&endpoint, &address, &length), WEFT_OK);
    ck_assert_str_eq(((struct sockaddr_un *)&address)->sun_path, "/tmp/x");
    endpoint = parsed("localhost:80");
    ck_assert_int_eq(weft_endpoint_literal(&endpoint, &address, &length), WEFT_NOT_FOUND);
}
END_TEST

static uint16_t port_of(int descriptor)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    ck_assert_int_eq(getsockname(descriptor, (struct sockaddr *)&address, &length), 0);
    return ntohs(address.ss_family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port
                                              : ((struct sockaddr_in6 *)&address)->sin6_port);
}

static const struct {
    const char *text;
    bool is_local;
} places[] = {
    { "[::ffff:127.0.0.1]:1", true }, { "127.0.0.1:4317", true },       { "127.9.9.9:4317", true },
    { "localhost:4317", true },       { "[::1]:4317", true },           { "unix:/run/a.sock", true },
    { "https://localhost:1", true },  { "0.0.0.0:4317", false },        { ":4317", false },
    { "[::]:4317", false },           { "128.0.0.1:4317", false },      { "10.0.0.1:4317", false },
    { "collector:4317", false },      { "localhost.example:1", false },
};

START_TEST(test_what_is_on_this_machine_is_known)
{
    struct weft_endpoint endpoint;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_msg(weft_endpoint_parse(places[_i].text, 0, &endpoint, &error) == WEFT_OK, "%s", error.text);
    ck_assert_msg(weft_endpoint_is_local(&endpoint) == places[_i].is_local, "%s", places[_i].text);
}
END_TEST

START_TEST(test_listening_works_on_literals_names_and_everything)
{
    static const char *const texts[] = { "127.0.0.1:0", "localhost:0", ":0", "[::ffff:127.0.0.1]:0" };
    struct weft_endpoint endpoint = parsed(texts[_i]);
    int descriptor = -1, second = -1;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_msg(weft_listen(&endpoint, 8, &descriptor, &error) == WEFT_OK, "%s", error.text);
    struct sockaddr_in loopback = { .sin_family = AF_INET,
                                    .sin_port = htons(port_of(descriptor)),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int client = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(client, (struct sockaddr *)&loopback, sizeof loopback), 0);
    close(client);
    endpoint.port = port_of(descriptor);
    ck_assert_int_eq(weft_listen(&endpoint, 8, &second, &error), WEFT_IO);
    ck_assert_ptr_nonnull(strstr(error.text, "in use"));
    close(descriptor);
}
END_TEST

START_TEST(test_stale_unix_sockets_are_replaced_and_live_ones_are_not)
{
    char text[64];
    snprintf(text, sizeof text, "unix:/tmp/weft-test-%d.sock", (int)getpid());
    struct weft_endpoint endpoint = parsed(text);
    int descriptor = -1, second = -1;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(weft_listen(&endpoint, 8, &descriptor, &error), WEFT_OK);
    ck_assert_int_eq(weft_listen(&endpoint, 8, &second, &error), WEFT_IO);
    close(descriptor);
    ck_assert_msg(weft_listen(&endpoint, 8, &second, &error) == WEFT_OK, "%s", error.text);
    close(second);
    unlink(endpoint.host);
    /* A plain file is nobody's socket: it stays. */
    FILE *file = fopen(endpoint.host, "w");
    fclose(file);
    ck_assert_int_eq(weft_listen(&endpoint, 8, &second, &error), WEFT_IO);
    ck_assert_int_eq(unlink(endpoint.host), 0);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("address");
    tcase_add_loop_test(tcase, test_endpoints_are_understood, 0, (int)WEFT_COUNT_OF(good));
    tcase_add_loop_test(tcase, test_family_of_a_listener, 0, WEFT_COUNT_OF(families));
    tcase_add_loop_test(tcase, test_bad_endpoints_are_explained, 0, (int)WEFT_COUNT_OF(bad));
    tcase_add_test(tcase, test_overlong_hosts_are_refused);
    tcase_add_test(tcase, test_literals_need_no_name_service);
    tcase_add_loop_test(tcase, test_what_is_on_this_machine_is_known, 0, (int)WEFT_COUNT_OF(places));
    tcase_add_loop_test(tcase, test_listening_works_on_literals_names_and_everything, 0, 4);
    tcase_add_test(tcase, test_stale_unix_sockets_are_replaced_and_live_ones_are_not);
    Suite *suite = suite_create("address");
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
