/* The grammar of OTTL from the top (parser.h): conditions with or, and, not and comparisons. One walk without going
 * back: what stands in parentheses is read as whatever it turns out to be, and refused where that may not stand. */
#include <stdio.h>

#include "ottl/parser.h"

#include "base/assert.h"

enum weft_status weft_ottl_unexpected(struct weft_ottl_parser *parser, const char *expected)
{
    if (parser->token.kind == WEFT_OTTL_TOKEN_END) {
        return weft_ottl_fail_at(parser->text, parser->token.at, parser->error, WEFT_INVALID,
                                 "the text ends where %s is expected", expected);
    }
    return weft_ottl_fail_at(parser->text, parser->token.at, parser->error, WEFT_INVALID,
                             "unexpected \"%.*s\", %s is expected",
                             (int)(parser->token.text.length > 40 ? 40 : parser->token.text.length),
                             (const char *)parser->token.text.bytes, expected);
}

enum weft_status weft_ottl_expect(struct weft_ottl_parser *parser, char sign, const char *where)
{
    if (weft_ottl_is_sign(parser, sign)) {
        return weft_ottl_advance(parser);
    }
    char expected[64];
    snprintf(expected, sizeof expected, "\"%c\"%s", sign, where);
    return weft_ottl_unexpected(parser, expected);
}

enum weft_status weft_ottl_enter(struct weft_ottl_parser *parser)
{
    if (parser->depth >= WEFT_OTTL_MAX_DEPTH) {
        return weft_ottl_fail_at(parser->text, parser->token.at, parser->error, WEFT_LIMIT,
                                 "more than %d parentheses, calls, lists and maps within one another",
                                 WEFT_OTTL_MAX_DEPTH);
    }
    parser->depth++;
    return WEFT_OK;
}

void weft_ottl_leave(struct weft_ottl_parser *parser)
{
    weft_assert(parser->depth > 0);
    parser->depth--;
}

struct weft_ottl_node *weft_ottl_node_new(struct weft_ottl_parser *parser, enum weft_ottl_node_kind kind, size_t at)
{
    struct weft_ottl_node *node = weft_arena_try_alloc(parser->arena, sizeof *node);
    if (node == NULL) {
        weft_fail(parser->error, WEFT_NOMEM, "no memory for a statement");
        return NULL;
    }
    *node = (struct weft_ottl_node){
        .kind = kind,
        .at = (uint32_t)at,
        .is_condition = kind >= WEFT_OTTL_NODE_COMPARE,
    };
    return node;
}

static bool grow(struct weft_ottl_parser *parser, void *items_address, size_t item_bytes, size_t count,
                 size_t *capacity)
{
    void **items = items_address;
    if (count < *capacity) {
        return true;
    }
    size_t wanted = *capacity == 0 ? 2 : *capacity * 2;
    void *grown = weft_arena_try_alloc(parser->arena, wanted * item_bytes);
    if (grown == NULL) {
        return false;
    }
    if (count > 0) {
        memcpy(grown, *items, count * item_bytes);
    }
    *items = grown;
    *capacity = wanted;
    return true;
}

enum weft_status weft_ottl_node_append(struct weft_ottl_parser *parser, struct weft_ottl_node *node,
                                       struct weft_ottl_node *item, const struct weft_slice *name)
{
    if (!grow(parser, &node->items, sizeof(struct weft_ottl_node *), node->count, &node->capacity) ||
        (name != NULL && !grow(parser, &node->names, sizeof *node->names, node->count, &node->name_capacity))) {
        return weft_fail(parser->error, WEFT_NOMEM, "no memory for a statement");
    }
    node->items[node->count] = item;
    if (name != NULL) {
        node->names[node->count] = *name;
    }
    node->count++;
    return WEFT_OK;
}

/* ---- conditions ---- */

/* A call and a word true or false may stand for a condition; all else must be compared. */
static enum weft_status require_condition(struct weft_ottl_parser *parser, const struct weft_ottl_node *node)
{
    bool is_bool = node->kind == WEFT_OTTL_NODE_LITERAL && node->literal.kind == WEFT_OTTL_BOOL;
    if (node->is_condition || node->kind == WEFT_OTTL_NODE_CALL || is_bool) {
        return WEFT_OK;
    }
    return parser->token.kind == WEFT_OTTL_TOKEN_END
               ? weft_ottl_fail_at(parser->text, node->at, parser->error, WEFT_INVALID,
                                   "this is a value and no condition; compare it with something")
               : weft_ottl_unexpected(parser, "a comparison (==, !=, <, <=, >, >=)");
}

static enum weft_status require_value(struct weft_ottl_parser *parser, const struct weft_ottl_node *node)
{
    return !node->is_condition ? WEFT_OK
                               : weft_ottl_fail_at(parser->text, node->at, parser->error, WEFT_INVALID,
                                                   "a condition cannot stand where a value is expected");
}

static enum weft_ottl_compare comparison_of(struct weft_slice sign)
{
    switch (sign.bytes[0]) {
    case '=':
        return WEFT_OTTL_EQUAL;
    case '!':
        return WEFT_OTTL_NOT_EQUAL;
    case '<':
        return sign.length == 1 ? WEFT_OTTL_LESS : WEFT_OTTL_LESS_EQUAL;
    default:
        return sign.length == 1 ? WEFT_OTTL_GREATER : WEFT_OTTL_GREATER_EQUAL;
    }
}

/* Two operands and a sign between them, of which the left one and the sign are read. */
static enum weft_status make_pair(struct weft_ottl_parser *parser, enum weft_ottl_node_kind kind, uint8_t operation,
                                  struct weft_ottl_node *left, struct weft_ottl_node *right,
                                  struct weft_ottl_node **out_node)
{
    struct weft_ottl_node *node = weft_ottl_node_new(parser, kind, left->at);
    if (node == NULL) {
        return WEFT_NOMEM;
    }
    node->operation = operation;
    enum weft_status status = weft_ottl_node_append(parser, node, left, NULL);
    if (status == WEFT_OK) {
        status = weft_ottl_node_append(parser, node, right, NULL);
    }
    *out_node = node;
    return status;
}

/* A value, compared with another one or not. */
static enum weft_status parse_comparison(struct weft_ottl_parser *parser, struct weft_ottl_node **out_node)
{
    struct weft_ottl_node *left = NULL;
    struct weft_ottl_node *right = NULL;
    enum weft_status status = weft_ottl_parse_sum(parser, &left);
    if (status != WEFT_OK || parser->token.kind != WEFT_OTTL_TOKEN_COMPARE) {
        *out_node = left;
        return status;
    }
    enum weft_ottl_compare operation = comparison_of(parser->token.text);
    status = require_value(parser, left);
    if (status == WEFT_OK) {
        status = weft_ottl_advance(parser);
    }
    if (status == WEFT_OK) {
        status = weft_ottl_parse_operand(parser, &right);
    }
    return status == WEFT_OK ? make_pair(parser, WEFT_OTTL_NODE_COMPARE, (uint8_t)operation, left, right, out_node)
                             : status;
}

static enum weft_status parse_not(struct weft_ottl_parser *parser, struct weft_ottl_node **out_node)
{
    if (parser->token.kind != WEFT_OTTL_TOKEN_NOT) {
        return parse_comparison(parser, out_node);
    }
    struct weft_ottl_node *item = NULL;
    struct weft_ottl_node *node = weft_ottl_node_new(parser, WEFT_OTTL_NODE_NOT, parser->token.at);
    if (node == NULL) {
        return WEFT_NOMEM;
    }
    enum weft_status status = weft_ottl_advance(parser);
    if (status == WEFT_OK) {
        status = parse_comparison(parser, &item);
    }
    if (status == WEFT_OK) {
        status = require_condition(parser, item);
    }
    *out_node = node;
    return status == WEFT_OK ? weft_ottl_node_append(parser, node, item, NULL) : status;
}

typedef enum weft_status (*parse_fn)(struct weft_ottl_parser *parser, struct weft_ottl_node **out_node);

/* Items with a word between them; one alone stays what it is. */
static enum weft_status parse_chain(struct weft_ottl_parser *parser, enum weft_ottl_token_kind word,
                                    enum weft_ottl_node_kind kind, parse_fn parse, struct weft_ottl_node **out_node)
{
    struct weft_ottl_node *first = NULL;
    enum weft_status status = parse(parser, &first);
    if (status != WEFT_OK || parser->token.kind != word) {
        *out_node = first;
        return status;
    }
    struct weft_ottl_node *chain = weft_ottl_node_new(parser, kind, first->at);
    if (chain == NULL) {
        return WEFT_NOMEM;
    }
    status = require_condition(parser, first);
    if (status == WEFT_OK) {
        status = weft_ottl_node_append(parser, chain, first, NULL);
    }
    while (status == WEFT_OK && parser->token.kind == word) {
        struct weft_ottl_node *item = NULL;
        status = weft_ottl_advance(parser);
        if (status == WEFT_OK) {
            status = parse(parser, &item);
        }
        if (status == WEFT_OK) {
            status = require_condition(parser, item);
        }
        if (status == WEFT_OK) {
            status = weft_ottl_node_append(parser, chain, item, NULL);
        }
    }
    *out_node = chain;
    return status;
}

static enum weft_status parse_and(struct weft_ottl_parser *parser, struct weft_ottl_node **out_node)
{
    return parse_chain(parser, WEFT_OTTL_TOKEN_AND, WEFT_OTTL_NODE_AND, parse_not, out_node);
}

enum weft_status weft_ottl_parse_any(struct weft_ottl_parser *parser, struct weft_ottl_node **out_node)
{
    return parse_chain(parser, WEFT_OTTL_TOKEN_OR, WEFT_OTTL_NODE_OR, parse_and, out_node);
}

enum weft_status weft_ottl_parse_operand(struct weft_ottl_parser *parser, struct weft_ottl_node **out_node)
{
    enum weft_status status = weft_ottl_parse_sum(parser, out_node);
    return status == WEFT_OK ? require_value(parser, *out_node) : status;
}

/* ---- whole texts ---- */

enum weft_status weft_ottl_parser_init(struct weft_ottl_parser *parser, struct weft_slice text,
                                       struct weft_arena *arena, struct weft_error *error)
{
    *parser = (struct weft_ottl_parser){ .text = text, .arena = arena, .error = error };
    if (text.length > WEFT_OTTL_MAX_TEXT_BYTES) {
        return weft_fail(error, WEFT_LIMIT, "a statement of more than %d bytes", WEFT_OTTL_MAX_TEXT_BYTES);
    }
    return weft_ottl_advance(parser);
}

static enum weft_status parse_end(struct weft_ottl_parser *parser, const char *expected)
{
    return parser->token.kind == WEFT_OTTL_TOKEN_END ? WEFT_OK : weft_ottl_unexpected(parser, expected);
}

static enum weft_status parse_whole_condition(struct weft_ottl_parser *parser, struct weft_ottl_node **out_condition)
{
    enum weft_status status = weft_ottl_parse_any(parser, out_condition);
    if (status == WEFT_OK) {
        status = require_condition(parser, *out_condition);
    }
    return status == WEFT_OK ? parse_end(parser, "and, or, or the end") : status;
}

enum weft_status weft_ottl_parse_condition(struct weft_ottl_parser *parser, struct weft_ottl_node **out_condition)
{
    return parse_whole_condition(parser, out_condition);
}

enum weft_status weft_ottl_parse_value(struct weft_ottl_parser *parser, struct weft_ottl_node **out_value)
{
    enum weft_status status = weft_ottl_parse_operand(parser, out_value);
    return status == WEFT_OK ? parse_end(parser, "the end") : status;
}

enum weft_status weft_ottl_parse_statement(struct weft_ottl_parser *parser, struct weft_ottl_node **out_editor,
                                           struct weft_ottl_node **out_condition)
{
    struct weft_ottl_node *editor = NULL;
    *out_condition = NULL;
    enum weft_status status = weft_ottl_parse_name(parser, &editor);
    if (status != WEFT_OK) {
        return status;
    }
    if (editor->kind != WEFT_OTTL_NODE_CALL) {
        return weft_ottl_fail_at(parser->text, editor->at, parser->error, WEFT_INVALID,
                                 "a statement begins with an editor, as in set(name, \"x\")");
    }
    if (!editor->is_editor) {
        return weft_ottl_fail_at(parser->text, editor->at, parser->error, WEFT_INVALID,
                                 "editor names begin with a small letter, %.*s is a converter",
                                 WEFT_SLICE_PRINT(editor->name));
    }
    *out_editor = editor;
    if (parser->token.kind != WEFT_OTTL_TOKEN_LOWER || !weft_slice_equal_text(parser->token.text, "where")) {
        return parse_end(parser, "where, or the end");
    }
    status = weft_ottl_advance(parser);
    return status == WEFT_OK ? parse_whole_condition(parser, out_condition) : status;
}
