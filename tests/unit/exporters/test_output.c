/* Outputs: a helper writes, batches wait for it, and nobody else does. The sink here stands at a gate, or fails. */
#include "component_test.h"

#include <poll.h>

#include "exporters/output.h"

enum { MAX_BYTES = 4000, WAIT_MS = 30000 };

static struct weft_mutex gate = WEFT_MUTEX_INITIALIZER;
static struct weft_atomic_u64 has_failed, begun, closed, written_bytes;

struct config {
    uint64_t unused;
};

struct exporter {
    struct weft_consumer consumer;
    struct weft_output_queue queue;
};

static enum weft_status write_at_gate(void *ignored, struct weft_slice bytes, struct weft_error *error)
{
    (void)ignored;
    weft_atomic_add(&begun, 1);
    weft_mutex_lock(&gate);
    weft_mutex_unlock(&gate);
    if (weft_atomic_load(&has_failed) != 0) {
        return weft_fail(error, WEFT_IO, "no room");
    }
    weft_atomic_add(&written_bytes, bytes.length);
    return WEFT_OK;
}

static void close_sink(void *ignored)
{
    (void)ignored;
    weft_atomic_add(&closed, 1);
}

static const struct weft_output_kind kind = { .write = write_at_gate, .close = close_sink };

static enum weft_status share(const void *config, const char *id, struct weft_budget *budget, void **out_shared,
                              struct weft_error *error)
{
    (void)config;
    (void)id;
    (void)budget;
    (void)error;
    *out_shared = weft_output_new(&kind, NULL);
    return WEFT_OK;
}

static void free_shared(void *shared)
{
    weft_output_free(shared);
}

static struct exporter *exporter_of(const struct weft_consumer *consumer)
{
    return WEFT_CONTAINER_OF(consumer, struct exporter, consumer);
}

static enum weft_status consume(struct weft_consumer *consumer, struct weft_batch **own_batch, struct weft_error *error)
{
    struct weft_output_queue *queue = &exporter_of(consumer)->queue;
    static const uint8_t text[1000];
    enum weft_status status = weft_output_queue_admit(queue, *own_batch, error);
    if (status == WEFT_OK) {
        weft_buffer_append(&queue->gathering, text, sizeof text);
        weft_output_queue_take(queue, own_batch);
    }
    return status;
}

static void audit(const struct weft_consumer *consumer, uint64_t *in_out_count)
{
    weft_output_queue_audit(&exporter_of(consumer)->queue, in_out_count);
}

static void drain(struct weft_consumer *consumer, enum weft_drop_reason reason, bool is_forced)
{
    weft_output_queue_drain(&exporter_of(consumer)->queue, reason, is_forced);
}

static void exporter_free(struct weft_consumer *consumer)
{
    weft_output_queue_fini(&exporter_of(consumer)->queue);
    weft_consumer_fini(consumer);
    weft_free(exporter_of(consumer));
}

static const struct weft_consumer_operations operations = {
    .consume = consume, .audit = audit, .drain = drain, .free = exporter_free
};

static enum weft_status create(const struct weft_instance_setup *setup, struct weft_consumer **out_consumer,
                               struct weft_error *error)
{
    (void)error;
    struct exporter *exporter = weft_alloc(sizeof *exporter);
    weft_consumer_init(&exporter->consumer, &operations, setup->host, setup->id);
    exporter->consumer.held_account = weft_exporter_account(setup->signal, setup->id);
    weft_output_queue_init(&exporter->queue, &exporter->consumer, setup->shared, MAX_BYTES);
    *out_consumer = &exporter->consumer;
    return WEFT_OK;
}

static const struct weft_field fields[] = { WEFT_FIELD(struct config, unused, "0", "Unused."), WEFT_FIELDS_END };

static const struct weft_component component = { .kind = WEFT_EXPORTER,
                                                 .type = "gate",
                                                 .fields = fields,
                                                 .config_size = sizeof(struct config),
                                                 .share = share,
                                                 .unshare = free_shared,
                                                 .create_consumer = create };

/* The gate is locked, so that the first write stands. */
static void begin(void)
{
    weft_atomic_store(&has_failed, 0);
    weft_atomic_store(&written_bytes, 0);
    weft_atomic_store(&closed, 0);
    weft_atomic_store(&begun, 0);
    component_begin(&component, "{}", WEFT_TRACES);
    fixture.host.answers = weft_helper_box_new();
    weft_mutex_lock(&gate);
}

/* Whatever the helper is at. */
static void end_at_once(void)
{
    fixture.outlet->operations->free(fixture.outlet);
    fixture.outlet = NULL;
    fixture.consumer->operations->free(fixture.consumer);
    fixture.consumer = NULL;
    weft_helper_box_free(fixture.host.answers);
    fixture.host.answers = NULL;
    fixture_end();
}

static void end(void)
{
    end_at_once();
    while (weft_atomic_load(&closed) == 0) {
        poll(NULL, 0, 1);
    }
}

static struct weft_output_queue *queue(void)
{
    return &exporter_of(fixture.consumer)->queue;
}

static uint64_t held(void)
{
    uint64_t count = 0;
    audit(fixture.consumer, &count);
    return count;
}

static void deliver_one(void)
{
    struct pollfd waiting = { .fd = weft_helper_box_descriptor(fixture.host.answers), .events = POLLIN };
    ck_assert_int_eq(poll(&waiting, 1, WAIT_MS), 1);
    weft_helper_box_deliver(fixture.host.answers);
}

static const char *state(void)
{
    static char text[WEFT_CHECK_BYTES];
    weft_output_queue_check(queue(), text);
    return text;
}

START_TEST(test_a_write_that_stands_holds_so_much_and_then_who_sends)
{
    begin();
    for (int i = 0; i < 4; i++) {
        ck_assert(offer_span("one", NULL) == WEFT_OK);
    }
    ck_assert(!fixture.consumer->is_open);
    ck_assert(offer_span("one", NULL) == WEFT_CLOSED);
    ck_assert_uint_eq(held(), 4);
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_SENT), 0);
    ck_assert_str_eq(state(), "ok");
    advance(2 * WEFT_NS_PER_S);
    ck_assert_str_eq(state(), "a write stands for more than a second");
    ck_assert_uint_eq(queue()->stalls, 1);
    weft_mutex_unlock(&gate);
    deliver_one(); /* the first, alone */
    ck_assert(fixture.consumer->is_open);
    ck_assert_str_eq(state(), "ok");
    ck_assert_uint_eq(held(), 3);
    deliver_one(); /* what was gathered meanwhile, in one go */
    ck_assert_uint_eq(held(), 0);
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_SENT), 4);
    ck_assert_uint_eq(weft_atomic_load(&written_bytes), 4000);
    end();
}
END_TEST

/* Batches count as well as text, which may be short. */
START_TEST(test_what_the_text_was_made_of_is_bounded_too)
{
    static char name[5000];
    memset(name, 'n', sizeof name - 1);
    begin();
    ck_assert(offer_span(name, NULL) == WEFT_OK);
    ck_assert(!fixture.consumer->is_open);
    weft_mutex_unlock(&gate);
    deliver_one();
    ck_assert(fixture.consumer->is_open);
    end();
}
END_TEST

START_TEST(test_a_failing_write_is_tried_again)
{
    begin();
    weft_atomic_store(&has_failed, 1);
    weft_mutex_unlock(&gate);
    ck_assert(offer_span("one", NULL) == WEFT_OK);
    ck_assert(offer_span("two", NULL) == WEFT_OK);
    deliver_one();
    ck_assert_str_eq(state(), "no room");
    ck_assert_uint_eq(held(), 2);
    weft_atomic_store(&has_failed, 0);
    advance(WEFT_NS_PER_S);
    deliver_one();
    deliver_one();
    ck_assert_str_eq(state(), "ok");
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_SENT), 2);
    end();
}
END_TEST

/* By force: a write that has begun has a moment, one that stands has not; and nobody waits for it. */
START_TEST(test_what_stands_at_the_end_is_dropped_and_left)
{
    begin();
    ck_assert(offer_span("one", NULL) == WEFT_OK);
    ck_assert(offer_span("two", NULL) == WEFT_OK);
    while (weft_atomic_load(&begun) == 0) { /* left before, it would not begin */
        poll(NULL, 0, 1);
    }
    drain(fixture.consumer, WEFT_DROP_SHUTDOWN, false);
    drain(fixture.consumer, WEFT_DROP_SHUTDOWN, true);
    ck_assert_uint_eq(held(), 2);
    advance(WEFT_NS_PER_S / 10);
    drain(fixture.consumer, WEFT_DROP_SHUTDOWN, true);
    ck_assert_uint_eq(held(), 0);
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_DROPPED), 2);
    ck_assert_uint_eq(weft_budget_reserved(&fixture.budget), 0);
    end_at_once();
    ck_assert_uint_eq(weft_atomic_load(&closed), 0); /* it is still at the gate */
    weft_mutex_unlock(&gate);
    while (weft_atomic_load(&closed) == 0) {
        poll(NULL, 0, 1);
    }
}
END_TEST

START_TEST(test_what_has_just_begun_has_a_moment)
{
    begin();
    weft_mutex_unlock(&gate);
    ck_assert(offer_span("one", NULL) == WEFT_OK);
    drain(fixture.consumer, WEFT_DROP_SHUTDOWN, true);
    deliver_one();
    drain(fixture.consumer, WEFT_DROP_SHUTDOWN, true);
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_SENT), 1);
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_DROPPED), 0);
    end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, test_a_write_that_stands_holds_so_much_and_then_who_sends);
    tcase_add_test(tests, test_what_the_text_was_made_of_is_bounded_too);
    tcase_add_test(tests, test_a_failing_write_is_tried_again);
    tcase_add_test(tests, test_what_stands_at_the_end_is_dropped_and_left);
    tcase_add_test(tests, test_what_has_just_begun_has_a_moment);
}

int main(void)
{
    weft_log_configure(&(struct weft_log_config){ .level = WEFT_LOG_ERROR, .service = "test", .descriptor = 2 });
    return component_run("output", add_tests);
}
