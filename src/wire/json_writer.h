#pragma once

#include <protobuf-c/protobuf-c.h>

#include "base/buffer.h"
#include "base/slice.h"
#include "base/status.h"
#include "wire/signal.h"

/* Writes one protobuf message as OTLP/JSON (opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding")
 * straight from its wire bytes, driven by protobuf-c's descriptor: lowerCamelCase keys, ids as lower hex,
 * enums as integers, 64-bit integers as decimal strings, bytes as base64, doubles shortest form that reads
 * back equal ("NaN", "Infinity", "-Infinity"), default and absent fields left out, unknown fields skipped, a
 * repeated singular field merged or last wins as protobuf says. At most 100 messages inside one another, as
 * in the check. WEFT_INVALID on malformed bytes (out then holds rubbish: the caller cuts it back),
 * WEFT_NOMEM. */
enum weft_status weft_json_write_message(const ProtobufCMessageDescriptor *descriptor, struct weft_slice message,
                                         struct weft_buffer *out, struct weft_error *error) WEFT_MUST_CHECK;

/* The same for a whole export request of a signal; its shape is also that of TracesData, MetricsData and LogsData. */
enum weft_status weft_json_write_request(enum weft_signal signal, struct weft_slice request, struct weft_buffer *out,
                                         struct weft_error *error) WEFT_MUST_CHECK;
