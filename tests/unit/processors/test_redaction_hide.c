/* What weft itself shows of records goes through the redactions of the worker: by the rules of service.name, or as a
 * text. */
#include "redaction_test.h"

#include "pipeline/hiding.h"

#define CARD "4111111111111111"
#define ALL  "allow_all_keys: true\n"

static const struct row {
    const char *config, *key, *text, *shown;
} rows[] = {
    { ALL "detectors: [credit_card]", "service.name", "shop " CARD, "shop ****" },
    { ALL "detectors: [credit_card]", "", "shop " CARD, "shop ****" },
    { ALL "detectors: [credit_card]", "service.name", "shop", "shop" },
    { ALL "detectors: [credit_card]\nhash_function: md5", "", CARD, "5910f4ea0062a0e29afd3dccc741e3ce" },
    { ALL "detectors: [credit_card]\nignored_keys: [service.name]", "service.name", CARD, CARD },
    { ALL "detectors: [credit_card]\nallowed_values: ['^4']", "service.name", CARD, CARD },
    { ALL "blocked_key_patterns: [service]", "service.name", "a\nb", "****\n****" },
    { ALL "blocked_key_patterns: [service]", "", "a", "a" },
    { ALL "blocked_values: ['(a|aa)+$']", "", NULL, "****" }, /* its limits are met */
    { "allowed_keys: [service.name]", "service.name", "shop", "shop" },
    { "allowed_keys: [a]", "service.name", "shop", "" },
    { "allowed_keys: [a]", "", "shop", "shop" },
};

START_TEST(test_rows)
{
    const struct row *row = &rows[_i];
    char hard[3000];
    memset(hard, 'a', sizeof hard);
    struct weft_slice text = row->text == NULL ? weft_slice_of(hard, sizeof hard) : weft_slice_of_text(row->text);
    text = row->text == NULL ? (hard[sizeof hard - 1] = 'b', text) : text;
    component_begin(&weft_processor_redaction, row->config, WEFT_TRACES);
    struct weft_slice shown = weft_host_hide(&fixture.host, weft_slice_of_text(row->key), text);
    ck_assert_msg(weft_slice_equal(shown, weft_slice_of_text(row->shown)), "%.*s", WEFT_SLICE_PRINT(shown));
    struct weft_samples samples;
    weft_samples_init(&samples);
    weft_processor_redaction.collect(fixture.consumer, &samples);
    for (size_t i = 0; i < samples.count; i++) {
        ck_assert_int_eq((int)samples.items[i].value, 0); /* of records */
    }
    weft_samples_fini(&samples);
    fixture_end();
    ck_assert_ptr_null(fixture.host.hidings);
}
END_TEST

START_TEST(test_labels_have_a_plain_form_where_something_hides)
{
    uint8_t room[WEFT_SERVICE_LABEL_BYTES];
    char text[200];
    memset(text, 'x', sizeof text);
    struct weft_slice odd = WEFT_SLICE_LITERAL("mein Dienst=\xc3\xa4/a-b_c.d");
    component_begin(&weft_processor_redaction, ALL "detectors: [credit_card]", WEFT_TRACES);
    ck_assert(
        weft_slice_equal(weft_host_label(&fixture.host, odd, room), WEFT_SLICE_LITERAL("mein*Dienst***/a-b_c.d")));
    ck_assert(weft_slice_equal(weft_host_label(&fixture.host, WEFT_SLICE_LITERAL("a" CARD ", " CARD), room),
                               WEFT_SLICE_LITERAL("a" CARD "******")));
    ck_assert_uint_eq(weft_host_label(&fixture.host, weft_slice_of(text, sizeof text), room).length, sizeof room);
    ck_assert_uint_eq(weft_host_label(&fixture.host, WEFT_SLICE_EMPTY, room).length, 0);
    fixture_end();
    component_begin(&weft_processor_redaction, ALL, WEFT_TRACES);
    struct weft_hiding *hiding = fixture.host.hidings;
    weft_host_remove_hiding(&fixture.host, hiding);
    ck_assert(weft_slice_equal(weft_host_label(&fixture.host, odd, room), odd));
    weft_host_add_hiding(&fixture.host, hiding);
    fixture_end();
}
END_TEST

/* Each of several, in any order of their ends. */
START_TEST(test_several_hide)
{
    component_begin(&weft_processor_redaction, ALL "blocked_values: [one]", WEFT_TRACES);
    struct weft_instance_setup setup = { .host = &fixture.host,
                                         .id = "second",
                                         .signal = WEFT_LOGS,
                                         .next = &sink.consumer,
                                         .in_flight = &fixture.in_flight,
                                         .shared = fixture.shared };
    struct weft_consumer *second;
    ck_assert(weft_processor_redaction.create_consumer(&setup, &second, NULL) == WEFT_OK);
    ck_assert(fixture.host.hidings->next != NULL);
    struct weft_slice shown = weft_host_hide(&fixture.host, WEFT_SLICE_EMPTY, WEFT_SLICE_LITERAL("one two"));
    ck_assert(weft_slice_equal(shown, WEFT_SLICE_LITERAL("**** two")));
    second->operations->free(second);
    shown = weft_host_hide(&fixture.host, WEFT_SLICE_EMPTY, WEFT_SLICE_LITERAL("one two"));
    ck_assert(weft_slice_equal(shown, WEFT_SLICE_LITERAL("**** two")));
    fixture_end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, test_rows, 0, WEFT_COUNT_OF(rows));
    tcase_add_test(tests, test_labels_have_a_plain_form_where_something_hides);
    tcase_add_test(tests, test_several_hide);
}

int main(void)
{
    return component_run("redaction hides what is shown", add_tests);
}
