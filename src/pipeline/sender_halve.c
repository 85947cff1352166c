/* Requests that a backend refuses because of what is in them are cut in two (sender_internal.h), again and again, until
 * the one record that is at fault stands alone and is rejected alone. First between the client's requests, which stay
 * as they came, then between records, which of a metric are its data points.
 *
 * What that may cost is bounded twice. A client's request leads to EXTRA_REQUESTS more at most. And a backend that
 * refuses everything shows itself: after REFUSED_IN_ROW_MAX refusals that ended records, with nothing sent in between,
 * a request is cut once only, which is enough to notice that the backend takes something again. */
#include "base/alloc.h"
#include "base/assert.h"
#include "pipeline/sender_internal.h"

enum { EXTRA_REQUESTS = 64, REFUSED_IN_ROW_MAX = 8 };

/* What is left to the pieces of one client's request. */
struct halving {
    uint32_t references;
    uint32_t requests_left;
};

void weft_sender_halving_unref(struct halving **own_halving)
{
    struct halving *halving = *own_halving;
    *own_halving = NULL;
    if (halving != NULL && --halving->references == 0) {
        weft_free(halving);
    }
}

static bool is_one_request(const struct request *request)
{
    return request->batch->part_count == 1;
}

/* Records that stand alone: data points, of a metric that has some. */
static bool is_one_record(const struct weft_batch *batch)
{
    return batch->weight < 2 && weft_batch_record_count(batch) < 2;
}

static bool may_halve(const struct request *request)
{
    const struct weft_sender *sender = request->sender;
    if (sender->is_forced || is_one_record(request->batch) || weft_signal_stays_whole(sender->settings.signal) ||
        (request->is_half && sender->refused_in_row >= REFUSED_IN_ROW_MAX)) {
        return false;
    }
    return !is_one_request(request) || request->halving == NULL || request->halving->requests_left >= 2;
}

/* The record of one client's request, from its first cut on. */
static bool begin_halving(struct request *request)
{
    if (!is_one_request(request) || request->halving != NULL) {
        return true;
    }
    request->halving = weft_try_alloc(sizeof *request->halving);
    if (request->halving == NULL) {
        return false;
    }
    *request->halving = (struct halving){ .references = 1, .requests_left = EXTRA_REQUESTS };
    return true;
}

enum weft_halved weft_sender_halve(struct request *request)
{
    struct weft_sender *sender = request->sender;
    if (!may_halve(request)) {
        return WEFT_HALVED_NOT;
    }
    struct request *front = begin_halving(request) ? weft_sender_request_try_new(sender) : NULL;
    if (front == NULL || weft_batch_halve(request->batch, &front->batch) != WEFT_OK) {
        weft_free(front);
        return WEFT_HALVED_NOMEM;
    }
    if (request->batch->part_count == 0) { /* the front is all of it: records that weigh nothing */
        weft_batch_end(&request->batch, NULL, -1);
        request->batch = front->batch;
        weft_free(front);
        return WEFT_HALVED_NOT;
    }
    front->has_unconfirmed = request->has_unconfirmed;
    front->is_half = request->is_half = true;
    front->halving = request->halving;
    if (front->halving != NULL) {
        front->halving->references++;
        front->halving->requests_left -= 2;
    }
    sender->counters.halved++;
    weft_sender_share_charge(sender, request, front);
    weft_sender_leave_active(request);
    weft_list_push_front(&sender->ready, &request->node);
    weft_list_push_front(&sender->ready, &front->node);
    return WEFT_HALVED;
}
