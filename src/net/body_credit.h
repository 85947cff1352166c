#pragma once

#include "base/budget.h"
#include "base/list.h"
#include "base/magic.h"
#include "base/slice.h"
#include "net/loop.h"

/* The account of messages that have begun and are not complete: one per worker, for all its servers and both protocols.
 * The limits are the process's; each worker has an equal share of them, so that its decisions are its own.
 *
 * A message is charged with what it holds, from its headers on. Three marks, with one rule for who gives way:
 * - The credit (half of the memory limit at most). Beyond it large messages wait for their turn; one goes on to its end
 *   whatever there is, so that all end, and others by slices. While somebody waits, whoever moves too little is given
 *   up, the slowest first.
 * - A quarter above it anybody may be given up, in this order: who has sent nothing for a whole window (a second); who
 *   moved less than WEFT_BODY_SLOW_BYTES in the last one, the slowest first; who has begun or gone on only just now and
 *   has been silent for longest; who waits for us, the last in line first; who keeps pace. It goes on until the credit
 *   is kept again.
 * - The number of messages. Beyond it a new one takes the place of one of the address that has most, if that has one
 *   that does not keep pace; else it is refused.
 *
 * All of it is constant work for each piece that comes: messages stand in lists by what they moved in this window and
 * in the one before; at the end of a window whole lists are moved, without a look at what is in them. */
struct weft_body_credit;
struct weft_body;

enum { WEFT_BODY_SLOW_BYTES = 16 * 1024 };

struct weft_body_credit_settings {
    size_t credit_bytes;            /* of the process; 0 = 64 MiB */
    uint32_t max_begun;             /* of the process; 0 = 10,000 */
    uint32_t max_begun_per_address; /* of the process; 0 = half of that */
    uint32_t worker_count;          /* 0 = 1 */
};

/* What a server does with its messages. */
struct weft_body_kind {
    void (*give_up)(struct weft_body *body); /* refuses it, and so ends it here; from within any call below */
    void (*resume)(struct weft_body *body);  /* what waited may go on; at the end of a tick */
};

/* Clients with one address, as many as there are. */
struct weft_body_address;

WEFT_MAGIC(body, 0xb0d1ed17);

/* Embedded in what reads a message. All zero is one that has not begun. */
struct weft_body {
    struct weft_list node; /* by movement, or of those that wait */
    struct weft_list address_node;
    uint32_t magic;
    struct weft_body_credit *credit; /* NULL: not begun, or over */
    const struct weft_body_kind *kind;
    struct weft_body_address *address;
    size_t held_bytes, expected_bytes;
    size_t reserved_bytes; /* promised beyond the credit */
    size_t grant_end;      /* up to so much held */
    size_t window_bytes;   /* moved in the window that it moved in last */
    size_t former_bytes;   /* and in the one before that */
    uint32_t window;       /* which that was */
    uint32_t first_window; /* in which it began or went on */
    uint32_t wait_window;  /* in which it began to wait */
    bool is_waiting;
    bool has_waited_long; /* and nothing has come since it was resumed */
};

struct weft_body_credit *weft_body_credit_new(struct weft_loop *loop, struct weft_budget *budget,
                                              const struct weft_body_credit_settings *settings);

/* All messages are over, all addresses are released. */
void weft_body_credit_free(struct weft_body_credit *credit);

/* A message of this size must be able to come in whole; of it all may come without being asked for. */
void weft_body_credit_note_promised(struct weft_body_credit *credit, size_t message_bytes);

/* A message of this size must be able to come in whole. */
void weft_body_credit_note_largest(struct weft_body_credit *credit, size_t message_bytes);

/* A server does not read for a while, or reads again: nobody is called slow meanwhile. */
void weft_body_credit_pause(struct weft_body_credit *credit);
void weft_body_credit_unpause(struct weft_body_credit *credit);

/* True once when a time is over in which somebody had to wait or was given up: memory that has been freed since may go
 * back to the system. */
bool weft_body_credit_take_relief(struct weft_body_credit *credit);

/* host: what counts as one address (weft_peer_household). To be released as often as it was acquired. */
struct weft_body_address *weft_body_address_acquire(struct weft_body_credit *credit, struct weft_slice host);
void weft_body_address_release(struct weft_body_address **address);

/* Room for one more message, maybe at the cost of another. False: it is to be refused. */
bool weft_body_credit_make_place(struct weft_body_credit *credit, struct weft_body_address *address);

/* It begins and holds so much already. */
void weft_body_begin(struct weft_body *body, struct weft_body_credit *credit, const struct weft_body_kind *kind,
                     struct weft_body_address *address, size_t held_bytes);

/* How large it will be, once that is known. */
static inline void weft_body_expect(struct weft_body *body, size_t expected_bytes)
{
    body->expected_bytes = expected_bytes;
}

/* So many bytes of it have come, and it holds so much now. May give up messages, this one included: false then, and if
 * it is not in the account. */
bool weft_body_move(struct weft_body *body, size_t moved_bytes, size_t held_bytes);

/* Whether more of it may be asked for now. False: it is to wait. */
bool weft_body_may_grow(const struct weft_body *body);

/* Nothing more is read of it, or can come, until it is resumed. */
void weft_body_wait(struct weft_body *body);

/* It was resumed, and nothing had come while it could not be read. If it has waited for so long that something would
 * have, it never was held up, and is as silent as any. May give up messages, this one included. */
void weft_body_note_silence(struct weft_body *body);

static inline bool weft_body_is_waiting(const struct weft_body *body)
{
    return body->is_waiting;
}

/* It is complete or will never be. Harmless if it has not begun. */
void weft_body_end(struct weft_body *body);

struct weft_body_credit_state {
    size_t begun_count, waiting_count, held_bytes, credit_bytes;
    uint64_t given_up_count;
    uint64_t step_count; /* lists and messages that were looked at to choose somebody, ever */
};

/* How many have begun. */
size_t weft_body_credit_count(const struct weft_body_credit *credit);
struct weft_body_credit_state weft_body_credit_read(const struct weft_body_credit *credit);
