/* Heap allocation with a policy (alloc.h) and a hook by which tests make any fallible call fail. */
#include "base/alloc.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "base/thread.h"

enum { LARGE_BYTES = 256 << 10, KEPT_TOP_BYTES = 16 << 20, PAGE_BYTES = 4096 };

static WEFT_THREAD_LOCAL size_t calls_until_failure;
static WEFT_THREAD_LOCAL bool has_failed;

/* Left alone, glibc moves large blocks into its heap once some have been freed, where pieces of many of them stay
 * resident. */
void weft_alloc_set_up(void)
{
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    mallopt(M_TRIM_THRESHOLD, KEPT_TOP_BYTES);
}

/* Under a sanitizer, which has an allocator of its own, glibc's was never begun, and two threads would begin it here.
 */
void weft_alloc_trim(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    malloc_trim(0);
#endif
}

void weft_alloc_fail_at(size_t nth_call)
{
    calls_until_failure = nth_call;
    has_failed = false;
}

bool weft_alloc_has_failed(void)
{
    return has_failed;
}

static bool must_fail(void)
{
    if (WEFT_LIKELY(calls_until_failure == 0)) {
        return false;
    }
    calls_until_failure--;
    if (calls_until_failure > 0) {
        return false;
    }
    has_failed = true;
    return true;
}

void *weft_alloc(size_t size_bytes)
{
    void *memory = calloc(1, size_bytes == 0 ? 1 : size_bytes);
    weft_assert(memory != NULL);
    return memory;
}

void *weft_alloc_pages(size_t size_bytes)
{
    void *memory = aligned_alloc(PAGE_BYTES, (size_bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES);
    weft_assert(memory != NULL);
    return memory;
}

char *weft_alloc_string(const char *text)
{
    size_t size_bytes = strlen(text) + 1;
    return memcpy(weft_alloc(size_bytes), text, size_bytes);
}

char *weft_alloc_format(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = NULL;
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    weft_assert(length >= 0);
    return text;
}

void *weft_try_alloc(size_t size_bytes)
{
    return must_fail() ? NULL : calloc(1, size_bytes == 0 ? 1 : size_bytes);
}

void *weft_try_alloc_raw(size_t size_bytes)
{
    return must_fail() ? NULL : malloc(size_bytes == 0 ? 1 : size_bytes);
}

void *weft_try_realloc(void *memory, size_t size_bytes)
{
    return must_fail() ? NULL : realloc(memory, size_bytes == 0 ? 1 : size_bytes);
}

void *weft_try_map(size_t size_bytes)
{
    if (must_fail()) {
        return NULL;
    }
    void *memory = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

bool weft_unmap(void *memory, size_t size_bytes)
{
    if (munmap(memory, size_bytes) == 0) {
        return true;
    }
    weft_assert(madvise(memory, size_bytes, MADV_DONTNEED) == 0);
    return false;
}

void weft_free(void *memory)
{
    free(memory);
}

enum weft_status weft_try_grow(void *items_address, size_t item_size_bytes, size_t count, size_t *capacity)
{
    if (count < *capacity) {
        return WEFT_OK;
    }
    size_t wanted = *capacity == 0 ? 4 : *capacity * 2;
    if (wanted > SIZE_MAX / item_size_bytes) {
        return WEFT_NOMEM;
    }
    void **items = items_address;
    void *grown = weft_try_realloc(*items, wanted * item_size_bytes);
    if (grown == NULL) {
        return WEFT_NOMEM;
    }
    *items = grown;
    *capacity = wanted;
    return WEFT_OK;
}
