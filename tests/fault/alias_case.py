"""A tail sampler with aliases between clients and a backend, its books, and what its metrics and people who ask it say."""

import re
import urllib.request

from harness import asking, config as configs, ledger, otlp, wire
from harness.backend import Backend
from harness.case import OutsideInCase
from harness.process import free_port, wait_until

FAILED_STATUS = wire.bytes_field(15, wire.number_field(3, 2))
KEEP_ERRORS = [{"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}]


class AliasCase(OutsideInCase):
    workers = 1

    def begin(self, wait, **aliases):
        self.sink = self.start(Backend())
        self.address = f"127.0.0.1:{free_port()}"
        self.sampling = {"decision_wait": wait, "aliases": {"families": ["job_id"], **aliases}, "policies": list(KEEP_ERRORS)}
        config = configs.pipeline(self.address, {"otlp": configs.otlp_exporter(self.sink.address)}, {"tail_sampling": self.sampling})
        config["service"]["pipelines"]["logs"] = {"receivers": ["otlp"], "processors": ["tail_sampling"], "exporters": ["otlp"]}
        self.config = config
        self.program = self.start_program(config, [self.address], workers=self.workers)
        self.socket = self.program.state_directory / "admin.sock"
        self.clients = [self.client(self.address) for _ in range(8)]

    def reload(self):
        done = self.program.process.log_text().count('"agent.reloaded"')
        self.program.write(self.config)
        self.program.reload()
        self.assertTrue(wait_until(lambda: self.program.process.log_text().count('"agent.reloaded"') > done, 20.0))

    def numbers_at_sink(self):
        return sorted(int.from_bytes(record, "big") - 1 for received in self.sink.requests
                      for record in otlp.record_ids(received.body, received.method))

    def books(self):
        document = ledger.read_document(self.program.admin, is_audited=True)
        return [ledger.from_document(document, name) for name in ("traces", "logs")]

    def expect_nothing_held(self):
        self.assertTrue(wait_until(lambda: all(books.waiting == 0 for books in self.books()), 30.0), self.books())
        status, text, said = asking.command(self.program.program, "ledger", "--audit", "--state-dir", self.program.state_directory)
        self.assertEqual((status, said), (0, ""), text)

    def metric(self, name):
        """The sum over workers."""
        with urllib.request.urlopen(f"http://{self.program.admin}/metrics", timeout=10) as answer:
            found = re.findall(rf"^{name}(?:_total)?\{{[^}}]*\}} (\S+)", answer.read().decode(), re.MULTILINE)
        self.assertTrue(found, name)
        return sum(map(float, found))
