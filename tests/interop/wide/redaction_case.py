"""What the differentials of redaction share: the Collector's redactionprocessor as a filter (redaction/main.go), weft's as
`weft redact`, and where the two part on purpose."""

import dataclasses
import json
import pathlib
import subprocess

from go_peer import go_peer
from harness.case import OutsideInCase
from harness.places import program_under_test


def comparable(node):
    """Without what JSON may leave out, and maps in no order: the Collector moves members where it removes one."""
    if isinstance(node, list):
        return [comparable(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {}
    for key, value in node.items():
        if key == "attributes" or key == "kvlistValue":
            members = value if key == "attributes" else value.get("values", [])
            made[key] = sorted(json.dumps(comparable(member), sort_keys=True) for member in members)
        else:
            made[key] = float(value) if key == "doubleValue" else str(value) if key == "intValue" else comparable(value)
    return {key: value for key, value in made.items() if key.endswith("Value") or value not in ({}, [], "", 0, None)}


@dataclasses.dataclass
class Deviation:
    why: str
    config: dict
    value: dict  # of an attribute
    collector: dict
    weft: dict
    system: str = ""  # of a database, beside it


def text(value):
    return {"stringValue": value}


GROUP = 5  # configs a test, so that each stays within the time of one with 5,000 requests a config, too


def for_each_group(configs):
    """A class decorator: its generated(first seed's number) becomes a test for each five of so many configs."""
    def decorate(case):
        for group in range(configs // GROUP):
            def test(self, group=group):
                self.generated(group)
            setattr(case, f"test_generated_requests_come_out_the_same_{group}", test)
        return case
    return decorate


class RedactionCase(OutsideInCase):
    @classmethod
    def setUpClass(cls):
        cls.peer = go_peer("redaction")

    def by_collector(self, config, requests):
        jobs = "".join(json.dumps({"config": config, "signal": signal, "request": request}) + "\n" for signal, request in requests)
        done = subprocess.run([self.peer], input=jobs, capture_output=True, text=True, timeout=600, check=True)
        return [json.loads(line) for line in done.stdout.split("\n")[:-1]]

    def run_weft(self, config, requests):
        path = f"{self.temporary_directory()}/redact.yaml"
        pipeline = {"receivers": ["otlp"], "processors": ["redaction"], "exporters": ["debug"]}
        whole = {"receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "127.0.0.1:0"}}}}, "processors": {"redaction": config},
                 "exporters": {"debug": {}},
                 "service": {"pipelines": {signal: pipeline for signal in ("traces", "logs", "metrics")}}}
        pathlib.Path(path).write_text(json.dumps(whole), encoding="utf-8")
        lines = "".join(json.dumps(request) + "\n" for _, request in requests)
        return subprocess.run([program_under_test(), "redact", "--config", path], input=lines, capture_output=True, text=True,
                              timeout=600)

    def by_weft(self, config, requests):
        done = self.run_weft(config, requests)
        self.assertEqual((done.returncode, done.stderr), (0, ""), config)
        return [json.loads(line.removeprefix("after  ")) for line in done.stdout.split("\n") if line.startswith("after  ")]

    def check_generated(self, source, request_count):
        """Of the source's next configs: how many requests were changed at all."""
        changed = 0
        for _ in range(GROUP):
            config = source.config()
            requests = [source.request() for _ in range(request_count)]
            collector, weft = self.by_collector(config, requests), self.by_weft(config, requests)
            self.assertEqual((len(collector), len(weft)), (request_count, request_count), config)
            for (_, request), theirs, ours in zip(requests, collector, weft):
                self.assertEqual(comparable(theirs), comparable(ours), f"{config}\n{json.dumps(request)}")
                changed += comparable(ours) != comparable(request)
        return changed / (GROUP * request_count)

    def check_deviations(self, rows):
        for row in rows:
            with self.subTest(row.why):
                config = {"allow_all_keys": True, **row.config}
                attributes = [{"key": "a", "value": row.value}, {"key": "db.system", "value": text(row.system)}]
                request = {"resourceSpans": [{"scopeSpans": [{"spans": [{"attributes": attributes}]}]}]}
                for wanted, done in ((row.collector, self.by_collector), (row.weft, self.by_weft)):
                    span = done(config, [("traces", request)])[0]["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
                    self.assertEqual(span["attributes"][0]["value"], wanted)
