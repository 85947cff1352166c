/* Cases of letters (letter_case.h), from two tables that are sorted by letter. */
#include "base/letter_case.h"

#include "base/assert.h"
#include "base/utf8.h"

struct run {
    uint32_t first, last;
    int32_t step, distance;
};

static const struct run to_lower[] = {
#define LOWER(first, last, step, distance) { first, last, step, distance },
#define UPPER(first, last, step, distance)
#include "base/letter_case.def"
#undef LOWER
#undef UPPER
};

static const struct run to_upper[] = {
#define LOWER(first, last, step, distance)
#define UPPER(first, last, step, distance) { first, last, step, distance },
#include "base/letter_case.def"
#undef LOWER
#undef UPPER
};

static uint32_t map(const struct run *runs, size_t count, uint32_t letter)
{
    size_t low = 0;
    while (low < count) {
        size_t middle = low + (count - low) / 2;
        const struct run *run = &runs[middle];
        if (letter < run->first) {
            count = middle;
        } else if (letter > run->last) {
            low = middle + 1;
        } else {
            return (letter - run->first) % (uint32_t)run->step == 0 ? (uint32_t)((int32_t)letter + run->distance)
                                                                    : letter;
        }
    }
    return letter;
}

uint32_t weft_letter_lower(uint32_t letter)
{
    if (letter < 0x80) {
        return letter >= 'A' && letter <= 'Z' ? letter + ('a' - 'A') : letter;
    }
    return map(to_lower, WEFT_COUNT_OF(to_lower), letter);
}

uint32_t weft_letter_upper(uint32_t letter)
{
    if (letter < 0x80) {
        return letter >= 'a' && letter <= 'z' ? letter - ('a' - 'A') : letter;
    }
    return map(to_upper, WEFT_COUNT_OF(to_upper), letter);
}

static void append(struct weft_buffer *out, struct weft_slice text, uint32_t (*map_letter)(uint32_t letter))
{
    for (size_t at = 0; at < text.length;) {
        size_t length = 0;
        uint32_t letter = weft_utf8_decode(weft_slice_of(text.bytes + at, text.length - at), &length);
        uint8_t mapped[WEFT_UTF8_MAX_BYTES];
        weft_buffer_append(out, mapped, (size_t)(weft_utf8_put(mapped, map_letter(letter)) - mapped));
        at += length;
    }
}

void weft_letter_append_lower(struct weft_buffer *out, struct weft_slice text)
{
    append(out, text, weft_letter_lower);
}

void weft_letter_append_upper(struct weft_buffer *out, struct weft_slice text)
{
    append(out, text, weft_letter_upper);
}
