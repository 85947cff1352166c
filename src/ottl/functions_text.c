/* Converters of texts: put together, cut, and in another case. */
#include "base/few_bytes.h"
#include "base/letter_case.h"
#include "base/utf8.h"
#include "ottl/functions.h"
#include "ottl/functions_give.h"
#include "ottl/path.h"
#include "ottl/text_rows.h"
#include "ottl/text_words.h"

static struct weft_slice part_of(const struct weft_ottl_value *value)
{
    return value->kind == WEFT_OTTL_NIL ? WEFT_SLICE_LITERAL("<nil>") : value->bytes;
}

static inline uint8_t *put_part(uint8_t *to, struct weft_slice text)
{
    weft_work_copy(to, text.bytes, text.length);
    return to + text.length;
}

static enum weft_status concat(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                               struct weft_ottl_value *out_value)
{
    const struct weft_ottl_list *values = call->arguments[0].list;
    struct weft_slice between = call->arguments[1].bytes;
    size_t length = 0;
    for (size_t i = 0; i < values->count; i++) {
        length += part_of(&values->items[i]).length + between.length;
    }
    uint8_t *text = weft_ottl_run_take(run, length + 1);
    if (text == NULL) {
        return WEFT_NOMEM;
    }
    uint8_t *end = text;
    for (size_t i = 0; i < values->count; i++) {
        end = i > 0 ? put_part(end, between) : end;
        end = put_part(end, part_of(&values->items[i]));
    }
    return weft_ottl_give(out_value, weft_ottl_string(weft_slice_of(text, (size_t)(end - text))));
}

enum { FEW_PARTS = 8 };

static inline bool has_text(struct weft_ottl_run *run, const struct weft_ottl_node *node, struct weft_slice *out_text)
{
    return node->kind == WEFT_OTTL_NODE_PATH && weft_ottl_path_read_text(run, node->path, out_text);
}

/* Of few texts that are written one by one, with a separator that is written, too. */
static enum weft_status concat_few(struct weft_ottl_run *run, const struct weft_ottl_call_node *call,
                                   struct weft_ottl_value *out_value)
{
    enum { LONG_BYTES = 64 << 10 };
    struct weft_slice parts[FEW_PARTS];
    const struct weft_ottl_node *list = call->nodes[0];
    struct weft_slice between = call->nodes[1]->literal.bytes;
    size_t length = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (!has_text(run, list->items[i], &parts[i])) {
            struct weft_ottl_value value;
            enum weft_status status = weft_ottl_call_item(run, call, 0, i, &value);
            if (status != WEFT_OK) {
                return status;
            }
            parts[i] = part_of(&value);
        }
        length += parts[i].length + between.length;
    }
    uint8_t *text = weft_ottl_run_take(run, length + 1);
    if (text == NULL) {
        return WEFT_NOMEM;
    }
    uint8_t *end = text;
    for (size_t i = 0; i < list->count; i++) {
        end = i > 0 ? weft_put_few_bytes(end, between.bytes, between.length) : end;
        end = length < LONG_BYTES ? weft_put_few_bytes(end, parts[i].bytes, parts[i].length) : put_part(end, parts[i]);
    }
    return weft_ottl_give(out_value, weft_ottl_string(weft_slice_of(text, (size_t)(end - text))));
}

static enum weft_status make_concat(struct weft_ottl_maker *maker, const struct weft_ottl_call *call, void **out_state,
                                    struct weft_error *error)
{
    (void)out_state;
    (void)error;
    bool is_few = call->nodes[0]->count <= FEW_PARTS && call->arguments[1].kind == WEFT_OTTL_STRING;
    maker->direct = is_few ? concat_few : NULL;
    return WEFT_OK;
}

/* ---- pieces ---- */

static bool is_start_at(struct weft_slice text, size_t at)
{
    return at >= text.length || (text.bytes[at] & 0xc0) != 0x80;
}

/* By bytes, or by whole characters within those bytes. */
static enum weft_status substring(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                  struct weft_ottl_value *out_value)
{
    struct weft_slice text = call->arguments[0].bytes;
    int64_t start = call->arguments[1].integer;
    int64_t length = call->arguments[2].integer;
    if (start < 0 || length <= 0) {
        return weft_fail(&run->error, WEFT_INVALID, "Substring: %s",
                         start < 0 ? "start is negative" : "length is not positive");
    }
    if ((uint64_t)start > text.length || (uint64_t)length > text.length - (uint64_t)start) {
        return weft_fail(&run->error, WEFT_INVALID, "Substring: the text has %zu bytes only", text.length);
    }
    size_t from = (size_t)start;
    size_t to = from + (size_t)length;
    if (weft_ottl_is_given(call, 3) && call->arguments[3].boolean) {
        while (!is_start_at(text, from)) {
            from++;
        }
        while (from < to && !is_start_at(text, to)) {
            to--;
        }
        to = to < from ? from : to;
    }
    return weft_ottl_give(out_value, weft_ottl_string(weft_slice_of(text.bytes + from, to - from)));
}

static enum weft_status split(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                              struct weft_ottl_value *out_value)
{
    struct weft_ottl_list *list = weft_ottl_new_list(run);
    if (list == NULL) {
        return WEFT_NOMEM;
    }
    *out_value = weft_ottl_open_list(list);
    out_value->origin = WEFT_OTTL_TYPED;
    return weft_ottl_split(call->arguments[0].bytes, call->arguments[1].bytes, &run->memory, list);
}

/* Whether text begins, or ends, with other. */
static bool begins_with(struct weft_slice text, struct weft_slice other)
{
    return text.length >= other.length && (other.length == 0 || memcmp(text.bytes, other.bytes, other.length) == 0);
}

static bool ends_with(struct weft_slice text, struct weft_slice other)
{
    return text.length >= other.length &&
           begins_with(weft_slice_of(text.bytes + (text.length - other.length), other.length), other);
}

static enum weft_status has_prefix(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                   struct weft_ottl_value *out_value)
{
    (void)run;
    return weft_ottl_give(out_value, weft_ottl_bool(begins_with(call->arguments[0].bytes, call->arguments[1].bytes)));
}

static enum weft_status has_suffix(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                   struct weft_ottl_value *out_value)
{
    (void)run;
    return weft_ottl_give(out_value, weft_ottl_bool(ends_with(call->arguments[0].bytes, call->arguments[1].bytes)));
}

static enum weft_status trim_prefix(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                    struct weft_ottl_value *out_value)
{
    (void)run;
    struct weft_slice text = call->arguments[0].bytes;
    struct weft_slice prefix = call->arguments[1].bytes;
    if (begins_with(text, prefix)) {
        text = weft_slice_of(text.bytes + prefix.length, text.length - prefix.length);
    }
    return weft_ottl_give(out_value, weft_ottl_string(text));
}

static enum weft_status trim_suffix(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                    struct weft_ottl_value *out_value)
{
    (void)run;
    struct weft_slice text = call->arguments[0].bytes;
    struct weft_slice suffix = call->arguments[1].bytes;
    text.length -= ends_with(text, suffix) ? suffix.length : 0;
    return weft_ottl_give(out_value, weft_ottl_string(text));
}

/* Whether a character is one of a set. */
static bool is_among(struct weft_slice set, uint32_t character)
{
    for (size_t length; set.length > 0; set = weft_slice_of(set.bytes + length, set.length - length)) {
        if (weft_utf8_decode(set, &length) == character) {
            return true;
        }
    }
    return false;
}

static size_t last_character(struct weft_slice text, uint32_t *out_character)
{
    size_t at = text.length - 1;
    for (size_t back = 1; back < WEFT_UTF8_MAX_BYTES && at > 0 && !is_start_at(text, at); back++) {
        at--;
    }
    size_t length;
    *out_character = weft_utf8_decode(weft_slice_of(text.bytes + at, text.length - at), &length);
    if (at + length == text.length) {
        return length;
    }
    *out_character = 0xfffd;
    return 1;
}

/* At both ends what is among the characters of the second argument. */
static enum weft_status trim(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                             struct weft_ottl_value *out_value)
{
    (void)run;
    struct weft_slice text = call->arguments[0].bytes;
    struct weft_slice set = weft_ottl_text_or(call, 1, " ");
    size_t length;
    uint32_t character;
    while (text.length > 0 && is_among(set, weft_utf8_decode(text, &length))) {
        text = weft_slice_of(text.bytes + length, text.length - length);
    }
    while (text.length > 0) {
        length = last_character(text, &character);
        if (!is_among(set, character)) {
            break;
        }
        text.length -= length;
    }
    return weft_ottl_give(out_value, weft_ottl_string(text));
}

/* ---- cases ---- */

typedef void (*put_case_fn)(struct weft_buffer *out, struct weft_slice text);

static enum weft_status give_case(struct weft_ottl_run *run, const struct weft_ottl_call *call, put_case_fn put,
                                  struct weft_ottl_value *out_value)
{
    put(weft_ottl_scratch(run), call->arguments[0].bytes);
    return weft_ottl_give_scratch(run, out_value);
}

static enum weft_status to_lower_case(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                      struct weft_ottl_value *out_value)
{
    return give_case(run, call, weft_letter_append_lower, out_value);
}

static enum weft_status to_upper_case(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                      struct weft_ottl_value *out_value)
{
    return give_case(run, call, weft_letter_append_upper, out_value);
}

static enum weft_status to_camel_case(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                      struct weft_ottl_value *out_value)
{
    return give_case(run, call, weft_ottl_put_camel_case, out_value);
}

static enum weft_status to_snake_case(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                      struct weft_ottl_value *out_value)
{
    return give_case(run, call, weft_ottl_put_snake_case, out_value);
}

static const struct {
    const char *name;
    put_case_fn put;
} cases[] = {
    { "lower", weft_letter_append_lower },
    { "upper", weft_letter_append_upper },
    { "snake", weft_ottl_put_snake_case },
    { "camel", weft_ottl_put_camel_case },
};

static put_case_fn case_of(struct weft_slice name)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        if (weft_slice_equal_text(name, cases[i].name)) {
            return cases[i].put;
        }
    }
    return NULL;
}

static enum weft_status make_convert_case(struct weft_ottl_maker *maker, const struct weft_ottl_call *call,
                                          void **out_state, struct weft_error *error)
{
    (void)maker;
    (void)out_state;
    struct weft_slice name = call->arguments[1].bytes;
    return case_of(name) != NULL
               ? WEFT_OK
               : weft_fail(error, WEFT_INVALID, "\"%.*s\" is no case; use lower, upper, snake or camel",
                           WEFT_SLICE_PRINT(name));
}

static enum weft_status convert_case(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                     struct weft_ottl_value *out_value)
{
    return give_case(run, call, case_of(call->arguments[1].bytes), out_value);
}

const struct weft_ottl_function weft_ottl_functions_text[] = {
    { .name = "Concat",
      .parameters = { { "vals", WEFT_OTTL_TAKES_STRING_LIKE, .is_list = true },
                      { "delimiter", WEFT_OTTL_TAKES_STRING } },
      .make = make_concat,
      .call = concat },
    { .name = "ConvertCase",
      .parameters = { { "target", WEFT_OTTL_TAKES_STRING }, { "toCase", WEFT_OTTL_TAKES_LITERAL_STRING } },
      .make = make_convert_case,
      .call = convert_case },
    { .name = "HasPrefix",
      .parameters = { { "target", WEFT_OTTL_TAKES_STRING }, { "prefix", WEFT_OTTL_TAKES_STRING } },
      .call = has_prefix },
    { .name = "HasSuffix",
      .parameters = { { "target", WEFT_OTTL_TAKES_STRING }, { "suffix", WEFT_OTTL_TAKES_STRING } },
      .call = has_suffix },
    { .name = "Split",
      .parameters = { { "target", WEFT_OTTL_TAKES_STRING }, { "delimiter", WEFT_OTTL_TAKES_STRING } },
      .call = split },
    { .name = "Substring",
      .parameters = { { "target", WEFT_OTTL_TAKES_STRING },
                      { "start", WEFT_OTTL_TAKES_INT },
                      { "length", WEFT_OTTL_TAKES_INT },
                      { "utf8Safe", WEFT_OTTL_TAKES_LITERAL_BOOL, .is_optional = true } },
      .call = substring },
    { .name = "ToCamelCase", .parameters = { { "target", WEFT_OTTL_TAKES_STRING } }, .call = to_camel_case },
    { .name = "ToLowerCase", .parameters = { { "target", WEFT_OTTL_TAKES_STRING } }, .call = to_lower_case },
    { .name = "ToSnakeCase", .parameters = { { "target", WEFT_OTTL_TAKES_STRING } }, .call = to_snake_case },
    { .name = "ToUpperCase", .parameters = { { "target", WEFT_OTTL_TAKES_STRING } }, .call = to_upper_case },
    { .name = "Trim",
      .parameters = { { "target", WEFT_OTTL_TAKES_STRING },
                      { "replacement", WEFT_OTTL_TAKES_LITERAL_STRING, .is_optional = true } },
      .call = trim },
    { .name = "TrimPrefix",
      .parameters = { { "target", WEFT_OTTL_TAKES_STRING }, { "prefix", WEFT_OTTL_TAKES_STRING } },
      .call = trim_prefix },
    { .name = "TrimSuffix",
      .parameters = { { "target", WEFT_OTTL_TAKES_STRING }, { "suffix", WEFT_OTTL_TAKES_STRING } },
      .call = trim_suffix },
    { .name = NULL },
};
