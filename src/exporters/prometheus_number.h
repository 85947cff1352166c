#pragma once

#include "base/buffer.h"

/* A number as Prometheus writes it: the fewest digits that read back equal, with an exponent below 1e-4 and from 1e6
 * on.
 */
void weft_prometheus_put_number(double value, struct weft_buffer *out);

/* The same for OpenMetrics: with ".0" where it would look like an integer. */
void weft_prometheus_put_real(double value, struct weft_buffer *out);
