/* Editors of histograms' buckets: fewer of them in a point, and exponential ones as buckets with given bounds. */
#include <math.h>

#include "base/hash.h"
#include "base/random.h"
#include "ottl/functions.h"
#include "ottl/functions_metric.h"
#include "ottl/metric_groups.h"
#include "wire/checked.h"
#include "wire/wire_scan.h"

enum { POINT_START = 2, POINT_TIME = 3, POINT_COUNT = 4, POINT_SUM = 5 };
enum { HISTOGRAM_COUNTS = 6, HISTOGRAM_BOUNDS = 7, HISTOGRAM_EXEMPLARS = 8, HISTOGRAM_ATTRIBUTES = 9 };
enum { HISTOGRAM_MIN = 11, HISTOGRAM_MAX = 12 };
enum { EXPONENTIAL_ATTRIBUTES = 1, EXPONENTIAL_SCALE = 6, EXPONENTIAL_ZEROS = 7, EXPONENTIAL_POSITIVE = 8 };
enum { EXPONENTIAL_EXEMPLARS = 11, EXPONENTIAL_MIN = 12, EXPONENTIAL_MAX = 13 };
enum { BUCKETS_OFFSET = 1, BUCKETS_COUNTS = 2 };

/* ---- merge_histogram_buckets ---- */

static void put_words(struct weft_buffer *out, uint32_t number, const struct weft_ottl_words *words)
{
    if (words->count > 0) {
        weft_ottl_put_bytes(out, number, weft_slice_of(words->items, words->count * sizeof *words->items));
    }
}

static double bound_of(const struct weft_ottl_words *bounds, size_t at)
{
    return weft_ottl_double_of(bounds->items[at]);
}

/* The bound goes, if it is there, and both buckets beside it are one. */
static bool remove_bound(struct weft_ottl_words *bounds, struct weft_ottl_words *counts, double bound)
{
    static const double epsilon = 1e-12;
    size_t at = 0;
    while (at < bounds->count && !(fabs(bound_of(bounds, at) - bound) < epsilon)) {
        at++;
    }
    if (at == bounds->count) {
        return false;
    }
    counts->items[at + 1] += counts->items[at];
    counts->count--;
    bounds->count--;
    memmove(counts->items + at, counts->items + at + 1, (counts->count - at) * sizeof *counts->items);
    memmove(bounds->items + at, bounds->items + at + 1, (bounds->count - at) * sizeof *bounds->items);
    return true;
}

/* As many neighbours become one as are needed for at most so many buckets. */
static bool limit_buckets(struct weft_ottl_words *bounds, struct weft_ottl_words *counts, uint64_t most)
{
    size_t all = counts->count;
    for (size_t i = 1; i < bounds->count; i++) {
        if (!(bound_of(bounds, i) > bound_of(bounds, i - 1))) {
            return false;
        }
    }
    if (all <= most || all <= 1) {
        return false;
    }
    size_t together = (all - 1) / (size_t)most + 1;
    counts->count = bounds->count = 0;
    for (size_t i = 0; i < all; i += together) {
        uint64_t count = 0;
        for (size_t j = i; j < i + together && j < all; j++) {
            count += counts->items[j];
        }
        counts->items[counts->count++] = count;
        if (i + together < all) {
            bounds->items[bounds->count++] = bounds->items[i + together - 1];
        }
    }
    return true;
}

static bool is_limit(const struct weft_ottl_call *call)
{
    return weft_ottl_is_given(call, 1) && weft_slice_equal_text(call->arguments[1].bytes, "limit_buckets");
}

static bool is_count(double target)
{
    return target >= 1 && trunc(target) == target && target <= 9223372036854775808.0;
}

static enum weft_status fail_target(double target, struct weft_error *error)
{
    return weft_fail(error, WEFT_INVALID, "a whole number of buckets is expected, from 1, not %g", target);
}

static enum weft_status make_merge(struct weft_ottl_maker *maker, const struct weft_ottl_call *call, void **out_state,
                                   struct weft_error *error)
{
    const struct weft_ottl_value *target = &call->arguments[0];
    (void)maker;
    (void)out_state;
    if (weft_ottl_is_given(call, 1) && !is_limit(call) &&
        !weft_slice_equal_text(call->arguments[1].bytes, "remove_explicit_bound")) {
        return weft_fail(error, WEFT_INVALID, "\"%.*s\" is no method; use remove_explicit_bound or limit_buckets",
                         WEFT_SLICE_PRINT(call->arguments[1].bytes));
    }
    if (call->nodes[0]->kind == WEFT_OTTL_NODE_LITERAL && target->kind == WEFT_OTTL_NIL) {
        return weft_fail(error, WEFT_INVALID, "target_value must not be nil");
    }
    double number = target->kind == WEFT_OTTL_DOUBLE ? target->real : (double)target->integer;
    bool is_number = target->kind == WEFT_OTTL_DOUBLE || target->kind == WEFT_OTTL_INT;
    return is_number && is_limit(call) && !is_count(number) ? fail_target(number, error) : WEFT_OK;
}

static enum weft_status renew_buckets(struct weft_ottl_run *run, struct weft_slice point,
                                      const struct weft_ottl_words *bounds, const struct weft_ottl_words *counts)
{
    struct weft_buffer *out = weft_ottl_data_scratch(run);
    struct weft_wire_reader reader = weft_wire_reader_of(point);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        if (field.number != HISTOGRAM_COUNTS && field.number != HISTOGRAM_BOUNDS) {
            weft_buffer_append(out, field.whole.bytes, field.whole.length);
        }
    }
    put_words(out, HISTOGRAM_COUNTS, counts);
    put_words(out, HISTOGRAM_BOUNDS, bounds);
    return weft_ottl_level_renew(run, WEFT_OTTL_LEVEL_ITEM);
}

static enum weft_status merge_histogram_buckets(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                                struct weft_ottl_value *out_value)
{
    struct weft_slice point;
    struct weft_ottl_words bounds, counts;
    const struct weft_ottl_value *target = &call->arguments[0];
    (void)out_value;
    if (weft_ottl_record_metric_type(&run->record) != WEFT_OTTL_METRIC_HISTOGRAM) {
        return WEFT_OK;
    }
    if (target->kind == WEFT_OTTL_NIL) {
        return weft_fail(&run->error, WEFT_INVALID, "target_value must not be nil");
    }
    if (is_limit(call) && !is_count(target->real)) {
        return fail_target(target->real, &run->error);
    }
    enum weft_status status = weft_ottl_level_read(run, WEFT_OTTL_LEVEL_ITEM, &point);
    if (status == WEFT_OK && !weft_ottl_spend(run, 2 * point.length)) {
        return weft_ottl_fail_steps(run);
    }
    if (status == WEFT_OK) {
        status = weft_ottl_read_words(run, point, HISTOGRAM_BOUNDS, &bounds);
    }
    if (status == WEFT_OK) {
        status = weft_ottl_read_words(run, point, HISTOGRAM_COUNTS, &counts);
    }
    if (status != WEFT_OK || bounds.count + 1 != counts.count) {
        return status;
    }
    bool is_changed = is_limit(call) ? limit_buckets(&bounds, &counts, (uint64_t)target->real)
                                     : remove_bound(&bounds, &counts, target->real);
    return is_changed ? renew_buckets(run, point, &bounds, &counts) : WEFT_OK;
}

/* ---- convert_exponential_histogram_to_histogram ---- */

/* Where the count of an exponential bucket goes, which lies between two values: into buckets that each end at a bound;
 * what is beyond the last bound is in the last bucket. */
struct distribution {
    const double *bounds;
    uint64_t *counts;
    size_t count;
    uint64_t random;
};

typedef void (*distribute_fn)(struct distribution *to, uint64_t count, double upper, double lower);

/* The first bucket that may hold the value; this one at most. */
static size_t find_bucket_until(const struct distribution *to, double value, size_t last)
{
    size_t at = 0;
    while (at < last && !(value <= to->bounds[at])) {
        at++;
    }
    return at;
}

static size_t find_bucket(const struct distribution *to, double value)
{
    return find_bucket_until(to, value, to->count - 1);
}

static void distribute_upper(struct distribution *to, uint64_t count, double upper, double lower)
{
    (void)lower;
    to->counts[find_bucket(to, upper)] += count;
}

/* As the Collector has it, one bucket below the one that the middle lies in. */
static void distribute_midpoint(struct distribution *to, uint64_t count, double upper, double lower)
{
    double middle = (upper + lower) / 2;
    size_t at = find_bucket(to, middle);
    to->counts[at > 0 && middle <= to->bounds[at] ? at - 1 : at] += count;
}

static void distribute_uniform(struct distribution *to, uint64_t count, double upper, double lower)
{
    size_t last = find_bucket(to, upper);
    size_t first = find_bucket_until(to, lower, last);
    uint64_t each = count / (last - first + 1);
    uint64_t left = count % (last - first + 1);
    for (size_t i = first; i <= last; i++) {
        to->counts[i] += each + (left > 0);
        left -= left > 0;
    }
}

/* A random share of what lies in each bucket by width; the rest goes anywhere among them. */
static void distribute_random(struct distribution *to, uint64_t count, double upper, double lower)
{
    enum { DRAWS = 64 };
    size_t last = find_bucket(to, upper);
    size_t first = find_bucket_until(to, lower, last);
    uint64_t left = count;
    for (size_t i = first; i <= last && first < last; i++) {
        double from = i == 0 || to->bounds[i - 1] < lower ? lower : to->bounds[i - 1];
        double until = to->bounds[i] < upper ? to->bounds[i] : upper;
        double share = (double)count * ((until - from) / (upper - lower)) * weft_random_draw(&to->random);
        uint64_t taken = share > 0 && share < (double)left ? (uint64_t)share : 0;
        to->counts[i] += taken;
        left -= taken;
    }
    uint64_t each = first < last ? left / (last - first + 1) : 0;
    uint64_t even = left > DRAWS ? each : 0; /* of many it would be nearly so */
    for (size_t i = first; i <= last; i++) {
        to->counts[i] += even;
        left -= even;
    }
    for (size_t i = 0; left > 0 && i < DRAWS; i++) {
        to->counts[first + (size_t)(weft_random_draw(&to->random) * (double)(last - first + 1))]++;
        left--;
    }
    to->counts[first] += left;
}

static const struct {
    const char *name;
    distribute_fn distribute;
} distributions[] = {
    { "random", distribute_random },
    { "upper", distribute_upper },
    { "midpoint", distribute_midpoint },
    { "uniform", distribute_uniform },
};

static distribute_fn distribution_of(struct weft_slice name)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(distributions); i++) {
        if (weft_slice_equal_text(name, distributions[i].name) || (name.length == 0 && i == 0)) {
            return distributions[i].distribute;
        }
    }
    return NULL;
}

static enum weft_status make_explicit(struct weft_ottl_maker *maker, const struct weft_ottl_call *call,
                                      void **out_state, struct weft_error *error)
{
    struct weft_slice name = call->arguments[0].bytes;
    (void)maker;
    (void)out_state;
    if (distribution_of(name) == NULL) {
        return weft_fail(error, WEFT_INVALID, "\"%.*s\" is no distribution; use upper, midpoint, random or uniform",
                         WEFT_SLICE_PRINT(name));
    }
    return call->nodes[1]->count > 0 ? WEFT_OK : weft_fail(error, WEFT_INVALID, "explicit bounds cannot be empty");
}

/* One exponential bucket: as a whole where it lies between two bounds. */
static void distribute_bucket(struct distribution *to, distribute_fn distribute, uint64_t count, double upper,
                              double lower)
{
    if (lower > to->bounds[to->count - 1]) {
        to->counts[to->count - 1] += count;
        return;
    }
    for (size_t i = 1; i < to->count; i++) {
        if (lower > to->bounds[i - 1] && upper <= to->bounds[i]) {
            to->counts[i - 1] += count;
            return;
        }
    }
    distribute(to, count, upper, lower);
}

/* A packed list of counts, or a single one. */
static enum weft_status distribute_counts(struct weft_ottl_run *run, struct distribution *to, distribute_fn distribute,
                                          const struct weft_wire_field *field, double factor, uint32_t *in_out_index)
{
    const uint8_t *at = field->bytes.bytes;
    const uint8_t *end = at + field->bytes.length;
    uint64_t count = field->number_value;
    bool is_packed = field->type == WEFT_WIRE_BYTES;
    for (bool is_first = true; is_packed ? at < end : is_first; is_first = false) {
        at = is_packed ? weft_wire_read_varint(at, end, &count) : at;
        if (is_packed && at == NULL) {
            break;
        }
        if (!weft_ottl_spend(run, 100 + 4 * to->count)) {
            return weft_ottl_fail_steps(run);
        }
        int32_t index = (int32_t)(*in_out_index)++; /* wraps, as in Go */
        distribute_bucket(to, distribute, count, exp((double)(int32_t)*in_out_index * factor),
                          exp((double)index * factor));
    }
    return WEFT_OK;
}

static enum weft_status distribute_point(struct weft_ottl_run *run, struct distribution *to, distribute_fn distribute,
                                         struct weft_slice point, const struct weft_ottl_numbers *numbers)
{
    struct weft_wire_reader reader = weft_wire_reader_of(point);
    struct weft_wire_field field;
    struct weft_slice positive = WEFT_SLICE_EMPTY;
    struct weft_ottl_numbers buckets;
    enum weft_status status = WEFT_OK;
    double factor = ldexp(log(2), (int)(0 - (uint32_t)weft_ottl_unzigzag(numbers->of[EXPONENTIAL_SCALE])));
    while (weft_wire_next_message(&reader, EXPONENTIAL_POSITIVE, &positive)) {
    }
    weft_ottl_read_numbers(positive, &buckets);
    uint32_t index = (uint32_t)weft_ottl_unzigzag(buckets.of[BUCKETS_OFFSET]);
    memset(to->counts, 0, to->count * sizeof *to->counts);
    to->counts[0] += to->bounds[0] == 0 ? numbers->of[EXPONENTIAL_ZEROS] : 0;
    to->random = weft_hash_xxh3(point); /* the same of the same point */
    reader = weft_wire_reader_of(positive);
    while (status == WEFT_OK && weft_wire_next_checked(&reader, &field)) {
        if (field.number == BUCKETS_COUNTS) {
            status = distribute_counts(run, to, distribute, &field, factor, &index);
        }
    }
    return status;
}

static void put_explicit(struct weft_buffer *out, struct weft_slice point, const struct weft_ottl_numbers *numbers,
                         const struct distribution *from)
{
    struct weft_wire_reader reader = weft_wire_reader_of(point);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        if (field.number == POINT_START || field.number == POINT_TIME || field.number == POINT_COUNT) {
            weft_buffer_append(out, field.whole.bytes, field.whole.length);
        } else if (field.number == EXPONENTIAL_ATTRIBUTES) {
            weft_ottl_put_bytes(out, HISTOGRAM_ATTRIBUTES, field.bytes);
        } else if (field.number == EXPONENTIAL_EXEMPLARS) {
            weft_ottl_put_bytes(out, HISTOGRAM_EXEMPLARS, field.bytes);
        }
    }
    weft_ottl_put_fixed64(out, POINT_SUM, numbers->of[POINT_SUM]);
    weft_ottl_put_bytes(out, HISTOGRAM_COUNTS, weft_slice_of(from->counts, from->count * sizeof *from->counts));
    weft_ottl_put_bytes(out, HISTOGRAM_BOUNDS, weft_slice_of(from->bounds, from->count * sizeof *from->bounds));
    weft_ottl_put_fixed64(out, HISTOGRAM_MIN, numbers->of[EXPONENTIAL_MIN]);
    weft_ottl_put_fixed64(out, HISTOGRAM_MAX, numbers->of[EXPONENTIAL_MAX]);
}

static enum weft_status put_points(struct weft_ottl_run *run, const struct weft_ottl_metric *metric,
                                   struct distribution *to, distribute_fn distribute, struct weft_buffer *data)
{
    struct weft_wire_reader reader = weft_wire_reader_of(metric->data);
    struct weft_ottl_numbers numbers;
    struct weft_slice bytes;
    enum weft_status status = WEFT_OK;
    while (status == WEFT_OK && weft_wire_next_message(&reader, WEFT_OTTL_DATA_POINTS, &bytes)) {
        struct weft_buffer *point = weft_ottl_scratch(run);
        weft_ottl_read_numbers(bytes, &numbers);
        status = distribute_point(run, to, distribute, bytes, &numbers);
        put_explicit(point, bytes, &numbers, to);
        weft_ottl_put_bytes(data, WEFT_OTTL_DATA_POINTS, weft_buffer_slice(point));
        status = status == WEFT_OK ? weft_buffer_status(point) : status;
    }
    weft_ottl_read_numbers(metric->data, &numbers);
    if (numbers.of[WEFT_OTTL_DATA_TEMPORALITY] != 0) {
        weft_ottl_put_varint(data, WEFT_OTTL_DATA_TEMPORALITY, numbers.of[WEFT_OTTL_DATA_TEMPORALITY]);
    }
    return status;
}

static enum weft_status convert_exponential(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                            struct weft_ottl_value *out_value)
{
    struct weft_ottl_metric metric;
    const struct weft_ottl_list *list = call->arguments[1].list;
    (void)out_value;
    if (weft_ottl_record_metric_type(&run->record) != WEFT_OTTL_METRIC_EXPONENTIAL_HISTOGRAM) {
        return WEFT_OK;
    }
    enum weft_status status = weft_ottl_metric_read(run, &metric);
    double *bounds = weft_ottl_run_take(run, list->count * sizeof *bounds);
    uint64_t *counts = weft_ottl_run_take(run, list->count * sizeof *counts);
    if (status != WEFT_OK || bounds == NULL || counts == NULL) {
        return status == WEFT_OK ? WEFT_NOMEM : status;
    }
    for (size_t i = 0; i < list->count; i++) {
        bounds[i] = list->items[i].real;
    }
    struct distribution to = { bounds, counts, list->count, 0 };
    struct weft_buffer *data = weft_ottl_data_scratch(run);
    status = put_points(run, &metric, &to, distribution_of(call->arguments[0].bytes), data);
    return status != WEFT_OK
               ? status
               : weft_ottl_metric_renew_data(run, &metric, WEFT_OTTL_METRIC_BARE, WEFT_OTTL_METRIC_HISTOGRAM);
}

const struct weft_ottl_function weft_ottl_functions_metric_buckets[] = {
    { .name = "convert_exponential_histogram_to_histogram",
      .contexts = WEFT_OTTL_IN_METRIC,
      .parameters = { { "distribution_fn", WEFT_OTTL_TAKES_LITERAL_STRING },
                      { "explicit_bounds", WEFT_OTTL_TAKES_LITERAL_FLOAT, .is_list = true } },
      .make = make_explicit,
      .call = convert_exponential },
    { .name = "merge_histogram_buckets",
      .contexts = WEFT_OTTL_IN_DATAPOINT,
      .parameters = { { "target_value", WEFT_OTTL_TAKES_FLOAT_LIKE },
                      { "method", WEFT_OTTL_TAKES_LITERAL_STRING, .is_optional = true } },
      .make = make_merge,
      .call = merge_histogram_buckets },
    { .name = NULL },
};
