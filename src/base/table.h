#pragma once

#include "base/budget.h"
#include "base/hash.h"
#include "base/slice.h"
#include "base/status.h"

/* A hash table from short byte strings to entries of a fixed size, for keys that a peer chooses: the hash has a
 * secret. An entry stays where it is until it is removed; besides its key it has an id of 32 bits, which is given away
 * again after it, and a handle of 64 bits, which is not (but for a serial number that has gone round after 2^32
 * entries): what outlives a tick is kept as a handle.
 *
 * Entries lie in chunks of about 64 KiB, the index beside them (table_slots.h). No call takes long, however many there
 * are; what is not needed goes back to the system. Costs 16 bytes an entry besides key and entry, and 11 to 21 of the
 * index. The budget is charged with all of it. One worker. */
struct weft_table;

struct weft_table_settings {
    struct weft_budget *budget;            /* outlives the table */
    const struct weft_hash_secret *secret; /* the same */
    size_t key_bytes_max;                  /* 1 to 255; each entry has room for so many */
    size_t entry_bytes;                    /* aligned to 8 */
    size_t entry_count_max;                /* at most 2^28 */
};

struct weft_table *weft_table_new(const struct weft_table_settings *settings);

/* With all entries that are still in it. */
void weft_table_free(struct weft_table *table);

/* The entry, or NULL. */
void *weft_table_find(const struct weft_table *table, struct weft_slice key);

/* The entry of the key, which is zeroed if it is new. WEFT_LIMIT: a key too long, or entry_count_max reached;
 * WEFT_NOMEM. Neither changes anything. */
enum weft_status weft_table_put(struct weft_table *table, struct weft_slice key, void **out_entry,
                                bool *out_is_new) WEFT_MUST_CHECK;

void weft_table_remove(struct weft_table *table, void *entry);

/* For who seeks a key in several tables of one secret, or knows it some time before: the same with the key's hash,
 * which is weft_hash under the secret; of an entry's key its lower 32 bits, which are all that counts. */
void *weft_table_find_hashed(const struct weft_table *table, struct weft_slice key, uint64_t hash);
enum weft_status weft_table_put_hashed(struct weft_table *table, struct weft_slice key, uint64_t hash, void **out_entry,
                                       bool *out_is_new) WEFT_MUST_CHECK;
uint32_t weft_table_hash_of(const struct weft_table *table, const void *entry);

/* Has the place in the index fetched into the cache; once that is there, the entry that stands at it; an entry. */
void weft_table_prefetch(const struct weft_table *table, uint64_t hash);
void weft_table_prefetch_entry(const struct weft_table *table, uint64_t hash);
void weft_table_prefetch_at(const struct weft_table *table, const void *entry);

/* Of an entry that is in the table. */
struct weft_slice weft_table_key(const struct weft_table *table, const void *entry);
uint32_t weft_table_id(const struct weft_table *table, const void *entry);
uint64_t weft_table_handle(const struct weft_table *table, const void *entry);

/* NULL when no entry has the id now, or when the handle's entry is gone. Any number may be asked. */
void *weft_table_at(const struct weft_table *table, uint32_t id);
void *weft_table_resolve(const struct weft_table *table, uint64_t handle);

/* One entry after another, in no order; NULL at the end. *cursor is 0 at first. Entries may be removed meanwhile; one
 * that is added meanwhile may be seen or not. */
void *weft_table_next(const struct weft_table *table, uint32_t *cursor);

size_t weft_table_count(const struct weft_table *table);
size_t weft_table_size_bytes(const struct weft_table *table);

/* For tests: how far from its place the farthest entry stands. Looks at everything. */
size_t weft_table_longest_probe(const struct weft_table *table);
