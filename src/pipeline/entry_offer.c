/* Offers that wait (entry_offer.h): which pipelines still have to take a batch, and what the books say of each asking.
 * The batch itself goes to the last one; the others get clones, which are made when they are asked. */
#include "pipeline/entry_offer.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "pipeline/entry_internal.h"

enum state { STATE_DONE, STATE_PENDING };

void weft_offer_init(struct weft_offer *offer)
{
    *offer = (struct weft_offer){ 0 };
    weft_list_init(&offer->node);
}

void weft_offer_fini(struct weft_offer *offer)
{
    weft_assert(offer->batch == NULL && !offer->is_asking);
    weft_list_remove(&offer->node);
    weft_free(offer->states);
    offer->states = NULL;
    offer->entry = NULL;
}

static void book(const struct weft_offer *offer, weft_flow_id flow, uint64_t weight)
{
    weft_host_book(offer->entry->host, flow, weight);
}

/* Books a copy into the pipeline's in_flight. */
static void book_in(struct weft_offer *offer, const struct entrance *entrance, uint64_t weight)
{
    book(offer, offer->is_offered ? entrance->copied_flow : entrance->offered_flow, weight);
    offer->is_offered = true;
}

/* Books a copy out of it that nobody will take: the first one is what the client is refused. */
static void book_refused(struct weft_offer *offer, const struct entrance *entrance, const struct weft_batch *batch,
                         const struct weft_error *refusal)
{
    bool is_first = offer->refusal.status == WEFT_OK;
    if (is_first) {
        weft_host_drop(offer->entry->host, entrance->refused_flow, batch);
    } else {
        book(offer, entrance->uncopied_flow, batch->weight);
    }
    if (is_first || weft_status_is_retryable(refusal->status)) {
        offer->refusal = *refusal;
    }
}

/* No pipeline has to be asked any more. */
static enum weft_status finish(struct weft_offer *offer, struct weft_error *error)
{
    weft_assert(offer->pending_count == 0 || offer->batch != NULL);
    struct weft_error refusal = offer->refusal; /* the ticket may bring the next batch */
    bool is_refused = refusal.status != WEFT_OK;
    uint64_t *counter = is_refused ? &offer->entry->counters.refused : &offer->entry->counters.accepted;
    *counter += offer->weight;
    if (offer->batch != NULL) {
        weft_batch_end(&offer->batch, is_refused ? &refusal : NULL, -1);
    }
    if (is_refused && error != NULL) {
        *error = refusal;
    }
    return refusal.status;
}

/* Nobody took, and it may succeed later. */
static bool may_come_back(enum weft_status status)
{
    return weft_status_is_retryable(status) && status != WEFT_PARTIAL;
}

/* What the pipeline did not take goes out of its account again: until it is asked once more, or for good. */
static void take_back(struct weft_offer *offer, size_t index, struct weft_batch **own_branch,
                      const struct weft_error *answer)
{
    const struct entrance *entrance = &offer->entry->entrances[index];
    if (!may_come_back(answer->status)) {
        book_refused(offer, entrance, *own_branch, answer);
        offer->states[index] = STATE_DONE;
        offer->pending_count--;
        weft_batch_end(own_branch, answer, -1);
        return;
    }
    book(offer, entrance->uncopied_flow, (*own_branch)->weight);
    if (offer->batch == NULL) {
        offer->batch = *own_branch;
        *own_branch = NULL;
    } else {
        weft_batch_end(own_branch, NULL, -1);
    }
}

static enum weft_status ask(struct weft_offer *offer, size_t index, struct weft_error *answer)
{
    const struct entrance *entrance = &offer->entry->entrances[index];
    weft_assert(offer->batch != NULL && offer->pending_count > 0);
    if (!entrance->first->is_open) {
        return weft_fail(answer, WEFT_CLOSED, "%s is closed", entrance->pipeline);
    }
    struct weft_batch *branch = offer->batch;
    if (offer->pending_count > 1) {
        branch = weft_batch_try_clone(offer->batch);
        if (branch == NULL) {
            return weft_fail(answer, WEFT_NOMEM, "no memory for a copy to %s", entrance->pipeline);
        }
    } else {
        offer->batch = NULL;
    }
    book_in(offer, entrance, branch->weight);
    enum weft_status status = weft_consumer_consume(entrance->first, &branch, answer);
    answer->status = status;
    if (status != WEFT_OK) {
        take_back(offer, index, &branch, answer);
        return status;
    }
    offer->states[index] = STATE_DONE;
    offer->pending_count--;
    offer->is_taken = true;
    return WEFT_OK;
}

enum weft_status weft_offer_again(struct weft_offer *offer, struct weft_error *error)
{
    if (offer->is_asking) {
        return weft_fail(error, WEFT_CLOSED, "an offer is under way");
    }
    weft_check_magic(offer->entry, entry);
    weft_assert(offer->batch != NULL && offer->pending_count > 0);
    struct weft_error waiting = WEFT_ERROR_NONE;
    offer->is_asking = true;
    for (size_t i = 0; i < offer->entry->entrance_count; i++) {
        struct weft_error answer = WEFT_ERROR_NONE;
        if (offer->states[i] == STATE_PENDING && ask(offer, i, &answer) != WEFT_OK &&
            offer->states[i] == STATE_PENDING) {
            waiting = answer;
        }
    }
    offer->is_asking = false;
    if (offer->pending_count == 0) {
        return finish(offer, error);
    }
    if (error != NULL) {
        *error = waiting;
    }
    return waiting.status;
}

static void expect_all(struct weft_offer *offer)
{
    offer->pending_count = offer->entry->entrance_count;
    for (size_t i = 0; i < offer->pending_count; i++) {
        offer->states[i] = STATE_PENDING;
    }
}

enum weft_status weft_offer_make(struct weft_offer *offer, struct weft_batch **own_batch, struct weft_error *error)
{
    weft_check_magic(offer->entry, entry);
    weft_check_magic(*own_batch, batch);
    weft_assert(offer->batch == NULL && !offer->is_asking);
    offer->batch = *own_batch;
    *own_batch = NULL;
    offer->weight = offer->batch->weight;
    offer->is_offered = offer->is_taken = false;
    offer->refusal = WEFT_ERROR_NONE;
    expect_all(offer);
    return weft_offer_again(offer, error);
}

void weft_offer_give_up(struct weft_offer *offer, const struct weft_error *reason)
{
    if (offer->batch == NULL) {
        return;
    }
    struct weft_error closed = WEFT_ERROR_NONE;
    if (reason == NULL) {
        weft_fail(&closed, WEFT_CLOSED, "given up: not all pipelines have taken it");
    }
    size_t index = 0;
    while (offer->states[index] != STATE_PENDING) {
        index++;
        weft_assert(index < offer->entry->entrance_count);
    }
    const struct entrance *entrance = &offer->entry->entrances[index];
    book_in(offer, entrance, offer->batch->weight);
    book_refused(offer, entrance, offer->batch, reason == NULL ? &closed : reason);
    (void)finish(offer, NULL);
}

static bool is_pending_at(const struct weft_offer *offer, const char *pipeline)
{
    for (size_t i = 0; i < offer->entry->entrance_count; i++) {
        if (offer->states[i] == STATE_PENDING && strcmp(offer->entry->entrances[i].pipeline, pipeline) == 0) {
            return true;
        }
    }
    return false;
}

/* What is pending goes on at another entry, whose states are given. */
static void move_pending(struct weft_offer *offer, struct weft_entry *entry, uint8_t *states)
{
    size_t pending_count = 0;
    for (size_t i = 0; i < entry->entrance_count; i++) {
        bool is_pending = is_pending_at(offer, entry->entrances[i].pipeline);
        states[i] = is_pending ? STATE_PENDING : STATE_DONE;
        pending_count += is_pending;
    }
    offer->pending_count = pending_count;
}

void weft_offer_set_entry(struct weft_offer *offer, struct weft_entry *entry)
{
    weft_assert(!offer->is_asking);
    if (entry == NULL) {
        weft_offer_give_up(offer, NULL);
    }
    uint8_t *states = entry == NULL ? NULL : weft_alloc(entry->entrance_count);
    bool is_pending = offer->batch != NULL;
    bool is_begun = is_pending && (offer->is_taken || offer->refusal.status != WEFT_OK);
    if (is_begun) {
        move_pending(offer, entry, states);
    }
    weft_free(offer->states);
    offer->states = states;
    weft_list_remove(&offer->node);
    offer->entry = entry;
    if (entry != NULL) {
        weft_list_push_back(&entry->offers, &offer->node);
    }
    if (is_pending && !is_begun) {
        expect_all(offer);
    } else if (is_pending && offer->pending_count == 0) {
        (void)finish(offer, NULL);
    }
}
