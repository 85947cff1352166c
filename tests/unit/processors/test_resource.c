/* resource: one edit of each resource, whatever shape it comes in; records leave as they came. */
#include "component_test.h"

extern const struct weft_component weft_processor_resource;

static struct weft_buffer request;  /* the input, in the making */
static struct weft_buffer expected; /* as it must leave */

static void begin(const char *yaml, enum weft_signal signal)
{
    weft_buffer_init(&request, 0);
    weft_buffer_init(&expected, 0);
    component_begin(&weft_processor_resource, yaml, signal);
}

static void end(void)
{
    weft_buffer_fini(&request);
    weft_buffer_fini(&expected);
    fixture_end();
}

static void check_outcome(enum weft_signal signal)
{
    ck_assert(offer(signal, weft_buffer_slice(&request), NULL) == WEFT_OK);
    ck_assert_uint_eq(sink.last.length, expected.length);
    ck_assert_mem_eq(sink.last.bytes, expected.bytes, expected.length);
    weft_buffer_clear(&request);
    weft_buffer_clear(&expected);
}

/* A ResourceX: what comes before its scope, a scope with one record, and what comes behind it. */
static void put_resource_x(struct weft_buffer *out, struct weft_slice before, struct weft_slice behind)
{
    struct weft_buffer scope = { 0 };
    struct weft_buffer resource_x = { 0 };
    put_field(&scope, 2, WEFT_SLICE_EMPTY);
    weft_buffer_append(&resource_x, before.bytes, before.length);
    put_message(&resource_x, 2, &scope);
    weft_buffer_append(&resource_x, behind.bytes, behind.length);
    put_message(out, 1, &resource_x);
}

#define PUT(out, before, behind) put_resource_x((out), WEFT_SLICE_LITERAL(before), WEFT_SLICE_LITERAL(behind))

#define A_IS_1                 \
    "\x0a\x0a\x0a\x08\x0a\x01" \
    "a\x12\x03\x0a\x01"        \
    "1"

START_TEST(test_config_rules_are_those_of_attributes)
{
    const struct weft_component *component = &weft_processor_resource;
    component_expect_refused(component, "{}", WEFT_INVALID, "missing required field \"attributes\"");
    component_expect_refused(component, "attributes:\n- {key: a, action: delete}\n- {key: a, action: insert}",
                             WEFT_INVALID, "attributes[1]: action insert needs");
}
END_TEST

START_TEST(test_resources_of_every_signal_are_edited)
{
    static const enum weft_signal signals[] = { WEFT_TRACES, WEFT_METRICS, WEFT_LOGS };
    for (size_t i = 0; i < WEFT_COUNT_OF(signals); i++) {
        begin("attributes: [{key: a, action: upsert, value: \"1\"}]", signals[i]);
        PUT(&request,
            "\x0a\x0c\x0a\x0a\x0a\x01"
            "a\x12\x05\x0a\x03old",
            "\x1a\x01s");
        PUT(&request, A_IS_1, "");
        PUT(&expected, A_IS_1 "\x1a\x01s", "");
        PUT(&expected, A_IS_1, "");
        if (signals[i] == WEFT_METRICS) { /* of which an empty one weighs nothing */
            end();
            continue;
        }
        check_outcome(signals[i]);
        end();
    }
}
END_TEST

START_TEST(test_a_resource_that_is_missing_is_made)
{
    begin("attributes: [{key: a, action: insert, value: \"1\"}]", WEFT_LOGS);
    PUT(&request, "", "");
    PUT(&expected, A_IS_1, "");
    check_outcome(WEFT_LOGS);
    PUT(&request, "\x1a\x01s", "");
    PUT(&expected, A_IS_1 "\x1a\x01s", "");
    check_outcome(WEFT_LOGS);
    end();
}
END_TEST

/* They merge: what is looked for may stand in any of them, and one is left. */
START_TEST(test_a_resource_in_pieces_is_one)
{
    begin("attributes: [{key: b, action: update, value: x}, {key: a, action: delete}]", WEFT_TRACES);
    PUT(&request,
        A_IS_1 "\x1a\x01s\x0a\x0c\x0a\x08\x0a\x01"
               "b\x12\x03\x0a\x01"
               "1\x10\x02",
        "\x0a\x00");
    PUT(&expected,
        "\x0a\x0c\x0a\x08\x0a\x01"
        "b\x12\x03\x0a\x01"
        "x\x10\x02\x1a\x01s",
        "");
    check_outcome(WEFT_TRACES);
    end();
}
END_TEST

START_TEST(test_what_is_not_changed_passes_as_it_came)
{
    begin("attributes: [{key: z, action: delete}]", WEFT_TRACES);
    PUT(&request, A_IS_1 "\x1a\x01s\x0a\x00", "");
    weft_buffer_append(&expected, request.bytes, request.length);
    check_outcome(WEFT_TRACES);
    end();
}
END_TEST

/* Whoever was told CLOSED comes back with the batch, as it was. */
START_TEST(test_a_batch_that_was_not_taken_is_as_before)
{
    begin("attributes: [{key: b, action: upsert, from_attribute: a}, {key: a, action: upsert, value: 2}]", WEFT_TRACES);
    PUT(&request, A_IS_1, "");
    struct weft_batch *batch = batch_of(WEFT_TRACES, weft_buffer_slice(&request), NULL);
    sink.answer = WEFT_CLOSED;
    ck_assert(weft_consumer_consume(fixture.consumer, &batch, NULL) == WEFT_CLOSED);
    struct weft_buffer left = { 0 };
    append_batch(batch, &left);
    ck_assert(weft_slice_equal(weft_buffer_slice(&left), weft_buffer_slice(&request)));
    weft_buffer_fini(&left);
    weft_batch_end(&batch, NULL, -1);
    end();
}
END_TEST

START_TEST(test_every_allocation_may_fail)
{
    bool has_failed = true;
    for (size_t n = 1; has_failed; n++) {
        begin("attributes: [{key: b, action: insert, value: x}, {key: a, action: hash}]", WEFT_TRACES);
        PUT(&request, A_IS_1 "\x1a\x01s\x0a\x00", "");
        struct weft_batch *batch = batch_of(WEFT_TRACES, weft_buffer_slice(&request), NULL);
        sink.answer = WEFT_INVALID; /* so that only the processor's own allocations are counted */
        weft_alloc_fail_at(n);
        enum weft_status status = weft_consumer_consume(fixture.consumer, &batch, NULL);
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert(status == (has_failed ? WEFT_NOMEM : WEFT_INVALID));
        struct weft_buffer left = { 0 };
        append_batch(batch, &left);
        ck_assert(weft_slice_equal(weft_buffer_slice(&left), weft_buffer_slice(&request)));
        weft_buffer_fini(&left);
        ck_assert(n > 4 || has_failed);
        weft_batch_end(&batch, NULL, -1);
        end();
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, test_config_rules_are_those_of_attributes);
    tcase_add_test(tests, test_resources_of_every_signal_are_edited);
    tcase_add_test(tests, test_a_resource_that_is_missing_is_made);
    tcase_add_test(tests, test_a_resource_in_pieces_is_one);
    tcase_add_test(tests, test_what_is_not_changed_passes_as_it_came);
    tcase_add_test(tests, test_a_batch_that_was_not_taken_is_as_before);
    tcase_add_test(tests, test_every_allocation_may_fail);
}

int main(void)
{
    return component_run("resource", add_tests);
}
