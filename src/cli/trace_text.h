#pragma once

#include "base/buffer.h"

/* The answer of /v1/traces/{word} (docs/asking.md) as text for people: the verdict in a sentence, facts, counts by
 * service, and the tree. Pure. What it does not know is left out; `weft trace --json` has all. */
void weft_cli_trace_text(struct weft_slice answer, struct weft_buffer *out);
