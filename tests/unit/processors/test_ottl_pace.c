/* filter and transform: a batch that takes long takes turns. Meanwhile it is held and counted, what comes behind it
 * waits, and what comes of it in the end is what would have come of it at once. */
#include "component_test.h"

extern const struct weft_component weft_processor_filter, weft_processor_transform;

enum { SLOW_BYTES = 20000 };

static const struct row {
    const struct weft_component *component;
    const char *yaml;
} rows[] = {
    { &weft_processor_transform, "error_mode: silent\n"
                                 "trace_statements: ['replace_pattern(span.name, \"(a*)(a*)[bc]\", \"x\")', "
                                 "'set(span.kind.string, \"Server\")']" },
    { &weft_processor_filter, "error_mode: silent\n"
                              "traces: {span: ['name == \"gone\"', 'IsMatch(name, \"(a*)(a*)[bc]\")']}" },
};

static uint64_t refused;               /* records, which the fixture leaves in flight */
static char slow_name[SLOW_BYTES + 1]; /* a pattern meets its limit in it */

static void begin_with(const struct weft_component *component, const char *yaml, enum weft_signal signal)
{
    refused = 0;
    fixture_turn_ns = 1; /* over whenever the clock is looked at */
    memset(slow_name, 'a', SLOW_BYTES);
    component_begin(component, yaml, signal);
}

static void begin(const struct weft_component *component, const char *yaml)
{
    begin_with(component, yaml, WEFT_TRACES);
}

/* As the processor says, and the books. */
static uint64_t held(void)
{
    uint64_t count = 0;
    fixture.consumer->operations->audit(fixture.consumer, &count);
    ck_assert_int_eq(weft_ledger_worker_balance(fixture.host.ledger, fixture.host.books, &fixture.in_flight),
                     count + refused);
    return count;
}

static void end(void)
{
    ck_assert(fixture.consumer->is_open);
    ck_assert_uint_eq(held(), 0);
    fixture_end();
}

/* One request of spans with these names. */
static enum weft_status offer_spans(const char *const *names, size_t count)
{
    struct weft_buffer scope = { 0 };
    struct weft_buffer resource = { 0 };
    struct weft_buffer request = { 0 };
    for (size_t i = 0; i < count; i++) {
        struct weft_buffer span = { 0 };
        put_span(&span, names[i]);
        put_message(&scope, 2, &span);
    }
    put_message(&resource, 2, &scope);
    put_message(&request, 1, &resource);
    enum weft_status status = offer(WEFT_TRACES, weft_buffer_slice(&request), NULL);
    weft_buffer_fini(&request);
    return status;
}

static size_t turns_until_done(void)
{
    size_t turns = 0;
    for (; !fixture.consumer->is_open; turns++) {
        ck_assert_uint_lt(turns, 100000);
        advance(1);
    }
    return turns;
}

static bool last_has(const char *text)
{
    return memmem(sink.last.bytes, sink.last.length, text, strlen(text)) != NULL;
}

START_TEST(test_a_slow_batch_takes_turns_and_the_next_one_waits)
{
    enum { MIN_TURNS = 20 };
    const char *const names[] = { "first", slow_name, "third" };
    begin(rows[_i].component, rows[_i].yaml);
    ck_assert_int_eq(offer_spans(names, 3), WEFT_OK);
    ck_assert(!fixture.consumer->is_open);
    ck_assert_uint_eq(held(), 3);
    ck_assert_int_eq(offer_span("next", NULL), WEFT_CLOSED);
    refused++;
    ck_assert_uint_eq(sink.batch_count, 0);
    ck_assert_uint_ge(turns_until_done(), MIN_TURNS);
    ck_assert_uint_eq(held(), 0);
    ck_assert_uint_eq(sink.batch_count, 1);
    ck_assert_uint_eq(sink.weight, 3);
    ck_assert(last_has("first") && last_has(slow_name) && last_has("third"));
    ck_assert_int_eq(offer_span("next", NULL), WEFT_OK);
    turns_until_done();
    ck_assert_uint_eq(sink.batch_count, 2);
    ck_assert(last_has("next"));
    end();
}
END_TEST

/* In time and out of it, with more to do than can be waited for. */
START_TEST(test_closing_in_between_drops_all_of_it_and_nothing_else)
{
    enum { SPANS = 300 };
    const char *names[SPANS];
    for (size_t i = 0; i < SPANS; i++) {
        names[i] = i == 1 ? "gone" : slow_name;
    }
    begin(rows[_i].component, rows[_i].yaml);
    ck_assert_int_eq(offer_spans(names, SPANS), WEFT_OK);
    for (int turn = 0; turn < 200; turn++) {
        advance(1);
    }
    fixture.consumer->operations->drain(fixture.consumer, WEFT_DROP_SHUTDOWN, false);
    ck_assert_uint_eq(held(), SPANS);
    int64_t start_ns = weft_thread_cpu_ns();
    fixture.consumer->operations->drain(fixture.consumer, WEFT_DROP_SHUTDOWN, true);
    int64_t took_ns = weft_thread_cpu_ns() - start_ns;
    ck_assert_int_lt(took_ns, 200 * WEFT_NS_PER_MS); /* of two records; all of them take seconds under a sanitizer */
    ck_assert_uint_eq(held(), 0);
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_DROPPED), SPANS);
    ck_assert_uint_eq(sink.batch_count, 0);
    end();
}
END_TEST

START_TEST(test_what_a_filter_takes_out_in_turns_is_booked)
{
    const char *const some[] = { "gone", slow_name, "gone" };
    begin(&weft_processor_filter, rows[1].yaml);
    ck_assert_int_eq(offer_spans(some, 3), WEFT_OK);
    ck_assert_uint_gt(turns_until_done(), 0);
    ck_assert_uint_eq(sink.weight, 1);
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_DROPPED), 2);
    end();
    begin(&weft_processor_filter, "error_mode: silent\n"
                                  "traces: {span: ['IsMatch(name, \"(a*)(a*)[bc]\")', 'name != \"\"']}");
    ck_assert_int_eq(offer_spans(some, 3), WEFT_OK);
    ck_assert_uint_gt(turns_until_done(), 0);
    ck_assert_uint_eq(sink.batch_count, 0);
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_DROPPED), 3);
    end();
}
END_TEST

START_TEST(test_what_propagates_in_a_later_turn_drops_the_batch)
{
    static const struct row failing[] = {
        { &weft_processor_transform,
          "error_mode: propagate\ntrace_statements: ['replace_pattern(span.name, \"(a*)(a*)[bc]\", \"x\")']" },
        { &weft_processor_filter, "error_mode: propagate\ntraces: {span: ['IsMatch(name, \"(a*)(a*)[bc]\")']}" },
    };
    const char *const names[] = { "first", slow_name };
    begin(failing[_i].component, failing[_i].yaml);
    ck_assert_int_eq(offer_spans(names, 2), WEFT_OK);
    ck_assert_uint_gt(turns_until_done(), 0);
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_DROPPED), 2);
    ck_assert_uint_eq(sink.batch_count, 0);
    end();
}
END_TEST

static double dropped_events(void)
{
    struct weft_samples samples;
    double value = -1;
    weft_samples_init(&samples);
    weft_processor_filter.collect(fixture.consumer, &samples);
    for (size_t i = 0; i < samples.count; i++) {
        bool is_it = strcmp(samples.items[i].name, "weft_filter_dropped_events") == 0;
        value = is_it ? samples.items[i].value : value;
    }
    weft_samples_fini(&samples);
    return value;
}

/* An event of a span before the slow one. */
static void offer_event(const char *error_mode)
{
    struct weft_buffer event = { 0 }, span = { 0 }, slow = { 0 }, scope = { 0 }, resource = { 0 }, request = { 0 };
    char yaml[256];
    snprintf(yaml, sizeof yaml,
             "error_mode: %s\ntraces: {span: ['IsMatch(name, \"(a*)(a*)[bc]\")'], spanevent: ['name == \"gone\"']}",
             error_mode);
    begin(&weft_processor_filter, yaml);
    put_field(&event, 2, weft_slice_of_text("gone"));
    put_span(&span, "first");
    put_message(&span, 11, &event);
    put_span(&slow, slow_name);
    put_message(&scope, 2, &span);
    put_message(&scope, 2, &slow);
    put_message(&resource, 2, &scope);
    put_message(&request, 1, &resource);
    ck_assert_int_eq(offer(WEFT_TRACES, weft_buffer_slice(&request), NULL), WEFT_OK);
    ck_assert_uint_gt(turns_until_done(), 0);
    weft_buffer_fini(&request);
}

START_TEST(test_events_are_counted_once_they_are_gone)
{
    offer_event("silent");
    ck_assert_uint_eq(sink.weight, 2);
    ck_assert_double_eq(dropped_events(), 1);
    end();
    offer_event("propagate");
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_DROPPED), 2);
    ck_assert_double_eq(dropped_events(), 0);
    end();
}
END_TEST

/* ---- statements after which there are more data points, or less ---- */

enum { POINTS = 4, AGGREGATED = 1, COPIED = 2, POINTS_AFTER = POINTS - AGGREGATED + COPIED };

static unsigned settled_count;
static enum weft_status settled_status;

static void count_settled(struct weft_ticket *ticket)
{
    settled_status = ticket->worst.status;
    settled_count++;
}

/* A gauge of two points. */
static void put_gauge(struct weft_buffer *scope, const char *name)
{
    static const uint8_t point[] = { 0x31, 7, 0, 0, 0, 0, 0, 0, 0 }; /* as_int */
    struct weft_buffer gauge = { 0 };
    struct weft_buffer metric = { 0 };
    put_field(&gauge, 1, weft_slice_of(point, sizeof point));
    put_field(&gauge, 1, weft_slice_of(point, sizeof point));
    put_field(&metric, 1, weft_slice_of_text(name));
    put_message(&metric, 5, &gauge);
    put_message(scope, 2, &metric);
}

/* Two metrics: one is slow, and copied; the points of the other are put together. */
static void begin_counted(struct weft_ticket *ticket)
{
    struct weft_buffer scope = { 0 };
    struct weft_buffer resource = { 0 };
    struct weft_buffer request = { 0 };
    begin_with(&weft_processor_transform,
               "error_mode: silent\n"
               "metric_statements: [{context: metric, statements: ["
               "'replace_pattern(metric.name, \"(a*)(a*)[bc]\", \"x\")', "
               "'aggregate_on_attributes(\"sum\", []) where metric.name == \"m\"', "
               "'copy_metric(name=\"twin\") where metric.name != \"m\" and metric.name != \"twin\"']}]",
               WEFT_METRICS);
    put_gauge(&scope, slow_name);
    put_gauge(&scope, "m");
    put_message(&resource, 2, &scope);
    put_message(&request, 1, &resource);
    settled_count = 0;
    weft_ticket_init(ticket, POINTS, WEFT_ACKNOWLEDGE_DELIVERED, count_settled);
    ck_assert_int_eq(offer(WEFT_METRICS, weft_buffer_slice(&request), ticket), WEFT_OK);
    weft_buffer_fini(&request);
    ck_assert(!fixture.consumer->is_open);
    ck_assert_uint_eq(held(), POINTS);
}

static uint64_t made(void)
{
    uint64_t sum = 0;
    struct weft_ledger_snapshot snapshot;
    ck_assert(weft_ledger_snapshot_take(fixture.host.ledger, &snapshot) == WEFT_OK);
    for (size_t i = 0; i < snapshot.count; i++) {
        sum += snapshot.balances[i].account.kind == WEFT_ACCOUNT_COPIED ? snapshot.balances[i].outflow : 0;
    }
    weft_ledger_snapshot_fini(&snapshot);
    return sum;
}

static void end_counted(uint64_t made_count, uint64_t dropped_count)
{
    ck_assert_uint_eq(made(), made_count);
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_DROPPED), dropped_count);
    ck_assert_uint_eq(booked(WEFT_ACCOUNT_UNCOPIED), 0);
    ck_assert_uint_eq(settled_count, 1);
    end();
}

START_TEST(test_points_that_come_and_go_in_turns_are_booked)
{
    struct weft_ticket ticket;
    begin_counted(&ticket);
    ck_assert_uint_gt(turns_until_done(), 0);
    ck_assert_uint_eq(sink.weight, POINTS_AFTER);
    ck_assert(last_has("twin"));
    ck_assert_int_eq(settled_status, WEFT_OK);
    end_counted(COPIED, AGGREGATED);
}
END_TEST

START_TEST(test_points_that_came_in_turns_wait_and_are_dropped_as_others)
{
    struct weft_ticket ticket;
    begin_counted(&ticket);
    weft_consumer_set_open(&sink.consumer, false);
    while (held() == POINTS) {
        advance(1);
    }
    ck_assert_uint_eq(held(), POINTS_AFTER);
    ck_assert_uint_eq(settled_count, 0);
    sink.answer = WEFT_INVALID;
    weft_consumer_set_open(&sink.consumer, true);
    ck_assert_int_ne(settled_status, WEFT_OK);
    end_counted(COPIED, AGGREGATED + POINTS_AFTER);
}
END_TEST

START_TEST(test_closing_while_points_come_drops_those_that_were_there)
{
    struct weft_ticket ticket;
    begin_counted(&ticket);
    fixture.consumer->operations->drain(fixture.consumer, WEFT_DROP_SHUTDOWN, true);
    ck_assert_int_ne(settled_status, WEFT_OK);
    end_counted(0, POINTS);
}
END_TEST

/* One metric of all points for each of them: there is no room for so many, and what finds none is not begun. */
START_TEST(test_metrics_for_which_there_is_no_room_cost_nothing)
{
    enum { SUMMARIES = 20000, MAX_TURNS = 20000 };
    struct weft_buffer summary = { 0 };
    struct weft_buffer metric = { 0 };
    struct weft_buffer request = { 0 };
    begin_with(&weft_processor_transform,
               "error_mode: silent\n"
               "metric_statements: [{context: datapoint, statements: ["
               "'convert_summary_count_val_to_sum(\"cumulative\", true)']}]",
               WEFT_METRICS);
    for (int i = 0; i < SUMMARIES; i++) {
        put_field(&summary, 1, WEFT_SLICE_EMPTY);
    }
    put_message(&metric, 11, &summary);
    put_request(&request, weft_buffer_slice(&metric));
    ck_assert_int_eq(offer(WEFT_METRICS, weft_buffer_slice(&request), NULL), WEFT_OK);
    ck_assert_uint_lt(turns_until_done(), MAX_TURNS);
    ck_assert_uint_gt(sink.weight, SUMMARIES);
    weft_buffer_fini(&metric);
    weft_buffer_fini(&request);
    end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, test_metrics_for_which_there_is_no_room_cost_nothing);
    tcase_add_test(tests, test_points_that_come_and_go_in_turns_are_booked);
    tcase_add_test(tests, test_points_that_came_in_turns_wait_and_are_dropped_as_others);
    tcase_add_test(tests, test_closing_while_points_come_drops_those_that_were_there);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, test_a_slow_batch_takes_turns_and_the_next_one_waits, 0, 2);
    tcase_add_loop_test(tests, test_closing_in_between_drops_all_of_it_and_nothing_else, 0, 2);
    tcase_add_test(tests, test_what_a_filter_takes_out_in_turns_is_booked);
    tcase_add_test(tests, test_events_are_counted_once_they_are_gone);
    tcase_add_loop_test(tests, test_what_propagates_in_a_later_turn_drops_the_batch, 0, 2);
}

int main(void)
{
    return component_run("processors on OTTL take turns", add_tests);
}
