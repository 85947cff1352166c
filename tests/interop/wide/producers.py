"""Who calls the platform's programs where nobody has the real ones: Inngest's server and RunPod's, as far as the calls go that
inngest (npm) and runpod (PyPI) see of them. No answer holds an id that the real servers would not give."""

import http.client
import http.server
import json
import secrets
import threading

from harness.process import Program, free_port, is_listening

URL_SECRET = secrets.token_hex(16)


class Inngest:
    """A run, step by step: each call is a request of its own, with what the earlier ones gave in its body."""

    def __init__(self, app, event):
        self.app, self.event = app, event
        self.run_id = f"01{secrets.token_hex(12).upper()}"
        self.event_trace = secrets.token_hex(16)
        self.results, self.order = {}, []
        self.calls = 0

    def call(self, step="step", attempt=0):
        """(HTTP code, the answer); step: the one to run, or "step" to find those that are next."""
        self.calls += 1
        body = {"version": 2, "event": self.event, "events": [self.event],
                "steps": {name: {"type": "data", "data": value} for name, value in self.results.items()},
                "ctx": {"run_id": self.run_id, "fn_id": "5f0e6b0e-0000-4000-8000-000000000000", "attempt": attempt, "max_attempts": 4,
                        "disable_immediate_execution": True, "use_api": False, "qi_id": f"{self.run_id}-{self.calls}",
                        "stack": {"stack": self.order, "current": len(self.order)}}}
        reference = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
        headers = {"content-type": "application/json", "user-agent": "inngest-executor", "x-inngest-server-kind": "dev",
                   "traceparent": f"00-{self.event_trace}-{secrets.token_hex(8)}-01",
                   "tracestate": f"inngest@fn=f,inngest@traceref=%7B%22traceparent%22%3A%22{reference}%22%7D"}
        connection = http.client.HTTPConnection(self.app, timeout=60)
        connection.request("POST", f"/api/inngest?fnId=framecast-render&stepId={step}", json.dumps(body), headers)
        answer = connection.getresponse()
        found = answer.status, json.loads(answer.read())
        connection.close()
        return found

    def run(self):
        """What the function gives at the end; a step that throws is run again, as the server does."""
        while True:
            code, found = self.call()
            if code == 200:
                return found
            assert code == 206 and len(found) == 1, (code, found)
            self._run_step(found[0]["id"])

    def _run_step(self, step):
        for attempt in range(4):
            code, (done,) = self.call(step, attempt)
            assert code == 206, (code, done)
            if "error" not in done:
                self.results[step] = done["data"]
                self.order.append(step)
                return
        raise AssertionError(f"the step failed four times: {done}")


class InngestApi:
    """Takes what the SDK sends of itself (its middleware: copies of spans) and remembers where to."""

    def __init__(self):
        self.paths = set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                if "content-length" in self.headers:
                    self.rfile.read(int(self.headers["content-length"]))
                else:
                    while size := int(self.rfile.readline(), 16):
                        self.rfile.read(size + 2)
                    self.rfile.readline()
                outer.paths.add(self.path)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class RunPod:
    """The endpoint's /run, and what a worker of it asks for: jobs and what to stop (both answer late), and a place for results.
    Refuses the next `refusals` jobs."""

    def __init__(self):
        self.jobs, self.waiting, self.results = [], [], {}
        self.refusals = 0
        self.is_ending = False
        self.changed = threading.Condition()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                self.answer(*(outer.take(body) if self.path == "/run" else outer.finish(self.path, body)))

            def do_GET(self):
                self.answer(*outer.next_job("/job-take/" in self.path))

            def answer(self, code, document=None):
                body = json.dumps(document).encode() if document else b""
                self.send_response(code)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def take(self, body):
        with self.changed:
            if self.refusals:
                self.refusals -= 1
                return 503, {"error": "no workers"}
            self.jobs.append({"id": f"{secrets.token_hex(8)}-u1", "input": body["input"]})
            self.waiting.append(self.jobs[-1])
            self.changed.notify_all()
            return 200, {"id": self.jobs[-1]["id"], "status": "IN_QUEUE"}

    def next_job(self, is_job_wanted):
        with self.changed:
            self.changed.wait_for(lambda: self.is_ending or (is_job_wanted and self.waiting))
            return (200, self.waiting.pop(0)) if is_job_wanted and self.waiting else (204, None)

    def finish(self, path, body):
        with self.changed:
            self.results[path.split("/")[-1].split("?")[0]] = body
            self.changed.notify_all()
        return 200, {}

    def environment(self):
        """What RunPod sets in a worker of the endpoint."""
        return {"RUNPOD_ENDPOINT_ID": "framecast", "RUNPOD_POD_ID": "worker-1", "RUNPOD_SKIP_AUTO_SYSTEM_CHECKS": "true",
                "RUNPOD_SKIP_GPU_CHECK": "true",
                "RUNPOD_WEBHOOK_GET_JOB": f"{self.url}/job-take/$ID?gpu=none&token={URL_SECRET}",
                "RUNPOD_WEBHOOK_POST_OUTPUT": f"{self.url}/job-done/$RUNPOD_POD_ID/$ID?gpu=none"}

    def work_off(self, python, folder, name):
        """A worker does what is waiting and is told to end; the lines that it wrote."""
        self.is_ending = False
        log = folder / f"{name}.txt"
        worker = Program([python, "handler.py"], log, self.environment(), folder).start()
        job = self.jobs[-1]["id"]
        worker.wait_until(lambda: job in self.results and f'"requestId": "{job}", "message": "Finished Job"' in worker.log_text(), 60,
                          "done with the job")
        worker.signal(15)
        with self.changed:
            self.is_ending = True
            self.changed.notify_all()
        code = worker.wait(60)
        assert code == 0, worker.log_tail()
        return log.read_text().splitlines()

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        with self.changed:
            self.is_ending = True
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()


class App:
    """inngest/app.js with the function, in `folder`; `http`: its requests have spans, too."""

    def __init__(self, folder, spans_url, environment, is_instrumented):
        self.address = f"127.0.0.1:{free_port()}"
        self.ended = folder / f"ended-{free_port()}.json"
        self.log = self.ended.with_suffix(".txt")
        arguments = ["node", folder / "app.js", self.address.split(":")[1], spans_url, self.ended]
        self.program = Program([*arguments, *(["http"] if is_instrumented else [])], self.log, environment, folder)

    def start(self):
        self.program.start().wait_until(lambda: is_listening(self.address), 60, "listening")
        return self

    def stop(self):
        """(its spans, the lines that it wrote)"""
        code = self.program.stop(30)
        assert code == 0, self.program.log_tail()
        return json.loads(self.ended.read_text()), self.log.read_text().splitlines()
