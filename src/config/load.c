/* From the command line to one tree (load.h): each source parsed, merged in order, then ${...} over the whole, so that
 * a later source can replace a value before it is looked up. Called at the start, at a reload and by validate. */
#include "config/load.h"

#include <stdio.h>

#include "config/expand.h"
#include "config/merge.h"
#include "config/node_internal.h"
#include "config/yaml.h"

struct loader {
    struct weft_tree *tree;
    const struct weft_config_environment *environment;
    struct weft_config_notes *notes;
    struct weft_error *error;
};

/* A path has no scheme. One letter before the colon is a drive of another system, and a path there too. */
static bool is_path(const char *config)
{
    size_t before_colon = strcspn(config, ":");
    return config[before_colon] == '\0' || before_colon <= 1;
}

static enum weft_status merge_text(struct loader *loader, struct weft_slice text, const char *name,
                                   struct weft_node **out_map)
{
    const char *file = weft_tree_try_text(loader->tree, weft_slice_of_text(name));
    if (file == NULL) {
        return weft_tree_fail_full(loader->tree, loader->error);
    }
    struct weft_node *node = NULL;
    enum weft_status status =
        weft_yaml_parse(loader->tree, text, (struct weft_position){ .file = file }, &node, loader->error);
    if (status != WEFT_OK) {
        return status;
    }
    if (node->kind != WEFT_NODE_MAP && node->kind != WEFT_NODE_NULL) {
        return weft_node_fail(loader->error, WEFT_INVALID, node, "a config is a map, not %s",
                              weft_node_kind_text(node));
    }
    *out_map = node;
    return WEFT_OK;
}

static enum weft_status load_config(struct loader *loader, const char *config)
{
    struct weft_buffer uri;
    weft_buffer_init(&uri, 0);
    weft_buffer_append_text(&uri, is_path(config) ? "file:" : "");
    weft_buffer_append_text(&uri, config);
    weft_buffer_append_byte(&uri, '\0');
    struct weft_config_source source;
    enum weft_status status = weft_buffer_status(&uri);
    if (status == WEFT_OK) {
        status = weft_config_source_read(loader->environment, (const char *)uri.bytes, "--config", loader->notes,
                                         &source, loader->error);
    } else {
        status = weft_fail(loader->error, status, "out of memory");
    }
    weft_buffer_fini(&uri);
    if (status != WEFT_OK) {
        return status;
    }
    struct weft_node *map = NULL;
    status = merge_text(loader, weft_buffer_slice(&source.bytes), source.name, &map);
    weft_config_source_fini(&source);
    return status == WEFT_OK
               ? weft_config_merge(loader->tree, weft_tree_writable_root(loader->tree), map, loader->error)
               : status;
}

static void forget_lines(struct weft_node *node)
{
    node->line = 0;
    for (size_t i = 0; i < weft_node_count(node); i++) {
        forget_lines(node->value.children.items[i]);
    }
}

/* "a.b=c" is the YAML "a::b: c". */
static enum weft_status load_set(struct loader *loader, const char *set)
{
    const char *equals = strchr(set, '=');
    if (equals == NULL) {
        return weft_fail(loader->error, WEFT_INVALID, "--set %.60s: wants key=value", set);
    }
    struct weft_buffer text;
    weft_buffer_init(&text, WEFT_CONFIG_MAX_BYTES);
    for (const char *at = set; at < equals; at++) {
        if (*at == '.') {
            weft_buffer_append_text(&text, "::");
        } else {
            weft_buffer_append_byte(&text, (uint8_t)*at);
        }
    }
    weft_buffer_append_text(&text, ": ");
    weft_buffer_append_text(&text, equals + 1);
    char name[100];
    snprintf(name, sizeof name, "--set %.*s", equals - set > 80 ? 80 : (int)(equals - set), set);
    struct weft_node *map = NULL;
    enum weft_status status = weft_buffer_status(&text);
    status = status == WEFT_OK ? merge_text(loader, weft_buffer_slice(&text), name, &map)
                               : weft_fail(loader->error, status, "%s: out of memory", name);
    weft_buffer_fini(&text);
    if (status != WEFT_OK) {
        return status;
    }
    forget_lines(map);
    return weft_config_merge(loader->tree, weft_tree_writable_root(loader->tree), map, loader->error);
}

static enum weft_status load_all(struct loader *loader, const struct weft_config_sources *sources)
{
    const char *name = sources->config_count == 1 && is_path(sources->configs[0]) ? sources->configs[0] : "config";
    const char *file = weft_tree_try_text(loader->tree, weft_slice_of_text(name));
    struct weft_node *root =
        file == NULL ? NULL : weft_tree_try_node(loader->tree, WEFT_NODE_MAP, (struct weft_position){ .file = file });
    if (root == NULL) {
        return weft_tree_fail_full(loader->tree, loader->error);
    }
    weft_tree_set_root(loader->tree, root);
    weft_tree_set_gates(loader->tree, sources->gates);
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; i < sources->config_count && status == WEFT_OK; i++) {
        status = load_config(loader, sources->configs[i]);
    }
    for (size_t i = 0; i < sources->set_count && status == WEFT_OK; i++) {
        status = load_set(loader, sources->sets[i]);
    }
    return status == WEFT_OK ? weft_config_expand(loader->tree, root, loader->environment, loader->notes, loader->error)
                             : status;
}

enum weft_status weft_config_load(const struct weft_config_sources *sources, struct weft_tree **out_tree,
                                  struct weft_config_notes *notes, struct weft_error *error)
{
    if (sources->config_count == 0) {
        return weft_fail(error, WEFT_INVALID, "no config given; use --config=PATH");
    }
    struct loader loader = {
        .tree = weft_tree_try_new(),
        .environment = sources->environment != NULL ? sources->environment : &weft_config_process_environment,
        .notes = notes,
        .error = error,
    };
    if (loader.tree == NULL) {
        return weft_fail(error, WEFT_NOMEM, "out of memory while reading the config");
    }
    enum weft_status status = load_all(&loader, sources);
    if (status != WEFT_OK) {
        weft_tree_free(&loader.tree);
        return status;
    }
    *out_tree = loader.tree;
    return WEFT_OK;
}

enum weft_status weft_config_load_text(const char *text, const char *file, struct weft_tree **out_tree,
                                       struct weft_error *error)
{
    struct weft_tree *tree = weft_tree_try_new();
    if (tree == NULL) {
        return weft_fail(error, WEFT_NOMEM, "out of memory while reading the config");
    }
    const char *name = weft_tree_try_text(tree, weft_slice_of_text(file));
    struct weft_node *node = NULL;
    enum weft_status status = name == NULL ? weft_tree_fail_full(tree, error)
                                           : weft_yaml_parse(tree, weft_slice_of_text(text),
                                                             (struct weft_position){ .file = name }, &node, error);
    if (status != WEFT_OK) {
        weft_tree_free(&tree);
        return status;
    }
    weft_tree_set_root(tree, node);
    *out_tree = tree;
    return WEFT_OK;
}
