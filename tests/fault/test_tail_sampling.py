"""tail_sampling under load and faults. A trace comes in several requests, in part at the same time; each of its spans
says whether a policy keeps it. At the end every trace is at the sink whole, or not at all, but for spans whose client
was refused or that the ledger books as lost by the fault."""

import collections
import copy
import pathlib
import random
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from attack_case import MIB, Meter, is_sanitized
from fault_case import FaultCase, for_each_worker_count, seconds
from harness import config as configs
from harness import otlp
from harness.backend import Answer, Backend
from harness.books import Auditor
from harness.case import only_weft
from harness.client import Load, Outcome
from harness.process import free_port, wait_until

REQUESTS_PER_TRACE = 5
SPANS_PER_TRACE = 10
LOSSES = ("crash", "unconfirmed", "shutdown", "reload", "out_of_memory", "refused_downstream")


class TraceLoad(Load):
    """Spans of one trace come in REQUESTS_PER_TRACE requests that follow each other, two in each."""

    def __init__(self, address, padding=0, **settings):
        super().__init__(address, **settings)
        self.padding = padding

    def trace_of(self, number):
        per_group = self.spans_per_request * REQUESTS_PER_TRACE
        traces = per_group // SPANS_PER_TRACE
        return number // per_group * traces + number % traces

    @staticmethod
    def is_kept(trace):
        return trace * 2654435761 % 1000 < 400

    def span(self, number):
        trace = self.trace_of(number)
        trace_id = (trace * 0x9E3779B97F4A7C15 % 2 ** 64).to_bytes(8, "big") + (trace + 1).to_bytes(8, "big")
        values = {"keep": "yes" if self.is_kept(trace) else "no", "padding": "x" * self.padding}
        return otlp.span(trace_id, otlp.numbered_span_id(number), f"span {number}", values=values)

    def body_of(self, first):
        return otlp.request([self.span(number) for number in range(first, first + self.spans_per_request)])


def sampling(policy=None, **settings):
    policy = policy or {"name": "keep", "type": "string_attribute", "string_attribute": {"key": "keep", "values": ["yes"]}}
    return {"decision_wait": "500ms", "policies": [policy], **settings}


ERRORS = {"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}


@for_each_worker_count
@only_weft("its numbers are other ones")
class TailSamplingFaults(FaultCase):
    def begin_traces(self, answer=None, may_be_down=False, before=None, load=None, **settings):
        self.sinks = [self.start(Backend(answer=answer))]
        self.address = f"127.0.0.1:{free_port()}"
        self.processors = {**(before or {}), "tail_sampling": sampling(**settings),
                           "batch": {"timeout": "100ms", "send_batch_size": 500}}
        self.program = self.start_program(self.config_to(self.sinks[0]), [self.address], workers=self.workers)
        self.auditor = self.start(Auditor(self.program.admin, may_be_down))
        self.load = self.start(TraceLoad(self.address, **{"senders": 4, "requests_per_second": 200, **(load or {})}))

    def reload_to(self, change):
        """Writes the changed config, reloads, and waits until the former graph is gone."""
        config = copy.deepcopy(self.program.config)
        change(config)
        done = self.program.process.log_text().count('"agent.reloaded"')
        self.program.write(config)
        self.program.reload()
        self.assertTrue(wait_until(lambda: self.program.process.log_text().count('"agent.reloaded"') > done, 20.0),
                        "the reload did not end:\n" + self.program.process.log_tail())

    def torn(self):
        """Spans that the client saw accepted and that lack at the sink, of traces that are there in part; and traces
        that are there."""
        accepted = self.load.spans(Outcome.ACCEPTED)
        there = collections.Counter()
        missing = collections.Counter()
        took = {span for sink in self.sinks for span in sink.confirmed_span_ids()}
        for span in accepted | took:
            trace = self.load.trace_of(int.from_bytes(span, "big") - 1)
            there[trace] += span in took
            missing[trace] += span in accepted and span not in took
        present = {trace for trace, count in there.items() if count}
        return sum(missing[trace] for trace in present), present, set(there)

    def finish_traces(self, has_one_policy=True, is_refusal_expected=False):
        ledger, outside = self.finish(is_loss_allowed=True, is_refusal_expected=is_refusal_expected)
        lost = sum(ledger.dropped.get(reason, 0) for reason in LOSSES)
        missing, present, seen = self.torn()
        print(f"  {len(seen)} traces, {len(present)} at the sink, {missing} of their spans lack, {lost} lost", flush=True)
        self.assertLessEqual(missing, lost, "a trace is at the sink in part")
        self.assertEqual({reason for reason, count in ledger.dropped.items() if count} - {"sampled_out", *LOSSES}, set())
        self.assertGreater(len(present), 0)
        self.assertLess(len(present), len(seen))
        if has_one_policy:
            wrong = {trace for trace in present if not self.load.is_kept(trace)}
            self.assertEqual(wrong, set(), "traces are there that no policy keeps")
            absent = {trace for trace in seen - present if self.load.is_kept(trace)}
            self.assertLessEqual(len(absent), lost, "kept traces are not there")
        return ledger, outside

    def fault_none(self):
        self.begin_traces()
        time.sleep(seconds(10, 2))
        ledger, _ = self.finish_traces()
        self.assertEqual({reason for reason, count in ledger.dropped.items() if count}, {"sampled_out"})

    def fault_few_traces_may_be_held(self):
        """Most are decided long before their spans are all there; late ones follow."""
        self.begin_traces(num_traces=20)
        time.sleep(seconds(10, 2))
        self.finish_traces()

    def fault_sighup_changes_policies_and_waits(self):
        self.begin_traces()
        for round in range(seconds(8, 3)):
            time.sleep(0.5)
            policy = ERRORS if round % 2 == 0 else None
            wait = f"{200 + 400 * (round % 3)}ms"
            self.reload_to(lambda config: config["processors"].update(
                tail_sampling=sampling(policy, decision_wait=wait)))
        self.assertNotIn("agent.restart_needed", self.program.process.log_text())
        self.reload_to(lambda config: config["processors"]["tail_sampling"].update(verdict_memory=2 ** 20))
        self.assertIn("agent.restart_needed", self.program.process.log_text())
        time.sleep(0.7)
        ledger, _ = self.finish_traces(has_one_policy=False)
        self.assertEqual(self.load.count(Outcome.LOST), 0, self.load.refusals)
        self.assertEqual(ledger.dropped.get("reload", 0), 0)

    def fault_sighup_renames_the_pipeline(self):
        """What is held goes out by the pipeline that leaves."""
        self.begin_traces(decision_wait="2s")
        for round in range(seconds(8, 3)):
            time.sleep(0.5)
            name = "traces" if round % 2 else "traces/renamed"
            self.reload_to(lambda config: config["service"].update(
                pipelines={name: config["service"]["pipelines"].popitem()[1]}))
        time.sleep(0.7)
        ledger, _ = self.finish_traces()
        self.assertEqual(self.load.count(Outcome.LOST), 0, self.load.refusals)
        self.assertEqual(ledger.dropped.get("reload", 0), 0)

    def fault_sigterm_with_undecided_traces(self):
        """They are decided on the way out; what comes after the restart is judged anew."""
        self.begin_traces(may_be_down=True, decision_wait="10s")
        time.sleep(seconds(3, 1))
        self.program.process.signal(signal.SIGTERM)
        self.assertEqual(self.program.process.wait(30), 0)
        self.program.start()
        time.sleep(0.5)
        self.reload_to(lambda config: config["processors"].update(tail_sampling=sampling(decision_wait="100ms")))
        self.finish_traces(is_refusal_expected=True)

    def fault_sigkill(self):
        self.begin_traces(may_be_down=True)
        moments = random.Random(5)
        for _ in range(seconds(10, 2)):
            time.sleep(moments.uniform(0.3, 0.9))
            self.program.kill()
            self.program.start()
        time.sleep(0.7)
        self.finish_traces(is_refusal_expected=True)

    def fault_a_backend_that_is_slow(self):
        """Its queue fills, kept traces wait, faces close, and all comes out."""
        self.begin_traces(answer=lambda number, body: Answer(delay=0.3))
        time.sleep(seconds(10, 2))
        self.finish_traces(is_refusal_expected=True)

    def fault_overload(self):
        """More than fits into the memory that there is."""
        limiter = {"memory_limiter": {"limit_mib": 128, "check_interval": "100ms"}}
        self.begin_traces(before=limiter, decision_wait="20s",
                          load={"padding": 6000, "spans_per_request": 100, "requests_per_second": 400, "senders": 4})
        with Meter(self.program.process.pid) as meter:
            time.sleep(seconds(60, 4))
        self.load.stop()
        print(f"  resident at most {meter.peak_bytes / MIB:.1f} MiB", flush=True)
        if not is_sanitized():
            self.assertLess(meter.peak_bytes, 160 * MIB)
        self.reload_to(lambda config: config["processors"].update(tail_sampling=sampling(decision_wait="100ms")))
        self.finish_traces(is_refusal_expected=True)
