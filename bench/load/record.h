#pragma once

#include "load/template.h"

/* Encode one record; the offsets in the answer are relative to it. What changes while the load runs is zeros. */

/* place is its place in its trace; traces: NULL = it is not dealt, and says nothing that decides. */
struct template_span record_put_span(const struct shape *shape, uint64_t place, const struct traces *traces,
                                     struct bench_random *random, struct bench_bytes *out);

/* A log record; the shape's span_name is its body. */
struct template_span record_put_line(const struct shape *shape, const struct traces *traces,
                                     struct bench_random *random, struct bench_bytes *out);
