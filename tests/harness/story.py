"""A render platform's morning, as its producers send it: jobs on their way Client -> API -> Inngest -> RunPod.

Each arrow breaks the trace as it does in practice: the queue's function starts a trace of its own for every step call (what is
left of the caller is inngest.traceparent and the run's ULID), the GPU worker gets no header at all, only the id of RunPod's job,
and the API's own log lines, the worker's and those of the pod beside it have a job id and no trace id.
"""

import dataclasses
import json
import random

from . import otlp, wire

MILLISECOND = 1_000_000
SERVER, CLIENT, INTERNAL, CONSUMER = 2, 3, 1, 5
OTLP, LINES, POD = "OTLP", "lines", "pod"
HEADER_SECRET = "Bearer s3cret-of-the-header"
LINE_SECRET = "rpa_" + "S3CRETofTHElogLINE" * 2


@dataclasses.dataclass
class Message:
    who: str
    what: str
    way: str  # OTLP: body is a request; LINES: lines of JSON; POD: lines of a container's file
    body: bytes
    keys: list  # what each record is known by: a span's trace and name, a line's text
    is_failed: bool = False

    @property
    def count(self):
        return len(self.keys)


def status(text):
    return wire.bytes_field(15, wire.bytes_field(2, text) + wire.number_field(3, 2))


def event(time_ns, name, values):
    """tracing's events inside a span, as tracing-opentelemetry sends them: span events, not logs."""
    return wire.bytes_field(11, wire.fixed64_field(1, time_ns) + wire.bytes_field(2, name) + otlp.attributes(3, values))


class Trace:
    """Makes the spans of one trace; times are milliseconds after the job's start."""

    def __init__(self, job):
        self.job = job
        self.trace_id = job.dice.randbytes(16)
        self.spans, self.names, self.is_failed = [], [], False

    def span(self, name, parent, kind, at, lasts, values, extra=b""):
        span_id = self.job.dice.randbytes(8)
        self.spans.append(otlp.span(self.trace_id, span_id, name, parent, kind, self.job.at(at), lasts * MILLISECOND, values, extra))
        self.names.append(f"{self.trace_id.hex()} {name}")
        self.is_failed = self.is_failed or b"out of memory" in extra or b"render failed" in extra
        return span_id

    def message(self, who, what, scope, **resource):
        return Message(who, what, OTLP, otlp.request(self.spans, {"service.name": who, **resource}, scope), self.names,
                       self.is_failed)

    def traceparent(self, span_id):
        return f"00-{self.trace_id.hex()}-{span_id.hex()}-01"


class Job:
    def __init__(self, number, start_ns, is_failing):
        self.id = f"job_{number:03}"
        self.is_failing = is_failing
        self.start_ns = start_ns
        self.dice = random.Random(number)
        self.request_id = f"req_{self.dice.getrandbits(48):012x}"
        self.run_id = f"01JMB3Q5ZS{self.dice.getrandbits(78):016X}"[:26]
        self.event_trace = self.dice.randbytes(16)

    def at(self, milliseconds):
        return self.start_ns + milliseconds * MILLISECOND

    def runpod_job(self, attempt):
        return f"{self.id.removeprefix('job_')}{attempt}-9f3c-e1"

    # ---- who says what ----

    def browser(self):
        trace = Trace(self)
        click = trace.span("click: start render", b"", INTERNAL, 0, 95, {"session.id": "s-71"})
        self.fetch = trace.span("POST", click, CLIENT, 5, 85, {"http.request.method": "POST", "job_id": self.id})
        self.client = trace
        return trace.message("framecast-web", f"a click starts {self.id}", "fetch")

    def api(self):
        """Rust: an event inside a span travels with it."""
        trace = Trace(self)
        trace.trace_id = self.client.trace_id  # the one arrow that holds
        inside = event(self.at(20), "Job status changed", {"level": "INFO", "old_status": "created", "new_status": "queued"})
        serve = trace.span("POST /v1/jobs", self.fetch, SERVER, 12, 75, {
            "code.namespace": "framecast_api::jobs", "http.route": "/v1/jobs", "http.request.header.authorization": HEADER_SECRET,
            "request_id": self.request_id, "user_id": "usr_123", "team_id": "tm_456", "job_id": self.id}, inside)
        trace.span("job_repo.insert", serve, CLIENT, 18, 9, {"db.system": "postgresql", "job_id": self.id})
        self.send = trace.span("inngest.send", serve, CLIENT, 30, 50, {"event": "job/created"})
        return trace.message("framecast-api", "stores it, tells Inngest; a token in a header", "framecast_api")

    def api_line(self, at, text, level="INFO", **fields):
        """tracing-subscriber's JSON: no trace id, the job's is a field of the span around it."""
        return {"timestamp": otlp.time_text(self.at(at)), "level": level, "fields": {"message": f"{self.id} {text}", **fields},
                "target": "framecast_api::jobs", "span": {"name": "create_job", "job_id": self.id},
                "service": "framecast-api", "environment": "production"}

    def step(self, step, attempt, at, lasts, extra=b"", what="", **values):
        """Without HTTP instrumentation each call of a step is a new root trace; attributes name the run it belongs to."""
        trace = Trace(self)
        run = {"sdk.run.id": self.run_id, "sdk.app.id": "framecast", "sys.function.id": "render-job",
               "inngest.traceparent": f"00-{self.event_trace.hex()}-{self.dice.randbytes(8).hex()}-00",
               "inngest.traceref": "%7B%22traceparent%22%3A%22" + self.client.traceparent(self.send) + "%22%7D"}
        root = trace.span("inngest.execution", b"", INTERNAL, at, lasts, run)
        trace.span(step, root, INTERNAL, at + 2, lasts - 4, {**run, "inngest.step.attempt": attempt, **values}, extra)
        return trace.message("framecast-jobs", what, "inngest")

    def submit(self, attempt, at):
        what = "submits it to RunPod: a trace of its own" if attempt == 0 else "the run tries again: one more trace"
        return self.step("submit-to-runpod", attempt, at, 60, what=what, **{"runpod.job.id": self.runpod_job(attempt)})

    def worker(self, attempt, at, is_failing):
        """RunPod hands the job's id and its input to the worker and no header: its spans start over once more."""
        trace = Trace(self)
        values = {"requestId": self.runpod_job(attempt), "gpu": "NVIDIA A100", "prompt_id": self.prompt_id(attempt)}
        handler = trace.span("handler", b"", CONSUMER, at, 900, values, status("CUDA out of memory") if is_failing else b"")
        for index, node in enumerate(("CheckpointLoader_1", "KSampler_3", "SaveImage_9")[:2 if is_failing else 3]):
            trace.span(node, handler, INTERNAL, at + 10 + 280 * index, 270, {"node": node})
        return trace.message("comfy-worker", "starts over: out of GPU memory" if is_failing else "starts over: three nodes, done",
                             "comfy", **{"cloud.provider": "runpod"})

    def prompt_id(self, attempt):
        return f"7b1e{attempt:04}-{self.id.removeprefix('job_')}0-4000-8000-000000000000"

    def worker_line(self, attempt, text, level="INFO"):
        """RunPod's logger: exactly three keys, no time, no trace id."""
        return {"requestId": self.runpod_job(attempt), "message": f"{self.id} {text}", "level": level}

    def pod_lines(self, attempt, at):
        """The pod that runs ComfyUI, through the container runtime, which cuts a long line into pieces."""
        message = f"{self.id} lowvram: the model stays on the CPU"
        line = json.dumps({"level": "warning", "message": message, "prompt_id": self.prompt_id(attempt)})
        pieces = [line[start:start + 60] for start in range(0, len(line), 60)]
        text = "".join(f"{otlp.time_text(self.at(at))} stderr {'F' if piece is pieces[-1] else 'P'} {piece}\n" for piece in pieces)
        return Message("comfy pod", "its file has a line in pieces", POD, text.encode(), [message])


def lines(who, what, *documents):
    texts = [document.get("message") or document["fields"]["message"] for document in documents]
    is_failed = any(document["level"] == "ERROR" for document in documents)
    return Message(who, what, LINES, "".join(json.dumps(document) + "\n" for document in documents).encode(), texts, is_failed)


def failing(job):
    """In the order of time: each attempt runs out of GPU memory, and the run gives up."""
    yield job.browser()
    yield job.api()
    yield lines("framecast-api", "its own lines: a job id, no trace id", job.api_line(20, "Job status changed"),
                job.api_line(25, "calling RunPod", token=LINE_SECRET))
    yield job.submit(0, 120)
    yield job.worker(0, 400, True)
    yield lines("comfy-worker", "RunPod's logger: the id of RunPod's job", job.worker_line(0, "Started."))
    yield job.pod_lines(0, 450)
    yield job.submit(1, 1400)
    yield job.worker(1, 1700, True)
    yield lines("comfy-worker", "and a line at level ERROR", job.worker_line(1, "CUDA out of memory", "ERROR"))
    yield job.step("mark-failed", 0, 2700, 30, status("render failed"), "gives up: the job has failed")


def healthy(job):
    yield job.browser()
    yield job.api()
    yield lines("framecast-api", "", job.api_line(20, "Job status changed"))
    yield job.submit(0, 120)
    yield job.worker(0, 400, False)
    yield job.step("mark-complete", 0, 1400, 30)


def morning(start_ns, healthy_jobs=50):
    """All messages; those of the job that fails have words to show."""
    for number in range(1, healthy_jobs + 1):
        yield from (dataclasses.replace(message, what="") for message in healthy(Job(number, start_ns, False)))
    yield from failing(Job(789, start_ns, True))
