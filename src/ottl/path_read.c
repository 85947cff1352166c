/* Reading a path (path.h): by the form of its field, and under its keys. */
#include "base/assert.h"
#include "base/hex.h"
#include "ottl/path.h"
#include "ottl/run.h"

/* ---- keys ---- */

enum weft_status weft_ottl_key_text(struct weft_ottl_run *run, const struct weft_ottl_key *key,
                                    struct weft_slice *out_text)
{
    struct weft_ottl_value value = key->literal;
    if (key->node != NULL) {
        enum weft_status status = weft_ottl_evaluate(run, key->node, &value);
        if (status != WEFT_OK) {
            return status;
        }
    }
    if (value.kind != WEFT_OTTL_STRING) {
        return weft_fail(&run->error, WEFT_INVALID, "the key of a map is a string, not %s",
                         weft_ottl_kind_text(value.kind));
    }
    *out_text = value.bytes;
    return WEFT_OK;
}

enum weft_status weft_ottl_key_index(struct weft_ottl_run *run, const struct weft_ottl_key *key, int64_t *out_index)
{
    struct weft_ottl_value value = key->literal;
    if (key->node != NULL) {
        enum weft_status status = weft_ottl_evaluate(run, key->node, &value);
        if (status != WEFT_OK) {
            return status;
        }
    }
    if (value.kind != WEFT_OTTL_INT) {
        return weft_fail(&run->error, WEFT_INVALID, "the index of a list is an int, not %s",
                         weft_ottl_kind_text(value.kind));
    }
    *out_index = value.integer;
    return WEFT_OK;
}

static enum weft_status step_into(struct weft_ottl_run *run, const struct weft_ottl_value *value,
                                  const struct weft_ottl_key *key, bool *out_is_there,
                                  struct weft_ottl_value *out_inner)
{
    struct weft_slice text;
    int64_t index;
    enum weft_status status;
    if (value->kind == WEFT_OTTL_MAP) {
        status = weft_ottl_key_text(run, key, &text);
        *out_is_there = status == WEFT_OK && weft_ottl_map_find(value, text, out_inner);
        return status;
    }
    if (value->kind != WEFT_OTTL_LIST) {
        return weft_fail(&run->error, WEFT_INVALID, "%s has no keys", weft_ottl_kind_text(value->kind));
    }
    status = weft_ottl_key_index(run, key, &index);
    if (status == WEFT_OK && !weft_ottl_list_at(value, index, out_inner)) {
        return weft_fail(&run->error, WEFT_INVALID, "index %lld is out of bounds", (long long)index);
    }
    *out_is_there = true;
    return status;
}

enum weft_status weft_ottl_value_under(struct weft_ottl_run *run, const struct weft_ottl_value *value,
                                       const struct weft_ottl_key *keys, size_t key_count,
                                       struct weft_ottl_value *out_value)
{
    struct weft_ottl_value at = *value;
    for (size_t i = 0; i < key_count; i++) {
        struct weft_ottl_value inner = weft_ottl_nil();
        bool is_there = false;
        enum weft_status status = step_into(run, &at, &keys[i], &is_there, &inner);
        if (status != WEFT_OK) {
            return status;
        }
        if (!is_there) {
            *out_value = weft_ottl_nil();
            return WEFT_OK;
        }
        at = inner;
    }
    *out_value = at;
    return WEFT_OK;
}

/* ---- forms ---- */

static enum weft_status read_map(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                 struct weft_ottl_value *out_value)
{
    const struct weft_ottl_path_row *row = path->row;
    uint32_t field = row->field != 0 ? row->field : weft_ottl_record_attributes_field(&run->record, row->level);
    if (field == 0) {
        *out_value = weft_ottl_nil(); /* of a metric that has no data */
        return WEFT_OK;
    }
    struct weft_ottl_message *message = weft_ottl_record_decoded(&run->record, row->level);
    if (weft_ottl_slots_are_changed(&message->slots) &&
        weft_ottl_message_attributes(message, field, &run->memory) == NULL) {
        return WEFT_NOMEM;
    }
    struct weft_ottl_value map = weft_ottl_message_map(message, field);
    if (path->key_count == 1 && path->keys[0].is_text) {
        if (!weft_ottl_map_find(&map, path->keys[0].literal.bytes, out_value)) {
            *out_value = weft_ottl_nil();
        }
        return WEFT_OK;
    }
    return weft_ottl_value_under(run, &map, path->keys, path->key_count, out_value);
}

static enum weft_status read_cache(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                   struct weft_ottl_value *out_value)
{
    struct weft_ottl_value cache = weft_ottl_wire_map(WEFT_SLICE_EMPTY, 1);
    if (run->record.cache != NULL) {
        cache = weft_ottl_open_map(run->record.cache);
    }
    return weft_ottl_value_under(run, &cache, path->keys, path->key_count, out_value);
}

static struct weft_ottl_value id_of(struct weft_slice bytes, enum weft_ottl_kind kind)
{
    static const uint8_t zeros[16];
    size_t length = kind == WEFT_OTTL_TRACE_ID ? 16 : 8;
    return (struct weft_ottl_value){ .kind = kind,
                                     .bytes = bytes.length == length ? bytes : weft_slice_of(zeros, length) };
}

static enum weft_status read_hex(struct weft_ottl_run *run, struct weft_slice id, struct weft_ottl_value *out_value)
{
    uint8_t *text = weft_ottl_run_take(run, id.length * 2);
    if (text == NULL) {
        return WEFT_NOMEM;
    }
    weft_hex_put(text, id);
    *out_value = weft_ottl_string(weft_slice_of(text, id.length * 2));
    return WEFT_OK;
}

static struct weft_ottl_value time_of(int64_t nanos)
{
    enum { NANOS = 1000000000 };
    int64_t seconds = nanos / NANOS - (nanos % NANOS < 0);
    struct weft_ottl_time time = { .seconds = seconds, .nanos = (int32_t)(nanos - seconds * NANOS) };
    return (struct weft_ottl_value){ .kind = WEFT_OTTL_TIME, .time = time };
}

enum weft_status weft_ottl_path_read(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                     struct weft_ottl_value *out_value)
{
    const struct weft_ottl_path_row *row = path->row;
    if (weft_ottl_path_read_slot(run, path, out_value)) {
        return WEFT_OK;
    }
    if (row->form == WEFT_OTTL_FORM_MAP) {
        return read_map(run, path, out_value);
    }
    if (row->form == WEFT_OTTL_FORM_SPECIAL) {
        return row->read(run, path, out_value);
    }
    if (row->form == WEFT_OTTL_FORM_CACHE) {
        return read_cache(run, path, out_value);
    }
    const struct weft_ottl_message *message = weft_ottl_record_decoded(&run->record, row->level);
    const struct weft_ottl_field *field = weft_ottl_message_field(message, row->field);
    struct weft_slice bytes = field == NULL ? WEFT_SLICE_EMPTY : field->bytes;
    uint64_t number = field == NULL ? 0 : field->number;
    switch (row->form) {
    case WEFT_OTTL_FORM_STRING:
        *out_value = weft_ottl_string(bytes);
        return WEFT_OK;
    case WEFT_OTTL_FORM_UINT:
        *out_value = weft_ottl_int((uint32_t)number);
        return WEFT_OK;
    case WEFT_OTTL_FORM_ENUM:
        *out_value = weft_ottl_int((int32_t)number);
        return WEFT_OK;
    case WEFT_OTTL_FORM_NANOS:
        *out_value = weft_ottl_int((int64_t)number);
        return WEFT_OK;
    case WEFT_OTTL_FORM_TIME:
        *out_value = time_of((int64_t)number);
        return WEFT_OK;
    case WEFT_OTTL_FORM_TRACE_ID:
        *out_value = id_of(bytes, WEFT_OTTL_TRACE_ID);
        return WEFT_OK;
    case WEFT_OTTL_FORM_SPAN_ID:
        *out_value = id_of(bytes, WEFT_OTTL_SPAN_ID);
        return WEFT_OK;
    case WEFT_OTTL_FORM_TRACE_ID_TEXT:
        return read_hex(run, id_of(bytes, WEFT_OTTL_TRACE_ID).bytes, out_value);
    case WEFT_OTTL_FORM_SPAN_ID_TEXT:
        return read_hex(run, id_of(bytes, WEFT_OTTL_SPAN_ID).bytes, out_value);
    case WEFT_OTTL_FORM_MESSAGE:
        *out_value = (struct weft_ottl_value){ .kind = WEFT_OTTL_MESSAGE, .bytes = bytes };
        return WEFT_OK;
    case WEFT_OTTL_FORM_MESSAGES:
        bytes = field == NULL ? WEFT_SLICE_EMPTY : weft_slice_of(field->first, (size_t)(field->end - field->first));
        *out_value = (struct weft_ottl_value){ .kind = WEFT_OTTL_MESSAGES, .field = row->field, .bytes = bytes };
        return WEFT_OK;
    case WEFT_OTTL_FORM_MAP:
    case WEFT_OTTL_FORM_CACHE:
    case WEFT_OTTL_FORM_SPECIAL:
        break;
    }
    weft_assert(!"form");
}
