/* Nodes of the tree that an expression becomes (expression_internal.h), in the memory of the chain, within limits. */
#include <stdarg.h>
#include <stdio.h>

#include "operators/expression_internal.h"

void weft_expression_format_column(const struct weft_expression_parser *parser, size_t at, const char *sign,
                                   char *out_text, size_t size_bytes)
{
    size_t column = 1 + parser->source->columns_before;
    for (size_t i = 0; i < at && i < parser->source->text.length; i++) {
        column += (parser->source->text.bytes[i] & 0xc0) != 0x80;
    }
    snprintf(out_text, size_bytes, "column %zu: %s", column, sign);
}

enum weft_status weft_expression_fail(const struct weft_expression_parser *parser, size_t at, enum weft_status status,
                                      const char *format, ...)
{
    char column[48], text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    weft_expression_format_column(parser, at, "", column, sizeof column);
    return weft_node_fail(parser->reader->config.error, status, parser->source->node, "%s%s", column, text);
}

static enum weft_status fail_deep(const struct weft_expression_parser *parser, size_t at)
{
    return weft_expression_fail(parser, at, WEFT_LIMIT, "it is nested deeper than %d", WEFT_EXPRESSION_MAX_HEIGHT);
}

static enum weft_status fail_range(const struct weft_expression_parser *parser, size_t at)
{
    return weft_expression_fail(parser, at, WEFT_UNSUPPORTED, "weft has ranges (..) only behind `in` yet");
}

static enum weft_status check_item(const struct weft_expression_parser *parser, const struct weft_expression *node,
                                   const struct weft_expression *item, size_t at)
{
    if (item->kind == WEFT_EXPRESSION_RANGE && node->kind != WEFT_EXPRESSION_IN) {
        return fail_range(parser, at);
    }
    return item->height >= WEFT_EXPRESSION_MAX_HEIGHT ? fail_deep(parser, at) : WEFT_OK;
}

static enum weft_status new_node(struct weft_expression_parser *parser, const struct weft_expression *node, size_t at,
                                 struct weft_expression **out_node)
{
    if (parser->node_count++ >= WEFT_EXPRESSION_MAX_NODES) {
        return weft_expression_fail(parser, at, WEFT_LIMIT, "it has more than %d parts", WEFT_EXPRESSION_MAX_NODES);
    }
    enum weft_status status = weft_operator_alloc(parser->reader, sizeof **out_node, out_node);
    if (status == WEFT_OK) {
        **out_node = *node;
        (*out_node)->items = NULL;
        (*out_node)->count = (*out_node)->capacity = 0;
        (*out_node)->height = 1;
    }
    return status;
}

enum weft_status weft_expression_append(struct weft_expression_parser *parser, struct weft_expression *node,
                                        struct weft_expression *item, size_t at)
{
    enum weft_status status = check_item(parser, node, item, at);
    if (status == WEFT_OK && node->count == node->capacity) {
        size_t capacity = node->capacity == 0 ? 2 : node->capacity * 2;
        struct weft_expression **items = NULL;
        status = weft_operator_alloc(parser->reader, capacity * sizeof(struct weft_expression *), &items);
        if (status == WEFT_OK) {
            for (size_t i = 0; i < node->count; i++) {
                items[i] = node->items[i];
            }
            node->items = items;
            node->capacity = capacity;
        }
    }
    if (status == WEFT_OK) {
        node->items[node->count++] = item;
        node->height = node->height <= item->height ? item->height + 1 : node->height;
    }
    return status;
}

enum weft_status weft_expression_make_constant(struct weft_expression_parser *parser, struct weft_log_value value,
                                               size_t at, struct weft_expression **out_node)
{
    struct weft_expression node = { .kind = WEFT_EXPRESSION_CONSTANT, .type = (int)value.kind, .constant = value };
    return new_node(parser, &node, at, out_node);
}

static bool is_text(const struct weft_expression *node)
{
    return node->kind == WEFT_EXPRESSION_CONSTANT && node->constant.kind == WEFT_LOG_STRING;
}

static bool is_list_of_texts(const struct weft_expression *node)
{
    bool is_all = node->kind == WEFT_EXPRESSION_LIST && node->count > 0;
    for (size_t i = 0; is_all && i < node->count; i++) {
        is_all = is_text(node->items[i]) && node->items[i]->type == WEFT_LOG_STRING; /* not env() */
    }
    return is_all;
}

static enum weft_status compile_pattern(struct weft_expression_parser *parser, struct weft_expression *node, size_t at)
{
    char place[64];
    struct weft_pattern *pattern = NULL;
    if (!is_text(node->items[1])) {
        return weft_expression_fail(parser, at, WEFT_UNSUPPORTED, "weft has matches only with a constant pattern yet");
    }
    weft_expression_format_column(parser, at, "matches: ", place, sizeof place);
    enum weft_status status = weft_operator_pattern_compile_at(parser->reader, parser->source->node, place,
                                                               node->items[1]->constant.text, false, &pattern);
    node->pattern = pattern;
    node->count = 1;
    return status;
}

/* What is special about some nodes once their types are right. */
static enum weft_status finish(struct weft_expression_parser *parser, struct weft_expression *node, size_t at)
{
    if (node->kind == WEFT_EXPRESSION_MATCHES) {
        return compile_pattern(parser, node, at);
    }
    if (node->kind == WEFT_EXPRESSION_IN && node->items[0]->kind == WEFT_EXPRESSION_RANGE) {
        return fail_range(parser, at);
    }
    if (node->kind == WEFT_EXPRESSION_IN && is_list_of_texts(node->items[1])) {
        node->kind = WEFT_EXPRESSION_IN_TEXTS;
    }
    return weft_expression_fold(parser, node, at);
}

enum weft_status weft_expression_make(struct weft_expression_parser *parser, const struct weft_expression *node,
                                      size_t at, const char *sign, struct weft_expression **out_node)
{
    enum weft_status status = new_node(parser, node, at, out_node);
    for (size_t i = 0; status == WEFT_OK && i < node->count; i++) {
        status = weft_expression_append(parser, *out_node, node->items[i], at);
    }
    status = status == WEFT_OK ? weft_expression_set_type(parser, *out_node, at, sign) : status;
    return status == WEFT_OK ? finish(parser, *out_node, at) : status;
}
