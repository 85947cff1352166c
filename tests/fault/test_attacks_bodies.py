"""Messages that are begun and not ended, by the thousand, over both protocols: what they hold stays within the memory limit, they
hold up nobody who keeps pace, and once their clients are gone the memory is, too."""

import gzip
import multiprocessing
import pathlib
import resource
import socket
import ssl
import struct
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from attack_case import IS_FULL, MIB, AttackCase, Meter, is_sanitized
from harness import config as configs
from harness import http2_frames as h2
from harness import otlp, prometheus
from harness.case import only_weft
from harness.certificates import Certificates
from harness.client import Client, Outcome
from harness.http2_frames import Attacker
from harness.process import free_port, wait_until

LIMIT_MIB = 64
MOST_RESIDENT = LIMIT_MIB * MIB * 5 // 4
GIVEN_BACK_SECONDS = 10.0
LEFT_OVER_BYTES = 8 * MIB  # of what was resident before, with the clients that stay
LONGEST_STALL = 4.0  # seconds; of a loaded machine, on which the attacker takes a core of two
CONNECTIONS = 900 if IS_FULL else 150
STREAMS = 100
BLOCK = h2.grpc_block(otlp.TRACES_METHOD)
OPENING = h2.PREFACE + h2.frame(h2.SETTINGS)
PROMISED = b"\0" + struct.pack(">I", 4 * MIB)


def raise_descriptor_limit():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def begun_calls(payload):
    """A hundred calls that promise 4 MiB each."""
    return b"".join(h2.headers(2 * number + 1, BLOCK) + h2.frame(h2.DATA, 0, 2 * number + 1, PROMISED + payload)
                    for number in range(STREAMS))


def padded_request(first, count, size):
    """Numbered spans in a request of about so many bytes."""
    spans = [otlp.span((first + 1).to_bytes(16, "big"), otlp.numbered_span_id(number), f"span {number}",
                       values={"number": number, "pad": "x" * (size // count)}) for number in range(first, first + count)]
    return otlp.request(spans)


def probe(address, stopping, results):
    """Asks /ready again and again; the longest answer tells how long the worker was away."""
    host, port = address.rsplit(":", 1)
    slowest, count = 0.0, 0
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        while not stopping.wait(0.01):
            started = time.monotonic()
            connection.sendall(b"GET /ready HTTP/1.1\r\nHost: x\r\n\r\n")
            if not connection.recv(65536):
                break
            slowest = max(slowest, time.monotonic() - started)
            count += 1
    results.put((slowest, count))


class Probe:
    """A process of its own: the attacker's would keep it waiting."""

    def __init__(self, address):
        self.slowest, self.count = 0.0, 0
        context = multiprocessing.get_context("fork")
        self._stopping, self._results = context.Event(), context.Queue()
        self._process = context.Process(target=probe, args=(address, self._stopping, self._results), daemon=True)

    def __enter__(self):
        self._process.start()
        return self

    def stop(self):
        if not self._stopping.is_set():
            self._stopping.set()
            self.slowest, self.count = self._results.get(timeout=70)
            self._process.join(timeout=5)

    def __exit__(self, *_):
        self._stopping.set()
        self._process.kill()


class HalfBody:
    """One connection to the HTTP port with a body that is begun; fit for drive_all."""

    def __init__(self, address, opening, path="/v1/traces"):
        self.attacker = Attacker(address, opening)

    @staticmethod
    def head(declared, extra="", path="/v1/traces"):
        length = "Transfer-Encoding: chunked" if declared is None else f"Content-Length: {declared}"
        return (f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n{extra}{length}\r\n\r\n").encode()


class BodyCase(AttackCase):
    grpc_settings = {"max_connections": 2_000, "max_connections_per_address": 2_000}
    http_settings = {"max_connections": 2_000, "max_connections_per_address": 2_000}
    processors = {"memory_limiter": {"check_interval": "1s", "limit_mib": LIMIT_MIB}}
    workers = None
    is_tls = False

    def setUp(self):
        raise_descriptor_limit()
        self.http = f"127.0.0.1:{free_port()}"
        super().setUp()
        self.before_bytes = self.meter.resident_bytes()

    def start_program(self, config, listening, **settings):
        program = super().start_program(config, listening, workers=self.workers, **settings)
        self.probe = self.start(Probe(program.admin))  # before the load: a fork must not copy its threads
        return program

    def config(self):
        config = super().config()
        config["receivers"]["otlp"]["protocols"]["http"] = {"endpoint": self.http, **self.http_settings}
        return config

    def total(self, name, **labels):
        return prometheus.total(self.program.metrics(), name, **labels)

    def tell(self, what):
        self.probe.stop()
        counters = {name: int(self.total(f"weft_{name}")) for name in (
            "grpc_server_calls_shed", "grpc_server_messages_refused", "http_server_bodies_shed", "http_server_bodies_refused",
            "http_server_bodies_withheld")}
        counters["longest tick ms"] = round(1e3 * max(value for name, _, value in self.program.metrics()
                                                      if name == "weft_loop_longest_tick_seconds"), 1)
        self.say(f"{what}: peak {self.meter.peak_bytes / MIB:.0f} MiB, longest stall {self.probe.slowest * 1e3:.0f} ms, "
                 f"good calls {len(self.load.ranges[Outcome.ACCEPTED])}, refused {len(self.load.ranges[Outcome.REFUSED])}, "
                 f"lost {len(self.load.ranges[Outcome.LOST])}, slowest {self.load.slowest * 1e3:.0f} ms; {counters}")

    def assert_memory_bounded(self):
        if not is_sanitized():
            self.assertLessEqual(self.meter.peak_bytes, MOST_RESIDENT, f"{self.meter.peak_bytes / MIB:.0f} MiB were resident")

    def assert_memory_given_back(self):
        started = time.monotonic()
        given_back = wait_until(lambda: self.meter.resident_bytes() <= self.before_bytes + LEFT_OVER_BYTES, GIVEN_BACK_SECONDS)
        print(f"  {self.meter.resident_bytes() / MIB:.0f} MiB resident {time.monotonic() - started:.1f} s after, "
              f"{self.before_bytes / MIB:.0f} before", flush=True)
        if not is_sanitized():
            self.assertTrue(given_back, f"{self.meter.resident_bytes() / MIB:.0f} MiB are resident, "
                                        f"{self.before_bytes / MIB:.0f} were before")

    def assert_no_stall(self):
        self.assertGreater(self.probe.count, 10)
        self.assertLess(self.probe.slowest, LONGEST_STALL, "the worker was away")

    def end(self, attackers):
        for attacker in attackers:
            attacker.close()
        self.assert_memory_given_back()
        self.assert_memory_bounded()
        self.assert_no_stall()
        self.assert_good_client_untouched(MOST_RESIDENT)

    def begin_calls(self, payload, connections=CONNECTIONS, seconds=60.0):
        """Connections with a hundred begun calls each."""
        calls = begun_calls(payload)
        attackers = [self.start(Attacker(self.address)) for _ in range(connections)]
        for attacker in attackers:
            attacker.queue(calls)
        h2.drive_all(attackers, seconds, lambda: not any(attacker._output for attacker in attackers))
        h2.drive_all(attackers, 2.0 if IS_FULL else 0.5)
        return attackers


@only_weft("it has no such limits")
class BegunCalls(BodyCase):
    def test_one_byte_of_each(self):
        attackers = self.begin_calls(b"x")
        self.tell(f"{len(attackers)} connections with {STREAMS} calls of one byte")
        self.end(attackers)

    def test_one_kilobyte_of_each(self):
        attackers = self.begin_calls(b"x" * 1024)
        self.tell(f"{len(attackers)} connections with {STREAMS} calls of 1 KiB")
        self.end(attackers)


@only_weft("it has no such limits")
class BegunCallsWithTwoWorkers(BegunCalls):
    workers = 2


@only_weft("it has no such limits")
class BegunCallsWithoutLimiter(BodyCase):
    """What there is without a memory_limiter is the default credit; it is given back all the same."""

    processors = {}

    def test_one_byte_of_each(self):
        attackers = self.begin_calls(b"x")
        self.tell("without a memory_limiter")
        self.end(attackers)

    def assert_memory_bounded(self):
        if not is_sanitized():
            self.assertLessEqual(self.meter.peak_bytes, 128 * MIB)


@only_weft("it has no such limits")
class BegunCallsOverTls(BodyCase):
    CONNECTIONS = 200 if IS_FULL else 60

    def config(self):
        certificates = Certificates(self.temporary_directory(), names=("server",))
        self.tls_address = f"127.0.0.1:{free_port()}"
        self.trust = ssl.create_default_context(cafile=certificates.authority)
        self.trust.set_alpn_protocols(["h2"])
        tls = {"cert_file": str(certificates.certificate("server")), "key_file": str(certificates.key("server"))}
        config = super().config()
        config["receivers"]["otlp/tls"] = configs.otlp_receiver(self.tls_address, tls=tls, **self.grpc_settings)
        config["service"]["pipelines"]["traces"]["receivers"].append("otlp/tls")
        return config

    def test_one_byte_of_each(self):
        host, port = self.tls_address.rsplit(":", 1)
        connections = []
        for _ in range(self.CONNECTIONS):
            plain = socket.create_connection((host, int(port)), timeout=20)
            connection = self.start(self.trust.wrap_socket(plain, server_hostname="localhost"))
            connection.sendall(OPENING + begun_calls(b"x"))
            connections.append(connection)
        time.sleep(2.0 if IS_FULL else 0.5)
        self.tell(f"{len(connections)} connections over TLS")
        self.assertEqual(int(self.total("weft_grpc_server_calls", receiver="otlp/tls")), STREAMS * len(connections))
        self.end(connections)


@only_weft("it has no such limits")
class HalfBodies(BodyCase):
    """HTTP: as many connections as there may be, each with a quarter of a MiB of a body that never ends."""

    COUNT = 800 if IS_FULL else 300
    SENT = 256 * 1024 - 1

    def opening(self, number):
        return HalfBody.head(MIB) + bytes(self.SENT)

    def test_half_bodies(self):
        attackers = [self.start(Attacker(self.http, self.opening(number))) for number in range(self.COUNT)]
        h2.drive_all(attackers, 60.0, lambda: not any(attacker._output for attacker in attackers))
        time.sleep(3.0 if IS_FULL else 1.0)
        self.tell(f"{self.COUNT} connections with {self.SENT // 1024} KiB of a body")
        self.end(attackers)


@only_weft("it has no such limits")
class HalfChunkedBodies(HalfBodies):
    def opening(self, number):
        chunk = b"4000\r\n" + bytes(0x4000) + b"\r\n"
        return HalfBody.head(None) + chunk * (self.SENT // 0x4000)


@only_weft("it has no such limits")
class HalfBodiesWithTwoWorkers(HalfBodies):
    workers = 2


@only_weft("it has no such receiver")
class HalfBodiesOfLines(HalfBodies):
    """jsonlog's server is in the same account."""

    def config(self):
        config = super().config()
        self.lines = f"127.0.0.1:{free_port()}"
        config["receivers"]["jsonlog"] = {"protocols": {"http": {"endpoint": self.lines, **self.http_settings}}}
        config["service"]["pipelines"]["logs"] = {"receivers": ["jsonlog"], "processors": list(self.processors),
                                                  "exporters": ["otlp"]}
        return config

    def opening(self, number):
        return HalfBody.head(MIB, path="/") + b"x" * self.SENT

    def setUp(self):
        super().setUp()
        self.http = self.lines


@only_weft("it has no such limits")
class AllAtOnce(HalfBodies):
    """Begun calls and half bodies side by side: it is one account, and so one limit."""

    workers = 2
    COUNT = 400 if IS_FULL else 100

    def test_half_bodies(self):
        bodies = [self.start(Attacker(self.http, self.opening(number))) for number in range(self.COUNT)]
        calls = [self.start(Attacker(self.address)) for _ in range(CONNECTIONS // 2)]
        for attacker in calls:
            attacker.queue(begun_calls(b"x" * 64))
        everybody = bodies + calls
        h2.drive_all(everybody, 60.0, lambda: not any(attacker._output for attacker in everybody))
        h2.drive_all(everybody, 1.0)
        self.tell(f"{self.COUNT} half bodies and {len(calls) * STREAMS} begun calls")
        self.assertLessEqual(self.total("weft_begun_bytes"), LIMIT_MIB * MIB // 2)
        self.end(everybody)


@only_weft("it has no such limits")
class InflatedBodies(BodyCase):
    """What is compressed counts, and what it becomes: many at once that become twenty times as much."""

    COUNT = 40 if IS_FULL else 16

    def test_inflated_bodies(self):
        packed = gzip.compress(b"".join(bytes([1 + number % 7]) * 20 for number in range(19 * MIB // 20)), 1)
        head = HalfBody.head(len(packed), "Content-Encoding: gzip\r\n")
        attackers = [self.start(Attacker(self.http, head + packed)) for _ in range(self.COUNT)]
        h2.drive_all(attackers, 30.0, lambda: all(attacker._input or attacker.frames for attacker in attackers))
        self.load.stop()  # while a client is there, the blocks are kept for the next
        self.tell(f"{self.COUNT} bodies of {len(packed) // 1024} KiB that become 19 MiB")
        self.end(attackers)


class Dribbler:
    """Sends what it is told at once, and then a byte now and then."""

    def __init__(self, attacker, byte, seconds=8.0):
        self.attacker, self.byte = attacker, byte
        self.seconds = seconds
        self.next = time.monotonic() + seconds

    def go_on(self):
        if time.monotonic() >= self.next and not self.attacker.ended.is_over:
            self.attacker.queue(self.byte)
            self.next += self.seconds


@only_weft("it has no such limits")
class Dribblers(BodyCase):
    """Uploads that hold all the room there is and hardly move make way for one that does."""

    COUNT = 5
    DECLARED = 20 * MIB - 1
    LONGEST_WAIT = 5.0
    requests_per_second = 20

    def dribble(self, dribblers, is_done):
        end = time.monotonic() + (60.0 if IS_FULL else 20.0)
        while not is_done() and time.monotonic() < end:
            for dribbler in dribblers:
                dribbler.go_on()
            h2.drive_all([dribbler.attacker for dribbler in dribblers], 0.05)

    def timed(self, send):
        """How long send() takes on a thread of its own while the dribblers go on."""
        taken = []

        def run():
            started = time.monotonic()
            send()
            taken.append(time.monotonic() - started)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return taken

    def accept(self, first, count):
        with self.load.lock:
            self.load.ranges[Outcome.ACCEPTED].extend(range(first, first + count, self.load.spans_per_request))

    def post(self, size):
        first = self.load.take_number()
        body = padded_request(first, self.load.spans_per_request, size)
        host, port = self.http.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(HalfBody.head(len(body)) + body)
            answer = connection.recv(65536)
        self.assertTrue(answer.startswith(b"HTTP/1.1 200"), answer[:200])
        self.accept(first, self.load.spans_per_request)

    def call(self, size):
        first = self.load.take_number()
        with Client(self.address) as client:
            reply = client.export(padded_request(first, self.load.spans_per_request, size), seconds=60.0)
        self.assertEqual(reply.outcome, Outcome.ACCEPTED, f"{reply}")
        self.accept(first, self.load.spans_per_request)

    def fill_http(self):
        uploads = [self.start(Attacker(self.http, HalfBody.head(self.DECLARED) + bytes(8 * MIB))) for _ in range(self.COUNT)]
        h2.drive_all(uploads, 1.0)
        return [Dribbler(upload, b"x") for upload in uploads]

    def fill_grpc(self, pieces_of_each=15, piece_bytes=16_000):
        """Calls that promise 4 MiB, and nearly as much of each as its first window takes."""
        uploads = [self.start(Attacker(self.address)).agree() for _ in range(8)]
        streams = range(1, 32, 2)
        for upload in uploads:
            upload.queue(b"".join(h2.headers(stream, BLOCK) + h2.frame(h2.DATA, 0, stream, PROMISED) for stream in streams))
        pieces = {upload: [h2.frame(h2.DATA, 0, stream, bytes(piece_bytes)) for stream in streams for _ in range(pieces_of_each)]
                  for upload in uploads}
        sent = dict.fromkeys(uploads, 0)
        end = time.monotonic() + 10.0
        while time.monotonic() < end and any(pieces.values()):
            for upload in uploads:
                if not upload._output and pieces[upload] and sent[upload] + 34_000 < upload.connection_window:
                    few = min(len(pieces[upload]), (upload.connection_window - sent[upload]) // piece_bytes - 1)
                    upload.queue(b"".join(pieces[upload].pop() for _ in range(few)))
                    sent[upload] += piece_bytes * few
            h2.drive_all(uploads, 0.02)
        byte = b"".join(h2.frame(h2.DATA, 0, stream, b"x") for stream in streams)
        return [Dribbler(upload, byte) for upload in uploads]

    def test_a_post_is_not_held_up(self):
        dribblers = self.fill_http()
        taken = self.timed(lambda: self.post(MIB))
        self.dribble(dribblers, lambda: taken)
        self.tell(f"a POST of 1 MiB behind {self.COUNT} dribblers took {taken}")
        self.assertTrue(taken, "it never ended")
        self.assertLess(taken[0], self.LONGEST_WAIT)
        self.end([dribbler.attacker for dribbler in dribblers])

    def test_a_call_is_not_held_up(self):
        dribblers = self.fill_grpc()
        taken = self.timed(lambda: self.call(3 * MIB + MIB // 2))
        self.dribble(dribblers, lambda: taken)
        self.tell(f"a call of 3.5 MiB behind dribblers took {taken}")
        self.assertTrue(taken, "it never ended")
        self.assertLess(taken[0], self.LONGEST_WAIT)
        self.end([dribbler.attacker for dribbler in dribblers])

    def test_a_call_is_not_held_up_by_calls_that_use_their_windows_up(self):
        dribblers = self.fill_grpc(16, 16_383)
        taken = self.timed(lambda: self.call(3 * MIB + MIB // 2))
        self.dribble([], lambda: taken)
        self.tell(f"a call of 3.5 MiB behind calls that stop when their windows are used up took {taken}")
        self.assertTrue(taken, "it never ended")
        self.assertLess(taken[0], 2 * self.LONGEST_WAIT)
        self.end([dribbler.attacker for dribbler in dribblers])

    def test_a_post_is_not_held_up_by_many_that_stop(self):
        uploads = [self.start(Attacker(self.http, HalfBody.head(self.DECLARED) + bytes(MIB))) for _ in range(60)]
        h2.drive_all(uploads, 1.0)
        taken = self.timed(lambda: self.post(MIB))
        self.dribble([], lambda: taken)
        self.tell(f"a POST of 1 MiB behind {len(uploads)} that stop after 1 MiB took {taken}")
        self.assertTrue(taken, "it never ended")
        self.assertLess(taken[0], 2 * self.LONGEST_WAIT)
        self.end(uploads)

    def test_a_call_is_not_held_up_by_posts(self):
        dribblers = self.fill_http()
        taken = self.timed(lambda: self.call(3 * MIB + MIB // 2))
        self.dribble(dribblers, lambda: taken)
        self.tell(f"a call of 3.5 MiB behind {self.COUNT} POSTs that dribble took {taken}")
        self.assertTrue(taken, "it never ended")
        self.assertLess(taken[0], self.LONGEST_WAIT)
        self.end([dribbler.attacker for dribbler in dribblers])
