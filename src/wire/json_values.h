#pragma once

#include "base/buffer.h"
#include "base/slice.h"

/* Single values in the forms of OTLP/JSON (proto3 JSON with the deviations of the OTLP specification). A
 * failed append shows in the buffer's status. */
void weft_json_put_u64(struct weft_buffer *out, uint64_t value);
void weft_json_put_i64(struct weft_buffer *out, int64_t value);

/* The shortest text that reads back as the same double, but -0.0 with its fraction; "NaN", "Infinity" and
 * "-Infinity" in quotes. */
void weft_json_put_double(struct weft_buffer *out, double value);

/* With quotes: standard base64 with padding, and lower-case hex. */
void weft_json_put_base64(struct weft_buffer *out, struct weft_slice bytes);
void weft_json_put_hex(struct weft_buffer *out, struct weft_slice bytes);

/* "trace_id" as "traceId", with quotes and a colon. */
void weft_json_put_key(struct weft_buffer *out, const char *field_name);
