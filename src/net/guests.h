#pragma once

#include "base/hash.h"
#include "base/list.h"
#include "base/thread.h"
#include "base/timers.h"
#include "net/peer.h"

/* The connections that a server has accepted, and which of them goes when there are too many: of all, of one address
 * (its share), or of the process's descriptors (descriptors.h). Who comes new is let in as long as somebody is
 * dispensable: whoever has not brought a request yet comes first, and of those who has said nothing at all; then who
 * lets one hang that was never answered, who is silent, who moves least. Nobody who waits for an answer of ours goes.
 *
 * A flood of connections that say nothing therefore pushes out its own: those without a request go when they have
 * been so for a second, or are more than an eighth of what there is room for; half of that is for those who say
 * something. Within it they stay ahead of who was served and is silent now, so that a new client has the time to send
 * its request.
 *
 * Each step is of constant work. One worker. Embedded in the server, and a guest in its connection. */
enum weft_guest_standing {
    WEFT_GUEST_OVER,   /* our last words are said */
    WEFT_GUEST_SILENT, /* nothing came so far */
    WEFT_GUEST_NEW,    /* no request so far: TLS, preface, head have begun */
    WEFT_GUEST_TRYING, /* it has begun some; none was ever answered */
    WEFT_GUEST_IDLE,   /* nothing is under way; it was answered before */
    WEFT_GUEST_BUSY,   /* something is, and it is the peer's turn to send or to read; it was answered before */
    WEFT_GUEST_SERVED, /* it is our turn */
    WEFT_GUEST_STANDINGS,
};

struct weft_guest;

/* Closes the connection's descriptor at once; it leaves now or soon. Nothing of it is on the stack. */
typedef void (*weft_guest_end_fn)(struct weft_guest *guest);

/* All guests of one worker: where its servers look for who could spare a descriptor, of which the process has one stock
 * for all workers. */
struct weft_guest_hall {
    struct weft_list sets;
    struct weft_atomic_u64 unserved_count; /* guests that never got an answer; any thread may read it */

    /* Has a worker spare one that has many more such guests. False: none has. NULL: there is no other worker. */
    bool (*ask_elsewhere)(void *context);
    void *context;
};

void weft_guest_hall_init(struct weft_guest_hall *hall);

struct weft_guests_settings {
    uint32_t max_count;
    uint32_t max_per_address; /* 0 = half of max_count, or 16 of less than 32 */
    bool always_admits;       /* who waits for an answer goes too, if there is nobody else */
    weft_guest_end_fn end;
    const struct weft_timers *timers; /* outlives the set */
    struct weft_guest_hall *hall;     /* the worker's; or NULL: the set is alone */
};

/* Who stands where, each standing in order of arrival there or of progress. */
struct weft_guest_order {
    struct weft_list standings[WEFT_GUEST_STANDINGS];
    uint32_t counts[WEFT_GUEST_STANDINGS];
    uint32_t count;
};

struct weft_guests {
    struct weft_list node; /* of the hall's sets */
    struct weft_guests_settings settings;
    struct weft_guest_order all;
    struct weft_list *households; /* a chain for each hash */
    size_t household_chains;      /* a power of two */
    struct weft_hash_secret secret;
    bool is_reading;                  /* while we do not read, silence says nothing about a client */
    struct weft_monotonic read_since; /* so nor does what lies before */
};

struct weft_guest_household;

enum { WEFT_GUEST_OF_ALL, WEFT_GUEST_OF_HOUSEHOLD, WEFT_GUEST_ORDERS };

struct weft_guest {
    struct weft_list nodes[WEFT_GUEST_ORDERS];
    struct weft_guests *guests; /* NULL: it has left, or never came */
    struct weft_guest_household *household;
    int descriptor; /* borrowed, to see whether something came that nobody has read yet */
    enum weft_guest_standing standing;
    struct weft_monotonic since; /* its standing's begin, or its last progress */
    size_t moved_bytes;          /* after that */
};

void weft_guests_init(struct weft_guests *guests, const struct weft_guests_settings *settings);

/* All have left. */
void weft_guests_fini(struct weft_guests *guests);

/* Whether the server reads from its guests now. */
void weft_guests_set_reading(struct weft_guests *guests, bool is_reading);

/* Whether an accepted socket may stay, if need be in another's place; what is refused is closed, and its descriptor
 * is -1. A descriptor out of the last ones that there are is replaced by a lower one. */
bool weft_guests_admit(struct weft_guests *guests, int *in_out_descriptor, struct weft_peer *out_peer);

/* What was admitted has become a connection, which is SILENT. */
void weft_guests_enter(struct weft_guests *guests, struct weft_guest *guest, int descriptor,
                       const struct weft_peer *peer);

/* Harmless for who has left already. */
void weft_guests_leave(struct weft_guest *guest);

/* What counts as its address; empty: there is none, or it has left. Until it leaves. */
struct weft_slice weft_guest_address(const struct weft_guest *guest);

void weft_guest_stand(struct weft_guest *guest, enum weft_guest_standing standing);

/* It was answered, or did whatever else a peer is here for: nobody has been silent for less long. */
void weft_guest_touch(struct weft_guest *guest);

/* Bytes of its request or answer moved. Little of it is no progress: a byte a second keeps nobody's place. Nor is
 * anything before the first request: frames without end, for instance. */
void weft_guest_progress(struct weft_guest *guest, size_t bytes);

enum weft_guest_sparing {
    WEFT_GUEST_SPARED,      /* a descriptor is free */
    WEFT_GUEST_SPARED_SOON, /* another worker has been asked to free one */
    WEFT_GUEST_NOT_SPARED,  /* nobody is dispensable */
};

/* Ends the most dispensable guest, for want of descriptors: of the hall, or elsewhere, so that who has just come to a
 * worker with few guests does not go for the flood of another one. */
enum weft_guest_sparing weft_guests_spare_one(struct weft_guest_hall *hall);

/* The same in this hall only. False: nobody is dispensable. */
bool weft_guests_spare_one_here(struct weft_guest_hall *hall);
