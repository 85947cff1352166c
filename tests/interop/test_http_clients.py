"""The SDK of JavaScript over OTLP/HTTP, in protobuf and in JSON: a backend must get from weft what the same script sends to it
directly over gRPC."""

import os
import subprocess

from harness import config as configs
from harness import otlp, stubs
from harness.case import OutsideInCase
from harness.places import TESTS, cache_directory
from harness.process import free_port, wait_until

METRICS_METHOD = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
SPAN_COUNT = 612
TIMES = ("time_unix_nano", "start_time_unix_nano", "observed_time_unix_nano")


def js_modules():
    subprocess.run([TESTS / "interop" / "js" / "install"], check=True, timeout=300, stdout=subprocess.DEVNULL)
    return cache_directory() / "interop-js" / "node_modules"


def play(script, url, protocol, compression="none"):
    environment = {**os.environ, "NODE_PATH": str(js_modules()), "OTEL_EXPORTER_OTLP_COMPRESSION": compression}
    run = subprocess.run(["node", TESTS / "interop" / "js" / script, url, protocol], env=environment, timeout=60,
                         capture_output=True, text=True)
    if run.returncode != 0 or run.stderr:
        raise AssertionError(f"the JavaScript client failed:\n{run.stdout}{run.stderr}")


def without_times(message):
    """The message's text, with every time set to 1: those that the SDK takes differ from run to run."""
    for descriptor, value in message.ListFields():
        if descriptor.name in TIMES:
            setattr(message, descriptor.name, 1)
        elif descriptor.message_type:
            for item in value if descriptor.label == descriptor.LABEL_REPEATED else [value]:
                without_times(item)
    return str(message)


def logs_of(backend):
    requests = [stubs.module("logs_service_pb2").ExportLogsServiceRequest.FromString(body)
                for body in backend.bodies(otlp.LOGS_METHOD)]
    return [without_times(group) for request in requests for group in request.resource_logs]


def metrics_of(backend):
    requests = [stubs.module("metrics_service_pb2").ExportMetricsServiceRequest.FromString(body)
                for body in backend.bodies(METRICS_METHOD)]
    return [without_times(group) for request in requests for group in request.resource_metrics]


class HttpClientsTest(OutsideInCase):
    def passing_http(self, backend):
        address = f"127.0.0.1:{free_port()}"
        config = configs.pipeline(None, {"otlp": configs.otlp_exporter(backend.address)},
                                  receiver=configs.otlp_http_receiver(address))
        self.start_program(configs.for_every_signal(config), [address])
        return f"http://{address}"

    def compare_spans(self, protocol, compression="none"):
        direct, behind = self.backend(), self.backend()
        url = self.passing_http(behind)
        play("client.js", f"http://{direct.address}", "grpc")
        self.assertEqual(len(direct.wait_for_spans(SPAN_COUNT)), SPAN_COUNT, "the client itself is not what the test thinks")
        play("client.js", f"{url}/v1/traces", protocol, compression)
        behind.wait_for_spans(SPAN_COUNT)
        self.assert_same_spans(direct.bodies(), behind.bodies())

    def test_spans_in_protobuf_arrive_unchanged(self):
        self.compare_spans("proto")

    def test_spans_in_protobuf_with_gzip_arrive_unchanged(self):
        self.compare_spans("proto", "gzip")

    def test_spans_in_json_arrive_unchanged(self):
        self.compare_spans("http")

    def test_spans_in_json_with_gzip_arrive_unchanged(self):
        self.compare_spans("http", "gzip")

    def compare_signals(self, protocol):
        direct, behind = self.backend(), self.backend()
        url = self.passing_http(behind)
        play("signals.js", f"http://{direct.address}", "grpc")
        play("signals.js", url, protocol)
        self.assertTrue(wait_until(lambda: logs_of(behind) and metrics_of(behind), 10))
        self.assertEqual(logs_of(behind), logs_of(direct))
        self.assertEqual(metrics_of(behind), metrics_of(direct))
        self.assertIn("ünder", metrics_of(direct)[0].encode().decode("unicode_escape").encode("latin-1").decode())

    def test_logs_and_metrics_in_protobuf_arrive_unchanged(self):
        self.compare_signals("proto")

    def test_logs_and_metrics_in_json_arrive_unchanged(self):
        self.compare_signals("http")
