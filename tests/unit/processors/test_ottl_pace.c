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

static void begin(const struct weft_component *component, const char *yaml)
{
    refused = 0;
    fixture_turn_ns = 1; /* over whenever the clock is looked at */
    memset(slow_name, 'a', SLOW_BYTES);
    component_begin(component, yaml, WEFT_TRACES);
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

static void add_tests(TCase *tests)
{
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, test_a_slow_batch_takes_turns_and_the_next_one_waits, 0, 2);
    tcase_add_loop_test(tests, test_closing_in_between_drops_all_of_it_and_nothing_else, 0, 2);
    tcase_add_test(tests, test_what_a_filter_takes_out_in_turns_is_booked);
    tcase_add_loop_test(tests, test_what_propagates_in_a_later_turn_drops_the_batch, 0, 2);
}

int main(void)
{
    return component_run("processors on OTTL take turns", add_tests);
}
