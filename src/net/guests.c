/* Who goes when there are too many (guests.h). Every standing is a list in the order in which its guests came there or
 * moved last, once for all and once for each address, so the one that goes is always the first of some list. */
#include "net/guests.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/magic.h"
#include "net/descriptors.h"

enum {
    CHAINS_MOST = 4096,
    NEW_DIVISOR = 8, /* of the places, for those without a request, as long as somebody else is dispensable */
    ADDRESS_DIVISOR = 2,
    PART_LEAST = 16,
    PROGRESS_BYTES = 16 * 1024,
};

static const int64_t quiet_ns = WEFT_NS_PER_S;

WEFT_MAGIC(guest_household, 0x6e571043);

/* An address with guests. */
struct weft_guest_household {
    struct weft_list node; /* of its chain */
    uint32_t magic;
    uint8_t key[16];
    size_t key_length;
    struct weft_guest_order order;
};

/* ---- orders ---- */

static void order_init(struct weft_guest_order *order)
{
    for (int i = 0; i < WEFT_GUEST_STANDINGS; i++) {
        weft_list_init(&order->standings[i]);
    }
}

static void order_add(struct weft_guest_order *order, struct weft_guest *guest, int which)
{
    weft_list_push_back(&order->standings[guest->standing], &guest->nodes[which]);
    order->count++;
    order->counts[guest->standing]++;
}

static void order_remove(struct weft_guest_order *order, struct weft_guest *guest, int which)
{
    weft_assert(order->count > 0);
    weft_list_remove(&guest->nodes[which]);
    order->count--;
    order->counts[guest->standing]--;
}

/* One thread writes it. */
static void count_unserved(struct weft_guest *guest, int by)
{
    struct weft_guest_hall *hall = guest->guests->settings.hall;
    if (hall != NULL && guest->standing <= WEFT_GUEST_TRYING) {
        weft_atomic_store(&hall->unserved_count, weft_atomic_load(&hall->unserved_count) + (uint64_t)by);
    }
}

static void add_everywhere(struct weft_guest *guest)
{
    count_unserved(guest, 1);
    order_add(&guest->guests->all, guest, WEFT_GUEST_OF_ALL);
    if (guest->household != NULL) {
        order_add(&guest->household->order, guest, WEFT_GUEST_OF_HOUSEHOLD);
    }
}

static void remove_everywhere(struct weft_guest *guest)
{
    count_unserved(guest, -1);
    order_remove(&guest->guests->all, guest, WEFT_GUEST_OF_ALL);
    if (guest->household != NULL) {
        order_remove(&guest->household->order, guest, WEFT_GUEST_OF_HOUSEHOLD);
    }
}

static struct weft_guest *first_of(struct weft_guest_order *order, enum weft_guest_standing standing, int which)
{
    struct weft_list *node = weft_list_first(&order->standings[standing]);
    return node == NULL ? NULL : WEFT_CONTAINER_OF(node, struct weft_guest, nodes[which]);
}

/* ---- who goes ---- */

/* Whom to end, and how much of a pity that is. */
struct choice {
    struct weft_guest *guest; /* NULL: nobody */
    int rank;
};

static struct weft_monotonic now_of(const struct weft_guests *guests)
{
    return weft_timers_now(guests->settings.timers);
}

static bool is_quiet(const struct weft_guest *guest)
{
    if (guest == NULL || !guest->guests->is_reading) {
        return false;
    }
    struct weft_monotonic heard = guest->guests->read_since;
    int64_t since_ns = guest->since.ns > heard.ns ? guest->since.ns : heard.ns;
    return now_of(guest->guests).ns - since_ns >= quiet_ns;
}

static struct weft_guest *quiet_or_null(struct weft_guest *guest)
{
    return is_quiet(guest) ? guest : NULL;
}

static struct weft_guest *older(struct weft_guest *one, struct weft_guest *other)
{
    return one == NULL || (other != NULL && other->since.ns < one->since.ns) ? other : one;
}

/* A part of the limit, but some at least, where there are so many. */
static uint32_t part_of(uint32_t limit, uint32_t divisor)
{
    uint32_t part = limit / divisor;
    uint32_t least = limit < PART_LEAST ? limit : PART_LEAST;
    return part > least ? part : least;
}

/* Those whose first bytes have come and are not read yet are not silent. Each is found out once. */
static void hear(struct weft_guest_order *order, int which)
{
    struct weft_guest *guest;
    char byte;
    while ((guest = first_of(order, WEFT_GUEST_SILENT, which)) != NULL &&
           recv(guest->descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0) {
        weft_guest_stand(guest, WEFT_GUEST_NEW);
    }
}

/* limit: how many places there are for those of the order, or for more. */
static struct choice choose(const struct weft_guests *guests, struct weft_guest_order *order, int which, uint32_t limit)
{
    hear(order, which);
    struct weft_guest *first[WEFT_GUEST_STANDINGS];
    for (int i = 0; i < WEFT_GUEST_STANDINGS; i++) {
        first[i] = first_of(order, (enum weft_guest_standing)i, which);
    }
    uint32_t room = part_of(limit, NEW_DIVISOR), silent_count = order->counts[WEFT_GUEST_SILENT];
    bool are_silent_too_many = silent_count > 0 && silent_count >= room / 2;
    bool are_new_too_many = silent_count + order->counts[WEFT_GUEST_NEW] >= room;
    struct weft_guest *silent = first[WEFT_GUEST_SILENT], *new = first[WEFT_GUEST_NEW];
    /* While we do not read it is not their fault that they wait. */
    bool may_try = guests->is_reading;
    struct weft_guest *const ranked[] = {
        quiet_or_null(first[WEFT_GUEST_OVER]),
        are_silent_too_many ? silent : NULL,
        are_new_too_many ? new : NULL,
        first[WEFT_GUEST_OVER], /* whose last words a reset might overtake */
        quiet_or_null(silent),
        quiet_or_null(new),
        quiet_or_null(first[WEFT_GUEST_TRYING]),
        older(quiet_or_null(first[WEFT_GUEST_IDLE]), quiet_or_null(first[WEFT_GUEST_BUSY])),
        silent,
        new,
        may_try ? first[WEFT_GUEST_TRYING] : NULL,
        first[WEFT_GUEST_IDLE],
        guests->settings.always_admits ? first[WEFT_GUEST_BUSY] : NULL,
        guests->settings.always_admits ? first[WEFT_GUEST_SERVED] : NULL,
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(ranked); i++) {
        if (ranked[i] != NULL) {
            return (struct choice){ ranked[i], (int)i };
        }
    }
    return (struct choice){ NULL, 0 };
}

static bool end(struct weft_guest *guest)
{
    if (guest == NULL) {
        return false;
    }
    guest->guests->settings.end(guest);
    return true;
}

static bool is_better(struct choice one, struct choice other)
{
    if (one.guest == NULL || other.guest == NULL || one.rank != other.rank) {
        return other.guest == NULL || (one.guest != NULL && one.rank < other.rank);
    }
    return one.guest->since.ns < other.guest->since.ns;
}

/* ---- descriptors ---- */

void weft_guest_hall_init(struct weft_guest_hall *hall)
{
    *hall = (struct weft_guest_hall){ 0 };
    weft_list_init(&hall->sets);
}

static uint32_t count_in(const struct weft_guest_hall *hall)
{
    uint32_t count = 0;
    WEFT_LIST_EACH(node, &hall->sets)
    {
        count += WEFT_CONTAINER_OF(node, struct weft_guests, node)->all.count;
    }
    return count;
}

bool weft_guests_spare_one_here(struct weft_guest_hall *hall)
{
    struct choice best = { NULL, 0 };
    uint32_t count = count_in(hall); /* a set of few is not full of the silent because one of them is */
    WEFT_LIST_EACH(node, &hall->sets)
    {
        struct weft_guests *guests = WEFT_CONTAINER_OF(node, struct weft_guests, node);
        struct choice one = choose(guests, &guests->all, WEFT_GUEST_OF_ALL, count);
        best = is_better(one, best) ? one : best;
    }
    return end(best.guest);
}

enum weft_guest_sparing weft_guests_spare_one(struct weft_guest_hall *hall)
{
    if (hall->ask_elsewhere != NULL && hall->ask_elsewhere(hall->context)) {
        return WEFT_GUEST_SPARED_SOON;
    }
    return weft_guests_spare_one_here(hall) ? WEFT_GUEST_SPARED : WEFT_GUEST_NOT_SPARED;
}

static enum weft_guest_sparing spare_one_for(struct weft_guests *guests)
{
    if (guests->settings.hall != NULL) {
        return weft_guests_spare_one(guests->settings.hall);
    }
    bool is_spared = end(choose(guests, &guests->all, WEFT_GUEST_OF_ALL, guests->all.count).guest);
    return is_spared ? WEFT_GUEST_SPARED : WEFT_GUEST_NOT_SPARED;
}

/* Another gives its descriptor, of whatever server. What is kept back is for probes, too, and until another worker has
 * freed one. */
static bool has_descriptor(struct weft_guests *guests, int *in_out_descriptor)
{
    if (!weft_descriptors_is_kept_back(*in_out_descriptor)) {
        return true;
    }
    weft_descriptors_note_short();
    enum weft_guest_sparing sparing = spare_one_for(guests);
    if (sparing == WEFT_GUEST_SPARED) {
        *in_out_descriptor = weft_descriptors_lower(*in_out_descriptor);
    }
    return sparing != WEFT_GUEST_NOT_SPARED || guests->settings.always_admits;
}

/* ---- addresses ---- */

static struct weft_list *chain_of(struct weft_guests *guests, struct weft_slice key)
{
    return &guests->households[weft_hash(&guests->secret, key) & (guests->household_chains - 1)];
}

static struct weft_guest_household *household_of(struct weft_guests *guests, struct weft_slice key)
{
    struct weft_list *chain = chain_of(guests, key);
    WEFT_LIST_EACH(node, chain)
    {
        struct weft_guest_household *household = WEFT_CONTAINER_OF(node, struct weft_guest_household, node);
        weft_check_magic(household, guest_household);
        if (weft_slice_equal(weft_slice_of(household->key, household->key_length), key)) {
            return household;
        }
    }
    return NULL;
}

static struct weft_guest_household *household_new(struct weft_guests *guests, struct weft_slice key)
{
    struct weft_guest_household *household = weft_alloc(sizeof *household);
    weft_set_magic(household, guest_household);
    weft_assert(key.length <= sizeof household->key);
    memcpy(household->key, key.bytes, key.length);
    household->key_length = key.length;
    order_init(&household->order);
    weft_list_push_back(chain_of(guests, key), &household->node);
    return household;
}

static void household_free_if_empty(struct weft_guest_household *household)
{
    if (household != NULL && household->order.count == 0) {
        weft_list_remove(&household->node);
        weft_clear_magic(household, guest_household);
        weft_free(household);
    }
}

/* ---- coming and going ---- */

void weft_guests_init(struct weft_guests *guests, const struct weft_guests_settings *settings)
{
    weft_assert(settings->max_count > 0 && settings->end != NULL);
    *guests = (struct weft_guests){ .settings = *settings, .is_reading = true };
    if (settings->max_per_address == 0) {
        guests->settings.max_per_address = part_of(settings->max_count, ADDRESS_DIVISOR);
    }
    order_init(&guests->all);
    guests->household_chains = 1;
    while (guests->household_chains < settings->max_count && guests->household_chains < CHAINS_MOST) {
        guests->household_chains *= 2;
    }
    guests->households = weft_alloc(guests->household_chains * sizeof *guests->households);
    for (size_t i = 0; i < guests->household_chains; i++) {
        weft_list_init(&guests->households[i]);
    }
    weft_hash_secret_init(&guests->secret);
    weft_list_init(&guests->node);
    if (settings->hall != NULL) {
        weft_list_push_back(&settings->hall->sets, &guests->node);
    }
}

void weft_guests_fini(struct weft_guests *guests)
{
    weft_assert(guests->all.count == 0);
    weft_list_remove(&guests->node);
    weft_free(guests->households);
}

void weft_guests_set_reading(struct weft_guests *guests, bool is_reading)
{
    if (is_reading && !guests->is_reading) {
        guests->read_since = now_of(guests);
    }
    guests->is_reading = is_reading;
}

static bool keeps_to_share(struct weft_guests *guests, const struct weft_peer *peer)
{
    struct weft_slice key = weft_peer_household(peer);
    struct weft_guest_household *household = key.length == 0 ? NULL : household_of(guests, key);
    uint32_t limit = guests->settings.max_per_address;
    return household == NULL || household->order.count < limit ||
           end(choose(guests, &household->order, WEFT_GUEST_OF_HOUSEHOLD, limit).guest);
}

static bool has_room(struct weft_guests *guests)
{
    uint32_t limit = guests->settings.max_count;
    return guests->all.count < limit || end(choose(guests, &guests->all, WEFT_GUEST_OF_ALL, limit).guest);
}

bool weft_guests_admit(struct weft_guests *guests, int *in_out_descriptor, struct weft_peer *out_peer)
{
    *out_peer = weft_peer_of(*in_out_descriptor);
    if (keeps_to_share(guests, out_peer) && has_room(guests) && has_descriptor(guests, in_out_descriptor)) {
        return true;
    }
    close(*in_out_descriptor);
    *in_out_descriptor = -1;
    return false;
}

void weft_guests_enter(struct weft_guests *guests, struct weft_guest *guest, int descriptor,
                       const struct weft_peer *peer)
{
    *guest = (struct weft_guest){
        .guests = guests, .descriptor = descriptor, .standing = WEFT_GUEST_SILENT, .since = now_of(guests)
    };
    for (int i = 0; i < WEFT_GUEST_ORDERS; i++) {
        weft_list_init(&guest->nodes[i]);
    }
    struct weft_slice key = weft_peer_household(peer);
    if (key.length > 0) {
        guest->household = household_of(guests, key);
        guest->household = guest->household == NULL ? household_new(guests, key) : guest->household;
    }
    add_everywhere(guest);
}

void weft_guests_leave(struct weft_guest *guest)
{
    if (guest->guests == NULL) {
        return;
    }
    remove_everywhere(guest);
    household_free_if_empty(guest->household);
    guest->household = NULL;
    guest->guests = NULL;
}

struct weft_slice weft_guest_address(const struct weft_guest *guest)
{
    const struct weft_guest_household *household = guest->guests == NULL ? NULL : guest->household;
    return household == NULL ? WEFT_SLICE_EMPTY : weft_slice_of(household->key, household->key_length);
}

static void move(struct weft_guest *guest, enum weft_guest_standing standing)
{
    remove_everywhere(guest);
    guest->standing = standing;
    guest->since = now_of(guest->guests);
    guest->moved_bytes = 0;
    add_everywhere(guest);
}

void weft_guest_stand(struct weft_guest *guest, enum weft_guest_standing standing)
{
    if (guest->guests != NULL && guest->standing != standing) {
        move(guest, standing);
    }
}

void weft_guest_touch(struct weft_guest *guest)
{
    if (guest->guests != NULL) {
        move(guest, guest->standing);
    }
}

void weft_guest_progress(struct weft_guest *guest, size_t bytes)
{
    if (guest->standing != WEFT_GUEST_TRYING && guest->standing != WEFT_GUEST_BUSY) {
        return; /* what is no part of a request gains no time */
    }
    guest->moved_bytes += bytes;
    if (guest->moved_bytes >= PROGRESS_BYTES) {
        weft_guest_touch(guest);
    }
}
