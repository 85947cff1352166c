/* Operator `time_parser`: the entry's time, from a field. */
#include "operators/operator_kinds.h"
#include "operators/time_block.h"

struct time_parser {
    struct weft_operator base;
    struct weft_time_block block;
};

static const struct weft_operator_key keys[] = {
    WEFT_TIME_BLOCK_KEYS(struct time_parser, block.),
    { .key = NULL },
};

static enum weft_status compile(struct weft_operator *self, struct weft_operator_reader *reader,
                                const struct weft_node *node)
{
    return weft_time_block_compile(&((struct time_parser *)self)->block, reader, node);
}

static enum weft_operator_verdict process(const struct weft_operator *self, struct weft_operator_run *run,
                                          struct weft_log_entry *entry)
{
    return weft_time_block_apply(&((const struct time_parser *)self)->block, run, entry);
}

const struct weft_operator_kind weft_operator_time_parser = {
    .type = "time_parser",
    .size = sizeof(struct time_parser),
    .keys = keys,
    .compile = compile,
    .process = process,
};
