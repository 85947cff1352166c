"""SIGHUP, SIGTERM and SIGKILL under load; after a restart with the same state directory the books go on."""

import json
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from fault_case import FaultCase, for_each_worker_count, seconds
from harness.backend import Answer, Backend
from harness.case import only_weft
from harness.client import Outcome
from harness.places import program_under_test
from harness.process import free_port, wait_until


class StartFaults(FaultCase):
    @only_weft("its limits are others")
    def test_too_few_descriptors_are_an_error_that_says_how_many_it_takes(self):
        """Whatever the limit: it runs, or it says so and which limit would do; and that one does."""
        self.sinks = [self.start(Backend())]
        self.address = f"127.0.0.1:{free_port()}"
        self.processors = {}
        path = pathlib.Path(self.temporary_directory()) / "config.yaml"
        path.write_text(json.dumps(self.config_to(self.sinks[0])))

        def start_with(limit):
            """What it says before it ends by itself; nothing if it runs."""
            command = f"ulimit -n {limit}; exec {program_under_test()} --config {path} --set service.workers=2"
            child = subprocess.Popen(["bash", "-c", command], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            try:
                text = child.communicate(timeout=seconds(2, 1))[1]
                self.assertEqual(child.returncode, 1, text)
                return text
            except subprocess.TimeoutExpired:
                child.terminate()
                text = child.communicate(timeout=20)[1]
                self.assertEqual(child.returncode, 0, text)
                return ""

        wanted = set()
        for limit in range(9, 40, 3):
            text = start_with(limit)
            self.assertNotIn("assert.failed", text, limit)
            wanted.update(int(number) for number in re.findall(r"must be (\d+) at least", text))
        self.assertEqual(len(wanted), 1, wanted)
        self.assertEqual(start_with(wanted.pop()), "")


@for_each_worker_count
class SignalFaults(FaultCase):
    def fault_reload_moves_to_another_backend(self):
        self.begin()
        time.sleep(seconds(3, 0.7))
        self.sinks.append(self.start(Backend()))
        self.program.write(self.config_to(self.sinks[1]))
        self.program.reload()
        self.assertTrue(wait_until(lambda: self.sinks[1].requests, 15.0), "the new backend never got anything")
        time.sleep(seconds(3, 0.7))
        self.finish(is_refusal_expected=True)
        self.assertGreater(len(self.sinks[0].requests), 0)

    @only_weft("it ends when the new file is wrong")
    def fault_reload_of_a_bad_file_changes_nothing(self):
        self.begin()
        self.program.config_path.write_text("receivers: {otlp: {protocols: {grpcc: {}}}}\n")
        time.sleep(seconds(2, 0.5))
        self.program.reload()
        time.sleep(seconds(3, 1))
        self.assertTrue(self.program.process.is_running())
        self.finish()

    @only_weft("its receiver does not listen while it starts over")
    def fault_reload_of_the_same_file_refuses_nothing(self):
        self.begin()
        for _ in range(3):
            time.sleep(seconds(1, 0.3))
            self.program.reload()
        time.sleep(seconds(2, 0.5))
        self.finish()
        self.assertEqual(self.load.count(Outcome.LOST), 0, self.load.refusals)

    @only_weft("it keeps no books over a restart")
    def fault_sigterm_drains_and_the_books_go_on(self):
        """The backend is slow, so that something waits when the signal comes."""
        self.begin(answer=lambda number, body: Answer(delay=0.05), may_be_down=True)
        time.sleep(seconds(3, 1))
        self.program.process.signal(signal.SIGTERM)
        self.assertEqual(self.program.process.wait(30), 0)
        time.sleep(0.2)
        self.program.start()
        time.sleep(seconds(3, 0.7))
        self.finish(is_loss_allowed=True, is_refusal_expected=True)

    @only_weft("it keeps no books over a restart")
    def fault_sigterm_without_load_loses_nothing(self):
        self.begin(answer=lambda number, body: Answer(delay=0.05), may_be_down=True)
        time.sleep(seconds(3, 1))
        self.load.stop()
        self.program.stop(30)
        self.program.start()
        self.finish()

    @only_weft("it keeps no books over a restart")
    def fault_sigkill_and_the_books_go_on(self):
        """At random moments, some while the backend is slow; each time it comes up again with the same books."""
        self.begin(answer=lambda number, body: Answer(delay=0.1 if number % 7 == 0 else 0.0), may_be_down=True)
        moments = random.Random(7)
        for _ in range(seconds(20, 3)):
            time.sleep(moments.uniform(0.2, 0.8))
            self.program.kill()
            self.program.start()
        time.sleep(0.5)
        ledger, outside = self.finish(is_loss_allowed=True, is_refusal_expected=True)
        self.assertEqual({reason for reason, count in ledger.dropped.items() if count} - {"crash", "unconfirmed"}, set())
        self.assertGreater(outside.distinct, 0)
