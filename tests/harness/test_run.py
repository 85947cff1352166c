"""The runner: what fails side by side fails as it does alone, a process that dies is a failure, and who measures is alone."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

RUN = pathlib.Path(__file__).with_name("run.py")
HEAD = "import os, pathlib, time, unittest\nHERE = pathlib.Path(__file__).parent\n"
OUTCOMES = HEAD + """
class Outcomes(unittest.TestCase):
    def test_good(self): print("said by good")
    def test_bad(self): self.fail("bad")
    def test_error(self): raise OSError("error")
    def test_skipped(self): self.skipTest("why")
    def test_with_parts(self):
        for part in (1, 2):
            with self.subTest(part=part): self.assertEqual(part, 0)
"""
DYING = HEAD + """
class Dying(unittest.TestCase):
    def test_a(self): pass
    def test_b_dies(self): os._exit(7)
    def test_c(self): pass
"""
# Each test leaves its number of lines in the file: begun, then ended, with the others' between them if they overlap.
OVERLAP = HEAD + """
class Base(unittest.TestCase):
    def note(self, what):
        with open(HERE / "notes", "a") as notes: notes.write(what + "\\n")
    def stay(self):
        self.note("begin " + self.id())
        time.sleep(0.5)
        self.note("end " + self.id())
class Measures(Base):
    runs_alone = True
    def test_1(self): self.stay()
    def test_2(self): self.stay()
class Waits(Base):
    def test_1(self): self.stay()
    def test_2(self): self.stay()
    def test_3(self): self.stay()
class HasFixture(Base):
    @classmethod
    def setUpClass(cls): cls.note(cls, "set up")
    def test_1(self): pass
    def test_2(self): pass
"""


class RunnerTest(unittest.TestCase):
    def run_tests(self, text, jobs, wanted=""):
        """(exit code, what was printed, the folder of the tests)"""
        folder = self.enterContext(tempfile.TemporaryDirectory(prefix="weft-test-"))
        path = pathlib.Path(folder) / "test_some.py"
        path.write_text(text)
        environment = {**os.environ, "WEFT_JOBS": str(jobs), "WEFT_TEST": wanted}
        ended = subprocess.run([sys.executable, RUN, path], env=environment, capture_output=True, text=True, timeout=60)
        return ended.returncode, ended.stdout, pathlib.Path(folder)

    def outcomes(self, printed):
        return sorted(re.findall(r"^(\w+) +[\d.]+ s  \S+?\.(test_\w+)", printed, re.M))

    def test_outcomes_are_the_same_side_by_side(self):
        alone, beside = self.run_tests(OUTCOMES, 1), self.run_tests(OUTCOMES, 3)
        for code, printed, _ in (alone, beside):
            self.assertEqual(code, 1)
            self.assertEqual(printed.splitlines()[-1], "1 passed, 4 failed")
            self.assertRegex(printed, "said by good\nok .*test_good")
        self.assertEqual(self.outcomes(alone[1]), self.outcomes(beside[1]))
        self.assertEqual(self.run_tests(OUTCOMES, 3, "test_good")[:1], (0,))

    def test_a_process_that_dies_is_one_failure(self):
        code, printed, _ = self.run_tests(DYING, 2)
        self.assertEqual((code, printed.splitlines()[-1]), (1, "2 passed, 1 failed"))
        self.assertRegex(printed, r"FAIL  .*test_b_dies\n.*ended with code 7")

    def test_who_measures_is_alone(self):
        code, printed, folder = self.run_tests(OVERLAP, 3)
        self.assertEqual((code, printed.splitlines()[-1]), (0, "7 passed, 0 failed"))
        notes = (folder / "notes").read_text().splitlines()
        self.assertEqual(notes.count("set up"), 1)
        notes.remove("set up")
        alone = [line for line in notes if "Measures" in line]
        self.assertEqual(notes[-4:], alone)  # after all others
        self.assertEqual([line.split()[0] for line in alone], ["begin", "end"] * 2)
        self.assertIn("begin begin", " ".join(line.split()[0] for line in notes[:-4]))  # those others overlap

    def test_the_slowest_are_named(self):
        many = HEAD + "class Many(unittest.TestCase):\n" + "".join(f"    def test_{n}(self): pass\n" for n in range(12))
        many += "    def test_slow(self): time.sleep(0.2)\n"
        for jobs in (1, 2):
            lines = self.run_tests(many, jobs)[1].splitlines()
            self.assertRegex(next(line for line in lines if line.startswith("slow ")), r"0\.2 s  .*test_slow")
