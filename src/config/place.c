/* From what is said of a key to where it stands (place.h). Called for each error of a component, once. */
#include "config/place.h"

#include <string.h>

enum { KEY_MAX_BYTES = 64 };

/* The child that the text begins with, and how long its name is there ("actions[2]" for an item of a list). */
static const struct weft_node *child_named(const struct weft_node *node, const char *text, size_t *out_length)
{
    char key[KEY_MAX_BYTES];
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz_0123456789");
    if (length == 0 || length >= sizeof key) {
        return NULL;
    }
    memcpy(key, text, length);
    key[length] = '\0';
    const struct weft_node *child = weft_node_find(node, key);
    size_t digits = text[length] == '[' ? strspn(text + length + 1, "0123456789") : 0;
    if (digits > 0 && digits < 6 && text[length + 1 + digits] == ']') {
        size_t index = 0;
        for (size_t i = 0; i < digits; i++) {
            index = index * 10 + (size_t)(text[length + 1 + i] - '0');
        }
        child = index < weft_node_count(child) ? weft_node_at(child, index) : NULL;
        length += digits + 2;
    }
    *out_length = length;
    return child;
}

static const char *behind(const char *text, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

const struct weft_node *weft_config_place_of(const struct weft_node *block, const char **in_out_text)
{
    const struct weft_node *node = block, *child;
    const char *text = *in_out_text;
    size_t length;
    while ((child = child_named(node, text, &length)) != NULL) {
        const char *after = text + length;
        const char *next = behind(after, "::");
        next = next != NULL ? next : behind(after, ": ");
        if (next == NULL && after[0] == ' ' && child_named(child, after + 1, &(size_t){ 0 }) != NULL) {
            next = after + 1; /* "tls cert_file ..." */
        }
        if (next != NULL) { /* a step of the way */
            node = child;
            text = next;
            continue;
        }
        if (after[0] == ' ' || after[0] == '\0') { /* what the sentence begins with */
            node = child;
            bool is_file = length > 5 && memcmp(after - 5, "_file", 5) == 0;
            bool is_said_of_it = is_file || behind(after, " must ") != NULL;
            text = is_said_of_it ? after + 1 : text;
        }
        break;
    }
    *in_out_text = text;
    return node;
}
