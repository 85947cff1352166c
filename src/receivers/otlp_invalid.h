#pragma once

#include "receivers/otlp_ingest.h"

/* Does with a request in which the check has counted bad strings what the receiver is configured to do: its message is
 * another one afterwards, *counts that one's, and what was compressed is not what goes on. Records that are rejected
 * are booked as refused, and call->partial says so. WEFT_NOMEM. */
enum weft_status weft_otlp_ingest_mend(struct weft_otlp_call *call, struct weft_otlp_request *request,
                                       struct weft_otlp_counts *counts, struct weft_error *error) WEFT_MUST_CHECK;
