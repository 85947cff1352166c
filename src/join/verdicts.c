/* Verdicts (verdicts.h): a table in order of age, and two filters of what went. A filter is a Bloom filter in blocks of
 * a cache line [Putze, Sanders, Singler: Cache-, Hash- and Space-Efficient Bloom Filters, 2007]; when one is full the
 * older one starts anew. */
#include "join/verdicts.h"

#include "base/alloc.h"
#include "base/assert.h"

enum {
    BYTES_PER_VERDICT = 16 + sizeof(struct weft_verdict) + 16 + 16, /* key, entry, table, index */
    FILTER_SHARE = 16,                                              /* of the memory, for both filters together */
    FILTER_BLOCK_WORDS = 8,
    FILTER_BITS_PER_ID = 10,
    FILTER_PROBES = 6,
    VERDICTS_MIN = 16,
};

struct filter {
    uint64_t *words;
    size_t count; /* ids in it */
};

struct weft_verdicts {
    struct weft_table *table;
    struct weft_verdict *first, *last; /* oldest, youngest */
    struct weft_budget *budget;
    const struct weft_hash_secret *secret;
    size_t count_max;
    struct filter filters[2]; /* [0] is being filled */
    size_t block_count;       /* of each */
    size_t filter_count_max;
    bool has_lost; /* a full filter was started anew */
};

struct weft_verdicts *weft_verdicts_new(struct weft_budget *budget, const struct weft_hash_secret *secret, size_t bytes)
{
    struct weft_verdicts *verdicts = weft_alloc(sizeof *verdicts);
    verdicts->budget = budget;
    verdicts->secret = secret;
    verdicts->count_max = (bytes - bytes / FILTER_SHARE) / BYTES_PER_VERDICT;
    verdicts->count_max = verdicts->count_max < VERDICTS_MIN ? VERDICTS_MIN : verdicts->count_max;
    verdicts->table = weft_table_new(&(struct weft_table_settings){ .budget = budget,
                                                                    .secret = secret,
                                                                    .key_bytes_max = WEFT_TRACE_ID_BYTES,
                                                                    .entry_bytes = sizeof(struct weft_verdict),
                                                                    .entry_count_max = verdicts->count_max + 1 });
    size_t block_bytes = FILTER_BLOCK_WORDS * sizeof(uint64_t);
    verdicts->block_count = bytes / FILTER_SHARE / 2 / block_bytes + 1;
    verdicts->filter_count_max = verdicts->block_count * block_bytes * 8 / FILTER_BITS_PER_ID;
    for (int i = 0; i < 2; i++) {
        verdicts->filters[i].words = weft_alloc(verdicts->block_count * block_bytes);
        weft_budget_charge(budget, verdicts->block_count * block_bytes);
    }
    return verdicts;
}

void weft_verdicts_free(struct weft_verdicts *verdicts)
{
    for (int i = 0; i < 2; i++) {
        weft_free(verdicts->filters[i].words);
        weft_budget_release(verdicts->budget, verdicts->block_count * FILTER_BLOCK_WORDS * sizeof(uint64_t));
    }
    weft_table_free(verdicts->table);
    weft_free(verdicts);
}

static struct weft_slice key_of(const uint8_t *trace_id)
{
    return weft_slice_of(trace_id, WEFT_TRACE_ID_BYTES);
}

/* ---- what went ---- */

struct place {
    size_t first_word;
    uint64_t bits; /* 9 for each probe: which of the block's 512 */
};

static struct place place_of(const struct weft_verdicts *verdicts, struct weft_slice key)
{
    uint64_t hash = weft_hash(verdicts->secret, key);
    uint64_t block = (hash >> 32) * verdicts->block_count >> 32;
    /* The low half alone would give three probes: stretch it. */
    return (struct place){ block * FILTER_BLOCK_WORDS, (hash & 0xffffffff) * UINT64_C(0x9e3779b97f4a7c15) };
}

static bool filter_has(const struct filter *filter, struct place place)
{
    for (int i = 0; i < FILTER_PROBES; i++, place.bits >>= 9) {
        uint64_t word = filter->words[place.first_word + (place.bits >> 6 & 7)];
        if ((word >> (place.bits & 63) & 1) == 0) {
            return false;
        }
    }
    return true;
}

static void note_gone(struct weft_verdicts *verdicts, struct weft_slice key)
{
    if (verdicts->filters[0].count == verdicts->filter_count_max) {
        struct filter older = verdicts->filters[1];
        verdicts->has_lost = verdicts->has_lost || older.count > 0;
        memset(older.words, 0, verdicts->block_count * FILTER_BLOCK_WORDS * sizeof(uint64_t));
        older.count = 0;
        verdicts->filters[1] = verdicts->filters[0];
        verdicts->filters[0] = older;
    }
    struct filter *filter = &verdicts->filters[0];
    struct place place = place_of(verdicts, key);
    for (int i = 0; i < FILTER_PROBES; i++, place.bits >>= 9) {
        filter->words[place.first_word + (place.bits >> 6 & 7)] |= (uint64_t)1 << (place.bits & 63);
    }
    filter->count++;
}

enum weft_verdict_memory weft_verdicts_remember(const struct weft_verdicts *verdicts, const uint8_t *trace_id)
{
    struct place place = place_of(verdicts, key_of(trace_id));
    if (filter_has(&verdicts->filters[0], place) || filter_has(&verdicts->filters[1], place)) {
        return WEFT_VERDICT_FORGOTTEN;
    }
    return verdicts->has_lost ? WEFT_VERDICT_UNKNOWN : WEFT_VERDICT_NEVER;
}

/* ---- what is there ---- */

struct weft_verdict *weft_verdicts_find(const struct weft_verdicts *verdicts, const uint8_t *trace_id)
{
    return weft_table_find(verdicts->table, key_of(trace_id));
}

struct weft_verdict *weft_verdicts_find_hashed(const struct weft_verdicts *verdicts, const uint8_t *trace_id,
                                               uint64_t hash)
{
    return weft_table_find_hashed(verdicts->table, key_of(trace_id), hash);
}

void weft_verdicts_prefetch(const struct weft_verdicts *verdicts, uint64_t hash)
{
    weft_table_prefetch(verdicts->table, hash);
}

static void forget_oldest(struct weft_verdicts *verdicts)
{
    struct weft_verdict *oldest = verdicts->first;
    verdicts->first = oldest->next;
    note_gone(verdicts, weft_table_key(verdicts->table, oldest));
    weft_table_remove(verdicts->table, oldest);
}

struct weft_verdict *weft_verdicts_add(struct weft_verdicts *verdicts, const uint8_t *trace_id, uint64_t hash)
{
    void *entry = NULL;
    bool is_new = false;
    if (weft_table_put_hashed(verdicts->table, key_of(trace_id), hash, &entry, &is_new) != WEFT_OK) {
        return NULL;
    }
    if (!is_new) {
        return entry;
    }
    struct weft_verdict *verdict = entry;
    if (verdicts->last != NULL) {
        verdicts->last->next = verdict;
    } else {
        verdicts->first = verdict;
    }
    verdicts->last = verdict;
    if (weft_table_count(verdicts->table) > verdicts->count_max) {
        forget_oldest(verdicts);
    }
    return verdict;
}

struct weft_wall weft_verdicts_oldest(const struct weft_verdicts *verdicts, struct weft_wall otherwise)
{
    return verdicts->first == NULL ? otherwise : verdicts->first->decided;
}

size_t weft_verdicts_count(const struct weft_verdicts *verdicts)
{
    return weft_table_count(verdicts->table);
}
