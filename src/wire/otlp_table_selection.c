/* Selections of records (otlp_table_selection.h): a bitmap. Bits beyond the count are never set. */
#include "wire/otlp_table_selection.h"

#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"

enum { WORD_BITS = 64 };

enum weft_status weft_selection_begin(struct weft_selection *selection, size_t count)
{
    size_t word_count = (count + WORD_BITS - 1) / WORD_BITS;
    if (word_count > selection->capacity) {
        uint64_t *words = weft_try_realloc(selection->words, word_count * sizeof *words);
        if (words == NULL) {
            return WEFT_NOMEM;
        }
        selection->words = words;
        selection->capacity = word_count;
    }
    if (word_count > 0) {
        memset(selection->words, 0, word_count * sizeof *selection->words);
    }
    selection->count = count;
    return WEFT_OK;
}

void weft_selection_fini(struct weft_selection *selection)
{
    weft_free(selection->words);
    *selection = (struct weft_selection){ 0 };
}

void weft_selection_invert(struct weft_selection *selection)
{
    size_t full = selection->count / WORD_BITS;
    for (size_t i = 0; i < full; i++) {
        selection->words[i] = ~selection->words[i];
    }
    if (selection->count % WORD_BITS != 0) {
        selection->words[full] ^= ((uint64_t)1 << selection->count % WORD_BITS) - 1;
    }
}

/* The word at the index with only the bits of first .. end - 1. */
static uint64_t word_within(const struct weft_selection *selection, size_t index, size_t first, size_t end)
{
    uint64_t word = selection->words[index];
    if (index == first / WORD_BITS) {
        word &= ~(uint64_t)0 << first % WORD_BITS;
    }
    if (index == end / WORD_BITS) {
        word &= ((uint64_t)1 << end % WORD_BITS) - 1;
    }
    return word;
}

size_t weft_selection_count(const struct weft_selection *selection, size_t first, size_t end)
{
    weft_assert(first <= end && end <= selection->count);
    size_t count = 0;
    for (size_t i = first / WORD_BITS; i * WORD_BITS < end; i++) {
        count += (size_t)__builtin_popcountll(word_within(selection, i, first, end));
    }
    return count;
}

size_t weft_selection_next(const struct weft_selection *selection, size_t first, size_t end)
{
    weft_assert(end <= selection->count);
    for (size_t i = first / WORD_BITS; i * WORD_BITS < end; i++) {
        uint64_t word = word_within(selection, i, first, end);
        if (word != 0) {
            return i * WORD_BITS + (size_t)__builtin_ctzll(word);
        }
    }
    return end;
}
