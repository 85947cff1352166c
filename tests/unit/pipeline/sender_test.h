#pragma once

/* What the tests of the sender share: exporters of several workers, whose backend answers when the test says so. */
#include "pipeline/sender.h"

#include "pipeline/exporter.h"
#include "pipeline_test.h"

#include "base/base_test.h"

struct fake_push {
    struct weft_push push;
    struct weft_list node; /* started, in order */
};

/* One worker's exporter. */
struct fake {
    struct weft_consumer consumer;
    struct weft_sender *sender;
    struct weft_consumer *outlet;
    struct weft_list started;
    unsigned starts, cancels;
    bool answers_at_once;
    struct weft_push_outcome at_once;
};

enum { MAX_FAKES = 2 };
static struct weft_sender_config config;
static struct weft_sender_shared shared;
static const struct weft_auth_client *auth_of_all;
static enum weft_signal signal_of_all; /* to the sender; the books of these tests know one signal */
static struct fake fakes[MAX_FAKES];
static size_t fake_count;

static inline void start(void *context, struct weft_push *untyped)
{
    struct fake *fake = context;
    struct fake_push *push = WEFT_CONTAINER_OF(untyped, struct fake_push, push);
    fake->starts++;
    if (fake->answers_at_once) {
        struct weft_push_outcome outcome = fake->at_once;
        weft_push_done(untyped, &outcome);
        return;
    }
    weft_list_init(&push->node);
    weft_list_push_back(&fake->started, &push->node);
}

static inline void cancel(void *context, struct weft_push *untyped)
{
    struct fake *fake = context;
    struct fake_push *push = WEFT_CONTAINER_OF(untyped, struct fake_push, push);
    fake->cancels++;
    weft_list_remove(&push->node);
    struct weft_push_outcome outcome = { .verdict = WEFT_PUSH_RETRY, .retry_after_ns = -1, .is_unconfirmed = true };
    weft_fail(&outcome.error, WEFT_CLOSED, "cancelled");
    weft_push_done(untyped, &outcome);
}

static const struct weft_sender_operations sender_operations = { start, cancel };

static inline enum weft_status fake_consume(struct weft_consumer *consumer, struct weft_batch **own_batch,
                                            struct weft_error *error)
{
    return weft_sender_consume(WEFT_CONTAINER_OF(consumer, struct fake, consumer)->sender, own_batch, error);
}

static const struct weft_consumer_operations fake_operations = { .consume = fake_consume };

static inline void defaults(void)
{
    signal_of_all = WEFT_TRACES;
    auth_of_all = NULL;
    config = (struct weft_sender_config){
        .has_queue = true,
        .sending_queue = { .num_consumers = 1, .queue_size = 1000, .batch = { .flush_timeout.ns = WEFT_NS_PER_S } },
        .has_retry = true,
        .retry_on_failure = { .initial_interval.ns = WEFT_NS_PER_S,
                              .multiplier = 2,
                              .max_interval.ns = 10 * WEFT_NS_PER_S,
                              .max_elapsed_time.ns = 20 * WEFT_NS_PER_S },
        .timeout.ns = 5 * WEFT_NS_PER_S,
    };
}

/* The config is set by then. */
static inline void begin_with(size_t count)
{
    begin_as((uint32_t)count);
    memset(&shared, 0, sizeof shared);
    memset(fakes, 0, sizeof fakes);
    fake_count = count;
    for (size_t i = 0; i < count; i++) {
        struct fake *fake = &fakes[i];
        weft_list_init(&fake->started);
        weft_consumer_init(&fake->consumer, &fake_operations, &host, "fake");
        fake->consumer.held_account = weft_exporter_account(WEFT_TRACES, "fake");
        fake->sender = weft_sender_new(&fake->consumer,
                                       &(struct weft_sender_settings){ .config = &config,
                                                                       .shared = &shared,
                                                                       .operations = &sender_operations,
                                                                       .exporter = fake,
                                                                       .push_size_bytes = sizeof(struct fake_push),
                                                                       .auth = auth_of_all,
                                                                       .signal = signal_of_all });
        fake->outlet = weft_outlet_new(&host, &in_flight, &fake->consumer);
    }
}

static inline uint64_t held(const struct fake *fake)
{
    uint64_t count = 0;
    weft_sender_audit(fake->sender, &count);
    return count;
}

static inline void expect_books(void)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < fake_count; i++) {
        sum += held(&fakes[i]);
    }
    ck_assert_int_eq(weft_ledger_worker_balance(host.ledger, host.books, &fakes[0].consumer.held_account),
                     (int64_t)sum);
    ck_assert_int_eq(weft_ledger_worker_balance(host.ledger, host.books, &in_flight), 0);
}

static inline void end_all(void)
{
    for (size_t i = 0; i < fake_count; i++) {
        weft_sender_drain(fakes[i].sender, WEFT_DROP_SHUTDOWN, true);
        ck_assert_uint_eq(held(&fakes[i]), 0);
    }
    expect_books();
    ck_assert_uint_eq(weft_atomic_load(&shared.used), 0);
    for (size_t i = 0; i < fake_count; i++) {
        fakes[i].outlet->operations->free(fakes[i].outlet);
        weft_sender_free(fakes[i].sender);
        weft_consumer_fini(&fakes[i].consumer);
    }
    end();
}

static inline enum weft_status give(struct fake *fake, struct weft_batch *batch)
{
    struct weft_error error = WEFT_ERROR_NONE;
    uint64_t weight = batch->weight;
    book_offered(weight);
    enum weft_status status = weft_consumer_consume(fake->outlet, &batch, &error);
    if (status != WEFT_OK) {
        struct weft_account refused = {
            .kind = WEFT_ACCOUNT_REFUSED, .signal = "traces", .pipeline = "", .owner = "client"
        };
        ck_assert_ptr_nonnull(batch);
        weft_host_book(&host, weft_ledger_flow(host.ledger, &in_flight, &refused), weight);
        weft_batch_end(&batch, &error, -1);
    }
    expect_books();
    return status;
}

static inline enum weft_status give_spans(struct fake *fake, uint32_t first, uint32_t count)
{
    return give(fake, spans(first, count, NULL));
}

static inline struct fake_push *first_started(struct fake *fake)
{
    struct weft_list *node = weft_list_first(&fake->started);
    ck_assert_ptr_nonnull(node);
    return WEFT_CONTAINER_OF(node, struct fake_push, node);
}

static inline const struct weft_batch *first_batch(struct fake *fake)
{
    return first_started(fake)->push.batch;
}

static inline void answer(struct fake *fake, struct weft_push_outcome outcome)
{
    struct fake_push *push = first_started(fake);
    weft_list_remove(&push->node);
    weft_push_done(&push->push, &outcome);
    expect_books();
}

static inline struct weft_push_outcome sent(uint64_t rejected_count)
{
    return (
        struct weft_push_outcome){ .verdict = WEFT_PUSH_SENT, .rejected_count = rejected_count, .retry_after_ns = -1 };
}

static inline struct weft_push_outcome retry(int64_t retry_after_ns, bool is_unconfirmed)
{
    struct weft_push_outcome outcome = { .verdict = WEFT_PUSH_RETRY,
                                         .retry_after_ns = retry_after_ns,
                                         .is_unconfirmed = is_unconfirmed };
    weft_fail(&outcome.error, WEFT_IO, "not now");
    return outcome;
}

static inline struct weft_push_outcome refused(enum weft_push_fault fault)
{
    struct weft_push_outcome outcome = { .verdict = WEFT_PUSH_PERMANENT, .retry_after_ns = -1, .fault = fault };
    weft_fail(&outcome.error, WEFT_INVALID, "never");
    return outcome;
}

static inline size_t started_count(const struct fake *fake)
{
    size_t count = 0;
    WEFT_LIST_EACH(node, &fake->started)
    {
        count++;
    }
    return count;
}

/* ---- batching in the queue ---- */

static inline void batching(enum weft_sizer sizer, uint64_t min_size, uint64_t max_size)
{
    defaults();
    config.sending_queue.queue_size = 1000000;
    config.sending_queue.num_consumers = 1000;
    config.sending_queue.has_batch = true;
    config.sending_queue.batch.min_size = min_size;
    config.sending_queue.batch.max_size = max_size;
    config.sending_queue.batch.sizer.value = (int)sizer;
}
