"""The official Python SDK, straight to the backend and through weft: the same spans must arrive."""

import fcntl
import subprocess

from harness.case import OutsideInCase
from harness.places import TESTS, cache_directory

HERE = TESTS / "interop" / "wide"
SPAN_COUNT = 1 + 9 + 1 + 600


def sdk_python():
    """The Python of a virtual environment with the SDK, made once for each list of requirements."""
    home = cache_directory() / "interop-python"
    home.mkdir(exist_ok=True)
    wanted, have = HERE / "requirements.txt", home / "installed.txt"
    python = home / "venv" / "bin" / "python"
    with open(home / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not have.exists() or have.read_text() != wanted.read_text():
            have.unlink(missing_ok=True)
            subprocess.run(["/usr/bin/python3", "-m", "venv", "--clear", home / "venv"], check=True, timeout=120)
            install = subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", "-r", wanted], timeout=600,
                                     capture_output=True, text=True)
            if install.returncode != 0:
                raise AssertionError(f"the Python SDK could not be installed:\n{install.stdout}{install.stderr}")
            have.write_text(wanted.read_text())
    return python


def play(address, compression):
    run = subprocess.run([sdk_python(), HERE / "python_client.py", address, compression], timeout=60, capture_output=True, text=True)
    if run.returncode != 0 or "rror" in run.stderr:
        raise AssertionError(f"the Python SDK failed:\n{run.stdout}{run.stderr}")


class PythonSdkTest(OutsideInCase):
    def compare(self, compression, processors):
        direct, behind = self.backend(), self.backend()
        address, _ = self.passing_through(behind, processors)
        play(direct.address, compression)
        self.assertEqual(len(direct.wait_for_spans(SPAN_COUNT)), SPAN_COUNT)
        play(address, compression)
        behind.wait_for_spans(SPAN_COUNT)
        self.assert_same_spans(direct.bodies(), behind.bodies())

    def test_spans_arrive_unchanged(self):
        self.compare("none", {})

    def test_spans_with_gzip_arrive_unchanged_through_batch(self):
        self.compare("gzip", {"batch": {"timeout": "50ms"}})
