/* A Metric as a whole (metric.h). Editors read it as it stands, write another one into the run's memory, and have the
 * record look at that, so that later statements find what any reader of bytes would. */
#include "ottl/metric.h"

#include "base/assert.h"
#include "wire/checked.h"

static const struct {
    uint32_t field;
    const char *text;
} kinds[] = {
    [WEFT_OTTL_METRIC_NONE] = { 0, "Empty" },
    [WEFT_OTTL_METRIC_GAUGE] = { 5, "Gauge" },
    [WEFT_OTTL_METRIC_SUM] = { 7, "Sum" },
    [WEFT_OTTL_METRIC_HISTOGRAM] = { 9, "Histogram" },
    [WEFT_OTTL_METRIC_EXPONENTIAL_HISTOGRAM] = { 10, "ExponentialHistogram" },
    [WEFT_OTTL_METRIC_SUMMARY] = { 11, "Summary" },
};

uint32_t weft_ottl_metric_field(enum weft_ottl_metric_type type)
{
    weft_assert(type < WEFT_COUNT_OF(kinds));
    return kinds[type].field;
}

const char *weft_ottl_metric_type_text(enum weft_ottl_metric_type type)
{
    weft_assert(type < WEFT_COUNT_OF(kinds));
    return kinds[type].text;
}

static bool is_data_field(uint32_t number)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(kinds); i++) {
        if (kinds[i].field == number && number != 0) {
            return true;
        }
    }
    return false;
}

/* Of several kinds of data the last counts. */
uint32_t weft_ottl_metric_point_count(struct weft_slice metric)
{
    struct weft_wire_reader reader = weft_wire_reader_of(metric);
    struct weft_wire_field field;
    struct weft_slice data = WEFT_SLICE_EMPTY;
    struct weft_slice point;
    uint32_t count = 0;
    while (weft_wire_next_checked(&reader, &field)) {
        data = is_data_field(field.number) ? field.bytes : data;
    }
    reader = weft_wire_reader_of(data);
    while (weft_wire_next_message(&reader, WEFT_OTTL_DATA_POINTS, &point)) {
        count++;
    }
    return count;
}

/* A copy in the run's memory, of bytes that have been written. */
static enum weft_status keep_scratch(struct weft_ottl_run *run, struct weft_slice *out_bytes)
{
    struct weft_slice written = weft_buffer_slice(&run->message);
    enum weft_status status = weft_buffer_status(&run->message);
    uint8_t *bytes = status == WEFT_OK ? weft_ottl_run_take(run, written.length + 1) : NULL;
    if (bytes == NULL) {
        return WEFT_NOMEM;
    }
    if (written.length > 0) {
        memcpy(bytes, written.bytes, written.length);
    }
    *out_bytes = weft_slice_of(bytes, written.length);
    return WEFT_OK;
}

static enum weft_status read_level(struct weft_ottl_run *run, enum weft_ottl_level level,
                                   const struct weft_ottl_replaced *replaced, struct weft_slice *out_bytes)
{
    const struct weft_ottl_message *message = weft_ottl_record_level(&run->record, level);
    if (message->touched == 0 && replaced == NULL) {
        *out_bytes = message->bytes;
        return WEFT_OK;
    }
    uint32_t attributes = weft_ottl_record_attributes_field(&run->record, level);
    enum weft_status status = weft_ottl_write_message(weft_ottl_data_scratch(run), message, attributes, replaced);
    return status == WEFT_OK ? keep_scratch(run, out_bytes) : status;
}

/* With what has become of its points, where one of them is looked at. */
static enum weft_status read_data(struct weft_ottl_run *run, struct weft_slice *out_bytes)
{
    const struct weft_ottl_replaced replaced = { WEFT_OTTL_DATA_POINTS, run->points, run->point_count };
    bool is_any = false;
    if (run->points != NULL && run->record.levels[WEFT_OTTL_LEVEL_ITEM].touched != 0) {
        enum weft_status status = read_level(run, WEFT_OTTL_LEVEL_ITEM, NULL, &run->points[run->point]);
        if (status != WEFT_OK) {
            return status;
        }
    }
    for (size_t i = 0; run->points != NULL && i <= run->point; i++) {
        is_any = is_any || run->points[i].bytes != NULL;
    }
    return read_level(run, WEFT_OTTL_LEVEL_DATA, is_any ? &replaced : NULL, out_bytes);
}

enum weft_status weft_ottl_level_read(struct weft_ottl_run *run, enum weft_ottl_level level,
                                      struct weft_slice *out_bytes)
{
    return read_level(run, level, NULL, out_bytes);
}

enum weft_status weft_ottl_level_renew(struct weft_ottl_run *run, enum weft_ottl_level level)
{
    struct weft_slice bytes;
    enum weft_status status = keep_scratch(run, &bytes);
    if (status == WEFT_OK) {
        weft_ottl_message_replace(weft_ottl_record_level(&run->record, level), bytes);
    }
    return status;
}

static struct weft_slice text_of(const struct weft_ottl_message *metric, uint32_t number)
{
    const struct weft_ottl_field *field = weft_ottl_message_field(metric, number);
    return field == NULL ? WEFT_SLICE_EMPTY : field->bytes;
}

enum weft_status weft_ottl_metric_read(struct weft_ottl_run *run, struct weft_ottl_metric *out_metric)
{
    struct weft_ottl_metric metric = { .type = weft_ottl_record_metric_type(&run->record) };
    const struct weft_ottl_message *record = weft_ottl_record_decoded(&run->record, WEFT_OTTL_LEVEL_RECORD);
    /* a byte is read, compared and copied in less than a step */
    if (!weft_ottl_spend(run, record->bytes.length)) {
        return weft_ottl_fail_steps(run);
    }
    metric.name = text_of(record, WEFT_OTTL_METRIC_NAME);
    metric.description = text_of(record, WEFT_OTTL_METRIC_DESCRIPTION);
    metric.unit = text_of(record, WEFT_OTTL_METRIC_UNIT);
    enum weft_status status = read_level(run, WEFT_OTTL_LEVEL_RECORD, NULL, &metric.bytes);
    if (status == WEFT_OK) {
        status = read_data(run, &metric.data);
    }
    if (status == WEFT_OK) {
        *out_metric = metric;
    }
    return status;
}

static enum weft_status fail_room(struct weft_ottl_run *run, size_t length)
{
    return weft_fail(&run->error, WEFT_INVALID, "there is no room for another metric of %zu bytes", length);
}

enum weft_status weft_ottl_metric_read_to_make(struct weft_ottl_run *run, struct weft_ottl_metric *out_metric)
{
    size_t length = weft_ottl_record_level(&run->record, WEFT_OTTL_LEVEL_RECORD)->bytes.length;
    return length > run->room_bytes ? fail_room(run, length) : weft_ottl_metric_read(run, out_metric);
}

/* What once was too much is not made of the next data point either. */
enum weft_status weft_ottl_metric_make(struct weft_ottl_run *run, struct weft_slice bytes)
{
    size_t room_bytes = run->room_bytes;
    size_t more_bytes = bytes.length + WEFT_OTTL_METRIC_ROOM_BYTES;
    run->room_bytes = more_bytes > room_bytes ? 0 : room_bytes - more_bytes;
    if (more_bytes > room_bytes) {
        return fail_room(run, bytes.length);
    }
    weft_buffer_append(&run->made, &bytes, sizeof bytes);
    return weft_buffer_status(&run->made);
}

enum weft_status weft_ottl_metric_make_scratch(struct weft_ottl_run *run)
{
    struct weft_slice bytes;
    enum weft_status status = keep_scratch(run, &bytes);
    return status == WEFT_OK ? weft_ottl_metric_make(run, bytes) : status;
}

static bool is_kept(uint32_t number, enum weft_ottl_metric_rest rest)
{
    return rest == WEFT_OTTL_METRIC_BARE ? number <= WEFT_OTTL_METRIC_UNIT : !is_data_field(number);
}

enum weft_status weft_ottl_metric_write(struct weft_ottl_run *run, const struct weft_ottl_metric *metric,
                                        enum weft_ottl_metric_rest rest, enum weft_ottl_metric_type type,
                                        struct weft_slice data, struct weft_slice *out_bytes)
{
    enum { HEADER_BYTES = 15 };
    struct weft_wire_reader reader = weft_wire_reader_of(metric->bytes);
    struct weft_wire_field field;
    uint8_t *bytes = weft_ottl_run_take(run, metric->bytes.length + HEADER_BYTES + data.length);
    uint8_t *at = bytes;
    if (bytes == NULL) {
        return WEFT_NOMEM;
    }
    while (weft_wire_next_checked(&reader, &field)) {
        if (is_kept(field.number, rest)) {
            memcpy(at, field.whole.bytes, field.whole.length);
            at += field.whole.length;
        }
    }
    if (type != WEFT_OTTL_METRIC_NONE) {
        at = weft_wire_put_bytes_header(at, weft_ottl_metric_field(type), data.length);
        if (data.length > 0) {
            memcpy(at, data.bytes, data.length);
        }
        at += data.length;
    }
    *out_bytes = weft_slice_of(bytes, (size_t)(at - bytes));
    return WEFT_OK;
}

void weft_ottl_metric_renew(struct weft_ottl_run *run, struct weft_slice bytes)
{
    struct weft_ottl_record *record = &run->record;
    weft_assert(record->signal == WEFT_METRICS && !record->has_level[WEFT_OTTL_LEVEL_ITEM]);
    weft_ottl_message_replace(weft_ottl_record_level(record, WEFT_OTTL_LEVEL_RECORD), bytes);
    record->has_level[WEFT_OTTL_LEVEL_DATA] = false;
}

enum weft_status weft_ottl_metric_renew_data(struct weft_ottl_run *run, const struct weft_ottl_metric *metric,
                                             enum weft_ottl_metric_rest rest, enum weft_ottl_metric_type type)
{
    struct weft_slice bytes;
    enum weft_status status = weft_buffer_status(&run->message);
    if (status == WEFT_OK) {
        status = weft_ottl_metric_write(run, metric, rest, type, weft_buffer_slice(&run->message), &bytes);
    }
    if (status == WEFT_OK) {
        weft_ottl_metric_renew(run, bytes);
    }
    return status;
}
