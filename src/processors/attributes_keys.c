/* The table of the keys that a config names (attributes_keys.h). */
#include "processors/attributes_keys.h"

#include "base/alloc.h"

enum weft_status weft_attribute_keys_add(struct weft_attribute_keys *keys, struct weft_slice name, uint16_t *out_number,
                                         struct weft_error *error)
{
    uint16_t known = weft_attribute_keys_find(keys, name);
    if (known != WEFT_NO_ATTRIBUTE_KEY) {
        *out_number = known;
        return WEFT_OK;
    }
    if (keys->count >= WEFT_NO_ATTRIBUTE_KEY) {
        return weft_fail(error, WEFT_LIMIT, "more than %d keys", WEFT_NO_ATTRIBUTE_KEY);
    }
    if ((keys->count == keys->capacity &&
         weft_try_grow(&keys->names, sizeof *keys->names, keys->count, &keys->capacity) != WEFT_OK) ||
        (keys->count == keys->next_capacity &&
         weft_try_grow(&keys->next, sizeof *keys->next, keys->count, &keys->next_capacity) != WEFT_OK)) {
        return weft_fail(error, WEFT_NOMEM, "no memory for keys");
    }
    uint16_t *slot = weft_otlp_keys_place(&keys->slots, name);
    keys->names[keys->count] = name;
    keys->next[keys->count] = *slot;
    *out_number = (uint16_t)keys->count++;
    *slot = (uint16_t)keys->count;
    return WEFT_OK;
}

void weft_attribute_keys_fini(struct weft_attribute_keys *keys)
{
    weft_free(keys->names);
    weft_free(keys->next);
    *keys = (struct weft_attribute_keys){ 0 };
}
