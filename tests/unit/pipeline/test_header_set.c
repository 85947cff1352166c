/* Header fields of one request, and the metadata that they may come from. */
#include <check.h>
#include <stdio.h>

#include "base/alloc.h"
#include "pipeline/header_set.h"
#include "pipeline/metadata.h"
#include "suite.h"

START_TEST(test_each_name_stands_once_in_lower_case)
{
    struct weft_header_set *set = weft_header_set_try_new();
    ck_assert_int_eq(weft_header_set_put(set, "X-One", WEFT_SLICE_LITERAL("1"), NULL), WEFT_OK);
    ck_assert_int_eq(weft_header_set_put(set, "x-two", WEFT_SLICE_EMPTY, NULL), WEFT_OK);
    ck_assert_int_eq(weft_header_set_put(set, "x-ONE", WEFT_SLICE_LITERAL("2"), NULL), WEFT_OK);
    ck_assert_uint_eq(set->count, 2);
    ck_assert_str_eq(set->items[1].name, "x-one");
    ck_assert_str_eq(set->items[1].value, "2");
    ck_assert_int_eq(weft_header_set_put_absent(set, "x-one", NULL), WEFT_OK);
    ck_assert(weft_header_set_has(set, "X-One"));
    ck_assert_ptr_null(set->items[1].value);
    weft_header_set_remove(set, "X-ONE");
    ck_assert(!weft_header_set_has(set, "x-one"));
    ck_assert_ptr_null(set->items[1].name);
    weft_header_set_free(set);
}
END_TEST

START_TEST(test_what_would_break_a_request_is_refused)
{
    struct weft_header_set *set = weft_header_set_try_new();
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(weft_header_set_put(set, "a b", WEFT_SLICE_LITERAL("1"), &error), WEFT_INVALID);
    ck_assert_int_eq(weft_header_set_put(set, "a", WEFT_SLICE_LITERAL("se\r\ncret"), &error), WEFT_INVALID);
    ck_assert_ptr_null(strstr(error.text, "cret"));
    ck_assert_int_eq(weft_header_set_put(set, "a", WEFT_SLICE_LITERAL("\0"), &error), WEFT_INVALID);
    ck_assert_uint_eq(set->count, 0);
    for (int i = 0; i < WEFT_HEADER_SET_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        ck_assert_int_eq(weft_header_set_put(set, name, WEFT_SLICE_LITERAL("v"), &error), WEFT_OK);
    }
    ck_assert_int_eq(weft_header_set_put(set, "more", WEFT_SLICE_LITERAL("v"), &error), WEFT_LIMIT);
    ck_assert_int_eq(weft_header_set_put(set, "n0", WEFT_SLICE_LITERAL("w"), &error), WEFT_OK);
    weft_alloc_fail_at(1);
    ck_assert_int_eq(weft_header_set_put(set, "n0", WEFT_SLICE_LITERAL("w"), &error), WEFT_NOMEM);
    weft_header_set_free(set);
}
END_TEST

START_TEST(test_metadata_is_found_by_key)
{
    struct weft_budget budget = { 0 };
    const struct weft_metadata_item items[] = { { WEFT_SLICE_LITERAL("X-Key"), WEFT_SLICE_LITERAL("One") },
                                                { WEFT_SLICE_LITERAL("other"), WEFT_SLICE_EMPTY },
                                                { WEFT_SLICE_LITERAL("x-key"), WEFT_SLICE_LITERAL("two") } };
    struct weft_metadata *metadata = weft_metadata_try_new(&budget, items, 3, WEFT_SLICE_LITERAL("10.0.0.1"));
    struct weft_metadata *again = weft_metadata_ref(metadata);
    struct weft_slice value;
    weft_metadata_unref(&metadata);
    ck_assert(weft_slice_equal_text(again->address, "10.0.0.1"));
    ck_assert_uint_eq(weft_metadata_find(again, "x-KEY", &value), 2);
    ck_assert(weft_slice_equal_text(value, "One"));
    ck_assert(weft_slice_equal_text(again->items[0].key, "x-key"));
    ck_assert_uint_eq(weft_metadata_find(again, "other", &value), 1);
    ck_assert_uint_eq(value.length, 0);
    ck_assert_uint_eq(weft_metadata_find(again, "x", &value), 0);
    ck_assert_uint_eq(weft_metadata_find(NULL, "x", &value), 0);
    ck_assert_uint_eq(weft_budget_reserved(&budget),
                      sizeof *again + sizeof items + strlen("x-keyOneotherx-keytwo10.0.0.1"));
    weft_metadata_unref(&again);
    weft_metadata_unref(&again); /* there is none any more */
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
    weft_alloc_fail_at(1);
    ck_assert_ptr_null(weft_metadata_try_new(&budget, items, 3, WEFT_SLICE_LITERAL("10.0.0.1")));
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}
END_TEST

static struct weft_metadata *metadata_of(struct weft_budget *budget, const char *pairs, struct weft_slice address)
{
    struct weft_metadata_item items[8];
    size_t count = 0;
    for (; *pairs != '\0'; pairs += 3) { /* "k=v" one behind the other */
        items[count++] = (struct weft_metadata_item){ weft_slice_of(pairs, 1), weft_slice_of(pairs + 2, 1) };
    }
    struct weft_metadata *metadata = weft_metadata_try_new(budget, items, count, address);
    ck_assert_ptr_nonnull(metadata);
    return metadata;
}

START_TEST(test_what_two_requests_both_say)
{
    static const struct {
        const char *left, *right, *common;
        bool is_same_under_a;
    } rows[] = {
        { "a=1b=2", "a=1b=2", "a=1b=2", true },
        { "a=1b=2", "b=2a=1", "a=1b=2", true },
        { "a=1b=2", "a=1b=3c=4", "a=1", true },
        { "a=1b=2", "a=2b=2", "b=2", false },
        { "a=1a=2", "a=1a=2", "a=1a=2", true },
        { "a=1b=0a=2", "a=2b=0a=1", "b=0", false },
        { "a=1a=2b=0", "a=1b=0", "b=0", false },
        { "a=1", "", "", false },
        { "b=1", "c=1", "", true },
        { "", "", "", true },
        { "a=1c=1", "A=1b=2c=1", "a=1c=1", true },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct weft_budget budget = { 0 };
        struct weft_metadata *left = metadata_of(&budget, rows[i].left, WEFT_SLICE_EMPTY);
        struct weft_metadata *right = metadata_of(&budget, rows[i].right, WEFT_SLICE_EMPTY);
        struct weft_metadata *common = NULL;
        ck_assert(weft_metadata_is_same_under(left, right, "A") == rows[i].is_same_under_a);
        ck_assert(weft_metadata_is_same_under(right, left, "a") == rows[i].is_same_under_a);
        ck_assert_int_eq(weft_metadata_try_common(left, right, &common), WEFT_OK);
        ck_assert_uint_eq(common == NULL ? 0 : common->count, strlen(rows[i].common) / 3);
        for (size_t j = 0; common != NULL && j < common->count; j++) {
            ck_assert(weft_slice_equal(common->items[j].key, weft_slice_of(rows[i].common + 3 * j, 1)));
            ck_assert(weft_slice_equal(common->items[j].value, weft_slice_of(rows[i].common + 3 * j + 2, 1)));
        }
        bool is_all = strcmp(rows[i].common, rows[i].left) == 0;
        ck_assert(is_all == (common == left)); /* without a copy */
        weft_metadata_unref(&common);
        weft_metadata_unref(&left);
        weft_metadata_unref(&right);
        ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
    }
}
END_TEST

START_TEST(test_nothing_is_in_common_with_no_metadata)
{
    struct weft_budget budget = { 0 };
    struct weft_metadata *some = metadata_of(&budget, "a=1b=2", WEFT_SLICE_LITERAL("::1"));
    struct weft_metadata *other = metadata_of(&budget, "a=1b=3", WEFT_SLICE_LITERAL("::1"));
    struct weft_metadata *common = NULL;
    ck_assert(!weft_metadata_is_same_under(some, NULL, "a") && weft_metadata_is_same_under(some, NULL, "c"));
    ck_assert(weft_metadata_is_same_under(NULL, NULL, "a"));
    ck_assert_int_eq(weft_metadata_try_common(some, NULL, &common), WEFT_OK);
    ck_assert_ptr_null(common);
    ck_assert_int_eq(weft_metadata_try_common(NULL, some, &common), WEFT_OK);
    ck_assert_ptr_null(common);
    weft_alloc_fail_at(1);
    ck_assert_int_eq(weft_metadata_try_common(some, other, &common), WEFT_NOMEM);
    weft_alloc_fail_at(0);
    ck_assert_int_eq(weft_metadata_try_common(some, other, &common), WEFT_OK);
    ck_assert(weft_slice_equal_text(common->address, "::1"));
    weft_metadata_unref(&common);
    struct weft_metadata *elsewhere = metadata_of(&budget, "a=1b=2", WEFT_SLICE_LITERAL("::2"));
    ck_assert_int_eq(weft_metadata_try_common(some, elsewhere, &common), WEFT_OK);
    ck_assert(common->address.length == 0 && common->count == 2);
    weft_metadata_unref(&common);
    weft_metadata_unref(&elsewhere);
    weft_metadata_unref(&some);
    weft_metadata_unref(&other);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("header set");
    TCase *tests = tcase_create("header set");
    tcase_add_test(tests, test_each_name_stands_once_in_lower_case);
    tcase_add_test(tests, test_what_would_break_a_request_is_refused);
    tcase_add_test(tests, test_metadata_is_found_by_key);
    tcase_add_test(tests, test_what_two_requests_both_say);
    tcase_add_test(tests, test_nothing_is_in_common_with_no_metadata);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
