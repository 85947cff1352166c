"""The Collector as the judge: what its file exporter writes as JSON is the same with weft before it as without."""

import json
import sys
import pathlib

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness import compare
from harness import config as configs
from harness.case import OutsideInCase
from harness.client import Client
from harness.process import free_port
from test_collector import collector_binary, requests


class CollectorFileTest(OutsideInCase):
    def written_by_collector(self, name, is_through_weft):
        path = pathlib.Path(self.temporary_directory()) / f"{name}.json"
        address = f"127.0.0.1:{free_port()}"
        config = configs.pipeline(address, {"file": {"path": str(path)}})
        collector = self.start_program(config, [address], program=collector_binary(), stand_in=True)
        if is_through_weft:
            behind, address = address, f"127.0.0.1:{free_port()}"
            exporters = {"otlp": configs.otlp_exporter(behind, compression="gzip")}
            weft = self.start_program(configs.pipeline(address, exporters, {"batch": {"timeout": "50ms"}}), [address])
        with Client(address) as client:
            for body in requests():
                self.assertEqual(client.export(body).code.name, "OK")
        if is_through_weft:
            weft.stop()  # delivers what it holds
        collector.stop()  # writes what it holds
        return [json.loads(line) for line in path.read_text().splitlines()]

    def test_the_file_is_the_same(self):
        direct, through = self.written_by_collector("direct", False), self.written_by_collector("through", True)
        self.assertEqual(len(list(compare.records_of(direct, "traces"))), 1000)
        self.assertEqual(compare.document_differences(direct, through, "traces"), [])
