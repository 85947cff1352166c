"""Programs started by a test: each is watched by its pid, writes to a log file, and never outlives the test run."""

import atexit
import collections
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

_running = set()
# Where free_port looks. Runs of tests beside this one have other parts: a port that is free for a moment, while what had it is
# started again, must not be given to a neighbour.
_ports = tuple(map(int, os.environ.get("WEFT_PORTS", "15000-32000").split("-")))
# Those that were given last: not again, since who got one may not have bound it yet.
_given = collections.deque(maxlen=(_ports[1] - _ports[0]) // 2)


class ProgramFailed(Exception):
    """A program ended early, or did not become ready in time."""


class Program:
    def __init__(self, arguments, log_path, environment=None, directory=None, outputs=(None, None)):
        """outputs: where stdout and stderr go, each to the log unless it is given."""
        self.arguments = [str(argument) for argument in arguments]
        self.log_path = pathlib.Path(log_path)
        self.environment = {**os.environ, **(environment or {})}
        self.directory = directory
        self.outputs = outputs
        self.child = None
        self.was_killed = False  # by a test

    def start(self):
        with open(self.log_path, "ab") as log:
            self.child = subprocess.Popen(
                self.arguments, stdin=subprocess.DEVNULL, stdout=self.outputs[0] or log, stderr=self.outputs[1] or log,
                env=self.environment, cwd=self.directory)
        _running.add(self)
        return self

    @property
    def pid(self):
        return self.child.pid

    def is_running(self):
        return self.child is not None and self.child.poll() is None

    def wait_until(self, is_ready, seconds=10.0, what="ready"):
        deadline = time.monotonic() + seconds
        while not is_ready():
            if not self.is_running():
                raise ProgramFailed(f"{self.arguments[0]} ended with code {self.child.poll()} before it was {what}:\n"
                                    f"{self.log_tail()}")
            if time.monotonic() > deadline:
                raise ProgramFailed(f"{self.arguments[0]} was not {what} after {seconds} s:\n{self.log_tail()}")
            time.sleep(0.02)

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self, seconds):
        """The exit code; a negative number is the signal that ended it."""
        code = self.child.wait(timeout=seconds)
        _running.discard(self)
        return code

    def stop(self, seconds=10.0):
        """SIGTERM, then SIGKILL if it takes longer; the exit code."""
        if not self.is_running():
            return self.kill()
        self.signal(signal.SIGTERM)
        try:
            return self.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ProgramFailed(f"{self.arguments[0]} did not end {seconds} s after SIGTERM:\n{self.log_tail()}") from None

    def has_failed(self):
        """It ended by itself with a code that is not 0: a crash, an assertion, or what a sanitizer found."""
        return self.child is not None and not self.was_killed and self.child.poll() not in (None, 0)

    def kill(self):
        if self.is_running():
            self.was_killed = True
            self.child.kill()
        _running.discard(self)
        return self.child.wait() if self.child else None

    def log_text(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def log_tail(self, line_count=25):
        return "\n".join(self.log_text().splitlines()[-line_count:])


@atexit.register
def kill_what_is_left():
    for program in list(_running):
        program.kill()


def wait_until(is_so, seconds):
    """Asks again and again for at most so long; whether it came to be."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def free_port():
    """A loopback port that was free a moment ago, below those that the kernel gives to outgoing connections: else a
    client that keeps trying a port whose server is down could one day be given that very port and reach itself."""
    while True:
        port = random.randrange(*_ports)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.append(port)
        return port


def is_listening(address):
    """address: "host:port" or "unix:/path"."""
    kind, target = (socket.AF_UNIX, address[5:]) if address.startswith("unix:") else (socket.AF_INET, None)
    if target is None:
        host, port = address.rsplit(":", 1)
        target = (host, int(port))
    with socket.socket(kind, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(target) == 0
