/* Operator `move`: takes a value from one field to another. */
#include "operators/operator_kinds.h"

struct move {
    struct weft_operator base;
    struct weft_log_path from, to;
};

static const struct weft_operator_key keys[] = {
    WEFT_OPERATOR_KEY(struct move, from, PATH),
    WEFT_OPERATOR_KEY(struct move, to, PATH),
    { .key = NULL },
};

static enum weft_status compile(struct weft_operator *self, struct weft_operator_reader *reader,
                                const struct weft_node *node)
{

    const struct move *move = (const struct move *)self;
    if (!move->from.is_given || !move->to.is_given) {
        return weft_operator_fail_key(reader, node, NULL, WEFT_INVALID, "it needs both from and to");
    }
    return WEFT_OK;
}

static enum weft_operator_verdict process(const struct weft_operator *self, struct weft_operator_run *run,
                                          struct weft_log_entry *entry)
{
    const struct move *move = (const struct move *)self;
    struct weft_log_value value;
    if (!weft_log_path_remove(&move->from, entry, &value)) {
        return weft_operator_fail(run, "there is no %s", move->from.text);
    }
    if (weft_log_path_set(&move->to, entry, value) == WEFT_OK) {
        return WEFT_OPERATOR_SEND;
    }
    if (weft_log_path_set(&move->from, entry, value) != WEFT_OK) { /* its room is still there */
        return weft_operator_fail(run, "no memory: %s is lost", move->from.text);
    }
    return weft_operator_fail_memory(run);
}

const struct weft_operator_kind weft_operator_move = {
    .type = "move",
    .size = sizeof(struct move),
    .keys = keys,
    .compile = compile,
    .process = process,
};
