"""The OpenTelemetry SDK of Python, playing one fixed script (same ids, times and values at each run).

usage: python_client.py HOST:PORT none|gzip   run by the virtual environment's Python
"""

import sys

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState
from grpc import Compression

BASE_NS = 1_795_449_600_000_000_000


class CountingIds(IdGenerator):
    def __init__(self):
        self.traces = self.spans = 0

    def generate_trace_id(self):
        self.traces += 1
        return 0xC << 120 | self.traces

    def generate_span_id(self):
        self.spans += 1
        return 0xD << 56 | self.spans

    def is_trace_id_random(self):
        return False


EVERY_TYPE = {
    "text": "plain", "text.empty": "", "text.unicode": "grüße, 世界, \U0001F680, e\u0301 \x00 \\", "text.long": "y" * 70_000,
    "flag": True, "flag.false": False, "integer.largest": 2**63 - 1, "integer.least": -2**63, "integer.zero": 0,
    "double": 0.1, "double.huge": 1.7976931348623157e308, "list.text": ["a", "", "ü"], "list.integer": [1, -2],
    "list.double": [0.5], "list.flag": [True, False],
}


def play(tracer, other):
    first = tracer.start_span("every attribute type", attributes=EVERY_TYPE, start_time=BASE_NS)
    first.add_event("event", EVERY_TYPE, timestamp=BASE_NS + 1)
    first.end(BASE_NS + 10)
    remote = SpanContext(0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7, True, TraceFlags(1), TraceState([("ot", "th:8"), ("v", "a")]))
    inside = trace.set_span_in_context(NonRecordingSpan(remote), context.Context())
    parents = [other.start_span("from a caller", inside, SpanKind.SERVER, start_time=BASE_NS + 20)]
    for depth in range(8):
        kind = (SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER)[depth % 3]
        links = [Link(first.get_span_context(), {"why": "retry"}), Link(remote)] if depth == 7 else []
        parents.append(other.start_span(f"step {depth}", trace.set_span_in_context(parents[-1]), kind, {"depth": depth}, links,
                                        start_time=BASE_NS + 21 + depth))
    for index, span in enumerate(reversed(parents)):
        span.end(BASE_NS + 100 + index)
    failing = tracer.start_span("fails", context.Context(), start_time=BASE_NS)
    failing.record_exception(ValueError("boom ü"), {"exception.stacktrace": "fixed"}, timestamp=BASE_NS + 3)
    failing.set_status(Status(StatusCode.ERROR, "it failed"))
    failing.end(BASE_NS + 5)
    for number in range(600):
        span = tracer.start_span(f"one of many {number}", context.Context(), attributes={"number": number}, start_time=BASE_NS + number)
        span.set_status(StatusCode.OK)
        span.end(BASE_NS + number + 1)


def main(endpoint, compression):
    provider = TracerProvider(resource=Resource({"service.name": "interop-python-sdk", "list": ["a", "b"]}), id_generator=CountingIds())
    exporter = OTLPSpanExporter(endpoint, insecure=True, compression=Compression.Gzip if compression == "gzip" else Compression.NoCompression)
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=4096))
    play(provider.get_tracer("interop", "7.8", schema_url="https://example.test/s", attributes={"scope": 1}), provider.get_tracer("other"))
    provider.shutdown()


main(*sys.argv[1:])
