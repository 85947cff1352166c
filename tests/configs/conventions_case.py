"""The code of docs/conventions.md, run against a real weft with all-in-one.yaml: of two jobs the one that fails comes out whole,
with everything that its hops said of it, and of the other nothing. Inngest, RunPod and, unless a test has it, the API are played."""

import http.client
import http.server
import json
import os
import pathlib
import re
import secrets
import subprocess
import sys
import threading
import time

import framecast
from harness import asking, otlp, stubs
from harness.case import OutsideInCase, only_weft
from harness.client import Outcome
from harness.places import TESTS, TREE, cache_directory

HERE = pathlib.Path(__file__).parent
FAILED, HEALTHY = "job_789", "job_790"

INNGEST_MODULE = """
export class Inngest {
  createFunction(options, handler) {
    return { options, handler };
  }
}
"""

# What runpod's SDK does around a handler, as far as its lines go: three members, and after an exception two lines.
RUNPOD_MODULE = """
import json
import sys


class serverless:
    @staticmethod
    def start(config):
        job = json.load(sys.stdin)

        def log(level, message, request_id=job["id"]):
            print(json.dumps({"requestId": request_id, "message": message, "level": level}), flush=True)

        log("INFO", "Started.")
        try:
            log("DEBUG", f"Handler output: {config['handler'](job)}")
        except Exception as error:
            log("ERROR", f"Captured Handler Exception: {error}")
            log("ERROR", json.dumps({"error_type": type(error).__name__}), None)
        log("INFO", "Finished.")
"""

WORKFLOW_MODULE = """
def render(values, on_queued):
    on_queued("prompt-of-" + values["job_id"])
    if values["job_id"] == "job_789":
        raise RuntimeError("CUDA out of memory")
    return "done"
"""


def code_of(language):
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", (TREE / "docs" / "conventions.md").read_text(), re.M | re.S)
    assert len(blocks) == 1, f"docs/conventions.md has {len(blocks)} blocks of {language}"
    return blocks[0]


class RunPod:
    """The endpoint /run: takes jobs and gives them an id, as a queue does; no header goes further."""

    def __init__(self):
        self.jobs = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.jobs.append({"id": f"{secrets.token_hex(8)}-u1", "input": body["input"]})
                answer = json.dumps({"id": outer.jobs[-1]["id"], "status": "IN_QUEUE"}).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


@only_weft("it joins by trace ids only")
class ConventionsCase(OutsideInCase):
    def begin(self):
        subprocess.run([TESTS / "interop" / "js" / "install"], check=True, timeout=300, stdout=subprocess.DEVNULL)
        stubs.module("trace_service_pb2")
        self.folder = pathlib.Path(self.temporary_directory())
        self.runpod = self.start(RunPod())
        self.sink = self.backend()
        self.write_code()
        self.placed = framecast.Placed("all-in-one", self.folder / "pods")
        self.placed.config["exporters"]["otlp/backend"]["tls"] = {"insecure": True}
        self.placed.decide_when_told()
        self.start(framecast.environment(FRAMECAST_BACKEND=self.sink.address))
        self.program = self.start_program(self.placed.config, self.placed.listening)
        self.said = {FAILED: set(), HEALTHY: set()}  # what a job's hops sent: names of spans, bodies of lines

    def write_code(self):
        package = self.folder / "node_modules" / "inngest"
        package.mkdir(parents=True)
        (package / "package.json").write_text('{"name": "inngest", "type": "module", "exports": "./index.js"}')
        (package / "index.js").write_text(INNGEST_MODULE)
        (self.folder / "node_modules" / "@opentelemetry").symlink_to(
            cache_directory() / "interop-js" / "node_modules" / "@opentelemetry")
        (self.folder / "render.mjs").write_text(code_of("ts"))  # it has no types in it that are not inferred
        for name, text in (("runpod", RUNPOD_MODULE), ("workflow", WORKFLOW_MODULE), ("handler", code_of("python"))):
            (self.folder / f"{name}.py").write_text(text)

    def run_code(self, arguments, text, **environment):
        done = subprocess.run([str(argument) for argument in arguments], input=text, capture_output=True, text=True, timeout=60,
                              cwd=self.folder, env={**os.environ, **environment})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout.splitlines()

    def post(self, lines):
        """As a wrapper does with what a program writes."""
        request = http.client.HTTPConnection(self.placed.lines, timeout=10)
        request.request("POST", "/", "\n".join(lines))
        self.assertEqual(request.getresponse().status, 200)
        request.close()

    def post_lines(self, job, lines):
        self.post(lines)
        self.said[job].update(json.loads(line)["message"] for line in lines)

    def play_api(self, job, has_trace):
        """A span, and a line as tracing-subscriber writes it: no trace id, the ids in the span around it."""
        trace_id, span_id = secrets.token_bytes(16), secrets.token_bytes(8)
        ids = {"job_id": job, "request_id": f"req_of_{job}"}
        body = otlp.request([otlp.span(trace_id, span_id, "POST /v1/jobs", kind=2, start_ns=time.time_ns(), values=ids)], {"service.name": "framecast-api"})
        self.assertEqual(self.client(self.placed.grpc).export(body).outcome, Outcome.ACCEPTED)
        around = {**ids, "name": "POST /v1/jobs"}
        self.post([json.dumps({"timestamp": "2026-11-29T09:00:00.000000Z", "level": "INFO", "fields": {"message": "Job status changed"},
                               "target": "api", "span": around, "spans": [around]})])
        self.said[job].update({"POST /v1/jobs", "Job status changed"})
        trace = {"_trace": {"traceparent": f"00-{trace_id.hex()}-{span_id.hex()}-01"}} if has_trace else {}
        return {"name": "job/created", "data": {**ids, "prompt": "a cat", **trace}}, trace_id

    def play_function(self, job, event):
        lines = self.run_code(["node", HERE / "play_inngest.js", self.folder / "render.mjs",
                               f"http://{self.placed.http}/v1/traces", f"01{secrets.token_hex(12).upper()}"], json.dumps(event),
                              NODE_PATH=str(cache_directory() / "interop-js" / "node_modules"),
                              RUNPOD_ENDPOINT_URL=self.runpod.url, RUNPOD_API_KEY="none")
        self.assertEqual(json.loads(lines.pop()), self.runpod.jobs[-1]["id"])
        self.said[job].add("submit to RunPod")
        self.post_lines(job, lines)

    def play_worker(self, job):
        self.post_lines(job, self.run_code([sys.executable, "handler.py"], json.dumps(self.runpod.jobs[-1])))

    def play(self, job, has_trace):
        event, trace_id = self.play_api(job, has_trace)
        self.play_function(job, event)
        self.play_worker(job)
        return trace_id

    def arrived(self):
        """(name or body) -> hex trace ids."""
        found = {}
        for body in self.sink.bodies():
            for resource in stubs.trace_request(body).resource_spans:
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        found.setdefault(span.name, []).append(span.trace_id.hex())
        for body in self.sink.bodies(otlp.LOGS_METHOD):
            for resource in stubs.module("logs_service_pb2").ExportLogsServiceRequest.FromString(body).resource_logs:
                for scope in resource.scope_logs:
                    for log in scope.log_records:
                        found.setdefault(log.body.string_value, []).append(log.trace_id.hex())
        return found

    def assert_has_ids(self):
        """Each hop says all the ids that it knows, so that one that is missing breaks nothing."""
        api = {"job_id": FAILED, "request_id": f"req_of_{FAILED}"}
        runpod = self.runpod.jobs[-1]["id"]
        ids = dict(framecast.attributes_at(self.sink))
        for name, more in (("submit to RunPod", {"runpod.job.id": runpod}), ("submitted", {"runpod.job.id": runpod}),
                           ("started", {"requestId": runpod}), ("queued", {"requestId": runpod, "prompt_id": f"prompt-of-{FAILED}"}),
                           ("failed: CUDA out of memory", {"requestId": runpod})):
            self.assertLessEqual({**api, **more}.items(), ids[name].items(), name)
        self.assertEqual(ids["submit to RunPod"]["inngest.run_id"], ids["submitted"]["inngest.run_id"])

    def ask(self, word):
        code, out, error = asking.command(self.program.program, "trace", word, "--json", "--state-dir", self.program.state_directory)
        self.assertEqual(code, 0, error)
        return json.loads(out)

    def check(self, has_trace):
        self.begin()
        trace_ids = {job: self.play(job, has_trace) for job in (HEALTHY, FAILED)}
        self.assertTrue(self.placed.decide_now(self.program))
        found = self.arrived()
        nobodys = {line for line in self.said[FAILED] if "error_type" in line}  # RunPod's line with a requestId of null
        self.assertEqual(len(nobodys), 1)
        self.assertEqual(set(found), self.said[FAILED])
        self.assertLess({"started", "queued", "submitted", "Started.", "failed: CUDA out of memory"}, self.said[FAILED])
        for name, ids in found.items():
            self.assertEqual(len(ids), 1, name)
        self.assert_has_ids()
        in_tree = {name for name, ids in found.items() if ids == [trace_ids[FAILED].hex()]}
        ours = {"POST /v1/jobs", "submit to RunPod", "submitted", "started", "queued", "failed: CUDA out of memory"}
        self.assertEqual(in_tree, ours if has_trace else {"POST /v1/jobs"})
        for word in (FAILED, f"req_of_{FAILED}", self.runpod.jobs[-1]["id"], f"prompt-of-{FAILED}"):
            self.assertEqual(self.ask(word)["group"]["verdict"], "kept", word)
        self.assertEqual(self.ask(HEALTHY)["group"]["verdict"], "dropped")
