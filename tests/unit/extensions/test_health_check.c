/* Extension health_check: the Collector's answer, its times in Go's form, and the endpoint over a real socket. */
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mailbox.h"
#include "base/thread.h"
#include "component_test.h"
#include "extensions/health_check_text.h"

extern const struct weft_component weft_extension_health_check;

static struct weft_buffer out;

static void out_expect(const char *expected)
{
    ck_assert_int_eq(weft_buffer_status(&out), WEFT_OK);
    weft_buffer_append_byte(&out, 0);
    ck_assert_str_eq((const char *)out.bytes, expected);
    weft_buffer_fini(&out);
}

START_TEST(test_collector_answer_has_go_times)
{
    static const struct {
        int64_t uptime_ns;
        const char *text;
    } uptimes[] = {
        { 0, "0s" },
        { -5, "0s" },
        { 999, "999ns" },
        { 1500, "1.5\xc2\xb5s" },
        { 350 * WEFT_NS_PER_MS, "350ms" },
        { 1001 * WEFT_NS_PER_MS / 1000, "1.001ms" },
        { WEFT_NS_PER_S, "1s" },
        { 2 * 60 * WEFT_NS_PER_S + 11140 * WEFT_NS_PER_MS, "2m11.14s" },
        { 60 * WEFT_NS_PER_S, "1m0s" },
        { 3600 * WEFT_NS_PER_S, "1h0m0s" },
        { 49 * 3600 * WEFT_NS_PER_S + 1, "49h0m0.000000001s" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(uptimes); i++) {
        char expected[200];
        snprintf(expected, sizeof expected,
                 "{\"status\":\"Server available\",\"upSince\":\"2026-01-30T12:00:00.000Z\",\"uptime\":\"%s\"}",
                 uptimes[i].text);
        struct weft_wall up_since = { INT64_C(1769774400) * WEFT_NS_PER_S };
        ck_assert_int_eq(weft_health_check_write(true, up_since, uptimes[i].uptime_ns, NULL, &out), 200);
        out_expect(expected);
    }
    ck_assert_int_eq(weft_health_check_write(false, (struct weft_wall){ 0 }, 0, NULL, &out), 503);
    out_expect("{\"status\":\"Server not available\",\"upSince\":\"0001-01-01T00:00:00Z\",\"uptime\":\"\"}");
    ck_assert_int_eq(weft_health_check_write(true, (struct weft_wall){ 0 }, 0, "fine", &out), 200);
    out_expect("fine");
    ck_assert_int_eq(weft_health_check_write(false, (struct weft_wall){ 0 }, 0, "not fine", &out), 503);
    out_expect("not fine");
}
END_TEST

/* ---- over a socket ---- */

struct served {
    struct weft_loop *loop;
    struct weft_net_context net;
    struct weft_mailbox *mailbox;
    struct weft_message stop;
    struct weft_thread *thread;
    struct weft_extension *extension;
    struct weft_agent_view view;
    struct weft_atomic_u64 is_stopping;
    char directory[64];
    char path[100];
};

static struct served served;

static bool can_accept(void *agent)
{
    (void)agent;
    return weft_atomic_load(&served.is_stopping) == 0;
}

static void loop_main(void *context)
{
    (void)context;
    weft_loop_run(served.loop);
}

static void stop_loop(struct weft_message *message)
{
    (void)message;
    weft_loop_stop(served.loop);
}

/* keys: further keys, each with a comma behind it. */
static void begin(const char *keys)
{
    char yaml[400];
    struct weft_error error = WEFT_ERROR_NONE;
    memset(&served, 0, sizeof served);
    strcpy(served.directory, "/tmp/weft-test-health-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(served.directory));
    snprintf(served.path, sizeof served.path, "%s/socket", served.directory);
    snprintf(yaml, sizeof yaml, "{%s endpoint: \"unix:%s\"}", keys, served.path);
    fixture_begin(WEFT_TRACES);
    ck_assert_msg(component_configure(&weft_extension_health_check, yaml, &error) == WEFT_OK, "%s", error.text);
    served.loop = weft_loop_new();
    served.net = (struct weft_net_context){ .loop = served.loop,
                                            .pool = fixture.host.pool,
                                            .codec = fixture.host.codec,
                                            .budget = &fixture.budget,
                                            .read_buffer = weft_alloc(65536),
                                            .read_buffer_bytes = 65536 };
    served.view = (struct weft_agent_view){ .can_accept = can_accept, .started = weft_wall_now() };
    fixture.host.net = &served.net;
    struct weft_instance_setup setup = {
        .host = &fixture.host, .id = "health_check", .config = fixture.config, .agent = &served.view
    };
    ck_assert_msg(weft_extension_health_check.create_extension(&setup, &served.extension, &error) == WEFT_OK, "%s",
                  error.text);
    served.mailbox = weft_mailbox_new(4);
    served.stop.on_delivered = stop_loop;
    weft_loop_attach_mailbox(served.loop, served.mailbox);
    served.thread = weft_thread_start("health", loop_main, NULL);
}

static void end(void)
{
    weft_mailbox_post_always(served.mailbox, &served.stop);
    weft_thread_join(served.thread);
    served.extension->free(served.extension);
    weft_loop_free(served.loop);
    weft_mailbox_free(served.mailbox);
    weft_free(served.net.read_buffer);
    unlink(served.path);
    rmdir(served.directory);
    fixture_end();
}

static char answer[4096];

static const char *get(const char *target)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char request[200];
    size_t length = 0;
    ssize_t more;
    strcpy(address.sun_path, served.path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    int size = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", target);
    ck_assert_int_eq(send(descriptor, request, (size_t)size, MSG_NOSIGNAL), size);
    while ((more = recv(descriptor, answer + length, sizeof answer - 1 - length, 0)) > 0) {
        length += (size_t)more;
    }
    answer[length] = '\0';
    close(descriptor);
    return answer;
}

static void expect_answer(const char *target, const char *status_line, const char *text)
{
    get(target);
    ck_assert_msg(strncmp(answer, status_line, strlen(status_line)) == 0, "%s: %s", target, answer);
    ck_assert_msg(strstr(answer, text) != NULL, "%s: %s", target, answer);
}

START_TEST(test_config_rules)
{
    const struct weft_component *component = &weft_extension_health_check;
    component_expect_refused(component, "endpoint: \"\"", WEFT_INVALID, "endpoint");
    component_expect_refused(component, "endpoint: localhost", WEFT_INVALID, "port");
    component_expect_refused(component, "path: health", WEFT_INVALID, "path must start with /");
    component_expect_refused(component, "tls: {cert_file: a}", WEFT_INVALID, "key");
    component_expect_refused(component, "auth: {authenticator: a, request_params: [b]}", WEFT_UNSUPPORTED,
                             "request_params");
}
END_TEST

START_TEST(test_root_answers_every_path_by_what_the_agent_says)
{
    begin("check_collector_pipeline: {enabled: true},");
    expect_answer("/", "HTTP/1.1 200 ", "{\"status\":\"Server available\",\"upSince\":\"");
    ck_assert_ptr_nonnull(strstr(answer, "application/json"));
    expect_answer("/any/where", "HTTP/1.1 200 ", "Server available");
    weft_atomic_store(&served.is_stopping, 1);
    expect_answer("/", "HTTP/1.1 503 ", "Server not available");
    end();
}
END_TEST

START_TEST(test_a_path_and_bodies_of_ones_own)
{
    begin("path: /health, response_body: {healthy: fine},");
    expect_answer("/health", "HTTP/1.1 200 ", "\r\n\r\nfine");
    expect_answer("/health?verbose", "HTTP/1.1 200 ", "\r\n\r\nfine");
    expect_answer("/health/", "HTTP/1.1 404 ", "404 page not found");
    expect_answer("/", "HTTP/1.1 404 ", "404 page not found");
    weft_atomic_store(&served.is_stopping, 1);
    expect_answer("/health", "HTTP/1.1 503 ", "\r\n\r\n");
    ck_assert_str_eq(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    end();
    begin("path: /health/,");
    expect_answer("/health/x", "HTTP/1.1 200 ", "Server available");
    expect_answer("/healthy", "HTTP/1.1 404 ", "");
    end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, test_collector_answer_has_go_times);
    tcase_add_test(tests, test_config_rules);
    tcase_add_test(tests, test_root_answers_every_path_by_what_the_agent_says);
    tcase_add_test(tests, test_a_path_and_bodies_of_ones_own);
}

int main(void)
{
    return component_run("health_check", add_tests);
}
