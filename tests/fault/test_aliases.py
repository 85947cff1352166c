"""Jobs whose traces know nothing of each other but the job's id, and log lines without a trace id: what comes out is whole jobs,
whatever the number of workers, across a reload, and the books balance, after a SIGKILL too."""

import json
import pathlib
import random
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from alias_case import FAILED_STATUS, AliasCase
from fault_case import for_each_worker_count
from harness import asking, otlp
from harness.client import Outcome
from harness.places import is_stand_in

JOBS, TRACES_PER_JOB, LINES_PER_JOB = 120, 3, 2


def is_failed(job):
    return job % 5 == 0




def span_requests():
    """Each trace of a job is one request; the last one of a failed job has the error."""
    dice = random.Random(11)
    for job in range(JOBS):
        for part in range(TRACES_PER_JOB):
            number = job * 10 + part
            status = FAILED_STATUS if is_failed(job) and part == TRACES_PER_JOB - 1 else b""
            span = otlp.span(dice.randbytes(16), otlp.numbered_span_id(number), "part", values={"job_id": f"job_{job:04}"}, extra=status)
            yield otlp.TRACES_METHOD, otlp.request([span])


def line_requests():
    for job in range(JOBS):
        for line in range(LINES_PER_JOB):
            number = job * 10 + 5 + line
            record = otlp.log_record(b"", otlp.numbered_span_id(number), "a line", values={"job_id": f"job_{job:04}"})
            yield otlp.LOGS_METHOD, otlp.request([record])


@unittest.skipIf(is_stand_in(), "it joins by trace ids only")
@for_each_worker_count
class Aliases(AliasCase):

    def send(self, seed):
        """In any order, each request over any connection, so that a job's traces come in at different workers."""
        requests = [*span_requests(), *line_requests()]
        dice = random.Random(seed)
        dice.shuffle(requests)
        for method, body in requests:
            self.assertEqual(dice.choice(self.clients).export(body, method).outcome, Outcome.ACCEPTED)

    def expect_whole_jobs(self):
        self.expect_nothing_held()
        kept = [job for job in range(JOBS) if is_failed(job)]
        self.assertEqual(self.numbers_at_sink(), sorted(job * 10 + part for job in kept for part in (0, 1, 2, 5, 6)))

    def fault_jobs_come_out_whole(self):
        self.begin("3s")
        self.send(1)
        self.expect_whole_jobs()
        status, text, said = asking.command(self.program.program, "trace", "job_0005", "--json", "--endpoint", self.socket)
        answer = json.loads(text)
        self.assertEqual((status, said, answer["verdict"], answer["group"]["verdict"], len(answer["group"]["members"])),
                         (0, "", "kept", "kept", TRACES_PER_JOB + 1))
        tree = answer["tree"]
        self.assertEqual((tree[0], [node["depth"] for node in tree]), ({"depth": 0, "name": "job_0005"}, [0, *[1, 2] * 4]))
        self.assertEqual(sorted(node.get("trace_id", "lines") for node in tree[1::2]),
                         sorted(member.get("trace_id", "lines") for member in answer["group"]["members"]))
        self.assertEqual([len(node.get("logs", [])) for node in tree[2::2]], [0, 0, 0, LINES_PER_JOB])  # as they began; lines have no span
        status, text, _ = asking.command(self.program.program, "trace", answer["group"]["members"][0]["trace_id"], "--endpoint", self.socket)
        self.assertEqual((status, text.count("  tree:\n"), text.count("      trace ")), (0, 1, TRACES_PER_JOB), text)
        status, text, _ = asking.command(self.program.program, "trace", "job_0006", "--endpoint", self.socket)
        self.assertEqual(status, 0)
        self.assertIn("job_0006 was dropped", text)
        self.assertIn("group of 4 traces: dropped", text)

    def export(self, body, method=otlp.TRACES_METHOD):
        self.assertEqual(self.clients[0].export(body, method).outcome, Outcome.ACCEPTED)
        self.expect_nothing_held()

    def step(self, number, job, status=b"", trace=None):
        """A span, a trace of its own unless one is named; decided on when this returns. Its bytes."""
        trace = random.Random(number if trace is None else trace).randbytes(16)
        span = otlp.span(trace, otlp.numbered_span_id(number), "step", start_ns=otlp.BASE_TIME_NS + number * 1_000_000_000,
                         values={"job_id": job} if job else {}, extra=status)
        self.export(otlp.request([span]))
        return span

    def members(self, job):
        _, text, _ = asking.command(self.program.program, "trace", job, "--json", "--endpoint", self.socket)
        answer = json.loads(text)
        return answer["verdict"], [(node["verdict"], node.get("late_member", False), "trace_id" in node) for node in answer["tree"]
                                   if node["depth"] == 1]

    def fault_a_job_outlasts_ten_waits_and_fails_at_its_end(self):
        self.begin("400ms")
        line = otlp.log_record(b"", otlp.numbered_span_id(900), "a line", values={"job_id": "job_789"})
        self.assertEqual(self.clients[1].export(otlp.request([line]), otlp.LOGS_METHOD).outcome, Outcome.ACCEPTED)
        for number in range(9):
            self.step(number, "job_789")
        failed = self.step(9, "job_789", FAILED_STATUS)
        self.export(otlp.request([line]), otlp.LOGS_METHOD)  # one more: it follows what became of the first
        self.step(10, "job_789", trace=0)  # one more of the first trace
        self.assertEqual(self.numbers_at_sink(), [9])
        self.assertIn(failed, self.sink.requests[0].body)  # as it came: nothing says on the wire that it was late
        self.assertEqual(self.members("job_789"), ("kept", [("dropped", False, True), *[("dropped", True, True)] * 8, ("kept", True, True),
                                                            ("dropped", False, False)]))

    def fault_who_comes_behind_a_failed_step_is_kept(self):
        self.begin("400ms")
        self.step(0, None)  # knows nothing of its job yet
        self.step(1, "job_789", FAILED_STATUS)
        for number in range(2, 5):
            self.step(number, "job_789")
        late = self.step(5, "job_789", trace=0)
        self.step(6, None, trace=0)
        self.assertEqual(self.numbers_at_sink(), [1, 2, 3, 4, 5, 6])
        self.assertTrue(any(late in received.body for received in self.sink.requests))
        self.assertEqual(self.members("job_789"), ("kept", [("kept", True, True), *[("kept", False, True)] * 4]))

    def fault_a_reload_breaks_no_job(self):
        """Rules with other facts while everything is held."""
        self.begin("4s")
        self.send(2)
        self.sampling["policies"].insert(0, {"name": "none", "type": "string_attribute", "string_attribute": {"key": "x", "values": ["y"]}})
        self.reload()
        self.expect_whole_jobs()

    def fault_shutdown_decides_jobs(self):
        self.begin("600s")
        self.send(3)
        self.program.stop()
        kept = [job for job in range(JOBS) if is_failed(job)]
        self.assertEqual(self.numbers_at_sink(), sorted(job * 10 + part for job in kept for part in (0, 1, 2, 5, 6)))

    def fault_sigkill_leaves_exact_books(self):
        self.begin("600s")
        self.send(4)
        self.program.kill()
        self.program.start()
        spans, lines = self.books()
        self.assertEqual(spans.dropped.get("crash"), JOBS * TRACES_PER_JOB)
        self.assertEqual(lines.dropped.get("crash"), JOBS * LINES_PER_JOB)
        self.assertEqual((spans.waiting, lines.waiting, self.numbers_at_sink()), (0, 0, []))


if __name__ == "__main__":
    unittest.main()
