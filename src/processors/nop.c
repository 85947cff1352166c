/* Processor `nop`: passes everything on as it is. */
#include "weft/component.h"

#include "base/alloc.h"
#include "base/assert.h"

struct nop_processor {
    struct weft_consumer consumer;
    struct weft_consumer *next;
};

static const struct weft_field nop_fields[] = { WEFT_FIELDS_END };

static const struct weft_consumer_operations nop_operations;

static struct nop_processor *processor_of(const struct weft_consumer *consumer)
{
    weft_assert(consumer->operations == &nop_operations);
    return WEFT_CONTAINER_OF(consumer, struct nop_processor, consumer);
}

static enum weft_status consume(struct weft_consumer *consumer, struct weft_batch **own_batch, struct weft_error *error)
{
    return weft_consumer_consume(processor_of(consumer)->next, own_batch, error);
}

static void processor_free(struct weft_consumer *consumer)
{
    struct nop_processor *processor = processor_of(consumer);
    weft_consumer_fini(consumer);
    weft_free(processor);
}

static const struct weft_consumer_operations nop_operations = {
    .consume = consume,
    .free = processor_free,
};

static enum weft_status create(const struct weft_instance_setup *setup, struct weft_consumer **out_consumer,
                               struct weft_error *error)
{
    (void)error;
    struct nop_processor *processor = weft_alloc(sizeof *processor);
    weft_consumer_init(&processor->consumer, &nop_operations, setup->host, setup->id);
    processor->next = setup->next;
    weft_consumer_connect(&processor->consumer, &processor->next, 1);
    *out_consumer = &processor->consumer;
    return WEFT_OK;
}

const struct weft_component weft_processor_nop = {
    .kind = WEFT_PROCESSOR,
    .type = "nop",
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_METRICS | WEFT_SIGNAL_BIT_LOGS | WEFT_SIGNAL_BIT_PROFILES,
    .help = "Passes everything on.",
    .fields = nop_fields,
    .config_size = 1,
    .create_consumer = create,
};
