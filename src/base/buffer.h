#pragma once

#include <stdarg.h>

#include "base/slice.h"
#include "base/status.h"

/* A growing run of bytes that its holder owns. Capacity doubles; contents are contiguous and may move on growth.
 * A failed growth sets is_failed, drops that append, and makes later appends do nothing: check once at the end. */
struct weft_buffer {
    uint8_t *bytes;
    size_t length;
    size_t capacity;
    size_t max_length; /* 0 = no limit; an append beyond it fails like memory running out */
    bool is_failed;
};

void weft_buffer_init(struct weft_buffer *buffer, size_t max_length);
void weft_buffer_fini(struct weft_buffer *buffer);

/* The same for a secret, which is overwritten. What growth has moved is left behind: reserve room for all of it. */
void weft_buffer_fini_secret(struct weft_buffer *buffer);

/* Empty and usable again; keeps the memory. */
void weft_buffer_clear(struct weft_buffer *buffer);

/* Makes room for length more bytes and returns where they go, or NULL (and is_failed). The length does not change. */
uint8_t *weft_buffer_reserve(struct weft_buffer *buffer, size_t length) WEFT_MUST_CHECK;

void weft_buffer_append(struct weft_buffer *buffer, const void *bytes, size_t length);
void weft_buffer_append_byte(struct weft_buffer *buffer, uint8_t byte);
void weft_buffer_append_text(struct weft_buffer *buffer, const char *text);
void weft_buffer_append_format(struct weft_buffer *buffer, const char *format, ...) WEFT_PRINTF(2, 3);

/* Appends text as the inside of a JSON string (RFC 8259 section 7); bytes that are not UTF-8 become U+FFFD. */
void weft_buffer_append_json_escaped(struct weft_buffer *buffer, struct weft_slice text);

/* Appends text as a JSON string, with its quotes. */
void weft_buffer_append_json_string(struct weft_buffer *buffer, struct weft_slice text);

/* Removes the first length bytes. */
void weft_buffer_consume(struct weft_buffer *buffer, size_t length);

/* WEFT_NOMEM if an append was dropped. */
enum weft_status weft_buffer_status(const struct weft_buffer *buffer) WEFT_MUST_CHECK;

static inline struct weft_slice weft_buffer_slice(const struct weft_buffer *buffer)
{
    return (struct weft_slice){ buffer->bytes, buffer->length };
}
