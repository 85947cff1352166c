/* Names by number: what senders name cannot crowd out what the config names. */
#include "join/names.h"

#include <check.h>

#include "base/hash.h"
#include "pipeline/pipeline_test.h"
#include "suite.h"

static struct weft_hash_secret secret;

START_TEST(test_names_of_records_leave_room_for_policies)
{
    struct weft_names *names = weft_names_new(&budget, &secret);
    char text[32];
    for (int i = 0; i < 2 * WEFT_NAMES_MAX; i++) {
        snprintf(text, sizeof text, "service %d", i);
        (void)weft_names_intern_of_record(names, weft_slice_of_text(text));
    }
    ck_assert_uint_eq(weft_names_intern_of_record(names, WEFT_SLICE_LITERAL("one more")), WEFT_NAME_OTHER);
    uint32_t policy = weft_names_intern(names, WEFT_SLICE_LITERAL("errors"));
    ck_assert_uint_ne(policy, WEFT_NAME_OTHER);
    ck_assert(weft_slice_equal_text(weft_names_at(names, policy), "errors"));
    ck_assert_uint_eq(weft_names_intern_of_record(names, WEFT_SLICE_LITERAL("errors")), policy);
    uint32_t first = weft_names_intern_of_record(names, WEFT_SLICE_LITERAL("service 0"));
    ck_assert(weft_slice_equal_text(weft_names_at(names, first), "service 0"));
    weft_names_free(names);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("join/names");
    TCase *tests = tcase_create("names");
    weft_hash_secret_init(&secret);
    tcase_add_test(tests, test_names_of_records_leave_room_for_policies);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
