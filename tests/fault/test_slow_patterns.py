"""Patterns that a client's texts make slow, wherever a config may have one: the worker goes on, and says which it was."""

import pathlib
import sys
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness import config as configs
from harness import otlp, prometheus
from harness.case import OutsideInCase, only_weft
from harness.client import Client, Outcome
from harness.process import free_port, wait_until

SLOW = r"^(\w+\s?)*$"
TEXTS = 40000  # each takes the pattern 0.2 ms, unless something stops it
TURN_SECONDS = 2.5  # they would take 8 s one after the other


@only_weft("a linear matcher needs no limits")
class SlowPatterns(OutsideInCase):
    runs_alone = True

    def metric(self, name):
        return prometheus.total(self.program.metrics(), name)

    def expect_it_goes_on(self, counter, component=None):
        self.assertTrue(wait_until(lambda: self.metric(counter) >= TEXTS, 30.0), self.metric(counter))
        self.assertLess(self.metric("weft_loop_longest_tick_seconds"), TURN_SECONDS)
        if component is not None:
            self.assert_logged(f'"component":"{component}","pattern":"^', self.program)

    def send(self, processor, settings, body, signal="traces"):
        address = f"127.0.0.1:{free_port()}"
        config = configs.pipeline(address, {"nop": None}, {processor: settings})
        self.program = self.start_program(config, [address], workers=1)
        with Client(address) as client:
            self.assertEqual(client.export(body, seconds=60.0).outcome, Outcome.ACCEPTED)

    def spans(self):
        values = {f"k{number}": "a" * 30 + f"!{number}" for number in range(20)}
        return otlp.request([otlp.span(number.to_bytes(16, "big"), otlp.numbered_span_id(number), "x", values=values)
                             for number in range(1, TEXTS // 20 + 1)])

    def test_attributes_that_extract(self):
        actions = [{"key": f"k{number}", "action": "extract", "pattern": r"^(?P<z>(?:\w+\s?)*)$"} for number in range(20)]
        self.send("attributes", {"actions": actions}, self.spans())
        self.expect_it_goes_on("weft_attributes_limits_met", "attributes")

    def names(self):
        return otlp.request([otlp.span(b"1" * 16, otlp.numbered_span_id(number), "a" * 30 + "!") for number in range(1, TEXTS + 1)])

    def test_conditions(self):
        self.send("filter", {"spans": {"exclude": {"match_type": "regexp", "span_names": [SLOW]}}}, self.names())
        self.expect_it_goes_on("weft_filter_limits_met")
        self.assert_logged('"processor":"filter","condition":"exclude"', self.program)

    def test_attributes_that_are_included(self):
        self.send("attributes", {"include": {"match_type": "regexp", "span_names": [SLOW]},
                                 "actions": [{"key": "k", "action": "insert", "value": "1"}]}, self.names())
        self.expect_it_goes_on("weft_attributes_limits_met", "attributes")

    def test_policies(self):
        policies = [{"name": f"p{number}", "type": "string_attribute", "string_attribute": {
            "key": f"k{number}", "values": [SLOW], "enabled_regex_matching": True}} for number in range(20)]
        self.send("tail_sampling", {"decision_wait": "1s", "policies": policies}, self.spans())
        self.expect_it_goes_on("weft_join_pattern_limits_met", "tail_sampling")

    def test_operators_of_a_file(self):
        path = pathlib.Path(self.temporary_directory()) / "a.log"
        path.write_text(("a" * 30 + "!\n") * TEXTS)
        operator = {"type": "regex_parser", "regex": r"^(?P<z>(\w+\s?)*)$", "on_error": "send_quiet"}
        self.program = self.start_program({
            "receivers": {"file_log": {"include": [str(path)], "start_at": "beginning", "operators": [operator]}},
            "exporters": {"nop": None},
            "service": {"pipelines": {"logs": {"receivers": ["file_log"], "exporters": ["nop"]}}}}, [], workers=1)
        self.expect_it_goes_on("weft_file_log_pattern_limits_met", "file_log")
