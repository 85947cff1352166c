"""The OpenTelemetry SDK of Python, playing one fixed script of spans, log records and metrics: same ids and values at each
run, and same times but for those that the SDK takes itself.

usage: python_client.py URL grpc|http none|gzip [SIGNAL...]   run by the virtual environment's Python
"""

import sys

from opentelemetry import context, trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.metrics import Observation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

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


def play_spans(tracer, other):
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


def exporters_of(protocol):
    """The exporter class of each signal."""
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    else:
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    return {"traces": OTLPSpanExporter, "logs": OTLPLogExporter, "metrics": OTLPMetricExporter}


def compression_of(protocol, name):
    if protocol == "grpc":
        from grpc import Compression
        return {"none": Compression.NoCompression, "gzip": Compression.Gzip}[name]
    from opentelemetry.exporter.otlp.proto.http import Compression
    return Compression(name)


def send_traces(exporter, resource):
    provider = TracerProvider(resource=resource, id_generator=CountingIds())
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=4096))
    tracer = provider.get_tracer("interop", "7.8", schema_url="https://example.test/s", attributes={"scope": 1})
    play_spans(tracer, provider.get_tracer("other"))
    provider.shutdown()


BODIES = ["plain", "", "grüße, 世界, \U0001F680", -2**63, 0.1, -0.0, True, b"\x00\xff", ["two", 1, [False, None]],
          {"nested": {"list": [1, {"deep": ""}]}, "empty": {}}, None]


def send_logs(exporter, resource):
    provider = LoggerProvider(resource=resource)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger = provider.get_logger("interop", "1.0", "https://example.test/s", {"scope": 1})
    inside = trace.set_span_in_context(NonRecordingSpan(SpanContext(0xABC, 0xDEF, True, TraceFlags(1))), context.Context())
    for number, body in enumerate(BODIES):
        logger.emit(LogRecord(timestamp=BASE_NS + number, observed_timestamp=BASE_NS + 100 + number,
                              context=inside if number % 2 else context.Context(), severity_text=f"level {number}",
                              severity_number=SeverityNumber(1 + 2 * number), body=body,
                              attributes={"number": number, "same as the body": body, "list": [number, number + 1]},
                              event_name="an.event" if number % 2 else None))
    logger.emit(LogRecord(body="the SDK's own times"))
    provider.shutdown()


def send_metrics(exporter, resource):
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    sizes = View(instrument_type=Histogram, instrument_name="sizes", aggregation=ExponentialBucketHistogramAggregation(max_size=20))
    provider = MeterProvider([reader], resource, views=[sizes])
    meter = provider.get_meter("interop", "2.0", "https://example.test/s", {"scope": 1})
    requests = meter.create_counter("requests", "1", "counted")
    requests.add(7, {"route": "/a"})
    requests.add(2**63 - 10, {"route": "/b", "list": [1, 2]})
    meter.create_up_down_counter("level").add(-2.5)
    # Inside a span that is sampled each measurement leaves an exemplar.
    inside = trace.set_span_in_context(NonRecordingSpan(SpanContext(0xABC, 0xDEF, True, TraceFlags(1))), context.Context())
    for name in ("latency", "sizes"):
        histogram = meter.create_histogram(name, "ms")
        for value in (0, 0.1, 12, 99, 4000, 1e9):
            histogram.record(value, {"route": "/a"}, inside if name == "latency" else context.Context())
    meter.create_gauge("temperature").set(-273.15, {"place": "ünder"})
    meter.create_observable_up_down_counter("seen", [lambda options: [Observation(-2**63, {"flag": True}), Observation(0)]])
    provider.shutdown()


SENDERS = {"traces": send_traces, "logs": send_logs, "metrics": send_metrics}


def main(url, protocol, compression, *signals):
    resource = Resource({"service.name": "interop-python-sdk", "list": ["a", "b"]}, "https://example.test/resource")
    exporters = exporters_of(protocol)
    for signal in signals or SENDERS:
        settings = {"endpoint": url, "insecure": True} if protocol == "grpc" else {"endpoint": f"{url}/v1/{signal}"}
        SENDERS[signal](exporters[signal](compression=compression_of(protocol, compression), **settings), resource)


main(*sys.argv[1:])
