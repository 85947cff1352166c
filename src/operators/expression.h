#pragma once

#include "operators/operator_internal.h"

/* Expressions of operators, as in `if: attributes.level == "debug"`: the part of the Collector's language (expr-lang)
 * that configs use. Read once, from config, into a tree of bounded size; what is not taken is an error of the config
 * that names it and its column, never something else at run time. body (also $), attributes and resource are the
 * entry's; any other name is nil, as in the Collector, with a warning. */
struct weft_expression;

enum {
    WEFT_EXPRESSION_MAX_BYTES = 16 << 10,       /* of its text */
    WEFT_EXPRESSION_MAX_NODES = 1000,           /* constants, names, operators, calls */
    WEFT_EXPRESSION_MAX_HEIGHT = 128,           /* nodes within nodes */
    WEFT_EXPRESSION_MAX_STEPS = 100000,         /* nodes that one evaluation looks at */
    WEFT_EXPRESSION_MAX_RANGE = 1000000,        /* numbers between the bounds of a range */
    WEFT_EXPRESSION_MAX_TAKEN_BYTES = 16 << 20, /* of the entry's memory that one evaluation takes */
};

/* Columns of what is found in text count from 1, after those that stand before it. */
struct weft_expression_source {
    const struct weft_node *node; /* for the place of errors */
    struct weft_slice text;       /* borrowed while compiling */
    size_t columns_before;
    bool is_condition; /* what cannot be a bool is refused */
};

/* The expression is the chain's. */
enum weft_status weft_expression_compile(struct weft_operator_reader *reader,
                                         const struct weft_expression_source *source,
                                         const struct weft_expression **out_expression) WEFT_MUST_CHECK;

/* WEFT_OPERATOR_SEND with a value, or WEFT_OPERATOR_FAILED. Maps and lists may be the entry's or the config's: who
 * keeps the value copies it. */
enum weft_operator_verdict weft_expression_evaluate(const struct weft_expression *expression,
                                                    struct weft_operator_run *run, struct weft_log_entry *entry,
                                                    struct weft_log_value *out_value) WEFT_MUST_CHECK;

/* The same for a condition: nil is false, what else is no bool is a failure. */
enum weft_operator_verdict weft_expression_test(const struct weft_expression *expression, struct weft_operator_run *run,
                                                struct weft_log_entry *entry, bool *out_is_true) WEFT_MUST_CHECK;
