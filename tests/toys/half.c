/* Toy processor `half`: drops every second record; the smallest component out of which some records leave
 * (CONTRIBUTING.md, "When a component keeps or drops"). The count goes on from batch to batch. */
#include "weft/component.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "pipeline/edit.h"

struct half_config {
    bool keeps_first;
};

struct half_processor {
    struct weft_consumer consumer;
    const struct half_config *config;
    struct weft_consumer *next;
    struct weft_selection unwanted; /* of one batch; kept for its memory */
    uint64_t seen;
    weft_flow_id drop_flow; /* in_flight -> dropped(filtered) */
};

static const struct weft_field half_fields[] = {
    WEFT_FIELD(struct half_config, keeps_first, "true", "Keeps the first, third, ... record; else the others."),
    WEFT_FIELDS_END,
};

static const struct weft_consumer_operations half_operations;

static struct half_processor *processor_of(const struct weft_consumer *consumer)
{
    weft_assert(consumer->operations == &half_operations);
    return WEFT_CONTAINER_OF(consumer, struct half_processor, consumer);
}

static enum weft_status select_unwanted(struct half_processor *half, const struct weft_batch *batch)
{
    size_t count = weft_batch_record_count(batch);
    enum weft_status status = weft_selection_begin(&half->unwanted, count);
    for (size_t i = half->config->keeps_first == (half->seen % 2 == 0) ? 1 : 0; status == WEFT_OK && i < count;
         i += 2) {
        weft_selection_add(&half->unwanted, i);
    }
    return status;
}

static enum weft_status consume(struct weft_consumer *consumer, struct weft_batch **own_batch, struct weft_error *error)
{
    struct half_processor *half = processor_of(consumer);
    size_t count = weft_batch_record_count(*own_batch);
    struct weft_edit edit;
    if (select_unwanted(half, *own_batch) != WEFT_OK || weft_edit_begin(&edit, own_batch) != WEFT_OK) {
        return weft_fail(error, WEFT_NOMEM, "%s: no memory to look at a batch", consumer->id);
    }
    if (weft_edit_remove(&edit, &half->unwanted) != WEFT_OK) {
        weft_edit_cancel(&edit, own_batch);
        return weft_fail(error, WEFT_NOMEM, "%s: no memory to take records out", consumer->id);
    }
    enum weft_status status = weft_edit_pass_on(&edit, half->next, own_batch, error);
    if (status == WEFT_OK) {
        half->seen += count;
        if (edit.removed != NULL) {
            weft_consumer_drop(consumer, &edit.removed, half->drop_flow, WEFT_DROP_FILTERED, NULL);
        }
    }
    return status;
}

static void processor_free(struct weft_consumer *consumer)
{
    struct half_processor *half = processor_of(consumer);
    weft_selection_fini(&half->unwanted);
    weft_consumer_fini(consumer);
    weft_free(half);
}

static const struct weft_consumer_operations half_operations = { .consume = consume, .free = processor_free };

static enum weft_status create(const struct weft_instance_setup *setup, struct weft_consumer **out_consumer,
                               struct weft_error *error)
{
    (void)error;
    struct half_processor *half = weft_alloc(sizeof *half);
    weft_consumer_init(&half->consumer, &half_operations, setup->host, setup->id);
    half->config = setup->config;
    half->next = setup->next;
    struct weft_account dropped = *setup->in_flight;
    dropped.kind = WEFT_ACCOUNT_DROPPED;
    dropped.owner = setup->id;
    dropped.reason = WEFT_DROP_FILTERED;
    half->drop_flow = weft_ledger_flow(setup->host->ledger, setup->in_flight, &dropped);
    weft_consumer_connect(&half->consumer, &half->next, 1);
    *out_consumer = &half->consumer;
    return WEFT_OK;
}

const struct weft_component weft_processor_half = {
    .kind = WEFT_PROCESSOR,
    .type = "half",
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_LOGS,
    .help = "Drops every second record.",
    .fields = half_fields,
    .config_size = sizeof(struct half_config),
    .create_consumer = create,
};
