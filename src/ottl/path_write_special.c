/* Writing through paths that are more than one field (path_write.h). */
#include "ottl/path_point.h"
#include "ottl/path_write.h"
#include "ottl/write.h"
#include "wire/trace_state.h"

enum { HEADER_BYTES = 15 };

static struct weft_ottl_message *message_of(struct weft_ottl_run *run, const struct weft_ottl_path *path)
{
    return weft_ottl_record_decoded(&run->record, path->row->level);
}

/* ---- spans ---- */

/* The members of a list that is valid, but for the one of that key, and no more than there may be. */
static void append_others(struct weft_buffer *out, struct weft_slice state, struct weft_slice key)
{
    enum { MAX_MEMBERS = 32 };
    size_t count = 1;
    while (state.length > 0) {
        const uint8_t *comma = memchr(state.bytes, ',', state.length);
        size_t length = comma == NULL ? state.length : (size_t)(comma - state.bytes);
        struct weft_slice member = weft_slice_trim(weft_slice_of(state.bytes, length));
        bool is_key = member.length > key.length && member.bytes[key.length] == '=' &&
                      memcmp(member.bytes, key.bytes, key.length) == 0;
        if (member.length > 0 && !is_key && count < MAX_MEMBERS) {
            weft_buffer_append_byte(out, ',');
            weft_buffer_append(out, member.bytes, member.length);
            count++;
        }
        state = comma == NULL ? WEFT_SLICE_EMPTY : weft_slice_of(comma + 1, state.length - length - 1);
    }
}

/* A member goes to the front; what would break the list changes nothing, as in the Collector. */
static enum weft_status put_member(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                   struct weft_slice value)
{
    struct weft_ottl_message *span = message_of(run, path);
    const struct weft_ottl_field *field = weft_ottl_message_field(span, path->row->field);
    struct weft_slice state = field == NULL ? WEFT_SLICE_EMPTY : field->bytes;
    struct weft_slice key = path->keys[0].literal.bytes;
    struct weft_buffer made = { 0 };
    weft_buffer_append(&made, key.bytes, key.length);
    weft_buffer_append_byte(&made, '=');
    weft_buffer_append(&made, value.bytes, value.length);
    bool is_good = weft_buffer_status(&made) == WEFT_OK && weft_trace_state_is_valid(weft_buffer_slice(&made)) &&
                   weft_trace_state_is_valid(state);
    append_others(&made, is_good ? state : WEFT_SLICE_EMPTY, key);
    enum weft_status status = weft_buffer_status(&made);
    if (status == WEFT_OK && is_good) {
        status = weft_ottl_message_put_bytes(span, path->row->field, weft_buffer_slice(&made), &run->memory);
    }
    weft_buffer_fini(&made);
    return status;
}

enum weft_status weft_ottl_write_trace_state(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                             const struct weft_ottl_value *value)
{
    enum weft_status status = weft_ottl_path_expect(run, path, value, WEFT_OTTL_STRING);
    if (status != WEFT_OK) {
        return status;
    }
    if (path->key_count == 0) {
        return weft_ottl_message_put_bytes(message_of(run, path), path->row->field, value->bytes, &run->memory);
    }
    if (!path->keys[0].is_text) {
        return weft_fail(&run->error, WEFT_INVALID, "the key of trace_state is a string");
    }
    return put_member(run, path, value->bytes);
}

static enum weft_status write_word(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                   const struct weft_ottl_value *value, const char *const *words, size_t count)
{
    enum weft_status status = weft_ottl_path_expect(run, path, value, WEFT_OTTL_STRING);
    for (size_t i = 0; status == WEFT_OK && i < count; i++) {
        if (weft_slice_equal_text(value->bytes, words[i])) {
            return weft_ottl_message_put_number(message_of(run, path), path->row->field, WEFT_WIRE_VARINT, i,
                                                &run->memory);
        }
    }
    return status == WEFT_OK ? weft_fail(&run->error, WEFT_INVALID, "%.*s: there is no kind of that name",
                                         WEFT_SLICE_PRINT(path->text))
                             : status;
}

enum weft_status weft_ottl_write_kind_text(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                           const struct weft_ottl_value *value)
{
    return write_word(run, path, value, weft_ottl_span_kinds, WEFT_OTTL_SPAN_KIND_COUNT);
}

enum weft_status weft_ottl_write_kind_old_text(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                               const struct weft_ottl_value *value)
{
    return write_word(run, path, value, weft_ottl_span_kinds_old, WEFT_OTTL_SPAN_KIND_COUNT);
}

/* ---- logs ---- */

static enum weft_status put_body(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                 const struct weft_ottl_value *body)
{
    struct weft_buffer contents = { 0 };
    enum weft_status status = weft_ottl_put_any_value(&contents, body, &run->error);
    if (status == WEFT_OK) {
        status = weft_buffer_status(&contents);
    }
    if (status == WEFT_OK) {
        status = weft_ottl_message_put_bytes(message_of(run, path), path->row->field, weft_buffer_slice(&contents),
                                             &run->memory);
    }
    weft_buffer_fini(&contents);
    return status;
}

enum weft_status weft_ottl_write_body(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                      const struct weft_ottl_value *value)
{
    if (path->key_count == 0) {
        return put_body(run, path, value);
    }
    struct weft_ottl_path whole = *path;
    struct weft_ottl_value body;
    whole.key_count = 0;
    enum weft_status status = weft_ottl_read_body(run, &whole, &body);
    if (status == WEFT_OK && body.kind != WEFT_OTTL_MAP && body.kind != WEFT_OTTL_LIST) {
        return weft_fail(&run->error, WEFT_INVALID, "a body that is %s has no keys", weft_ottl_kind_text(body.kind));
    }
    if (status == WEFT_OK) {
        status = weft_ottl_value_put_under(run, &body, path->keys, path->key_count, value);
    }
    return status == WEFT_OK ? put_body(run, path, &body) : status;
}

enum weft_status weft_ottl_write_body_text(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                           const struct weft_ottl_value *value)
{
    enum weft_status status = weft_ottl_path_expect(run, path, value, WEFT_OTTL_STRING);
    return status == WEFT_OK ? put_body(run, path, value) : status;
}

/* ---- metrics ---- */

/* The Collector takes it and does nothing. */
enum weft_status weft_ottl_write_metric_type(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                             const struct weft_ottl_value *value)
{
    (void)run;
    (void)path;
    (void)value;
    return WEFT_OK;
}

enum weft_status weft_ottl_write_temporality(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                             const struct weft_ottl_value *value)
{
    enum { TEMPORALITY_FIELD = 2 };
    enum weft_ottl_metric_type type = weft_ottl_record_metric_type(&run->record);
    enum weft_status status = weft_ottl_path_expect(run, path, value, WEFT_OTTL_INT);
    bool has_one = type == WEFT_OTTL_METRIC_SUM || type == WEFT_OTTL_METRIC_HISTOGRAM ||
                   type == WEFT_OTTL_METRIC_EXPONENTIAL_HISTOGRAM;
    return status != WEFT_OK || !has_one
               ? status
               : weft_ottl_message_put_number(weft_ottl_record_decoded(&run->record, WEFT_OTTL_LEVEL_DATA),
                                              TEMPORALITY_FIELD, WEFT_WIRE_VARINT, (uint64_t)(int32_t)value->integer,
                                              &run->memory);
}

enum weft_status weft_ottl_write_monotonic(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                           const struct weft_ottl_value *value)
{
    enum { MONOTONIC_FIELD = 3 };
    enum weft_status status = weft_ottl_path_expect(run, path, value, WEFT_OTTL_BOOL);
    return status != WEFT_OK || weft_ottl_record_metric_type(&run->record) != WEFT_OTTL_METRIC_SUM
               ? status
               : weft_ottl_message_put_number(weft_ottl_record_decoded(&run->record, WEFT_OTTL_LEVEL_DATA),
                                              MONOTONIC_FIELD, WEFT_WIRE_VARINT, value->boolean, &run->memory);
}
