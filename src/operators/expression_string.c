/* Functions of expressions that go through a text by characters (expression_internal.h), as Go's strings package does:
 * a byte that is no UTF-8 is U+FFFD. */
#include "base/utf8.h"
#include "operators/expression_internal.h"

static struct weft_slice rest_of(struct weft_slice text, size_t at)
{
    return weft_slice_of(text.bytes + at, text.length - at);
}

static bool is_ascii(struct weft_slice text)
{
    uint8_t all = 0;
    for (size_t i = 0; i < text.length; i++) {
        all |= text.bytes[i];
    }
    return all < 0x80;
}

typedef uint32_t map_fn(uint32_t character);

static uint32_t lower_ascii(uint32_t character)
{
    return character >= 'A' && character <= 'Z' ? character + 32 : character;
}

static uint32_t upper_ascii(uint32_t character)
{
    return character >= 'a' && character <= 'z' ? character - 32 : character;
}

/* A character of one byte becomes three bytes at most; those of more bytes at most one more (U+023A, for example). */
static bool map_text(struct weft_expression_state *state, struct weft_slice text, map_fn *map_one,
                     struct weft_log_value *out_value)
{
    uint8_t *out = weft_expression_take(state, text.length * (is_ascii(text) ? 1 : 3) + 1);
    size_t length = 0, step = 1;
    for (size_t at = 0; out != NULL && at < text.length; at += step) {
        uint32_t character = weft_utf8_decode(rest_of(text, at), &step);
        length += weft_expression_put_character(out + length, map_one(character));
    }
    *out_value = weft_log_string(weft_slice_of(out, length));
    return out != NULL;
}

bool weft_expression_call_lower(const struct weft_expression_call *call, struct weft_log_value *out_value)
{
    return map_text(call->state, call->arguments[0].text,
                    is_ascii(call->arguments[0].text) ? lower_ascii : weft_expression_lower, out_value);
}

bool weft_expression_call_upper(const struct weft_expression_call *call, struct weft_log_value *out_value)
{
    return map_text(call->state, call->arguments[0].text,
                    is_ascii(call->arguments[0].text) ? upper_ascii : weft_expression_upper, out_value);
}

/* ---- trim ---- */

static bool is_space(uint32_t character)
{
    return character == ' ' || (character >= '\t' && character <= '\r') || character == 0x85 || character == 0xa0 ||
           character == 0x1680 || (character >= 0x2000 && character <= 0x200a) || character == 0x2028 ||
           character == 0x2029 || character == 0x202f || character == 0x205f || character == 0x3000;
}

static bool is_trimmed(uint32_t character, const struct weft_slice *set)
{
    if (set == NULL) {
        return is_space(character);
    }
    size_t step = 1;
    for (size_t at = 0; at < set->length; at += step) {
        if (weft_utf8_decode(rest_of(*set, at), &step) == character) {
            return true;
        }
    }
    return false;
}

static uint32_t decode_last(struct weft_slice text, size_t *out_length)
{
    for (size_t length = 1; length <= 4 && length <= text.length; length++) {
        size_t step = 1;
        uint32_t character = weft_utf8_decode(rest_of(text, text.length - length), &step);
        if (step == length && (length > 1 || character < 0x80)) {
            *out_length = length;
            return character;
        }
    }
    *out_length = 1;
    return 0xfffd;
}

bool weft_expression_call_trim(const struct weft_expression_call *call, struct weft_log_value *out_value)
{
    const struct weft_slice *set = call->count > 1 ? &call->arguments[1].text : NULL;
    struct weft_slice text = call->arguments[0].text;
    size_t step = 1;
    while (text.length > 0 && is_trimmed(weft_utf8_decode(text, &step), set)) {
        text = rest_of(text, step);
    }
    while (text.length > 0 && is_trimmed(decode_last(text, &step), set)) {
        text.length -= step;
    }
    *out_value = weft_log_string(text);
    return true;
}

/* ---- split ---- */

static size_t find_separator(struct weft_slice text, struct weft_slice separator, size_t *out_skipped)
{
    if (separator.length == 0) { /* between two characters */
        size_t step = 1;
        (void)weft_utf8_decode(text, &step);
        *out_skipped = 0;
        return step < text.length ? step : SIZE_MAX;
    }
    const uint8_t *found = text.length == 0 ? NULL : memmem(text.bytes, text.length, separator.bytes, separator.length);
    *out_skipped = separator.length;
    return found == NULL ? SIZE_MAX : (size_t)(found - text.bytes);
}

static bool append(struct weft_expression_state *state, struct weft_log_list *list, struct weft_slice text)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 8 : list->capacity * 2;
        struct weft_log_value *items = weft_expression_take(state, capacity * sizeof *items);
        if (items == NULL) {
            return false;
        }
        for (size_t i = 0; i < list->count; i++) {
            items[i] = list->items[i];
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = weft_log_string(text);
    return true;
}

/* The third argument is how many parts there may be; below zero: any number. */
bool weft_expression_call_split(const struct weft_expression_call *call, struct weft_log_value *out_value)
{
    struct weft_slice text = call->arguments[0].text, separator = call->arguments[1].text;
    int64_t most = -1;
    if (call->count > 2 && !weft_expression_to_int(call->state, &call->arguments[2], &most)) {
        return false;
    }
    struct weft_log_list *list = weft_expression_take(call->state, sizeof *list);
    if (list == NULL) {
        return false;
    }
    *list = (struct weft_log_list){ 0 };
    *out_value = (struct weft_log_value){ .kind = WEFT_LOG_LIST, .list = list };
    if (most == 0 || (text.length == 0 && separator.length == 0)) {
        return true;
    }
    for (;;) {
        size_t skipped = 0;
        bool may_go_on = most < 0 || (int64_t)list->count + 1 < most;
        size_t length = may_go_on ? find_separator(text, separator, &skipped) : SIZE_MAX;
        if (length == SIZE_MAX) {
            return append(call->state, list, text);
        }
        if (!append(call->state, list, weft_slice_of(text.bytes, length))) {
            return false;
        }
        text = rest_of(text, length + skipped);
    }
}
