/* Histograms that become one (metric_merge.h): their counts are added up, bucket by bucket. Points of no count say
 * nothing. Buckets of exponential ones, which are of one scale, meet where their offsets say. */
#include "ottl/metric_merge.h"
#include "wire/checked.h"
#include "wire/wire_scan.h"

/* Where a kind of histogram has what. 0: it has none. */
struct form {
    uint32_t exemplars, zero_count, min, max, counts, buckets[2];
};

enum { POINT_START = 2, POINT_COUNT = 4, POINT_SUM = 5 };
enum { BUCKETS_OFFSET = 1, BUCKETS_COUNTS = 2 };
enum { MAX_BUCKETS = 1 << 16 };

static const struct form explicit_form = { .exemplars = 8, .min = 11, .max = 12, .counts = 6 };
static const struct form exponential_form = {
    .exemplars = 11, .zero_count = 7, .min = 12, .max = 13, .buckets = { 8, 9 }
};

/* ---- numbers ---- */

/* What the first point says, and then all of them. */
static void add_numbers(struct weft_ottl_numbers *sum, const struct weft_ottl_numbers *point, const struct form *form)
{
    double total = weft_ottl_double_of(sum->of[POINT_SUM]) + weft_ottl_double_of(point->of[POINT_SUM]);
    memcpy(&sum->of[POINT_SUM], &total, sizeof total);
    sum->present |= 1U << POINT_SUM;
    sum->of[POINT_COUNT] += point->of[POINT_COUNT];
    if (form->zero_count != 0) {
        sum->of[form->zero_count] += point->of[form->zero_count];
    }
    if (weft_ottl_double_of(sum->of[form->min]) > weft_ottl_double_of(point->of[form->min])) {
        sum->of[form->min] = point->of[form->min];
    }
    if (weft_ottl_double_of(sum->of[form->max]) < weft_ottl_double_of(point->of[form->max])) {
        sum->of[form->max] = point->of[form->max];
    }
    if (point->of[POINT_START] < sum->of[POINT_START]) {
        sum->of[POINT_START] = point->of[POINT_START];
    }
}

static void put_number(struct weft_buffer *out, const struct weft_ottl_numbers *numbers, uint32_t field,
                       bool is_optional)
{
    bool is_there = is_optional ? (numbers->present >> field & 1) != 0 : numbers->of[field] != 0;
    if (field != 0 && is_there) {
        weft_ottl_put_fixed64(out, field, numbers->of[field]);
    }
}

static void put_numbers(struct weft_buffer *out, const struct weft_ottl_numbers *numbers, const struct form *form)
{
    put_number(out, numbers, POINT_START, false);
    put_number(out, numbers, POINT_COUNT, false);
    put_number(out, numbers, POINT_SUM, true);
    put_number(out, numbers, form->zero_count, false);
    put_number(out, numbers, form->min, true);
    put_number(out, numbers, form->max, true);
}

/* ---- points that count ---- */

/* The points of a group after the first one, but for those of no count. */
struct others {
    const struct weft_ottl_grouped_point *points;
    uint32_t next;
};

static bool next_other(struct others *others, struct weft_slice *out_point, struct weft_ottl_numbers *out_numbers)
{
    while (others->next != 0) {
        *out_point = others->points[others->next].bytes;
        others->next = others->points[others->next].next;
        weft_ottl_read_numbers(*out_point, out_numbers);
        if (out_numbers->of[POINT_COUNT] != 0) {
            return true;
        }
    }
    return false;
}

static struct others others_of(const struct weft_ottl_merging *merging, uint32_t first)
{
    return (struct others){ merging->groups->points, merging->groups->points[first].next };
}

static void put_exemplars(struct weft_buffer *out, struct weft_slice point, uint32_t number)
{
    struct weft_wire_reader reader = weft_wire_reader_of(point);
    struct weft_slice exemplar;
    while (weft_wire_next_message(&reader, number, &exemplar)) {
        weft_ottl_put_bytes(out, number, exemplar);
    }
}

/* ---- buckets with bounds ---- */

/* Adds the counts of a point to those that there are; returns how many it has. */
static size_t add_counts(struct weft_slice point, uint32_t number, uint64_t *counts, size_t count)
{
    struct weft_wire_reader reader = weft_wire_reader_of(point);
    struct weft_wire_field field;
    size_t at = 0;
    while (weft_wire_next_checked(&reader, &field)) {
        if (field.number != number) {
            continue;
        }
        struct weft_slice packed =
            field.type == WEFT_WIRE_BYTES ? field.bytes : weft_slice_of(&field.number_value, sizeof field.number_value);
        for (size_t i = 0; i + sizeof *counts <= packed.length; i += sizeof *counts, at++) {
            uint64_t more;
            memcpy(&more, packed.bytes + i, sizeof more);
            if (at < count) {
                counts[at] += more;
            }
        }
    }
    return at;
}

static enum weft_status merge_counts(const struct weft_ottl_merging *merging, uint32_t first, struct weft_buffer *out)
{
    struct weft_buffer *sums = &merging->run->replaced;
    struct weft_slice point = merging->groups->points[first].bytes;
    struct others others = others_of(merging, first);
    struct weft_ottl_numbers numbers;
    size_t count = add_counts(point, explicit_form.counts, NULL, 0);
    weft_buffer_clear(sums);
    uint64_t *counts = (void *)weft_buffer_reserve(sums, count * sizeof *counts + 1);
    if (counts == NULL) {
        return WEFT_NOMEM;
    }
    memset(counts, 0, count * sizeof *counts);
    (void)add_counts(point, explicit_form.counts, counts, count);
    while (next_other(&others, &point, &numbers)) {
        if (add_counts(point, explicit_form.counts, counts, count) > count) {
            return weft_fail(&merging->run->error, WEFT_INVALID,
                             "histograms that have the same bounds and not as many buckets do not go together");
        }
    }
    if (count > 0) {
        weft_ottl_put_bytes(out, explicit_form.counts, weft_slice_of(counts, count * sizeof *counts));
    }
    return WEFT_OK;
}

/* ---- exponential buckets ---- */

struct buckets {
    int64_t offset;
    size_t count;
    struct weft_slice message;
};

static void add(uint64_t *sums, size_t at, uint64_t more)
{
    if (sums != NULL) {
        sums[at] += more;
    }
}

/* Adds the counts of a Buckets, packed or one by one; sums NULL: only says how many there are. */
static size_t add_varints(struct weft_slice message, uint64_t *sums)
{
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    struct weft_wire_field field;
    uint64_t more;
    size_t count = 0;
    while (weft_wire_next_checked(&reader, &field)) {
        const uint8_t *at = field.bytes.bytes;
        const uint8_t *end = at + field.bytes.length;
        if (field.number == BUCKETS_COUNTS && field.type == WEFT_WIRE_VARINT) {
            add(sums, count++, field.number_value);
        }
        while (field.number == BUCKETS_COUNTS && field.type == WEFT_WIRE_BYTES && at < end &&
               (at = weft_wire_read_varint(at, end, &more)) != NULL) {
            add(sums, count++, more);
        }
    }
    return count;
}

static struct buckets buckets_of(struct weft_slice point, uint32_t number)
{
    struct weft_wire_reader reader = weft_wire_reader_of(point);
    struct buckets buckets = { .message = WEFT_SLICE_EMPTY };
    struct weft_ottl_numbers numbers;
    while (weft_wire_next_message(&reader, number, &buckets.message)) {
    }
    weft_ottl_read_numbers(buckets.message, &numbers);
    buckets.offset = weft_ottl_unzigzag(numbers.of[BUCKETS_OFFSET]);
    buckets.count = add_varints(buckets.message, NULL);
    return buckets;
}

/* What both cover. */
static void widen(struct buckets *range, const struct buckets *other)
{
    if (other->count == 0) {
        return;
    }
    if (range->count == 0) {
        *range = *other;
        return;
    }
    int64_t range_end = range->offset + (int64_t)range->count;
    int64_t other_end = other->offset + (int64_t)other->count;
    range->offset = other->offset < range->offset ? other->offset : range->offset;
    range->count = (size_t)((other_end > range_end ? other_end : range_end) - range->offset);
}

static void put_buckets(struct weft_buffer *out, uint32_t number, const struct buckets *range, const uint64_t *sums)
{
    enum { MAX_HEAD_BYTES = 16 };
    uint8_t head[MAX_HEAD_BYTES];
    uint8_t *end = head;
    size_t packed_bytes = 0;
    for (size_t i = 0; i < range->count; i++) {
        packed_bytes += weft_wire_size_varint(sums[i]);
    }
    if (range->offset != 0) {
        int32_t offset = (int32_t)range->offset;
        *end++ = BUCKETS_OFFSET << 3 | WEFT_WIRE_VARINT;
        end = weft_wire_put_varint(end, ((uint32_t)offset << 1) ^ (offset < 0 ? UINT32_MAX : 0));
    }
    size_t head_bytes = (size_t)(end - head);
    size_t length = head_bytes + (range->count == 0 ? 0 : weft_wire_size_bytes_field(BUCKETS_COUNTS, packed_bytes));
    uint8_t *to = weft_buffer_reserve(out, weft_wire_size_bytes_field(number, length));
    if (to == NULL || length == 0) {
        return;
    }
    to = weft_wire_put_bytes_header(to, number, length);
    memcpy(to, head, head_bytes);
    to += head_bytes;
    to = range->count == 0 ? to : weft_wire_put_bytes_header(to, BUCKETS_COUNTS, packed_bytes);
    for (size_t i = 0; i < range->count; i++) {
        to = weft_wire_put_varint(to, sums[i]);
    }
    out->length = (size_t)(to - out->bytes);
}

static enum weft_status merge_buckets(const struct weft_ottl_merging *merging, uint32_t first, uint32_t number,
                                      struct weft_buffer *out)
{
    struct weft_buffer *scratch = &merging->run->replaced;
    struct buckets range = buckets_of(merging->groups->points[first].bytes, number);
    struct buckets each = range;
    struct others others = others_of(merging, first);
    struct weft_ottl_numbers numbers;
    struct weft_slice point;
    while (next_other(&others, &point, &numbers)) {
        struct buckets other = buckets_of(point, number);
        widen(&range, &other);
        if (range.count > MAX_BUCKETS) {
            return weft_fail(&merging->run->error, WEFT_INVALID,
                             "histograms whose buckets lie more than %d from one another do not go together",
                             MAX_BUCKETS);
        }
    }
    weft_buffer_clear(scratch);
    uint64_t *sums = (void *)weft_buffer_reserve(scratch, range.count * sizeof *sums + 1);
    if (sums == NULL) {
        return WEFT_NOMEM;
    }
    if (!weft_ottl_spend(merging->run, range.count)) {
        return weft_ottl_fail_steps(merging->run);
    }
    memset(sums, 0, range.count * sizeof *sums);
    others = others_of(merging, first);
    do {
        (void)add_varints(each.message, each.count == 0 ? NULL : sums + (each.offset - range.offset));
        if (!next_other(&others, &point, &numbers)) {
            break;
        }
        each = buckets_of(point, number);
    } while (true);
    put_buckets(out, number, &range, sums);
    return WEFT_OK;
}

enum weft_status weft_ottl_merge_histograms(const struct weft_ottl_merging *merging, uint32_t first,
                                            struct weft_buffer *out)
{
    bool is_explicit = merging->type == WEFT_OTTL_METRIC_HISTOGRAM;
    const struct form *form = is_explicit ? &explicit_form : &exponential_form;
    struct weft_slice base = merging->groups->points[first].bytes;
    struct others others = others_of(merging, first);
    struct weft_ottl_numbers sum, numbers;
    struct weft_slice point;
    uint32_t written = 1U << POINT_START | 1U << POINT_COUNT | 1U << POINT_SUM | 1U << form->min | 1U << form->max;
    written |=
        is_explicit ? 1U << form->counts : 1U << form->zero_count | 1U << form->buckets[0] | 1U << form->buckets[1];
    weft_ottl_read_numbers(base, &sum);
    weft_ottl_put_rest_of_point(merging, base, written, out);
    while (next_other(&others, &point, &numbers)) {
        add_numbers(&sum, &numbers, form);
        put_exemplars(out, point, form->exemplars);
    }
    put_numbers(out, &sum, form);
    if (is_explicit) {
        return merge_counts(merging, first, out);
    }
    enum weft_status status = merge_buckets(merging, first, form->buckets[0], out);
    return status == WEFT_OK ? merge_buckets(merging, first, form->buckets[1], out) : status;
}
