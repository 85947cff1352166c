/* Operator `noop`: entries go on as they are; a name for others to send to. */
#include "operators/operator_kinds.h"

static enum weft_operator_verdict process(const struct weft_operator *self, struct weft_operator_run *run,
                                          struct weft_log_entry *entry)
{
    (void)self;
    (void)run;
    (void)entry;
    return WEFT_OPERATOR_SEND;
}

const struct weft_operator_kind weft_operator_noop = {
    .type = "noop",
    .size = sizeof(struct weft_operator),
    .ignores_if = true,
    .process = process,
};
