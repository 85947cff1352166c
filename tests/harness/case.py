"""The base of a test here: one Backend or more, the program under test between, and what is skipped for a stand-in."""

import tempfile
import unittest

from . import config as configs
from . import compare
from .backend import Backend
from .client import Client
from .places import is_stand_in
from .process import free_port, wait_until
from .under_test import UnderTest


def only_weft(reason):
    """For what the reference does not promise."""
    return unittest.skipIf(is_stand_in(), f"the stand-in does not do this: {reason}")


class OutsideInCase(unittest.TestCase):
    maxDiff = 4000

    def start(self, context_manager):
        """Enters it now, leaves it when the test has ended."""
        return self.enterContext(context_manager)

    def start_program(self, config, listening, **settings):
        """As start(UnderTest(...)); if the test fails, the end of the program's log is shown."""
        program = self.start(UnderTest(config, listening, **settings))
        self.addCleanup(self._show_log_of_failed, program)
        return program

    def _show_log_of_failed(self, program):
        if not self._outcome.success:
            print(f"--- the end of what {program.program.name} logged ---\n{program.process.log_tail()}", flush=True)

    def assert_logged(self, text, program):
        """The log is written beside everything else: what has happened may be a moment away from it."""
        self.assertTrue(wait_until(lambda: text in program.process.log_text(), 5.0), program.process.log_tail())

    def temporary_directory(self):
        return self.start(tempfile.TemporaryDirectory(prefix="weft-test-"))

    def backend(self, **settings):
        return self.start(Backend(**settings))

    def client(self, address, **settings):
        return self.start(Client(address, **settings))

    def passing_through(self, backend, processors=None, listen=None, **exporter):
        """client address -> weft -> backend; (the address, the program)."""
        address = listen or f"127.0.0.1:{free_port()}"
        config = configs.pipeline(address, {"otlp": configs.otlp_exporter(backend.address, **exporter)}, processors)
        return address, self.start_program(config, [address])

    def assert_same_spans(self, expected_requests, actual_requests):
        lines = compare.differences(expected_requests, actual_requests)
        self.assertEqual(lines, [], f"{len(lines)} differences between what went in and what came out")
