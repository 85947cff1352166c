"""docs/conventions.md with its API: the page's Rust, built with tracing-subscriber and tracing-opentelemetry."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "configs"))

import clients
import conventions_case


class RustApiTest(conventions_case.ConventionsCase):
    def setUp(self):
        self.api = clients.rust_api(conventions_case.code_of("rust"))

    def play_api(self, job, has_trace):
        path = self.folder / f"{job}.json"
        lines = self.run_code([self.api, job, f"req_of_{job}", path], "", OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{self.placed.grpc}",
                              OTEL_SERVICE_NAME="framecast-api")
        self.said[job].add("POST /v1/jobs")
        self.post(lines)
        messages = [json.loads(line)["fields"]["message"] for line in lines]
        self.assertEqual(messages, ["Job status changed"])
        self.said[job].update(messages)
        event = json.loads(path.read_text())
        return event, bytes.fromhex(event["data"]["_trace"]["traceparent"].split("-")[1])

    def test_all_hops_are_one_tree(self):
        self.check(has_trace=True)
