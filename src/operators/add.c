/* Operator `add`: sets a field to a value of the config, or to what an expression gives. */
#include "operators/expression.h"
#include "operators/operator_kinds.h"

struct add {
    struct weft_operator base;
    struct weft_log_path field;
    const struct weft_node *value; /* while compiling */
    struct weft_log_value constant;
    const struct weft_expression *expression; /* instead of constant; NULL: there is none */
};

static const struct weft_operator_key keys[] = {
    WEFT_OPERATOR_KEY(struct add, field, PATH),
    WEFT_OPERATOR_KEY(struct add, value, NODE),
    { .key = NULL },
};

/* Only the whole value: "a EXPR(b)" is a text, as in the Collector. */
static bool find_expression(const struct weft_node *value, struct weft_slice *out_text)
{
    static const char opening[] = "EXPR(";
    size_t before = strlen(opening);
    if (weft_node_kind(value) != WEFT_NODE_STRING) {
        return false;
    }
    struct weft_slice text = weft_slice_of_text(weft_node_text(value));
    if (text.length <= before || memcmp(text.bytes, opening, before) != 0 || text.bytes[text.length - 1] != ')') {
        return false;
    }
    *out_text = weft_slice_of(text.bytes + before, text.length - before - 1);
    return true;
}

static enum weft_status compile(struct weft_operator *self, struct weft_operator_reader *reader,
                                const struct weft_node *node)
{

    struct add *add = (struct add *)self;
    struct weft_expression_source source = { .node = add->value, .columns_before = strlen("EXPR(") };
    add->value = NULL;
    if (!add->field.is_given) {
        return weft_operator_fail_key(reader, node, NULL, WEFT_INVALID, "it needs a field");
    }
    if (source.node == NULL) { /* the Collector starts and fails at each entry */
        return weft_operator_fail_key(reader, node, NULL, WEFT_INVALID, "it needs a value");
    }
    return find_expression(source.node, &source.text) ? weft_expression_compile(reader, &source, &add->expression)
                                                      : weft_operator_value_read(reader, source.node, &add->constant);
}

/* Maps and lists are copied: others may change what the entry has. */
static enum weft_operator_verdict process(const struct weft_operator *self, struct weft_operator_run *run,
                                          struct weft_log_entry *entry)
{
    const struct add *add = (const struct add *)self;
    struct weft_log_value given = add->constant, value = given;
    if (add->expression != NULL) {
        enum weft_operator_verdict verdict = weft_expression_evaluate(add->expression, run, entry, &given);
        if (verdict != WEFT_OPERATOR_SEND) {
            return verdict;
        }
    }
    enum weft_status status = weft_log_value_copy(entry->memory, &given, &value);
    if (status == WEFT_LIMIT) {
        return weft_operator_fail(run, "an expression gives a value that is nested too deep");
    }
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
