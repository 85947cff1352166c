/* Receiver `nop`: brings nothing. For pipelines that are to be there, and for extensions that want a config around
 * them. */
#include "weft/component.h"

#include "base/alloc.h"
#include "base/assert.h"

static const struct weft_field nop_fields[] = { WEFT_FIELDS_END };

static const struct weft_receiver_operations nop_operations;

static void set_entry(struct weft_receiver *receiver, enum weft_signal signal, struct weft_entry *entry)
{
    weft_assert(receiver->operations == &nop_operations);
    (void)signal;
    (void)entry;
}

static void drain(struct weft_receiver *receiver)
{
    weft_assert(receiver->operations == &nop_operations);
}

static bool is_drained(const struct weft_receiver *receiver)
{
    weft_assert(receiver->operations == &nop_operations);
    return true;
}

static void receiver_free(struct weft_receiver *receiver)
{
    weft_assert(receiver->operations == &nop_operations);
    weft_free(receiver);
}

static const struct weft_receiver_operations nop_operations = {
    .set_entry = set_entry,
    .drain = drain,
    .is_drained = is_drained,
    .free = receiver_free,
};

static enum weft_status create(const struct weft_instance_setup *setup, struct weft_receiver **out_receiver,
                               struct weft_error *error)
{
    (void)error;
    struct weft_receiver *receiver = weft_alloc(sizeof *receiver);
    *receiver = (struct weft_receiver){ .operations = &nop_operations, .host = setup->host, .id = setup->id };
    *out_receiver = receiver;
    return WEFT_OK;
}

const struct weft_component weft_receiver_nop = {
    .kind = WEFT_RECEIVER,
    .type = "nop",
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_METRICS | WEFT_SIGNAL_BIT_LOGS | WEFT_SIGNAL_BIT_PROFILES,
    .help = "Receives nothing.",
    .fields = nop_fields,
    .config_size = 1,
    .create_receiver = create,
};
