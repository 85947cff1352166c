#pragma once

#include "operators/expression.h"

/* What the files of the expression language share: tokens, the tree, its evaluation. */

enum weft_expression_kind {
    WEFT_EXPRESSION_CONSTANT,
    WEFT_EXPRESSION_BODY,
    WEFT_EXPRESSION_ATTRIBUTES,
    WEFT_EXPRESSION_RESOURCE,
    WEFT_EXPRESSION_LIST,
    WEFT_EXPRESSION_CALL,
    WEFT_EXPRESSION_MEMBER, /* of the first item, by the second */
    WEFT_EXPRESSION_CHAIN,  /* around members: nil if one of them is optional and has nothing before it */
    WEFT_EXPRESSION_NOT,
    WEFT_EXPRESSION_PLUS,
    WEFT_EXPRESSION_MINUS,
    WEFT_EXPRESSION_AND, /* one item or more; the last may be anything */
    WEFT_EXPRESSION_OR,
    WEFT_EXPRESSION_COALESCE,
    WEFT_EXPRESSION_CONDITION, /* ?: */
    WEFT_EXPRESSION_EQUAL,
    WEFT_EXPRESSION_UNEQUAL,
    WEFT_EXPRESSION_LESS,
    WEFT_EXPRESSION_LESS_OR_EQUAL,
    WEFT_EXPRESSION_MORE,
    WEFT_EXPRESSION_MORE_OR_EQUAL,
    WEFT_EXPRESSION_ADD,
    WEFT_EXPRESSION_SUBTRACT,
    WEFT_EXPRESSION_MULTIPLY,
    WEFT_EXPRESSION_DIVIDE,
    WEFT_EXPRESSION_REMAINDER,
    WEFT_EXPRESSION_POWER,
    WEFT_EXPRESSION_RANGE, /* only as the second item of IN */
    WEFT_EXPRESSION_IN,
    WEFT_EXPRESSION_IN_TEXTS, /* the second item is a list of constant texts */
    WEFT_EXPRESSION_MATCHES,  /* one item, and the pattern */
    WEFT_EXPRESSION_CONTAINS,
    WEFT_EXPRESSION_STARTS_WITH,
    WEFT_EXPRESSION_ENDS_WITH,
    WEFT_EXPRESSION_PIPE, /* an operator only, no node */
};

/* What is known of a node's value before there is an entry: a kind of value, or any. */
enum { WEFT_EXPRESSION_ANY = WEFT_LOG_MAP + 1 };

struct weft_expression {
    enum weft_expression_kind kind;
    int type;
    int item_type;    /* of a list's items */
    bool is_optional; /* MEMBER */
    int height;
    struct weft_expression **items;
    size_t count, capacity;
    union {
        struct weft_log_value constant;
        const struct weft_pattern *pattern;
        const struct weft_expression_function *function;
    };
};

/* ---- reading ---- */

enum weft_expression_token_kind {
    WEFT_EXPRESSION_TOKEN_END,
    WEFT_EXPRESSION_TOKEN_NUMBER,
    WEFT_EXPRESSION_TOKEN_TEXT,
    WEFT_EXPRESSION_TOKEN_NAME,
    WEFT_EXPRESSION_TOKEN_SIGN, /* operators, also those that are words, and brackets */
};

struct weft_expression_token {
    enum weft_expression_token_kind kind;
    struct weft_slice text;  /* as it is written */
    struct weft_slice value; /* TEXT: without quotes and escapes */
    size_t at;
};

struct weft_expression_parser {
    struct weft_operator_reader *reader;
    const struct weft_expression_source *source;
    size_t at; /* behind the token */
    struct weft_expression_token token;
    size_t node_count;
    int depth;
};

/* "column N: " and the text; at is an offset. */
enum weft_status weft_expression_fail(const struct weft_expression_parser *parser, size_t at, enum weft_status status,
                                      const char *format, ...) WEFT_PRINTF(4, 5);
void weft_expression_format_column(const struct weft_expression_parser *parser, size_t at, const char *sign,
                                   char *out_text, size_t size_bytes);

/* expression_token.c: the next token. */
enum weft_status weft_expression_advance(struct weft_expression_parser *parser) WEFT_MUST_CHECK;

/* expression_quote.c: what stands between quotes. */
enum weft_status weft_expression_unquote(struct weft_expression_parser *parser, struct weft_slice text, size_t at,
                                         struct weft_slice *out_value) WEFT_MUST_CHECK;

/* The text as it is. */
enum weft_status weft_expression_copy(struct weft_expression_parser *parser, struct weft_slice text,
                                      struct weft_slice *out_copy) WEFT_MUST_CHECK;

/* expression_number.c. False: no such number. */
bool weft_expression_read_number(struct weft_slice text, struct weft_log_value *out_value) WEFT_MUST_CHECK;

/* expression_node.c: a node with a copy of items; of which type it is, and whether it may have these items. */
enum weft_status weft_expression_make(struct weft_expression_parser *parser, const struct weft_expression *node,
                                      size_t at, const char *sign, struct weft_expression **out_node) WEFT_MUST_CHECK;
enum weft_status weft_expression_append(struct weft_expression_parser *parser, struct weft_expression *node,
                                        struct weft_expression *item, size_t at) WEFT_MUST_CHECK;
enum weft_status weft_expression_make_constant(struct weft_expression_parser *parser, struct weft_log_value value,
                                               size_t at, struct weft_expression **out_node) WEFT_MUST_CHECK;

/* expression_type.c: sets the type of a node by its items; WEFT_INVALID if it may not have them. */
enum weft_status weft_expression_set_type(const struct weft_expression_parser *parser, struct weft_expression *node,
                                          size_t at, const char *sign) WEFT_MUST_CHECK;
const char *weft_expression_type_text(int type);

/* expression_fold.c: makes less of a node whose items are constant. */
enum weft_status weft_expression_fold(struct weft_expression_parser *parser, struct weft_expression *node,
                                      size_t at) WEFT_MUST_CHECK;

/* expression_call.c: a call of the function that name names, the parser being at its "(". first: an argument before
 * those in parentheses, or NULL. */
enum weft_status weft_expression_parse_call(struct weft_expression_parser *parser,
                                            const struct weft_expression_token *name, struct weft_expression *first,
                                            struct weft_expression **out_node) WEFT_MUST_CHECK;

/* expression_name.c: a name and what stands behind it. */
bool weft_expression_read_word(struct weft_slice name, struct weft_log_value *out_value) WEFT_MUST_CHECK;
enum weft_status weft_expression_make_name(struct weft_expression_parser *parser,
                                           const struct weft_expression_token *name,
                                           struct weft_expression **out_node) WEFT_MUST_CHECK;
enum weft_status weft_expression_parse_members(struct weft_expression_parser *parser,
                                               struct weft_expression **in_out_node) WEFT_MUST_CHECK;

/* expression_parser.c and expression_operand.c */
enum weft_status weft_expression_fail_unexpected(const struct weft_expression_parser *parser);
enum weft_status weft_expression_make_one(struct weft_expression_parser *parser, enum weft_expression_kind kind,
                                          size_t at, const char *sign, struct weft_expression *item,
                                          struct weft_expression **out_node) WEFT_MUST_CHECK;
enum weft_status weft_expression_parse(struct weft_expression_parser *parser, int precedence,
                                       struct weft_expression **out_node) WEFT_MUST_CHECK;
enum weft_status weft_expression_expect(struct weft_expression_parser *parser, const char *sign) WEFT_MUST_CHECK;
bool weft_expression_is_at(const struct weft_expression_parser *parser, const char *sign);
/* What may stand between two operators. */
enum weft_status weft_expression_parse_operand(struct weft_expression_parser *parser,
                                               struct weft_expression **out_node) WEFT_MUST_CHECK;
/* WEFT_UNSUPPORTED at what the language has and weft does not. */
enum weft_status weft_expression_check_supported(const struct weft_expression_parser *parser) WEFT_MUST_CHECK;
/* Items with commas between them up to the sign, which is taken; a comma may stand behind the last. */
enum weft_status weft_expression_parse_items(struct weft_expression_parser *parser, const char *end,
                                             struct weft_expression *node) WEFT_MUST_CHECK;

/* ---- evaluating ---- */

struct weft_expression_state {
    struct weft_operator_run *run;
    struct weft_log_entry *entry;
    size_t steps, taken_bytes;
    bool is_chain_over; /* an optional member had nothing before it */
};

/* Of all below false is a failure that has its text already. */
bool weft_expression_fail_state(struct weft_expression_state *state, const char *format, ...) WEFT_PRINTF(2, 3);

/* NULL is a failure. */
void *weft_expression_take(struct weft_expression_state *state, size_t size_bytes) WEFT_MUST_CHECK;

/* expression_value.c: what operators do with values. */
bool weft_expression_is_nil(const struct weft_expression_state *state, const struct weft_log_value *value);
bool weft_expression_to_int(struct weft_expression_state *state, const struct weft_log_value *value,
                            int64_t *out_number) WEFT_MUST_CHECK;
bool weft_expression_equal(const struct weft_expression_state *state, const struct weft_log_value *left,
                           const struct weft_log_value *right);
bool weft_expression_compare(struct weft_expression_state *state, enum weft_expression_kind kind,
                             const struct weft_log_value pair[2], struct weft_log_value *out_value) WEFT_MUST_CHECK;
bool weft_expression_member(struct weft_expression_state *state, const struct weft_log_value pair[2],
                            struct weft_log_value *out_value) WEFT_MUST_CHECK;
bool weft_expression_find(struct weft_expression_state *state, const struct weft_log_value pair[2],
                          struct weft_log_value *out_value) WEFT_MUST_CHECK;

/* expression_arithmetic.c */
bool weft_expression_calculate(struct weft_expression_state *state, enum weft_expression_kind kind,
                               const struct weft_log_value pair[2], struct weft_log_value *out_value) WEFT_MUST_CHECK;
bool weft_expression_negate(struct weft_expression_state *state, struct weft_log_value *value) WEFT_MUST_CHECK;

/* expression_function.c */
enum { WEFT_EXPRESSION_MAX_ARGUMENTS = 3 };

/* What a function is called with; texts of arguments are never NULL. */
struct weft_expression_call {
    struct weft_expression_state *state;
    struct weft_log_value arguments[WEFT_EXPRESSION_MAX_ARGUMENTS];
    size_t count;
};

struct weft_expression_function {
    const char *name;
    size_t min_count, max_count;
    int argument_types[WEFT_EXPRESSION_MAX_ARGUMENTS]; /* when compiling and when called */
    bool (*takes)(int type);                           /* when compiling, if it is not NULL: then types are any */
    int type, item_type;
    bool (*call)(const struct weft_expression_call *call, struct weft_log_value *out_value);
};

/* NULL: there is none. */
const struct weft_expression_function *weft_expression_function_find(struct weft_slice name);
/* True for a function that the Collector has and weft does not. */
bool weft_expression_function_is_later(struct weft_slice name);

/* expression_string.c: functions of the table. */
bool weft_expression_call_lower(const struct weft_expression_call *call, struct weft_log_value *out_value);
bool weft_expression_call_upper(const struct weft_expression_call *call, struct weft_log_value *out_value);
bool weft_expression_call_trim(const struct weft_expression_call *call, struct weft_log_value *out_value);
bool weft_expression_call_split(const struct weft_expression_call *call, struct weft_log_value *out_value);

/* expression_quote.c: as Go's utf8.EncodeRune, up to four bytes; how many they are. */
size_t weft_expression_put_character(uint8_t *out, uint32_t character);

/* expression_number.c: as Go's %v writes it; out_text has 32 bytes. */
void weft_expression_format_number(double value, char *out_text);
bool weft_expression_read_int(struct weft_slice text, int64_t *out_number) WEFT_MUST_CHECK;
bool weft_expression_read_double(struct weft_slice text, double *out_number) WEFT_MUST_CHECK;

/* expression_case.c: as Go's unicode package maps it. */
uint32_t weft_expression_lower(uint32_t character);
uint32_t weft_expression_upper(uint32_t character);

static inline struct weft_log_value weft_expression_bool(bool value)
{
    return (struct weft_log_value){ .kind = WEFT_LOG_BOOL, .boolean = value };
}

static inline struct weft_log_value weft_expression_int(int64_t value)
{
    return (struct weft_log_value){ .kind = WEFT_LOG_INT, .integer = value };
}
