/* Keys of the Collector that change nothing in weft (buffer sizes of Go's libraries and the like): they are checked as
 * the effective ones are, with the keys inside them, so that a config which the Collector refuses does not pass here,
 * and the person is told once. */
#include "base/alloc.h"
#include "config/field_table.h"
#include "config/unknown_key.h"
#include "config/value.h"

static enum weft_status check_value(const struct weft_config_reader *reader, const struct weft_field *field,
                                    const struct weft_node *node);

static enum weft_status check_key(const struct weft_config_reader *reader, const struct weft_field *fields,
                                  const struct weft_node *child)
{
    const struct weft_field *field = weft_fields_find(fields, weft_node_key(child));
    const char *keys[WEFT_FIELDS_MAX_KEYS];
    enum weft_status status =
        field != NULL ? check_value(reader, field, child)
                      : weft_config_fail_unknown_key(child, keys, weft_fields_list_keys(fields, keys), reader->error);
    return weft_config_notes_survive(reader->notes, status, reader->error);
}

/* The keys of a map, or of each map of a list. */
static enum weft_status check_keys(const struct weft_config_reader *reader, const struct weft_field *fields,
                                   const struct weft_node *node)
{
    enum weft_status status = WEFT_OK;
    bool is_list = weft_node_kind(node) == WEFT_NODE_LIST;
    for (size_t i = 0; i < weft_node_count(node) && status == WEFT_OK; i++) {
        const struct weft_node *child = weft_node_at(node, i);
        if (!is_list) {
            status = check_key(reader, fields, child);
        } else if (weft_node_kind(child) == WEFT_NODE_MAP || weft_node_kind(child) == WEFT_NODE_NULL) {
            status = check_keys(reader, fields, child);
        } else {
            status =
                weft_node_fail(reader->error, WEFT_INVALID, child, "wants a map, not %s", weft_node_kind_text(child));
        }
    }
    return status;
}

static enum weft_status check_number(const struct weft_config_reader *reader, const struct weft_field *field,
                                     const struct weft_node *node)
{
    const char *type = field->words[0];
    enum weft_status status;
    double number = 0;
    int64_t integer = 0;
    uint64_t magnitude = 0;
    struct weft_duration duration = { 0 };
    if (strcmp(type, "int") == 0) {
        status = weft_value_read_int(reader, node, &integer);
        number = (double)integer;
    } else if (strcmp(type, "uint") == 0) {
        status = weft_value_read_uint(reader, node, &magnitude);
        number = (double)magnitude;
    } else if (strcmp(type, "size") == 0) {
        status = weft_value_read_bytes(reader, node, &magnitude);
        number = (double)magnitude;
    } else if (strcmp(type, "duration") == 0) {
        status = weft_value_read_duration(reader, node, &duration);
        number = (double)duration.ns / 1e9;
    } else {
        status = weft_value_read_double(reader, node, &number);
    }
    return status == WEFT_OK ? weft_value_check_range(reader, field, node, number) : status;
}

static enum weft_status check_strings(const struct weft_config_reader *reader, const struct weft_node *node)
{
    struct weft_config_strings strings = { 0 };
    enum weft_status status = weft_value_read_strings(reader, node, &strings);
    weft_value_fini_strings(&strings);
    return status;
}

static enum weft_status check_string(const struct weft_config_reader *reader, const struct weft_node *node)
{
    char *text = NULL;
    enum weft_status status = weft_value_read_string(reader, node, &text);
    weft_free(text);
    return status;
}

static enum weft_status check_collection(const struct weft_config_reader *reader, const struct weft_field *field,
                                         const struct weft_node *node, enum weft_node_kind kind, const char *wanted)
{
    if (weft_node_kind(node) != kind) {
        return weft_node_fail(reader->error, WEFT_INVALID, node, "wants %s, not %s", wanted, weft_node_kind_text(node));
    }
    return field->fields == NULL ? WEFT_OK : check_keys(reader, field->fields, node);
}

static enum weft_status check_value(const struct weft_config_reader *reader, const struct weft_field *field,
                                    const struct weft_node *node)
{
    const char *type = field->words[0];
    bool value;
    if (weft_node_kind(node) == WEFT_NODE_NULL || strcmp(type, "any") == 0) {
        return WEFT_OK;
    }
    if (strcmp(type, "bool") == 0) {
        return weft_value_read_bool(reader, node, &value);
    }
    if (strcmp(type, "choice") == 0) {
        struct weft_field choice = { .words = field->words + 1, .ignores_case = field->ignores_case };
        struct weft_choice chosen;
        return weft_value_read_choice(reader, node, &choice, &chosen);
    }
    if (strcmp(type, "string") == 0) {
        return check_string(reader, node);
    }
    if (strcmp(type, "strings") == 0) {
        return check_strings(reader, node);
    }
    if (strcmp(type, "map") == 0) {
        return check_collection(reader, field, node, WEFT_NODE_MAP, "a map");
    }
    if (strcmp(type, "list") == 0) {
        return check_collection(reader, field, node, WEFT_NODE_LIST, "a list");
    }
    return check_number(reader, field, node);
}

enum weft_status weft_value_note_no_effect(const struct weft_config_reader *reader, const struct weft_field *field,
                                           const struct weft_node *node)
{
    struct weft_error line;
    weft_node_fail(&line, WEFT_INVALID, node, "has no effect in weft: %s", field->help);
    enum weft_status status = weft_config_notes_add(reader->notes, WEFT_NOTE_NO_EFFECT, "%s", line.text);
    return status == WEFT_OK ? WEFT_OK : weft_fail(reader->error, status, "out of memory");
}

enum weft_status weft_value_check_no_effect(const struct weft_config_reader *reader, const struct weft_field *field,
                                            const struct weft_node *node)
{
    enum weft_status status = check_value(reader, field, node);
    return status == WEFT_OK ? weft_value_note_no_effect(reader, field, node) : status;
}
