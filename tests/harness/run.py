"""Runs test files one after the other and says for each test how it went and how long it took.

usage: python3 run.py FILE_OR_FOLDER...   (a folder: its test_*.py; WEFT_TEST=text keeps the tests whose name has it)
The last line is "N passed, N failed".
"""

import argparse
import importlib.util
import os
import pathlib
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # refused handshakes and the like are what some tests are about


TEST_SECONDS = 300  # more is a hang; what a test started is then stopped as at any failure


def on_time_up(*_):
    raise TimeoutError(f"the test took more than {TEST_SECONDS} s")


class TimedResult(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.passed = self.failed = 0

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()
        signal.alarm(TEST_SECONDS)

    def stopTest(self, test):
        signal.alarm(0)
        super().stopTest(test)

    def _say(self, word, test, detail=""):
        print(f"{word:<5} {time.monotonic() - self.started:6.1f} s  {test.id()}{detail}", flush=True)

    def addSuccess(self, test):
        self.passed += 1
        self._say("ok", test)

    def addSkip(self, test, reason):
        self._say("skip", test, f": {reason}")

    def _fail(self, test, error):
        self.failed += 1
        if not hasattr(self, "started"):
            self.started = time.monotonic()
        self._say("FAIL", test)
        print(self._exc_info_to_string(error, test), flush=True)

    def addFailure(self, test, error):
        self._fail(test, error)

    def addError(self, test, error):
        self._fail(test, error)

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self._fail(subtest, error)


def load(path):
    name = f"{path.parent.name}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return unittest.defaultTestLoader.loadTestsFromModule(module)


def tests_in(suite):
    for item in suite:
        yield from tests_in(item) if isinstance(item, unittest.TestSuite) else (item,)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("paths", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    files = [file for path in options.paths for file in (sorted(path.glob("test_*.py")) if path.is_dir() else [path])]
    wanted = os.environ.get("WEFT_TEST", "")
    result = TimedResult()
    signal.signal(signal.SIGALRM, on_time_up)
    for file in files:
        chosen = [test for test in tests_in(load(file)) if wanted in test.id()]
        unittest.TestSuite(chosen).run(result)
    print(f"{result.passed} passed, {result.failed} failed", flush=True)
    # Not sys.exit: a gRPC thread that a failed test left behind must not keep the run from ending.
    sys.stdout.flush()
    from harness import process
    process.kill_what_is_left()
    os._exit(1 if result.failed else 0)


if __name__ == "__main__":
    main()
