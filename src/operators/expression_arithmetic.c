/* Arithmetic of expressions (expression_internal.h): integers wrap around, / and ** give doubles, + joins texts. */
#include <math.h>

#include "operators/expression_internal.h"

static bool is_number(const struct weft_log_value *value)
{
    return value->kind == WEFT_LOG_INT || value->kind == WEFT_LOG_DOUBLE;
}

static double to_double(const struct weft_log_value *value)
{
    return value->kind == WEFT_LOG_INT ? (double)value->integer : value->real;
}

static int64_t calculate_integers(enum weft_expression_kind kind, int64_t left, int64_t right)
{
    uint64_t a = (uint64_t)left, b = (uint64_t)right;
    return (int64_t)(kind == WEFT_EXPRESSION_ADD ? a + b : kind == WEFT_EXPRESSION_SUBTRACT ? a - b : a * b);
}

/* By zero as the processor does it: an infinity, or no number. */
static double calculate_doubles(enum weft_expression_kind kind, double left, double right)
{
    return kind == WEFT_EXPRESSION_ADD        ? left + right
           : kind == WEFT_EXPRESSION_SUBTRACT ? left - right
           : kind == WEFT_EXPRESSION_MULTIPLY ? left * right
           : kind == WEFT_EXPRESSION_POWER    ? pow(left, right)
           : right != 0                       ? left / right
           : left == 0 || isnan(left)         ? (double)NAN
                                              : copysign((double)INFINITY, left) * copysign(1.0, right);
}

static bool fail_kinds(struct weft_expression_state *state, const struct weft_log_value pair[2])
{
    return weft_expression_fail_state(state, "it cannot calculate with %s and %s",
                                      weft_expression_type_text((int)pair[0].kind),
                                      weft_expression_type_text((int)pair[1].kind));
}

static bool remain(struct weft_expression_state *state, const struct weft_log_value pair[2],
                   struct weft_log_value *out_value)
{
    if (pair[0].kind != WEFT_LOG_INT || pair[1].kind != WEFT_LOG_INT) {
        return fail_kinds(state, pair);
    }
    if (pair[1].integer == 0) {
        return weft_expression_fail_state(state, "%% by zero");
    }
    *out_value = weft_expression_int(pair[1].integer == -1 ? 0 : pair[0].integer % pair[1].integer);
    return true;
}

static bool join(struct weft_expression_state *state, const struct weft_log_value pair[2],
                 struct weft_log_value *out_value)
{
    struct weft_slice left = pair[0].text, right = pair[1].text;
    uint8_t *bytes = weft_expression_take(state, left.length + right.length + 1);
    if (bytes == NULL) {
        return false;
    }
    memcpy(bytes, left.length == 0 ? bytes : left.bytes, left.length);
    memcpy(bytes + left.length, right.length == 0 ? bytes : right.bytes, right.length);
    *out_value = weft_log_string(weft_slice_of(bytes, left.length + right.length));
    return true;
}

bool weft_expression_calculate(struct weft_expression_state *state, enum weft_expression_kind kind,
                               const struct weft_log_value pair[2], struct weft_log_value *out_value)
{
    if (kind == WEFT_EXPRESSION_REMAINDER) {
        return remain(state, pair, out_value);
    }
    if (kind == WEFT_EXPRESSION_ADD && pair[0].kind == WEFT_LOG_STRING && pair[1].kind == WEFT_LOG_STRING) {
        return join(state, pair, out_value);
    }
    if (!is_number(&pair[0]) || !is_number(&pair[1])) {
        return fail_kinds(state, pair);
    }
    bool is_double = kind == WEFT_EXPRESSION_DIVIDE || kind == WEFT_EXPRESSION_POWER ||
                     pair[0].kind == WEFT_LOG_DOUBLE || pair[1].kind == WEFT_LOG_DOUBLE;
    *out_value =
        is_double ? (struct weft_log_value){ .kind = WEFT_LOG_DOUBLE,
                                             .real = calculate_doubles(kind, to_double(&pair[0]), to_double(&pair[1])) }
                  : weft_expression_int(calculate_integers(kind, pair[0].integer, pair[1].integer));
    return true;
}

bool weft_expression_negate(struct weft_expression_state *state, struct weft_log_value *value)
{
    if (value->kind == WEFT_LOG_INT) {
        value->integer = (int64_t)(0 - (uint64_t)value->integer);
    } else if (value->kind == WEFT_LOG_DOUBLE) {
        value->real = -value->real;
    } else {
        return weft_expression_fail_state(state, "- does not take %s", weft_expression_type_text((int)value->kind));
    }
    return true;
}
