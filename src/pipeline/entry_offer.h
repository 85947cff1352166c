#pragma once

#include "pipeline/entry.h"

/* An offer that waits: for receivers that nobody asks twice, since what they read is theirs alone (files, sockets,
 * standard input). One batch at a time is kept and offered again, to those pipelines only that have not taken it.
 * Embedded in the receiver, one for each entry; worker's thread.
 *
 *     set_entry:   weft_offer_set_entry(&offer, entry)
 *     a batch:     weft_offer_make(&offer, &batch, &error), then no more is read while weft_offer_is_pending(&offer)
 *     on_pressure: weft_offer_again(&offer, &error); and from a timer, since an open pipeline may refuse, too
 *     drained:     weft_offer_give_up(&offer, NULL)
 *
 * A pipeline that is closed is not asked. What it answers otherwise: OK, it has its copy; a status that may pass and
 * with which nobody took (CLOSED, NOMEM, ...), it is asked again; PARTIAL or a final one, its copy is refused for good.
 *
 * Books: the first copy that a pipeline is asked to take is `offered`, once for each batch; every further asking is
 * `copied`, and what a pipeline did not take is `uncopied` within the same call. So nothing is in flight between calls,
 * the identity holds all the time, and copied - uncopied is exact. `refused` is booked once, when a pipeline refuses
 * for good or the receiver gives up. A batch that an open pipeline has sent back and that nobody has taken yet counts
 * as accepted; one that has only met closed pipelines is in no account. */
struct weft_offer {
    struct weft_entry *entry; /* NULL: there is none */
    struct weft_list node;    /* among the entry's */
    struct weft_batch *batch; /* for who has not taken it; NULL: nothing is offered */
    uint64_t weight;          /* records of the batch as it was made */
    uint8_t *states;          /* for each entrance, while a batch is there */
    size_t pending_count;
    bool is_offered;           /* offered has been booked */
    bool is_taken;             /* by one at least */
    bool is_asking;            /* a pipeline has the batch in hand right now */
    struct weft_error refusal; /* of those that are for good the one to tell; status WEFT_OK: none */
};

void weft_offer_init(struct weft_offer *offer);

/* Nothing may be pending. */
void weft_offer_fini(struct weft_offer *offer);

/* From now on offers go there; NULL = nowhere. What is pending when the entry changes (reload): with no entry any more
 * it is given up. If nobody has taken it yet, it is for all pipelines of the new entry. Else it stays with those that
 * had not taken it and are in the new entry, by name; for a pipeline that is gone nobody waits, and a new one does not
 * get what was read before it was there. If that leaves nobody the offer is over. */
void weft_offer_set_entry(struct weft_offer *offer, struct weft_entry *entry);

/* True also while a pipeline is being asked: whoever is called back from there has to wait for its turn. */
static inline bool weft_offer_is_pending(const struct weft_offer *offer)
{
    return offer->batch != NULL || offer->is_asking;
}

/* Takes a checked batch with records over and asks every pipeline. There is an entry, and nothing is pending. Result as
 * of weft_offer_again. */
enum weft_status weft_offer_make(struct weft_offer *offer, struct weft_batch **own_batch,
                                 struct weft_error *error) WEFT_MUST_CHECK;

/* Asks those pipelines again that have not taken the batch. WEFT_OK: all have it. While weft_offer_is_pending, another
 * status says what the last one of them answered (WEFT_CLOSED: it is closed); once the offer is over, it is that of the
 * refusal for good. Called from within (on_pressure while a pipeline is being asked) it does nothing: WEFT_CLOSED. The
 * ticket, if the batch has one, is settled in every case when all copies have ended. */
enum weft_status weft_offer_again(struct weft_offer *offer, struct weft_error *error) WEFT_MUST_CHECK;

/* Nobody is asked any more; harmless when nothing is pending. reason: for the ticket; NULL = closed. */
void weft_offer_give_up(struct weft_offer *offer, const struct weft_error *reason);
