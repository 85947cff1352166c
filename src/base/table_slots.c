/* Index of a table (table_slots.h). The upper bits of the hash are the place, so the slot alone suffices to move it. */
#include "base/table_slots.h"

#include "base/alloc.h"
#include "base/assert.h"

enum { BITS_MIN = 4, BITS_MAX = 30, MOVED_AT_ONCE = 64, SHRINK_SHARE = 8 };

/* Arrays of so many bytes and more are mapped, and unmapped in pieces: 16 MiB at once take a millisecond and more. */
enum { MAPPED_BYTES = 256 * 1024, UNMAPPED_AT_ONCE = 128 * 1024 };

static uint32_t capacity_of(const struct weft_slot_array *array)
{
    return array->slots == NULL ? 0 : UINT32_C(1) << array->bits;
}

static uint32_t place_of(const struct weft_slot_array *array, uint32_t hash)
{
    return hash >> (32 - array->bits);
}

static bool is_full(const struct weft_slot_array *array, uint32_t count)
{
    return count >= capacity_of(array) / 4 * 3;
}

static enum weft_status array_new(struct weft_slots *slots, uint32_t bits, struct weft_slot_array *out_array)
{
    size_t size_bytes = sizeof(struct weft_slot) << bits;
    struct weft_slot *memory = size_bytes < MAPPED_BYTES ? weft_try_alloc(size_bytes) : weft_try_map(size_bytes);
    if (memory == NULL) {
        return WEFT_NOMEM;
    }
    weft_budget_charge(slots->budget, size_bytes);
    *out_array = (struct weft_slot_array){ .slots = memory, .bits = bits };
    return WEFT_OK;
}

static void unmap_some(struct weft_slots *slots)
{
    size_t piece = slots->gone_bytes < UNMAPPED_AT_ONCE ? slots->gone_bytes : UNMAPPED_AT_ONCE;
    if (piece > 0) {
        slots->gone_bytes -= piece;
        bool is_unmapped = weft_unmap(slots->gone + slots->gone_bytes, piece);
        (void)is_unmapped; /* an end always can be; if not, its pages are gone */
        weft_budget_release(slots->budget, piece);
    }
}

static void array_free(struct weft_slots *slots, struct weft_slot_array *array)
{
    size_t size_bytes = capacity_of(array) * sizeof(struct weft_slot);
    if (size_bytes < MAPPED_BYTES) {
        weft_budget_release(slots->budget, size_bytes);
        weft_free(array->slots);
    } else {
        while (slots->gone_bytes > 0) {
            unmap_some(slots); /* does not happen: a move takes far more calls */
        }
        slots->gone = (uint8_t *)array->slots;
        slots->gone_bytes = size_bytes;
    }
    *array = (struct weft_slot_array){ 0 };
}

void weft_slots_fini(struct weft_slots *slots)
{
    array_free(slots, &slots->now);
    array_free(slots, &slots->former);
    while (slots->gone_bytes > 0) {
        unmap_some(slots);
    }
}

static void array_put(struct weft_slot_array *array, struct weft_slot slot)
{
    uint32_t mask = capacity_of(array) - 1;
    uint32_t at = place_of(array, slot.hash);
    while (array->slots[at].id != 0) {
        at = (at + 1) & mask;
    }
    array->slots[at] = slot;
    array->count++;
}

/* What follows and could not stand at its place moves up, until an empty slot or one that stands well. */
static void array_remove_at(struct weft_slot_array *array, uint32_t hole)
{
    uint32_t mask = capacity_of(array) - 1;
    for (uint32_t at = (hole + 1) & mask; array->slots[at].id != 0; at = (at + 1) & mask) {
        uint32_t displaced = (at - place_of(array, array->slots[at].hash)) & mask;
        if (displaced >= ((at - hole) & mask)) {
            array->slots[hole] = array->slots[at];
            hole = at;
        }
    }
    array->slots[hole].id = 0;
    array->count--;
}

static bool array_remove(struct weft_slot_array *array, uint32_t hash, uint32_t id)
{
    if (array->slots == NULL) {
        return false;
    }
    uint32_t mask = capacity_of(array) - 1;
    for (uint32_t at = place_of(array, hash); array->slots[at].id != 0; at = (at + 1) & mask) {
        if (array->slots[at].id == id) {
            array_remove_at(array, at);
            return true;
        }
    }
    return false;
}

static uint32_t array_find(const struct weft_slot_array *array, uint32_t hash, weft_slots_match_fn match,
                           const void *context)
{
    if (array->slots == NULL) {
        return 0;
    }
    uint32_t mask = capacity_of(array) - 1;
    for (uint32_t at = place_of(array, hash); array->slots[at].id != 0; at = (at + 1) & mask) {
        if (array->slots[at].hash == hash && match(context, array->slots[at].id)) {
            return array->slots[at].id;
        }
    }
    return 0;
}

uint32_t weft_slots_find(const struct weft_slots *slots, uint32_t hash, weft_slots_match_fn match, const void *context)
{
    uint32_t id = array_find(&slots->now, hash, match, context);
    return id != 0 ? id : array_find(&slots->former, hash, match, context);
}

/* ---- growing and shrinking ---- */

static enum weft_status start_move(struct weft_slots *slots, uint32_t bits)
{
    struct weft_slot_array array;
    enum weft_status status = array_new(slots, bits, &array);
    if (status != WEFT_OK) {
        return status;
    }
    slots->former = slots->now;
    slots->now = array;
    slots->former_left = capacity_of(&slots->former);
    slots->former_at = 0;
    while (slots->former.slots[slots->former_at].id != 0) {
        slots->former_at++;
    }
    slots->former_at++; /* behind an empty slot begins a run */
    return WEFT_OK;
}

/* Whole runs of used slots, since whoever seeks in the former array stops at the first empty one. */
static void move_some(struct weft_slots *slots)
{
    struct weft_slot_array *former = &slots->former;
    unmap_some(slots);
    if (former->slots == NULL) {
        return;
    }
    uint32_t mask = capacity_of(former) - 1;
    bool was_empty = false;
    for (uint32_t seen = 0; slots->former_left > 0 && (seen < MOVED_AT_ONCE || !was_empty); seen++) {
        struct weft_slot *slot = &former->slots[slots->former_at & mask];
        was_empty = slot->id == 0;
        if (!was_empty) {
            array_put(&slots->now, *slot);
            slot->id = 0;
            former->count--;
        }
        slots->former_at = (slots->former_at + 1) & mask;
        slots->former_left--;
    }
    if (slots->former_left == 0) {
        weft_assert(former->count == 0);
        array_free(slots, former);
    }
}

static enum weft_status make_room(struct weft_slots *slots)
{
    uint32_t count = slots->now.count + slots->former.count;
    while (slots->former.slots != NULL && is_full(&slots->now, count)) {
        move_some(slots); /* does not happen: a move is over long before */
    }
    if (!is_full(&slots->now, count)) {
        return WEFT_OK;
    }
    if (slots->now.slots == NULL) {
        return array_new(slots, BITS_MIN, &slots->now);
    }
    return slots->now.bits == BITS_MAX ? WEFT_NOMEM : start_move(slots, slots->now.bits + 1);
}

enum weft_status weft_slots_insert(struct weft_slots *slots, uint32_t hash, uint32_t id)
{
    weft_assert(id != 0);
    enum weft_status status = make_room(slots);
    if (status != WEFT_OK) {
        return status;
    }
    array_put(&slots->now, (struct weft_slot){ hash, id });
    move_some(slots);
    return WEFT_OK;
}

void weft_slots_remove(struct weft_slots *slots, uint32_t hash, uint32_t id)
{
    bool is_removed = array_remove(&slots->now, hash, id) || array_remove(&slots->former, hash, id);
    weft_assert(is_removed);
    uint32_t count = slots->now.count + slots->former.count;
    if (count == 0) {
        weft_slots_fini(slots);
        return;
    }
    bool is_sparse = count < capacity_of(&slots->now) / SHRINK_SHARE;
    if (slots->former.slots == NULL && is_sparse && slots->now.bits > BITS_MIN &&
        start_move(slots, slots->now.bits - 1) != WEFT_OK) {
        return; /* the next removal tries again */
    }
    move_some(slots);
}

size_t weft_slots_size_bytes(const struct weft_slots *slots)
{
    return ((size_t)capacity_of(&slots->now) + capacity_of(&slots->former)) * sizeof(struct weft_slot) +
           slots->gone_bytes;
}

static size_t array_longest_probe(const struct weft_slot_array *array)
{
    size_t longest = 0;
    for (uint32_t at = 0; at < capacity_of(array); at++) {
        if (array->slots[at].id != 0) {
            size_t probe = (at - place_of(array, array->slots[at].hash)) & (capacity_of(array) - 1);
            longest = probe > longest ? probe : longest;
        }
    }
    return longest;
}

size_t weft_slots_longest_probe(const struct weft_slots *slots)
{
    size_t now = array_longest_probe(&slots->now);
    size_t former = array_longest_probe(&slots->former);
    return now > former ? now : former;
}
