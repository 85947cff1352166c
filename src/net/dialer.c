/* One attempt to connect (dialer.h). */
#include "net/dialer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"

static struct weft_timers *timers_of(const struct weft_dialer *dialer)
{
    return weft_loop_timers(dialer->settings.loop);
}

static void drop_socket(struct weft_dialer *dialer)
{
    if (dialer->watch != NULL) {
        weft_watch_free(dialer->watch);
        dialer->watch = NULL;
    }
    weft_transport_free(dialer->transport);
    dialer->transport = NULL;
    weft_free(dialer->tunnel);
    dialer->tunnel = NULL;
    if (dialer->descriptor >= 0) {
        close(dialer->descriptor);
        dialer->descriptor = -1;
    }
}

static void end(struct weft_dialer *dialer)
{
    dialer->phase = WEFT_DIALER_ENDED;
    weft_timer_cancel(timers_of(dialer), &dialer->timer);
    weft_balancer_wait_cancel(&dialer->wait);
    drop_socket(dialer);
}

static void fail(struct weft_dialer *dialer, const char *reason)
{
    end(dialer);
    dialer->operations->on_failed(dialer->context, reason);
}

static void fail_address(struct weft_dialer *dialer, const char *reason)
{
    bool is_one_of_several = weft_balancer_count(dialer->settings.balancer).listed > 1;
    char text[160]; /* what reason points to may be the transport's */
    snprintf(text, sizeof text, "%s%s%s", is_one_of_several ? dialer->address->text : "", is_one_of_several ? ": " : "",
             reason);
    weft_balancer_note_failed(dialer->settings.balancer, dialer->address, reason);
    fail(dialer, text);
}

/* Each address gets its share of the time. */
static void set_timer(struct weft_dialer *dialer)
{
    struct weft_balancer_census addresses = weft_balancer_count(dialer->settings.balancer);
    uint32_t left = addresses.listed - addresses.left_out;
    weft_timer_set_after(timers_of(dialer), &dialer->timer, dialer->settings.timeout_ns / (left > 0 ? left : 1));
}

static void shake_hands(struct weft_dialer *dialer)
{
    switch (weft_transport_handshake(dialer->transport)) {
    case WEFT_IO_DONE: {
        struct weft_transport *transport = dialer->transport;
        dialer->transport = NULL;
        weft_watch_free(dialer->watch);
        dialer->watch = NULL;
        dialer->phase = WEFT_DIALER_CONNECTED;
        dialer->operations->on_connected(dialer->context, transport);
        break;
    }
    case WEFT_IO_AGAIN: {
        unsigned interest = weft_transport_interest(dialer->transport);
        weft_watch_set_interest(dialer->watch, interest != 0 ? interest : WEFT_READABLE);
        break;
    }
    case WEFT_IO_END:
    case WEFT_IO_FAILED:
        fail_address(dialer, weft_transport_failure(dialer->transport));
        break;
    }
}

static void begin_handshake(struct weft_dialer *dialer)
{
    const struct weft_dialer_settings *settings = &dialer->settings;
    dialer->transport = settings->tls != NULL
                            ? weft_transport_tls(dialer->descriptor, settings->tls, settings->peer_name)
                            : weft_transport_plain(dialer->descriptor);
    dialer->descriptor = -1;
    dialer->phase = WEFT_DIALER_HANDSHAKING;
    shake_hands(dialer);
}

static void ask_for_tunnel(struct weft_dialer *dialer)
{
    switch (weft_tunnel_advance(dialer->tunnel, dialer->descriptor)) {
    case WEFT_IO_DONE:
        weft_free(dialer->tunnel);
        dialer->tunnel = NULL;
        begin_handshake(dialer);
        break;
    case WEFT_IO_AGAIN:
        weft_watch_set_interest(dialer->watch, weft_tunnel_interest(dialer->tunnel));
        break;
    case WEFT_IO_END:
    case WEFT_IO_FAILED: {
        char text[sizeof dialer->tunnel->failure];
        snprintf(text, sizeof text, "%s", dialer->tunnel->failure);
        fail_address(dialer, text);
        break;
    }
    }
}

static void finish_connecting(struct weft_dialer *dialer)
{
    int failure = 0;
    socklen_t length = sizeof failure;
    if (getsockopt(dialer->descriptor, SOL_SOCKET, SO_ERROR, &failure, &length) != 0 || failure != 0) {
        char text[96];
        snprintf(text, sizeof text, "connect: %s", strerror(failure));
        fail_address(dialer, text);
        return;
    }
    if (dialer->settings.tunnel_request == NULL) {
        begin_handshake(dialer);
        return;
    }
    dialer->tunnel = weft_try_alloc(sizeof *dialer->tunnel);
    if (dialer->tunnel == NULL) {
        fail_address(dialer, "no memory to ask the proxy");
        return;
    }
    dialer->tunnel->request = dialer->settings.tunnel_request;
    dialer->phase = WEFT_DIALER_TUNNELING;
    ask_for_tunnel(dialer);
}

static void on_ready(void *context, unsigned readiness)
{
    struct weft_dialer *dialer = context;
    weft_check_magic(dialer, dialer);
    (void)readiness;
    if (dialer->phase == WEFT_DIALER_CONNECTING) {
        finish_connecting(dialer);
    } else if (dialer->phase == WEFT_DIALER_TUNNELING) {
        ask_for_tunnel(dialer);
    } else if (dialer->phase == WEFT_DIALER_HANDSHAKING) {
        shake_hands(dialer);
    }
}

static void dial(struct weft_dialer *dialer)
{
    dialer->address = weft_balancer_take(dialer->settings.balancer);
    dialer->phase = WEFT_DIALER_CONNECTING;
    set_timer(dialer);
    const struct weft_resolved_address *resolved = &dialer->address->resolved;
    dialer->descriptor = socket(resolved->socket_address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool is_open = dialer->descriptor >= 0;
    if (!is_open ||
        (connect(dialer->descriptor, (const struct sockaddr *)&resolved->socket_address, resolved->length) != 0 &&
         errno != EINPROGRESS)) {
        char text[96];
        snprintf(text, sizeof text, "%s: %s", is_open ? "connect" : "socket", strerror(errno));
        fail_address(dialer, text);
        return;
    }
    dialer->watch = weft_watch_new(dialer->settings.loop, dialer->descriptor, WEFT_WRITABLE, on_ready, dialer);
}

static void on_answer(void *context, const char *failure)
{
    struct weft_dialer *dialer = context;
    weft_check_magic(dialer, dialer);
    if (failure != NULL) {
        fail(dialer, failure);
    } else {
        dial(dialer);
    }
}

static void on_timer(void *context)
{
    struct weft_dialer *dialer = context;
    weft_check_magic(dialer, dialer);
    if (dialer->phase == WEFT_DIALER_LOOKING_UP) {
        fail(dialer, "the look-up timed out");
    } else {
        fail_address(dialer, "connect timed out");
    }
}

void weft_dialer_start(struct weft_dialer *dialer, const struct weft_dialer_settings *settings,
                       const struct weft_dialer_operations *operations, void *context)
{
    *dialer = (struct weft_dialer){
        .settings = *settings,
        .operations = operations,
        .context = context,
        .phase = WEFT_DIALER_LOOKING_UP,
        .started = weft_timers_now(weft_loop_timers(settings->loop)),
        .descriptor = -1,
        .wait = { .on_answer = on_answer, .context = dialer },
    };
    weft_set_magic(dialer, dialer);
    weft_list_init(&dialer->wait.node);
    weft_timer_init(&dialer->timer, on_timer, dialer);
    weft_timer_set_after(timers_of(dialer), &dialer->timer, settings->timeout_ns);
    weft_balancer_wait(settings->balancer, &dialer->wait);
}

void weft_dialer_succeed(struct weft_dialer *dialer)
{
    weft_check_magic(dialer, dialer);
    weft_assert(dialer->phase == WEFT_DIALER_CONNECTED);
    end(dialer);
    weft_balancer_note_working(dialer->settings.balancer, dialer->address);
}

void weft_dialer_fail(struct weft_dialer *dialer, const char *reason)
{
    weft_check_magic(dialer, dialer);
    weft_assert(dialer->phase == WEFT_DIALER_CONNECTED);
    fail_address(dialer, reason);
}

void weft_dialer_stop(struct weft_dialer *dialer)
{
    if (dialer->magic == 0) {
        return;
    }
    weft_check_magic(dialer, dialer);
    end(dialer);
    if (dialer->address != NULL) {
        weft_balancer_give_back(dialer->settings.balancer, dialer->address);
        dialer->address = NULL;
    }
}

bool weft_dialer_is_listed(const struct weft_dialer *dialer)
{
    return dialer->address != NULL && dialer->address->is_listed;
}
