"""One job's way through Client -> API -> Inngest -> RunPod, played once as the OTLP requests that these producers send.

Each arrow breaks the trace as it does in practice: the queue's function starts a trace of its own for every step call
(what is left of the caller is the attribute inngest.traceparent and the run's ULID), and the GPU worker gets no header
at all, only a job id. Needs Debian's python3-grpcio and nothing else of the tests.
"""

import argparse
import os
import secrets
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from harness import otlp, wire
from harness.client import Client, Outcome
from harness.process import is_listening

MILLISECOND = 1_000_000
SERVER, CLIENT, INTERNAL, CONSUMER = 2, 3, 1, 5
ERROR_STATUS = wire.bytes_field(15, wire.bytes_field(2, "CUDA out of memory") + wire.number_field(3, 2))


def event(time_ns, name, values):
    """tracing's events inside a span, as tracing-opentelemetry sends them: span events, not logs."""
    return wire.bytes_field(11, wire.fixed64_field(1, time_ns) + wire.bytes_field(2, name) + otlp.attributes(3, values))


class Trace:
    """Makes the spans of one trace; times are milliseconds after the story's start."""

    def __init__(self, start_ns):
        self.trace_id = secrets.token_bytes(16)
        self.start_ns = start_ns

    def span(self, name, parent, kind, at, lasts, values, extra=b""):
        span_id = secrets.token_bytes(8)
        return span_id, otlp.span(self.trace_id, span_id, name, parent, kind, self.start_ns + at * MILLISECOND,
                                  lasts * MILLISECOND, values, extra)

    def at(self, milliseconds):
        return self.start_ns + milliseconds * MILLISECOND

    def traceparent(self, span_id):
        return f"00-{self.trace_id.hex()}-{span_id.hex()}-01"


def browser(trace):
    click, span = trace.span("click: start render", b"", INTERNAL, 0, 95, {"browser.language": "en", "session.id": "s-71"})
    fetch, call = trace.span("POST", click, CLIENT, 5, 85, {"http.request.method": "POST", "url.full": "https://app.example/v1/jobs"})
    return fetch, otlp.request([span, call], {"service.name": "framecast-web", "telemetry.sdk.language": "webjs"}, "fetch")


def api(trace, parent, job_id):
    """Rust: tracing-opentelemetry's own attributes are on every span, and events inside a span travel with it."""
    code = {"code.namespace": "framecast_api::jobs", "code.filepath": "src/jobs.rs", "code.lineno": 118, "thread.id": 7,
            "thread.name": "tokio-runtime-worker", "busy_ns": 1_403_000, "idle_ns": 68_020_000, "target": "framecast_api::jobs"}
    message = event(trace.at(20), "Job status changed", {"level": "INFO", "old_status": "created", "new_status": "queued"})
    serve, span = trace.span("POST /v1/jobs", parent, SERVER, 12, 75, {
        **code, "http.request.method": "POST", "http.route": "/v1/jobs", "http.request.header.authorization": "Bearer s3cret",
        "user_id": "usr_123", "team_id": "tm_456", "job_id": job_id}, message)
    _, insert = trace.span("job_repo.insert", serve, CLIENT, 18, 9, {**code, "db.system": "postgresql", "job_id": job_id})
    send, post = trace.span("inngest.send", serve, CLIENT, 30, 50, {**code, "url.full": "https://inn.gs/e/***", "event": "job/created"})
    resource = {"service.name": "framecast-api", "service.version": "1.4.0", "deployment.region": "eu-central"}
    return send, otlp.request([span, insert, post], resource, "framecast_api")


def inngest_step(start_ns, run, step, attempt, at, lasts, job_id, status=b""):
    """Without HTTP instrumentation each step call is a new root trace; run names the run they belong to."""
    trace = Trace(start_ns)
    values = {"inngest.traceparent": run["traceparent"], "inngest.traceref": run["traceref"], "sdk.run.id": run["id"],
              "sdk.app.id": "framecast", "sys.app.id": "framecast", "sys.function.id": "render-job"}
    inside = {**values, "inngest.step.id": step, "inngest.step.index": 0, "inngest.step.attempt": attempt, "job_id": job_id}
    root, execution = trace.span("inngest.execution", b"", INTERNAL, at, lasts, values)
    _, work = trace.span(step, root, INTERNAL, at + 2, lasts - 4, inside, status)
    return otlp.request([execution, work], {"service.name": "framecast-functions", "telemetry.sdk.language": "nodejs"}, "inngest")


def worker(start_ns, runpod_job, prompt_id, at, is_failing):
    """RunPod hands the job's id and input to the worker and no header, so its spans start over once more."""
    trace = Trace(start_ns)
    values = {"requestId": runpod_job, "runpod.pod.id": "pod_abc123", "gpu": "NVIDIA A100", "prompt_id": prompt_id}
    handler, span = trace.span("handler", b"", CONSUMER, at, 900, values, ERROR_STATUS if is_failing else b"")
    spans = [span]
    for index, node in enumerate(("CheckpointLoader_1", "KSampler_3", "SaveImage_9")[:2 if is_failing else 3]):
        _, work = trace.span(f"comfy {node}", handler, INTERNAL, at + 10 + 280 * index, 270, {"node": node, "prompt_id": prompt_id})
        spans.append(work)
    return otlp.request(spans, {"service.name": "comfy-worker", "cloud.provider": "runpod"}, "comfy")


def story(start_ns):
    """(who sends, what it says, the request), in the order of time."""
    job_id, run_id = "job_789", "01JMB3Q5ZS7F0Y1V8T2K4N6P9R"
    client = Trace(start_ns)
    fetch, from_browser = browser(client)
    send, from_api = api(client, fetch, job_id)
    event_trace = Trace(start_ns)  # the server answers the event with a root of its own: only a link leads back
    run = {"id": run_id, "traceparent": event_trace.traceparent(secrets.token_bytes(8)),
           "traceref": "%7B%22traceparent%22%3A%22" + client.traceparent(send) + "%22%7D"}
    yield "framecast-web", f"a click starts {job_id}", from_browser
    yield "framecast-api", "the job is stored and an event is sent to Inngest (with a token in a header: it is taken out)", from_api
    yield "framecast-functions", f"run {run_id[-6:]}, step submit: a trace of its own", inngest_step(
        start_ns, run, "submit-to-runpod", 0, 120, 60, job_id)
    yield "comfy-worker", "RunPod job rp-1-e1: out of GPU memory", worker(start_ns, "rp-1-e1", "7b1e", 400, True)
    yield "framecast-functions", "the same run tries again: one more trace", inngest_step(
        start_ns, run, "submit-to-runpod", 1, 1400, 60, job_id)
    yield "comfy-worker", "RunPod job rp-2-e1: three nodes, done", worker(start_ns, "rp-2-e1", "9c44", 1700, False)
    yield "framecast-functions", "step finish", inngest_step(start_ns, run, "mark-complete", 0, 2700, 30, job_id)


def wait_for(address, pid, seconds):
    deadline = time.monotonic() + seconds
    while not is_listening(address):
        if pid and not os.path.exists(f"/proc/{pid}"):
            sys.exit("weft ended before it listened; its own words are above")
        if time.monotonic() > deadline:
            sys.exit(f"nothing listens on {address} after {seconds} s")
        time.sleep(0.05)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--address", default="127.0.0.1:4317")
    parser.add_argument("--pid", type=int, help="the process that is expected to listen")
    options = parser.parse_args()
    wait_for(options.address, options.pid, 10.0)
    sent = 0
    print("Client -> API -> Inngest -> RunPod, as OTLP requests:\n", flush=True)
    with Client(options.address) as client:
        for who, what, request in story(time.time_ns()):
            reply = client.export(request)
            spans = wire.record_bytes(request)
            if reply.outcome is not Outcome.ACCEPTED:
                sys.exit(f"{who}: refused with {reply.code.name}: {reply.message}")
            sent += len(spans)
            traces = len({wire.repeated(span, 1)[0] for span in spans})
            print(f"  {who:<20} {len(spans)} spans, {traces} trace   {what}", flush=True)
    print(f"\n{sent} spans sent, each request answered OK.", flush=True)


if __name__ == "__main__":
    main()
