#pragma once

#include "ottl/function.h"

/* The tables of functions, one for each file functions_*.c; each ends with a row without a name. */
extern const struct weft_ottl_function weft_ottl_functions_collection[];
extern const struct weft_ottl_function weft_ottl_functions_edit_list[];
extern const struct weft_ottl_function weft_ottl_functions_edit_map[];
extern const struct weft_ottl_function weft_ottl_functions_edit_text[];
extern const struct weft_ottl_function weft_ottl_functions_format[];
extern const struct weft_ottl_function weft_ottl_functions_grok[];
extern const struct weft_ottl_function weft_ottl_functions_hash[];
extern const struct weft_ottl_function weft_ottl_functions_id[];
extern const struct weft_ottl_function weft_ottl_functions_is[];
extern const struct weft_ottl_function weft_ottl_functions_log[];
extern const struct weft_ottl_function weft_ottl_functions_metric[];
extern const struct weft_ottl_function weft_ottl_functions_metric_aggregate[];
extern const struct weft_ottl_function weft_ottl_functions_metric_buckets[];
extern const struct weft_ottl_function weft_ottl_functions_metric_make[];
extern const struct weft_ottl_function weft_ottl_functions_metric_percentile[];
extern const struct weft_ottl_function weft_ottl_functions_missing[];
extern const struct weft_ottl_function weft_ottl_functions_net[];
extern const struct weft_ottl_function weft_ottl_functions_parse[];
extern const struct weft_ottl_function weft_ottl_functions_text[];
extern const struct weft_ottl_function weft_ottl_functions_time[];
extern const struct weft_ottl_function weft_ottl_functions_type[];
extern const struct weft_ottl_function weft_ottl_functions_xml[];
extern const struct weft_ottl_function weft_ottl_functions_xml_path[];
