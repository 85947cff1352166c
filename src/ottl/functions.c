/* All functions (function.h): the tables of the files functions_*.c, one after the other. */
#include "ottl/functions.h"

#include "config/unknown_key.h"

static const struct weft_ottl_function *const tables[] = {
    weft_ottl_functions_is,
    weft_ottl_functions_type,
    weft_ottl_functions_text,
    weft_ottl_functions_format,
    weft_ottl_functions_parse,
    weft_ottl_functions_time,
    weft_ottl_functions_collection,
    weft_ottl_functions_hash,
    weft_ottl_functions_id,
    weft_ottl_functions_net,
    weft_ottl_functions_edit_map,
    weft_ottl_functions_edit_list,
    weft_ottl_functions_edit_text,
    weft_ottl_functions_xml,
    weft_ottl_functions_xml_path,
    weft_ottl_functions_grok,
    weft_ottl_functions_log,
    weft_ottl_functions_metric,
    weft_ottl_functions_metric_make,
    weft_ottl_functions_metric_aggregate,
    weft_ottl_functions_metric_buckets,
    weft_ottl_functions_metric_percentile,
    weft_ottl_functions_missing,
};

const struct weft_ottl_function *weft_ottl_function_next(size_t *in_out_at)
{
    size_t at = (*in_out_at)++;
    for (size_t i = 0; i < WEFT_COUNT_OF(tables); i++) {
        for (const struct weft_ottl_function *row = tables[i]; row->name != NULL; row++) {
            if (at-- == 0) {
                return row;
            }
        }
    }
    return NULL;
}

static bool is_known_in(const struct weft_ottl_function *function, enum weft_ottl_context context)
{
    return function->contexts == 0 || (function->contexts >> context & 1) != 0;
}

const struct weft_ottl_function *weft_ottl_function_find(struct weft_slice name, enum weft_ottl_context context)
{
    const struct weft_ottl_function *function;
    size_t at = 0;
    while ((function = weft_ottl_function_next(&at)) != NULL) {
        if (is_known_in(function, context) && weft_slice_equal_text(name, function->name)) {
            return function;
        }
    }
    return NULL;
}

const char *weft_ottl_function_nearest(struct weft_slice name, enum weft_ottl_context context)
{
    enum { MAX_NAMES = 256, MAX_WORD = 64 };
    const char *names[MAX_NAMES];
    char word[MAX_WORD + 1];
    size_t count = 0, at = 0;
    const struct weft_ottl_function *function;
    while (count < MAX_NAMES && (function = weft_ottl_function_next(&at)) != NULL) {
        if (is_known_in(function, context)) {
            names[count++] = function->name;
        }
    }
    if (name.length > MAX_WORD) {
        return NULL;
    }
    memcpy(word, name.bytes, name.length);
    word[name.length] = '\0';
    return weft_config_nearest(word, names, count);
}
