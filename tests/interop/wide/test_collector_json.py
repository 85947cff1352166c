"""OTLP/JSON as a real Collector has it: weft makes the same protobuf of the same text, and what weft writes as JSON is
read back as the same message by the Collector and by protobuf's own JSON.

10,000 requests of a fixed seed each way (json_generate.py), payloads like the examples of the specification
(json_examples.py), and every place that is known where weft and the Collector part (json_deviations.py).
"""

import http.client
import json
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from google.protobuf import text_format
from google.protobuf.message import DecodeError

import json_deviations
import json_examples
from harness import config as configs
from harness.case import OutsideInCase
from harness.http_backend import HttpBackend
from harness.process import free_port
from json_generate import REQUESTS, Messages, Texts, marker, message_class
from json_parties import JSON, PROTOBUF, Party, as_collector, exactly, from_tree, post, to_tree
from test_collector import collector_binary

SEED = 20251125
COUNTS = {"/v1/traces": 4000, "/v1/logs": 2000, "/v1/metrics": 4000}


def generated(path):
    """(message, JSON text) of each request."""
    source = random.Random(f"{SEED} {path}")
    messages, texts = Messages(source), Texts(source)
    for number in range(COUNTS[path]):
        message = messages.request(path, number)
        yield message, texts.text(message)


class CollectorJsonCase(OutsideInCase):
    @classmethod
    def setUpClass(cls):
        cls.collector = collector_binary()

    def assert_same(self, expected, actual, normal, about):
        expected, actual = normal(expected), normal(actual)
        if expected.SerializeToString(deterministic=True) != actual.SerializeToString(deterministic=True):
            self.assertEqual(text_format.MessageToString(expected), text_format.MessageToString(actual), about)
            self.fail(f"the bytes differ: {about}")


class JsonReadTest(CollectorJsonCase):
    """JSON -> weft -> protobuf."""

    def setUp(self):
        self.parties = {"the Collector": Party(self, self.collector), "weft": Party(self)}

    def send(self, path, text):
        for name, party in self.parties.items():
            self.send_to(party, name, path, text)

    def send_to(self, party, name, path, text):
        status, answer = party.post(path, text)
        self.assertEqual(status, 200, f"{name} refuses {text!r}: {answer}")

    def check_generated(self, path):
        sent = {}
        for message, text in generated(path):
            self.send(path, text)
            sent[marker(len(sent))] = message, text
        self.assertEqual(len(sent), COUNTS[path])
        for name, party in self.parties.items():
            arrived = party.arrived(path)
            self.assertEqual(arrived.keys(), sent.keys(), name)
            for key, (message, text) in sent.items():
                self.assert_same(message, arrived[key], as_collector, f"{name}, of {text!r}")

    def test_generated_traces(self):
        self.check_generated("/v1/traces")

    def test_generated_logs(self):
        self.check_generated("/v1/logs")

    def test_generated_metrics(self):
        self.check_generated("/v1/metrics")

    def test_examples_of_the_specification(self):
        """Protobuf's own JSON is the third opinion here."""
        for name, (path, text) in json_examples.EXAMPLES.items():
            with self.subTest(name):
                for party in self.parties.values():
                    party.backend.requests.clear()
                self.send(path, text)
                expected = from_tree(path, json.loads(text))
                for party in self.parties.values():
                    (arrived,) = party.arrived(path).values()
                    self.assert_same(expected, arrived, as_collector, name)
                (from_weft,) = self.parties["weft"].arrived(path).values()
                self.assert_same(expected, from_weft, exactly, name)

    def test_known_deviations(self):
        """Each is shown on both sides: when one of the two changes, this fails and the list is to be corrected."""
        for deviation in json_deviations.DEVIATIONS:
            for name, wanted in (("the Collector", deviation.collector), ("weft", deviation.weft)):
                with self.subTest(deviation.why, party=name):
                    self.check_deviation(self.parties[name], deviation, wanted)

    def check_deviation(self, party, deviation, wanted):
        party.backend.requests.clear()
        status, answer = party.post(deviation.path, deviation.text)
        if wanted is json_deviations.REFUSED:
            self.assertEqual(status, 400, answer)
            self.assertEqual(party.backend.requests, [])
            return
        self.assertEqual(status, 200, answer)
        if wanted is json_deviations.NOTHING_SENT:
            self.assertEqual(party.backend.requests, [])
            return
        if wanted is json_deviations.NO_PROTOBUF:
            self.assertRaises(DecodeError, party.arrived, deviation.path)
            return
        (arrived,) = party.arrived(deviation.path).values()
        self.assert_same(from_tree(deviation.path, wanted), arrived, as_collector, deviation.text)


    def test_what_both_refuse(self):
        """The Collector answers some with 500."""
        for text in json_deviations.BOTH_REFUSE:
            with self.subTest(text):
                self.assertEqual(self.parties["weft"].post("/v1/logs", text)[0], 400)
                self.assertIn(self.parties["the Collector"].post("/v1/logs", text)[0], (400, 500))
        for name, party in self.parties.items():
            self.assertEqual(party.backend.requests, [], name)

    def test_halves_of_surrogate_pairs_become_replacement_characters(self):
        for escaped, wanted in (("\\ud800", "\ufffd"), ("\\ud800x", "\ufffdx"), ("\\udc00", "\ufffd"), ("\\ud800\\u0041", "\ufffdA"),
                                ("\\udc00\\ud800", "\ufffd\ufffd"), ("\\ud800\\n", "\ufffd\n")):
            with self.subTest(escaped):
                for name, party in self.parties.items():
                    party.backend.requests.clear()
                    self.send_to(party, name, "/v1/logs", json_deviations.LOG % f'"eventName":"{escaped}"')
                    (arrived,) = party.arrived("/v1/logs").values()
                    self.assertEqual(arrived.resource_logs[0].scope_logs[0].log_records[0].event_name, wanted, name)


class JsonWrittenTest(CollectorJsonCase):
    """protobuf -> weft -> JSON, by the exporter otlp_http and by the exporter file."""

    def setUp(self):
        self.http = self.start(HttpBackend())
        self.file = pathlib.Path(self.temporary_directory()) / "lines.json"
        self.address = f"127.0.0.1:{free_port()}"
        exporters = {"otlp_http": {"endpoint": self.http.url, "encoding": "json", "compression": "none",
                                   "sending_queue": {"wait_for_result": True}},
                     "file": {"path": str(self.file), "flush_interval": "50ms"}}
        config = configs.for_every_signal(configs.pipeline(None, exporters, receiver=configs.otlp_http_receiver(self.address)))
        self.weft = self.start_program(config, [self.address])

    def written(self, path, messages):
        """Marker -> the text that weft made, the same by both exporters."""
        connection = http.client.HTTPConnection(self.address, timeout=20)
        for message in messages:
            status, answer = post(connection, path, message.SerializeToString(), PROTOBUF)
            self.assertEqual(status, 200, answer)
        connection.close()
        self.weft.stop()  # writes what it holds
        texts = [received.text.decode() for received in self.http.requests]
        # Not splitlines: text knows more ends of lines than a file of JSON has.
        self.assertEqual(sorted(texts), sorted(self.file.read_bytes().decode().split("\n")[:-1]))
        first = message_class(path).DESCRIPTOR.fields[0].json_name
        return {json.loads(text)[first][0]["schemaUrl"]: text for text in texts}

    def check(self, path):
        sent = {marker(number): message for number, (message, _) in enumerate(generated(path))}
        texts = self.written(path, sent.values())
        self.assertEqual(texts.keys(), sent.keys())
        collector = Party(self, self.collector)
        for key, text in texts.items():
            self.assertEqual(collector.post(path, text)[0], 200, text)
            tree = json.loads(text)
            self.assertEqual(tree, to_tree(sent[key]))
            self.assert_same(sent[key], from_tree(path, tree), exactly, f"protobuf's own JSON, of {text!r}")
        arrived = collector.arrived(path)
        self.assertEqual(arrived.keys(), sent.keys())
        for key, message in sent.items():
            self.assert_same(message, arrived[key], as_collector, f"the Collector, of {texts[key]!r}")

    def test_traces(self):
        self.check("/v1/traces")

    def test_logs(self):
        self.check("/v1/logs")

    def test_metrics(self):
        self.check("/v1/metrics")
