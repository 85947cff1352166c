/* Exporter `nop`: takes everything and counts it as sent. For tests and for measuring what comes before it. */
#include "weft/component.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "pipeline/exporter.h"

struct nop_exporter {
    struct weft_consumer consumer;
    weft_flow_id sent_flow;
    uint64_t sent;
    enum weft_signal signal;
};

static const struct weft_field nop_fields[] = {
    WEFT_FIELDS_END,
};

static const struct weft_consumer_operations nop_operations;

static struct nop_exporter *exporter_of(const struct weft_consumer *consumer)
{
    weft_assert(consumer->operations == &nop_operations);
    return WEFT_CONTAINER_OF(consumer, struct nop_exporter, consumer);
}

static enum weft_status consume(struct weft_consumer *consumer, struct weft_batch **own_batch, struct weft_error *error)
{
    (void)error;
    struct nop_exporter *exporter = exporter_of(consumer);
    weft_check_magic(*own_batch, batch);
    exporter->sent += (*own_batch)->weight;
    weft_exporter_delivered(consumer, exporter->sent_flow, own_batch);
    return WEFT_OK;
}

static void exporter_free(struct weft_consumer *consumer)
{
    struct nop_exporter *exporter = exporter_of(consumer);
    weft_consumer_fini(consumer);
    weft_free(exporter);
}

static const struct weft_consumer_operations nop_operations = {
    .consume = consume,
    .free = exporter_free,
};

static enum weft_status create(const struct weft_instance_setup *setup, struct weft_consumer **out_consumer,
                               struct weft_error *error)
{
    (void)error;
    struct nop_exporter *exporter = weft_alloc(sizeof *exporter);
    weft_consumer_init(&exporter->consumer, &nop_operations, setup->host, setup->id);
    exporter->signal = setup->signal;
    exporter->consumer.held_account = weft_exporter_account(setup->signal, setup->id);
    exporter->sent_flow = weft_exporter_sent_flow(&exporter->consumer);
    *out_consumer = &exporter->consumer;
    return WEFT_OK;
}

static void collect(const struct weft_consumer *consumer, struct weft_samples *samples)
{
    const struct nop_exporter *exporter = exporter_of(consumer);
    weft_exporter_collect(consumer, exporter->signal, &(struct weft_sender_counters){ .sent = exporter->sent },
                          samples);
}

const struct weft_component weft_exporter_nop = {
    .kind = WEFT_EXPORTER,
    .type = "nop",
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_METRICS | WEFT_SIGNAL_BIT_LOGS | WEFT_SIGNAL_BIT_PROFILES,
    .help = "Takes everything and counts it as sent.",
    .fields = nop_fields,
    .config_size = 1,
    .create_consumer = create,
    .collect = collect,
};
