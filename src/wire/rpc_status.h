#pragma once

#include "base/buffer.h"
#include "base/slice.h"
#include "base/status.h"

/* The few small messages around an export: google.rpc.Status with RetryInfo, and OTLP's partial success. What is
 * written goes through protobuf-c's generated code; what a peer sent is read with the wire reader, leniently: a detail
 * that does not parse is as good as none. */

/* Appends an encoded google.rpc.Status. retry_after_ns < 0: no RetryInfo. */
enum weft_status weft_rpc_status_write(int code, const char *message, int64_t retry_after_ns,
                                       struct weft_buffer *out) WEFT_MUST_CHECK;

/* The retry delay of an encoded google.rpc.Status; -1 if it has no RetryInfo. */
int64_t weft_rpc_status_retry_delay_ns(struct weft_slice status);

/* The message for a person of an encoded google.rpc.Status; empty if it has none or does not parse. */
struct weft_slice weft_rpc_status_message(struct weft_slice status);

struct weft_partial_success {
    uint64_t rejected_count; /* negative counts read as 0 */
    struct weft_slice message;
};

/* Reads an ExportXServiceResponse (the same shape for all signals: 1 = partial_success {1 = rejected, 2 = message}). */
struct weft_partial_success weft_otlp_response_read(struct weft_slice response);

/* Appends an ExportXServiceResponse that says so. */
enum weft_status weft_otlp_response_write(const struct weft_partial_success *partial,
                                          struct weft_buffer *out) WEFT_MUST_CHECK;

/* The same of a response of which only the start is there. False: a partial_success that says how many were rejected is
 * not in it, or is cut before it does; nobody knows then. */
bool weft_otlp_response_read_start(struct weft_slice start, struct weft_partial_success *out_partial) WEFT_MUST_CHECK;

/* Whether the response can be read to its end, and so what _read says of it is all that it says. */
bool weft_otlp_response_is_valid(struct weft_slice response);
