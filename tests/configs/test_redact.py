"""weft redact shows what the redactions of a config make of requests: before, after, and each mask with its rule."""

import json
import subprocess
import unittest

from harness.case import OutsideInCase, only_weft
from harness.places import program_under_test

CONFIG = """\
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}}
processors:
  redaction:
    allow_all_keys: true
    scope: all
    blocked_key_patterns: [secret]
    blocked_values: ['order-[0-9]+']
    rules: [{detector: email, tokenize: true}]
    token_key: "01234567890123456789012345678901"
    detectors: [ipv4]
  redaction/last: {allowed_keys: [a, b]}
  batch: {}
exporters: {debug: {}}
service:
  pipelines:
    traces: {receivers: [otlp], processors: [batch], exporters: [debug]}
    traces/two: {receivers: [otlp], processors: [redaction, batch, redaction/last], exporters: [debug]}
    logs: {receivers: [otlp], processors: [redaction], exporters: [debug]}
    metrics: {receivers: [otlp], processors: [batch], exporters: [debug]}
"""


def text(value):
    return {"stringValue": value}


def spans(*spans):
    return {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}


def span(name, **attributes):
    return {"name": name, "attributes": [{"key": key, "value": text(value)} for key, value in attributes.items()]}


@only_weft("the Collector has no such command")
class Redact(OutsideInCase):
    def redact(self, *lines, arguments=(), config=CONFIG):
        path = self.temporary_directory() + "/redact.yaml"
        with open(path, "w", encoding="utf-8") as file:
            file.write(config)
        return subprocess.run([program_under_test(), "redact", "--config", path, *arguments], capture_output=True,
                              text=True, timeout=30, input="".join(f"{line}\n" for line in lines))

    def test_before_after_and_each_mask_with_its_rule(self):
        came = spans(span("to 10.0.0.1", a="order-17 of ann@example.com", secret="x", b="kept"), span("plain", c="gone"))
        done = self.redact(json.dumps(came))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        before, after, *masks = done.stdout.splitlines()
        self.assertEqual(json.loads(before.removeprefix("before ")), came)
        left = json.loads(after.removeprefix("after  "))["resourceSpans"][0]["scopeSpans"][0]["spans"]
        token = "tok_182adc52589d4857ad949d04"
        self.assertEqual(left, [span("to ****", a=f"**** of {token}", b="kept"), {"name": "plain"}])
        self.assertEqual(masks, [
            "  by redaction:",
            '       span[0] masked "name" by detector ipv4',
            '       span[0] masked "a" by blocked_values[0], rules[0]',
            '       span[0] masked "secret" by blocked_key_patterns',
            "  by redaction/last:",
            '       span[0] removed "secret" by allowed_keys',
            '       span[1] removed "c" by allowed_keys',
        ])

    def test_log_bodies_are_told_by_their_paths(self):
        body = {"kvlistValue": {"values": [{"key": "to", "value": {"arrayValue": {"values": [text("10.0.0.1")]}}}]}}
        done = self.redact(json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": body}]}]}]}))
        self.assertIn('log[0] masked "to.[0]" by detector ipv4', done.stdout)

    def test_sanitizers_and_what_was_encoded_are_named(self):
        config = CONFIG.replace("    blocked_key_patterns", "    url_sanitizer: {enabled: true, attributes: [url.path]}\n"
                                "    db_sanitizer: {sql: {enabled: true, attributes: [db.query.text]}}\n    blocked_key_patterns")
        came = span("GET /users/17", **{"url.path": "/users/17", "db.query.text": "SELECT 17", "db.system.name": "sqlite",
                                        "q": "ip=10%2E0.0.1&x"})
        done = self.redact(json.dumps(spans(came | {"kind": 3})), config=config, arguments=["--pipeline", "traces/two"])
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        masks = [line.strip() for line in done.stdout.splitlines() if " masked " in line]
        self.assertEqual(masks, ['span[0] masked "url.path" by url_sanitizer', 'span[0] masked "db.query.text" by db_sanitizer.sql',
                                 'span[0] masked "q" by detector ipv4', 'span[0] masked "name" by url_sanitizer'])

    def test_what_is_no_request_is_told_by_its_line_and_the_rest_goes_on(self):
        done = self.redact("{}", '{"resourceSpans": 1}', "", json.dumps({"resourceMetrics": []}), json.dumps(spans(span("x"))))
        self.assertEqual(done.returncode, 1)
        errors = done.stderr.splitlines()
        self.assertEqual([error.split(":")[0] for error in errors], ["input line 1", "input line 2", "input line 4"])
        self.assertIn("no pipeline of metrics has a redaction", errors[2])
        self.assertIn('after  {"resourceSpans"', done.stdout)

    def test_a_pipeline_may_be_named(self):
        done = self.redact(json.dumps(spans(span("x", c="1"))), arguments=["--pipeline", "traces"])
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stdout.count("removed"), 0)
        self.assertEqual(self.redact(arguments=["--pipe"]).returncode, 2)


if __name__ == "__main__":
    unittest.main()
