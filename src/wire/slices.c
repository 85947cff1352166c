/* A growing list of slices whose neighbours join (weft_slices in otlp_table.h): what an exporter hands to
 * writev. */
#include "wire/otlp_table.h"

#include "base/alloc.h"

void weft_slices_init(struct weft_slices *slices)
{
    *slices = (struct weft_slices){ 0 };
}

void weft_slices_fini(struct weft_slices *slices)
{
    weft_free(slices->items);
    *slices = (struct weft_slices){ 0 };
}

void weft_slices_clear(struct weft_slices *slices)
{
    slices->count = 0;
    slices->length = 0;
}

enum weft_status weft_slices_add(struct weft_slices *slices, struct weft_slice slice)
{
    if (slice.length == 0) {
        return WEFT_OK;
    }
    struct weft_slice *last = slices->count > 0 ? &slices->items[slices->count - 1] : NULL;
    if (last != NULL && last->bytes + last->length == slice.bytes) {
        last->length += slice.length;
    } else {
        enum weft_status status =
            weft_try_grow(&slices->items, sizeof *slices->items, slices->count, &slices->capacity);
        if (status != WEFT_OK) {
            return status;
        }
        slices->items[slices->count++] = slice;
    }
    slices->length += slice.length;
    return WEFT_OK;
}
