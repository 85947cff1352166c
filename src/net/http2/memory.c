/* nghttp2's allocator hook (limits.h): its memory counts as reserved, at what malloc really gave. */
#include <malloc.h>

#include "base/alloc.h"
#include "net/http2/limits.h"

static void *charged(struct weft_budget *budget, void *memory)
{
    weft_budget_charge(budget, malloc_usable_size(memory));
    return memory;
}

static void *on_malloc(size_t size_bytes, void *context)
{
    return charged(context, weft_try_alloc_raw(size_bytes));
}

static void on_free(void *memory, void *context)
{
    weft_budget_release(context, malloc_usable_size(memory));
    weft_free(memory);
}

static void *on_calloc(size_t count, size_t size_bytes, void *context)
{
    size_t total;
    return __builtin_mul_overflow(count, size_bytes, &total) ? NULL : charged(context, weft_try_alloc(total));
}

static void *on_realloc(void *memory, size_t size_bytes, void *context)
{
    size_t old_bytes = malloc_usable_size(memory);
    void *moved = weft_try_realloc(memory, size_bytes);
    if (moved != NULL) {
        weft_budget_release(context, old_bytes);
        charged(context, moved);
    }
    return moved;
}

nghttp2_mem weft_http2_memory(struct weft_budget *budget)
{
    return (nghttp2_mem){ budget, on_malloc, on_free, on_calloc, on_realloc };
}
