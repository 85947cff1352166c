#pragma once

#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/mailbox.h"
#include "base/thread.h"
#include "net/body_credit.h"
#include "net/http1/server.h"

/* A server with a small service on a thread of its own; tests are its blocking clients.
 *   /hello      "hello\n"             /echo     the body
 *   /later      "later\n" in 5 ms     /header   the value of x
 *   /big        8 MiB                 /never    no answer until the server ends
 *   /target     method path?query     /pause    "pause\n", and nothing is read for 150 ms
 *   /drain      "drain\n", the last   anything else: 404
 * Its wants_body (if a test sets it) wants only those for /echo; its on_refused says "refused CODE PATH". */
struct http1_fixture {
    struct weft_loop *loop;
    struct weft_net_context net;
    struct weft_budget budget;
    struct weft_payload_pool *pool;
    struct weft_http1_server *server;
    struct weft_http1_server_counters counters; /* as of the end */
    struct weft_mailbox *mailbox;
    struct weft_message stop;
    struct weft_thread *thread;
    struct weft_timer later_timer, pause_timer;
    struct weft_http1_server_exchange *later;
    struct weft_http1_server_exchange *never[8];
    size_t never_count;
    struct sockaddr_in address;
};

static struct http1_fixture http1;
static struct weft_tls_context *http1_tls;            /* set before the start; NULL = plain */
static struct weft_body_credit_settings http1_bodies; /* the same */

static inline void http1_reply_text(struct weft_http1_server_exchange *exchange, int code, struct weft_slice text)
{
    weft_http1_server_exchange_reply(exchange, code, "text/plain", code == 404 ? "X-Lost: yes\r\n" : NULL, text);
}

static inline void http1_on_later(void *context)
{
    (void)context;
    struct weft_http1_server_exchange *exchange = http1.later;
    http1.later = NULL;
    http1_reply_text(exchange, 200, WEFT_SLICE_LITERAL("later\n"));
}

static inline void http1_on_pause_over(void *context)
{
    (void)context;
    weft_http1_server_set_reading(http1.server, true);
}

static inline bool http1_wants_body(void *context, struct weft_http1_server_exchange *exchange,
                                    const struct weft_http1_server_request *request)
{
    (void)context;
    ck_assert_uint_gt(weft_http1_server_exchange_header(exchange, "host").length, 0);
    ck_assert_ptr_null(request->payload);
    return weft_slice_equal_text(request->path, "/echo");
}

static inline void http1_on_refused(void *context, struct weft_http1_server_exchange *exchange,
                                    const struct weft_http1_server_request *request, int code, const char *reason)
{
    (void)context;
    ck_assert_ptr_nonnull(reason);
    char text[100];
    int length = snprintf(text, sizeof text, "refused %d %.*s\n", code, WEFT_SLICE_PRINT(request->path));
    http1_reply_text(exchange, code, weft_slice_of(text, (size_t)length));
}

static inline void http1_on_request(void *context, struct weft_http1_server_exchange *exchange,
                                    const struct weft_http1_server_request *request)
{
    (void)context;
    if (weft_slice_equal_text(request->path, "/hello")) {
        http1_reply_text(exchange, 200, WEFT_SLICE_LITERAL("hello\n"));
    } else if (weft_slice_equal_text(request->path, "/echo")) {
        http1_reply_text(exchange, 200, request->body);
    } else if (weft_slice_equal_text(request->path, "/later")) {
        http1.later = exchange;
        weft_timer_set_after(weft_loop_timers(http1.loop), &http1.later_timer, 5 * WEFT_NS_PER_MS);
    } else if (weft_slice_equal_text(request->path, "/header")) {
        http1_reply_text(exchange, 200, weft_http1_server_exchange_header(exchange, "x"));
    } else if (weft_slice_equal_text(request->path, "/big")) {
        static uint8_t big[8 * 1024 * 1024];
        http1_reply_text(exchange, 200, weft_slice_of(big, sizeof big));
    } else if (weft_slice_equal_text(request->path, "/own")) {
        struct weft_buffer own = { 0 };
        while (own.length < 4 * 1024 * 1024) {
            weft_buffer_append_format(&own, "%zu ", own.length);
        }
        weft_http1_server_exchange_reply_own(exchange, 200, "text/plain", NULL, &own);
    } else if (weft_slice_equal_text(request->path, "/never")) {
        http1.never[http1.never_count] = exchange;
        __atomic_store_n(&http1.never_count, http1.never_count + 1, __ATOMIC_RELEASE);
    } else if (weft_slice_equal_text(request->path, "/pause")) {
        weft_http1_server_set_reading(http1.server, false);
        weft_timer_set_after(weft_loop_timers(http1.loop), &http1.pause_timer, 150 * WEFT_NS_PER_MS);
        http1_reply_text(exchange, 200, WEFT_SLICE_LITERAL("pause\n"));
    } else if (weft_slice_equal_text(request->path, "/drain")) {
        weft_http1_server_drain(http1.server);
        http1_reply_text(exchange, 200, WEFT_SLICE_LITERAL("drain\n"));
    } else if (weft_slice_equal_text(request->path, "/target")) {
        char text[200];
        int length = snprintf(text, sizeof text, "%.*s %.*s?%.*s", WEFT_SLICE_PRINT(request->method),
                              WEFT_SLICE_PRINT(request->path), WEFT_SLICE_PRINT(request->query));
        http1_reply_text(exchange, 200, weft_slice_of(text, (size_t)length));
    } else {
        http1_reply_text(exchange, 404, WEFT_SLICE_LITERAL("lost\n"));
    }
}

static inline void http1_on_stop(struct weft_message *message)
{
    (void)message;
    weft_loop_stop(http1.loop);
}

static inline void http1_main(void *context)
{
    (void)context;
    weft_loop_run(http1.loop);
}

/* All but the socket and the thread. */
static inline void http1_make(const struct weft_http1_server_settings *settings)
{
    memset(&http1, 0, sizeof http1);
    http1.loop = weft_loop_new();
    http1.net =
        (struct weft_net_context){ .loop = http1.loop, .budget = &http1.budget, .read_buffer_bytes = 256 * 1024 };
    http1.pool = weft_payload_pool_new(&http1.budget, 0);
    http1.net.pool = http1.pool;
    http1.net.bodies = weft_body_credit_new(http1.loop, &http1.budget, &http1_bodies);
    http1.net.read_buffer = weft_alloc(http1.net.read_buffer_bytes);
    weft_timer_init(&http1.later_timer, http1_on_later, NULL);
    weft_timer_init(&http1.pause_timer, http1_on_pause_over, NULL);
    http1.server = weft_http1_server_new(&http1.net, settings, http1_on_request, NULL, http1_tls);
}

static inline void http1_start(const struct weft_http1_server_settings *settings)
{
    http1_make(settings);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(descriptor, 0);
    http1.address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t length = sizeof http1.address;
    ck_assert_int_eq(bind(descriptor, (struct sockaddr *)&http1.address, length), 0);
    ck_assert_int_eq(listen(descriptor, 64), 0);
    ck_assert_int_eq(getsockname(descriptor, (struct sockaddr *)&http1.address, &length), 0);
    weft_http1_server_listen(http1.server, descriptor);
    http1.mailbox = weft_mailbox_new(4);
    http1.stop.on_delivered = http1_on_stop;
    weft_loop_attach_mailbox(http1.loop, http1.mailbox);
    http1.thread = weft_thread_start("http", http1_main, NULL);
}

static inline void http1_unmake(void)
{
    http1.counters = *weft_http1_server_read_counters(http1.server);
    weft_timer_cancel(weft_loop_timers(http1.loop), &http1.later_timer);
    weft_timer_cancel(weft_loop_timers(http1.loop), &http1.pause_timer);
    weft_http1_server_free(http1.server);
    for (size_t i = 0; i < http1.never_count; i++) {
        /* The server is gone: must be harmless. */
        http1_reply_text(http1.never[i], 200, WEFT_SLICE_LITERAL("too late"));
    }
    if (http1.later != NULL) {
        http1_reply_text(http1.later, 200, WEFT_SLICE_LITERAL("too late"));
    }
    ck_assert_uint_eq(weft_body_credit_read(http1.net.bodies).held_bytes, 0);
    weft_body_credit_free(http1.net.bodies);
    weft_loop_free(http1.loop);
    weft_payload_pool_free(http1.pool);
    ck_assert_uint_eq(weft_budget_reserved(&http1.budget), 0);
    weft_free(http1.net.read_buffer);
}

static inline void http1_stop(void)
{
    weft_mailbox_post_always(http1.mailbox, &http1.stop);
    weft_thread_join(http1.thread);
    weft_payload_pool_own(http1.net.pool); /* the thread that had it is gone */
    http1_unmake();
    weft_mailbox_free(http1.mailbox);
}

/* Until the server has begun so many requests for /never. */
static inline void http1_wait_for_never(size_t count)
{
    while (__atomic_load_n(&http1.never_count, __ATOMIC_ACQUIRE) < count) {
        usleep(1000);
    }
}

static inline int http1_connect(void)
{
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(connect(descriptor, (struct sockaddr *)&http1.address, sizeof http1.address), 0);
    struct timeval limit = { .tv_sec = 20 }; /* a hang becomes a failure */
    ck_assert_int_eq(setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    return descriptor;
}

static inline void http1_send(int descriptor, const void *bytes, size_t length)
{
    ck_assert_int_eq((int)send(descriptor, bytes, length, MSG_NOSIGNAL), (int)length);
}

static inline void http1_send_text(int descriptor, const char *text)
{
    http1_send(descriptor, text, strlen(text));
}

/* Reads one answer (by its Content-Length if has_body) and returns its code; 0 if the connection ended instead. */
static inline int http1_receive(int descriptor, bool has_body, struct weft_buffer *out_head,
                                struct weft_buffer *out_body)
{
    weft_buffer_clear(out_head);
    weft_buffer_clear(out_body);
    while (out_head->length < 4 || memcmp(out_head->bytes + out_head->length - 4, "\r\n\r\n", 4) != 0) {
        char byte;
        if (recv(descriptor, &byte, 1, 0) != 1) {
            return 0;
        }
        weft_buffer_append(out_head, &byte, 1);
    }
    weft_buffer_append_byte(out_head, 0);
    ck_assert_mem_eq(out_head->bytes, "HTTP/1.1 ", 9);
    const char *found = strstr((const char *)out_head->bytes, "\r\nContent-Length: ");
    size_t length = found == NULL || !has_body ? 0 : (size_t)strtoul(found + 18, NULL, 10);
    while (length > 0) {
        uint8_t *end = weft_buffer_reserve(out_body, length);
        ck_assert_ptr_nonnull(end);
        ssize_t received = recv(descriptor, end, length, 0);
        if (received <= 0) {
            return 0;
        }
        out_body->length += (size_t)received;
        length -= (size_t)received;
    }
    return atoi((const char *)out_head->bytes + 9);
}

static struct weft_buffer http1_head, http1_body;

static inline void http1_expect(int descriptor, int code, const char *body)
{
    ck_assert_int_eq(http1_receive(descriptor, true, &http1_head, &http1_body), code);
    ck_assert_msg(weft_slice_equal_text(weft_buffer_slice(&http1_body), body), "%.*s", (int)http1_body.length,
                  (const char *)http1_body.bytes);
}

static inline void http1_expect_end(int descriptor)
{
    char byte;
    ck_assert_int_le((int)recv(descriptor, &byte, 1, 0), 0);
    close(descriptor);
}

static inline void http1_release(void)
{
    weft_buffer_fini(&http1_head);
    weft_buffer_fini(&http1_body);
}
