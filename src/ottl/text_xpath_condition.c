/* What an XPath asks of a node in brackets (text_xpath_walk.h). */
#include <math.h>

#include "ottl/function.h"
#include "ottl/functions_give.h"
#include "ottl/text_words.h"
#include "ottl/text_xpath_walk.h"

/* ---- the text of a node ---- */

static bool is_text_in(const struct weft_ottl_xml_node *node)
{
    return node->kind == WEFT_OTTL_XML_TEXT && node->text.length > 0;
}

static const struct weft_ottl_xml_node *next_within(const struct weft_ottl_xml_node *node,
                                                    const struct weft_ottl_xml_node *top)
{
    if (node->first != NULL) {
        return node->first;
    }
    while (node != top && node->next == NULL) {
        node = node->parent;
    }
    return node == top ? NULL : node->next;
}

/* All texts in an element. Lies in the scratch if there are several. */
static struct weft_slice text_within(const struct weft_ottl_xpath_walk *walk, const struct weft_ottl_xml_node *element)
{
    struct weft_slice whole = WEFT_SLICE_EMPTY;
    struct weft_buffer *joined = weft_ottl_scratch(walk->run);
    for (const struct weft_ottl_xml_node *node = element;
         node != NULL && weft_ottl_xpath_spend(walk, WEFT_OTTL_XPATH_STEPS_OF_NODE);
         node = next_within(node, element)) {
        if (is_text_in(node) && whole.length == 0) {
            whole = node->text;
        } else if (is_text_in(node) && weft_ottl_xpath_spend(walk, whole.length + node->text.length)) {
            weft_buffer_append(joined, whole.bytes, joined->length == 0 ? whole.length : 0);
            weft_buffer_append(joined, node->text.bytes, node->text.length);
        }
    }
    if (weft_buffer_status(joined) != WEFT_OK) {
        *walk->status = WEFT_NOMEM;
    }
    return joined->length > 0 ? weft_buffer_slice(joined) : whole;
}

/* As in the Collector nothing but text, comments, attributes and elements has one, and what is in a CDATA section only
 * as a part of an element. */
static struct weft_slice text_of(const struct weft_ottl_xpath_walk *walk, const struct weft_ottl_xpath_found *found)
{
    bool is_text = found->node->kind == WEFT_OTTL_XML_COMMENT ||
                   (found->node->kind == WEFT_OTTL_XML_TEXT && !found->node->is_cdata);
    return found->attribute != NULL                     ? found->attribute->value
           : found->node->kind == WEFT_OTTL_XML_ELEMENT ? text_within(walk, found->node)
           : is_text                                    ? found->node->text
                                                        : WEFT_SLICE_EMPTY;
}

/* ---- conditions ---- */

static bool on_first_found(void *context, const struct weft_ottl_xpath_found *found)
{
    *(struct weft_ottl_xpath_found *)context = *found;
    return false;
}

/* .node is NULL if there is none. */
static struct weft_ottl_xpath_found first_of(const struct weft_ottl_xpath_walk *walk,
                                             const struct weft_ottl_xpath *path,
                                             const struct weft_ottl_xpath_found *from)
{
    struct weft_ottl_xpath_found first = { .node = NULL };
    struct weft_ottl_xpath_walk within = *walk;
    within.on_found = on_first_found;
    within.context = &first;
    weft_ottl_xpath_follow(&within, path, from);
    return first;
}

static bool on_counted_found(void *context, const struct weft_ottl_xpath_found *found)
{
    (void)found;
    *(size_t *)context += 1;
    return true;
}

static size_t count_of(const struct weft_ottl_xpath_walk *walk, const struct weft_ottl_xpath *path,
                       const struct weft_ottl_xpath_found *from)
{
    size_t count = 0;
    struct weft_ottl_xpath_walk within = *walk;
    within.on_found = on_counted_found;
    within.context = &count;
    weft_ottl_xpath_follow(&within, path, from);
    return count;
}

/* "prefix:name" lies in the scratch. */
static struct weft_slice name_of(const struct weft_ottl_xpath_walk *walk, const struct weft_ottl_xpath_found *found,
                                 bool is_local)
{
    bool is_plain = found->attribute != NULL ? found->attribute->space.length == 0 : !found->node->has_prefix;
    struct weft_slice name = found->attribute != NULL ? found->attribute->name : found->node->name;
    if (is_local || is_plain) {
        return name;
    }
    if (found->attribute == NULL) {
        return found->node->prefixed;
    }
    struct weft_buffer *joined = weft_ottl_scratch(walk->run);
    weft_buffer_append(joined, found->attribute->space.bytes, found->attribute->space.length);
    weft_buffer_append_byte(joined, ':');
    weft_buffer_append(joined, name.bytes, name.length);
    return weft_buffer_slice(joined);
}

/* Whether a text is that, which may lie in the scratch itself. */
static bool is_name_of(const struct weft_ottl_xpath_found *found, bool is_local, struct weft_slice text)
{
    const struct weft_ottl_xml_attribute *attribute = found->attribute;
    struct weft_slice element = !is_local && found->node->has_prefix ? found->node->prefixed : found->node->name;
    struct weft_slice name = attribute != NULL ? attribute->name : element;
    struct weft_slice space = attribute != NULL && !is_local ? attribute->space : WEFT_SLICE_EMPTY;
    size_t before = space.length == 0 ? 0 : space.length + 1;
    return text.length == before + name.length &&
           weft_slice_equal(weft_slice_of(text.bytes + before, name.length), name) &&
           (before == 0 ||
            (text.bytes[before - 1] == ':' && weft_slice_equal(weft_slice_of(text.bytes, space.length), space)));
}

/* Of an operand that is no path, for this node. */
static struct weft_slice string_of(const struct weft_ottl_xpath_walk *walk,
                                   const struct weft_ottl_xpath_operand *operand,
                                   const struct weft_ottl_xpath_found *found)
{
    return operand->kind == WEFT_OTTL_XPATH_STRING ? operand->string
                                                   : name_of(walk, found, operand->kind == WEFT_OTTL_XPATH_LOCAL_NAME);
}

static double read_number(const struct weft_ottl_xpath_walk *walk, struct weft_slice text)
{
    struct weft_ottl_value value = weft_ottl_string(weft_ottl_trim_space(text));
    return weft_ottl_argument_take(walk->run, WEFT_OTTL_TAKES_FLOAT_LIKE, &value) == WEFT_OK ? value.real : NAN;
}

static double number_of(const struct weft_ottl_xpath_walk *walk, const struct weft_ottl_xpath_operand *operand,
                        const struct weft_ottl_xpath_found *found)
{
    switch (operand->kind) {
    case WEFT_OTTL_XPATH_NUMBER:
        return operand->number;
    case WEFT_OTTL_XPATH_POSITION:
        return (double)found->position;
    case WEFT_OTTL_XPATH_LAST:
        return (double)found->last;
    case WEFT_OTTL_XPATH_COUNT:
        return (double)count_of(walk, operand->path, found);
    case WEFT_OTTL_XPATH_PATH:
    case WEFT_OTTL_XPATH_STRING:
    case WEFT_OTTL_XPATH_NAME:
    case WEFT_OTTL_XPATH_LOCAL_NAME:
        break;
    }
    return read_number(walk, string_of(walk, operand, found));
}

static bool is_number(const struct weft_ottl_xpath_operand *operand)
{
    return operand->kind == WEFT_OTTL_XPATH_NUMBER || operand->kind == WEFT_OTTL_XPATH_POSITION ||
           operand->kind == WEFT_OTTL_XPATH_LAST || operand->kind == WEFT_OTTL_XPATH_COUNT;
}

static bool are_so(enum weft_ottl_xpath_condition_kind kind, double left, double right)
{
    return kind == WEFT_OTTL_XPATH_EQUAL              ? left == right
           : kind == WEFT_OTTL_XPATH_NOT_EQUAL        ? left != right
           : kind == WEFT_OTTL_XPATH_LESS             ? left < right
           : kind == WEFT_OTTL_XPATH_LESS_OR_EQUAL    ? left <= right
           : kind == WEFT_OTTL_XPATH_GREATER          ? left > right
           : kind == WEFT_OTTL_XPATH_GREATER_OR_EQUAL ? left >= right
                                                      : false;
}

struct comparison {
    const struct weft_ottl_xpath_walk *walk;
    const struct weft_ottl_xpath_condition *condition;
    const struct weft_ottl_xpath_found *asked;
    bool is_true;
};

static bool compare_text(const struct comparison *it, struct weft_slice text)
{
    enum weft_ottl_xpath_condition_kind kind = it->condition->kind;
    const struct weft_ottl_xpath_operand *other = &it->condition->other;
    bool is_of_strings = kind == WEFT_OTTL_XPATH_EQUAL || kind == WEFT_OTTL_XPATH_NOT_EQUAL;
    if (is_of_strings && !is_number(other)) {
        bool is_same = other->kind == WEFT_OTTL_XPATH_STRING
                           ? weft_slice_equal(text, other->string)
                           : is_name_of(it->asked, other->kind == WEFT_OTTL_XPATH_LOCAL_NAME, text);
        return is_same == (kind == WEFT_OTTL_XPATH_EQUAL);
    }
    double number = weft_ottl_xpath_spend(it->walk, text.length) ? read_number(it->walk, text) : NAN;
    return are_so(kind, number, number_of(it->walk, other, it->asked));
}

static bool on_compared_found(void *context, const struct weft_ottl_xpath_found *found)
{
    struct comparison *it = context;
    it->is_true = compare_text(it, text_of(it->walk, found));
    return !it->is_true && *it->walk->status == WEFT_OK;
}

static bool compare(const struct weft_ottl_xpath_walk *walk, const struct weft_ottl_xpath_condition *condition,
                    const struct weft_ottl_xpath_found *found)
{
    const struct weft_ottl_xpath_operand *operand = &condition->operand;
    struct comparison it = { .walk = walk, .condition = condition, .asked = found };
    if (operand->kind == WEFT_OTTL_XPATH_PATH) {
        struct weft_ottl_xpath_walk within = *walk;
        within.on_found = on_compared_found;
        within.context = &it;
        weft_ottl_xpath_follow(&within, operand->path, found);
        return it.is_true;
    }
    return is_number(operand)
               ? are_so(condition->kind, number_of(walk, operand, found), number_of(walk, &condition->other, found))
               : compare_text(&it, string_of(walk, operand, found));
}

static bool searches(const struct weft_ottl_xpath_walk *walk, const struct weft_ottl_xpath_condition *condition,
                     const struct weft_ottl_xpath_found *found)
{
    const struct weft_ottl_xpath_operand *operand = &condition->operand;
    struct weft_slice wanted = condition->other.string;
    struct weft_slice text = WEFT_SLICE_EMPTY;
    if (operand->kind == WEFT_OTTL_XPATH_PATH) {
        struct weft_ottl_xpath_found first = first_of(walk, operand->path, found);
        if (first.node == NULL) {
            return false;
        }
        text = text_of(walk, &first);
    } else {
        text = string_of(walk, operand, found);
    }
    if (wanted.length == 0 || text.length < wanted.length || !weft_ottl_xpath_spend(walk, text.length)) {
        return wanted.length == 0;
    }
    const uint8_t *end = text.bytes + text.length - wanted.length;
    return condition->kind == WEFT_OTTL_XPATH_CONTAINS
               ? memmem(text.bytes, text.length, wanted.bytes, wanted.length) != NULL
               : memcmp(condition->kind == WEFT_OTTL_XPATH_STARTS_WITH ? text.bytes : end, wanted.bytes,
                        wanted.length) == 0;
}

static bool exists(const struct weft_ottl_xpath_walk *walk, const struct weft_ottl_xpath_operand *operand,
                   const struct weft_ottl_xpath_found *found)
{
    return operand->kind == WEFT_OTTL_XPATH_PATH ? first_of(walk, operand->path, found).node != NULL
                                                 : string_of(walk, operand, found).length > 0;
}

bool weft_ottl_xpath_holds(const struct weft_ottl_xpath_walk *walk, const struct weft_ottl_xpath_condition *condition,
                           const struct weft_ottl_xpath_found *found)
{
    if (!weft_ottl_xpath_spend(walk, WEFT_OTTL_XPATH_STEPS_OF_NODE)) {
        return false;
    }
    switch (condition->kind) {
    case WEFT_OTTL_XPATH_OR:
        return weft_ottl_xpath_holds(walk, condition->left, found) ||
               weft_ottl_xpath_holds(walk, condition->right, found);
    case WEFT_OTTL_XPATH_AND:
        return weft_ottl_xpath_holds(walk, condition->left, found) &&
               weft_ottl_xpath_holds(walk, condition->right, found);
    case WEFT_OTTL_XPATH_NOT:
        return !weft_ottl_xpath_holds(walk, condition->left, found) && *walk->status == WEFT_OK;
    case WEFT_OTTL_XPATH_EXISTS:
        return exists(walk, &condition->operand, found);
    case WEFT_OTTL_XPATH_IS_AT:
        return number_of(walk, &condition->operand, found) == (double)found->position;
    case WEFT_OTTL_XPATH_EQUAL:
    case WEFT_OTTL_XPATH_NOT_EQUAL:
    case WEFT_OTTL_XPATH_LESS:
    case WEFT_OTTL_XPATH_LESS_OR_EQUAL:
    case WEFT_OTTL_XPATH_GREATER:
    case WEFT_OTTL_XPATH_GREATER_OR_EQUAL:
        return compare(walk, condition, found);
    case WEFT_OTTL_XPATH_CONTAINS:
    case WEFT_OTTL_XPATH_STARTS_WITH:
    case WEFT_OTTL_XPATH_ENDS_WITH:
        return searches(walk, condition, found);
    }
    return false;
}
