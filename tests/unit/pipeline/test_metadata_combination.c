/* What tells the requests of a batch processor's shards apart. */
#include <check.h>

#include "base/alloc.h"
#include "pipeline/metadata_combination.h"
#include "suite.h"

static struct weft_budget budget;
static char key_a[] = "X-A", key_b[] = "b";
static char *key_items[] = { key_a, key_b };
static const struct weft_config_strings keys = { .items = key_items, .count = 2 };

#define ITEM(key, value)                                   \
    {                                                      \
        WEFT_SLICE_LITERAL(key), WEFT_SLICE_LITERAL(value) \
    }

/* Requests of which no two go together. */
static const struct {
    struct weft_metadata_item items[3];
    size_t count;
} requests[] = {
    { { ITEM("other", "x") }, 0 },
    { { ITEM("x-a", "") }, 1 },
    { { ITEM("b", "") }, 1 },
    { { ITEM("x-a", "1") }, 1 },
    { { ITEM("x-a", "1"), ITEM("x-a", "2") }, 2 },
    { { ITEM("x-a", "12") }, 1 },
    { { ITEM("x-a", "2"), ITEM("x-a", "1") }, 2 },
    { { ITEM("x-a", "1"), ITEM("b", "2") }, 2 },
    { { ITEM("x-a", ""), ITEM("x-a", "") }, 2 },
};

static void write(const struct weft_metadata *metadata, struct weft_buffer *out)
{
    weft_buffer_init(out, 0);
    ck_assert_int_eq(weft_metadata_combination_write(&keys, metadata, out), WEFT_OK);
}

START_TEST(test_combinations_differ_iff_values_do)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(requests); i++) {
        struct weft_metadata *one =
            weft_metadata_try_new(&budget, requests[i].items, requests[i].count, WEFT_SLICE_EMPTY);
        for (size_t j = 0; j < WEFT_COUNT_OF(requests); j++) {
            struct weft_metadata *other =
                weft_metadata_try_new(&budget, requests[j].items, requests[j].count, WEFT_SLICE_EMPTY);
            struct weft_buffer left, right;
            write(one, &left);
            write(other, &right);
            ck_assert_int_eq(weft_slice_equal(weft_buffer_slice(&left), weft_buffer_slice(&right)), i == j);
            weft_buffer_fini(&left);
            weft_buffer_fini(&right);
            weft_metadata_unref(&other);
        }
        weft_metadata_unref(&one);
    }
}
END_TEST

START_TEST(test_only_the_keys_are_kept)
{
    const struct weft_metadata_item items[] = { ITEM("b", "2"), ITEM("secret", "x"), ITEM("x-a", "1") };
    struct weft_metadata *metadata = weft_metadata_try_new(&budget, items, 3, WEFT_SLICE_LITERAL("10.0.0.1"));
    struct weft_metadata *kept = weft_metadata_combination_try_keep(&budget, &keys, metadata);
    struct weft_slice value;
    ck_assert_uint_eq(kept->count, 2);
    ck_assert_uint_eq(kept->address.length, 0);
    ck_assert_uint_eq(weft_metadata_find(kept, "X-A", &value), 1);
    ck_assert(weft_slice_equal_text(value, "1"));
    ck_assert_uint_eq(weft_metadata_find(kept, "secret", &value), 0);
    ck_assert_uint_eq(weft_budget_reserved(&budget), metadata->size_bytes + kept->size_bytes);
    weft_metadata_unref(&kept);
    kept = weft_metadata_combination_try_keep(&budget, &keys, NULL);
    ck_assert_uint_eq(kept->count, 0);
    weft_metadata_unref(&kept);
    for (size_t nth = 1; nth <= 2; nth++) {
        weft_alloc_fail_at(nth);
        ck_assert_ptr_null(weft_metadata_combination_try_keep(&budget, &keys, metadata));
        weft_alloc_fail_at(0);
    }
    weft_metadata_unref(&metadata);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metadata combination");
    TCase *tests = tcase_create("metadata combination");
    tcase_add_test(tests, test_combinations_differ_iff_values_do);
    tcase_add_test(tests, test_only_the_keys_are_kept);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
