/* Conditions of an XPath, as they are read (text_xpath_parser.h). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ottl/text_xpath_parser.h"

static struct weft_ottl_xpath_condition *parse_or(struct weft_ottl_xpath_parser *parser);

/* ---- operands ---- */

/* Whoever asks them goes down into each "or" and "and" of a row, on a stack that is no deeper than that of work. */
static struct weft_ottl_xpath_condition *new_condition(struct weft_ottl_xpath_parser *parser,
                                                       enum weft_ottl_xpath_condition_kind kind)
{
    enum { MAX_CONDITIONS = 256 };
    if (parser->conditions++ == MAX_CONDITIONS) {
        weft_ottl_xpath_stop(parser, WEFT_INVALID, "it has too many conditions");
    }
    struct weft_ottl_xpath_condition *condition = weft_ottl_xpath_take(parser, sizeof *condition);
    if (condition != NULL) {
        condition->kind = kind;
    }
    return condition;
}

static double number_of(struct weft_slice digits)
{
    char copy[40];
    size_t length = digits.length < sizeof copy ? digits.length : sizeof copy - 1;
    memcpy(copy, digits.bytes, length);
    copy[length] = '\0';
    return strtod(copy, NULL);
}

static void ask_position(struct weft_ottl_xpath_parser *parser, struct weft_ottl_xpath_operand *operand)
{
    if (parser->asked->axis != WEFT_OTTL_XPATH_CHILD) {
        weft_ottl_xpath_refuse(parser, "the position of what is no child is");
    } else if (parser->asked->conditions != NULL) {
        weft_ottl_xpath_refuse(parser, "the position among what another condition left is");
    }
    parser->asked->needs_last = parser->asked->needs_last || operand->kind == WEFT_OTTL_XPATH_LAST;
}

static size_t count_descents(const struct weft_ottl_xpath *path)
{
    size_t count = 0;
    for (; path != NULL; path = path->next) {
        for (const struct weft_ottl_xpath_step *step = path->first; step != NULL; step = step->next) {
            count += step->axis == WEFT_OTTL_XPATH_DESCENDANT || step->axis == WEFT_OTTL_XPATH_DESCENDANT_OR_SELF;
        }
        count += path->next != NULL ? 2 : 0;
    }
    return count;
}

/* Behind a name and its parenthesis: what gives a text or a number. */
static void parse_value_call(struct weft_ottl_xpath_parser *parser, struct weft_slice name,
                             struct weft_ottl_xpath_operand *operand)
{
    static const struct {
        const char *name;
        enum weft_ottl_xpath_operand_kind kind;
    } calls[] = { { "position", WEFT_OTTL_XPATH_POSITION },
                  { "last", WEFT_OTTL_XPATH_LAST },
                  { "count", WEFT_OTTL_XPATH_COUNT },
                  { "name", WEFT_OTTL_XPATH_NAME },
                  { "local-name", WEFT_OTTL_XPATH_LOCAL_NAME } };
    for (size_t i = 0; i < WEFT_COUNT_OF(calls); i++) {
        if (!weft_slice_equal_text(name, calls[i].name)) {
            continue;
        }
        operand->kind = calls[i].kind;
        if (operand->kind == WEFT_OTTL_XPATH_COUNT) {
            weft_ottl_xpath_parse_union(parser, &operand->path);
            if (parser->status == WEFT_OK && count_descents(operand->path) > 1) {
                weft_ottl_xpath_refuse(parser, "count() of a union or of several // is");
            }
        } else if (operand->kind == WEFT_OTTL_XPATH_POSITION || operand->kind == WEFT_OTTL_XPATH_LAST) {
            ask_position(parser, operand);
        } else if (!weft_ottl_xpath_is_kind(parser, ')')) {
            weft_ottl_xpath_refuse(parser, "the name of another node is");
        }
        weft_ottl_xpath_expect(parser, ')');
        return;
    }
    char what[48];
    (void)snprintf(what, sizeof what, "the function %.*s() is", name.length > 24 ? 24 : (int)name.length,
                   (const char *)name.bytes);
    weft_ottl_xpath_refuse(parser, what);
}

static void parse_operand(struct weft_ottl_xpath_parser *parser, struct weft_ottl_xpath_operand *operand)
{
    struct weft_ottl_xpath_token token = parser->token;
    *operand = (struct weft_ottl_xpath_operand){ .kind = WEFT_OTTL_XPATH_PATH };
    if (weft_ottl_xpath_skip(parser, WEFT_OTTL_XPATH_A_STRING)) {
        operand->kind = WEFT_OTTL_XPATH_STRING;
        operand->string = token.text;
    } else if (weft_ottl_xpath_skip(parser, WEFT_OTTL_XPATH_A_NUMBER)) {
        operand->kind = WEFT_OTTL_XPATH_NUMBER;
        operand->number = number_of(token.text);
    } else if (token.kind == WEFT_OTTL_XPATH_A_NAME && token.is_call && !weft_ottl_xpath_is_node_type(parser)) {
        weft_ottl_xpath_advance(parser);
        weft_ottl_xpath_advance(parser);
        parse_value_call(parser, token.text, operand);
    } else {
        weft_ottl_xpath_parse_union(parser, &operand->path);
    }
}

/* ---- conditions ---- */

static bool is_number(const struct weft_ottl_xpath_operand *operand)
{
    return operand->kind == WEFT_OTTL_XPATH_NUMBER || operand->kind == WEFT_OTTL_XPATH_POSITION ||
           operand->kind == WEFT_OTTL_XPATH_LAST || operand->kind == WEFT_OTTL_XPATH_COUNT;
}

static bool take_comparison(struct weft_ottl_xpath_parser *parser, enum weft_ottl_xpath_condition_kind *out_kind)
{
    static const struct {
        char sign;
        enum weft_ottl_xpath_condition_kind kind;
    } signs[] = { { '=', WEFT_OTTL_XPATH_EQUAL },   { 'N', WEFT_OTTL_XPATH_NOT_EQUAL },
                  { '<', WEFT_OTTL_XPATH_LESS },    { 'L', WEFT_OTTL_XPATH_LESS_OR_EQUAL },
                  { '>', WEFT_OTTL_XPATH_GREATER }, { 'G', WEFT_OTTL_XPATH_GREATER_OR_EQUAL } };
    for (size_t i = 0; i < WEFT_COUNT_OF(signs); i++) {
        if (weft_ottl_xpath_skip(parser, signs[i].sign)) {
            *out_kind = signs[i].kind;
            return true;
        }
    }
    return false;
}

static enum weft_ottl_xpath_condition_kind mirrored(enum weft_ottl_xpath_condition_kind kind)
{
    return kind == WEFT_OTTL_XPATH_LESS               ? WEFT_OTTL_XPATH_GREATER
           : kind == WEFT_OTTL_XPATH_LESS_OR_EQUAL    ? WEFT_OTTL_XPATH_GREATER_OR_EQUAL
           : kind == WEFT_OTTL_XPATH_GREATER          ? WEFT_OTTL_XPATH_LESS
           : kind == WEFT_OTTL_XPATH_GREATER_OR_EQUAL ? WEFT_OTTL_XPATH_LESS_OR_EQUAL
                                                      : kind;
}

/* Of an operand that stands alone: a number is a position if it is all that is in the brackets. */
static void finish_alone(struct weft_ottl_xpath_parser *parser, struct weft_ottl_xpath_condition *condition,
                         bool is_all)
{
    if (!is_number(&condition->operand)) {
        return;
    }
    condition->kind = WEFT_OTTL_XPATH_IS_AT;
    bool is_position = condition->operand.kind == WEFT_OTTL_XPATH_LAST ||
                       (condition->operand.kind == WEFT_OTTL_XPATH_NUMBER &&
                        floor(condition->operand.number) == condition->operand.number);
    bool is_followed = weft_ottl_xpath_is_kind(parser, ']') || weft_ottl_xpath_is_kind(parser, ')') ||
                       weft_ottl_xpath_is_word(parser, "and") || weft_ottl_xpath_is_word(parser, "or");
    if (!is_followed) {
        weft_ottl_xpath_stop_at_token(parser);
    } else if (!is_all || !weft_ottl_xpath_is_kind(parser, ']') || !is_position) {
        weft_ottl_xpath_refuse(parser, "a number as a condition is");
    } else if (condition->operand.kind == WEFT_OTTL_XPATH_NUMBER) {
        ask_position(parser, &condition->operand);
    }
}

static struct weft_ottl_xpath_condition *parse_comparison(struct weft_ottl_xpath_parser *parser, bool is_all)
{
    enum weft_ottl_xpath_condition_kind kind;
    struct weft_ottl_xpath_condition *condition = new_condition(parser, WEFT_OTTL_XPATH_EXISTS);
    if (condition == NULL) {
        return NULL;
    }
    parse_operand(parser, &condition->operand);
    if (!take_comparison(parser, &kind)) {
        finish_alone(parser, condition, is_all);
        return condition;
    }
    condition->kind = kind;
    parse_operand(parser, &condition->other);
    if (condition->other.kind == WEFT_OTTL_XPATH_PATH) {
        struct weft_ottl_xpath_operand other = condition->operand;
        condition->operand = condition->other;
        condition->other = other;
        condition->kind = mirrored(kind);
    }
    if (condition->other.kind == WEFT_OTTL_XPATH_PATH) {
        weft_ottl_xpath_refuse(parser, "a comparison of two paths is");
    }
    return condition;
}

/* contains(a, 'b') and its kind, behind the parenthesis. */
static struct weft_ottl_xpath_condition *parse_search(struct weft_ottl_xpath_parser *parser,
                                                      enum weft_ottl_xpath_condition_kind kind)
{
    struct weft_ottl_xpath_condition *condition = new_condition(parser, kind);
    if (condition == NULL) {
        return NULL;
    }
    parse_operand(parser, &condition->operand);
    weft_ottl_xpath_expect(parser, ',');
    parse_operand(parser, &condition->other);
    if (is_number(&condition->operand) || condition->other.kind != WEFT_OTTL_XPATH_STRING) {
        weft_ottl_xpath_refuse(parser, "to search a number, or for anything but a text in quotes, is");
    }
    weft_ottl_xpath_expect(parser, ')');
    return condition;
}

/* What is true or false. NULL: it is something else. */
static struct weft_ottl_xpath_condition *parse_truth(struct weft_ottl_xpath_parser *parser)
{
    static const struct {
        const char *name;
        enum weft_ottl_xpath_condition_kind kind;
    } calls[] = { { "not", WEFT_OTTL_XPATH_NOT },
                  { "contains", WEFT_OTTL_XPATH_CONTAINS },
                  { "starts-with", WEFT_OTTL_XPATH_STARTS_WITH },
                  { "ends-with", WEFT_OTTL_XPATH_ENDS_WITH } };
    struct weft_ottl_xpath_condition *condition = NULL;
    if (weft_ottl_xpath_skip(parser, '(')) {
        condition = parse_or(parser);
        weft_ottl_xpath_expect(parser, ')');
    }
    for (size_t i = 0; condition == NULL && parser->token.is_call && i < WEFT_COUNT_OF(calls); i++) {
        if (!weft_ottl_xpath_is_word(parser, calls[i].name)) {
            continue;
        }
        weft_ottl_xpath_advance(parser);
        weft_ottl_xpath_advance(parser);
        if (calls[i].kind != WEFT_OTTL_XPATH_NOT) {
            condition = parse_search(parser, calls[i].kind);
        } else if ((condition = new_condition(parser, WEFT_OTTL_XPATH_NOT)) != NULL) {
            condition->left = parse_or(parser);
            weft_ottl_xpath_expect(parser, ')');
        }
    }
    enum weft_ottl_xpath_condition_kind kind;
    if (condition != NULL && take_comparison(parser, &kind)) {
        weft_ottl_xpath_refuse(parser, "a comparison of what is true or false is");
    }
    return condition;
}

static struct weft_ottl_xpath_condition *parse_and(struct weft_ottl_xpath_parser *parser, bool is_all)
{
    struct weft_ottl_xpath_condition *left = parse_truth(parser);
    left = left == NULL && parser->status == WEFT_OK ? parse_comparison(parser, is_all) : left;
    while (weft_ottl_xpath_is_word(parser, "and")) {
        weft_ottl_xpath_advance(parser);
        struct weft_ottl_xpath_condition *both = new_condition(parser, WEFT_OTTL_XPATH_AND);
        struct weft_ottl_xpath_condition *right = parse_truth(parser);
        right = right == NULL && parser->status == WEFT_OK ? parse_comparison(parser, false) : right;
        if (both == NULL) {
            return left;
        }
        both->left = left;
        both->right = right;
        left = both;
    }
    return left;
}

static struct weft_ottl_xpath_condition *parse_any(struct weft_ottl_xpath_parser *parser, bool is_all)
{
    struct weft_ottl_xpath_condition *left = parse_and(parser, is_all);
    while (weft_ottl_xpath_is_word(parser, "or")) {
        weft_ottl_xpath_advance(parser);
        struct weft_ottl_xpath_condition *either = new_condition(parser, WEFT_OTTL_XPATH_OR);
        struct weft_ottl_xpath_condition *right = parse_and(parser, false);
        if (either == NULL) {
            return left;
        }
        either->left = left;
        either->right = right;
        left = either;
    }
    return left;
}

/* Within parentheses. */
static struct weft_ottl_xpath_condition *parse_or(struct weft_ottl_xpath_parser *parser)
{
    struct weft_ottl_xpath_condition *condition = NULL;
    if (++parser->depth > WEFT_OTTL_XPATH_MAX_DEPTH) {
        weft_ottl_xpath_stop(parser, WEFT_INVALID, "it is nested too deep");
    } else {
        condition = parse_any(parser, false);
    }
    parser->depth--;
    return condition;
}

void weft_ottl_xpath_parse_conditions(struct weft_ottl_xpath_parser *parser, struct weft_ottl_xpath_step *step)
{
    struct weft_ottl_xpath_condition **end = &step->conditions;
    struct weft_ottl_xpath_step *asked = parser->asked;
    while (weft_ottl_xpath_skip(parser, '[')) {
        struct weft_ottl_xpath_condition *condition = NULL;
        parser->asked = step;
        if (++parser->depth > WEFT_OTTL_XPATH_MAX_DEPTH) {
            weft_ottl_xpath_stop(parser, WEFT_INVALID, "it is nested too deep");
        } else {
            condition = parse_any(parser, true);
        }
        parser->depth--;
        weft_ottl_xpath_expect(parser, ']');
        if (parser->status == WEFT_OK) {
            *end = condition;
            end = &condition->next;
        }
    }
    parser->asked = asked;
}
