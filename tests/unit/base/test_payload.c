/* Payload pool: blocks come back and are used again, the budget counts what is resident, growth keeps contents. */
#include "base/base_test.h"

#include <string.h>

#include "base/alloc.h"
#include "base/payload.h"
#include "base/thread.h"

START_TEST(test_budget_counts_pages_of_bytes_that_arrived)
{
    struct weft_budget budget = { 0 };
    struct weft_payload_pool *pool = weft_payload_pool_new(&budget, 1 << 20);
    struct weft_payload *payload = weft_payload_try_new(pool, 100000);
    ck_assert_ptr_nonnull(payload);
    ck_assert_uint_ge(payload->capacity, 100000);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
    weft_payload_append(payload, "12345", 5);
    payload->bytes[5] = '6';
    weft_payload_commit(payload, 1);
    ck_assert(weft_slice_equal_text(weft_payload_slice(payload), "123456"));
    ck_assert_uint_eq(weft_budget_reserved(&budget), 4096);
    struct weft_payload *shared = weft_payload_ref(payload);
    weft_payload_unref(&payload);
    ck_assert_ptr_null(payload);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 4096);
    weft_payload_unref(&shared);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
    weft_payload_unref(&shared);
    weft_payload_pool_free(pool);
}
END_TEST

START_TEST(test_capacity_wastes_at_most_a_fifth_of_the_block)
{
    struct weft_budget budget = { 0 };
    struct weft_payload_pool *pool = weft_payload_pool_new(&budget, 0);
    for (size_t capacity = 4096; capacity < (size_t)80 << 20; capacity += capacity / 11 + 1) {
        for (size_t offset = 0; offset < 3; offset++) {
            struct weft_payload *payload = weft_payload_try_new(pool, capacity - 1 + offset);
            BASE_TEST_EXPECT(payload != NULL && payload->capacity >= capacity - 1 + offset);
            BASE_TEST_EXPECT(payload->capacity - (capacity - 1 + offset) <= payload->capacity / 5 + 1);
            weft_payload_unref(&payload);
        }
    }
    weft_payload_pool_free(pool);
}
END_TEST

START_TEST(test_warmest_block_is_used_again)
{
    struct weft_budget budget = { 0 };
    struct weft_payload_pool *pool = weft_payload_pool_new(&budget, 1 << 20);
    struct weft_payload *first = weft_payload_try_new(pool, 50000);
    struct weft_payload *second = weft_payload_try_new(pool, 50000);
    uint8_t *first_bytes = first->bytes;
    uint8_t *second_bytes = second->bytes;
    weft_payload_append(first, "old", 3);
    weft_payload_unref(&first);
    weft_payload_unref(&second);
    struct weft_payload *again = weft_payload_try_new(pool, 49999);
    ck_assert_ptr_eq(again->bytes, second_bytes);
    struct weft_payload *before = weft_payload_try_new(pool, 49999);
    ck_assert_ptr_eq(before->bytes, first_bytes);
    ck_assert_uint_eq(before->length, 0);
    ck_assert_uint_eq(before->references, 1);
    weft_payload_unref(&again);
    weft_payload_unref(&before);
    weft_payload_pool_trim(pool);
    struct weft_payload *fresh = weft_payload_try_new(pool, 50000);
    ck_assert_ptr_nonnull(fresh);
    weft_payload_unref(&fresh);
    weft_payload_pool_free(pool);
}
END_TEST

/* A block that would exceed the idle limit goes to the system: the next one then is an allocation, which can fail. */
START_TEST(test_idle_bytes_are_bounded)
{
    struct weft_budget budget = { 0 };
    struct weft_payload_pool *pool = weft_payload_pool_new(&budget, 16384);
    struct weft_payload *blocks[4];
    for (size_t i = 0; i < 4; i++) {
        blocks[i] = weft_payload_try_new(pool, 8192);
        ck_assert_ptr_nonnull(blocks[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        weft_payload_unref(&blocks[i]);
    }
    /* However often a block goes out and in, there is room for it. */
    for (size_t i = 0; i < 100; i++) {
        weft_alloc_fail_at(1);
        struct weft_payload *block = weft_payload_try_new(pool, 8192);
        ck_assert_ptr_nonnull(block);
        weft_payload_unref(&block);
    }
    for (size_t i = 0; i < 3; i++) {
        weft_alloc_fail_at(1);
        blocks[i] = weft_payload_try_new(pool, 8192);
        ck_assert_int_eq(blocks[i] == NULL, i == 2);
    }
    weft_alloc_fail_at(0);
    weft_payload_unref(&blocks[0]);
    weft_payload_unref(&blocks[1]);
    weft_payload_pool_free(pool);
}
END_TEST

/* A block that was full before costs its pages again, however little is in it now. */
START_TEST(test_budget_counts_what_a_used_block_has_resident)
{
    struct weft_budget budget = { 0 };
    struct weft_payload_pool *pool = weft_payload_pool_new(&budget, 1 << 20);
    uint8_t bytes[9000] = { 0 };
    struct weft_payload *payload = weft_payload_try_new(pool, 14336);
    weft_payload_append(payload, bytes, 9000);
    weft_payload_unref(&payload);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
    payload = weft_payload_try_new(pool, 14336);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 12288);
    weft_payload_append(payload, bytes, 10);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 12288);
    weft_payload_append(payload, bytes, 9000);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 12288);
    weft_payload_append(payload, bytes, 3290);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 14336); /* the block's end comes before its page's */
    /* Growth trades blocks, and what each has resident goes with it. */
    ck_assert_int_eq(weft_payload_reserve(payload, 100000), WEFT_OK);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 16384);
    weft_payload_append(payload, bytes, 4096);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 20480);
    struct weft_payload *small = weft_payload_try_new(pool, 14336);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 20480 + 14336);
    weft_payload_unref(&small);
    weft_payload_unref(&payload);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
    weft_payload_pool_free(pool);
}
END_TEST

static bool is_block_idle(struct weft_payload_pool *pool)
{
    weft_alloc_fail_at(1);
    struct weft_payload *payload = weft_payload_try_new(pool, 8192);
    weft_alloc_fail_at(0);
    bool is_idle = payload != NULL;
    weft_payload_unref(&payload);
    return is_idle;
}

START_TEST(test_idle_blocks_that_nobody_needs_go)
{
    enum { RUSH = 10, USUAL = 3, BLOCK = 16384 };
    struct weft_budget budget = { 0 };
    struct weft_payload_pool *pool = weft_payload_pool_new(&budget, 1 << 24);
    struct weft_payload *payloads[RUSH];
    for (size_t i = 0; i < RUSH; i++) {
        payloads[i] = weft_payload_try_new(pool, BLOCK);
    }
    for (size_t i = 0; i < RUSH; i++) {
        weft_payload_unref(&payloads[i]);
    }
    ck_assert_uint_eq(weft_payload_pool_age(pool), 0); /* they have only just come back */
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < USUAL; i++) {
            payloads[i] = weft_payload_try_new(pool, BLOCK);
        }
        for (size_t i = 0; i < USUAL; i++) {
            weft_payload_unref(&payloads[i]);
        }
        ck_assert_uint_eq(weft_payload_pool_age(pool), round == 0 ? (RUSH - USUAL) * BLOCK : 0);
    }
    payloads[0] = weft_payload_try_new(pool, BLOCK);
    weft_payload_unref(&payloads[0]);
    ck_assert_uint_eq(weft_payload_pool_age(pool), (USUAL - 1) * BLOCK);
    ck_assert_uint_eq(weft_payload_pool_age(pool), BLOCK);
    ck_assert_uint_eq(weft_payload_pool_age(pool), 0);
    weft_payload_pool_free(pool);
}
END_TEST

START_TEST(test_no_idle_block_is_kept_above_the_limit)
{
    struct weft_budget budget = { 0 };
    struct weft_budget_limit limit = { .bytes = 100000 };
    weft_budget_add_limit(&budget, &limit);
    struct weft_payload_pool *pool = weft_payload_pool_new(&budget, 1 << 20);
    struct weft_payload *payload = weft_payload_try_new(pool, 8192);
    weft_budget_charge(&budget, 95000);
    weft_payload_unref(&payload);
    ck_assert(!is_block_idle(pool));
    weft_budget_release(&budget, 10000);
    payload = weft_payload_try_new(pool, 8192);
    weft_payload_unref(&payload);
    ck_assert(is_block_idle(pool));
    weft_payload_pool_free(pool);
}
END_TEST

START_TEST(test_reserve_keeps_contents_and_pointer)
{
    struct weft_budget budget = { 0 };
    struct weft_payload_pool *pool = weft_payload_pool_new(&budget, 1 << 20);
    struct weft_payload *payload = weft_payload_try_new(pool, 0);
    size_t length = 0;
    while (length < 300000) {
        ck_assert_int_eq(weft_payload_reserve(payload, length + 700), WEFT_OK);
        uint8_t piece[700];
        memset(piece, (int)(length / 700 & 0xff), sizeof piece);
        weft_payload_append(payload, piece, sizeof piece);
        length += sizeof piece;
    }
    ck_assert_uint_eq(payload->length, length);
    ck_assert_uint_eq(weft_budget_reserved(&budget), (length + 4095) / 4096 * 4096);
    for (size_t i = 0; i < length; i++) {
        BASE_TEST_EXPECT(payload->bytes[i] == (i / 700 & 0xff));
    }
    size_t capacity = payload->capacity;
    ck_assert_int_eq(weft_payload_reserve(payload, 10), WEFT_OK);
    ck_assert_uint_eq(payload->capacity, capacity);
    weft_payload_unref(&payload);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
    weft_payload_pool_free(pool);
}
END_TEST

START_TEST(test_every_allocation_may_fail)
{
    bool has_failed = true;
    for (size_t nth = 1; has_failed; nth++) {
        struct weft_budget budget = { 0 };
        struct weft_payload_pool *pool = weft_payload_pool_new(&budget, 1 << 20);
        weft_alloc_fail_at(nth);
        struct weft_payload *payload = weft_payload_try_new(pool, 100);
        enum weft_status status = WEFT_NOMEM;
        if (payload != NULL) {
            weft_payload_append(payload, "kept", 4);
            size_t capacity = payload->capacity;
            status = weft_payload_reserve(payload, 100000);
            ck_assert(status == WEFT_OK || payload->capacity == capacity);
            ck_assert(weft_slice_equal_text(weft_payload_slice(payload), "kept"));
        }
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_int_eq(status, has_failed ? WEFT_NOMEM : WEFT_OK);
        weft_payload_unref(&payload);
        ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
        weft_payload_pool_free(pool);
    }
}
END_TEST

static void unref_twice(void *context)
{
    struct weft_payload *payload = weft_payload_try_new(context, 100);
    struct weft_payload *again = payload;
    weft_payload_unref(&payload);
    weft_payload_unref(&again);
}

static void unref_with_a_count_of_its_own(void *context)
{
    struct weft_payload *payload = weft_payload_try_new(context, 100);
    struct weft_payload *again = payload;
    weft_payload_unref(&payload);
    again->references = 1; /* as someone may write who has a pointer left */
    weft_payload_unref(&again);
}

static void ref_what_is_gone(void *context)
{
    struct weft_payload *payload = weft_payload_try_new(context, 100);
    struct weft_payload *again = payload;
    weft_payload_unref(&payload);
    weft_payload_ref(again);
}

START_TEST(test_payload_that_is_gone_is_noticed)
{
    struct weft_budget budget = { 0 };
    struct weft_payload_pool *pool = weft_payload_pool_new(&budget, 1 << 20);
    ck_assert(base_test_aborts(unref_twice, pool));
    ck_assert(base_test_aborts(unref_with_a_count_of_its_own, pool));
    ck_assert(base_test_aborts(ref_what_is_gone, pool));
    weft_payload_pool_free(pool);
}
END_TEST

static void ref(void *context)
{
    struct weft_payload **payload = context;
    weft_payload_ref(*payload);
}

static void unref(void *context)
{
    struct weft_payload **payload = context;
    weft_payload_unref(payload);
}

static void take(void *context)
{
    struct weft_payload **payload = context;
    ck_assert_ptr_nonnull(weft_payload_try_new((*payload)->pool, 1));
}

static weft_thread_fn foreign_call;

static void call_on_another_thread(void *context)
{
    weft_thread_join(weft_thread_start("foreign", foreign_call, context));
}

START_TEST(test_only_the_owner_counts_references)
{
    struct weft_budget budget = { 0 };
    struct weft_payload_pool *pool = weft_payload_pool_new(&budget, 1 << 20);
    struct weft_payload *payload = weft_payload_try_new(pool, 100);
    weft_thread_fn calls[] = { ref, unref, take };
    for (size_t i = 0; i < WEFT_COUNT_OF(calls); i++) {
        struct weft_payload *lent = payload;
        foreign_call = calls[i];
        ck_assert(base_test_aborts(call_on_another_thread, &lent));
        ck_assert(!base_test_aborts(calls[i], &lent));
    }
    weft_payload_unref(&payload);
    weft_payload_pool_free(pool);
}
END_TEST

static void own_and_use(void *context)
{
    struct weft_payload **payload = context;
    weft_payload_pool_own((*payload)->pool);
    struct weft_payload *shared = weft_payload_ref(*payload);
    weft_payload_unref(&shared);
}

/* As a worker does: built on one thread, run on another, freed on the first. */
START_TEST(test_pool_changes_its_owner)
{
    struct weft_budget budget = { 0 };
    struct weft_payload_pool *pool = weft_payload_pool_new(&budget, 1 << 20);
    struct weft_payload *payload = weft_payload_try_new(pool, 100);
    weft_thread_join(weft_thread_start("owner", own_and_use, &payload));
    weft_payload_pool_own(pool);
    weft_payload_unref(&payload);
    weft_payload_pool_free(pool);
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_budget_counts_pages_of_bytes_that_arrived),
        BASE_TEST(test_capacity_wastes_at_most_a_fifth_of_the_block),
        BASE_TEST(test_warmest_block_is_used_again),
        BASE_TEST(test_idle_bytes_are_bounded),
        BASE_TEST(test_idle_blocks_that_nobody_needs_go),
        BASE_TEST(test_budget_counts_what_a_used_block_has_resident),
        BASE_TEST(test_no_idle_block_is_kept_above_the_limit),
        BASE_TEST(test_reserve_keeps_contents_and_pointer),
        BASE_TEST(test_every_allocation_may_fail),
        BASE_TEST(test_payload_that_is_gone_is_noticed),
        BASE_TEST(test_only_the_owner_counts_references),
        BASE_TEST(test_pool_changes_its_owner),
    };
    return BASE_TEST_RUN("payload", tests);
}
