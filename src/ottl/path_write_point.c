/* Writing what only some kinds of data points have (path_write.h). The point is written anew at once, since its readers
 * look at its bytes. */
#include "ottl/path_point.h"
#include "ottl/path_write.h"
#include "ottl/write.h"

enum { AS_DOUBLE_FIELD = 4, AS_INT_FIELD = 6 };

static enum weft_ottl_kind kind_of(enum weft_ottl_point_form form)
{
    switch (form) {
    case WEFT_OTTL_POINT_FIXED_INT:
    case WEFT_OTTL_POINT_UINT:
    case WEFT_OTTL_POINT_SINT:
    case WEFT_OTTL_POINT_AS_INT:
        return WEFT_OTTL_INT;
    case WEFT_OTTL_POINT_DOUBLE:
    case WEFT_OTTL_POINT_AS_DOUBLE:
        return WEFT_OTTL_DOUBLE;
    case WEFT_OTTL_POINT_MESSAGE:
        return WEFT_OTTL_MESSAGE;
    case WEFT_OTTL_POINT_MESSAGES:
        return WEFT_OTTL_MESSAGES;
    case WEFT_OTTL_POINT_INTS:
    case WEFT_OTTL_POINT_DOUBLES:
    case WEFT_OTTL_POINT_VARINTS:
        break;
    }
    return WEFT_OTTL_LIST;
}

static uint64_t bits_of(double real)
{
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    return bits;
}

static uint64_t zigzag(int64_t integer)
{
    int32_t number = (int32_t)integer;
    return ((uint32_t)number << 1) ^ (uint32_t)(number < 0 ? UINT32_MAX : 0);
}

/* The numbers of a list, packed. */
static enum weft_status put_packed(struct weft_ottl_run *run, struct weft_ottl_message *message, uint32_t number,
                                   enum weft_ottl_point_form form, const struct weft_ottl_value *list)
{
    enum { MAX_NUMBER_BYTES = 10 };
    enum weft_ottl_kind kind = form == WEFT_OTTL_POINT_DOUBLES ? WEFT_OTTL_DOUBLE : WEFT_OTTL_INT;
    struct weft_ottl_each each = weft_ottl_each_of(list);
    struct weft_ottl_member item;
    uint8_t *bytes = weft_ottl_run_take(run, weft_ottl_length(list) * MAX_NUMBER_BYTES + 1);
    uint8_t *at = bytes;
    if (bytes == NULL) {
        return WEFT_NOMEM;
    }
    while (weft_ottl_each_next(&each, &item)) {
        if (item.value.kind != kind) {
            return weft_fail(&run->error, WEFT_INVALID, "a list of %s only is expected, not %s",
                             kind == WEFT_OTTL_INT ? "ints" : "floats", weft_ottl_kind_text(item.value.kind));
        }
        uint64_t bits = kind == WEFT_OTTL_DOUBLE ? bits_of(item.value.real) : (uint64_t)item.value.integer;
        if (form == WEFT_OTTL_POINT_VARINTS) {
            at = weft_wire_put_varint(at, bits);
        } else {
            memcpy(at, &bits, sizeof bits);
            at += sizeof bits;
        }
    }
    return weft_ottl_message_put_bytes(message, number, weft_slice_of(bytes, (size_t)(at - bytes)), &run->memory);
}

static enum weft_status put_value(struct weft_ottl_run *run, struct weft_ottl_message *message, uint32_t number,
                                  enum weft_ottl_point_form form, const struct weft_ottl_value *value)
{
    switch (form) {
    case WEFT_OTTL_POINT_AS_INT:
        weft_ottl_message_remove(message, AS_DOUBLE_FIELD);
        return weft_ottl_message_put_number(message, number, WEFT_WIRE_FIXED64, (uint64_t)value->integer, &run->memory);
    case WEFT_OTTL_POINT_AS_DOUBLE:
        weft_ottl_message_remove(message, AS_INT_FIELD);
        return weft_ottl_message_put_number(message, number, WEFT_WIRE_FIXED64, bits_of(value->real), &run->memory);
    case WEFT_OTTL_POINT_FIXED_INT:
        return weft_ottl_message_put_number(message, number, WEFT_WIRE_FIXED64, (uint64_t)value->integer, &run->memory);
    case WEFT_OTTL_POINT_UINT:
        return weft_ottl_message_put_number(message, number, WEFT_WIRE_VARINT, (uint32_t)value->integer, &run->memory);
    case WEFT_OTTL_POINT_SINT:
        return weft_ottl_message_put_number(message, number, WEFT_WIRE_VARINT, zigzag(value->integer), &run->memory);
    case WEFT_OTTL_POINT_DOUBLE:
        return weft_ottl_message_put_number(message, number, WEFT_WIRE_FIXED64, bits_of(value->real), &run->memory);
    case WEFT_OTTL_POINT_MESSAGE:
        return weft_ottl_message_put_bytes(message, number, value->bytes, &run->memory);
    case WEFT_OTTL_POINT_MESSAGES:
        return weft_ottl_message_put_messages(message, number, value, &run->memory);
    case WEFT_OTTL_POINT_INTS:
    case WEFT_OTTL_POINT_DOUBLES:
    case WEFT_OTTL_POINT_VARINTS:
        return put_packed(run, message, number, form, value);
    }
    return WEFT_OK;
}

/* The message as it is now, in memory that lives as long as the record. */
static enum weft_status keep_message(struct weft_ottl_run *run, const struct weft_ottl_message *message,
                                     uint32_t attributes_field, struct weft_slice *out_bytes)
{
    struct weft_buffer *written = &run->message;
    weft_buffer_clear(written);
    enum weft_status status = weft_ottl_write_message(written, message, attributes_field, NULL);
    uint8_t *bytes = status == WEFT_OK ? weft_ottl_run_take(run, written->length + 1) : NULL;
    if (bytes != NULL) {
        memcpy(bytes, written->bytes, written->length);
        *out_bytes = weft_slice_of(bytes, written->length);
    }
    return bytes == NULL ? WEFT_NOMEM : WEFT_OK;
}

/* A field of the Buckets that lie in that field of the point. */
static enum weft_status put_in_buckets(struct weft_ottl_run *run, struct weft_ottl_message *point, uint32_t number,
                                       const struct weft_ottl_point_path *found, const struct weft_ottl_value *value)
{
    const struct weft_ottl_field *field = weft_ottl_message_field(point, number);
    struct weft_ottl_message *buckets = weft_ottl_run_take(run, sizeof *buckets);
    struct weft_slice contents;
    if (buckets == NULL) {
        return WEFT_NOMEM;
    }
    *buckets = (struct weft_ottl_message){ .bytes = field == NULL ? WEFT_SLICE_EMPTY : field->bytes };
    weft_ottl_message_decode(buckets);
    enum weft_status status = put_value(run, buckets, found->inner, found->form, value);
    if (status == WEFT_OK) {
        status = keep_message(run, buckets, 0, &contents);
    }
    return status == WEFT_OK ? weft_ottl_message_put_bytes(point, number, contents, &run->memory) : status;
}

enum weft_status weft_ottl_write_point(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                       const struct weft_ottl_value *value)
{
    const struct weft_ottl_point_path *found = weft_ottl_point_path_of(path);
    uint32_t number = weft_ottl_point_field(found, weft_ottl_record_metric_type(&run->record));
    struct weft_ottl_message *point = weft_ottl_record_decoded(&run->record, WEFT_OTTL_LEVEL_ITEM);
    struct weft_slice bytes;
    enum weft_status status = weft_ottl_path_expect(run, path, value, kind_of(found->form));
    if (status == WEFT_OK && number == 0) {
        return weft_fail(&run->error, WEFT_INVALID, "a point of this kind has no %.*s", WEFT_SLICE_PRINT(path->text));
    }
    if (status == WEFT_OK) {
        status = found->inner != 0 ? put_in_buckets(run, point, number, found, value)
                                   : put_value(run, point, number, found->form, value);
    }
    if (status == WEFT_OK) {
        uint32_t attributes = weft_ottl_record_attributes_field(&run->record, WEFT_OTTL_LEVEL_ITEM);
        status = keep_message(run, point, attributes, &bytes);
    }
    if (status == WEFT_OK) {
        weft_ottl_message_renew(point, bytes);
    }
    return status;
}
