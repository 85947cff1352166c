#pragma once

#include "base/arena.h"
#include "ottl/text_xpath_token.h"
#include "ottl/text_xpath_tree.h"

/* Making an XPath of its text, by recursive descent: paths (text_xpath_parse.c), the conditions in them
 * (text_xpath_parse_condition.c), and the words of both (text_xpath_parser.c). An error ends the text for all that is
 * above, so that nothing but the end has to look for it. */
enum { WEFT_OTTL_XPATH_MAX_DEPTH = 32 };

struct weft_ottl_xpath_parser {
    struct weft_ottl_xpath_scanner scanner;
    struct weft_ottl_xpath_token token; /* the present one */
    struct weft_arena *arena;
    enum weft_status status;
    struct weft_error *error;
    size_t depth, steps, conditions;
    struct weft_ottl_xpath_step *asked; /* whose condition is being read */
};

/* refuse: "%s not supported by weft". at_token: what is next cannot be there. */
void weft_ottl_xpath_stop(struct weft_ottl_xpath_parser *parser, enum weft_status status, const char *reason);
void weft_ottl_xpath_refuse(struct weft_ottl_xpath_parser *parser, const char *what);
void weft_ottl_xpath_stop_at_token(struct weft_ottl_xpath_parser *parser);

bool weft_ottl_xpath_is_kind(const struct weft_ottl_xpath_parser *parser, int kind);
bool weft_ottl_xpath_is_word(const struct weft_ottl_xpath_parser *parser, const char *word);
/* text, comment and its kind: no name before a parenthesis. */
bool weft_ottl_xpath_is_node_type(const struct weft_ottl_xpath_parser *parser);

void weft_ottl_xpath_advance(struct weft_ottl_xpath_parser *parser);
bool weft_ottl_xpath_skip(struct weft_ottl_xpath_parser *parser, int kind);
void weft_ottl_xpath_expect(struct weft_ottl_xpath_parser *parser, int kind);

/* Zeroed; NULL once there is an error. */
void *weft_ottl_xpath_take(struct weft_ottl_xpath_parser *parser, size_t size);

void weft_ottl_xpath_parse_union(struct weft_ottl_xpath_parser *parser, struct weft_ottl_xpath **out_path);
/* All brackets behind the step. */
void weft_ottl_xpath_parse_conditions(struct weft_ottl_xpath_parser *parser, struct weft_ottl_xpath_step *step);
