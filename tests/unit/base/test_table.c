/* Table beside a plain array as its model: random operations, growth, shrinking, failing memory, hostile keys. */
#include "base/base_test.h"

#include <string.h>

#include "base/alloc.h"
#include "base/table.h"

enum { KEYS = 5000 };

/* What a key maps to in the table that is tested. */
struct entry {
    uint64_t number;
    uint32_t key;
};

struct model {
    struct entry *entry; /* NULL = not in the table */
    uint64_t number, handle;
    uint32_t id;
};

static struct model models[KEYS];
static struct weft_hash_secret secret;
static struct weft_budget budget;

static struct weft_table *new_table(size_t entry_count_max)
{
    budget = (struct weft_budget){ 0 };
    for (size_t i = 0; i < sizeof secret.bytes; i++) {
        secret.bytes[i] = (uint8_t)(i * 37 + 11);
    }
    struct weft_table_settings settings = { &budget, &secret, 16, sizeof(struct entry), entry_count_max };
    return weft_table_new(&settings);
}

static void free_table(struct weft_table *table)
{
    weft_table_free(table);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}

/* Keys of 1 to 16 bytes; out_bytes holds 16. */
static struct weft_slice key_of(uint32_t key, uint8_t *out_bytes)
{
    uint64_t halves[2] = { key, ~(uint64_t)key };
    memcpy(out_bytes, halves, sizeof halves);
    return weft_slice_of(out_bytes, 4 + key % 13);
}

static void note_new(struct weft_table *table, uint32_t key, struct entry *entry, uint64_t number)
{
    models[key] = (struct model){ entry, number, weft_table_handle(table, entry), weft_table_id(table, entry) };
    entry->number = number;
    entry->key = key;
}

static void put(struct weft_table *table, uint32_t key, uint64_t number)
{
    uint8_t bytes[16];
    void *entry = NULL;
    bool is_new = false;
    struct model *model = &models[key];
    struct weft_slice wanted = key_of(key, bytes);
    uint64_t hash = weft_hash(&secret, wanted);
    weft_table_prefetch(table, hash);
    weft_table_prefetch_entry(table, hash);
    enum weft_status status = number % 2 == 0 ? weft_table_put(table, wanted, &entry, &is_new)
                                              : weft_table_put_hashed(table, wanted, hash, &entry, &is_new);
    BASE_TEST_EXPECT(status == WEFT_OK);
    weft_table_prefetch_at(table, entry);
    BASE_TEST_EXPECT(weft_table_find_hashed(table, wanted, hash) == entry);
    BASE_TEST_EXPECT(weft_table_hash_of(table, entry) == (uint32_t)hash);
    BASE_TEST_EXPECT(is_new == (model->entry == NULL) && (uintptr_t)entry % 8 == 0);
    if (!is_new) {
        BASE_TEST_EXPECT(entry == model->entry);
        return;
    }
    static const struct entry zero;
    BASE_TEST_EXPECT(memcmp(entry, &zero, sizeof zero) == 0);
    note_new(table, key, entry, number);
}

static void take_out(struct weft_table *table, uint32_t key)
{
    struct model *model = &models[key];
    weft_table_remove(table, model->entry);
    model->entry = NULL;
    BASE_TEST_EXPECT(weft_table_resolve(table, model->handle) == NULL);
}

static void check(const struct weft_table *table, uint32_t key)
{
    const struct model *model = &models[key];
    uint8_t bytes[16];
    struct entry *found = weft_table_find(table, key_of(key, bytes));
    BASE_TEST_EXPECT(found == model->entry);
    if (found == NULL) { /* nor is whoever has its place now what its handle names */
        BASE_TEST_EXPECT(weft_table_resolve(table, model->handle) == NULL);
    }
    if (found != NULL) {
        BASE_TEST_EXPECT(found->number == model->number && found->key == key);
        BASE_TEST_EXPECT(weft_slice_equal(weft_table_key(table, found), key_of(key, bytes)));
        BASE_TEST_EXPECT(weft_table_at(table, model->id) == found);
        BASE_TEST_EXPECT(weft_table_resolve(table, model->handle) == found);
    }
}

/* The likelihood of a removal wanders, so that the table fills and empties by turns. */
START_TEST(test_table_does_what_its_model_does)
{
    struct weft_table *table = new_table(KEYS);
    memset(models, 0, sizeof models);
    uint64_t random = 41;
    size_t count = 0;
    for (size_t step = 0; step < 400000; step++) {
        uint32_t key = (uint32_t)(base_test_random(&random) % KEYS);
        bool is_emptying = step / 40000 % 2 == 1;
        if (models[key].entry == NULL ? is_emptying : !is_emptying) {
            check(table, key);
        } else if (models[key].entry == NULL) {
            put(table, key, step);
            count++;
        } else {
            take_out(table, key);
            count--;
        }
        check(table, (uint32_t)(base_test_random(&random) % KEYS));
        BASE_TEST_EXPECT(weft_table_count(table) == count);
        BASE_TEST_EXPECT(weft_budget_reserved(&budget) == weft_table_size_bytes(table));
    }
    for (uint32_t key = 0; key < KEYS; key++) {
        check(table, key);
    }
    free_table(table);
}
END_TEST

/* The index moves a few slots with each call; wherever it stands, what is in either half is found. */
START_TEST(test_all_is_found_at_every_step_of_a_move)
{
    enum { COUNT = 1700 };
    struct weft_table *table = new_table(KEYS);
    memset(models, 0, sizeof models);
    for (uint32_t key = 0; key < COUNT; key++) {
        put(table, key, key);
        for (uint32_t other = 0; other <= key; other++) {
            check(table, other);
        }
    }
    for (uint32_t key = 0; key < COUNT; key++) {
        take_out(table, key);
        for (uint32_t other = key; other < COUNT; other++) {
            check(table, other);
        }
    }
    free_table(table);
}
END_TEST

START_TEST(test_memory_goes_back)
{
    enum { COUNT = 220000 };
    struct weft_table *table = new_table(COUNT);
    size_t empty_bytes = weft_table_size_bytes(table);
    struct entry **entries = weft_alloc(COUNT * sizeof(struct entry *));
    for (uint64_t i = 0; i < COUNT; i++) {
        bool is_new;
        ck_assert(weft_table_put(table, weft_slice_of(&i, 8), (void **)&entries[i], &is_new) == WEFT_OK);
    }
    size_t full_bytes = weft_table_size_bytes(table);
    ck_assert_uint_ge(full_bytes, (size_t)COUNT * (32 + sizeof(struct entry)));
    /* 8 bytes for each of 2^19 slots; the move to them is over and nothing is left of the arrays before. */
    ck_assert_uint_le(full_bytes, (size_t)COUNT * (32 + sizeof(struct entry)) + (8 << 19) + 200000);
    for (size_t i = 0; i < COUNT - 1000; i++) {
        weft_table_remove(table, entries[i]);
    }
    ck_assert_uint_le(weft_table_size_bytes(table), full_bytes / 10);
    for (size_t i = COUNT - 1000; i < COUNT; i++) {
        weft_table_remove(table, entries[i]);
    }
    ck_assert_uint_le(weft_table_size_bytes(table), empty_bytes + 16384); /* the table of chunks */
    weft_free(entries);
    free_table(table);
}
END_TEST

/* The same low 64 bits, the same high ones, and multiples of a power of two, mixed under removal. */
START_TEST(test_keys_that_collide_elsewhere_do_not_here)
{
    enum { COUNT = 100000 };
    struct weft_table *table = new_table(COUNT);
    for (uint64_t round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < COUNT; i++) {
            uint64_t key[2] = { round == 0 ? 7 : i << (round == 1 ? 0 : 40), round == 0 ? i : 7 };
            void *entry;
            bool is_new;
            BASE_TEST_EXPECT(weft_table_put(table, weft_slice_of(key, 16), &entry, &is_new) == WEFT_OK && is_new);
        }
        ck_assert_uint_le(weft_table_longest_probe(table), 150);
        uint32_t cursor = 0;
        for (void *entry; (entry = weft_table_next(table, &cursor)) != NULL;) {
            weft_table_remove(table, entry);
        }
        ck_assert_uint_eq(weft_table_count(table), 0);
    }
    free_table(table);
}
END_TEST

/* Probes are as long after a million replacements as before: nothing is left behind by removal. */
START_TEST(test_churn_leaves_nothing_behind)
{
    enum { HELD = 3000, ROUNDS = 300000 };
    struct weft_table *table = new_table(HELD);
    struct entry *ring[HELD];
    for (uint64_t i = 0; i < ROUNDS; i++) {
        if (i >= HELD) {
            weft_table_remove(table, ring[i % HELD]);
        }
        bool is_new;
        BASE_TEST_EXPECT(weft_table_put(table, weft_slice_of(&i, 8), (void **)&ring[i % HELD], &is_new) == WEFT_OK);
    }
    ck_assert_uint_eq(weft_table_count(table), HELD);
    ck_assert_uint_le(weft_table_longest_probe(table), 60);
    ck_assert_uint_le(weft_table_size_bytes(table), (size_t)HELD * 100 + 65536);
    free_table(table);
}
END_TEST

START_TEST(test_every_entry_is_met_once_and_may_go)
{
    struct weft_table *table = new_table(KEYS);
    memset(models, 0, sizeof models);
    for (uint32_t key = 0; key < KEYS; key++) {
        put(table, key, key);
    }
    uint32_t cursor = 0;
    size_t met = 0;
    for (struct entry *entry; (entry = weft_table_next(table, &cursor)) != NULL; met++) {
        BASE_TEST_EXPECT(models[entry->key].entry == entry && models[entry->key].number == entry->number);
        models[entry->key].number = UINT64_MAX;
        if (entry->key % 3 != 0) {
            take_out(table, entry->key);
        }
    }
    ck_assert_uint_eq(met, KEYS);
    ck_assert_uint_eq(weft_table_count(table), (KEYS + 2) / 3);
    ck_assert_ptr_null(weft_table_next(table, &cursor));
    free_table(table);
}
END_TEST

START_TEST(test_limits)
{
    struct weft_table *table = new_table(2);
    void *entry;
    bool is_new;
    ck_assert(weft_table_put(table, WEFT_SLICE_EMPTY, &entry, &is_new) == WEFT_OK);
    ck_assert(weft_table_put(table, WEFT_SLICE_LITERAL("sixteen bytes ok"), &entry, &is_new) == WEFT_OK);
    ck_assert(weft_table_put(table, WEFT_SLICE_LITERAL("third"), &entry, &is_new) == WEFT_LIMIT);
    ck_assert(weft_table_put(table, WEFT_SLICE_EMPTY, &entry, &is_new) == WEFT_OK);
    ck_assert(!is_new);
    weft_table_remove(table, entry);
    ck_assert_ptr_null(weft_table_find(table, WEFT_SLICE_EMPTY));
    ck_assert(weft_table_put(table, WEFT_SLICE_LITERAL("seventeen bytes n"), &entry, &is_new) == WEFT_LIMIT);
    ck_assert_ptr_null(weft_table_find(table, WEFT_SLICE_LITERAL("seventeen bytes n")));
    ck_assert_ptr_null(weft_table_at(table, 0));
    ck_assert_ptr_null(weft_table_at(table, UINT32_MAX));
    ck_assert_ptr_null(weft_table_resolve(table, UINT64_MAX));
    free_table(table);
}
END_TEST

START_TEST(test_failed_put_changes_nothing)
{
    bool has_failed = true;
    for (size_t nth = 1; has_failed; nth++) {
        struct weft_table *table = new_table(KEYS);
        memset(models, 0, sizeof models);
        has_failed = false;
        weft_alloc_fail_at(nth);
        for (uint32_t key = 0; key < KEYS && !has_failed; key++) {
            uint8_t bytes[16];
            void *entry;
            bool is_new;
            size_t count = weft_table_count(table);
            if (weft_table_put(table, key_of(key, bytes), &entry, &is_new) != WEFT_OK) {
                has_failed = true;
                BASE_TEST_EXPECT(weft_table_count(table) == count);
                BASE_TEST_EXPECT(weft_budget_reserved(&budget) == weft_table_size_bytes(table));
                check(table, key);
            } else {
                note_new(table, key, entry, key);
            }
        }
        ck_assert(has_failed == weft_alloc_has_failed());
        weft_alloc_fail_at(0);
        for (uint32_t key = 0; key < KEYS; key++) {
            check(table, key);
            put(table, key, key);
        }
        free_table(table);
    }
}
END_TEST

/* Removal needs memory to shrink the index; without it the index just stays large. */
START_TEST(test_removal_never_fails)
{
    struct weft_table *table = new_table(KEYS);
    memset(models, 0, sizeof models);
    for (uint32_t key = 0; key < KEYS; key++) {
        put(table, key, key);
    }
    for (uint32_t key = 0; key < KEYS; key++) {
        weft_alloc_fail_at(1);
        take_out(table, key);
        weft_alloc_fail_at(0);
        check(table, KEYS - 1);
    }
    free_table(table);
}
END_TEST

START_TEST(test_secret_decides_where_keys_go)
{
    struct weft_hash_secret first;
    struct weft_hash_secret second;
    weft_hash_secret_init(&first);
    weft_hash_secret_init(&second);
    struct weft_slice key = WEFT_SLICE_LITERAL("0123456789abcdef");
    for (key.length = 0; key.length <= 16; key.length++) {
        ck_assert_uint_ne(weft_hash(&first, key), weft_hash(&second, key));
        ck_assert_uint_eq(weft_hash(&first, key), weft_hash(&first, key));
    }
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_table_does_what_its_model_does),
        BASE_TEST(test_all_is_found_at_every_step_of_a_move),
        BASE_TEST(test_memory_goes_back),
        BASE_TEST(test_keys_that_collide_elsewhere_do_not_here),
        BASE_TEST(test_churn_leaves_nothing_behind),
        BASE_TEST(test_every_entry_is_met_once_and_may_go),
        BASE_TEST(test_limits),
        BASE_TEST(test_failed_put_changes_nothing),
        BASE_TEST(test_removal_never_fails),
        BASE_TEST(test_secret_decides_where_keys_go),
    };
    return BASE_TEST_RUN("table", tests);
}
