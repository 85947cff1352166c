#pragma once

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "net/http1/client.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net/transport.h"
#include "loop_test.h"
#include "suite.h"

/* A loop, a scripted server on it, a client to it, and requests that remember how they ended. The server knows only
 * enough HTTP to see where a request ends; what it writes is the script's. Its memory is malloc's, so that failing
 * allocations hit the client only. */
enum { MAX_PEERS = 32, MAX_REQUESTS = 16, PEER_BYTES = 16 << 20 };

struct peer { /* one accepted connection */
    struct weft_transport *transport;
    struct weft_watch *watch;
    char *received; /* what of it belongs to no answered request yet */
    size_t length;
    size_t head_length, body_length; /* of the present request, once its head is there */
    unsigned request_count;
    bool is_deaf; /* reads nothing more */
};

struct call {
    struct weft_http1_client_request request;
    char *body;
    struct weft_slice slices[64];
    unsigned done_count;
    enum weft_status status;
    int code;
    bool is_unconfirmed, is_truncated;
    char failure[256], content_type[128], retry_after[128], location[128];
    char *answer;
    size_t answer_length;
    struct call *next; /* started by this one's on_done */
};

struct bench {
    struct weft_loop *loop;
    struct weft_budget budget;
    struct weft_payload_pool *pool;
    struct weft_codec *codec;
    struct weft_net_context net;
    int listener;
    struct weft_watch *listener_watch;
    uint16_t port;
    int receive_buffer_bytes; /* 0 = the system's */
    struct weft_tls_context *server_tls, *client_tls;
    struct peer peers[MAX_PEERS];
    size_t peer_count;
    unsigned request_count; /* complete ones, over all peers */
    void (*on_head)(struct peer *peer);
    void (*on_request)(struct peer *peer);
    struct weft_http1_client_settings settings;
    struct weft_http1_client *client;
    struct call calls[MAX_REQUESTS];
};

static struct bench bench;

static void set_up(void)
{
    weft_log_configure(
        &(struct weft_log_config){ .level = WEFT_LOG_ERROR, .service = "test", .environment = "", .descriptor = 2 });
    memset(&bench, 0, sizeof bench);
    bench.loop = weft_loop_new();
    bench.listener = -1;
    bench.pool = weft_payload_pool_new(&bench.budget, 0);
    bench.codec = weft_codec_new(&bench.budget);
    bench.net = (struct weft_net_context){ .loop = bench.loop,
                                           .pool = bench.pool,
                                           .codec = bench.codec,
                                           .budget = &bench.budget,
                                           .read_buffer = malloc(256 * 1024),
                                           .read_buffer_bytes = 256 * 1024 };
}

/* ---- the server ---- */

static void peer_close(struct peer *peer)
{
    if (peer->watch != NULL) {
        weft_watch_free(peer->watch);
        weft_transport_free(peer->transport);
    }
    free(peer->received);
    memset(peer, 0, sizeof *peer);
}

/* The peer gets a reset instead of an orderly end. */
static inline void peer_reset(struct peer *peer)
{
    struct linger linger = { 1, 0 };
    setsockopt(weft_transport_descriptor(peer->transport), SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    peer_close(peer);
}

/* Scripts write little: the socket takes it. */
static inline void peer_send(struct peer *peer, const char *bytes, size_t length)
{
    size_t written = 0;
    const struct iovec vector = { (void *)bytes, length };
    if (length > 0) {
        ck_assert_int_eq(weft_transport_write(peer->transport, &vector, 1, &written), WEFT_IO_DONE);
        ck_assert_uint_eq(written, length);
    }
}

static inline void peer_say(struct peer *peer, const char *text)
{
    peer_send(peer, text, strlen(text));
}

static inline bool peer_has_line(const struct peer *peer, const char *line)
{
    char sought[300];
    snprintf(sought, sizeof sought, "\r\n%s\r\n", line);
    return memmem(peer->received, peer->head_length, sought, strlen(sought)) != NULL;
}

/* Forgets the request that was answered. */
static void peer_forget(struct peer *peer)
{
    size_t length = peer->head_length + peer->body_length;
    memmove(peer->received, peer->received + length, peer->length - length);
    peer->length -= length;
    peer->head_length = 0;
}

static size_t find_length(const char *head)
{
    const char *field = strcasestr(head, "\r\ncontent-length: ");
    ck_assert_ptr_nonnull(field);
    return strtoul(field + 18, NULL, 10);
}

static void peer_look(struct peer *peer)
{
    while (peer->watch != NULL) {
        if (peer->head_length == 0) {
            const char *end = memmem(peer->received, peer->length, "\r\n\r\n", 4);
            if (end == NULL) {
                return;
            }
            peer->head_length = (size_t)(end - peer->received) + 4;
            peer->received[peer->head_length - 1] = '\0';
            peer->body_length = find_length(peer->received);
            peer->received[peer->head_length - 1] = '\n';
            if (bench.on_head != NULL) {
                bench.on_head(peer);
            }
        }
        if (peer->watch == NULL || peer->length < peer->head_length + peer->body_length) {
            return;
        }
        peer->request_count++;
        bench.request_count++;
        bench.on_request(peer);
        if (peer->watch != NULL) {
            peer_forget(peer);
        }
    }
}

static void on_peer_ready(void *context, unsigned readiness)
{
    struct peer *peer = context;
    (void)readiness;
    if (weft_transport_handshake(peer->transport) == WEFT_IO_FAILED) {
        peer_close(peer);
        return;
    }
    if (peer->is_deaf) {
        weft_watch_set_interest(peer->watch, 0);
        return;
    }
    size_t length = 0;
    enum weft_io_result result =
        weft_transport_read(peer->transport, peer->received + peer->length, PEER_BYTES - peer->length, &length);
    peer->length += length;
    if (result == WEFT_IO_END || result == WEFT_IO_FAILED) {
        peer_close(peer);
    } else if (result == WEFT_IO_DONE) {
        peer_look(peer);
    }
}

static void on_listener_ready(void *context, unsigned readiness)
{
    const int *listener = context;
    (void)readiness;
    int descriptor = accept4(*listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) {
        return;
    }
    ck_assert_uint_lt(bench.peer_count, MAX_PEERS);
    struct peer *peer = &bench.peers[bench.peer_count++];
    peer->received = malloc(PEER_BYTES);
    peer->transport = bench.server_tls != NULL ? weft_transport_tls(descriptor, bench.server_tls, NULL)
                                               : weft_transport_plain(descriptor);
    peer->watch = weft_watch_new(bench.loop, descriptor, WEFT_READABLE, on_peer_ready, peer);
}

static inline void start_server(void (*on_request)(struct peer *peer))
{
    bench.on_request = on_request;
    bench.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bench.receive_buffer_bytes > 0) {
        setsockopt(bench.listener, SOL_SOCKET, SO_RCVBUF, &bench.receive_buffer_bytes, sizeof(int));
    }
    int yes = 1;
    setsockopt(bench.listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(bench.port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof address;
    ck_assert_int_eq(bind(bench.listener, (struct sockaddr *)&address, length), 0);
    ck_assert_int_eq(listen(bench.listener, 64), 0);
    ck_assert_int_eq(getsockname(bench.listener, (struct sockaddr *)&address, &length), 0);
    bench.port = ntohs(address.sin_port);
    bench.listener_watch =
        weft_watch_new(bench.loop, bench.listener, WEFT_READABLE, on_listener_ready, &bench.listener);
}

static inline void stop_listening(void)
{
    if (bench.listener >= 0) {
        weft_watch_free(bench.listener_watch);
        close(bench.listener);
        bench.listener = -1;
    }
}

static inline size_t open_peers(void)
{
    size_t count = 0;
    for (size_t i = 0; i < bench.peer_count; i++) {
        count += bench.peers[i].watch != NULL;
    }
    return count;
}

static inline bool is_no_peer_open(void)
{
    return open_peers() == 0;
}

static inline void answer_ok(struct peer *peer)
{
    peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nContent-Length: 4\r\n\r\nfine");
}

/* ---- requests ---- */

static inline void open_channel(void)
{
    if (bench.settings.endpoint.host[0] == '\0') {
        snprintf(bench.settings.endpoint.host, sizeof bench.settings.endpoint.host, "127.0.0.1");
    }
    bench.settings.endpoint.port = bench.port;
    bench.client = weft_http1_client_new(&bench.net, &bench.settings, bench.client_tls);
}

static void start_made(struct call *call)
{
    weft_http1_client_start(bench.client, &call->request);
    ck_assert_uint_eq(call->done_count, 0); /* never inside _start */
}

static void on_done(void *context, const struct weft_http1_client_result *result)
{
    struct call *call = context;
    call->done_count++;
    call->status = result->status;
    call->code = result->code;
    call->is_unconfirmed = result->is_unconfirmed;
    call->is_truncated = result->is_truncated;
    snprintf(call->failure, sizeof call->failure, "%s", result->failure);
    snprintf(call->content_type, sizeof call->content_type, "%s", result->content_type);
    snprintf(call->retry_after, sizeof call->retry_after, "%s", result->retry_after);
    snprintf(call->location, sizeof call->location, "%s", result->location);
    call->answer = malloc(result->body.length + 1);
    if (result->body.length > 0) {
        memcpy(call->answer, result->body.bytes, result->body.length);
    }
    call->answer[result->body.length] = '\0';
    call->answer_length = result->body.length;
    memset(call->body, 0xEE, call->request.length); /* the kernel reads freed memory without a word */
    free(call->body);
    call->body = NULL;
    if (call->next != NULL) {
        start_made(call->next);
    }
}

static inline char pattern_byte(size_t position)
{
    return (char)(position * 131 + position / 251);
}

/* A body of length bytes in slice_count slices; timeout_ns 0 = no deadline. */
static struct call *make_call(size_t index, size_t length, size_t slice_count, int64_t timeout_ns)
{
    struct call *call = &bench.calls[index];
    free(call->body);
    free(call->answer);
    memset(call, 0, sizeof *call);
    call->body = malloc(length + 1);
    for (size_t i = 0; i < length; i++) {
        call->body[i] = pattern_byte(i);
    }
    size_t start = 0;
    for (size_t i = 0; i < slice_count; i++) {
        size_t end = length * (i + 1) / slice_count;
        call->slices[i] = weft_slice_of(call->body + start, end - start);
        start = end;
    }
    struct weft_monotonic deadline = WEFT_NEVER;
    if (timeout_ns != 0) {
        weft_timers_touch(weft_loop_timers(bench.loop), weft_monotonic_now());
        deadline = weft_monotonic_after(weft_timers_now(weft_loop_timers(bench.loop)), timeout_ns);
    }
    call->request = (struct weft_http1_client_request){ .target = "/v1/x?y",
                                                        .content_type = "text/plain",
                                                        .slices = call->slices,
                                                        .slice_count = slice_count,
                                                        .length = length,
                                                        .deadline = deadline,
                                                        .on_done = on_done,
                                                        .context = call };
    return call;
}

static inline struct call *start_call(size_t index, size_t length)
{
    struct call *call = make_call(index, length, length == 0 ? 0 : 3, 0);
    start_made(call);
    return call;
}

static inline bool is_pattern(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != pattern_byte(i)) {
            return false;
        }
    }
    return true;
}

/* ---- running ---- */

static inline void run_until(bool (*is_reached)(void))
{
    run_loop_until(bench.loop, is_reached);
}

static bool are_all_done(void)
{
    for (size_t i = 0; i < MAX_REQUESTS; i++) {
        if (bench.calls[i].request.on_done != NULL && bench.calls[i].done_count == 0) {
            return false;
        }
    }
    return true;
}

static inline void run_ticks(unsigned count)
{
    run_loop_ticks(bench.loop, count);
}

static inline void run_calls(void)
{
    run_until(are_all_done);
    run_ticks(3);
    for (size_t i = 0; i < MAX_REQUESTS; i++) {
        ck_assert_uint_le(bench.calls[i].done_count, 1);
    }
}

static inline struct weft_http1_client_state client_state(void)
{
    struct weft_http1_client_state state;
    weft_http1_client_read_state(bench.client, &state);
    return state;
}

static inline void close_channel(void)
{
    if (bench.client != NULL) {
        weft_http1_client_free(bench.client);
        bench.client = NULL;
    }
}

static void tear_down(void)
{
    close_channel();
    stop_listening();
    for (size_t i = 0; i < MAX_PEERS; i++) {
        peer_close(&bench.peers[i]);
    }
    for (size_t i = 0; i < MAX_REQUESTS; i++) {
        free(bench.calls[i].body);
        free(bench.calls[i].answer);
    }
    weft_loop_free(bench.loop);
    weft_codec_free(bench.codec);
    weft_payload_pool_free(bench.pool);
    free(bench.net.read_buffer);
    if (bench.server_tls != NULL) {
        weft_tls_context_free(bench.server_tls);
        weft_tls_context_free(bench.client_tls);
    }
}

/* ---- what goes wrong ---- */

static inline void expect_failure(const struct call *call, enum weft_status status, const char *words,
                                  bool is_unconfirmed)
{
    ck_assert_int_eq(call->status, status);
    ck_assert_int_eq(call->code, 0);
    ck_assert_msg(strstr(call->failure, words) != NULL, "%s", call->failure);
    ck_assert_int_eq(call->is_unconfirmed, is_unconfirmed);
    ck_assert_uint_eq(client_state().requests_open, 0);
}

static inline void say_nothing(struct peer *peer)
{
    (void)peer;
}

static inline bool has_request(void)
{
    return bench.request_count > 0;
}

static bool has_head;

static inline void note_head(struct peer *peer)
{
    peer->is_deaf = true;
    has_head = true;
}

static inline bool is_head_there(void)
{
    return has_head;
}

/* Begins a request that is longer than its server reads, and cancels it meanwhile. */
static inline void cancel_half_written(void)
{
    has_head = false;
    bench.receive_buffer_bytes = 4096;
    bench.on_head = note_head;
    start_server(say_nothing);
    open_channel();
    struct call *call = make_call(0, 64 << 20, 8, 0);
    start_made(call);
    run_until(is_head_there);
    weft_http1_client_cancel(bench.client, &call->request);
    run_calls(); /* the body is freed by now: the sanitizer sees whoever still reads it */
    expect_failure(call, WEFT_CLOSED, "cancelled", false);
}

static inline int run_suite(const char *name, const TTest *const *tests, size_t count)
{
    Suite *suite = suite_create(name);
    for (size_t i = 0; i < count; i++) {
        TCase *tcase = tcase_create(tests[i]->name);
        tcase_set_timeout(tcase, 0);
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, tests[i]);
        suite_add_tcase(suite, tcase);
    }
    return suite_run(suite);
}
