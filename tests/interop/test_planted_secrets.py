"""Secrets of every kind in every place that a record has, at three hit rates, through `redaction` with `scope: all`: none of them
is at a backend, in a file, in weft's log or in anything that it answers, nor are those of records that are refused or dropped.
WEFT_FAULT_SCALE=full plants 10,000 of them."""

import json
import os
import pathlib
import random
import subprocess
import sys
import urllib.error
import urllib.request

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import planted_records
import planted_secrets
from harness import asking, config as configs
from harness.backend import Answer, Backend
from harness.case import OutsideInCase
from harness.process import free_port, wait_until

# hit rate -> secrets: of a thousand the rare ones need a million texts.
IS_FULL = os.environ.get("WEFT_FAULT_SCALE", "") == "full"
RATES = {0.001: 1000, 0.01: 2000, 0.2: 7000} if IS_FULL else {0.001: 20, 0.01: 180, 0.2: 3800}
RECORDS = 5  # of a request


def redaction(kinds, **more):
    return {"allow_all_keys": True, "scope": "all", "detectors": kinds, **more}


def post(address, path, body, kind="application/json"):
    with urllib.request.urlopen(urllib.request.Request(f"http://{address}{path}", data=body, headers={"content-type": kind}),
                                timeout=30) as answer:
        return answer.status, answer.read()


class PlantedSecrets(OutsideInCase):
    def setUp(self):
        self.random = random.Random(20261129)
        self.texts = planted_secrets.Texts(self.random)
        self.number = 0  # of the last record
        self.lines = []  # of the followed file

    def addresses(self):
        self.http, self.json_lines = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        self.sink = self.start(Backend())
        self.folder = pathlib.Path(self.temporary_directory())
        self.followed = self.folder / "shop_web_12345678" / "web" / "0.log"
        self.followed.parent.mkdir(parents=True)

    def start_all(self, **more):
        self.addresses()
        exporters = {"otlp": configs.otlp_exporter(self.sink.address), "debug": {"verbosity": "detailed"},
                     "file": {"path": str(self.folder / "out.json"), "flush_interval": "20ms"},
                     "file/proto": {"path": str(self.folder / "out.bin"), "format": "proto", "flush_interval": "20ms"}}
        receivers = {
            "otlp": {"protocols": {"http": {"endpoint": self.http}}},
            "jsonlog": {"protocols": {"http": {"endpoint": self.json_lines}}},
            "file_log": {"include": [str(self.followed)], "include_file_path": True, "start_at": "beginning",
                         "poll_interval": "100ms", "operators": [{"type": "container"}]},
        }
        sampler = {"decision_wait": "1s", "policies": [{"name": "all", "type": "always_sample"}]}
        pipelines = {"traces": (["otlp"], ["redaction", "tail_sampling"]), "metrics": (["otlp"], ["redaction"]),
                     "logs": (["otlp", "jsonlog", "file_log"], ["redaction", "tail_sampling"])}
        self.program = self.start_program({
            "receivers": receivers, "exporters": exporters,
            "processors": {"redaction": redaction(self.texts.secrets.kinds, **more), "tail_sampling": sampler},
            "service": {"telemetry": {"logs": {"level": "debug"}}, "pipelines": {
                signal: {"receivers": receivers, "processors": processors, "exporters": list(exporters)}
                for signal, (receivers, processors) in pipelines.items()}},
        }, [self.http, self.json_lines])

    def start_refusing(self):
        """A limiter and a sampler before the redaction, and a backend that takes nothing."""
        self.addresses()
        self.sink.answer = lambda number, body: Answer(status=grpc.StatusCode.INVALID_ARGUMENT, message="not here")
        sampler = {"decision_wait": "2s", "policies": [{"name": "all", "type": "always_sample"}]}
        self.program = self.start_program({
            "receivers": {"otlp": {"protocols": {"http": {"endpoint": self.http}}, "invalid_utf8": "reject"}},
            "exporters": {"otlp": configs.otlp_exporter(self.sink.address)},
            "processors": {"redaction": redaction(self.texts.secrets.kinds, summary="debug"), "tail_sampling": sampler,
                           "memory_limiter": {"check_interval": "10ms", "limit_mib": 4}},
            "service": {"telemetry": {"logs": {"level": "debug"}}, "pipelines": {
                signal: {"receivers": ["otlp"], "exporters": ["otlp"], "processors": [
                    "memory_limiter", *(["tail_sampling"] if signal != "metrics" else []), "redaction"]}
                for signal in planted_records.FIELDS}},
        }, [self.http])

    def numbers(self):
        first, self.number = self.number + 1, self.number + RECORDS
        return range(first, self.number + 1)

    def send_requests(self):
        for signal in planted_records.FIELDS:
            body = json.dumps(planted_records.request(signal, self.texts, self.numbers()))
            self.assertEqual(post(self.http, f"/v1/{signal}", body.encode())[0], 200)

    def send_to_be_refused(self, signal, change):
        """With invalid UTF-8 it is refused in part, if it is too large as a whole."""
        body = json.dumps(planted_records.request(signal, self.texts, self.numbers()))
        try:
            status, answer = post(self.http, f"/v1/{signal}", change(body.encode()))
        except urllib.error.HTTPError as error:
            status, answer = error.code, b""
        self.assertTrue(status == 503 or b"rejected" in answer, (status, answer))

    def send_lines(self):
        lines = "\n".join(planted_records.line(self.texts, number) for number in self.numbers())
        self.assertEqual(post(self.json_lines, "/", lines.encode(), "application/x-ndjson")[0], 200)

    def write_fragments(self):
        """A line that the container runtime has cut into pieces, anywhere."""
        text = self.texts("line in fragments").replace("\n", " ")
        cuts = sorted(self.random.sample(range(len(text) + 1), min(2, len(text))))
        pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)])]
        self.lines += [f"2026-11-29T10:00:00.{len(self.lines):09}Z stdout {'F' if piece is pieces[-1] else 'P'} {piece}\n"
                       for piece in pieces]
        with open(self.followed, "a", encoding="utf-8") as file:
            file.writelines(self.lines[-len(pieces):])

    def plant(self):
        planted = 0
        for self.texts.hit_rate, count in RATES.items():
            planted += count
            while len(self.texts.secrets.made) < planted or (planted == sum(RATES.values()) and self.has_bare_places()):
                self.send_requests()
                self.send_lines()
                self.write_fragments()

    def has_bare_places(self):
        """In earnest each kind has been in each place."""
        return min(self.texts.planted.values()) < (len(self.texts.secrets.kinds) if IS_FULL else 1)

    def settle(self):
        for signal in ("traces", "logs", "metrics"):
            self.assertTrue(wait_until(lambda: self.program.ledger(signal=signal).waiting == 0, 60.0), signal)

    def endpoints(self, traces):
        """What can be asked, each answer as bytes."""
        socket = self.program.state_directory / "admin.sock"
        said = {name: urllib.request.urlopen(f"http://{self.program.admin}{target}", timeout=10).read()
                for name, target in (("metrics", "/metrics"), ("ledger", "/v1/ledger?format=json&audit=1"), ("ready", "/ready"))}
        said["drops"] = json.dumps(asking.get(socket, "/v1/drops?since=1h")[1], ensure_ascii=False).encode()
        said["trace"] = b"\n".join(
            json.dumps(asking.get(socket, f"/v1/traces/{number:032x}")[1], ensure_ascii=False).encode() for number in traces)
        return said

    def look_everywhere(self, said):
        folder = pathlib.Path(self.temporary_directory())
        said = {**said, "log": self.program.process.log_path.read_bytes(), "config": self.printed_config(),
                "sink": b"".join(received.body for received in self.sink.requests)}
        for name, text in said.items():
            (folder / f"said.{name}").write_bytes(text)
        (folder / "cores").write_text("".join(f"{core}\n" for secret in self.texts.secrets.made for core in secret.cores))
        places = [path for root in (folder, self.folder, self.program.state_directory) for path in root.rglob("*")
                  if path.is_file() and path not in (self.followed, folder / "cores")]
        done = subprocess.run(["grep", "-a", "-o", "-F", "-f", folder / "cores", *places], capture_output=True,
                              env={"LC_ALL": "C", "PATH": os.environ["PATH"]}, timeout=250)
        self.assertEqual(done.stderr, b"")
        return sorted(self.describe(line.decode()) for line in done.stdout.splitlines())

    def printed_config(self):
        code, text, error = asking.command(self.program.program, "print-config", "--config", self.program.config_path)
        self.assertEqual(code, 0, error)
        return text.encode()

    def describe(self, line):
        path, core = line.split(":", 1)
        kind, place = self.by_core()[core]
        return f"{kind} from '{place}' in {pathlib.Path(path).name}: {core}"

    def by_core(self):
        return {core: (secret.kind, secret.place) for secret in self.texts.secrets.made for core in secret.cores}

    def assert_nowhere(self, said):
        found = self.look_everywhere(said)
        self.assertEqual(found[:10], [], f"{len(found)} found of {len(self.texts.secrets.made)} secrets in {len(self.texts.planted)} "
                                         f"places among {self.texts.asked} texts")

    def none_gets_through(self, **more):
        self.start_all(**more)
        self.plant()
        while_held = self.endpoints(range(1, self.number, 7))
        self.settle()
        afterwards = self.endpoints(range(1, self.number, 7))
        self.assertGreater(len(self.texts.planted), 150)
        self.assertEqual(sum(self.program.ledger(signal=signal).sent for signal in planted_records.FIELDS),
                         4 * sum(self.program.ledger(signal=signal).accepted for signal in planted_records.FIELDS))
        self.assert_nowhere({**while_held, **{f"{name}, afterwards": text for name, text in afterwards.items()}})

    def test_none_gets_through(self):
        self.none_gets_through(summary="debug")

    def test_none_gets_through_where_nothing_is_done_but_search(self):
        """Records are read only where a look at all of their bytes sees something."""
        self.none_gets_through()

    def test_none_of_what_is_refused_or_dropped_is_shown(self):
        self.start_refusing()
        self.texts.hit_rate = 0.5
        too_large, invalid = (lambda body: body + b" " * 4_000_000), (lambda body: body.replace(b'"x"', b'"\xff"'))
        while min(self.texts.planted.values(), default=0) < len(self.texts.secrets.kinds):
            self.send_requests()
            for signal in planted_records.FIELDS:
                self.send_to_be_refused(signal, invalid)
        numbers = range(1, self.number + 1)
        while_held = self.endpoints(numbers)
        self.assertIn(b"****", while_held["trace"])
        self.settle()
        for signal in planted_records.FIELDS:
            for _ in self.texts.secrets.kinds:
                self.send_to_be_refused(signal, too_large)
        afterwards = self.endpoints(numbers)
        for reason in (b'"refused"', b'"rejected"'):
            self.assertIn(reason, afterwards["drops"])
        self.assert_nowhere({**while_held, **{f"{name}, afterwards": text for name, text in afterwards.items()}})
