/* Contexts (contexts.h): a table by a digest of what a context is. Digests of two that differ are equal once in 2^64
 * even for who can choose, since they are keyed; then the bytes are compared, and the second one gets a number of its
 * own by a changed digest. */
#include "join/contexts.h"

#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "wire/otlp_attributes.h"

enum { CONTEXTS_MAX = 1 << 20 };

struct weft_contexts {
    struct weft_table *table;
    struct weft_budget *budget;
    const struct weft_hash_secret *secret;
    size_t bytes;
};

struct weft_contexts *weft_contexts_new(struct weft_budget *budget, const struct weft_hash_secret *secret)
{
    struct weft_contexts *contexts = weft_alloc(sizeof *contexts);
    contexts->budget = budget;
    contexts->secret = secret;
    contexts->table = weft_table_new(&(struct weft_table_settings){ .budget = budget,
                                                                    .secret = secret,
                                                                    .key_bytes_max = 16,
                                                                    .entry_bytes = sizeof(struct weft_context),
                                                                    .entry_count_max = CONTEXTS_MAX });
    return contexts;
}

void weft_contexts_free(struct weft_contexts *contexts)
{
    weft_assert(weft_table_count(contexts->table) == 0);
    weft_table_free(contexts->table);
    weft_free(contexts);
}

static size_t bytes_of(const struct weft_context *context)
{
    return context->resource.length + context->scope.length;
}

static bool is_same(const struct weft_context *context, uint32_t outlet, struct weft_slice resource,
                    struct weft_slice scope)
{
    return context->outlet == outlet && weft_slice_equal(context->resource, resource) &&
           weft_slice_equal(context->scope, scope);
}

static enum weft_status fill(struct weft_contexts *contexts, struct weft_context *context, uint32_t outlet,
                             struct weft_slice resource, struct weft_slice scope)
{
    size_t length = resource.length + scope.length;
    uint8_t *bytes = weft_try_alloc_raw(length + 1);
    if (bytes == NULL) {
        weft_table_remove(contexts->table, context);
        return WEFT_NOMEM;
    }
    if (resource.length > 0) {
        memcpy(bytes, resource.bytes, resource.length);
    }
    if (scope.length > 0) {
        memcpy(bytes + resource.length, scope.bytes, scope.length);
    }
    context->outlet = outlet;
    context->resource = weft_slice_of(bytes, resource.length);
    context->scope = weft_slice_of(bytes + resource.length, scope.length);
    context->service = weft_otlp_service_name(context->resource);
    contexts->bytes += length;
    weft_budget_charge(contexts->budget, length);
    return WEFT_OK;
}

enum weft_status weft_contexts_intern(struct weft_contexts *contexts, uint32_t outlet, struct weft_slice resource,
                                      struct weft_slice scope, uint32_t *out_context)
{
    uint64_t digest[2] = { weft_hash(contexts->secret, resource), weft_hash(contexts->secret, scope) ^ outlet };
    for (;;) {
        void *entry = NULL;
        bool is_new = false;
        struct weft_slice key = weft_slice_of((const uint8_t *)digest, sizeof digest);
        enum weft_status status = weft_table_put(contexts->table, key, &entry, &is_new);
        if (status == WEFT_OK && is_new) {
            status = fill(contexts, entry, outlet, resource, scope);
        }
        if (status != WEFT_OK) {
            return WEFT_NOMEM;
        }
        if (is_same(entry, outlet, resource, scope)) {
            ((struct weft_context *)entry)->references++;
            *out_context = weft_table_id(contexts->table, entry);
            return WEFT_OK;
        }
        digest[0]++;
    }
}

struct weft_context *weft_contexts_at(const struct weft_contexts *contexts, uint32_t context)
{
    struct weft_context *entry = weft_table_at(contexts->table, context);
    weft_assert(entry != NULL);
    return entry;
}

void weft_contexts_unref(struct weft_contexts *contexts, uint32_t context, uint64_t count)
{
    struct weft_context *entry = weft_contexts_at(contexts, context);
    weft_assert(entry->references >= count);
    entry->references -= count;
    if (entry->references == 0) {
        contexts->bytes -= bytes_of(entry);
        weft_budget_release(contexts->budget, bytes_of(entry));
        weft_free((void *)(uintptr_t)entry->resource.bytes);
        weft_table_remove(contexts->table, entry);
    }
}

size_t weft_contexts_size_bytes(const struct weft_contexts *contexts)
{
    return contexts->bytes + weft_table_size_bytes(contexts->table);
}
