"""A real Prometheus scrapes weft, and its promtool finds the pages in order."""

import json
import pathlib
import subprocess
import sys
import time
import unittest
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "pipeline"))

import requests as documents
from go_peer import prometheus_program
from harness import config as configs
from harness.case import OutsideInCase
from harness.client import Client, Outcome
from harness.process import Program, free_port, wait_until


def metrics(now):
    """Everything that Prometheus has a form for, with a time that it takes."""
    times = {"startTimeUnixNano": now - 1_000_000_000, "timeUnixNano": now}
    exemplar = {"exemplars": [{"timeUnixNano": now, "asDouble": 0.3, "traceId": 0xABC, "spanId": 0xDEF}]}
    return {"resourceMetrics": [{
        "resource": {"attributes": {"service.name": "shop", "service.namespace": "eu", "service.instance.id": "one", "host.name": "h"}},
        "scopeMetrics": [{"scope": {"name": "lib", "version": "1.0", "attributes": {"a.b": 1}}, "metrics": [
            {"name": "http.requests", "unit": "{request}", "description": "how \"many\"\\ there\nwere", "sum": {
                "isMonotonic": True, "aggregationTemporality": 2, "dataPoints": [{"attributes": {"path": "a\"\\\n世界"}, **times, "asInt": 7, **exemplar}]}},
            {"name": "temperature", "unit": "Cel", "description": "of the room", "gauge": {"dataPoints": [{**times, "asDouble": -273.15}]}},
            {"name": "queue", "description": "that waits", "sum": {"aggregationTemporality": 2, "dataPoints": [{**times, "asInt": 5}]}},
            {"name": "took", "unit": "s", "description": "the time", "histogram": {"aggregationTemporality": 2, "dataPoints": [
                {**times, "count": 6, "sum": 12.5, "bucketCounts": [1, 2, 3], "explicitBounds": [0.25, 1], **exemplar}]}},
            {"name": "size", "unit": "By", "description": "of bodies", "exponentialHistogram": {"aggregationTemporality": 2, "dataPoints": [
                {**times, "count": 6, "sum": 99.5, "scale": 2, "zeroCount": 1, "positive": {"bucketCounts": [2, 3]}}]}},
            {"name": "lag", "unit": "s", "description": "behind", "summary": {"dataPoints": [
                {**times, "count": 6, "sum": 3.5, "quantileValues": [{"quantile": 0.5, "value": 0.25}, {"quantile": 0.99, "value": 2}]}]}}]}]}]}


class PrometheusServer(OutsideInCase):
    @classmethod
    def setUpClass(cls):
        cls.promtool, cls.prometheus = prometheus_program("promtool"), prometheus_program("prometheus")

    def begin(self, **settings):
        self.address, self.port = (f"127.0.0.1:{free_port()}" for _ in range(2))
        whole = configs.pipeline(self.address, {"prometheus": {"endpoint": self.port, **settings}})
        whole["service"]["pipelines"] = {"metrics": whole["service"]["pipelines"]["traces"]}
        self.start_program(whole, [self.address, self.port])
        with Client(self.address) as client:
            body = documents.encode("metrics", metrics(time.time_ns()))
            self.assertEqual(client.export(body, documents.METRICS_METHOD).outcome, Outcome.ACCEPTED)

    def start_prometheus(self):
        directory = pathlib.Path(self.temporary_directory())
        self.server = f"127.0.0.1:{free_port()}"
        (directory / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": [{"job_name": "weft", "honor_labels": True, "static_configs": [{"targets": [self.port]}]}]}))
        program = Program([self.prometheus, f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/data",
                           f"--web.listen-address={self.server}", "--enable-feature=exemplar-storage"], directory / "log.txt").start()
        self.addCleanup(program.kill)

    def ask(self, path, **parameters):
        with urllib.request.urlopen(f"http://{self.server}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=5) as answer:
            return json.load(answer)["data"]

    def value(self, query):
        try:
            return [float(each["value"][1]) for each in self.ask("query", query=query)["result"]]
        except OSError:
            return []

    def assert_scraped(self, dotted):
        self.start_prometheus()
        name = (lambda text: '{"' + text + '"}') if dotted else (lambda text: text.replace(".", "_"))
        requests = name("http.requests_total")
        self.assertTrue(wait_until(lambda: self.value(requests) == [7], 30.0), "Prometheus never had the counter")
        self.assertEqual([target["health"] for target in self.ask("targets")["activeTargets"]], ["up"])
        for query, wanted in (("temperature_celsius", [-273.15]), ("queue", [5]), ('took_seconds_bucket{le=~"1(.0)?"}', [3]),
                              ("took_seconds_count", [6]), ("took_seconds_sum", [12.5]), ("size_bytes_count", [6]),
                              ('lag_seconds{quantile="0.99"}', [2]), ("lag_seconds_sum", [3.5]), ("target_info", [1])):
            self.assertEqual(self.value(query), wanted, query)
        labels = self.ask("query", query=requests)["result"][0]["metric"]
        self.assertEqual({key: labels[key] for key in ("job", "instance", "otel_scope_name", "path")},
                         {"job": "eu/shop", "instance": "one", "otel_scope_name": "lib", "path": "a\"\\\n世界"})
        found = self.ask("query_exemplars", query=requests, start=0, end=time.time() + 60)
        return [exemplar["labels"] for series in found for exemplar in series["exemplars"]]

    def test_text_is_scraped(self):
        self.begin()
        self.assertEqual(self.assert_scraped(False), [])

    def test_open_metrics_is_scraped_with_exemplars(self):
        self.begin(enable_open_metrics=True)
        self.assertEqual(self.assert_scraped(False), [{"trace_id": f"{0xABC:032x}", "span_id": f"{0xDEF:016x}"}])

    def test_names_in_utf8_are_scraped(self):
        self.begin(enable_open_metrics=True, translation_strategy="NoUTF8EscapingWithSuffixes")
        self.assertEqual(len(self.assert_scraped(True)), 1)

    def test_promtool_finds_nothing_wrong(self):
        self.begin()
        with urllib.request.urlopen(f"http://{self.port}/metrics", timeout=5) as answer:
            page = answer.read()
        check = subprocess.run([self.promtool, "check", "metrics"], input=page, capture_output=True)
        self.assertEqual((check.returncode, check.stdout, check.stderr), (0, b"", b""))


if __name__ == "__main__":
    unittest.main()
