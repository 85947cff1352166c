/* Operator `remove`: takes a field, all attributes or the whole resource away. */
#include "operators/operator_kinds.h"

struct remove {
    struct weft_operator base;
    struct weft_log_path field;
};

static const struct weft_operator_key keys[] = {
    WEFT_OPERATOR_KEY(struct remove, field, ROOT),
    { .key = NULL },
};

static enum weft_status compile(struct weft_operator *self, struct weft_operator_reader *reader,
                                const struct weft_node *node)
{

    return ((const struct remove *)self)->field.is_given
               ? WEFT_OK
               : weft_operator_fail_key(reader, node, NULL, WEFT_INVALID, "it needs a field");
}

/* All attributes, or the resource, may be absent. */
static enum weft_operator_verdict process(const struct weft_operator *self, struct weft_operator_run *run,
                                          struct weft_log_entry *entry)
{
    const struct weft_log_path *field = &((const struct remove *)self)->field;
    bool is_map = field->count == 0 && field->root != WEFT_LOG_BODY;
    struct weft_log_value value;
    if (is_map) {
        *(field->root == WEFT_LOG_ATTRIBUTES ? &entry->attributes : &entry->resource) = (struct weft_log_map){ 0 };
    } else if (!weft_log_path_remove(field, entry, &value)) {
        return weft_operator_fail(run, "there is no %s", field->text);
    }
    return WEFT_OPERATOR_SEND;
}

const struct weft_operator_kind weft_operator_remove = {
    .type = "remove",
    .size = sizeof(struct remove),
    .keys = keys,
    .compile = compile,
    .process = process,
};
