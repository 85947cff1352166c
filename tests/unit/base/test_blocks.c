/* Blocks: disjoint, in place, as large as asked for; chunks come and go with them, and the budget knows. */
#include "base/base_test.h"

#include <string.h>

#include "base/alloc.h"
#include "base/blocks.h"

enum { CHUNK_BYTES = 32 * 1024, HELD = 3000 };

struct held {
    weft_block_id id;
    size_t size_bytes;
    uint8_t mark;
};

static struct held held[HELD];

static void take(struct weft_blocks *blocks, struct held *slot, uint64_t *random)
{
    slot->size_bytes = 1 + base_test_random(random) % (base_test_random(random) % 8 == 0 ? WEFT_BLOCK_BYTES_MAX : 900);
    slot->mark = (uint8_t)base_test_random(random);
    BASE_TEST_EXPECT(weft_blocks_take(blocks, slot->size_bytes, &slot->id) == WEFT_OK);
    BASE_TEST_EXPECT(slot->id != 0);
    uint8_t *bytes = weft_blocks_at(blocks, slot->id);
    BASE_TEST_EXPECT((uintptr_t)bytes % 16 == 0);
    memset(bytes, slot->mark, slot->size_bytes);
}

static void give(struct weft_blocks *blocks, struct held *slot)
{
    const uint8_t *bytes = weft_blocks_at(blocks, slot->id);
    for (size_t i = 0; i < slot->size_bytes; i++) {
        BASE_TEST_EXPECT(bytes[i] == slot->mark);
    }
    weft_blocks_give(blocks, slot->id);
    slot->id = 0;
}

START_TEST(test_blocks_are_disjoint_and_stay)
{
    struct weft_budget budget = { 0 };
    struct weft_blocks *blocks = weft_blocks_new(&budget);
    uint64_t random = 5;
    memset(held, 0, sizeof held);
    for (size_t step = 0; step < 100000; step++) {
        struct held *slot = &held[base_test_random(&random) % HELD];
        if (slot->id == 0) {
            take(blocks, slot, &random);
        } else {
            give(blocks, slot);
        }
        BASE_TEST_EXPECT(weft_budget_reserved(&budget) == weft_blocks_size_bytes(blocks));
    }
    for (size_t i = 0; i < HELD; i++) {
        if (held[i].id != 0) {
            give(blocks, &held[i]);
        }
    }
    ck_assert_uint_le(weft_blocks_chunk_count(blocks), 2);
    weft_blocks_trim(blocks);
    ck_assert_uint_eq(weft_blocks_chunk_count(blocks), 0);
    weft_blocks_free(blocks);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}
END_TEST

/* Half a chunk of each of 80 sizes and what its blocks waste is what may lie unused. */
START_TEST(test_little_is_wasted)
{
    enum { COUNT = 60000 };
    struct weft_budget budget = { 0 };
    struct weft_blocks *blocks = weft_blocks_new(&budget);
    weft_block_id *ids = weft_alloc(COUNT * sizeof *ids);
    uint64_t random = 6;
    size_t total = 0;
    for (size_t i = 0; i < COUNT; i++) {
        size_t size_bytes = 400 + base_test_random(&random) % 800;
        ck_assert(weft_blocks_take(blocks, size_bytes, &ids[i]) == WEFT_OK);
        total += size_bytes;
    }
    ck_assert_uint_ge(weft_blocks_size_bytes(blocks), total);
    ck_assert_uint_le(weft_blocks_size_bytes(blocks), total + total / 14);
    for (size_t i = 0; i < COUNT; i++) {
        weft_blocks_give(blocks, ids[i]);
    }
    weft_free(ids);
    weft_blocks_free(blocks);
}
END_TEST

/* Memory follows the load down, and the chunks that stay are a small part of those in use. */
START_TEST(test_memory_goes_back_as_blocks_do)
{
    enum { COUNT = 40000 };
    struct weft_budget budget = { 0 };
    struct weft_blocks *blocks = weft_blocks_new(&budget);
    weft_block_id *ids = weft_alloc(COUNT * sizeof *ids);
    for (size_t i = 0; i < COUNT; i++) {
        ck_assert(weft_blocks_take(blocks, 800, &ids[i]) == WEFT_OK);
    }
    size_t peak = weft_blocks_chunk_count(blocks);
    ck_assert_uint_ge(peak, (size_t)COUNT * 800 / CHUNK_BYTES);
    for (size_t i = 0; i < COUNT; i++) {
        weft_blocks_give(blocks, ids[i]);
        if (i == COUNT / 2) {
            ck_assert_uint_le(weft_blocks_chunk_count(blocks), peak / 2 + peak / 16 + 4);
        }
    }
    ck_assert_uint_le(weft_blocks_chunk_count(blocks), 2);
    weft_free(ids);
    weft_blocks_free(blocks);
}
END_TEST

/* One block of a size leaves room for its neighbours: a few of each size are not a chunk of each size. */
START_TEST(test_a_chunk_lends_to_the_next_smaller_sizes)
{
    struct weft_budget budget = { 0 };
    struct weft_blocks *blocks = weft_blocks_new(&budget);
    weft_block_id large;
    weft_block_id small;
    weft_block_id too_small;
    ck_assert(weft_blocks_take(blocks, 1000, &large) == WEFT_OK);
    ck_assert(weft_blocks_take(blocks, 920, &small) == WEFT_OK);
    ck_assert_uint_eq(weft_blocks_chunk_count(blocks), 1);
    ck_assert(weft_blocks_take(blocks, 800, &too_small) == WEFT_OK);
    ck_assert_uint_eq(weft_blocks_chunk_count(blocks), 2);
    weft_blocks_give(blocks, large);
    weft_blocks_give(blocks, small);
    weft_blocks_give(blocks, too_small);
    weft_blocks_free(blocks);
}
END_TEST

START_TEST(test_no_empty_chunk_is_kept_above_the_limit)
{
    struct weft_budget budget = { 0 };
    struct weft_budget_limit limit = { .bytes = 10000 };
    weft_budget_add_limit(&budget, &limit);
    struct weft_blocks *blocks = weft_blocks_new(&budget);
    weft_block_id id;
    ck_assert(weft_blocks_take(blocks, 100, &id) == WEFT_OK);
    weft_blocks_give(blocks, id);
    ck_assert_uint_eq(weft_blocks_chunk_count(blocks), 0);
    weft_budget_remove_limit(&budget, &limit);
    ck_assert(weft_blocks_take(blocks, 100, &id) == WEFT_OK);
    weft_blocks_give(blocks, id);
    ck_assert_uint_eq(weft_blocks_chunk_count(blocks), 1);
    weft_blocks_free(blocks);
}
END_TEST

START_TEST(test_every_allocation_may_fail)
{
    bool has_failed = true;
    for (size_t nth = 1; has_failed; nth++) {
        struct weft_budget budget = { 0 };
        struct weft_blocks *blocks = weft_blocks_new(&budget);
        weft_block_id ids[300];
        size_t count = 0;
        weft_alloc_fail_at(nth);
        enum weft_status status = WEFT_OK;
        for (; count < WEFT_COUNT_OF(ids) && status == WEFT_OK; count += status == WEFT_OK) {
            size_t chunks = weft_blocks_chunk_count(blocks);
            status = weft_blocks_take(blocks, 4000, &ids[count]);
            ck_assert(status == WEFT_OK || weft_blocks_chunk_count(blocks) == chunks);
        }
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_int_eq(status, has_failed ? WEFT_NOMEM : WEFT_OK);
        ck_assert_uint_eq(weft_budget_reserved(&budget), weft_blocks_size_bytes(blocks));
        if (has_failed) { /* and the next one has room again */
            ck_assert(weft_blocks_take(blocks, 4000, &ids[count++]) == WEFT_OK);
        }
        while (count > 0) {
            weft_blocks_give(blocks, ids[--count]);
        }
        weft_blocks_free(blocks);
        ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
    }
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_blocks_are_disjoint_and_stay),           BASE_TEST(test_little_is_wasted),
        BASE_TEST(test_memory_goes_back_as_blocks_do),          BASE_TEST(test_a_chunk_lends_to_the_next_smaller_sizes),
        BASE_TEST(test_no_empty_chunk_is_kept_above_the_limit), BASE_TEST(test_every_allocation_may_fail),
    };
    return BASE_TEST_RUN("blocks", tests);
}
