#pragma once

#include "ottl/node.h"
#include "ottl/ottl.h"

/* From text to tree: the whole of the Collector's grammar but lambdas, which it has switched off. */
enum weft_ottl_token_kind {
    WEFT_OTTL_TOKEN_END,
    WEFT_OTTL_TOKEN_BYTES,
    WEFT_OTTL_TOKEN_FLOAT,
    WEFT_OTTL_TOKEN_INT,
    WEFT_OTTL_TOKEN_STRING, /* with its quotes */
    WEFT_OTTL_TOKEN_NIL,
    WEFT_OTTL_TOKEN_NOT,
    WEFT_OTTL_TOKEN_OR,
    WEFT_OTTL_TOKEN_AND,
    WEFT_OTTL_TOKEN_BOOL,
    WEFT_OTTL_TOKEN_COMPARE,
    WEFT_OTTL_TOKEN_ARROW,
    WEFT_OTTL_TOKEN_SIGN, /* one character of +-/=*(){}:,.[] */
    WEFT_OTTL_TOKEN_UPPER,
    WEFT_OTTL_TOKEN_LOWER,
    WEFT_OTTL_TOKEN_UNDERSCORE,
};

struct weft_ottl_token {
    enum weft_ottl_token_kind kind;
    struct weft_slice text;
    size_t at;
};

struct weft_ottl_parser {
    struct weft_slice text;
    struct weft_arena *arena;
    struct weft_error *error;
    size_t next; /* where the token behind this one begins to be looked for */
    struct weft_ottl_token token;
    int depth;
};

/* "line 1 column 8: ..."; at is an offset in the text. */
enum weft_status weft_ottl_fail_at(struct weft_slice text, size_t at, struct weft_error *error, enum weft_status status,
                                   const char *format, ...) WEFT_PRINTF(5, 6);

/* The first token becomes the parser's. text and arena stay as long as the tree. */
enum weft_status weft_ottl_parser_init(struct weft_ottl_parser *parser, struct weft_slice text,
                                       struct weft_arena *arena, struct weft_error *error) WEFT_MUST_CHECK;

/* A whole text. editor and condition are NULL where there is none. */
enum weft_status weft_ottl_parse_condition(struct weft_ottl_parser *parser,
                                           struct weft_ottl_node **out_condition) WEFT_MUST_CHECK;
enum weft_status weft_ottl_parse_statement(struct weft_ottl_parser *parser, struct weft_ottl_node **out_editor,
                                           struct weft_ottl_node **out_condition) WEFT_MUST_CHECK;
enum weft_status weft_ottl_parse_value(struct weft_ottl_parser *parser,
                                       struct weft_ottl_node **out_value) WEFT_MUST_CHECK;

/* ---- between the parser's files ---- */

/* token.c: the next token becomes the parser's. */
enum weft_status weft_ottl_advance(struct weft_ottl_parser *parser) WEFT_MUST_CHECK;
/* Of a STRING: what it says. */
enum weft_status weft_ottl_unquote(struct weft_ottl_parser *parser, const struct weft_ottl_token *token,
                                   struct weft_slice *out_text) WEFT_MUST_CHECK;

static inline bool weft_ottl_is_sign(const struct weft_ottl_parser *parser, char sign)
{
    return parser->token.kind == WEFT_OTTL_TOKEN_SIGN && parser->token.text.bytes[0] == (uint8_t)sign;
}

/* parser.c */
enum weft_status weft_ottl_expect(struct weft_ottl_parser *parser, char sign, const char *where) WEFT_MUST_CHECK;
enum weft_status weft_ottl_unexpected(struct weft_ottl_parser *parser, const char *expected);
enum weft_status weft_ottl_enter(struct weft_ottl_parser *parser) WEFT_MUST_CHECK;
void weft_ottl_leave(struct weft_ottl_parser *parser);
/* Without memory NULL, and the error says so. */
struct weft_ottl_node *weft_ottl_node_new(struct weft_ottl_parser *parser, enum weft_ottl_node_kind kind,
                                          size_t at) WEFT_MUST_CHECK;
/* name: of an item of a MAP or CALL. */
enum weft_status weft_ottl_node_append(struct weft_ottl_parser *parser, struct weft_ottl_node *node,
                                       struct weft_ottl_node *item, const struct weft_slice *name) WEFT_MUST_CHECK;
/* A value, or what is asked for as a condition within parentheses: either. */
enum weft_status weft_ottl_parse_any(struct weft_ottl_parser *parser, struct weft_ottl_node **out_node) WEFT_MUST_CHECK;
enum weft_status weft_ottl_parse_operand(struct weft_ottl_parser *parser,
                                         struct weft_ottl_node **out_node) WEFT_MUST_CHECK;

/* parser_value.c: sums and products of operands. */
enum weft_status weft_ottl_parse_sum(struct weft_ottl_parser *parser, struct weft_ottl_node **out_node) WEFT_MUST_CHECK;

/* parser_name.c: paths, calls and enums; a list of arguments or keys. */
enum weft_status weft_ottl_parse_name(struct weft_ottl_parser *parser,
                                      struct weft_ottl_node **out_node) WEFT_MUST_CHECK;
