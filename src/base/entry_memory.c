/* Memory of one entry (entry_memory.h): chunks, each twice as large as the last. */
#include "base/entry_memory.h"

#include "base/alloc.h"
#include "base/work.h"

enum { FIRST_BYTES = 8 << 10, KEPT_BYTES = 64 << 10 };

static void free_chunks(struct weft_entry_chunk *chunk)
{
    while (chunk != NULL) {
        struct weft_entry_chunk *next = chunk->next;
        weft_free(chunk);
        chunk = next;
    }
}

void weft_entry_memory_fini(struct weft_entry_memory *memory)
{
    free_chunks(memory->chunks);
    *memory = (struct weft_entry_memory){ 0 };
}

/* Something was taken, so there is a chunk; with nothing taken there is one at most, and it is as small as one that is
 * kept. */
void weft_entry_memory_give_back(struct weft_entry_memory *memory)
{
    memory->used = 0;
    if (memory->chunks->next != NULL) {
        free_chunks(memory->chunks->next);
        memory->chunks->next = NULL;
        memory->size_bytes = memory->chunks->capacity;
    }
    if (memory->chunks->capacity > KEPT_BYTES) {
        free_chunks(memory->chunks);
        memory->chunks = NULL;
        memory->size_bytes = 0;
    }
}

static bool add_chunk(struct weft_entry_memory *memory, size_t size_bytes)
{
    size_t capacity = memory->chunks == NULL ? (size_t)FIRST_BYTES : memory->chunks->capacity * 2;
    capacity = capacity < size_bytes ? size_bytes : capacity;
    size_t max_bytes = memory->max_bytes == 0 ? (size_t)WEFT_ENTRY_MEMORY_MAX_BYTES : memory->max_bytes;
    bool is_too_much = capacity > max_bytes - memory->size_bytes;
    capacity = is_too_much ? size_bytes : capacity; /* without room to spare */
    is_too_much = capacity > max_bytes - memory->size_bytes;
    memory->is_full = memory->is_full || is_too_much;
    struct weft_entry_chunk *chunk = is_too_much ? NULL : weft_try_alloc_raw(sizeof *chunk + capacity);
    if (chunk == NULL) {
        return false;
    }
    weft_work_did(capacity);
    memory->size_bytes += capacity;
    chunk->next = memory->chunks;
    chunk->capacity = capacity;
    memory->chunks = chunk;
    memory->used = 0;
    return true;
}

void *weft_entry_memory_try_more(struct weft_entry_memory *memory, size_t size_bytes)
{
    if (!add_chunk(memory, size_bytes)) {
        return NULL;
    }
    memory->used = size_bytes;
    return memory->chunks->bytes;
}

struct weft_slice weft_entry_memory_try_join(struct weft_entry_memory *memory, struct weft_slice left,
                                             struct weft_slice right)
{
    size_t length = left.length + right.length;
    uint8_t *bytes = length == 0 ? NULL : weft_entry_memory_try_alloc(memory, length);
    if (bytes == NULL) {
        return WEFT_SLICE_EMPTY;
    }
    if (left.length > 0) {
        weft_work_copy(bytes, left.bytes, left.length);
    }
    if (right.length > 0) {
        weft_work_copy(bytes + left.length, right.bytes, right.length);
    }
    return weft_slice_of(bytes, length);
}
