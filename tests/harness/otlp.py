"""OTLP requests by hand: numbered spans for counting, rich spans for comparing, answers of a backend."""

import struct
import time

from . import wire

TRACES_METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
LOGS_METHOD = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
BASE_TIME_NS = 1_795_449_600_000_000_000  # a fixed moment, so that runs can be compared byte by byte


def time_text(time_ns):
    """RFC 3339, UTC, with nanoseconds."""
    seconds, fraction = divmod(time_ns, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{fraction:09}Z"


def any_value(value):
    if isinstance(value, bool):
        return wire.number_field(2, value)
    if isinstance(value, int):
        return wire.number_field(3, value)
    if isinstance(value, float):
        return wire.varint(4 << 3 | wire.WIRE_FIXED64) + struct.pack("<d", value)
    if isinstance(value, bytes):
        return wire.bytes_field(7, value)
    if isinstance(value, (list, tuple)):
        return wire.bytes_field(5, b"".join(wire.bytes_field(1, any_value(item)) for item in value))
    if isinstance(value, dict):
        return wire.bytes_field(6, b"".join(key_value(1, key, item) for key, item in value.items()))
    return wire.bytes_field(1, value) if value is not None else b""


def key_value(field, key, value):
    return wire.bytes_field(field, wire.bytes_field(1, key) + wire.bytes_field(2, any_value(value)))


def attributes(field, values):
    return b"".join(key_value(field, key, value) for key, value in values.items())


def span(trace_id, span_id, name, parent=b"", kind=1, start_ns=BASE_TIME_NS, duration_ns=1_000_000, values=None, extra=b""):
    """extra: bytes put at the end as they are (events, links, status, or fields nobody knows)."""
    parts = [wire.bytes_field(1, trace_id), wire.bytes_field(2, span_id)]
    if parent:
        parts.append(wire.bytes_field(4, parent))
    parts += [wire.bytes_field(5, name), wire.number_field(6, kind), wire.fixed64_field(7, start_ns),
              wire.fixed64_field(8, start_ns + duration_ns), attributes(9, values or {}), extra]
    return b"".join(parts)


def request(spans, resource=None, scope="weft.tests", extra=b""):
    """An ExportTraceServiceRequest with one resource and one scope around the spans' bytes."""
    resource = {"service.name": "weft-tests"} if resource is None else resource
    scope_spans = wire.bytes_field(1, wire.bytes_field(1, scope)) + b"".join(wire.bytes_field(2, item) for item in spans)
    return wire.bytes_field(1, wire.bytes_field(1, attributes(1, resource)) + wire.bytes_field(2, scope_spans)) + extra


def log_record(trace_id, span_id, body, time_ns=BASE_TIME_NS, severity=9, values=None):
    return b"".join([wire.fixed64_field(1, time_ns), wire.number_field(2, severity), wire.bytes_field(5, any_value(body)),
                     attributes(6, values or {}), wire.bytes_field(9, trace_id), wire.bytes_field(10, span_id)])


def numbered_span_id(number):
    return (number + 1).to_bytes(8, "big")


def numbered_request(first, count):
    """count spans whose ids are their numbers, from first on."""
    trace_id = (first + 1).to_bytes(16, "big")
    return request([span(trace_id, numbered_span_id(number), f"span {number}", values={"number": number})
                    for number in range(first, first + count)])


TRACE_SPANS = 5


def shared_trace_id(number):
    """Traces of a few neighbours, so that a request has several; their last bytes, by which workers may share them out, differ."""
    trace = number // TRACE_SPANS
    return (trace + 1).to_bytes(8, "big") + (trace * 0x9E3779B97F4A7C15 % 2**64).to_bytes(8, "little")


def numbered_spans_of_traces(first, count):
    return request([span(shared_trace_id(number), numbered_span_id(number), f"span {number}", values={"number": number})
                    for number in range(first, first + count)])


def numbered_logs_of_traces(first, count):
    """Log record n belongs to span n of numbered_spans_of_traces. Requests of logs and of traces agree in their outer fields."""
    return request([log_record(shared_trace_id(number), numbered_span_id(number), f"log {number}", values={"number": number})
                    for number in range(first, first + count)])


def span_ids(raw_request):
    return [wire.span_id_of(record) for record in wire.record_bytes(raw_request)]


def record_ids(raw_request, method):
    """The span ids that spans have, or that log records name."""
    return [wire.span_id_of(record, 10 if method == LOGS_METHOD else 2) for record in wire.record_bytes(raw_request)]


def partial_success(rejected_count, message):
    return wire.bytes_field(1, wire.number_field(1, rejected_count) + wire.bytes_field(2, message))


def status_with_retry_info(code, message, delay_seconds):
    """A google.rpc.Status with a RetryInfo, as it travels in grpc-status-details-bin."""
    seconds = int(delay_seconds)
    duration = wire.number_field(1, seconds) + wire.number_field(2, int((delay_seconds - seconds) * 1e9))
    retry_info = wire.bytes_field(1, duration)
    detail = wire.bytes_field(1, "type.googleapis.com/google.rpc.RetryInfo") + wire.bytes_field(2, retry_info)
    return wire.number_field(1, code) + wire.bytes_field(2, message) + wire.bytes_field(3, detail)
