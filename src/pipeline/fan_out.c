/* Outlet and fan-out (fan_out.h). Between calls a fan-out holds at most one parked batch for each closed outlet. */
#include "pipeline/fan_out.h"

#include "base/alloc.h"
#include "base/assert.h"

struct outlet {
    struct weft_consumer consumer;
    struct weft_consumer *exporter;
    weft_flow_id flow;
};

static const struct weft_consumer_operations outlet_operations;

static struct outlet *outlet_of(const struct weft_consumer *consumer)
{
    weft_assert(consumer->operations == &outlet_operations);
    return WEFT_CONTAINER_OF(consumer, struct outlet, consumer);
}

static enum weft_status outlet_consume(struct weft_consumer *consumer, struct weft_batch **own_batch,
                                       struct weft_error *error)
{
    struct outlet *outlet = outlet_of(consumer);
    (*own_batch)->outlet_flow = outlet->flow;
    return weft_consumer_consume(outlet->exporter, own_batch, error);
}

static void outlet_free(struct weft_consumer *consumer)
{
    struct outlet *outlet = outlet_of(consumer);
    weft_consumer_fini(consumer);
    weft_free(outlet);
}

static const struct weft_consumer_operations outlet_operations = {
    .consume = outlet_consume,
    .free = outlet_free,
};

struct weft_consumer *weft_outlet_new(struct weft_host *host, const struct weft_account *in_flight,
                                      struct weft_consumer *exporter)
{
    struct outlet *outlet = weft_alloc(sizeof *outlet);
    weft_consumer_init(&outlet->consumer, &outlet_operations, host, exporter->id);
    outlet->exporter = exporter;
    weft_assert(in_flight->kind == WEFT_ACCOUNT_IN_FLIGHT && exporter->host == host);
    outlet->flow = weft_ledger_flow(host->ledger, in_flight, &exporter->held_account);
    weft_consumer_connect(&outlet->consumer, &outlet->exporter, 1);
    return &outlet->consumer;
}

struct fan_out {
    struct weft_consumer consumer;
    weft_flow_id copied_flow;
    weft_flow_id uncopied_flow;
    size_t outlet_count;
    struct weft_batch **branches; /* scratch of one consume; a graph has no cycles, so it is not entered twice */
    struct weft_batch **parked;   /* per outlet; NULL = none */
    weft_flow_id refused_flow, shutdown_flow, reload_flow; /* in_flight -> dropped, of what was parked */
    struct weft_consumer *outlets[];
};

static const struct weft_consumer_operations fan_out_operations;

static struct fan_out *fan_out_of(const struct weft_consumer *consumer)
{
    weft_assert(consumer->operations == &fan_out_operations);
    return WEFT_CONTAINER_OF(consumer, struct fan_out, consumer);
}

/* Makes a branch of the batch for every outlet but the last, which gets the batch itself. All or none. */
static enum weft_status make_branches(struct fan_out *fan_out, struct weft_batch *batch, struct weft_error *error)
{
    size_t copy_count = fan_out->outlet_count - 1;
    weft_assert(!batch->is_lent);
    for (size_t i = 0; i < copy_count; i++) {
        fan_out->branches[i] = weft_batch_try_clone(batch);
        if (fan_out->branches[i] == NULL) {
            for (size_t j = 0; j < i; j++) {
                weft_batch_end(&fan_out->branches[j], NULL, -1);
            }
            return weft_fail(error, WEFT_NOMEM, "no memory for a copy to %s", fan_out->outlets[i]->id);
        }
    }
    fan_out->branches[copy_count] = batch;
    weft_host_book(fan_out->consumer.host, fan_out->copied_flow, batch->weight * copy_count);
    return WEFT_OK;
}

/* Keeps one refused copy for the caller; any further one is taken back. */
static void keep_refused(struct fan_out *fan_out, struct weft_batch **own_branch, struct weft_batch **kept)
{
    if (*kept == NULL) {
        *kept = *own_branch;
        *own_branch = NULL;
        return;
    }
    weft_host_book(fan_out->consumer.host, fan_out->uncopied_flow, (*own_branch)->weight);
    weft_batch_end(own_branch, NULL, -1);
}

/* Offers the branches one by one; the worst refusal goes to *refusal. Returns how many refused. */
static size_t offer_branches(struct fan_out *fan_out, struct weft_batch **kept, struct weft_error *refusal)
{
    size_t refused_count = 0;
    for (size_t i = 0; i < fan_out->outlet_count; i++) {
        struct weft_error branch_error = WEFT_ERROR_NONE;
        struct weft_consumer *outlet = fan_out->outlets[i];
        enum weft_status status = weft_consumer_consume(outlet, &fan_out->branches[i], &branch_error);
        if (status == WEFT_OK) {
            continue;
        }
        if (status == WEFT_CLOSED && !outlet->is_open) {
            weft_assert(fan_out->parked[i] == NULL);
            fan_out->parked[i] = fan_out->branches[i];
            fan_out->branches[i] = NULL;
            continue;
        }
        if (refusal->status == WEFT_OK || weft_status_is_retryable(status)) {
            *refusal = branch_error;
            refusal->status = status;
        }
        keep_refused(fan_out, &fan_out->branches[i], kept);
        refused_count++;
    }
    return refused_count;
}

static void update_open(struct fan_out *fan_out)
{
    bool is_open = weft_consumer_are_next_open(&fan_out->consumer);
    for (size_t i = 0; i < fan_out->outlet_count; i++) {
        is_open = is_open && fan_out->parked[i] == NULL;
    }
    weft_consumer_set_open(&fan_out->consumer, is_open);
}

static enum weft_status fan_out_consume(struct weft_consumer *consumer, struct weft_batch **own_batch,
                                        struct weft_error *error)
{
    struct fan_out *fan_out = fan_out_of(consumer);
    if (!consumer->is_open) {
        return weft_fail(error, WEFT_CLOSED, "%s: an exporter's sending queue is full", consumer->id);
    }
    enum weft_status made = make_branches(fan_out, *own_batch, error);
    if (made != WEFT_OK) {
        return made;
    }
    struct weft_batch *kept = NULL;
    struct weft_error refusal = WEFT_ERROR_NONE;
    size_t refused_count = offer_branches(fan_out, &kept, &refusal);
    update_open(fan_out);
    *own_batch = kept;
    if (refusal.status != WEFT_OK && error != NULL) {
        *error = refusal;
    }
    bool is_partly_taken = refusal.status != WEFT_OK && refused_count < fan_out->outlet_count;
    return is_partly_taken ? WEFT_PARTIAL : refusal.status;
}

/* Gives parked batches to outlets that have opened. */
static void offer_parked(struct fan_out *fan_out)
{
    for (size_t i = 0; i < fan_out->outlet_count; i++) {
        struct weft_consumer *outlet = fan_out->outlets[i];
        if (fan_out->parked[i] == NULL || !outlet->is_open) {
            continue;
        }
        struct weft_batch *batch = fan_out->parked[i];
        struct weft_error error = WEFT_ERROR_NONE;
        fan_out->parked[i] = NULL;
        enum weft_status status = weft_consumer_consume(outlet, &batch, &error);
        if (status == WEFT_CLOSED && !outlet->is_open) {
            fan_out->parked[i] = batch;
        } else if (status != WEFT_OK) {
            weft_consumer_drop(&fan_out->consumer, &batch, fan_out->refused_flow, WEFT_DROP_REFUSED_DOWNSTREAM, &error);
        }
    }
}

static void fan_out_next_changed(struct weft_consumer *consumer)
{
    struct fan_out *fan_out = fan_out_of(consumer);
    offer_parked(fan_out);
    update_open(fan_out);
}

static void fan_out_audit(const struct weft_consumer *consumer, uint64_t *in_out_count)
{
    const struct fan_out *fan_out = fan_out_of(consumer);
    for (size_t i = 0; i < fan_out->outlet_count; i++) {
        *in_out_count += fan_out->parked[i] == NULL ? 0 : fan_out->parked[i]->weight;
    }
}

static void fan_out_drain(struct weft_consumer *consumer, enum weft_drop_reason reason, bool is_forced)
{
    struct fan_out *fan_out = fan_out_of(consumer);
    offer_parked(fan_out);
    for (size_t i = 0; is_forced && i < fan_out->outlet_count; i++) {
        if (fan_out->parked[i] != NULL) {
            weft_consumer_drop(consumer, &fan_out->parked[i],
                               reason == WEFT_DROP_RELOAD ? fan_out->reload_flow : fan_out->shutdown_flow, reason,
                               NULL);
        }
    }
}

static void fan_out_free(struct weft_consumer *consumer)
{
    struct fan_out *fan_out = fan_out_of(consumer);
    weft_consumer_fini(consumer);
    for (size_t i = 0; i < fan_out->outlet_count; i++) {
        weft_assert(fan_out->parked[i] == NULL);
    }
    weft_free(fan_out->branches);
    weft_free(fan_out->parked);
    weft_free(fan_out);
}

static const struct weft_consumer_operations fan_out_operations = {
    .consume = fan_out_consume,
    .on_next_changed = fan_out_next_changed,
    .audit = fan_out_audit,
    .drain = fan_out_drain,
    .free = fan_out_free,
};

struct weft_consumer *weft_fan_out_new(struct weft_host *host, const struct weft_account *in_flight,
                                       struct weft_consumer *const *outlets, size_t outlet_count)
{
    weft_assert(outlet_count >= 2 && in_flight->kind == WEFT_ACCOUNT_IN_FLIGHT);
    struct fan_out *fan_out = weft_alloc(sizeof *fan_out + outlet_count * sizeof(struct weft_consumer *));
    weft_consumer_init(&fan_out->consumer, &fan_out_operations, host, in_flight->pipeline);
    struct weft_account copied = *in_flight;
    copied.kind = WEFT_ACCOUNT_COPIED;
    copied.owner = in_flight->pipeline;
    struct weft_account uncopied = copied;
    uncopied.kind = WEFT_ACCOUNT_UNCOPIED;
    fan_out->copied_flow = weft_ledger_flow(host->ledger, &copied, in_flight);
    fan_out->uncopied_flow = weft_ledger_flow(host->ledger, in_flight, &uncopied);
    fan_out->outlet_count = outlet_count;
    fan_out->branches = weft_alloc(outlet_count * sizeof(struct weft_batch *));
    fan_out->parked = weft_alloc(outlet_count * sizeof(struct weft_batch *));
    fan_out->consumer.held_account = *in_flight;
    fan_out->refused_flow = weft_consumer_drop_flow(&fan_out->consumer, WEFT_DROP_REFUSED_DOWNSTREAM);
    fan_out->shutdown_flow = weft_consumer_drop_flow(&fan_out->consumer, WEFT_DROP_SHUTDOWN);
    fan_out->reload_flow = weft_consumer_drop_flow(&fan_out->consumer, WEFT_DROP_RELOAD);
    memcpy(fan_out->outlets, outlets, outlet_count * sizeof(struct weft_consumer *));
    weft_consumer_connect(&fan_out->consumer, fan_out->outlets, outlet_count);
    update_open(fan_out);
    return &fan_out->consumer;
}
