#pragma once

#include "base/payload.h"
#include "base/slice.h"
#include "base/status.h"
#include "wire/otlp_check.h"

/* A request in which the check has counted strings that are no UTF-8, written anew: such strings are repaired, or the
 * records that they are in are left out. Everything else stays byte for byte as it was, unknown fields and the order of
 * fields included; only lengths around what has changed are written anew, in their shortest form.
 *
 * Repair puts one U+FFFD for each start of a character that could have gone on (Unicode 3.9, "maximal subpart", as
 * browsers do), so that a text grows to three times its length at most; where the request would grow beyond max_bytes,
 * a question mark instead, which never makes it longer.
 *
 * Rejected is the span, the log record or the data point that the string is in; with the name, description, unit or
 * metadata of a metric all its points, with a resource or scope or their schema_url all records under it. A scope or
 * resource of which no record is left goes, too. */
struct weft_otlp_mending {
    enum weft_signal signal;
    bool is_rejecting;
    size_t max_bytes;
    /* Told once for each ResourceX of which something was left out, and how much: spans, log records, data points.
     * NULL: nobody wants to know. */
    void (*on_rejected)(void *context, struct weft_slice resource_x, uint64_t weight);
    void *context;
};

/* request has passed the check. Appends to out, which is empty, has one reference and grows as needed. *out_counts: of
 * what is written now, checked once more. *out_first_bad: where in request the tag of the first bad string lies.
 * WEFT_NOMEM. */
enum weft_status weft_otlp_mend(const struct weft_otlp_mending *mending, struct weft_slice request,
                                struct weft_payload *out, struct weft_otlp_counts *out_counts, size_t *out_first_bad,
                                struct weft_error *error) WEFT_MUST_CHECK;

/* "byte 123: resource_spans[0].scope_spans[0].spans[7].name", for *out_first_bad. */
void weft_otlp_mend_place(enum weft_signal signal, struct weft_slice request, size_t first_bad, char *out_text,
                          size_t text_size);
