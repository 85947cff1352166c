/* Explicit types of YAML (yaml_tag.h). */
#include "config/yaml_tag.h"

#include <string.h>

#define CORE "tag:yaml.org,2002:"

static bool is_tag(const char *tag, const char *name)
{
    return strncmp(tag, CORE, sizeof CORE - 1) == 0 && strcmp(tag + sizeof CORE - 1, name) == 0;
}

bool weft_yaml_is_merge_tag(const char *tag)
{
    return is_tag(tag, "merge");
}

static int digit_of(char letter)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = letter == '\0' ? NULL : strchr(digits, letter);
    return found == NULL ? -1 : (int)(found - digits);
}

/* RFC 4648 section 4, line breaks allowed. False: it is none, or what it holds is no text. */
static bool decode_base64(const char *text, char *out_text)
{
    uint32_t bits = 0;
    size_t digit_count = 0, padding = 0, length = 0;
    for (; *text != '\0'; text++) {
        if (*text == '\r' || *text == '\n') {
            continue;
        }
        int digit = digit_of(*text);
        padding += *text == '=';
        if ((digit < 0 && *text != '=') || (digit >= 0 && padding > 0)) {
            return false;
        }
        bits = bits << 6 | (digit < 0 ? 0 : (uint32_t)digit);
        digit_count++;
        if (digit_count % 4 == 0) {
            for (int shift = 16; shift >= 0; shift -= 8) {
                out_text[length++] = (char)(bits >> shift);
            }
        }
    }
    if (digit_count % 4 != 0 || padding > 2 || padding > length) {
        return false;
    }
    length -= padding;
    out_text[length] = '\0';
    return memchr(out_text, '\0', length) == NULL;
}

static enum weft_status take_binary(struct weft_tree *tree, struct weft_node *node, struct weft_error *error)
{
    char *decoded = weft_tree_try_text(tree, weft_slice_of_text(node->text)); /* as long as it ever gets */
    if (decoded == NULL) {
        return weft_tree_fail_full(tree, error);
    }
    if (!decode_base64(node->text, decoded)) {
        return weft_fail(error, WEFT_INVALID, "!!binary wants base64 of a text without NUL");
    }
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
