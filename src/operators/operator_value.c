/* Values of a config as values of entries (operator_internal.h). */
#include "operators/operator_internal.h"

static enum weft_status read_at(struct weft_operator_reader *reader, const struct weft_node *node, int depth,
                                struct weft_log_value *out_value);

static enum weft_status fail_memory(const struct weft_operator_reader *reader)
{
    return weft_fail(reader->config.error, WEFT_NOMEM, "no memory for operators");
}

static enum weft_status read_list(struct weft_operator_reader *reader, const struct weft_node *node, int depth,
                                  struct weft_log_value *out_value)
{
    struct weft_entry_memory *memory = &reader->operators->memory;
    *out_value = (struct weft_log_value){ .kind = WEFT_LOG_LIST, .list = weft_log_list_try_new(memory) };
    enum weft_status status = out_value->list == NULL ? fail_memory(reader) : WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < weft_node_count(node); i++) {
        struct weft_log_value item;
        status = read_at(reader, weft_node_at(node, i), depth + 1, &item);
        if (status == WEFT_OK && weft_log_list_append(out_value->list, memory, item) != WEFT_OK) {
            status = fail_memory(reader);
        }
    }
    return status;
}

static enum weft_status read_map(struct weft_operator_reader *reader, const struct weft_node *node, int depth,
                                 struct weft_log_value *out_value)
{
    struct weft_entry_memory *memory = &reader->operators->memory;
    *out_value = (struct weft_log_value){ .kind = WEFT_LOG_MAP, .map = weft_log_map_try_new(memory) };
    enum weft_status status = out_value->map == NULL ? fail_memory(reader) : WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < weft_node_count(node); i++) {
        const struct weft_node *member = weft_node_at(node, i);
        const char *key = NULL;
        struct weft_log_value item;
        status = weft_operator_copy_text(reader, weft_node_key(member), &key);
        status = status == WEFT_OK ? read_at(reader, member, depth + 1, &item) : status;
        if (status == WEFT_OK && weft_log_map_set(out_value->map, memory, weft_slice_of_text(key), item) != WEFT_OK) {
            status = fail_memory(reader);
        }
    }
    return status;
}

static enum weft_status read_at(struct weft_operator_reader *reader, const struct weft_node *node, int depth,
                                struct weft_log_value *out_value)
{
    const char *text = NULL;
    enum weft_status status = WEFT_OK;
    if (depth >= WEFT_LOG_VALUE_MAX_DEPTH) {
        return weft_node_fail(reader->config.error, WEFT_LIMIT, node, "values are nested too deep");
    }
    switch (weft_node_kind(node)) {
    case WEFT_NODE_NULL:
        *out_value = (struct weft_log_value){ .kind = WEFT_LOG_NIL };
        return WEFT_OK;
    case WEFT_NODE_BOOL:
        *out_value = (struct weft_log_value){ .kind = WEFT_LOG_BOOL, .boolean = weft_node_bool(node) };
        return WEFT_OK;
    case WEFT_NODE_INT:
        out_value->kind = WEFT_LOG_INT;
        if (weft_node_get_int(node, &out_value->integer)) {
            return WEFT_OK;
        }
        *out_value = (struct weft_log_value){ .kind = WEFT_LOG_DOUBLE, .real = weft_node_double(node) };
        return WEFT_OK;
    case WEFT_NODE_DOUBLE:
        *out_value = (struct weft_log_value){ .kind = WEFT_LOG_DOUBLE, .real = weft_node_double(node) };
        return WEFT_OK;
    case WEFT_NODE_STRING:
        status = weft_operator_copy_text(reader, weft_node_text(node), &text);
        if (status == WEFT_OK) {
            *out_value = weft_log_string(weft_slice_of_text(text));
        }
        return status;
    case WEFT_NODE_LIST:
        return read_list(reader, node, depth, out_value);
    case WEFT_NODE_MAP:
        return read_map(reader, node, depth, out_value);
    }
    return WEFT_INTERNAL;
}

enum weft_status weft_operator_value_read(struct weft_operator_reader *reader, const struct weft_node *node,
                                          struct weft_log_value *out_value)
{
    return read_at(reader, node, 0, out_value);
}
