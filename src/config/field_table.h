#pragma once

#include "config/field.h"

/* Walks over a field table that need no YAML. */

enum { WEFT_FIELDS_MAX_KEYS = 128 };

static inline void *weft_fields_member(const struct weft_field *field, void *config)
{
    return (char *)config + field->offset;
}

/* Sets every member to zero: a failure half way leaves a struct that weft_config_fini can take. */
void weft_fields_clear(const struct weft_field *fields, void *config);

/* Through inlined tables too; NULL when no row has the key. */
const struct weft_field *weft_fields_find(const struct weft_field *fields, const char *key);

/* The keys that a person may write; room for WEFT_FIELDS_MAX_KEYS. Returns how many. */
size_t weft_fields_list_keys(const struct weft_field *fields, const char **out_keys);
