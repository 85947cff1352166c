#pragma once

#include "operators/expression.h"

/* Texts with expressions in them, as in `host EXPR(attributes.name)`: what is between EXPR( and the last ) before the
 * next EXPR( is an expression that gives a text. */
struct weft_expression_text;

/* node: a string. The result is the chain's. */
enum weft_status weft_expression_text_compile(struct weft_operator_reader *reader, const struct weft_node *node,
                                              const struct weft_expression_text **out_text) WEFT_MUST_CHECK;

/* WEFT_OPERATOR_SEND with a text in the entry's memory, or WEFT_OPERATOR_FAILED. */
enum weft_operator_verdict weft_expression_text_render(const struct weft_expression_text *text,
                                                       struct weft_operator_run *run, struct weft_log_entry *entry,
                                                       struct weft_slice *out_text) WEFT_MUST_CHECK;
