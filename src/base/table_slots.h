#pragma once

#include "base/budget.h"
#include "base/status.h"

/* The index of a table: from 32 bits of a hash to ids, which are not 0. Open addressing, linear probing, at most three
 * quarters full; removal moves what follows back, so nothing decays under churn. It grows and shrinks by halves of
 * powers of two, and moves 64 slots with each insertion and removal, so that no call takes long, and gives back the old
 * array in pieces; while it does, what is sought may be in either of two arrays. 8 bytes a slot. Private to base/table.
 */
struct weft_slot {
    uint32_t hash;
    uint32_t id; /* 0 = empty */
};

struct weft_slot_array {
    struct weft_slot *slots; /* NULL = there is none */
    uint32_t bits;           /* 1 << bits slots */
    uint32_t count;
};

/* All zero but for the budget is empty. */
struct weft_slots {
    struct weft_budget *budget;
    struct weft_slot_array now;
    struct weft_slot_array former; /* being moved to now */
    uint32_t former_at;            /* the next slot to move; the one before it is empty */
    uint32_t former_left;
    uint8_t *gone; /* what is left of an array that goes back to the system piece by piece */
    size_t gone_bytes;
};

/* True if the id is the one that is sought; asked only where the 32 bits agree. */
typedef bool (*weft_slots_match_fn)(const void *context, uint32_t id);

void weft_slots_fini(struct weft_slots *slots);

/* 0 when there is none. */
uint32_t weft_slots_find(const struct weft_slots *slots, uint32_t hash, weft_slots_match_fn match, const void *context);

/* Has the memory fetched where a hash will be sought. */
static inline void weft_slots_prefetch(const struct weft_slots *slots, uint32_t hash)
{
    if (slots->now.slots != NULL) {
        __builtin_prefetch(&slots->now.slots[hash >> (32 - slots->now.bits)]);
    }
}

/* An id that probably has the hash, at the first place where it may stand; 0 = none there. */
static inline uint32_t weft_slots_guess(const struct weft_slots *slots, uint32_t hash)
{
    if (slots->now.slots == NULL) {
        return 0;
    }
    const struct weft_slot *slot = &slots->now.slots[hash >> (32 - slots->now.bits)];
    return slot->hash == hash ? slot->id : 0;
}

/* WEFT_NOMEM changes nothing. */
enum weft_status weft_slots_insert(struct weft_slots *slots, uint32_t hash, uint32_t id) WEFT_MUST_CHECK;

/* It must be there. */
void weft_slots_remove(struct weft_slots *slots, uint32_t hash, uint32_t id);

size_t weft_slots_size_bytes(const struct weft_slots *slots);

/* Slots between the place where an id should be and where it is, at most. Looks at everything: for tests. */
size_t weft_slots_longest_probe(const struct weft_slots *slots);
