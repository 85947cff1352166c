"""Profiles through weft: the bytes that came are the bytes that leave, over every way in and out, and the books count samples."""

import base64
import gzip
import http.client
import json
import pathlib

import grpc
from google.protobuf import json_format

from harness import config as configs
from harness import profiles, prometheus
from harness.backend import Answer
from harness.case import OutsideInCase, only_weft
from harness.client import Client
from harness.http_backend import HttpBackend
from harness.process import free_port, wait_until

BATCH = {"sending_queue": {"batch": {"min_size": 2, "max_size": 2, "flush_timeout": "1h"}}}


def for_profiles(config):
    config["service"]["pipelines"] = {"profiles": config["service"]["pipelines"]["traces"]}
    return config


def hex_ids(node):
    """OTLP's JSON has hex where protobuf's own has base64."""
    if isinstance(node, list):
        return [hex_ids(item) for item in node]
    if isinstance(node, dict):
        return {key: base64.b64decode(item).hex() if key.endswith("Id") else hex_ids(item) for key, item in node.items()}
    return node


def as_json(raw):
    parsed = profiles.message()
    parsed.ParseFromString(raw)
    return json.dumps(hex_ids(json_format.MessageToDict(parsed)))


class ProfilesTest(OutsideInCase):
    def setUp(self):
        self.grpc, self.http = (f"127.0.0.1:{free_port()}" for _ in range(2))

    def start_with(self, exporters, processors=None):
        receiver = {"protocols": {"grpc": {"endpoint": self.grpc}, "http": {"endpoint": self.http}}}
        config = for_profiles(configs.pipeline(None, exporters, processors, receiver=receiver))
        self.program = self.start_program(config, [self.grpc, self.http], gates=profiles.GATE)
        return self.program

    def post(self, body, **headers):
        connection = http.client.HTTPConnection(self.http, timeout=10)
        connection.request("POST", profiles.PATH, body, {"Content-Type": "application/x-protobuf", **headers})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, text

    def send_all_ways(self):
        """Three requests; what they are as protobuf."""
        sent = [profiles.request(number) for number in range(3)]
        with Client(self.grpc) as client:
            self.assertEqual(client.export(sent[0], profiles.METHOD).code.name, "OK")
        self.assertEqual(self.post(gzip.compress(sent[1]), **{"Content-Encoding": "gzip"})[0], 200)
        self.assertEqual(self.post(as_json(sent[2]), **{"Content-Type": "application/json"})[0], 200)
        return sent

    @only_weft("the Collector writes its dictionary anew")
    def test_bytes_stay_over_grpc_and_http(self):
        over_grpc, http_backend = self.backend(), self.start(HttpBackend())
        self.start_with({"otlp": configs.otlp_exporter(over_grpc.address, **BATCH),
                         "otlp_http": {"endpoint": http_backend.url, "compression": "gzip", "tls": {"insecure": True}},
                         "otlp_http/json": {"profiles_endpoint": http_backend.url + "/elsewhere/profiles", "encoding": "json"}})
        sent = self.send_all_ways()
        self.assertTrue(wait_until(lambda: len(over_grpc.bodies(profiles.METHOD)) == 3 and len(http_backend.requests) == 6, 10))
        self.assertLessEqual(set(sent[:2]), set(over_grpc.bodies(profiles.METHOD)))  # the third one was JSON
        self.assertLessEqual(set(sent[:2]), set(http_backend.bodies(profiles.PATH)))
        for bodies in (over_grpc.bodies(profiles.METHOD), http_backend.bodies(profiles.PATH), http_backend.bodies("/elsewhere/profiles")):
            self.assertEqual(sorted(map(str, map(profiles.meaning, bodies))), sorted(map(str, map(profiles.meaning, sent))))
        self.assertTrue(wait_until(lambda: self.program.ledger(signal="profiles").sent == 27, 5))
        books = self.program.ledger(is_audited=True, signal="profiles")
        self.assertEqual((books.accepted, books.copied, books.sent), (9, 18, 27))
        self.assertEqual(books.disagreements(), [])
        metrics = self.program.metrics()
        self.assertEqual(prometheus.total(metrics, "otelcol_receiver_accepted_profile_samples"), 9)
        self.assertEqual(prometheus.total(metrics, "otelcol_exporter_sent_profile_samples"), 27)

    def test_what_has_no_samples_ends_well_and_goes_nowhere(self):
        backend = self.backend()
        self.start_with({"otlp": configs.otlp_exporter(backend.address)})
        client = self.client(self.grpc)
        self.assertEqual(client.export(profiles.request(0, sample_counts=(0, 0)), profiles.METHOD).code.name, "OK")
        self.assertEqual(self.post(b"")[0], 200)
        self.assertEqual(client.export(profiles.request(1), profiles.METHOD).code.name, "OK")
        self.assertTrue(wait_until(lambda: backend.bodies(profiles.METHOD), 10))
        self.assertEqual(len(backend.bodies(profiles.METHOD)), 1)

    def test_what_is_malformed_is_refused(self):
        self.start_with({"nop": {}})
        client = self.client(self.grpc)
        for body in (b"\x0a", b"\x0a\x04\x12\x02\x12\x09", b"\x12\x02\x3a\x05"):
            self.assertNotEqual(client.export(body, profiles.METHOD).code.name, "OK")
            self.assertEqual(self.post(body)[0], 400)
        short_id = profiles.message()
        short_id.resource_profiles.add().scope_profiles.add().profiles.add(profile_id=b"short").samples.add()
        self.assertEqual(self.post(short_id.SerializeToString())[0], 400)
        self.assertEqual(self.post(b"{", **{"Content-Type": "application/json"})[0], 400)
        self.assertEqual(client.export(profiles.request(1), profiles.METHOD).code.name, "OK")

    @only_weft("its ledger is asked")
    def test_what_a_backend_refuses_is_rejected_whole(self):
        backend = self.backend(answer=lambda number, body: Answer(status=grpc.StatusCode.INVALID_ARGUMENT) if number == 0 else Answer())
        self.start_with({"otlp": configs.otlp_exporter(backend.address)})
        client = self.client(self.grpc)
        for number in range(2):
            self.assertEqual(client.export(profiles.request(number), profiles.METHOD).code.name, "OK")
            self.assertTrue(wait_until(lambda: len(backend.bodies(profiles.METHOD)) == number + 1, 10))
        self.assertTrue(wait_until(lambda: self.program.ledger(signal="profiles").sent == 3, 5))
        books = self.program.ledger(is_audited=True, signal="profiles")
        self.assertEqual((books.accepted, books.rejected, books.sent), (6, 3, 3))

    @only_weft("its books outlive it")
    def test_what_was_held_at_a_kill_is_booked_as_lost(self):
        self.start_with({"otlp": configs.otlp_exporter(f"127.0.0.1:{free_port()}")})
        client = self.client(self.grpc)
        for number in range(4):
            self.assertEqual(client.export(profiles.request(number), profiles.METHOD).code.name, "OK")
        self.assertEqual(self.program.ledger(signal="profiles").queued, 12)
        self.program.kill()
        self.program.start()
        books = self.program.ledger(is_audited=True, signal="profiles")
        self.assertEqual((books.accepted, books.dropped), (12, {"crash": 12}))
        self.assertEqual(books.disagreements(), [])

    @only_weft("its file is read here")
    def test_files_have_lines_of_json_or_protobuf(self):
        folder = pathlib.Path(self.temporary_directory())
        self.start_with({"file": {"path": str(folder / "a.json")}, "file/proto": {"path": str(folder / "a.bin"), "format": "proto"}})
        sent = self.send_all_ways()
        self.program.stop()
        lines = (folder / "a.json").read_text().splitlines()
        self.assertEqual([json.loads(line) for line in lines], [json.loads(as_json(raw)) for raw in sent])
        raw = (folder / "a.bin").read_bytes()
        self.assertEqual(raw[:4 + len(sent[0])], len(sent[0]).to_bytes(4, "big") + sent[0])
