/* Which context texts are meant for (ottl.h): that of the lowest record that one of their paths names. */
#include "base/assert.h"
#include "ottl/function.h"
#include "ottl/ottl.h"
#include "ottl/parser.h"

/* What a context must know. The list of trees is short: they are walked again for each context that is tried. */
struct hints {
    const struct weft_ottl_node *const *roots;
    size_t count;
};

static void note_path(const struct weft_ottl_path *path, enum weft_ottl_context *in_out_lowest)
{
    enum weft_ottl_context named;
    if (path->segment_count > 1 && path->segments[0].key_count == 0 &&
        weft_ottl_context_of(path->segments[0].name, &named) && named < *in_out_lowest) {
        *in_out_lowest = named;
    }
}

static void note_lowest(const struct weft_ottl_node *node, enum weft_ottl_context *in_out_lowest);

static void note_keys(const struct weft_ottl_key *keys, size_t count, enum weft_ottl_context *in_out_lowest)
{
    for (size_t i = 0; i < count; i++) {
        if (keys[i].node != NULL) {
            note_lowest(keys[i].node, in_out_lowest);
        }
    }
}

static void note_lowest(const struct weft_ottl_node *node, enum weft_ottl_context *in_out_lowest)
{
    if (node->kind == WEFT_OTTL_NODE_PATH) {
        note_path(node->path, in_out_lowest);
        for (size_t i = 0; i < node->path->segment_count; i++) {
            note_keys(node->path->segments[i].keys, node->path->segments[i].key_count, in_out_lowest);
        }
    }
    note_keys(node->keys, node->key_count, in_out_lowest);
    for (size_t i = 0; i < node->count; i++) {
        note_lowest(node->items[i], in_out_lowest);
    }
}

static bool knows(enum weft_ottl_context context, const struct weft_ottl_node *node);

static bool knows_keys(enum weft_ottl_context context, const struct weft_ottl_key *keys, size_t count)
{
    bool all = true;
    for (size_t i = 0; all && i < count; i++) {
        all = keys[i].node == NULL || knows(context, keys[i].node);
    }
    return all;
}

/* Its functions and enums. An enum may be the name of a function. */
static bool knows(enum weft_ottl_context context, const struct weft_ottl_node *node)
{
    int64_t number;
    bool is_known = true;
    if (node->kind == WEFT_OTTL_NODE_CALL) {
        is_known = weft_ottl_function_find(node->name, context) != NULL;
    } else if (node->kind == WEFT_OTTL_NODE_ENUM) {
        is_known =
            weft_ottl_enum_of(node->name, context, &number) || weft_ottl_function_find(node->name, context) != NULL;
    } else if (node->kind == WEFT_OTTL_NODE_PATH) {
        for (size_t i = 0; is_known && i < node->path->segment_count; i++) {
            is_known = knows_keys(context, node->path->segments[i].keys, node->path->segments[i].key_count);
        }
    }
    is_known = is_known && knows_keys(context, node->keys, node->key_count);
    for (size_t i = 0; is_known && i < node->count; i++) {
        is_known = knows(context, node->items[i]);
    }
    return is_known;
}

static bool knows_all(enum weft_ottl_context context, const struct hints *hints)
{
    bool all = true;
    for (size_t i = 0; all && i < hints->count; i++) {
        all = hints->roots[i] == NULL || knows(context, hints->roots[i]);
    }
    return all;
}

/* The context itself, or the first below it that sees it and knows what the texts need. If there is none it stays, and
 * compiling says what is not known. */
static enum weft_ottl_context choose(enum weft_ottl_context lowest, enum weft_signal signal, const struct hints *hints)
{
    if (knows_all(lowest, hints)) {
        return lowest;
    }
    for (int i = 0; i < WEFT_OTTL_CONTEXT_COUNT; i++) {
        enum weft_ottl_context context = (enum weft_ottl_context)i;
        if ((weft_ottl_context_sees(context) >> lowest & 1) != 0 && weft_ottl_context_is_of(context, signal) &&
            knows_all(context, hints)) {
            return context;
        }
    }
    return lowest;
}

static enum weft_status parse(struct weft_ottl_parser *parser, enum weft_ottl_form_of_text form,
                              struct weft_ottl_node *out_roots[2])
{
    switch (form) {
    case WEFT_OTTL_CONDITION:
        return weft_ottl_parse_condition(parser, &out_roots[0]);
    case WEFT_OTTL_STATEMENT:
        return weft_ottl_parse_statement(parser, &out_roots[0], &out_roots[1]);
    case WEFT_OTTL_VALUE:
        return weft_ottl_parse_value(parser, &out_roots[0]);
    }
    weft_assert(!"form");
}

enum weft_status weft_ottl_infer_context(const struct weft_slice *texts, size_t count, enum weft_ottl_form_of_text form,
                                         enum weft_signal signal, bool *out_is_inferred,
                                         enum weft_ottl_context *out_context, struct weft_error *error)
{
    struct weft_arena *arena = weft_arena_try_new();
    struct weft_ottl_node **roots =
        arena == NULL ? NULL : weft_arena_try_alloc(arena, (2 * count + 1) * sizeof(struct weft_ottl_node *));
    enum weft_ottl_context lowest = WEFT_OTTL_CONTEXT_COUNT;
    enum weft_status status = roots == NULL ? weft_fail(error, WEFT_NOMEM, "no memory for a statement") : WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < count; i++) {
        struct weft_ottl_parser parser;
        roots[2 * i] = roots[2 * i + 1] = NULL;
        status = weft_ottl_parser_init(&parser, texts[i], arena, error);
        if (status == WEFT_OK) {
            status = parse(&parser, form, &roots[2 * i]);
        }
        for (size_t j = 2 * i; status == WEFT_OK && j < 2 * i + 2; j++) {
            if (roots[j] != NULL) {
                note_lowest(roots[j], &lowest);
            }
        }
    }
    if (status == WEFT_OK) {
        *out_is_inferred = lowest != WEFT_OTTL_CONTEXT_COUNT;
        struct hints hints = { (const struct weft_ottl_node *const *)roots, 2 * count };
        *out_context = *out_is_inferred ? choose(lowest, signal, &hints) : WEFT_OTTL_RESOURCE;
    }
    weft_arena_unref(&arena);
    return status;
}
