/* Functions of expressions (expression_internal.h): one row each. Lengths are in characters, places in bytes, as in
 * the Collector's library. */
#include <inttypes.h>
#include <stdio.h>

#include "base/utf8.h"
#include "operators/expression_internal.h"

enum { ANY = WEFT_EXPRESSION_ANY };

static bool give_text(struct weft_slice text, struct weft_log_value *out_value)
{
    *out_value = weft_log_string(text);
    return true;
}

static bool call_len(const struct weft_expression_call *call, struct weft_log_value *out_value)
{
    const struct weft_log_value *value = &call->arguments[0];
    size_t length = 0;
    if (value->kind == WEFT_LOG_STRING) {
        for (size_t at = 0, step = 1; at < value->text.length; at += step, length++) {
            (void)weft_utf8_decode(weft_slice_of(value->text.bytes + at, value->text.length - at), &step);
        }
    } else if (value->kind == WEFT_LOG_BYTES) {
        length = value->text.length;
    } else if (value->kind == WEFT_LOG_LIST || value->kind == WEFT_LOG_MAP) {
        length = value->kind == WEFT_LOG_LIST ? value->list->count : value->map->count;
    } else {
        return weft_expression_fail_state(call->state, "len() does not take %s",
                                          weft_expression_type_text((int)value->kind));
    }
    *out_value = weft_expression_int((int64_t)length);
    return true;
}

static bool call_type(const struct weft_expression_call *call, struct weft_log_value *out_value)
{
    static const char *const names[] = {
        [WEFT_LOG_NIL] = "nil",      [WEFT_LOG_BOOL] = "bool",     [WEFT_LOG_INT] = "int",
        [WEFT_LOG_DOUBLE] = "float", [WEFT_LOG_STRING] = "string", [WEFT_LOG_BYTES] = "array",
        [WEFT_LOG_LIST] = "array",   [WEFT_LOG_MAP] = "map",
    };
    return give_text(weft_slice_of_text(names[call->arguments[0].kind]), out_value);
}

static bool call_string(const struct weft_expression_call *call, struct weft_log_value *out_value)
{
    enum { SIZE = 32 };
    const struct weft_log_value *value = &call->arguments[0];
    if (value->kind == WEFT_LOG_STRING) {
        *out_value = *value;
        return true;
    }
    if (value->kind > WEFT_LOG_DOUBLE) {
        return weft_expression_fail_state(call->state, "string() of %s is not there yet",
                                          weft_log_value_kind_text(value->kind));
    }
    char *text = weft_expression_take(call->state, SIZE);
    if (text == NULL) {
        return false;
    }
    if (value->kind == WEFT_LOG_DOUBLE) {
        weft_expression_format_number(value->real, text);
    } else if (value->kind == WEFT_LOG_INT) {
        snprintf(text, SIZE, "%" PRId64, value->integer);
    } else {
        snprintf(text, SIZE, "%s", value->kind == WEFT_LOG_NIL ? "<nil>" : value->boolean ? "true" : "false");
    }
    return give_text(weft_slice_of_text(text), out_value);
}

static bool fail_number(struct weft_expression_state *state, const char *name, const struct weft_log_value *value)
{
    return value->kind == WEFT_LOG_STRING
               ? weft_expression_fail_state(state, "%s() is given a text that is no such number", name)
               : weft_expression_fail_state(state, "%s() does not take %s", name,
                                            weft_expression_type_text((int)value->kind));
}

static bool call_int(const struct weft_expression_call *call, struct weft_log_value *out_value)
{
    int64_t number = 0;
    bool is_number = call->arguments[0].kind == WEFT_LOG_INT || call->arguments[0].kind == WEFT_LOG_DOUBLE;
    bool is_read = is_number ? weft_expression_to_int(call->state, &call->arguments[0], &number)
                             : call->arguments[0].kind == WEFT_LOG_STRING &&
                                   weft_expression_read_int(call->arguments[0].text, &number);
    *out_value = weft_expression_int(number);
    return is_read || fail_number(call->state, "int", &call->arguments[0]);
}

static bool call_float(const struct weft_expression_call *call, struct weft_log_value *out_value)
{
    double number = call->arguments[0].kind == WEFT_LOG_INT      ? (double)call->arguments[0].integer
                    : call->arguments[0].kind == WEFT_LOG_DOUBLE ? call->arguments[0].real
                                                                 : 0;
    bool is_read =
        call->arguments[0].kind == WEFT_LOG_INT || call->arguments[0].kind == WEFT_LOG_DOUBLE ||
        (call->arguments[0].kind == WEFT_LOG_STRING && weft_expression_read_double(call->arguments[0].text, &number));
    *out_value = (struct weft_log_value){ .kind = WEFT_LOG_DOUBLE, .real = number };
    return is_read || fail_number(call->state, "float", &call->arguments[0]);
}

static bool starts_with(struct weft_slice text, struct weft_slice part)
{
    return part.length <= text.length && (part.length == 0 || memcmp(text.bytes, part.bytes, part.length) == 0);
}

static bool ends_with(struct weft_slice text, struct weft_slice part)
{
    return part.length <= text.length &&
           starts_with(weft_slice_of(text.bytes + text.length - part.length, part.length), part);
}

static bool call_has_prefix(const struct weft_expression_call *call, struct weft_log_value *out_value)
{
    *out_value = weft_expression_bool(starts_with(call->arguments[0].text, call->arguments[1].text));
    return true;
}

static bool call_has_suffix(const struct weft_expression_call *call, struct weft_log_value *out_value)
{
    *out_value = weft_expression_bool(ends_with(call->arguments[0].text, call->arguments[1].text));
    return true;
}

/* Without a second argument, a space. */
static bool call_trim_prefix(const struct weft_expression_call *call, struct weft_log_value *out_value)
{
    struct weft_slice text = call->arguments[0].text,
                      part = call->count > 1 ? call->arguments[1].text : WEFT_SLICE_LITERAL(" ");
    size_t length = starts_with(text, part) ? part.length : 0;
    return give_text(weft_slice_of(text.bytes + length, text.length - length), out_value);
}

static bool call_trim_suffix(const struct weft_expression_call *call, struct weft_log_value *out_value)
{
    struct weft_slice text = call->arguments[0].text,
                      part = call->count > 1 ? call->arguments[1].text : WEFT_SLICE_LITERAL(" ");
    size_t length = ends_with(text, part) ? part.length : 0;
    return give_text(weft_slice_of(text.bytes, text.length - length), out_value);
}

static bool call_index_of(const struct weft_expression_call *call, struct weft_log_value *out_value)
{
    struct weft_slice text = call->arguments[0].text, part = call->arguments[1].text;
    const uint8_t *found =
        part.length == 0 || text.length == 0 ? NULL : memmem(text.bytes, text.length, part.bytes, part.length);
    *out_value = weft_expression_int(part.length == 0 ? 0 : found == NULL ? -1 : found - text.bytes);
    return true;
}

static bool call_last_index_of(const struct weft_expression_call *call, struct weft_log_value *out_value)
{
    struct weft_slice text = call->arguments[0].text, part = call->arguments[1].text;
    for (; text.length > 0 && !ends_with(text, part); text.length--) {
    }
    *out_value = weft_expression_int(ends_with(text, part) ? (int64_t)(text.length - part.length) : -1);
    return true;
}

static bool takes_countable(int type)
{
    return type == WEFT_LOG_STRING || type == WEFT_LOG_LIST;
}

static bool takes_readable(int type)
{
    return type == WEFT_LOG_STRING || type == WEFT_LOG_INT || type == WEFT_LOG_DOUBLE;
}

#define TEXT WEFT_LOG_STRING
#define ROW(name, min, max, first, second, third, type, function)           \
    {                                                                       \
        name, min, max, { first, second, third }, NULL, type, ANY, function \
    }

static const struct weft_expression_function functions[] = {
    { "len", 1, 1, { ANY }, takes_countable, WEFT_LOG_INT, ANY, call_len },
    { "int", 1, 1, { ANY }, takes_readable, WEFT_LOG_INT, ANY, call_int },
    { "float", 1, 1, { ANY }, takes_readable, WEFT_LOG_DOUBLE, ANY, call_float },
    { "split", 2, 3, { TEXT, TEXT, ANY }, NULL, WEFT_LOG_LIST, TEXT, weft_expression_call_split },
    ROW("type", 1, 1, ANY, ANY, ANY, TEXT, call_type),
    ROW("string", 1, 1, ANY, ANY, ANY, TEXT, call_string),
    ROW("lower", 1, 1, TEXT, ANY, ANY, TEXT, weft_expression_call_lower),
    ROW("upper", 1, 1, TEXT, ANY, ANY, TEXT, weft_expression_call_upper),
    ROW("trim", 1, 2, TEXT, TEXT, ANY, TEXT, weft_expression_call_trim),
    ROW("trimPrefix", 1, 2, TEXT, TEXT, ANY, TEXT, call_trim_prefix),
    ROW("trimSuffix", 1, 2, TEXT, TEXT, ANY, TEXT, call_trim_suffix),
    ROW("hasPrefix", 2, 2, TEXT, TEXT, ANY, WEFT_LOG_BOOL, call_has_prefix),
    ROW("hasSuffix", 2, 2, TEXT, TEXT, ANY, WEFT_LOG_BOOL, call_has_suffix),
    ROW("indexOf", 2, 2, TEXT, TEXT, ANY, WEFT_LOG_INT, call_index_of),
    ROW("lastIndexOf", 2, 2, TEXT, TEXT, ANY, WEFT_LOG_INT, call_last_index_of),
};

/* Of the Collector's library, without a row above. */
static const char *const later[] = {
    "abs",        "all",      "any",       "bitand",   "bitnand",       "bitnot",  "bitor",   "bitshl",
    "bitshr",     "bitushr",  "bitxor",    "ceil",     "concat",        "count",   "date",    "duration",
    "filter",     "find",     "findIndex", "findLast", "findLastIndex", "first",   "flatten", "floor",
    "fromBase64", "fromJSON", "fromPairs", "get",      "groupBy",       "join",    "keys",    "last",
    "map",        "max",      "mean",      "median",   "min",           "none",    "now",     "one",
    "reduce",     "repeat",   "replace",   "reverse",  "round",         "sort",    "sortBy",  "splitAfter",
    "sum",        "take",     "timezone",  "toBase64", "toJSON",        "toPairs", "uniq",    "values",
};

const struct weft_expression_function *weft_expression_function_find(struct weft_slice name)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(functions); i++) {
        if (weft_slice_equal_text(name, functions[i].name)) {
            return &functions[i];
        }
    }
    return NULL;
}

bool weft_expression_function_is_later(struct weft_slice name)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(later); i++) {
        if (weft_slice_equal_text(name, later[i])) {
            return true;
        }
    }
    return false;
}
