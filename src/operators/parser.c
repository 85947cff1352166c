/* What parsers have in common (parser.h). */
#include "operators/parser.h"

const struct weft_operator_key weft_parser_keys[] = {
    WEFT_OPERATOR_KEY(struct weft_parser, parse_from, PATH),  WEFT_OPERATOR_KEY(struct weft_parser, parse_to, ROOT),
    WEFT_OPERATOR_KEY(struct weft_parser, body, PATH),        { .key = "timestamp", .kind = WEFT_OPERATOR_KEY_LATER },
    { .key = "severity", .kind = WEFT_OPERATOR_KEY_LATER },   { .key = "trace", .kind = WEFT_OPERATOR_KEY_LATER },
    { .key = "scope_name", .kind = WEFT_OPERATOR_KEY_LATER }, { .key = NULL },
};

void weft_parser_set_defaults(struct weft_operator *self)
{
    struct weft_parser *parser = (struct weft_parser *)self;
    parser->parse_from = (struct weft_log_path){ .root = WEFT_LOG_BODY, .text = "body" };
    parser->parse_to = (struct weft_log_path){ .root = WEFT_LOG_ATTRIBUTES, .text = "attributes" };
}

enum weft_status weft_parser_compile(struct weft_operator *self, struct weft_operator_reader *reader,
                                     const struct weft_node *node)
{
    const struct weft_parser *parser = (const struct weft_parser *)self;
    if (parser->body.is_given && parser->parse_to.root == WEFT_LOG_BODY && parser->parse_to.count == 0) {
        return weft_operator_fail_key(reader, node, "body", WEFT_INVALID,
                                      "it cannot stand beside parse_to: body, which it would replace");
    }
    return WEFT_OK;
}

enum weft_operator_verdict weft_parser_get(const struct weft_parser *parser, struct weft_operator_run *run,
                                           struct weft_log_entry *entry, struct weft_log_value *out_value)
{
    return weft_log_path_get(&parser->parse_from, entry, out_value)
               ? WEFT_OPERATOR_SEND
               : weft_operator_fail(run, "there is no %s to parse", parser->parse_from.text);
}

enum weft_operator_verdict weft_parser_put(const struct weft_parser *parser, struct weft_operator_run *run,
                                           struct weft_log_entry *entry, struct weft_log_value value)
{
    if (weft_log_path_set(&parser->parse_to, entry, value) != WEFT_OK) {
        return weft_operator_fail_memory(run);
    }
    struct weft_log_value body;
    if (parser->body.is_given && weft_log_path_get(&parser->body, entry, &body)) {
        entry->body = body;
    }
    return WEFT_OPERATOR_SEND;
}
