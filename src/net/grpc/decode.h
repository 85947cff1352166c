#pragma once

#include <stdint.h>

#include "base/buffer.h"
#include "base/compression.h"
#include "base/slice.h"
#include "base/status.h"

/* The small text formats and tables of gRPC over HTTP/2 that a client reads and writes
 * (grpc/doc/PROTOCOL-HTTP2.md, http-grpc-status-mapping.md). Pure functions; peers' bytes come in as slices.
 */
enum {
    WEFT_GRPC_CANCELLED = 1,
    WEFT_GRPC_UNKNOWN = 2,
    WEFT_GRPC_DEADLINE_EXCEEDED = 4,
    WEFT_GRPC_PERMISSION_DENIED = 7,
    WEFT_GRPC_RESOURCE_EXHAUSTED = 8,
    WEFT_GRPC_UNIMPLEMENTED = 12,
    WEFT_GRPC_INTERNAL = 13,
    WEFT_GRPC_UNAVAILABLE = 14,
    WEFT_GRPC_UNAUTHENTICATED = 16,
};

/* For answers without grpc-status. */
int weft_grpc_status_of_http(int http_status);

/* grpc-encoding. What gRPC calls snappy is a framed stream; WEFT_UNSUPPORTED for what is HTTP's only. */
enum weft_status weft_grpc_parse_encoding(struct weft_slice name, enum weft_encoding *out_encoding) WEFT_MUST_CHECK;
const char *weft_grpc_encoding_name(enum weft_encoding encoding);

/* For streams that the peer (or nghttp2) reset; code: an HTTP/2 error code. */
int weft_grpc_status_of_reset(uint32_t code);

/* -1 if it is not a decimal number of at most nine digits. Numbers that gRPC does not define are UNKNOWN. */
int weft_grpc_parse_status(struct weft_slice text);

/* Percent-decodes grpc-message into out_text, ended by NUL and cut to fit; a broken escape stays as it is. */
void weft_grpc_decode_message(struct weft_slice encoded, char *out_text, size_t capacity_bytes);

/* grpc-timeout: at most 8 digits and a unit, rounded up. timeout_ns is positive; out_text holds
 * WEFT_GRPC_TIMEOUT_BYTES. */
enum { WEFT_GRPC_TIMEOUT_BYTES = 16 };
void weft_grpc_format_timeout(int64_t timeout_ns, char *out_text);
