/* Receivers with inlets (inlet_receiver.h): pressure and life. */
#include "receivers/inlet_receiver.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"

/* ---- config ---- */

static const char *const acknowledge_words[] = { "accepted", "delivered", NULL };

const struct weft_field weft_inlet_fields[] = {
    WEFT_FIELD_CHOICE(struct weft_inlet_config, acknowledge, acknowledge_words, "accepted",
                      "When a client gets its OK: accepted (in memory that outlives the call) or delivered (the "
                      "backend has it)."),
    WEFT_FIELD(struct weft_inlet_config, refuse_after, "5s",
               "Under pressure reading stops; after this time requests are refused."),
    WEFT_FIELD(struct weft_inlet_config, retry_after, "1s", "The delay that refused clients are asked for."),
    WEFT_FIELDS_END,
};

bool weft_inlet_waits_for_delivery(const struct weft_inlet_config *config)
{
    return config->acknowledge.value == WEFT_ACKNOWLEDGE_DELIVERED;
}

/* ---- pressure ---- */

static const struct weft_receiver_operations inlet_receiver_operations;

static struct weft_inlet_receiver *receiver_of(const struct weft_receiver *base)
{
    weft_assert(base->operations == &inlet_receiver_operations);
    return WEFT_CONTAINER_OF(base, struct weft_inlet_receiver, receiver);
}

static void set_reading(struct weft_inlet_receiver *receiver, bool is_reading)
{
    for (size_t i = 0; i < receiver->inlet_count; i++) {
        receiver->inlets[i]->operations->set_reading(receiver->inlets[i], is_reading);
    }
}

static void start_refusing(void *context)
{
    struct weft_inlet_receiver *receiver = receiver_of(context);
    weft_log(WARN, "receiver.refusing", "pressure lasts: requests are refused now",
             WEFT_LOG_STRING("receiver", receiver->receiver.id));
    receiver->ingest.is_refusing = true;
    weft_otlp_ingest_offer_waiting(&receiver->ingest, true);
    set_reading(receiver, true);
}

static void offer_again(void *context)
{
    struct weft_inlet_receiver *receiver = receiver_of(context);
    weft_otlp_ingest_offer_waiting(&receiver->ingest, false);
}

static void on_pressure(struct weft_receiver *base)
{
    struct weft_inlet_receiver *receiver = receiver_of(base);
    struct weft_otlp_ingest *ingest = &receiver->ingest;
    bool is_open = weft_otlp_ingest_is_open(ingest);
    set_reading(receiver, is_open || ingest->is_draining || ingest->is_refusing);
    if (is_open) {
        ingest->is_refusing = false;
        weft_timer_cancel(base->host->timers, &receiver->refuse_timer);
        weft_timer_set_after(base->host->timers, &receiver->offer_timer, 0);
    } else if (!ingest->is_refusing && !weft_timer_is_set(&receiver->refuse_timer)) {
        weft_timer_set_after(base->host->timers, &receiver->refuse_timer, receiver->config->refuse_after.ns);
    }
}

/* ---- life cycle ---- */

static void set_entry(struct weft_receiver *base, enum weft_signal signal, struct weft_entry *entry)
{
    weft_otlp_ingest_set_entry(&receiver_of(base)->ingest, signal, entry);
}

static void adopt(struct weft_receiver *base, size_t listener_index, int descriptor)
{
    struct weft_inlet_receiver *receiver = receiver_of(base);
    weft_assert(listener_index < receiver->inlet_count);
    receiver->inlets[listener_index]->operations->adopt(receiver->inlets[listener_index], descriptor);
}

static void drain(struct weft_receiver *base)
{
    struct weft_inlet_receiver *receiver = receiver_of(base);
    if (receiver->ingest.is_draining) {
        return;
    }
    receiver->ingest.is_draining = true;
    weft_timer_cancel(base->host->timers, &receiver->refuse_timer);
    for (size_t i = 0; i < receiver->inlet_count; i++) {
        receiver->inlets[i]->operations->drain(receiver->inlets[i]);
    }
    weft_otlp_ingest_offer_waiting(&receiver->ingest, true);
    set_reading(receiver, true);
}

static size_t connection_count(const struct weft_receiver *base)
{
    const struct weft_inlet_receiver *receiver = receiver_of(base);
    size_t count = 0;
    for (size_t i = 0; i < receiver->inlet_count; i++) {
        count += receiver->inlets[i]->operations->connection_count(receiver->inlets[i]);
    }
    return count;
}

static bool is_drained(const struct weft_receiver *base)
{
    return weft_otlp_ingest_is_idle(&receiver_of(base)->ingest) && connection_count(base) == 0;
}

static void receiver_free(struct weft_receiver *base)
{
    struct weft_inlet_receiver *receiver = receiver_of(base);
    weft_timer_cancel(base->host->timers, &receiver->refuse_timer);
    weft_timer_cancel(base->host->timers, &receiver->offer_timer);
    struct weft_auth_server *auths[WEFT_INLETS_MAX] = { NULL };
    for (size_t i = 0; i < receiver->inlet_count; i++) {
        auths[i] = receiver->inlets[i]->auth;
        receiver->inlets[i]->operations->free(receiver->inlets[i]);
    }
    weft_otlp_ingest_fini(&receiver->ingest); /* whose requests may wait for a judgement */
    for (size_t i = 0; i < receiver->inlet_count; i++) {
        weft_auth_server_free(auths[i]);
    }
    base->operations = NULL;
    weft_free(receiver);
}

static void collect(const struct weft_receiver *base, struct weft_samples *samples)
{
    const struct weft_inlet_receiver *receiver = receiver_of(base);
    for (size_t i = 0; i < receiver->inlet_count; i++) {
        receiver->inlets[i]->operations->collect(receiver->inlets[i], samples);
    }
}

static const struct weft_receiver_operations inlet_receiver_operations = {
    .set_entry = set_entry,
    .adopt = adopt,
    .on_pressure = on_pressure,
    .drain = drain,
    .is_drained = is_drained,
    .free = receiver_free,
    .connection_count = connection_count,
    .collect = collect,
};

struct weft_inlet_receiver *weft_inlet_receiver_new(const struct weft_instance_setup *setup,
                                                    const struct weft_inlet_config *config)
{
    struct weft_inlet_receiver *receiver = weft_alloc(sizeof *receiver);
    receiver->receiver = (struct weft_receiver){ &inlet_receiver_operations, setup->host, setup->id };
    receiver->config = config;
    weft_timer_init(&receiver->refuse_timer, start_refusing, &receiver->receiver);
    weft_timer_init(&receiver->offer_timer, offer_again, &receiver->receiver);
    receiver->ingest.host = setup->host;
    receiver->ingest.id = setup->id;
    receiver->ingest.acknowledge = (enum weft_acknowledge)config->acknowledge.value;
    receiver->ingest.retry_after_ns = config->retry_after.ns;
    weft_otlp_ingest_init(&receiver->ingest);
    return receiver;
}

void weft_inlet_receiver_add(struct weft_inlet_receiver *receiver, struct weft_otlp_inlet *own_inlet)
{
    weft_assert(receiver->inlet_count < WEFT_INLETS_MAX);
    receiver->inlets[receiver->inlet_count++] = own_inlet;
}
