#pragma once

#include "base/assert.h"
#include "base/log.h"
#include "pipeline/batch.h"
#include "pipeline/host.h"

/* A consumer is a node of the graph: a processor, an exporter, a fan-out, an outlet. Batches go from consumer to
 * consumer by weft_consumer_consume; pressure goes the other way as open and closed. */
struct weft_consumer;

struct weft_consumer_operations {
    /* Takes the batch (OK, *own_batch NULL) or refuses it (anything else, the caller keeps it). Never waits. CLOSED:
     * nobody took it, come back later; PARTIAL: do not offer it here again; other statuses are final for this batch. */
    enum weft_status (*consume)(struct weft_consumer *consumer, struct weft_batch **own_batch,
                                struct weft_error *error);

    /* A consumer that this one feeds has opened or closed. NULL: this one is open when all it feeds are. */
    void (*on_next_changed)(struct weft_consumer *consumer);

    /* Records held right now, for the audit: adds to *in_out_count. NULL: holds nothing between calls. */
    void (*audit)(const struct weft_consumer *consumer, uint64_t *in_out_count);

    /* No more batches will come: pass on or send what is held. is_forced: the deadline has passed, drop the rest with
     * this reason. */
    void (*drain)(struct weft_consumer *consumer, enum weft_drop_reason reason, bool is_forced);

    /* Holds nothing any more. */
    void (*free)(struct weft_consumer *consumer);
};

/* Embedded first in each kind. The operations say which: a kind's cast from the consumer to itself asserts that they
 * are its own, in one function, and weft_consumer_fini takes them away. */
struct weft_consumer {
    const struct weft_consumer_operations *operations;
    struct weft_host *host;
    const char *id;                   /* component id as written in the config; borrowed from the plan */
    bool is_open;                     /* set by weft_consumer_set_open only */
    struct weft_account held_account; /* where what it holds is booked; valid with operations->audit */
    struct weft_consumer **next;      /* consumers that it feeds; borrowed */
    size_t next_count;
    struct weft_consumer **previous; /* consumers that feed it */
    size_t previous_count, previous_capacity;
    struct weft_list pressure_listeners; /* entries that are told when is_open changes */
};

struct weft_pressure_listener {
    struct weft_list node;
    void (*on_pressure_changed)(void *context);
    void *context;
};

/* The listener stays in place until it is removed (weft_list_remove on its node). */
void weft_consumer_listen(struct weft_consumer *consumer, struct weft_pressure_listener *listener);

void weft_consumer_init(struct weft_consumer *consumer, const struct weft_consumer_operations *operations,
                        struct weft_host *host, const char *id);
void weft_consumer_fini(struct weft_consumer *consumer);

/* Connects a consumer to what it feeds. next: array kept by the caller as long as the consumer lives. */
void weft_consumer_connect(struct weft_consumer *consumer, struct weft_consumer **next, size_t next_count);

/* Takes the consumer out of the previous lists of those it feeds. */
void weft_consumer_disconnect(struct weft_consumer *consumer);

void weft_consumer_set_open(struct weft_consumer *consumer, bool is_open);

/* True if every consumer that this one feeds is open. */
bool weft_consumer_are_next_open(const struct weft_consumer *consumer);

/* One debug line: the batch is on its way into this consumer. */
void weft_consumer_log_hop(const struct weft_consumer *consumer, const struct weft_batch *batch);

/* At log level debug each hop is logged as it happens: a batch can be watched from its receiver to its exporter. */
static inline enum weft_status WEFT_MUST_CHECK weft_consumer_consume(struct weft_consumer *consumer,
                                                                     struct weft_batch **own_batch,
                                                                     struct weft_error *error)
{
    if (WEFT_UNLIKELY(weft_log_is_enabled(WEFT_LOG_DEBUG))) {
        weft_consumer_log_hop(consumer, *own_batch);
    }
    weft_assert(consumer->operations != NULL && *own_batch != NULL);
    enum weft_status status = consumer->operations->consume(consumer, own_batch, error);
    weft_assert((status == WEFT_OK) == (*own_batch == NULL));
    return status;
}

/* Drops a batch: the one function that does. Books flow; settles the tickets as OK where the reason counts as well done
 * (weft_drop_reason_is_ok; cause is then not looked at), else as failed: retryably, unless it would be the same the
 * next time (too_large, and invalid with its cause). */
void weft_consumer_drop(struct weft_consumer *consumer, struct weft_batch **own_batch, weft_flow_id flow,
                        enum weft_drop_reason reason, const struct weft_error *cause);

/* The same, where a backend has said when to come again: the clients are told. -1 = it has not. */
void weft_consumer_drop_asked(struct weft_consumer *consumer, struct weft_batch **own_batch, weft_flow_id flow,
                              enum weft_drop_reason reason, const struct weft_error *cause, int64_t retry_after_ns);

/* Flow from what this consumer holds (held_account) to dropped(reason) of the same owner. Registration time only. */
weft_flow_id weft_consumer_drop_flow(const struct weft_consumer *consumer, enum weft_drop_reason reason);
