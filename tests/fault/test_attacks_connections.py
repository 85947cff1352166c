"""Connections that say nothing, as many as there is room for and more, for as long as the test lasts: on every port that
weft has, plain, over TLS and on unix sockets. Whoever comes new is served, and probes are answered.

And a process whose file descriptors run out.
"""

import http.client
import pathlib
import ssl
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from attack_case import IS_FULL, AttackCase
from fault_case import seconds
from harness import config as configs
from harness import otlp
from harness.backend import Backend
from harness.books import Outside
from harness.case import OutsideInCase, only_weft
from harness.certificates import Certificates
from harness.client import Client, Load, Outcome
from harness.flood import Flood, connect
from harness.http2_frames import PREFACE, SETTINGS, frame
from harness.places import program_under_test
from harness.process import free_port, wait_until

SILENT = 1_000 if IS_FULL else 260
RECEIVER_LIMIT = 1_000 if IS_FULL else 200
PROBED = 110  # on the telemetry port and on health_check, which have room for 100
NEW_CLIENTS = 100 if IS_FULL else 50
ANSWER_SECONDS = 2.0  # of a loaded machine


def ask(address, request, tls=None):
    """The code of the answer to one request on a connection of its own, or the name of what went wrong."""
    try:
        with connect(address) as plain:
            connection = tls.wrap_socket(plain, server_hostname="localhost") if tls else plain
            connection.sendall(request)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            answer.read()
            return answer.status
    except OSError as error:
        return type(error).__name__
    except http.client.HTTPException as error:
        return type(error).__name__


def get(path):
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()


def post(path, body, content_type):
    return (f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n").encode() + body


class Ports:
    """One weft with every port that it can have."""

    def __init__(self, case, workers=1, is_tls=False):
        self.case = case
        directory = case.temporary_directory()
        self.sink = case.start(Backend())
        self.grpc, self.http, self.lines_http, self.lines_tcp, self.health = (
            f"127.0.0.1:{free_port()}" for _ in range(5))
        self.lines_unix = f"unix:{directory}/lines.sock"
        self.tls, self.credentials = None, None
        tls = dict
        if is_tls:
            certificates = Certificates(directory)
            self.tls = ssl.create_default_context(cafile=str(certificates.authority))
            self.credentials = certificates.grpc_client()

            def tls():  # each its own: a shared one would become a YAML anchor
                return {"tls": {"cert_file": str(certificates.certificate("server")),
                                "key_file": str(certificates.key("server"))}}
        limit = {"max_connections": RECEIVER_LIMIT}
        config = configs.pipeline(self.grpc, {"otlp": configs.otlp_exporter(self.sink.address)}, receiver={
            "protocols": {"grpc": {"endpoint": self.grpc, **limit, **tls()}, "http": {"endpoint": self.http, **limit, **tls()}}})
        config["receivers"]["jsonlog"] = {"protocols": {
            "http": {"endpoint": self.lines_http, **limit, **tls()}, "tcp": {"endpoint": self.lines_tcp, **limit, **tls()},
            "unix": {"endpoint": self.lines_unix[5:], **limit}}}
        config["extensions"] = {"health_check": {"endpoint": self.health, **tls()}}
        config["service"]["extensions"] = ["health_check"]
        config["service"]["pipelines"]["logs"] = {"receivers": ["jsonlog"], "exporters": ["otlp"]}
        self.program = case.start_program(config, [self.grpc, self.http, self.lines_tcp, self.health], workers=workers)

    @property
    def admin(self):
        return self.program.admin

    @property
    def all(self):
        """Each port with how many connections are opened there."""
        return {self.grpc: SILENT, self.http: SILENT, self.lines_http: SILENT, self.lines_tcp: SILENT,
                self.lines_unix: SILENT, self.health: PROBED, self.program.admin: PROBED}


@only_weft("its limits are others")
class SilentConnections(OutsideInCase):
    runs_alone = True

    def setUp(self):
        self.numbers = iter(range(1, 1_000_000))
        self.traces = 0
        self.lines = 0

    def post_traces(self, ports):
        self.traces += 1
        body = otlp.numbered_request(next(self.numbers) * 10, 1)
        return ask(ports.http, post("/v1/traces", body, "application/x-protobuf"), ports.tls)

    def call_traces(self, ports):
        self.traces += 1
        with Client(ports.grpc, credentials=ports.credentials) as client:
            reply = client.export(otlp.numbered_request(next(self.numbers) * 10, 1), seconds=5.0)
        return 200 if reply.outcome == Outcome.ACCEPTED else str(reply)

    def post_line(self, ports):
        self.lines += 1
        return ask(ports.lines_http, post("/", b'{"message":"over http"}\n', "application/json"), ports.tls)

    def write_line(self, ports, address):
        """There is no answer: what arrived is counted in the end."""
        self.lines += 1
        try:
            with connect(address) as plain:
                is_tls = ports.tls is not None and not address.startswith("unix:")
                connection = ports.tls.wrap_socket(plain, server_hostname="localhost") if is_tls else plain
                connection.sendall(b"a line\n")
                return 200
        except OSError as error:
            return type(error).__name__

    def run_new_clients(self, ports):
        """What each got: kind -> the answers that were not 200."""
        kinds = {
            "POST of traces": lambda: self.post_traces(ports),
            "gRPC call": lambda: self.call_traces(ports),
            "POST of lines": lambda: self.post_line(ports),
            "line over TCP": lambda: self.write_line(ports, ports.lines_tcp),
            "line over a unix socket": lambda: self.write_line(ports, ports.lines_unix),
            "/ready": lambda: ask(ports.program.admin, get("/ready")),
            "health probe": lambda: ask(ports.health, get("/"), ports.tls),
        }
        bad = {kind: [] for kind in kinds}
        slowest = dict.fromkeys(kinds, 0.0)
        for number in range(NEW_CLIENTS):
            for kind, run in kinds.items():
                if "call" in kind and number % 10 != 0:
                    continue  # grpc's client takes its time
                started = time.monotonic()
                code = run()
                slowest[kind] = max(slowest[kind], time.monotonic() - started)
                if code != 200:
                    bad[kind].append(code)
        for kind in kinds:
            print(f"  {kind}: {len(bad[kind])} of {NEW_CLIENTS} not answered {sorted(set(map(str, bad[kind])))}, "
                  f"slowest {slowest[kind] * 1e3:.0f} ms", flush=True)
        return bad, slowest

    def lock_out(self, opening=b"", names=None, **settings):
        """names: the ports where such an opening is begun well; None = all."""
        ports = Ports(self, **settings)
        addresses = ports.all if names is None else {getattr(ports, name): SILENT for name in names}
        flood = self.start(Flood(addresses, opening))
        time.sleep(seconds(3.0, 0.5))
        bad, slowest = self.run_new_clients(ports)
        self.assertEqual({kind: codes for kind, codes in bad.items() if codes}, {})
        self.assertLess(max(slowest.values()), ANSWER_SECONDS)
        thrown_out = flood.stop()
        print(f"  {thrown_out} of the attacker's connections were thrown out", flush=True)
        self.assertGreater(thrown_out, 0, "nobody was pushed out: this was no attack")
        evicted = sum(value for name, _, value in ports.program.metrics()
                      if name.endswith(("_connections_evicted_total", "_sockets_evicted_total")))
        self.assertGreater(evicted, 0)
        self.assertTrue(wait_until(lambda: ports.program.ledger(signal="logs").accepted >= self.lines, 5.0),
                        f"{self.lines} lines, {ports.program.ledger(signal='logs')}")
        self.assertEqual(ports.program.ledger().accepted, self.traces)
        self.assertEqual(ports.program.ledger(signal="logs").accepted, self.lines)

    def test_silent_connections_lock_nobody_out(self):
        self.lock_out()

    def test_silent_connections_lock_nobody_out_with_2_workers(self):
        self.lock_out(workers=2)

    def test_silent_connections_lock_nobody_out_over_tls(self):
        self.lock_out(is_tls=True)

    def test_half_a_head_locks_nobody_out(self):
        self.lock_out(opening=b"GET / HTT", names=("http", "lines_http", "health", "admin"))

    def test_a_preface_locks_nobody_out(self):
        self.lock_out(opening=PREFACE + frame(SETTINGS), names=("grpc",))


@only_weft("it has no such setting")
class AddressShare(AttackCase):
    """At its share an address gives way to itself, and others keep their room."""

    grpc_settings = {"max_connections": 100, "max_connections_per_address": 40}

    def test_an_address_gives_way_to_itself(self):
        silent = self.start(Flood({self.address: 55}))
        time.sleep(0.5)
        for _ in range(10):
            self.assert_next_client_is_served()
        self.assertLessEqual(self.connections(), 40)
        self.assertGreater(silent.stop(), 0)
        self.assert_good_client_untouched()

    def connections(self):
        return sum(value for name, _, value in self.program.metrics() if name == "weft_receiver_open_connections")


@only_weft("it has no reserve of descriptors")
class DescriptorsRunOut(OutsideInCase):
    """ulimit -n 64 and 90 clients that are idle: a few descriptors are kept back, and a new client takes the place of
    who has been silent for longest, at once."""

    runs_alone = True
    DESCRIPTORS, IDLE = 64, 90

    def begin(self, workers):
        directory = pathlib.Path(self.temporary_directory())
        program = directory / "weft-with-few-descriptors"
        program.write_text(f"#!/bin/sh\nulimit -n {self.DESCRIPTORS}\nexec {program_under_test()} \"$@\"\n")
        program.chmod(0o755)
        self.sink = self.start(Backend())
        self.http = f"127.0.0.1:{free_port()}"
        self.address = f"127.0.0.1:{free_port()}"
        receiver = {"protocols": {"grpc": {"endpoint": self.address}, "http": {"endpoint": self.http}}}
        config = configs.pipeline(self.address, {"otlp": configs.otlp_exporter(self.sink.address)}, receiver=receiver)
        self.program = self.start_program(config, [self.address, self.http], program=program, workers=workers)
        self.load = self.start(Load(self.address, 2, requests_per_second=60))
        self.assertTrue(wait_until(lambda: self.load.count(Outcome.ACCEPTED) > 0, 5.0))

    def spend(self, workers):
        self.begin(workers)
        cpu_before = self.cpu_seconds()
        with Flood({self.address: self.IDLE}):
            time.sleep(1.0)
            slowest, bad = 0.0, []
            for number in range(30):
                started = time.monotonic()
                code = ask(self.program.admin, get("/ready")) if number % 2 else ask(self.http, get("/v1/traces"))
                slowest = max(slowest, time.monotonic() - started)
                if code not in (200, 405):
                    bad.append(code)
            print(f"  {len(bad)} of 30 new clients not answered {sorted(set(map(str, bad)))}, slowest {slowest * 1e3:.0f} ms",
                  flush=True)
            self.assertEqual(bad, [])
            self.assertLess(slowest, ANSWER_SECONDS)
            self.reload_is_possible()
            self.assertLess(self.cpu_seconds() - cpu_before, 5.0, "accepting spins")
            self.assertGreater(sum(value for name, _, value in self.program.metrics()
                                   if name.startswith("weft_descriptors_short")), 0)
        self.assertIn("descriptors.short", self.program.process.log_text())
        self.load.stop()
        self.assertEqual(self.load.refusals, {})
        self.assertEqual(self.load.count(Outcome.LOST), 0)
        self.assertTrue(wait_until(lambda: self.program.ledger().waiting == 0, 20.0))
        self.assertEqual(Outside.of(self.load, [self.sink]).missing, 0)
        self.assertEqual(self.program.ledger(is_audited=True).disagreements(), [])

    def reload_is_possible(self):
        """A file is read, and a new exporter connects, out of what is kept back."""
        second = self.start(Backend())
        config = dict(self.program.config)
        config["exporters"] = {**config["exporters"], "otlp/2": configs.otlp_exporter(second.address)}
        config["service"]["pipelines"]["traces"]["exporters"] = ["otlp", "otlp/2"]
        self.program.write(config)
        self.program.reload()
        self.assertTrue(wait_until(lambda: second.requests,
                                   10.0), "the new exporter did not come")

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.program.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def test_new_clients_take_the_place_of_the_silent(self):
        self.spend(1)

    def test_new_clients_take_the_place_of_the_silent_with_2_workers(self):
        self.spend(2)

