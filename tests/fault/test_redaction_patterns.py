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
LONG_BYTES = 4_000_000
DETECTORS = ["email", "credit_card", "aws_key", "openai_key", "ipv6", "password_kv"]
ALMOST_FOUND = ["4111-", "sk-", "-AKIA", "\\u0040a", "YW5u/"]  # each found nearly everywhere, and nowhere


def metric_of(program, name):
    """The largest of them."""
    page = urllib.request.urlopen(f"http://{program.admin}/metrics", timeout=10).read().decode()
    return max(float(line.split()[-1]) for line in page.splitlines() if line.startswith(name))


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
        self.assertEqual(metric_of(self.program, "weft_redaction_put_off_batches"), 1)
        limits = [line for line in urllib.request.urlopen(f"http://{self.program.admin}/metrics", timeout=10).read().decode().splitlines()
                  if line.startswith("weft_redaction_limits_met") and 'signal="traces"' in line]
        self.assertEqual([float(line.split()[-1]) for line in limits], [float(SPANS * TEXTS)], limits)


@only_weft("its detectors")
class LongTexts(OutsideInCase):
    """Texts of megabytes in which detectors almost find something at each place: all of them is looked at, in several turns of the loop."""

    runs_alone = True

    def test_they_take_several_turns_and_all_of_them_is_looked_at(self):
        address = f"127.0.0.1:{free_port()}"
        sink = self.start(Backend())
        program = self.start_program(configs.pipeline(address, {"otlp": configs.otlp_exporter(sink.address)}, {
            "redaction": {"allow_all_keys": True, "scope": "all", "detectors": DETECTORS}}), [address], workers=1)
        for number, text in enumerate(ALMOST_FOUND):
            value = text * (LONG_BYTES // len(text)) + " ann@example.com"
            with Client(address) as client:
                request = otlp.request([otlp.span(b"1" * 16, otlp.numbered_span_id(number), "x", values={"key": value})])
                self.assertEqual(client.export(request, seconds=60.0).outcome, Outcome.ACCEPTED, text)
        bodies = b"".join(sink.bodies())
        self.assertEqual(len(sink.wait_for_spans(len(ALMOST_FOUND))), len(ALMOST_FOUND))
        self.assertNotIn(b"ann@example.com", bodies)
        self.assertEqual(metric_of(program, "weft_redaction_put_off_batches"), len(ALMOST_FOUND))
