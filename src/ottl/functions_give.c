/* Results of functions (functions_give.h). */
#include "ottl/functions_give.h"

#include "base/hex.h"

enum weft_status weft_ottl_give_scratch(struct weft_ottl_run *run, struct weft_ottl_value *out_value)
{
    if (weft_buffer_status(&run->text) != WEFT_OK) {
        return WEFT_NOMEM;
    }
    uint8_t *bytes = weft_ottl_run_take(run, run->text.length + 1);
    if (bytes == NULL) {
        return WEFT_NOMEM;
    }
    if (run->text.length > 0) {
        weft_work_copy(bytes, run->text.bytes, run->text.length);
    }
    return weft_ottl_give(out_value, weft_ottl_string(weft_slice_of(bytes, run->text.length)));
}

enum weft_status weft_ottl_give_hex(struct weft_ottl_run *run, struct weft_slice bytes,
                                    struct weft_ottl_value *out_value)
{
    uint8_t *text = weft_ottl_run_take(run, 2 * bytes.length + 1);
    if (text == NULL) {
        return WEFT_NOMEM;
    }
    weft_hex_put(text, bytes);
    return weft_ottl_give(out_value, weft_ottl_string(weft_slice_of(text, 2 * bytes.length)));
}

struct weft_ottl_map *weft_ottl_new_map(struct weft_ottl_run *run)
{
    struct weft_ottl_map *map = weft_ottl_run_take(run, sizeof *map);
    if (map != NULL) {
        *map = (struct weft_ottl_map){ 0 };
    }
    return map;
}

struct weft_ottl_list *weft_ottl_new_list(struct weft_ottl_run *run)
{
    struct weft_ottl_list *list = weft_ottl_run_take(run, sizeof *list);
    if (list != NULL) {
        *list = (struct weft_ottl_list){ 0 };
    }
    return list;
}
