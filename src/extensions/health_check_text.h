#pragma once

#include "base/buffer.h"
#include "base/clock.h"

/* What the Collector's health_check extension answers: pure, from what is known. own_body: the configured body for this
 * state, NULL = the Collector's JSON. Returns the HTTP code. */
int weft_health_check_write(bool is_available, struct weft_wall up_since, int64_t uptime_ns, const char *own_body,
                            struct weft_buffer *out);
