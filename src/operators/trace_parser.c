/* Operator `trace_parser`: the entry's trace id, span id and flags, from fields. */
#include "operators/operator_kinds.h"
#include "operators/trace_block.h"

struct trace_parser {
    struct weft_operator base;
    struct weft_trace_block block;
};

static const struct weft_operator_key keys[] = {
    WEFT_TRACE_BLOCK_KEYS(struct trace_parser, block.),
    { .key = NULL },
};

static enum weft_status compile(struct weft_operator *self, struct weft_operator_reader *reader,
                                const struct weft_node *node)
{
    (void)node;
    return weft_trace_block_compile(&((struct trace_parser *)self)->block, reader);
}

static enum weft_operator_verdict process(const struct weft_operator *self, struct weft_operator_run *run,
                                          struct weft_log_entry *entry)
{
    return weft_trace_block_apply(&((const struct trace_parser *)self)->block, run, entry);
}

const struct weft_operator_kind weft_operator_trace_parser = {
    .type = "trace_parser",
    .size = sizeof(struct trace_parser),
    .keys = keys,
    .compile = compile,
    .process = process,
};
