"""Values of 4 MiB that were written to keep a `transform` busy, and small ones by the thousand: each statement ends soon, with a result or as
one that failed, a batch takes as many turns of the loop as it needs, and the worker goes on with what others send."""

import pathlib
import re
import sys
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from attack_case import is_sanitized
from harness import config as configs
from harness import otlp, wire
from harness.backend import Backend
from harness.case import OutsideInCase, only_weft
from harness.client import Client, Outcome
from harness.process import free_port

BYTES = 100_000 if is_sanitized() else 4_190_000  # with the rest of its request within 4 MiB
LONGEST_TICK = 0.5  # seconds, of a loaded machine: what a request of 4 MiB takes besides its turns of 3 ms
SPANS = 3000  # each takes the pattern a good part of a millisecond
STATEMENTS = [
    r'replace_pattern(span.attributes["v"], "(a*)(a*)b", "x")',
    r'set(span.attributes["matches"], IsMatch(span.attributes["v"], "(a|aa)+$"))',
    r'replace_pattern(span.attributes["v"], "\\d{3}-\\d{4}", "x")',
    r'set(span.attributes["json"], Len(ParseJSON(span.attributes["v"])))',
    r'set(span.attributes["pairs"], Len(ParseKeyValue(span.attributes["v"])))',
    r'set(span.attributes["split"], Len(Split(span.attributes["v"], ",")))',
    r'set(span.attributes["sorted"], Len(Sort(Split(span.attributes["v"], ","))))',
    r'set(span.attributes["map"], Len(SliceToMap(Split(span.attributes["v"], ","))))',
    r'set(span.attributes["quoted"], Len(Format("%q", [span.attributes["v"]])))',
]
VALUES = {
    "one letter": "a" * BYTES,
    "keys": "{" + ",".join(f'"{number:06d}":0' for number in range(BYTES // 11)) + "}",
    "ones": "[" + "1," * (BYTES // 2 - 1) + "1]",
    "numbers": "[" + "1.2345678901234567e-300," * (BYTES // 24 - 1) + "1]",
    "pairs": " ".join(f"k{number:06d}=v" for number in range(BYTES // 10)),
    "digits": "1" * BYTES,
}


@only_weft("it has no such limits")
class HostileValues(OutsideInCase):
    runs_alone = True

    def metric(self, name):
        with urllib.request.urlopen(f"http://{self.program.admin}/metrics", timeout=10) as answer:
            found = re.findall(rf"^{name}\S*\{{.*\}} (\S+)$", answer.read().decode(), re.MULTILINE)
        return max((float(number) for number in found), default=0.0)

    def test_a_statement_over_4_mib_does_not_stall_the_worker(self):
        sink, address = self.start(Backend()), f"127.0.0.1:{free_port()}"
        processors = {"transform": {"error_mode": "silent", "trace_statements": STATEMENTS}}
        self.program = self.start_program(configs.pipeline(address, {"otlp": configs.otlp_exporter(sink.address)}, processors),
                                          [address], workers=1)
        longest = {}
        with Client(address) as client:
            for number, (name, value) in enumerate(VALUES.items()):
                request = otlp.request([otlp.span(b"1" * 16, otlp.numbered_span_id(number), "x", values={"v": value})])
                self.assertEqual(client.export(request, seconds=60.0).outcome, Outcome.ACCEPTED, name)
                longest[name] = self.metric("weft_loop_longest_tick_seconds")
            self.assertEqual(client.export(otlp.numbered_request(100, 1)).outcome, Outcome.ACCEPTED)
        self.assertEqual(len(sink.wait_for_spans(len(VALUES) + 1)), len(VALUES) + 1)
        failed = self.metric("weft_transform_limits_met")
        self.assertGreater(self.metric("weft_transform_put_off_batches"), 0)
        print("  longest tick until then: " + ", ".join(f"{name} {1e3 * tick:.0f} ms" for name, tick in longest.items())
              + f"; {failed:.0f} statements met a limit", flush=True)
        if not is_sanitized():
            self.assertGreater(failed, len(VALUES))
            self.assertLessEqual(max(longest.values()), LONGEST_TICK)

    def test_many_small_values_take_turns_and_all_of_them_come_out(self):
        sink, address = self.start(Backend()), f"127.0.0.1:{free_port()}"
        slow = r'IsMatch(span.attributes["v"], "(a|aa)+$")'
        processors = {"filter": {"error_mode": "silent", "trace_conditions": [slow]},
                      "transform": {"error_mode": "silent", "trace_statements": [f'set(span.attributes["matches"], true) where {slow}',
                                                                                'set(span.attributes["seen"], true)']}}
        self.program = self.start_program(configs.pipeline(address, {"otlp": configs.otlp_exporter(sink.address)}, processors),
                                          [address], workers=1)
        request = otlp.request([otlp.span(b"1" * 16, otlp.numbered_span_id(number), "x", values={"v": "a" * 300 + f"{number}!"})
                                for number in range(SPANS)])
        with Client(address) as client:
            self.assertEqual(client.export(request, seconds=60.0).outcome, Outcome.ACCEPTED)
            self.assertEqual(client.export(otlp.numbered_request(SPANS, 1), seconds=60.0).outcome, Outcome.ACCEPTED)
        self.assertEqual(len(sink.wait_for_spans(SPANS + 1)), SPANS + 1)
        self.assertEqual(b"".join(sink.bodies()).count(b"seen"), SPANS + 1)
        for name in ("weft_filter_put_off_batches", "weft_transform_put_off_batches"):
            self.assertEqual(self.metric(name), 1, name)

    def test_flattening_very_many_records_takes_turns(self):
        """About as many as may be flattened, each empty: nothing but the rows that hold them."""
        sink, address = self.start(Backend()), f"127.0.0.1:{free_port()}"
        transform = {"flatten_data": True, "log_statements": ['set(resource.attributes["user"], log.attributes["user"])']}
        config = configs.pipeline(address, {"otlp": configs.otlp_exporter(sink.address)}, {"transform": transform})
        config["service"]["pipelines"]["logs"] = config["service"]["pipelines"].pop("traces")
        self.program = self.start_program(config, [address], workers=1)
        record = wire.bytes_field(2, b"")
        request = wire.bytes_field(1, wire.bytes_field(2, record * 300_000))
        with Client(address) as client:
            self.assertEqual(client.export(request, otlp.LOGS_METHOD, seconds=60.0).outcome, Outcome.ACCEPTED)
        longest = self.metric("weft_loop_longest_tick_seconds")
        print(f"  longest tick {1e3 * longest:.0f} ms", flush=True)
        if not is_sanitized():
            self.assertEqual(self.metric("weft_transform_put_off_batches"), 1)
            self.assertLessEqual(longest, LONGEST_TICK)


if __name__ == "__main__":
    unittest.main()
