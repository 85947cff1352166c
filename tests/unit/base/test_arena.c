/* Arena: what is handed out is aligned, disjoint and never moved, whatever the sizes. */
#include "base/base_test.h"

#include <stdalign.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/thread.h"

START_TEST(test_pieces_are_disjoint_aligned_and_stay)
{
    enum { PIECES = 3000 };
    static uint8_t *pieces[PIECES];
    static size_t lengths[PIECES];
    struct weft_arena *arena = weft_arena_try_new();
    ck_assert_ptr_nonnull(arena);
    uint64_t random = 11;
    for (size_t i = 0; i < PIECES; i++) {
        lengths[i] = base_test_random(&random) % (i % 50 == 0 ? 60000 : 200);
        bool is_aligned = base_test_random(&random) % 2 == 0;
        pieces[i] = is_aligned ? weft_arena_try_alloc(arena, lengths[i]) : weft_arena_try_bytes(arena, lengths[i]);
        ck_assert_ptr_nonnull(pieces[i]);
        ck_assert(!is_aligned || (uintptr_t)pieces[i] % alignof(max_align_t) == 0);
        memset(pieces[i], (int)(i & 0xff), lengths[i]);
    }
    size_t total = 0;
    for (size_t i = 0; i < PIECES; i++) {
        for (size_t at = 0; at < lengths[i]; at++) {
            BASE_TEST_EXPECT(pieces[i][at] == (i & 0xff));
        }
        total += lengths[i];
    }
    ck_assert_uint_ge(weft_arena_size_bytes(arena), total);
    ck_assert_uint_le(weft_arena_size_bytes(arena), 3 * total + 65536);
    weft_arena_unref(&arena);
    ck_assert_ptr_null(arena);
}
END_TEST

START_TEST(test_bytes_are_handed_out_without_gaps)
{
    struct weft_arena *arena = weft_arena_try_new();
    uint8_t *first = weft_arena_try_bytes(arena, 3);
    uint8_t *second = weft_arena_try_bytes(arena, 5);
    ck_assert_ptr_eq(second, first + 3);
    weft_arena_unref(&arena);
}
END_TEST

START_TEST(test_neighbours_are_what_was_handed_out_of_a_chunk)
{
    struct weft_arena *under = weft_arena_try_new();
    uint8_t *first = weft_arena_try_bytes(under, 3);
    struct weft_arena *arena = weft_arena_try_new_over(under, 16);
    ck_assert_uint_eq(weft_arena_neighbours(arena, first + 3).length, 0);
    uint8_t *second = weft_arena_try_bytes(under, 5);
    struct weft_slice neighbours = weft_arena_neighbours(arena, second);
    ck_assert_ptr_eq(neighbours.bytes, first);
    ck_assert_uint_eq(neighbours.length, 8);
    uint8_t *third = weft_arena_try_bytes(arena, 16);
    uint8_t *fourth = weft_arena_try_bytes(arena, 16); /* of another chunk */
    ck_assert_ptr_eq(weft_arena_neighbours(arena, third).bytes, third);
    ck_assert_ptr_eq(weft_arena_neighbours(arena, fourth).bytes, fourth);
    ck_assert_uint_eq(weft_arena_neighbours(under, third).length, 0);
    ck_assert_uint_eq(weft_arena_neighbours(arena, NULL).length, 0);
    weft_arena_unref(&under);
    weft_arena_unref(&arena);
}
END_TEST

START_TEST(test_last_reference_frees)
{
    struct weft_arena *arena = weft_arena_try_new();
    struct weft_arena *shared = weft_arena_ref(arena);
    char *text = weft_arena_try_alloc(arena, 6);
    memcpy(text, "alive", 6);
    weft_arena_unref(&arena);
    ck_assert_str_eq(text, "alive");
    weft_arena_unref(&shared);
    ck_assert_ptr_null(shared);
    weft_arena_unref(&shared);
}
END_TEST

START_TEST(test_impossible_sizes_are_refused)
{
    struct weft_arena *arena = weft_arena_try_new();
    void *piece = weft_arena_try_alloc(arena, SIZE_MAX);
    ck_assert_ptr_null(piece);
    piece = weft_arena_try_bytes(arena, SIZE_MAX / 2);
    ck_assert_ptr_null(piece);
    piece = weft_arena_try_bytes(arena, 1);
    ck_assert_ptr_nonnull(piece);
    weft_arena_unref(&arena);
}
END_TEST

START_TEST(test_failed_chunk_leaves_the_arena_usable)
{
    weft_alloc_fail_at(1);
    struct weft_arena *arena = weft_arena_try_new();
    ck_assert_ptr_null(arena);
    arena = weft_arena_try_new();
    for (size_t nth = 1; nth <= 3; nth++) {
        size_t size_before = weft_arena_size_bytes(arena);
        weft_alloc_fail_at(1);
        void *piece = weft_arena_try_alloc(arena, 100000);
        ck_assert_ptr_null(piece);
        ck_assert(weft_alloc_has_failed());
        weft_alloc_fail_at(0);
        ck_assert_uint_eq(weft_arena_size_bytes(arena), size_before);
        uint8_t *after = weft_arena_try_alloc(arena, 100000);
        ck_assert_ptr_nonnull(after);
        memset(after, 1, 100000);
    }
    weft_arena_unref(&arena);
}
END_TEST

START_TEST(test_budget_is_charged_by_chunk_and_gets_all_back)
{
    struct weft_budget budget = { 0 };
    struct weft_arena *arena = weft_arena_try_new_charged(&budget, 200);
    size_t first = weft_arena_size_bytes(arena);
    ck_assert_uint_eq(weft_budget_reserved(&budget), first);
    ck_assert_uint_lt(first, 200 + 200);
    ck_assert_ptr_nonnull(weft_arena_try_bytes(arena, 200));
    ck_assert_uint_eq(weft_arena_size_bytes(arena), first);
    size_t asked = 0;
    for (size_t i = 0; i < 1000; i++) {
        size_t size = i % 100 == 0 ? 30000 : i;
        ck_assert_ptr_nonnull(weft_arena_try_bytes(arena, size));
        asked += size;
        ck_assert_uint_eq(weft_budget_reserved(&budget), weft_arena_size_bytes(arena));
        ck_assert_uint_ge(weft_budget_reserved(&budget), asked);
        ck_assert_uint_le(weft_budget_reserved(&budget), first + 3 * asked + 1024);
    }
    struct weft_arena *shared = weft_arena_ref(arena);
    weft_arena_unref(&arena);
    ck_assert_uint_ge(weft_budget_reserved(&budget), asked);
    weft_arena_unref(&shared);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}
END_TEST

/* A charge never fails: who keeps to the limit looks before it takes. */
START_TEST(test_arena_may_pass_the_limit)
{
    struct weft_budget budget = { 0 };
    struct weft_budget_limit limit = { .bytes = 1000 };
    weft_budget_add_limit(&budget, &limit);
    struct weft_arena *arena = weft_arena_try_new_charged(&budget, 0);
    ck_assert_ptr_nonnull(weft_arena_try_bytes(arena, 5000));
    ck_assert_uint_gt(weft_budget_reserved(&budget), limit.bytes);
    ck_assert(weft_budget_is_overdrawn(&budget));
    weft_arena_unref(&arena);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
    weft_budget_remove_limit(&budget, &limit);
}
END_TEST

START_TEST(test_what_lies_under_stays_until_the_last_over_it_is_gone)
{
    struct weft_budget budget = { 0 };
    struct weft_arena *under = weft_arena_try_new_charged(&budget, 0);
    char *text = weft_arena_try_alloc(under, 6);
    memcpy(text, "alive", 6);
    struct weft_arena *over = weft_arena_try_new_over(under, 100), *top = weft_arena_try_new_over(over, 0);
    size_t under_bytes = weft_arena_size_bytes(under);
    weft_arena_unref(&under);
    weft_arena_unref(&over);
    ck_assert_str_eq(text, "alive");
    ck_assert_uint_gt(weft_budget_reserved(&budget), under_bytes);
    weft_arena_unref(&top);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}
END_TEST

static void ref(void *context)
{
    weft_arena_ref(*(struct weft_arena **)context);
}

static void unref(void *context)
{
    weft_arena_unref(context);
}

static void add_chunk(void *context)
{
    ck_assert_ptr_nonnull(weft_arena_try_alloc(*(struct weft_arena **)context, 1 << 20));
}

static void lay_over(void *context)
{
    ck_assert_ptr_nonnull(weft_arena_try_new_over(*(struct weft_arena **)context, 0));
}

static weft_thread_fn foreign_call;

static void call_on_another_thread(void *context)
{
    weft_thread_join(weft_thread_start("foreign", foreign_call, context));
}

START_TEST(test_only_the_maker_counts_and_takes)
{
    struct weft_arena *arena = weft_arena_try_new();
    weft_thread_fn calls[] = { ref, unref, add_chunk, lay_over };
    for (size_t i = 0; i < WEFT_COUNT_OF(calls); i++) {
        struct weft_arena *lent = arena;
        foreign_call = calls[i];
        ck_assert(base_test_aborts(call_on_another_thread, &lent));
        ck_assert(!base_test_aborts(calls[i], &lent));
    }
    weft_arena_unref(&arena);
}
END_TEST

/* Like an arena in all but its magic. */
START_TEST(test_what_is_no_arena_is_noticed)
{
    max_align_t copy[2];
    struct weft_arena *arena = weft_arena_try_new(), *other = (void *)copy;
    memcpy(copy, arena, sizeof copy);
    weft_arena_ref(other);
    memset(copy, 0, sizeof(uint32_t));
    ck_assert(base_test_aborts(unref, &other));
    ck_assert(base_test_aborts(ref, &other));
    weft_arena_unref(&arena);
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_pieces_are_disjoint_aligned_and_stay),
        BASE_TEST(test_bytes_are_handed_out_without_gaps),
        BASE_TEST(test_neighbours_are_what_was_handed_out_of_a_chunk),
        BASE_TEST(test_last_reference_frees),
        BASE_TEST(test_impossible_sizes_are_refused),
        BASE_TEST(test_failed_chunk_leaves_the_arena_usable),
        BASE_TEST(test_budget_is_charged_by_chunk_and_gets_all_back),
        BASE_TEST(test_arena_may_pass_the_limit),
        BASE_TEST(test_what_lies_under_stays_until_the_last_over_it_is_gone),
        BASE_TEST(test_only_the_maker_counts_and_takes),
        BASE_TEST(test_what_is_no_arena_is_noticed),
    };
    return BASE_TEST_RUN("arena", tests);
}
