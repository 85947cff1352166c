#pragma once

#include "base/buffer.h"
#include "wire/otlp_table.h"

/* One line per record for people, as `verbosity: normal` shows it: name, ids, attributes. Control characters are
 * escaped, so that no record can write more than its line. WEFT_NOMEM only. */
enum weft_status weft_debug_write_records(const struct weft_otlp_table *table, struct weft_buffer *out) WEFT_MUST_CHECK;
