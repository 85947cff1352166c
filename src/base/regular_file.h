#pragma once

#include "base/buffer.h"

/* Files that a config names to be read: regular ones only. Whoever opens a FIFO waits for its other side, and reading a
 * device has no end; both are mistakes, and are said at once. */

/* WEFT_NOT_FOUND, WEFT_DENIED, WEFT_IO with the system's reason; WEFT_INVALID: it is there and no regular file. */
enum weft_status weft_regular_file_check(const char *path, struct weft_error *error) WEFT_MUST_CHECK;

/* The same, and opens it for reading. A disk that has gone may hold the caller. */
enum weft_status weft_regular_file_open(const char *path, int *out_descriptor,
                                        struct weft_error *error) WEFT_MUST_CHECK;

/* Appends the whole of it to out. WEFT_LIMIT: it is longer than max_bytes; WEFT_NOMEM; WEFT_IO. What was read until
 * then stays in out. A disk that has gone may hold the caller. */
enum weft_status weft_regular_file_read(const char *path, size_t max_bytes, struct weft_buffer *out,
                                        struct weft_error *error) WEFT_MUST_CHECK;

/* "is a FIFO" and the like for what stat says; NULL for a regular file. */
const char *weft_irregular_kind(unsigned mode);
