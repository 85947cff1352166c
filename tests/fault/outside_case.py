"""What lies outside stands still: names, disks, pipes. A probe asks /ready all the time and keeps the longest that it had
to wait for an answer, which is about the longest that the loop stood."""

import http.client
import os
import pathlib
import shlex
import subprocess
import tempfile
import threading
import time

from harness.case import OutsideInCase
from harness.process import wait_until

STALL_SOURCE = pathlib.Path(__file__).parents[1] / "harness" / "stall.c"
LONGEST_WAIT = 1.0  # seconds: a loop that stands for what is outside stands for longer; the rest is sanitizers and load
_library = None


def stall_library():
    """tests/harness/stall.c, compiled once a run."""
    global _library
    if _library is None:
        _library = tempfile.NamedTemporaryFile(prefix="weft-stall-", suffix=".so")
        compiler = shlex.split(os.environ.get("CC", "cc"))
        subprocess.run([*compiler, "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", _library.name, STALL_SOURCE], check=True)
    return _library.name


def stalling(**variables):
    """The environment for a program whose outside stalls as tests/harness/stall.c says."""
    return {"LD_PRELOAD": stall_library(), "ASAN_OPTIONS": "verify_asan_link_order=0", **variables}


class Probe:
    """Asks /ready about fifty times a second."""

    def __init__(self, admin):
        self.admin = admin
        self.longest = 0.0
        self.answers = 0
        self.failures = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._thread.join(timeout=20)

    def _ask(self):
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                connection = http.client.HTTPConnection(self.admin, timeout=10)
                connection.request("GET", "/ready")
                connection.getresponse().read()
                connection.close()
                self.answers += 1
            except OSError as error:
                self.failures.append(repr(error))
            self.longest = max(self.longest, time.monotonic() - started)
            self._stopping.wait(0.02)


class OutsideCase(OutsideInCase):
    def assert_never_stood(self, probe, what):
        print(f"  {what}: the longest that /ready took is {probe.longest:.3f} s of {probe.answers} answers", flush=True)
        self.assertEqual(probe.failures, [])
        self.assertGreater(probe.answers, 5)
        self.assertLess(probe.longest, LONGEST_WAIT, f"{what} held the loop")

    def reload(self, program, event='"agent.reloaded"'):
        done = program.process.log_text().count(event)
        program.reload()
        self.assertTrue(wait_until(lambda: program.process.log_text().count(event) > done, 20.0),
                        "the reload did not end:\n" + program.process.log_tail())
