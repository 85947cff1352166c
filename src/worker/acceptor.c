/* Acceptor (acceptor.h). A socket travels to its worker as a message; one that has a descriptor out of the last few by
 * way of the worker that spares another one for it. */
#include "worker/acceptor.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/magic.h"
#include "net/descriptors.h"
#include "net/door.h"

/* Sockets under way on their last descriptors: what is kept back is for files and backends, not for a queue. */
enum { SHORT_MOST = 4 };

static const int64_t moment_ns = WEFT_NS_PER_MS;

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
    const struct weft_sparing *sparing;
    struct weft_atomic_u64 short_count; /* see SHORT_MOST */
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
    struct weft_guest_hall *giver;       /* who spares a descriptor first; or NULL */
    struct weft_atomic_u64 *short_count; /* it is one of those; or NULL */
};

static void end_adoption(struct adoption *adoption)
{
    if (adoption->short_count != NULL) {
        weft_atomic_sub(adoption->short_count, 1);
    }
    weft_clear_magic(adoption, adoption);
    weft_free(adoption);
}

static void adopt(struct weft_message *message)
{
    struct adoption *adoption = WEFT_CONTAINER_OF(message, struct adoption, message);
    weft_check_magic(adoption, adoption);
    weft_worker_adopt(adoption->worker, adoption->component, adoption->listener_index, adoption->descriptor);
    end_adoption(adoption);
}

static void send_to(struct adoption *adoption, struct weft_worker *worker, weft_message_fn on_delivered)
{
    adoption->message = (struct weft_message){ .on_delivered = on_delivered };
    if (weft_mailbox_post(weft_worker_mailbox(worker), &adoption->message) != WEFT_OK) {
        close(adoption->descriptor);
        end_adoption(adoption);
    }
}

static void spare_and_send_on(struct weft_message *message)
{
    struct adoption *adoption = WEFT_CONTAINER_OF(message, struct adoption, message);
    weft_check_magic(adoption, adoption);
    if (weft_guests_spare_one_here(adoption->giver)) {
        adoption->descriptor = weft_descriptors_lower(adoption->descriptor);
    }
    send_to(adoption, adoption->worker, adopt);
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

/* The worker that spares a descriptor, if it is not the one that adopts: that one sees to its own. */
static struct weft_worker *note_short(struct weft_acceptor *acceptor, const struct watched *watched, uint32_t index,
                                      struct adoption *adoption)
{
    adoption->short_count = &acceptor->short_count;
    if (weft_atomic_add(&acceptor->short_count, 1) >= SHORT_MOST) {
        weft_door_rest(watched->door, moment_ns);
    }
    uint32_t giver = weft_sparing_giver(acceptor->sparing, index);
    if (giver == index) {
        return NULL;
    }
    weft_descriptors_note_short();
    adoption->giver = weft_worker_host(acceptor->workers[giver])->net->guests;
    return acceptor->workers[giver];
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
    *adoption = (struct adoption){ .worker = acceptor->workers[index],
                                   .component = watched->component,
                                   .listener_index = watched->listener_index,
                                   .descriptor = descriptor };
    weft_set_magic(adoption, adoption);
    struct weft_worker *giver =
        weft_descriptors_is_kept_back(descriptor) ? note_short(acceptor, watched, index, adoption) : NULL;
    if (giver != NULL) {
        send_to(adoption, giver, spare_and_send_on);
    } else {
        /* By mailbox to worker 0 too: after a reload its new graph is an earlier message. */
        send_to(adoption, adoption->worker, adopt);
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
                                        uint32_t worker_count, const struct weft_sparing *sparing)
{
    struct weft_acceptor *acceptor = weft_alloc(sizeof *acceptor);
    weft_assert(worker_count > 0);
    acceptor->loop = loop;
    acceptor->workers = workers;
    acceptor->worker_count = worker_count;
    acceptor->sparing = sparing;
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
    struct weft_guest_hall *hall = weft_worker_host(acceptor->workers[0])->net->guests;
    for (size_t i = 0; i < acceptor->watched_count; i++) {
        struct watched *watched = &acceptor->watched[i];
        watched->door = weft_door_new(acceptor->loop, watched->descriptor, hall, on_accepted, watched);
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
