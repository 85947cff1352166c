/* Keys of the Collector that change nothing in weft (buffer sizes of Go's libraries and the like): their type is
 * checked, so that a config which the Collector refuses does not pass here, and the person is told once. */
#include "config/value.h"

static enum weft_status check_no_effect(const struct weft_config_reader *reader, const struct weft_field *field,
                                        const struct weft_node *node)
{
    static const struct {
        const char *word;
        enum weft_node_kind kind;
        const char *text;
    } types[] = {
        { "bool", WEFT_NODE_BOOL, "a bool" },
        { "list", WEFT_NODE_LIST, "a list" },
        { "map", WEFT_NODE_MAP, "a map" },
    };
    const char *type = field->words[0];
    enum weft_status status = WEFT_OK;
    int64_t integer;
    double real;
    struct weft_duration duration;
    if (weft_node_kind(node) == WEFT_NODE_NULL) {
        return WEFT_OK;
    }
    for (size_t i = 0; i < WEFT_COUNT_OF(types); i++) {
        if (strcmp(type, types[i].word) == 0 && weft_node_kind(node) != types[i].kind) {
            return weft_node_fail(reader->error, WEFT_INVALID, node, "wants %s, not %s", types[i].text,
                                  weft_node_kind_text(node));
        }
    }
    if (strcmp(type, "int") == 0) {
        status = weft_value_read_int(reader, node, &integer);
    } else if (strcmp(type, "double") == 0) {
        status = weft_value_read_double(reader, node, &real);
    } else if (strcmp(type, "duration") == 0) {
        status = weft_value_read_duration(reader, node, &duration);
    } else if (strcmp(type, "string") == 0 && weft_node_text(node) == NULL) {
        status = weft_node_fail(reader->error, WEFT_INVALID, node, "wants a string, not %s", weft_node_kind_text(node));
    }
    return status;
}

enum weft_status weft_value_note_no_effect(const struct weft_config_reader *reader, const struct weft_field *field,
                                           const struct weft_node *node)
{
    enum weft_status status = check_no_effect(reader, field, node);
    if (status != WEFT_OK) {
        return status;
    }
    struct weft_error line;
    weft_node_fail(&line, WEFT_INVALID, node, "has no effect in weft: %s", field->help);
    status = weft_config_notes_add(reader->notes, WEFT_NOTE_NO_EFFECT, "%s", line.text);
    return status == WEFT_OK ? WEFT_OK : weft_fail(reader->error, status, "out of memory");
}
