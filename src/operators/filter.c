/* Operator `filter`: entries for which its expression is true end here, or a part of them by chance. */
#include "base/random.h"
#include "operators/expression.h"
#include "operators/operator_kinds.h"

enum { PARTS = 1000 }; /* drop_ratio is as fine as that in the Collector, too */

struct filter {
    struct weft_operator base;
    const struct weft_expression *expression;
    double drop_ratio;
    unsigned dropped_parts;
};

static const struct weft_operator_key keys[] = {
    { .key = "expr", .kind = WEFT_OPERATOR_KEY_CONDITION, .offset = offsetof(struct filter, expression) },
    WEFT_OPERATOR_KEY(struct filter, drop_ratio, DOUBLE),
    { .key = NULL },
};

static void set_defaults(struct weft_operator *self)
{
    ((struct filter *)self)->drop_ratio = 1;
}

static enum weft_status compile(struct weft_operator *self, struct weft_operator_reader *reader,
                                const struct weft_node *node)
{
    struct filter *filter = (struct filter *)self;
    if (filter->expression == NULL) {
        return weft_operator_fail_key(reader, node, "expr", WEFT_INVALID, "it needs an expression, as expr");
    }
    if (!(filter->drop_ratio >= 0 && filter->drop_ratio <= 1)) {
        return weft_operator_fail_key(reader, node, "drop_ratio", WEFT_INVALID, "it must be from 0 to 1");
    }
    filter->dropped_parts = (unsigned)(filter->drop_ratio * PARTS);
    self->is_sent_on_error = false; /* whatever on_error says */
    self->is_quiet = false;
    return WEFT_OK;
}

static enum weft_operator_verdict process(const struct weft_operator *self, struct weft_operator_run *run,
                                          struct weft_log_entry *entry)
{
    const struct filter *filter = (const struct filter *)self;
    bool is_true = false;
    run->has_met_limit = false;
    enum weft_operator_verdict verdict = weft_expression_test(filter->expression, run, entry, &is_true);
    if (verdict == WEFT_OPERATOR_FAILED && run->has_met_limit) {
        weft_operator_note_error(run, self, "send"); /* who writes a line must not choose whether it is seen */
        return WEFT_OPERATOR_SEND;
    }
    if (verdict != WEFT_OPERATOR_SEND || !is_true) {
        return verdict;
    }
    bool is_dropped = filter->dropped_parts >= PARTS || weft_random_u64() % PARTS < filter->dropped_parts;
    return is_dropped ? WEFT_OPERATOR_DROPPED : WEFT_OPERATOR_SEND;
}

const struct weft_operator_kind weft_operator_filter = {
    .type = "filter",
    .size = sizeof(struct filter),
    .keys = keys,
    .ignores_if = true,
    .set_defaults = set_defaults,
    .compile = compile,
    .process = process,
};
