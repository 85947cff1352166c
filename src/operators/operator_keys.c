/* Reading the keys of operators by tables (operator_internal.h). Unlike other components operators take keys that they
 * do not know, as in the Collector; weft says so. */
#include "operators/operator_internal.h"

#include "base/alloc.h"
#include "operators/expression.h"

enum weft_status weft_operator_alloc(struct weft_operator_reader *reader, size_t size_bytes, void *out_memory)
{
    void *memory = weft_entry_memory_try_alloc(&reader->operators->memory, size_bytes);
    if (memory == NULL) {
        return weft_fail(reader->config.error, WEFT_NOMEM, "no memory for operators");
    }
    memset(memory, 0, size_bytes);
    memcpy(out_memory, &memory, sizeof memory);
    return WEFT_OK;
}

enum weft_status weft_operator_copy_text(struct weft_operator_reader *reader, const char *text, const char **out_copy)
{
    char *copy = NULL;
    enum weft_status status = weft_operator_alloc(reader, strlen(text) + 1, &copy);
    if (status == WEFT_OK) {
        memcpy(copy, text, strlen(text) + 1);
        *out_copy = copy;
    }
    return status;
}

enum weft_status weft_operator_fail_key(struct weft_operator_reader *reader, const struct weft_node *node,
                                        const char *key, enum weft_status status, const char *text)
{
    const struct weft_node *member = key == NULL ? NULL : weft_node_find(node, key);
    return weft_node_fail(reader->config.error, status, member == NULL ? node : member, "%s", text);
}

enum weft_status weft_operator_pattern_compile(struct weft_operator_reader *reader, const struct weft_node *node,
                                               struct weft_slice text, bool has_groups,
                                               struct weft_pattern **out_pattern)
{
    return weft_operator_pattern_compile_at(reader, node, "", text, has_groups, out_pattern);
}

enum weft_status weft_operator_pattern_compile_at(struct weft_operator_reader *reader, const struct weft_node *node,
                                                  const char *place, struct weft_slice text, bool has_groups,
                                                  struct weft_pattern **out_pattern)
{
    struct weft_operators *operators = reader->operators;
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_pattern_options options = { .has_groups = has_groups };
    if (weft_try_grow(&operators->patterns, sizeof *operators->patterns, operators->pattern_count,
                      &operators->pattern_capacity) != WEFT_OK) {
        return weft_fail(reader->config.error, WEFT_NOMEM, "no memory for operators");
    }
    enum weft_status status = weft_pattern_compile(text, &options, out_pattern, &error);
    if (status != WEFT_OK) {
        return weft_node_fail(reader->config.error, status, node, "%s%s", place, error.text);
    }
    operators->patterns[operators->pattern_count++] = *out_pattern;
    size_t groups = has_groups ? weft_pattern_group_count(*out_pattern) : 0;
    operators->max_groups = operators->max_groups < groups ? groups : operators->max_groups;
    return WEFT_OK;
}

static enum weft_status read_text(struct weft_operator_reader *reader, const struct weft_node *node,
                                  const char **out_text)
{
    char *text = NULL;
    enum weft_status status = weft_value_read_string(&reader->config, node, &text);
    status = status == WEFT_OK ? weft_operator_copy_text(reader, text, out_text) : status;
    weft_free(text);
    return status;
}

static enum weft_status read_path(struct weft_operator_reader *reader, const struct weft_node *node, bool may_be_root,
                                  struct weft_log_path *out_path)
{
    struct weft_error error = WEFT_ERROR_NONE;
    const char *text = NULL;
    enum weft_status status = read_text(reader, node, &text);
    if (status != WEFT_OK) {
        return status;
    }
    status = weft_log_path_parse(text, may_be_root, &reader->operators->memory, out_path, &error);
    return status == WEFT_OK
               ? WEFT_OK
               : weft_node_fail(reader->config.error, status, node, "\"%s\" is no field: %s", text, error.text);
}

/* An empty one counts for none. */
static enum weft_status read_condition(struct weft_operator_reader *reader, const struct weft_node *node,
                                       const struct weft_expression **out_expression)
{
    const char *text = NULL;
    enum weft_status status = read_text(reader, node, &text);
    if (status != WEFT_OK || text[0] == '\0') {
        return status;
    }
    struct weft_expression_source source = { .node = node, .text = weft_slice_of_text(text), .is_condition = true };
    return weft_expression_compile(reader, &source, out_expression);
}

static enum weft_status read_block(struct weft_operator_reader *reader, const char *type,
                                   const struct weft_operator_key *key, const struct weft_node *node, uint8_t *base)
{
    if (weft_node_kind(node) != WEFT_NODE_MAP) {
        return weft_node_fail(reader->config.error, WEFT_INVALID, node, "wants a map, not %s",
                              weft_node_kind_text(node));
    }
    *(bool *)(base + key->given_offset) = true;
    const struct weft_operator_key *const tables[WEFT_OPERATOR_KEY_TABLES] = { key->keys };
    return weft_operator_keys_read(reader, type, tables, node, base + key->offset);
}

static enum weft_status read_key(struct weft_operator_reader *reader, const char *type,
                                 const struct weft_operator_key *key, const struct weft_node *node, uint8_t *base)
{
    void *member = base + key->offset;
    switch (key->kind) {
    case WEFT_OPERATOR_KEY_BOOL:
        return weft_value_read_bool(&reader->config, node, member);
    case WEFT_OPERATOR_KEY_INT:
        return weft_value_read_int(&reader->config, node, member);
    case WEFT_OPERATOR_KEY_DOUBLE:
        return weft_value_read_double(&reader->config, node, member);
    case WEFT_OPERATOR_KEY_BYTES:
        return weft_value_read_bytes(&reader->config, node, member);
    case WEFT_OPERATOR_KEY_TEXT:
        return read_text(reader, node, member);
    case WEFT_OPERATOR_KEY_PATH:
    case WEFT_OPERATOR_KEY_ROOT:
        return read_path(reader, node, key->kind == WEFT_OPERATOR_KEY_ROOT, member);
    case WEFT_OPERATOR_KEY_CONDITION:
        return read_condition(reader, node, member);
    case WEFT_OPERATOR_KEY_NODE:
        *(const struct weft_node **)member = node;
        return WEFT_OK;
    case WEFT_OPERATOR_KEY_BLOCK:
        return read_block(reader, type, key, node, base);
    case WEFT_OPERATOR_KEY_LATER:
        return weft_node_fail(reader->config.error, WEFT_UNSUPPORTED, node, "weft does not have this yet");
    case WEFT_OPERATOR_KEY_NOTHING:
        return WEFT_OK;
    }
    return WEFT_INTERNAL;
}

static const struct weft_operator_key *find_key(const struct weft_operator_key *const tables[WEFT_OPERATOR_KEY_TABLES],
                                                const char *name)
{
    for (size_t i = 0; i < WEFT_OPERATOR_KEY_TABLES; i++) {
        for (const struct weft_operator_key *key = tables[i]; key != NULL && key->key != NULL; key++) {
            if (strcmp(key->key, name) == 0) {
                return key;
            }
        }
    }
    return NULL;
}

static enum weft_status note_unknown(struct weft_operator_reader *reader, const char *type,
                                     const struct weft_node *node)
{
    char path[160];
    struct weft_position position = weft_node_position(node);
    weft_node_format_path(node, path, sizeof path);
    enum weft_status status =
        weft_config_notes_add(reader->config.notes, WEFT_NOTE_WARNING, "%s:%u: %s: %s has no such key: it is ignored",
                              position.file, position.line, path, type);
    return status == WEFT_OK ? WEFT_OK : weft_fail(reader->config.error, status, "no memory for notes");
}

enum weft_status weft_operator_keys_read(struct weft_operator_reader *reader, const char *type,
                                         const struct weft_operator_key *const tables[WEFT_OPERATOR_KEY_TABLES],
                                         const struct weft_node *node, void *out_struct)
{
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < weft_node_count(node); i++) {
        const struct weft_node *member = weft_node_at(node, i);
        const struct weft_operator_key *key = find_key(tables, weft_node_key(member));
        if (key == NULL) {
            status = note_unknown(reader, type, member);
        } else if (!weft_value_is_absent(member)) {
            status = read_key(reader, type, key, member, out_struct);
        }
    }
    return status;
}
