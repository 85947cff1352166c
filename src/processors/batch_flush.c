/* Passing on what a shard of the processor batch holds (batch_internal.h): by size or by time, cut to the largest size.
 * What is refused is dropped with its reason, and kept where what follows is closed. */
#include "base/assert.h"
#include "base/log.h"
#include "processors/batch_internal.h"

enum { IDLE_TIMEOUTS = 10 }; /* after so many a shard that collects nothing is given up */

static const int64_t shortest_idle_ns = WEFT_NS_PER_S;

static void drop(struct weft_batch_processor *processor, struct weft_batch **own_batch, const struct weft_error *cause)
{
    processor->dropped += (*own_batch)->weight;
    weft_log(ERROR, "batch.dropped", "what follows refused a batch",
             WEFT_LOG_STRING("processor", processor->consumer.id), WEFT_LOG_INT("records", (*own_batch)->weight),
             WEFT_LOG_STRING("error", cause->text));
    bool is_full = cause->status == WEFT_CLOSED;
    weft_consumer_drop(&processor->consumer, own_batch, is_full ? processor->full_flow : processor->refused_flow,
                       is_full ? WEFT_DROP_QUEUE_FULL : WEFT_DROP_REFUSED_DOWNSTREAM, cause);
}

/* Gives one batch to what follows. Returns false if it was kept because what follows is closed. */
static bool pass_on(struct weft_batch_processor *processor, struct weft_batch **own_batch)
{
    if (!processor->next->is_open && !processor->is_draining) {
        return false;
    }
    struct weft_error error = WEFT_ERROR_NONE;
    weft_host_book(processor->consumer.host, processor->release_flow, (*own_batch)->weight);
    enum weft_status status = weft_consumer_consume(processor->next, own_batch, &error);
    if (status == WEFT_OK) {
        return true;
    }
    if (status == WEFT_CLOSED && !processor->next->is_open && !processor->is_draining) {
        /* It closed while it looked at this batch (another worker filled the queue): keep it. */
        weft_host_book(processor->consumer.host, processor->buffer_flow, (*own_batch)->weight);
        return false;
    }
    drop(processor, own_batch, &error);
    return true;
}

/* The next batch to pass on, at most send_batch_max_size large; takes it out of pending. */
static struct weft_batch *take_next(struct weft_batch_shard *shard)
{
    weft_assert(shard->processor->is_flushing && shard->pending != NULL);
    struct weft_batch *batch = shard->pending;
    uint64_t max_size = shard->processor->config->send_batch_max_size;
    struct weft_batch *head = NULL;
    if (max_size == 0 || batch->weight <= max_size || weft_batch_split(batch, max_size, 0, &head) != WEFT_OK) {
        shard->pending = NULL;
        return batch;
    }
    if (batch->part_count == 0) {
        weft_batch_end(&batch, NULL, -1);
        shard->pending = NULL;
    }
    return head;
}

/* Puts a batch that was not taken back in front of pending. Without memory for that it is dropped. */
static void put_back(struct weft_batch_shard *shard, struct weft_batch **own_batch)
{
    struct weft_batch_processor *processor = shard->processor;
    struct weft_batch *rest = shard->pending;
    weft_assert(processor->is_flushing && rest != *own_batch);
    if (rest != NULL && weft_batch_merge(*own_batch, &rest) != WEFT_OK) {
        struct weft_error error;
        weft_fail(&error, WEFT_NOMEM, "no memory to keep a batch");
        weft_host_book(processor->consumer.host, processor->release_flow, (*own_batch)->weight);
        drop(processor, own_batch, &error);
        return;
    }
    shard->pending = *own_batch;
    *own_batch = NULL;
}

/* Without a time or without a size there is nothing to wait for. */
bool weft_batch_goes_at_once(const struct weft_batch_processor *processor)
{
    return processor->config->timeout.ns == 0 || processor->config->send_batch_size == 0;
}

bool weft_batch_is_large_enough(const struct weft_batch_shard *shard)
{
    return shard->pending->weight >= shard->processor->config->send_batch_size;
}

/* The processor is closed while any shard holds what it could not pass on. */
static void set_kept(struct weft_batch_shard *shard, bool is_kept)
{
    struct weft_batch_processor *processor = shard->processor;
    processor->kept_count += is_kept && !shard->is_kept;
    processor->kept_count -= !is_kept && shard->is_kept;
    shard->is_kept = is_kept;
    weft_consumer_set_open(&processor->consumer, processor->kept_count == 0);
}

/* How long a shard stays that collects nothing. */
static int64_t idle_ns(const struct weft_batch_config *config)
{
    int64_t ns;
    bool is_long = __builtin_mul_overflow(config->timeout.ns, IDLE_TIMEOUTS, &ns);
    return is_long ? config->timeout.ns : ns > shortest_idle_ns ? ns : shortest_idle_ns;
}

void weft_batch_flush(struct weft_batch_shard *shard, bool is_everything)
{
    struct weft_batch_processor *processor = shard->processor;
    if (processor->is_flushing) {
        return;
    }
    processor->is_flushing = true;
    bool is_kept = false;
    while (shard->pending != NULL && !is_kept && (is_everything || weft_batch_is_large_enough(shard))) {
        struct weft_batch *batch = take_next(shard);
        is_kept = !pass_on(processor, &batch);
        if (is_kept) {
            put_back(shard, &batch);
        }
    }
    processor->is_flushing = false;
    set_kept(shard, is_kept);
    struct weft_timers *timers = processor->consumer.host->timers;
    if (shard->pending == NULL && processor->shards != NULL) {
        weft_timer_set_after(timers, &shard->timer, idle_ns(processor->config));
    } else if (shard->pending == NULL || is_kept) {
        weft_timer_cancel(timers, &shard->timer);
    } else if (!weft_timer_is_set(&shard->timer)) {
        weft_timer_set_after(timers, &shard->timer, processor->config->timeout.ns);
    }
}
