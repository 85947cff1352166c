/* Operator `json_parser`: a text that is a JSON object, as a map. */
#include "operators/json_text.h"
#include "operators/operator_kinds.h"
#include "operators/parser.h"

struct json_parser {
    struct weft_parser parser;
    bool parse_ints;
};

static const struct weft_operator_key keys[] = {
    WEFT_OPERATOR_KEY(struct json_parser, parse_ints, BOOL),
    { .key = NULL },
};

/* The Collector's way with parse_ints reads no further than the object. */
static enum weft_operator_verdict process(const struct weft_operator *self, struct weft_operator_run *run,
                                          struct weft_log_entry *entry)
{
    const struct json_parser *json = (const struct json_parser *)self;
    struct weft_log_value value;
    enum weft_operator_verdict verdict = weft_parser_get(&json->parser, run, entry, &value);
    if (verdict != WEFT_OPERATOR_SEND) {
        return verdict;
    }
    if (value.kind != WEFT_LOG_STRING) {
        return weft_operator_fail(run, "%s is %s, which is no JSON", json->parser.parse_from.text,
                                  weft_log_value_kind_text(value.kind));
    }
    struct weft_log_json_options options = { .secret = &run->operators->secret,
                                             .has_integers = json->parse_ints,
                                             .may_go_on = json->parse_ints };
    struct weft_log_json_fault fault;
    enum weft_status status = weft_log_json_read(value.text, &options, entry->memory, &value, &fault);
    if (status == WEFT_INVALID) {
        return weft_operator_fail(run, "no JSON object at byte %zu: %s", fault.offset, fault.reason);
    }
    return status == WEFT_OK ? weft_parser_put(&json->parser, run, entry, value) : weft_operator_fail_memory(run);
}

const struct weft_operator_kind weft_operator_json_parser = {
    .type = "json_parser",
    .size = sizeof(struct json_parser),
    .keys = keys,
    .more_keys = weft_parser_keys,
    .set_defaults = weft_parser_set_defaults,
    .compile = weft_parser_compile,
    .process = process,
};
