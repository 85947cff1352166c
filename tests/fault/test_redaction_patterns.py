"""A pattern that a client's texts make slow: the worker goes on, and none of the texts gets through."""

import pathlib
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness import config as configs
from harness import otlp
from harness.backend import Backend
from harness.case import OutsideInCase, only_weft
from harness.client import Client, Outcome
from harness.process import free_port

SPANS, TEXTS = 1000, 20  # of a request; of a span: each takes the pattern a millisecond


@only_weft("a linear matcher needs no limits")
class CatastrophicPattern(OutsideInCase):
    runs_alone = True

    def start_all(self):
        self.address = f"127.0.0.1:{free_port()}"
        self.sink = self.start(Backend())
        self.program = self.start_program(configs.pipeline(self.address, {"otlp": configs.otlp_exporter(self.sink.address)}, {
            "redaction": {"allow_all_keys": True, "scope": "all", "blocked_values": ["(a|aa)+$"]}}), [self.address], workers=1)

    def hostile(self):
        texts = {f"key{number}": "a" * 40 + f"-secret{number}!" for number in range(TEXTS)}
        return otlp.request([otlp.span(b"1" * 16, otlp.numbered_span_id(number), "x", values=texts) for number in range(SPANS)])

    def test_it_neither_stalls_the_worker_nor_lets_a_text_through(self):
        self.start_all()
        started = time.monotonic()
        with Client(self.address) as client:
            self.assertEqual(client.export(self.hostile(), seconds=60.0).outcome, Outcome.ACCEPTED)
            took = time.monotonic() - started
            self.assertEqual(client.export(otlp.numbered_request(0, 1)).outcome, Outcome.ACCEPTED)
        self.assertLess(took, 5.0, "it would take 20 s if each text had its millisecond")
        self.assertEqual(len(self.sink.wait_for_spans(SPANS)), SPANS)
        bodies = b"".join(self.sink.bodies())
        self.assertNotIn(b"secret", bodies)
        self.assertIn(b"****", bodies)
        self.assertIn(b"span 0", bodies)  # the next batch is matched again
        limits = [line for line in urllib.request.urlopen(f"http://{self.program.admin}/metrics", timeout=10).read().decode().splitlines()
                  if line.startswith("weft_redaction_limits_met") and 'signal="traces"' in line]
        self.assertEqual([float(line.split()[-1]) for line in limits], [float(SPANS * TEXTS)], limits)
