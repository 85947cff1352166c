/* Expressions from any bytes, as the condition of an operator and as a value: refused with a place, or evaluated for a
 * few entries, twice with the same result. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "config/load.h"
#include "operators/operators.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char before_condition[] = "operators:\n"
                                       "  - {type: json_parser, parse_to: body, on_error: send_quiet}\n"
                                       "  - {type: noop, id: last}\n"
                                       "  - {type: add, on_error: drop_quiet, field: attributes.r, value: 1, if: \"";
static const char before_value[] = "operators:\n"
                                   "  - {type: json_parser, parse_to: body, on_error: send_quiet}\n"
                                   "  - {type: noop, id: last}\n"
                                   "  - {type: add, on_error: drop_quiet, field: attributes.r, value: \"EXPR(";

static const char *const lines[] = {
    "text",
    "",
    "{\"n\":3,\"f\":2.5,\"s\":\"hello\",\"t\":true,\"x\":null,\"list\":[1,2,\"a\"],\"m\":{\"k\":\"v\",\"\":\"e\"}}",
};

static void on_entry(void *user, struct weft_log_entry *entry)
{
    *(uint32_t *)user += 1 + (uint32_t)entry->attributes.count;
}

/* Inside of YAML's double quotes; bytes over ASCII as characters of Latin-1. */
static void put_escaped(struct weft_buffer *out, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        weft_buffer_append_format(out, data[i] == 0 ? " " : "\\x%02x", data[i]);
    }
}

static struct weft_operators *compile(const char *before, const uint8_t *data, size_t size, const char *after)
{
    struct weft_buffer text = { 0 };
    struct weft_tree *tree = NULL;
    struct weft_operators *operators = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    weft_buffer_append_text(&text, before);
    put_escaped(&text, data, size);
    weft_buffer_append_text(&text, after);
    weft_buffer_append_byte(&text, 0);
    enum weft_status status = weft_config_load_text((const char *)text.bytes, "f", &tree, &error);
    if (status == WEFT_OK) {
        status = weft_operators_compile(weft_node_find(weft_tree_root(tree), "operators"), NULL, &operators, &error);
    }
    weft_assert((status == WEFT_OK) == (operators != NULL));
    weft_assert(status == WEFT_OK || error.text[0] != '\0');
    weft_tree_free(&tree);
    weft_buffer_fini(&text);
    return operators;
}

/* How many entries came out, with how many attributes. */
static uint32_t play(const struct weft_operators *operators)
{
    uint32_t count = 0;
    struct weft_entry_memory memory = { 0 };
    struct weft_operator_run *run = weft_operator_run_new(operators, 0, on_entry, &count);
    weft_assert(run != NULL);
    for (size_t i = 0; i < WEFT_COUNT_OF(lines); i++) {
        struct weft_log_entry entry;
        weft_log_entry_begin(&entry, &memory, weft_slice_of_text(lines[i]), 1);
        weft_operator_run_process(run, &entry);
        weft_log_entry_begin(&entry, &memory, weft_slice_of_text(lines[i]), 1);
        entry.body = (struct weft_log_value){ .kind = WEFT_LOG_BYTES, .text = weft_slice_of_text(lines[i]) };
        weft_operator_run_process(run, &entry);
    }
    weft_operator_run_free(run);
    weft_entry_memory_fini(&memory);
    return count;
}

static void check(const char *before, const uint8_t *data, size_t size, const char *after)
{
    struct weft_operators *operators = compile(before, data, size, after);
    if (operators != NULL) {
        uint32_t first = play(operators), second = play(operators);
        weft_assert(first == second);
    }
    weft_operators_free(operators);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check(before_condition, data, size, "\"}\n");
    check(before_value, data, size, ")\"}\n");
    return 0;
}
