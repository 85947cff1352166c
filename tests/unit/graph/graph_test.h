#pragma once

#include "config/load.h"
#include "graph/graph.h"
#include "pipeline/listener.h"
#include "pipeline/pipeline_test.h"
#include "weft/component.h"

/* Components for tests of plans and graphs: a receiver that may listen, a processor that holds what it gets until it is
 * told to let go, an exporter that takes what it gets at once, or keeps it. The instances that live are in `instances`.
 */
struct fake_config {
    char *endpoint; /* receivers: listens there */
    char *text;     /* anything, to be changed */
    bool must_fail; /* to be created */
};

enum { MAX_INSTANCES = 32 };

struct instance {
    struct weft_receiver receiver;
    struct weft_consumer consumer;
    struct weft_consumer *next;
    const char *id;
    enum weft_signal signal;
    struct weft_entry *entries[WEFT_SIGNAL_COUNT];
    struct weft_batch *held;
    bool is_holding, is_draining, is_forced, is_undrained, is_freed;
    unsigned order; /* of its first drain */
    unsigned pressure_calls;
    weft_flow_id take_flow, give_flow, drop_flow;
};

struct fake_shared {
    struct weft_shared_listeners listeners;
    struct weft_listener listener;
};

static struct instance *instances[MAX_INSTANCES];
static size_t instance_count;
static unsigned drain_order, shared_count;

static const struct weft_field fake_fields[] = {
    WEFT_FIELD(struct fake_config, endpoint, NULL, ""),
    WEFT_FIELD(struct fake_config, text, NULL, ""),
    WEFT_FIELD(struct fake_config, must_fail, "false", ""),
    WEFT_FIELDS_END,
};

/* The youngest of that id. */
static inline struct instance *instance_of(const char *id)
{
    for (size_t i = instance_count; i > 0; i--) {
        if (!instances[i - 1]->is_freed && strcmp(instances[i - 1]->id, id) == 0) {
            return instances[i - 1];
        }
    }
    ck_abort_msg("no instance %s", id);
    return NULL;
}

static inline size_t living(void)
{
    size_t count = 0;
    for (size_t i = 0; i < instance_count; i++) {
        count += instances[i]->is_freed ? 0 : 1;
    }
    return count;
}

static inline struct instance *instance_new(const struct weft_instance_setup *setup)
{
    struct instance *instance = weft_alloc(sizeof *instance);
    ck_assert_uint_lt(instance_count, MAX_INSTANCES);
    instances[instance_count++] = instance;
    instance->id = setup->id;
    instance->signal = setup->signal;
    instance->next = setup->next;
    return instance;
}

static inline enum weft_status fake_share(const void *config, const char *id, struct weft_budget *given_budget,
                                          void **out_shared, struct weft_error *error)
{
    (void)id;
    (void)given_budget;
    const char *endpoint = ((const struct fake_config *)config)->endpoint;
    struct fake_shared *shared = weft_alloc(sizeof *shared);
    shared->listener.descriptor = -1;
    shared->listeners = (struct weft_shared_listeners){ &shared->listener, endpoint == NULL ? 0 : 1 };
    struct weft_endpoint parsed;
    enum weft_status status = endpoint == NULL ? WEFT_OK : weft_endpoint_parse(endpoint, 0, &parsed, error);
    if (endpoint != NULL && status == WEFT_OK) {
        status = weft_listener_open(&parsed, 8, &shared->listener, error);
    }
    if (status != WEFT_OK) {
        weft_free(shared);
        return status;
    }
    shared_count++;
    *out_shared = shared;
    return WEFT_OK;
}

static inline void fake_unshare(void *untyped)
{
    struct fake_shared *shared = untyped;
    weft_listener_close(&shared->listener);
    weft_free(shared);
    shared_count--;
}

static unsigned renewing_count, renewed_count;
static bool does_renewal_fail;

static inline enum weft_status fake_renew(void *shared, struct weft_error *error)
{
    (void)shared;
    renewing_count++;
    return does_renewal_fail ? weft_fail(error, WEFT_IO, "it cannot be renewed") : WEFT_OK;
}

static inline void fake_end_renewal(void *shared, bool is_used)
{
    (void)shared;
    renewing_count--;
    renewed_count += is_used;
}

/* ---- receiver ---- */

static inline struct instance *of_receiver(const struct weft_receiver *receiver)
{
    return WEFT_CONTAINER_OF(receiver, struct instance, receiver);
}

static inline void fake_set_entry(struct weft_receiver *receiver, enum weft_signal signal, struct weft_entry *entry)
{
    of_receiver(receiver)->entries[signal] = entry;
}

static inline void fake_on_pressure(struct weft_receiver *receiver)
{
    of_receiver(receiver)->pressure_calls++;
}

static inline void fake_receiver_drain(struct weft_receiver *receiver)
{
    struct instance *instance = of_receiver(receiver);
    instance->order = instance->is_draining ? instance->order : ++drain_order;
    instance->is_draining = true;
}

static inline bool fake_is_drained(const struct weft_receiver *receiver)
{
    return !of_receiver(receiver)->is_undrained;
}

static inline void fake_receiver_free(struct weft_receiver *receiver)
{
    of_receiver(receiver)->is_freed = true;
}

static const struct weft_receiver_operations fake_receiver_operations = {
    .set_entry = fake_set_entry,
    .on_pressure = fake_on_pressure,
    .drain = fake_receiver_drain,
    .is_drained = fake_is_drained,
    .free = fake_receiver_free,
};

static inline enum weft_status create_receiver(const struct weft_instance_setup *setup,
                                               struct weft_receiver **out_receiver, struct weft_error *error)
{
    if (((const struct fake_config *)setup->config)->must_fail) {
        return weft_fail(error, WEFT_IO, "told to fail");
    }
    struct instance *instance = instance_new(setup);
    instance->receiver = (struct weft_receiver){ &fake_receiver_operations, setup->host, setup->id };
    *out_receiver = &instance->receiver;
    return WEFT_OK;
}

static inline bool fake_waits_for_delivery(const void *config)
{
    const char *text = ((const struct fake_config *)config)->text;
    return text != NULL && strcmp(text, "delivered") == 0;
}

static const struct weft_component fake_receiver = {
    .kind = WEFT_RECEIVER,
    .type = "fake",
    .aliases = (const char *const[]){ "fake_alias", NULL },
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_LOGS,
    .fields = fake_fields,
    .config_size = sizeof(struct fake_config),
    .share = fake_share,
    .unshare = fake_unshare,
    .renew = fake_renew,
    .end_renewal = fake_end_renewal,
    .waits_for_delivery = fake_waits_for_delivery,
    .create_receiver = create_receiver,
};

/* ---- processor ---- */

static inline struct instance *of_consumer(const struct weft_consumer *consumer)
{
    return WEFT_CONTAINER_OF(consumer, struct instance, consumer);
}

static inline enum weft_status let_go(struct instance *instance, struct weft_error *error)
{
    weft_host_book(&host, instance->give_flow, instance->held->weight);
    enum weft_status status = weft_consumer_consume(instance->next, &instance->held, error);
    if (status != WEFT_OK) {
        weft_host_book(&host, instance->take_flow, instance->held->weight);
    }
    return status;
}

static inline enum weft_status processor_consume(struct weft_consumer *consumer, struct weft_batch **own_batch,
                                                 struct weft_error *error)
{
    struct instance *instance = of_consumer(consumer);
    if (instance->is_draining) {
        return weft_fail(error, WEFT_CLOSED, "%s drains", consumer->id);
    }
    if (!instance->is_holding) {
        return weft_consumer_consume(instance->next, own_batch, error);
    }
    ck_assert_ptr_null(instance->held);
    instance->held = *own_batch;
    *own_batch = NULL;
    weft_host_book(&host, instance->take_flow, instance->held->weight);
    return WEFT_OK;
}

static inline void consumer_audit(const struct weft_consumer *consumer, uint64_t *in_out_count)
{
    const struct instance *instance = of_consumer(consumer);
    *in_out_count += instance->held == NULL ? 0 : instance->held->weight;
}

/* is_undrained: cannot let go yet. */
static inline void consumer_drain(struct weft_consumer *consumer, enum weft_drop_reason reason, bool is_forced)
{
    struct instance *instance = of_consumer(consumer);
    instance->order = instance->is_draining ? instance->order : ++drain_order;
    instance->is_draining = true;
    instance->is_forced = is_forced;
    if (instance->held != NULL && !instance->is_undrained && instance->next != NULL) {
        (void)let_go(instance, NULL);
    }
    if (instance->held != NULL && is_forced) {
        weft_consumer_drop(consumer, &instance->held, instance->drop_flow, reason, NULL);
    }
}

static inline void consumer_free(struct weft_consumer *consumer)
{
    struct instance *instance = of_consumer(consumer);
    ck_assert_ptr_null(instance->held);
    weft_consumer_fini(consumer);
    instance->is_freed = true;
}

static const struct weft_consumer_operations processor_operations = {
    .consume = processor_consume,
    .audit = consumer_audit,
    .drain = consumer_drain,
    .free = consumer_free,
};

static inline enum weft_status create_processor(const struct weft_instance_setup *setup,
                                                struct weft_consumer **out_consumer, struct weft_error *error)
{
    if (((const struct fake_config *)setup->config)->must_fail) {
        return weft_fail(error, WEFT_IO, "told to fail");
    }
    struct instance *instance = instance_new(setup);
    weft_consumer_init(&instance->consumer, &processor_operations, setup->host, setup->id);
    instance->consumer.held_account = *setup->in_flight;
    instance->consumer.held_account.kind = WEFT_ACCOUNT_BUFFERED;
    instance->consumer.held_account.owner = setup->id;
    instance->take_flow = weft_ledger_flow(host.ledger, setup->in_flight, &instance->consumer.held_account);
    instance->give_flow = weft_ledger_flow(host.ledger, &instance->consumer.held_account, setup->in_flight);
    instance->drop_flow = weft_consumer_drop_flow(&instance->consumer, WEFT_DROP_RELOAD);
    weft_consumer_connect(&instance->consumer, &instance->next, 1);
    *out_consumer = &instance->consumer;
    return WEFT_OK;
}

static const struct weft_component fake_processor = {
    .kind = WEFT_PROCESSOR,
    .type = "fake",
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_LOGS,
    .fields = fake_fields,
    .config_size = sizeof(struct fake_config),
    .create_consumer = create_processor,
};

/* ---- exporter ---- */

static inline enum weft_status exporter_consume(struct weft_consumer *consumer, struct weft_batch **own_batch,
                                                struct weft_error *error)
{
    struct instance *instance = of_consumer(consumer);
    if (instance->is_draining) {
        return weft_fail(error, WEFT_CLOSED, "%s drains", consumer->id);
    }
    weft_host_book(&host, (*own_batch)->outlet_flow, (*own_batch)->weight);
    if (instance->is_holding) {
        instance->held = *own_batch;
        *own_batch = NULL;
        return WEFT_OK;
    }
    weft_host_book(&host, instance->give_flow, (*own_batch)->weight);
    weft_batch_end(own_batch, NULL, -1);
    return WEFT_OK;
}

static inline void exporter_let_go(struct instance *instance)
{
    weft_host_book(&host, instance->give_flow, instance->held->weight);
    weft_batch_end(&instance->held, NULL, -1);
}

static const struct weft_consumer_operations exporter_operations = {
    .consume = exporter_consume,
    .audit = consumer_audit,
    .drain = consumer_drain,
    .free = consumer_free,
};

static inline enum weft_status create_exporter(const struct weft_instance_setup *setup,
                                               struct weft_consumer **out_consumer, struct weft_error *error)
{
    if (((const struct fake_config *)setup->config)->must_fail) {
        return weft_fail(error, WEFT_IO, "told to fail");
    }
    struct instance *instance = instance_new(setup);
    weft_consumer_init(&instance->consumer, &exporter_operations, setup->host, setup->id);
    instance->consumer.held_account = (struct weft_account){
        .kind = WEFT_ACCOUNT_QUEUED, .signal = weft_signal_name(setup->signal), .pipeline = "", .owner = setup->id
    };
    struct weft_account sent = instance->consumer.held_account;
    sent.kind = WEFT_ACCOUNT_SENT;
    instance->give_flow = weft_ledger_flow(host.ledger, &instance->consumer.held_account, &sent);
    instance->drop_flow = weft_consumer_drop_flow(&instance->consumer, WEFT_DROP_RELOAD);
    *out_consumer = &instance->consumer;
    return WEFT_OK;
}

static const struct weft_component fake_exporter = {
    .kind = WEFT_EXPORTER,
    .type = "fake",
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_LOGS | WEFT_SIGNAL_BIT_METRICS,
    .fields = fake_fields,
    .config_size = sizeof(struct fake_config),
    .share = fake_share,
    .unshare = fake_unshare,
    .renew = fake_renew,
    .end_renewal = fake_end_renewal,
    .create_consumer = create_exporter,
};

static const struct weft_component_registry fake_registry = { (const struct weft_component *const[]){
    &fake_receiver, &fake_processor, &fake_exporter, NULL } };

static inline void forget_instances(void)
{
    ck_assert_uint_eq(living(), 0);
    ck_assert_uint_eq(shared_count, 0);
    for (size_t i = 0; i < instance_count; i++) {
        weft_free(instances[i]);
    }
    instance_count = 0;
    drain_order = 0;
}

/* ---- plans ---- */

static inline enum weft_status try_plan(const char *yaml, const struct weft_plan *former, struct weft_plan **out_plan,
                                        struct weft_error *error)
{
    struct weft_tree *tree = NULL;
    ck_assert_msg(weft_config_load_text(yaml, "test.yaml", &tree, error) == WEFT_OK, "%s", error->text);
    enum weft_status status = weft_plan_new(&tree, &fake_registry, former, NULL, out_plan, error);
    if (status != WEFT_OK) {
        weft_tree_free(&tree);
    }
    return status;
}

static inline struct weft_plan *plan_of(const char *yaml, const struct weft_plan *former)
{
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_plan *plan = NULL;
    ck_assert_msg(try_plan(yaml, former, &plan, &error) == WEFT_OK, "%s", error.text);
    ck_assert_msg(weft_plan_open(plan, &budget, 1, &error) == WEFT_OK, "%s", error.text);
    return plan;
}

static inline const struct weft_plan_component *component_of(const struct weft_plan *plan,
                                                             enum weft_component_kind kind, const char *id)
{
    for (size_t i = 0; i < plan->component_count; i++) {
        if (plan->components[i]->kind == kind && strcmp(plan->components[i]->id, id) == 0) {
            return plan->components[i];
        }
    }
    ck_abort_msg("no component %s", id);
    return NULL;
}
