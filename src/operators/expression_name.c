/* Names of expressions and what stands behind them (expression_internal.h): body, attributes, resource, and members of
 * values by points and brackets. */
#include "operators/expression_internal.h"

static enum weft_status note_nothing(const struct weft_expression_parser *parser,
                                     const struct weft_expression_token *name)
{
    char path[160], column[48];
    struct weft_position position = weft_node_position(parser->source->node);
    weft_node_format_path(parser->source->node, path, sizeof path);
    weft_expression_format_column(parser, name->at, "", column, sizeof column);
    enum weft_status status = weft_config_notes_add(
        parser->reader->config.notes, WEFT_NOTE_WARNING,
        "%s:%u: %s: %s%.*s is nothing that expressions know, always nil; they know body, attributes and resource",
        position.file, position.line, path, column, WEFT_SLICE_PRINT(name->text));
    return status == WEFT_OK ? WEFT_OK : weft_fail(parser->reader->config.error, status, "no memory for notes");
}

static enum weft_status make_nothing(struct weft_expression_parser *parser, const struct weft_expression_token *name,
                                     struct weft_expression **out_node)
{
    if (weft_slice_equal_text(name->text, "$env") || weft_slice_equal_text(name->text, "timestamp") ||
        weft_slice_equal_text(name->text, "os_env_func")) {
        return weft_expression_fail(parser, name->at, WEFT_UNSUPPORTED, "weft does not have %.*s in expressions yet",
                                    WEFT_SLICE_PRINT(name->text));
    }
    enum weft_status status = note_nothing(parser, name);
    struct weft_log_value nothing = { .kind = WEFT_LOG_NIL };
    status = status == WEFT_OK ? weft_expression_make_constant(parser, nothing, name->at, out_node) : status;
    if (status == WEFT_OK) {
        (*out_node)->type = WEFT_EXPRESSION_ANY;
    }
    return status;
}

enum weft_status weft_expression_make_name(struct weft_expression_parser *parser,
                                           const struct weft_expression_token *name, struct weft_expression **out_node)
{
    static const struct {
        const char *name;
        enum weft_expression_kind kind;
    } names[] = {
        { "body", WEFT_EXPRESSION_BODY },
        { "$", WEFT_EXPRESSION_BODY },
        { "attributes", WEFT_EXPRESSION_ATTRIBUTES },
        { "resource", WEFT_EXPRESSION_RESOURCE },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(names); i++) {
        if (weft_slice_equal_text(name->text, names[i].name)) {
            struct weft_expression node = { .kind = names[i].kind };
            return weft_expression_make(parser, &node, name->at, "", out_node);
        }
    }
    return make_nothing(parser, name, out_node);
}

/* True: name is a constant. */
bool weft_expression_read_word(struct weft_slice name, struct weft_log_value *out_value)
{
    bool is_true = weft_slice_equal_text(name, "true");
    if (is_true || weft_slice_equal_text(name, "false")) {
        *out_value = weft_expression_bool(is_true);
        return true;
    }
    *out_value = (struct weft_log_value){ .kind = WEFT_LOG_NIL };
    return weft_slice_equal_text(name, "nil");
}

/* ---- members ---- */

static enum weft_status make_member(struct weft_expression_parser *parser, size_t at, bool is_optional, bool is_chain,
                                    struct weft_expression *base, struct weft_expression *key,
                                    struct weft_expression **out_node)
{
    struct weft_expression *items[] = { base, key };
    struct weft_expression node = {
        .kind = WEFT_EXPRESSION_MEMBER, .is_optional = is_optional, .items = items, .count = 2
    };
    enum weft_status status = weft_expression_make(parser, &node, at, "a member", out_node);
    return status == WEFT_OK && (is_optional || is_chain)
               ? weft_expression_make_one(parser, WEFT_EXPRESSION_CHAIN, at, "", *out_node, out_node)
               : status;
}

/* The parser is behind the point. A chain goes on with what follows a point, not with brackets. */
static enum weft_status parse_property(struct weft_expression_parser *parser, bool is_optional,
                                       struct weft_expression **in_out_node)
{
    struct weft_expression_token name = parser->token;
    bool is_word = name.kind == WEFT_EXPRESSION_TOKEN_SIGN && name.text.bytes[0] >= 'a' && name.text.bytes[0] <= 'z';
    if (name.kind != WEFT_EXPRESSION_TOKEN_NAME && !is_word) {
        return weft_expression_fail_unexpected(parser);
    }
    struct weft_expression *key = NULL;
    struct weft_slice text = WEFT_SLICE_EMPTY;
    enum weft_status status = weft_expression_copy(parser, name.text, &text);
    status = status == WEFT_OK ? weft_expression_make_constant(parser, weft_log_string(text), name.at, &key) : status;
    status = status == WEFT_OK ? weft_expression_advance(parser) : status;
    if (status == WEFT_OK && weft_expression_is_at(parser, "(")) {
        return weft_expression_fail(parser, name.at, WEFT_UNSUPPORTED, "weft does not have methods (.%.*s()) yet",
                                    WEFT_SLICE_PRINT(name.text));
    }
    bool is_chain = (*in_out_node)->kind == WEFT_EXPRESSION_CHAIN;
    struct weft_expression *base = is_chain ? (*in_out_node)->items[0] : *in_out_node;
    return status == WEFT_OK ? make_member(parser, name.at, is_optional, is_chain, base, key, in_out_node) : status;
}

/* The parser is at the bracket. */
static enum weft_status parse_index(struct weft_expression_parser *parser, bool is_optional,
                                    struct weft_expression **in_out_node)
{
    size_t at = parser->token.at;
    struct weft_expression *key = NULL;
    enum weft_status status = weft_expression_advance(parser);
    if (status == WEFT_OK && !weft_expression_is_at(parser, ":")) {
        status = weft_expression_parse(parser, 0, &key);
    }
    if (status == WEFT_OK && weft_expression_is_at(parser, ":")) {
        return weft_expression_fail(parser, parser->token.at, WEFT_UNSUPPORTED, "weft does not have slices ([:]) yet");
    }
    status = status == WEFT_OK ? make_member(parser, at, is_optional, false, *in_out_node, key, in_out_node) : status;
    return status == WEFT_OK ? weft_expression_expect(parser, "]") : status;
}

enum weft_status weft_expression_parse_members(struct weft_expression_parser *parser,
                                               struct weft_expression **in_out_node)
{
    enum weft_status status = WEFT_OK;
    while (status == WEFT_OK) {
        bool is_optional = weft_expression_is_at(parser, "?.");
        if (!is_optional && !weft_expression_is_at(parser, ".") && !weft_expression_is_at(parser, "[")) {
            return WEFT_OK;
        }
        bool is_index = weft_expression_is_at(parser, "[");
        status = is_index ? WEFT_OK : weft_expression_advance(parser);
        if (status == WEFT_OK) {
            is_index = is_index || (is_optional && weft_expression_is_at(parser, "["));
            status = is_index ? parse_index(parser, is_optional, in_out_node)
                              : parse_property(parser, is_optional, in_out_node);
        }
    }
    return status;
}
