/* Which types of operators there are: one row each. */
#include "operators/operator_kinds.h"

#include <stdio.h>
#include <string.h>

static const struct weft_operator_kind *const kinds[] = {
    &weft_operator_noop,
    &weft_operator_move,
    &weft_operator_add,
    &weft_operator_remove,
    &weft_operator_json_parser,
    &weft_operator_container,
    &weft_operator_log_profile,
    &weft_operator_time_parser,
    &weft_operator_severity_parser,
    &weft_operator_trace_parser,
    &weft_operator_scope_name_parser,
    &weft_operator_regex_parser,
    &weft_operator_filter,
    &weft_operator_router,
};

/* Types of the Collector without a row above. */
static const char *const later[] = {
    "assign_keys",   "copy",   "csv_parser",    "flatten",       "json_array_parser", "key_value_parser", "recombine",
    "regex_replace", "retain", "sanitize_utf8", "syslog_parser", "unquote",           "uri_parser",
};

const struct weft_operator_kind *weft_operator_kind_find(const char *type)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(kinds); i++) {
        if (strcmp(type, kinds[i]->type) == 0) {
            return kinds[i];
        }
    }
    return NULL;
}

bool weft_operator_kind_is_later(const char *type)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(later); i++) {
        if (strcmp(type, later[i]) == 0) {
            return true;
        }
    }
    return false;
}

void weft_operator_kinds_list(char *out_text, size_t size)
{
    size_t length = 0;
    for (size_t i = 0; i < WEFT_COUNT_OF(kinds) && length < size; i++) {
        length += (size_t)snprintf(out_text + length, size - length, "%s%s", i == 0 ? "" : ", ", kinds[i]->type);
    }
}
