/* extract_percentile_metric: a gauge of what a percentile of a histogram's values is at most, if they are spread evenly
 * within their buckets; within exponential ones evenly by their logarithms. */
#include <math.h>

#include "ottl/functions.h"
#include "ottl/functions_metric.h"
#include "ottl/metric_groups.h"
#include "wire/checked.h"

enum { POINT_COUNT = 4, HISTOGRAM_COUNTS = 6, HISTOGRAM_BOUNDS = 7, HISTOGRAM_MIN = 11, HISTOGRAM_MAX = 12 };
enum { EXPONENTIAL_SCALE = 6, EXPONENTIAL_ZEROS = 7, EXPONENTIAL_POSITIVE = 8, EXPONENTIAL_NEGATIVE = 9 };
enum { EXPONENTIAL_THRESHOLD = 14, BUCKETS_OFFSET = 1, BUCKETS_COUNTS = 2, NUMBER_DOUBLE = 4 };

/* What is made of a point. */
enum found { FOUND_VALUE, FOUND_NOTHING, FOUND_FAULT };

struct asked {
    struct weft_slice point;
    struct weft_ottl_numbers numbers;
    uint64_t target; /* so many values are at most what is asked for */
};

static bool is_there(const struct asked *asked, uint32_t field)
{
    return (asked->numbers.present >> field & 1) != 0;
}

static double double_in(const struct asked *asked, uint32_t field)
{
    return weft_ottl_double_of(asked->numbers.of[field]);
}

static enum found find_linear(double lower, double upper, double ratio, double *out_value)
{
    *out_value = lower + ratio * (upper - lower);
    return ratio >= 0 && ratio <= 1 ? FOUND_VALUE : FOUND_FAULT;
}

static enum found find_logarithmic(double lower, double upper, double ratio, double *out_value)
{
    *out_value = exp2(log2(lower) + (log2(upper) - log2(lower)) * ratio);
    return ratio >= 0 && ratio <= 1 && lower > 0 && upper > 0 ? FOUND_VALUE : FOUND_FAULT;
}

/* ---- buckets with bounds ---- */

/* Where a bucket lies that is not the only one. FOUND_NOTHING: between two values, which are given; else *out_lower is
 * what is found. */
static enum found find_ends(const struct asked *asked, const struct weft_ottl_words *bounds, size_t at,
                            double *out_lower, double *out_upper)
{
    if (at == 0) {
        double upper = weft_ottl_double_of(bounds->items[0]);
        double least = double_in(asked, HISTOGRAM_MIN);
        bool has_least = is_there(asked, HISTOGRAM_MIN) && least < upper;
        *out_upper = upper;
        *out_lower = has_least ? least : upper < 0 ? upper : 0;
        return !has_least && upper < 0 ? FOUND_VALUE : FOUND_NOTHING;
    }
    *out_lower = weft_ottl_double_of(bounds->items[at - 1]);
    bool is_last = at == bounds->count;
    *out_upper = is_last ? double_in(asked, HISTOGRAM_MAX) : weft_ottl_double_of(bounds->items[at]);
    return is_last && (!is_there(asked, HISTOGRAM_MAX) || *out_upper <= *out_lower) ? FOUND_VALUE : FOUND_NOTHING;
}

static enum found find_in_buckets(const struct asked *asked, const struct weft_ottl_words *bounds,
                                  const struct weft_ottl_words *counts, double *out_value)
{
    uint64_t before = 0;
    double upper = 0;
    if (counts->count != bounds->count + 1) {
        return FOUND_FAULT;
    }
    if (counts->count == 1) {
        bool has_ends = is_there(asked, HISTOGRAM_MIN) && is_there(asked, HISTOGRAM_MAX);
        return !has_ends ? FOUND_NOTHING
                         : find_linear(double_in(asked, HISTOGRAM_MIN), double_in(asked, HISTOGRAM_MAX),
                                       (double)asked->target / (double)counts->items[0], out_value);
    }
    for (size_t i = 0; i < counts->count; i++) {
        uint64_t until = before + counts->items[i];
        if (until >= asked->target) {
            double ratio = (double)(asked->target - before) / (double)counts->items[i];
            enum found found = find_ends(asked, bounds, i, out_value, &upper);
            return found == FOUND_VALUE ? found : find_linear(*out_value, upper, ratio, out_value);
        }
        before = until;
    }
    return FOUND_FAULT;
}

static enum weft_status find_explicit(struct weft_ottl_run *run, const struct asked *asked, enum found *out_found,
                                      double *out_value)
{
    struct weft_ottl_words bounds, counts;
    enum weft_status status = weft_ottl_read_words(run, asked->point, HISTOGRAM_BOUNDS, &bounds);
    if (status == WEFT_OK) {
        status = weft_ottl_read_words(run, asked->point, HISTOGRAM_COUNTS, &counts);
    }
    if (status == WEFT_OK) {
        *out_found = counts.count == 0 ? FOUND_NOTHING : find_in_buckets(asked, &bounds, &counts, out_value);
    }
    return status;
}

/* ---- exponential buckets ---- */

struct buckets {
    int64_t offset;
    struct weft_ottl_words counts;
};

static enum weft_status read_buckets(struct weft_ottl_run *run, struct weft_slice point, uint32_t number,
                                     struct buckets *out_buckets)
{
    struct weft_wire_reader reader = weft_wire_reader_of(point);
    struct weft_slice message = WEFT_SLICE_EMPTY;
    struct weft_ottl_numbers numbers;
    while (weft_wire_next_message(&reader, number, &message)) {
    }
    weft_ottl_read_numbers(message, &numbers);
    out_buckets->offset = weft_ottl_unzigzag(numbers.of[BUCKETS_OFFSET]);
    return weft_ottl_read_varints(run, message, BUCKETS_COUNTS, &out_buckets->counts);
}

/* Where the bucket of an index begins, as the specification has it for either sign of the scale. */
static double bound_at(int64_t index, int64_t scale)
{
    enum { WORD_BITS = 64, BEYOND = 100000 /* exponents that a double has */ };
    if (scale > 0) {
        return exp((double)index * ldexp(log(2), (int)-scale));
    }
    /* shifted as a word is in Go, where bits beyond it are gone */
    int64_t exponent = -scale >= WORD_BITS ? 0 : (int64_t)((uint64_t)index << -scale);
    exponent = exponent > BEYOND ? BEYOND : exponent < -BEYOND ? -BEYOND : exponent;
    return ldexp(1, (int)exponent);
}

static enum found find_negative(const struct asked *asked, const struct buckets *buckets, int64_t scale,
                                uint64_t *out_before, double *out_value)
{
    uint64_t before = 0;
    for (size_t i = buckets->counts.count; i-- > 0;) {
        uint64_t until = before + buckets->counts.items[i];
        if (until >= asked->target) {
            double lower = bound_at(buckets->offset + (int64_t)i, scale);
            double upper = bound_at(buckets->offset + (int64_t)i + 1, scale);
            double ratio = (double)(asked->target - before) / (double)buckets->counts.items[i];
            enum found found = find_logarithmic(lower, upper, 1 - ratio, out_value);
            *out_value = -*out_value;
            return lower < upper ? found : FOUND_FAULT;
        }
        before = until;
    }
    *out_before = before;
    return FOUND_NOTHING;
}

static enum found find_positive(const struct asked *asked, const struct buckets *buckets, int64_t scale,
                                uint64_t before, double *out_value)
{
    for (size_t i = 0; i < buckets->counts.count; i++) {
        uint64_t until = before + buckets->counts.items[i];
        if (until >= asked->target) {
            return find_logarithmic(bound_at(buckets->offset + (int64_t)i, scale),
                                    bound_at(buckets->offset + (int64_t)i + 1, scale),
                                    (double)(asked->target - before) / (double)buckets->counts.items[i], out_value);
        }
        before = until;
    }
    return FOUND_FAULT;
}

static enum weft_status find_exponential(struct weft_ottl_run *run, const struct asked *asked, enum found *out_found,
                                         double *out_value)
{
    struct buckets negative, positive;
    int64_t scale = weft_ottl_unzigzag(asked->numbers.of[EXPONENTIAL_SCALE]);
    uint64_t zeros = asked->numbers.of[EXPONENTIAL_ZEROS], before = 0;
    enum weft_status status = read_buckets(run, asked->point, EXPONENTIAL_NEGATIVE, &negative);
    if (status == WEFT_OK) {
        status = read_buckets(run, asked->point, EXPONENTIAL_POSITIVE, &positive);
    }
    if (status != WEFT_OK) {
        return status;
    }
    bool has_negative = negative.counts.count > 0, has_positive = positive.counts.count > 0;
    *out_found = FOUND_NOTHING;
    if (!has_negative && !has_positive && zeros == 0) {
        return WEFT_OK;
    }
    *out_found = find_negative(asked, &negative, scale, &before, out_value);
    if (*out_found != FOUND_NOTHING) {
        return WEFT_OK;
    }
    if (before + zeros >= asked->target) {
        double threshold = double_in(asked, EXPONENTIAL_THRESHOLD);
        *out_found =
            find_linear(!has_negative && has_positive ? 0 : -threshold, has_negative && !has_positive ? 0 : threshold,
                        (double)(asked->target - before) / (double)zeros, out_value);
        return WEFT_OK;
    }
    *out_found = find_positive(asked, &positive, scale, before + zeros, out_value);
    return WEFT_OK;
}

/* ---- the editor ---- */

static enum weft_status put_point(struct weft_ottl_run *run, const struct weft_ottl_metric *metric,
                                  struct weft_slice point, double percentile, struct weft_buffer *data)
{
    struct asked asked = { .point = point };
    enum found found = FOUND_NOTHING;
    double value = 0;
    enum weft_status status = WEFT_OK;
    weft_ottl_read_numbers(point, &asked.numbers);
    uint64_t count = asked.numbers.of[POINT_COUNT];
    asked.target = (uint64_t)ceil((double)count * (percentile / 100));
    if (count > 0) {
        status = metric->type == WEFT_OTTL_METRIC_HISTOGRAM ? find_explicit(run, &asked, &found, &value)
                                                            : find_exponential(run, &asked, &found, &value);
    }
    if (status == WEFT_OK && found == FOUND_FAULT) {
        return weft_fail(&run->error, WEFT_INVALID,
                         "extract_percentile_metric: the buckets of a point do not fit its bounds, or its count");
    }
    if (status == WEFT_OK && found == FOUND_VALUE) {
        struct weft_buffer *number = weft_ottl_scratch(run);
        weft_ottl_put_number_frame(number, point, metric->type);
        weft_ottl_put_double(number, NUMBER_DOUBLE, value);
        weft_ottl_put_bytes(data, WEFT_OTTL_DATA_POINTS, weft_buffer_slice(number));
        status = weft_buffer_status(number);
    }
    return status;
}

/* "p95", or "_p95" behind a name. */
static enum weft_status write_percentile(struct weft_ottl_run *run, double percentile, struct weft_slice before,
                                         const char *mark, const char *behind, struct weft_slice *out_text)
{
    const struct weft_ottl_value value = weft_ottl_double(percentile);
    struct weft_slice number;
    enum weft_status status = weft_ottl_value_text(run, &value, &number);
    struct weft_slice marked = { NULL, 0 };
    if (status == WEFT_OK) {
        marked = weft_entry_memory_try_join(&run->memory, weft_slice_of_text(mark), number);
    }
    if (marked.bytes != NULL) {
        marked = weft_entry_memory_try_join(&run->memory, marked, weft_slice_of_text(behind));
    }
    if (marked.bytes != NULL) {
        *out_text = marked = weft_entry_memory_try_join(&run->memory, before, marked);
    }
    return status == WEFT_OK && marked.bytes == NULL ? WEFT_NOMEM : status;
}

static enum weft_status extract_percentile(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                           struct weft_ottl_value *out_value)
{
    enum weft_ottl_metric_type type = weft_ottl_record_metric_type(&run->record);
    struct weft_ottl_metric metric;
    struct weft_slice point, suffix = weft_ottl_text_or(call, 1, "");
    double percentile = call->arguments[0].real;
    (void)out_value;
    if (type != WEFT_OTTL_METRIC_HISTOGRAM && type != WEFT_OTTL_METRIC_EXPONENTIAL_HISTOGRAM) {
        return WEFT_OK;
    }
    enum weft_status status = weft_ottl_metric_read_to_make(run, &metric);
    if (status == WEFT_OK && suffix.length == 0) {
        status = write_percentile(run, percentile, WEFT_SLICE_EMPTY, "_p", "", &suffix);
    }
    if (status == WEFT_OK) {
        bool is_described = metric.description.length > 0;
        status = write_percentile(run, percentile, metric.description, is_described ? " (p" : "p",
                                  is_described ? ")" : "", &metric.description);
    }
    if (status != WEFT_OK) {
        return status;
    }
    struct weft_buffer *data = weft_ottl_data_scratch(run);
    struct weft_wire_reader reader = weft_wire_reader_of(metric.data);
    while (status == WEFT_OK && weft_wire_next_message(&reader, WEFT_OTTL_DATA_POINTS, &point)) {
        status = put_point(run, &metric, point, percentile, data);
    }
    if (status != WEFT_OK || data->length == 0) {
        return status == WEFT_OK ? weft_buffer_status(data) : status;
    }
    return weft_ottl_metric_make_named(run, &metric, suffix, NULL, WEFT_OTTL_METRIC_GAUGE);
}

static enum weft_status make_percentile(struct weft_ottl_maker *maker, const struct weft_ottl_call *call,
                                        void **out_state, struct weft_error *error)
{
    double percentile = call->arguments[0].real;
    (void)maker;
    (void)out_state;
    return percentile > 0 && percentile < 100
               ? WEFT_OK
               : weft_fail(error, WEFT_INVALID, "a percentile lies between 0 and 100, not at %g", percentile);
}

const struct weft_ottl_function weft_ottl_functions_metric_percentile[] = {
    { .name = "extract_percentile_metric",
      .contexts = WEFT_OTTL_IN_METRIC,
      .parameters = { { "percentile", WEFT_OTTL_TAKES_LITERAL_FLOAT },
                      { "suffix", WEFT_OTTL_TAKES_LITERAL_STRING, .is_optional = true } },
      .changes_count = true,
      .make = make_percentile,
      .call = extract_percentile },
    { .name = NULL },
};
