#pragma once

#include "base/buffer.h"

/* The platform's error answer: every error of weft's own HTTP endpoints has this shape. */
struct weft_admin_detail {
    const char *key;
    struct weft_slice value; /* borrowed; may come from a peer: it is escaped */
};

struct weft_admin_error {
    const char *code;                  /* "TRACE_NOT_FOUND" */
    const char *message;               /* one sentence */
    const char *request_id, *trace_id; /* NULL = left out */
    const struct weft_admin_detail *details;
    size_t detail_count;
    const char *help; /* what to do about it; NULL = left out */
};

void weft_admin_error_write(const struct weft_admin_error *error, struct weft_buffer *out);
