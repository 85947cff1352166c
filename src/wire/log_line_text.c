/* Lines that are text (log_line_internal.h): ids in `trace_id=... span_id=...`, as Python's and Datadog's formats print
 * them, or in a W3C traceparent that stands somewhere; and text that is no UTF-8. */
#include "wire/log_line_internal.h"

#include "base/utf8.h"

enum { TRACEPARENT_LENGTH = 55 };

static const struct {
    const char *trace_key, *span_key; /* with what stands before the value */
    enum weft_id_dialect dialect;
    enum weft_line_family family;
} pairs[] = {
    { "dd.trace_id=", "dd.span_id=", WEFT_ID_DATADOG, WEFT_LINE_FAMILY_DATADOG },
    { "trace_id=", "span_id=", WEFT_ID_GENERIC, WEFT_LINE_FAMILY_SNAKE },
    { "traceId=", "spanId=", WEFT_ID_GENERIC, WEFT_LINE_FAMILY_CAMEL },
    { "trace.id=", "span.id=", WEFT_ID_GENERIC, WEFT_LINE_FAMILY_ECS },
};

static bool is_word_byte(uint8_t byte)
{
    bool is_letter = (byte | 32) >= 'a' && (byte | 32) <= 'z';
    return is_letter || (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || byte == '.' || byte == '/' ||
           byte >= 0x80;
}

/* The word behind the key, which does not go on before it; with or without quotes. False: there is no such key. */
static bool find_value(struct weft_slice line, const char *key, struct weft_slice *out_value)
{
    const uint8_t *end = line.bytes + line.length;
    size_t key_length = strlen(key);
    const uint8_t *at = line.bytes;
    while ((at = memmem(at, (size_t)(end - at), key, key_length)) != NULL) {
        bool is_key = at == line.bytes || !is_word_byte(at[-1]);
        at += key_length;
        if (is_key) {
            at += at < end && (*at == '"' || *at == '\'');
            const uint8_t *value = at;
            while (at < end && is_word_byte(*at)) {
                at++;
            }
            *out_value = weft_slice_of(value, (size_t)(at - value));
            return true;
        }
    }
    return false;
}

static bool find_pair(struct weft_slice line, struct weft_line_ids *ids)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(pairs); i++) {
        struct weft_slice value;
        if (!find_value(line, pairs[i].trace_key, &value)) {
            continue;
        }
        ids->family = pairs[i].family;
        ids->problem = weft_trace_id_of_text(value, pairs[i].dialect, &ids->context.trace_id);
        if (ids->problem != WEFT_ID_PROBLEM_OK) {
            continue;
        }
        if (find_value(line, pairs[i].span_key, &value)) {
            enum weft_id_problem problem = weft_span_id_of_text(value, pairs[i].dialect, &ids->context.span_id);
            ids->is_opaque_span = problem == WEFT_ID_PROBLEM_OPAQUE_SPAN;
        }
        return true;
    }
    return false;
}

/* What follows is 00-<32>-<16>-<2> and then no more of a word. */
static void find_traceparent(struct weft_slice line, struct weft_line_ids *ids)
{
    const uint8_t *end = line.bytes + line.length;
    const uint8_t *at = line.bytes;
    while ((at = memmem(at, (size_t)(end - at), "00-", 3)) != NULL && end - at >= TRACEPARENT_LENGTH) {
        bool is_alone = (at == line.bytes || !is_word_byte(at[-1])) &&
                        (end - at == TRACEPARENT_LENGTH || !is_word_byte(at[TRACEPARENT_LENGTH])) && at[35] == '-' &&
                        at[52] == '-';
        struct weft_trace_context context;
        if (is_alone && weft_ids_of_header(WEFT_ID_TRACEPARENT, weft_slice_of(at, TRACEPARENT_LENGTH), &context) ==
                            WEFT_ID_PROBLEM_OK) {
            *ids = (struct weft_line_ids){ .context = context, .family = WEFT_LINE_FAMILY_TRACEPARENT };
            return;
        }
        at += 3;
    }
}

void weft_line_find_ids_in_text(struct weft_slice line, struct weft_line_ids *ids)
{
    if (line.length == 0 || find_pair(line, ids)) {
        return;
    }
    find_traceparent(line, ids);
}

bool weft_line_is_utf8(struct weft_slice text)
{
    return weft_utf8_valid_length(text) == text.length;
}

size_t weft_line_cut_utf8(struct weft_slice text, size_t limit)
{
    if (text.length <= limit) {
        return text.length;
    }
    size_t length = limit;
    while (length > 0 && limit - length < 3 && (text.bytes[length] & 0xc0) == 0x80) {
        length--;
    }
    return (text.bytes[length] & 0xc0) == 0x80 ? limit : length;
}
