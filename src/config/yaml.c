/* YAML bytes -> nodes: the only user of libyaml. It reads events, not documents: libyaml has no depth limit and needs
 * quadratic time on "[[[[", so reading stops at the 33rd level. Of several documents the first counts, as in the
 * Collector; what follows is not even read. Aliases become copies (yaml_anchors.h). */
#include "config/yaml.h"

#include <yaml.h>

#include "base/alloc.h"
#include "config/node_internal.h"
#include "config/yaml_anchors.h"
#include "config/yaml_tag.h"

enum { NO_MERGE = UINT32_MAX };

struct reader {
    yaml_parser_t parser;
    struct weft_tree *tree;
    struct weft_position position; /* of the source; line > 0 = of every node */
    struct weft_error *error;
    struct weft_node *open[WEFT_CONFIG_MAX_DEPTH]; /* collections being read, outermost first */
    const char *keys[WEFT_CONFIG_MAX_DEPTH];       /* of a map: the key that waits for its value */
    uint32_t key_lines[WEFT_CONFIG_MAX_DEPTH];
    uint32_t merges[WEFT_CONFIG_MAX_DEPTH]; /* of a map: the index of the child under its merge key, or NO_MERGE */
    size_t depth;
    struct weft_yaml_anchors anchors;
    struct weft_node *document; /* the top value, from its beginning on */
    bool is_done;               /* the first document is read */
};

static uint32_t line_of(const struct reader *reader, yaml_mark_t mark)
{
    return reader->position.line > 0 ? reader->position.line : (uint32_t)mark.line + 1;
}

static enum weft_status fail_at(const struct reader *reader, enum weft_status status, yaml_mark_t mark,
                                const char *text)
{
    return weft_fail(reader->error, status, "%s:%u: %s", reader->position.file, line_of(reader, mark), text);
}

static enum weft_status fail_full(const struct reader *reader)
{
    return weft_tree_fail_full(reader->tree, reader->error);
}

static enum weft_status fail_parser(const struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_MEMORY_ERROR) {
        return weft_fail(reader->error, WEFT_NOMEM, "out of memory while reading the config");
    }
    const char *problem = parser->problem != NULL ? parser->problem : "not YAML";
    if (parser->error == YAML_READER_ERROR) {
        return weft_fail(reader->error, WEFT_INVALID, "%s: %s at byte %zu", reader->position.file, problem,
                         parser->problem_offset);
    }
    const char *context = parser->context;
    return weft_fail(reader->error, WEFT_INVALID, "%s:%u: %s%s%s", reader->position.file,
                     line_of(reader, parser->problem_mark), problem, context != NULL ? ", " : "",
                     context != NULL ? context : "");
}

static struct weft_node *innermost(const struct reader *reader)
{
    return reader->depth > 0 ? reader->open[reader->depth - 1] : NULL;
}

static bool wants_key(const struct reader *reader)
{
    const struct weft_node *parent = innermost(reader);
    return parent != NULL && parent->kind == WEFT_NODE_MAP && reader->keys[reader->depth - 1] == NULL;
}

static const char merge_key[] = "<<";

static enum weft_status read_key(struct reader *reader, const char *text, bool is_merge, yaml_mark_t mark)
{
    struct weft_node *map = innermost(reader);
    bool is_second_merge = is_merge && reader->merges[reader->depth - 1] != NO_MERGE;
    const struct weft_node *before =
        is_second_merge ? weft_node_at(map, reader->merges[reader->depth - 1]) : weft_node_find(map, text);
    if (before != NULL && (is_second_merge || !is_merge)) {
        return weft_fail(reader->error, WEFT_INVALID, "%s:%u: key \"%s\" is already defined at line %u",
                         reader->position.file, line_of(reader, mark), text, before->line);
    }
    if (is_merge) {
        reader->merges[reader->depth - 1] = (uint32_t)weft_node_count(map);
    }
    reader->keys[reader->depth - 1] = text;
    reader->key_lines[reader->depth - 1] = line_of(reader, mark);
    return WEFT_OK;
}

/* Hands a new node to the collection being read. A map's value stands where its key stands. */
static enum weft_status place(struct reader *reader, struct weft_node *node, yaml_mark_t mark)
{
    struct weft_node *parent = innermost(reader);
    node->line = line_of(reader, mark);
    if (parent == NULL) {
        reader->document = node;
        return WEFT_OK;
    }
    if (parent->value.children.count >= WEFT_CONFIG_MAX_KEYS) {
        return fail_at(reader, WEFT_LIMIT, mark, "more than 10000 values in one map or list");
    }
    const char *key = NULL;
    if (parent->kind == WEFT_NODE_MAP) {
        key = reader->keys[reader->depth - 1];
        node->line = reader->key_lines[reader->depth - 1];
        reader->keys[reader->depth - 1] = NULL;
    }
    return weft_node_try_append(reader->tree, parent, key, node) == WEFT_OK ? WEFT_OK : fail_full(reader);
}

static enum weft_status anchor(struct reader *reader, const yaml_char_t *name, struct weft_node *node, bool is_open)
{
    if (name == NULL) {
        return WEFT_OK;
    }
    return weft_yaml_anchors_add(&reader->anchors, reader->tree, (const char *)name, node, is_open) == WEFT_OK
               ? WEFT_OK
               : fail_full(reader);
}

/* With the place before what another file of this floor says. */
static enum weft_status fail_with(const struct reader *reader, enum weft_status status, yaml_mark_t mark,
                                  const struct weft_error *why)
{
    return status == WEFT_NOMEM ? fail_full(reader) : fail_at(reader, status, mark, why->text);
}

static enum weft_status make_scalar(struct reader *reader, const yaml_event_t *event, struct weft_node **out_node)
{
    struct weft_slice bytes = weft_slice_of(event->data.scalar.value, event->data.scalar.length);
    const char *tag = (const char *)event->data.scalar.tag;
    bool is_quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    struct weft_error why;
    if (bytes.length > 0 && memchr(bytes.bytes, '\0', bytes.length) != NULL) {
        return fail_at(reader, WEFT_INVALID, event->start_mark, "a text holds the NUL character");
    }
    char *text = weft_tree_try_text(reader->tree, bytes);
    struct weft_node *node = weft_tree_try_node(reader->tree, WEFT_NODE_STRING, reader->position);
    if (text == NULL || node == NULL) {
        return fail_full(reader);
    }
    node->text = text;
    if (!is_quoted) {
        weft_node_resolve_plain(node, text);
    }
    enum weft_status status = tag == NULL ? WEFT_OK : weft_yaml_apply_tag(reader->tree, tag, is_quoted, node, &why);
    if (status != WEFT_OK) {
        return fail_with(reader, status, event->start_mark, &why);
    }
    *out_node = node;
    return anchor(reader, event->data.scalar.anchor, node, false);
}

static bool is_merge(const yaml_event_t *event)
{
    const char *tag = (const char *)event->data.scalar.tag;
    bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return strcmp((const char *)event->data.scalar.value, merge_key) == 0 &&
           (tag == NULL ? is_plain : weft_yaml_is_merge_tag(tag));
}

static enum weft_status read_scalar(struct reader *reader, const yaml_event_t *event)
{
    struct weft_node *node;
    enum weft_status status = make_scalar(reader, event, &node);
    if (status != WEFT_OK) {
        return status;
    }
    return wants_key(reader) ? read_key(reader, node->text, is_merge(event), event->start_mark)
                             : place(reader, node, event->start_mark);
}

static enum weft_status read_alias(struct reader *reader, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    const struct weft_yaml_anchor *anchored = weft_yaml_anchors_find(&reader->anchors, name);
    struct weft_error why;
    struct weft_node *copy;
    if (anchored == NULL) {
        return weft_fail(reader->error, WEFT_INVALID, "%s:%u: no anchor &%s stands before *%s", reader->position.file,
                         line_of(reader, event->start_mark), name, name);
    }
    if (anchored->is_open) {
        return weft_fail(reader->error, WEFT_INVALID, "%s:%u: *%s stands inside of &%s itself", reader->position.file,
                         line_of(reader, event->start_mark), name, name);
    }
    enum weft_status status =
        weft_yaml_copy(&reader->anchors, reader->tree, anchored->node, reader->depth, &copy, &why);
    if (status != WEFT_OK) {
        return fail_with(reader, status, event->start_mark, &why);
    }
    if (!wants_key(reader)) {
        return place(reader, copy, event->start_mark);
    }
    return weft_node_text(copy) != NULL
               ? read_key(reader, weft_node_text(copy), false, event->start_mark)
               : fail_at(reader, WEFT_UNSUPPORTED, event->start_mark, "a map key must be a single word or text");
}

static enum weft_status open_collection(struct reader *reader, const yaml_event_t *event, enum weft_node_kind kind,
                                        const yaml_char_t *anchor_name)
{
    if (wants_key(reader)) {
        return fail_at(reader, WEFT_UNSUPPORTED, event->start_mark, "a map key must be a single word or text");
    }
    if (reader->depth == WEFT_CONFIG_MAX_DEPTH) {
        return fail_at(reader, WEFT_LIMIT, event->start_mark, "more than 32 nested maps and lists");
    }
    struct weft_node *node = weft_tree_try_node(reader->tree, kind, reader->position);
    if (node == NULL) {
        return fail_full(reader);
    }
    enum weft_status status = place(reader, node, event->start_mark);
    if (status == WEFT_OK) {
        status = anchor(reader, anchor_name, node, true);
    }
    if (status == WEFT_OK) {
        reader->keys[reader->depth] = NULL;
        reader->merges[reader->depth] = NO_MERGE;
        reader->open[reader->depth++] = node;
    }
    return status;
}

static enum weft_status close_collection(struct reader *reader, const yaml_event_t *event)
{
    struct weft_node *node = reader->open[--reader->depth];
    uint32_t merge = reader->merges[reader->depth];
    struct weft_error why;
    weft_yaml_anchors_close(&reader->anchors, node);
    if (merge == NO_MERGE) {
        return WEFT_OK;
    }
    enum weft_status status = weft_yaml_merge(&reader->anchors, reader->tree, node, merge, reader->depth + 1, &why);
    return status == WEFT_OK ? WEFT_OK : fail_with(reader, status, event->start_mark, &why);
}

static enum weft_status read_event(struct reader *reader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return read_alias(reader, event);
    case YAML_SCALAR_EVENT:
        return read_scalar(reader, event);
    case YAML_SEQUENCE_START_EVENT:
        return open_collection(reader, event, WEFT_NODE_LIST, event->data.sequence_start.anchor);
    case YAML_MAPPING_START_EVENT:
        return open_collection(reader, event, WEFT_NODE_MAP, event->data.mapping_start.anchor);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_collection(reader, event);
    case YAML_DOCUMENT_END_EVENT:
    case YAML_STREAM_END_EVENT:
        reader->is_done = true;
        return WEFT_OK;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_START_EVENT:
        return WEFT_OK;
    }
    return WEFT_OK;
}

static enum weft_status read_events(struct reader *reader)
{
    enum weft_status status = WEFT_OK;
    while (status == WEFT_OK && !reader->is_done) {
        yaml_event_t event;
        if (!yaml_parser_parse(&reader->parser, &event)) {
            return fail_parser(reader);
        }
        status = read_event(reader, &event);
        yaml_event_delete(&event);
    }
    return status;
}

/* libyaml compares each %TAG line with all before it, before it gives the first event. So many of them are refused
 * unread. */
static bool has_many_tag_directives(struct weft_slice bytes)
{
    enum { MANY = 64 };
    size_t at = 0;
    for (size_t count = 0; count < MANY; count++) {
        const uint8_t *found = memmem(bytes.bytes + at, bytes.length - at, "%TAG", 4);
        if (found == NULL) {
            return false;
        }
        at = (size_t)(found - bytes.bytes) + 4;
    }
    return true;
}

/* The mark that some editors put before UTF-8. libyaml skips it only where it is to find the encoding out. */
static struct weft_slice without_byte_order_mark(struct weft_slice bytes)
{
    static const uint8_t mark[] = { 0xef, 0xbb, 0xbf };
    bool has_mark = bytes.length >= sizeof mark && memcmp(bytes.bytes, mark, sizeof mark) == 0;
    return has_mark ? weft_slice_of(bytes.bytes + sizeof mark, bytes.length - sizeof mark) : bytes;
}

static enum weft_status check_source(const struct reader *reader, struct weft_slice bytes)
{
    if (bytes.length > WEFT_CONFIG_MAX_BYTES) {
        return weft_fail(reader->error, WEFT_LIMIT, "%s: %zu bytes; the limit is 1 MiB", reader->position.file,
                         bytes.length);
    }
    /* libyaml would take this for UTF-16, whose NUL bytes look like texts cut short. */
    if (bytes.length >= 2 &&
        ((bytes.bytes[0] == 0xff && bytes.bytes[1] == 0xfe) || (bytes.bytes[0] == 0xfe && bytes.bytes[1] == 0xff))) {
        return weft_fail(reader->error, WEFT_UNSUPPORTED, "%s: UTF-16; write it in UTF-8", reader->position.file);
    }
    if (bytes.length > 0 && has_many_tag_directives(bytes)) {
        return weft_fail(reader->error, WEFT_LIMIT, "%s: 64 or more YAML tag directives (%%TAG)",
                         reader->position.file);
    }
    return WEFT_OK;
}

enum weft_status weft_yaml_parse(struct weft_tree *tree, struct weft_slice bytes, struct weft_position position,
                                 struct weft_node **out_node, struct weft_error *error)
{
    struct reader reader = { .tree = tree, .position = position, .error = error };
    enum weft_status status = check_source(&reader, bytes);
    if (status != WEFT_OK) {
        return status;
    }
    bytes = without_byte_order_mark(bytes);
    if (!yaml_parser_initialize(&reader.parser)) {
        return fail_parser(&reader);
    }
    static const uint8_t nothing[1];
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, bytes.length > 0 ? bytes.bytes : nothing, bytes.length);
    status = read_events(&reader);
    yaml_parser_delete(&reader.parser);
    weft_yaml_anchors_fini(&reader.anchors);
    if (status != WEFT_OK) {
        return status;
    }
    if (reader.document == NULL) {
        reader.document = weft_tree_try_node(tree, WEFT_NODE_NULL, position);
        if (reader.document == NULL) {
            return weft_tree_fail_full(tree, error);
        }
        reader.document->text = "";
    }
    *out_node = reader.document;
    return WEFT_OK;
}
