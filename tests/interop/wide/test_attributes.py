"""The processors attributes and resource beside the Collector's: the same configs and requests, and exactly the same output.

Its code runs as a filter (attributes/main.go). 40 configs of a fixed seed meet 1,000 generated requests each (WEFT_REQUESTS:
another number); those of a signal travel as the resources of one request. Where the two part on purpose is a row of DEVIATIONS.
"""

import dataclasses
import difflib
import http.client
import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from attributes_generate import Source
from go_peer import go_peer
from harness import config as configs
from harness.case import OutsideInCase
from harness.places import program_under_test
from harness.process import free_port
from json_generate import METHODS, message_class
from json_parties import JSON, to_tree

SEED = int(os.environ.get("WEFT_SEED", "20261129"))
CONFIGS = 40
REQUESTS = int(os.environ.get("WEFT_REQUESTS", "1000"))
ITEMS = {"traces": "resourceSpans", "logs": "resourceLogs", "metrics": "resourceMetrics"}


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
            made[key] = repr(float(value)) if key == "doubleValue" else str(value) if key == "intValue" else comparable(value)
    return {key: value for key, value in made.items() if key.endswith("Value") or value not in ({}, [], "", 0, "0", None)}


def lines_of(tree):
    return json.dumps(tree, indent=1, sort_keys=True).split("\n")


@dataclasses.dataclass
class Deviation:
    why: str
    config: dict
    attributes: list  # of a span
    collector: list
    weft: list


def texts(**values):
    return [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]


def twice(key, *values):
    return [attribute for value in values for attribute in texts(**{key: value})]


DEVIATIONS = [
    Deviation("a key that stands twice: weft leaves the others in their order, the Collector moves the last one up",
              {"actions": [{"key": "x", "action": "delete"}, {"key": "a", "action": "update", "value": "new"}]},
              [*texts(x="1"), *twice("a", "first", "second")], [*twice("a", "new", "first")], [*twice("a", "new", "second")]),
]

# What both refuse.
REFUSED = [
    {"actions": []},
    {"actions": [{"key": "a"}]},
    {"actions": [{"key": "a", "action": "remove"}]},
    {"actions": [{"action": "insert", "value": 1}]},
    {"actions": [{"action": "delete"}]},
    {"actions": [{"key": "a", "action": "insert"}]},
    {"actions": [{"key": "a", "action": "insert", "value": 1, "from_attribute": "b"}]},
    {"actions": [{"key": "a", "action": "insert", "value": 1, "pattern": "b"}]},
    {"actions": [{"key": "a", "action": "update", "value": 1, "converted_type": "int"}]},
    {"actions": [{"key": "a", "action": "hash", "value": 1}]},
    {"actions": [{"key": "a", "action": "delete", "from_attribute": "b"}]},
    {"actions": [{"key": "a", "action": "delete", "pattern": "("}]},
    {"actions": [{"key": "a", "action": "extract"}]},
    {"actions": [{"key": "a", "action": "extract", "pattern": "a"}]},
    {"actions": [{"key": "a", "action": "extract", "pattern": "(?P<x>a)(b)"}]},
    {"actions": [{"key": "a", "action": "extract", "pattern": "(?P<x>a)", "value": 1}]},
    {"actions": [{"key": "a", "action": "convert"}]},
    {"actions": [{"key": "a", "action": "convert", "converted_type": "float"}]},
    {"actions": [{"key": "a", "action": "convert", "converted_type": "int", "pattern": "b"}]},
]
DELETE = {"actions": [{"key": "a", "action": "delete"}]}
REFUSED_BLOCKS = [
    {},
    {"match_type": "strict"},
    {"services": ["a"]},
    {"match_type": "glob", "services": ["a"]},
    {"match_type": "strict", "services": [], "span_names": []},
    {"match_type": "regexp", "span_names": ["("]},
    {"match_type": "regexp", "attributes": [{"key": "a", "value": 1}]},
    {"match_type": "regexp", "libraries": [{"name": "a", "version": "("}]},
    {"match_type": "strict", "attributes": [{"key": ""}]},
    {"match_type": "strict", "span_kinds": ["SERVER"]},
    {"match_type": "strict", "span_names": ["a"], "log_bodies": ["b"]},
    {"match_type": "strict", "span_names": ["a"], "log_severity_texts": ["b"]},
    {"match_type": "strict", "span_names": ["a"], "log_severity_number": {"min": 1}},
    {"match_type": "strict", "span_names": ["a"], "metric_names": ["b"]},
]
# And what both take.
TAKEN = [
    DELETE | {"include": {"attributes": [{"key": "a"}]}},
    DELETE | {"include": {"resources": [{"key": "a"}]}},
    DELETE | {"exclude": {"match_type": "strict", "attributes": [{"key": "a", "value": [1, {"b": True}]}]}},
    {"actions": [{"key": "a", "action": "hash", "pattern": "b"}]},
    {"actions": [{"key": "a", "action": "insert", "default_value": 1}]},
]


class Weft:
    """weft with a processor of each signal: posted is asked for its answer when the backend has what came out."""

    def __init__(self, case, processor, by_signal, **receiver):
        self.backend = case.backend()
        address = f"127.0.0.1:{free_port()}"
        exporters = {"otlp_grpc": configs.otlp_exporter(self.backend.address, sending_queue={"wait_for_result": True})}
        config = configs.for_every_signal(configs.pipeline(None, exporters, receiver=configs.otlp_http_receiver(address, **receiver)))
        for signal, settings in by_signal.items():
            config["processors"][f"{processor}/{signal}"] = settings
            config["service"]["pipelines"][signal]["processors"] = [f"{processor}/{signal}"]
        case.start_program(config, [address])
        self.connection = http.client.HTTPConnection(address, timeout=60)
        case.addCleanup(self.connection.close)

    def send(self, signal, request, fields=()):
        path = f"/v1/{signal}"
        body = json.dumps(request)
        self.connection.putrequest("POST", path)
        for name, value in [("Content-Type", JSON), ("Content-Length", str(len(body))), *fields]:
            self.connection.putheader(name, value)
        self.connection.endheaders(body.encode())
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status == 200, text
        body, = self.backend.bodies(METHODS[path])
        return to_tree(message_class(path).FromString(body))


class Attributes(OutsideInCase):
    @classmethod
    def setUpClass(cls):
        cls.peer = go_peer("attributes")

    def by_collector(self, processor, jobs, metadata=None):
        """jobs: (config, signal, request)"""
        lines = "".join(json.dumps({"processor": processor, "config": configs.text(config), "signal": signal,
                                    "request": request, "metadata": metadata}) + "\n"
                        for config, signal, request in jobs)
        done = subprocess.run([self.peer], input=lines, capture_output=True, text=True, timeout=600, check=True)
        answers = [json.loads(line) for line in done.stdout.split("\n")[:-1]]
        self.assertEqual(len(answers), len(jobs), done.stderr)
        return answers

    def check(self, processor, by_signal, requests):
        """How many of the resources something was done to."""
        changed = 0
        collector = self.by_collector(processor, [(by_signal[signal], signal, requests[signal]) for signal in requests])
        weft = Weft(self, processor, by_signal)
        for theirs, (signal, request) in zip(collector, requests.items()):
            items = ITEMS[signal]
            self.assertIn(items, theirs, by_signal[signal])
            ours = weft.send(signal, request)[items]
            self.assertEqual((len(theirs[items]), len(ours)), (len(request[items]),) * 2)
            for before, left, right in zip(request[items], theirs[items], ours):
                wanted, made = comparable(left), comparable(right)
                if wanted != made:
                    differences = difflib.unified_diff(lines_of(wanted), lines_of(made), "Collector", "weft", n=1, lineterm="")
                    self.fail("\n".join([configs.text(by_signal[signal]), json.dumps(before), *differences]))
                changed += made != comparable(before)
        return changed

    def test_generated_requests_come_out_the_same(self):
        settings, source = Source(f"{SEED} configs"), Source(f"{SEED} requests")
        changed = 0
        for number in range(CONFIGS):
            processor = "resource" if number % 4 == 3 else "attributes"
            by_signal = {signal: settings.config(processor, signal) for signal in ITEMS}
            counts = {"traces": REQUESTS // 2, "logs": REQUESTS // 4, "metrics": REQUESTS - REQUESTS // 2 - REQUESTS // 4}
            requests = {signal: {ITEMS[signal]: [source.item(signal) for _ in range(counts[signal])]} for signal in ITEMS}
            with self.subTest(number):
                changed += self.check(processor, by_signal, requests)
        self.assertGreater(changed, CONFIGS * REQUESTS // 3, "hardly anything was edited")

    def test_deviations_are_as_they_are_written_down(self):
        for row in DEVIATIONS:
            with self.subTest(row.why):
                request = {"resourceSpans": [{"scopeSpans": [{"spans": [{"attributes": row.attributes}]}]}]}
                theirs = self.by_collector("attributes", [(row.config, "traces", request)])[0]
                ours = Weft(self, "attributes", {"traces": row.config}).send("traces", request)
                for wanted, tree in ((row.collector, theirs), (row.weft, ours)):
                    self.assertEqual(tree["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"], wanted)

    def test_values_of_the_request_are_the_same(self):
        sources = ["metadata.x-tenant", "metadata.X-Twice", "x-tenant", "metadata.x-none", "metadata.x-empty", "metadata."]
        actions = [{"key": f"k{number}", "action": "upsert", "from_context": source} for number, source in enumerate(sources)]
        actions.append({"key": "default", "action": "insert", "from_context": "metadata.x-none", "default_value": 7})
        fields = [("X-Tenant", "a b"), ("x-twice", "1"), ("X-TWICE", "2"), ("x-empty", "")]
        metadata = {"x-tenant": ["a b"], "x-twice": ["1", "2"], "x-empty": [""]}
        for processor, key in (("attributes", "actions"), ("resource", "attributes")):
            with self.subTest(processor):
                request = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"attributes": texts(k0="old")}]}]}]}
                theirs = self.by_collector(processor, [({key: actions}, "logs", request)], metadata)[0]
                ours = Weft(self, processor, {"logs": {key: actions}}, include_metadata=True).send("logs", request, fields)
                self.assertEqual(comparable(theirs), comparable(ours))
                self.assertIn("1;2", json.dumps(ours))

    def verdicts(self, config):
        """(the Collector's, weft's): whether they take it for traces."""
        theirs = self.by_collector("attributes", [(config, "traces", {"resourceSpans": [{}]})])[0]
        exporters = {"otlp_grpc": configs.otlp_exporter("127.0.0.1:1")}
        whole = configs.pipeline("127.0.0.1:0", exporters, {"attributes": config})
        path = f"{self.temporary_directory()}/config.yaml"
        pathlib.Path(path).write_text(configs.text(whole), encoding="utf-8")
        done = subprocess.run([program_under_test(), "validate", "--config", path], capture_output=True, text=True, timeout=60)
        return "error" not in theirs, done.returncode == 0

    def test_both_take_and_refuse_the_same_configs(self):
        for config in REFUSED + [DELETE | {"exclude": block} for block in REFUSED_BLOCKS]:
            with self.subTest(config):
                self.assertEqual(self.verdicts(config), (False, False))
        for config in TAKEN:
            with self.subTest(config):
                self.assertEqual(self.verdicts(config), (True, True))


if __name__ == "__main__":
    unittest.main()
