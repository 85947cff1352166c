/* What is read of a sender between its steps: the audit's count, and the numbers for /metrics (sender.h). */
#include "base/assert.h"
#include "pipeline/sender_internal.h"

void weft_sender_audit(const struct weft_sender *sender, uint64_t *in_out_count)
{
    weft_check_magic(sender, sender);
    /* Recounted from the structures, not from `held`: that is what an audit is for. */
    uint64_t count = 0;
    WEFT_LIST_EACH(node, &sender->pending)
    {
        count += request_of(node)->batch->weight;
    }
    WEFT_LIST_EACH(node, &sender->ready)
    {
        count += request_of(node)->batch->weight;
    }
    WEFT_LIST_EACH(node, &sender->active)
    {
        count += request_of(node)->batch->weight;
    }
    weft_assert(count == sender->held);
    *in_out_count += count;
}

const struct weft_sender_counters *weft_sender_read_counters(const struct weft_sender *sender)
{
    return &sender->counters;
}

const char *weft_sender_rejection(const struct weft_sender *sender)
{
    struct weft_monotonic now = weft_timers_now(sender->consumer->host->timers);
    bool is_recent = sender->rejected.ns != 0 && now.ns - sender->rejected.ns < 60 * WEFT_NS_PER_S;
    return is_recent ? sender->rejection : NULL;
}

uint64_t weft_sender_queue_size(const struct weft_sender *sender)
{
    return has_queue(sender) ? weft_atomic_load(&sender->settings.shared->used) : 0;
}

uint64_t weft_sender_queue_capacity(const struct weft_sender *sender)
{
    return has_queue(sender) ? queue_of(sender)->queue_size : 0;
}
