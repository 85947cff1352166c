"""./dev waits where another program holds apt's locks, and says so. apt-get is Debian's, over a folder of its own."""

import fcntl
import pathlib
import shutil
import subprocess
import unittest

from harness.case import OutsideInCase
from harness.places import TREE
from harness.process import wait_until

SCRIPT = 'set -eu; as_root() { "$@"; }; say() { printf "%s\\n" "$*"; }; . tests/harness/apt.sh; apt_get update -qq'
CONFIG = """\
Dir::State "{folder}/state";
Dir::State::status "/dev/null";
Dir::Cache "{folder}/cache";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "{folder}/none";
APT::Sandbox::User "root";
"""


@unittest.skipUnless(shutil.which("apt-get"), "this is no Debian")
class DevAptTest(OutsideInCase):
    def setUp(self):
        folder = pathlib.Path(self.temporary_directory())
        for name in ("state/lists/partial", "cache/archives/partial", "none"):
            (folder / name).mkdir(parents=True)
        (folder / "apt.conf").write_text(CONFIG.format(folder=folder), encoding="utf-8")
        self.lock = self.start(open(folder / "state" / "lists" / "lock", "w", encoding="utf-8"))
        self.errors = self.start(open(folder / "errors", "w+", encoding="utf-8"))
        self.environment = {"APT_CONFIG": str(folder / "apt.conf"), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}

    def update(self, seconds):
        program = self.start(subprocess.Popen(["bash", "-c", SCRIPT], cwd=TREE, stderr=self.errors, env={**self.environment, "APT_WAIT_SECONDS": str(seconds)}))
        self.addCleanup(program.kill)
        return program

    def said(self):
        return pathlib.Path(self.errors.name).read_text(encoding="utf-8")

    def test_nothing_is_said_where_the_lock_is_free(self):
        self.assertEqual(self.update(60).wait(60), 0)
        self.assertEqual(self.said(), "")

    def test_it_waits_and_says_so(self):
        fcntl.lockf(self.lock, fcntl.LOCK_EX)
        program = self.update(200)
        self.assertTrue(wait_until(lambda: "dev: apt is in use, waiting for up to 200 s: Could not get lock" in self.said(), 60.0), self.said())
        self.assertIsNone(program.poll())
        fcntl.lockf(self.lock, fcntl.LOCK_UN)
        self.assertEqual(program.wait(60), 0)

    def test_it_does_not_wait_for_ever(self):
        fcntl.lockf(self.lock, fcntl.LOCK_EX)
        self.assertNotEqual(self.update(1).wait(60), 0)
        self.assertIn("E: Could not get lock", self.said())
