/* Operator `scope_name_parser`: the name of the entry's scope, from a field; and the block of that name
 * (scope_block.h). */
#include "operators/operator_kinds.h"
#include "operators/scope_block.h"

struct scope_name_parser {
    struct weft_operator base;
    struct weft_scope_block block;
};

const struct weft_operator_key weft_scope_block_keys[] = {
    WEFT_OPERATOR_KEY(struct weft_scope_block, parse_from, PATH),
    { .key = NULL },
};

static const struct weft_operator_key keys[] = {
    WEFT_OPERATOR_KEY_AT("parse_from", PATH, struct scope_name_parser, block.parse_from),
    { .key = NULL },
};

enum weft_operator_verdict weft_scope_block_apply(const struct weft_scope_block *block, struct weft_operator_run *run,
                                                  struct weft_log_entry *entry)
{
    const char *name = block->parse_from.is_given ? block->parse_from.text : "body";
    struct weft_log_value value;
    if (!weft_log_path_get(&block->parse_from, entry, &value)) {
        return weft_operator_fail(run, "there is no %s with the name of a scope", name);
    }
    if (value.kind != WEFT_LOG_STRING) {
        return weft_operator_fail(run, "%s is %s, which is no name of a scope", name,
                                  weft_log_value_kind_text(value.kind));
    }
    entry->scope_name = value.text;
    return WEFT_OPERATOR_SEND;
}

static enum weft_operator_verdict process(const struct weft_operator *self, struct weft_operator_run *run,
                                          struct weft_log_entry *entry)
{
    return weft_scope_block_apply(&((const struct scope_name_parser *)self)->block, run, entry);
}

const struct weft_operator_kind weft_operator_scope_name_parser = {
    .type = "scope_name_parser",
    .size = sizeof(struct scope_name_parser),
    .keys = keys,
    .process = process,
};
