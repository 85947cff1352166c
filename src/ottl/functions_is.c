/* Converters that say what a value is: Is... and Len. Models for all others. */
#include "ottl/functions.h"
#include "ottl/path.h"

static enum weft_status is_match(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                 struct weft_ottl_value *out_value)
{
    struct weft_pattern *own_pattern = NULL;
    const struct weft_pattern *pattern = NULL;
    enum weft_status status = weft_ottl_pattern_use(run, call, 1, false, &own_pattern, &pattern);
    if (status != WEFT_OK) {
        return status;
    }
    enum weft_pattern_outcome outcome = WEFT_PATTERN_NO;
    if (call->arguments[0].kind == WEFT_OTTL_STRING) {
        outcome = weft_pattern_match(pattern, run->pattern, call->arguments[0].bytes);
    }
    weft_pattern_free(&own_pattern);
    if (outcome == WEFT_PATTERN_LIMIT) {
        run->limits_met++;
        return weft_fail(&run->error, WEFT_INVALID, "IsMatch: the pattern met its limit");
    }
    *out_value = weft_ottl_bool(outcome == WEFT_PATTERN_MATCH);
    return WEFT_OK;
}

/* Of an attribute that is a string, or that is not there. */
static bool holds_match(struct weft_ottl_run *run, const struct weft_ottl_call_node *call, enum weft_status *out_status,
                        bool *out_holds)
{
    const struct weft_ottl_node *target = call->nodes[0];
    struct weft_ottl_value value;
    if (call->state == NULL || target->kind != WEFT_OTTL_NODE_PATH ||
        !weft_ottl_path_read_slot(run, target->path, &value) ||
        (value.kind != WEFT_OTTL_STRING && value.kind != WEFT_OTTL_NIL)) {
        return false;
    }
    enum weft_pattern_outcome outcome =
        value.kind == WEFT_OTTL_NIL ? WEFT_PATTERN_NO : weft_pattern_match(call->state, run->pattern, value.bytes);
    *out_holds = outcome == WEFT_PATTERN_MATCH;
    *out_status = WEFT_OK;
    return outcome != WEFT_PATTERN_LIMIT;
}

static enum weft_status make_is_match(struct weft_ottl_maker *maker, const struct weft_ottl_call *call,
                                      void **out_state, struct weft_error *error)
{
    (void)maker;
    return weft_ottl_pattern_make(call, 1, false, out_state, error);
}

static enum weft_status length(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                               struct weft_ottl_value *out_value)
{
    const struct weft_ottl_value *target = &call->arguments[0];
    switch (target->kind) {
    case WEFT_OTTL_STRING:
    case WEFT_OTTL_BYTES:
        *out_value = weft_ottl_int((int64_t)target->bytes.length);
        return WEFT_OK;
    case WEFT_OTTL_MAP:
    case WEFT_OTTL_LIST:
    case WEFT_OTTL_MESSAGES:
        *out_value = weft_ottl_int((int64_t)weft_ottl_length(target));
        return WEFT_OK;
    default:
        return weft_fail(&run->error, WEFT_INVALID, "Len: %s has no length", weft_ottl_kind_text(target->kind));
    }
}

enum { PARENT_SPAN_ID_FIELD = 4 };

static enum weft_status make_is_root_span(struct weft_ottl_maker *maker, const struct weft_ottl_call *call,
                                          void **out_state, struct weft_error *error)
{
    (void)call;
    (void)out_state;
    (void)error;
    if (maker->sought != NULL) {
        maker->sought->fields |= UINT32_C(1) << PARENT_SPAN_ID_FIELD;
    }
    return WEFT_OK;
}

static enum weft_status is_root_span(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                     struct weft_ottl_value *out_value)
{
    (void)call;
    const struct weft_ottl_field *parent =
        weft_ottl_message_field(weft_ottl_record_decoded(&run->record, WEFT_OTTL_LEVEL_RECORD), PARENT_SPAN_ID_FIELD);
    bool is_root = true;
    for (size_t i = 0; parent != NULL && i < parent->bytes.length; i++) {
        is_root = is_root && parent->bytes.bytes[i] == 0;
    }
    *out_value = weft_ottl_bool(is_root);
    return WEFT_OK;
}

const struct weft_ottl_function weft_ottl_functions_is[] = {
    {
        .name = "IsMatch",
        .parameters = { { "target", WEFT_OTTL_TAKES_STRING_LIKE }, { "pattern", WEFT_OTTL_TAKES_STRING } },
        .call = is_match,
        .holds = holds_match,
        .make = make_is_match,
        .free_state = weft_ottl_pattern_free,
    },
    { .name = "Len", .parameters = { { "target", WEFT_OTTL_TAKES_ANY } }, .call = length },
    { .name = "IsRootSpan", .contexts = WEFT_OTTL_IN_SPAN, .make = make_is_root_span, .call = is_root_span },
    { .name = NULL },
};
