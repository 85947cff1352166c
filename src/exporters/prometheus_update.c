/* Putting a point into its series (prometheus_internal.h), as the Collector's exporter does: the newest cumulative
 * value replaces, a delta that begins where the last one ended is added, one that begins later is a new beginning. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "exporters/prometheus_internal.h"
#include "wire/checked.h"

enum { QUANTILES_MAX = 1024, BOUNDS_MAX = 1024, EXEMPLARS_MAX = 256, SCALE_MIN = -4 };

/* ---- room ---- */

static enum weft_prometheus_fate make_room(struct weft_prometheus_table *table, void *in_out_items, size_t item_bytes,
                                           uint32_t count, uint32_t *in_out_capacity)
{
    void *items = NULL;
    if (count <= *in_out_capacity) {
        return WEFT_PROMETHEUS_TAKEN;
    }
    enum weft_prometheus_fate fate = weft_prometheus_alloc(table, count * item_bytes, &items);
    if (fate == WEFT_PROMETHEUS_TAKEN) {
        void *former = NULL;
        memcpy(&former, in_out_items, sizeof former);
        if (former != NULL) {
            memcpy(items, former, *in_out_capacity * item_bytes);
        }
        weft_prometheus_release(table, former, *in_out_capacity * item_bytes);
        memcpy(in_out_items, &items, sizeof items);
        *in_out_capacity = count;
    }
    return fate;
}

static enum weft_prometheus_fate set_words(struct weft_prometheus_table *table, struct weft_prometheus_series *series,
                                           size_t count)
{
    enum weft_prometheus_fate fate = count > UINT32_MAX ? WEFT_PROMETHEUS_FULL : WEFT_PROMETHEUS_TAKEN;
    if (fate == WEFT_PROMETHEUS_TAKEN) {
        fate = make_room(table, &series->words, sizeof *series->words, (uint32_t)count, &series->word_capacity);
    }
    if (fate == WEFT_PROMETHEUS_TAKEN) {
        series->word_count = (uint32_t)count;
    }
    return fate;
}

/* ---- exemplars ---- */

/* The first bucket whose bound is not below it; behind the last bound: the one without. */
static uint32_t bucket_of(const struct weft_prometheus_series *series, double value)
{
    uint32_t low = 0;
    uint32_t high = series->kind == WEFT_PROMETHEUS_HISTOGRAM ? series->word_count / 2 : 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (series->words[middle].real >= value) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* Room doubles: exemplars that come bucket by bucket are not copied for each of them. */
static enum weft_prometheus_fate make_room_for_exemplar(struct weft_prometheus_table *table,
                                                        struct weft_prometheus_series *series)
{
    uint32_t capacity = series->exemplar_capacity;
    bool is_full = series->exemplar_count == capacity;
    uint32_t wanted = !is_full ? capacity : capacity == 0 ? 1 : capacity * 2;
    return make_room(table, &series->exemplars, sizeof *series->exemplars, wanted, &series->exemplar_capacity);
}

/* The last one of a bucket is kept; without room for it it is left out. */
static void keep_exemplar(struct weft_prometheus_table *table, struct weft_prometheus_series *series,
                          const struct weft_prometheus_exemplar *exemplar)
{
    uint32_t at = 0;
    while (at < series->exemplar_count && series->exemplars[at].bucket < exemplar->bucket) {
        at++;
    }
    if (at == series->exemplar_count || series->exemplars[at].bucket != exemplar->bucket) {
        if (series->exemplar_count == EXEMPLARS_MAX || make_room_for_exemplar(table, series) != WEFT_PROMETHEUS_TAKEN) {
            return;
        }
        memmove(&series->exemplars[at + 1], &series->exemplars[at],
                (series->exemplar_count - at) * sizeof *series->exemplars);
        series->exemplar_count++;
    }
    series->exemplars[at] = *exemplar;
}

static void keep_exemplars(struct weft_prometheus_table *table, struct weft_prometheus_series *series)
{
    uint32_t number = weft_prometheus_exemplars_field(series->kind);
    struct weft_slice bytes;
    series->exemplar_count = 0;
    if (number == 0 || !table->settings.keeps_exemplars) {
        return;
    }
    struct weft_wire_reader reader = weft_wire_reader_of(table->context.point.bytes);
    while (weft_wire_next_message(&reader, number, &bytes)) {
        struct weft_prometheus_exemplar exemplar = weft_prometheus_exemplar_read(bytes);
        exemplar.bucket = bucket_of(series, exemplar.value);
        keep_exemplar(table, series, &exemplar);
    }
}

/* ---- numbers ---- */

static enum weft_prometheus_fate update_number(struct weft_prometheus_table *table,
                                               struct weft_prometheus_series *series, bool is_new)
{
    struct weft_prometheus_point *point = &table->context.point;
    bool is_delta =
        series->kind == WEFT_PROMETHEUS_COUNTER && table->context.metric.temporality == WEFT_PROMETHEUS_DELTA;
    if (!is_new && point->time_ns < series->time_ns) {
        return WEFT_PROMETHEUS_SUPERSEDED;
    }
    if (!is_new && is_delta && point->start_ns == series->time_ns) {
        point->start_ns = series->start_ns;
        if (point->is_integer) {
            point->integer = (int64_t)((uint64_t)point->integer + (series->is_integer ? (uint64_t)series->integer : 0));
        } else {
            point->real += series->is_integer ? 0 : series->real;
        }
    }
    series->is_integer = point->is_integer;
    series->integer = point->integer;
    series->real = point->real;
    return WEFT_PROMETHEUS_TAKEN;
}

/* ---- histograms and summaries ---- */

static bool are_bounds_in_order(const struct weft_prometheus_numbers *bounds)
{
    for (size_t i = 0; i < bounds->count; i++) {
        if (isnan(bounds->items[i].real) || (i > 0 && bounds->items[i].real <= bounds->items[i - 1].real)) {
            return false;
        }
    }
    return true;
}

static void copy_totals(const struct weft_prometheus_point *point, struct weft_prometheus_series *series)
{
    series->count = point->count;
    series->sum = point->has_sum ? point->sum : 0;
    series->has_sum = point->has_sum;
}

static enum weft_prometheus_fate replace_histogram(struct weft_prometheus_table *table,
                                                   struct weft_prometheus_series *series)
{
    const struct weft_prometheus_point *point = &table->context.point;
    size_t bounds = point->bounds.count;
    enum weft_prometheus_fate fate = set_words(table, series, 2 * bounds);
    if (fate != WEFT_PROMETHEUS_TAKEN) {
        return fate;
    }
    for (size_t i = 0; i < bounds; i++) {
        series->words[i] = point->bounds.items[i];
        series->words[bounds + i].integer = i < point->counts.count ? point->counts.items[i].integer : 0;
    }
    copy_totals(point, series);
    return WEFT_PROMETHEUS_TAKEN;
}

static bool has_same_bounds(const struct weft_prometheus_series *series, const struct weft_prometheus_point *point)
{
    if (series->word_count != 2 * point->bounds.count) {
        return false;
    }
    for (size_t i = 0; i < point->bounds.count; i++) {
        if (series->words[i].real != point->bounds.items[i].real) {
            return false;
        }
    }
    return true;
}

/* With other bounds the newer value stays alone. */
static enum weft_prometheus_fate add_histogram(struct weft_prometheus_table *table,
                                               struct weft_prometheus_series *series)
{
    struct weft_prometheus_point *point = &table->context.point;
    size_t bounds = point->bounds.count;
    bool is_older = point->time_ns < series->time_ns;
    point->start_ns = series->start_ns;
    point->time_ns = is_older ? series->time_ns : point->time_ns;
    if (!has_same_bounds(series, point)) {
        return is_older ? WEFT_PROMETHEUS_TAKEN : replace_histogram(table, series);
    }
    for (size_t i = 0; i < bounds; i++) {
        series->words[bounds + i].integer += i < point->counts.count ? point->counts.items[i].integer : 0;
    }
    series->count += point->count;
    series->sum += point->has_sum ? point->sum : 0;
    return WEFT_PROMETHEUS_TAKEN;
}

/* What a delta is to what is there. */
enum joint { JOINT_ADDS, JOINT_BEGINS, JOINT_OVERLAPS };

static enum joint joint_of(const struct weft_prometheus_point *point, const struct weft_prometheus_series *series)
{
    return point->start_ns == series->time_ns  ? JOINT_ADDS
           : point->start_ns > series->time_ns ? JOINT_BEGINS
                                               : JOINT_OVERLAPS;
}

static enum weft_prometheus_fate update_histogram(struct weft_prometheus_table *table,
                                                  struct weft_prometheus_series *series, bool is_new)
{
    const struct weft_prometheus_point *point = &table->context.point;
    uint64_t temporality = table->context.metric.temporality;
    if (point->bounds.count > BOUNDS_MAX || !are_bounds_in_order(&point->bounds) ||
        (!is_new && temporality != WEFT_PROMETHEUS_DELTA && temporality != WEFT_PROMETHEUS_CUMULATIVE)) {
        return WEFT_PROMETHEUS_INVALID;
    }
    enum weft_prometheus_fate fate = WEFT_PROMETHEUS_TAKEN;
    bool adds = false;
    if (!is_new && temporality == WEFT_PROMETHEUS_DELTA) {
        enum joint joint = joint_of(point, series);
        if (joint == JOINT_OVERLAPS) {
            return WEFT_PROMETHEUS_SUPERSEDED;
        }
        adds = joint == JOINT_ADDS;
    } else if (!is_new && point->time_ns < series->time_ns) {
        return WEFT_PROMETHEUS_SUPERSEDED;
    }
    fate = adds ? add_histogram(table, series) : replace_histogram(table, series);
    if (fate == WEFT_PROMETHEUS_TAKEN && adds) {
        series->exemplar_count = 0;
    } else if (fate == WEFT_PROMETHEUS_TAKEN) {
        keep_exemplars(table, series);
    }
    return fate;
}

static bool is_showable(const struct weft_prometheus_point *point)
{
    uint64_t population = point->population + point->zero_count;
    bool is_nan = point->has_sum && isnan(point->sum);
    return point->scale >= SCALE_MIN && (is_nan ? population <= point->count : population == point->count);
}

static void add_exponential(struct weft_prometheus_table *table, struct weft_prometheus_series *series)
{
    struct weft_prometheus_point *point = &table->context.point;
    if (point->time_ns < series->time_ns) {
        point->time_ns = series->time_ns;
    } else {
        point->start_ns = series->start_ns;
    }
    series->scale = point->scale < series->scale ? point->scale : series->scale;
    series->count += point->count;
    series->has_sum = series->has_sum && point->has_sum;
    series->sum = series->has_sum ? series->sum + point->sum : 0;
}

/* Of the buckets only what must hold for them: the text formats do not show them. */
static enum weft_prometheus_fate update_exponential(struct weft_prometheus_table *table,
                                                    struct weft_prometheus_series *series, bool is_new)
{
    const struct weft_prometheus_point *point = &table->context.point;
    uint64_t temporality = table->context.metric.temporality;
    if (!is_showable(point) ||
        (!is_new && temporality != WEFT_PROMETHEUS_DELTA && temporality != WEFT_PROMETHEUS_CUMULATIVE)) {
        return WEFT_PROMETHEUS_INVALID;
    }
    if (!is_new && temporality == WEFT_PROMETHEUS_DELTA) {
        enum joint joint = joint_of(point, series);
        if (joint == JOINT_ADDS) {
            add_exponential(table, series);
            return WEFT_PROMETHEUS_TAKEN;
        }
        if (joint == JOINT_OVERLAPS) {
            return WEFT_PROMETHEUS_SUPERSEDED;
        }
    } else if (!is_new && point->time_ns < series->time_ns) {
        return WEFT_PROMETHEUS_SUPERSEDED;
    }
    copy_totals(point, series);
    series->scale = point->scale;
    return WEFT_PROMETHEUS_TAKEN;
}

/* Words in pairs, by the first one: two runs of pairs, from start to middle and from there to end, become one. */
static void merge_pairs(const union weft_prometheus_word *from, size_t start, size_t middle, size_t end,
                        union weft_prometheus_word *to)
{
    size_t left = start;
    size_t right = middle;
    for (size_t at = start; at < end; at += 2) {
        bool is_left = left < middle && (right == end || !(from[right].real < from[left].real));
        size_t *next = is_left ? &left : &right;
        memcpy(&to[at], &from[*next], 2 * sizeof *to);
        *next += 2;
    }
}

static size_t at_most(size_t position, size_t end)
{
    return position < end ? position : end;
}

/* Sorts words, in which there is room for them, from numbers, whose order is lost. Equal ones keep theirs. */
static void sort_pairs(struct weft_prometheus_numbers *numbers, union weft_prometheus_word *words)
{
    union weft_prometheus_word *from = numbers->items;
    union weft_prometheus_word *to = words;
    size_t count = numbers->count;
    for (size_t width = 2; width < count; width *= 2) {
        for (size_t start = 0; start < count; start += 2 * width) {
            merge_pairs(from, start, at_most(start + width, count), at_most(start + 2 * width, count), to);
        }
        union weft_prometheus_word *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != words && count > 0) {
        memcpy(words, from, count * sizeof *words);
    }
}

/* Of equal quantiles the last counts. */
static void leave_out_repeated(struct weft_prometheus_series *series)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < series->word_count; i += 2) {
        bool is_same = kept > 0 && series->words[kept - 2].real == series->words[i].real;
        kept -= is_same ? 2 : 0;
        series->words[kept] = series->words[i];
        series->words[kept + 1] = series->words[i + 1];
        kept += 2;
    }
    series->word_count = kept;
}

static enum weft_prometheus_fate update_summary(struct weft_prometheus_table *table,
                                                struct weft_prometheus_series *series, bool is_new)
{
    const struct weft_prometheus_point *point = &table->context.point;
    if (!is_new && point->time_ns < series->time_ns) {
        return WEFT_PROMETHEUS_SUPERSEDED;
    }
    if (point->bounds.count > 2 * QUANTILES_MAX) {
        return WEFT_PROMETHEUS_INVALID;
    }
    enum weft_prometheus_fate fate = set_words(table, series, point->bounds.count);
    if (fate != WEFT_PROMETHEUS_TAKEN) {
        return fate;
    }
    sort_pairs(&table->context.point.bounds, series->words);
    leave_out_repeated(series);
    copy_totals(point, series);
    return WEFT_PROMETHEUS_TAKEN;
}

static enum weft_prometheus_fate update_value(struct weft_prometheus_table *table,
                                              struct weft_prometheus_series *series, bool is_new)
{
    enum weft_prometheus_fate fate = WEFT_PROMETHEUS_TAKEN;
    switch (series->kind) {
    case WEFT_PROMETHEUS_GAUGE:
    case WEFT_PROMETHEUS_SUM:
    case WEFT_PROMETHEUS_COUNTER:
        fate = update_number(table, series, is_new);
        if (fate == WEFT_PROMETHEUS_TAKEN) {
            keep_exemplars(table, series);
        }
        return fate;
    case WEFT_PROMETHEUS_HISTOGRAM:
        return update_histogram(table, series, is_new);
    case WEFT_PROMETHEUS_EXPONENTIAL:
        return update_exponential(table, series, is_new);
    case WEFT_PROMETHEUS_SUMMARY:
        return update_summary(table, series, is_new);
    }
    return fate;
}

enum weft_prometheus_fate weft_prometheus_update(struct weft_prometheus_table *table,
                                                 struct weft_prometheus_series *series, bool is_new)
{
    enum weft_prometheus_fate fate = update_value(table, series, is_new);
    if (fate == WEFT_PROMETHEUS_TAKEN) {
        series->start_ns = table->context.point.start_ns;
        series->time_ns = table->context.point.time_ns;
    }
    return fate;
}
