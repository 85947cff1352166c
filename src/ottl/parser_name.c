/* What begins with a name (parser.h): paths, calls, enums. A name of a function is written in words of large and of
 * small letters that follow one another, as the lexer cuts them. */
#include "ottl/parser.h"

#include "base/assert.h"

/* ---- keys ---- */

static enum weft_status parse_key(struct weft_ottl_parser *parser, struct weft_ottl_key *out_key)
{
    enum weft_status status = weft_ottl_advance(parser);
    struct weft_ottl_node *node = NULL;
    *out_key = (struct weft_ottl_key){ .literal = weft_ottl_nil() };
    if (status != WEFT_OK) {
        return status;
    }
    bool is_text = parser->token.kind == WEFT_OTTL_TOKEN_STRING;
    bool is_number = parser->token.kind == WEFT_OTTL_TOKEN_INT;
    size_t at = parser->token.at;
    status = weft_ottl_parse_operand(parser, &node);
    if (status == WEFT_OK) {
        status = weft_ottl_expect(parser, ']', " behind a key");
    }
    if (status != WEFT_OK) {
        return status;
    }
    bool is_literal = node->kind == WEFT_OTTL_NODE_LITERAL;
    if ((is_text || is_number) && is_literal) {
        out_key->literal = node->literal;
        out_key->is_text = is_text;
        return WEFT_OK;
    }
    out_key->node = node;
    bool is_calculated = node->kind == WEFT_OTTL_NODE_PATH || node->kind == WEFT_OTTL_NODE_CALL ||
                         node->kind == WEFT_OTTL_NODE_CALCULATE || node->kind == WEFT_OTTL_NODE_NEGATE;
    bool is_number_with_sign =
        is_literal && (node->literal.kind == WEFT_OTTL_INT || node->literal.kind == WEFT_OTTL_DOUBLE);
    return !is_number && (is_calculated || is_number_with_sign)
               ? WEFT_OK
               : weft_ottl_fail_at(parser->text, at, parser->error, WEFT_INVALID,
                                   "a key is a string, a number, a path or a call");
}

static enum weft_status parse_keys(struct weft_ottl_parser *parser, struct weft_ottl_key **out_keys, size_t *out_count)
{
    struct weft_ottl_key *keys = NULL;
    size_t count = 0, capacity = 0;
    while (weft_ottl_is_sign(parser, '[')) {
        if (count == capacity) {
            size_t wanted = capacity == 0 ? 2 : capacity * 2;
            struct weft_ottl_key *grown = weft_arena_try_alloc(parser->arena, wanted * sizeof *grown);
            if (grown == NULL) {
                return weft_fail(parser->error, WEFT_NOMEM, "no memory for a statement");
            }
            if (count > 0) {
                memcpy(grown, keys, count * sizeof *keys);
            }
            keys = grown;
            capacity = wanted;
        }
        enum weft_status status = weft_ottl_enter(parser);
        if (status == WEFT_OK) {
            status = parse_key(parser, &keys[count]);
        }
        if (status != WEFT_OK) {
            return status;
        }
        weft_ottl_leave(parser);
        count++;
    }
    *out_keys = keys;
    *out_count = count;
    return WEFT_OK;
}

/* ---- paths ---- */

static enum weft_status parse_segment(struct weft_ottl_parser *parser, struct weft_ottl_segment *out_segment)
{
    if (parser->token.kind != WEFT_OTTL_TOKEN_LOWER) {
        return weft_ottl_unexpected(parser, "the next word of the path");
    }
    *out_segment = (struct weft_ottl_segment){ .name = parser->token.text, .at = parser->token.at };
    enum weft_status status = weft_ottl_advance(parser);
    return status == WEFT_OK ? parse_keys(parser, &out_segment->keys, &out_segment->key_count) : status;
}

static size_t end_of_last_token(const struct weft_ottl_parser *parser, size_t from)
{
    size_t end = parser->token.at < parser->text.length ? parser->token.at : parser->text.length;
    while (end > from && weft_slice_is_space(parser->text.bytes[end - 1])) {
        end--;
    }
    return end;
}

static enum weft_status parse_path(struct weft_ottl_parser *parser, struct weft_ottl_node **out_node)
{
    enum { MAX_SEGMENTS = 8 };
    struct weft_ottl_node *node = weft_ottl_node_new(parser, WEFT_OTTL_NODE_PATH, parser->token.at);
    struct weft_ottl_path *path = weft_arena_try_alloc(parser->arena, sizeof *path);
    struct weft_ottl_segment *segments =
        weft_arena_try_alloc(parser->arena, MAX_SEGMENTS * sizeof(struct weft_ottl_segment));
    if (node == NULL || path == NULL || segments == NULL) {
        return weft_fail(parser->error, WEFT_NOMEM, "no memory for a statement");
    }
    *path = (struct weft_ottl_path){ .segments = segments };
    size_t start = parser->token.at;
    enum weft_status status = parse_segment(parser, &segments[path->segment_count++]);
    while (status == WEFT_OK && weft_ottl_is_sign(parser, '.')) {
        if (path->segment_count == MAX_SEGMENTS) {
            return weft_ottl_unexpected(parser, "the end of the path, which has too many words,");
        }
        status = weft_ottl_advance(parser);
        if (status == WEFT_OK) {
            status = parse_segment(parser, &segments[path->segment_count++]);
        }
    }
    path->text = weft_slice_of(parser->text.bytes + start, end_of_last_token(parser, start) - start);
    node->path = path;
    *out_node = node;
    return status;
}

/* ---- calls ---- */

static bool is_word(const struct weft_ottl_token *token)
{
    return token->kind == WEFT_OTTL_TOKEN_LOWER || token->kind == WEFT_OTTL_TOKEN_UPPER;
}

/* The words that begin here, without what lies between them, and the parser behind them. */
static enum weft_status join_words(struct weft_ottl_parser *parser, struct weft_slice *out_name)
{
    struct weft_ottl_parser start = *parser;
    size_t length = 0;
    enum weft_status status = WEFT_OK;
    while (status == WEFT_OK && is_word(&parser->token)) {
        length += parser->token.text.length;
        status = weft_ottl_advance(parser);
    }
    if (status != WEFT_OK) {
        return status;
    }
    if (start.token.text.length == length) {
        *out_name = start.token.text;
        return WEFT_OK;
    }
    uint8_t *name = weft_arena_try_bytes(parser->arena, length);
    if (name == NULL) {
        return weft_fail(parser->error, WEFT_NOMEM, "no memory for a statement");
    }
    *out_name = weft_slice_of(name, length);
    while (is_word(&start.token)) {
        memcpy(name, start.token.text.bytes, start.token.text.length);
        name += start.token.text.length;
        status = weft_ottl_advance(&start);
        weft_assert(status == WEFT_OK);
    }
    return WEFT_OK;
}

/* `name =` before an argument; nothing is taken if it is not there. */
static enum weft_status parse_argument_name(struct weft_ottl_parser *parser, struct weft_slice *out_name)
{
    struct weft_ottl_parser ahead = *parser;
    *out_name = WEFT_SLICE_EMPTY;
    if (parser->token.kind != WEFT_OTTL_TOKEN_LOWER) {
        return WEFT_OK;
    }
    enum weft_status status = join_words(&ahead, out_name);
    if (status != WEFT_OK || !weft_ottl_is_sign(&ahead, '=')) {
        *out_name = WEFT_SLICE_EMPTY;
        return status;
    }
    *parser = ahead;
    return weft_ottl_advance(parser);
}

static enum weft_status parse_arguments(struct weft_ottl_parser *parser, struct weft_ottl_node *call)
{
    enum weft_status status = weft_ottl_advance(parser);
    bool is_first = true;
    while (status == WEFT_OK && !(is_first && weft_ottl_is_sign(parser, ')'))) {
        struct weft_slice name;
        struct weft_ottl_node *item = NULL;
        is_first = false;
        status = parse_argument_name(parser, &name);
        if (status == WEFT_OK) {
            status = weft_ottl_parse_operand(parser, &item);
        }
        if (status == WEFT_OK) {
            status = weft_ottl_node_append(parser, call, item, &name);
        }
        if (status != WEFT_OK || weft_ottl_is_sign(parser, ')')) {
            break;
        }
        if (!weft_ottl_is_sign(parser, ',')) {
            return weft_ottl_unexpected(parser, "\",\" or \")\" behind an argument");
        }
        status = weft_ottl_advance(parser);
    }
    return status == WEFT_OK ? weft_ottl_advance(parser) : status;
}

static enum weft_status parse_call(struct weft_ottl_parser *parser, struct weft_slice name, size_t at, bool is_editor,
                                   struct weft_ottl_node **out_node)
{
    struct weft_ottl_node *node = weft_ottl_node_new(parser, WEFT_OTTL_NODE_CALL, at);
    enum weft_status status = node == NULL ? WEFT_NOMEM : weft_ottl_enter(parser);
    if (status != WEFT_OK) {
        return status;
    }
    node->name = name;
    node->is_editor = is_editor;
    status = parse_arguments(parser, node);
    if (status != WEFT_OK) {
        return status;
    }
    weft_ottl_leave(parser);
    if (is_editor && weft_ottl_is_sign(parser, '[')) {
        return weft_ottl_fail_at(parser->text, parser->token.at, parser->error, WEFT_INVALID,
                                 "only paths and converters have keys, editors have none");
    }
    *out_node = node;
    return parse_keys(parser, &node->keys, &node->key_count);
}

enum weft_status weft_ottl_parse_name(struct weft_ottl_parser *parser, struct weft_ottl_node **out_node)
{
    size_t at = parser->token.at;
    struct weft_ottl_token first = parser->token;
    struct weft_ottl_parser ahead = *parser;
    struct weft_slice name;
    if (!is_word(&first)) {
        return weft_ottl_unexpected(parser, "a name");
    }
    enum weft_status status = join_words(&ahead, &name);
    bool is_call = status == WEFT_OK && weft_ottl_is_sign(&ahead, '(');
    if (is_call) {
        *parser = ahead;
        return parse_call(parser, name, at, first.kind == WEFT_OTTL_TOKEN_LOWER, out_node);
    }
    if (first.kind == WEFT_OTTL_TOKEN_LOWER) {
        return parse_path(parser, out_node);
    }
    if (status != WEFT_OK) {
        return status;
    }
    bool is_enum = name.length == first.text.length;
    struct weft_ottl_node *node =
        weft_ottl_node_new(parser, is_enum ? WEFT_OTTL_NODE_ENUM : WEFT_OTTL_NODE_FUNCTION, at);
    if (node == NULL) {
        return WEFT_NOMEM;
    }
    node->name = name;
    *parser = ahead;
    *out_node = node;
    return WEFT_OK;
}
