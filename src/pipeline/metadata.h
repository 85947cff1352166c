#pragma once

#include "base/budget.h"
#include "base/magic.h"
#include "base/slice.h"
#include "base/status.h"

/* What a client's request said in its header fields, and from where, for components that act by it. Keys are in lower
 * case; a key may stand several times, in the order in which its values came. It does not change; counted, and of one
 * worker. Who sends chooses its size, up to the server's limit on a header, and batches and shards keep it: it is
 * charged. */
struct weft_metadata_item {
    struct weft_slice key, value;
};

enum { WEFT_METADATA_MAX = 128 }; /* items of one request; servers take fewer fields */

WEFT_MAGIC(metadata, 0x03e7ada7);

struct weft_metadata {
    uint32_t magic;
    uint32_t references;
    struct weft_budget *budget;
    size_t size_bytes;         /* of the whole, as charged */
    struct weft_slice address; /* the client's IP address as text; empty: it has none, or nobody asked for it */
    size_t count;
    struct weft_metadata_item items[];
};

/* Copies. NULL: no memory. The budget outlives it. */
struct weft_metadata *weft_metadata_try_new(struct weft_budget *budget, const struct weft_metadata_item *items,
                                            size_t count, struct weft_slice address) WEFT_MUST_CHECK;

/* Both take NULL. */
struct weft_metadata *weft_metadata_ref(struct weft_metadata *metadata);
void weft_metadata_unref(struct weft_metadata **own_metadata);

/* Whether both, of which either may be NULL, say the same under the key, whatever its case: the same values in the same
 * order, or none. */
bool weft_metadata_is_same_under(const struct weft_metadata *left, const struct weft_metadata *right, const char *key);

/* What both say: those of left's items whose key has the same values in right. A reference, to left itself if that is
 * all of it; NULL if it is nothing. WEFT_NOMEM. */
enum weft_status weft_metadata_try_common(struct weft_metadata *left, const struct weft_metadata *right,
                                          struct weft_metadata **out_common) WEFT_MUST_CHECK;

/* The values of a key, whatever its case. Returns how many; *out_value is the first. NULL has none. */
size_t weft_metadata_find(const struct weft_metadata *metadata, const char *key, struct weft_slice *out_value);
