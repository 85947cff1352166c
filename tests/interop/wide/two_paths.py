"""The base of the wide tests: a client plays its script once straight into a real Collector and once with weft between; what
the Collector's file exporter writes must be the same, in all three signals.

What differs between two plays is taken out first. A time that lies within the play is one that the client took: it only
has to lie there. Random ids (telemetrygen) are counted anew in an order that the spans themselves give.
"""

import json
import pathlib
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness import compare
from harness import config as configs
from harness.case import OutsideInCase
from harness.process import free_port
from clients import Doors
from test_collector import collector_binary

MARGIN_NS = 1_000_000_000


def with_times_taken_out(value, first_ns, last_ns):
    if isinstance(value, list):
        return [with_times_taken_out(item, first_ns, last_ns) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: "within the play" if re.search("[uU]nixNano$", key) and first_ns <= int(item) <= last_ns
            else with_times_taken_out(item, first_ns, last_ns) for key, item in value.items()}


def with_ids_renumbered(documents):
    """Traces are counted by when they begin, the spans of a trace by when they begin and by name."""
    spans = [record["traces"] for record in compare.records_of(documents, "traces")]
    begins = {}
    for span in spans:
        begins[span["traceId"]] = min(begins.get(span["traceId"], 2**64), int(span["startTimeUnixNano"]))
    spans.sort(key=lambda span: (begins[span["traceId"]], span["traceId"], int(span["startTimeUnixNano"]), span["name"]))
    numbers = {}
    for span in spans:
        for identity in (span["traceId"], span["spanId"]):
            numbers.setdefault(identity, f"{len(numbers) + 1:0{len(identity)}x}")

    def renumbered(value):
        if isinstance(value, list):
            return [renumbered(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {key: numbers.get(item, item) if key in ("traceId", "spanId", "parentSpanId") else renumbered(item)
                for key, item in value.items()}
    return renumbered(documents)


class TwoPathsCase(OutsideInCase):
    has_random_ids = False

    @classmethod
    def setUpClass(cls):
        cls.collector = collector_binary()

    def new_doors(self):
        return Doors(f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}")

    def start_link(self, exporters, processors=None, program=None):
        """weft, or the given Collector, with both doors open and a pipeline for each signal; (its doors, the program)."""
        doors = self.new_doors()
        protocols = {**configs.otlp_receiver(doors.grpc)["protocols"], **configs.otlp_http_receiver(doors.http)["protocols"]}
        config = configs.for_every_signal(configs.pipeline(None, exporters, processors, {"protocols": protocols}))
        return doors, self.start_program(config, doors, program=program, stand_in=True if program else None)

    def written(self, play, links):
        """What the last Collector wrote. links: for each program before it, the first last, what makes its start_link
        settings of the doors behind it. Each is stopped in turn: so it delivers what it holds."""
        path = pathlib.Path(self.temporary_directory()) / "requests.json"
        doors, program = self.start_link({"file": {"path": str(path)}}, program=self.collector)
        programs = [program]
        for link in links:
            doors, program = self.start_link(**link(doors))
            programs.append(program)
        first_ns = time.time_ns() - MARGIN_NS
        play(doors)
        last_ns = time.time_ns() + MARGIN_NS
        for program in reversed(programs):
            program.stop()
        documents = [json.loads(line) for line in path.read_text().splitlines()]
        if self.has_random_ids:
            documents = with_ids_renumbered(documents)
        return with_times_taken_out(documents, first_ns, last_ns)

    def assert_counts(self, documents, counts):
        found = {signal: len(list(compare.records_of(documents, signal))) for signal in compare.SIGNALS}
        self.assertEqual(found, counts, "the client itself is not what the test thinks")

    def assert_same(self, expected, actual):
        for signal in compare.SIGNALS:
            lines = compare.document_differences(expected, actual, signal)
            self.assertEqual(lines[:20], [], f"{len(lines)} differences in {signal} between what went in and what came out")


def through_weft(compression, exporter="otlp", processors=None, **settings):
    """weft, sending to the doors behind it; over HTTP with exporter="otlp_http"."""
    def link(doors):
        target = doors.grpc if exporter == "otlp" else f"http://{doors.http}"
        return {"exporters": {exporter: configs.otlp_exporter(target, compression=compression, **settings)}, "processors": processors}
    return link
