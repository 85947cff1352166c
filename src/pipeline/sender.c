/* The sender (sender.h): a request is a batch with its place in the queue. It is on exactly one list at a time: ready
 * (waiting for a consumer slot) or active (being sent, or pausing before the next attempt, slot kept as in the
 * Collector) or pending (sending_queue.batch still fills it). */
#include "pipeline/sender.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "pipeline/sender_internal.h"

/* How often a blocked sender looks whether another worker's sender has made room. */
static const int64_t recheck_interval_ns = 20 * WEFT_NS_PER_MS;

static void pause_is_over(void *context);

struct request *weft_sender_request_try_new(struct weft_sender *sender)
{
    size_t push_bytes = sender->settings.push_size_bytes;
    weft_assert(push_bytes >= sizeof(struct weft_push));
    struct request *request = weft_try_alloc(offsetof(struct request, push) + push_bytes);
    if (request != NULL) {
        weft_set_magic(request, request);
        weft_list_init(&request->node);
        request->sender = sender;
        request->push.sender = sender;
        weft_timer_init(&request->pause, pause_is_over, request);
        weft_timer_init(&request->flush, weft_sender_flush_is_due, request);
    }
    return request;
}

/* ---- room in the queue ---- */

static bool is_full(const struct weft_sender *sender)
{
    return weft_atomic_load(&sender->settings.shared->used) >= queue_of(sender)->queue_size;
}

/* With block_on_overflow an open sender takes what it is offered and closes when that fills the queue: what came before
 * it could not know that this batch is the one that does not fit, and would lose it. A batch that is larger than the
 * whole queue would never fit, and is taken as soon as the queue is not full. The queue is then over its size by one
 * batch for each worker at most. */
static bool take_room(struct weft_sender *sender, uint64_t charge)
{
    if (!has_queue(sender)) {
        return true;
    }
    const struct weft_queue_config *queue = queue_of(sender);
    bool may_overflow =
        charge > queue->queue_size ? !is_full(sender) : queue->block_on_overflow && sender->consumer->is_open;
    if (weft_atomic_add(&sender->settings.shared->used, charge) > queue->queue_size && !may_overflow) {
        weft_atomic_sub(&sender->settings.shared->used, charge);
        return false;
    }
    sender->own_used += charge;
    return true;
}

/* With block_on_overflow a full queue closes the consumer, so that receivers stop reading. */
static void update_pressure(struct weft_sender *sender)
{
    if (!has_queue(sender) || !queue_of(sender)->block_on_overflow) {
        return;
    }
    bool is_open = !is_full(sender);
    if (is_open) {
        weft_timer_cancel(sender->consumer->host->timers, &sender->recheck_timer);
    } else {
        weft_timer_set_after(sender->consumer->host->timers, &sender->recheck_timer, recheck_interval_ns);
    }
    weft_consumer_set_open(sender->consumer, is_open);
}

static void recheck_room(void *context)
{
    struct weft_sender *sender = context;
    weft_check_magic(sender, sender);
    update_pressure(sender);
}

static void give_room_back(struct weft_sender *sender, struct request *request)
{
    if (has_queue(sender)) {
        weft_assert(request->charge <= sender->own_used);
        sender->own_used -= request->charge;
        weft_atomic_sub(&sender->settings.shared->used, request->charge);
    }
    request->charge = 0;
}

/* ---- ends ---- */

/* The request has no batch any more. */
static void request_free(struct request *request)
{
    weft_assert(request->batch == NULL && !request->is_sending && !request->is_pending);
    struct weft_sender *sender = request->sender;
    weft_timer_cancel(sender->consumer->host->timers, &request->pause);
    weft_list_remove(&request->node);
    weft_sender_halving_unref(&request->halving);
    give_room_back(sender, request);
    weft_clear_magic(request, request);
    weft_free(request);
    update_pressure(sender);
}

void weft_sender_request_drop(struct request *request, enum weft_drop_reason reason, const struct weft_error *cause,
                              int64_t retry_after_ns)
{
    struct weft_sender *sender = request->sender;
    uint64_t weight = request->batch->weight;
    weft_assert(weight <= sender->held);
    weft_log(ERROR, "export.dropped", "records were given up", WEFT_LOG_STRING("exporter", sender->consumer->id),
             WEFT_LOG_STRING("reason", weft_drop_reason_text(reason)), WEFT_LOG_INT("records", weight),
             WEFT_LOG_INT("attempts", request->attempts), WEFT_LOG_STRING("error", cause == NULL ? "" : cause->text));
    sender->held -= weight;
    sender->counters.send_failed += weight;
    weft_consumer_drop_asked(sender->consumer, &request->batch, sender->drop_flows[reason], reason, cause,
                             retry_after_ns);
    request_free(request);
}

static void request_sent(struct request *request, uint64_t rejected_count)
{
    struct weft_sender *sender = request->sender;
    uint64_t weight = request->batch->weight;
    weft_assert(weight <= sender->held);
    /* Of profiles the backend counts what is one record here, and the books what is in them. */
    bool is_all = rejected_count > weight || (weft_signal_stays_whole(sender->settings.signal) && rejected_count > 0 &&
                                              rejected_count >= weft_batch_record_count(request->batch));
    uint64_t rejected = is_all ? weight : rejected_count;
    struct weft_host *host = sender->consumer->host;
    weft_host_book(host, sender->sent_flow, weight - rejected);
    if (weight > rejected) {
        sender->rejected.ns = 0;
    }
    if (rejected > 0) {
        weft_host_drop_some(host, sender->rejected_flows[WEFT_PUSH_FAULT_NONE], request->batch, rejected);
    }
    sender->held -= weight;
    sender->counters.sent += weight - rejected;
    sender->counters.rejected += rejected;
    weft_batch_end(&request->batch, NULL, -1);
    request_free(request);
}

/* For good, as far as the client is told. If an answer was lost on the way the backend may have the records all the
 * same, and only dropped(unconfirmed) says so. */
static void request_rejected(struct request *request, const struct weft_push_outcome *outcome)
{
    struct weft_sender *sender = request->sender;
    uint64_t weight = request->batch->weight;
    bool is_unconfirmed = request->has_unconfirmed;
    weft_assert(weight <= sender->held);
    weft_log(ERROR, "export.rejected", "the backend refused records for good",
             WEFT_LOG_STRING("exporter", sender->consumer->id), WEFT_LOG_INT("records", weight),
             WEFT_LOG_STRING("unconfirmed", is_unconfirmed ? "yes" : "no"),
             WEFT_LOG_STRING("error", outcome->error.text));
    sender->rejected = weft_timers_now(sender->consumer->host->timers);
    snprintf(sender->rejection, sizeof sender->rejection, "%s", outcome->error.text);
    weft_host_drop(sender->consumer->host,
                   is_unconfirmed ? sender->drop_flows[WEFT_DROP_UNCONFIRMED] : sender->rejected_flows[outcome->fault],
                   request->batch);
    sender->held -= weight;
    sender->counters.rejected += is_unconfirmed ? 0 : weight;
    sender->counters.send_failed += weight;
    struct weft_error final = outcome->error;
    if (final.status == WEFT_OK || weft_status_is_retryable(final.status)) {
        final.status = WEFT_INVALID;
    }
    weft_batch_end(&request->batch, &final, -1);
    request_free(request);
}

/* ---- sending ---- */

static void request_start(struct request *request)
{
    struct weft_sender *sender = request->sender;
    int64_t timeout_ns = sender->settings.config->timeout.ns;
    struct weft_timers *timers = sender->consumer->host->timers;
    weft_assert(!request->is_sending && request->batch != NULL);
    request->attempts++;
    request->is_sending = true;
    weft_set_magic(&request->push, push);
    request->push.batch = request->batch;
    request->push.deadline = timeout_ns > 0 ? weft_monotonic_after(weft_timers_now(timers), timeout_ns) : WEFT_NEVER;
    sender->counters.in_flight_requests++;
    sender->settings.operations->start(sender->settings.exporter, &request->push);
}

void weft_sender_pump(struct weft_sender *sender)
{
    if (sender->is_pumping) {
        return;
    }
    sender->is_pumping = true;
    while (sender->active_count < sender->active_limit && !weft_list_is_empty(&sender->ready)) {
        struct request *request = request_of(weft_list_pop_front(&sender->ready));
        weft_list_push_back(&sender->active, &request->node);
        sender->active_count++;
        weft_retry_start(&request->retry, &sender->settings.config->retry_on_failure,
                         weft_timers_now(sender->consumer->host->timers));
        request_start(request);
    }
    sender->is_pumping = false;
}

void weft_sender_leave_active(struct request *request)
{
    weft_assert(request->sender->active_count > 0 && !weft_list_is_empty(&request->node));
    weft_list_remove(&request->node);
    request->sender->active_count--;
}

/* outcome: of the last attempt; NULL = it was not answered. */
static void give_up(struct request *request, enum weft_drop_reason reason, const struct weft_push_outcome *outcome)
{
    weft_sender_leave_active(request);
    weft_sender_request_drop(request, request->has_unconfirmed ? WEFT_DROP_UNCONFIRMED : reason,
                             outcome == NULL ? NULL : &outcome->error, outcome == NULL ? -1 : outcome->retry_after_ns);
}

static void pause_is_over(void *context)
{
    struct request *request = context;
    weft_check_magic(request, request);
    request->sender->counters.retries++;
    request_start(request);
}

static void retry_later(struct request *request, const struct weft_push_outcome *outcome)
{
    struct weft_sender *sender = request->sender;
    const struct weft_sender_config *config = sender->settings.config;
    struct weft_host *host = sender->consumer->host;
    request->has_unconfirmed = request->has_unconfirmed || outcome->is_unconfirmed;
    int64_t pause_ns = 0;
    if (sender->is_forced) {
        give_up(request, sender->drain_reason, outcome);
    } else if (!config->has_retry ||
               !weft_retry_next(&request->retry, &config->retry_on_failure, host, outcome->retry_after_ns,
                                weft_timers_now(host->timers), &pause_ns)) {
        give_up(request, WEFT_DROP_RETRIES_EXHAUSTED, outcome);
    } else {
        weft_log(WARN, "export.retry", "an export failed and will be repeated",
                 WEFT_LOG_STRING("exporter", sender->consumer->id), WEFT_LOG_INT("records", request->batch->weight),
                 WEFT_LOG_INT("pause_ms", pause_ns / WEFT_NS_PER_MS), WEFT_LOG_STRING("error", outcome->error.text));
        weft_timer_set_after(host->timers, &request->pause, pause_ns);
    }
}

/* A backend refused the request for good: because of what is in it the halves of it have a chance of their own. */
static void take_refusal(struct request *request, const struct weft_push_outcome *outcome)
{
    struct weft_sender *sender = request->sender;
    bool is_content_at_fault = outcome->fault != WEFT_PUSH_FAULT_NONE;
    switch (is_content_at_fault ? weft_sender_halve(request) : WEFT_HALVED_NOT) {
    case WEFT_HALVED:
        return;
    case WEFT_HALVED_NOMEM: {
        struct weft_push_outcome later = { .verdict = WEFT_PUSH_RETRY, .retry_after_ns = -1 };
        weft_fail(&later.error, WEFT_NOMEM, "no memory to cut it in two: %s", outcome->error.text);
        retry_later(request, &later);
        return;
    }
    case WEFT_HALVED_NOT:
        sender->refused_in_row += is_content_at_fault && sender->refused_in_row < UINT32_MAX;
        weft_sender_leave_active(request);
        request_rejected(request, outcome);
        return;
    }
}

void weft_push_done(struct weft_push *push, const struct weft_push_outcome *outcome)
{
    weft_clear_magic(push, push);
    struct request *request = WEFT_CONTAINER_OF(push, struct request, push);
    struct weft_sender *sender = request->sender;
    weft_check_magic(request, request);
    weft_assert(request->is_sending && push->batch == request->batch && sender->counters.in_flight_requests > 0);
    request->is_sending = false;
    sender->counters.in_flight_requests--;
    switch (outcome->verdict) {
    case WEFT_PUSH_SENT:
        sender->refused_in_row = 0;
        weft_sender_leave_active(request);
        request_sent(request, outcome->rejected_count);
        break;
    case WEFT_PUSH_PERMANENT:
        request->has_unconfirmed = request->has_unconfirmed || outcome->is_unconfirmed;
        take_refusal(request, outcome);
        break;
    case WEFT_PUSH_RETRY:
        retry_later(request, outcome);
        break;
    }
    weft_sender_pump(sender);
}

/* ---- consume ---- */

static enum weft_status refuse_full(struct weft_sender *sender, uint64_t weight, struct weft_error *error)
{
    sender->counters.enqueue_failed += weight;
    update_pressure(sender);
    return weft_fail(error, WEFT_CLOSED, "%s: sending queue is full", sender->consumer->id);
}

enum weft_status weft_sender_consume(struct weft_sender *sender, struct weft_batch **own_batch,
                                     struct weft_error *error)
{
    struct weft_batch *batch = *own_batch;
    weft_check_magic(sender, sender);
    weft_check_magic(batch, batch);
    weft_assert(!batch->is_lent && weft_list_is_empty(&batch->node) && batch->signal == sender->settings.signal);
    if (sender->is_draining) {
        return weft_fail(error, WEFT_CLOSED, "%s: shutting down", sender->consumer->id);
    }
    uint64_t weight = batch->weight;
    uint64_t charge =
        has_queue(sender) ? weft_sender_measure(batch, (enum weft_sizer)queue_of(sender)->sizer.value) : 0;
    if (!take_room(sender, charge)) {
        return refuse_full(sender, weight, error);
    }
    weft_flow_id outlet_flow = batch->outlet_flow;
    /* Settling may answer the client and must come before the batch can be cut or sent. */
    bool is_handed_over = has_queue(sender) && !queue_of(sender)->wait_for_result;
    struct request *request = NULL;
    size_t first_part = 0;
    if (weft_sender_enqueue(sender, own_batch, charge, &request, &first_part) != WEFT_OK) {
        struct request none = { .charge = charge };
        give_room_back(sender, &none);
        return weft_fail(error, WEFT_NOMEM, "%s: no memory for the queue", sender->consumer->id);
    }
    weft_host_book(sender->consumer->host, outlet_flow, weight);
    sender->held += weight;
    if (is_handed_over) {
        weft_batch_hand_over(request->batch, first_part);
    }
    if (has_batching(sender)) {
        weft_sender_release_pending(request, false);
    } else if (has_queue(sender) && charge > queue_of(sender)->queue_size) {
        weft_sender_cut_to_queue(sender, request);
    }
    update_pressure(sender);
    weft_sender_pump(sender);
    return WEFT_OK;
}

static void drop_all(struct weft_sender *sender)
{
    struct weft_list *node;
    while ((node = weft_list_first(&sender->ready)) != NULL) {
        struct request *request = request_of(node);
        weft_sender_request_drop(request, request->has_unconfirmed ? WEFT_DROP_UNCONFIRMED : sender->drain_reason, NULL,
                                 -1);
    }
    /* A cancelled push may end at once and change the list: walk it anew each time. */
    bool has_progress = true;
    while (has_progress) {
        has_progress = false;
        WEFT_LIST_EACH(active, &sender->active)
        {
            struct request *request = request_of(active);
            if (!request->is_sending) {
                give_up(request, sender->drain_reason, NULL);
                has_progress = true;
                break;
            }
        }
    }
    for (struct weft_list *active = sender->active.next; active != &sender->active;) {
        struct request *request = request_of(active);
        active = active->next;
        sender->settings.operations->cancel(sender->settings.exporter, &request->push);
    }
}

void weft_sender_drain(struct weft_sender *sender, enum weft_drop_reason reason, bool is_forced)
{
    weft_check_magic(sender, sender);
    weft_assert(reason == WEFT_DROP_SHUTDOWN || reason == WEFT_DROP_RELOAD);
    sender->is_draining = true;
    sender->drain_reason = reason;
    struct weft_list *node;
    while ((node = weft_list_first(&sender->pending)) != NULL) {
        weft_sender_release_pending(request_of(node), true);
    }
    if (is_forced) {
        sender->is_forced = true;
        drop_all(sender);
    } else {
        weft_sender_pump(sender);
    }
}

struct weft_sender *weft_sender_new(struct weft_consumer *consumer, const struct weft_sender_settings *settings)
{
    weft_assert(consumer->held_account.kind == WEFT_ACCOUNT_QUEUED && settings->operations->start != NULL);
    weft_assert(consumer->host->worker_count > 0);
    struct weft_sender *sender = weft_alloc(sizeof *sender);
    weft_set_magic(sender, sender);
    sender->consumer = consumer;
    sender->settings = *settings;
    weft_list_init(&sender->ready);
    weft_list_init(&sender->active);
    weft_list_init(&sender->pending);
    weft_buffer_init(&sender->combination, 0);
    weft_timer_init(&sender->recheck_timer, recheck_room, sender);
    uint64_t worker_count = consumer->host->worker_count;
    uint64_t consumers = has_queue(sender) ? (queue_of(sender)->num_consumers + worker_count - 1) / worker_count : 0;
    sender->active_limit = has_queue(sender) ? consumers : UINT64_MAX;
    int batch_sizer = queue_of(sender)->batch.sizer.value;
    int queue_sizer = queue_of(sender)->sizer.value;
    sender->batch_sizer = batch_sizer != 0                  ? (enum weft_sizer)batch_sizer
                          : queue_sizer == WEFT_SIZER_BYTES ? WEFT_SIZER_BYTES
                                                            : WEFT_SIZER_ITEMS;
    struct weft_account end = consumer->held_account;
    end.kind = WEFT_ACCOUNT_SENT;
    sender->sent_flow = weft_ledger_flow(consumer->host->ledger, &consumer->held_account, &end);
    static const enum weft_drop_reason faults[WEFT_PUSH_FAULT_COUNT] = {
        [WEFT_PUSH_FAULT_NONE] = WEFT_DROP_NONE,
        [WEFT_PUSH_FAULT_TOO_LARGE] = WEFT_DROP_TOO_LARGE,
        [WEFT_PUSH_FAULT_INVALID] = WEFT_DROP_INVALID,
    };
    end.kind = WEFT_ACCOUNT_REJECTED;
    for (size_t i = 0; i < WEFT_PUSH_FAULT_COUNT; i++) {
        end.reason = faults[i];
        sender->rejected_flows[i] = weft_ledger_flow(consumer->host->ledger, &consumer->held_account, &end);
    }
    static const enum weft_drop_reason reasons[] = { WEFT_DROP_RETRIES_EXHAUSTED, WEFT_DROP_UNCONFIRMED,
                                                     WEFT_DROP_SHUTDOWN, WEFT_DROP_RELOAD, WEFT_DROP_TOO_LARGE };
    for (size_t i = 0; i < WEFT_COUNT_OF(reasons); i++) {
        sender->drop_flows[reasons[i]] = weft_consumer_drop_flow(consumer, reasons[i]);
    }
    return sender;
}

void weft_sender_free(struct weft_sender *sender)
{
    weft_assert(sender->held == 0 && sender->active_count == 0 && sender->own_used == 0 && sender->pending_count == 0);
    weft_buffer_fini(&sender->combination);
    weft_timer_cancel(sender->consumer->host->timers, &sender->recheck_timer);
    weft_clear_magic(sender, sender);
    weft_free(sender);
}
