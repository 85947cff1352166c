/* Verdicts: the oldest goes first, and known, forgotten and not seen are told apart. */
#include "join/verdicts.h"

#include <check.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "pipeline/pipeline_test.h"
#include "suite.h"

static struct weft_hash_secret secret;

/* Ids that differ in a few bytes; odd kinds were never decided. */
static void make_id(uint8_t *id, uint32_t number, uint32_t kind)
{
    memset(id, 0x5a, 16);
    memcpy(id + 8, &number, sizeof number);
    memcpy(id + 12, &kind, sizeof kind);
}

static void add(struct weft_verdicts *verdicts, uint32_t number)
{
    uint8_t id[16];
    make_id(id, number, 0);
    struct weft_verdict *verdict =
        weft_verdicts_add(verdicts, id, weft_hash(&secret, weft_slice_of(id, WEFT_TRACE_ID_BYTES)));
    ck_assert_ptr_nonnull(verdict);
    verdict->span_count = number;
    verdict->decided.ns = (int64_t)number + 1;
}

START_TEST(test_the_oldest_goes_first)
{
    struct weft_verdicts *verdicts = weft_verdicts_new(&budget, &secret, 65536);
    uint8_t id[16];
    uint32_t number = 0;
    for (; number == weft_verdicts_count(verdicts); number++) {
        add(verdicts, number);
    }
    uint32_t count = (uint32_t)weft_verdicts_count(verdicts);
    ck_assert_uint_gt(count, 100);
    for (; number < 5 * count; number++) {
        add(verdicts, number);
        ck_assert_uint_eq(weft_verdicts_count(verdicts), count);
        make_id(id, number - count, 0);
        ck_assert_ptr_null(weft_verdicts_find(verdicts, id));
        make_id(id, number - count + 1, 0);
        ck_assert_uint_eq(weft_verdicts_find(verdicts, id)->span_count, number - count + 1);
        ck_assert_int_eq(weft_verdicts_oldest(verdicts, (struct weft_wall){ -1 }).ns, number - count + 2);
    }
    weft_verdicts_free(verdicts);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}
END_TEST

START_TEST(test_a_second_verdict_on_a_trace_takes_the_place_of_the_first)
{
    struct weft_verdicts *verdicts = weft_verdicts_new(&budget, &secret, 65536);
    ck_assert_int_eq(weft_verdicts_oldest(verdicts, (struct weft_wall){ -1 }).ns, -1);
    add(verdicts, 1);
    add(verdicts, 1);
    ck_assert_uint_eq(weft_verdicts_count(verdicts), 1);
    weft_verdicts_free(verdicts);
}
END_TEST

/* 200,000 decided, 10,000 of them and 10,000 others asked for. */
START_TEST(test_known_forgotten_and_not_seen_are_told_apart)
{
    enum { DECIDED = 200000, ASKED = 10000, BYTES = 16 << 20 };
    struct weft_verdicts *verdicts = weft_verdicts_new(&budget, &secret, BYTES);
    for (uint32_t i = 0; i < DECIDED; i++) {
        add(verdicts, i);
    }
    ck_assert_uint_le(weft_budget_reserved(&budget), BYTES + (BYTES / 8));
    uint32_t first_known = DECIDED - (uint32_t)weft_verdicts_count(verdicts);
    ck_assert_uint_gt(first_known, 0);
    unsigned wrong = 0;
    uint64_t random = 88172645463325252;
    for (unsigned i = 0; i < ASKED; i++) {
        uint8_t id[16];
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        uint32_t number = (uint32_t)(random >> 33) % DECIDED;
        make_id(id, number, 0);
        ck_assert_int_eq(weft_verdicts_find(verdicts, id) != NULL, number >= first_known);
        if (number < first_known) {
            ck_assert_int_eq(weft_verdicts_remember(verdicts, id), WEFT_VERDICT_FORGOTTEN);
        }
        make_id(id, number, 1 + i);
        ck_assert_ptr_null(weft_verdicts_find(verdicts, id));
        enum weft_verdict_memory memory = weft_verdicts_remember(verdicts, id);
        ck_assert_int_ne(memory, WEFT_VERDICT_UNKNOWN);
        wrong += memory != WEFT_VERDICT_NEVER;
    }
    printf("%zu verdicts in %d bytes; %u of %d that never were are said to be forgotten\n",
           weft_verdicts_count(verdicts), BYTES, wrong, ASKED);
    ck_assert_uint_lt(wrong, ASKED / 50);
    weft_verdicts_free(verdicts);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}
END_TEST

/* As full as filters get: still below one error in fifty, and then nobody can tell. */
START_TEST(test_full_filters_are_right_and_say_when_they_have_lost)
{
    enum { BYTES = 1 << 20, ASKED = 20000 };
    struct weft_verdicts *verdicts = weft_verdicts_new(&budget, &secret, BYTES);
    uint8_t id[16];
    uint32_t number = 0;
    unsigned worst = 0;
    make_id(id, 7, 1);
    for (; number < 400000; number++) {
        add(verdicts, number);
        if (number % 2000 != 0 || weft_verdicts_remember(verdicts, id) == WEFT_VERDICT_UNKNOWN) {
            continue;
        }
        unsigned wrong = 0;
        for (uint32_t i = 0; i < ASKED; i++) {
            uint8_t other[16];
            make_id(other, i, 2 + number);
            wrong += weft_verdicts_remember(verdicts, other) == WEFT_VERDICT_FORGOTTEN;
        }
        worst = wrong > worst ? wrong : worst;
    }
    printf("at worst %u of %d are said to be forgotten that never were\n", worst, ASKED);
    ck_assert_uint_lt(worst, ASKED / 20);
    for (uint32_t i = 0; i < 20; i++) {
        make_id(id, i, 1);
        ck_assert_int_ne(weft_verdicts_remember(verdicts, id), WEFT_VERDICT_NEVER);
    }
    weft_verdicts_free(verdicts);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}
END_TEST

START_TEST(test_without_memory_a_verdict_is_not_remembered)
{
    struct weft_verdicts *verdicts = weft_verdicts_new(&budget, &secret, 65536);
    uint8_t id[16];
    make_id(id, 1, 0);
    weft_alloc_fail_at(1);
    struct weft_verdict *verdict =
        weft_verdicts_add(verdicts, id, weft_hash(&secret, weft_slice_of(id, WEFT_TRACE_ID_BYTES)));
    weft_alloc_fail_at(0);
    ck_assert(verdict == NULL || weft_verdicts_find(verdicts, id) == verdict);
    for (uint32_t number = 2; number < 3000; number++) {
        add(verdicts, number);
    }
    weft_verdicts_free(verdicts);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}
END_TEST

int main(void)
{
    weft_hash_secret_init(&secret);
    Suite *suite = suite_create("join/verdicts");
    TCase *tests = tcase_create("verdicts");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_the_oldest_goes_first);
    tcase_add_test(tests, test_a_second_verdict_on_a_trace_takes_the_place_of_the_first);
    tcase_add_test(tests, test_known_forgotten_and_not_seen_are_told_apart);
    tcase_add_test(tests, test_full_filters_are_right_and_say_when_they_have_lost);
    tcase_add_test(tests, test_without_memory_a_verdict_is_not_remembered);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
