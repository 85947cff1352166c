/* Consumers: connecting them, and the pressure that runs from a closed one back to the receivers (consumer.h). */
#include "pipeline/consumer.h"

#include "base/alloc.h"
#include "base/assert.h"

void weft_consumer_init(struct weft_consumer *consumer, const struct weft_consumer_operations *operations,
                        struct weft_host *host, const char *id)
{
    weft_assert(operations->consume != NULL && host != NULL && id != NULL);
    *consumer = (struct weft_consumer){ .operations = operations, .host = host, .id = id, .is_open = true };
    weft_list_init(&consumer->pressure_listeners);
}

void weft_consumer_fini(struct weft_consumer *consumer)
{
    weft_assert(consumer->operations != NULL);
    weft_consumer_disconnect(consumer);
    weft_assert(consumer->previous_count == 0 && weft_list_is_empty(&consumer->pressure_listeners));
    weft_free(consumer->previous);
    consumer->operations = NULL; /* of no kind any more */
}

void weft_consumer_log_hop(const struct weft_consumer *consumer, const struct weft_batch *batch)
{
    weft_log(DEBUG, "hop", "a batch goes on", WEFT_LOG_STRING("to", consumer->id),
             WEFT_LOG_STRING("signal", weft_signal_name(batch->signal)), WEFT_LOG_INT("records", batch->weight),
             WEFT_LOG_INT("bytes", batch->size_bytes), WEFT_LOG_INT("requests", batch->part_count));
}

void weft_consumer_connect(struct weft_consumer *consumer, struct weft_consumer **next, size_t next_count)
{
    weft_assert(consumer->next_count == 0);
    consumer->next = next;
    consumer->next_count = next_count;
    for (size_t i = 0; i < next_count; i++) {
        struct weft_consumer *fed = next[i];
        weft_assert(fed->operations != NULL && fed != consumer);
        weft_assert(weft_try_grow(&fed->previous, sizeof(struct weft_consumer *), fed->previous_count,
                                  &fed->previous_capacity) == WEFT_OK);
        fed->previous[fed->previous_count++] = consumer;
    }
    if (consumer->operations->on_next_changed == NULL) {
        weft_consumer_set_open(consumer, weft_consumer_are_next_open(consumer));
    }
}

void weft_consumer_disconnect(struct weft_consumer *consumer)
{
    for (size_t i = 0; i < consumer->next_count; i++) {
        struct weft_consumer *fed = consumer->next[i];
        size_t j = 0;
        while (j < fed->previous_count && fed->previous[j] != consumer) {
            j++;
        }
        weft_assert(j < fed->previous_count);
        fed->previous[j] = fed->previous[--fed->previous_count];
    }
    consumer->next_count = 0;
}

void weft_consumer_listen(struct weft_consumer *consumer, struct weft_pressure_listener *listener)
{
    weft_assert(consumer->operations != NULL && listener->on_pressure_changed != NULL);
    weft_list_push_back(&consumer->pressure_listeners, &listener->node);
}

bool weft_consumer_are_next_open(const struct weft_consumer *consumer)
{
    for (size_t i = 0; i < consumer->next_count; i++) {
        if (!consumer->next[i]->is_open) {
            return false;
        }
    }
    return true;
}

static void tell_previous(struct weft_consumer *consumer)
{
    weft_assert(consumer->operations != NULL);
    if (consumer->operations->on_next_changed != NULL) {
        consumer->operations->on_next_changed(consumer);
    } else {
        weft_consumer_set_open(consumer, weft_consumer_are_next_open(consumer));
    }
}

void weft_consumer_set_open(struct weft_consumer *consumer, bool is_open)
{
    weft_assert(consumer->operations != NULL);
    if (consumer->is_open == is_open) {
        return;
    }
    consumer->is_open = is_open;
    for (size_t i = 0; i < consumer->previous_count; i++) {
        tell_previous(consumer->previous[i]);
    }
    WEFT_LIST_EACH(node, &consumer->pressure_listeners)
    {
        struct weft_pressure_listener *listener = WEFT_CONTAINER_OF(node, struct weft_pressure_listener, node);
        listener->on_pressure_changed(listener->context);
    }
}

void weft_consumer_drop(struct weft_consumer *consumer, struct weft_batch **own_batch, weft_flow_id flow,
                        enum weft_drop_reason reason, const struct weft_error *cause)
{
    weft_consumer_drop_asked(consumer, own_batch, flow, reason, cause, -1);
}

void weft_consumer_drop_asked(struct weft_consumer *consumer, struct weft_batch **own_batch, weft_flow_id flow,
                              enum weft_drop_reason reason, const struct weft_error *cause, int64_t retry_after_ns)
{
    weft_assert(consumer->operations != NULL && reason < WEFT_DROP_COUNT);
    weft_host_drop(consumer->host, flow, *own_batch);
    if (weft_drop_reason_is_ok(reason)) {
        weft_batch_end(own_batch, NULL, -1); /* as it was wished: nobody has anything to send again */
        return;
    }
    struct weft_error outcome = { .status = WEFT_CLOSED };
    if (reason == WEFT_DROP_TOO_LARGE) { /* and would be the next time */
        weft_fail(&outcome, WEFT_LIMIT, "dropped by %s: %s", consumer->id, weft_drop_reason_text(reason));
    } else if (reason == WEFT_DROP_INVALID && cause != NULL) { /* the same */
        outcome = *cause;
    } else if (cause != NULL && cause->status != WEFT_OK && weft_status_is_retryable(cause->status)) {
        outcome = *cause;
    } else {
        weft_fail(&outcome, WEFT_CLOSED, "dropped by %s: %s", consumer->id, weft_drop_reason_text(reason));
    }
    weft_batch_end(own_batch, &outcome, retry_after_ns);
}

weft_flow_id weft_consumer_drop_flow(const struct weft_consumer *consumer, enum weft_drop_reason reason)
{
    struct weft_account dropped = consumer->held_account;
    dropped.kind = WEFT_ACCOUNT_DROPPED;
    dropped.owner = consumer->id;
    dropped.reason = reason;
    return weft_ledger_flow(consumer->host->ledger, &consumer->held_account, &dropped);
}
