/* YAML bytes -> nodes: the only user of libyaml. It reads events, not documents: libyaml has no depth limit and needs
 * quadratic time on "[[[[", so reading stops at the 33rd level; aliases never expand because they are refused. */
#include "config/yaml.h"

#include <yaml.h>

#include "base/alloc.h"
#include "config/node_internal.h"

struct reader {
    yaml_parser_t parser;
    struct weft_tree *tree;
    struct weft_position position; /* of the source; line > 0 = of every node */
    struct weft_error *error;
    struct weft_node *open[WEFT_CONFIG_MAX_DEPTH]; /* collections being read, outermost first */
    const char *keys[WEFT_CONFIG_MAX_DEPTH];       /* of a map: the key that waits for its value */
    uint32_t key_lines[WEFT_CONFIG_MAX_DEPTH];
    size_t depth;
    struct weft_node *document; /* the finished top value */
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

static enum weft_status read_key(struct reader *reader, const yaml_event_t *event, const char *text)
{
    bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (is_plain && strcmp(text, "<<") == 0) {
        return fail_at(reader, WEFT_UNSUPPORTED, event->start_mark,
                       "merge keys (<<) are not supported; write the keys out or use ${file:...}");
    }
    const struct weft_node *before = weft_node_find(innermost(reader), text);
    if (before != NULL) {
        return weft_fail(reader->error, WEFT_INVALID, "%s:%u: key \"%s\" is already defined at line %u",
                         reader->position.file, line_of(reader, event->start_mark), text, before->line);
    }
    reader->keys[reader->depth - 1] = text;
    reader->key_lines[reader->depth - 1] = line_of(reader, event->start_mark);
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

static enum weft_status read_scalar(struct reader *reader, const yaml_event_t *event)
{
    struct weft_slice bytes = weft_slice_of(event->data.scalar.value, event->data.scalar.length);
    if (event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL) {
        return fail_at(reader, WEFT_UNSUPPORTED, event->start_mark, "YAML anchors and tags are not supported");
    }
    if (bytes.length > 0 && memchr(bytes.bytes, '\0', bytes.length) != NULL) {
        return fail_at(reader, WEFT_INVALID, event->start_mark, "a text holds the NUL character");
    }
    char *text = weft_tree_try_text(reader->tree, bytes);
    if (text == NULL) {
        return fail_full(reader);
    }
    if (wants_key(reader)) {
        return read_key(reader, event, text);
    }
    struct weft_node *node = weft_tree_try_node(reader->tree, WEFT_NODE_STRING, reader->position);
    if (node == NULL) {
        return fail_full(reader);
    }
    node->text = text;
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        weft_node_resolve_plain(node, text);
    }
    return place(reader, node, event->start_mark);
}

static enum weft_status open_collection(struct reader *reader, const yaml_event_t *event, enum weft_node_kind kind,
                                        bool is_decorated)
{
    if (is_decorated) {
        return fail_at(reader, WEFT_UNSUPPORTED, event->start_mark, "YAML anchors and tags are not supported");
    }
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
        reader->keys[reader->depth] = NULL;
        reader->open[reader->depth++] = node;
    }
    return status;
}

static enum weft_status read_event(struct reader *reader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return fail_at(reader, WEFT_UNSUPPORTED, event->start_mark, "YAML aliases are not supported");
    case YAML_SCALAR_EVENT:
        return read_scalar(reader, event);
    case YAML_SEQUENCE_START_EVENT:
        return open_collection(reader, event, WEFT_NODE_LIST,
                               event->data.sequence_start.anchor != NULL || event->data.sequence_start.tag != NULL);
    case YAML_MAPPING_START_EVENT:
        return open_collection(reader, event, WEFT_NODE_MAP,
                               event->data.mapping_start.anchor != NULL || event->data.mapping_start.tag != NULL);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        reader->depth--;
        return WEFT_OK;
    case YAML_DOCUMENT_START_EVENT:
        if (reader->document != NULL) {
            return fail_at(reader, WEFT_UNSUPPORTED, event->start_mark,
                           "a second YAML document; one file holds one config");
        }
        if (event->data.document_start.tag_directives.start != event->data.document_start.tag_directives.end) {
            return fail_at(reader, WEFT_UNSUPPORTED, event->start_mark, "YAML tag directives are not supported");
        }
        return WEFT_OK;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return WEFT_OK;
    }
    return WEFT_OK;
}

static enum weft_status read_events(struct reader *reader)
{
    bool is_done = false;
    enum weft_status status = WEFT_OK;
    while (status == WEFT_OK && !is_done) {
        yaml_event_t event;
        if (!yaml_parser_parse(&reader->parser, &event)) {
            return fail_parser(reader);
        }
        is_done = event.type == YAML_STREAM_END_EVENT;
        status = read_event(reader, &event);
        yaml_event_delete(&event);
    }
    return status;
}

/* libyaml compares each %TAG line with all before it, and does so before it gives the first event, where a single one
 * is refused. So many of them are refused unread. */
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
        return weft_fail(reader->error, WEFT_UNSUPPORTED, "%s: YAML tag directives are not supported",
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
