/* Field tables without YAML: zeroing, finding a key, freeing (field_table.h, and weft_config_fini of field.h). */
#include "config/field_table.h"

#include <string.h>

#include "base/alloc.h"
#include "config/value.h"

/* Sets every member to zero: a failure half way leaves a struct that weft_config_fini can take. */
void weft_fields_clear(const struct weft_field *fields, void *config)
{
    static const size_t sizes[] = {
        [WEFT_KIND_BOOL] = sizeof(bool),
        [WEFT_KIND_INT] = sizeof(int64_t),
        [WEFT_KIND_UINT] = sizeof(uint64_t),
        [WEFT_KIND_DOUBLE] = sizeof(double),
        [WEFT_KIND_STRING] = sizeof(char *),
        [WEFT_KIND_SECRET] = sizeof(struct weft_secret),
        [WEFT_KIND_DURATION] = sizeof(struct weft_duration),
        [WEFT_KIND_BYTE_SIZE] = sizeof(struct weft_byte_size),
        [WEFT_KIND_STRINGS] = sizeof(struct weft_config_strings),
        [WEFT_KIND_MAP] = sizeof(struct weft_config_map),
        [WEFT_KIND_SECRET_MAP] = sizeof(struct weft_secret_map),
        [WEFT_KIND_ANY] = sizeof(struct weft_config_any),
        [WEFT_KIND_CHOICE] = sizeof(struct weft_choice),
        [WEFT_KIND_LIST] = sizeof(struct weft_config_list),
        [WEFT_KIND_POSITION] = sizeof(struct weft_position),
        [WEFT_KIND_UNSUPPORTED] = 0,
    };
    for (const struct weft_field *field = fields; field->key != NULL; field++) {
        if (field->kind == WEFT_KIND_BLOCK || field->kind == WEFT_KIND_OPTIONAL || field->kind == WEFT_KIND_INLINE) {
            weft_fields_clear(field->fields, weft_fields_member(field, config));
        } else {
            memset(weft_fields_member(field, config), 0, sizes[field->kind]);
        }
        if (field->kind == WEFT_KIND_OPTIONAL) {
            *(bool *)((char *)config + field->present_offset) = false;
        }
    }
}

static bool is_key(const struct weft_field *field)
{
    return field->kind != WEFT_KIND_POSITION && field->kind != WEFT_KIND_INLINE;
}

const struct weft_field *weft_fields_find(const struct weft_field *fields, const char *key)
{
    for (const struct weft_field *field = fields; field->key != NULL; field++) {
        if (is_key(field) && strcmp(field->key, key) == 0) {
            return field;
        }
        const struct weft_field *inner = field->kind == WEFT_KIND_INLINE ? weft_fields_find(field->fields, key) : NULL;
        if (inner != NULL) {
            return inner;
        }
    }
    return NULL;
}

static size_t list_keys(const struct weft_field *fields, const char **keys, size_t count)
{
    for (const struct weft_field *field = fields; field->key != NULL && count < WEFT_FIELDS_MAX_KEYS; field++) {
        if (field->kind == WEFT_KIND_INLINE) {
            count = list_keys(field->fields, keys, count);
        } else if (is_key(field) && field->kind != WEFT_KIND_UNSUPPORTED) {
            keys[count++] = field->key;
        }
    }
    return count;
}

size_t weft_fields_list_keys(const struct weft_field *fields, const char **out_keys)
{
    return list_keys(fields, out_keys, 0);
}

static void fini_list(const struct weft_field *field, struct weft_config_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        weft_config_fini(field->fields, (char *)list->items + i * field->item_size);
    }
    weft_free(list->items);
}

static void fini_member(const struct weft_field *field, void *member)
{
    switch (field->kind) {
    case WEFT_KIND_STRING:
        weft_free(*(char **)member);
        break;
    case WEFT_KIND_SECRET:
        weft_free(((struct weft_secret *)member)->text);
        break;
    case WEFT_KIND_STRINGS:
        weft_value_fini_strings(member);
        break;
    case WEFT_KIND_MAP:
        weft_value_fini_map(member);
        break;
    case WEFT_KIND_SECRET_MAP:
        weft_value_fini_map(&((struct weft_secret_map *)member)->map);
        break;
    case WEFT_KIND_BLOCK:
    case WEFT_KIND_OPTIONAL:
    case WEFT_KIND_INLINE:
        weft_config_fini(field->fields, member);
        break;
    case WEFT_KIND_LIST:
        fini_list(field, member);
        break;
    case WEFT_KIND_BOOL:
    case WEFT_KIND_INT:
    case WEFT_KIND_UINT:
    case WEFT_KIND_DOUBLE:
    case WEFT_KIND_DURATION:
    case WEFT_KIND_BYTE_SIZE:
    case WEFT_KIND_ANY:
    case WEFT_KIND_CHOICE:
    case WEFT_KIND_POSITION:
    case WEFT_KIND_NO_EFFECT:
    case WEFT_KIND_UNSUPPORTED:
        break;
    }
}

void weft_config_fini(const struct weft_field *fields, void *config)
{
    for (const struct weft_field *field = fields; field->key != NULL; field++) {
        fini_member(field, weft_fields_member(field, config));
    }
    weft_fields_clear(fields, config);
}
