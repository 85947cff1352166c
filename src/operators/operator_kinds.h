#pragma once

#include "operators/operator_internal.h"

/* Each in the file of its name. */
extern const struct weft_operator_kind weft_operator_noop;
extern const struct weft_operator_kind weft_operator_move;
extern const struct weft_operator_kind weft_operator_add;
extern const struct weft_operator_kind weft_operator_remove;
extern const struct weft_operator_kind weft_operator_json_parser;
extern const struct weft_operator_kind weft_operator_container;
extern const struct weft_operator_kind weft_operator_log_profile;
extern const struct weft_operator_kind weft_operator_time_parser;
extern const struct weft_operator_kind weft_operator_severity_parser;
extern const struct weft_operator_kind weft_operator_trace_parser;
extern const struct weft_operator_kind weft_operator_scope_name_parser;
extern const struct weft_operator_kind weft_operator_regex_parser;
extern const struct weft_operator_kind weft_operator_filter;
extern const struct weft_operator_kind weft_operator_router;
