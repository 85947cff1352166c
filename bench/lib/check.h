#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/walk.h"

/* Walks an ExportTraceServiceRequest structurally, every field of every message to its last byte: wire types, lengths,
 * id lengths, nesting. False if anything is malformed. */
bool bench_check_request(struct bench_range request, uint64_t *out_span_count);
