/* Explicit types of YAML (yaml_tag.h). */
#include "config/yaml_tag.h"

#include <string.h>

#include "base/base64.h"

#define CORE "tag:yaml.org,2002:"

static bool is_tag(const char *tag, const char *name)
{
    return strncmp(tag, CORE, sizeof CORE - 1) == 0 && strcmp(tag + sizeof CORE - 1, name) == 0;
}

bool weft_yaml_is_merge_tag(const char *tag)
{
    return is_tag(tag, "merge");
}

static enum weft_status take_binary(struct weft_tree *tree, struct weft_node *node, struct weft_error *error)
{
    struct weft_slice encoded = weft_slice_of_text(node->text);
    size_t length;
    char *decoded = weft_tree_try_text(tree, encoded); /* as long as it ever gets */
    if (decoded == NULL) {
        return weft_tree_fail_full(tree, error);
    }
    if (weft_base64_decode_lines(encoded, WEFT_BASE64_STANDARD, true, (uint8_t *)decoded, &length) != WEFT_OK ||
        memchr(decoded, '\0', length) != NULL) {
        return weft_fail(error, WEFT_INVALID, "!!binary wants base64 of a text without NUL");
    }
    decoded[length] = '\0';
    node->kind = WEFT_NODE_STRING;
    node->text = decoded;
    return WEFT_OK;
}

enum weft_status weft_yaml_apply_tag(struct weft_tree *tree, const char *tag, bool is_quoted, struct weft_node *node,
                                     struct weft_error *error)
{
    static const struct {
        const char *name;
        enum weft_node_kind kind;
    } types[] = {
        { "int", WEFT_NODE_INT },
        { "float", WEFT_NODE_DOUBLE },
        { "bool", WEFT_NODE_BOOL },
        { "null", WEFT_NODE_NULL },
    };
    if (strcmp(tag, "!") == 0) {
        return WEFT_OK;
    }
    if (is_tag(tag, "binary")) {
        return take_binary(tree, node, error);
    }
    if (is_tag(tag, "timestamp")) {
        return weft_fail(error, WEFT_UNSUPPORTED, "the type !!timestamp is not supported; leave it out");
    }
    for (size_t i = 0; i < WEFT_COUNT_OF(types); i++) {
        if (!is_tag(tag, types[i].name)) {
            continue;
        }
        if (is_quoted) {
            weft_node_resolve_plain(node, node->text);
        }
        if (types[i].kind == WEFT_NODE_DOUBLE && node->kind == WEFT_NODE_INT) {
            double number = weft_node_double(node);
            node->kind = WEFT_NODE_DOUBLE;
            node->value.real = number;
        }
        if (node->kind != types[i].kind) {
            return weft_fail(error, WEFT_INVALID, "\"%.64s\" is not of the type !!%s", node->text, types[i].name);
        }
        return WEFT_OK;
    }
    node->kind = WEFT_NODE_STRING; /* !!str, and what only its author knows */
    return WEFT_OK;
}
