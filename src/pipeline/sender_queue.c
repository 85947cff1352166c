/* How batches wait in the queue (sender.c): each as a request of its own, or in one that sending_queue.batch still
 * fills; and the pieces that requests are cut into. */
#include "base/alloc.h"
#include "base/assert.h"
#include "pipeline/metadata_combination.h"
#include "pipeline/sender_internal.h"

enum { PENDING_MAX = 1000 }; /* batches that have begun, of so many combinations of metadata */

uint64_t weft_sender_measure(const struct weft_batch *batch, enum weft_sizer sizer)
{
    switch (sizer) {
    case WEFT_SIZER_REQUESTS:
        return 1;
    case WEFT_SIZER_ITEMS:
        return batch->weight;
    case WEFT_SIZER_BYTES:
        return batch->size_bytes;
    }
    return 0;
}

/* ---- cutting ---- */

void weft_sender_share_charge(struct weft_sender *sender, struct request *request, struct request *cut_off)
{
    uint64_t weight = request->batch->weight + cut_off->batch->weight;
    uint64_t share = 0;
    switch ((enum weft_sizer)queue_of(sender)->sizer.value) {
    case WEFT_SIZER_REQUESTS:
        share = weight == 0 ? 0 : request->charge * cut_off->batch->weight / weight;
        break;
    case WEFT_SIZER_ITEMS:
        share = cut_off->batch->weight;
        break;
    case WEFT_SIZER_BYTES:
        share = cut_off->batch->size_bytes;
        break;
    }
    cut_off->charge = share < request->charge ? share : request->charge;
    request->charge -= cut_off->charge;
}

/* Cuts the front off a request that is larger than max_size, as a request of its own. NULL: it goes as it is. */
static struct request *cut_front(struct weft_sender *sender, struct request *request, enum weft_sizer sizer,
                                 uint64_t max_size)
{
    bool is_by_bytes = sizer == WEFT_SIZER_BYTES;
    struct request *front =
        weft_signal_stays_whole(sender->settings.signal) ? NULL : weft_sender_request_try_new(sender);
    if (front == NULL || weft_batch_split(request->batch, is_by_bytes ? UINT64_MAX : max_size,
                                          is_by_bytes ? max_size : 0, &front->batch) != WEFT_OK) {
        weft_free(front);
        return NULL;
    }
    if (request->batch->part_count == 0) { /* the cut took everything */
        weft_batch_end(&request->batch, NULL, -1);
        request->batch = front->batch;
        weft_free(front);
        return NULL;
    }
    weft_sender_share_charge(sender, request, front);
    return front;
}

void weft_sender_cut_to_queue(struct weft_sender *sender, struct request *request)
{
    enum weft_sizer sizer = (enum weft_sizer)queue_of(sender)->sizer.value;
    uint64_t max_size = queue_of(sender)->queue_size;
    weft_list_remove(&request->node);
    while (request != NULL) {
        struct request *front =
            weft_sender_measure(request->batch, sizer) > max_size ? cut_front(sender, request, sizer, max_size) : NULL;
        if (front == NULL) {
            front = request;
            request = NULL;
        }
        weft_list_push_back(&sender->ready, &front->node);
        bool is_uncuttable =
            weft_signal_stays_whole(sender->settings.signal) || weft_batch_record_count(front->batch) == 1;
        if (weft_sender_measure(front->batch, sizer) > max_size && is_uncuttable) {
            struct weft_error cause;
            weft_fail(&cause, WEFT_LIMIT,
                      "one record or request of size %llu is larger than sending_queue.queue_size %llu",
                      (unsigned long long)weft_sender_measure(front->batch, sizer), (unsigned long long)max_size);
            weft_sender_request_drop(front, WEFT_DROP_TOO_LARGE, &cause, -1);
        }
    }
}

/* ---- batching ---- */

static void leave_pending(struct request *request)
{
    struct weft_sender *sender = request->sender;
    weft_assert(request->is_pending && sender->pending_count > 0);
    weft_list_remove(&request->node);
    weft_timer_cancel(sender->consumer->host->timers, &request->flush);
    request->is_pending = false;
    sender->pending_count--;
}

void weft_sender_release_pending(struct request *request, bool is_flush)
{
    struct weft_sender *sender = request->sender;
    const struct weft_queue_batch_config *config = &queue_of(sender)->batch;
    while (request->is_pending) {
        uint64_t size = weft_sender_measure(request->batch, sender->batch_sizer);
        if (!is_flush && size < config->min_size) {
            break;
        }
        struct request *front = config->max_size > 0 && size > config->max_size
                                    ? cut_front(sender, request, sender->batch_sizer, config->max_size)
                                    : NULL;
        if (front == NULL) {
            leave_pending(request);
            front = request;
        }
        weft_list_push_back(&sender->ready, &front->node);
    }
    if (request->is_pending && !weft_timer_is_set(&request->flush)) {
        weft_timer_set_after(sender->consumer->host->timers, &request->flush, config->flush_timeout.ns);
    }
}

void weft_sender_flush_is_due(void *context)
{
    struct request *request = context;
    weft_check_magic(request, request);
    struct weft_sender *sender = request->sender;
    weft_check_magic(sender, sender);
    weft_sender_release_pending(request, true);
    weft_sender_pump(sender);
}

/* With partition.metadata_keys there is a pending request for each combination of values that come under them. */
static bool has_partitions(const struct weft_sender *sender)
{
    return queue_of(sender)->batch.partition.metadata_keys.count > 0;
}

/* The combination of a batch; zero without partitions. WEFT_NOMEM. */
static enum weft_status combination_of(struct weft_sender *sender, const struct weft_batch *batch,
                                       uint8_t out_combination[WEFT_WIDE_HASH_BYTES])
{
    memset(out_combination, 0, WEFT_WIDE_HASH_BYTES);
    if (!has_partitions(sender)) {
        return WEFT_OK;
    }
    weft_buffer_clear(&sender->combination);
    enum weft_status status = weft_metadata_combination_write(&queue_of(sender)->batch.partition.metadata_keys,
                                                              batch->metadata, &sender->combination);
    if (status == WEFT_OK) {
        weft_hash_wide(sender->consumer->host->secret, weft_buffer_slice(&sender->combination), out_combination);
    }
    return status;
}

static struct request *find_pending(struct weft_sender *sender, const uint8_t combination[WEFT_WIDE_HASH_BYTES])
{
    WEFT_LIST_EACH(node, &sender->pending)
    {
        struct request *request = request_of(node);
        if (memcmp(request->combination, combination, WEFT_WIDE_HASH_BYTES) == 0) {
            return request;
        }
    }
    return NULL;
}

/* The oldest goes where there are too many. */
static void enter_pending(struct request *request, const uint8_t combination[WEFT_WIDE_HASH_BYTES])
{
    struct weft_sender *sender = request->sender;
    if (sender->pending_count == PENDING_MAX) {
        sender->counters.crowded_out++;
        weft_sender_release_pending(request_of(weft_list_first(&sender->pending)), true);
    }
    memcpy(request->combination, combination, WEFT_WIDE_HASH_BYTES);
    request->is_pending = true;
    weft_list_push_back(&sender->pending, &request->node);
    sender->pending_count++;
}

enum weft_status weft_sender_enqueue(struct weft_sender *sender, struct weft_batch **own_batch, uint64_t charge,
                                     struct request **out_request, size_t *out_first_part)
{
    uint8_t combination[WEFT_WIDE_HASH_BYTES];
    struct request *request = NULL;
    if (has_batching(sender)) {
        if (combination_of(sender, *own_batch, combination) != WEFT_OK) {
            return WEFT_NOMEM;
        }
        request = find_pending(sender, combination);
    }
    if (request != NULL &&
        weft_auth_client_tells_apart(sender->settings.auth, request->batch->metadata, (*own_batch)->metadata)) {
        weft_sender_release_pending(request, true);
        request = NULL;
    }
    if (request != NULL) {
        *out_first_part = request->batch->part_count;
        *out_request = request;
        if (weft_batch_merge(request->batch, own_batch) != WEFT_OK) {
            return WEFT_NOMEM;
        }
        request->charge += charge;
        return WEFT_OK;
    }
    request = weft_sender_request_try_new(sender);
    if (request == NULL) {
        return WEFT_NOMEM;
    }
    request->batch = *own_batch;
    request->charge = charge;
    *own_batch = NULL;
    *out_first_part = 0;
    *out_request = request;
    if (has_batching(sender)) {
        enter_pending(request, combination);
    } else {
        weft_list_push_back(&sender->ready, &request->node);
    }
    return WEFT_OK;
}
