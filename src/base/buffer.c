/* Growing byte buffer (buffer.h), with the two text forms every writer needs: printf and JSON strings. */
#include "base/buffer.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/utf8.h"
#include "base/work.h"

enum { FIRST_CAPACITY = 256 };
enum { LONG_BYTES = 64 << 10 }; /* what is moved in pieces */

void weft_buffer_init(struct weft_buffer *buffer, size_t max_length)
{
    *buffer = (struct weft_buffer){ .max_length = max_length };
}

void weft_buffer_fini(struct weft_buffer *buffer)
{
    weft_free(buffer->bytes);
    *buffer = (struct weft_buffer){ .max_length = buffer->max_length };
}

void weft_buffer_fini_secret(struct weft_buffer *buffer)
{
    if (buffer->bytes != NULL) {
        explicit_bzero(buffer->bytes, buffer->capacity);
    }
    weft_buffer_fini(buffer);
}

void weft_buffer_clear(struct weft_buffer *buffer)
{
    buffer->length = 0;
    buffer->is_failed = false;
}

/* As realloc, for work that may be put off meanwhile. */
static uint8_t *move_in_pieces(struct weft_buffer *buffer, size_t capacity)
{
    uint8_t *moved = weft_try_alloc_raw(capacity);
    if (moved != NULL) {
        weft_work_copy(moved, buffer->bytes, buffer->length);
        weft_free(buffer->bytes);
    }
    return moved;
}

uint8_t *weft_buffer_reserve(struct weft_buffer *buffer, size_t length)
{
    if (buffer->is_failed) {
        return NULL;
    }
    if (length > SIZE_MAX / 2 - buffer->length ||
        (buffer->max_length > 0 && buffer->length + length > buffer->max_length)) {
        buffer->is_failed = true;
        return NULL;
    }
    size_t needed = buffer->length + length;
    if (needed > buffer->capacity || buffer->bytes == NULL) {
        size_t capacity = buffer->capacity == 0 ? FIRST_CAPACITY : buffer->capacity;
        while (capacity < needed) {
            capacity *= 2;
        }
        uint8_t *grown = capacity < LONG_BYTES || !weft_work_is_here() ? weft_try_realloc(buffer->bytes, capacity)
                                                                       : move_in_pieces(buffer, capacity);
        if (grown == NULL) {
            buffer->is_failed = true;
            return NULL;
        }
        buffer->bytes = grown;
        buffer->capacity = capacity;
    }
    return buffer->bytes + buffer->length;
}

void weft_buffer_append(struct weft_buffer *buffer, const void *bytes, size_t length)
{
    if (length == 0) {
        return;
    }
    bool has_room =
        !buffer->is_failed && length <= buffer->capacity - buffer->length &&
        buffer->length + length - 1 <= buffer->max_length - 1; /* of no limit 1 less is the highest number */
    uint8_t *end = WEFT_LIKELY(has_room) ? buffer->bytes + buffer->length : weft_buffer_reserve(buffer, length);
    if (end != NULL) {
        weft_work_copy(end, bytes, length);
        buffer->length += length;
    }
}

void weft_buffer_append_byte(struct weft_buffer *buffer, uint8_t byte)
{
    weft_buffer_append(buffer, &byte, 1);
}

void weft_buffer_append_text(struct weft_buffer *buffer, const char *text)
{
    weft_buffer_append(buffer, text, strlen(text));
}

void weft_buffer_append_format(struct weft_buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    weft_assert(length >= 0);
    /* The terminator needs room but is no content: the limit does not count it. */
    buffer->max_length += buffer->max_length > 0;
    uint8_t *end = weft_buffer_reserve(buffer, (size_t)length + 1);
    buffer->max_length -= buffer->max_length > 0;
    if (end != NULL) {
        vsnprintf((char *)end, (size_t)length + 1, format, again);
        buffer->length += (size_t)length;
    }
    va_end(again);
}

static void append_json_control(struct weft_buffer *buffer, uint8_t byte)
{
    switch (byte) {
    case '"':
        weft_buffer_append(buffer, "\\\"", 2);
        return;
    case '\\':
        weft_buffer_append(buffer, "\\\\", 2);
        return;
    case '\n':
        weft_buffer_append(buffer, "\\n", 2);
        return;
    case '\r':
        weft_buffer_append(buffer, "\\r", 2);
        return;
    case '\t':
        weft_buffer_append(buffer, "\\t", 2);
        return;
    default:
        weft_buffer_append_format(buffer, "\\u%04x", byte);
    }
}

void weft_buffer_append_json_escaped(struct weft_buffer *buffer, struct weft_slice text)
{
    size_t plain_start = 0;
    size_t at = 0;
    while (at < text.length) {
        uint8_t byte = text.bytes[at];
        bool must_escape = byte < 0x20 || byte == '"' || byte == '\\';
        size_t length = must_escape ? 0 : weft_utf8_character_length(text.bytes + at, text.bytes + text.length);
        if (length > 0) {
            at += length;
            continue;
        }
        weft_buffer_append(buffer, text.bytes + plain_start, at - plain_start);
        if (must_escape) {
            append_json_control(buffer, byte);
        } else {
            weft_buffer_append(buffer, "\xef\xbf\xbd", 3);
        }
        at++;
        plain_start = at;
    }
    weft_buffer_append(buffer, text.bytes + plain_start, at - plain_start);
}

void weft_buffer_append_json_string(struct weft_buffer *buffer, struct weft_slice text)
{
    weft_buffer_append_byte(buffer, '"');
    weft_buffer_append_json_escaped(buffer, text);
    weft_buffer_append_byte(buffer, '"');
}

void weft_buffer_consume(struct weft_buffer *buffer, size_t length)
{
    weft_assert(length <= buffer->length);
    if (length > 0 && length < buffer->length) {
        memmove(buffer->bytes, buffer->bytes + length, buffer->length - length);
    }
    buffer->length -= length;
}

enum weft_status weft_buffer_status(const struct weft_buffer *buffer)
{
    return buffer->is_failed ? WEFT_NOMEM : WEFT_OK;
}
