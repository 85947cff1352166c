/* Data points that become one (metric_merge.h): numbers here. The first point is what stays; of the others their values
 * count, and when the earliest of them began. */
#include "ottl/metric_merge.h"

#include <math.h>

#include "base/assert.h"
#include "wire/checked.h"

enum { POINT_START = 2, NUMBER_DOUBLE = 4, NUMBER_INT = 6 };

const char *const weft_ottl_aggregations[WEFT_OTTL_AGGREGATION_COUNT] = {
    [WEFT_OTTL_AGGREGATE_SUM] = "sum", [WEFT_OTTL_AGGREGATE_MEAN] = "mean",     [WEFT_OTTL_AGGREGATE_MIN] = "min",
    [WEFT_OTTL_AGGREGATE_MAX] = "max", [WEFT_OTTL_AGGREGATE_MEDIAN] = "median", [WEFT_OTTL_AGGREGATE_COUNT] = "count",
};

void weft_ottl_put_rest_of_point(const struct weft_ottl_merging *merging, struct weft_slice point, uint32_t mask,
                                 struct weft_buffer *out)
{
    uint32_t attributes = weft_ottl_point_attributes_field(merging->type);
    struct weft_wire_reader reader = weft_wire_reader_of(point);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        bool is_masked = field.number < 32 && (mask >> field.number & 1) != 0;
        if (field.number == attributes) {
            struct weft_slice key_value = field.bytes;
            if (weft_ottl_regard_attribute(merging->regard, &key_value)) {
                weft_ottl_put_bytes(out, attributes, key_value);
            }
        } else if (!is_masked) {
            weft_buffer_append(out, field.whole.bytes, field.whole.length);
        }
    }
}

/* ---- numbers ---- */

/* Beyond an int's range it is the lowest, as Go has it on x86. */
static int64_t int_of(const struct weft_ottl_numbers *point)
{
    static const double beyond = 9223372036854775808.0;
    if ((point->present >> NUMBER_DOUBLE & 1) == 0) {
        return (int64_t)point->of[NUMBER_INT];
    }
    double real = weft_ottl_double_of(point->of[NUMBER_DOUBLE]);
    return real >= -beyond && real < beyond ? (int64_t)real : INT64_MIN;
}

static double double_of(const struct weft_ottl_numbers *point)
{
    bool is_double = (point->present >> NUMBER_DOUBLE & 1) != 0;
    return is_double ? weft_ottl_double_of(point->of[NUMBER_DOUBLE]) : (double)(int64_t)point->of[NUMBER_INT];
}

/* Values of a group in an order that unsigned numbers have: those that are none come first. */
static uint64_t order_of(const struct weft_ottl_numbers *point, bool is_double)
{
    static const uint64_t sign = UINT64_C(1) << 63;
    double real = double_of(point);
    uint64_t bits;
    if (!is_double) {
        return (uint64_t)int_of(point) ^ sign;
    }
    memcpy(&bits, &real, sizeof bits);
    return isnan(real) ? 0 : bits ^ ((bits & sign) != 0 ? UINT64_MAX : sign);
}

static double double_of_order(uint64_t order)
{
    static const uint64_t sign = UINT64_C(1) << 63;
    return order == 0 ? NAN : weft_ottl_double_of(order ^ ((order & sign) != 0 ? sign : UINT64_MAX));
}

static void sift_down(uint64_t *heap, size_t at, size_t count)
{
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        child += child + 1 < count && heap[child + 1] > heap[child];
        if (heap[child] <= heap[at]) {
            return;
        }
        uint64_t moved = heap[at];
        heap[at] = heap[child];
        heap[child] = moved;
        at = child;
    }
}

static void sort(uint64_t *orders, size_t count)
{
    for (size_t i = count / 2; i-- > 0;) {
        sift_down(orders, i, count);
    }
    for (size_t end = count; end-- > 1;) {
        uint64_t last = orders[end];
        orders[end] = orders[0];
        orders[0] = last;
        sift_down(orders, 0, end);
    }
}

/* What numbers of one kind come to, which is that of the first. */
struct number {
    bool is_double;
    double real;
    int64_t integer; /* wraps, as in Go */
    uint64_t count, start;
};

static int64_t added(int64_t left, int64_t right)
{
    return (int64_t)((uint64_t)left + (uint64_t)right);
}

static void take_in(struct number *number, const struct weft_ottl_numbers *point,
                    enum weft_ottl_aggregation aggregation)
{
    double real = double_of(point);
    int64_t integer = int_of(point);
    number->count++;
    number->start = point->of[POINT_START] < number->start ? point->of[POINT_START] : number->start;
    switch (aggregation) {
    case WEFT_OTTL_AGGREGATE_SUM:
    case WEFT_OTTL_AGGREGATE_MEAN:
        number->real += real;
        number->integer = added(number->integer, (int64_t)point->of[NUMBER_INT]);
        break;
    case WEFT_OTTL_AGGREGATE_MIN:
        number->real = isnan(real) || real < number->real ? real : number->real;
        number->integer = integer < number->integer ? integer : number->integer;
        break;
    case WEFT_OTTL_AGGREGATE_MAX:
        number->real = isnan(real) || real > number->real ? real : number->real;
        number->integer = integer > number->integer ? integer : number->integer;
        break;
    case WEFT_OTTL_AGGREGATE_COUNT:
        number->real = (double)number->count;
        number->integer = (int64_t)number->count;
        break;
    case WEFT_OTTL_AGGREGATE_MEDIAN:
    case WEFT_OTTL_AGGREGATION_COUNT:
        break;
    }
}

static enum weft_status find_median(const struct weft_ottl_merging *merging, uint32_t first, struct number *number)
{
    const struct weft_ottl_grouped_point *points = merging->groups->points;
    struct weft_buffer *orders = &merging->run->replaced;
    struct weft_ottl_numbers point;
    weft_buffer_clear(orders);
    for (bool has_more = true; has_more; has_more = points[first].next != 0, first = points[first].next) {
        weft_ottl_read_numbers(points[first].bytes, &point);
        uint64_t order = order_of(&point, number->is_double);
        weft_buffer_append(orders, &order, sizeof order);
    }
    if (weft_buffer_status(orders) != WEFT_OK) {
        return WEFT_NOMEM;
    }
    uint64_t *items = (uint64_t *)(void *)orders->bytes;
    size_t count = orders->length / sizeof *items;
    sort(items, count);
    uint64_t high = items[count / 2];
    uint64_t low = count % 2 != 0 ? high : items[count / 2 - 1];
    if (number->is_double) {
        number->real = count % 2 != 0 ? double_of_order(high) : (double_of_order(low) + double_of_order(high)) / 2;
    } else {
        static const uint64_t sign = UINT64_C(1) << 63;
        number->integer =
            count % 2 != 0 ? (int64_t)(high ^ sign) : added((int64_t)(low ^ sign), (int64_t)(high ^ sign)) / 2;
    }
    return WEFT_OK;
}

static enum weft_status merge_numbers(const struct weft_ottl_merging *merging, uint32_t first, struct weft_buffer *out)
{
    const struct weft_ottl_grouped_point *points = merging->groups->points;
    struct weft_ottl_numbers point;
    enum weft_status status = WEFT_OK;
    weft_ottl_read_numbers(points[first].bytes, &point);
    struct number number = { .is_double = (point.present >> NUMBER_DOUBLE & 1) != 0,
                             .real = double_of(&point),
                             .integer = int_of(&point),
                             .count = 1,
                             .start = point.of[POINT_START] };
    if (!number.is_double && (point.present >> NUMBER_INT & 1) == 0) {
        weft_ottl_put_rest_of_point(merging, points[first].bytes, 0, out); /* no number, and no sum of numbers */
        return WEFT_OK;
    }
    for (uint32_t i = points[first].next; i != 0; i = points[i].next) {
        weft_ottl_read_numbers(points[i].bytes, &point);
        take_in(&number, &point, merging->aggregation);
    }
    if (merging->aggregation == WEFT_OTTL_AGGREGATE_MEAN) {
        number.real /= (double)number.count;
        number.integer /= (int64_t)number.count;
    }
    if (merging->aggregation == WEFT_OTTL_AGGREGATE_MEDIAN) {
        status = find_median(merging, first, &number);
    }
    weft_ottl_put_rest_of_point(merging, points[first].bytes, 1 << POINT_START | 1 << NUMBER_DOUBLE | 1 << NUMBER_INT,
                                out);
    if (number.start != 0) {
        weft_ottl_put_fixed64(out, POINT_START, number.start);
    }
    if (number.is_double) {
        weft_ottl_put_double(out, NUMBER_DOUBLE, number.real);
    } else {
        weft_ottl_put_fixed64(out, NUMBER_INT, (uint64_t)number.integer);
    }
    return status;
}

enum weft_status weft_ottl_merge_points(const struct weft_ottl_merging *merging, uint32_t first,
                                        struct weft_buffer *out)
{
    const struct weft_ottl_grouped_point *point = &merging->groups->points[first];
    if (point->next == 0) {
        weft_ottl_put_rest_of_point(merging, point->bytes, 0, out);
        return WEFT_OK;
    }
    return merging->type == WEFT_OTTL_METRIC_GAUGE || merging->type == WEFT_OTTL_METRIC_SUM
               ? merge_numbers(merging, first, out)
               : weft_ottl_merge_histograms(merging, first, out);
}
