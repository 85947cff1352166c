/* Comparisons, as the Collector's ValueComparator has them: nil equals nil and nothing else, ints and floats compare
 * with one another, all else with its own kind only; of what cannot be compared != is true and nothing else. */
#include "base/assert.h"
#include "ottl/node.h"
#include "ottl/run.h"

static bool holds_order(int order, int operation)
{
    switch (operation) {
    case WEFT_OTTL_EQUAL:
        return order == 0;
    case WEFT_OTTL_NOT_EQUAL:
        return order != 0;
    case WEFT_OTTL_LESS:
        return order < 0;
    case WEFT_OTTL_LESS_EQUAL:
        return order <= 0;
    case WEFT_OTTL_GREATER_EQUAL:
        return order >= 0;
    case WEFT_OTTL_GREATER:
        return order > 0;
    default:
        weft_assert(!"operation");
    }
}

static bool holds_doubles(double left, double right, int operation)
{
    switch (operation) {
    case WEFT_OTTL_EQUAL:
        return left == right;
    case WEFT_OTTL_NOT_EQUAL:
        return left != right;
    case WEFT_OTTL_LESS:
        return left < right;
    case WEFT_OTTL_LESS_EQUAL:
        return left <= right;
    case WEFT_OTTL_GREATER_EQUAL:
        return left >= right;
    case WEFT_OTTL_GREATER:
        return left > right;
    default:
        weft_assert(!"operation");
    }
}

static int order_of_numbers(int64_t left, int64_t right)
{
    return (left > right) - (left < right);
}

static bool holds_bytes(struct weft_slice left, struct weft_slice right, int operation)
{
    if (operation <= WEFT_OTTL_NOT_EQUAL) {
        return weft_slice_equal(left, right) == (operation == WEFT_OTTL_EQUAL);
    }
    size_t length = left.length < right.length ? left.length : right.length;
    int order = length == 0 ? 0 : memcmp(left.bytes, right.bytes, length);
    return holds_order(order != 0 ? order : (left.length > right.length) - (left.length < right.length), operation);
}

/* ---- maps and lists ---- */

enum { STEPS_OF_MEMBER = 10, STEPS_OF_ITEM = 50 };

/* is_raw: it stands in a tree of Go's own maps and slices, where a pcommon.Map is something else. */
struct side {
    const struct weft_ottl_value *value;
    bool is_raw;
};

/* Where a key of a map that is compared is looked for first: behind the one that was found last, since most maps have
 * their keys in the same order. */
struct finder {
    struct weft_ottl_run *run;
    struct weft_ottl_each each;
};

static bool is_equal(struct weft_ottl_run *run, struct side left, struct side right, int depth);

static bool find_next(struct finder *finder, struct weft_slice key, struct weft_ottl_value *out_value)
{
    const struct weft_ottl_value *map = finder->each.value;
    struct weft_ottl_member member;
    if (weft_ottl_each_next(&finder->each, &member) && weft_slice_equal(member.key, key)) {
        *out_value = member.value;
        return true;
    }
    finder->each = weft_ottl_each_of(map);
    while (weft_ottl_each_next(&finder->each, &member)) {
        if (!weft_ottl_spend(finder->run, STEPS_OF_MEMBER)) {
            return false;
        }
        if (weft_slice_equal(member.key, key)) {
            *out_value = member.value;
            return true;
        }
    }
    return false;
}

static bool is_equal_map(struct weft_ottl_run *run, struct side left, struct side right, int depth)
{
    struct finder finder = { .run = run, .each = weft_ottl_each_of(right.value) };
    struct weft_ottl_each each = weft_ottl_each_of(left.value);
    struct weft_ottl_member member;
    struct weft_ottl_value other;
    if (weft_ottl_length(left.value) != weft_ottl_length(right.value)) {
        return false;
    }
    while (weft_ottl_each_next(&each, &member)) {
        if (!find_next(&finder, member.key, &other) ||
            !is_equal(run, (struct side){ &member.value, left.is_raw }, (struct side){ &other, right.is_raw }, depth)) {
            return false;
        }
    }
    return true;
}

static bool is_equal_list(struct weft_ottl_run *run, struct side left, struct side right, int depth)
{
    struct weft_ottl_each left_each = weft_ottl_each_of(left.value);
    struct weft_ottl_each right_each = weft_ottl_each_of(right.value);
    struct weft_ottl_member left_member, right_member;
    while (weft_ottl_each_next(&left_each, &left_member)) {
        if (!weft_ottl_spend(run, STEPS_OF_ITEM) || !weft_ottl_each_next(&right_each, &right_member) ||
            !is_equal(run, (struct side){ &left_member.value, left.is_raw },
                      (struct side){ &right_member.value, right.is_raw }, depth)) {
            return false;
        }
    }
    return !weft_ottl_each_next(&right_each, &right_member);
}

/* Values within maps and lists: no number equals one of another kind. */
static bool is_equal(struct weft_ottl_run *run, struct side left, struct side right, int depth)
{
    if (left.value->kind != right.value->kind || depth >= WEFT_OTTL_VALUE_MAX_DEPTH) {
        return false;
    }
    switch (left.value->kind) {
    case WEFT_OTTL_NIL:
        return true;
    case WEFT_OTTL_BOOL:
        return left.value->boolean == right.value->boolean;
    case WEFT_OTTL_INT:
    case WEFT_OTTL_DURATION:
        return left.value->integer == right.value->integer;
    case WEFT_OTTL_DOUBLE:
        return left.value->real == right.value->real;
    case WEFT_OTTL_STRING:
    case WEFT_OTTL_BYTES:
    case WEFT_OTTL_TRACE_ID:
    case WEFT_OTTL_SPAN_ID:
        return weft_slice_equal(left.value->bytes, right.value->bytes);
    case WEFT_OTTL_TIME:
        return left.value->time.seconds == right.value->time.seconds &&
               left.value->time.nanos == right.value->time.nanos;
    case WEFT_OTTL_MAP:
    case WEFT_OTTL_LIST:
        left.is_raw = left.is_raw || left.value->origin != WEFT_OTTL_PDATA;
        right.is_raw = right.is_raw || right.value->origin != WEFT_OTTL_PDATA;
        if (left.is_raw != right.is_raw) {
            return false;
        }
        /* What pcommon makes of its own is raw all the way down; in a list of the statement a map is not. */
        left.is_raw = left.is_raw && left.value->origin == WEFT_OTTL_PDATA;
        right.is_raw = right.is_raw && right.value->origin == WEFT_OTTL_PDATA;
        return left.value->kind == WEFT_OTTL_MAP ? is_equal_map(run, left, right, depth + 1)
                                                 : is_equal_list(run, left, right, depth + 1);
    case WEFT_OTTL_MESSAGE:
    case WEFT_OTTL_MESSAGES:
    case WEFT_OTTL_FUNCTION:
    case WEFT_OTTL_ABSENT:
        break;
    }
    return false;
}

static bool holds_containers(struct weft_ottl_run *run, const struct weft_ottl_value *left,
                             const struct weft_ottl_value *right, int operation)
{
    if (left->origin == WEFT_OTTL_TYPED || right->origin == WEFT_OTTL_TYPED || operation > WEFT_OTTL_NOT_EQUAL) {
        return operation == WEFT_OTTL_NOT_EQUAL;
    }
    /* One of Go's own makes the other one such. */
    bool is_raw = left->origin == WEFT_OTTL_RAW || right->origin == WEFT_OTTL_RAW;
    bool equal = is_equal(run, (struct side){ left, is_raw }, (struct side){ right, is_raw }, 0);
    return equal == (operation == WEFT_OTTL_EQUAL);
}

/* ---- */

static bool is_nil(const struct weft_ottl_value *value)
{
    return value->kind == WEFT_OTTL_NIL ||
           (value->kind == WEFT_OTTL_BYTES && value->bytes.length == 0 && value->bytes.bytes == NULL);
}

static bool is_number(const struct weft_ottl_value *value)
{
    return value->kind == WEFT_OTTL_INT || value->kind == WEFT_OTTL_DOUBLE;
}

static double real_of(const struct weft_ottl_value *value)
{
    return value->kind == WEFT_OTTL_INT ? (double)value->integer : value->real;
}

static bool holds_same_kind(struct weft_ottl_run *run, const struct weft_ottl_value *left,
                            const struct weft_ottl_value *right, int operation)
{
    int order = 0;
    switch (left->kind) {
    case WEFT_OTTL_BOOL:
        return holds_order(left->boolean - right->boolean, operation);
    case WEFT_OTTL_INT:
    case WEFT_OTTL_DURATION:
        return holds_order(order_of_numbers(left->integer, right->integer), operation);
    case WEFT_OTTL_DOUBLE:
        return holds_doubles(left->real, right->real, operation);
    case WEFT_OTTL_STRING:
    case WEFT_OTTL_BYTES:
        return holds_bytes(left->bytes, right->bytes, operation);
    case WEFT_OTTL_TIME:
        order = order_of_numbers(left->time.seconds, right->time.seconds);
        order = order != 0 ? order : order_of_numbers(left->time.nanos, right->time.nanos);
        return holds_order(order, operation);
    case WEFT_OTTL_MAP:
    case WEFT_OTTL_LIST:
        return holds_containers(run, left, right, operation);
    case WEFT_OTTL_TRACE_ID:
    case WEFT_OTTL_SPAN_ID:
        return operation <= WEFT_OTTL_NOT_EQUAL && holds_bytes(left->bytes, right->bytes, operation);
    case WEFT_OTTL_MESSAGE:
    case WEFT_OTTL_MESSAGES: /* the very same one */
        return (left->bytes.bytes == right->bytes.bytes && operation == WEFT_OTTL_EQUAL) ||
               (left->bytes.bytes != right->bytes.bytes && operation == WEFT_OTTL_NOT_EQUAL);
    case WEFT_OTTL_NIL:
    case WEFT_OTTL_FUNCTION:
    case WEFT_OTTL_ABSENT:
        break;
    }
    return operation == WEFT_OTTL_NOT_EQUAL;
}

bool weft_ottl_compare(struct weft_ottl_run *run, const struct weft_ottl_value *left,
                       const struct weft_ottl_value *right, int operation)
{
    if (is_nil(left) || is_nil(right)) {
        return is_nil(left) && is_nil(right) ? operation == WEFT_OTTL_EQUAL || operation == WEFT_OTTL_LESS_EQUAL ||
                                                   operation == WEFT_OTTL_GREATER_EQUAL
                                             : operation == WEFT_OTTL_NOT_EQUAL;
    }
    if (left->kind == right->kind) {
        return holds_same_kind(run, left, right, operation);
    }
    return is_number(left) && is_number(right) ? holds_doubles(real_of(left), real_of(right), operation)
                                               : operation == WEFT_OTTL_NOT_EQUAL;
}
