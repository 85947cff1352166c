"""Profiles through weft and through a Collector: both send on what says the same, write the same file, and count the same."""

import http.client
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from harness import config as configs
from harness import profiles, prometheus
from harness.case import OutsideInCase, only_weft
from harness.client import Client
from harness.places import program_under_test
from harness.process import free_port, wait_until
from test_collector import collector_binary
from test_profiles import as_json, for_profiles

COUNT = 20


@only_weft("it is compared with the reference")
class CollectorProfilesTest(OutsideInCase):
    def played(self, program, is_stand_in):
        """(what the backend got, the file's lines, metrics) of one program."""
        backend, grpc, over_http = self.backend(), *(f"127.0.0.1:{free_port()}" for _ in range(2))
        path = pathlib.Path(self.temporary_directory()) / "file.json"
        receiver = {"protocols": {"grpc": {"endpoint": grpc}, "http": {"endpoint": over_http}}}
        exporters = {"otlp": configs.otlp_exporter(backend.address), "file": {"path": str(path)}}
        config = for_profiles(configs.pipeline(None, exporters, {"memory_limiter": {"check_interval": "1s", "limit_mib": 512}}, receiver=receiver))
        running = self.start_program(config, [grpc, over_http], program=program, stand_in=is_stand_in, gates=profiles.GATE)
        with Client(grpc) as client:
            for number in range(COUNT):
                body = profiles.request(number, sample_counts=(number % 4, number % 3))
                if number % 2 == 0:
                    self.assertEqual(client.export(body, profiles.METHOD).code.name, "OK")
                else:
                    self.assertEqual(self.post(over_http, body, number % 4 == 1), 200)
        wanted = sum(number % 4 + number % 3 > 0 for number in range(COUNT))
        self.assertTrue(wait_until(lambda: len(backend.bodies(profiles.METHOD)) >= wanted, 10))
        counted = running.metrics()
        running.stop()
        return backend.bodies(profiles.METHOD), path.read_text().splitlines(), counted

    @staticmethod
    def post(address, body, is_json):
        connection = http.client.HTTPConnection(address, timeout=10)
        kind = "application/json" if is_json else "application/x-protobuf"
        connection.request("POST", profiles.PATH, as_json(body) if is_json else body, {"Content-Type": kind})
        status = connection.getresponse().status
        connection.close()
        return status

    def test_both_send_on_write_and_count_the_same(self):
        theirs, their_lines, their_counts = self.played(collector_binary(), True)
        ours, our_lines, our_counts = self.played(program_under_test(), False)
        self.assertEqual(sorted(map(json.dumps, map(profiles.meaning, ours))), sorted(map(json.dumps, map(profiles.meaning, theirs))))
        self.assertEqual(sorted(map(self.line_meaning, our_lines)), sorted(map(self.line_meaning, their_lines)))
        for name, labels in (("otelcol_receiver_accepted_profile_samples", {}), ("otelcol_exporter_sent_profile_samples", {"exporter": "otlp"})):
            self.assertEqual(prometheus.total(our_counts, name, **labels), prometheus.total(their_counts, name, **labels), name)
        print(f"{len(ours)} requests, {sum(map(profiles.sample_count, ours))} samples", flush=True)

    @staticmethod
    def line_meaning(line):
        return json.dumps(profiles.meaning_of_json(json.loads(line)), sort_keys=True)
