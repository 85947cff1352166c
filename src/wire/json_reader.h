#pragma once

#include "base/payload.h"
#include "base/slice.h"
#include "base/status.h"
#include "wire/json_schema.h"
#include "wire/otlp_check.h"

/* Reads one message of OTLP/JSON (opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding") straight to
 * wire bytes in one pass: nothing is kept of the text, fields come out in the order in which they stand there,
 * lengths and varints in their shortest form, defaults left out, repeated numbers packed. */
struct weft_json_limits {
    uint32_t max_depth;  /* messages inside one another; 0 = 64; never more than 100, as in the check */
    size_t max_bytes;    /* of the message made; 0 = protobuf's own limit of 2 GiB - 1 */
    bool takes_bad_text; /* strings that are no UTF-8 come out as they are and are counted, keys with it are unknown */
};

/* Appends the message to out, which grows as needed and is charged at the end; nothing is appended on
 * failure. limits may be NULL. out has one reference: the caller's.
 *
 * Taken: ids as hex in any case, or empty; enums as integers or names; integers as numbers or strings, exact
 * and in range, also as 1.0 or 1e3; doubles also as strings, and "NaN", "Infinity", "-Infinity"; bytes as
 * base64 of either alphabet, padded or not; null for "not there" (for an element that is a message: empty).
 * Unknown keys are skipped, checked as JSON. Half of a surrogate pair in a string becomes U+FFFD. Of a
 * repeated key the last value counts, messages merge and arrays join, as in the Collector.
 *
 * What comes out is what weft_otlp_check lets pass, and *out_counts is what it would count: there is nothing
 * left to check in it; of bad_texts it says whether there may be some.
 *
 * WEFT_INVALID with the byte offset, the path (resourceSpans[0].scopeSpans[1].spans[7].traceId) and what would
 * be right: not strict JSON in UTF-8, a value of another type or out of range, nested too deep, bytes after
 * the end, no text at all. WEFT_LIMIT: larger than max_bytes. WEFT_NOMEM. */
enum weft_status weft_json_read_message(const struct weft_json_schema *schema, struct weft_slice json,
                                        const struct weft_json_limits *limits, struct weft_payload *out,
                                        struct weft_otlp_counts *out_counts, struct weft_error *error) WEFT_MUST_CHECK;
