/* Paths of an XPath, as they are read (text_xpath_parser.h). */
#include "ottl/text_xpath.h"
#include "ottl/text_xpath_parser.h"

enum { MAX_STEPS = 256 };

static void parse_node_type(struct weft_ottl_xpath_parser *parser, struct weft_ottl_xpath_step *step)
{
    if (weft_ottl_xpath_is_word(parser, "processing-instruction")) {
        weft_ottl_xpath_refuse(parser, "processing-instruction() is");
    } else if (step->axis == WEFT_OTTL_XPATH_ATTRIBUTE) {
        weft_ottl_xpath_refuse(parser, "a kind of node among attributes is");
    }
    step->test = weft_ottl_xpath_is_word(parser, "text")      ? WEFT_OTTL_XPATH_IS_TEXT
                 : weft_ottl_xpath_is_word(parser, "comment") ? WEFT_OTTL_XPATH_IS_COMMENT
                                                              : WEFT_OTTL_XPATH_IS_NODE;
    weft_ottl_xpath_advance(parser);
    weft_ottl_xpath_expect(parser, '(');
    weft_ottl_xpath_expect(parser, ')');
}

static void parse_name(struct weft_ottl_xpath_parser *parser, struct weft_ottl_xpath_step *step)
{
    step->test = WEFT_OTTL_XPATH_IS_NAMED;
    step->prefix = parser->token.prefix;
    step->name = parser->token.text;
    if (weft_slice_equal_text(step->name, "*")) {
        weft_ottl_xpath_refuse(parser, "all names with a prefix, prefix:*, is");
    } else if (parser->token.is_call) {
        weft_ottl_xpath_refuse(parser, "a function as a step is");
    }
    weft_ottl_xpath_advance(parser);
    if (weft_ottl_xpath_is_kind(parser, 'A')) {
        weft_ottl_xpath_stop_at_token(parser);
    }
}

static struct weft_ottl_xpath_step *parse_step(struct weft_ottl_xpath_parser *parser)
{
    struct weft_ottl_xpath_step *step = weft_ottl_xpath_take(parser, sizeof *step);
    if (step == NULL) {
        return NULL;
    }
    if (parser->steps++ == MAX_STEPS) {
        weft_ottl_xpath_stop(parser, WEFT_INVALID, "it has too many steps");
    }
    step->test = WEFT_OTTL_XPATH_IS_NODE;
    if (weft_ottl_xpath_skip(parser, '.')) {
        step->axis = WEFT_OTTL_XPATH_SELF;
    } else {
        step->axis = weft_ottl_xpath_skip(parser, '@') ? WEFT_OTTL_XPATH_ATTRIBUTE : WEFT_OTTL_XPATH_CHILD;
        if (weft_ottl_xpath_skip(parser, '*')) {
            step->test = WEFT_OTTL_XPATH_IS_ELEMENT;
        } else if (parser->token.is_call && weft_ottl_xpath_is_node_type(parser)) {
            parse_node_type(parser, step);
        } else if (weft_ottl_xpath_is_kind(parser, WEFT_OTTL_XPATH_A_NAME)) {
            parse_name(parser, step);
        } else {
            weft_ottl_xpath_stop_at_token(parser);
        }
    }
    weft_ottl_xpath_parse_conditions(parser, step);
    if (step->axis == WEFT_OTTL_XPATH_ATTRIBUTE &&
        (weft_ottl_xpath_is_kind(parser, '/') || weft_ottl_xpath_is_kind(parser, 'D'))) {
        weft_ottl_xpath_refuse(parser, "a step from an attribute is");
    }
    return step;
}

/* Puts what "//" means before the step that follows it: a walk of its own, unless it is all that is asked. */
static struct weft_ottl_xpath_step *descend(struct weft_ottl_xpath_parser *parser, struct weft_ottl_xpath_step *step)
{
    if (step->axis == WEFT_OTTL_XPATH_CHILD && step->conditions == NULL) {
        step->axis = WEFT_OTTL_XPATH_DESCENDANT;
        return step;
    }
    struct weft_ottl_xpath_step *walk = weft_ottl_xpath_take(parser, sizeof *walk);
    if (walk != NULL) {
        walk->axis = WEFT_OTTL_XPATH_DESCENDANT_OR_SELF;
        walk->test = WEFT_OTTL_XPATH_IS_NODE;
        walk->next = step;
    }
    return walk;
}

static void parse_steps(struct weft_ottl_xpath_parser *parser, struct weft_ottl_xpath *path, bool is_descent)
{
    struct weft_ottl_xpath_step **end = &path->first;
    bool is_last = false;
    while (!is_last && parser->status == WEFT_OK) {
        struct weft_ottl_xpath_step *step = parse_step(parser);
        struct weft_ottl_xpath_step *first = step != NULL && is_descent ? descend(parser, step) : step;
        if (first == NULL) {
            return;
        }
        *end = first;
        end = &step->next;
        is_descent = weft_ottl_xpath_skip(parser, 'D');
        is_last = !is_descent && !weft_ottl_xpath_skip(parser, '/');
    }
}

static bool begins_step(const struct weft_ottl_xpath_parser *parser)
{
    return weft_ottl_xpath_is_kind(parser, '.') || weft_ottl_xpath_is_kind(parser, '@') ||
           weft_ottl_xpath_is_kind(parser, '*') || weft_ottl_xpath_is_kind(parser, 'P') ||
           weft_ottl_xpath_is_kind(parser, WEFT_OTTL_XPATH_A_NAME);
}

static void parse_path(struct weft_ottl_xpath_parser *parser, struct weft_ottl_xpath *path)
{
    if (weft_ottl_xpath_skip(parser, 'D')) {
        path->is_absolute = true;
        parse_steps(parser, path, true);
    } else if (weft_ottl_xpath_skip(parser, '/')) {
        path->is_absolute = true;
        if (begins_step(parser)) {
            parse_steps(parser, path, false);
        }
    } else {
        parse_steps(parser, path, false);
    }
}

void weft_ottl_xpath_parse_union(struct weft_ottl_xpath_parser *parser, struct weft_ottl_xpath **out_path)
{
    struct weft_ottl_xpath **end = out_path;
    do {
        struct weft_ottl_xpath *path = weft_ottl_xpath_take(parser, sizeof *path);
        if (path == NULL) {
            return;
        }
        *end = path;
        end = &path->next;
        parse_path(parser, path);
    } while (weft_ottl_xpath_skip(parser, '|'));
}

enum weft_status weft_ottl_xpath_compile(struct weft_slice text, struct weft_arena *arena,
                                         const struct weft_ottl_xpath **out_xpath, struct weft_error *error)
{
    struct weft_ottl_xpath_parser parser = {
        .scanner = { .text = text }, .arena = arena, .status = WEFT_OK, .error = error
    };
    struct weft_ottl_xpath *path = NULL;
    uint8_t *copy = weft_arena_try_bytes(arena, text.length + 1);
    if (copy == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for an XPath");
    }
    memcpy(copy, text.length > 0 ? text.bytes : (const uint8_t *)"", text.length);
    parser.scanner.text.bytes = copy;
    weft_ottl_xpath_advance(&parser);
    weft_ottl_xpath_parse_union(&parser, &path);
    if (parser.status == WEFT_OK && !weft_ottl_xpath_is_kind(&parser, WEFT_OTTL_XPATH_END)) {
        weft_ottl_xpath_stop_at_token(&parser);
    }
    if (parser.status == WEFT_OK) {
        *out_xpath = path;
    }
    return parser.status;
}
