#pragma once

#include "base/slice.h"

/* Inside of log.h: where finished lines go. */
enum { WEFT_LOG_LINE_BYTES = 16 * 1024 };

/* A whole line, with its end. Any thread. */
void weft_log_writer_put(int descriptor, struct weft_slice line);
