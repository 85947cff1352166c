"""config/framecast/*.yaml as tests run them: the files themselves, with the addresses of this machine put in."""

import contextlib
import copy
import json
import os
import subprocess
import unittest.mock

import yaml

from harness import otlp, stubs
from harness.places import TREE, program_under_test
from harness.process import free_port, wait_until

FOLDER = TREE / "config" / "framecast"
NAMES = ("agent", "gateway", "all-in-one")
ENVIRONMENT = {"FRAMECAST_GATEWAY": "gateway.example:4317", "FRAMECAST_GATEWAY_TOKEN": "token-of-the-gateway",
               "FRAMECAST_BACKEND": "backend.example:4317", "FRAMECAST_BACKEND_TOKEN": "token-of-the-backend"}
CONTAINER_LINE = "2026-11-29T09:00:00.000000000Z stdout F "


def load(name):
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text())


def environment(**more):
    """A context in which ${env:...} of the configs is set."""
    return unittest.mock.patch.dict(os.environ, {**ENVIRONMENT, **{name: str(value) for name, value in more.items()}})


def validate(config):
    """(exit code, its lines) of weft validate; config: a path, or a config as a dict."""
    is_path = not isinstance(config, dict)
    source = str(config) if is_path else "yaml:" + json.dumps(config)
    with environment():
        done = subprocess.run([program_under_test(), "validate", "--no-files", "--config", source], capture_output=True, text=True,
                              timeout=30, cwd=TREE)
    return done.returncode, (done.stdout + done.stderr).splitlines()


class Placed:
    """A config whose listening addresses and files are a test's; where they are is in grpc, http, lines, socket and health."""

    def __init__(self, name, pods=None):
        config = self.config = copy.deepcopy(load(name))
        self.health = config["extensions"]["health_check"]["endpoint"] = self._address()
        protocols = config["receivers"]["otlp"]["protocols"]
        self.grpc = protocols["grpc"]["endpoint"] = self._address()
        self.listening = [self.grpc, self.health]
        if "http" in protocols:
            self.http = protocols["http"]["endpoint"] = self._address()
            self.listening.append(self.http)
        if "jsonlog" in config["receivers"]:
            protocols = config["receivers"]["jsonlog"]["protocols"]
            self.lines = protocols["http"]["endpoint"] = self._address()
            self.socket = protocols["tcp"]["endpoint"] = self._address()
            self.listening += [self.lines, self.socket]
            files = config["receivers"]["file_log"]
            for key in ("include", "exclude"):
                files[key] = [pattern.replace("/var/log/pods", str(pods)) for pattern in files[key]]
            files["start_at"] = "beginning"

    @staticmethod
    def _address():
        return f"127.0.0.1:{free_port()}"

    def pod_line(self, text):
        """A line as it stands in a pod's file, if the config reads files as a container runtime writes them."""
        operators = self.config["receivers"]["file_log"]["operators"]
        return (CONTAINER_LINE if operators[0]["type"] == "container" else "") + text + "\n"

    def decide_when_told(self):
        """So that no verdict depends on how long something took; and without the share that is kept by chance."""
        sampling = self.config["processors"]["tail_sampling"]
        sampling["decision_wait"] = "10m"
        sampling["policies"] = [policy for policy in sampling["policies"] if policy["type"] != "probabilistic"]

    def decide_now(self, program):
        """The program runs with this config and has everything. Returns whether it has let go of it."""
        self.config["processors"]["tail_sampling"]["decision_wait"] = "100ms"
        program.write(self.config)
        program.reload()
        return wait_until(lambda: all(program.ledger(signal=signal).waiting == 0 for signal in ("traces", "logs")), 60)


def write_pod_lines(pods, pod, lines):
    """As the kubelet lays files out: namespace_pod_uid/container/restarts.log."""
    folder = pods / f"default_{pod}_0f1e2d3c-0000-4000-8000-000000000000" / "main"
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(open(folder / "0.log", "a")) as file:
        file.writelines(lines)


def attributes_at(backend):
    """(name or body, attributes that are texts, the resource's among them) of all that came, spans and lines."""
    records = []
    for body in backend.bodies():
        for resource in stubs.trace_request(body).resource_spans:
            records += [(span.name, [*resource.resource.attributes, *span.attributes]) for scope in resource.scope_spans for span in scope.spans]
    for body in backend.bodies(otlp.LOGS_METHOD):
        for resource in stubs.module("logs_service_pb2").ExportLogsServiceRequest.FromString(body).resource_logs:
            records += [(log.body.string_value, [*resource.resource.attributes, *log.attributes])
                        for scope in resource.scope_logs for log in scope.log_records]
    return [(name, {item.key: item.value.string_value for item in attributes if item.value.HasField("string_value")})
            for name, attributes in records]
