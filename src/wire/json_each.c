/* Walking one level of JSON (json_each.h), on the pieces of json_scan.h. */
#include "wire/json_each.h"

#include "wire/json_scan.h"

struct weft_json_each weft_json_each_of(struct weft_slice value)
{
    struct weft_json_each each = { .key = WEFT_SLICE_EMPTY };
    if (value.length == 0) {
        return each;
    }
    const uint8_t *end = value.bytes + value.length;
    const uint8_t *at = weft_json_skip_space(value.bytes, end);
    if (at < end && (*at == '{' || *at == '[')) {
        each.is_object = *at == '{';
        each.at = at + 1;
        each.end = end;
    }
    return each;
}

/* After the key and its colon; NULL: malformed. */
static const uint8_t *read_key(struct weft_json_each *each, const uint8_t *at)
{
    struct weft_json_fault fault = { 0 };
    bool has_escapes;
    if (at == each->end || *at != '"') {
        return NULL;
    }
    const uint8_t *quote = weft_json_scan_string(at + 1, each->end, &has_escapes, &fault);
    if (quote == NULL) {
        return NULL;
    }
    each->key = weft_slice_of(at + 1, (size_t)(quote - at - 1));
    at = weft_json_skip_space(quote + 1, each->end);
    return at < each->end && *at == ':' ? weft_json_skip_space(at + 1, each->end) : NULL;
}

/* Where the next member or item begins; NULL: there is none. */
static const uint8_t *find_next(const struct weft_json_each *each)
{
    const uint8_t *at = weft_json_skip_space(each->at, each->end);
    if (!each->has_begun) {
        return at < each->end && *at != '}' && *at != ']' ? at : NULL;
    }
    return at < each->end && *at == ',' ? weft_json_skip_space(at + 1, each->end) : NULL;
}

bool weft_json_each_next(struct weft_json_each *each)
{
    struct weft_json_fault fault = { 0 };
    const uint8_t *at = each->at == NULL ? NULL : find_next(each);
    if (at != NULL && each->is_object) {
        at = read_key(each, at);
    }
    const uint8_t *after = at == NULL ? NULL : weft_json_skip_value(at, each->end, &fault);
    each->at = after;
    each->has_begun = true;
    if (after == NULL) {
        return false;
    }
    each->value = weft_slice_of(at, (size_t)(after - at));
    return true;
}
