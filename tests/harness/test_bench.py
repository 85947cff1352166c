"""The bench's own rules: results of two runs do not stand side by side, and behind a sampler a trace is whole or not there."""

import json
import os
import socket
import sys
import tempfile
import unittest
from unittest import mock

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{ROOT}/bench")

import check  # noqa: E402
from runner import held, joined, programs, publish, targets  # noqa: E402


def write_result(folder, name, run):
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/{name}.json", "w") as file:
        json.dump({"run": run} if run else {}, file)
    with open(f"{folder}/{name}.md", "w") as file:
        file.write(f"# {name}\n\n" + (f"Run {run}.\n" if run else ""))


class PublishTest(unittest.TestCase):
    def setUp(self):
        work = tempfile.TemporaryDirectory()
        self.addCleanup(work.cleanup)
        self.old, self.new = f"{work.name}/old", f"{work.name}/new"

    def test_results_of_one_run_are_good_and_of_two_are_named(self):
        write_result(self.old, "floor", "a")
        write_result(self.old, "ladder", "a")
        self.assertIsNone(publish.check(self.old))
        write_result(self.old, "json", "b")
        self.assertIn("run b: json.json, json.md", publish.check(self.old))

    def test_results_without_an_id_are_one_run_of_their_own(self):
        write_result(self.old, "floor", None)
        write_result(self.old, "ladder", None)
        self.assertIsNone(publish.check(self.old))
        write_result(self.old, "json", "b")
        self.assertIn("run (none)", publish.check(self.old))

    def test_a_run_takes_the_place_of_the_one_before(self):
        write_result(self.old, "floor", "a")
        write_result(self.new, "ladder", "b")
        publish.publish(self.new, self.old)
        self.assertEqual(sorted(os.listdir(self.old)), ["ladder.json", "ladder.md"])

    def test_only_a_whole_run_is_published(self):
        with self.assertRaises(SystemExit):
            publish.folder_of(f"{publish.PUBLISHED}/", False, "a")
        self.assertNotEqual(publish.folder_of(None, False, "a"), publish.PUBLISHED)


class SampledTest(unittest.TestCase):
    """Four spans were acknowledged; the first two, of one trace, are to be kept."""

    def faults_of(self, seen):
        with tempfile.TemporaryDirectory() as work:
            files = []
            for name, bits in (("acknowledged", 0b1111), ("seen", seen), ("kept", 0b0011)):
                files.append(f"{work}/{name}")
                with open(files[-1], "wb") as file:
                    file.write(bytes([bits]))
            books = {"received": seen.bit_count(), "unknown": 0, "malformed_requests": 0, "hash": "h", "tree_hash": "t"}
            sent = {"acknowledged": 4, "sent": 4, "hash": "h", "tree_hash": "t"}
            return check.verify_sampled(sent, books, files, True)[1]

    def test_kept_and_nothing_else_is_good(self):
        self.assertEqual(self.faults_of(0b0011), [])

    def test_half_a_kept_trace_is_a_fault(self):
        self.assertIn("1 acknowledged spans are missing at the sink", self.faults_of(0b0001))

    def test_a_span_of_a_dropped_trace_is_a_fault(self):
        self.assertIn("1 spans of traces that are dropped arrived", self.faults_of(0b0111))


class PortTest(unittest.TestCase):
    def test_a_port_that_another_has_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            address = "127.0.0.1:%d" % other.getsockname()[1]
            with self.assertRaisesRegex(RuntimeError, f"{address} is taken"):
                programs.demand_free([address])
        programs.demand_free([address])


class TargetTest(unittest.TestCase):
    def test_a_value_is_held_against_the_wire(self):
        target = {"sut": "x", "key": "bytes", "at_most_value": "1.15 x wire + 48"}
        for value, verdict in ((162, "met"), (164, "MISSED")):
            rounds = [[{"sut": "x", "bytes": value, "plain_bytes_per_span": 100}]]
            self.assertEqual(targets.judge([target], "all", rounds, "cpu")[0]["verdict"], verdict)


class JoinedTest(unittest.TestCase):
    """A span costs 1 us, a line 0.25; the join adds half to each."""

    def measure(self, name, factor):
        def measure_held(sut, variant, *_):
            lines = variant["rate"] / 100 - 1
            return {"sut": sut.name, "cpu_us_per_span": factor * (1 + lines * 0.25) / (1 + lines), "steal": 0, "foreign": 0,
                    "is_stopped_cleanly": True, "faults": ["lost"] if lines else []}

        sut = mock.Mock(description={"holds": "join"})
        sut.name = name
        variant = {"rate": 100, "logs_per_span": 5, "logs": "x", "traces_per_job": 4}
        with mock.patch.object(held, "measure_held", measure_held):
            return joined.measure_joined(sut, variant, "", None)

    def test_what_a_line_adds_is_between_four_runs(self):
        measured = [self.measure("a", 1), self.measure("b", 1.5)]
        held.note_what_is_added(measured, {"b": "a"})
        self.assertAlmostEqual(measured[0]["cpu_us_per_log"], 0.25)
        self.assertAlmostEqual(measured[1]["adds_us_per_log"], 0.125)
        self.assertAlmostEqual(measured[1]["adds_us_per_span"], 0.5)

    def test_a_fault_of_either_run_is_one(self):
        self.assertEqual(self.measure("a", 1)["faults"], ["with logs: lost"])


if __name__ == "__main__":
    unittest.main()
