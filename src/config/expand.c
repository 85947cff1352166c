/* Substitution in a loaded tree (expand.h), in the Collector's order (confmap, expand.go): in each text the innermost
 * of the first ${...} first; what it gives is looked at again; a text that is one whole ${...} is read as YAML and
 * keeps the original for keys that want a string. Bounds: steps and places per text, bytes per text, depth, and the
 * tree's. */
#include "config/expand.h"

#include <stdio.h>

#include "config/node_internal.h"
#include "config/yaml.h"

enum { MAX_STEPS = 1000, MAX_PLACES = 100 };

struct expander {
    struct weft_tree *tree;
    const struct weft_config_environment *environment;
    struct weft_config_notes *notes;
    struct weft_error *error;
};

static enum weft_status expand_node(struct expander *expander, struct weft_node *node, size_t depth);

/* The last "${" that begins before limit, or NULL. */
static const char *last_opening(const char *text, const char *limit)
{
    for (const char *at = limit - 1; at > text; at--) {
        if (at[-1] == '$' && at[0] == '{') {
            return at - 1;
        }
    }
    return NULL;
}

/* The next ${...} to replace: up to the first "}", from the last "${" before it, unless an odd number of $ stands in
 * front (then it is escaped). False when there is none. */
static bool find_place(const char *text, struct weft_slice *out_place)
{
    for (const char *close = strchr(text, '}'); close != NULL; text = close + 1, close = strchr(text, '}')) {
        const char *open = last_opening(text, close);
        if (open == NULL) {
            continue;
        }
        size_t dollars = 0;
        while (open - dollars > text && *(open - dollars - 1) == '$') {
            dollars++;
        }
        if (dollars % 2 == 0) {
            *out_place = weft_slice_of(open, (size_t)(close - open) + 1);
            return true;
        }
    }
    return false;
}

static enum weft_status fail_full(const struct expander *expander)
{
    return weft_tree_fail_full(expander->tree, expander->error);
}

/* "NAME" or "scheme:rest" inside the braces. */
static enum weft_status fetch(struct expander *expander, const struct weft_node *node, struct weft_slice place,
                              struct weft_config_source *out_source)
{
    struct weft_slice inside = weft_slice_of(place.bytes + 2, place.length - 3);
    if (inside.length > 0 && memchr(inside.bytes, '$', inside.length) != NULL) {
        return weft_node_fail(expander->error, WEFT_INVALID, node, "a $ inside ${...}");
    }
    bool has_scheme = inside.length > 0 && memchr(inside.bytes, ':', inside.length) != NULL;
    struct weft_buffer uri;
    weft_buffer_init(&uri, 0);
    weft_buffer_append_text(&uri, has_scheme ? "" : "env:");
    weft_buffer_append(&uri, inside.bytes, inside.length);
    weft_buffer_append_byte(&uri, '\0');
    enum weft_status status = weft_buffer_status(&uri);
    if (status != WEFT_OK) {
        status = weft_fail(expander->error, status, "out of memory");
    } else {
        struct weft_error where;
        weft_node_fail(&where, WEFT_INVALID, node, "${...}");
        status = weft_config_source_read(expander->environment, (const char *)uri.bytes, where.text, expander->notes,
                                         out_source, expander->error);
    }
    weft_buffer_fini(&uri);
    return status;
}

static size_t count_of(const char *text, struct weft_slice place)
{
    size_t count = 0;
    const char *end = text + strlen(text);
    for (const char *at = text; (at = memmem(at, (size_t)(end - at), place.bytes, place.length)) != NULL; count++) {
        at += place.length;
    }
    return count;
}

/* Every occurrence of place in text becomes with; the result belongs to the tree. */
static enum weft_status replace_all(struct expander *expander, const struct weft_node *node, const char *text,
                                    struct weft_slice place, struct weft_slice with, const char **out_text)
{
    size_t length = strlen(text);
    size_t count = count_of(text, place);
    size_t new_length = length - count * place.length + count * with.length;
    if (new_length > WEFT_CONFIG_MAX_BYTES) {
        return weft_node_fail(expander->error, WEFT_LIMIT, node, "grows beyond 1 MiB");
    }
    struct weft_buffer result;
    weft_buffer_init(&result, 0);
    const char *end = text + length;
    for (const char *found; (found = memmem(text, (size_t)(end - text), place.bytes, place.length)) != NULL;) {
        weft_buffer_append(&result, text, (size_t)(found - text));
        weft_buffer_append(&result, with.bytes, with.length);
        text = found + place.length;
    }
    weft_buffer_append(&result, text, (size_t)(end - text));
    bool is_whole = weft_buffer_status(&result) == WEFT_OK;
    char *copy = is_whole ? weft_tree_try_text(expander->tree, weft_buffer_slice(&result)) : NULL;
    weft_buffer_fini(&result);
    if (copy == NULL) {
        return fail_full(expander);
    }
    *out_text = copy;
    return WEFT_OK;
}

static bool has_lines(const char *text)
{
    const char *newline = strchr(text, '\n');
    return newline != NULL && newline[1] != '\0';
}

/* Not YAML: the text itself is meant (a password that starts with "*" or "&"). Several lines with anchors or tags are
 * meant as YAML. */
static bool is_meant_as_text(const char *text, enum weft_status status)
{
    return status == WEFT_INVALID || (status == WEFT_UNSUPPORTED && !has_lines(text));
}

/* A file of several lines with an error in it becomes a text without a word in the Collector; here with a note. */
static enum weft_status note_not_yaml(struct expander *expander, const struct weft_node *node, const char *why)
{
    struct weft_error line;
    weft_node_fail(&line, WEFT_INVALID, node, "taken as a text, for it is not YAML: %s", why);
    enum weft_status status = weft_config_notes_add(expander->notes, WEFT_NOTE_WARNING, "%s", line.text);
    return status == WEFT_OK ? WEFT_OK : fail_full(expander);
}

/* What is in a list or map of the environment came from there, too; what is in one of a file has its line in it. */
static void note_origin_below(struct weft_node *node, const char *origin)
{
    for (size_t i = 0; i < weft_node_count(node); i++) {
        struct weft_node *child = node->value.children.items[i];
        child->origin = origin;
        note_origin_below(child, origin);
    }
}

/* The value of a whole ${...} into node: a string is the text as it is, quotes and all, as in the Collector. */
static enum weft_status retype(struct expander *expander, struct weft_node *node, const char *text,
                               const struct weft_config_source *source)
{
    struct weft_position position = weft_node_position(node);
    if (source->has_lines) {
        const char *file = weft_tree_try_text(expander->tree, weft_slice_of_text(source->name));
        if (file == NULL) {
            return fail_full(expander);
        }
        position = (struct weft_position){ .file = file, .line = 0 };
    } else if (position.line == 0) {
        position.line = 1;
    }
    struct weft_node *value = NULL;
    struct weft_error why;
    enum weft_status status = source->is_empty_default
                                  ? WEFT_INVALID
                                  : weft_yaml_parse(expander->tree, weft_slice_of_text(text), position, &value, &why);
    if (status != WEFT_OK && !is_meant_as_text(text, status)) {
        return weft_fail(expander->error, status, "%s", why.text);
    }
    node->kind = WEFT_NODE_STRING;
    if (status == WEFT_OK && value->kind != WEFT_NODE_STRING) {
        weft_node_take_value(node, value);
    }
    if (!source->has_lines) {
        note_origin_below(node, node->origin);
    }
    node->text = text;
    node->is_expanded = true;
    bool is_broken = status == WEFT_INVALID && source->has_lines && has_lines(text);
    return is_broken ? note_not_yaml(expander, node, why.text) : WEFT_OK;
}

/* One step on the string in node. */
static enum weft_status expand_place(struct expander *expander, struct weft_node *node, struct weft_slice place)
{
    struct weft_config_source source;
    enum weft_status status = fetch(expander, node, place, &source);
    if (status != WEFT_OK) {
        return status;
    }
    node->origin = node->origin == NULL ? node->text : node->origin;
    struct weft_slice bytes = weft_buffer_slice(&source.bytes);
    if (place.length == strlen(node->text)) {
        const char *text = weft_tree_try_text(expander->tree, bytes);
        status = text == NULL ? fail_full(expander) : retype(expander, node, text, &source);
    } else {
        status = replace_all(expander, node, node->text, place, bytes, &node->text);
    }
    weft_config_source_fini(&source);
    return status;
}

static size_t count_openings(const char *text)
{
    size_t count = 0;
    for (const char *at = strstr(text, "${"); at != NULL; at = strstr(at + 2, "${")) {
        count++;
    }
    return count;
}

static enum weft_status expand_string(struct expander *expander, struct weft_node *node)
{
    if (count_openings(node->text) > MAX_PLACES) {
        return weft_node_fail(expander->error, WEFT_LIMIT, node, "more than %d ${...} in one value", MAX_PLACES);
    }
    struct weft_slice place;
    for (size_t step = 0; node->kind == WEFT_NODE_STRING && find_place(node->text, &place); step++) {
        if (step == MAX_STEPS) {
            return weft_node_fail(expander->error, WEFT_LIMIT, node,
                                  "more than %d expansions: does ${...} name itself?", MAX_STEPS);
        }
        enum weft_status status = expand_place(expander, node, place);
        if (status != WEFT_OK) {
            return status;
        }
    }
    return WEFT_OK;
}

static enum weft_status expand_children(struct expander *expander, struct weft_node *node, size_t depth)
{
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; i < weft_node_count(node) && status == WEFT_OK; i++) {
        status = expand_node(expander, node->value.children.items[i], depth + 1);
    }
    return status;
}

/* The original of a list or map may hold ${...} too, for a key that wants a string. Where that fails the value alone
 * counts. */
static enum weft_status expand_original(struct expander *expander, struct weft_node *node)
{
    struct weft_error ignored;
    struct expander quiet = { expander->tree, expander->environment, NULL, &ignored };
    struct weft_node text = { .kind = WEFT_NODE_STRING, .text = node->text, .file = node->file, .line = node->line };
    enum weft_status status = expand_string(&quiet, &text);
    if (status == WEFT_NOMEM) {
        return fail_full(expander);
    }
    node->text = status == WEFT_OK ? text.text : NULL;
    return WEFT_OK;
}

static enum weft_status expand_node(struct expander *expander, struct weft_node *node, size_t depth)
{
    if (depth > WEFT_CONFIG_MAX_DEPTH) {
        return weft_node_fail(expander->error, WEFT_LIMIT, node, "more than %d nested maps and lists",
                              WEFT_CONFIG_MAX_DEPTH);
    }
    bool is_text = node->kind == WEFT_NODE_STRING;
    enum weft_status status = is_text ? expand_string(expander, node) : WEFT_OK;
    if (status == WEFT_OK) {
        status = expand_children(expander, node, depth);
    }
    return status == WEFT_OK && is_text && weft_node_count(node) > 0 ? expand_original(expander, node) : status;
}

/* "$$" -> "$", last of all, so that what was escaped stays out of every step above. */
static enum weft_status unescape_dollars(struct expander *expander, struct weft_node *node)
{
    enum weft_status status = WEFT_OK;
    if (node->text != NULL && strstr(node->text, "$$") != NULL) {
        status =
            replace_all(expander, node, node->text, WEFT_SLICE_LITERAL("$$"), WEFT_SLICE_LITERAL("$"), &node->text);
    }
    for (size_t i = 0; i < weft_node_count(node) && status == WEFT_OK; i++) {
        status = unescape_dollars(expander, node->value.children.items[i]);
    }
    return status;
}

enum weft_status weft_config_expand(struct weft_tree *tree, struct weft_node *root,
                                    const struct weft_config_environment *environment, struct weft_config_notes *notes,
                                    struct weft_error *error)
{
    struct expander expander = { tree, environment, notes, error };
    enum weft_status status = expand_node(&expander, root, 0);
    return status == WEFT_OK ? unescape_dollars(&expander, root) : status;
}
