/* Converters between the types of values, and what type one is. */
#include <math.h>

#include "ottl/functions.h"
#include "ottl/functions_give.h"
#include "ottl/text_number.h"

static enum weft_status give_argument(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                      struct weft_ottl_value *out_value)
{
    (void)run;
    return weft_ottl_give(out_value, call->arguments[0]);
}

static enum weft_status give_is(const struct weft_ottl_call *call, enum weft_ottl_kind kind,
                                struct weft_ottl_value *out_value)
{
    return weft_ottl_give(out_value, weft_ottl_bool(call->arguments[0].kind == kind));
}

#define IS(name, kind)                                                                         \
    static enum weft_status name(struct weft_ottl_run *run, const struct weft_ottl_call *call, \
                                 struct weft_ottl_value *out_value)                            \
    {                                                                                          \
        (void)run;                                                                             \
        return give_is(call, kind, out_value);                                                 \
    }

/* Of a literal that is something else the Collector says that the statement is wrong. */
static enum weft_status check_literal(const struct weft_ottl_call *call, enum weft_ottl_kind kind,
                                      struct weft_error *error)
{
    const struct weft_ottl_node *node = call->nodes[0];
    enum weft_ottl_kind given = node->kind == WEFT_OTTL_NODE_LIST  ? WEFT_OTTL_LIST
                                : node->kind == WEFT_OTTL_NODE_MAP ? WEFT_OTTL_MAP
                                                                   : call->arguments[0].kind;
    return given == kind || given == WEFT_OTTL_ABSENT ? WEFT_OK
                                                      : weft_fail(error, WEFT_INVALID, "%s: this is %s always",
                                                                  call->function->name, weft_ottl_kind_text(given));
}

#define MAKE_IS(name, kind)                                                                               \
    static enum weft_status make_##name(struct weft_ottl_maker *maker, const struct weft_ottl_call *call, \
                                        void **out_state, struct weft_error *error)                       \
    {                                                                                                     \
        (void)maker;                                                                                      \
        (void)out_state;                                                                                  \
        return check_literal(call, kind, error);                                                          \
    }

MAKE_IS(is_string, WEFT_OTTL_STRING)
MAKE_IS(is_int, WEFT_OTTL_INT)
MAKE_IS(is_double, WEFT_OTTL_DOUBLE)
MAKE_IS(is_bool, WEFT_OTTL_BOOL)
MAKE_IS(is_map, WEFT_OTTL_MAP)

IS(is_string, WEFT_OTTL_STRING)
IS(is_int, WEFT_OTTL_INT)
IS(is_double, WEFT_OTTL_DOUBLE)
IS(is_bool, WEFT_OTTL_BOOL)
IS(is_map, WEFT_OTTL_MAP)

static enum weft_status is_list(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                struct weft_ottl_value *out_value)
{
    (void)run;
    enum weft_ottl_kind kind = call->arguments[0].kind;
    return weft_ottl_give(out_value, weft_ottl_bool(kind == WEFT_OTTL_LIST || kind == WEFT_OTTL_MESSAGES));
}

static bool are_zeros(struct weft_slice bytes)
{
    for (size_t i = 0; i < bytes.length; i++) {
        if (bytes.bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

/* Of a time: the first of January of the year 1, which Go takes for none. */
static bool is_no_time(const struct weft_ottl_time *time)
{
    return time->seconds == -INT64_C(62135596800) && time->nanos == 0 && time->east_of_utc_seconds == 0;
}

static bool has_nothing(const struct weft_ottl_value *value)
{
    switch (value->kind) {
    case WEFT_OTTL_BOOL:
        return !value->boolean;
    case WEFT_OTTL_INT:
    case WEFT_OTTL_DURATION:
        return value->integer == 0;
    case WEFT_OTTL_DOUBLE:
        return value->real == 0 && !signbit(value->real);
    case WEFT_OTTL_STRING:
    case WEFT_OTTL_BYTES:
    case WEFT_OTTL_MESSAGE:
        return value->bytes.length == 0;
    case WEFT_OTTL_TRACE_ID:
    case WEFT_OTTL_SPAN_ID:
        return are_zeros(value->bytes);
    case WEFT_OTTL_TIME:
        return is_no_time(&value->time);
    case WEFT_OTTL_MAP:
    case WEFT_OTTL_LIST:
    case WEFT_OTTL_MESSAGES:
        return weft_ottl_length(value) == 0;
    case WEFT_OTTL_NIL:
    case WEFT_OTTL_FUNCTION:
    case WEFT_OTTL_ABSENT:
        break;
    }
    return true;
}

static enum weft_status is_empty(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                 struct weft_ottl_value *out_value)
{
    (void)run;
    return weft_ottl_give(out_value, weft_ottl_bool(has_nothing(&call->arguments[0])));
}

static enum weft_status parse_int(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                  struct weft_ottl_value *out_value)
{
    int64_t number = 0;
    if (!weft_ottl_read_int(call->arguments[0].bytes, call->arguments[1].integer, &number)) {
        return weft_fail(&run->error, WEFT_INVALID, "ParseInt: this is no whole number in that base");
    }
    return weft_ottl_give(out_value, weft_ottl_int(number));
}

static enum weft_status logarithm(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                  struct weft_ottl_value *out_value)
{
    const struct weft_ottl_value *target = &call->arguments[0];
    if (target->kind != WEFT_OTTL_DOUBLE || target->real <= 0) {
        return weft_fail(&run->error, WEFT_INVALID, "Log: a number above zero is expected");
    }
    return weft_ottl_give(out_value, weft_ottl_double(log(target->real)));
}

#define OF_ANY                            \
    {                                     \
        {                                 \
            "target", WEFT_OTTL_TAKES_ANY \
        }                                 \
    }

const struct weft_ottl_function weft_ottl_functions_type[] = {
    { .name = "Bool", .parameters = { { "target", WEFT_OTTL_TAKES_BOOL_LIKE } }, .call = give_argument },
    { .name = "Double", .parameters = { { "target", WEFT_OTTL_TAKES_FLOAT_LIKE } }, .call = give_argument },
    { .name = "Int", .parameters = { { "target", WEFT_OTTL_TAKES_INT_LIKE } }, .call = give_argument },
    { .name = "IsBool", .parameters = OF_ANY, .make = make_is_bool, .call = is_bool },
    { .name = "IsDouble", .parameters = OF_ANY, .make = make_is_double, .call = is_double },
    { .name = "IsEmpty", .parameters = OF_ANY, .call = is_empty },
    { .name = "IsInt", .parameters = OF_ANY, .make = make_is_int, .call = is_int },
    { .name = "IsList", .parameters = OF_ANY, .call = is_list },
    { .name = "IsMap", .parameters = OF_ANY, .make = make_is_map, .call = is_map },
    { .name = "IsString", .parameters = OF_ANY, .make = make_is_string, .call = is_string },
    { .name = "Log", .parameters = { { "target", WEFT_OTTL_TAKES_FLOAT_LIKE } }, .call = logarithm },
    { .name = "ParseInt",
      .parameters = { { "target", WEFT_OTTL_TAKES_STRING }, { "base", WEFT_OTTL_TAKES_INT } },
      .call = parse_int },
    { .name = "String", .parameters = { { "target", WEFT_OTTL_TAKES_STRING_LIKE } }, .call = give_argument },
    { .name = NULL },
};
