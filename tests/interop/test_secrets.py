"""1,000 secrets planted in spans and log lines: with `redaction` in front of `tail_sampling` none of them is at the backend,
in weft's log, in what `weft trace` and `weft drops` say, in the ledger or anywhere in the state directory."""

import json
import random
import urllib.request

from harness import asking, otlp
from harness.backend import Backend
from harness.case import OutsideInCase
from harness.client import Client
from harness.process import free_port, wait_until

SECRET_COUNT = 1000
PATTERN = "sk-[A-Za-z0-9]{24}"


class Secrets(OutsideInCase):
    def setUp(self):
        self.random = random.Random(20261128)
        self.secrets = []

    def secret(self):
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        self.secrets.append("sk-" + "".join(self.random.choices(alphabet, k=24)))
        return self.secrets[-1]

    def start_all(self):
        self.sink = self.start(Backend())
        self.otlp, self.lines = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        self.program = self.start_program({
            "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": self.otlp}}},
                          "jsonlog": {"protocols": {"http": {"endpoint": self.lines}}}},
            "processors": {
                "redaction": {"allow_all_keys": True, "blocked_values": [PATTERN], "summary": "debug"},
                "tail_sampling": {"decision_wait": "2s", "policies": [
                    {"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}]}},
            "exporters": {"otlp": {"endpoint": self.sink.address, "tls": {"insecure": True}}},
            "service": {"telemetry": {"logs": {"level": "debug"}}, "pipelines": {
                signal: {"receivers": [receiver], "processors": ["redaction", "tail_sampling"], "exporters": ["otlp"]}
                for signal, receiver in (("traces", "otlp"), ("logs", "jsonlog"))}},
        }, [self.otlp, self.lines])

    def spans_of(self, number, is_error):
        trace_id = number.to_bytes(16, "big")
        values = {"password": self.secret(), "text": f"key {self.secret()} here", "deep": {"a": [{"b": self.secret()}]}}
        status = b"\x7a\x02\x18\x02" if is_error else b""
        return otlp.span(trace_id, number.to_bytes(8, "big"), f"work {number}", values=values, extra=status)

    def line_of(self, number):
        shapes = (lambda: {"message": f"used {self.secret()}", "data": {"token": self.secret()}},
                  lambda: {"msg": "plain", "api_key": self.secret(), "list": [self.secret(), {"x": self.secret()}]},
                  lambda: f"no JSON at all: {self.secret()} trace_id={number:032x} span_id={number:016x}",
                  lambda: {"level": "error", "message": "x", "error": {"stack": f"at {self.secret()}"}})
        line = shapes[number % len(shapes)]()
        if isinstance(line, str):
            return line
        return json.dumps({"trace_id": f"{number:032x}", "span_id": f"{number:016x}", "service": "shop", **line})

    def test_none_gets_through(self):
        self.start_all()
        number = 0
        while len(self.secrets) < SECRET_COUNT:
            first, number = number, number + 20
            ids = range(first + 1, number + 1)
            with Client(self.otlp) as client:
                client.export(otlp.request([self.spans_of(each, each % 2 == 0) for each in ids],
                                           resource={"service.name": "shop", "note": self.secret()}))
            body = "\n".join(self.line_of(each) for each in ids).encode()
            with urllib.request.urlopen(urllib.request.Request(f"http://{self.lines}/", data=body, headers={
                    "content-type": "application/x-ndjson"}), timeout=10) as answer:
                self.assertEqual(answer.status, 200)
        self.said = [self.ask(each) for each in range(1, number + 1)]
        self.assertTrue(wait_until(lambda: self.program.ledger().waiting == 0, 30.0))
        self.said += [self.ask(each) for each in range(1, number + 1)]
        kept = sum(answer["verdict"] == "kept" for answer in self.said)
        dropped = sum(answer["verdict"] == "dropped" for answer in self.said)
        self.assertEqual((kept, dropped), (number // 2, number // 2))
        spans = self.sink.span_ids(lambda received: received.method == otlp.TRACES_METHOD)
        self.assertEqual(len(spans), number // 2)
        self.look_everywhere()

    def ask(self, number):
        code, answer = asking.get(self.program.state_directory / "admin.sock", f"/v1/traces/{number:032x}")
        self.assertEqual(code, 200, answer)
        return answer

    def look_everywhere(self):
        ledger = urllib.request.urlopen(f"http://{self.program.admin}/v1/ledger?format=json&audit=1", timeout=10).read()
        metrics = urllib.request.urlopen(f"http://{self.program.admin}/metrics", timeout=10).read()
        drops = asking.get(self.program.state_directory / "admin.sock", "/v1/drops")[1]
        places = {
            "the backend": b"".join(self.sink.bodies(otlp.TRACES_METHOD) + self.sink.bodies(otlp.LOGS_METHOD)),
            "weft trace": json.dumps(self.said).encode(), "weft drops": json.dumps(drops).encode(),
            "the ledger": ledger, "the metrics": metrics, "the log": self.program.process.log_text().encode(),
        }
        for path in self.program.state_directory.iterdir():
            if path.is_file():
                places[path.name] = path.read_bytes()
        for name in ("the backend", "weft trace"):
            self.assertTrue(b"****" in places[name], f"nothing is masked in {name}")
        for name, text in places.items():
            found = [secret for secret in self.secrets if secret.encode() in text]
            self.assertEqual(found[:3], [], f"{len(found)} secrets in {name}")
