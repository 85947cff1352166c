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
        for settings in ({}, {"compression": "zstd"}, {"compression": "none"}, {"encoding": "json"},
                         {"encoding": "json", "compression": "none"}):
            with self.subTest(**settings):
                backend, middle = self.backend(), self.new_address()
                config = configs.pipeline(None, {"otlp": configs.otlp_exporter(backend.address)},
                                          receiver=configs.otlp_http_receiver(middle))
                self.start_program(config, [middle])
                client = self.collector_before({"otlp_http": {"endpoint": f"http://{middle}", **settings}})
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
