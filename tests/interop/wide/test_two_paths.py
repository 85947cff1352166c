"""Each real client over each protocol that it speaks: the Collector behind weft gets what it gets without weft.

The second of the two ways through weft compresses on both sides and batches between.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import clients
from two_paths import TwoPathsCase, through_weft

WAYS = {"none": through_weft("none"), "gzip": through_weft("gzip", processors={"batch": {"timeout": "50ms"}})}


class ClientCase(TwoPathsCase):
    def compare(self, play, protocol, **counts):
        direct = self.written(lambda doors: play(protocol, doors, "none"), [])
        self.assert_counts(direct, counts)
        for compression, way in WAYS.items():
            with self.subTest(compression=compression):
                through = self.written(lambda doors: play(protocol, doors, compression), [way])
                self.assert_same(direct, through)


class JavaScriptTest(ClientCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        clients.javascript_modules()

    def compare_javascript(self, protocol):
        self.compare(clients.play_javascript, protocol, traces=612, logs=9, metrics=8)

    def test_grpc(self):
        self.compare_javascript("grpc")

    def test_http_protobuf(self):
        self.compare_javascript("proto")

    def test_http_json(self):
        self.compare_javascript("http")

    def test_weft_sends_over_http(self):
        """The Collector behind weft is reached through its other door."""
        direct = self.written(lambda doors: clients.play_javascript("grpc", doors, "none"), [])
        for settings in ({"compression": "gzip"}, {"compression": "none"}, {"compression": "gzip", "encoding": "json"}):
            with self.subTest(**settings):
                way = through_weft(exporter="otlp_http", **settings)
                self.assert_same(direct, self.written(lambda doors: clients.play_javascript("grpc", doors, "none"), [way]))


class PythonTest(ClientCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        clients.sdk_python()

    def compare_python(self, protocol):
        self.compare(clients.play_python, protocol, traces=611, logs=12, metrics=8)

    def test_grpc(self):
        self.compare_python("grpc")

    def test_http_protobuf(self):
        self.compare_python("http")


class RustTest(ClientCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        clients.rust_program()

    def compare_rust(self, protocol):
        self.compare(clients.play_rust, protocol, traces=610, logs=10, metrics=7)

    def test_grpc(self):
        self.compare_rust("grpc")

    def test_http_protobuf(self):
        self.compare_rust("proto")

    def test_http_json(self):
        self.compare_rust("json")


class JavaTest(ClientCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        clients.java_classes()

    def compare_java(self, protocol):
        self.compare(clients.play_java, protocol, traces=611, logs=11, metrics=8)

    def test_grpc(self):
        self.compare_java("grpc")

    def test_http_protobuf(self):
        self.compare_java("http")


class TelemetrygenTest(ClientCase):
    has_random_ids = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        clients.telemetrygen()

    def compare_telemetrygen(self, protocol):
        self.compare(clients.play_telemetrygen, protocol, traces=4 * clients.TELEMETRYGEN_TRACES, logs=clients.TELEMETRYGEN_LOGS,
                     metrics=3 * clients.TELEMETRYGEN_METRICS)

    def test_grpc(self):
        self.compare_telemetrygen("grpc")

    def test_http_protobuf(self):
        self.compare_telemetrygen("http")
