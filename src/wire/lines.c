/* Lines of a body and elements of an array (lines.h). */
#include "wire/lines.h"

#include "wire/json_scan.h"

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

struct weft_lines weft_lines_of(struct weft_slice body)
{
    if (body.length == 0) {
        return (struct weft_lines){ NULL, NULL };
    }
    return (struct weft_lines){ body.bytes, body.bytes + body.length };
}

bool weft_lines_next(struct weft_lines *lines, struct weft_slice *out_line)
{
    while (lines->at < lines->end) {
        const uint8_t *start = lines->at;
        const uint8_t *found = memchr(start, '\n', (size_t)(lines->end - start));
        const uint8_t *end = found == NULL ? lines->end : found;
        lines->at = found == NULL ? lines->end : found + 1;
        end -= end > start && end[-1] == '\r';
        const uint8_t *first = start;
        while (first < end && is_space(*first)) {
            first++;
        }
        if (first < end) {
            *out_line = weft_slice_of(start, (size_t)(end - start));
            return true;
        }
    }
    return false;
}

struct weft_json_elements weft_json_elements_of(struct weft_slice body)
{
    struct weft_json_elements elements = { .origin = body.bytes, .at = body.bytes, .end = body.bytes };
    if (body.length > 0) {
        elements.end += body.length;
    }
    return elements;
}

const uint8_t *weft_json_skip_balanced(const uint8_t *at, const uint8_t *end, size_t *out_depth)
{
    size_t depth = 0;
    size_t deepest = 0;
    while (at < end) {
        uint8_t byte = *at++;
        if (byte == '"') {
            for (; at < end && *at != '"'; at++) {
                at += *at == '\\' && end - at > 1;
            }
            at += at < end;
        } else if (byte == '{' || byte == '[') {
            depth++;
            deepest = depth > deepest ? depth : deepest;
        } else if ((byte == '}' || byte == ']') && --depth == 0) {
            *out_depth = deepest;
            return at;
        }
    }
    return NULL;
}

static enum weft_status fail(const struct weft_json_elements *elements, const uint8_t *at, const char *reason,
                             struct weft_error *error)
{
    return weft_fail(error, WEFT_INVALID, "byte %zu: %s", at == NULL ? 0 : (size_t)(at - elements->origin), reason);
}

/* The scanner's depth is not a reason to refuse: one deep element must not cost the others. */
static const uint8_t *skip_element(const uint8_t *at, const uint8_t *end, struct weft_json_fault *fault)
{
    const uint8_t *after = weft_json_skip_value(at, end, fault);
    if (after == NULL && at < end && (*at == '{' || *at == '[')) {
        size_t depth = 0;
        const uint8_t *balanced = weft_json_skip_balanced(at, end, &depth);
        after = depth > WEFT_JSON_MAX_SKIP_DEPTH ? balanced : NULL;
    }
    return after;
}

/* After the last element: nothing but white space follows. */
static enum weft_status end_array(struct weft_json_elements *elements, const uint8_t *at, bool *out_has_element,
                                  struct weft_error *error)
{
    at = weft_json_skip_space(at, elements->end);
    if (at != elements->end) {
        return fail(elements, at, "nothing may follow the array", error);
    }
    elements->at = at;
    elements->is_ended = true;
    *out_has_element = false;
    return WEFT_OK;
}

enum weft_status weft_json_elements_next(struct weft_json_elements *elements, struct weft_slice *out_element,
                                         bool *out_has_element, struct weft_error *error)
{
    const uint8_t *end = elements->end;
    if (elements->is_ended) {
        *out_has_element = false;
        return WEFT_OK;
    }
    const uint8_t *at = weft_json_skip_space(elements->at, end);
    uint8_t expected = elements->is_begun ? ',' : '[';
    if (elements->is_begun && at < end && *at == ']') {
        return end_array(elements, at + 1, out_has_element, error);
    }
    if (at == end || *at != expected) {
        return fail(elements, at, elements->is_begun ? ", or ] is expected" : "an array is expected", error);
    }
    at = weft_json_skip_space(at + 1, end);
    if (!elements->is_begun && at < end && *at == ']') {
        return end_array(elements, at + 1, out_has_element, error);
    }
    struct weft_json_fault fault = { .takes_bad_text = true }; /* whoever reads the line repairs it */
    const uint8_t *after = skip_element(at, end, &fault);
    if (after == NULL) {
        return fail(elements, fault.at, fault.reason, error);
    }
    elements->is_begun = true;
    elements->at = after;
    *out_element = weft_slice_of(at, (size_t)(after - at));
    *out_has_element = true;
    return WEFT_OK;
}
