/* Entry (entry.h): where a receiver's records enter the books. The order of moves matters to a reader that looks
 * between them: records are booked into in_flight before a pipeline sees them. */
#include "pipeline/entry_internal.h"

#include "base/alloc.h"
#include "base/assert.h"

static void entry_pressure_changed(void *context)
{
    struct weft_entry *entry = context;
    weft_check_magic(entry, entry);
    bool is_open = true;
    for (size_t i = 0; i < entry->entrance_count; i++) {
        is_open = is_open && entry->entrances[i].first->is_open;
    }
    if (is_open != entry->is_open) {
        entry->is_open = is_open;
        if (entry->on_pressure != NULL) {
            entry->on_pressure(entry->context);
        }
    }
}

static void register_flows(struct weft_entry *entry, struct entrance *entrance, const char *receiver_id,
                           const struct weft_account *in_flight)
{
    struct weft_account offered = {
        .kind = WEFT_ACCOUNT_OFFERED, .signal = in_flight->signal, .pipeline = "", .owner = receiver_id
    };
    struct weft_account refused = {
        .kind = WEFT_ACCOUNT_REFUSED, .signal = in_flight->signal, .pipeline = in_flight->pipeline, .owner = receiver_id
    };
    struct weft_account copied = refused, uncopied = refused;
    copied.kind = WEFT_ACCOUNT_COPIED;
    uncopied.kind = WEFT_ACCOUNT_UNCOPIED;
    struct weft_ledger *ledger = entry->host->ledger;
    entrance->offered_flow = weft_ledger_flow(ledger, &offered, in_flight);
    entrance->copied_flow = weft_ledger_flow(ledger, &copied, in_flight);
    entrance->refused_flow = weft_ledger_flow(ledger, in_flight, &refused);
    entrance->uncopied_flow = weft_ledger_flow(ledger, in_flight, &uncopied);
}

struct weft_entry *weft_entry_new(struct weft_host *host, const char *receiver_id, enum weft_signal signal,
                                  const struct weft_pipeline_entrance *entrances, size_t entrance_count,
                                  void (*on_pressure)(void *context), void *context)
{
    weft_assert(entrance_count > 0 && weft_host_is_here(host));
    struct weft_entry *entry = weft_alloc(sizeof *entry + entrance_count * sizeof entry->entrances[0]);
    weft_set_magic(entry, entry);
    entry->host = host;
    entry->receiver_id = receiver_id;
    entry->signal = entrances[0].in_flight.signal;
    entry->on_pressure = on_pressure;
    entry->context = context;
    entry->entrance_count = entrance_count;
    entry->is_open = true;
    weft_list_init(&entry->offers);
    for (size_t i = 0; i < entrance_count; i++) {
        weft_assert(strcmp(entrances[i].in_flight.signal, weft_signal_name(signal)) == 0);
        weft_assert(entrances[i].in_flight.kind == WEFT_ACCOUNT_IN_FLIGHT && entrances[i].first->host == host);
        struct entrance *entrance = &entry->entrances[i];
        entrance->first = entrances[i].first;
        entrance->pipeline = entrances[i].in_flight.pipeline;
        register_flows(entry, entrance, receiver_id, &entrances[i].in_flight);
        entrance->listener.on_pressure_changed = entry_pressure_changed;
        entrance->listener.context = entry;
        weft_consumer_listen(entrance->first, &entrance->listener);
    }
    entry_pressure_changed(entry);
    return entry;
}

void weft_entry_free(struct weft_entry *entry)
{
    weft_assert(weft_list_is_empty(&entry->offers) && weft_host_is_here(entry->host));
    for (size_t i = 0; i < entry->entrance_count; i++) {
        weft_list_remove(&entry->entrances[i].listener.node);
    }
    weft_clear_magic(entry, entry);
    weft_free(entry);
}

bool weft_entry_is_open(const struct weft_entry *entry)
{
    weft_check_magic(entry, entry);
    return entry->is_open;
}

void weft_entry_set_asks_for_address(struct weft_entry *entry, bool asks)
{
    weft_check_magic(entry, entry);
    entry->asks_for_address = asks;
}

bool weft_entry_asks_for_address(const struct weft_entry *entry)
{
    return entry->asks_for_address;
}

void weft_entry_expect_invalid(struct weft_entry *entry)
{
    weft_check_magic(entry, entry);
    struct weft_account offered = {
        .kind = WEFT_ACCOUNT_OFFERED, .signal = entry->signal, .pipeline = "", .owner = entry->receiver_id
    };
    struct weft_account refused = offered;
    refused.kind = WEFT_ACCOUNT_REFUSED;
    refused.reason = WEFT_DROP_INVALID_UTF8;
    entry->invalid_flow = weft_ledger_flow(entry->host->ledger, &offered, &refused);
}

void weft_entry_refuse_invalid(struct weft_entry *entry, struct weft_slice service, uint64_t count)
{
    weft_check_magic(entry, entry);
    weft_assert(weft_host_is_here(entry->host) && entry->invalid_flow != WEFT_FLOW_NONE);
    weft_host_drop_records(entry->host, entry->invalid_flow, WEFT_SLICE_EMPTY, service, count);
    entry->counters.refused += count;
}

static bool make_branches(struct weft_entry *entry, struct weft_batch *batch)
{
    entry->entrances[0].branch = batch;
    for (size_t i = 1; i < entry->entrance_count; i++) {
        entry->entrances[i].branch = weft_batch_try_clone(batch);
        if (entry->entrances[i].branch == NULL) {
            while (--i > 0) {
                weft_batch_end(&entry->entrances[i].branch, NULL, -1);
            }
            return false;
        }
    }
    return true;
}

/* Without memory for the branches nothing was offered to anyone: offered and refused meet in the first pipeline. */
static enum weft_status refuse_whole(struct weft_entry *entry, struct weft_batch **own_batch)
{
    struct weft_error error;
    enum weft_status status = weft_fail(&error, WEFT_NOMEM, "no memory for copies to all pipelines");
    uint64_t weight = (*own_batch)->weight;
    weft_host_book(entry->host, entry->entrances[0].offered_flow, weight);
    weft_host_drop(entry->host, entry->entrances[0].refused_flow, *own_batch);
    entry->counters.refused += weight;
    weft_batch_end(own_batch, &error, -1);
    return status;
}

enum weft_status weft_entry_offer(struct weft_entry *entry, struct weft_batch **own_batch)
{
    weft_check_magic(entry, entry);
    weft_check_magic(*own_batch, batch);
    weft_assert(weft_host_is_here(entry->host) && !(*own_batch)->is_lent);
    if (!make_branches(entry, *own_batch)) {
        return refuse_whole(entry, own_batch);
    }
    uint64_t weight = (*own_batch)->weight;
    *own_batch = NULL;
    enum weft_status refusal = WEFT_OK;
    for (size_t i = 0; i < entry->entrance_count; i++) {
        struct entrance *entrance = &entry->entrances[i];
        struct weft_error error = WEFT_ERROR_NONE;
        weft_host_book(entry->host, i == 0 ? entrance->offered_flow : entrance->copied_flow, weight);
        enum weft_status status = weft_consumer_consume(entrance->first, &entrance->branch, &error);
        if (status == WEFT_OK) {
            continue;
        }
        error.status = status;
        if (refusal == WEFT_OK) {
            weft_host_drop(entry->host, entrance->refused_flow, entrance->branch);
        } else {
            weft_host_book(entry->host, entrance->uncopied_flow, entrance->branch->weight);
        }
        refusal = status;
        weft_batch_end(&entrance->branch, &error, -1);
    }
    if (refusal == WEFT_OK) {
        entry->counters.accepted += weight;
    } else {
        entry->counters.refused += weight;
    }
    return refusal;
}

struct weft_entry_counters weft_entry_read_counters(const struct weft_entry *entry)
{
    return entry->counters;
}
