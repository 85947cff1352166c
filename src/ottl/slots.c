/* Attributes that are sought (slots.h). */
#include "ottl/slots.h"

#include "base/assert.h"
#include "wire/checked.h"

static uint64_t bit_of(uint8_t number)
{
    return UINT64_C(1) << number;
}

struct weft_ottl_value weft_ottl_slot_wire_value(const struct weft_ottl_slot *slot)
{
    struct weft_wire_reader reader = { slot->at, slot->end, slot->at };
    struct weft_wire_field field;
    bool has_field = weft_wire_next_checked(&reader, &field);
    weft_assert(has_field);
    return weft_ottl_value_of_key_value(field.bytes);
}

static bool is_added(const struct weft_ottl_slots *slots, uint8_t number)
{
    return ((slots->found & ~slots->removed) & bit_of(number)) == 0;
}

void weft_ottl_slots_remove(struct weft_ottl_slots *slots, uint8_t number)
{
    weft_assert(weft_ottl_slots_have(slots, number) && (slots->doubled & bit_of(number)) == 0);
    slots->changed &= ~bit_of(number);
    if (!is_added(slots, number)) {
        slots->removed |= bit_of(number);
        return;
    }
    size_t at = 0;
    while (slots->added[at] != number) {
        at++;
    }
    slots->added_count--;
    memmove(slots->added + at, slots->added + at + 1, slots->added_count - at);
}

/* Members are still in the order in which they came. */
static void settle_found(const struct weft_ottl_slots *slots, uint8_t number, struct weft_ottl_map *map)
{
    size_t at = 0;
    while (!weft_slice_equal(map->members[at].key, slots->sought->keys[number])) {
        at++;
    }
    if ((slots->removed & bit_of(number)) == 0) {
        map->members[at].value = slots->items[number].value;
        map->members[at].wire = WEFT_SLICE_EMPTY;
        return;
    }
    map->count--;
    memmove(map->members + at, map->members + at + 1, (map->count - at) * sizeof *map->members);
}

enum weft_status weft_ottl_slots_settle(const struct weft_ottl_slots *slots, struct weft_ottl_map *map,
                                        struct weft_entry_memory *memory)
{
    enum weft_status status = WEFT_OK;
    for (uint64_t left = (slots->changed | slots->removed) & slots->found; left != 0; left &= left - 1) {
        settle_found(slots, (uint8_t)__builtin_ctzll(left), map);
    }
    for (size_t i = 0; status == WEFT_OK && i < slots->added_count; i++) {
        uint8_t number = slots->added[i];
        status = weft_ottl_map_append(memory, map, slots->sought->keys[number], slots->items[number].value);
    }
    return status;
}
