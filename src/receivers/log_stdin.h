#pragma once

#include "receivers/log_body.h"
#include "receivers/otlp_ingest.h"

/* Log lines from a pipe or a file, `protocols.stdin` of the receiver `jsonlog`. Reads a piece, offers its whole lines
 * as one request, and reads on when that is settled; what is refused is offered again, since nobody could send it anew.
 * A line longer than the limit keeps its beginning. The end of the input offers what is left; weft runs on. */

/* descriptor is borrowed: it is 0 but in tests. ingest outlives the inlet. */
struct weft_otlp_inlet *weft_log_stdin_new(struct weft_otlp_ingest *ingest, int descriptor,
                                           const struct weft_log_line_settings *settings);
