/* Listeners: one socket an endpoint, closed by the last that shares it. */
#include "pipeline/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "pipeline_test.h"
#include "suite.h"

static struct weft_listener open_listener(const char *text)
{
    struct weft_endpoint endpoint;
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_listener listener = { -1 };
    ck_assert_msg(weft_endpoint_parse(text, 0, &endpoint, &error) == WEFT_OK, "%s", error.text);
    ck_assert_msg(weft_listener_open(&endpoint, 8, &listener, &error) == WEFT_OK, "%s", error.text);
    ck_assert_int_ge(listener.descriptor, 0);
    return listener;
}

START_TEST(test_same_endpoint_is_one_socket)
{
    struct weft_listener first = open_listener("127.0.0.1:0"), second = open_listener("127.0.0.1:0");
    ck_assert_int_eq(first.descriptor, second.descriptor);
    int descriptor = first.descriptor;
    weft_listener_close(&first);
    ck_assert_int_eq(first.descriptor, -1);
    weft_listener_close(&first);
    int is_listening = 0;
    socklen_t length = sizeof is_listening;
    ck_assert_int_eq(getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &length), 0);
    ck_assert_int_eq(is_listening, 1);
    weft_listener_close(&second);
    ck_assert_int_eq(getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &length), -1);
    ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(test_other_endpoint_is_another_socket)
{
    struct weft_listener first = open_listener("127.0.0.1:0"), second = open_listener("[::1]:0");
    ck_assert_int_ne(first.descriptor, second.descriptor);
    weft_listener_close(&second);
    weft_listener_close(&first);
}
END_TEST

static uint16_t port_of(const struct weft_listener *listener)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    ck_assert_int_eq(getsockname(listener->descriptor, (struct sockaddr *)&address, &length), 0);
    return ntohs(address.sin_port);
}

/* From localhost to all addresses and back, as in a reload: both are there for a while. */
START_TEST(test_overlapping_addresses_listen_side_by_side)
{
    char narrow_text[64], wide_text[64], other_text[64];
    struct weft_listener probe = open_listener("127.0.0.1:0");
    unsigned port = port_of(&probe);
    weft_listener_close(&probe);
    snprintf(narrow_text, sizeof narrow_text, "127.0.0.1:%u", port);
    snprintf(wide_text, sizeof wide_text, "0.0.0.0:%u", port);
    snprintf(other_text, sizeof other_text, "127.0.0.2:%u", port);
    struct weft_listener narrow = open_listener(narrow_text), wide = open_listener(wide_text);
    ck_assert(weft_listeners_collide(&narrow, &wide));
    weft_listener_close(&narrow);
    narrow = open_listener(narrow_text);
    ck_assert(weft_listeners_collide(&narrow, &wide));
    weft_listener_close(&wide);
    struct weft_listener other = open_listener(other_text);
    ck_assert(!weft_listeners_collide(&narrow, &other));
    weft_listener_close(&narrow);
    weft_listener_close(&other);
    ck_assert(!weft_listeners_collide(&narrow, &other));
}
END_TEST

/* A port that another process has (here: a socket that the list does not know) is refused as ever. */
START_TEST(test_port_of_somebody_else_is_refused)
{
    struct weft_endpoint endpoint;
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_listener listener = { -1 };
    int foreign = -1;
    ck_assert_int_eq(weft_endpoint_parse("127.0.0.1:0", 0, &endpoint, &error), WEFT_OK);
    ck_assert_int_eq(weft_listen(&endpoint, 8, &foreign, &error), WEFT_OK);
    endpoint.port = port_of(&(struct weft_listener){ foreign });
    ck_assert_int_eq(weft_listener_open(&endpoint, 8, &listener, &error), WEFT_IO);
    snprintf(endpoint.host, sizeof endpoint.host, "0.0.0.0");
    ck_assert_int_eq(weft_listener_open(&endpoint, 8, &listener, &error), WEFT_IO);
    close(foreign);
}
END_TEST

START_TEST(test_unix_path_goes_with_the_last)
{
    char path[64], text[80];
    struct stat file;
    snprintf(path, sizeof path, "/tmp/weft-test-listener-%d", (int)getpid());
    snprintf(text, sizeof text, "unix:%s", path);
    struct weft_listener first = open_listener(text), second = open_listener(text);
    ck_assert_int_eq(first.descriptor, second.descriptor);
    weft_listener_close(&first);
    ck_assert_int_eq(stat(path, &file), 0);
    weft_listener_close(&second);
    ck_assert_int_eq(stat(path, &file), -1);
}
END_TEST

START_TEST(test_failed_listen_leaves_nothing)
{
    struct weft_endpoint endpoint;
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_listener listener = { -1 };
    ck_assert_int_eq(weft_endpoint_parse("unix:/nowhere/at/all", 0, &endpoint, &error), WEFT_OK);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(weft_listener_open(&endpoint, 8, &listener, &error), WEFT_IO);
        ck_assert_int_eq(listener.descriptor, -1);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline/listener");
    TCase *tests = tcase_create("listener");
    tcase_add_test(tests, test_same_endpoint_is_one_socket);
    tcase_add_test(tests, test_other_endpoint_is_another_socket);
    tcase_add_test(tests, test_overlapping_addresses_listen_side_by_side);
    tcase_add_test(tests, test_port_of_somebody_else_is_refused);
    tcase_add_test(tests, test_unix_path_goes_with_the_last);
    tcase_add_test(tests, test_failed_listen_leaves_nothing);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
