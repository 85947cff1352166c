/* ExtractGrokPatterns. */
#include "base/alloc.h"
#include "ottl/functions.h"
#include "ottl/functions_give.h"
#include "ottl/map_settle.h"
#include "ottl/text_grok.h"
#include "ottl/text_number.h"

enum { TARGET, PATTERN, NAMED_ONLY, DEFINITIONS };

/* The definitions are written in the statement, so that they are there with the config. */
static enum weft_status new_grok(const struct weft_ottl_call *call, struct weft_ottl_grok **out_grok,
                                 struct weft_error *error)
{
    const struct weft_ottl_node *list = call->nodes[DEFINITIONS];
    size_t count = list == NULL ? 0 : list->count;
    struct weft_slice *definitions = weft_try_alloc((count + 1) * sizeof *definitions);
    if (definitions == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for a pattern");
    }
    for (size_t i = 0; i < count; i++) {
        definitions[i] = list->items[i]->literal.bytes;
    }
    const struct weft_ottl_node *named = call->nodes[NAMED_ONLY];
    struct weft_ottl_grok_options options = { .definitions = definitions,
                                              .definition_count = count,
                                              .is_named_only = named != NULL && named->literal.boolean };
    enum weft_status status = weft_ottl_grok_new(call->arguments[PATTERN].bytes, &options, out_grok, error);
    weft_free(definitions);
    if (status == WEFT_OK && options.is_named_only && !(*out_grok)->has_fields) {
        weft_ottl_grok_free(out_grok);
        return weft_fail(error, WEFT_INVALID, "the pattern has no field with a name");
    }
    return status;
}

static enum weft_status make_grok(struct weft_ottl_maker *maker, const struct weft_ottl_call *call, void **out_state,
                                  struct weft_error *error)
{
    (void)maker;
    struct weft_ottl_grok *grok = NULL;
    enum weft_status status = WEFT_OK;
    if (call->arguments[PATTERN].kind == WEFT_OTTL_STRING) {
        status = new_grok(call, &grok, error);
        *out_state = grok;
    }
    return status;
}

static void free_grok(void *state)
{
    struct weft_ottl_grok *grok = state;
    weft_ottl_grok_free(&grok);
}

/* What a field holds, as the type that the pattern says. */
static enum weft_status read_typed(struct weft_ottl_run *run, enum weft_ottl_grok_type type, struct weft_slice text,
                                   struct weft_ottl_value *out_value)
{
    int64_t number = 0;
    *out_value = weft_ottl_string(text);
    switch (type) {
    case WEFT_OTTL_GROK_STRING:
        return WEFT_OK;
    case WEFT_OTTL_GROK_INT:
        if (!weft_ottl_read_int(text, 10, &number)) {
            return weft_fail(&run->error, WEFT_INVALID, "what a field of type int holds is no whole number");
        }
        *out_value = weft_ottl_int(number);
        return WEFT_OK;
    case WEFT_OTTL_GROK_DOUBLE:
        return weft_ottl_argument_take(run, WEFT_OTTL_TAKES_FLOAT_LIKE, out_value);
    case WEFT_OTTL_GROK_BOOL:
        return weft_ottl_argument_take(run, WEFT_OTTL_TAKES_BOOL_LIKE, out_value);
    case WEFT_OTTL_GROK_UNKNOWN:
        break;
    }
    return weft_fail(&run->error, WEFT_INVALID, "a field has a type that there is not; use int, float, bool or string");
}

/* The group's name with its dots; the grok may be freed before the value is used. */
static enum weft_status give_name(struct weft_ottl_run *run, const char *group, struct weft_slice *out_name)
{
    size_t length = strlen(group);
    char *name = weft_ottl_run_take(run, length + 1);
    size_t used = 0;
    if (name == NULL) {
        return WEFT_NOMEM;
    }
    while (*group != '\0') {
        bool is_dot = strncmp(group, "___", 3) == 0;
        name[used++] = is_dot ? '.' : *group;
        group += is_dot ? 3 : 1;
    }
    *out_name = weft_slice_of(name, used);
    return WEFT_OK;
}

static enum weft_status add_fields(struct weft_ottl_run *run, const struct weft_ottl_grok *grok,
                                   const struct weft_pattern_search *search, struct weft_ottl_map *map)
{
    enum weft_status status = WEFT_OK;
    for (size_t group = 1; status == WEFT_OK && group <= weft_pattern_group_count(grok->pattern); group++) {
        const char *name = weft_pattern_group_name(grok->pattern, group);
        struct weft_slice text, key;
        struct weft_ottl_value value;
        if (name == NULL || !weft_pattern_search_group(search, group, &text) || text.length == 0) {
            continue;
        }
        status = give_name(run, name, &key);
        if (status == WEFT_OK) {
            status = read_typed(run, grok->types[group], text, &value);
        }
        if (status == WEFT_OK) {
            status = weft_ottl_map_set(&run->memory, map, key, value);
        }
    }
    return status;
}

static enum weft_status search_in(struct weft_ottl_run *run, const struct weft_ottl_grok *grok, struct weft_slice text,
                                  struct weft_ottl_map *map)
{
    struct weft_pattern_search search;
    size_t start, end;
    weft_pattern_search_start(grok->pattern, run->pattern, text, &search);
    enum weft_pattern_outcome outcome = weft_pattern_search_next(&search, &start, &end);
    if (outcome == WEFT_PATTERN_LIMIT) {
        run->limits_met++;
        return weft_fail(&run->error, WEFT_INVALID, "the pattern met its limit");
    }
    return outcome == WEFT_PATTERN_MATCH ? add_fields(run, grok, &search, map) : WEFT_OK;
}

static enum weft_status extract_grok(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                     struct weft_ottl_value *out_value)
{
    struct weft_ottl_grok *own_grok = NULL;
    struct weft_ottl_map *map = weft_ottl_new_map(run);
    enum weft_status status = map == NULL ? WEFT_NOMEM : WEFT_OK;
    if (status == WEFT_OK && call->state == NULL) {
        status = new_grok(call, &own_grok, &run->error);
        if (status != WEFT_OK && status != WEFT_NOMEM) {
            run->error.status = status = WEFT_INVALID;
        }
    }
    if (status == WEFT_OK) {
        status = search_in(run, call->state != NULL ? call->state : own_grok, call->arguments[TARGET].bytes, map);
    }
    weft_ottl_grok_free(&own_grok);
    *out_value = weft_ottl_open_map(map);
    return status == WEFT_INVALID ? weft_fail_prefix(&run->error, "ExtractGrokPatterns") : status;
}

const struct weft_ottl_function weft_ottl_functions_grok[] = {
    { .name = "ExtractGrokPatterns",
      .parameters = { { "target", WEFT_OTTL_TAKES_STRING },
                      { "pattern", WEFT_OTTL_TAKES_STRING },
                      { "namedCapturesOnly", WEFT_OTTL_TAKES_LITERAL_BOOL, .is_optional = true },
                      { "patternDefinitions", WEFT_OTTL_TAKES_LITERAL_STRING, .is_list = true, .is_optional = true } },
      .make = make_grok,
      .free_state = free_grok,
      .call = extract_grok },
    { .name = NULL },
};
