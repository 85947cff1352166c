"""An attack: weft between a good client and a backend, an attacker beside them, and what must hold from outside.

The good client loses nothing and is not slowed beyond reason, memory stays bounded, the next client is served at once, and
the ledger agrees with client and sink. What an attacker sends as whole requests counts as sent without an answer.
"""

import os
import threading
import time

from fault_case import IS_FULL, seconds
from harness import config as configs
from harness import otlp
from harness.backend import Backend
from harness.books import Outside, disagreements
from harness.case import OutsideInCase
from harness.client import Client, Load, Outcome
from harness.places import program_under_test
from harness.process import free_port, wait_until

__all__ = ["AttackCase", "IS_FULL", "seconds", "MIB"]

MIB = 1 << 20
PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
SLOWEST_GOOD_CALL = 2.0  # seconds; of a loaded machine on which the attacker takes a core of two
NEXT_CALL = 1.0


def is_sanitized():
    """A build with a sanitizer keeps what was freed for a while, or a shadow of all memory: its size says little."""
    program = program_under_test().read_bytes()
    return b"__asan_init" in program or b"__tsan_init" in program


class Meter:
    """The resident bytes and the processor time of a process, sampled until stopped."""

    def __init__(self, pid):
        self.pid = pid
        self.begin_bytes = self.peak_bytes = self.resident_bytes()
        self.begin_cpu = self.cpu_seconds()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def resident_bytes(self):
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * PAGE

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def _sample(self):
        while not self._stopping.wait(0.01):
            try:
                self.peak_bytes = max(self.peak_bytes, self.resident_bytes())
            except OSError:
                return

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._thread.join(timeout=5)

    @property
    def growth_bytes(self):
        return max(0, self.peak_bytes - self.begin_bytes)


class AttackCase(OutsideInCase):
    runs_alone = True  # how long a good call took says something only if nobody else takes the machine
    grpc_settings = {}
    processors = {}
    good_senders = 2
    requests_per_second = 60

    def setUp(self):
        self.sink = self.start(Backend())
        self.address = f"127.0.0.1:{free_port()}"
        self.program = self.start_program(self.config(), [self.address])
        self.load = self.start(Load(self.address, self.good_senders, requests_per_second=self.requests_per_second))
        self.assertTrue(wait_until(lambda: self.load.count(Outcome.ACCEPTED) > 0, 5.0), "the good client never got through")
        self.meter = self.start(Meter(self.program.process.pid))

    def config(self):
        receiver = configs.otlp_receiver(self.address, **self.grpc_settings)
        return configs.pipeline(self.address, {"otlp": configs.otlp_exporter(self.sink.address)}, self.processors, receiver)

    def attacker_request(self):
        """A good request whose answer the attacker will not look at."""
        first = self.load.take_number()
        with self.load.lock:
            self.load.ranges[Outcome.LOST].append(first)
        return otlp.numbered_request(first, self.load.spans_per_request)

    def say(self, what):
        print(f"  {what}; memory +{self.meter.growth_bytes / MIB:.1f} MiB, "
              f"processor {self.meter.cpu_seconds() - self.meter.begin_cpu:.2f} s", flush=True)

    def assert_ended(self, ended, within, goaway=None):
        """goaway: codes, one of which must have come; None: any end will do."""
        self.assertTrue(ended.is_over, f"the attacker's connection is still open: {ended}")
        self.assertLessEqual(ended.seconds, within, str(ended))
        if goaway is not None:
            self.assertIn(ended.goaway, goaway, str(ended))

    def assert_next_client_is_served(self):
        started = time.monotonic()
        with Client(self.address) as client:
            first = self.load.take_number()
            reply = client.export(otlp.numbered_request(first, self.load.spans_per_request), seconds=5.0)
        taken = time.monotonic() - started
        self.assertEqual(reply.outcome, Outcome.ACCEPTED, f"{reply}")
        with self.load.lock:
            self.load.ranges[Outcome.ACCEPTED].append(first)
        self.assertLess(taken, NEXT_CALL, "the next client waited too long")

    def assert_bounded(self, growth_bytes):
        if not is_sanitized():
            self.assertLessEqual(self.meter.growth_bytes, growth_bytes,
                                 f"memory grew by {self.meter.growth_bytes / MIB:.1f} MiB")

    def assert_good_client_untouched(self, growth_bytes=64 * MIB):
        """To be called once, when the attack is over."""
        self.assertTrue(self.program.process.is_running(), "weft is gone")
        self.assert_next_client_is_served()
        attacked = self.load.count(Outcome.LOST)
        self.load.stop()
        self.assertEqual(self.load.count(Outcome.REFUSED), 0, self.load.refusals)
        self.assertEqual(self.load.refusals, {})
        self.assertLessEqual(self.load.slowest, SLOWEST_GOOD_CALL, "a good call took too long")
        self.assertTrue(wait_until(lambda: self.program.ledger().waiting == 0, 20.0), f"{self.program.ledger()}")
        outside = Outside.of(self.load, [self.sink])
        self.assertEqual(outside.missing, 0, outside)
        self.assertEqual(disagreements(self.program.ledger(is_audited=True), outside), [])
        self.assertEqual(attacked, outside.lost)
        self.assert_bounded(growth_bytes)
