/* Values as text (run.h). */
#include "ottl/run.h"
#include "wire/checked.h"
#include "wire/otlp_text.h"

/* A copy of the scratch that lasts as long as other results. */
static enum weft_status keep_text(struct weft_ottl_run *run, struct weft_slice *out_text)
{
    bool is_failed = weft_buffer_status(&run->text) != WEFT_OK || weft_buffer_status(&run->stack) != WEFT_OK;
    uint8_t *bytes = is_failed ? NULL : weft_ottl_run_take(run, run->text.length + 1);
    if (bytes == NULL) {
        run->memory.is_full = weft_ottl_run_is_full(run);
        weft_ottl_run_trim(run);
        return WEFT_NOMEM;
    }
    if (run->text.length > 0) {
        weft_work_copy(bytes, run->text.bytes, run->text.length);
    }
    *out_text = weft_slice_of(bytes, run->text.length);
    return WEFT_OK;
}

/* The value as it would be on the wire: made there if it is not. */
static enum weft_status wire_of(struct weft_ottl_run *run, const struct weft_ottl_value *value,
                                struct weft_otlp_value *out_wire)
{
    enum { FIELD = 1 };
    struct weft_slice message;
    struct weft_slice key_value = WEFT_SLICE_EMPTY;
    weft_buffer_clear(&run->text);
    enum weft_status status = weft_ottl_put_key_value(&run->text, FIELD, WEFT_SLICE_EMPTY, value, &run->error);
    if (status == WEFT_OK) {
        status = keep_text(run, &message);
    }
    if (status != WEFT_OK) {
        return status;
    }
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    if (weft_wire_next_message(&reader, FIELD, &key_value)) {
        *out_wire = weft_otlp_value_of(key_value, WEFT_OTLP_VALUE_FIELD);
    }
    return WEFT_OK;
}

/* What writing a map or list costs is what it has, not its bytes: members are sorted. */
static bool spend_members(struct weft_ottl_run *run, const struct weft_ottl_value *value, int depth)
{
    enum { STEPS_OF_MEMBER = 200, STEPS_OF_ITEM = 50 };
    struct weft_ottl_each each = weft_ottl_each_of(value);
    struct weft_ottl_member member;
    while (weft_ottl_each_next(&each, &member)) {
        bool is_more = member.value.kind == WEFT_OTTL_MAP || member.value.kind == WEFT_OTTL_LIST;
        bool is_slow = value->kind == WEFT_OTTL_MAP || member.value.kind == WEFT_OTTL_DOUBLE;
        if (!weft_ottl_spend(run, is_slow ? STEPS_OF_MEMBER : STEPS_OF_ITEM) ||
            (is_more && depth < WEFT_OTTL_VALUE_MAX_DEPTH && !spend_members(run, &member.value, depth + 1))) {
            return false;
        }
    }
    return true;
}

enum weft_status weft_ottl_value_text(struct weft_ottl_run *run, const struct weft_ottl_value *value,
                                      struct weft_slice *out_text)
{
    struct weft_otlp_value wire = { .kind = WEFT_OTLP_VALUE_NONE };
    if (value->kind == WEFT_OTTL_STRING) {
        *out_text = value->bytes;
        return WEFT_OK;
    }
    if ((value->kind == WEFT_OTTL_MAP || value->kind == WEFT_OTTL_LIST) && !spend_members(run, value, 0)) {
        return weft_ottl_fail_steps(run);
    }
    enum weft_status status = wire_of(run, value, &wire);
    if (status != WEFT_OK) {
        return status;
    }
    weft_buffer_clear(&run->stack);
    weft_buffer_clear(&run->text);
    weft_otlp_put_text(&wire, &run->stack, &run->text);
    return keep_text(run, out_text);
}
