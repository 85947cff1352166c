/* Samples: numbers of the same name and labels add up. */
#include "pipeline/samples.h"

#include "pipeline_test.h"
#include "suite.h"

START_TEST(test_same_name_and_labels_add_up)
{
    struct weft_samples samples;
    weft_samples_init(&samples);
    for (int i = 0; i < 3; i++) {
        weft_samples_add(&samples, "sent", "help", WEFT_SAMPLE_COUNTER, 2, WEFT_LABELS({ "exporter", "a" }));
    }
    weft_samples_add(&samples, "sent", "help", WEFT_SAMPLE_COUNTER, 5, WEFT_LABELS({ "exporter", "b" }));
    weft_samples_add(&samples, "sent", "help", WEFT_SAMPLE_COUNTER, 7, WEFT_LABELS({ "exporter", "a" }, { "x", "y" }));
    weft_samples_add(&samples, "lost", "help", WEFT_SAMPLE_COUNTER, 9, WEFT_LABELS({ "exporter", "a" }));
    ck_assert_uint_eq(samples.count, 4);
    ck_assert_double_eq(samples.items[0].value, 6);
    ck_assert_double_eq(samples.items[1].value, 5);
    ck_assert_double_eq(samples.items[2].value, 7);
    ck_assert_double_eq(samples.items[3].value, 9);
    weft_samples_fini(&samples);
    ck_assert_uint_eq(samples.count, 0);
}
END_TEST

START_TEST(test_set_replaces)
{
    struct weft_samples samples;
    weft_samples_init(&samples);
    weft_samples_set(&samples, "size", "help", WEFT_SAMPLE_GAUGE, 2, WEFT_LABELS({ NULL, NULL }));
    weft_samples_set(&samples, "size", "help", WEFT_SAMPLE_GAUGE, 3, WEFT_LABELS({ NULL, NULL }));
    ck_assert_uint_eq(samples.count, 1);
    ck_assert_double_eq(samples.items[0].value, 3);
    weft_samples_fini(&samples);
}
END_TEST

START_TEST(test_as_many_labels_as_there_is_room_for)
{
    struct weft_samples samples;
    weft_samples_init(&samples);
    for (int i = 0; i < 2; i++) {
        weft_samples_add(&samples, "n", "", WEFT_SAMPLE_COUNTER, 1,
                         WEFT_LABELS({ "a", "1" }, { "b", "2" }, { "c", "3" }, { "d", "4" }));
    }
    weft_samples_add(&samples, "n", "", WEFT_SAMPLE_COUNTER, 1,
                     WEFT_LABELS({ "a", "1" }, { "b", "2" }, { "c", "3" }, { "d", "5" }));
    ck_assert_uint_eq(samples.count, 2);
    ck_assert_double_eq(samples.items[0].value, 2);
    weft_samples_fini(&samples);
}
END_TEST

START_TEST(test_names_are_copied)
{
    struct weft_samples samples;
    char name[] = "name", value[] = "value";
    weft_samples_init(&samples);
    weft_samples_add(&samples, name, "", WEFT_SAMPLE_COUNTER, 1, WEFT_LABELS({ "label", value }));
    name[0] = value[0] = 'x';
    ck_assert_str_eq(samples.items[0].name, "name");
    ck_assert_str_eq(samples.items[0].labels[0].value, "value");
    weft_samples_fini(&samples);
}
END_TEST

START_TEST(test_failed_allocation_leaves_the_sample_out)
{
    struct weft_samples samples;
    weft_samples_init(&samples);
    weft_alloc_fail_at(1);
    weft_samples_add(&samples, "n", "", WEFT_SAMPLE_COUNTER, 1, WEFT_LABELS({ NULL, NULL }));
    weft_alloc_fail_at(0);
    ck_assert_uint_eq(samples.count, 0);
    weft_samples_fini(&samples);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline/samples");
    TCase *tests = tcase_create("samples");
    tcase_add_test(tests, test_same_name_and_labels_add_up);
    tcase_add_test(tests, test_set_replaces);
    tcase_add_test(tests, test_as_many_labels_as_there_is_room_for);
    tcase_add_test(tests, test_names_are_copied);
    tcase_add_test(tests, test_failed_allocation_leaves_the_sample_out);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
