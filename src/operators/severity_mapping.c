/* The key `mapping` of severities, as rules (severity_block.h): values, lists of them, and ranges, which the Collector
 * writes out and weft does not. */
#include "operators/severity_block.h"

static struct weft_slice to_lower(char *text)
{
    for (char *at = text; *at != '\0'; at++) {
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at | 32) : *at;
    }
    return weft_slice_of_text(text);
}

/* Case is that of ASCII here; the Collector knows more. */
static bool is_ascii(const char *text)
{
    while (*text != '\0' && (*text & 0x80) == 0) {
        text++;
    }
    return *text == '\0';
}

static enum weft_status add_text(struct weft_severity_block *block, struct weft_operator_reader *reader,
                                 const struct weft_node *node, uint8_t severity)
{
    const char *const text = weft_node_text(node);
    char *copy = NULL;
    if (!is_ascii(text)) {
        return weft_node_fail(reader->config.error, WEFT_UNSUPPORTED, node, "weft takes ASCII texts only here");
    }
    enum weft_status status = weft_operator_alloc(reader, strlen(text) + 1, &copy);
    if (status == WEFT_OK) {
        memcpy(copy, text, strlen(text) + 1);
        block->rules[block->rule_count++] = (struct weft_severity_rule){ .text = to_lower(copy), .severity = severity };
    }
    return status;
}

static void add_range(struct weft_severity_block *block, int64_t min, int64_t max, uint8_t severity)
{
    block->rules[block->rule_count++] =
        (struct weft_severity_rule){ .min = min < max ? min : max, .max = min < max ? max : min, .severity = severity };
}

/* {min:, max:}; other keys do not count. */
static bool read_range(const struct weft_node *node, int64_t *out_min, int64_t *out_max)
{
    const struct weft_node *min = weft_node_find(node, "min");
    const struct weft_node *max = weft_node_find(node, "max");
    return min != NULL && max != NULL && weft_node_kind(min) == WEFT_NODE_INT && weft_node_kind(max) == WEFT_NODE_INT &&
           weft_node_get_int(min, out_min) && weft_node_get_int(max, out_max);
}

/* "4xx": the hundred's first number; 0: another text. */
static int64_t read_hundred(const char *text)
{
    return text[0] >= '2' && text[0] <= '5' && strcmp(text + 1, "xx") == 0 ? (text[0] - '0') * INT64_C(100) : 0;
}

static enum weft_status add_value(struct weft_severity_block *block, struct weft_operator_reader *reader,
                                  const struct weft_node *node, uint8_t severity)
{
    int64_t min = 0;
    int64_t max = 0;
    enum weft_node_kind kind = weft_node_kind(node);
    if (kind == WEFT_NODE_STRING && read_hundred(weft_node_text(node)) > 0) {
        min = read_hundred(weft_node_text(node));
        max = min + 99;
    } else if (kind == WEFT_NODE_STRING) {
        return add_text(block, reader, node, severity);
    } else if (kind == WEFT_NODE_INT && weft_node_get_int(node, &min)) {
        max = min;
    } else if (kind != WEFT_NODE_MAP || !read_range(node, &min, &max)) {
        return weft_node_fail(reader->config.error, WEFT_INVALID, node,
                              "wants a text, an integer or a map with the integers min and max");
    }
    add_range(block, min, max, severity);
    return WEFT_OK;
}

static size_t count_values(const struct weft_node *mapping)
{
    size_t count = 0;
    for (size_t i = 0; i < weft_node_count(mapping); i++) {
        const struct weft_node *value = weft_node_at(mapping, i);
        count += weft_node_kind(value) == WEFT_NODE_LIST ? weft_node_count(value) : 1;
    }
    return count;
}

/* A name that is no severity stands for none, as in the Collector. */
static enum weft_status read_name(struct weft_operator_reader *reader, const struct weft_node *node,
                                  uint8_t *out_severity)
{
    char text[32] = "";
    size_t length = strlen(weft_node_key(node));
    memcpy(text, weft_node_key(node), length < sizeof text ? length : 0);
    *out_severity = weft_severity_of_alias(to_lower(text));
    if (*out_severity > 0 || strcmp(text, "default") == 0) {
        return WEFT_OK;
    }
    struct weft_position position = weft_node_position(node);
    enum weft_status status = weft_config_notes_add(reader->config.notes, WEFT_NOTE_WARNING,
                                                    "%s:%u: there is no severity %s: its values have none",
                                                    position.file, position.line, weft_node_key(node));
    return status == WEFT_OK ? WEFT_OK : weft_fail(reader->config.error, status, "no memory for notes");
}

static enum weft_status add_values(struct weft_severity_block *block, struct weft_operator_reader *reader,
                                   const struct weft_node *node)
{
    uint8_t severity;
    enum weft_status status = read_name(reader, node, &severity);
    if (status != WEFT_OK || weft_value_is_absent(node)) {
        return status;
    }
    if (weft_node_kind(node) != WEFT_NODE_LIST) {
        return add_value(block, reader, node, severity);
    }
    for (size_t i = 0; status == WEFT_OK && i < weft_node_count(node); i++) {
        status = add_value(block, reader, weft_node_at(node, i), severity);
    }
    return status;
}

enum weft_status weft_severity_mapping_read(struct weft_severity_block *block, struct weft_operator_reader *reader,
                                            const struct weft_node *mapping)
{
    if (weft_node_kind(mapping) != WEFT_NODE_MAP) {
        return weft_node_fail(reader->config.error, WEFT_INVALID, mapping, "wants a map, not %s",
                              weft_node_kind_text(mapping));
    }
    enum weft_status status =
        weft_operator_alloc(reader, (count_values(mapping) + 1) * sizeof *block->rules, &block->rules);
    for (size_t i = 0; status == WEFT_OK && i < weft_node_count(mapping); i++) {
        status = add_values(block, reader, weft_node_at(mapping, i));
    }
    return status;
}
