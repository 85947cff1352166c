/* Accepting (door.h). */
#include "net/door.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/magic.h"
#include "net/descriptors.h"

enum { ACCEPTS_PER_TICK = 64 };
static const int64_t pause_ns = 100 * WEFT_NS_PER_MS;
static const int64_t moment_ns = WEFT_NS_PER_MS; /* in which another worker does what it was asked for */

WEFT_MAGIC(door, 0x00d00700);

struct weft_door {
    uint32_t magic;
    struct weft_loop *loop;
    int descriptor;
    struct weft_watch *watch;
    struct weft_timer rest;
    struct weft_guest_hall *hall;
    weft_door_fn on_accepted;
    void *context;
    bool is_shut;
};

static void on_rest_over(void *context)
{
    struct weft_door *door = context;
    weft_check_magic(door, door);
    weft_watch_set_interest(door->watch, WEFT_READABLE);
}

void weft_door_rest(struct weft_door *door, int64_t duration_ns)
{
    if (!door->is_shut) {
        weft_watch_set_interest(door->watch, 0);
        weft_timer_set_after(weft_loop_timers(door->loop), &door->rest, duration_ns);
    }
}

/* 0: try again; else how long to wait before. */
static int64_t make_room(struct weft_door *door, int reason)
{
    if (reason != EMFILE && reason != ENFILE) {
        weft_log(WARN, "door.accept_failed", "cannot accept a connection; pausing",
                 WEFT_LOG_STRING("reason", strerror(reason)));
        return pause_ns;
    }
    weft_descriptors_note_short();
    enum weft_guest_sparing sparing = door->hall == NULL ? WEFT_GUEST_NOT_SPARED : weft_guests_spare_one(door->hall);
    return sparing == WEFT_GUEST_SPARED ? 0 : sparing == WEFT_GUEST_SPARED_SOON ? moment_ns : pause_ns;
}

static void on_knock(void *context, unsigned readiness)
{
    (void)readiness;
    struct weft_door *door = context;
    weft_check_magic(door, door);
    for (int i = 0; i < ACCEPTS_PER_TICK && !door->is_shut; i++) {
        int descriptor = accept4(door->descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor >= 0) {
            door->on_accepted(door->context, descriptor);
            if (weft_descriptors_is_kept_back(descriptor)) {
                return; /* who takes it frees another first, or they would all be on their way at once */
            }
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            int64_t wait_ns = make_room(door, errno);
            if (wait_ns > 0) {
                weft_door_rest(door, wait_ns);
                return;
            }
        }
    }
}

struct weft_door *weft_door_new(struct weft_loop *loop, int listening_descriptor, struct weft_guest_hall *hall,
                                weft_door_fn on_accepted, void *context)
{
    struct weft_door *door = weft_alloc(sizeof *door);
    weft_set_magic(door, door);
    door->loop = loop;
    door->descriptor = listening_descriptor;
    door->hall = hall;
    door->on_accepted = on_accepted;
    door->context = context;
    weft_timer_init(&door->rest, on_rest_over, door);
    door->watch = weft_watch_new(loop, listening_descriptor, WEFT_READABLE, on_knock, door);
    return door;
}

void weft_door_shut(struct weft_door *door)
{
    door->is_shut = true;
    weft_timer_cancel(weft_loop_timers(door->loop), &door->rest);
    weft_watch_set_interest(door->watch, 0);
}

void weft_door_free(struct weft_door *door)
{
    if (door == NULL) {
        return;
    }
    weft_door_shut(door);
    weft_watch_free(door->watch);
    weft_clear_magic(door, door);
    weft_free(door);
}
