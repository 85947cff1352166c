/* Sparing (sparing.h). What is asked for travels as a message; each stands for one descriptor that is in use, so there
 * are never many. */
#include "worker/sparing.h"

#include "base/alloc.h"
#include "base/magic.h"
#include "net/guests.h"

enum { MANY_TIMES = 2 }; /* as many, to be worth a message: among near equals each gives its own */

WEFT_MAGIC(sparing_request, 0x05ba21e9);

struct request {
    struct weft_message message;
    uint32_t magic;
    struct weft_guest_hall *hall;
};

/* A worker that may be in want. */
struct asker {
    struct weft_sparing *sparing;
    uint32_t worker_index;
};

struct weft_sparing {
    struct weft_worker *const *workers;
    uint32_t worker_count;
    struct asker askers[];
};

static struct weft_guest_hall *hall_of(const struct weft_sparing *sparing, uint32_t index)
{
    return weft_worker_host(sparing->workers[index])->net->guests;
}

static void on_asked(struct weft_message *message)
{
    struct request *request = WEFT_CONTAINER_OF(message, struct request, message);
    weft_check_magic(request, sparing_request);
    (void)weft_guests_spare_one_here(request->hall);
    weft_clear_magic(request, sparing_request);
    weft_free(request);
}

static bool ask_elsewhere(void *context)
{
    const struct asker *asker = context;
    struct weft_sparing *sparing = asker->sparing;
    uint32_t giver = weft_sparing_giver(sparing, asker->worker_index);
    struct request *request = giver == asker->worker_index ? NULL : weft_try_alloc(sizeof *request);
    if (request == NULL) {
        return false;
    }
    *request = (struct request){ .message = { .on_delivered = on_asked }, .hall = hall_of(sparing, giver) };
    weft_set_magic(request, sparing_request);
    weft_mailbox_post_always(weft_worker_mailbox(sparing->workers[giver]), &request->message);
    return true;
}

struct weft_sparing *weft_sparing_new(struct weft_worker *const *workers, uint32_t worker_count)
{
    struct weft_sparing *sparing = weft_alloc(sizeof *sparing + worker_count * sizeof sparing->askers[0]);
    sparing->workers = workers;
    sparing->worker_count = worker_count;
    for (uint32_t i = 0; worker_count > 1 && i < worker_count; i++) {
        sparing->askers[i] = (struct asker){ sparing, i };
        struct weft_guest_hall *hall = hall_of(sparing, i);
        hall->context = &sparing->askers[i];
        hall->ask_elsewhere = ask_elsewhere;
    }
    return sparing;
}

void weft_sparing_free(struct weft_sparing *sparing)
{
    for (uint32_t i = 0; i < sparing->worker_count; i++) {
        hall_of(sparing, i)->ask_elsewhere = NULL;
    }
    weft_free(sparing);
}

uint32_t weft_sparing_giver(const struct weft_sparing *sparing, uint32_t for_worker)
{
    uint32_t giver = for_worker;
    uint64_t most = weft_atomic_load(&hall_of(sparing, for_worker)->unserved_count) * MANY_TIMES;
    for (uint32_t i = 0; i < sparing->worker_count; i++) {
        uint64_t count = weft_atomic_load(&hall_of(sparing, i)->unserved_count);
        if (i != for_worker && count > most) {
            giver = i;
            most = count;
        }
    }
    return giver;
}
