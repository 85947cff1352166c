/* Acceptor (acceptor.h). A socket travels to its worker as a message. */
#include "worker/acceptor.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/magic.h"
#include "net/door.h"

struct watched {
    struct weft_acceptor *acceptor;
    const struct weft_plan_component *component;
    size_t listener_index;
    int descriptor;
    struct weft_door *door;
};

struct weft_acceptor {
    struct weft_loop *loop;
    struct weft_worker *const *workers;
    uint32_t worker_count;
    uint64_t *given; /* per worker: sockets given since its count was last seen to change */
    uint64_t *last_seen;
    struct watched *watched;
    size_t watched_count, watched_capacity;
};

WEFT_MAGIC(adoption, 0x00ad0971);

struct adoption {
    struct weft_message message;
    uint32_t magic;
    struct weft_worker *worker;
    const struct weft_plan_component *component;
    size_t listener_index;
    int descriptor;
};

static void adopt(struct weft_message *message)
{
    struct adoption *adoption = WEFT_CONTAINER_OF(message, struct adoption, message);
    weft_check_magic(adoption, adoption);
    weft_worker_adopt(adoption->worker, adoption->component, adoption->listener_index, adoption->descriptor);
    weft_clear_magic(adoption, adoption);
    weft_free(adoption);
}

static uint32_t least_busy(struct weft_acceptor *acceptor)
{
    uint32_t best = 0;
    uint64_t best_count = UINT64_MAX;
    for (uint32_t i = 0; i < acceptor->worker_count; i++) {
        uint64_t seen = weft_worker_connection_count(acceptor->workers[i]);
        if (seen != acceptor->last_seen[i]) {
            acceptor->last_seen[i] = seen;
            acceptor->given[i] = 0;
        }
        if (seen + acceptor->given[i] < best_count) {
            best = i;
            best_count = seen + acceptor->given[i];
        }
    }
    acceptor->given[best]++;
    return best;
}

static void give(struct weft_acceptor *acceptor, const struct watched *watched, int descriptor)
{
    int on = 1;
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    uint32_t index = least_busy(acceptor);
    struct adoption *adoption = weft_try_alloc(sizeof *adoption);
    if (adoption == NULL) {
        close(descriptor);
        return;
    }
    *adoption = (struct adoption){ .message = { NULL, adopt },
                                   .worker = acceptor->workers[index],
                                   .component = watched->component,
                                   .listener_index = watched->listener_index,
                                   .descriptor = descriptor };
    weft_set_magic(adoption, adoption);
    /* By mailbox to worker 0 too: after a reload its new graph is an earlier message. */
    if (weft_mailbox_post(weft_worker_mailbox(acceptor->workers[index]), &adoption->message) != WEFT_OK) {
        close(descriptor);
        weft_free(adoption);
    }
}

static void on_accepted(void *context, int descriptor)
{
    /* The array may move when a plan is set, never while a socket is accepted. */
    const struct watched *watched = context;
    weft_assert(watched >= watched->acceptor->watched && watched->door != NULL);
    give(watched->acceptor, watched, descriptor);
}

struct weft_acceptor *weft_acceptor_new(struct weft_loop *loop, struct weft_worker *const *workers,
                                        uint32_t worker_count)
{
    struct weft_acceptor *acceptor = weft_alloc(sizeof *acceptor);
    weft_assert(worker_count > 0);
    acceptor->loop = loop;
    acceptor->workers = workers;
    acceptor->worker_count = worker_count;
    acceptor->given = weft_alloc(worker_count * sizeof *acceptor->given);
    acceptor->last_seen = weft_alloc(worker_count * sizeof *acceptor->last_seen);
    return acceptor;
}

static bool is_receiver_of(const struct weft_plan *plan, const struct weft_plan_component *component)
{
    for (size_t i = 0; plan != NULL && i < plan->pipeline_count; i++) {
        for (size_t j = 0; j < plan->pipelines[i].receiver_count; j++) {
            if (plan->pipelines[i].receivers[j] == component) {
                return true;
            }
        }
    }
    return false;
}

/* Watches nothing any more; what the plan that follows (NULL: none) does not listen on is closed. */
static void unwatch(struct weft_acceptor *acceptor, const struct weft_plan *next_plan)
{
    for (size_t i = 0; i < acceptor->watched_count; i++) {
        struct watched *watched = &acceptor->watched[i];
        weft_door_free(watched->door);
        if (!is_receiver_of(next_plan, watched->component)) {
            const struct weft_shared_listeners *listeners = watched->component->shared;
            weft_assert(watched->listener_index < listeners->count);
            weft_listener_close(&listeners->items[watched->listener_index]);
        }
    }
    acceptor->watched_count = 0;
}

void weft_acceptor_stop(struct weft_acceptor *acceptor)
{
    unwatch(acceptor, NULL);
}

static bool is_watched(const struct weft_acceptor *acceptor, const struct weft_plan_component *component)
{
    for (size_t i = 0; i < acceptor->watched_count; i++) {
        if (acceptor->watched[i].component == component) {
            return true;
        }
    }
    return false;
}

static void add_listeners(struct weft_acceptor *acceptor, const struct weft_plan_component *component)
{
    if (component->shared == NULL || is_watched(acceptor, component)) {
        return;
    }
    const struct weft_shared_listeners *listeners = component->shared;
    for (size_t i = 0; i < listeners->count; i++) {
        if (weft_try_grow(&acceptor->watched, sizeof *acceptor->watched, acceptor->watched_count,
                          &acceptor->watched_capacity) != WEFT_OK) {
            return;
        }
        acceptor->watched[acceptor->watched_count++] =
            (struct watched){ acceptor, component, i, listeners->items[i].descriptor, NULL };
    }
}

void weft_acceptor_set_plan(struct weft_acceptor *acceptor, const struct weft_plan *plan)
{
    unwatch(acceptor, plan);
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        for (size_t j = 0; j < plan->pipelines[i].receiver_count; j++) {
            add_listeners(acceptor, plan->pipelines[i].receivers[j]);
        }
    }
    /* The acceptor lives on worker 0, whose guests it can ask for a descriptor. */
    struct weft_list *guest_sets = weft_worker_host(acceptor->workers[0])->net->guest_sets;
    for (size_t i = 0; i < acceptor->watched_count; i++) {
        struct watched *watched = &acceptor->watched[i];
        watched->door = weft_door_new(acceptor->loop, watched->descriptor, guest_sets, on_accepted, watched);
    }
}

void weft_acceptor_free(struct weft_acceptor *acceptor)
{
    weft_acceptor_stop(acceptor);
    weft_free(acceptor->watched);
    weft_free(acceptor->given);
    weft_free(acceptor->last_seen);
    weft_free(acceptor);
}
