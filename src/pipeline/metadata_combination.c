/* Combinations of metadata (metadata_combination.h). A value is written with its length before it, and each key ends.
 */
#include "pipeline/metadata_combination.h"

#include <strings.h>

#include "base/alloc.h"

enum { KEY_END = UINT32_MAX };

static bool is_named(struct weft_slice name, const char *key)
{
    return name.length == strlen(key) && strncasecmp((const char *)name.bytes, key, name.length) == 0;
}

enum weft_status weft_metadata_keys_validate(const struct weft_config_strings *keys, struct weft_error *error)
{
    for (size_t i = 0; i < keys->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcasecmp(keys->items[i], keys->items[j]) == 0) {
                return weft_fail(error, WEFT_INVALID, "duplicate entry in metadata_keys: \"%s\" (case-insensitive)",
                                 keys->items[i]);
            }
        }
    }
    return WEFT_OK;
}

enum weft_status weft_metadata_combination_write(const struct weft_config_strings *keys,
                                                 const struct weft_metadata *metadata, struct weft_buffer *out)
{
    static const uint32_t key_end = KEY_END; /* no value is so long */
    for (size_t i = 0; i < keys->count; i++) {
        for (size_t j = 0; metadata != NULL && j < metadata->count; j++) {
            const struct weft_metadata_item *item = &metadata->items[j];
            if (is_named(item->key, keys->items[i])) {
                uint32_t length = (uint32_t)item->value.length;
                weft_buffer_append(out, &length, sizeof length);
                weft_buffer_append(out, item->value.bytes, item->value.length);
            }
        }
        weft_buffer_append(out, &key_end, sizeof key_end);
    }
    return weft_buffer_status(out);
}

struct weft_metadata *weft_metadata_combination_try_keep(struct weft_budget *budget,
                                                         const struct weft_config_strings *keys,
                                                         const struct weft_metadata *metadata)
{
    size_t count = 0, capacity = metadata == NULL ? 0 : metadata->count;
    struct weft_metadata_item *items = weft_try_alloc((capacity + 1) * sizeof *items);
    if (items == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < keys->count; i++) {
        for (size_t j = 0; j < capacity; j++) {
            if (is_named(metadata->items[j].key, keys->items[i])) {
                items[count++] = metadata->items[j];
            }
        }
    }
    struct weft_metadata *kept = weft_metadata_try_new(budget, items, count, WEFT_SLICE_EMPTY);
    weft_free(items);
    return kept;
}
