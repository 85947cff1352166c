#pragma once

#include "base/buffer.h"
#include "wire/otlp_table.h"

/* Requests as lines of text for people, in the Collector's words: `verbosity: normal` has a line for each resource,
 * scope, span, data point and log record, `detailed` has all of their fields. Control characters are escaped, so that
 * no record can write more than its lines. WEFT_NOMEM only. */
enum weft_status weft_debug_write_records(const struct weft_otlp_table *table, struct weft_buffer *out) WEFT_MUST_CHECK;
enum weft_status weft_debug_write_details(const struct weft_otlp_table *table, struct weft_buffer *out) WEFT_MUST_CHECK;
