#pragma once

#include "wire/log_line_internal.h"

enum { WEFT_LINE_RECORD_ROOM = 256 };

/* The line's time, if the value is one; false, and flagged where it should have been: it is not. */
bool weft_line_take_time(struct weft_log_line_reader *reader, struct weft_slice value);

/* The same for an object with seconds and nanos. */
void weft_line_take_time_parts(struct weft_log_line_reader *reader, struct weft_slice value);

/* What has been written of the line is taken back: its body is text now. */
void weft_line_forget_written(struct weft_log_line_reader *reader);

/* Writes what waited for the end of the line. False: memory is gone. */
bool weft_line_finish_record(struct weft_log_line_reader *reader, uint64_t observed_ns,
                             struct weft_log_line *out_line) WEFT_MUST_CHECK;
