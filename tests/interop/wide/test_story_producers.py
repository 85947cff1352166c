"""The platform's story with real producers and real peers: the API of docs/conventions.md with tracing-subscriber, its function in
inngest, called step by step, its handler in RunPod's worker; agent and gateway of config/framecast; a Collector behind them.

Of two jobs one fails at its end: it is whole in the Collector's file, record by record against what the producers wrote, and
of the other nothing is there. Where a line names nobody (RunPod's worker of itself), it passes, as the gateway says."""

import collections
import http.client
import json
import os
import pathlib
import re
import secrets
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "configs"))

import clients
import framecast
import producers
from conventions_case import code_of
from harness import asking, compare
from harness import config as configs
from harness.case import OutsideInCase, only_weft
from harness.certificates import Certificates
from harness.process import free_port, wait_until
from test_collector import collector_binary

HERE = pathlib.Path(__file__).parent
FAILED, HEALTHY = "job_789", "job_790"
SIGNATURE = secrets.token_hex(16)
API_KEY = "rpa_" + secrets.token_hex(16)
SECRETS = (SIGNATURE, API_KEY, producers.URL_SECRET)

WORKFLOW_MODULE = f"""
def render(values, on_queued):
    on_queued("prompt-of-" + values["job_id"])
    place = "https://files.example/out.png?X-Amz-Date=1&X-Amz-Signature={SIGNATURE}"
    if values["job_id"] == "{FAILED}":
        raise RuntimeError("CUDA out of memory before " + place)
    return {{"url": place}}
"""


def masked(text):
    """As redaction of config/framecast/agent.yaml leaves these texts."""
    return re.sub(r'[?&](X-Amz-Signature|token)=[^&\s"]+', "****", text)


def said_by(line):
    """(body, the id that it is found by, if it names one) of a line that a producer wrote."""
    try:
        document = json.loads(line)
    except ValueError:
        return masked(line), None
    if "fields" in document:
        return document["fields"]["message"], document["span"]["job_id"]
    return masked(document["message"]), document.get("job_id") or document.get("requestId")


@only_weft("it joins by trace ids only")
class ProducersTest(OutsideInCase):
    @classmethod
    def setUpClass(cls):
        cls.collector_binary = collector_binary()
        cls.api = clients.rust_api(code_of("rust"))
        cls.modules, cls.python = clients.inngest_modules(), clients.runpod_python()

    def begin(self, is_instrumented=False, function=None):
        self.folder = pathlib.Path(self.temporary_directory())
        self.pods = self.folder / "pods"
        self.runpod = self.start(producers.RunPod())
        self.inngest = self.start(producers.InngestApi())
        self.is_instrumented = is_instrumented
        self.spans = {FAILED: [], HEALTHY: []}  # (trace id, span id, name) of what ended
        self.lines = {FAILED: [], HEALTHY: [], None: []}  # bodies; None: of lines that name nobody
        self.write_code(function or code_of("ts"))
        self.start_collector()
        self.start_wefts()

    def write_code(self, function):
        (self.folder / "node_modules").symlink_to(self.modules)
        shutil.copy(HERE / "inngest" / "app.js", self.folder)
        for name, text in (("render.mjs", function), ("handler.py", code_of("python")), ("workflow.py", WORKFLOW_MODULE)):
            (self.folder / name).write_text(text)

    def start_collector(self):
        address = f"127.0.0.1:{free_port()}"
        self.written = self.folder / "collector.json"
        config = configs.for_every_signal(configs.pipeline(address, {"file": {"path": str(self.written)}}))
        self.collector = self.start_program(config, [address], program=self.collector_binary, stand_in=True)
        self.backend_address = address

    def start_wefts(self):
        certificates = Certificates(self.temporary_directory())
        self.placed = framecast.Placed("gateway")
        self.placed.config["exporters"]["otlp/backend"]["tls"] = {"insecure": True}
        self.placed.decide_when_told()
        self.start(framecast.environment(
            FRAMECAST_BACKEND=self.backend_address, FRAMECAST_GATEWAY=self.placed.grpc.replace("127.0.0.1", "localhost"),
            FRAMECAST_GATEWAY_CA=certificates.authority, FRAMECAST_GATEWAY_CERT=certificates.certificate("server"),
            FRAMECAST_GATEWAY_KEY=certificates.key("server")))
        self.gateway = self.start_program(self.placed.config, self.placed.listening)
        self.agent_placed = framecast.Placed("agent", self.pods)
        self.agent = self.start_program(self.agent_placed.config, self.agent_placed.listening)

    # ---- the hops of a job ----

    def note(self, job, lines):
        for line in lines:
            body, word = said_by(line)
            self.lines[job if word else None].append(body)

    def play_api(self, job):
        """Its lines come out of the pod's file."""
        path = self.folder / f"{job}.json"
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{self.agent_placed.grpc}", "OTEL_SERVICE_NAME": "framecast-api"}
        done = subprocess.run([self.api, job, f"req_of_{job}", path], capture_output=True, text=True, timeout=60,
                              env={**os.environ, **environment})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        event = json.loads(path.read_text())
        _, trace_id, span_id, _ = event["data"]["_trace"]["traceparent"].split("-")
        self.spans[job].append((trace_id, span_id, "POST /v1/jobs"))
        self.write_pod("api-0", job, done.stdout.splitlines())
        return {**event, "data": {**event["data"], "prompt": "a cat"}}

    def write_pod(self, pod, job, lines):
        framecast.write_pod_lines(self.pods, pod, [self.agent_placed.pod_line(line) for line in lines])
        self.note(job, lines)

    def play_function(self, job, event, refusals):
        """What RunPod refuses is an error of the step, which is run again."""
        self.runpod.refusals = refusals
        environment = {"INNGEST_DEV": self.inngest.url, "RUNPOD_ENDPOINT_URL": self.runpod.url, "RUNPOD_API_KEY": API_KEY,
                       "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
        app = producers.App(self.folder, f"http://{self.agent_placed.http}/v1/traces", environment, self.is_instrumented).start()
        run = producers.Inngest(app.address, event)
        self.assertEqual(run.run(), self.runpod.jobs[-1]["id"])
        spans, lines = app.stop()
        self.assertEqual(run.calls, 3 + refusals)
        self.assert_function_had(spans, run, job)
        self.spans[job] += [(span["traceId"], span["spanId"], span["name"]) for span in spans]
        self.write_pod("functions-0", job, lines)
        return run

    def assert_function_had(self, spans, run, job):
        """What the test is about is there: an execution for each call, which is a trace of its own or one of Inngest's."""
        names = collections.Counter(span["name"] for span in spans)
        tries = run.calls - 2
        wanted = {"inngest.execution": run.calls, "submit to RunPod": tries}
        self.assertEqual({span["traceId"] for span in spans if span["name"] == "submit to RunPod"}, {self.spans[job][0][0]})
        self.assertEqual(names, {**wanted, "POST": run.calls + tries} if self.is_instrumented else wanted)
        traces = {span["traceId"] for span in spans if span["name"] == "inngest.execution"}
        self.assertEqual(traces if self.is_instrumented else len(traces), {run.event_trace} if self.is_instrumented else run.calls)

    def play_worker(self, job):
        """A wrapper in its pod POSTs what it writes."""
        lines = self.runpod.work_off(self.python, self.folder, f"worker of {job}")
        connection = http.client.HTTPConnection(self.agent_placed.lines, timeout=10)
        connection.request("POST", "/", "\n".join(lines))
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()
        self.note(job, lines)
        self.worker_lines = lines
        self.assertEqual("error" in self.runpod.results[self.runpod.jobs[-1]["id"]], job == FAILED)

    def play(self, job):
        event = self.play_api(job)
        run = self.play_function(job, event, refusals=int(job == FAILED))
        self.play_worker(job)
        return {job, f"req_of_{job}", run.run_id, self.runpod.jobs[-1]["id"], f"prompt-of-{job}"}

    # ---- what became of them ----

    def count(self, signal):
        kinds = self.spans if signal == "traces" else self.lines
        return sum(map(len, kinds.values()))

    def assert_all_came(self):
        for name, program in (("agent", self.agent), ("gateway", self.gateway)):
            for signal in ("traces", "logs"):
                came = wait_until(lambda: program.ledger(signal=signal).accepted == self.count(signal), 60)
                self.assertTrue(came, f"{name}: {program.ledger(signal=signal)} and not {self.count(signal)} of {signal}")

    def documents_at_collector(self):
        self.collector.stop()  # writes what it holds
        return [json.loads(line) for line in self.written.read_text().splitlines()]

    def assert_failed_job_is_whole(self):
        documents = self.documents_at_collector()
        spans = [record["traces"] for record in compare.records_of(documents, "traces")]
        self.assertEqual(sorted((span["traceId"], span["spanId"], span["name"]) for span in spans), sorted(self.spans[FAILED]))
        logs = [record["logs"] for record in compare.records_of(documents, "logs")]
        bodies = collections.Counter(log["body"]["stringValue"] for log in logs)
        self.assertEqual(bodies, collections.Counter(self.lines[FAILED] + self.lines[None]))
        in_tree = [log["body"]["stringValue"] for log in logs if log.get("traceId")]
        self.assertEqual(sorted(body.split(":")[0] for body in in_tree), ["failed", "queued", "started", "submitted"])
        self.assertEqual({log["traceId"] for log in logs if log.get("traceId")}, {self.spans[FAILED][0][0]})
        return self.written.read_text()

    def assert_no_secret_left(self, text):
        """They were there: the producers had them in lines and, where requests have spans, in a header."""
        for secret in SECRETS:
            self.assertNotIn(secret, text)
        self.assertEqual('"http.request.header.authorization"' in text, self.is_instrumented)
        self.assertLess(3, sum("****" in line for line in self.lines[FAILED] + self.lines[None]))

    def ask(self, word):
        state = self.gateway.state_directory
        code, out, error = asking.command(self.gateway.program, "trace", word, "--json", "--state-dir", state)
        self.assertEqual(code, 0, f"{word}: {error}")
        return json.loads(out)["group"]

    def assert_one_group(self, words):
        for word in words:
            group = self.ask(word)
            self.assertEqual(group["verdict"], "kept", word)
            self.assertEqual({member["verdict"] for member in group["members"]}, {"kept"}, word)
            self.assertEqual({member["trace_id"] for member in group["members"] if "trace_id" in member},
                             {trace_id for trace_id, _, _ in self.spans[FAILED]}, word)
            self.assertFalse(any(member.get("late_member") for member in group["members"]))

    def assert_books_balance(self):
        for program in (self.agent, self.gateway):
            for signal in ("traces", "logs"):
                self.assertEqual(program.ledger(is_audited=True, signal=signal).disagreements(), [])
        traces, logs = (self.gateway.ledger(signal=signal) for signal in ("traces", "logs"))
        self.assertEqual((traces.sent, traces.dropped), (len(self.spans[FAILED]), {"sampled_out": len(self.spans[HEALTHY])}))
        self.assertEqual((logs.sent, logs.dropped), (len(self.lines[FAILED] + self.lines[None]), {"sampled_out": len(self.lines[HEALTHY])}))

    def check(self, **how):
        self.begin(**how)
        words = {job: self.play(job) for job in (HEALTHY, FAILED)}
        self.assert_all_came()
        self.assertTrue(self.placed.decide_now(self.gateway))
        self.assert_books_balance()
        self.assert_one_group(words[FAILED])
        self.assertEqual(self.ask(HEALTHY)["verdict"], "dropped")
        text = self.assert_failed_job_is_whole()
        self.assert_no_secret_left(text)
        for word in words[HEALTHY]:
            self.assertNotIn(word, text)

    def test_without_instrumentation_of_http(self):
        self.check(is_instrumented=False)

    def test_with_instrumentation_of_http(self):
        self.check(is_instrumented=True)

    def test_with_extended_traces_of_inngest(self):
        """Inngest's middleware writes the run on inngest.execution: then the function need not."""
        ours, client = "    trace.getActiveSpan()?.setAttributes(ids);", 'new Inngest({ id: "framecast" })'
        code = "".join(line for line in code_of("ts").splitlines(keepends=True) if not line.startswith(ours))
        self.assertEqual((len(code.splitlines()), code.count(client)), (len(code_of("ts").splitlines()) - 1, 1))
        extended = 'new Inngest({ id: "framecast", middleware: [extendedTracesMiddleware({ behaviour: "extendProvider" })] })'
        self.check(function='import { extendedTracesMiddleware } from "inngest/experimental";\n' + code.replace(client, extended))
        self.assertEqual(self.inngest.paths, {"/v1/traces/userland"})

    def test_a_job_that_fails_when_its_beginning_is_dropped(self):
        """The worker writes when all before it is decided. What has the trace follows it; RunPod's own lines, which have none, pass."""
        self.begin()
        event = self.play_api(FAILED)
        self.play_function(FAILED, event, refusals=0)
        self.assert_all_came()
        self.assertTrue(self.placed.decide_now(self.gateway))
        self.assertEqual(self.ask(FAILED)["verdict"], "dropped")
        self.play_worker(FAILED)
        self.assert_all_came()
        self.assertTrue(wait_until(lambda: self.gateway.ledger(signal="logs").waiting == 0, 60))
        has_no_trace = [said_by(line)[0] for line in self.worker_lines if '"traceparent"' not in line]
        self.assertEqual(len(self.worker_lines), len(has_no_trace) + 3)
        logs = [record["logs"] for record in compare.records_of(self.documents_at_collector(), "logs")]
        self.assertEqual(sorted(log["body"]["stringValue"] for log in logs), sorted(has_no_trace))
