/* Keys that are sought (sought.h). */
#include "ottl/sought.h"

#include "base/utf8.h"

bool weft_ottl_sought_add(struct weft_ottl_sought *sought, struct weft_slice key, uint8_t *out_number)
{
    bool is_fit = key.length > 0 && key.length <= WEFT_OTTL_MAX_SOUGHT_BYTES &&
                  weft_utf8_is_valid(key.bytes, key.bytes + key.length);
    if (!is_fit || weft_ottl_sought_find(sought, key.bytes, key.length, out_number)) {
        return is_fit;
    }
    if (sought->count == WEFT_OTTL_MAX_SOUGHT) {
        return false;
    }
    sought->keys[sought->count] = key;
    *out_number = sought->count++;
    sought->first[sought->count] = key.bytes;
    sought->next[sought->count] = sought->by_length[key.length];
    sought->by_length[key.length] = sought->count;
    return true;
}
