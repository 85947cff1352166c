"""A fault test: load from a client with numbered spans, weft, a backend that misbehaves, and the books at the end.

Each method fault_x of a class decorated with @for_each_worker_count becomes a test for 1, 2 and 4 workers.
WEFT_FAULT_SCALE=full makes the phases as long as they are in earnest; else they are short enough for every test run.
"""

import copy
import os

from harness import config as configs
from harness.backend import Backend
from harness.books import Auditor, Outside, disagreements
from harness.case import OutsideInCase
from harness.client import Load, Outcome
from harness.places import is_stand_in
from harness.process import free_port, wait_until

WORKER_COUNTS = (1, 2, 4)
IS_FULL = os.environ.get("WEFT_FAULT_SCALE", "") == "full"
BATCH = {"batch": {"timeout": "100ms", "send_batch_size": 200, "send_batch_max_size": 200}}


def seconds(full, short):
    return full if IS_FULL else short


def for_each_worker_count(case):
    for name in [name for name in dir(case) if name.startswith("fault_")]:
        body = getattr(case, name)
        for count in WORKER_COUNTS[:1] if is_stand_in() else WORKER_COUNTS:
            def test(self, body=body, count=count):
                self.workers = count
                body(self)
            test.__doc__ = body.__doc__
            setattr(case, f"test_{name.removeprefix('fault_')}_with_{count}_workers", test)
    return case


class FaultCase(OutsideInCase):
    workers = 1
    senders = 4
    requests_per_second = 200

    def begin(self, answer=None, processors=None, may_be_down=False, **exporter):
        """Backend, weft, the auditor and the load, all running."""
        self.sinks = [self.start(Backend(answer=answer))]
        self.address = f"127.0.0.1:{free_port()}"
        self.processors = BATCH if processors is None else processors
        self.program = self.start_program(self.config_to(self.sinks[0], **exporter), [self.address], workers=self.workers)
        self.auditor = None if is_stand_in() else self.start(Auditor(self.program.admin, may_be_down))
        self.load = self.start(Load(self.address, self.senders, requests_per_second=self.requests_per_second))

    def config_to(self, sink, **exporter):
        return configs.pipeline(self.address, {"otlp": configs.otlp_exporter(sink.address, **exporter)}, self.processors)

    def reload_to(self, config):
        """Writes it, reloads, and waits until the former graph is gone."""
        done = self.done_reloads()
        self.program.write(config)
        self.program.reload()
        self.assertTrue(wait_until(lambda: self.done_reloads() > done, 20.0),
                        "the reload did not end:\n" + self.program.process.log_tail())

    def done_reloads(self):
        return self.program.process.log_text().count('"agent.reloaded"')

    def changed(self, change):
        config = copy.deepcopy(self.program.config)
        change(config)
        return config

    def settled_ledger(self, limit=30.0):
        """Once nothing waits any more: the ledger, or None with a stand-in."""
        if is_stand_in():
            wanted = self.load.spans(Outcome.ACCEPTED)
            wait_until(lambda: wanted <= {span for sink in self.sinks for span in sink.confirmed_span_ids()}, 5.0)
            return None
        wait_until(lambda: self.program.ledger().waiting == 0, limit)
        return self.program.ledger(is_audited=True)

    def finish(self, is_loss_allowed=False, is_refusal_expected=False):
        """Stops the load, lets weft come to rest, and compares; (ledger or None, what the outside saw)."""
        self.load.stop()
        ledger = self.settled_ledger()
        outside = Outside.of(self.load, self.sinks)
        self.assertGreater(outside.accepted, 0, f"nothing was accepted: {self.load.refusals}")
        if not is_refusal_expected:
            self.assertEqual(self.load.count(Outcome.REFUSED), 0, self.load.refusals)
        if ledger is not None:
            self.auditor.stop()
            print(f"  {self.auditor.sample_count} audits; {ledger}\n  {outside}", flush=True)
            self.assertGreater(self.auditor.sample_count, 10, "the audit was hardly ever read")
            self.assertEqual(self.auditor.problems, [])
            self.assertEqual(disagreements(ledger, outside), [])
            if not is_loss_allowed:
                self.assertEqual({reason: count for reason, count in ledger.dropped.items() if count}, {})
        if not is_loss_allowed:
            self.assertEqual(outside.missing, 0, outside)
        return ledger, outside
