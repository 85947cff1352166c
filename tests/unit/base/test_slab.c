/* Slab: chains give back what they were given, in order, under churn and when memory fails; release is complete. */
#include "base/base_test.h"

#include <string.h>

#include "base/alloc.h"
#include "base/slab.h"

enum { CHAINS = 200, SOURCE_BYTES = 200000 };

static uint8_t source_bytes[SOURCE_BYTES];

/* What a chain must hold: the records are runs of source_bytes. */
struct model {
    struct weft_slab_chain chain;
    struct {
        uint32_t offset, length, tag;
    } records[300];
    size_t count;
    size_t length;
};

static struct model models[CHAINS];

static void fill_source(void)
{
    uint64_t random = 3;
    for (size_t i = 0; i < SOURCE_BYTES; i++) {
        source_bytes[i] = (uint8_t)base_test_random(&random);
    }
}

static void note(struct model *model, uint32_t offset, uint32_t length, uint32_t tag)
{
    model->records[model->count].offset = offset;
    model->records[model->count].length = length;
    model->records[model->count].tag = tag;
    model->count++;
    model->length += length;
}

static enum weft_status append(struct weft_slab *slab, struct model *model, uint32_t length, uint64_t *random)
{
    uint32_t offset = (uint32_t)(base_test_random(random) % (SOURCE_BYTES - length));
    uint32_t tag = (uint32_t)base_test_random(random);
    enum weft_status status = weft_slab_append(slab, &model->chain, tag, weft_slice_of(source_bytes + offset, length));
    if (status == WEFT_OK) {
        note(model, offset, length, tag);
    }
    return status;
}

static void check(const struct weft_slab *slab, const struct model *model)
{
    BASE_TEST_EXPECT(model->chain.length == model->length && model->chain.record_count == model->count);
    struct weft_slab_cursor cursor = weft_slab_begin(&model->chain);
    struct weft_slab_part part;
    for (size_t i = 0; i < model->count; i++) {
        const uint8_t *expected = source_bytes + model->records[i].offset;
        uint32_t length = 0;
        do {
            BASE_TEST_EXPECT(weft_slab_next(slab, &cursor, &part));
            BASE_TEST_EXPECT(weft_slice_equal(part.bytes, weft_slice_of(expected + length, part.bytes.length)));
            BASE_TEST_EXPECT(part.tag == model->records[i].tag);
            length += (uint32_t)part.bytes.length;
        } while (!part.is_last);
        BASE_TEST_EXPECT(length == model->records[i].length);
    }
    BASE_TEST_EXPECT(!weft_slab_next(slab, &cursor, &part));
}

static void release(struct weft_slab *slab, struct model *model)
{
    check(slab, model);
    weft_slab_release(slab, &model->chain);
    model->count = 0;
    model->length = 0;
    check(slab, model);
}

static uint32_t random_length(uint64_t *random)
{
    static const uint32_t bounds[] = { 2, 100, 900, 900, 900, 900, 5000, 20000 };
    return (uint32_t)(base_test_random(random) % bounds[base_test_random(random) % WEFT_COUNT_OF(bounds)]);
}

START_TEST(test_chains_return_what_they_were_given)
{
    fill_source();
    struct weft_budget budget = { 0 };
    struct weft_slab *slab = weft_slab_new(&budget);
    uint64_t random = 17;
    memset(models, 0, sizeof models);
    for (size_t step = 0; step < 60000; step++) {
        struct model *model = &models[base_test_random(&random) % CHAINS];
        if (model->count == WEFT_COUNT_OF(model->records) || base_test_random(&random) % 64 == 0) {
            release(slab, model);
        } else {
            BASE_TEST_EXPECT(append(slab, model, random_length(&random), &random) == WEFT_OK);
        }
        BASE_TEST_EXPECT(weft_budget_reserved(&budget) == weft_slab_size_bytes(slab));
    }
    for (size_t i = 0; i < CHAINS; i++) {
        release(slab, &models[i]);
    }
    weft_slab_trim(slab);
    ck_assert_uint_eq(weft_slab_chunk_count(slab), 0);
    weft_slab_free(slab);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}
END_TEST

START_TEST(test_record_up_to_a_block_is_one_piece)
{
    fill_source();
    struct weft_budget budget = { 0 };
    struct weft_slab *slab = weft_slab_new(&budget);
    for (size_t length = 0; length <= WEFT_BLOCK_BYTES_MAX + 1; length++) {
        struct weft_slab_chain chain = { 0 };
        struct weft_slice record = weft_slice_of(source_bytes, length);
        BASE_TEST_EXPECT(weft_slab_append(slab, &chain, 1, record) == WEFT_OK);
        struct weft_slab_cursor cursor = weft_slab_begin(&chain);
        struct weft_slab_part piece;
        BASE_TEST_EXPECT(weft_slab_next(slab, &cursor, &piece));
        BASE_TEST_EXPECT(piece.is_last == (length <= WEFT_BLOCK_BYTES_MAX));
        BASE_TEST_EXPECT(!piece.is_last || weft_slice_equal(piece.bytes, record));
        weft_slab_release(slab, &chain);
    }
    weft_slab_free(slab);
}
END_TEST

START_TEST(test_huge_record_and_very_many_records)
{
    enum { HUGE_BYTES = 1 << 20, RECORDS = 1000000 };
    struct weft_budget budget = { 0 };
    struct weft_slab *slab = weft_slab_new(&budget);
    uint8_t *huge = weft_alloc(HUGE_BYTES);
    memset(huge, 'h', HUGE_BYTES);
    struct weft_slice record = weft_slice_of(huge, HUGE_BYTES);
    struct weft_slab_chain chain = { 0 };
    ck_assert(weft_slab_append(slab, &chain, 1, record) == WEFT_OK);
    record.length = 5;
    for (size_t i = 1; i < RECORDS; i++) {
        BASE_TEST_EXPECT(weft_slab_append(slab, &chain, 1, record) == WEFT_OK);
    }
    ck_assert_uint_eq(chain.record_count, RECORDS);
    ck_assert_uint_eq(chain.length, HUGE_BYTES + (RECORDS - 1) * 5);
    struct weft_slab_cursor cursor = weft_slab_begin(&chain);
    struct weft_slab_part piece;
    size_t records = 0;
    size_t length = 0;
    while (weft_slab_next(slab, &cursor, &piece)) {
        records += piece.is_last;
        length += piece.bytes.length;
        BASE_TEST_EXPECT(memcmp(piece.bytes.bytes, huge, piece.bytes.length) == 0);
    }
    ck_assert_uint_eq(records, RECORDS);
    ck_assert_uint_eq(length, chain.length);
    weft_slab_release(slab, &chain);
    weft_slab_trim(slab);
    ck_assert_uint_eq(weft_slab_chunk_count(slab), 0);
    weft_free(huge);
    weft_slab_free(slab);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}
END_TEST

START_TEST(test_failed_append_changes_nothing)
{
    fill_source();
    bool has_failed = true;
    for (size_t nth = 1; has_failed; nth++) {
        struct weft_budget budget = { 0 };
        struct weft_slab *slab = weft_slab_new(&budget);
        struct model *model = &models[0];
        memset(model, 0, sizeof *model);
        uint64_t random = 23;
        weft_alloc_fail_at(nth);
        enum weft_status status = WEFT_OK;
        for (size_t i = 0; i < 40 && status == WEFT_OK; i++) {
            /* The odd ones are long: they fail with pieces and lists of theirs already in place. */
            status = append(slab, model, i % 2 == 0 ? 700 : 100000, &random);
            check(slab, model);
        }
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_int_eq(status, has_failed ? WEFT_NOMEM : WEFT_OK);
        ck_assert(append(slab, model, 150000, &random) == WEFT_OK);
        release(slab, model);
        weft_slab_free(slab); /* asserts that every block is back */
        ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
    }
}
END_TEST

/* Thirty seconds of churn with sizes 1 to 48 and release in random order: what is mapped follows what is held. */
START_TEST(test_churn_does_not_pile_up)
{
    enum { HELD = 2000, ROUNDS = 60000 };
    fill_source();
    struct weft_budget budget = { 0 };
    struct weft_slab *slab = weft_slab_new(&budget);
    struct weft_slab_chain *chains = weft_alloc(HELD * sizeof *chains);
    uint64_t random = 29;
    uint64_t live = 0;
    for (size_t round = 0; round < ROUNDS; round++) {
        struct weft_slab_chain *chain = &chains[base_test_random(&random) % HELD];
        live -= chain->length;
        weft_slab_release(slab, chain);
        size_t records = 1 + base_test_random(&random) % 48;
        for (size_t i = 0; i < records; i++) {
            struct weft_slice record = weft_slice_of(source_bytes, 500 + base_test_random(&random) % 700);
            BASE_TEST_EXPECT(weft_slab_append(slab, chain, 1, record) == WEFT_OK);
        }
        live += chain->length;
        BASE_TEST_EXPECT(round < HELD * 4 || weft_slab_size_bytes(slab) < live + live / 6);
    }
    for (size_t i = 0; i < HELD; i++) {
        weft_slab_release(slab, &chains[i]);
    }
    ck_assert_uint_le(weft_slab_chunk_count(slab), 2);
    weft_free(chains);
    weft_slab_free(slab);
}
END_TEST

/* ---- records that stay in payloads ---- */

/* A copy of the source's bytes from here on, and a pin on it, whose reference is the only one. */
static enum weft_status pin_source(struct weft_slab *slab, struct weft_payload_pool *pool, uint32_t offset,
                                   uint32_t length, weft_pin_id *out_pin, const uint8_t **out_bytes)
{
    struct weft_payload *payload = weft_payload_try_new(pool, length);
    if (payload == NULL) {
        return WEFT_NOMEM;
    }
    weft_payload_append(payload, source_bytes + offset, length);
    *out_bytes = payload->bytes;
    enum weft_status status = weft_slab_pin(slab, payload, out_pin);
    weft_payload_unref(&payload);
    return status;
}

static enum weft_status append_pinned(struct weft_slab *slab, struct model *model, weft_pin_id pin,
                                      const uint8_t *bytes, uint32_t offset, uint32_t length, uint32_t tag)
{
    struct weft_slice record = weft_slice_of(bytes, length);
    enum weft_status status = weft_slab_append_pinned(slab, &model->chain, tag, pin, record);
    if (status == WEFT_OK) {
        note(model, offset, length, tag);
    }
    return status;
}

/* A payload of records, each for some chain, or for none if that is full. */
static enum weft_status append_payload(struct weft_slab *slab, struct weft_payload_pool *pool, uint64_t *random)
{
    uint32_t left = (uint32_t)(base_test_random(random) % 60000) + 1;
    uint32_t offset = (uint32_t)(base_test_random(random) % (SOURCE_BYTES - left));
    weft_pin_id pin = 0;
    const uint8_t *bytes = NULL;
    enum weft_status status = pin_source(slab, pool, offset, left, &pin, &bytes);
    bool is_pinned = status == WEFT_OK;
    while (status == WEFT_OK && left > 0) {
        struct model *model = &models[base_test_random(random) % CHAINS];
        uint32_t length = random_length(random);
        length = length < left ? length : left;
        length = length < WEFT_BLOCK_BYTES_MAX ? length : WEFT_BLOCK_BYTES_MAX;
        if (model->count < WEFT_COUNT_OF(model->records)) {
            status = append_pinned(slab, model, pin, bytes, offset, length, (uint32_t)base_test_random(random));
        }
        bytes += length;
        offset += length;
        left -= length;
    }
    if (is_pinned) {
        weft_slab_unpin(slab, pin);
    }
    return status;
}

START_TEST(test_chains_of_copied_and_pinned_records)
{
    fill_source();
    struct weft_budget budget = { 0 };
    struct weft_slab *slab = weft_slab_new(&budget);
    struct weft_payload_pool *pool = weft_payload_pool_new(&budget, 1 << 20);
    uint64_t random = 31;
    memset(models, 0, sizeof models);
    for (size_t step = 0; step < 30000; step++) {
        struct model *model = &models[base_test_random(&random) % CHAINS];
        uint64_t kind = base_test_random(&random) % 64;
        if (model->count == WEFT_COUNT_OF(model->records) || kind < 8) {
            release(slab, model);
        } else if (kind < 16) {
            BASE_TEST_EXPECT(weft_slab_copy_pinned(slab, &model->chain, &(size_t){ SIZE_MAX }) == WEFT_OK);
            BASE_TEST_EXPECT(model->chain.pinned_count == 0);
            check(slab, model);
        } else if (kind < 20) {
            BASE_TEST_EXPECT(append_payload(slab, pool, &random) == WEFT_OK);
        } else {
            BASE_TEST_EXPECT(append(slab, model, random_length(&random), &random) == WEFT_OK);
        }
        BASE_TEST_EXPECT(weft_budget_reserved(&budget) == weft_slab_size_bytes(slab));
    }
    for (size_t i = 0; i < CHAINS; i++) {
        release(slab, &models[i]);
    }
    ck_assert_uint_eq(weft_slab_unused_pinned_bytes(slab), 0);
    weft_slab_free(slab);
    weft_payload_pool_free(pool); /* asserts that every payload is back */
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}
END_TEST

START_TEST(test_pinned_payload_stays_for_its_last_record)
{
    enum { RECORD = 4096 };
    fill_source();
    struct weft_budget budget = { 0 };
    struct weft_slab *slab = weft_slab_new(&budget);
    struct weft_payload_pool *pool = weft_payload_pool_new(&budget, 0);
    struct weft_slab_chain chains[2] = { 0 };
    weft_pin_id pin = 0;
    const uint8_t *bytes = NULL;
    ck_assert(pin_source(slab, pool, 0, 4 * RECORD, &pin, &bytes) == WEFT_OK);
    for (size_t i = 0; i < 3; i++) {
        struct weft_slice record = weft_slice_of(bytes + i * RECORD, RECORD);
        ck_assert(weft_slab_append_pinned(slab, &chains[i / 2], 7, pin, record) == WEFT_OK);
    }
    weft_slab_unpin(slab, pin);
    ck_assert_uint_eq(weft_slab_unused_pinned_bytes(slab), RECORD);
    ck_assert_uint_eq(chains[0].pinned_count, 2);
    weft_slab_release(slab, &chains[0]);
    ck_assert_uint_eq(weft_slab_unused_pinned_bytes(slab), 3 * RECORD);
    ck_assert(weft_slab_copy_pinned(slab, &chains[1], &(size_t){ SIZE_MAX }) == WEFT_OK);
    ck_assert_uint_eq(weft_slab_unused_pinned_bytes(slab), 0);
    weft_payload_pool_free(pool); /* asserts that the payload is back */
    struct weft_slab_cursor cursor = weft_slab_begin(&chains[1]);
    struct weft_slab_part part;
    ck_assert(weft_slab_next(slab, &cursor, &part) && part.is_last && part.tag == 7);
    ck_assert(weft_slice_equal(part.bytes, weft_slice_of(source_bytes + 2 * RECORD, RECORD)));
    weft_slab_release(slab, &chains[1]);
    weft_slab_free(slab);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}
END_TEST

START_TEST(test_failed_copy_changes_nothing)
{
    fill_source();
    bool has_failed = true;
    for (size_t nth = 1; has_failed; nth++) {
        struct weft_budget budget = { 0 };
        struct weft_slab *slab = weft_slab_new(&budget);
        struct weft_payload_pool *pool = weft_payload_pool_new(&budget, 0);
        uint64_t random = 37;
        memset(models, 0, sizeof models);
        weft_alloc_fail_at(nth);
        enum weft_status status = WEFT_OK;
        for (size_t i = 0; i < 20 && status == WEFT_OK; i++) {
            status = append_payload(slab, pool, &random);
        }
        for (size_t i = 0; i < CHAINS && status == WEFT_OK; i++) {
            status = weft_slab_copy_pinned(slab, &models[i].chain, &(size_t){ SIZE_MAX });
        }
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_int_eq(status, has_failed ? WEFT_NOMEM : WEFT_OK);
        for (size_t i = 0; i < CHAINS; i++) {
            release(slab, &models[i]);
        }
        weft_slab_free(slab);
        weft_payload_pool_free(pool);
        ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
    }
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_chains_return_what_they_were_given),
        BASE_TEST(test_record_up_to_a_block_is_one_piece),
        BASE_TEST(test_huge_record_and_very_many_records),
        BASE_TEST(test_failed_append_changes_nothing),
        BASE_TEST(test_churn_does_not_pile_up),
        BASE_TEST(test_chains_of_copied_and_pinned_records),
        BASE_TEST(test_pinned_payload_stays_for_its_last_record),
        BASE_TEST(test_failed_copy_changes_nothing),
    };
    return BASE_TEST_RUN("slab", tests);
}
