/* The tree as YAML, for `weft print-config` (print.h). Numbers are written by value, so that what an expansion gave
 * reads the same; a string is quoted unless it is plainly a word. */
#include "config/print.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/node_internal.h"

static void print_value(const struct weft_node *node, size_t indent, bool is_in_list, struct weft_buffer *out);

/* A word that YAML cannot take for anything else. */
static bool is_plain(const char *text)
{
    struct weft_node as_read = { 0 };
    weft_node_resolve_plain(&as_read, text);
    char first = (char)(text[0] | 0x20);
    if (as_read.kind != WEFT_NODE_STRING || !((first >= 'a' && first <= 'z') || text[0] == '/' || text[0] == '_')) {
        return false;
    }
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./")] == '\0';
}

/* Length of the UTF-8 character at text, 0 if there is none. */
static size_t character_length(const unsigned char *text)
{
    size_t length = text[0] < 0x80 ? 1 : text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : text[0] >= 0xc2 ? 2 : 0;
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

/* What YAML allows inside double quotes only escaped: controls, the breaks of Unicode, the byte order mark. */
static bool must_escape(uint32_t code_point)
{
    return code_point < 0x20 || (code_point >= 0x7f && code_point <= 0xa0) || code_point == 0x2028 ||
           code_point == 0x2029 || code_point == 0xfeff || (code_point >= 0xfffe && code_point <= 0xffff);
}

static uint32_t decode(const unsigned char *text, size_t length)
{
    static const unsigned char first_masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    uint32_t code_point = text[0] & first_masks[length];
    for (size_t i = 1; i < length; i++) {
        code_point = code_point << 6 | (text[i] & 0x3f);
    }
    return code_point;
}

/* Dollars of a value are doubled where loading would see more in them than dollars. */
static void print_quoted(const char *text, bool is_value, struct weft_buffer *out)
{
    bool doubles_dollars = is_value && (strstr(text, "${") != NULL || strstr(text, "$$") != NULL);
    weft_buffer_append_byte(out, '"');
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0';) {
        size_t length = character_length(at);
        uint32_t code_point = length > 0 ? decode(at, length) : 0xfffd;
        bool is_whole = length > 0 && code_point <= 0x10ffff && !(code_point >= 0xd800 && code_point <= 0xdfff) &&
                        !(length == 3 && code_point < 0x800) && !(length == 4 && code_point < 0x10000);
        if (!is_whole) {
            weft_buffer_append_text(out, "\xef\xbf\xbd");
            at++;
            continue;
        }
        if (code_point == '\n') {
            weft_buffer_append_text(out, "\\n");
        } else if (must_escape(code_point)) {
            weft_buffer_append_format(out, "\\u%04x", (unsigned)code_point);
        } else {
            weft_buffer_append_text(out, code_point == '"' || code_point == '\\' ? "\\" : "");
            weft_buffer_append_text(out, code_point == '$' && doubles_dollars ? "$" : "");
            weft_buffer_append(out, at, length);
        }
        at += length;
    }
    weft_buffer_append_byte(out, '"');
}

static void print_text(const char *text, struct weft_buffer *out)
{
    if (is_plain(text)) {
        weft_buffer_append_text(out, text);
    } else {
        print_quoted(text, true, out);
    }
}

/* Keys are as they stand: nothing in them is replaced. */
static void print_key_text(const char *key, struct weft_buffer *out)
{
    if (is_plain(key)) {
        weft_buffer_append_text(out, key);
    } else {
        print_quoted(key, false, out);
    }
}

/* The fewest digits that read back to the same double; always with the look of a double. */
static void print_double(double value, struct weft_buffer *out)
{
    if (isnan(value) || isinf(value)) {
        weft_buffer_append_text(out, isnan(value) ? ".nan" : value < 0 ? "-.inf" : ".inf");
        return;
    }
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    weft_buffer_append_text(out, text);
    if (strpbrk(text, ".e") == NULL) {
        weft_buffer_append_text(out, ".0");
    }
}

/* Text, or what stands for nothing. */
static void print_as_read(const struct weft_node *node, struct weft_buffer *out)
{
    switch (node->read_as) {
    case WEFT_NODE_STRING:
        print_text(node->text != NULL ? node->text : "", out);
        break;
    case WEFT_NODE_BOOL:
        weft_buffer_append_text(out, "false");
        break;
    case WEFT_NODE_LIST:
        weft_buffer_append_text(out, "[]");
        break;
    case WEFT_NODE_MAP:
        weft_buffer_append_text(out, "{}");
        break;
    case WEFT_NODE_NULL:
    case WEFT_NODE_INT:
    case WEFT_NODE_DOUBLE:
        weft_buffer_append_byte(out, '0');
        break;
    }
}

/* As it was written, or as its key took it. */
static void print_scalar(const struct weft_node *node, struct weft_buffer *out)
{
    if (node->is_read_as) {
        print_as_read(node, out);
        return;
    }
    switch (node->kind) {
    case WEFT_NODE_NULL:
        weft_buffer_append_text(out, "null");
        break;
    case WEFT_NODE_BOOL:
        weft_buffer_append_text(out, node->value.boolean ? "true" : "false");
        break;
    case WEFT_NODE_INT:
        weft_buffer_append_format(out, "%s%llu", node->is_negative ? "-" : "",
                                  (unsigned long long)node->value.magnitude);
        break;
    case WEFT_NODE_DOUBLE:
        print_double(node->value.real, out);
        break;
    case WEFT_NODE_STRING:
        print_text(node->text, out);
        break;
    case WEFT_NODE_LIST:
        weft_buffer_append_text(out, "[]");
        break;
    case WEFT_NODE_MAP:
        weft_buffer_append_text(out, "{}");
        break;
    }
}

static void start_line(size_t indent, struct weft_buffer *out)
{
    for (size_t i = 0; i < indent; i++) {
        weft_buffer_append_text(out, "  ");
    }
}

/* libyaml takes no more than 1024 bytes for a key without a question mark. */
static void print_key(const char *key, size_t indent, struct weft_buffer *out)
{
    enum { LONG_BYTES = 160 }; /* a byte may be written as six */
    bool is_long = strlen(key) > LONG_BYTES;
    weft_buffer_append_text(out, is_long ? "? " : "");
    print_key_text(key, out);
    if (is_long) {
        weft_buffer_append_byte(out, '\n');
        start_line(indent, out);
    }
    weft_buffer_append_byte(out, ':');
}

/* The first line of a block in a list stands behind its dash. */
static void print_children(const struct weft_node *node, size_t indent, bool is_in_list, struct weft_buffer *out)
{
    for (size_t i = 0; i < node->value.children.count; i++) {
        const struct weft_node *child = node->value.children.items[i];
        if (i > 0 || !is_in_list) {
            start_line(indent, out);
        }
        if (node->kind == WEFT_NODE_LIST) {
            weft_buffer_append_text(out, "- ");
        } else {
            print_key(child->key, indent, out);
        }
        print_value(child, indent, node->kind == WEFT_NODE_LIST, out);
    }
}

static bool has_children(const struct weft_node *node)
{
    return !node->is_secret && !node->is_read_as && weft_node_count(node) > 0;
}

static void print_value(const struct weft_node *node, size_t indent, bool is_in_list, struct weft_buffer *out)
{
    if (has_children(node)) {
        if (!is_in_list) {
            weft_buffer_append_byte(out, '\n');
        }
        print_children(node, indent + 1, is_in_list, out);
        return;
    }
    weft_buffer_append_text(out, is_in_list ? "" : " ");
    if (node->is_secret && (node->kind != WEFT_NODE_NULL || node->is_read_as)) {
        weft_buffer_append_text(out, "\"[REDACTED]\"");
    } else {
        print_scalar(node, out);
    }
    weft_buffer_append_byte(out, '\n');
}

void weft_config_print(const struct weft_node *node, struct weft_buffer *out)
{
    if (has_children(node)) {
        print_children(node, 0, false, out);
    } else {
        print_value(node, 0, true, out);
    }
}
