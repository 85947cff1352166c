/* Values of entries as text of JSON (log_value_json.h). */
#include "operators/log_value_json.h"

#include <inttypes.h>

#include "base/buffer.h"
#include "wire/json_values.h"

static void put_value(struct weft_buffer *out, const struct weft_log_value *value);

static void put_map(struct weft_buffer *out, const struct weft_log_map *map)
{
    weft_buffer_append_byte(out, '{');
    for (size_t i = 0; i < map->count; i++) {
        weft_buffer_append_text(out, i == 0 ? "" : ",");
        weft_buffer_append_json_string(out, map->members[i].key);
        weft_buffer_append_byte(out, ':');
        put_value(out, &map->members[i].value);
    }
    weft_buffer_append_byte(out, '}');
}

static void put_list(struct weft_buffer *out, const struct weft_log_list *list)
{
    weft_buffer_append_byte(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        weft_buffer_append_text(out, i == 0 ? "" : ",");
        put_value(out, &list->items[i]);
    }
    weft_buffer_append_byte(out, ']');
}

static void put_value(struct weft_buffer *out, const struct weft_log_value *value)
{
    switch (value->kind) {
    case WEFT_LOG_NIL:
        weft_buffer_append_text(out, "null");
        break;
    case WEFT_LOG_BOOL:
        weft_buffer_append_text(out, value->boolean ? "true" : "false");
        break;
    case WEFT_LOG_INT:
        weft_buffer_append_format(out, "%" PRId64, value->integer);
        break;
    case WEFT_LOG_DOUBLE:
        weft_json_put_double(out, value->real);
        break;
    case WEFT_LOG_STRING:
        weft_buffer_append_json_string(out, value->text);
        break;
    case WEFT_LOG_BYTES:
        weft_json_put_base64(out, value->text);
        break;
    case WEFT_LOG_LIST:
        put_list(out, value->list);
        break;
    case WEFT_LOG_MAP:
        put_map(out, value->map);
        break;
    }
}

enum weft_status weft_log_value_to_json(const struct weft_log_value *value, struct weft_entry_memory *memory,
                                        struct weft_slice *out_text)
{
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    put_value(&text, value);
    enum weft_status status = weft_buffer_status(&text);
    if (status == WEFT_OK) {
        *out_text = weft_entry_memory_try_join(memory, weft_buffer_slice(&text), WEFT_SLICE_EMPTY);
        status = out_text->length == text.length ? WEFT_OK : WEFT_NOMEM;
    }
    weft_buffer_fini(&text);
    return status;
}
