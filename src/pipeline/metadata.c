/* Metadata of requests (metadata.h): one block, items first, then their texts. */
#include "pipeline/metadata.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/assert.h"

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

static bool is_key(const struct weft_metadata_item *item, struct weft_slice key)
{
    return item->key.length == key.length &&
           strncasecmp((const char *)item->key.bytes, (const char *)key.bytes, key.length) == 0;
}

/* The next item of that key from index on; their number if there is none. */
static size_t find_from(const struct weft_metadata *metadata, size_t index, struct weft_slice key)
{
    size_t count = metadata == NULL ? 0 : metadata->count;
    while (index < count && !is_key(&metadata->items[index], key)) {
        index++;
    }
    return index;
}

static bool is_same_under(const struct weft_metadata *left, const struct weft_metadata *right, struct weft_slice key)
{
    size_t left_count = left == NULL ? 0 : left->count;
    size_t right_count = right == NULL ? 0 : right->count;
    size_t i = find_from(left, 0, key);
    size_t j = find_from(right, 0, key);
    while (i < left_count && j < right_count && weft_slice_equal(left->items[i].value, right->items[j].value)) {
        i = find_from(left, i + 1, key);
        j = find_from(right, j + 1, key);
    }
    return i == left_count && j == right_count;
}

bool weft_metadata_is_same_under(const struct weft_metadata *left, const struct weft_metadata *right, const char *key)
{
    return is_same_under(left, right, weft_slice_of_text(key));
}

enum weft_status weft_metadata_try_common(struct weft_metadata *left, const struct weft_metadata *right,
                                          struct weft_metadata **out_common)
{
    struct weft_metadata_item items[WEFT_METADATA_MAX];
    size_t count = 0;
    if (left == right || left == NULL || right == NULL) {
        *out_common = left == right ? weft_metadata_ref(left) : NULL;
        return WEFT_OK;
    }
    weft_assert(left->count <= WEFT_METADATA_MAX);
    for (size_t i = 0; i < left->count; i++) {
        if (is_same_under(left, right, left->items[i].key)) {
            items[count++] = left->items[i];
        }
    }
    struct weft_slice address = weft_slice_equal(left->address, right->address) ? left->address : WEFT_SLICE_EMPTY;
    if (count == left->count && address.length == left->address.length) {
        *out_common = weft_metadata_ref(left);
        return WEFT_OK;
    }
    struct weft_metadata *common = NULL;
    if (count > 0 || address.length > 0) {
        common = weft_metadata_try_new(left->budget, items, count, address);
        if (common == NULL) {
            return WEFT_NOMEM;
        }
    }
    *out_common = common;
    return WEFT_OK;
}

size_t weft_metadata_find(const struct weft_metadata *metadata, const char *key, struct weft_slice *out_value)
{
    size_t count = 0;
    for (size_t i = 0; metadata != NULL && i < metadata->count; i++) {
        if (is_key(&metadata->items[i], weft_slice_of_text(key)) && count++ == 0) {
            *out_value = metadata->items[i].value;
        }
    }
    return count;
}
