/* Regular expressions as arguments (function.h): compiled with the config if they are written there, else each time. */
#include "ottl/function.h"

enum weft_status weft_ottl_pattern_make(const struct weft_ottl_call *call, size_t parameter, bool has_groups,
                                        void **out_state, struct weft_error *error)
{
    struct weft_pattern_options options = { .has_groups = has_groups, .is_match_only = !has_groups };
    struct weft_pattern *pattern = NULL;
    if (call->arguments[parameter].kind != WEFT_OTTL_STRING) {
        return WEFT_OK;
    }
    enum weft_status status = weft_pattern_compile(call->arguments[parameter].bytes, &options, &pattern, error);
    if (status == WEFT_OK) {
        *out_state = pattern;
    }
    return status;
}

enum weft_status weft_ottl_pattern_use(struct weft_ottl_run *run, const struct weft_ottl_call *call, size_t parameter,
                                       bool has_groups, struct weft_pattern **out_own_pattern,
                                       const struct weft_pattern **out_pattern)
{
    struct weft_pattern_options options = { .has_groups = has_groups, .is_match_only = !has_groups };
    *out_own_pattern = NULL;
    if (call->state != NULL) {
        *out_pattern = call->state;
        return WEFT_OK;
    }
    enum weft_status status =
        weft_pattern_compile(call->arguments[parameter].bytes, &options, out_own_pattern, &run->error);
    *out_pattern = *out_own_pattern;
    if (status == WEFT_OK || status == WEFT_NOMEM) {
        return status;
    }
    run->error.status = WEFT_INVALID; /* whatever is wrong with it, the evaluation failed */
    return weft_fail_prefix(&run->error, "%s", call->function->name);
}

void weft_ottl_pattern_free(void *state)
{
    struct weft_pattern *pattern = state;
    weft_pattern_free(&pattern);
}
