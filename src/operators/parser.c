/* What parsers have in common (parser.h). */
#include "operators/parser.h"

const struct weft_operator_key weft_parser_keys[] = {
    WEFT_OPERATOR_KEY(struct weft_parser, parse_from, PATH),
    WEFT_OPERATOR_KEY(struct weft_parser, parse_to, ROOT),
    WEFT_OPERATOR_KEY(struct weft_parser, body, PATH),
    WEFT_OPERATOR_BLOCK("timestamp", struct weft_parser, timestamp, has_timestamp, weft_time_block_keys),
    WEFT_OPERATOR_BLOCK("severity", struct weft_parser, severity, has_severity, weft_severity_block_keys),
    WEFT_OPERATOR_BLOCK("trace", struct weft_parser, trace, has_trace, weft_trace_block_keys),
    WEFT_OPERATOR_BLOCK("scope_name", struct weft_parser, scope_name, has_scope_name, weft_scope_block_keys),
    { .key = NULL },
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
    struct weft_parser *parser = (struct weft_parser *)self;
    enum weft_status status = WEFT_OK;
    if (parser->body.is_given && parser->parse_to.root == WEFT_LOG_BODY && parser->parse_to.count == 0) {
        return weft_operator_fail_key(reader, node, "body", WEFT_INVALID,
                                      "it cannot stand beside parse_to: body, which it would replace");
    }
    if (parser->has_timestamp) {
        status = weft_time_block_compile(&parser->timestamp, reader, weft_node_find(node, "timestamp"));
    }
    if (status == WEFT_OK && parser->has_severity) {
        status = weft_severity_block_compile(&parser->severity, reader, weft_node_find(node, "severity"));
    }
    return status == WEFT_OK && parser->has_trace ? weft_trace_block_compile(&parser->trace, reader) : status;
}

enum weft_operator_verdict weft_parser_get(const struct weft_parser *parser, struct weft_operator_run *run,
                                           struct weft_log_entry *entry, struct weft_log_value *out_value)
{
    return weft_log_path_get(&parser->parse_from, entry, out_value)
               ? WEFT_OPERATOR_SEND
               : weft_operator_fail(run, "there is no %s to parse", parser->parse_from.text);
}

/* The first failure is the one that is told. */
static void note(struct weft_operator_run *run, enum weft_operator_verdict verdict,
                 enum weft_operator_verdict *in_out_verdict)
{
    if (verdict == WEFT_OPERATOR_FAILED) {
        *in_out_verdict = verdict;
        run->is_text_wanted = false;
    }
}

static enum weft_operator_verdict apply_blocks(const struct weft_parser *parser, struct weft_operator_run *run,
                                               struct weft_log_entry *entry)
{
    enum weft_operator_verdict verdict = WEFT_OPERATOR_SEND;
    bool is_text_wanted = run->is_text_wanted;
    if (parser->has_timestamp) {
        note(run, weft_time_block_apply(&parser->timestamp, run, entry), &verdict);
    }
    if (parser->has_severity) {
        note(run, weft_severity_block_apply(&parser->severity, run, entry), &verdict);
    }
    if (parser->has_trace) {
        note(run, weft_trace_block_apply(&parser->trace, run, entry), &verdict);
    }
    if (parser->has_scope_name) {
        note(run, weft_scope_block_apply(&parser->scope_name, run, entry), &verdict);
    }
    run->is_text_wanted = is_text_wanted;
    return verdict;
}

bool weft_parser_has_blocks(const struct weft_parser *parser)
{
    return parser->body.is_given || parser->has_timestamp || parser->has_severity || parser->has_trace ||
           parser->has_scope_name;
}

enum weft_operator_verdict weft_parser_finish(const struct weft_parser *parser, struct weft_operator_run *run,
                                              struct weft_log_entry *entry)
{
    struct weft_log_value body;
    if (parser->body.is_given && weft_log_path_get(&parser->body, entry, &body) &&
        weft_log_value_copy(entry->memory, &body, &entry->body) != WEFT_OK) { /* its maps are the attribute's still */
        return weft_operator_fail_memory(run);
    }
    return apply_blocks(parser, run, entry);
}

enum weft_operator_verdict weft_parser_put(const struct weft_parser *parser, struct weft_operator_run *run,
                                           struct weft_log_entry *entry, struct weft_log_value value)
{
    if (weft_log_path_set(&parser->parse_to, entry, value) != WEFT_OK) {
        return weft_operator_fail_memory(run);
    }
    return weft_parser_finish(parser, run, entry);
}
