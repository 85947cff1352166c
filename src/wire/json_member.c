/* Members of one JSON object (json_member.h), on the pieces of json_scan.h. */
#include "wire/json_member.h"

#include "base/alloc.h"
#include "wire/json_scan.h"

enum { MAX_COUNT_DIGITS = 19 };

struct member {
    struct weft_slice key; /* between the quotes, as it stands */
    struct weft_slice value;
};

static bool is_at(const uint8_t *at, const uint8_t *end, uint8_t byte)
{
    return at < end && *at == byte;
}

/* `"key": value` with the space around it. NULL: malformed. */
static const uint8_t *read_member(const uint8_t *at, const uint8_t *end, struct member *out_member)
{
    struct weft_json_fault fault = { 0 };
    bool has_escapes;
    at = weft_json_skip_space(at, end);
    if (!is_at(at, end, '"')) {
        return NULL;
    }
    const uint8_t *quote = weft_json_scan_string(at + 1, end, &has_escapes, &fault);
    if (quote == NULL) {
        return NULL;
    }
    out_member->key = weft_slice_of(at + 1, (size_t)(quote - at - 1));
    at = weft_json_skip_space(quote + 1, end);
    if (!is_at(at, end, ':')) {
        return NULL;
    }
    at = weft_json_skip_space(at + 1, end);
    const uint8_t *after = weft_json_skip_value(at, end, &fault);
    if (after == NULL) {
        return NULL;
    }
    out_member->value = weft_slice_of(at, (size_t)(after - at));
    return weft_json_skip_space(after, end);
}

enum weft_status weft_json_find_member(struct weft_slice object, const char *key, struct weft_slice *out_value)
{
    const uint8_t *end = object.bytes + object.length;
    const uint8_t *at = object.length > 0 ? weft_json_skip_space(object.bytes, end) : object.bytes;
    struct weft_slice found = WEFT_SLICE_EMPTY;
    if (object.length == 0 || !is_at(at, end, '{')) {
        return WEFT_INVALID;
    }
    at = weft_json_skip_space(at + 1, end);
    bool is_empty = is_at(at, end, '}');
    while (!is_empty) {
        struct member member;
        at = read_member(at, end, &member);
        if (at == NULL) {
            return WEFT_INVALID;
        }
        if (weft_slice_equal_text(member.key, key)) {
            found = member.value;
        }
        if (!is_at(at, end, ',')) {
            break;
        }
        at++;
    }
    if (!is_at(at, end, '}') || weft_json_skip_space(at + 1, end) != end) {
        return WEFT_INVALID;
    }
    if (found.length == 0 || weft_slice_equal_text(found, "null")) {
        return WEFT_NOT_FOUND;
    }
    *out_value = found;
    return WEFT_OK;
}

void weft_json_copy_text(struct weft_slice value, char *out_text, size_t capacity)
{
    out_text[0] = '\0';
    if (value.length < 2 || value.bytes[0] != '"') {
        return;
    }
    uint8_t *text = weft_try_alloc_raw(value.length);
    if (text == NULL) {
        return;
    }
    uint8_t *end = weft_json_unescape(text, weft_slice_of(value.bytes + 1, value.length - 2));
    size_t length = (size_t)(end - text);
    length = length < capacity - 1 ? length : capacity - 1;
    memcpy(out_text, text, length);
    out_text[length] = '\0';
    weft_free(text);
}

uint64_t weft_json_read_count(struct weft_slice value)
{
    if (value.length >= 2 && value.bytes[0] == '"') {
        value = weft_slice_of(value.bytes + 1, value.length - 2);
    }
    uint64_t count = 0;
    bool is_count = value.length > 0 && value.length <= MAX_COUNT_DIGITS;
    for (size_t i = 0; i < value.length && is_count; i++) {
        is_count = value.bytes[i] >= '0' && value.bytes[i] <= '9';
        count = count * 10 + (uint64_t)(value.bytes[i] - '0');
    }
    return is_count ? count : 0;
}
