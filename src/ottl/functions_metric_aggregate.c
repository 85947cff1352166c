/* Editors that put data points of a metric together: those that differ in nothing but attributes that shall not count,
 * or values of one that shall be the same. */
#include "ottl/functions.h"
#include "ottl/functions_metric.h"
#include "ottl/metric_merge.h"
#include "ottl/path_write.h"
#include "wire/checked.h"

static bool aggregation_of(struct weft_slice name, enum weft_ottl_aggregation *out_aggregation)
{
    for (size_t i = 0; i < WEFT_OTTL_AGGREGATION_COUNT; i++) {
        if (weft_slice_equal_text(name, weft_ottl_aggregations[i])) {
            *out_aggregation = (enum weft_ottl_aggregation)i;
            return true;
        }
    }
    return false;
}

static enum weft_status make_aggregation(struct weft_ottl_maker *maker, const struct weft_ottl_call *call,
                                         void **out_state, struct weft_error *error)
{
    enum weft_ottl_aggregation aggregation;
    (void)maker;
    (void)out_state;
    return aggregation_of(call->arguments[0].bytes, &aggregation)
               ? WEFT_OK
               : weft_fail(error, WEFT_INVALID,
                           "\"%.*s\" is no aggregation function; use sum, mean, min, max, median or count",
                           WEFT_SLICE_PRINT(call->arguments[0].bytes));
}

/* What all points have in common, behind them. */
static void put_rest_of_data(struct weft_buffer *out, const struct weft_ottl_metric *metric)
{
    struct weft_ottl_numbers numbers;
    weft_ottl_read_numbers(metric->data, &numbers);
    if (metric->type != WEFT_OTTL_METRIC_GAUGE && numbers.of[WEFT_OTTL_DATA_TEMPORALITY] != 0) {
        weft_ottl_put_varint(out, WEFT_OTTL_DATA_TEMPORALITY, numbers.of[WEFT_OTTL_DATA_TEMPORALITY]);
    }
    if (metric->type == WEFT_OTTL_METRIC_SUM && numbers.of[WEFT_OTTL_SUM_MONOTONIC] != 0) {
        weft_ottl_put_varint(out, WEFT_OTTL_SUM_MONOTONIC, 1);
    }
}

static enum weft_status put_groups(const struct weft_ottl_merging *merging, struct weft_buffer *data)
{
    enum weft_status status = WEFT_OK;
    for (uint32_t i = 0; status == WEFT_OK && i < merging->groups->count; i++) {
        if (!merging->groups->points[i].is_first) {
            continue;
        }
        struct weft_buffer *point = weft_ottl_scratch(merging->run);
        status = weft_ottl_merge_points(merging, i, point);
        if (weft_buffer_status(point) != WEFT_OK) {
            return WEFT_NOMEM;
        }
        weft_ottl_put_bytes(data, WEFT_OTTL_DATA_POINTS, weft_buffer_slice(point));
    }
    return status == WEFT_OK ? weft_buffer_status(data) : status;
}

static enum weft_status aggregate(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                  const struct weft_ottl_regard *regard)
{
    struct weft_ottl_metric metric;
    struct weft_ottl_point_groups groups;
    struct weft_ottl_merging merging = { .run = run, .regard = regard, .groups = &groups };
    (void)aggregation_of(call->arguments[0].bytes, &merging.aggregation);
    if (weft_ottl_record_metric_type(&run->record) == WEFT_OTTL_METRIC_SUMMARY) {
        return weft_fail(&run->error, WEFT_INVALID, "%s: points of a Summary are not put together",
                         call->function->name);
    }
    enum weft_status status = weft_ottl_metric_read(run, &metric);
    if (status == WEFT_OK) {
        status = weft_ottl_group_points(run, &metric, regard, &groups);
    }
    if (status != WEFT_OK) {
        return status;
    }
    merging.type = metric.type;
    struct weft_buffer *data = weft_ottl_data_scratch(run);
    status = put_groups(&merging, data);
    if (status != WEFT_OK) {
        return status;
    }
    put_rest_of_data(data, &metric);
    return weft_ottl_metric_renew_data(run, &metric, WEFT_OTTL_METRIC_BARE, metric.type);
}

static enum weft_status aggregate_on_attributes(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                                struct weft_ottl_value *out_value)
{
    (void)out_value;
    const struct weft_ottl_regard regard = { .kept = weft_ottl_is_given(call, 1) ? call->arguments[1].list : NULL };
    return aggregate(run, call, &regard);
}

static enum weft_status aggregate_on_attribute_value(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                                     struct weft_ottl_value *out_value)
{
    struct weft_ottl_regard regard = { .attribute = call->arguments[1].bytes, .values = call->arguments[2].list };
    struct weft_ottl_value renamed;
    struct weft_buffer *attribute = weft_ottl_data_scratch(run);
    struct weft_wire_reader reader;
    (void)out_value;
    enum weft_status status = weft_ottl_value_own(run, &call->arguments[3], &renamed);
    if (status == WEFT_OK) {
        status = weft_ottl_put_key_value(attribute, 1, regard.attribute, &renamed, &run->error);
    }
    status = status == WEFT_OK ? weft_buffer_status(attribute) : status;
    uint8_t *bytes = status == WEFT_OK ? weft_ottl_run_take(run, attribute->length) : NULL;
    if (bytes == NULL) {
        return status == WEFT_OK ? WEFT_NOMEM : status;
    }
    memcpy(bytes, attribute->bytes, attribute->length);
    reader = weft_wire_reader_of(weft_slice_of(bytes, attribute->length));
    (void)weft_wire_next_message(&reader, 1, &regard.renamed);
    return aggregate(run, call, &regard);
}

const struct weft_ottl_function weft_ottl_functions_metric_aggregate[] = {
    { .name = "aggregate_on_attributes",
      .contexts = WEFT_OTTL_IN_METRIC,
      .parameters = { { "aggregation_function", WEFT_OTTL_TAKES_LITERAL_STRING },
                      { "attributes", WEFT_OTTL_TAKES_LITERAL_STRING, .is_list = true, .is_optional = true } },
      .changes_count = true,
      .make = make_aggregation,
      .call = aggregate_on_attributes },
    { .name = "aggregate_on_attribute_value",
      .contexts = WEFT_OTTL_IN_METRIC,
      .parameters = { { "aggregation_function", WEFT_OTTL_TAKES_LITERAL_STRING },
                      { "attribute", WEFT_OTTL_TAKES_LITERAL_STRING },
                      { "values", WEFT_OTTL_TAKES_LITERAL_STRING, .is_list = true },
                      { "new_value", WEFT_OTTL_TAKES_LITERAL_STRING } },
      .changes_count = true,
      .make = make_aggregation,
      .call = aggregate_on_attribute_value },
    { .name = NULL },
};
