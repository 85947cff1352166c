"""Real producers into one tail_sampling that traces and logs share, a grpcio backend behind: of a kept trace every span
and every line arrives, of a dropped one none, late ones follow, each record exactly once. What has to arrive says Model
below, by the semantics of the design and by what the producers say they have sent; it knows nothing of weft's code."""

import collections
import json
import pathlib
import secrets
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness import asking, otlp, stubs
from harness import config as configs
from harness.books import Auditor
from harness.case import OutsideInCase, only_weft
from harness.places import TESTS
from harness.process import free_port, wait_until
from join_producers import JavaScript, Line, Python, Rust, Sender, Span, id_of_word

KEPT_FOR = "errors"


# ---- what has to come out ----

class Trace:
    def __init__(self):
        self.spans, self.lines, self.late_spans, self.late_lines = [], [], [], []
        self.is_kept = None  # None: undecided


class Model:
    """Spans and lines with a trace id wait; a verdict on what came until then holds for them and for what comes late.
    What names no trace passes at once. Lines whose trace has no span pass when their time is up and leave no verdict.
    Neither passes if drops_without_trace."""

    def __init__(self, drops_without_trace):
        self.traces = {}
        self.sent = collections.Counter()
        self.dropped = collections.Counter()  # (reason, record)
        self.fate_without_trace = "no_trace" if drops_without_trace else "sent"

    def take(self, record):
        is_span = isinstance(record, Span)
        if not record.trace_id:
            self._end(record, self.fate_without_trace)
            return
        trace = self.traces.setdefault(record.trace_id, Trace())
        if trace.is_kept is None:
            (trace.spans if is_span else trace.lines).append(record)
        else:
            (trace.late_spans if is_span else trace.late_lines).append(record)
            self._end(record, self._fate(trace))

    def let_time_pass(self):
        for trace_id, trace in list(self.traces.items()):
            if trace.is_kept is not None:
                continue
            if trace.spans:
                trace.is_kept = any(span.is_error for span in trace.spans)
            else:
                del self.traces[trace_id]
            for record in trace.spans + trace.lines:
                self._end(record, self._fate(trace))

    def _fate(self, trace):
        return {True: "sent", False: "sampled_out", None: self.fate_without_trace}[trace.is_kept]

    def _end(self, record, fate):
        if fate == "sent":
            self.sent[record] += 1
        else:
            self.dropped[fate, record] += 1

    def count_sent(self, kind):
        return sum(count for record, count in self.sent.items() if isinstance(record, kind))

    def count_dropped(self, kind):
        """By reason."""
        counts = collections.Counter()
        for (reason, record), count in self.dropped.items():
            counts[reason] += count if isinstance(record, kind) else 0
        return {reason: count for reason, count in counts.items() if count}


def arrived(backend):
    """Every span and line that the backend has, as often as it came."""
    out = collections.Counter()
    for body in backend.bodies():
        for resource in stubs.trace_request(body).resource_spans:
            for scope in resource.scope_spans:
                out.update(Span(span.trace_id.hex(), span.span_id.hex(), span.name, span.status.code == 2)
                           for span in scope.spans)
    for body in backend.bodies(otlp.LOGS_METHOD):
        for resource in stubs.module("logs_service_pb2").ExportLogsServiceRequest.FromString(body).resource_logs:
            for scope in resource.scope_logs:
                out.update(Line(log.trace_id.hex(), log.span_id.hex(), body_of(log), log.severity_number)
                           for log in scope.log_records)
    return out


def body_of(log):
    kind = log.body.WhichOneof("value")
    return None if kind is None else getattr(log.body, kind)


# ---- the test ----

@only_weft("it has neither jsonlog nor logs in tail_sampling")
class JoinTest(OutsideInCase):
    def begin(self, workers, sampling):
        subprocess.run([TESTS / "interop" / "js" / "install"], check=True, timeout=300, stdout=subprocess.DEVNULL)
        stubs.module("trace_service_pb2")  # made now if need be, not while traces wait
        self.sink = self.backend()
        self.grpc, self.http, self.lines = [f"127.0.0.1:{free_port()}" for _ in range(3)]
        config = configs.pipeline(self.grpc, {"otlp": configs.otlp_exporter(self.sink.address)}, {"tail_sampling": {
            "decision_wait": "2s", **sampling,
            "policies": [{"name": KEPT_FOR, "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}]}})
        config["receivers"]["otlp"]["protocols"]["http"] = {"endpoint": self.http}
        config["receivers"]["jsonlog"] = {"protocols": {"http": {"endpoint": self.lines}}}
        config["service"]["pipelines"]["logs"] = {
            "receivers": ["jsonlog"], "processors": ["tail_sampling"], "exporters": ["otlp"]}
        self.program = self.start_program(config, [self.grpc, self.http, self.lines], workers=workers)
        self.auditor = self.start(Auditor(self.program.admin, signals=("traces", "logs")))

    def javascript(self):
        lines_url = f"http://{self.lines}/"
        return [self.start(JavaScript("grpc", f"http://{self.grpc}", lines_url)),
                self.start(JavaScript("proto", f"http://{self.http}/v1/traces", lines_url))]

    def python_and_rust(self):
        return [Python(self.start(Sender("join-python", self.grpc, self.lines))),
                Rust(self.start(Sender("join-rust", self.grpc, self.lines)))]

    def ledgers(self):
        return {signal: self.program.ledger(is_audited=True, signal=signal) for signal in ("traces", "logs")}

    def wait_until_nothing_waits(self):
        is_done = wait_until(lambda: all(ledger.waiting == 0 for ledger in self.ledgers().values()), 30)
        self.assertTrue(is_done, self.ledgers())

    def assert_arrived(self, model):
        actual = arrived(self.sink)
        lines = [f"{count} too few: {record}" for record, count in (model.sent - actual).items()]
        lines += [f"{count} too many: {record}" for record, count in (actual - model.sent).items()]
        self.assertEqual(lines, [], f"{len(lines)} records of {sum(model.sent.values())}")

    def assert_books(self, model):
        drops = {}
        for (signal, ledger), kind in zip(self.ledgers().items(), (Span, Line)):
            sent, dropped = model.count_sent(kind), model.count_dropped(kind)
            self.assertEqual(ledger.disagreements(), [])
            self.assertEqual((signal, ledger.accepted, ledger.sent, ledger.dropped),
                             (signal, sent + sum(dropped.values()), sent, dropped))
            drops.update({(signal, reason, "none" if reason == "sampled_out" else ""): count
                          for reason, count in dropped.items()})
        told = asking.drops(self.program.state_directory / "admin.sock", by="reason,policy")
        self.assertEqual((told["records"], told["balanced"]), (drops, True))
        self.auditor.stop()
        self.assertEqual(self.auditor.problems, [])
        self.assertGreater(self.auditor.sample_count, 10)

    def ask(self, word):
        status, out, error = asking.command(self.program.program, "trace", word, "--json",
                                            "--state-dir", self.program.state_directory)
        return status, json.loads(out) if out else error

    def assert_told(self, word, trace):
        status, answer = self.ask(word)
        self.assertEqual((status, answer["verdict"], answer["policy"]),
                         (0, "kept", KEPT_FOR) if trace.is_kept else (0, "dropped", "none"), answer)
        counts = [len(records) for records in (trace.spans, trace.lines, trace.late_spans, trace.late_lines)]
        self.assertEqual([answer.get(name, 0) for name in ("spans", "logs", "late_spans", "late_logs")], counts, answer)

    def assert_answers(self, model):
        """Of one trace of each verdict by each way in, and of one that nobody has sent."""
        asked = {}
        for trace_id, trace in model.traces.items():
            way_in = trace.spans[0].name.split("-")[0]
            asked.setdefault((trace.is_kept, way_in, bool(trace.late_spans)), (trace_id, trace))
        self.assertLessEqual({True, False}, {key[0] for key in asked})
        for trace_id, trace in asked.values():
            self.assert_told(trace_id, trace)
        status, answer = self.ask(secrets.token_hex(16))
        self.assertEqual((status, answer["verdict"]), (3, "not_seen"))

    def assert_has_every_case(self, model):
        """Else the comparison would hold little."""
        traces = model.traces.values()
        for is_kept in (True, False):
            for name in ("spans", "lines", "late_spans", "late_lines"):
                count = sum(len(getattr(trace, name)) for trace in traces if trace.is_kept == is_kept)
                self.assertGreater(count, 3, (is_kept, name))
        self.assertTrue(any(span.is_error for trace in traces if not trace.is_kept for span in trace.late_spans))
        records = [*model.sent, *(record for _, record in model.dropped)]
        self.assertGreater(sum(not record.trace_id for record in records), 2)

    def compare(self, model, producers):
        for play in ("play", "play_late"):
            for producer in producers:
                for record in getattr(producer, play)():
                    model.take(record)
            self.wait_until_nothing_waits()
            model.let_time_pass()
        self.assert_has_every_case(model)
        self.assert_arrived(model)
        self.assert_books(model)
        self.assert_answers(model)
        for word in (ids[2] for producer in producers if isinstance(producer, Rust) for ids in producer.traces):
            self.assert_told(word, model.traces[id_of_word(word)])

    def compare_all(self, workers):
        self.begin(workers, {})
        javascript = self.javascript()  # takes a second to start: its turn is last
        self.compare(Model(drops_without_trace=False), self.python_and_rust() + javascript)

    def test_of_real_producers_what_belongs_together_shares_a_verdict(self):
        self.compare_all(1)

    def test_of_real_producers_what_belongs_together_shares_a_verdict_on_two_workers(self):
        self.compare_all(2)

    def test_lines_without_a_trace_are_dropped_where_the_config_says_so(self):
        self.begin(2, {"logs_without_spans": "drop", "logs_without_trace_id": "drop"})
        self.compare(Model(drops_without_trace=True), self.python_and_rust())
