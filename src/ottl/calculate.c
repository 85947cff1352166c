/* Arithmetic, as the Collector does it: whole numbers wrap around, a float makes the other one a float, times and
 * durations are added and subtracted. */
#include "ottl/run.h"

enum { NANOS = 1000000000 };

static enum weft_status fail_kind(struct weft_ottl_run *run, const struct weft_ottl_value *value, int operation)
{
    return weft_fail(&run->error, WEFT_INVALID, "%s cannot be part of %c", weft_ottl_kind_text(value->kind), operation);
}

static enum weft_status calculate_ints(struct weft_ottl_run *run, int64_t left, int operation, int64_t right,
                                       struct weft_ottl_value *out_value)
{
    uint64_t result = 0;
    switch (operation) {
    case '+':
        result = (uint64_t)left + (uint64_t)right;
        break;
    case '-':
        result = (uint64_t)left - (uint64_t)right;
        break;
    case '*':
        result = (uint64_t)left * (uint64_t)right;
        break;
    default:
        if (right == 0) {
            return weft_fail(&run->error, WEFT_INVALID, "division by 0");
        }
        result = right == -1 ? 0 - (uint64_t)left : (uint64_t)(left / right);
        break;
    }
    *out_value = weft_ottl_int((int64_t)result);
    return WEFT_OK;
}

static enum weft_status calculate_doubles(struct weft_ottl_run *run, double left, int operation, double right,
                                          struct weft_ottl_value *out_value)
{
    if (operation == '/' && right == 0) {
        return weft_fail(&run->error, WEFT_INVALID, "division by 0");
    }
    *out_value = weft_ottl_double(operation == '+'   ? left + right
                                  : operation == '-' ? left - right
                                  : operation == '*' ? left * right
                                                     : left / right);
    return WEFT_OK;
}

/* ---- times ---- */

static struct weft_ottl_value add_to_time(struct weft_ottl_time time, int64_t duration_ns)
{
    int64_t nanos = time.nanos + duration_ns % NANOS;
    time.seconds = (int64_t)((uint64_t)time.seconds + (uint64_t)(duration_ns / NANOS));
    if (nanos < 0) {
        nanos += NANOS;
        time.seconds--;
    } else if (nanos >= NANOS) {
        nanos -= NANOS;
        time.seconds++;
    }
    time.nanos = (int32_t)nanos;
    return (struct weft_ottl_value){ .kind = WEFT_OTTL_TIME, .time = time };
}

/* What does not fit is the longest duration there is. */
static struct weft_ottl_value duration_between(struct weft_ottl_time left, struct weft_ottl_time right)
{
    int64_t seconds = 0;
    int64_t nanos = 0;
    bool overflows = __builtin_sub_overflow(left.seconds, right.seconds, &seconds) ||
                     __builtin_mul_overflow(seconds, (int64_t)NANOS, &nanos) ||
                     __builtin_add_overflow(nanos, (int64_t)left.nanos - right.nanos, &nanos);
    if (overflows) {
        nanos = left.seconds < right.seconds ? INT64_MIN : INT64_MAX;
    }
    return (struct weft_ottl_value){ .kind = WEFT_OTTL_DURATION, .integer = nanos };
}

static enum weft_status calculate_times(struct weft_ottl_run *run, const struct weft_ottl_value *left, int operation,
                                        const struct weft_ottl_value *right, struct weft_ottl_value *out_value)
{
    bool is_sum = operation == '+';
    bool is_left_time = left->kind == WEFT_OTTL_TIME;
    if (operation != '+' && operation != '-') {
        return weft_fail(&run->error, WEFT_INVALID, "times and durations can be added and subtracted only");
    }
    if (is_left_time && right->kind == WEFT_OTTL_DURATION) {
        int64_t duration = is_sum ? right->integer : (int64_t)(0 - (uint64_t)right->integer);
        *out_value = add_to_time(left->time, duration);
    } else if (is_left_time && !is_sum && right->kind == WEFT_OTTL_TIME) {
        *out_value = duration_between(left->time, right->time);
    } else if (!is_left_time && is_sum && right->kind == WEFT_OTTL_TIME) {
        *out_value = add_to_time(right->time, left->integer);
    } else if (!is_left_time && right->kind == WEFT_OTTL_DURATION) {
        uint64_t sum = (uint64_t)left->integer + (is_sum ? (uint64_t)right->integer : 0 - (uint64_t)right->integer);
        *out_value = (struct weft_ottl_value){ .kind = WEFT_OTTL_DURATION, .integer = (int64_t)sum };
    } else {
        return weft_fail(&run->error, WEFT_INVALID, "%s %c %s cannot be calculated", weft_ottl_kind_text(left->kind),
                         operation, weft_ottl_kind_text(right->kind));
    }
    return WEFT_OK;
}

static bool is_number(const struct weft_ottl_value *value)
{
    return value->kind == WEFT_OTTL_INT || value->kind == WEFT_OTTL_DOUBLE;
}

static double real_of(const struct weft_ottl_value *value)
{
    return value->kind == WEFT_OTTL_INT ? (double)value->integer : value->real;
}

enum weft_status weft_ottl_calculate(struct weft_ottl_run *run, const struct weft_ottl_value *left, int operation,
                                     const struct weft_ottl_value *right, struct weft_ottl_value *out_value)
{
    if (left->kind == WEFT_OTTL_TIME || left->kind == WEFT_OTTL_DURATION) {
        return calculate_times(run, left, operation, right, out_value);
    }
    if (!is_number(left) || !is_number(right)) {
        return fail_kind(run, is_number(left) ? right : left, operation);
    }
    if (left->kind == WEFT_OTTL_INT && right->kind == WEFT_OTTL_INT) {
        return calculate_ints(run, left->integer, operation, right->integer, out_value);
    }
    return calculate_doubles(run, real_of(left), operation, real_of(right), out_value);
}

enum weft_status weft_ottl_negate(struct weft_ottl_run *run, const struct weft_ottl_value *value,
                                  struct weft_ottl_value *out_value)
{
    if (!is_number(value)) {
        return fail_kind(run, value, '-');
    }
    *out_value = value->kind == WEFT_OTTL_INT ? weft_ottl_int((int64_t)(0 - (uint64_t)value->integer))
                                              : weft_ottl_double(-value->real);
    return WEFT_OK;
}
