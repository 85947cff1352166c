"""One scripted client, once straight to the backend and once through weft: the backend must see the same spans."""

import os
import subprocess

import grpc

from harness import otlp, prometheus, stubs, wire
from harness.backend import GRPC_OPTIONS
from harness.case import OutsideInCase
from harness.places import TESTS, cache_directory
from harness.process import free_port, wait_until

JS_CLIENT = TESTS / "interop" / "js" / "client.js"


def play_with_stubs(address, compression=None):
    """A client on generated grpcio stubs, as a Python program without the SDK would be."""
    trace, common = stubs.module("trace_pb2"), stubs.module("common_pb2")
    service = stubs.module("trace_service_pb2_grpc")
    value = common.AnyValue
    request = stubs.module("trace_service_pb2").ExportTraceServiceRequest()
    group = request.resource_spans.add(schema_url="https://example.test/resource")
    group.resource.attributes.add(key="service.name", value=value(string_value="interop-python"))
    group.resource.dropped_attributes_count = 3
    scope = group.scope_spans.add(schema_url="https://example.test/scope")
    scope.scope.name, scope.scope.version = "stubs", "1"
    scope.scope.attributes.add(key="scope.key", value=value(int_value=-1))
    for number in range(1, 251):
        span = scope.spans.add(
            trace_id=number.to_bytes(16, "big"), span_id=number.to_bytes(8, "big"), parent_span_id=b"\1" * 8,
            name=f"span {number} ünïcode 世界", kind=number % 6, trace_state="ot=th:c,a=b", flags=0x301,
            start_time_unix_nano=otlp.BASE_TIME_NS + number, end_time_unix_nano=otlp.BASE_TIME_NS + 2**33 + number,
            dropped_attributes_count=1, dropped_events_count=2, dropped_links_count=3,
            status=trace.Status(code=number % 3, message="why"))
        nested = common.KeyValueList(values=[common.KeyValue(key="inner", value=value(bytes_value=bytes(range(256))))])
        for key, item in {
                "text": value(string_value="x" * number), "largest": value(int_value=2**63 - 1), "least": value(int_value=-2**63),
                "double": value(double_value=0.1), "flag": value(bool_value=False), "none": value(),
                "list": value(array_value=common.ArrayValue(values=[value(int_value=1), value(string_value="two"), value()])),
                "map": value(kvlist_value=nested)}.items():
            span.attributes.add(key=key, value=item)
        span.events.add(time_unix_nano=otlp.BASE_TIME_NS, name="event", dropped_attributes_count=9)
        link = span.links.add(trace_id=b"\2" * 16, span_id=b"\3" * 8, trace_state="k=v", flags=1)
        link.attributes.add(key="link", value=value(string_value="there"))
    with grpc.insecure_channel(address, GRPC_OPTIONS) as channel:
        answer = service.TraceServiceStub(channel).Export(request, timeout=10, compression=compression)
    assert not answer.partial_success.rejected_spans, answer


def js_modules():
    """The folder with the npm packages, installed once for each lock file; raises with npm's words if it cannot be."""
    subprocess.run([TESTS / "interop" / "js" / "install"], check=True, timeout=300, stdout=subprocess.DEVNULL)
    return cache_directory() / "interop-js" / "node_modules"


def play_with_js(address, compression):
    environment = {**os.environ, "NODE_PATH": str(js_modules()), "OTEL_EXPORTER_OTLP_COMPRESSION": compression}
    run = subprocess.run(["node", JS_CLIENT, f"http://{address}"], env=environment, timeout=60, capture_output=True, text=True)
    if run.returncode != 0:
        raise AssertionError(f"the JavaScript client failed:\n{run.stdout}{run.stderr}")


class PassThroughTest(OutsideInCase):
    def compare(self, play, span_count, processors=None, **exporter):
        direct, behind = self.backend(), self.backend()
        address, _ = self.passing_through(behind, processors, **exporter)
        play(direct.address)
        self.assertEqual(len(direct.wait_for_spans(span_count)), span_count, "the client itself is not what the test thinks")
        play(address)
        behind.wait_for_spans(span_count)
        self.assert_same_spans(direct.bodies(), behind.bodies())

    def test_python_stubs_arrive_unchanged(self):
        self.compare(play_with_stubs, 250)

    def test_python_stubs_with_gzip_arrive_unchanged(self):
        self.compare(lambda address: play_with_stubs(address, grpc.Compression.Gzip), 250)

    def test_python_stubs_arrive_unchanged_through_batch(self):
        self.compare(play_with_stubs, 250, {"batch": {"timeout": "50ms", "send_batch_size": 100, "send_batch_max_size": 100}})

    def test_gzip_to_the_backend_arrives_unchanged(self):
        self.compare(play_with_stubs, 250, compression="gzip")

    def test_javascript_sdk_arrives_unchanged(self):
        self.compare(lambda address: play_with_js(address, "none"), 612)

    def test_javascript_sdk_with_gzip_arrives_unchanged_through_batch(self):
        self.compare(lambda address: play_with_js(address, "gzip"), 612, {"batch": {"timeout": "50ms"}})

    def test_unix_socket_takes_spans(self):
        backend = self.backend()
        directory = self.temporary_directory()
        address, _ = self.passing_through(backend, listen=f"unix:{directory}/otlp.sock")
        reply = self.client(address).export(otlp.numbered_request(0, 5))
        self.assertEqual((reply.code, reply.message), (grpc.StatusCode.OK, ""))
        self.assertEqual(len(backend.wait_for_spans(5)), 5)

    def test_two_programs_side_by_side_keep_apart(self):
        """Each has ports and books of its own."""
        backends = [self.backend(), self.backend()]
        for index, backend in enumerate(backends):
            address, _ = self.passing_through(backend, listen=f"127.0.0.1:{free_port()}")
            self.client(address).export(otlp.numbered_request(index * 100, 10))
        for index, backend in enumerate(backends):
            expected = {otlp.numbered_span_id(number) for number in range(index * 100, index * 100 + 10)}
            self.assertEqual(backend.wait_for_spans(10), expected)
            self.assertEqual(sum(len(wire.record_bytes(body)) for body in backend.bodies()), 10)

    def test_metrics_count_what_passed(self):
        """Under the Collector's names, as its dashboards ask for them."""
        backend = self.backend()
        address, program = self.passing_through(backend)
        with_client = self.client(address)
        for first in range(0, 300, 100):
            self.assertEqual(with_client.export(otlp.numbered_request(first, 100)).code, grpc.StatusCode.OK)
        backend.wait_for_spans(300)
        names = ("otelcol_receiver_accepted_spans", "otelcol_exporter_sent_spans")
        counted = lambda: [prometheus.total(program.metrics(), name) for name in names]
        wait_until(lambda: counted() == [300, 300], 5.0)  # sent is counted when the backend's answer is there
        self.assertEqual(counted(), [300, 300])
