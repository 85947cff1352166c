#pragma once

#include <stdint.h>

#include "base/magic.h"
#include "base/status.h"

/* A ticket is one client's claim on an answer. It counts the records of the client's request, over all their copies;
 * each copy of each record is settled exactly once, and the last one answers the client. Embedded in the receiver's
 * record of the call, which must stay until on_settled has run. One worker only. */
enum weft_acknowledge {
    WEFT_ACKNOWLEDGE_ACCEPTED,  /* the first hand-over to memory that outlives the call (batch, queue) counts */
    WEFT_ACKNOWLEDGE_DELIVERED, /* only the backend's answer, or a deliberate drop, counts */
};

WEFT_MAGIC(ticket, 0x71c4e7a5);

struct weft_ticket {
    uint32_t magic;       /* until it is settled */
    uint64_t outstanding; /* record copies not settled yet */
    enum weft_acknowledge acknowledge;
    struct weft_error worst; /* .status WEFT_OK while nothing failed; a retryable failure outranks a final one, so that
                                nothing is lost */
    int64_t retry_after_ns;  /* what a backend asked for; -1 = nothing */
    void (*on_settled)(struct weft_ticket *ticket);
};

/* count: the records of the request, > 0. */
void weft_ticket_init(struct weft_ticket *ticket, uint64_t count, enum weft_acknowledge acknowledge,
                      void (*on_settled)(struct weft_ticket *ticket));

/* A fan-out made one more copy of count records. */
void weft_ticket_add(struct weft_ticket *ticket, uint64_t count);

/* count records ended. outcome NULL = well; else it is kept if it is the worst so far. May run on_settled, after which
 * the ticket is gone. */
void weft_ticket_settle(struct weft_ticket *ticket, uint64_t count, const struct weft_error *outcome,
                        int64_t retry_after_ns);
