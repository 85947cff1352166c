/* Ticket: a countdown that remembers the worst outcome (ticket.h, DESIGN "Consume, pressure, acknowledgement"). */
#include "pipeline/ticket.h"

void weft_ticket_init(struct weft_ticket *ticket, uint64_t count, enum weft_acknowledge acknowledge,
                      void (*on_settled)(struct weft_ticket *ticket))
{
    weft_assert(count > 0 && on_settled != NULL);
    weft_set_magic(ticket, ticket);
    ticket->outstanding = count;
    ticket->acknowledge = acknowledge;
    ticket->worst.status = WEFT_OK;
    ticket->worst.text[0] = '\0';
    ticket->retry_after_ns = -1;
    ticket->on_settled = on_settled;
}

void weft_ticket_add(struct weft_ticket *ticket, uint64_t count)
{
    weft_check_magic(ticket, ticket);
    weft_assert(ticket->outstanding > 0);
    ticket->outstanding += count;
}

static bool is_worse(enum weft_status candidate, enum weft_status current)
{
    return current == WEFT_OK || (weft_status_is_retryable(candidate) && !weft_status_is_retryable(current));
}

void weft_ticket_settle(struct weft_ticket *ticket, uint64_t count, const struct weft_error *outcome,
                        int64_t retry_after_ns)
{
    weft_check_magic(ticket, ticket);
    weft_assert(count <= ticket->outstanding);
    if (outcome != NULL && is_worse(outcome->status, ticket->worst.status)) {
        ticket->worst = *outcome;
    }
    if (retry_after_ns > ticket->retry_after_ns) {
        ticket->retry_after_ns = retry_after_ns;
    }
    ticket->outstanding -= count;
    if (ticket->outstanding == 0) {
        weft_clear_magic(ticket, ticket);
        ticket->on_settled(ticket);
    }
}
