"""A real OpenTelemetry Collector before weft and behind it: with weft in the chain the same spans come out as without.

The Collector's own defaults are left alone where they matter: it compresses with gzip, and it speaks TLS both ways
with certificates made for this run.
"""

import os
import pathlib
import subprocess

import grpc

from harness import config as configs
from harness import otlp, wire
from harness.case import OutsideInCase
from harness.certificates import Certificates
from harness.client import Client
from harness.places import TREE
from harness.process import free_port


def collector_binary():
    """bench/peers/build_collector.sh builds it into the cache (it needs Go) and prints where; WEFT_COLLECTOR names another."""
    if os.environ.get("WEFT_COLLECTOR"):
        return pathlib.Path(os.environ["WEFT_COLLECTOR"])
    build = subprocess.run([TREE / "bench" / "peers" / "build_collector.sh"], capture_output=True, text=True, timeout=1800)
    if build.returncode != 0:
        raise AssertionError(f"the Collector could not be built (it needs Go on the PATH):\n{build.stdout}{build.stderr}")
    return pathlib.Path(build.stdout.split()[-1])


def requests():
    """Spans with every kind of value, over several resources, in forms that a Collector's decoder keeps."""
    values = {"text": "ünïcode 世界", "empty": "", "flag": True, "integer": -2**63, "double": 0.1, "bytes": b"\x00\xff",
              "list": [1, "two", [3.5, None]], "map": {"inner": {"deep": 1}}}
    event = wire.bytes_field(11, wire.fixed64_field(1, otlp.BASE_TIME_NS) + wire.bytes_field(2, "event") + otlp.attributes(3, values))
    link = wire.bytes_field(13, wire.bytes_field(1, b"\5" * 16) + wire.bytes_field(2, b"\6" * 8) + wire.bytes_field(3, "ot=th:c")
                            + otlp.attributes(4, {"why": "retry"}) + wire.fixed32_field(6, 1))
    status = wire.bytes_field(15, wire.bytes_field(2, "it failed") + wire.number_field(3, 2))
    extra = event + link + status + wire.bytes_field(3, "vendor=a:b") + wire.number_field(10, 4) + wire.fixed32_field(16, 0x101)
    for first in range(0, 1000, 100):
        spans = [otlp.span((number + 1).to_bytes(16, "big"), otlp.numbered_span_id(number), f"span {number}", b"\7" * 8, 1 + number % 5,
                           values={**values, "number": number}, extra=extra if number % 2 else b"") for number in range(first, first + 100)]
        yield otlp.request(spans, {"service.name": f"service {first}", **values}, f"scope {first}")


class CollectorTest(OutsideInCase):
    @classmethod
    def setUpClass(cls):
        cls.collector = collector_binary()

    def new_address(self):
        return f"localhost:{free_port()}"

    def weft(self, listen, send_to, receiver=None, **exporter):
        """listen: an address "localhost:port"; both programs get it so, since certificates name localhost."""
        return self.chain_link(None, listen, send_to, receiver, **exporter)

    def chain_link(self, program, listen, send_to, receiver=None, **exporter):
        exporter.setdefault("compression", "gzip")
        config = configs.pipeline(listen, {"otlp": configs.otlp_exporter(send_to, **exporter)}, {"batch": {"timeout": "50ms"}},
                                  receiver or configs.otlp_receiver(listen))
        return self.start_program(config, [listen], program=program, stand_in=True if program else None)

    def send(self, address, credentials=None):
        with Client(address, credentials) as client:
            for body in requests():
                reply = client.export(body)
                self.assertEqual((reply.code, reply.message), (grpc.StatusCode.OK, ""))

    def arrived(self, backend):
        self.assertEqual(len(backend.wait_for_spans(1000, 20.0)), 1000)
        return backend.bodies()

    def through_collector_alone(self):
        backend, address = self.backend(), self.new_address()
        self.chain_link(self.collector, address, backend.address)
        self.send(address)
        return self.arrived(backend)

    def test_behind_a_collector(self):
        """client -> Collector -> weft -> backend."""
        backend, front, middle = self.backend(), self.new_address(), self.new_address()
        self.weft(middle, backend.address)
        self.chain_link(self.collector, front, middle)
        self.send(front)
        self.assert_same_spans(self.through_collector_alone(), self.arrived(backend))

    def test_in_front_of_a_collector(self):
        """client -> weft -> Collector -> backend."""
        for compression in ("gzip", "zstd", "none"):
            with self.subTest(compression):
                backend, front, middle = self.backend(), self.new_address(), self.new_address()
                self.chain_link(self.collector, middle, backend.address)
                self.weft(front, middle, compression=compression)
                self.send(front)
                self.assert_same_spans(self.through_collector_alone(), self.arrived(backend))

    def test_between_two_collectors_with_zstd(self):
        backend, front, middle, last = self.backend(), self.new_address(), self.new_address(), self.new_address()
        self.chain_link(self.collector, last, backend.address)
        self.weft(middle, last, compression="zstd")
        self.chain_link(self.collector, front, middle, compression="zstd")
        self.send(front)
        self.assert_same_spans(self.through_collector_alone(), self.arrived(backend))


class CollectorWithTlsTest(CollectorTest):
    """The same chains, each hop with TLS in both directions: the server's certificate and the client's are checked."""

    def setUp(self):
        self.certificates = Certificates(self.temporary_directory())

    def backend(self):
        backend = super().backend(address=f"localhost:{free_port()}", credentials=self.certificates.grpc_server())
        return backend

    def chain_link(self, program, listen, send_to, receiver=None, **exporter):
        files = self.certificates
        server = {"cert_file": str(files.certificate("server")), "key_file": str(files.key("server")),
                  "client_ca_file": str(files.authority)}
        client = {"ca_file": str(files.authority), "cert_file": str(files.certificate("client")), "key_file": str(files.key("client"))}
        return super().chain_link(program, listen, send_to, receiver or configs.otlp_receiver(listen, tls=server),
                                  **{"tls": client, **exporter})

    def send(self, address, credentials=None):
        super().send(address, credentials or self.certificates.grpc_client())

    def test_a_client_without_a_certificate_is_not_served(self):
        backend, address = self.backend(), self.new_address()
        self.weft(address, backend.address)
        stranger = grpc.ssl_channel_credentials(self.certificates.authority.read_bytes())
        with Client(address, stranger) as client:
            self.assertNotEqual(client.export(next(requests()), seconds=3.0).code, grpc.StatusCode.OK)
        self.send(address)
        self.arrived(backend)

    def test_a_plaintext_client_is_not_served(self):
        backend, address = self.backend(), self.new_address()
        self.weft(address, backend.address)
        with Client(address) as client:
            self.assertNotEqual(client.export(next(requests()), seconds=3.0).code, grpc.StatusCode.OK)
        self.send(address)
        self.arrived(backend)

    def test_a_backend_of_an_unknown_authority_gets_nothing(self):
        other = Certificates(self.temporary_directory())
        backend = OutsideInCase.backend(self, address=f"localhost:{free_port()}", credentials=other.grpc_server(is_client_required=False))
        address = self.new_address()
        program = self.weft(address, backend.address)
        with Client(address, self.certificates.grpc_client()) as client:
            client.export(next(requests()))
        self.assertEqual(backend.wait_for_spans(1, 2.0), set())
        program.kill()  # it still tries; how it gives up at SIGTERM is not what is tested here
