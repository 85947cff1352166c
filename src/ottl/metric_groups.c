/* Grouping data points (metric_groups.h). Each gets a key: its attributes in one order, and the rest in fixed places.
 * Keys are sorted by their hashes, so that equal ones lie side by side; whoever chooses attributes whose hashes collide
 * has them compared byte by byte, no more. */
#include "ottl/metric_groups.h"

#include "base/hash.h"
#include "ottl/functions_metric.h"
#include "wire/checked.h"
#include "wire/rewrite.h"

enum {
    POINT_START = 2,
    POINT_TIME = 3,
    HISTOGRAM_BOUNDS = 7,
    HISTOGRAM_FLAGS = 10,
    HISTOGRAM_MIN = 11,
    HISTOGRAM_MAX = 12
};
enum { EXPONENTIAL_SCALE = 6, EXPONENTIAL_FLAGS = 10, EXPONENTIAL_MIN = 12, EXPONENTIAL_MAX = 13 };

struct keyed {
    uint64_t hash;
    struct weft_slice key;
    uint32_t index;
};

/* ---- sorting ---- */

static bool is_same(const struct keyed *left, const struct keyed *right)
{
    return left->hash == right->hash && weft_slice_equal(left->key, right->key);
}

static bool is_before(const struct keyed *left, const struct keyed *right)
{
    if (left->hash != right->hash || left->key.length != right->key.length) {
        return left->hash != right->hash ? left->hash < right->hash : left->key.length < right->key.length;
    }
    int order = left->key.length == 0 ? 0 : memcmp(left->key.bytes, right->key.bytes, left->key.length);
    return order != 0 ? order < 0 : left->index < right->index;
}

static void merge_runs(const struct keyed *from, size_t start, size_t middle, size_t end, struct keyed *to)
{
    size_t left = start, right = middle;
    for (size_t i = start; i < end; i++) {
        bool is_left = left < middle && (right >= end || is_before(&from[left], &from[right]));
        to[i] = is_left ? from[left++] : from[right++];
    }
}

/* As items and twice the room say; returns where the sorted ones lie. */
static struct keyed *sort(struct keyed *items, struct keyed *room, size_t count)
{
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t start = 0; start < count; start += 2 * width) {
            size_t middle = start + width < count ? start + width : count;
            size_t end = start + 2 * width < count ? start + 2 * width : count;
            merge_runs(items, start, middle, end, room);
        }
        struct keyed *sorted = room;
        room = items;
        items = sorted;
    }
    return items;
}

/* ---- keys ---- */

static bool has_text(const struct weft_ottl_list *texts, struct weft_slice text)
{
    for (size_t i = 0; i < texts->count; i++) {
        if (weft_slice_equal(texts->items[i].bytes, text)) {
            return true;
        }
    }
    return false;
}

bool weft_ottl_regard_attribute(const struct weft_ottl_regard *regard, struct weft_slice *in_out_key_value)
{
    struct weft_slice key = weft_rewrite_key_of(*in_out_key_value);
    if (regard->kept != NULL && !has_text(regard->kept, key)) {
        return false;
    }
    if (regard->renamed.bytes != NULL && weft_slice_equal(key, regard->attribute)) {
        struct weft_ottl_value value = weft_ottl_value_of_key_value(*in_out_key_value);
        struct weft_slice text = value.kind == WEFT_OTTL_STRING ? value.bytes : WEFT_SLICE_EMPTY;
        *in_out_key_value = has_text(regard->values, text) ? regard->renamed : *in_out_key_value;
    }
    return true;
}

static void put_word(struct weft_buffer *out, uint64_t word)
{
    weft_buffer_append(out, &word, sizeof word);
}

static void put_text(struct weft_buffer *out, struct weft_slice text)
{
    put_word(out, text.length);
    weft_buffer_append(out, text.bytes, text.length);
}

/* As in JSON an int is the double of the same value. */
static void put_number(struct weft_buffer *out, const struct weft_ottl_value *value)
{
    static const double exact = 9007199254740992.0; /* 2^53 */
    bool is_double = value->kind == WEFT_OTTL_DOUBLE;
    bool is_whole =
        is_double && value->real >= -exact && value->real <= exact && (double)(int64_t)value->real == value->real;
    uint64_t bits = is_double && !is_whole ? 0 : (uint64_t)(is_double ? (int64_t)value->real : value->integer);
    if (is_double && !is_whole) {
        memcpy(&bits, &value->real, sizeof bits);
    }
    weft_buffer_append_byte(out, is_double && !is_whole ? 'd' : 'i');
    put_word(out, bits);
}

static enum weft_status put_value(struct weft_ottl_run *run, struct weft_buffer *out,
                                  const struct weft_ottl_value *value)
{
    struct weft_slice text = WEFT_SLICE_EMPTY;
    enum weft_status status = WEFT_OK;
    if (value->kind == WEFT_OTTL_INT || value->kind == WEFT_OTTL_DOUBLE) {
        put_number(out, value);
        return WEFT_OK;
    }
    weft_buffer_append_byte(out, (uint8_t)value->kind);
    if (value->kind == WEFT_OTTL_BOOL) {
        weft_buffer_append_byte(out, value->boolean);
    } else if (value->kind == WEFT_OTTL_MAP || value->kind == WEFT_OTTL_LIST) {
        status = weft_ottl_value_text(run, value, &text);
    } else if (value->kind != WEFT_OTTL_NIL) {
        text = value->bytes;
    }
    put_text(out, text);
    return status;
}

/* Attributes in one order, whichever they came in. */
static enum weft_status put_attributes(struct weft_ottl_run *run, struct weft_buffer *out, struct weft_slice point,
                                       uint32_t number, const struct weft_ottl_regard *regard)
{
    struct weft_wire_reader reader = weft_wire_reader_of(point);
    struct weft_slice key_value;
    size_t count = 0, kept = 0;
    while (weft_wire_next_message(&reader, number, &key_value)) {
        count++;
    }
    /* no data is written meanwhile */
    struct keyed *items = (void *)weft_buffer_reserve(weft_ottl_data_scratch(run), 2 * count * sizeof *items + 1);
    if (items == NULL) {
        return WEFT_NOMEM;
    }
    reader = weft_wire_reader_of(point);
    while (weft_wire_next_message(&reader, number, &key_value)) {
        if (weft_ottl_regard_attribute(regard, &key_value)) {
            struct weft_slice key = weft_rewrite_key_of(key_value);
            items[kept] = (struct keyed){ .hash = weft_hash_xxh3(key), .key = key_value, .index = (uint32_t)kept };
            kept++;
        }
    }
    items = sort(items, items + count, kept);
    enum weft_status status = WEFT_OK;
    put_word(out, kept);
    for (size_t i = 0; status == WEFT_OK && i < kept; i++) {
        struct weft_ottl_value value = weft_ottl_value_of_key_value(items[i].key);
        put_text(out, weft_rewrite_key_of(items[i].key));
        status = put_value(run, out, &value);
    }
    return status;
}

static void put_bounds(struct weft_buffer *out, struct weft_slice point)
{
    struct weft_wire_reader reader = weft_wire_reader_of(point);
    struct weft_wire_field field;
    while (weft_wire_next_checked(&reader, &field)) {
        if (field.number == HISTOGRAM_BOUNDS && field.type == WEFT_WIRE_BYTES) {
            weft_buffer_append(out, field.bytes.bytes, field.bytes.length);
        } else if (field.number == HISTOGRAM_BOUNDS) {
            put_word(out, field.number_value);
        }
    }
}

/* Deltas begin where others end; a cumulative point counts from wherever its series began. */
static enum weft_status put_key(struct weft_ottl_run *run, struct weft_buffer *out, struct weft_slice point,
                                const struct weft_ottl_metric *metric, bool is_delta,
                                const struct weft_ottl_regard *regard)
{
    struct weft_ottl_numbers numbers;
    weft_ottl_read_numbers(point, &numbers);
    weft_buffer_clear(out);
    put_word(out, numbers.of[POINT_TIME]);
    put_word(out, is_delta ? numbers.of[POINT_START] : 0);
    if (metric->type == WEFT_OTTL_METRIC_HISTOGRAM) {
        put_word(out, (uint32_t)numbers.of[HISTOGRAM_FLAGS]);
        put_word(out, numbers.present & (1U << HISTOGRAM_MIN | 1U << HISTOGRAM_MAX));
    } else if (metric->type == WEFT_OTTL_METRIC_EXPONENTIAL_HISTOGRAM) {
        put_word(out, (uint32_t)numbers.of[EXPONENTIAL_FLAGS]);
        put_word(out, (uint32_t)numbers.of[EXPONENTIAL_SCALE]);
        put_word(out, numbers.present & (1U << EXPONENTIAL_MIN | 1U << EXPONENTIAL_MAX));
    }
    enum weft_status status = put_attributes(run, out, point, weft_ottl_point_attributes_field(metric->type), regard);
    if (metric->type == WEFT_OTTL_METRIC_HISTOGRAM) {
        put_bounds(out, point);
    }
    return status == WEFT_OK ? weft_buffer_status(out) : status;
}

static enum weft_status make_key(struct weft_ottl_run *run, const struct weft_ottl_metric *metric, bool is_delta,
                                 const struct weft_ottl_regard *regard, struct weft_slice point,
                                 struct keyed *out_keyed)
{
    enum { STEPS_EACH = 200 };
    struct weft_buffer *key = &run->replaced; /* the scratch that no text of a value is made in */
    if (!weft_ottl_spend(run, STEPS_EACH + point.length)) {
        return weft_ottl_fail_steps(run);
    }
    enum weft_status status = put_key(run, key, point, metric, is_delta, regard);
    uint8_t *bytes = status == WEFT_OK ? weft_ottl_run_take(run, key->length) : NULL;
    if (bytes == NULL) {
        return status == WEFT_OK ? WEFT_NOMEM : status;
    }
    memcpy(bytes, key->bytes, key->length);
    out_keyed->key = weft_slice_of(bytes, key->length);
    out_keyed->hash = weft_hash_xxh3(out_keyed->key);
    return WEFT_OK;
}

/* ---- groups ---- */

static void link_groups(struct weft_ottl_grouped_point *points, const struct keyed *sorted, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        points[sorted[i].index].is_first = i == 0 || !is_same(&sorted[i - 1], &sorted[i]);
        bool has_next = i + 1 < count && is_same(&sorted[i], &sorted[i + 1]);
        points[sorted[i].index].next = has_next ? sorted[i + 1].index : 0;
    }
}

enum weft_status weft_ottl_group_points(struct weft_ottl_run *run, const struct weft_ottl_metric *metric,
                                        const struct weft_ottl_regard *regard,
                                        struct weft_ottl_point_groups *out_groups)
{
    struct weft_ottl_numbers data;
    struct weft_wire_reader reader = weft_wire_reader_of(metric->data);
    struct weft_slice point;
    uint32_t count = 0;
    while (weft_wire_next_message(&reader, WEFT_OTTL_DATA_POINTS, &point)) {
        count++;
    }
    struct weft_ottl_grouped_point *points = weft_ottl_run_take(run, count * sizeof *points + 1);
    struct keyed *items = weft_ottl_run_take(run, 2 * count * sizeof *items + 1);
    if (points == NULL || items == NULL) {
        return WEFT_NOMEM;
    }
    weft_ottl_read_numbers(metric->data, &data);
    bool is_delta = metric->type != WEFT_OTTL_METRIC_GAUGE && data.of[WEFT_OTTL_DATA_TEMPORALITY] == WEFT_OTTL_DELTA;
    reader = weft_wire_reader_of(metric->data);
    for (uint32_t i = 0; weft_wire_next_message(&reader, WEFT_OTTL_DATA_POINTS, &point); i++) {
        points[i].bytes = point;
        items[i].index = i;
        enum weft_status status = make_key(run, metric, is_delta, regard, point, &items[i]);
        if (status != WEFT_OK) {
            return status;
        }
    }
    link_groups(points, sort(items, items + count, count), count);
    *out_groups = (struct weft_ottl_point_groups){ points, count };
    return WEFT_OK;
}
