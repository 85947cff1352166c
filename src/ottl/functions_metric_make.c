/* Editors that make one more metric of the one that is looked at: copies, and what histograms and summaries hold as
 * numbers of their own. Whoever runs the statements puts them behind the others of the scope (metric.h). */
#include "ottl/functions.h"
#include "ottl/functions_metric.h"
#include "ottl/metric_numbers.h"
#include "ottl/path_write.h"
#include "wire/checked.h"
#include "wire/rewrite.h"

enum { POINT_START = 2, POINT_TIME = 3, POINT_COUNT = 4, POINT_SUM = 5 };
enum { NUMBER_DOUBLE = 4, NUMBER_INT = 6, NUMBER_ATTRIBUTES = 7 };
enum { SUMMARY_QUANTILES = 6, QUANTILE = 1, QUANTILE_VALUE = 2 };

/* ---- points ---- */

void weft_ottl_put_number_frame(struct weft_buffer *out, struct weft_slice point, enum weft_ottl_metric_type type)
{
    uint32_t attributes = weft_ottl_point_attributes_field(type);
    struct weft_wire_reader reader = weft_wire_reader_of(point);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        if (field.number == attributes) {
            weft_ottl_put_bytes(out, NUMBER_ATTRIBUTES, field.bytes);
        } else if (field.number == POINT_START || field.number == POINT_TIME) {
            weft_buffer_append(out, field.whole.bytes, field.whole.length);
        }
    }
}

/* The last number in that field; false: it is not there. */
static bool read_number(struct weft_slice message, uint32_t number, uint64_t *out_value)
{
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    struct weft_wire_field field;
    bool is_found = false;
    *out_value = 0;
    while (weft_wire_next_checked(&reader, &field)) {
        if (field.number == number) {
            *out_value = field.number_value;
            is_found = true;
        }
    }
    return is_found;
}

static void put_point(struct weft_buffer *data, const struct weft_buffer *point)
{
    weft_ottl_put_bytes(data, WEFT_OTTL_DATA_POINTS, weft_buffer_slice(point));
    data->is_failed = data->is_failed || point->is_failed;
}

/* A number for each point that has one in that field: an int of a count, a double of a sum. */
static void put_numbers(struct weft_ottl_run *run, const struct weft_ottl_metric *metric, uint32_t field,
                        struct weft_buffer *data)
{
    struct weft_wire_reader reader = weft_wire_reader_of(metric->data);
    struct weft_slice point;
    uint64_t value;
    while (weft_wire_next_message(&reader, WEFT_OTTL_DATA_POINTS, &point)) {
        /* a count has a value of its own in each point, and so has the sum of a summary */
        bool has_value = read_number(point, field, &value);
        if (!has_value && field == POINT_SUM && metric->type != WEFT_OTTL_METRIC_SUMMARY) {
            continue;
        }
        struct weft_buffer *number = weft_ottl_scratch(run);
        weft_ottl_put_number_frame(number, point, metric->type);
        weft_ottl_put_fixed64(number, field == POINT_SUM ? (uint32_t)NUMBER_DOUBLE : (uint32_t)NUMBER_INT, value);
        put_point(data, number);
    }
}

/* ---- the metric ---- */

/* Texts of the config may hold what is no UTF-8. */
static enum weft_status own_text(struct weft_ottl_run *run, struct weft_slice *in_out_text)
{
    struct weft_ottl_value value = weft_ottl_string(*in_out_text);
    struct weft_ottl_value own;
    enum weft_status status = weft_ottl_value_own(run, &value, &own);
    if (status == WEFT_OK) {
        *in_out_text = own.bytes;
    }
    return status;
}

enum weft_status weft_ottl_metric_make_named(struct weft_ottl_run *run, const struct weft_ottl_metric *metric,
                                             struct weft_slice suffix, const char *unit,
                                             enum weft_ottl_metric_type type)
{
    struct weft_slice name = weft_entry_memory_try_join(&run->memory, metric->name, suffix);
    struct weft_buffer *fields = weft_ottl_scratch(run);
    struct weft_ottl_metric named = { .type = type };
    struct weft_slice bytes;
    enum weft_status status = name.bytes == NULL && metric->name.length + suffix.length > 0 ? WEFT_NOMEM : WEFT_OK;
    if (status == WEFT_OK) {
        status = own_text(run, &name);
    }
    if (status != WEFT_OK) {
        return status;
    }
    weft_ottl_put_bytes(fields, WEFT_OTTL_METRIC_NAME, name);
    weft_ottl_put_bytes(fields, WEFT_OTTL_METRIC_DESCRIPTION, metric->description);
    weft_ottl_put_bytes(fields, WEFT_OTTL_METRIC_UNIT, unit == NULL ? metric->unit : weft_slice_of_text(unit));
    status = weft_buffer_status(fields);
    status = status == WEFT_OK ? weft_buffer_status(&run->message) : status;
    if (status == WEFT_OK) {
        named.bytes = weft_buffer_slice(fields);
        status =
            weft_ottl_metric_write(run, &named, WEFT_OTTL_METRIC_WHOLE, type, weft_buffer_slice(&run->message), &bytes);
    }
    return status == WEFT_OK ? weft_ottl_metric_make(run, bytes) : status;
}

/* ---- extract_count_metric, extract_sum_metric ---- */

/* Summaries have none, and their counts and sums only ever grow. Unspecified: nothing can be extracted. */
static enum weft_ottl_temporality temporality_of(const struct weft_ottl_metric *metric)
{
    uint64_t temporality = 0;
    switch (metric->type) {
    case WEFT_OTTL_METRIC_HISTOGRAM:
    case WEFT_OTTL_METRIC_EXPONENTIAL_HISTOGRAM:
        (void)read_number(metric->data, WEFT_OTTL_DATA_TEMPORALITY, &temporality);
        return (enum weft_ottl_temporality)temporality;
    case WEFT_OTTL_METRIC_SUMMARY:
        return WEFT_OTTL_CUMULATIVE;
    case WEFT_OTTL_METRIC_NONE:
    case WEFT_OTTL_METRIC_GAUGE:
    case WEFT_OTTL_METRIC_SUM:
        break;
    }
    return WEFT_OTTL_UNSPECIFIED;
}

static enum weft_status extract(struct weft_ottl_run *run, const struct weft_ottl_call *call, uint32_t field,
                                const char *suffix, const char *unit)
{
    struct weft_ottl_metric metric;
    enum weft_status status = weft_ottl_metric_read_to_make(run, &metric);
    if (status != WEFT_OK) {
        return status;
    }
    enum weft_ottl_temporality temporality = temporality_of(&metric);
    if (temporality == WEFT_OTTL_UNSPECIFIED) {
        return weft_fail(&run->error, WEFT_INVALID,
                         "%s: a Histogram or ExponentialHistogram with a temporality, or a Summary, is expected, not a "
                         "metric of type %s",
                         call->function->name, weft_ottl_metric_type_text(metric.type));
    }
    struct weft_buffer *data = weft_ottl_data_scratch(run);
    put_numbers(run, &metric, field, data);
    if (data->length == 0) {
        return weft_buffer_status(data);
    }
    weft_ottl_put_sum_kind(data, temporality, call->arguments[0].boolean);
    return weft_ottl_metric_make_named(run, &metric, weft_ottl_text_or(call, 1, suffix), unit, WEFT_OTTL_METRIC_SUM);
}

static enum weft_status extract_count_metric(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                             struct weft_ottl_value *out_value)
{
    (void)out_value;
    return extract(run, call, POINT_COUNT, "_count", "1");
}

static enum weft_status extract_sum_metric(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                           struct weft_ottl_value *out_value)
{
    (void)out_value;
    return extract(run, call, POINT_SUM, "_sum", NULL);
}

/* ---- convert_summary_... ---- */

static enum weft_status convert_summary(struct weft_ottl_run *run, const struct weft_ottl_call *call, uint32_t field,
                                        const char *suffix)
{
    struct weft_ottl_metric metric;
    if (weft_ottl_record_metric_type(&run->record) != WEFT_OTTL_METRIC_SUMMARY) {
        return WEFT_OK;
    }
    enum weft_status status = weft_ottl_metric_read_to_make(run, &metric);
    if (status != WEFT_OK) {
        return status;
    }
    struct weft_buffer *data = weft_ottl_data_scratch(run);
    put_numbers(run, &metric, field, data);
    weft_ottl_put_sum_kind(data, weft_ottl_temporality_of(call), call->arguments[1].boolean);
    return weft_ottl_metric_make_named(run, &metric, weft_ottl_text_or(call, 2, suffix), NULL, WEFT_OTTL_METRIC_SUM);
}

static enum weft_status convert_summary_count(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                              struct weft_ottl_value *out_value)
{
    (void)out_value;
    return convert_summary(run, call, POINT_COUNT, "_count");
}

static enum weft_status convert_summary_sum(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                            struct weft_ottl_value *out_value)
{
    (void)out_value;
    return convert_summary(run, call, POINT_SUM, "_sum");
}

/* When the point was, and its attributes with this one, which takes the place of one of its name. */
static void put_quantile_frame(struct weft_buffer *out, struct weft_slice point, struct weft_slice key, double quantile)
{
    struct weft_wire_reader reader = weft_wire_reader_of(point);
    struct weft_wire_field field;
    struct weft_ottl_value value = weft_ottl_double(quantile);
    bool is_put = false;
    while (weft_wire_next_checked(&reader, &field)) {
        bool is_attribute = field.number == NUMBER_ATTRIBUTES;
        if (is_attribute && !is_put && weft_slice_equal(weft_rewrite_key_of(field.bytes), key)) {
            is_put = weft_ottl_put_key_value(out, NUMBER_ATTRIBUTES, key, &value, NULL) == WEFT_OK;
        } else if (is_attribute || field.number == POINT_START || field.number == POINT_TIME) {
            weft_buffer_append(out, field.whole.bytes, field.whole.length);
        }
    }
    if (!is_put) {
        out->is_failed |= weft_ottl_put_key_value(out, NUMBER_ATTRIBUTES, key, &value, NULL) != WEFT_OK;
    }
}

static enum weft_status put_quantiles(struct weft_ottl_run *run, struct weft_slice point, struct weft_slice key,
                                      struct weft_buffer *data)
{
    struct weft_wire_reader reader = weft_wire_reader_of(point);
    struct weft_slice quantile;
    uint64_t at, value;
    while (weft_wire_next_message(&reader, SUMMARY_QUANTILES, &quantile)) {
        struct weft_buffer *number = weft_ottl_scratch(run);
        if (!weft_ottl_spend(run, point.length)) {
            return weft_ottl_fail_steps(run);
        }
        (void)read_number(quantile, QUANTILE, &at);
        (void)read_number(quantile, QUANTILE_VALUE, &value);
        put_quantile_frame(number, point, key, weft_ottl_double_of(at));
        weft_ottl_put_fixed64(number, NUMBER_DOUBLE, value);
        put_point(data, number);
    }
    return WEFT_OK;
}

static enum weft_status convert_summary_quantile(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                                 struct weft_ottl_value *out_value)
{
    struct weft_ottl_metric metric;
    struct weft_slice point;
    (void)out_value;
    if (weft_ottl_record_metric_type(&run->record) != WEFT_OTTL_METRIC_SUMMARY) {
        return WEFT_OK;
    }
    enum weft_status status = weft_ottl_metric_read_to_make(run, &metric);
    if (status != WEFT_OK) {
        return status;
    }
    struct weft_slice key = weft_ottl_text_or(call, 0, "quantile");
    struct weft_buffer *data = weft_ottl_data_scratch(run);
    struct weft_wire_reader reader = weft_wire_reader_of(metric.data);
    status = own_text(run, &key);
    while (status == WEFT_OK && weft_wire_next_message(&reader, WEFT_OTTL_DATA_POINTS, &point)) {
        status = put_quantiles(run, point, key, data);
    }
    return status != WEFT_OK ? status
                             : weft_ottl_metric_make_named(run, &metric, weft_ottl_text_or(call, 1, ".quantiles"), NULL,
                                                           WEFT_OTTL_METRIC_GAUGE);
}

/* ---- copy_metric ---- */

static enum weft_status evaluate_text(struct weft_ottl_run *run, const struct weft_ottl_node *node,
                                      struct weft_slice *out_text)
{
    struct weft_ottl_value value, own;
    enum weft_status status = weft_ottl_evaluate(run, node, &value);
    if (status == WEFT_OK) {
        status = weft_ottl_argument_take(run, WEFT_OTTL_TAKES_STRING, &value);
    }
    if (status == WEFT_OK) {
        status = weft_ottl_value_own(run, &value, &own);
    }
    if (status == WEFT_OK) {
        *out_text = own.bytes;
    }
    return status;
}

/* Another metric with these texts, as far as they are given. */
static void put_copy(struct weft_buffer *out, struct weft_slice metric, const struct weft_slice *texts,
                     uint32_t given_fields)
{
    struct weft_wire_reader reader = weft_wire_reader_of(metric);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        bool is_given = field.number <= WEFT_OTTL_METRIC_UNIT && (given_fields >> field.number & 1) != 0;
        if (!is_given) {
            weft_buffer_append(out, field.whole.bytes, field.whole.length);
        }
    }
    for (uint32_t number = WEFT_OTTL_METRIC_NAME; number <= WEFT_OTTL_METRIC_UNIT; number++) {
        if ((given_fields >> number & 1) != 0) {
            weft_ottl_put_bytes(out, number, texts[number - WEFT_OTTL_METRIC_NAME]);
        }
    }
}

/* A text that fails leaves a copy with those before it, as in the Collector. */
static enum weft_status copy_metric(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                    struct weft_ottl_value *out_value)
{
    enum { TEXTS = WEFT_OTTL_METRIC_UNIT };
    struct weft_slice texts[TEXTS] = { 0 };
    struct weft_ottl_metric metric;
    struct weft_slice bytes;
    uint32_t given_fields = 0;
    enum weft_status text_status = WEFT_OK;
    (void)out_value;
    for (uint32_t i = 0; i < TEXTS && text_status == WEFT_OK; i++) {
        if (call->nodes[i] != NULL) {
            text_status = evaluate_text(run, call->nodes[i], &texts[i]);
            given_fields |= text_status == WEFT_OK ? UINT32_C(1) << (i + WEFT_OTTL_METRIC_NAME) : 0;
        }
    }
    enum weft_status status = text_status == WEFT_NOMEM ? WEFT_NOMEM : weft_ottl_metric_read_to_make(run, &metric);
    if (status == WEFT_OK) {
        status = weft_ottl_metric_write(run, &metric, WEFT_OTTL_METRIC_WHOLE, metric.type, metric.data, &bytes);
    }
    if (status != WEFT_OK) {
        return status;
    }
    put_copy(weft_ottl_data_scratch(run), bytes, texts, given_fields);
    status = weft_ottl_metric_make_scratch(run);
    return status == WEFT_OK ? text_status : status;
}

#define TEMPORALITY_AND_MONOTONIC                          \
    { "string_agg_temp", WEFT_OTTL_TAKES_LITERAL_STRING }, \
    {                                                      \
        "monotonic", WEFT_OTTL_TAKES_LITERAL_BOOL          \
    }
#define SUFFIX                                                        \
    {                                                                 \
        "suffix", WEFT_OTTL_TAKES_LITERAL_STRING, .is_optional = true \
    }

const struct weft_ottl_function weft_ottl_functions_metric_make[] = {
    { .name = "copy_metric",
      .contexts = WEFT_OTTL_IN_METRIC,
      .parameters = { { "name", WEFT_OTTL_TAKES_STRING, .is_optional = true, .is_lazy = true },
                      { "description", WEFT_OTTL_TAKES_STRING, .is_optional = true, .is_lazy = true },
                      { "unit", WEFT_OTTL_TAKES_STRING, .is_optional = true, .is_lazy = true } },
      .changes_count = true,
      .call = copy_metric },
    { .name = "extract_count_metric",
      .contexts = WEFT_OTTL_IN_METRIC,
      .parameters = { { "monotonic", WEFT_OTTL_TAKES_LITERAL_BOOL }, SUFFIX },
      .changes_count = true,
      .call = extract_count_metric },
    { .name = "extract_sum_metric",
      .contexts = WEFT_OTTL_IN_METRIC,
      .parameters = { { "monotonic", WEFT_OTTL_TAKES_LITERAL_BOOL }, SUFFIX },
      .changes_count = true,
      .call = extract_sum_metric },
    { .name = "convert_summary_count_val_to_sum",
      .contexts = WEFT_OTTL_IN_DATAPOINT,
      .parameters = { TEMPORALITY_AND_MONOTONIC, SUFFIX },
      .changes_count = true,
      .make = weft_ottl_make_temporality,
      .call = convert_summary_count },
    { .name = "convert_summary_sum_val_to_sum",
      .contexts = WEFT_OTTL_IN_DATAPOINT,
      .parameters = { TEMPORALITY_AND_MONOTONIC, SUFFIX },
      .changes_count = true,
      .make = weft_ottl_make_temporality,
      .call = convert_summary_sum },
    { .name = "convert_summary_quantile_val_to_gauge",
      .contexts = WEFT_OTTL_IN_METRIC,
      .parameters = { { "attribute_key", WEFT_OTTL_TAKES_LITERAL_STRING, .is_optional = true }, SUFFIX },
      .changes_count = true,
      .call = convert_summary_quantile },
    { .name = NULL },
};
