"""Two attacks at once, during a reload, before a backend that is down, over TLS, with two workers, with a full join: good
clients over gRPC and HTTP lose nothing, probes are answered, no turn of a worker is long, memory stays within its limit and
comes back, and the books agree."""

import copy
import http.client
import pathlib
import ssl
import statistics
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from attack_case import IS_FULL, MIB, Meter, is_sanitized
from harness import config as configs
from harness import mix_attacks, otlp, prometheus
from harness.backend import Backend
from harness.books import Outside, disagreements
from harness.case import OutsideInCase, only_weft
from harness.certificates import Certificates
from harness.client import Client, Load, Outcome, Reply
from harness.process import Program, free_port, wait_until

LIMIT_MIB = 64
ATTACK_SECONDS = 20 if IS_FULL else 5
SCALE = 5 if IS_FULL else 1
PROBE_SECONDS = 1.0
BACK_SECONDS = 10
SPANS = 20


class HttpClient:
    """As Client, over HTTP/1.1 with a connection that is kept."""

    def __init__(self, address, context=None):
        self.address, self.context = address, context
        self.connection = None

    def _connect(self, seconds):
        if self.context:
            return http.client.HTTPSConnection(self.address, timeout=seconds, context=self.context)
        return http.client.HTTPConnection(self.address, timeout=seconds)

    def export(self, body, method=otlp.TRACES_METHOD, seconds=5.0):
        is_reused = self.connection is not None
        try:
            self.connection = self.connection or self._connect(seconds)
            self.connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as failure:
            self.close()
            if is_reused and isinstance(failure, (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError)):
                return self.export(body, method, seconds)  # any client does: a kept connection may be closed at any time
            return Reply(Outcome.LOST, _Name("LOST"), repr(failure), b"", {})
        outcome = Outcome.ACCEPTED if answer.status == 200 else Outcome.REFUSED
        return Reply(outcome, _Name(str(answer.status)), text.decode(errors="replace"), text, {})

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class _Name:
    def __init__(self, name):
        self.name = name


class Prober(threading.Thread):
    """A kubelet: asks /ready ten times a second, each time on a new connection."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.seconds, self.failures = address, [], []
        self._stopping = threading.Event()

    def run(self):
        while not self._stopping.wait(0.1):
            started = time.monotonic()
            try:
                connection = http.client.HTTPConnection(self.address, timeout=5.0)
                connection.request("GET", "/ready")
                code = connection.getresponse().status
                connection.close()
                if code != 200:
                    self.failures.append(code)
            except OSError as failure:
                self.failures.append(repr(failure))
            self.seconds.append(time.monotonic() - started)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self.join(timeout=10)


@only_weft("its limits are others")
class Mixes(OutsideInCase):
    def begin(self, workers=1, is_tls=False, processors=None):
        self.sink = self.start(Backend())
        self.grpc, self.http = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        self.is_tls = is_tls
        tls, credentials, context = {}, None, None
        if is_tls:
            certificates = Certificates(self.temporary_directory())
            tls = {"tls": {"cert_file": str(certificates.certificate("server")), "key_file": str(certificates.key("server"))}}
            credentials = certificates.grpc_client()
            context = ssl.create_default_context(cafile=certificates.authority)
        receiver = {"protocols": {"grpc": {"endpoint": self.grpc, **copy.deepcopy(tls)}, "http": {"endpoint": self.http, **tls}}}
        limiter = {"memory_limiter": {"check_interval": "100ms", "limit_mib": LIMIT_MIB}}
        exporter = configs.otlp_exporter(self.sink.address, sending_queue={"queue_size": 5000})
        self.config = configs.pipeline(self.grpc, {"otlp": exporter}, {**limiter, **(processors or {})}, receiver)
        self.program = self.start_program(self.config, [self.grpc, self.http], workers=workers)
        makers = [lambda: Client(self.grpc, credentials), lambda: HttpClient(self.http, context)]
        self.load = self.start(Load(self.grpc, 4, SPANS, requests_per_second=40, make_client=lambda n: makers[n % 2]()))
        self.assertTrue(wait_until(lambda: self.load.count(Outcome.ACCEPTED) > 20 * SPANS, 10.0), self.load.refusals)
        self.pace = self.slow_ticks()
        self.meter = self.start(Meter(self.program.process.pid))
        self.prober = self.start(Prober(self.program.admin))

    def slow_ticks(self):
        """Bound in seconds -> turns of any worker that took longer."""
        samples = self.program.metrics()
        return {over: prometheus.total(samples, "weft_loop_slow_ticks", over=over) for over in ("0.01", "0.05", "0.25", "1")}

    def attack(self, *kinds, meanwhile=None):
        attackers = []
        for kind in kinds:
            arguments = [sys.executable, mix_attacks.__file__, kind, ATTACK_SECONDS, SCALE, self.grpc, self.http,
                         self.program.admin, *(["--tls"] if self.is_tls else [])]
            attackers.append(Program(arguments, self.program.directory / f"{kind}.txt").start())
        end = time.monotonic() + ATTACK_SECONDS
        while time.monotonic() < end:
            if meanwhile is not None:
                meanwhile()
            time.sleep(0.5)
        for attacker in attackers:
            self.assertEqual(attacker.wait(30.0), 0, attacker.log_tail())

    def finish(self, title):
        resident = self.meter.resident_bytes
        is_back = is_sanitized() or wait_until(lambda: resident() <= self.meter.begin_bytes + LIMIT_MIB * MIB // 4, BACK_SECONDS)
        self.load.stop()
        self.prober.__exit__()
        self.assertTrue(wait_until(lambda: self.program.ledger().waiting == 0, 30.0), f"{self.program.ledger()}")
        pace = self.slow_ticks()
        slow = {over: int(count - self.pace[over]) for over, count in pace.items()}
        longest = max(value for name, _, value in self.program.metrics() if name.startswith("weft_loop_longest_tick"))
        print(f"  {title}: {self.load.count(Outcome.ACCEPTED)} spans of good clients, slowest call {self.load.slowest:.2f} s, "
              f"probes median {statistics.median(self.prober.seconds) * 1e3:.0f} ms, slowest {max(self.prober.seconds):.2f} s, "
              f"turns over 10, 50, 250 ms: {slow['0.01']}, {slow['0.05']}, {slow['0.25']}, longest {longest * 1e3:.0f} ms, "
              f"memory {self.meter.begin_bytes / MIB:.0f} -> {self.meter.peak_bytes / MIB:.0f} -> {resident() / MIB:.0f} MiB", flush=True)
        self.assertEqual(self.load.refusals, {}, "good clients were refused or lost")
        self.assertEqual(self.prober.failures, [], "probes failed")
        self.assertLess(max(self.prober.seconds), PROBE_SECONDS)
        outside = Outside.of(self.load, [self.sink])
        self.assertEqual(outside.missing, 0, outside)
        self.assertEqual(disagreements(self.program.ledger(is_audited=True), outside), [])
        self.assertEqual(slow["0.25"], 0, "a worker stood for a quarter of a second")
        if not is_sanitized():
            self.assertTrue(is_back, f"{resident() / MIB:.1f} MiB are resident {BACK_SECONDS} s after the attack")
            self.assertLessEqual(self.meter.peak_bytes, LIMIT_MIB * MIB * 5 // 4)
            if IS_FULL:
                self.assertEqual(slow["0.05"], 0, "a turn took longer than 50 ms")

    def test_begun_calls_and_silence(self):
        self.begin()
        self.attack("begun_calls", "silent")
        self.finish("begun calls, silence")

    def test_half_bodies_and_resets_while_reloading(self):
        self.begin()
        self.attack("half_bodies", "resets", meanwhile=self.program.reload)
        self.finish("half bodies, resets, reloads")

    def test_dribblers_and_kilobytes_before_a_dead_backend(self):
        self.begin(processors={"batch": {"timeout": "100ms"}})
        self.sink.stop()
        self.attack("dribblers", "kilobyte_calls")
        self.sink.start()
        self.finish("dribblers, begun kilobytes, no backend")

    def test_half_bodies_and_silence_over_tls(self):
        self.begin(is_tls=True)
        self.attack("half_bodies", "silent")
        self.finish("half bodies, silence, TLS")

    def test_begun_calls_and_nonsense_with_a_full_join_and_two_workers(self):
        keep_all = {"decision_wait": "1s", "num_traces": 20, "policies": [{"name": "all", "type": "always_sample"}]}
        self.begin(workers=2, processors={"tail_sampling": keep_all})
        self.attack("begun_calls", "nonsense")
        self.finish("begun calls, nonsense, a full join, two workers")

    def test_dribblers_and_half_bodies_while_reloading_with_two_workers(self):
        self.begin(workers=2)
        self.attack("dribblers", "half_bodies", meanwhile=self.program.reload)
        self.finish("dribblers, half bodies, reloads, two workers")


if __name__ == "__main__":
    unittest.main()
