/* Paths that are more than one field (path.h): what is made of a field, and what depends on the kind of a metric. */
#include "ottl/path.h"
#include "ottl/run.h"
#include "wire/trace_state.h"

static const struct weft_ottl_field *field_of(struct weft_ottl_run *run, const struct weft_ottl_path *path)
{
    return weft_ottl_message_field(weft_ottl_record_decoded(&run->record, path->row->level), path->row->field);
}

/* ---- spans ---- */

/* Of a list that is broken every member is nil; one that it does not have is "". */
enum weft_status weft_ottl_read_trace_state(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                            struct weft_ottl_value *out_value)
{
    const struct weft_ottl_field *field = field_of(run, path);
    struct weft_slice text = field == NULL ? WEFT_SLICE_EMPTY : field->bytes;
    struct weft_slice member;
    *out_value = weft_ottl_string(text);
    if (path->key_count == 0) {
        return WEFT_OK;
    }
    if (!path->keys[0].is_text) {
        return weft_fail(&run->error, WEFT_INVALID, "the key of trace_state is a string");
    }
    *out_value = !weft_trace_state_is_valid(text) ? weft_ottl_nil()
                 : weft_trace_state_find(text, path->keys[0].literal.bytes, &member)
                     ? weft_ottl_string(member)
                     : weft_ottl_string(WEFT_SLICE_EMPTY);
    return WEFT_OK;
}

const char *const weft_ottl_span_kinds[] = { "Unspecified", "Internal", "Server", "Client", "Producer", "Consumer" };
const char *const weft_ottl_span_kinds_old[] = { "SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER",
                                                 "SPAN_KIND_CLIENT",      "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER" };

static enum weft_status read_word(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                  const char *const *words, size_t count, struct weft_ottl_value *out_value)
{
    const struct weft_ottl_field *field = field_of(run, path);
    uint64_t number = field == NULL ? 0 : field->number;
    *out_value = weft_ottl_string(weft_slice_of_text(number < count ? words[number] : ""));
    return WEFT_OK;
}

enum weft_status weft_ottl_read_kind_text(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                          struct weft_ottl_value *out_value)
{
    return read_word(run, path, weft_ottl_span_kinds, WEFT_OTTL_SPAN_KIND_COUNT, out_value);
}

enum weft_status weft_ottl_read_kind_old_text(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                              struct weft_ottl_value *out_value)
{
    return read_word(run, path, weft_ottl_span_kinds_old, WEFT_OTTL_SPAN_KIND_COUNT, out_value);
}

enum weft_status weft_ottl_read_event_index(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                            struct weft_ottl_value *out_value)
{
    (void)path;
    *out_value = weft_ottl_int(run->record.event_index);
    return run->record.event_index >= 0 ? WEFT_OK
                                        : weft_fail(&run->error, WEFT_INVALID, "event_index is not known here");
}

/* ---- logs ---- */

static struct weft_ottl_value body_of(struct weft_ottl_run *run, const struct weft_ottl_path *path)
{
    const struct weft_ottl_field *field = field_of(run, path);
    if (field == NULL) {
        return weft_ottl_nil();
    }
    struct weft_slice whole = weft_slice_of(field->first, (size_t)(field->end - field->first));
    struct weft_otlp_value wire = weft_otlp_value_of(whole, path->row->field);
    return weft_ottl_value_of_wire(&wire);
}

enum weft_status weft_ottl_read_body(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                     struct weft_ottl_value *out_value)
{
    struct weft_ottl_value body = body_of(run, path);
    return weft_ottl_value_under(run, &body, path->keys, path->key_count, out_value);
}

enum weft_status weft_ottl_read_body_text(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                          struct weft_ottl_value *out_value)
{
    struct weft_ottl_value body = body_of(run, path);
    struct weft_slice text;
    enum weft_status status = weft_ottl_value_text(run, &body, &text);
    if (status == WEFT_OK) {
        *out_value = weft_ottl_string(text);
    }
    return status;
}

/* ---- metrics ---- */

enum weft_status weft_ottl_read_metric_type(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                            struct weft_ottl_value *out_value)
{
    (void)path;
    *out_value = weft_ottl_int(weft_ottl_record_metric_type(&run->record));
    return WEFT_OK;
}

static uint64_t number_of_data(struct weft_ottl_run *run, uint32_t field)
{
    const struct weft_ottl_field *found =
        weft_ottl_message_field(weft_ottl_record_decoded(&run->record, WEFT_OTTL_LEVEL_DATA), field);
    return found == NULL ? 0 : found->number;
}

enum weft_status weft_ottl_read_temporality(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                            struct weft_ottl_value *out_value)
{
    enum { TEMPORALITY_FIELD = 2 };
    (void)path;
    enum weft_ottl_metric_type type = weft_ottl_record_metric_type(&run->record);
    bool has_one = type == WEFT_OTTL_METRIC_SUM || type == WEFT_OTTL_METRIC_HISTOGRAM ||
                   type == WEFT_OTTL_METRIC_EXPONENTIAL_HISTOGRAM;
    *out_value = has_one ? weft_ottl_int((int32_t)number_of_data(run, TEMPORALITY_FIELD)) : weft_ottl_nil();
    return WEFT_OK;
}

enum weft_status weft_ottl_read_monotonic(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                          struct weft_ottl_value *out_value)
{
    enum { MONOTONIC_FIELD = 3 };
    (void)path;
    bool is_sum = weft_ottl_record_metric_type(&run->record) == WEFT_OTTL_METRIC_SUM;
    *out_value = is_sum ? weft_ottl_bool(number_of_data(run, MONOTONIC_FIELD) != 0) : weft_ottl_nil();
    return WEFT_OK;
}

enum weft_status weft_ottl_read_data_points(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                            struct weft_ottl_value *out_value)
{
    enum { POINTS_FIELD = 1 };
    (void)path;
    if (weft_ottl_record_metric_type(&run->record) == WEFT_OTTL_METRIC_NONE) {
        *out_value = weft_ottl_nil();
        return WEFT_OK;
    }
    const struct weft_ottl_field *field =
        weft_ottl_message_field(weft_ottl_record_decoded(&run->record, WEFT_OTTL_LEVEL_DATA), POINTS_FIELD);
    struct weft_slice bytes =
        field == NULL ? WEFT_SLICE_EMPTY : weft_slice_of(field->first, (size_t)(field->end - field->first));
    *out_value = (struct weft_ottl_value){ .kind = WEFT_OTTL_MESSAGES, .field = POINTS_FIELD, .bytes = bytes };
    return WEFT_OK;
}
