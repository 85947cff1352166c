#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* Once, at the start of an agent: blocks of 256 KiB and more go back to the system when they are freed. */
void weft_alloc_set_up(void);

/* Gives the pages of freed blocks back to the system, also those that lie between blocks in use. Takes time in
 * proportion to what is free: for memory pressure. */
void weft_alloc_trim(void);

/* Two kinds of allocation. weft_alloc aborts when memory is gone: for start-up and for small fixed sizes.
 * weft_try_alloc returns NULL: for every size or number that a peer, a file or a config chooses. Both zero the memory.
 * Every weft_try_* call is a point that tests can make fail in turn (weft_alloc_fail_at). */

void *weft_alloc(size_t size_bytes);

/* Like weft_alloc, at the start of a page and not zeroed: for what the kernel copies to. */
void *weft_alloc_pages(size_t size_bytes);

char *weft_alloc_string(const char *text);
char *weft_alloc_format(const char *format, ...) WEFT_PRINTF(1, 2);

void *weft_try_alloc(size_t size_bytes) WEFT_MUST_CHECK;

/* Like weft_try_alloc, without zeroing: for bytes that are about to be overwritten. */
void *weft_try_alloc_raw(size_t size_bytes) WEFT_MUST_CHECK;

/* Grows or shrinks, contents kept; on failure the old memory stays valid and is still the caller's. */
void *weft_try_realloc(void *memory, size_t size_bytes) WEFT_MUST_CHECK;

/* Whole pages from the system, zeroed, not resident until they are touched; they go back with weft_unmap and the same
 * size. For a store that gives memory back piece by piece. weft_unmap: false = the system had no room to note the hole
 * (too many mappings): the memory stays mapped and the caller's, its pages are gone. */
void *weft_try_map(size_t size_bytes) WEFT_MUST_CHECK;
bool weft_unmap(void *memory, size_t size_bytes) WEFT_MUST_CHECK;

/* NULL is allowed, for both kinds; not for what was mapped. */
void weft_free(void *memory);

/* Makes room for one more element in a growing array. items: address of the array pointer; the capacity doubles.
 * Returns WEFT_NOMEM and changes nothing when memory is gone. */
enum weft_status weft_try_grow(void *items_address, size_t item_size_bytes, size_t count,
                               size_t *capacity) WEFT_MUST_CHECK;

/* Tests only: the n-th weft_try_* call of this thread from now on fails (1 = the next one), once; 0 = never. */
void weft_alloc_fail_at(size_t nth_call);

/* Tests only: true if the failure asked for by weft_alloc_fail_at has happened. */
bool weft_alloc_has_failed(void);
