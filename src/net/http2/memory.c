/* nghttp2's allocator hook (limits.h): its memory counts as reserved, at what malloc really gave. */
#include <malloc.h>
#include <stddef.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "net/http2/limits.h"

/* Stands before what nghttp2 has, which it leaves aligned. */
struct block {
    struct weft_list node;
};

_Static_assert(sizeof(struct block) % _Alignof(max_align_t) == 0, "what follows is for anything");

static struct block *block_of(void *memory)
{
    return (struct block *)memory - 1;
}

/* own_block: NULL is no memory. */
static void *enter(struct weft_http2_memory *memory, struct block *own_block)
{
    if (own_block == NULL) {
        memory->has_failed = true;
        return NULL;
    }
    weft_list_init(&own_block->node);
    weft_list_push_back(&memory->blocks, &own_block->node);
    weft_budget_charge(memory->budget, malloc_usable_size(own_block));
    return own_block + 1;
}

static void leave(struct weft_http2_memory *memory, struct block *block)
{
    weft_list_remove(&block->node);
    weft_budget_release(memory->budget, malloc_usable_size(block));
}

static void *on_malloc(size_t size_bytes, void *context)
{
    size_t total;
    bool is_too_large = __builtin_add_overflow(size_bytes, sizeof(struct block), &total);
    return enter(context, is_too_large ? NULL : weft_try_alloc_raw(total));
}

static void on_free(void *memory, void *context)
{
    if (memory != NULL) {
        leave(context, block_of(memory));
        weft_free(block_of(memory));
    }
}

static void *on_calloc(size_t count, size_t size_bytes, void *context)
{
    size_t total;
    bool is_too_large = __builtin_mul_overflow(count, size_bytes, &total) ||
                        __builtin_add_overflow(total, sizeof(struct block), &total);
    return enter(context, is_too_large ? NULL : weft_try_alloc(total));
}

static void *on_realloc(void *former, size_t size_bytes, void *context)
{
    struct weft_http2_memory *memory = context;
    size_t total;
    if (former == NULL) {
        return on_malloc(size_bytes, context);
    }
    struct block *block = block_of(former);
    leave(memory, block);
    bool is_too_large = __builtin_add_overflow(size_bytes, sizeof(struct block), &total);
    struct block *moved = is_too_large ? NULL : weft_try_realloc(block, total);
    if (moved == NULL) {
        (void)enter(memory, block); /* it stays */
    }
    return enter(memory, moved);
}

void weft_http2_memory_init(struct weft_http2_memory *memory, struct weft_budget *budget)
{
    *memory = (struct weft_http2_memory){ .budget = budget };
    weft_list_init(&memory->blocks);
}

nghttp2_mem weft_http2_memory_hooks(struct weft_http2_memory *memory)
{
    return (nghttp2_mem){ memory, on_malloc, on_free, on_calloc, on_realloc };
}

void weft_http2_memory_end(struct weft_http2_memory *memory, nghttp2_session *session)
{
    struct weft_list *node;
    if (session == NULL) {
        return;
    }
    if (!memory->has_failed) {
        nghttp2_session_del(session);
        weft_assert(weft_list_is_empty(&memory->blocks));
    }
    while ((node = weft_list_first(&memory->blocks)) != NULL) {
        on_free(WEFT_CONTAINER_OF(node, struct block, node) + 1, memory);
    }
}
