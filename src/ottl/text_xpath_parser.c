/* Words and errors of an XPath that is being read (text_xpath_parser.h). */
#include "ottl/text_xpath_parser.h"

#include <stdio.h>

void weft_ottl_xpath_stop(struct weft_ottl_xpath_parser *parser, enum weft_status status, const char *reason)
{
    if (parser->status == WEFT_OK) {
        parser->status = weft_fail(parser->error, status, "XPath: byte %zu: %s", parser->token.at, reason);
    }
    parser->token = (struct weft_ottl_xpath_token){ .kind = WEFT_OTTL_XPATH_END, .at = parser->token.at };
    parser->scanner.at = parser->scanner.text.length;
}

void weft_ottl_xpath_refuse(struct weft_ottl_xpath_parser *parser, const char *what)
{
    if (parser->status == WEFT_OK) {
        char reason[96];
        (void)snprintf(reason, sizeof reason, "%s not supported by weft", what);
        weft_ottl_xpath_stop(parser, WEFT_UNSUPPORTED, reason);
    }
}

bool weft_ottl_xpath_is_kind(const struct weft_ottl_xpath_parser *parser, int kind)
{
    return parser->token.kind == kind;
}

void weft_ottl_xpath_advance(struct weft_ottl_xpath_parser *parser)
{
    if (parser->status == WEFT_OK) {
        parser->token = weft_ottl_xpath_token_next(&parser->scanner);
    }
}

bool weft_ottl_xpath_skip(struct weft_ottl_xpath_parser *parser, int kind)
{
    bool is_there = weft_ottl_xpath_is_kind(parser, kind);
    if (is_there) {
        weft_ottl_xpath_advance(parser);
    }
    return is_there;
}

bool weft_ottl_xpath_is_word(const struct weft_ottl_xpath_parser *parser, const char *word)
{
    return weft_ottl_xpath_is_kind(parser, WEFT_OTTL_XPATH_A_NAME) && parser->token.prefix.length == 0 &&
           weft_slice_equal_text(parser->token.text, word);
}

void weft_ottl_xpath_stop_at_token(struct weft_ottl_xpath_parser *parser)
{
    if (weft_ottl_xpath_is_kind(parser, '+') || weft_ottl_xpath_is_kind(parser, '-') ||
        weft_ottl_xpath_is_kind(parser, '*') || weft_ottl_xpath_is_word(parser, "div") ||
        weft_ottl_xpath_is_word(parser, "mod")) {
        weft_ottl_xpath_refuse(parser, "arithmetic is");
    } else if (weft_ottl_xpath_is_kind(parser, 'P')) {
        weft_ottl_xpath_refuse(parser, "the parent, \"..\", is");
    } else if (weft_ottl_xpath_is_kind(parser, 'A')) {
        weft_ottl_xpath_refuse(parser, "an axis with its name is");
    } else if (weft_ottl_xpath_is_kind(parser, '$')) {
        weft_ottl_xpath_refuse(parser, "a variable is");
    } else if (weft_ottl_xpath_is_kind(parser, '(')) {
        weft_ottl_xpath_refuse(parser, "a path in parentheses is");
    } else {
        weft_ottl_xpath_stop(parser, WEFT_INVALID,
                             weft_ottl_xpath_is_kind(parser, WEFT_OTTL_XPATH_END) ? "it ends too early"
                                                                                  : "this is not expected");
    }
}

void weft_ottl_xpath_expect(struct weft_ottl_xpath_parser *parser, int kind)
{
    if (!weft_ottl_xpath_skip(parser, kind)) {
        weft_ottl_xpath_stop_at_token(parser);
    }
}

void *weft_ottl_xpath_take(struct weft_ottl_xpath_parser *parser, size_t size)
{
    void *memory = parser->status == WEFT_OK ? weft_arena_try_alloc(parser->arena, size) : NULL;
    if (memory == NULL) {
        weft_ottl_xpath_stop(parser, WEFT_NOMEM, "no memory for it");
    } else {
        memset(memory, 0, size);
    }
    return memory;
}

bool weft_ottl_xpath_is_node_type(const struct weft_ottl_xpath_parser *parser)
{
    return weft_ottl_xpath_is_word(parser, "text") || weft_ottl_xpath_is_word(parser, "comment") ||
           weft_ottl_xpath_is_word(parser, "node") || weft_ottl_xpath_is_word(parser, "processing-instruction");
}
