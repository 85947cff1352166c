/* The time of a batch's patterns: when it is over, what one of them may match is hidden without being matched, and all
 * else goes on as it was. */
#include "redaction_test.h"

#include "processors/redaction_rules.h"

static char *patterns[] = { "order-[0-9]+", "x{3}" };
static char *detectors[] = { "ipv4" };
static const struct weft_redaction_config config = {
    .allow_all_keys = true,
    .blocked_values = { .items = patterns, .count = WEFT_COUNT_OF(patterns) },
    .allowed_values = { .items = (char *[]){ "^order-0$" }, .count = 1 },
    .detectors = { .items = detectors, .count = 1 },
};

static struct weft_redaction_rules *rules;
static struct weft_redaction_matcher matcher;

static void begin(void)
{
    ck_assert(weft_redaction_rules_new(&config, &rules, NULL) == WEFT_OK);
    ck_assert(weft_redaction_matcher_init(&matcher, rules, NULL) == WEFT_OK);
}

static void end(void)
{
    weft_redaction_matcher_fini(&matcher);
    weft_redaction_rules_free(&rules);
}

/* NULL: it stays as it is. */
static void expect(const char *text, const char *expected)
{
    struct weft_slice masked = weft_slice_of_text(text);
    ck_assert_msg(weft_redaction_mask(&matcher, masked, &masked) == (expected != NULL), "%s", text);
    ck_assert_msg(weft_slice_equal(masked, weft_slice_of_text(expected == NULL ? text : expected)), "%.*s",
                  WEFT_SLICE_PRINT(masked));
}

START_TEST(test_what_may_match_is_hidden_when_the_time_is_over)
{
    begin();
    weft_redaction_matcher_begin(&matcher);
    expect("order-17 of 10.0.0.1", "**** of ****");
    matcher.pace.is_over = true;
    expect("order-17 of 10.0.0.1", "****");
    ck_assert_uint_eq(matcher.limit_count, 1);
    expect("an order- without a number", "****");
    expect("from 10.0.0.1", "****"); /* it may be a longer order that was not looked for */
    expect("nothing", NULL);         /* none can match without its bytes */
    ck_assert(weft_redaction_allows(&matcher, WEFT_SLICE_LITERAL("no")) == false);
    ck_assert(weft_redaction_allows(&matcher, WEFT_SLICE_LITERAL("order-0")) == false);
    weft_redaction_matcher_begin(&matcher); /* the next batch has its own */
    expect("order-17", "****");
    expect("an order- without a number", NULL);
    ck_assert(weft_redaction_allows(&matcher, WEFT_SLICE_LITERAL("order-0")));
    end();
}
END_TEST

START_TEST(test_time_is_that_of_the_thread_beyond_what_the_bytes_need)
{
    struct weft_redaction_pace pace = { 0 };
    ck_assert(weft_redaction_pace_allows(&pace, 1 << 30)); /* nobody began */
    weft_redaction_pace_begin(&pace);
    pace.looked_ns--; /* as if the cheap clock had moved */
    ck_assert(weft_redaction_pace_allows(&pace, 100));
    pace.looked_ns--;
    pace.started_ns -= INT64_C(20) * 1000 * 1000; /* as if the thread had worked for 20 ms */
    ck_assert(!weft_redaction_pace_allows(&pace, 100));
    pace.looked_ns--;
    ck_assert(!weft_redaction_pace_allows(&pace, 1 << 30)); /* and for the rest of the batch */
    weft_redaction_pace_begin(&pace);
    pace.looked_ns--;
    pace.started_ns -= INT64_C(20) * 1000 * 1000;
    ck_assert(weft_redaction_pace_allows(&pace, 100 << 20)); /* so many bytes need more */
    ck_assert_int_gt(weft_redaction_pace_of_match(4 << 20), weft_redaction_pace_of_match(0));
}
END_TEST

/* Or who sends slow texts would have the names of services hidden, too. */
START_TEST(test_headers_have_their_look_before_slow_records)
{
    enum { SPANS = 40, LENGTH = 20000 };
    static char slow[LENGTH + 2] = { [0 ... LENGTH - 1] = 'a', [LENGTH] = '!' };
    struct weft_buffer scope = { 0 }, resource = { 0 }, request = { 0 }, owner = { 0 };
    component_begin(&weft_processor_redaction, "{allow_all_keys: true, blocked_values: ['(a+)+$']}", WEFT_TRACES);
    put_string_attribute(&owner, 1, "service.name", "catalog");
    put_message(&resource, 1, &owner);
    for (int i = 0; i < SPANS; i++) {
        struct weft_buffer span = { 0 };
        put_span(&span, "span");
        put_string_attribute(&span, 9, "x", slow);
        put_message(&scope, 2, &span);
    }
    put_message(&resource, 2, &scope);
    put_message(&request, 1, &resource);
    ck_assert(offer(WEFT_TRACES, weft_buffer_slice(&request), NULL) == WEFT_OK);
    ck_assert(memmem(sink.last.bytes, sink.last.length, "catalog", 7) != NULL);
    ck_assert(memmem(sink.last.bytes, sink.last.length, slow, LENGTH) == NULL);
    weft_buffer_fini(&request);
    fixture_end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, test_what_may_match_is_hidden_when_the_time_is_over);
    tcase_add_test(tests, test_headers_have_their_look_before_slow_records);
    tcase_add_test(tests, test_time_is_that_of_the_thread_beyond_what_the_bytes_need);
}

int main(void)
{
    return component_run("redaction pace", add_tests);
}
