/* Operator `add`: sets a field to a value of the config. */
#include "operators/operator_kinds.h"

struct add {
    struct weft_operator base;
    struct weft_log_path field;
    const struct weft_node *value; /* while compiling */
    struct weft_log_value constant;
};

static const struct weft_operator_key keys[] = {
    WEFT_OPERATOR_KEY(struct add, field, PATH),
    WEFT_OPERATOR_KEY(struct add, value, NODE),
    { .key = NULL },
};

static enum weft_status compile(struct weft_operator *self, struct weft_operator_reader *reader,
                                const struct weft_node *node)
{

    struct add *add = (struct add *)self;
    const struct weft_node *value = add->value;
    add->value = NULL;
    if (!add->field.is_given) {
        return weft_operator_fail_key(reader, node, NULL, WEFT_INVALID, "it needs a field");
    }
    if (value == NULL) { /* the Collector starts and fails at each entry */
        return weft_operator_fail_key(reader, node, NULL, WEFT_INVALID, "it needs a value");
    }
    return weft_operator_value_read(reader, value, &add->constant);
}

/* Maps and lists are copied: others may change what the entry has. */
static enum weft_operator_verdict process(const struct weft_operator *self, struct weft_operator_run *run,
                                          struct weft_log_entry *entry)
{
    const struct add *add = (const struct add *)self;
    struct weft_log_value value = add->constant;
    enum weft_status status = weft_log_value_copy(entry->memory, &add->constant, &value);
    status = status == WEFT_OK ? weft_log_path_set(&add->field, entry, value) : status;
    return status == WEFT_OK ? WEFT_OPERATOR_SEND : weft_operator_fail_memory(run);
}

const struct weft_operator_kind weft_operator_add = {
    .type = "add",
    .size = sizeof(struct add),
    .keys = keys,
    .compile = compile,
    .process = process,
};
