/* The field tables at work (field.h): a map of the tree -> a config struct, with defaults, required keys and ranges.
 * Recursion goes only as deep as the tables. value.c and value_collections.c read the single values. */
#include "config/field.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "config/field_table.h"
#include "config/node_internal.h"
#include "config/unknown_key.h"
#include "config/value.h"
#include "config/yaml.h"

static enum weft_status parse_block(const struct weft_config_reader *reader, const struct weft_field *fields,
                                    const struct weft_node *node, bool allows_enabled, void *config);

static enum weft_status fail_unknown_key(const struct weft_config_reader *reader, const struct weft_field *fields,
                                         const struct weft_node *child)
{
    const char *keys[WEFT_FIELDS_MAX_KEYS];
    return weft_config_fail_unknown_key(child, keys, weft_fields_list_keys(fields, keys), reader->error);
}

static enum weft_status parse_list(const struct weft_config_reader *reader, const struct weft_field *field,
                                   const struct weft_node *node, struct weft_config_list *list)
{
    if (weft_node_kind(node) == WEFT_NODE_NULL) {
        weft_node_mark_read(node, WEFT_NODE_LIST);
        return WEFT_OK;
    }
    if (weft_node_kind(node) != WEFT_NODE_LIST) {
        return weft_node_fail(reader->error, WEFT_INVALID, node, "wants a list, not %s", weft_node_kind_text(node));
    }
    size_t count = weft_node_count(node);
    list->items = weft_try_alloc(count * field->item_size);
    if (list->items == NULL) {
        return weft_fail(reader->error, WEFT_NOMEM, "out of memory");
    }
    for (; list->count < count; list->count++) {
        void *item = (char *)list->items + list->count * field->item_size;
        weft_fields_clear(field->fields, item);
        enum weft_status status = parse_block(reader, field->fields, weft_node_at(node, list->count), false, item);
        if (status != WEFT_OK) {
            weft_config_fini(field->fields, item);
            return status;
        }
    }
    return WEFT_OK;
}

/* On unless `enabled: false` stands inside; a table that has its own `enabled` key parses it too. */
static enum weft_status parse_optional(const struct weft_config_reader *reader, const struct weft_field *field,
                                       const struct weft_node *node, void *config)
{
    bool *is_on = (bool *)((char *)config + field->present_offset);
    const struct weft_node *enabled = weft_node_find(node, "enabled");
    *is_on = !(field->is_off_as_null && weft_node_kind(node) == WEFT_NODE_NULL);
    if (enabled != NULL && !weft_value_is_absent(enabled)) {
        enum weft_status status = weft_value_read_bool(reader, enabled, is_on);
        if (status != WEFT_OK) {
            return status;
        }
    }
    return parse_block(reader, field->fields, node, true, weft_fields_member(field, config));
}

/* Null, "", [] and a section that is switched off: what a key says that is not there. */
static bool says_nothing(const struct weft_node *node)
{
    const struct weft_node *enabled = weft_node_find(node, "enabled");
    switch (weft_node_kind(node)) {
    case WEFT_NODE_NULL:
        return true;
    case WEFT_NODE_STRING:
        return weft_node_text(node)[0] == '\0';
    case WEFT_NODE_LIST:
        return weft_node_count(node) == 0;
    case WEFT_NODE_MAP:
        return enabled != NULL && weft_node_kind(enabled) == WEFT_NODE_BOOL && !weft_node_bool(enabled);
    case WEFT_NODE_BOOL:
    case WEFT_NODE_INT:
    case WEFT_NODE_DOUBLE:
        break;
    }
    return false;
}

static void mark_items_secret(const struct weft_node *node)
{
    if (weft_node_kind(node) != WEFT_NODE_LIST) {
        weft_node_mark_secret(node);
    }
    for (size_t i = 0; i < weft_node_count(node); i++) {
        weft_node_mark_secret(weft_node_at(node, i));
    }
}

/* The value of one key. node is not NULL, and a plain null only for the kinds to which null means something. */
static enum weft_status parse_value(const struct weft_config_reader *reader, const struct weft_field *field,
                                    const struct weft_node *node, void *config)
{
    void *member = weft_fields_member(field, config);
    enum weft_status status = WEFT_OK;
    double number = 0;
    bool is_number = false;
    switch (field->kind) {
    case WEFT_KIND_BOOL:
        return weft_value_read_bool(reader, node, member);
    case WEFT_KIND_INT:
        status = weft_value_read_int(reader, node, member);
        number = (double)*(int64_t *)member;
        is_number = true;
        break;
    case WEFT_KIND_UINT:
        status = weft_value_read_uint(reader, node, member);
        number = (double)*(uint64_t *)member;
        is_number = true;
        break;
    case WEFT_KIND_DOUBLE:
        status = weft_value_read_double(reader, node, member);
        number = *(double *)member;
        is_number = true;
        break;
    case WEFT_KIND_DURATION:
        status = weft_value_read_duration(reader, node, member);
        number = (double)((struct weft_duration *)member)->ns / 1e9;
        is_number = true;
        break;
    case WEFT_KIND_BYTE_SIZE:
        status = weft_value_read_bytes(reader, node, &((struct weft_byte_size *)member)->bytes);
        number = (double)((struct weft_byte_size *)member)->bytes;
        is_number = true;
        break;
    case WEFT_KIND_SECRET:
        weft_node_mark_secret(node);
        return weft_value_read_string(reader, node, &((struct weft_secret *)member)->text);
    case WEFT_KIND_STRING:
        return field->takes_numbers ? weft_value_read_text(reader, node, member)
                                    : weft_value_read_string(reader, node, member);
    case WEFT_KIND_STRINGS:
        if (field->is_secret) {
            mark_items_secret(node);
        }
        return weft_value_read_strings(reader, node, member);
    case WEFT_KIND_MAP:
        return weft_value_read_map(reader, node, field->takes_numbers, member);
    case WEFT_KIND_SECRET_MAP:
        return weft_value_read_secret_map(reader, node, member);
    case WEFT_KIND_ANY:
        ((struct weft_config_any *)member)->node = node;
        return WEFT_OK;
    case WEFT_KIND_CHOICE:
        return weft_value_read_choice(reader, node, field, member);
    case WEFT_KIND_BLOCK:
        return parse_block(reader, field->fields, node, false, member);
    case WEFT_KIND_OPTIONAL:
        return parse_optional(reader, field, node, config);
    case WEFT_KIND_LIST:
        return parse_list(reader, field, node, member);
    case WEFT_KIND_NO_EFFECT:
        return weft_value_check_no_effect(reader, field, node);
    case WEFT_KIND_UNSUPPORTED:
        return says_nothing(node)
                   ? WEFT_OK
                   : weft_node_fail(
                         reader->error, WEFT_UNSUPPORTED, node,
                         "weft does not support this key yet; docs/from-the-collector.md says what is there");
    case WEFT_KIND_INLINE:
    case WEFT_KIND_POSITION:
        break;
    }
    return status == WEFT_OK && is_number ? weft_value_check_range(reader, field, node, number) : status;
}

static bool means_something_as_null(enum weft_field_kind kind)
{
    return kind == WEFT_KIND_ANY || kind == WEFT_KIND_BLOCK || kind == WEFT_KIND_OPTIONAL ||
           kind == WEFT_KIND_NO_EFFECT || kind == WEFT_KIND_UNSUPPORTED;
}

/* A default text is the table's own, so that only memory can fail. */
static enum weft_status apply_collection_default(const struct weft_config_reader *reader,
                                                 const struct weft_field *field, void *config)
{
    struct weft_tree *tree = weft_tree_try_new();
    if (tree == NULL) {
        return weft_fail(reader->error, WEFT_NOMEM, "out of memory");
    }
    struct weft_node *node = NULL;
    enum weft_status status = weft_yaml_parse(tree, weft_slice_of_text(field->default_text),
                                              (struct weft_position){ .file = "default" }, &node, reader->error);
    if (status == WEFT_OK) {
        status = parse_value(reader, field, node, config);
    }
    weft_tree_free(&tree);
    weft_assert(status == WEFT_OK || status == WEFT_NOMEM);
    return status;
}

static enum weft_status apply_scalar_default(const struct weft_config_reader *reader, const struct weft_field *field,
                                             void *config)
{
    struct weft_node node = { .kind = WEFT_NODE_STRING, .text = field->default_text, .file = "default" };
    if (field->kind != WEFT_KIND_STRING && field->kind != WEFT_KIND_SECRET && field->kind != WEFT_KIND_CHOICE) {
        weft_node_resolve_plain(&node, field->default_text);
    }
    struct weft_field unbounded = *field; /* 0 as "must be set" may lie outside the range */
    unbounded.minimum = unbounded.maximum = 0;
    enum weft_status status = parse_value(reader, &unbounded, &node, config);
    weft_assert(status == WEFT_OK || status == WEFT_NOMEM);
    return status;
}

static enum weft_status apply_default(const struct weft_config_reader *reader, const struct weft_field *field,
                                      void *config)
{
    enum weft_status status = WEFT_OK;
    switch (field->kind) {
    case WEFT_KIND_BLOCK:
        return parse_block(reader, field->fields, NULL, false, weft_fields_member(field, config));
    case WEFT_KIND_OPTIONAL:
        status = parse_block(reader, field->fields, NULL, false, weft_fields_member(field, config));
        *(bool *)((char *)config + field->present_offset) =
            field->default_text != NULL && strcmp(field->default_text, "on") == 0;
        return status;
    case WEFT_KIND_STRINGS:
    case WEFT_KIND_MAP:
    case WEFT_KIND_SECRET_MAP:
    case WEFT_KIND_LIST:
        return field->default_text == NULL ? WEFT_OK : apply_collection_default(reader, field, config);
    case WEFT_KIND_BOOL:
    case WEFT_KIND_INT:
    case WEFT_KIND_UINT:
    case WEFT_KIND_DOUBLE:
    case WEFT_KIND_STRING:
    case WEFT_KIND_SECRET:
    case WEFT_KIND_DURATION:
    case WEFT_KIND_BYTE_SIZE:
    case WEFT_KIND_CHOICE:
        return field->default_text == NULL ? WEFT_OK : apply_scalar_default(reader, field, config);
    case WEFT_KIND_ANY:
    case WEFT_KIND_INLINE:
    case WEFT_KIND_POSITION:
    case WEFT_KIND_NO_EFFECT:
    case WEFT_KIND_UNSUPPORTED:
        return WEFT_OK;
    }
    return status;
}

static enum weft_status fail_required(const struct weft_config_reader *reader, const struct weft_field *field,
                                      const struct weft_node *block)
{
    if (block == NULL) {
        return weft_fail(reader->error, WEFT_INVALID, "key \"%s\" is required", field->key);
    }
    return weft_node_fail(reader->error, WEFT_INVALID, block, "key \"%s\" is required", field->key);
}

/* Fills the members from the keys of block; the keys were checked before. */
static enum weft_status parse_members(const struct weft_config_reader *reader, const struct weft_field *fields,
                                      const struct weft_node *block, void *config)
{
    enum weft_status status = WEFT_OK;
    for (const struct weft_field *field = fields; field->key != NULL && status == WEFT_OK; field++) {
        if (field->kind == WEFT_KIND_INLINE) {
            status = parse_members(reader, field->fields, block, weft_fields_member(field, config));
            continue;
        }
        if (field->kind == WEFT_KIND_POSITION) {
            struct weft_position nowhere = { 0 };
            *(struct weft_position *)weft_fields_member(field, config) =
                block != NULL ? weft_node_position(block) : nowhere;
            continue;
        }
        const struct weft_node *node = weft_node_find(block, field->key);
        bool is_given = node != NULL && (!weft_value_is_absent(node) || means_something_as_null(field->kind));
        if (field->is_required && weft_value_is_absent(node)) {
            status = fail_required(reader, field, block);
        } else {
            status = is_given ? parse_value(reader, field, node, config) : apply_default(reader, field, config);
        }
        if (status == WEFT_OK && is_given && field->has_no_effect) {
            status = weft_value_note_no_effect(reader, field, node);
        }
        status = weft_config_notes_survive(reader->notes, status, reader->error);
    }
    return status;
}

static enum weft_status check_keys(const struct weft_config_reader *reader, const struct weft_field *fields,
                                   const struct weft_node *block, bool allows_enabled)
{
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; i < weft_node_count(block) && status == WEFT_OK; i++) {
        const struct weft_node *child = weft_node_at(block, i);
        if (weft_fields_find(fields, weft_node_key(child)) == NULL &&
            !(allows_enabled && strcmp(weft_node_key(child), "enabled") == 0)) {
            status = weft_config_notes_survive(reader->notes, fail_unknown_key(reader, fields, child), reader->error);
        }
    }
    return status;
}

static enum weft_status parse_block(const struct weft_config_reader *reader, const struct weft_field *fields,
                                    const struct weft_node *node, bool allows_enabled, void *config)
{
    if (node != NULL && weft_node_kind(node) != WEFT_NODE_MAP && weft_node_kind(node) != WEFT_NODE_NULL) {
        return weft_node_fail(reader->error, WEFT_INVALID, node, "wants a map, not %s", weft_node_kind_text(node));
    }
    enum weft_status status = check_keys(reader, fields, node, allows_enabled);
    return status == WEFT_OK ? parse_members(reader, fields, node, config) : status;
}

enum weft_status weft_config_parse(const struct weft_field *fields, const struct weft_node *node, void *out_config,
                                   struct weft_config_notes *notes, struct weft_error *error)
{
    struct weft_config_reader reader = { .notes = notes, .error = error };
    size_t error_count = weft_config_notes_errors(notes);
    weft_fields_clear(fields, out_config);
    enum weft_status status = parse_block(&reader, fields, node, false, out_config);
    status = status == WEFT_OK ? weft_config_notes_fail(notes, error_count, error) : status;
    if (status != WEFT_OK) {
        weft_config_fini(fields, out_config);
    }
    return status;
}
