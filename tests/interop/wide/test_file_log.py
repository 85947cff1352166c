"""file_log beside a real Collector's filelog: the same files, the same operators, and exactly the same records.

A case is a row (file_log_cases.py, file_log_generate.py): files and operators, a receiver of its own in each program. What the two
make something else of is a row of file_log_deviations.py, with what each of them makes of it.
"""

import collections
import contextlib
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from file_log_cases import GROUPS
from file_log_deviations import DEVIATIONS
from file_log_generate import generated_cases
from file_log_parties import REFUSED, Broken, Deviation, Link, Party, config_of, text_of
from harness import config as configs
from harness.case import OutsideInCase
from harness.places import program_under_test
from harness.process import wait_until
from test_collector import collector_binary

# A text in pieces is kept for 5 seconds, and looked after once a second: so long both programs may have the same, and not all.
SETTLED_SECONDS = 7.5
QUIET_SECONDS = 15.0
MOST_SECONDS = 120.0
SHOWN = 12


def write(root, case, files):
    for path, data in files.items():
        file = root / case.name / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(data, Link):
            file.symlink_to(data)
        else:
            with open(file, "ab") as output:
                output.write(data)


def is_refused(case):
    return isinstance(case, Deviation) and case.weft is REFUSED


class FileLogTest(OutsideInCase):
    """The files are read once, at the beginning; each test looks at what came of some of the cases."""

    @classmethod
    def setUpClass(cls):
        cls.groups = {**{name: list(cases()) for name, cases in GROUPS.items()}, "generated": list(generated_cases())}
        cls.cases = [case for cases in cls.groups.values() for case in cases] + DEVIATIONS
        names = [case.name for case in cls.cases]
        assert len(set(names)) == len(names), "two cases have one name"
        root = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="weft-test-")))
        for case in cls.cases:
            write(root, case, case.files)
        with contextlib.ExitStack() as stack:
            cls.collector = stack.enter_context(Party("the Collector", cls.cases, root, collector_binary()))
            cls.weft = stack.enter_context(Party("weft", [case for case in cls.cases if not is_refused(case)], root))
            cls.wait()
            for case in cls.cases:
                write(root, case, case.later)
            cls.wait()
            cls.ledger = cls.weft.program.ledger(is_audited=True, signal="logs")
            for party in (cls.collector, cls.weft):
                party.program.stop(30.0)
        print(f"{len(cls.cases)} cases, {cls.collector.sink.count} records of the Collector, {cls.weft.sink.count} of weft", flush=True)

    @classmethod
    def wait(cls):
        """Until nothing has come for a while and both have made the same of all of it, or nothing has come for long."""
        deadline, counts, since = time.monotonic() + MOST_SECONDS, None, time.monotonic()

        def is_over():
            nonlocal counts, since
            now = time.monotonic()
            if counts != (cls.collector.sink.count, cls.weft.sink.count):
                counts, since = (cls.collector.sink.count, cls.weft.sink.count), now
            return now - since > QUIET_SECONDS or (now - since > SETTLED_SECONDS and all(map(cls.is_as_wanted, cls.cases)))

        wait_until(is_over, deadline - time.monotonic())

    @classmethod
    def wanted(cls, case, party):
        if isinstance(case, Broken):
            lines = b"".join(case.files.values()).decode().split("\n")[:-1]
            return collections.Counter(text_of({"body": line.strip(" \t\r"), "attributes": {"log.file.name": "app.log"}})
                                       for line in lines)
        if not isinstance(case, Deviation):
            return cls.collector.sink.of(case.name)
        return collections.Counter(map(text_of, case.collector if party is cls.collector else case.weft))

    @classmethod
    def is_as_wanted(cls, case):
        if isinstance(case, Broken):
            return all(party.sink.of(case.name).total() == cls.wanted(case, party).total() for party in (cls.collector, cls.weft))
        return all(party.sink.of(case.name) == cls.wanted(case, party) for party in (cls.collector, cls.weft)
                   if not (party is cls.weft and is_refused(case)))

    def check(self, case, party):
        wanted, came = self.wanted(case, party), party.sink.of(case.name)
        lines = [f"only wanted: {text} ({count})" for text, count in sorted((wanted - came).items())[:SHOWN]]
        lines += [f"only came:   {text} ({count})" for text, count in sorted((came - wanted).items())[:SHOWN]]
        if lines:
            self.fail(f"{case.name}: {wanted.total()} records were wanted, {came.total()} came from {party.name}\n" + "\n".join(lines) +
                      f"\nThe operators are {case.operators}, the settings {case.settings}")

    def check_group(self, name):
        compared = 0
        for case in self.groups[name]:
            with self.subTest(case.name):
                compared += self.wanted(case, self.weft).total()
                self.check(case, self.weft)
                if isinstance(case, Broken):
                    self.check_taken(case)
        print(f"      {name}: {len(self.groups[name])} cases, {compared} records", flush=True)

    def check_taken(self, case):
        """Of what is no JSON the Collector takes some all the same; the reasons are rows of the deviations."""
        wanted, came = self.wanted(case, self.collector), self.collector.sink.of(case.name)
        self.assertEqual(came.total(), wanted.total())
        self.assertEqual((came - wanted).total(), case.taken_count)

    def test_containers(self):
        self.check_group("containers")

    def test_json_parser(self):
        self.check_group("json_parser")

    def test_chains(self):
        self.check_group("chains")

    def test_reading(self):
        self.check_group("reading")

    def test_generated(self):
        self.check_group("generated")

    def test_known_deviations(self):
        """Each is shown on both sides: when one of the two changes, this fails and the list is to be corrected."""
        for deviation in DEVIATIONS:
            for party in (self.collector, self.weft):
                with self.subTest(deviation.why, party=party.name):
                    if party is self.weft and is_refused(deviation):
                        self.check_refused(deviation)
                    else:
                        self.check(deviation, party)

    def check_refused(self, case):
        config = pathlib.Path(self.temporary_directory()) / "config.yaml"
        config.write_text(configs.text(config_of([case], config.parent, "127.0.0.1:4317")))
        run = subprocess.run([program_under_test(), "validate", "--config", config], capture_output=True, text=True, timeout=30)
        self.assertNotEqual(run.returncode, 0, run.stdout)
        self.assertIn(f"file_log/{case.name}", run.stderr)

    def test_books(self):
        self.assertEqual(self.ledger.disagreements(), [])
        self.assertEqual((self.ledger.sent, self.ledger.refused, self.ledger.dropped), (self.weft.sink.count, 0, {}), self.ledger)
