"""A fault test of stages: weft with the toys in it (tests/toys), spans and log records that share traces, and the books of both.

traces: [half, hold, batch] and logs: [hold, batch] share one `hold`, to which workers lend each other's records. `half` keeps every
second span: of each request the sink has exactly the one half or the other.
"""

from fault_case import BATCH, FaultCase
from harness import config as configs
from harness import ledger, otlp
from harness.backend import Backend
from harness.books import Auditor, Outside, disagreements
from harness.client import Load, Outcome
from harness.places import program_with_toys
from harness.process import free_port, wait_until

SIGNALS = {"traces": otlp.TRACES_METHOD, "logs": otlp.LOGS_METHOD}


class StageCase(FaultCase):
    senders = 4  # of each signal
    requests_per_second = 100
    batch = BATCH["batch"]

    def begin(self, answer=None, hold=None, may_be_down=False, records_per_request=20, extra=(), **exporter):
        """Backend, weft, the auditor and both loads, all running."""
        self.sinks = [self.start(Backend(answer=answer))]
        self.address = f"127.0.0.1:{free_port()}"
        self.program = self.start_program(self.config_of({"wait": "300ms", **(hold or {})}, exporter), [self.address],
                                          workers=self.workers, program=program_with_toys(), extra=extra)
        self.auditor = self.start(Auditor(self.program.admin, may_be_down, tuple(SIGNALS)))
        requests = {"traces": otlp.numbered_spans_of_traces, "logs": otlp.numbered_logs_of_traces}
        self.loads = {signal: self.start(Load(self.address, self.senders, records_per_request, self.requests_per_second,
                                              make_request=requests[signal], method=method)) for signal, method in SIGNALS.items()}

    def config_of(self, hold, exporter):
        config = configs.pipeline(self.address, {"otlp": configs.otlp_exporter(self.sinks[0].address, **exporter)},
                                  {"half": {}, "hold": hold, "batch": dict(self.batch)})
        config["service"]["pipelines"]["logs"] = {"receivers": ["otlp"], "processors": ["hold", "batch"], "exporters": ["otlp"]}
        return config

    def books(self):
        document = ledger.read_document(self.program.admin, is_audited=True)
        return {signal: ledger.from_document(document, signal) for signal in SIGNALS}

    def sum_of(self, name):
        return sum(getattr(books, name) for books in self.books().values())

    def wait_for_load(self, count=50):
        """Until both loads have had so many more requests accepted."""
        wanted = {signal: len(load.ranges[Outcome.ACCEPTED]) + count for signal, load in self.loads.items()}

        def have_come():
            self.program.check_has_not_failed()
            return all(len(self.loads[signal].ranges[Outcome.ACCEPTED]) >= wanted[signal] for signal in SIGNALS)

        self.assertTrue(wait_until(have_come, 30.0), {signal: load.refusals for signal, load in self.loads.items()})

    def stop_loads(self):
        for load in self.loads.values():
            load.stop()

    def stop_loads_with_all_held(self):
        """hold's wait is long: once everything is held, nothing is in flight or in transit. The records held, by signal."""
        self.stop_loads()
        self.assertTrue(wait_until(lambda: all(books.waiting == books.buffered for books in self.books().values()), 20.0), self.books())
        held = {signal: books.buffered for signal, books in self.books().items()}
        self.assertTrue(all(held.values()), held)
        return held

    def finish(self, losses=frozenset(), refused=()):
        """Stops the loads, lets weft come to rest, and compares. losses: the reasons other than `filtered` for which records may
        have been dropped. refused: signals of which requests may have been refused."""
        self.stop_loads()
        self.assertTrue(wait_until(lambda: self.sum_of("waiting") == 0, 30.0), self.books())
        self.auditor.stop()
        self.assertEqual(self.auditor.problems, [])
        self.assertGreater(self.auditor.sample_count, 10, "the audit was hardly ever read")
        books = self.books()
        for signal, load in self.loads.items():
            with self.subTest(signal=signal):
                outside = Outside.of(load, self.sinks)
                print(f"  {self.auditor.sample_count} audits; {signal}: {books[signal]}\n  {outside}", flush=True)
                self.assertGreater(outside.accepted, 0, f"nothing was accepted: {load.refusals}")
                if signal not in refused:
                    self.assertEqual(load.count(Outcome.REFUSED), 0, load.refusals)
                self.assertEqual(disagreements(books[signal], outside), [])
                self.expect_reasons(books[signal], {"filtered"} if signal == "traces" else set(), losses)
                if not losses:
                    self.expect_each_record(load, books[signal], signal)
        self.expect_loans()
        return books

    def expect_reasons(self, books, wanted, losses):
        reasons = {reason for reason, count in books.dropped.items() if count}
        self.assertEqual((reasons - losses, wanted - reasons), (wanted, set()))

    def expect_each_record(self, load, books, signal):
        """Nothing was lost: the sink has each record once that is not filtered, and the books say how many."""
        came = self.confirmed(signal)
        self.assertEqual(len(came), len(set(came)), "records came twice")
        self.assertEqual((books.sent, books.dropped.get("filtered", 0)), (len(came), books.accepted - len(came)))
        ids = set(came)
        for outcome in (Outcome.ACCEPTED, Outcome.LOST):
            for first in load.ranges[outcome]:
                self.assertIn(self.came_of(first, load.spans_per_request, ids), self.possible(load.spans_per_request, signal, outcome))

    @staticmethod
    def came_of(first, count, ids):
        return [index for index in range(count) if otlp.numbered_span_id(first + index) in ids]

    @staticmethod
    def possible(count, signal, outcome):
        """The positions of a request's records that may have come."""
        whole = list(range(count))
        chosen = [whole[0::2], whole[1::2]] if signal == "traces" else [whole]
        return chosen + [[]] if outcome is Outcome.LOST else chosen

    def confirmed(self, signal):
        return [record for sink in self.sinks for received in list(sink.requests)
                if received.method == SIGNALS[signal] and received.answer.status.name == "OK" and not received.answer.is_lost
                for record in otlp.record_ids(received.body, SIGNALS[signal])]

    def expect_loans(self):
        """in_transit stands in the totals, is 0 at rest, and was used if there is somebody to lend to."""
        document = ledger.read_document(self.program.admin)
        self.assertEqual([document["signals"][signal]["in_transit"] for signal in SIGNALS], [0, 0])
        lent = sum(account["inflow"] for account in document["accounts"] if account["account"] == "in_transit")
        self.assertEqual(lent > 0, self.workers > 1)
