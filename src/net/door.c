/* Accepting (door.h). */
#include "net/door.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/magic.h"
#include "net/descriptors.h"
#include "net/guests.h"

enum { ACCEPTS_PER_TICK = 64 };
static const int64_t pause_ns = 100 * WEFT_NS_PER_MS;

WEFT_MAGIC(door, 0x00d00700);

struct weft_door {
    uint32_t magic;
    struct weft_loop *loop;
    int descriptor;
    struct weft_watch *watch;
    struct weft_timer pause;
    struct weft_list *guest_sets;
    weft_door_fn on_accepted;
    void *context;
    bool is_shut;
};

static void on_pause_over(void *context)
{
    struct weft_door *door = context;
    weft_check_magic(door, door);
    weft_watch_set_interest(door->watch, WEFT_READABLE);
}

static void pause_accepting(struct weft_door *door)
{
    weft_watch_set_interest(door->watch, 0);
    weft_timer_set_after(weft_loop_timers(door->loop), &door->pause, pause_ns);
}

/* True: try again. */
static bool make_room(struct weft_door *door, int reason)
{
    if (reason == EMFILE || reason == ENFILE) {
        weft_descriptors_note_short();
        return door->guest_sets != NULL && weft_guests_spare_one(door->guest_sets);
    }
    weft_log(WARN, "door.accept_failed", "cannot accept a connection; pausing",
             WEFT_LOG_STRING("reason", strerror(reason)));
    return false;
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
        } else if (errno != EINTR && errno != ECONNABORTED && !make_room(door, errno)) {
            pause_accepting(door);
            return;
        }
    }
}

struct weft_door *weft_door_new(struct weft_loop *loop, int listening_descriptor, struct weft_list *guest_sets,
                                weft_door_fn on_accepted, void *context)
{
    struct weft_door *door = weft_alloc(sizeof *door);
    weft_set_magic(door, door);
    door->loop = loop;
    door->descriptor = listening_descriptor;
    door->guest_sets = guest_sets;
    door->on_accepted = on_accepted;
    door->context = context;
    weft_timer_init(&door->pause, on_pause_over, door);
    door->watch = weft_watch_new(loop, listening_descriptor, WEFT_READABLE, on_knock, door);
    return door;
}

void weft_door_shut(struct weft_door *door)
{
    door->is_shut = true;
    weft_timer_cancel(weft_loop_timers(door->loop), &door->pause);
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
