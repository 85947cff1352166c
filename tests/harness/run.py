"""Runs tests and says for each how it went and how long it took.

usage: python3 run.py FILE_OR_FOLDER...   (a folder: its test_*.py; WEFT_TEST=text keeps the tests whose name has it)

WEFT_JOBS=N runs N of them at a time (side_by_side.py); a class with `runs_alone = True`, because it measures time, has
the machine to itself all the same. The last line is "N passed, N failed", before it stand the slowest.
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

from harness import process, side_by_side

TEST_SECONDS = 300  # more is a hang; what a test started is then stopped as at any failure
SLOWEST_COUNT = 10


def on_time_up(*_):
    raise TimeoutError(f"the test took more than {TEST_SECONDS} s")


class TimedResult(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.passed = self.failed = 0
        self.took = []  # (seconds, test)

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()
        signal.alarm(TEST_SECONDS)

    def stopTest(self, test):
        signal.alarm(0)
        self.took.append((time.monotonic() - self.started, test.id()))
        super().stopTest(test)

    def _say(self, word, test, detail=""):
        print(f"{word:<5} {time.monotonic() - self.started:6.1f} s  {test.id()}{detail}", flush=True)

    def addSuccess(self, test):
        self.passed += 1
        self._say("ok", test)

    def addSkip(self, test, reason):
        if not hasattr(self, "started"):
            self.started = time.monotonic()
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


def groups_of(files, wanted):
    """The tests in the order of the files, in lists that are run as one: a class with a setUpClass of its own, else each alone."""
    groups = []
    for test in (test for file in files for test in tests_in(load(file)) if wanted in test.id()):
        shares = type(test).setUpClass.__func__ is not unittest.TestCase.setUpClass.__func__
        if shares and groups and type(groups[-1][0]) is type(test):
            groups[-1].append(test)
        else:
            groups.append([test])
    return groups


def run_group(group, result):
    unittest.TestSuite(group).run(result)


def end(result):
    for seconds, name in sorted(result.took, reverse=True)[:SLOWEST_COUNT if len(result.took) > SLOWEST_COUNT else 0]:
        print(f"slow  {seconds:6.1f} s  {name}")
    print(f"{result.passed} passed, {result.failed} failed", flush=True)
    # Not sys.exit: a gRPC thread that a failed test left behind must not keep the run from ending.
    sys.stdout.flush()
    process.kill_what_is_left()
    os._exit(1 if result.failed else 0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("paths", nargs="+", type=pathlib.Path)
    parser.add_argument("--serve", action="store_true", help="runs what standard input asks for (side_by_side.py)")
    options = parser.parse_args()
    files = [file for path in options.paths for file in (sorted(path.glob("test_*.py")) if path.is_dir() else [path])]
    groups = groups_of(files, os.environ.get("WEFT_TEST", ""))
    signal.signal(signal.SIGALRM, on_time_up)
    result = TimedResult()
    jobs = int(os.environ.get("WEFT_JOBS") or 1)
    if options.serve:
        side_by_side.serve(groups, run_group, result)
    elif jobs > 1 and len(groups) > 1:
        side_by_side.run([sys.executable, __file__, "--serve", *map(str, files)], groups, jobs, result)
    else:
        for group in groups:
            run_group(group, result)
    end(result)


if __name__ == "__main__":
    main()
