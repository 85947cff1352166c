/* Contexts and names: kept once, counted, never mixed up, and given back. */
#include "join/contexts.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "join/names.h"
#include "pipeline/pipeline_test.h"
#include "suite.h"

static struct weft_hash_secret secret;

/* Fields of a resource or scope that no version of OTLP has. */
#define A      \
    "\x3a\x01" \
    "a"
#define B      \
    "\x3a\x01" \
    "b"
#define C      \
    "\x3a\x01" \
    "c"

/* Such a field with a number, 32 bytes at most. */
static struct weft_slice number_text(char *text, uint32_t number)
{
    int length = snprintf(text + 2, 30, "number %u", number);
    text[0] = 0x3a;
    text[1] = (char)length;
    return weft_slice_of((const uint8_t *)text, (size_t)length + 2);
}

static uint32_t intern(struct weft_contexts *contexts, uint32_t outlet, const char *resource, const char *scope)
{
    uint32_t context = 0;
    ck_assert(weft_contexts_intern(contexts, outlet, weft_slice_of_text(resource), weft_slice_of_text(scope),
                                   &context) == WEFT_OK);
    return context;
}

START_TEST(test_what_differs_has_another_number)
{
    struct weft_contexts *contexts = weft_contexts_new(&budget, &secret);
    uint32_t first = intern(contexts, 0, A B, C);
    ck_assert_uint_eq(intern(contexts, 0, A B, C), first);
    ck_assert_uint_ne(first, 0);
    uint32_t others[] = { intern(contexts, 0, A, B C),    intern(contexts, 1, A B, C),    intern(contexts, 0, C, A B),
                          intern(contexts, 0, "", A B C), intern(contexts, 0, A B C, ""), intern(contexts, 0, "", "") };
    for (size_t i = 0; i < WEFT_COUNT_OF(others); i++) {
        ck_assert_uint_ne(others[i], first);
        for (size_t j = 0; j < i; j++) {
            ck_assert_uint_ne(others[i], others[j]);
        }
    }
    const struct weft_context *context = weft_contexts_at(contexts, others[1]);
    ck_assert(weft_slice_equal_text(context->resource, A B) && weft_slice_equal_text(context->scope, C));
    ck_assert_uint_eq(context->outlet, 1);
    weft_contexts_unref(contexts, first, 2);
    for (size_t i = 0; i < WEFT_COUNT_OF(others); i++) {
        weft_contexts_unref(contexts, others[i], 1);
    }
    weft_contexts_free(contexts);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}
END_TEST

/* What is gone and comes again is there again, with the memory of one. */
START_TEST(test_the_last_reference_gives_the_memory_back)
{
    enum { COUNT = 5000 };
    static uint32_t numbers[COUNT];
    struct weft_contexts *contexts = weft_contexts_new(&budget, &secret);
    char text[32];
    size_t full_bytes = 0;
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < COUNT; i++) {
            ck_assert(weft_contexts_intern(contexts, i % 3, number_text(text, i), WEFT_SLICE_EMPTY, &numbers[i]) ==
                      WEFT_OK);
        }
        if (round == 0) {
            full_bytes = weft_contexts_size_bytes(contexts);
        }
        ck_assert_uint_le(weft_contexts_size_bytes(contexts), full_bytes);
        for (uint32_t i = 0; i < COUNT; i++) {
            weft_context_ref(weft_contexts_at(contexts, numbers[i]), 4);
            weft_contexts_unref(contexts, numbers[i], 3);
            weft_contexts_unref(contexts, numbers[i], 2);
        }
    }
    weft_contexts_free(contexts);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}
END_TEST

static int compare_hashes(const void *left, const void *right)
{
    const uint64_t *a = left;
    const uint64_t *b = right;
    return a[0] < b[0] ? -1 : a[0] > b[0];
}

static void expect_told_apart(struct weft_contexts *contexts, const uint64_t *one, const uint64_t *other)
{
    char texts[2][32];
    struct weft_slice scopes[] = { number_text(texts[0], (uint32_t)one[1]), number_text(texts[1], (uint32_t)other[1]) };
    uint32_t outlet = (uint32_t)(one[0] ^ other[0]);
    uint32_t a, b, again;
    ck_assert(weft_contexts_intern(contexts, 0, WEFT_SLICE_EMPTY, scopes[0], &a) == WEFT_OK);
    ck_assert(weft_contexts_intern(contexts, outlet, WEFT_SLICE_EMPTY, scopes[1], &b) == WEFT_OK);
    ck_assert_uint_ne(a, b);
    ck_assert(weft_contexts_intern(contexts, outlet, WEFT_SLICE_EMPTY, scopes[1], &again) == WEFT_OK);
    ck_assert_uint_eq(again, b);
    weft_contexts_unref(contexts, a, 1);
    ck_assert_uint_eq(weft_contexts_at(contexts, b)->outlet, outlet);
    ck_assert(weft_slice_equal(weft_contexts_at(contexts, b)->scope, scopes[1]));
    weft_contexts_unref(contexts, b, 2);
}

/* A context's key is two digests under the secret, the outlet's number mixed into the low half of the second: whoever
 * knows the secret finds scopes that agree in the high half, and outlets that do the rest. */
START_TEST(test_contexts_with_the_same_digest_are_told_apart)
{
    enum { COUNT = 400000 };
    static uint64_t hashes[COUNT][2];
    struct weft_contexts *contexts = weft_contexts_new(&budget, &secret);
    char text[32];
    unsigned pairs = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        hashes[i][0] = weft_hash(&secret, number_text(text, i));
        hashes[i][1] = i;
    }
    qsort(hashes, COUNT, sizeof hashes[0], compare_hashes);
    for (uint32_t i = 1; i < COUNT; i++) {
        if (hashes[i][0] >> 32 == hashes[i - 1][0] >> 32) {
            expect_told_apart(contexts, hashes[i - 1], hashes[i]);
            pairs++;
        }
    }
    ck_assert_uint_gt(pairs, 0);
    weft_contexts_free(contexts);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}
END_TEST

START_TEST(test_without_memory_nothing_has_changed)
{
    struct weft_contexts *contexts = weft_contexts_new(&budget, &secret);
    uint32_t context = 0;
    unsigned failures = 0;
    for (uint64_t at = 1; at < 6; at++) {
        weft_alloc_fail_at(at);
        enum weft_status status =
            weft_contexts_intern(contexts, 0, WEFT_SLICE_LITERAL(A), WEFT_SLICE_LITERAL(B), &context);
        weft_alloc_fail_at(0);
        if (status == WEFT_OK) {
            ck_assert_uint_eq(weft_contexts_at(contexts, context)->references, 1);
            weft_contexts_unref(contexts, context, 1);
        } else {
            ck_assert_int_eq(status, WEFT_NOMEM);
            failures++;
        }
    }
    ck_assert_uint_gt(failures, 0);
    weft_contexts_free(contexts);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}
END_TEST

START_TEST(test_names_are_kept_until_there_are_too_many)
{
    struct weft_names *names = weft_names_new(&budget, &secret);
    char text[32];
    ck_assert_uint_eq(weft_names_intern(names, WEFT_SLICE_EMPTY), WEFT_NAME_NONE);
    ck_assert_uint_eq(weft_names_at(names, WEFT_NAME_NONE).length, 0);
    for (uint32_t i = 0; i < 2 * WEFT_NAMES_MAX; i++) {
        uint32_t name = weft_names_intern(names, number_text(text, i));
        ck_assert_uint_ne(name, WEFT_NAME_NONE);
        if (name != WEFT_NAME_OTHER) {
            ck_assert_uint_lt(i, WEFT_NAMES_MAX);
            ck_assert(weft_slice_equal(weft_names_at(names, name), number_text(text, i)));
        } else {
            ck_assert_uint_ge(i, WEFT_NAMES_MAX - 2);
            ck_assert(weft_slice_equal_text(weft_names_at(names, name), "other"));
        }
    }
    for (uint32_t i = 0; i < WEFT_NAMES_MAX - 2; i += 100) {
        uint32_t name = weft_names_intern(names, number_text(text, i));
        ck_assert(weft_slice_equal(weft_names_at(names, name), number_text(text, i)));
    }
    ck_assert(weft_slice_equal_text(weft_names_at(names, UINT32_MAX), "other"));
    weft_names_free(names);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}
END_TEST

START_TEST(test_a_long_name_is_cut)
{
    struct weft_names *names = weft_names_new(&budget, &secret);
    uint8_t text[WEFT_NAME_BYTES_MAX + 10];
    memset(text, 'n', sizeof text);
    uint32_t name = weft_names_intern(names, weft_slice_of(text, sizeof text));
    ck_assert_uint_eq(weft_names_at(names, name).length, WEFT_NAME_BYTES_MAX);
    ck_assert_uint_eq(weft_names_intern(names, weft_slice_of(text, WEFT_NAME_BYTES_MAX)), name);
    weft_alloc_fail_at(1);
    uint32_t other = weft_names_intern(names, WEFT_SLICE_LITERAL("one more"));
    weft_alloc_fail_at(0);
    ck_assert(other == WEFT_NAME_OTHER || weft_slice_equal_text(weft_names_at(names, other), "one more"));
    weft_names_free(names);
}
END_TEST

int main(void)
{
    weft_hash_secret_init(&secret);
    Suite *suite = suite_create("join/contexts");
    TCase *tests = tcase_create("contexts");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_what_differs_has_another_number);
    tcase_add_test(tests, test_the_last_reference_gives_the_memory_back);
    tcase_add_test(tests, test_contexts_with_the_same_digest_are_told_apart);
    tcase_add_test(tests, test_without_memory_nothing_has_changed);
    tcase_add_test(tests, test_names_are_kept_until_there_are_too_many);
    tcase_add_test(tests, test_a_long_name_is_cut);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
