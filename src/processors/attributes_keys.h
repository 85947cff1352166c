#pragma once

#include "wire/otlp_attributes.h"

/* The keys that a config names, each with a number, found by a hash of three of their bytes. Filled once, then read by
 * all workers. All zero is empty. */
enum { WEFT_NO_ATTRIBUTE_KEY = UINT16_MAX };

struct weft_attribute_keys {
    struct weft_slice *names; /* by number; borrowed from the config */
    uint16_t *next;           /* of those that share a slot: a number and one, 0 = the last */
    size_t count, capacity, next_capacity;
    struct weft_otlp_keys slots;
};

/* The number of the key, which is new or was there. WEFT_LIMIT with too many, WEFT_NOMEM. */
enum weft_status weft_attribute_keys_add(struct weft_attribute_keys *keys, struct weft_slice name, uint16_t *out_number,
                                         struct weft_error *error) WEFT_MUST_CHECK;
void weft_attribute_keys_fini(struct weft_attribute_keys *keys);

/* WEFT_NO_ATTRIBUTE_KEY if nobody named it. */
static inline uint16_t weft_attribute_keys_find(const struct weft_attribute_keys *keys, struct weft_slice name)
{
    for (uint16_t at = keys->slots.first[weft_otlp_key_slot(name)]; at != 0; at = keys->next[at - 1]) {
        if (weft_slice_equal(keys->names[at - 1], name)) {
            return (uint16_t)(at - 1);
        }
    }
    return WEFT_NO_ATTRIBUTE_KEY;
}
