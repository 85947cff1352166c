/* Operator `log_profile`, weft's own: the body is a line as the receiver `jsonlog` reads it. It is read where records
 * are written, in the one pass that jsonlog has, so that nothing can follow; attributes, resource and scope that the
 * entry has by then are kept, its time counts for lines that say none. */
#include "operators/operator_kinds.h"

static enum weft_operator_verdict process(const struct weft_operator *self, struct weft_operator_run *run,
                                          struct weft_log_entry *entry)
{
    (void)self;
    if (entry->body.kind != WEFT_LOG_STRING) {
        return weft_operator_fail(run, "the body is %s, which is no line", weft_log_value_kind_text(entry->body.kind));
    }
    entry->is_line = true;
    return WEFT_OPERATOR_SEND;
}

const struct weft_operator_kind weft_operator_log_profile = {
    .type = "log_profile",
    .size = sizeof(struct weft_operator),
    .is_last = true,
    .process = process,
};
