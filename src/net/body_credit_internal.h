#pragma once

#include "net/body_credit.h"

/* For body_credit.c (the account) and body_address.c (who has how many messages) only. */

enum {
    WEFT_BODY_GRADES = 32,
    WEFT_BODY_SLOW_GRADES = 14, /* those of less than WEFT_BODY_SLOW_BYTES */
    WEFT_BODY_ADDRESS_BUCKETS = 256,
    WEFT_BODY_COUNT_GRADES = 32,
};

_Static_assert(1 << WEFT_BODY_SLOW_GRADES == WEFT_BODY_SLOW_BYTES, "the grades are powers of two of bytes");

struct weft_body_addresses {
    struct weft_list buckets[WEFT_BODY_ADDRESS_BUCKETS];
    struct weft_list by_count[WEFT_BODY_COUNT_GRADES]; /* by powers of two of messages; without those that have none */
};

WEFT_MAGIC(body_credit, 0xb0dc4ed1);

struct weft_body_credit {
    uint32_t magic;
    struct weft_loop *loop;
    struct weft_budget *budget;
    size_t credit_bytes;                                     /* of all workers, whatever the memory limit says */
    size_t largest_bytes, promised_bytes;                    /* of one message: at most; without being asked for */
    uint32_t worker_count, max_begun, max_begun_per_address; /* of this worker */
    size_t begun_count, waiting_count;
    size_t held_bytes;
    size_t reserved_bytes;    /* what those that go on beyond the credit may take */
    struct weft_body *leader; /* the one that goes on to its end; or NULL */
    uint32_t window;          /* its number; from one to the next a second */
    uint32_t pause_count;
    bool is_shedding, is_pressed;
    uint64_t given_up_count, step_count;
    struct weft_list idle; /* silent for a whole window, who was first so first */
    struct weft_list fresh[2];
    struct weft_list settled[2][WEFT_BODY_GRADES]; /* [window & 1]; who has moved last is last */
    struct weft_list waiting;                      /* in order of arrival */
    struct weft_body_addresses addresses;
    struct weft_timer window_end, more_relief;
    struct weft_deferred release;
};

/* body_address.c */
void weft_body_addresses_init(struct weft_body_addresses *addresses);
void weft_body_addresses_fini(struct weft_body_addresses *addresses);

/* Within a factor of two; NULL if nobody has any. */
struct weft_body_address *weft_body_addresses_greediest(struct weft_body_addresses *addresses, uint64_t *steps);
uint32_t weft_body_address_count(const struct weft_body_address *address);

/* The one that is looked at next, in turn: at first the oldest. NULL: none. */
struct weft_body *weft_body_address_next(struct weft_body_address *address);
void weft_body_address_add(struct weft_body_addresses *addresses, struct weft_body_address *address,
                           struct weft_body *body);
void weft_body_address_remove(struct weft_body_addresses *addresses, struct weft_body *body);
