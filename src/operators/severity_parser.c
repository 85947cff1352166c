/* Operator `severity_parser`: the entry's severity, from a field. */
#include "operators/operator_kinds.h"
#include "operators/severity_block.h"

struct severity_parser {
    struct weft_operator base;
    struct weft_severity_block block;
};

static const struct weft_operator_key keys[] = {
    WEFT_SEVERITY_BLOCK_KEYS(struct severity_parser, block.),
    { .key = NULL },
};

static enum weft_status compile(struct weft_operator *self, struct weft_operator_reader *reader,
                                const struct weft_node *node)
{
    return weft_severity_block_compile(&((struct severity_parser *)self)->block, reader, node);
}

static enum weft_operator_verdict process(const struct weft_operator *self, struct weft_operator_run *run,
                                          struct weft_log_entry *entry)
{
    return weft_severity_block_apply(&((const struct severity_parser *)self)->block, run, entry);
}

const struct weft_operator_kind weft_operator_severity_parser = {
    .type = "severity_parser",
    .size = sizeof(struct severity_parser),
    .keys = keys,
    .compile = compile,
    .process = process,
};
