/* Metadata of requests (metadata.h): one block, items first, then their texts. */
#include "pipeline/metadata.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"

static struct weft_slice copy(struct weft_slice text, uint8_t **at, bool is_key)
{
    struct weft_slice copied = { *at, text.length };
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = text.bytes[i];
        *(*at)++ = is_key && byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
    }
    return copied;
}

struct weft_metadata *weft_metadata_try_new(struct weft_budget *budget, const struct weft_metadata_item *items,
                                            size_t count, struct weft_slice address)
{
    size_t size = sizeof(struct weft_metadata) + count * sizeof items[0] + address.length;
    for (size_t i = 0; i < count; i++) {
        size += items[i].key.length + items[i].value.length;
    }
    struct weft_metadata *metadata = weft_try_alloc_raw(size);
    if (metadata == NULL) {
        return NULL;
    }
    weft_set_magic(metadata, metadata);
    metadata->references = 1;
    metadata->budget = budget;
    metadata->size_bytes = size;
    metadata->count = count;
    weft_budget_charge(budget, size);
    uint8_t *at = (uint8_t *)&metadata->items[count];
    for (size_t i = 0; i < count; i++) {
        metadata->items[i].key = copy(items[i].key, &at, true);
        metadata->items[i].value = copy(items[i].value, &at, false);
    }
    metadata->address = copy(address, &at, false);
    return metadata;
}

struct weft_metadata *weft_metadata_ref(struct weft_metadata *metadata)
{
    if (metadata != NULL) {
        weft_check_magic(metadata, metadata);
        metadata->references++;
    }
    return metadata;
}

void weft_metadata_unref(struct weft_metadata **own_metadata)
{
    struct weft_metadata *metadata = *own_metadata;
    *own_metadata = NULL;
    if (metadata == NULL) {
        return;
    }
    weft_check_magic(metadata, metadata);
    if (--metadata->references == 0) {
        weft_clear_magic(metadata, metadata);
        weft_budget_release(metadata->budget, metadata->size_bytes);
        weft_free(metadata);
    }
}

size_t weft_metadata_find(const struct weft_metadata *metadata, const char *key, struct weft_slice *out_value)
{
    size_t count = 0, length = strlen(key);
    for (size_t i = 0; metadata != NULL && i < metadata->count; i++) {
        const struct weft_metadata_item *item = &metadata->items[i];
        if (item->key.length == length && strncasecmp((const char *)item->key.bytes, key, length) == 0) {
            if (count++ == 0) {
                *out_value = item->value;
            }
        }
    }
    return count;
}
