#pragma once

#include "ottl/run.h"
#include "ottl/write.h"

/* The Metric that a run looks at, as a whole: for editors that make another kind of data of it, or another Metric. What
 * earlier statements wrote is in it, also into its points. */
enum { WEFT_OTTL_METRIC_NAME = 1, WEFT_OTTL_METRIC_DESCRIPTION = 2, WEFT_OTTL_METRIC_UNIT = 3 };
enum { WEFT_OTTL_DATA_POINTS = 1, WEFT_OTTL_DATA_TEMPORALITY = 2, WEFT_OTTL_SUM_MONOTONIC = 3 };
enum weft_ottl_temporality { WEFT_OTTL_UNSPECIFIED = 0, WEFT_OTTL_DELTA = 1, WEFT_OTTL_CUMULATIVE = 2 };

struct weft_ottl_metric {
    struct weft_slice bytes; /* contents of the Metric but for its data, which may be an older one */
    struct weft_slice name, description, unit;
    enum weft_ottl_metric_type type;
    struct weft_slice data; /* contents of its Gauge, Sum, ... */
};

/* The field of a Metric that data of this kind lies in; 0: there is none. */
uint32_t weft_ottl_metric_field(enum weft_ottl_metric_type type);

/* Of the contents of a Metric. */
uint32_t weft_ottl_metric_point_count(struct weft_slice metric);

/* "Gauge", "Sum" ...: for errors. */
const char *weft_ottl_metric_type_text(enum weft_ottl_metric_type type);

/* A level with what was written into it, in run->memory or borrowed from the record. WEFT_NOMEM. */
enum weft_status weft_ottl_level_read(struct weft_ottl_run *run, enum weft_ottl_level level,
                                      struct weft_slice *out_bytes) WEFT_MUST_CHECK;
/* It has these bytes from now on: those that lie in the scratch. WEFT_NOMEM. */
enum weft_status weft_ottl_level_renew(struct weft_ottl_run *run, enum weft_ottl_level level) WEFT_MUST_CHECK;

/* In run->memory, or borrowed from the record. WEFT_NOMEM; WEFT_INVALID: no steps left. */
enum weft_status weft_ottl_metric_read(struct weft_ottl_run *run, struct weft_ottl_metric *out_metric) WEFT_MUST_CHECK;

/* The same for who makes another metric of it. WEFT_INVALID, too: what is made may be longer than there is room for
 * (run->room_bytes). */
enum weft_status weft_ottl_metric_read_to_make(struct weft_ottl_run *run,
                                               struct weft_ottl_metric *out_metric) WEFT_MUST_CHECK;

/* One more Metric (run->made); of the run's memory. It takes of the room more than its bytes, so that there are not too
 * many, however small they are. WEFT_INVALID: there is no room; WEFT_NOMEM. */
enum { WEFT_OTTL_METRIC_ROOM_BYTES = 256 };
enum weft_status weft_ottl_metric_make(struct weft_ottl_run *run, struct weft_slice bytes) WEFT_MUST_CHECK;
/* One that lies in the scratch. */
enum weft_status weft_ottl_metric_make_scratch(struct weft_ottl_run *run) WEFT_MUST_CHECK;

/* Contents of a Metric with this data. bare: of all other fields it has name, description and unit only. */
enum weft_ottl_metric_rest { WEFT_OTTL_METRIC_WHOLE, WEFT_OTTL_METRIC_BARE };
enum weft_status weft_ottl_metric_write(struct weft_ottl_run *run, const struct weft_ottl_metric *metric,
                                        enum weft_ottl_metric_rest rest, enum weft_ottl_metric_type type,
                                        struct weft_slice data, struct weft_slice *out_bytes) WEFT_MUST_CHECK;

/* The run looks at this Metric from now on, instead of what it was; of the run's memory. Not while it looks at a data
 * point. */
void weft_ottl_metric_renew(struct weft_ottl_run *run, struct weft_slice bytes);

/* The scratch for data, empty. What reads the metric writes over it. */
static inline struct weft_buffer *weft_ottl_data_scratch(struct weft_ottl_run *run)
{
    weft_buffer_clear(&run->message);
    return &run->message;
}

/* What lies in the scratch becomes the data of the metric. */
enum weft_status weft_ottl_metric_renew_data(struct weft_ottl_run *run, const struct weft_ottl_metric *metric,
                                             enum weft_ottl_metric_rest rest,
                                             enum weft_ottl_metric_type type) WEFT_MUST_CHECK;

/* ---- fields ---- */

static inline void weft_ottl_put_bytes(struct weft_buffer *out, uint32_t number, struct weft_slice contents)
{
    enum { HEADER_BYTES = 15 };
    uint8_t header[HEADER_BYTES];
    uint8_t *end = weft_wire_put_bytes_header(header, number, contents.length);
    weft_buffer_append(out, header, (size_t)(end - header));
    weft_buffer_append(out, contents.bytes, contents.length);
}

static inline void weft_ottl_put_varint(struct weft_buffer *out, uint32_t number, uint64_t value)
{
    enum { MAX_VARINTS_BYTES = 20 };
    uint8_t bytes[MAX_VARINTS_BYTES];
    uint8_t *end = weft_wire_put_varint(bytes, (uint64_t)number << 3 | WEFT_WIRE_VARINT);
    end = weft_wire_put_varint(end, value);
    weft_buffer_append(out, bytes, (size_t)(end - bytes));
}

static inline void weft_ottl_put_fixed64(struct weft_buffer *out, uint32_t number, uint64_t value)
{
    enum { MAX_FIELD_BYTES = 18 };
    uint8_t bytes[MAX_FIELD_BYTES];
    uint8_t *end = weft_wire_put_varint(bytes, (uint64_t)number << 3 | WEFT_WIRE_FIXED64);
    memcpy(end, &value, sizeof value);
    weft_buffer_append(out, bytes, (size_t)(end - bytes) + sizeof value);
}

static inline void weft_ottl_put_double(struct weft_buffer *out, uint32_t number, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    weft_ottl_put_fixed64(out, number, bits);
}

static inline double weft_ottl_double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
