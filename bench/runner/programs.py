"""Starts, pins and stops the processes of a round. Everything is stopped by the pid that was started here."""
import json
import os
import shutil
import signal
import socket
import subprocess
import time

BENCH = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(BENCH)


class Unavailable(Exception):
    """A program under test that is not built or installed here."""


def wait_for_port(address, process, seconds=15.0):
    host, port = address.rsplit(":", 1)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return False
        try:
            socket.create_connection((host, int(port)), 0.2).close()
            return True
        except OSError:
            time.sleep(0.002)
    return False


def demand_free(addresses):
    """Else another bench's programs would answer in place of those that are started here."""
    for address in addresses:
        host, port = address.rsplit(":", 1)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, int(port)))
            except OSError as why:
                raise RuntimeError(f"{address} is taken, --port moves the ports: {why.strerror}") from why


def read_counters(address):
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), 5) as connection:
        text = b""
        while part := connection.recv(65536):
            text += part
    return json.loads(text)


def start(command, cpus, stdout, stderr, environment=None, is_realtime=False):
    def prepare():
        os.sched_setaffinity(0, cpus)
        if is_realtime:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))

    return subprocess.Popen(command, stdout=stdout, stderr=stderr, preexec_fn=prepare,
                            env={**os.environ, **(environment or {})})


def stop(process, seconds=15):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return False
    return True


def text_of(value):
    """A value of a scenario's settings as a config has it. {"count": 3, "of": "'a#'"} is a list: 'a0', 'a1', 'a2'."""
    if isinstance(value, dict):
        return ", ".join(value["of"].replace("#", str(number)) for number in range(value["count"]))
    return str(value)


def fill(text, values):
    """Replaces @name@ by values["name"]."""
    for name, value in values.items():
        text = text.replace(f"@{name}@", text_of(value))
    return text


class Sut:
    """A program under test, as bench/suts/NAME.json describes it."""

    def __init__(self, name, build):
        with open(f"{BENCH}/suts/{name}.json") as file:
            self.description = json.load(file)
        self.name = name
        self.is_exact = self.description.get("exact", False)
        self.compressions = self.description.get("compressions", ["none", "gzip", "zstd"])
        self.protocol_in = self.description.get("in", "grpc")
        self.protocol_out = self.description.get("out", "grpc")
        self.encoding_in = self.description.get("encoding", "protobuf")
        self.values = {"root": ROOT, "bench": BENCH, "build": build, "bin": f"{build}/bench"}

    def prepare(self):
        """Builds or finds the binary; raises Unavailable."""
        if "install" in self.description:
            script = fill(self.description["install"], self.values)
            done = subprocess.run([script], stdout=subprocess.PIPE, text=True)
            if done.returncode != 0 or not done.stdout.strip():
                raise Unavailable(f"{self.name}: {script} failed")
            self.values["binary"] = done.stdout.strip()
        binary = fill(self.description["command"][0], self.values)
        if shutil.which(binary) is None:
            raise Unavailable(f"{self.name}: {binary} is not there")
        self.binary = binary

    def start(self, work, settings, cpus, log, is_realtime=False):
        values = {**self.values, **self.description.get("defaults", {}), **settings}
        if "config" in self.description:
            with open(fill(f"{BENCH}/suts/{self.description['config']}", values)) as file:
                text = fill(file.read(), values)
            values["config"] = f"{work}/{self.name}.yaml"
            with open(values["config"], "w") as file:
                file.write(text)
        command = [fill(word, values) for word in self.description["command"]]
        environment = {key: fill(value, values) for key, value in self.description.get("environment", {}).items()}
        return start(command, cpus, log, log, environment, is_realtime)
