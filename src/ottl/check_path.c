/* What a path stands for (check.h): its context, its row in the table, and which keys it may have. */
#include <stdio.h>

#include "ottl/check.h"
#include "ottl/parser.h"
#include "ottl/path.h"

static enum weft_status fail(struct weft_ottl_checker *checker, size_t at, enum weft_status status, const char *reason,
                             struct weft_slice path)
{
    return weft_ottl_fail_at(checker->program->text, at, checker->error, status, "path %.*s: %s",
                             WEFT_SLICE_PRINT(path), reason);
}

/* The words of the contexts that may stand before a path here: "log.", "scope." or "resource." */
static void list_contexts(enum weft_ottl_context context, char *out_text, size_t size_bytes)
{
    uint32_t seen = weft_ottl_context_sees(context);
    size_t length = 0;
    out_text[0] = '\0';
    for (int i = 0; i < WEFT_OTTL_CONTEXT_COUNT && length < size_bytes; i++) {
        if ((seen >> i & 1) != 0) {
            length += (size_t)snprintf(out_text + length, size_bytes - length, "%s%s.", length == 0 ? "" : " or ",
                                       weft_ottl_context_name((enum weft_ottl_context)i));
        }
    }
}

/* The context of a path, and with how many of its words it is named. */
static enum weft_status find_context(struct weft_ottl_checker *checker, const struct weft_ottl_node *node,
                                     enum weft_ottl_context *out_context, size_t *out_words)
{
    const struct weft_ottl_path *path = node->path;
    const struct weft_ottl_options *options = &checker->program->options;
    bool has_more = path->segment_count > 1 && path->segments[0].key_count == 0;
    *out_words = 1;
    if (has_more && weft_slice_equal_text(path->segments[0].name, "otelcol")) {
        return fail(checker, node->at, WEFT_UNSUPPORTED, "metadata of the client is not supported", path->text);
    }
    if (has_more && weft_ottl_context_of(path->segments[0].name, out_context) &&
        (weft_ottl_context_sees(options->context) >> *out_context & 1) != 0) {
        return WEFT_OK;
    }
    if (!options->needs_prefix) {
        *out_context = options->context;
        *out_words = 0;
        return WEFT_OK;
    }
    char reason[160];
    char contexts[100];
    list_contexts(options->context, contexts, sizeof contexts);
    snprintf(reason, sizeof reason, "it must begin with %s here", contexts);
    return fail(checker, node->at, WEFT_INVALID, reason, path->text);
}

/* The words behind the context with points between them. */
static enum weft_status join_name(struct weft_ottl_checker *checker, const struct weft_ottl_path *path, size_t words,
                                  struct weft_slice *out_name)
{
    size_t length = 0;
    for (size_t i = words; i < path->segment_count; i++) {
        length += path->segments[i].name.length + 1;
    }
    uint8_t *name = weft_arena_try_bytes(checker->program->arena, length);
    if (name == NULL) {
        return weft_fail(checker->error, WEFT_NOMEM, "no memory for a statement");
    }
    size_t at = 0;
    for (size_t i = words; i < path->segment_count; i++) {
        struct weft_slice word = path->segments[i].name;
        memcpy(name + at, word.bytes, word.length);
        at += word.length;
        name[at++] = '.';
    }
    *out_name = weft_slice_of(name, length - 1);
    return WEFT_OK;
}

static enum weft_status fail_unknown(struct weft_ottl_checker *checker, const struct weft_ottl_node *node,
                                     enum weft_ottl_context context, struct weft_slice name)
{
    bool is_any_value = context == WEFT_OTTL_DATAPOINT && weft_slice_equal_text(name, "value");
    const char *nearest = is_any_value ? "value_int or value_double" : weft_ottl_path_nearest(context, name);
    const char *context_name = weft_ottl_context_name(context);
    return weft_ottl_fail_at(checker->program->text, node->at, checker->error, WEFT_INVALID,
                             "unknown path %.*s: context %s has no %.*s%s%s%s", WEFT_SLICE_PRINT(node->path->text),
                             context_name, WEFT_SLICE_PRINT(name), nearest == NULL ? "" : "; did you mean ",
                             nearest == NULL ? "" : nearest, nearest == NULL ? "" : "?");
}

static enum weft_status check_keys(struct weft_ottl_checker *checker, const struct weft_ottl_node *node)
{
    struct weft_ottl_path *path = node->path;
    for (size_t i = 0; i + 1 < path->segment_count; i++) {
        if (path->segments[i].key_count > 0) {
            return fail(checker, path->segments[i].at, WEFT_INVALID, "only its last word may have keys", path->text);
        }
    }
    const struct weft_ottl_segment *last = &path->segments[path->segment_count - 1];
    if (last->key_count > 0 && !path->row->takes_keys) {
        return fail(checker, last->at, WEFT_INVALID, "it has no keys", path->text);
    }
    if (last->key_count > 1 && path->row->read == weft_ottl_read_trace_state) {
        return fail(checker, last->at, WEFT_INVALID, "trace_state has one key", path->text);
    }
    path->keys = last->keys;
    path->key_count = last->key_count;
    struct weft_ottl_sought *sought = checker->program->options.sought;
    if (sought != NULL && path->row->level == WEFT_OTTL_LEVEL_RECORD) {
        sought->fields |= UINT32_C(1) << path->row->field;
    }
    if (sought != NULL && path->row->level < WEFT_OTTL_LEVEL_RECORD) {
        sought->looks_around = true;
    }
    bool is_attribute = path->row->form == WEFT_OTTL_FORM_MAP && path->key_count == 1 && path->keys[0].is_text;
    if (is_attribute && sought != NULL && weft_ottl_sought_add(sought, path->keys[0].literal.bytes, &path->slot)) {
        path->sought = sought;
    }
    return weft_ottl_check_keys(checker, path->keys, path->key_count);
}

enum weft_status weft_ottl_check_path(struct weft_ottl_checker *checker, struct weft_ottl_node *node)
{
    enum weft_ottl_context context = checker->program->options.context;
    size_t words = 0;
    struct weft_slice name;
    if (weft_slice_equal_text(node->path->text, "null")) {
        return weft_ottl_fail_at(checker->program->text, node->at, checker->error, WEFT_INVALID,
                                 "there is no null; write nil");
    }
    enum weft_status status = find_context(checker, node, &context, &words);
    if (status == WEFT_OK) {
        status = join_name(checker, node->path, words, &name);
    }
    if (status != WEFT_OK) {
        return status;
    }
    const struct weft_ottl_path_row *row = weft_ottl_path_find(context, name);
    if (row == NULL) {
        return fail_unknown(checker, node, context, name);
    }
    if (row->form == WEFT_OTTL_FORM_CACHE && context != checker->program->options.context) {
        return fail(checker, node->at, WEFT_INVALID, "the cache of another context cannot be seen", node->path->text);
    }
    node->path->row = row;
    return check_keys(checker, node);
}
