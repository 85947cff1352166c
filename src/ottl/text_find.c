/* Searching long texts (text_find.h): each piece goes on by what a find that begins in it may need. */
#include "ottl/text_find.h"

#include "base/work.h"

size_t weft_ottl_text_find(struct weft_slice text, struct weft_slice wanted)
{
    enum { LEAST_PIECE_BYTES = 64 << 10, TIMES_WANTED = 4 };
    size_t piece_bytes = wanted.length * TIMES_WANTED;
    piece_bytes = piece_bytes < LEAST_PIECE_BYTES ? LEAST_PIECE_BYTES : piece_bytes;
    for (size_t at = 0; text.length - at >= wanted.length; at += piece_bytes) {
        size_t left = text.length - at;
        size_t length = left - (wanted.length - 1) < piece_bytes ? left : piece_bytes + wanted.length - 1;
        const uint8_t *found = memmem(text.bytes + at, length, wanted.bytes, wanted.length);
        size_t looked_at = found == NULL ? length : (size_t)(found - text.bytes) - at;
        weft_work_did(looked_at);
        if (found != NULL) {
            return at + looked_at;
        }
        if (length == left) {
            break;
        }
    }
    return SIZE_MAX;
}
