/* Values of OTTL (parser.h): literals, lists, maps, parentheses, and what is calculated from them. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/hex.h"
#include "ottl/parser.h"

static struct weft_ottl_node *literal_new(struct weft_ottl_parser *parser, struct weft_ottl_value value)
{
    struct weft_ottl_node *node = weft_ottl_node_new(parser, WEFT_OTTL_NODE_LITERAL, parser->token.at);
    if (node != NULL) {
        node->literal = value;
    }
    return node;
}

static enum weft_status take_literal(struct weft_ottl_parser *parser, struct weft_ottl_value value,
                                     struct weft_ottl_node **out_node)
{
    *out_node = literal_new(parser, value);
    return *out_node == NULL ? WEFT_NOMEM : weft_ottl_advance(parser);
}

/* ---- numbers ---- */

static enum weft_status parse_int(struct weft_ottl_parser *parser, struct weft_ottl_node **out_node)
{
    int64_t number = 0;
    for (size_t i = 0; i < parser->token.text.length; i++) {
        int digit = parser->token.text.bytes[i] - '0';
        if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, digit, &number)) {
            return weft_ottl_fail_at(parser->text, parser->token.at, parser->error, WEFT_INVALID,
                                     "the number does not fit 64 bits");
        }
    }
    return take_literal(parser, weft_ottl_int(number), out_node);
}

static enum weft_status parse_float(struct weft_ottl_parser *parser, struct weft_ottl_node **out_node)
{
    enum { MAX_BYTES = 400 };
    char text[MAX_BYTES + 1];
    if (parser->token.text.length > MAX_BYTES) {
        return weft_ottl_fail_at(parser->text, parser->token.at, parser->error, WEFT_LIMIT,
                                 "a number of more than %d digits", MAX_BYTES);
    }
    memcpy(text, parser->token.text.bytes, parser->token.text.length);
    text[parser->token.text.length] = '\0';
    double number = strtod(text, NULL);
    if (isinf(number)) {
        return weft_ottl_fail_at(parser->text, parser->token.at, parser->error, WEFT_INVALID,
                                 "the number is beyond any float");
    }
    return take_literal(parser, weft_ottl_double(number), out_node);
}

static enum weft_status parse_bytes(struct weft_ottl_parser *parser, struct weft_ottl_node **out_node)
{
    struct weft_slice digits = weft_slice_of(parser->token.text.bytes + 2, parser->token.text.length - 2);
    if (digits.length % 2 != 0) {
        return weft_ottl_fail_at(parser->text, parser->token.at, parser->error, WEFT_INVALID,
                                 "bytes need an even number of digits");
    }
    uint8_t *bytes = weft_arena_try_bytes(parser->arena, digits.length / 2);
    if (bytes == NULL) {
        return weft_fail(parser->error, WEFT_NOMEM, "no memory for a statement");
    }
    bool is_hex = weft_hex_decode(digits, bytes, digits.length / 2);
    weft_assert(is_hex); /* as the token was cut */
    struct weft_ottl_value value = { .kind = WEFT_OTTL_BYTES, .bytes = { bytes, digits.length / 2 } };
    return take_literal(parser, value, out_node);
}

/* ---- what holds other values ---- */

/* Values stand side by side or with commas between them; once there was a comma, there is one before each. */
static enum weft_status parse_list(struct weft_ottl_parser *parser, struct weft_ottl_node **out_node)
{
    struct weft_ottl_node *list = weft_ottl_node_new(parser, WEFT_OTTL_NODE_LIST, parser->token.at);
    enum weft_status status = list == NULL ? WEFT_NOMEM : weft_ottl_enter(parser);
    bool had_comma = false;
    if (status == WEFT_OK) {
        status = weft_ottl_advance(parser);
    }
    while (status == WEFT_OK && !weft_ottl_is_sign(parser, ']')) {
        struct weft_ottl_node *item = NULL;
        if (weft_ottl_is_sign(parser, ',')) {
            had_comma = true;
            status = weft_ottl_advance(parser);
        } else if (had_comma) {
            return weft_ottl_unexpected(parser, "\",\" or \"]\" in a list");
        }
        if (status == WEFT_OK) {
            status = weft_ottl_parse_operand(parser, &item);
        }
        if (status == WEFT_OK) {
            status = weft_ottl_node_append(parser, list, item, NULL);
        }
    }
    if (status == WEFT_OK) {
        weft_ottl_leave(parser);
        status = weft_ottl_advance(parser);
    }
    *out_node = list;
    return status;
}

static enum weft_status parse_map_item(struct weft_ottl_parser *parser, struct weft_ottl_node *map)
{
    struct weft_slice key;
    struct weft_ottl_node *item = NULL;
    if (parser->token.kind != WEFT_OTTL_TOKEN_STRING) {
        return weft_ottl_unexpected(parser, "a key in quotes, or \"}\",");
    }
    enum weft_status status = weft_ottl_unquote(parser, &parser->token, &key);
    if (status == WEFT_OK) {
        status = weft_ottl_advance(parser);
    }
    if (status == WEFT_OK) {
        status = weft_ottl_expect(parser, ':', " behind a key");
    }
    if (status == WEFT_OK) {
        status = weft_ottl_parse_operand(parser, &item);
    }
    if (status == WEFT_OK) {
        status = weft_ottl_node_append(parser, map, item, &key);
    }
    return status == WEFT_OK && weft_ottl_is_sign(parser, ',') ? weft_ottl_advance(parser) : status;
}

static enum weft_status parse_map(struct weft_ottl_parser *parser, struct weft_ottl_node **out_node)
{
    struct weft_ottl_node *map = weft_ottl_node_new(parser, WEFT_OTTL_NODE_MAP, parser->token.at);
    enum weft_status status = map == NULL ? WEFT_NOMEM : weft_ottl_enter(parser);
    if (status == WEFT_OK) {
        status = weft_ottl_advance(parser);
    }
    while (status == WEFT_OK && !weft_ottl_is_sign(parser, '}')) {
        status = parse_map_item(parser, map);
    }
    if (status == WEFT_OK) {
        weft_ottl_leave(parser);
        status = weft_ottl_advance(parser);
    }
    *out_node = map;
    return status;
}

/* Whether names in parentheses and an arrow follow. */
static bool is_lambda(const struct weft_ottl_parser *parser)
{
    struct weft_error ignored;
    struct weft_ottl_parser ahead = *parser;
    ahead.error = &ignored;
    bool is_name = true;
    while (weft_ottl_advance(&ahead) == WEFT_OK && !weft_ottl_is_sign(&ahead, ')')) {
        bool is_word = ahead.token.kind == WEFT_OTTL_TOKEN_LOWER || ahead.token.kind == WEFT_OTTL_TOKEN_UNDERSCORE;
        if (is_name ? !is_word : !weft_ottl_is_sign(&ahead, ',')) {
            return false;
        }
        is_name = !is_name;
    }
    return weft_ottl_is_sign(&ahead, ')') && weft_ottl_advance(&ahead) == WEFT_OK &&
           ahead.token.kind == WEFT_OTTL_TOKEN_ARROW;
}

static bool is_calculable(const struct weft_ottl_node *node)
{
    switch (node->kind) {
    case WEFT_OTTL_NODE_LITERAL:
        return node->literal.kind == WEFT_OTTL_INT || node->literal.kind == WEFT_OTTL_DOUBLE;
    case WEFT_OTTL_NODE_PATH:
    case WEFT_OTTL_NODE_CALL:
    case WEFT_OTTL_NODE_CALCULATE:
    case WEFT_OTTL_NODE_NEGATE:
        return true;
    default:
        return false;
    }
}

static enum weft_status require_calculable(struct weft_ottl_parser *parser, const struct weft_ottl_node *node)
{
    return is_calculable(node) ? WEFT_OK
                               : weft_ottl_fail_at(parser->text, node->at, parser->error, WEFT_INVALID,
                                                   "only numbers, paths and calls can be calculated with");
}

/* A condition, or something to calculate with. */
static enum weft_status parse_parentheses(struct weft_ottl_parser *parser, struct weft_ottl_node **out_node)
{
    if (is_lambda(parser)) {
        return weft_ottl_fail_at(parser->text, parser->token.at, parser->error, WEFT_UNSUPPORTED,
                                 "lambda expressions are not supported");
    }
    enum weft_status status = weft_ottl_enter(parser);
    if (status == WEFT_OK) {
        status = weft_ottl_advance(parser);
    }
    if (status == WEFT_OK) {
        status = weft_ottl_parse_any(parser, out_node);
    }
    if (status == WEFT_OK) {
        status = weft_ottl_expect(parser, ')', "");
    }
    if (status != WEFT_OK) {
        return status;
    }
    weft_ottl_leave(parser);
    struct weft_ottl_node *node = *out_node;
    if (node->kind == WEFT_OTTL_NODE_LITERAL && node->literal.kind == WEFT_OTTL_BOOL) {
        node->is_condition = true;
    }
    return node->is_condition ? WEFT_OK : require_calculable(parser, node);
}

static enum weft_status parse_primary(struct weft_ottl_parser *parser, struct weft_ottl_node **out_node)
{
    struct weft_slice text = WEFT_SLICE_EMPTY;
    switch (parser->token.kind) {
    case WEFT_OTTL_TOKEN_NIL:
        return take_literal(parser, weft_ottl_nil(), out_node);
    case WEFT_OTTL_TOKEN_BOOL:
        return take_literal(parser, weft_ottl_bool(parser->token.text.bytes[0] == 't'), out_node);
    case WEFT_OTTL_TOKEN_INT:
        return parse_int(parser, out_node);
    case WEFT_OTTL_TOKEN_FLOAT:
        return parse_float(parser, out_node);
    case WEFT_OTTL_TOKEN_BYTES:
        return parse_bytes(parser, out_node);
    case WEFT_OTTL_TOKEN_STRING:
        return weft_ottl_unquote(parser, &parser->token, &text) == WEFT_OK
                   ? take_literal(parser, weft_ottl_string(text), out_node)
                   : parser->error->status;
    case WEFT_OTTL_TOKEN_LOWER:
    case WEFT_OTTL_TOKEN_UPPER:
        return weft_ottl_parse_name(parser, out_node);
    case WEFT_OTTL_TOKEN_SIGN:
        switch (parser->token.text.bytes[0]) {
        case '(':
            return parse_parentheses(parser, out_node);
        case '[':
            return parse_list(parser, out_node);
        case '{':
            return parse_map(parser, out_node);
        default:
            break;
        }
        break;
    default:
        break;
    }
    return weft_ottl_unexpected(parser, "a value");
}

/* ---- calculating ---- */

/* A number takes its sign; all else is negated when it is known. */
static enum weft_status negate(struct weft_ottl_parser *parser, size_t at, struct weft_ottl_node **in_out_node)
{
    struct weft_ottl_node *item = *in_out_node;
    if (item->kind == WEFT_OTTL_NODE_LITERAL && item->literal.kind == WEFT_OTTL_INT) {
        item->literal.integer = -item->literal.integer;
        return WEFT_OK;
    }
    if (item->kind == WEFT_OTTL_NODE_LITERAL) {
        item->literal.real = -item->literal.real;
        return WEFT_OK;
    }
    *in_out_node = weft_ottl_node_new(parser, WEFT_OTTL_NODE_NEGATE, at);
    return *in_out_node == NULL ? WEFT_NOMEM : weft_ottl_node_append(parser, *in_out_node, item, NULL);
}

static enum weft_status parse_factor(struct weft_ottl_parser *parser, struct weft_ottl_node **out_node)
{
    size_t at = parser->token.at;
    bool is_negative = weft_ottl_is_sign(parser, '-');
    if (!is_negative && !weft_ottl_is_sign(parser, '+')) {
        return parse_primary(parser, out_node);
    }
    enum weft_status status = weft_ottl_advance(parser);
    if (status == WEFT_OK) {
        status = parse_primary(parser, out_node);
    }
    if (status == WEFT_OK) {
        status = require_calculable(parser, *out_node);
    }
    return status == WEFT_OK && is_negative ? negate(parser, at, out_node) : status;
}

typedef enum weft_status (*parse_fn)(struct weft_ottl_parser *parser, struct weft_ottl_node **out_node);

/* Operands with one of two signs between them, from left to right. */
static enum weft_status parse_operations(struct weft_ottl_parser *parser, char sign, char other, parse_fn parse,
                                         struct weft_ottl_node **out_node)
{
    enum weft_status status = parse(parser, out_node);
    while (status == WEFT_OK && (weft_ottl_is_sign(parser, sign) || weft_ottl_is_sign(parser, other))) {
        struct weft_ottl_node *right = NULL;
        struct weft_ottl_node *node = weft_ottl_node_new(parser, WEFT_OTTL_NODE_CALCULATE, (*out_node)->at);
        if (node == NULL) {
            return WEFT_NOMEM;
        }
        node->operation = parser->token.text.bytes[0];
        status = require_calculable(parser, *out_node);
        if (status == WEFT_OK) {
            status = weft_ottl_advance(parser);
        }
        if (status == WEFT_OK) {
            status = parse(parser, &right);
        }
        if (status == WEFT_OK) {
            status = require_calculable(parser, right);
        }
        if (status == WEFT_OK) {
            status = weft_ottl_node_append(parser, node, *out_node, NULL);
        }
        if (status == WEFT_OK) {
            status = weft_ottl_node_append(parser, node, right, NULL);
        }
        *out_node = node;
    }
    return status;
}

static enum weft_status parse_product(struct weft_ottl_parser *parser, struct weft_ottl_node **out_node)
{
    return parse_operations(parser, '*', '/', parse_factor, out_node);
}

enum weft_status weft_ottl_parse_sum(struct weft_ottl_parser *parser, struct weft_ottl_node **out_node)
{
    return parse_operations(parser, '+', '-', parse_product, out_node);
}
