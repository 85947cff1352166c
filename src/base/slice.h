#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A borrowed run of bytes. Not terminated; bytes may be NULL when length is 0. Passed by value. */
struct weft_slice {
    const uint8_t *bytes;
    size_t length;
};

#define WEFT_SLICE_EMPTY ((struct weft_slice){ NULL, 0 })

/* For string literals and arrays of known size. */
#define WEFT_SLICE_LITERAL(text) ((struct weft_slice){ (const uint8_t *)("" text), sizeof(text) - 1 })

/* printf("%.*s", WEFT_SLICE_PRINT(slice)) */
#define WEFT_SLICE_PRINT(slice) \
    (int)((slice).length), (const char *)((slice).length > 0 ? (slice).bytes : (const uint8_t *)"")

static inline struct weft_slice weft_slice_of(const void *bytes, size_t length)
{
    return (struct weft_slice){ bytes, length };
}

static inline struct weft_slice weft_slice_of_text(const char *text)
{
    return (struct weft_slice){ (const uint8_t *)text, strlen(text) };
}

/* The white space that is no part of a line: vertical tabs and form feeds are. */
static inline bool weft_slice_is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* Without the white space behind it. */
static inline struct weft_slice weft_slice_trim_behind(struct weft_slice text)
{
    while (text.length > 0 && weft_slice_is_space(text.bytes[text.length - 1])) {
        text.length--;
    }
    return text;
}

/* Without the white space around it. */
static inline struct weft_slice weft_slice_trim(struct weft_slice text)
{
    while (text.length > 0 && weft_slice_is_space(text.bytes[0])) {
        text = weft_slice_of(text.bytes + 1, text.length - 1);
    }
    return weft_slice_trim_behind(text);
}

static inline bool weft_slice_equal(struct weft_slice left, struct weft_slice right)
{
    return left.length == right.length && (left.length == 0 || memcmp(left.bytes, right.bytes, left.length) == 0);
}

static inline bool weft_slice_equal_text(struct weft_slice slice, const char *text)
{
    return weft_slice_equal(slice, weft_slice_of_text(text));
}
