/* Reading a tracestate (trace_state.h): checked as a whole, since one broken member makes all of it void. */
#include "wire/trace_state.h"

enum {
    MEMBERS_MAX = 32,
    VALUE_BYTES_MAX = 256,
    SIMPLE_KEY_BYTES_MAX = 256,
    TENANT_BYTES_MAX = 241,
    SYSTEM_BYTES_MAX = 14,
};

struct member {
    struct weft_slice key, value;
};

static bool is_letter(uint8_t byte)
{
    return byte >= 'a' && byte <= 'z';
}

static bool is_letter_or_digit(uint8_t byte)
{
    return is_letter(byte) || (byte >= '0' && byte <= '9');
}

static bool is_key_byte(uint8_t byte)
{
    return is_letter_or_digit(byte) || byte == '_' || byte == '-' || byte == '*' || byte == '/';
}

/* One to length_max bytes of a key; the first is a letter, or where a tenant is named also a digit. */
static bool is_key_part(struct weft_slice part, size_t length_max, bool may_begin_with_digit)
{
    if (part.length == 0 || part.length > length_max) {
        return false;
    }
    if (!(may_begin_with_digit ? is_letter_or_digit(part.bytes[0]) : is_letter(part.bytes[0]))) {
        return false;
    }
    for (size_t i = 1; i < part.length; i++) {
        if (!is_key_byte(part.bytes[i])) {
            return false;
        }
    }
    return true;
}

/* What stands before the first such byte, and behind it; false if there is none. */
static bool cut(struct weft_slice text, uint8_t at, struct weft_slice *out_before, struct weft_slice *out_behind)
{
    const uint8_t *found = text.length == 0 ? NULL : memchr(text.bytes, at, text.length);
    if (found == NULL) {
        return false;
    }
    size_t length = (size_t)(found - text.bytes);
    *out_before = weft_slice_of(text.bytes, length);
    *out_behind = weft_slice_of(found + 1, text.length - length - 1);
    return true;
}

static bool is_key(struct weft_slice key)
{
    struct weft_slice tenant, system;
    if (!cut(key, '@', &tenant, &system)) {
        return is_key_part(key, SIMPLE_KEY_BYTES_MAX, false);
    }
    return is_key_part(tenant, TENANT_BYTES_MAX, true) && is_key_part(system, SYSTEM_BYTES_MAX, false);
}

/* Spaces at its end were taken off. */
static bool is_value(struct weft_slice value)
{
    if (value.length == 0 || value.length > VALUE_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < value.length; i++) {
        uint8_t byte = value.bytes[i];
        if (byte < ' ' || byte > '~' || byte == ',' || byte == '=') {
            return false;
        }
    }
    return true;
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static bool read_member(struct weft_slice text, struct member *out_member)
{
    struct weft_slice key, value;
    if (!cut(text, '=', &key, &value)) {
        return false;
    }
    while (key.length > 0 && is_space(key.bytes[0])) {
        key = weft_slice_of(key.bytes + 1, key.length - 1);
    }
    while (value.length > 0 && is_space(value.bytes[value.length - 1])) {
        value.length--;
    }
    *out_member = (struct member){ key, value };
    return is_key(key) && is_value(value);
}

static bool has_key(const struct member *members, size_t count, struct weft_slice key)
{
    for (size_t i = 0; i < count; i++) {
        if (weft_slice_equal(members[i].key, key)) {
            return true;
        }
    }
    return false;
}

/* False if the whole is not valid. */
static bool read_members(struct weft_slice state, struct member members[MEMBERS_MAX], size_t *out_count)
{
    size_t count = 0;
    struct weft_slice rest = state;
    while (rest.length > 0) {
        struct weft_slice text = rest;
        if (!cut(rest, ',', &text, &rest)) {
            rest = WEFT_SLICE_EMPTY;
        }
        if (text.length == 0) {
            continue;
        }
        struct member member;
        if (!read_member(text, &member) || has_key(members, count, member.key) || count == MEMBERS_MAX) {
            return false;
        }
        members[count++] = member;
    }
    *out_count = count;
    return true;
}

bool weft_trace_state_is_valid(struct weft_slice state)
{
    struct member members[MEMBERS_MAX];
    size_t count;
    return read_members(state, members, &count);
}

bool weft_trace_state_find(struct weft_slice state, struct weft_slice key, struct weft_slice *out_value)
{
    struct member members[MEMBERS_MAX];
    size_t count = 0;
    if (!read_members(state, members, &count)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (weft_slice_equal(members[i].key, key)) {
            *out_value = members[i].value;
            return true;
        }
    }
    return false;
}
