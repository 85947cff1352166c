/* Entries that outlive what they were made of (log_entry.h). */
#include "operators/log_entry.h"

static enum weft_status keep_text(struct weft_entry_memory *memory, struct weft_slice *text)
{
    struct weft_slice copy = weft_entry_memory_try_join(memory, *text, WEFT_SLICE_EMPTY);
    enum weft_status status = copy.length == text->length ? WEFT_OK : WEFT_NOMEM;
    *text = copy;
    return status;
}

static enum weft_status keep_texts(struct weft_entry_memory *memory, struct weft_log_value *value);

static enum weft_status keep_map(struct weft_entry_memory *memory, struct weft_log_map *map)
{
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < map->count; i++) {
        status = keep_text(memory, &map->members[i].key);
        status = status == WEFT_OK ? keep_texts(memory, &map->members[i].value) : status;
    }
    return status;
}

/* Of a value whose lists and maps are copies. */
static enum weft_status keep_texts(struct weft_entry_memory *memory, struct weft_log_value *value)
{
    enum weft_status status = WEFT_OK;
    switch (value->kind) {
    case WEFT_LOG_STRING:
    case WEFT_LOG_BYTES:
        return keep_text(memory, &value->text);
    case WEFT_LOG_LIST:
        for (size_t i = 0; status == WEFT_OK && i < value->list->count; i++) {
            status = keep_texts(memory, &value->list->items[i]);
        }
        return status;
    case WEFT_LOG_MAP:
        return keep_map(memory, value->map);
    case WEFT_LOG_NIL:
    case WEFT_LOG_BOOL:
    case WEFT_LOG_INT:
    case WEFT_LOG_DOUBLE:
        break;
    }
    return status;
}

static enum weft_status keep_root(struct weft_entry_memory *memory, struct weft_log_map *map)
{
    struct weft_log_value from = { .kind = WEFT_LOG_MAP, .map = map }, copy;
    enum weft_status status = weft_log_value_copy(memory, &from, &copy);
    status = status == WEFT_OK ? keep_map(memory, copy.map) : status;
    *map = status == WEFT_OK ? *copy.map : (struct weft_log_map){ 0 };
    return status;
}

enum weft_status weft_log_entry_keep(const struct weft_log_entry *entry, struct weft_entry_memory *memory,
                                     struct weft_log_entry *out_copy)
{
    weft_entry_memory_clear(memory);
    struct weft_log_entry copy = *entry;
    copy.memory = memory;
    copy.body = (struct weft_log_value){ .kind = WEFT_LOG_NIL };
    copy.line_end = NULL; /* the line goes */
    copy.trimmed_behind = 0;
    enum weft_status status = keep_root(memory, &copy.attributes);
    status = status == WEFT_OK ? keep_root(memory, &copy.resource) : status;
    status = status == WEFT_OK ? keep_text(memory, &copy.severity_text) : status;
    status = status == WEFT_OK ? keep_text(memory, &copy.scope_name) : status;
    if (status == WEFT_OK) {
        *out_copy = copy;
    }
    return status;
}
