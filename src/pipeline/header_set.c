/* Header fields of one request (header_set.h). Each item is one block: its name, then its value. */
#include "pipeline/header_set.h"

#include <strings.h>

#include "base/alloc.h"
#include "net/header.h"

struct weft_header_set *weft_header_set_try_new(void)
{
    return weft_try_alloc(sizeof(struct weft_header_set));
}

void weft_header_set_free(struct weft_header_set *set)
{
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        weft_free((void *)set->items[i].name);
    }
    weft_free(set);
}

static struct weft_header *find(struct weft_header_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (strcasecmp(set->items[i].name, name) == 0) {
            return &set->items[i];
        }
    }
    return NULL;
}

bool weft_header_set_has(const struct weft_header_set *set, const char *name)
{
    return find((struct weft_header_set *)set, name) != NULL;
}

void weft_header_set_remove(struct weft_header_set *set, const char *name)
{
    struct weft_header *item = find(set, name);
    if (item != NULL) {
        weft_free((void *)item->name);
        *item = set->items[--set->count];
        set->items[set->count] = (struct weft_header){ NULL, NULL };
    }
}

static char to_lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter | 0x20) : letter;
}

/* Room for a value of that length behind the name; NULL: the error says why. */
static char *add(struct weft_header_set *set, const char *name, size_t value_length, struct weft_error *error)
{
    size_t length = strlen(name);
    weft_header_set_remove(set, name);
    if (set->count == WEFT_HEADER_SET_MAX) {
        (void)weft_fail(error, WEFT_LIMIT, "more than %d header fields", WEFT_HEADER_SET_MAX);
        return NULL;
    }
    char *block = weft_try_alloc(length + value_length + 2);
    if (block == NULL) {
        (void)weft_fail(error, WEFT_NOMEM, "no memory for a header field");
        return NULL;
    }
    for (size_t i = 0; i < length; i++) {
        block[i] = to_lower(name[i]);
    }
    set->items[set->count++].name = block;
    return block + length + 1;
}

enum weft_status weft_header_set_put(struct weft_header_set *set, const char *name, struct weft_slice value,
                                     struct weft_error *error)
{
    struct weft_error cause = WEFT_ERROR_NONE;
    char *text = add(set, name, value.length, &cause);
    if (text == NULL) {
        return weft_fail(error, cause.status, "%s", cause.text);
    }
    memcpy(text, value.length > 0 ? value.bytes : (const uint8_t *)"", value.length);
    bool is_valid = strlen(text) == value.length && weft_header_is_valid(name, text);
    set->items[set->count - 1].value = text;
    if (!is_valid) {
        weft_header_set_remove(set, name);
        return weft_fail(error, WEFT_INVALID, "\"%.100s\" is no header name, or its value has a control character",
                         name);
    }
    return WEFT_OK;
}

enum weft_status weft_header_set_put_absent(struct weft_header_set *set, const char *name, struct weft_error *error)
{
    struct weft_error cause = WEFT_ERROR_NONE;
    return add(set, name, 0, &cause) == NULL ? weft_fail(error, cause.status, "%s", cause.text) : WEFT_OK;
}
