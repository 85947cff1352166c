/* Editors that replace texts, one or all of a map. */
#include "ottl/functions.h"
#include "ottl/functions_give.h"
#include "ottl/map_settle.h"
#include "ottl/path_write.h"
#include "ottl/text_glob.h"
#include "ottl/text_replace.h"

static const struct weft_ottl_path *target_of(const struct weft_ottl_call *call)
{
    return call->nodes[0]->path;
}

/* The replacement, the function and the format stand behind one another. */
static struct weft_ottl_replacement replacement_of(const struct weft_ottl_call *call, size_t parameter)
{
    const struct weft_ottl_value *function = &call->arguments[parameter + 1];
    return (struct weft_ottl_replacement){
        .name = call->function->name,
        .text = call->arguments[parameter].bytes,
        .function = function->kind == WEFT_OTTL_FUNCTION ? function->function : NULL,
        .format = weft_ottl_text_or(call, parameter + 2, ""),
        .has_format = weft_ottl_is_given(call, parameter + 2),
    };
}

static enum weft_status check_function(const struct weft_ottl_call *call, size_t parameter, struct weft_error *error)
{
    const struct weft_ottl_node *node = call->nodes[parameter];
    return node == NULL ? WEFT_OK : weft_ottl_replacement_check(node->literal.function, error);
}

/* ---- patterns ---- */

enum { REGEX = 1 };

/* With a pattern and a text that are written in the statement, which has no groups and goes through no function. */
static enum weft_status replace_with_text(struct weft_ottl_run *run, const struct weft_ottl_call_node *call,
                                          struct weft_ottl_value *out_value)
{
    const struct weft_ottl_path *path = call->nodes[0]->path;
    struct weft_ottl_value target = { .kind = WEFT_OTTL_STRING };
    bool is_match = false;
    enum weft_status status = WEFT_OK;
    (void)out_value;
    if (!weft_ottl_path_read_text(run, path, &target.bytes)) {
        status = weft_ottl_path_read(run, path, &target);
        if (status != WEFT_OK || target.kind != WEFT_OTTL_STRING) {
            return status;
        }
    }
    status = weft_ottl_replace_with_text(run, call->state, &target.bytes, call->nodes[REGEX + 1]->literal.bytes,
                                         call->function->name, &is_match);
    if (status == WEFT_OK && is_match) {
        status = weft_ottl_value_make_own(run, &target);
        status = status == WEFT_OK ? weft_ottl_path_put(run, path, &target) : status;
    }
    return status;
}

static enum weft_status make_pattern(struct weft_ottl_maker *maker, const struct weft_ottl_call *call, void **out_state,
                                     struct weft_error *error)
{
    const struct weft_ottl_value *text = &call->arguments[REGEX + 1];
    bool is_text = text->kind == WEFT_OTTL_STRING && weft_ottl_is_plain_replacement(text->bytes) &&
                   call->nodes[REGEX + 2] == NULL && call->nodes[REGEX + 3] == NULL;
    enum weft_status status = check_function(call, REGEX + 2, error);
    if (status == WEFT_OK) {
        status = weft_ottl_pattern_make(call, REGEX, true, out_state, error);
    }
    maker->direct = status == WEFT_OK && *out_state != NULL && is_text ? replace_with_text : NULL;
    return status;
}

static enum weft_status replace_pattern(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                        struct weft_ottl_value *out_value)
{
    struct weft_ottl_value target;
    struct weft_pattern *own_pattern = NULL;
    const struct weft_pattern *pattern = NULL;
    struct weft_ottl_replacement replacement = replacement_of(call, REGEX + 1);
    struct weft_slice text;
    bool is_match = false;
    (void)out_value;
    enum weft_status status = weft_ottl_path_read(run, target_of(call), &target);
    if (status != WEFT_OK || target.kind != WEFT_OTTL_STRING) {
        return status;
    }
    status = weft_ottl_pattern_use(run, call, REGEX, true, &own_pattern, &pattern);
    if (status == WEFT_OK) {
        status = weft_ottl_replace(run, pattern, target.bytes, &replacement, &is_match, &text);
    }
    weft_pattern_free(&own_pattern);
    if (status != WEFT_OK || !is_match) {
        return status;
    }
    target = weft_ottl_string(text);
    status = weft_ottl_value_own(run, &target, &target);
    return status == WEFT_OK ? weft_ottl_path_put(run, target_of(call), &target) : status;
}

/* ---- all of a map ---- */

enum { MODE = 1, ALL_REGEX };

static bool is_of_keys(const struct weft_ottl_call *call)
{
    return weft_slice_equal_text(call->arguments[MODE].bytes, "key");
}

static enum weft_status make_all_patterns(struct weft_ottl_maker *maker, const struct weft_ottl_call *call,
                                          void **out_state, struct weft_error *error)
{
    (void)maker;
    struct weft_slice mode = call->arguments[MODE].bytes;
    if (!weft_slice_equal_text(mode, "key") && !weft_slice_equal_text(mode, "value")) {
        return weft_fail(error, WEFT_INVALID, "replace_all_patterns: \"%.*s\" is no mode; use key or value",
                         WEFT_SLICE_PRINT(mode));
    }
    enum weft_status status = check_function(call, ALL_REGEX + 2, error);
    return status == WEFT_OK ? weft_ottl_pattern_make(call, ALL_REGEX, true, out_state, error) : status;
}

/* One text of the map. What a function cannot replace stays. */
static enum weft_status replace_one(struct weft_ottl_run *run, const struct weft_pattern *pattern,
                                    const struct weft_ottl_replacement *replacement, struct weft_slice *in_out_text,
                                    bool *out_is_changed)
{
    struct weft_slice text;
    bool is_match = false;
    uint64_t limits = run->limits_met;
    enum weft_status status = weft_ottl_replace(run, pattern, *in_out_text, replacement, &is_match, &text);
    *out_is_changed = false;
    if (status == WEFT_INVALID && replacement->function != NULL && run->limits_met == limits) {
        return WEFT_OK;
    }
    if (status == WEFT_OK && is_match) {
        struct weft_ottl_value own = weft_ottl_string(text);
        status = weft_ottl_value_own(run, &own, &own);
        *in_out_text = own.bytes;
        *out_is_changed = true;
    }
    return status;
}

static enum weft_status replace_in(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                   const struct weft_pattern *pattern, struct weft_ottl_map *map, bool *out_is_changed)
{
    struct weft_ottl_replacement replacement = replacement_of(call, ALL_REGEX + 1);
    bool is_key = is_of_keys(call);
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < map->count; i++) {
        struct weft_ottl_member *member = &map->members[i];
        bool is_changed = false;
        if (!is_key && member->value.kind != WEFT_OTTL_STRING) {
            continue;
        }
        struct weft_slice text = is_key ? member->key : member->value.bytes;
        status = replace_one(run, pattern, &replacement, &text, &is_changed);
        if (status == WEFT_OK && is_changed) {
            member->key = is_key ? text : member->key;
            member->value = is_key ? member->value : weft_ottl_string(text);
            member->wire = WEFT_SLICE_EMPTY;
            *out_is_changed = true;
        }
    }
    return status == WEFT_OK && is_key && *out_is_changed ? weft_ottl_map_settle(&run->memory, map, 0, WEFT_OTTL_UPSERT)
                                                          : status;
}

static enum weft_status replace_all_patterns(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                             struct weft_ottl_value *out_value)
{
    struct weft_ottl_value map;
    struct weft_pattern *own_pattern = NULL;
    const struct weft_pattern *pattern = NULL;
    bool is_changed = false;
    (void)out_value;
    enum weft_status status = weft_ottl_path_map(run, target_of(call), &map);
    struct weft_ottl_map *open = status == WEFT_OK ? weft_ottl_map_to_change(run, &map) : NULL;
    if (open == NULL) {
        return status == WEFT_OK ? WEFT_NOMEM : status;
    }
    status = weft_ottl_pattern_use(run, call, ALL_REGEX, true, &own_pattern, &pattern);
    if (status == WEFT_OK) {
        status = replace_in(run, call, pattern, open, &is_changed);
    }
    weft_pattern_free(&own_pattern);
    map = weft_ottl_open_map(open);
    enum weft_status put = is_changed ? weft_ottl_path_put(run, target_of(call), &map) : WEFT_OK;
    return status == WEFT_OK ? put : status;
}

/* ---- globs ---- */

static enum weft_status compile_glob(struct weft_slice glob, struct weft_pattern **out_pattern,
                                     struct weft_error *error)
{
    const struct weft_pattern_options options = { .is_match_only = true };
    struct weft_buffer text = { 0 };
    enum weft_status status = weft_ottl_glob_to_pattern(glob, &text, error);
    if (status == WEFT_OK) {
        status = weft_pattern_compile(weft_buffer_slice(&text), &options, out_pattern, error);
    }
    weft_buffer_fini(&text);
    return status;
}

enum { GLOB = 1 };

static enum weft_status make_glob(struct weft_ottl_maker *maker, const struct weft_ottl_call *call, void **out_state,
                                  struct weft_error *error)
{
    (void)maker;
    struct weft_pattern *pattern = NULL;
    enum weft_status status = check_function(call, GLOB + 2, error);
    if (status == WEFT_OK && call->arguments[GLOB].kind == WEFT_OTTL_STRING) {
        status = compile_glob(call->arguments[GLOB].bytes, &pattern, error);
        *out_state = pattern;
    }
    return status;
}

static enum weft_status use_glob(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                 struct weft_pattern **out_own_pattern, const struct weft_pattern **out_pattern)
{
    *out_own_pattern = NULL;
    *out_pattern = call->state;
    if (call->state != NULL) {
        return WEFT_OK;
    }
    enum weft_status status = compile_glob(call->arguments[GLOB].bytes, out_own_pattern, &run->error);
    *out_pattern = *out_own_pattern;
    if (status == WEFT_OK || status == WEFT_NOMEM) {
        return status;
    }
    run->error.status = WEFT_INVALID;
    return weft_fail_prefix(&run->error, "%s", call->function->name);
}

static enum weft_status matches(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                const struct weft_pattern *pattern, struct weft_slice text, bool *out_is_match)
{
    enum weft_pattern_outcome outcome = weft_pattern_match(pattern, run->pattern, text);
    *out_is_match = outcome == WEFT_PATTERN_MATCH;
    if (outcome == WEFT_PATTERN_LIMIT) {
        run->limits_met++;
        return weft_fail(&run->error, WEFT_INVALID, "%s: the pattern met its limit", call->function->name);
    }
    return WEFT_OK;
}

static enum weft_status replace_match(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                      struct weft_ottl_value *out_value)
{
    struct weft_ottl_value target;
    struct weft_pattern *own_pattern = NULL;
    const struct weft_pattern *pattern = NULL;
    struct weft_ottl_replacement replacement = replacement_of(call, GLOB + 1);
    struct weft_slice text;
    bool is_match = false;
    (void)out_value;
    enum weft_status status = weft_ottl_path_read(run, target_of(call), &target);
    if (status == WEFT_OK) {
        status = weft_ottl_replacement_give(run, &replacement, &text);
    }
    if (status != WEFT_OK || target.kind != WEFT_OTTL_STRING) {
        return status;
    }
    status = use_glob(run, call, &own_pattern, &pattern);
    if (status == WEFT_OK) {
        status = matches(run, call, pattern, target.bytes, &is_match);
    }
    weft_pattern_free(&own_pattern);
    if (status != WEFT_OK || !is_match) {
        return status;
    }
    target = weft_ottl_string(text);
    status = weft_ottl_value_own(run, &target, &target);
    return status == WEFT_OK ? weft_ottl_path_put(run, target_of(call), &target) : status;
}

static enum weft_status replace_matching(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                         const struct weft_pattern *pattern, struct weft_slice text,
                                         struct weft_ottl_map *map, bool *out_is_changed)
{
    struct weft_ottl_value own = weft_ottl_string(text);
    enum weft_status status = weft_ottl_value_own(run, &own, &own);
    for (size_t i = 0; status == WEFT_OK && i < map->count; i++) {
        struct weft_ottl_member *member = &map->members[i];
        bool is_match = false;
        if (member->value.kind == WEFT_OTTL_STRING) {
            status = matches(run, call, pattern, member->value.bytes, &is_match);
        }
        if (is_match) {
            member->value = own;
            member->wire = WEFT_SLICE_EMPTY;
            *out_is_changed = true;
        }
    }
    return status;
}

static enum weft_status replace_all_matches(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                            struct weft_ottl_value *out_value)
{
    struct weft_ottl_value map;
    struct weft_pattern *own_pattern = NULL;
    const struct weft_pattern *pattern = NULL;
    struct weft_ottl_replacement replacement = replacement_of(call, GLOB + 1);
    struct weft_slice text;
    bool is_changed = false;
    (void)out_value;
    enum weft_status status = weft_ottl_path_map(run, target_of(call), &map);
    if (status == WEFT_OK) {
        status = weft_ottl_replacement_give(run, &replacement, &text);
    }
    struct weft_ottl_map *open = status == WEFT_OK ? weft_ottl_map_to_change(run, &map) : NULL;
    if (open == NULL) {
        return status == WEFT_OK ? WEFT_NOMEM : status;
    }
    status = use_glob(run, call, &own_pattern, &pattern);
    if (status == WEFT_OK) {
        status = replace_matching(run, call, pattern, text, open, &is_changed);
    }
    weft_pattern_free(&own_pattern);
    map = weft_ottl_open_map(open);
    enum weft_status put = is_changed ? weft_ottl_path_put(run, target_of(call), &map) : WEFT_OK;
    return status == WEFT_OK ? put : status;
}

#define TARGET                           \
    {                                    \
        "target", WEFT_OTTL_TAKES_TARGET \
    }
#define REPLACEMENT                                                                                           \
    { "replacement", WEFT_OTTL_TAKES_STRING }, { "function", WEFT_OTTL_TAKES_FUNCTION, .is_optional = true }, \
    {                                                                                                         \
        "replacementFormat", WEFT_OTTL_TAKES_STRING, .is_optional = true                                      \
    }

const struct weft_ottl_function weft_ottl_functions_edit_text[] = {
    { .name = "replace_all_matches",
      .parameters = { TARGET, { "pattern", WEFT_OTTL_TAKES_STRING }, REPLACEMENT },
      .make = make_glob,
      .free_state = weft_ottl_pattern_free,
      .call = replace_all_matches },
    { .name = "replace_all_patterns",
      .parameters = { TARGET,
                      { "mode", WEFT_OTTL_TAKES_LITERAL_STRING },
                      { "regexPattern", WEFT_OTTL_TAKES_STRING },
                      REPLACEMENT },
      .make = make_all_patterns,
      .free_state = weft_ottl_pattern_free,
      .call = replace_all_patterns },
    { .name = "replace_match",
      .parameters = { TARGET, { "pattern", WEFT_OTTL_TAKES_STRING }, REPLACEMENT },
      .make = make_glob,
      .free_state = weft_ottl_pattern_free,
      .call = replace_match },
    { .name = "replace_pattern",
      .parameters = { TARGET, { "regexPattern", WEFT_OTTL_TAKES_STRING }, REPLACEMENT },
      .make = make_pattern,
      .free_state = weft_ottl_pattern_free,
      .call = replace_pattern },
    { .name = NULL },
};
