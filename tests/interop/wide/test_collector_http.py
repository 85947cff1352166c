"""A real Collector sends to weft with its own otlp_http exporter: in protobuf and in JSON, gzip on as it comes."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness import config as configs
from harness.case import OutsideInCase
from harness.process import free_port
from clients import javascript_modules, play_javascript
from test_collector import collector_binary, requests
from two_paths import TwoPathsCase, through_weft

SPAN_COUNT = 1000


class CollectorHttpTest(OutsideInCase):
    @classmethod
    def setUpClass(cls):
        cls.collector = collector_binary()

    def new_address(self):
        return f"127.0.0.1:{free_port()}"

    def collector_before(self, exporters):
        address = self.new_address()
        config = configs.pipeline(address, exporters)
        self.start_program(config, [address], program=self.collector, stand_in=True)
        return self.client(address)

    def arrived(self, client, backend):
        for body in requests():
            self.assertEqual(client.export(body).message, "")
        self.assertEqual(len(backend.wait_for_spans(SPAN_COUNT, 20.0)), SPAN_COUNT)
        return backend.bodies()

    def through_collector_alone(self):
        backend = self.backend()
        return self.arrived(self.collector_before({"otlp": configs.otlp_exporter(backend.address)}), backend)

    def test_collector_sends_over_http(self):
        expected = self.through_collector_alone()
        compressions = ("zstd", "none", "zlib", "deflate", "snappy", "x-snappy-framed", "lz4")
        for settings in ({}, *({"compression": name} for name in compressions), {"encoding": "json"},
                         {"encoding": "json", "compression": "none"}):
            with self.subTest(**settings):
                backend, middle = self.backend(), self.new_address()
                config = configs.pipeline(None, {"otlp": configs.otlp_exporter(backend.address)},
                                          receiver=configs.otlp_http_receiver(middle))
                self.start_program(config, [middle])
                client = self.collector_before({"otlp_http": {"endpoint": f"http://{middle}", **settings}})
                self.assert_same_spans(expected, self.arrived(client, backend))


    def test_compressions_of_ours_are_read_by_the_collector(self):
        """Over HTTP, and over gRPC what it calls snappy; the Collector reads the same spans behind weft."""
        expected = self.through_collector_alone()
        for kind, names in (("otlp_http", ("zlib", "deflate", "snappy", "x-snappy-framed", "lz4")), ("otlp", ("snappy", "zstd"))):
            for name in names:
                with self.subTest(kind, compression=name):
                    backend, middle, address = self.backend(), self.new_address(), self.new_address()
                    receiver = configs.otlp_receiver(middle) if kind == "otlp" else configs.otlp_http_receiver(middle)
                    config = configs.pipeline(None, {"otlp": configs.otlp_exporter(backend.address)}, receiver=receiver)
                    self.start_program(config, [middle], program=self.collector, stand_in=True)
                    exporter = (configs.otlp_exporter(middle, compression=name) if kind == "otlp"
                                else {"endpoint": f"http://{middle}", "compression": name})
                    self.start_program(configs.pipeline(address, {kind: exporter}), [address])
                    self.assert_same_spans(expected, self.arrived(self.client(address), backend))

    def test_snappy_over_grpc_is_read(self):
        expected = self.through_collector_alone()
        backend, middle = self.backend(), self.new_address()
        self.start_program(configs.pipeline(middle, {"otlp": configs.otlp_exporter(backend.address)}), [middle])
        client = self.collector_before({"otlp": configs.otlp_exporter(middle, compression="snappy")})
        self.assert_same_spans(expected, self.arrived(client, backend))


class CollectorHttpSignalsTest(TwoPathsCase):
    """SDK -> Collector -> weft -> Collector, and the same without weft: all three signals."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        javascript_modules()

    def collector_before(self, settings):
        return lambda doors: {"exporters": {"otlp_http": {"endpoint": f"http://{doors.http}", **settings}}, "program": self.collector}

    def test_every_signal(self):
        def play(doors):
            play_javascript("proto", doors, "gzip")
        for settings in ({}, {"encoding": "json"}):  # the compression is the Collector's own default, gzip
            before = self.collector_before(settings)
            direct = self.written(play, [before])
            self.assert_counts(direct, {"traces": 612, "logs": 9, "metrics": 8})
            for compression in ("none", "gzip"):
                with self.subTest(**settings, weft_sends=compression):
                    self.assert_same(direct, self.written(play, [through_weft(compression), before]))
