/* Editors of lists, and of all that is in a map: flatten, truncate_all, stringify_all. */
#include <stdio.h>

#include "ottl/functions.h"
#include "ottl/functions_give.h"
#include "ottl/map_settle.h"
#include "ottl/path_write.h"
#include "ottl/write.h"

static const struct weft_ottl_path *target_of(const struct weft_ottl_call *call)
{
    return call->nodes[0]->path;
}

/* ---- lists ---- */

static enum weft_status delete_index(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                     struct weft_ottl_value *out_value)
{
    struct weft_ottl_value target;
    int64_t start = call->arguments[1].integer;
    int64_t end = weft_ottl_is_given(call, 2) ? call->arguments[2].integer : start < INT64_MAX ? start + 1 : start;
    enum weft_status status = weft_ottl_path_read(run, target_of(call), &target);
    (void)out_value;
    if (status == WEFT_OK && target.kind != WEFT_OTTL_LIST) {
        return weft_fail(&run->error, WEFT_INVALID, "delete_index: expected a list but got %s",
                         weft_ottl_kind_text(target.kind));
    }
    struct weft_ottl_list *list = status == WEFT_OK ? weft_ottl_list_open(&run->memory, &target) : NULL;
    if (list == NULL) {
        return status == WEFT_OK ? WEFT_NOMEM : status;
    }
    bool is_all = start == 0 && end == (int64_t)list->count;
    if (!is_all && (start < 0 || start >= (int64_t)list->count || end < start || end > (int64_t)list->count)) {
        return weft_fail(&run->error, WEFT_INVALID, "delete_index: [%lld:%lld] lies outside of a list of %zu",
                         (long long)start, (long long)end, list->count);
    }
    if (end < (int64_t)list->count) {
        memmove(list->items + start, list->items + end, (list->count - (size_t)end) * sizeof *list->items);
    }
    list->count -= (size_t)(end - start);
    target = weft_ottl_open_list(list);
    return start == end ? WEFT_OK : weft_ottl_path_put(run, target_of(call), &target);
}

static enum weft_status make_append(struct weft_ottl_maker *maker, const struct weft_ottl_call *call, void **out_state,
                                    struct weft_error *error)
{
    (void)maker;
    (void)out_state;
    return call->nodes[1] != NULL || call->nodes[2] != NULL
               ? WEFT_OK
               : weft_fail(error, WEFT_INVALID, "append needs value or values");
}

/* What a raw list of the Collector can hold. */
static enum weft_status append_item(struct weft_ottl_run *run, struct weft_ottl_list *list,
                                    const struct weft_ottl_value *item)
{
    struct weft_ottl_value own;
    if (!weft_ottl_is_storable(item) || item->kind == WEFT_OTTL_MAP) {
        return weft_fail(&run->error, WEFT_INVALID, "append: a list takes no %s here", weft_ottl_kind_text(item->kind));
    }
    enum weft_status status = weft_ottl_value_own(run, item, &own);
    return status == WEFT_OK ? weft_ottl_list_append(&run->memory, list, own) : status;
}

static enum weft_status append(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                               struct weft_ottl_value *out_value)
{
    struct weft_ottl_value target;
    struct weft_ottl_list *list = NULL;
    (void)out_value;
    enum weft_status status = weft_ottl_path_read(run, target_of(call), &target);
    if (status == WEFT_OK) {
        list = target.kind == WEFT_OTTL_LIST ? weft_ottl_list_open(&run->memory, &target) : weft_ottl_new_list(run);
        status = list == NULL ? WEFT_NOMEM : WEFT_OK;
    }
    if (status == WEFT_OK && target.kind != WEFT_OTTL_LIST && target.kind != WEFT_OTTL_NIL) {
        status = append_item(run, list, &target);
    }
    if (status == WEFT_OK && weft_ottl_is_given(call, 1)) {
        status = append_item(run, list, &call->arguments[1]);
    }
    const struct weft_ottl_list *values = weft_ottl_is_given(call, 2) ? call->arguments[2].list : NULL;
    for (size_t i = 0; values != NULL && status == WEFT_OK && i < values->count; i++) {
        status = append_item(run, list, &values->items[i]);
    }
    target = weft_ottl_open_list(list);
    return status == WEFT_OK ? weft_ottl_path_put(run, target_of(call), &target) : status;
}

/* ---- truncate_all ---- */

static enum weft_status make_truncate(struct weft_ottl_maker *maker, const struct weft_ottl_call *call,
                                      void **out_state, struct weft_error *error)
{
    (void)maker;
    (void)out_state;
    int64_t most = call->arguments[1].integer;
    if (most < 0 || (uint64_t)most < weft_ottl_text_or(call, 3, "").length) {
        return weft_fail(error, WEFT_INVALID, "truncate_all: %lld is %s", (long long)most,
                         most < 0 ? "negative" : "less than the truncation marker has");
    }
    return WEFT_OK;
}

/* At most so many bytes, in whole characters unless the statement does not care. */
static enum weft_status truncate_text(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                      struct weft_slice *in_out_text)
{
    struct weft_slice text = *in_out_text;
    struct weft_slice marker = weft_ottl_text_or(call, 3, "");
    bool is_whole = !weft_ottl_is_given(call, 2) || call->arguments[2].boolean;
    size_t length = (size_t)call->arguments[1].integer - marker.length;
    while (is_whole && length > 0 && (text.bytes[length] & 0xc0) == 0x80) {
        length--;
    }
    *in_out_text = weft_slice_of(text.bytes, length);
    if (marker.length > 0) {
        *in_out_text = weft_entry_memory_try_join(&run->memory, *in_out_text, marker);
    }
    return marker.length > 0 && in_out_text->bytes == NULL ? WEFT_NOMEM : WEFT_OK;
}

static enum weft_status truncate_all(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                     struct weft_ottl_value *out_value)
{
    struct weft_ottl_value map;
    uint64_t most = (uint64_t)call->arguments[1].integer;
    bool is_changed = false;
    (void)out_value;
    enum weft_status status = weft_ottl_path_map(run, target_of(call), &map);
    struct weft_ottl_map *open = status == WEFT_OK ? weft_ottl_map_to_change(run, &map) : NULL;
    if (open == NULL) {
        return status == WEFT_OK ? WEFT_NOMEM : status;
    }
    for (size_t i = 0; status == WEFT_OK && i < open->count; i++) {
        struct weft_ottl_member *member = &open->members[i];
        if (member->value.kind != WEFT_OTTL_STRING || member->value.bytes.length <= most) {
            continue;
        }
        struct weft_ottl_value value = member->value;
        status = truncate_text(run, call, &value.bytes);
        if (status == WEFT_OK) {
            status = weft_ottl_value_own(run, &value, &member->value);
            member->wire = WEFT_SLICE_EMPTY;
            is_changed = true;
        }
    }
    map = weft_ottl_open_map(open);
    return status == WEFT_OK && is_changed ? weft_ottl_path_put(run, target_of(call), &map) : status;
}

static enum weft_status stringify_all(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                      struct weft_ottl_value *out_value)
{
    struct weft_ottl_value map;
    bool is_changed = false;
    (void)out_value;
    enum weft_status status = weft_ottl_path_map(run, target_of(call), &map);
    struct weft_ottl_map *open = status == WEFT_OK ? weft_ottl_map_to_change(run, &map) : NULL;
    if (open == NULL) {
        return status == WEFT_OK ? WEFT_NOMEM : status;
    }
    for (size_t i = 0; status == WEFT_OK && i < open->count; i++) {
        struct weft_ottl_member *member = &open->members[i];
        struct weft_slice text;
        if (member->value.kind == WEFT_OTTL_STRING) {
            continue;
        }
        status = weft_ottl_value_text(run, &member->value, &text);
        if (status == WEFT_OK) {
            member->value = weft_ottl_string(text);
            member->wire = WEFT_SLICE_EMPTY;
            is_changed = true;
        }
    }
    map = weft_ottl_open_map(open);
    return status == WEFT_OK && is_changed ? weft_ottl_path_put(run, target_of(call), &map) : status;
}

/* ---- flatten ---- */

enum { MAX_CONFLICTING = 4096 /* members in which a free key is looked for */ };

struct flattening {
    struct weft_ottl_run *run;
    struct weft_ottl_map *result;
    uint32_t *counts; /* by member: how many had its key; NULL: conflicts are not resolved */
    int64_t depth;
};

static struct weft_slice join_key(struct flattening *flattening, struct weft_slice prefix, const char *delimiter,
                                  struct weft_slice key)
{
    struct weft_entry_memory *memory = &flattening->run->memory;
    struct weft_slice joined = weft_entry_memory_try_join(memory, prefix, weft_slice_of_text(delimiter));
    return joined.bytes == NULL ? joined : weft_entry_memory_try_join(memory, joined, key);
}

static struct weft_slice join_number(struct flattening *flattening, struct weft_slice prefix, size_t number)
{
    char text[24];
    int length = snprintf(text, sizeof text, "%zu", number);
    return join_key(flattening, prefix, ".", weft_slice_of(text, (size_t)length));
}

/* Later ones of a key get a number behind it. */
static enum weft_status add_resolved(struct flattening *flattening, struct weft_slice key, struct weft_ottl_value value)
{
    struct weft_ottl_map *result = flattening->result;
    struct weft_entry_memory *memory = &flattening->run->memory;
    size_t at = 0;
    while (at < result->count && !weft_slice_equal(result->members[at].key, key)) {
        at++;
    }
    if (result->count == MAX_CONFLICTING) {
        return weft_fail(&flattening->run->error, WEFT_INVALID, "flatten: more than %d members with resolveConflicts",
                         MAX_CONFLICTING);
    }
    if (at == result->count) {
        flattening->counts[at] = 0;
        return weft_ottl_map_append(memory, result, key, value);
    }
    struct weft_slice free_key = join_number(flattening, key, flattening->counts[at]++);
    size_t before = result->count;
    enum weft_status status = free_key.bytes == NULL ? WEFT_NOMEM : weft_ottl_map_set(memory, result, free_key, value);
    if (status == WEFT_OK && result->count > before) {
        flattening->counts[before] = 0;
    }
    return status;
}

static enum weft_status add(struct flattening *flattening, struct weft_slice key, struct weft_ottl_value value)
{
    return flattening->counts != NULL ? add_resolved(flattening, key, value)
                                      : weft_ottl_map_append(&flattening->run->memory, flattening->result, key, value);
}

static enum weft_status flatten_map(struct flattening *flattening, const struct weft_ottl_value *map,
                                    struct weft_slice prefix, int64_t depth);

static enum weft_status flatten_value(struct flattening *flattening, struct weft_slice key,
                                      const struct weft_ottl_value *value, int64_t depth);

/* Items are members of the list's key with their number, or, where conflicts are resolved, of the key alone. */
static enum weft_status flatten_list(struct flattening *flattening, const struct weft_ottl_value *list,
                                     struct weft_slice key, int64_t depth)
{
    struct weft_ottl_each each = weft_ottl_each_of(list);
    struct weft_ottl_member item;
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && weft_ottl_each_next(&each, &item); i++) {
        bool is_deeper = depth + 1 < flattening->depth;
        bool is_collection = item.value.kind == WEFT_OTTL_MAP || item.value.kind == WEFT_OTTL_LIST;
        struct weft_slice numbered = join_number(flattening, key, i);
        if (numbered.bytes == NULL) {
            return WEFT_NOMEM;
        }
        if (item.value.kind == WEFT_OTTL_MAP && is_deeper) {
            status = flatten_map(flattening, &item.value, numbered, depth + 2);
        } else if (is_collection && is_deeper) {
            /* a list in a list: its items begin anew, without a point between */
            struct weft_ottl_each inner = weft_ottl_each_of(&item.value);
            struct weft_ottl_member member;
            for (size_t n = 0; status == WEFT_OK && weft_ottl_each_next(&inner, &member); n++) {
                char text[24];
                int length = snprintf(text, sizeof text, "%zu", n);
                struct weft_slice joined = join_key(flattening, numbered, "", weft_slice_of(text, (size_t)length));
                status =
                    joined.bytes == NULL ? WEFT_NOMEM : flatten_value(flattening, joined, &member.value, depth + 3);
            }
        } else {
            status = add(flattening, flattening->counts != NULL ? key : numbered, item.value);
        }
    }
    return status;
}

static enum weft_status flatten_value(struct flattening *flattening, struct weft_slice key,
                                      const struct weft_ottl_value *value, int64_t depth)
{
    if (value->kind == WEFT_OTTL_MAP && depth < flattening->depth) {
        return flatten_map(flattening, value, key, depth + 1);
    }
    if (value->kind == WEFT_OTTL_LIST && depth < flattening->depth) {
        return flatten_list(flattening, value, key, depth);
    }
    return add(flattening, key, *value);
}

static enum weft_status flatten_map(struct flattening *flattening, const struct weft_ottl_value *map,
                                    struct weft_slice prefix, int64_t depth)
{
    struct weft_ottl_each each = weft_ottl_each_of(map);
    struct weft_ottl_member member;
    enum weft_status status = WEFT_OK;
    while (status == WEFT_OK && weft_ottl_each_next(&each, &member)) {
        struct weft_slice key = prefix.length == 0 ? member.key : join_key(flattening, prefix, ".", member.key);
        status =
            prefix.length > 0 && key.bytes == NULL ? WEFT_NOMEM : flatten_value(flattening, key, &member.value, depth);
    }
    return status;
}

static enum weft_status make_flatten(struct weft_ottl_maker *maker, const struct weft_ottl_call *call, void **out_state,
                                     struct weft_error *error)
{
    (void)maker;
    (void)out_state;
    return weft_ottl_is_given(call, 2) && call->arguments[2].integer < 1
               ? weft_fail(error, WEFT_INVALID, "flatten: depth is at least 1")
               : WEFT_OK;
}

static enum weft_status flatten(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                struct weft_ottl_value *out_value)
{
    struct weft_ottl_value map;
    struct flattening flattening = { .run = run, .depth = INT64_MAX };
    (void)out_value;
    enum weft_status status = weft_ottl_path_map(run, target_of(call), &map);
    if (status != WEFT_OK) {
        return status;
    }
    flattening.result = weft_ottl_new_map(run);
    if (weft_ottl_is_given(call, 2)) {
        flattening.depth = call->arguments[2].integer;
    }
    if (weft_ottl_is_given(call, 3) && call->arguments[3].boolean) {
        flattening.counts = weft_ottl_run_take(run, MAX_CONFLICTING * sizeof *flattening.counts);
        status = flattening.counts == NULL ? WEFT_NOMEM : WEFT_OK;
    }
    status = flattening.result == NULL ? WEFT_NOMEM : status;
    if (status == WEFT_OK) {
        status = flatten_map(&flattening, &map, weft_ottl_text_or(call, 1, ""), 0);
    }
    if (status == WEFT_OK && flattening.counts == NULL) {
        status = weft_ottl_map_settle(&run->memory, flattening.result, 0, WEFT_OTTL_UPSERT);
    }
    map = weft_ottl_open_map(flattening.result);
    return status == WEFT_OK ? weft_ottl_path_put(run, target_of(call), &map) : status;
}

#define TARGET                           \
    {                                    \
        "target", WEFT_OTTL_TAKES_TARGET \
    }

const struct weft_ottl_function weft_ottl_functions_edit_list[] = {
    { .name = "append",
      .parameters = { TARGET,
                      { "value", WEFT_OTTL_TAKES_ANY, .is_optional = true },
                      { "values", WEFT_OTTL_TAKES_ANY, .is_list = true, .is_optional = true } },
      .make = make_append,
      .call = append },
    { .name = "delete_index",
      .parameters = { TARGET,
                      { "startIndex", WEFT_OTTL_TAKES_INT },
                      { "endIndex", WEFT_OTTL_TAKES_INT, .is_optional = true } },
      .call = delete_index },
    { .name = "flatten",
      .parameters = { TARGET,
                      { "prefix", WEFT_OTTL_TAKES_LITERAL_STRING, .is_optional = true },
                      { "depth", WEFT_OTTL_TAKES_LITERAL_INT, .is_optional = true },
                      { "resolveConflicts", WEFT_OTTL_TAKES_LITERAL_BOOL, .is_optional = true } },
      .make = make_flatten,
      .call = flatten },
    { .name = "stringify_all", .parameters = { TARGET }, .call = stringify_all },
    { .name = "truncate_all",
      .parameters = { TARGET,
                      { "limit", WEFT_OTTL_TAKES_LITERAL_INT },
                      { "utf8Safe", WEFT_OTTL_TAKES_LITERAL_BOOL, .is_optional = true },
                      { "truncationMarker", WEFT_OTTL_TAKES_LITERAL_STRING, .is_optional = true } },
      .make = make_truncate,
      .call = truncate_all },
    { .name = NULL },
};
