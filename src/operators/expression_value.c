/* Comparing values of expressions and looking into them (expression_internal.h), by the rules of the Collector's
 * library: integers and doubles compare as numbers, anything else only with its own kind. */
#include <string.h>

#include "operators/expression_internal.h"

/* Attributes and a resource that nothing was ever put into are nil in the Collector. */
bool weft_expression_is_nil(const struct weft_expression_state *state, const struct weft_log_value *value)
{
    return value->kind == WEFT_LOG_NIL ||
           (value->kind == WEFT_LOG_MAP && value->map->members == NULL &&
            (value->map == &state->entry->attributes || value->map == &state->entry->resource));
}

static bool is_number(const struct weft_log_value *value)
{
    return value->kind == WEFT_LOG_INT || value->kind == WEFT_LOG_DOUBLE;
}

static double to_double(const struct weft_log_value *value)
{
    return value->kind == WEFT_LOG_INT ? (double)value->integer : value->real;
}

bool weft_expression_to_int(struct weft_expression_state *state, const struct weft_log_value *value,
                            int64_t *out_number)
{
    if (!is_number(value)) {
        return weft_expression_fail_state(state, "%s is no number", weft_expression_type_text((int)value->kind));
    }
    bool is_in_range = value->kind == WEFT_LOG_DOUBLE && value->real >= -0x1p63 && value->real < 0x1p63;
    *out_number = value->kind == WEFT_LOG_INT ? value->integer : is_in_range ? (int64_t)value->real : INT64_MIN;
    return true;
}

static bool equal_at(const struct weft_log_value *left, const struct weft_log_value *right, bool is_exact);

static bool equal_lists(const struct weft_log_list *left, const struct weft_log_list *right, bool is_exact)
{
    bool is_equal = left->count == right->count;
    for (size_t i = 0; is_equal && i < left->count; i++) {
        is_equal = equal_at(&left->items[i], &right->items[i], is_exact);
    }
    return is_equal;
}

/* Inside of maps 1 and 1.0 are not the same. */
static bool equal_maps(const struct weft_log_map *left, const struct weft_log_map *right)
{
    bool is_equal = left->count == right->count;
    for (size_t i = 0; is_equal && i < left->count; i++) {
        bool is_at_same_place = weft_slice_equal(left->members[i].key, right->members[i].key);
        const struct weft_log_value *found =
            is_at_same_place ? &right->members[i].value : weft_log_map_find(right, left->members[i].key);
        is_equal = found != NULL && equal_at(&left->members[i].value, found, true);
    }
    return is_equal;
}

/* Values of an entry nest as deep as its limits let them. */
static bool equal_at(const struct weft_log_value *left, const struct weft_log_value *right, bool is_exact)
{
    if (is_number(left) && is_number(right) && (!is_exact || left->kind == right->kind)) {
        return left->kind == WEFT_LOG_INT && right->kind == WEFT_LOG_INT ? left->integer == right->integer
                                                                         : to_double(left) == to_double(right);
    }
    if (left->kind != right->kind) {
        return false;
    }
    switch (left->kind) {
    case WEFT_LOG_NIL:
        return true;
    case WEFT_LOG_BOOL:
        return left->boolean == right->boolean;
    case WEFT_LOG_STRING:
    case WEFT_LOG_BYTES:
        return weft_slice_equal(left->text, right->text);
    case WEFT_LOG_LIST:
        return equal_lists(left->list, right->list, is_exact);
    case WEFT_LOG_MAP:
        return equal_maps(left->map, right->map);
    case WEFT_LOG_INT:
    case WEFT_LOG_DOUBLE:
        break;
    }
    return false;
}

bool weft_expression_equal(const struct weft_expression_state *state, const struct weft_log_value *left,
                           const struct weft_log_value *right)
{
    bool is_left = weft_expression_is_nil(state, left), is_right = weft_expression_is_nil(state, right);
    return is_left || is_right ? is_left && is_right : equal_at(left, right, false);
}

static int compare_texts(struct weft_slice left, struct weft_slice right)
{
    size_t length = left.length < right.length ? left.length : right.length;
    int order = length == 0 ? 0 : memcmp(left.bytes, right.bytes, length);
    return order != 0 ? order : (left.length > right.length) - (left.length < right.length);
}

static bool is_ordered(enum weft_expression_kind kind, bool is_less, bool is_more, bool is_equal)
{
    return kind == WEFT_EXPRESSION_LESS            ? is_less
           : kind == WEFT_EXPRESSION_MORE          ? is_more
           : kind == WEFT_EXPRESSION_LESS_OR_EQUAL ? is_less || is_equal
                                                   : is_more || is_equal;
}

static bool order(struct weft_expression_state *state, enum weft_expression_kind kind,
                  const struct weft_log_value pair[2], bool *out_is_true)
{
    if (pair[0].kind == WEFT_LOG_INT && pair[1].kind == WEFT_LOG_INT) {
        int64_t left = pair[0].integer, right = pair[1].integer;
        *out_is_true = is_ordered(kind, left<right, left> right, left == right);
    } else if (is_number(&pair[0]) && is_number(&pair[1])) {
        double left = to_double(&pair[0]), right = to_double(&pair[1]);
        *out_is_true = is_ordered(kind, left<right, left> right, left == right);
    } else if (pair[0].kind == WEFT_LOG_STRING && pair[1].kind == WEFT_LOG_STRING) {
        int result = compare_texts(pair[0].text, pair[1].text);
        *out_is_true = is_ordered(kind, result<0, result> 0, result == 0);
    } else {
        return weft_expression_fail_state(state, "%s and %s have no order",
                                          weft_expression_type_text((int)pair[0].kind),
                                          weft_expression_type_text((int)pair[1].kind));
    }
    return true;
}

static bool look_into(struct weft_expression_state *state, enum weft_expression_kind kind,
                      const struct weft_log_value pair[2], bool *out_is_true)
{
    struct weft_slice text = pair[0].text, part = pair[1].text;
    if (weft_expression_is_nil(state, &pair[0]) || weft_expression_is_nil(state, &pair[1])) {
        *out_is_true = false;
        return true;
    }
    if (pair[0].kind != WEFT_LOG_STRING || pair[1].kind != WEFT_LOG_STRING) {
        return weft_expression_fail_state(state, "%s does not look into %s for %s",
                                          kind == WEFT_EXPRESSION_CONTAINS ? "contains" : "startsWith or endsWith",
                                          weft_expression_type_text((int)pair[0].kind),
                                          weft_expression_type_text((int)pair[1].kind));
    }
    if (part.length == 0 || part.length > text.length) {
        *out_is_true = part.length == 0;
        return true;
    }
    size_t at = kind == WEFT_EXPRESSION_ENDS_WITH ? text.length - part.length : 0;
    *out_is_true = kind == WEFT_EXPRESSION_CONTAINS ? memmem(text.bytes, text.length, part.bytes, part.length) != NULL
                                                    : memcmp(text.bytes + at, part.bytes, part.length) == 0;
    return true;
}

bool weft_expression_compare(struct weft_expression_state *state, enum weft_expression_kind kind,
                             const struct weft_log_value pair[2], struct weft_log_value *out_value)
{
    bool is_true = false, is_done = true;
    if (kind == WEFT_EXPRESSION_EQUAL || kind == WEFT_EXPRESSION_UNEQUAL) {
        is_true = weft_expression_equal(state, &pair[0], &pair[1]) == (kind == WEFT_EXPRESSION_EQUAL);
    } else if (kind >= WEFT_EXPRESSION_CONTAINS) {
        is_done = look_into(state, kind, pair, &is_true);
    } else {
        is_done = order(state, kind, pair, &is_true);
    }
    *out_value = weft_expression_bool(is_true);
    return is_done;
}

/* nil is the empty key. */
static bool find_member(struct weft_expression_state *state, const struct weft_log_map *map,
                        const struct weft_log_value *key, const struct weft_log_value **out_found)
{
    if (key->kind != WEFT_LOG_STRING && key->kind != WEFT_LOG_NIL) {
        return weft_expression_fail_state(state, "%s is no key of a map", weft_expression_type_text((int)key->kind));
    }
    *out_found = weft_log_map_find(map, key->kind == WEFT_LOG_NIL ? WEFT_SLICE_EMPTY : key->text);
    return true;
}

static bool find_item(struct weft_expression_state *state, const struct weft_log_value pair[2],
                      struct weft_log_value *out_value)
{
    bool is_list = pair[0].kind == WEFT_LOG_LIST;
    int64_t index = 0, count = (int64_t)(is_list ? pair[0].list->count : pair[0].text.length);
    if (!weft_expression_to_int(state, &pair[1], &index)) {
        return false;
    }
    index += index < 0 ? count : 0;
    if (index < 0 || index >= count) {
        return weft_expression_fail_state(state, "a list or text does not have that many items");
    }
    *out_value = is_list ? pair[0].list->items[index] : weft_expression_int(pair[0].text.bytes[index]);
    return true;
}

bool weft_expression_member(struct weft_expression_state *state, const struct weft_log_value pair[2],
                            struct weft_log_value *out_value)
{
    const struct weft_log_value *found = NULL;
    switch (pair[0].kind) {
    case WEFT_LOG_MAP:
        if (!find_member(state, pair[0].map, &pair[1], &found)) {
            return false;
        }
        *out_value = found == NULL ? (struct weft_log_value){ .kind = WEFT_LOG_NIL } : *found;
        return true;
    case WEFT_LOG_LIST:
    case WEFT_LOG_STRING:
    case WEFT_LOG_BYTES:
        return find_item(state, pair, out_value);
    case WEFT_LOG_NIL:
    case WEFT_LOG_BOOL:
    case WEFT_LOG_INT:
    case WEFT_LOG_DOUBLE:
        break;
    }
    return weft_expression_fail_state(state, "%s has no members", weft_expression_type_text((int)pair[0].kind));
}

bool weft_expression_find(struct weft_expression_state *state, const struct weft_log_value pair[2],
                          struct weft_log_value *out_value)
{
    const struct weft_log_value *found = NULL;
    bool is_found = false;
    if (pair[1].kind == WEFT_LOG_LIST) {
        for (size_t i = 0; i < pair[1].list->count && !is_found; i++) {
            is_found = weft_expression_equal(state, &pair[1].list->items[i], &pair[0]);
        }
    } else if (pair[1].kind == WEFT_LOG_MAP) {
        if (!find_member(state, pair[1].map, &pair[0], &found)) {
            return false;
        }
        is_found = found != NULL;
    } else if (pair[1].kind != WEFT_LOG_NIL) {
        return weft_expression_fail_state(state, "%s holds nothing to look for (in)",
                                          weft_expression_type_text((int)pair[1].kind));
    }
    *out_value = weft_expression_bool(is_found);
    return true;
}
