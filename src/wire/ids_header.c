/* Contexts in one text (ids.h): W3C's traceparent, B3's single header, Jaeger's uber-trace-id and X-Ray's. */
#include "base/assert.h"
#include "wire/ids.h"

enum { TRACEPARENT_LENGTH = 55, SAMPLED = 1 };

/* Cuts the text before the separator off and returns it; all that is left without one. */
static struct weft_slice take_part(struct weft_slice *rest, uint8_t separator)
{
    const uint8_t *found = rest->length > 0 ? memchr(rest->bytes, separator, rest->length) : NULL;
    size_t length = found == NULL ? rest->length : (size_t)(found - rest->bytes);
    size_t taken = length + (found != NULL);
    struct weft_slice part = { rest->bytes, length };
    *rest = rest->length == taken ? WEFT_SLICE_EMPTY : weft_slice_of(rest->bytes + taken, rest->length - taken);
    return part;
}

static bool is_lower_hex(struct weft_slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = text.bytes[i];
        if (!(byte >= '0' && byte <= '9') && !(byte >= 'a' && byte <= 'f')) {
            return false;
        }
    }
    return true;
}

static bool is_lower_hex_of(struct weft_slice text, size_t length)
{
    return text.length == length && is_lower_hex(text);
}

/* An id of a header is never a word. */
static enum weft_id_problem take_trace_id(struct weft_slice text, struct weft_trace_id *out_id)
{
    struct weft_trace_id id;
    enum weft_id_problem problem = weft_trace_id_of_text(text, WEFT_ID_TRACER, &id);
    if (problem == WEFT_ID_PROBLEM_TOO_LONG || (problem == WEFT_ID_PROBLEM_OK && id.kind == WEFT_ID_OPAQUE)) {
        return WEFT_ID_PROBLEM_MALFORMED;
    }
    if (problem == WEFT_ID_PROBLEM_OK) {
        *out_id = id;
    }
    return problem;
}

static enum weft_id_problem take_span_id(struct weft_slice text, struct weft_span_id *out_id)
{
    enum weft_id_problem problem = weft_span_id_of_text(text, WEFT_ID_TRACER, out_id);
    bool is_word = problem == WEFT_ID_PROBLEM_OPAQUE_SPAN || problem == WEFT_ID_PROBLEM_TOO_LONG;
    return is_word ? WEFT_ID_PROBLEM_MALFORMED : problem;
}

/* W3C Trace Context, section 3.2.2: lower-case hex only; later versions may add parts behind. */
static enum weft_id_problem read_traceparent(struct weft_slice rest, struct weft_trace_context *context)
{
    size_t length = rest.length;
    struct weft_slice version = take_part(&rest, '-');
    struct weft_slice trace_id = take_part(&rest, '-');
    struct weft_slice span_id = take_part(&rest, '-');
    struct weft_slice flags = take_part(&rest, '-');
    bool is_good = is_lower_hex_of(version, 2) && is_lower_hex_of(trace_id, 2 * WEFT_TRACE_ID_BYTES) &&
                   is_lower_hex_of(span_id, 2 * WEFT_SPAN_ID_BYTES) && is_lower_hex_of(flags, 2) &&
                   !weft_slice_equal_text(version, "ff") &&
                   (length == TRACEPARENT_LENGTH || !weft_slice_equal_text(version, "00"));
    if (!is_good) {
        return WEFT_ID_PROBLEM_MALFORMED;
    }
    enum weft_id_problem problem = take_trace_id(trace_id, &context->trace_id);
    if (problem == WEFT_ID_PROBLEM_OK) {
        problem = take_span_id(span_id, &context->span_id);
    }
    context->has_flags = weft_trace_flags_of_text(flags, &context->flags);
    return problem;
}

/* trace-span[-sampled[-parent]]; "0" alone says only that nothing is sampled. */
static enum weft_id_problem read_b3(struct weft_slice rest, struct weft_trace_context *context)
{
    struct weft_slice trace_id = take_part(&rest, '-');
    struct weft_slice span_id = take_part(&rest, '-');
    struct weft_slice sampled = take_part(&rest, '-');
    enum weft_id_problem problem = take_trace_id(trace_id, &context->trace_id);
    if (problem != WEFT_ID_PROBLEM_OK) {
        return problem;
    }
    bool is_debug = weft_slice_equal_text(sampled, "d");
    context->has_flags = is_debug || weft_slice_equal_text(sampled, "1") || weft_slice_equal_text(sampled, "0");
    context->flags = is_debug || weft_slice_equal_text(sampled, "1") ? SAMPLED : 0;
    return take_span_id(span_id, &context->span_id);
}

/* trace:span:parent:flags, in hex without leading zeros. */
static enum weft_id_problem read_uber(struct weft_slice rest, struct weft_trace_context *context)
{
    struct weft_slice trace_id = take_part(&rest, ':');
    struct weft_slice span_id = take_part(&rest, ':');
    struct weft_slice parent_id = take_part(&rest, ':');
    if (parent_id.length == 0 || !weft_trace_flags_of_text(rest, &context->flags)) {
        return WEFT_ID_PROBLEM_MALFORMED;
    }
    context->flags &= SAMPLED; /* the other bits are Jaeger's own */
    context->has_flags = true;
    enum weft_id_problem problem = take_trace_id(trace_id, &context->trace_id);
    return problem == WEFT_ID_PROBLEM_OK ? take_span_id(span_id, &context->span_id) : problem;
}

/* Root=1-...;Parent=...;Sampled=1, in any order and with more between; or the root's value alone. */
static enum weft_id_problem read_xray(struct weft_slice rest, struct weft_trace_context *context)
{
    if (memchr(rest.bytes, '=', rest.length) == NULL) {
        return take_trace_id(rest, &context->trace_id);
    }
    enum weft_id_problem problem = WEFT_ID_PROBLEM_MALFORMED;
    while (rest.length > 0) {
        struct weft_slice value = take_part(&rest, ';');
        while (value.length > 0 && value.bytes[0] == ' ') {
            value = weft_slice_of(value.bytes + 1, value.length - 1);
        }
        struct weft_slice name = take_part(&value, '=');
        if (weft_slice_equal_text(name, "Root")) {
            problem = take_trace_id(value, &context->trace_id);
        } else if (weft_slice_equal_text(name, "Parent")) {
            context->span_id.kind = WEFT_ID_NONE;
            if (take_span_id(value, &context->span_id) != WEFT_ID_PROBLEM_OK) {
                context->span_id.kind = WEFT_ID_NONE;
            }
        } else if (weft_slice_equal_text(name, "Sampled")) {
            context->has_flags = weft_trace_flags_of_text(value, &context->flags);
        }
    }
    return problem;
}

typedef enum weft_id_problem read_fn(struct weft_slice text, struct weft_trace_context *context);

enum weft_id_problem weft_ids_of_header(enum weft_id_header header, struct weft_slice text,
                                        struct weft_trace_context *out_context)
{
    static read_fn *const readers[] = {
        [WEFT_ID_TRACEPARENT] = read_traceparent,
        [WEFT_ID_B3] = read_b3,
        [WEFT_ID_UBER] = read_uber,
        [WEFT_ID_XRAY_HEADER] = read_xray,
    };
    weft_assert(header < WEFT_COUNT_OF(readers));
    struct weft_trace_context context = { .span_id.kind = WEFT_ID_NONE };
    if (text.length == 0) {
        return WEFT_ID_PROBLEM_EMPTY;
    }
    enum weft_id_problem problem = readers[header](text, &context);
    if (problem == WEFT_ID_PROBLEM_OK) {
        *out_context = context;
    }
    return problem;
}
