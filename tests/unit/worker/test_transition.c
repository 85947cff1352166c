/* Transitions with real workers on real threads: a graph is used by all of them or by none, and what leaves does so
 * phase by phase, each on all workers before the next begins on any. */
#include <check.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/log.h"
#include "config/load.h"
#include "suite.h"
#include "worker/transition.h"

enum { WORKER_COUNT = 3 };

struct toy_config {
    char *text;
    int64_t failing_worker; /* -1 = none */
};

static const struct weft_field toy_fields[] = {
    WEFT_FIELD(struct toy_config, text, "a", ""),
    WEFT_FIELD(struct toy_config, failing_worker, "-1", ""),
    WEFT_FIELDS_END,
};

static struct weft_atomic_u64 living;         /* exporters */
static struct weft_atomic_u64 receivers_left; /* that have not been drained */
static struct weft_atomic_u64 steps_too_soon; /* of exporters, while some worker's receiver was not */

/* ---- a receiver that takes a few steps to drain ---- */

struct toy_receiver {
    struct weft_receiver receiver;
    unsigned steps; /* until it is drained; worker 2 takes longest */
};

static struct toy_receiver *of_receiver(const struct weft_receiver *receiver)
{
    return WEFT_CONTAINER_OF(receiver, struct toy_receiver, receiver);
}

static void set_entry(struct weft_receiver *receiver, enum weft_signal signal, struct weft_entry *entry)
{
    (void)receiver;
    (void)signal;
    (void)entry;
}

static void receiver_drain(struct weft_receiver *receiver)
{
    struct toy_receiver *toy = of_receiver(receiver);
    if (toy->steps > 0 && --toy->steps == 0) {
        weft_atomic_sub(&receivers_left, 1);
    }
}

static bool receiver_is_drained(const struct weft_receiver *receiver)
{
    return of_receiver(receiver)->steps == 0;
}

static void receiver_free(struct weft_receiver *receiver)
{
    weft_free(of_receiver(receiver));
}

static const struct weft_receiver_operations receiver_operations = {
    .set_entry = set_entry,
    .drain = receiver_drain,
    .is_drained = receiver_is_drained,
    .free = receiver_free,
};

static enum weft_status create_receiver(const struct weft_instance_setup *setup, struct weft_receiver **out_receiver,
                                        struct weft_error *error)
{
    (void)error;
    struct toy_receiver *toy = weft_alloc(sizeof *toy);
    toy->receiver = (struct weft_receiver){ &receiver_operations, setup->host, setup->id };
    toy->steps = 1 + 3 * setup->host->worker_index;
    *out_receiver = &toy->receiver;
    return WEFT_OK;
}

static const struct weft_component toy_receiver = {
    .kind = WEFT_RECEIVER,
    .type = "toy",
    .signals = WEFT_SIGNAL_BIT_TRACES,
    .fields = toy_fields,
    .config_size = sizeof(struct toy_config),
    .create_receiver = create_receiver,
};

/* ---- an exporter that may fail on one worker ---- */

static enum weft_status exporter_consume(struct weft_consumer *consumer, struct weft_batch **own_batch,
                                         struct weft_error *error)
{
    (void)own_batch;
    return weft_fail(error, WEFT_CLOSED, "%s takes nothing", consumer->id);
}

static void exporter_drain(struct weft_consumer *consumer, enum weft_drop_reason reason, bool is_forced)
{
    (void)consumer;
    (void)reason;
    (void)is_forced;
    if (weft_atomic_load(&receivers_left) > 0) {
        weft_atomic_add(&steps_too_soon, 1);
    }
}

static void exporter_free(struct weft_consumer *consumer)
{
    weft_consumer_fini(consumer);
    weft_free(consumer);
    weft_atomic_sub(&living, 1);
}

static const struct weft_consumer_operations exporter_operations = {
    .consume = exporter_consume,
    .drain = exporter_drain,
    .free = exporter_free,
};

static enum weft_status create_exporter(const struct weft_instance_setup *setup, struct weft_consumer **out_consumer,
                                        struct weft_error *error)
{
    const struct toy_config *config = setup->config;
    if (config->failing_worker == (int64_t)setup->host->worker_index) {
        return weft_fail(error, WEFT_IO, "worker %u was told to fail", setup->host->worker_index);
    }
    struct weft_consumer *consumer = weft_alloc(sizeof *consumer);
    weft_consumer_init(consumer, &exporter_operations, setup->host, setup->id);
    consumer->held_account =
        (struct weft_account){ .kind = WEFT_ACCOUNT_QUEUED, .signal = "traces", .pipeline = "", .owner = setup->id };
    weft_atomic_add(&living, 1);
    *out_consumer = consumer;
    return WEFT_OK;
}

static const struct weft_component toy_exporter = {
    .kind = WEFT_EXPORTER,
    .type = "toy",
    .signals = WEFT_SIGNAL_BIT_TRACES,
    .fields = toy_fields,
    .config_size = sizeof(struct toy_config),
    .create_consumer = create_exporter,
};

static const struct weft_component_registry toy_registry = { (const struct weft_component *const[]){
    &toy_receiver, &toy_exporter, NULL } };

/* ---- the agent's part ---- */

struct fixture {
    struct weft_budget budget;
    struct weft_ledger *ledger;
    struct weft_worker *workers[WORKER_COUNT];
    struct weft_transition *transition;
    bool is_done;
};

static struct weft_plan *plan_of(struct fixture *fixture, const char *text, int failing_worker,
                                 const struct weft_plan *former)
{
    char yaml[512];
    struct weft_tree *tree = NULL;
    struct weft_plan *plan = NULL;
    snprintf(yaml, sizeof yaml,
             "receivers: {toy: {text: %s}}\nexporters: {toy: {text: %s, failing_worker: %d}}\n"
             "service: {pipelines: {traces: {receivers: [toy], exporters: [toy]}}}\n",
             text, text, failing_worker);
    ck_assert(weft_config_load_text(yaml, "test", &tree, NULL) == WEFT_OK);
    ck_assert(weft_plan_new(&tree, &toy_registry, former, NULL, &plan, NULL) == WEFT_OK);
    ck_assert(weft_plan_open(plan, &fixture->budget, WORKER_COUNT, NULL) == WEFT_OK);
    return plan;
}

/* Worker 0 runs on this thread: until a transition is done. */
static void on_done(void *context)
{
    struct fixture *fixture = context;
    fixture->is_done = true;
    weft_worker_stop(fixture->workers[0]);
}

static void wait_until_done(struct fixture *fixture)
{
    weft_worker_run(fixture->workers[0]);
    ck_assert(fixture->is_done);
    fixture->is_done = false;
}

static void fixture_init(struct fixture *fixture, const struct weft_plan *plan)
{
    for (uint32_t i = 0; i < WORKER_COUNT; i++) {
        ck_assert(weft_worker_build(fixture->workers[i], plan, NULL) == WEFT_OK);
        weft_worker_switch(fixture->workers[i]);
    }
    for (uint32_t i = 1; i < WORKER_COUNT; i++) {
        weft_worker_start_thread(fixture->workers[i]);
    }
}

static void make_workers(struct fixture *fixture)
{
    *fixture = (struct fixture){ .ledger = NULL };
    struct weft_log_config quiet = {
        .level = WEFT_LOG_ERROR + 1, .service = "test", .environment = "", .descriptor = 2
    };
    weft_log_configure(&quiet);
    ck_assert(weft_ledger_open(NULL, WORKER_COUNT, &fixture->ledger, NULL) == WEFT_OK);
    for (uint32_t i = 0; i < WORKER_COUNT; i++) {
        fixture->workers[i] = weft_worker_new(&(struct weft_worker_settings){
            .index = i, .count = WORKER_COUNT, .budget = &fixture->budget, .ledger = fixture->ledger });
    }
    fixture->transition = weft_transition_new(fixture->workers, WORKER_COUNT, fixture);
}

static void expect_phases_in_step(struct fixture *fixture, enum weft_leaving which, struct weft_plan **own_plan)
{
    weft_atomic_store(&receivers_left, WORKER_COUNT);
    weft_transition_leave(fixture->transition, which, *own_plan, 60 * WEFT_NS_PER_S, on_done);
    wait_until_done(fixture);
    ck_assert_uint_eq(weft_atomic_load(&receivers_left), 0);
    ck_assert_uint_eq(weft_atomic_load(&steps_too_soon), 0);
    weft_plan_unref(own_plan);
}

static void fixture_fini(struct fixture *fixture)
{
    weft_transition_stop(fixture->transition);
    weft_worker_run(fixture->workers[0]);
    for (uint32_t i = 1; i < WORKER_COUNT; i++) {
        weft_worker_join(fixture->workers[i]);
    }
    weft_transition_free(fixture->transition);
    for (uint32_t i = 0; i < WORKER_COUNT; i++) {
        weft_worker_free(fixture->workers[i]);
    }
    weft_ledger_close(fixture->ledger);
    ck_assert_uint_eq(weft_atomic_load(&living), 0);
}

START_TEST(test_one_worker_that_fails_means_that_nobody_switches)
{
    struct fixture fixture;
    make_workers(&fixture);
    struct weft_plan *plan = plan_of(&fixture, "a", -1, NULL);
    fixture_init(&fixture, plan);
    for (int failing = 0; failing < WORKER_COUNT; failing++) {
        struct weft_plan *next = plan_of(&fixture, "b", failing, plan);
        char expected[64];
        snprintf(expected, sizeof expected, "worker %d was told to fail", failing);
        weft_transition_build(fixture.transition, next, on_done);
        wait_until_done(&fixture);
        ck_assert_ptr_nonnull(weft_transition_error(fixture.transition));
        ck_assert_str_eq(weft_transition_error(fixture.transition)->text, expected);
        ck_assert_uint_eq(weft_atomic_load(&living), 2 * WORKER_COUNT - 1);
        weft_transition_discard(fixture.transition, on_done);
        wait_until_done(&fixture);
        ck_assert_uint_eq(weft_atomic_load(&living), WORKER_COUNT);
        weft_plan_unref(&next);
    }
    expect_phases_in_step(&fixture, WEFT_LEAVING_PRESENT, &plan);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(test_all_workers_switch_and_the_former_graphs_leave_in_step)
{
    struct fixture fixture;
    make_workers(&fixture);
    struct weft_plan *plan = plan_of(&fixture, "a", -1, NULL);
    fixture_init(&fixture, plan);
    struct weft_plan *next = plan_of(&fixture, "b", -1, plan);
    weft_transition_build(fixture.transition, next, on_done);
    wait_until_done(&fixture);
    ck_assert_ptr_null(weft_transition_error(fixture.transition));
    weft_transition_switch(fixture.transition, on_done);
    wait_until_done(&fixture);
    expect_phases_in_step(&fixture, WEFT_LEAVING_FORMER, &plan);
    ck_assert_uint_eq(weft_atomic_load(&living), WORKER_COUNT);
    expect_phases_in_step(&fixture, WEFT_LEAVING_PRESENT, &next);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(test_hurry_brings_the_deadline_forward_on_every_worker)
{
    struct fixture fixture;
    make_workers(&fixture);
    struct weft_plan *plan = plan_of(&fixture, "a", -1, NULL);
    fixture_init(&fixture, plan);
    weft_atomic_store(&receivers_left, WORKER_COUNT);
    weft_transition_leave(fixture.transition, WEFT_LEAVING_PRESENT, plan, 3600 * WEFT_NS_PER_S, on_done);
    weft_transition_hurry(fixture.transition, 0);
    wait_until_done(&fixture);
    ck_assert_uint_eq(weft_atomic_load(&living), 0);
    weft_plan_unref(&plan);
    fixture_fini(&fixture);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("worker/transition");
    TCase *tests = tcase_create("transition");
    tcase_add_test(tests, test_one_worker_that_fails_means_that_nobody_switches);
    tcase_add_test(tests, test_all_workers_switch_and_the_former_graphs_leave_in_step);
    tcase_add_test(tests, test_hurry_brings_the_deadline_forward_on_every_worker);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
