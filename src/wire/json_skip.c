/* Skipping a value that nobody asked for (json_scan.h): checked like the others, with one bit per open value
 * in place of recursion. */
#include "wire/json_scan.h"

struct skip {
    const uint8_t *end;
    struct weft_json_fault *fault;
    uint64_t objects; /* the lowest bit is the innermost open value: 1 = object, 0 = array */
    unsigned depth;
};

_Static_assert(WEFT_JSON_MAX_SKIP_DEPTH <= 64, "one bit each");

static const uint8_t *fail(struct skip *skip, const uint8_t *at, const char *reason)
{
    *skip->fault =
        (struct weft_json_fault){ .at = at, .reason = at == skip->end ? "the text ends here: it is cut off" : reason };
    return NULL;
}

static bool is_at(const struct skip *skip, const uint8_t *at, uint8_t byte)
{
    return at < skip->end && *at == byte;
}

/* A key and its colon, with the space around them. */
static const uint8_t *skip_key(struct skip *skip, const uint8_t *at)
{
    bool has_escapes;
    at = weft_json_skip_space(at, skip->end);
    if (!is_at(skip, at, '"')) {
        return fail(skip, at, "a key in quotes is expected");
    }
    at = weft_json_scan_string(at + 1, skip->end, &has_escapes, skip->fault);
    if (at == NULL) {
        return NULL;
    }
    at = weft_json_skip_space(at + 1, skip->end);
    return is_at(skip, at, ':') ? at + 1 : fail(skip, at, "a key is followed by :");
}

/* at is the bracket. An empty value is closed at once, so that whoever is inside another finds an element. */
static const uint8_t *open_value(struct skip *skip, const uint8_t *at, bool *out_is_empty)
{
    bool is_object = *at == '{';
    if (skip->depth == WEFT_JSON_MAX_SKIP_DEPTH) {
        return fail(skip, at, "values are nested too deep");
    }
    at = weft_json_skip_space(at + 1, skip->end);
    *out_is_empty = is_at(skip, at, is_object ? '}' : ']');
    if (*out_is_empty) {
        return at + 1;
    }
    skip->objects = skip->objects << 1 | is_object;
    skip->depth++;
    return is_object ? skip_key(skip, at) : at;
}

static const uint8_t *skip_plain_value(struct skip *skip, const uint8_t *at)
{
    bool has_escapes;
    struct weft_json_number number;
    switch (*at) {
    case '"':
        at = weft_json_scan_string(at + 1, skip->end, &has_escapes, skip->fault);
        return at == NULL ? NULL : at + 1;
    case 't':
        return weft_json_scan_literal(at, skip->end, "true", skip->fault);
    case 'f':
        return weft_json_scan_literal(at, skip->end, "false", skip->fault);
    case 'n':
        return weft_json_scan_literal(at, skip->end, "null", skip->fault);
    default:
        if (*at != '-' && (*at < '0' || *at > '9')) {
            return fail(skip, at, "a value is expected");
        }
        return weft_json_scan_number(at, skip->end, &number, skip->fault);
    }
}

/* After a value: closes what ends here, up to a comma, after which the next value begins. */
static const uint8_t *close_values(struct skip *skip, const uint8_t *at)
{
    while (skip->depth > 0) {
        at = weft_json_skip_space(at, skip->end);
        bool is_object = skip->objects & 1;
        if (is_at(skip, at, ',')) {
            return is_object ? skip_key(skip, at + 1) : at + 1;
        }
        if (!is_at(skip, at, is_object ? '}' : ']')) {
            return fail(skip, at, is_object ? ", or } is expected" : ", or ] is expected");
        }
        skip->objects >>= 1;
        skip->depth--;
        at++;
    }
    return at;
}

const uint8_t *weft_json_skip_value(const uint8_t *at, const uint8_t *end, struct weft_json_fault *fault)
{
    struct skip skip = { .end = end, .fault = fault };
    do {
        at = weft_json_skip_space(at, end);
        if (at == end) {
            return fail(&skip, at, "");
        }
        bool is_ended = true;
        at = *at == '{' || *at == '[' ? open_value(&skip, at, &is_ended) : skip_plain_value(&skip, at);
        if (at != NULL && is_ended) {
            at = close_values(&skip, at);
        }
    } while (at != NULL && skip.depth > 0);
    return at;
}
