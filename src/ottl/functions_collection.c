/* Converters of maps and lists. */
#include <stdio.h>
#include <stdlib.h>

#include "ottl/functions.h"
#include "ottl/functions_give.h"
#include "ottl/map_settle.h"
#include "ottl/text_find.h"
#include "wire/otlp_text.h"

/* ---- what is in one ---- */

static enum weft_status keys(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                             struct weft_ottl_value *out_value)
{
    struct weft_ottl_list *list = weft_ottl_new_list(run);
    struct weft_ottl_each each = weft_ottl_each_of(&call->arguments[0]);
    struct weft_ottl_member member;
    enum weft_status status = list == NULL ? WEFT_NOMEM : WEFT_OK;
    while (status == WEFT_OK && weft_ottl_each_next(&each, &member)) {
        status = weft_ottl_list_append(&run->memory, list, weft_ottl_string(member.key));
    }
    *out_value = weft_ottl_open_list(list);
    return status;
}

static enum weft_status values(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                               struct weft_ottl_value *out_value)
{
    struct weft_ottl_list *list = weft_ottl_new_list(run);
    struct weft_ottl_each each = weft_ottl_each_of(&call->arguments[0]);
    struct weft_ottl_member member;
    enum weft_status status = list == NULL ? WEFT_NOMEM : WEFT_OK;
    while (status == WEFT_OK && weft_ottl_each_next(&each, &member)) {
        status = weft_ottl_list_append(&run->memory, list, member.value);
    }
    *out_value = weft_ottl_open_list(list);
    return status;
}

/* -1: no item is equal to it. */
static enum weft_status index_in(struct weft_ottl_run *run, const struct weft_ottl_value *list,
                                 const struct weft_ottl_value *wanted, int64_t *out_index)
{
    enum { STEPS_OF_ITEM = 30 };
    struct weft_ottl_each each = weft_ottl_each_of(list);
    struct weft_ottl_member member;
    for (int64_t i = 0; weft_ottl_each_next(&each, &member); i++) {
        if (member.value.kind == WEFT_OTTL_MAP || member.value.kind == WEFT_OTTL_LIST) {
            member.value.origin = WEFT_OTTL_RAW;
        }
        bool is_it = weft_ottl_compare(run, &member.value, wanted, WEFT_OTTL_EQUAL);
        if (!weft_ottl_spend(run, STEPS_OF_ITEM)) {
            return weft_ottl_fail_steps(run);
        }
        if (is_it) {
            *out_index = i;
            return WEFT_OK;
        }
    }
    *out_index = -1;
    return WEFT_OK;
}

static enum weft_status contains_value(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                       struct weft_ottl_value *out_value)
{
    int64_t index = -1;
    enum weft_status status = index_in(run, &call->arguments[0], &call->arguments[1], &index);
    *out_value = weft_ottl_bool(index >= 0);
    return status;
}

static int64_t index_in_text(struct weft_slice text, struct weft_slice wanted)
{
    if (wanted.length == 0) {
        return 0;
    }
    size_t found = weft_ottl_text_find(text, wanted);
    return found == SIZE_MAX ? -1 : (int64_t)found;
}

static enum weft_status index_of(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                 struct weft_ottl_value *out_value)
{
    const struct weft_ottl_value *target = &call->arguments[0];
    const struct weft_ottl_value *wanted = &call->arguments[1];
    if (target->kind == WEFT_OTTL_STRING && wanted->kind == WEFT_OTTL_STRING) {
        return weft_ottl_give(out_value, weft_ottl_int(index_in_text(target->bytes, wanted->bytes)));
    }
    if (target->kind != WEFT_OTTL_LIST) {
        return weft_fail(&run->error, WEFT_INVALID, "Index: expected %s but got %s",
                         target->kind == WEFT_OTTL_STRING ? "a string" : "a list",
                         weft_ottl_kind_text(target->kind == WEFT_OTTL_STRING ? wanted->kind : target->kind));
    }
    int64_t index = -1;
    enum weft_status status = index_in(run, target, wanted, &index);
    *out_value = weft_ottl_int(index);
    return status;
}

static enum weft_status make_coalesce(struct weft_ottl_maker *maker, const struct weft_ottl_call *call,
                                      void **out_state, struct weft_error *error)
{
    (void)maker;
    (void)out_state;
    return call->nodes[0]->count > 0 ? WEFT_OK : weft_fail(error, WEFT_INVALID, "Coalesce: the list is empty");
}

static enum weft_status coalesce(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                 struct weft_ottl_value *out_value)
{
    const struct weft_ottl_node *list = call->nodes[0];
    for (size_t i = 0; i < list->count; i++) {
        enum weft_status status = weft_ottl_evaluate(run, list->items[i], out_value);
        if (status != WEFT_OK || out_value->kind != WEFT_OTTL_NIL) {
            return status;
        }
    }
    return weft_ottl_give(out_value, weft_ottl_nil());
}

/* ---- Sort ---- */

/* How the items are compared: as texts if one of them is a text, a bool or nil, else as numbers. */
enum order { ORDER_NONE, ORDER_INTS, ORDER_NUMBERS, ORDER_TEXTS };

static enum order order_of(const struct weft_ottl_list *list)
{
    enum order order = ORDER_INTS;
    for (size_t i = 0; i < list->count; i++) {
        switch (list->items[i].kind) {
        case WEFT_OTTL_INT:
            break;
        case WEFT_OTTL_DOUBLE:
            order = order == ORDER_INTS ? ORDER_NUMBERS : order;
            break;
        case WEFT_OTTL_STRING:
        case WEFT_OTTL_BOOL:
        case WEFT_OTTL_NIL:
            order = ORDER_TEXTS;
            break;
        default:
            return ORDER_NONE;
        }
    }
    return order;
}

struct sortable {
    struct weft_slice text;
    struct weft_ottl_value value;
    enum order order;
    size_t at; /* equal ones stay in their order */
};

static int compare_texts(struct weft_slice left, struct weft_slice right)
{
    size_t length = left.length < right.length ? left.length : right.length;
    int order = length == 0 ? 0 : memcmp(left.bytes, right.bytes, length);
    return order != 0 ? order : (left.length > right.length) - (left.length < right.length);
}

static double number_of(const struct weft_ottl_value *value)
{
    return value->kind == WEFT_OTTL_INT ? (double)value->integer : value->real;
}

static int compare_values(const struct sortable *left, const struct sortable *right)
{
    if (left->order == ORDER_TEXTS) {
        return compare_texts(left->text, right->text);
    }
    if (left->order == ORDER_INTS) {
        return (left->value.integer > right->value.integer) - (left->value.integer < right->value.integer);
    }
    double a = number_of(&left->value);
    double b = number_of(&right->value);
    return a != a || b != b ? (b != b) - (a != a) : (a > b) - (a < b);
}

static int compare_up(const void *left_item, const void *right_item)
{
    const struct sortable *left = left_item;
    const struct sortable *right = right_item;
    weft_work_did(sizeof *left);
    int order = compare_values(left, right);
    return order != 0 ? order : (left->at > right->at) - (left->at < right->at);
}

static int compare_down(const void *left_item, const void *right_item)
{
    const struct sortable *left = left_item;
    const struct sortable *right = right_item;
    weft_work_did(sizeof *left);
    int order = compare_values(right, left);
    return order != 0 ? order : (left->at > right->at) - (left->at < right->at);
}

static enum weft_status make_sort(struct weft_ottl_maker *maker, const struct weft_ottl_call *call, void **out_state,
                                  struct weft_error *error)
{
    (void)maker;
    (void)out_state;
    struct weft_slice order = weft_ottl_text_or(call, 1, "asc");
    return weft_slice_equal_text(order, "asc") || weft_slice_equal_text(order, "desc")
               ? WEFT_OK
               : weft_fail(error, WEFT_INVALID, "Sort: \"%.*s\" is no order; use asc or desc", WEFT_SLICE_PRINT(order));
}

static enum weft_status sort_items(struct weft_ottl_run *run, struct weft_ottl_list *list, enum order order,
                                   bool is_descending)
{
    struct sortable *items = weft_ottl_run_take(run, list->count * sizeof *items + 1);
    enum weft_status status = items == NULL ? WEFT_NOMEM : WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < list->count; i++) {
        weft_work_did(sizeof *items);
        items[i] = (struct sortable){ .value = list->items[i], .order = order, .at = i };
        if (order == ORDER_TEXTS) {
            status = weft_ottl_value_text(run, &list->items[i], &items[i].text);
        }
    }
    if (status != WEFT_OK) {
        return status;
    }
    qsort(items, list->count, sizeof *items, is_descending ? compare_down : compare_up);
    for (size_t i = 0; i < list->count; i++) {
        list->items[i] = items[i].value;
    }
    return WEFT_OK;
}

static enum weft_status sort(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                             struct weft_ottl_value *out_value)
{
    const struct weft_ottl_value *target = &call->arguments[0];
    if (target->kind != WEFT_OTTL_LIST) {
        return weft_fail(&run->error, WEFT_INVALID, "Sort: expected a list but got %s",
                         weft_ottl_kind_text(target->kind));
    }
    struct weft_ottl_list *list = weft_ottl_list_open(&run->memory, target);
    if (list == NULL) {
        return WEFT_NOMEM;
    }
    enum order order = order_of(list);
    *out_value = weft_ottl_open_list(list);
    if (order == ORDER_NONE || list->count == 0) {
        return WEFT_OK;
    }
    out_value->origin = WEFT_OTTL_RAW;
    return sort_items(run, list, order, weft_slice_equal_text(weft_ottl_text_or(call, 1, "asc"), "desc"));
}

/* ---- SliceToMap ---- */

/* What lies at a path of keys within a map. */
static bool find_at(const struct weft_ottl_value *map, const struct weft_ottl_value *path,
                    struct weft_ottl_value *out_value)
{
    struct weft_ottl_value value = *map;
    for (size_t i = 0; i < path->list->count; i++) {
        if (value.kind != WEFT_OTTL_MAP || !weft_ottl_map_find(&value, path->list->items[i].bytes, &value)) {
            return false;
        }
    }
    *out_value = value;
    return path->list->count > 0;
}

static enum weft_status fail_item(struct weft_ottl_run *run, size_t at, const char *reason)
{
    return weft_fail(&run->error, WEFT_INVALID, "SliceToMap: item %zu %s", at, reason);
}

/* The key and the value of one item. */
static enum weft_status read_item(struct weft_ottl_run *run, const struct weft_ottl_call *call, size_t at,
                                  const struct weft_ottl_value *item, struct weft_ottl_member *out_member)
{
    enum { INDEX_BYTES = 24 };
    bool has_key_path = weft_ottl_is_given(call, 1);
    bool has_value_path = weft_ottl_is_given(call, 2);
    struct weft_ottl_value key;
    out_member->value = *item;
    if ((has_key_path || has_value_path) && item->kind != WEFT_OTTL_MAP) {
        return fail_item(run, at, "is no map");
    }
    if (has_value_path && !find_at(item, &call->arguments[2], &out_member->value)) {
        return fail_item(run, at, "has nothing at the path of the value");
    }
    if (has_key_path) {
        if (!find_at(item, &call->arguments[1], &key) || key.kind != WEFT_OTTL_STRING) {
            return fail_item(run, at, "has no string at the path of the key");
        }
        out_member->key = key.bytes;
        return WEFT_OK;
    }
    char *text = weft_ottl_run_take(run, INDEX_BYTES);
    if (text == NULL) {
        return WEFT_NOMEM;
    }
    out_member->key = weft_slice_of(text, (size_t)snprintf(text, INDEX_BYTES, "%zu", at));
    return WEFT_OK;
}

static enum weft_status slice_to_map(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                     struct weft_ottl_value *out_value)
{
    struct weft_ottl_map *map = weft_ottl_new_map(run);
    struct weft_ottl_each each = weft_ottl_each_of(&call->arguments[0]);
    struct weft_ottl_member item;
    enum weft_status status = map == NULL ? WEFT_NOMEM : WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && weft_ottl_each_next(&each, &item); i++) {
        struct weft_ottl_member member;
        status = read_item(run, call, i, &item.value, &member);
        if (status == WEFT_OK) {
            status = weft_ottl_map_append(&run->memory, map, member.key, member.value);
        }
    }
    if (status == WEFT_OK) {
        status = weft_ottl_map_settle(&run->memory, map, 0, WEFT_OTTL_UPSERT);
    }
    *out_value = weft_ottl_open_map(map);
    return status;
}

const struct weft_ottl_function weft_ottl_functions_collection[] = {
    { .name = "Coalesce",
      .parameters = { { "values", WEFT_OTTL_TAKES_ANY, .is_list = true, .is_lazy = true } },
      .make = make_coalesce,
      .call = coalesce },
    { .name = "ContainsValue",
      .parameters = { { "target", WEFT_OTTL_TAKES_LIST }, { "item", WEFT_OTTL_TAKES_ANY } },
      .call = contains_value },
    { .name = "Index",
      .parameters = { { "target", WEFT_OTTL_TAKES_ANY }, { "value", WEFT_OTTL_TAKES_ANY } },
      .call = index_of },
    { .name = "Keys", .parameters = { { "target", WEFT_OTTL_TAKES_MAP } }, .call = keys },
    { .name = "SliceToMap",
      .parameters = { { "target", WEFT_OTTL_TAKES_LIST },
                      { "keyPath", WEFT_OTTL_TAKES_LITERAL_STRING, .is_list = true, .is_optional = true },
                      { "valuePath", WEFT_OTTL_TAKES_LITERAL_STRING, .is_list = true, .is_optional = true } },
      .call = slice_to_map },
    { .name = "Sort",
      .parameters = { { "target", WEFT_OTTL_TAKES_ANY },
                      { "order", WEFT_OTTL_TAKES_LITERAL_STRING, .is_optional = true } },
      .make = make_sort,
      .call = sort },
    { .name = "Values", .parameters = { { "target", WEFT_OTTL_TAKES_MAP } }, .call = values },
    { .name = NULL },
};
