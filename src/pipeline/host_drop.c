/* Records that end badly (host.h): the flow is booked at once, then the batch is walked, resource by resource, to note
 * whose they were. Called when something is lost only; takes no memory. What the walk does not find, which would be a
 * mistake, counts for the empty service, so that rows and flows agree in every case. */
#include "pipeline/batch.h"
#include "pipeline/drops.h"
#include "pipeline/hiding.h"
#include "pipeline/host.h"
#include "wire/otlp_attributes.h"
#include "wire/otlp_resources.h"

/* What is done with each resource, or each run of an open part's records of the same one. first_record counts over the
 * batch, as selections do. */
typedef void (*resource_fn)(void *context, struct weft_slice service, size_t first_record, size_t record_count,
                            uint64_t weight);

static void walk_whole(enum weft_signal signal, const struct weft_part *part, size_t first_record, resource_fn visit,
                       void *context)
{
    struct weft_otlp_resource_walk walk = weft_otlp_resources_of(signal, weft_payload_slice(part->payload));
    struct weft_otlp_resource_part resource;
    while (weft_otlp_resources_next(&walk, &resource)) {
        visit(context, weft_otlp_service_name(resource.resource_x), first_record, resource.record_count,
              resource.weight);
        first_record += resource.record_count;
    }
}

static void walk_open(const struct weft_otlp_table *table, size_t first_record, resource_fn visit, void *context)
{
    for (uint32_t i = 0; i < table->record_count;) {
        uint32_t resource = table->scopes[table->records[i].scope].resource;
        uint32_t first = i;
        uint64_t weight = 0;
        while (i < table->record_count && table->scopes[table->records[i].scope].resource == resource) {
            weight += table->records[i++].weight;
        }
        visit(context, weft_otlp_service_name(table->resources[resource].header), first_record + first, i - first,
              weight);
    }
}

static void walk_batch(const struct weft_batch *batch, resource_fn visit, void *context)
{
    size_t first_record = 0;
    for (size_t i = 0; i < batch->part_count; i++) {
        const struct weft_part *part = &batch->parts[i];
        if (part->is_open) {
            walk_open(&part->table, first_record, visit, context);
        } else {
            walk_whole(batch->signal, part, first_record, visit, context);
        }
        first_record += weft_part_record_count(part);
    }
}

static void add(struct weft_host *host, weft_flow_id flow, struct weft_slice policy, struct weft_slice service,
                uint64_t count)
{
    uint8_t label[WEFT_SERVICE_LABEL_BYTES];
    weft_drops_add(host->drops, weft_timers_now(host->timers), flow, policy, weft_host_label(host, service, label),
                   count);
}

struct noting {
    struct weft_host *host;
    weft_flow_id flow;
    const struct weft_selection *selection; /* NULL = all */
    uint64_t left;                          /* booked, and not noted yet */
};

static void note(struct noting *noting, struct weft_slice service, uint64_t count)
{
    count = count > noting->left ? noting->left : count;
    noting->left -= count;
    add(noting->host, noting->flow, WEFT_SLICE_EMPTY, service, count);
}

static void note_resource(void *context, struct weft_slice service, size_t first_record, size_t record_count,
                          uint64_t weight)
{
    struct noting *noting = context;
    if (noting->selection == NULL) {
        note(noting, service, weight);
        return;
    }
    note(noting, service, weft_selection_count(noting->selection, first_record, first_record + record_count));
}

void weft_host_drop_selected(struct weft_host *host, weft_flow_id flow, const struct weft_batch *batch,
                             const struct weft_selection *selection, uint64_t count)
{
    weft_host_book(host, flow, count);
    if (host->drops != NULL) {
        struct noting noting = { .host = host, .flow = flow, .selection = selection, .left = count };
        walk_batch(batch, note_resource, &noting);
        note(&noting, WEFT_SLICE_EMPTY, noting.left);
    }
}

void weft_host_drop(struct weft_host *host, weft_flow_id flow, const struct weft_batch *batch)
{
    weft_host_drop_selected(host, flow, batch, NULL, batch->weight);
}

struct comparing {
    struct weft_slice service;
    bool has_service, has_several;
};

static void compare_resource(void *context, struct weft_slice service, size_t first_record, size_t record_count,
                             uint64_t weight)
{
    (void)first_record;
    (void)weight;
    struct comparing *comparing = context;
    if (record_count == 0) {
        return;
    }
    comparing->has_several =
        comparing->has_several || (comparing->has_service && !weft_slice_equal(comparing->service, service));
    comparing->service = service;
    comparing->has_service = true;
}

void weft_host_drop_some(struct weft_host *host, weft_flow_id flow, const struct weft_batch *batch, uint64_t count)
{
    if (count == batch->weight) {
        weft_host_drop(host, flow, batch);
        return;
    }
    struct comparing comparing = { 0 };
    if (host->drops != NULL) {
        walk_batch(batch, compare_resource, &comparing);
    }
    struct weft_slice service = comparing.has_several ? WEFT_SLICE_EMPTY : comparing.service;
    weft_host_drop_records(host, flow, WEFT_SLICE_EMPTY, service, count);
}

void weft_host_drop_records(struct weft_host *host, weft_flow_id flow, struct weft_slice policy,
                            struct weft_slice service, uint64_t count)
{
    weft_host_book(host, flow, count);
    if (host->drops != NULL) {
        add(host, flow, policy, service, count);
    }
}
