/* The way of every OTLP request, whatever protocol it came by (otlp_ingest.h): check, count, batch with ticket, offer
 * or wait. Called by otlp_grpc.c and otlp_http.c with requests, and by otlp.c when pressure changes. */
#include "receivers/otlp_ingest.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "receivers/otlp_invalid.h"

static struct weft_otlp_call *call_of(struct weft_list *node)
{
    struct weft_otlp_call *call = WEFT_CONTAINER_OF(node, struct weft_otlp_call, node);
    weft_check_magic(call, otlp_call);
    return call;
}

void weft_otlp_ingest_init(struct weft_otlp_ingest *ingest)
{
    weft_list_init(&ingest->parked);
    weft_list_init(&ingest->waiting);
    weft_list_init(&ingest->offered);
}

void weft_otlp_ingest_fini(struct weft_otlp_ingest *ingest)
{
    weft_assert(weft_list_is_empty(&ingest->waiting) && weft_host_is_here(ingest->host));
    struct weft_list *node;
    weft_otlp_ingest_leave_parked(ingest);
    while ((node = weft_list_pop_front(&ingest->offered)) != NULL) {
        call_of(node)->inlet = NULL;
    }
}

bool weft_otlp_ingest_is_idle(const struct weft_otlp_ingest *ingest)
{
    return weft_list_is_empty(&ingest->parked) && weft_list_is_empty(&ingest->waiting) &&
           weft_list_is_empty(&ingest->offered);
}

int weft_otlp_grpc_code(enum weft_status status)
{
    bool is_throttled = status == WEFT_THROTTLED;
    return weft_status_grpc_code(weft_status_is_retryable(status) && !is_throttled ? WEFT_CLOSED : status);
}

/* -1 for a failure that is final, else the longer of the backend's delay and our own. */
static int64_t delay_of(const struct weft_otlp_ingest *ingest, const struct weft_error *failure,
                        int64_t backend_delay_ns)
{
    if (!weft_status_is_retryable(failure->status)) {
        return -1;
    }
    return backend_delay_ns > ingest->retry_after_ns ? backend_delay_ns : ingest->retry_after_ns;
}

void weft_otlp_ingest_begin_call(struct weft_otlp_inlet *inlet, struct weft_otlp_call *call)
{
    weft_assert(inlet->operations->answer != NULL && weft_host_is_here(inlet->ingest->host));
    weft_set_magic(call, otlp_call);
    call->operations = inlet->operations;
    call->inlet = inlet;
    call->partial = NULL;
    weft_list_init(&call->node);
}

/* The call is the protocol's again. */
void weft_otlp_ingest_end_call(struct weft_otlp_call *call, const struct weft_error *failure, int64_t retry_after_ns)
{
    weft_assert(weft_list_is_empty(&call->node));
    weft_clear_magic(call, otlp_call);
    struct weft_otlp_partial *partial = call->partial; /* the call goes with the answer */
    call->operations->answer(call, failure, retry_after_ns);
    weft_free(partial);
}

static void fail(struct weft_otlp_call *call, const struct weft_error *failure)
{
    const struct weft_otlp_ingest *ingest = call->inlet->ingest;
    weft_log(DEBUG, "receiver.refused", "a request was refused", WEFT_LOG_STRING("receiver", ingest->id),
             WEFT_LOG_STRING("transport", call->operations->transport), WEFT_LOG_STRING("error", failure->text));
    weft_otlp_ingest_end_call(call, failure, delay_of(ingest, failure, -1));
}

void weft_otlp_ingest_fail(struct weft_otlp_inlet *inlet, struct weft_otlp_call *call, const struct weft_error *failure)
{
    weft_otlp_ingest_begin_call(inlet, call);
    fail(call, failure);
}

static void call_settled(struct weft_ticket *ticket)
{
    struct weft_otlp_call *call = WEFT_CONTAINER_OF(ticket, struct weft_otlp_call, ticket);
    weft_check_magic(call, otlp_call);
    weft_assert(call->batch == NULL && ticket->outstanding == 0);
    weft_list_remove(&call->node);
    if (call->inlet == NULL || ticket->worst.status == WEFT_OK) {
        weft_otlp_ingest_end_call(call, NULL, -1);
        return;
    }
    struct weft_error failure = ticket->worst; /* the ticket goes with the answer */
    weft_otlp_ingest_end_call(call, &failure, delay_of(call->inlet->ingest, &failure, ticket->retry_after_ns));
}

/* Whatever comes of it, the ticket answers. */
static void offer(struct weft_otlp_call *call, struct weft_batch **own_batch)
{
    struct weft_otlp_inlet *inlet = call->inlet;
    enum weft_signal signal = call->signal;
    weft_assert(inlet != NULL && inlet->ingest->entries[signal] != NULL && weft_list_is_empty(&call->node));
    uint64_t weight = (*own_batch)->weight;
    weft_list_push_back(&inlet->ingest->offered, &call->node);
    bool is_taken = weft_entry_offer(inlet->ingest->entries[signal], own_batch) == WEFT_OK;
    uint64_t *counters = is_taken ? inlet->accepted : inlet->refused;
    counters[signal] += weight;
}

static enum weft_status begin(struct weft_otlp_call *call, struct weft_otlp_request *request,
                              const struct weft_otlp_counts *counts, struct weft_error *error)
{
    struct weft_otlp_ingest *ingest = call->inlet->ingest;
    struct weft_batch *batch = weft_batch_try_new(call->signal, &request->message, request->wire,
                                                  request->wire_encoding, counts, &call->ticket);
    if (batch == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for the batch");
    }
    batch->metadata = request->metadata;
    request->metadata = NULL;
    weft_ticket_init(&call->ticket, batch->weight, ingest->acknowledge, call_settled);
    if (!weft_entry_is_open(ingest->entries[call->signal]) && !ingest->is_refusing && !ingest->is_draining) {
        call->batch = batch;
        weft_list_push_back(&ingest->waiting, &call->node);
    } else {
        offer(call, &batch);
    }
    return WEFT_OK;
}

void weft_otlp_ingest_check_arriving(struct weft_otlp_checker *checker, enum weft_signal signal,
                                     struct weft_slice arrived)
{
    if (checker->limits.max_depth == 0) {
        weft_otlp_checker_init(checker, signal, NULL);
    }
    weft_otlp_checker_advance(checker, arrived);
}

static enum weft_status check(const struct weft_otlp_request *request, struct weft_otlp_counts *out_counts,
                              struct weft_error *error)
{
    struct weft_slice message = weft_payload_slice(request->message);
    if (request->is_counted && request->counts.bad_texts == 0) {
        *out_counts = request->counts;
        return WEFT_OK;
    }
    bool is_begun = request->checker != NULL && request->checker->limits.max_depth != 0;
    return is_begun ? weft_otlp_checker_finish(request->checker, message, out_counts, error)
                    : weft_otlp_check(request->signal, message, NULL, out_counts, error);
}

static enum weft_status take(struct weft_otlp_call *call, struct weft_otlp_request *request, struct weft_error *error)
{
    struct weft_otlp_inlet *inlet = call->inlet;
    if (inlet->ingest->entries[call->signal] == NULL) {
        return weft_fail(error, WEFT_UNSUPPORTED, "no pipeline receives %s", weft_signal_name(call->signal));
    }
    struct weft_otlp_counts counts;
    enum weft_status status = check(request, &counts, error);
    if (status != WEFT_OK) {
        inlet->malformed_requests++;
        return status;
    }
    if (WEFT_UNLIKELY(counts.bad_texts > 0)) {
        status = weft_otlp_ingest_mend(call, request, &counts, error);
        if (status != WEFT_OK) {
            return status;
        }
    }
    if (weft_otlp_weight(call->signal, &counts) == 0) {
        weft_otlp_ingest_end_call(call, NULL, -1);
        return WEFT_OK;
    }
    return begin(call, request, &counts, error);
}

void weft_otlp_ingest_take(struct weft_otlp_inlet *inlet, struct weft_otlp_call *call,
                           struct weft_otlp_request *request)
{
    struct weft_error error = WEFT_ERROR_NONE;
    weft_assert(request->message != NULL && (unsigned)request->signal < WEFT_SIGNAL_COUNT);
    weft_otlp_ingest_begin_call(inlet, call);
    call->signal = request->signal;
    if (take(call, request, &error) != WEFT_OK) {
        fail(call, &error);
    }
    weft_payload_unref(&request->message);
    weft_metadata_unref(&request->metadata);
}

static void offer_waiting(struct weft_otlp_call *call)
{
    struct weft_batch *batch = call->batch;
    weft_check_magic(batch, batch);
    call->batch = NULL;
    weft_list_remove(&call->node);
    offer(call, &batch);
}

void weft_otlp_ingest_offer_waiting(struct weft_otlp_ingest *ingest, bool is_all)
{
    struct weft_list *node;
    while ((node = weft_list_first(&ingest->waiting)) != NULL) {
        struct weft_otlp_call *call = call_of(node);
        if (!is_all && !weft_entry_is_open(ingest->entries[call->signal])) {
            return;
        }
        offer_waiting(call);
    }
}

void weft_otlp_ingest_set_entry(struct weft_otlp_ingest *ingest, enum weft_signal signal, struct weft_entry *entry)
{
    struct weft_list *head = &ingest->waiting;
    weft_assert(weft_host_is_here(ingest->host) && (unsigned)signal < WEFT_SIGNAL_COUNT);
    if (entry == NULL) {
        for (struct weft_list *node = head->next, *next = node->next; node != head; node = next, next = node->next) {
            struct weft_otlp_call *call = call_of(node);
            if (call->signal == signal) {
                offer_waiting(call);
            }
        }
    }
    ingest->entries[signal] = entry;
    if (entry != NULL && ingest->invalid_utf8 == WEFT_INVALID_UTF8_REJECT) {
        weft_entry_expect_invalid(entry);
    }
}

bool weft_otlp_ingest_wants_metadata(const struct weft_otlp_inlet *inlet, enum weft_signal signal)
{
    const struct weft_entry *entry = inlet->ingest->entries[signal];
    return entry != NULL && (inlet->includes_metadata || weft_entry_asks_for_address(entry));
}

bool weft_otlp_ingest_is_open(const struct weft_otlp_ingest *ingest)
{
    for (size_t i = 0; i < WEFT_SIGNAL_COUNT; i++) {
        if (ingest->entries[i] != NULL && !weft_entry_is_open(ingest->entries[i])) {
            return false;
        }
    }
    return true;
}

static void collect_signal(const struct weft_otlp_inlet *inlet, enum weft_signal signal,
                           const struct weft_sample_label *labels, struct weft_samples *samples)
{
    char name[80];
    snprintf(name, sizeof name, "otelcol_receiver_accepted_%s", weft_signal_items_name(signal));
    weft_samples_add(samples, name, "Number of items successfully pushed into the pipeline", WEFT_SAMPLE_COUNTER,
                     (double)inlet->accepted[signal], labels);
    snprintf(name, sizeof name, "otelcol_receiver_refused_%s", weft_signal_items_name(signal));
    weft_samples_add(samples, name, "Number of items that could not be pushed into the pipeline", WEFT_SAMPLE_COUNTER,
                     (double)inlet->refused[signal], labels);
}

void weft_otlp_inlet_collect(const struct weft_otlp_inlet *inlet, struct weft_samples *samples)
{
    const struct weft_otlp_ingest *ingest = inlet->ingest;
    const struct weft_sample_label *labels =
        WEFT_LABELS({ "receiver", ingest->id }, { "transport", inlet->operations->transport });
    for (int signal = 0; signal < WEFT_SIGNAL_COUNT; signal++) {
        if (ingest->entries[signal] != NULL) {
            collect_signal(inlet, (enum weft_signal)signal, labels, samples);
        }
    }
    weft_samples_add(samples, "weft_receiver_malformed_requests", "Requests refused because they were malformed",
                     WEFT_SAMPLE_COUNTER, (double)inlet->malformed_requests, labels);
    weft_samples_add(samples, "weft_receiver_unauthenticated_requests", "Requests refused because of their credentials",
                     WEFT_SAMPLE_COUNTER, (double)inlet->unauthenticated, labels);
    weft_samples_add(samples, "weft_receiver_unjudged_requests",
                     "Requests refused because too many credentials were being looked at", WEFT_SAMPLE_COUNTER,
                     (double)inlet->unjudged, labels);
    weft_samples_add(samples, "weft_receiver_invalid_utf8_texts", "Strings that were not UTF-8", WEFT_SAMPLE_COUNTER,
                     (double)inlet->invalid_texts, labels);
    weft_samples_add(samples, "weft_receiver_invalid_utf8_repaired", "Of these, how many were repaired",
                     WEFT_SAMPLE_COUNTER, (double)inlet->invalid_texts_repaired, labels);
    weft_samples_add(samples, "weft_receiver_invalid_utf8_rejected", "Records refused because of such a string",
                     WEFT_SAMPLE_COUNTER, (double)inlet->invalid_records_rejected, labels);
    weft_samples_add(samples, "weft_receiver_answers_lost", "Calls whose client was gone when the answer was ready",
                     WEFT_SAMPLE_COUNTER, (double)inlet->answers_lost, labels);
    weft_samples_add(samples, "weft_receiver_open_connections", "Connections open now", WEFT_SAMPLE_GAUGE,
                     (double)inlet->operations->connection_count(inlet), labels);
}
