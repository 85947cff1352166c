/* The list of attributes that a config names (named_keys.h). */
#include "config/named_keys.h"

#include "base/alloc.h"

enum weft_status weft_named_keys_add(struct weft_named_keys *keys, const struct weft_named_key *key)
{
    enum weft_status status = weft_try_grow(&keys->items, sizeof *keys->items, keys->count, &keys->capacity);
    if (status == WEFT_OK) {
        keys->items[keys->count++] = *key;
    }
    return status;
}

void weft_named_keys_fini(struct weft_named_keys *keys)
{
    weft_free(keys->items);
    *keys = (struct weft_named_keys){ 0 };
}
