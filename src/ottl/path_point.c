/* Paths of data points (path.h) that only some kinds of points have, each at a field of its own. */
#include "base/assert.h"
#include "ottl/path_point.h"
#include "ottl/run.h"
#include "wire/wire_scan.h"

static const struct weft_ottl_point_path paths[] = {
    { "value_double", WEFT_OTTL_POINT_AS_DOUBLE, 4, 0, 0, 0, 0 },
    { "value_int", WEFT_OTTL_POINT_AS_INT, 6, 0, 0, 0, 0 },
    { "exemplars", WEFT_OTTL_POINT_MESSAGES, 5, 8, 11, 0, 0 },
    { "flags", WEFT_OTTL_POINT_UINT, 8, 10, 10, 8, 0 },
    { "count", WEFT_OTTL_POINT_FIXED_INT, 0, 4, 4, 4, 0 },
    { "sum", WEFT_OTTL_POINT_DOUBLE, 0, 5, 5, 5, 0 },
    { "bucket_counts", WEFT_OTTL_POINT_INTS, 0, 6, 0, 0, 0 },
    { "explicit_bounds", WEFT_OTTL_POINT_DOUBLES, 0, 7, 0, 0, 0 },
    { "scale", WEFT_OTTL_POINT_SINT, 0, 0, 6, 0, 0 },
    { "zero_count", WEFT_OTTL_POINT_FIXED_INT, 0, 0, 7, 0, 0 },
    { "positive", WEFT_OTTL_POINT_MESSAGE, 0, 0, 8, 0, 0 },
    { "positive.offset", WEFT_OTTL_POINT_SINT, 0, 0, 8, 0, 1 },
    { "positive.bucket_counts", WEFT_OTTL_POINT_VARINTS, 0, 0, 8, 0, 2 },
    { "negative", WEFT_OTTL_POINT_MESSAGE, 0, 0, 9, 0, 0 },
    { "negative.offset", WEFT_OTTL_POINT_SINT, 0, 0, 9, 0, 1 },
    { "negative.bucket_counts", WEFT_OTTL_POINT_VARINTS, 0, 0, 9, 0, 2 },
    { "quantile_values", WEFT_OTTL_POINT_MESSAGES, 0, 0, 0, 6, 0 },
};

const struct weft_ottl_point_path *weft_ottl_point_path_of(const struct weft_ottl_path *path)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(paths); i++) {
        if (strcmp(paths[i].name, path->row->name) == 0) {
            return &paths[i];
        }
    }
    weft_assert(!"path of a data point");
}

uint32_t weft_ottl_point_field(const struct weft_ottl_point_path *path, enum weft_ottl_metric_type type)
{
    switch (type) {
    case WEFT_OTTL_METRIC_GAUGE:
    case WEFT_OTTL_METRIC_SUM:
        return path->number;
    case WEFT_OTTL_METRIC_HISTOGRAM:
        return path->histogram;
    case WEFT_OTTL_METRIC_EXPONENTIAL_HISTOGRAM:
        return path->exponential;
    case WEFT_OTTL_METRIC_SUMMARY:
        return path->summary;
    case WEFT_OTTL_METRIC_NONE:
        break;
    }
    return 0;
}

/* The last field of that number in a run of fields. */
static bool find_last(struct weft_slice fields, uint32_t number, struct weft_wire_field *out_field)
{
    struct weft_wire_reader reader = weft_wire_reader_of(fields);
    struct weft_wire_field field;
    bool is_found = false;
    while (reader.at < reader.end && weft_wire_scan(&reader, &field) == NULL) {
        if (field.number == number) {
            *out_field = field;
            is_found = true;
        }
    }
    return is_found;
}

static double double_of(uint64_t bits)
{
    double real;
    memcpy(&real, &bits, sizeof real);
    return real;
}

/* ---- lists of numbers, packed or one by one ---- */

static enum weft_status append_number(struct weft_ottl_run *run, struct weft_ottl_list *list, uint64_t number,
                                      enum weft_ottl_point_form form)
{
    struct weft_ottl_value value =
        form == WEFT_OTTL_POINT_DOUBLES ? weft_ottl_double(double_of(number)) : weft_ottl_int((int64_t)number);
    return weft_ottl_list_append(&run->memory, list, value);
}

static enum weft_status append_packed(struct weft_ottl_run *run, struct weft_ottl_list *list, struct weft_slice packed,
                                      enum weft_ottl_point_form form)
{
    const uint8_t *at = packed.bytes;
    const uint8_t *end = at + packed.length;
    enum weft_status status = WEFT_OK;
    while (status == WEFT_OK && at != NULL && at < end) {
        uint64_t number = 0;
        if (form == WEFT_OTTL_POINT_VARINTS) {
            at = weft_wire_read_varint(at, end, &number);
        } else if (end - at >= (ptrdiff_t)sizeof number) {
            memcpy(&number, at, sizeof number);
            at += sizeof number;
        } else {
            break;
        }
        status = at == NULL ? WEFT_OK : append_number(run, list, number, form);
    }
    return status;
}

static enum weft_status read_numbers(struct weft_ottl_run *run, struct weft_slice fields, uint32_t number,
                                     enum weft_ottl_point_form form, struct weft_ottl_value *out_value)
{
    struct weft_ottl_list *list = weft_ottl_run_take(run, sizeof *list);
    struct weft_wire_reader reader = weft_wire_reader_of(fields);
    struct weft_wire_field field;
    enum weft_status status = list == NULL ? WEFT_NOMEM : WEFT_OK;
    if (status != WEFT_OK) {
        return status;
    }
    *list = (struct weft_ottl_list){ 0 };
    while (status == WEFT_OK && reader.at < reader.end && weft_wire_scan(&reader, &field) == NULL) {
        if (field.number == number) {
            status = field.type == WEFT_WIRE_BYTES ? append_packed(run, list, field.bytes, form)
                                                   : append_number(run, list, field.number_value, form);
        }
    }
    *out_value = weft_ottl_open_list(list);
    out_value->origin = WEFT_OTTL_TYPED;
    return status;
}

/* ---- */

static int64_t zigzag(uint64_t number)
{
    uint32_t low = (uint32_t)number;
    return (int32_t)((low >> 1) ^ (0 - (low & 1)));
}

static struct weft_ottl_value value_of(enum weft_ottl_point_form form, const struct weft_wire_field *field,
                                       uint32_t number)
{
    uint64_t bits = field == NULL ? 0 : field->number_value;
    switch (form) {
    case WEFT_OTTL_POINT_FIXED_INT:
    case WEFT_OTTL_POINT_AS_INT:
        return weft_ottl_int((int64_t)bits);
    case WEFT_OTTL_POINT_UINT:
        return weft_ottl_int((uint32_t)bits);
    case WEFT_OTTL_POINT_SINT:
        return weft_ottl_int(zigzag(bits));
    case WEFT_OTTL_POINT_DOUBLE:
    case WEFT_OTTL_POINT_AS_DOUBLE:
        return weft_ottl_double(double_of(bits));
    case WEFT_OTTL_POINT_MESSAGE:
        return (struct weft_ottl_value){ .kind = WEFT_OTTL_MESSAGE,
                                         .bytes = field == NULL ? WEFT_SLICE_EMPTY : field->bytes };
    case WEFT_OTTL_POINT_MESSAGES:
        return (struct weft_ottl_value){ .kind = WEFT_OTTL_MESSAGES, .field = number };
    case WEFT_OTTL_POINT_INTS:
    case WEFT_OTTL_POINT_DOUBLES:
    case WEFT_OTTL_POINT_VARINTS:
        break;
    }
    return weft_ottl_nil();
}

/* A number point holds one of two; the one that came last. */
static bool is_other_value(struct weft_slice point, enum weft_ottl_point_form form)
{
    enum { DOUBLE_FIELD = 4, INT_FIELD = 6 };
    struct weft_wire_field own, other;
    uint32_t number = form == WEFT_OTTL_POINT_AS_DOUBLE ? DOUBLE_FIELD : INT_FIELD;
    bool has_other = find_last(point, number == DOUBLE_FIELD ? INT_FIELD : DOUBLE_FIELD, &other);
    return has_other && find_last(point, number, &own) && other.whole.bytes > own.whole.bytes;
}

enum weft_status weft_ottl_read_point(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                      struct weft_ottl_value *out_value)
{
    const struct weft_ottl_point_path *found = weft_ottl_point_path_of(path);
    struct weft_slice fields = weft_ottl_record_level(&run->record, WEFT_OTTL_LEVEL_ITEM)->bytes;
    uint32_t number = weft_ottl_point_field(found, weft_ottl_record_metric_type(&run->record));
    struct weft_wire_field field;
    *out_value = weft_ottl_nil();
    if (number == 0) {
        return WEFT_OK;
    }
    if (found->inner != 0) {
        fields = find_last(fields, number, &field) ? field.bytes : WEFT_SLICE_EMPTY;
        number = found->inner;
    }
    if (found->form == WEFT_OTTL_POINT_INTS || found->form == WEFT_OTTL_POINT_DOUBLES ||
        found->form == WEFT_OTTL_POINT_VARINTS) {
        return read_numbers(run, fields, number, found->form, out_value);
    }
    bool is_there = find_last(fields, number, &field);
    if (is_there && (found->form == WEFT_OTTL_POINT_AS_DOUBLE || found->form == WEFT_OTTL_POINT_AS_INT)) {
        is_there = !is_other_value(fields, found->form);
    }
    *out_value = value_of(found->form, is_there ? &field : NULL, number);
    if (found->form == WEFT_OTTL_POINT_MESSAGES) {
        out_value->bytes = fields;
    }
    return WEFT_OK;
}
