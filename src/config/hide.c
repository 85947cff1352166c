/* What came out of ${...} may be a secret, at a wrong key or in a wrong variable: a message names where it is from,
 * whoever wrote the message. weft_node_fail has it done to each. */
#include <stdio.h>
#include <string.h>

#include "config/node_internal.h"

enum {
    HIDDEN_LEAST = 4, /* bytes of a value: less is in any text */
    CUT_LEAST = 40,   /* so much of a long one is shown where it is cut */
};

/* How much of the value begins there: all of it, or what a message has cut it to. */
static size_t shown_bytes(const char *at, struct weft_slice value)
{
    size_t length = 0;
    while (length < value.length && (uint8_t)at[length] == value.bytes[length]) {
        length++;
    }
    return length == value.length || length >= CUT_LEAST ? length : 0;
}

static void hide(char *text, size_t capacity, struct weft_slice value, struct weft_slice origin)
{
    char message[sizeof((struct weft_error *)NULL)->text];
    snprintf(message, sizeof message, "%s", text);
    size_t used = 0;
    for (const char *at = message; *at != '\0' && used + 1 < capacity;) {
        size_t shown = shown_bytes(at, value);
        struct weft_slice from = shown > 0 ? origin : weft_slice_of(at, 1);
        size_t length = from.length < capacity - 1 - used ? from.length : capacity - 1 - used;
        memcpy(text + used, from.bytes, length);
        used += length;
        at += shown > 0 ? shown : 1;
    }
    text[used] = '\0';
}

/* What stands around it in the config may be shown, and a message may have taken it off. */
static void hide_value(char *text, size_t capacity, struct weft_slice value, struct weft_slice origin)
{
    while (value.length > 0 && origin.length > 0 && *value.bytes == *origin.bytes) {
        value = weft_slice_of(value.bytes + 1, value.length - 1);
        origin = weft_slice_of(origin.bytes + 1, origin.length - 1);
    }
    while (value.length > 0 && origin.length > 0 && value.bytes[value.length - 1] == origin.bytes[origin.length - 1]) {
        value.length--;
        origin.length--;
    }
    if (value.length >= HIDDEN_LEAST) {
        hide(text, capacity, value, origin);
    }
}

void weft_node_hide_values(const struct weft_node *node, char *text, size_t capacity)
{
    if (node->origin != NULL && node->text != NULL) {
        hide_value(text, capacity, weft_slice_of_text(node->text), weft_slice_of_text(node->origin));
    }
    for (size_t i = 0; i < weft_node_count(node); i++) {
        weft_node_hide_values(node->value.children.items[i], text, capacity);
    }
}
