#pragma once

#include "operators/operator_internal.h"
#include "operators/scope_block.h"
#include "operators/severity_block.h"
#include "operators/time_block.h"
#include "operators/trace_block.h"

/* What operators that parse have in common: where they read, where they write, and what is made of it then. */
struct weft_parser {
    struct weft_operator base;
    struct weft_log_path parse_from, parse_to;
    struct weft_log_path body; /* becomes the body, if it is given */
    /* Of what was parsed, in this order; one that fails keeps none from being tried. */
    struct weft_time_block timestamp;
    struct weft_severity_block severity;
    struct weft_trace_block trace;
    struct weft_scope_block scope_name;
    bool has_timestamp, has_severity, has_trace, has_scope_name;
};

/* For more_keys, set_defaults and compile of a kind. */
extern const struct weft_operator_key weft_parser_keys[];
void weft_parser_set_defaults(struct weft_operator *self);
enum weft_status weft_parser_compile(struct weft_operator *self, struct weft_operator_reader *reader,
                                     const struct weft_node *node) WEFT_MUST_CHECK;

/* What stands at parse_from; on WEFT_OPERATOR_SEND only. */
enum weft_operator_verdict weft_parser_get(const struct weft_parser *parser, struct weft_operator_run *run,
                                           struct weft_log_entry *entry, struct weft_log_value *out_value);

/* Whether anything but parse_to is made of what was parsed. */
bool weft_parser_has_blocks(const struct weft_parser *parser);

/* What weft_parser_put does when parse_to is written: for who writes it himself. */
enum weft_operator_verdict weft_parser_finish(const struct weft_parser *parser, struct weft_operator_run *run,
                                              struct weft_log_entry *entry);

/* What was parsed goes to parse_to; then come `body` and the blocks. */
enum weft_operator_verdict weft_parser_put(const struct weft_parser *parser, struct weft_operator_run *run,
                                           struct weft_log_entry *entry, struct weft_log_value value);
