"""weft ottl --condition says of which records of a request a condition is true, and why it fails."""

import json
import subprocess

from harness.case import OutsideInCase, only_weft
from harness.places import program_under_test

SPANS = {"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "a", "events": [{"name": "e"}, {"name": "f"}]}, {"name": "b", "kind": 2}]}]}]}
METRICS = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "m", "gauge": {"dataPoints": [{"asInt": "1"}, {"asInt": "7"}]}}]}]}]}


@only_weft("the Collector has no such command")
class OttlCondition(OutsideInCase):
    def ask(self, *arguments, requests=(SPANS,)):
        return subprocess.run([program_under_test(), "ottl", *arguments], capture_output=True, text=True, timeout=30,
                              input="".join(json.dumps(request) + "\n" for request in requests))

    def answers(self, *arguments, requests=(SPANS,)):
        done = self.ask(*arguments, requests=requests)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return [line.strip() for line in done.stdout.splitlines() if line.startswith("  ")]

    def test_each_record_is_asked(self):
        self.assertEqual(self.answers("--condition", 'name == "b"'), ["span[0] false", "span[1] true"])
        self.assertEqual(self.answers("--condition", 'spanevent.name == "f"'), ["spanevent[0] false", "spanevent[1] true"])
        self.assertEqual(self.answers("--condition", "value_int > 5", "--context", "datapoint", requests=[METRICS]),
                         ["datapoint[0] false", "datapoint[1] true"])
        self.assertEqual(self.answers("--condition", 'resource.attributes["x"] == nil'), ["resource[0] true"])

    def test_what_fails_says_why(self):
        self.assertEqual(self.answers("--condition", "Len(kind) == 1")[0], "span[0] fails: Len: an int has no length")

    def test_what_is_wrong_says_where(self):
        done = self.ask("--condition", "nam == 1")
        self.assertEqual(done.returncode, 2)
        self.assertIn("line 1 column 1: unknown path nam", done.stderr)
        self.assertEqual(self.ask("--condition", "true", "--context", "log").returncode, 1)
        self.assertEqual(self.ask("--condition", "true", "set(name, 1)").returncode, 2)
