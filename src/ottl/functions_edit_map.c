/* Editors of maps. Each looks first, and opens the map only if something in it changes. */
#include "base/utf8.h"
#include "ottl/functions.h"
#include "ottl/functions_give.h"
#include "ottl/map_settle.h"
#include "ottl/path_write.h"

static const struct weft_ottl_path *target_of(const struct weft_ottl_call *call)
{
    return call->nodes[0]->path;
}

/* ---- set ---- */

/* The attribute, behind its tag. */
static enum weft_status encode(struct weft_arena *arena, struct weft_slice key, const struct weft_ottl_value *value,
                               struct weft_slice *out_encoded)
{
    enum { ANY_FIELD = 1, TAG_BYTES = 1 };
    struct weft_buffer encoded = { 0 };
    enum weft_status status = weft_ottl_put_key_value(&encoded, ANY_FIELD, key, value, NULL);
    status = status == WEFT_OK ? weft_buffer_status(&encoded) : status;
    size_t length = status == WEFT_OK ? encoded.length - TAG_BYTES : 0;
    uint8_t *bytes = status == WEFT_OK ? weft_arena_try_bytes(arena, length) : NULL;
    if (bytes != NULL) {
        memcpy(bytes, encoded.bytes + TAG_BYTES, length);
        *out_encoded = weft_slice_of(bytes, length);
    }
    weft_buffer_fini(&encoded);
    return bytes == NULL ? WEFT_NOMEM : WEFT_OK;
}

/* A literal that is one's own. */
static enum weft_status set_constant(struct weft_ottl_run *run, const struct weft_ottl_call_node *call,
                                     struct weft_ottl_value *out_value)
{
    (void)out_value;
    return weft_ottl_path_put_constant(run, call->nodes[0]->path, &call->nodes[1]->literal, call->state);
}

static enum weft_status set_given(struct weft_ottl_run *run, const struct weft_ottl_call_node *call,
                                  struct weft_ottl_value *out_value)
{
    const struct weft_ottl_node *given = call->nodes[1];
    struct weft_ottl_value own;
    (void)out_value;
    enum weft_status status = WEFT_OK;
    if (given->kind == WEFT_OTTL_NODE_CALL && given->key_count == 0) {
        status = weft_ottl_call_make(run, given->call, &own);
        status = status == WEFT_INVALID ? weft_fail_prefix(&run->error, "%s", call->function->name) : status;
    } else {
        status = weft_ottl_call_argument(run, call, 1, &own);
    }
    if (status != WEFT_OK || own.kind == WEFT_OTTL_NIL) {
        return status;
    }
    status = weft_ottl_value_make_own(run, &own);
    return status == WEFT_OK ? weft_ottl_path_put(run, call->nodes[0]->path, &own) : status;
}

/* What is written in the statement and can be stored as it is. */
static enum weft_status make_set(struct weft_ottl_maker *maker, const struct weft_ottl_call *call, void **out_state,
                                 struct weft_error *error)
{
    const struct weft_ottl_value *value = &call->arguments[1];
    const struct weft_ottl_path *path = target_of(call);
    bool is_own = value->kind == WEFT_OTTL_INT || value->kind == WEFT_OTTL_BOOL || value->kind == WEFT_OTTL_DOUBLE ||
                  (value->kind == WEFT_OTTL_STRING && weft_utf8_valid_length(value->bytes) == value->bytes.length);
    maker->direct = is_own ? set_constant : set_given;
    if (!is_own) {
        return WEFT_OK;
    }
    struct weft_slice *constant = weft_arena_try_alloc(maker->arena, sizeof *constant);
    if (constant == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for a statement");
    }
    *constant = WEFT_SLICE_EMPTY;
    *out_state = constant;
    return path->sought == NULL || encode(maker->arena, path->keys[0].literal.bytes, value, constant) == WEFT_OK
               ? WEFT_OK
               : weft_fail(error, WEFT_NOMEM, "no memory for a statement");
}

static enum weft_status set(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                            struct weft_ottl_value *out_value)
{
    struct weft_ottl_value own;
    (void)out_value;
    if (call->state != NULL) {
        return weft_ottl_path_put(run, target_of(call), &call->arguments[1]);
    }
    if (call->arguments[1].kind == WEFT_OTTL_NIL) {
        return WEFT_OK;
    }
    enum weft_status status = weft_ottl_value_own(run, &call->arguments[1], &own);
    return status == WEFT_OK ? weft_ottl_path_put(run, target_of(call), &own) : status;
}

/* ---- removing members ---- */

/* Whether the member of that key, the at-th, stays. */
struct keeping {
    struct weft_ottl_run *run;
    const struct weft_ottl_call *call;
    const struct weft_pattern *pattern;
    int64_t more; /* of limit: so many that have no priority stay */
    enum weft_status status;
};

typedef bool (*keeps_fn)(struct keeping *keeping, struct weft_slice key);

static bool has_member_to_go(struct keeping keeping, const struct weft_ottl_value *map, keeps_fn keeps)
{
    struct weft_ottl_each each = weft_ottl_each_of(map);
    struct weft_ottl_member member;
    while (weft_ottl_each_next(&each, &member)) {
        if (!keeps(&keeping, member.key) || keeping.status != WEFT_OK) {
            return true;
        }
    }
    return false;
}

static enum weft_status keep_members(struct keeping *keeping, keeps_fn keeps)
{
    struct weft_ottl_run *run = keeping->run;
    struct weft_ottl_value map;
    size_t kept = 0;
    enum weft_status status = weft_ottl_path_map(run, target_of(keeping->call), &map);
    if (status != WEFT_OK || !has_member_to_go(*keeping, &map, keeps)) {
        return status;
    }
    struct weft_ottl_map *open = weft_ottl_map_to_change(run, &map);
    if (open == NULL) {
        return WEFT_NOMEM;
    }
    bool *stays = weft_ottl_run_take(run, open->count * sizeof *stays + 1);
    if (stays == NULL) {
        return WEFT_NOMEM;
    }
    for (size_t i = 0; i < open->count; i++) {
        stays[i] = keeps(keeping, open->members[i].key);
    }
    if (keeping->status != WEFT_OK) {
        return keeping->status; /* nothing was changed yet */
    }
    for (size_t i = 0; i < open->count; i++) {
        if (stays[i]) {
            open->members[kept++] = open->members[i];
        }
    }
    open->count = kept;
    map = weft_ottl_open_map(open);
    return weft_ottl_path_put(run, target_of(keeping->call), &map);
}

static enum weft_status delete_slot(struct weft_ottl_run *run, const struct weft_ottl_call_node *call,
                                    struct weft_ottl_value *out_value)
{
    return weft_ottl_path_remove_slot(run, call->state) ? WEFT_OK : weft_ottl_call_with_list(run, call, out_value);
}

/* Attributes and a key that is written in the statement: together a path to a slot. */
static enum weft_status make_delete_key(struct weft_ottl_maker *maker, const struct weft_ottl_call *call,
                                        void **out_state, struct weft_error *error)
{
    const struct weft_ottl_path *target = target_of(call);
    uint8_t number;
    if (maker->sought == NULL || target->row->form != WEFT_OTTL_FORM_MAP || target->key_count > 0 ||
        call->arguments[1].kind != WEFT_OTTL_STRING ||
        !weft_ottl_sought_add(maker->sought, call->arguments[1].bytes, &number)) {
        return WEFT_OK;
    }
    struct weft_ottl_path *path = weft_arena_try_alloc(maker->arena, sizeof *path);
    if (path == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for a statement");
    }
    *path = (struct weft_ottl_path){ .row = target->row, .sought = maker->sought, .slot = number };
    *out_state = path;
    maker->direct = delete_slot;
    return WEFT_OK;
}

/* Of several members of one key the first goes. */
static enum weft_status delete_key(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                   struct weft_ottl_value *out_value)
{
    struct weft_ottl_value map;
    struct weft_slice key = call->arguments[1].bytes;
    (void)out_value;
    enum weft_status status = weft_ottl_path_map(run, target_of(call), &map);
    if (status != WEFT_OK || !weft_ottl_map_find(&map, key, &(struct weft_ottl_value){ 0 })) {
        return status;
    }
    struct weft_ottl_map *open = weft_ottl_map_to_change(run, &map);
    size_t at = 0;
    if (open == NULL) {
        return WEFT_NOMEM;
    }
    while (!weft_slice_equal(open->members[at].key, key)) {
        at++;
    }
    open->count--;
    memmove(open->members + at, open->members + at + 1, (open->count - at) * sizeof *open->members);
    map = weft_ottl_open_map(open);
    return weft_ottl_path_put(run, target_of(call), &map);
}

static bool is_among(const struct weft_ottl_list *keys, struct weft_slice key)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (weft_slice_equal(keys->items[i].bytes, key)) {
            return true;
        }
    }
    return false;
}

static bool keeps_listed(struct keeping *keeping, struct weft_slice key)
{
    return is_among(keeping->call->arguments[1].list, key);
}

static enum weft_status keep_keys(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                  struct weft_ottl_value *out_value)
{
    struct keeping keeping = { .run = run, .call = call };
    (void)out_value;
    return keep_members(&keeping, keeps_listed);
}

static bool matches(struct keeping *keeping, struct weft_slice key)
{
    enum weft_pattern_outcome outcome = weft_pattern_match(keeping->pattern, keeping->run->pattern, key);
    if (outcome == WEFT_PATTERN_LIMIT && keeping->status == WEFT_OK) {
        keeping->run->limits_met++;
        keeping->status = weft_fail(&keeping->run->error, WEFT_INVALID, "%s: the pattern met its limit",
                                    keeping->call->function->name);
    }
    return outcome == WEFT_PATTERN_MATCH;
}

static bool matches_not(struct keeping *keeping, struct weft_slice key)
{
    return !matches(keeping, key);
}

static enum weft_status make_matching(struct weft_ottl_maker *maker, const struct weft_ottl_call *call,
                                      void **out_state, struct weft_error *error)
{
    (void)maker;
    return weft_ottl_pattern_make(call, 1, false, out_state, error);
}

static enum weft_status keep_by_pattern(struct weft_ottl_run *run, const struct weft_ottl_call *call, keeps_fn keeps)
{
    struct weft_pattern *own_pattern = NULL;
    struct keeping keeping = { .run = run, .call = call };
    enum weft_status status = weft_ottl_pattern_use(run, call, 1, false, &own_pattern, &keeping.pattern);
    if (status == WEFT_OK) {
        status = keep_members(&keeping, keeps);
    }
    weft_pattern_free(&own_pattern);
    return status;
}

static enum weft_status keep_matching_keys(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                           struct weft_ottl_value *out_value)
{
    (void)out_value;
    return keep_by_pattern(run, call, matches);
}

static enum weft_status delete_matching_keys(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                             struct weft_ottl_value *out_value)
{
    (void)out_value;
    return keep_by_pattern(run, call, matches_not);
}

/* ---- limit ---- */

static enum weft_status make_limit(struct weft_ottl_maker *maker, const struct weft_ottl_call *call, void **out_state,
                                   struct weft_error *error)
{
    (void)maker;
    (void)out_state;
    int64_t most = call->arguments[1].integer;
    size_t priorities = call->nodes[2]->count;
    if (most < 0 || (uint64_t)most < priorities) {
        return weft_fail(error, WEFT_INVALID, "limit: %lld is %s", (long long)most,
                         most < 0 ? "negative" : "less than there are priority keys");
    }
    return WEFT_OK;
}

static bool keeps_within(struct keeping *keeping, struct weft_slice key)
{
    return is_among(keeping->call->arguments[2].list, key) || keeping->more-- > 0;
}

static enum weft_status limit(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                              struct weft_ottl_value *out_value)
{
    struct weft_ottl_value map;
    const struct weft_ottl_list *priorities = call->arguments[2].list;
    struct keeping keeping = { .run = run, .call = call, .more = call->arguments[1].integer };
    enum weft_status status = weft_ottl_path_map(run, target_of(call), &map);
    (void)out_value;
    if (status != WEFT_OK || weft_ottl_length(&map) <= (uint64_t)call->arguments[1].integer) {
        return status;
    }
    for (size_t i = 0; i < priorities->count; i++) {
        keeping.more -= weft_ottl_map_find(&map, priorities->items[i].bytes, &(struct weft_ottl_value){ 0 });
    }
    return keep_members(&keeping, keeps_within);
}

/* ---- merge_maps ---- */

static bool strategy_of(struct weft_slice name, enum weft_ottl_settle *out_settle)
{
    static const char *const names[] = {
        [WEFT_OTTL_INSERT] = "insert", [WEFT_OTTL_UPDATE] = "update", [WEFT_OTTL_UPSERT] = "upsert"
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(names); i++) {
        if (weft_slice_equal_text(name, names[i])) {
            *out_settle = (enum weft_ottl_settle)i;
            return true;
        }
    }
    return false;
}

static enum weft_status make_merge(struct weft_ottl_maker *maker, const struct weft_ottl_call *call, void **out_state,
                                   struct weft_error *error)
{
    (void)maker;
    (void)out_state;
    enum weft_ottl_settle settle;
    struct weft_slice name = call->arguments[2].bytes;
    return strategy_of(name, &settle)
               ? WEFT_OK
               : weft_fail(error, WEFT_INVALID, "merge_maps: \"%.*s\" is no strategy; use insert, update or upsert",
                           WEFT_SLICE_PRINT(name));
}

static enum weft_status merge_maps(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                   struct weft_ottl_value *out_value)
{
    enum weft_ottl_settle settle = WEFT_OTTL_UPSERT;
    struct weft_ottl_value map, source;
    struct weft_ottl_member member;
    (void)out_value;
    (void)strategy_of(call->arguments[2].bytes, &settle);
    enum weft_status status = weft_ottl_path_map(run, target_of(call), &map);
    if (status == WEFT_OK) {
        status = weft_ottl_value_own(run, &call->arguments[1], &source);
    }
    struct weft_ottl_map *open = status == WEFT_OK ? weft_ottl_map_to_change(run, &map) : NULL;
    if (open == NULL) {
        return status == WEFT_OK ? WEFT_NOMEM : status;
    }
    size_t before = open->count;
    struct weft_ottl_each each = weft_ottl_each_of(&source);
    while (status == WEFT_OK && weft_ottl_each_next(&each, &member)) {
        status = weft_ottl_map_append(&run->memory, open, member.key, member.value);
    }
    if (status == WEFT_OK) {
        status = weft_ottl_map_settle(&run->memory, open, before, settle);
    }
    if (status != WEFT_OK) {
        open->count = before;
        return status;
    }
    map = weft_ottl_open_map(open);
    return weft_ottl_path_put(run, target_of(call), &map);
}

#define TARGET                           \
    {                                    \
        "target", WEFT_OTTL_TAKES_TARGET \
    }

const struct weft_ottl_function weft_ottl_functions_edit_map[] = {
    { .name = "delete_key",
      .parameters = { TARGET, { "key", WEFT_OTTL_TAKES_STRING } },
      .make = make_delete_key,
      .call = delete_key },
    { .name = "delete_matching_keys",
      .parameters = { TARGET, { "pattern", WEFT_OTTL_TAKES_STRING } },
      .make = make_matching,
      .free_state = weft_ottl_pattern_free,
      .call = delete_matching_keys },
    { .name = "keep_keys",
      .parameters = { TARGET, { "keys", WEFT_OTTL_TAKES_STRING, .is_list = true } },
      .call = keep_keys },
    { .name = "keep_matching_keys",
      .parameters = { TARGET, { "pattern", WEFT_OTTL_TAKES_STRING } },
      .make = make_matching,
      .free_state = weft_ottl_pattern_free,
      .call = keep_matching_keys },
    { .name = "limit",
      .parameters = { TARGET,
                      { "limit", WEFT_OTTL_TAKES_LITERAL_INT },
                      { "priorityKeys", WEFT_OTTL_TAKES_LITERAL_STRING, .is_list = true } },
      .make = make_limit,
      .call = limit },
    { .name = "merge_maps",
      .parameters = { TARGET, { "source", WEFT_OTTL_TAKES_MAP }, { "strategy", WEFT_OTTL_TAKES_LITERAL_STRING } },
      .make = make_merge,
      .call = merge_maps },
    { .name = "set", .parameters = { TARGET, { "value", WEFT_OTTL_TAKES_ANY } }, .make = make_set, .call = set },
    { .name = NULL },
};
