/* What receivers with inlets do under pressure, and how they end: with an inlet that notes what it is told, in virtual
 * time. */
#include "receivers/inlet_receiver.h"

#include "pipeline/pipeline_test.h"
#include "suite.h"

enum { REFUSE_AFTER_NS = 5 * WEFT_NS_PER_S, RETRY_AFTER_NS = WEFT_NS_PER_S };

struct noting_inlet {
    struct weft_otlp_inlet inlet; /* first */
    bool is_reading;
    unsigned drains;
    size_t connections;
    bool was_open_at_drain; /* nothing had been refused yet when it was drained */
};

struct noting_call {
    struct weft_otlp_call call; /* first */
    unsigned answers;
    enum weft_status status;
    int64_t retry_after_ns;
};

static struct weft_inlet_config config;
static struct weft_inlet_receiver *receiver;
static struct noting_inlet inlet;
static struct stub pipeline;
static struct weft_entry *entry;
static struct noting_call call;

static void answer(struct weft_otlp_call *base, const struct weft_error *failure, int64_t retry_after_ns)
{
    struct noting_call *noting = WEFT_CONTAINER_OF(base, struct noting_call, call);
    noting->answers++;
    noting->status = failure == NULL ? WEFT_OK : failure->status;
    noting->retry_after_ns = retry_after_ns;
}

static void set_reading(struct weft_otlp_inlet *base, bool is_reading)
{
    WEFT_CONTAINER_OF(base, struct noting_inlet, inlet)->is_reading = is_reading;
}

static void drain(struct weft_otlp_inlet *base)
{
    struct noting_inlet *noting = WEFT_CONTAINER_OF(base, struct noting_inlet, inlet);
    noting->drains++;
    noting->was_open_at_drain = call.answers == 0;
}

static size_t connection_count(const struct weft_otlp_inlet *base)
{
    return WEFT_CONTAINER_OF(base, const struct noting_inlet, inlet)->connections;
}

static void inlet_free(struct weft_otlp_inlet *base)
{
    base->operations = NULL;
}

static const struct weft_otlp_inlet_operations inlet_operations = { .transport = "test",
                                                                    .answer = answer,
                                                                    .set_reading = set_reading,
                                                                    .drain = drain,
                                                                    .connection_count = connection_count,
                                                                    .free = inlet_free };

static void on_pressure(void *context)
{
    (void)context;
    receiver->receiver.operations->on_pressure(&receiver->receiver);
}

static void set_up(void)
{
    begin();
    config.refuse_after.ns = REFUSE_AFTER_NS;
    config.retry_after.ns = RETRY_AFTER_NS;
    memset(&call, 0, sizeof call);
    stub_init(&pipeline, "stub");
    struct weft_pipeline_entrance entrance = { in_flight, &pipeline.consumer };
    receiver = weft_inlet_receiver_new(&(struct weft_instance_setup){ .host = &host, .id = "test" }, &config);
    inlet = (struct noting_inlet){ .inlet = { .operations = &inlet_operations, .ingest = &receiver->ingest },
                                   .is_reading = true };
    weft_inlet_receiver_add(receiver, &inlet.inlet);
    entry = weft_entry_new(&host, "test", WEFT_TRACES, &entrance, 1, on_pressure, NULL);
    receiver->receiver.operations->set_entry(&receiver->receiver, WEFT_TRACES, entry);
}

static void tear_down(void)
{
    stub_end_kept(&pipeline, NULL);
    ck_assert_uint_eq(call.answers, call.call.inlet == NULL ? 0 : 1);
    receiver->receiver.operations->set_entry(&receiver->receiver, WEFT_TRACES, NULL);
    receiver->receiver.operations->free(&receiver->receiver);
    weft_entry_free(entry);
    stub_fini(&pipeline);
    end();
}

/* One that is closed refuses. */
static void set_open(bool is_open)
{
    pipeline.answer = is_open ? WEFT_OK : WEFT_CLOSED;
    weft_consumer_set_open(&pipeline.consumer, is_open);
}

static void take_spans(void)
{
    struct weft_otlp_request request = { .signal = WEFT_TRACES, .message = spans_payload(0, 3) };
    weft_otlp_ingest_take(&inlet.inlet, &call.call, &request);
}

START_TEST(test_under_pressure_reading_stops_and_what_came_waits)
{
    set_open(false);
    ck_assert(!inlet.is_reading);
    take_spans();
    advance(REFUSE_AFTER_NS - 1);
    ck_assert(!inlet.is_reading);
    ck_assert_uint_eq(pipeline.offers + call.answers, 0);
    set_open(true);
    ck_assert(inlet.is_reading);
    ck_assert_uint_eq(pipeline.offers, 0); /* not inside the consumer that has opened */
    advance(0);
    ck_assert_uint_eq(pipeline.offers, 1);
    advance(2 * REFUSE_AFTER_NS);
    ck_assert(!receiver->ingest.is_refusing);
}
END_TEST

START_TEST(test_pressure_that_lasts_is_told_to_clients)
{
    set_open(false);
    take_spans();
    advance(REFUSE_AFTER_NS);
    ck_assert(inlet.is_reading);
    ck_assert_uint_eq(call.answers, 1);
    ck_assert(weft_status_is_retryable(call.status));
    ck_assert_int_eq(call.retry_after_ns, RETRY_AFTER_NS);
    call.answers = 0;
    take_spans(); /* what comes now does not wait */
    ck_assert_uint_eq(call.answers, 1);
    set_open(true);
    set_open(false); /* it begins anew */
    ck_assert(!inlet.is_reading);
}
END_TEST

START_TEST(test_who_drains_offers_what_waits_and_ends_when_its_clients_have)
{
    inlet.connections = 1;
    set_open(false);
    take_spans();
    receiver->receiver.operations->drain(&receiver->receiver);
    receiver->receiver.operations->drain(&receiver->receiver);
    ck_assert_uint_eq(inlet.drains, 1);
    ck_assert(inlet.was_open_at_drain && inlet.is_reading);
    ck_assert_uint_eq(call.answers, 1);
    ck_assert(!receiver->receiver.operations->is_drained(&receiver->receiver));
    ck_assert_uint_eq(receiver->receiver.operations->connection_count(&receiver->receiver), 1);
    inlet.connections = 0;
    ck_assert(receiver->receiver.operations->is_drained(&receiver->receiver));
    advance(2 * REFUSE_AFTER_NS);
    ck_assert(!receiver->ingest.is_refusing);
}
END_TEST

START_TEST(test_who_drains_waits_for_answers)
{
    take_spans();
    receiver->receiver.operations->drain(&receiver->receiver);
    ck_assert(!receiver->receiver.operations->is_drained(&receiver->receiver));
    stub_end_kept(&pipeline, NULL);
    ck_assert_uint_eq(call.answers, 1);
    ck_assert(receiver->receiver.operations->is_drained(&receiver->receiver));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("receivers/inlet_receiver");
    TCase *tests = tcase_create("pressure");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, test_under_pressure_reading_stops_and_what_came_waits);
    tcase_add_test(tests, test_pressure_that_lasts_is_told_to_clients);
    tcase_add_test(tests, test_who_drains_offers_what_waits_and_ends_when_its_clients_have);
    tcase_add_test(tests, test_who_drains_waits_for_answers);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
