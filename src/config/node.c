/* The config tree (node.h): nodes and texts in one arena. yaml.c, expand.c and load.c build it through
 * node_internal.h; everyone else reads. A child array that grows leaves its old self in the arena, at most once its
 * size: cheaper than a heap block per list. */
#include "config/node.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/assert.h"
#include "config/node_internal.h"

struct weft_tree {
    struct weft_arena *arena;
    struct weft_node *root;
    unsigned gates;
};

struct weft_tree *weft_tree_try_new(void)
{
    struct weft_tree *tree = weft_try_alloc(sizeof *tree);
    if (tree == NULL) {
        return NULL;
    }
    tree->arena = weft_arena_try_new();
    if (tree->arena == NULL) {
        weft_free(tree);
        return NULL;
    }
    return tree;
}

void weft_tree_free(struct weft_tree **own_tree)
{
    struct weft_tree *tree = *own_tree;
    *own_tree = NULL;
    if (tree != NULL) {
        weft_arena_unref(&tree->arena);
        weft_free(tree);
    }
}

void weft_tree_own(struct weft_tree *tree)
{
    weft_arena_own(tree->arena);
}

unsigned weft_tree_gates(const struct weft_tree *tree)
{
    return tree->gates;
}

void weft_tree_set_gates(struct weft_tree *tree, unsigned gates)
{
    tree->gates = gates;
}

const struct weft_node *weft_tree_root(const struct weft_tree *tree)
{
    return tree->root;
}

struct weft_node *weft_tree_writable_root(struct weft_tree *tree)
{
    return tree->root;
}

void weft_tree_set_root(struct weft_tree *tree, struct weft_node *root)
{
    tree->root = root;
}

static bool is_full(const struct weft_tree *tree)
{
    return weft_arena_size_bytes(tree->arena) > WEFT_CONFIG_MAX_TREE_BYTES;
}

enum weft_status weft_tree_fail_full(const struct weft_tree *tree, struct weft_error *error)
{
    if (is_full(tree)) {
        return weft_fail(error, WEFT_LIMIT, "the config takes more than %d MiB of memory",
                         WEFT_CONFIG_MAX_TREE_BYTES / (1024 * 1024));
    }
    return weft_fail(error, WEFT_NOMEM, "out of memory while reading the config");
}

char *weft_tree_try_text(struct weft_tree *tree, struct weft_slice text)
{
    char *copy = is_full(tree) ? NULL : (char *)weft_arena_try_bytes(tree->arena, text.length + 1);
    if (copy != NULL) {
        if (text.length > 0) {
            memcpy(copy, text.bytes, text.length);
        }
        copy[text.length] = '\0';
    }
    return copy;
}

struct weft_node *weft_tree_try_node(struct weft_tree *tree, enum weft_node_kind kind, struct weft_position position)
{
    struct weft_node *node = is_full(tree) ? NULL : weft_arena_try_alloc(tree->arena, sizeof *node);
    if (node != NULL) {
        *node = (struct weft_node){ .kind = kind, .file = position.file, .line = position.line };
    }
    return node;
}

static bool is_collection(const struct weft_node *node)
{
    return node->kind == WEFT_NODE_LIST || node->kind == WEFT_NODE_MAP;
}

/* FNV-1a; the limit on keys bounds what chosen collisions can cost. */
static uint32_t hash_key(const char *key)
{
    uint32_t hash = 2166136261u;
    for (; *key != '\0'; key++) {
        hash = (hash ^ (uint8_t)*key) * 16777619u;
    }
    return hash;
}

enum weft_status weft_node_try_append(struct weft_tree *tree, struct weft_node *parent, const char *key,
                                      struct weft_node *child)
{
    weft_assert(is_collection(parent) && (key != NULL) == (parent->kind == WEFT_NODE_MAP));
    size_t count = parent->value.children.count;
    if (count == parent->value.children.capacity) {
        size_t capacity = count == 0 ? 4 : count * 2;
        struct weft_node **items =
            is_full(tree) ? NULL : weft_arena_try_alloc(tree->arena, capacity * sizeof(struct weft_node *));
        if (items == NULL) {
            return WEFT_NOMEM;
        }
        if (count > 0) {
            memcpy(items, parent->value.children.items, count * sizeof(struct weft_node *));
        }
        parent->value.children.items = items;
        parent->value.children.capacity = capacity;
    }
    child->parent = parent;
    child->key = key;
    child->key_hash = key != NULL ? hash_key(key) : 0;
    child->index = (uint32_t)count;
    parent->value.children.items[count] = child;
    parent->value.children.count = count + 1;
    return WEFT_OK;
}

void weft_node_take_value(struct weft_node *node, const struct weft_node *from)
{
    node->kind = from->kind;
    node->text = from->text;
    node->is_negative = from->is_negative;
    node->value = from->value;
    if (is_collection(node)) {
        for (size_t i = 0; i < node->value.children.count; i++) {
            node->value.children.items[i]->parent = node;
        }
    }
}

enum weft_node_kind weft_node_kind(const struct weft_node *node)
{
    return node->kind;
}

const char *weft_node_kind_text(const struct weft_node *node)
{
    switch (node->kind) {
    case WEFT_NODE_NULL:
        return "null";
    case WEFT_NODE_BOOL:
        return "a bool";
    case WEFT_NODE_INT:
    case WEFT_NODE_DOUBLE:
        return "a number";
    case WEFT_NODE_STRING:
        return "a string";
    case WEFT_NODE_LIST:
        return "a list";
    case WEFT_NODE_MAP:
        return "a map";
    }
    return "";
}

struct weft_position weft_node_position(const struct weft_node *node)
{
    return (struct weft_position){ .file = node->file, .line = node->line };
}

const char *weft_node_text(const struct weft_node *node)
{
    return node->text;
}

const char *weft_node_origin(const struct weft_node *node)
{
    return node->origin;
}

bool weft_node_is_expanded(const struct weft_node *node)
{
    return node->is_expanded;
}

const char *weft_node_key(const struct weft_node *node)
{
    return node->key;
}

bool weft_node_bool(const struct weft_node *node)
{
    weft_assert(node->kind == WEFT_NODE_BOOL);
    return node->value.boolean;
}

bool weft_node_get_int(const struct weft_node *node, int64_t *out_value)
{
    weft_assert(node->kind == WEFT_NODE_INT);
    uint64_t magnitude = node->value.magnitude;
    if (magnitude > (uint64_t)INT64_MAX + (node->is_negative ? 1 : 0)) {
        return false;
    }
    *out_value = node->is_negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

bool weft_node_get_uint(const struct weft_node *node, uint64_t *out_value)
{
    weft_assert(node->kind == WEFT_NODE_INT);
    if (node->is_negative && node->value.magnitude > 0) {
        return false;
    }
    *out_value = node->value.magnitude;
    return true;
}

double weft_node_double(const struct weft_node *node)
{
    weft_assert(node->kind == WEFT_NODE_INT || node->kind == WEFT_NODE_DOUBLE);
    if (node->kind == WEFT_NODE_DOUBLE) {
        return node->value.real;
    }
    double magnitude = (double)node->value.magnitude;
    return node->is_negative ? -magnitude : magnitude;
}

size_t weft_node_count(const struct weft_node *node)
{
    return node != NULL && is_collection(node) ? node->value.children.count : 0;
}

const struct weft_node *weft_node_at(const struct weft_node *node, size_t index)
{
    weft_assert(index < weft_node_count(node));
    return node->value.children.items[index];
}

struct weft_node *weft_node_find_writable(struct weft_node *map, const char *key)
{
    if (map == NULL || map->kind != WEFT_NODE_MAP) {
        return NULL;
    }
    uint32_t hash = hash_key(key);
    for (size_t i = 0; i < map->value.children.count; i++) {
        struct weft_node *child = map->value.children.items[i];
        if (child->key_hash == hash && strcmp(child->key, key) == 0) {
            return child;
        }
    }
    return NULL;
}

const struct weft_node *weft_node_find(const struct weft_node *node, const char *key)
{
    return weft_node_find_writable((struct weft_node *)node, key);
}

void weft_node_mark_secret(const struct weft_node *node)
{
    ((struct weft_node *)node)->is_secret = true;
}

void weft_node_mark_read(const struct weft_node *node, enum weft_node_kind kind)
{
    struct weft_node *writable = (struct weft_node *)node;
    writable->is_read_as = kind != node->kind;
    writable->read_as = kind;
}

bool weft_node_is_secret(const struct weft_node *node)
{
    return node->is_secret;
}

void weft_node_format_path(const struct weft_node *node, char *out_text, size_t size_bytes)
{
    const struct weft_node *chain[WEFT_CONFIG_MAX_DEPTH + 2];
    size_t depth = 0;
    for (; node != NULL && node->parent != NULL && depth < WEFT_COUNT_OF(chain); node = node->parent) {
        chain[depth++] = node;
    }
    out_text[0] = '\0';
    size_t used = 0;
    while (depth > 0 && used < size_bytes) {
        const struct weft_node *step = chain[--depth];
        int length = step->key == NULL
                         ? snprintf(out_text + used, size_bytes - used, "[%u]", step->index)
                         : snprintf(out_text + used, size_bytes - used, "%s%s", used > 0 ? "." : "", step->key);
        used += length < 0 ? 0 : (size_t)length;
    }
}

enum weft_status weft_node_fail(struct weft_error *error, enum weft_status status, const struct weft_node *node,
                                const char *format, ...)
{
    struct weft_error own;
    char text[sizeof own.text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    weft_node_hide_values(node, text, sizeof text);
    char path[160];
    weft_node_format_path(node, path, sizeof path);
    const char *separator = path[0] != '\0' ? ": " : "";
    const char *file = node->file != NULL ? node->file : "config";
    if (node->line == 0) {
        return weft_fail(error, status, "%s: %s%s%s", file, path, separator, text);
    }
    return weft_fail(error, status, "%s:%u: %s%s%s", file, node->line, path, separator, text);
}
