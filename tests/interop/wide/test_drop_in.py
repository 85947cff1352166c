"""A config means to weft what it means to a Collector: the verdict of both on hundreds of configs, and what both send."""

import concurrent.futures
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "pipeline"))

import drop_in_cases
import requests
from harness import config as configs
from harness.case import OutsideInCase, only_weft
from harness.places import program_under_test
from harness.process import free_port, wait_until
from test_collector import collector_binary

FEWEST_CASES = 300
METRICS = requests.method_of("metrics")


class Pair:
    """A case and what both say."""

    def __init__(self, collector, case):
        self.case = case
        self.collector = drop_in_cases.Verdict(collector, case)
        self.weft = drop_in_cases.Verdict(program_under_test(), case)

    def problem(self):
        if self.case.differs is None:
            return None if self.weft.word == self.collector.word else "they disagree"
        word, is_on_purpose, _ = self.case.differs
        if self.weft.word == self.collector.word:
            return "they agree: the mark behind the case is not true any more" if is_on_purpose else None
        return None if self.weft.word == word else f"weft {self.weft.word} it; the mark says otherwise"

    def __str__(self):
        return (f"{self.case}\n  {self.problem()}\n  the Collector {self.collector.word} it: {self.collector.text[-500:]}\n"
                f"  weft {self.weft.word} it: {self.weft.text[:500]}")


@only_weft("it is compared with the reference")
class Verdicts(OutsideInCase):
    def test_both_say_the_same_of_every_config(self):
        collector, cases = collector_binary(), drop_in_cases.read_all()
        self.assertGreaterEqual(len(cases), FEWEST_CASES)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            pairs = list(pool.map(lambda case: Pair(collector, case), cases))
        found = [case for case in cases if case.differs and not case.differs[1]]
        built = [str(pair.case) for pair in pairs if pair.case in found and pair.weft.word == pair.collector.word]
        agreed = sum(pair.weft.word == pair.collector.word for pair in pairs)
        print(f"{len(pairs)} configs: {agreed} verdicts agree, {sum(bool(case.differs and case.differs[1]) for case in cases)} differ "
              f"on purpose, {len(found) - len(built)} because something is missing", flush=True)
        if built:
            print("marked as missing, and there:\n" + "\n".join(built), flush=True)
        self.assertEqual([str(pair) for pair in pairs if pair.problem()], [])


def gauges(*point_counts):
    """One gauge for each count, with so many points."""
    number = iter(range(1, 10_000))
    metrics = [{"name": f"gauge {index}", "unit": "1", "description": "a gauge", "metadata": [{"key": "source", "value": {"stringValue": "test"}}],
                "gauge": {"dataPoints": [{"timeUnixNano": next(number), "asInt": index} for _ in range(count)]}}
               for index, count in enumerate(point_counts)]
    return requests.encode("metrics", {"resourceMetrics": [{"resource": {"attributes": {"service.name": "m"}},
                                                            "scopeMetrics": [{"scope": {"name": "s"}, "metrics": metrics}]}]})


@only_weft("it is compared with the reference")
class Splits(OutsideInCase):
    """Metrics are cut between data points: both send pieces of the same sizes, and weft all that came in."""

    def sent(self, program, body, count, processors, **exporter):
        backend, address = self.backend(), f"127.0.0.1:{free_port()}"
        config = configs.pipeline(address, {"otlp": configs.otlp_exporter(backend.address, **exporter)}, processors)
        config["service"]["pipelines"] = {"metrics": config["service"]["pipelines"]["traces"]}
        self.start_program(config, [address], program=program, stand_in=True if program else None)
        self.assertEqual(self.client(address).export(body, METRICS).message, "")
        self.assertTrue(wait_until(lambda: sum(map(self.count, backend.bodies(METRICS))) >= count, 20.0))
        return backend.bodies(METRICS)

    @staticmethod
    def count(body):
        return requests.record_count("metrics", body)

    def assert_same_pieces(self, points, expected_sizes, processors=None, **exporter):
        body, collector = gauges(*points), collector_binary()
        theirs = self.sent(collector, body, sum(points), processors, **exporter)
        ours = self.sent(None, body, sum(points), processors, **exporter)
        print(f"{points}: the Collector {sorted(map(self.count, theirs))}, weft {sorted(map(self.count, ours))}", flush=True)
        self.assertEqual(sorted(map(self.count, theirs)), sorted(expected_sizes))
        self.assertEqual(sorted(map(self.count, ours)), sorted(expected_sizes))
        # The Collector's batch processor leaves out the metadata of what it has cut, so that the input is what counts.
        self.assertEqual(requests.differences("metrics", [body], ours), [])

    def test_batch_processor(self):
        batch = {"batch": {"send_batch_size": 10, "send_batch_max_size": 10, "timeout": "100ms"}}
        self.assert_same_pieces([25], [10, 10, 5], batch)
        self.assert_same_pieces([3] * 5, [10, 5], batch)
        self.assert_same_pieces([1, 30, 2, 12, 1], [10, 10, 10, 10, 6], batch)

    def test_batch_of_the_queue(self):
        queue = {"sending_queue": {"batch": {"min_size": 10, "max_size": 10, "sizer": "items", "flush_timeout": "100ms"}}}
        self.assert_same_pieces([25], [10, 10, 5], **queue)
        self.assert_same_pieces([3] * 5, [10, 5], **queue)
        self.assert_same_pieces([1, 30, 2, 12, 1], [10, 10, 10, 10, 6], **queue)

    def test_batch_of_the_queue_by_bytes(self):
        """What fits into a size is each one's own count; no piece is larger, and no point is lost."""
        largest = 400
        queue = {"sending_queue": {"batch": {"min_size": largest, "max_size": largest, "sizer": "bytes", "flush_timeout": "100ms"}}}
        body = gauges(100, 2)
        for program in (collector_binary(), None):
            bodies = self.sent(program, body, 102, None, **queue)
            self.assertLessEqual(max(map(len, bodies)), largest)
            self.assertEqual(requests.differences("metrics", [body], bodies), [])
