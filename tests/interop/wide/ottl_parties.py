"""The two that OTTL is compared in: the Collector's transform and filter as a filter of lines (ottl/main.go), and weft's.

An answer is {"request": ...}, None where nothing is left of a request, or {"error": ...}.
"""

import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from harness.places import program_under_test
from harness.process import free_port

HERE = pathlib.Path(__file__).resolve().parent
SIGNALS = ("traces", "metrics", "logs")


def peer_binary():
    """Built once into the cache by what it is made of; it needs Go."""
    sources = [HERE / "ottl" / name for name in ("main.go", "go.mod", "go.sum")]
    key = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "weft"
    binary = cache / f"ottl-{key}" / "ottl"
    if not binary.exists():
        with tempfile.TemporaryDirectory(prefix="weft-test-") as work:
            for source in sources:
                shutil.copy(source, work)
            built = subprocess.run(["nice", "-n", "19", "go", "build", "-o", "ottl", "."], cwd=work, capture_output=True, text=True)
            if built.returncode != 0:
                raise AssertionError(f"the Collector's transform could not be built (it needs Go on the PATH):\n{built.stderr}")
            binary.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(f"{work}/ottl", binary)
    return binary


def by_collector(jobs):
    """Jobs: (processor, config, signal, request)."""
    lines = "".join(json.dumps(dict(zip(("processor", "config", "signal", "request"), job))) + "\n" for job in jobs)
    done = subprocess.run([peer_binary()], input=lines.encode(), capture_output=True, timeout=1800, check=True)
    answers = [json.loads(line) for line in done.stdout.decode(errors="surrogateescape").split("\n")[:-1]]
    return [answer if "error" in answer or answer["request"] is not None else None for answer in answers]


def escaped(node):
    """A dollar in a config begins a variable."""
    if isinstance(node, dict):
        return {key: escaped(value) for key, value in node.items()}
    if isinstance(node, list):
        return [escaped(item) for item in node]
    return node.replace("$", "$$") if isinstance(node, str) else node


def whole_config(processor, config, receivers=None, exporters=None):
    pipeline = {"receivers": ["otlp"], "processors": [processor], "exporters": list(exporters or ["debug"])}
    return {"receivers": receivers or {"otlp": {"protocols": {"grpc": {"endpoint": "127.0.0.1:0"}}}},
            "processors": {processor: escaped(config)}, "exporters": exporters or {"debug": {}},
            "service": {"pipelines": {signal: pipeline for signal in SIGNALS}}}


_ERROR = re.compile(r"^input line (\d+): (.*)$")


def transformed(config, requests):
    """By `weft ottl`. A program that dies, or a sanitizer's report, is an AssertionError and never an answer."""
    with tempfile.TemporaryDirectory(prefix="weft-test-") as work:
        path = pathlib.Path(work) / "weft.json"
        path.write_text(json.dumps(whole_config("transform", config)), encoding="utf-8")
        lines = "".join(json.dumps(request) + "\n" for request in requests)
        done = subprocess.run([program_under_test(), "ottl", "--config", path], input=lines.encode(), capture_output=True, timeout=1800,
                              check=False)
    errors = done.stderr.decode(errors="surrogateescape")
    if done.returncode not in (0, 1) or "runtime error" in errors or "Sanitizer" in errors:
        raise AssertionError(f"{config}: {done.returncode}\n{errors[-3000:]}")
    failed = {int(found[1]) - 1: found[2] for line in errors.split("\n") if (found := _ERROR.match(line))}
    if done.returncode == 1 and not failed:
        return [{"error": errors}] * len(requests)
    after = iter(line for line in done.stdout.decode(errors="surrogateescape").split("\n") if line.startswith("after  "))
    return [{"error": failed[at]} if at in failed else answer_of(next(after)) for at in range(len(requests))]


def answer_of(line):
    text = line.removeprefix("after  ")
    return None if text == "nothing" else {"request": json.loads(text)}


# ---- a running weft ----

MARK = "case"
ROOTS = {"traces": "resourceSpans", "metrics": "resourceMetrics", "logs": "resourceLogs"}


def marked(request, number):
    """Each resource says which request it is of."""
    (root, resources), = request.items()
    mark = {"key": MARK, "value": {"intValue": str(number)}}
    return {root: [{**item, "resource": {**item.get("resource", {}),
                                         "attributes": [*item.get("resource", {}).get("attributes", []), mark]}} for item in resources]}


def mark_of(request):
    (root, resources), = request.items()
    return next(int(item["value"]["intValue"]) for item in resources[0]["resource"]["attributes"] if item["key"] == MARK)


def filtered(case, config, jobs):
    """By a weft that listens for OTLP over HTTP and writes what is left into a file. Jobs: (signal, marked request)."""
    out = pathlib.Path(case.temporary_directory()) / "out.json"
    address = f"127.0.0.1:{free_port()}"
    program = case.start_program(whole_config("filter", config, {"otlp": {"protocols": {"http": {"endpoint": address}}}},
                                              {"file": {"path": str(out)}}), [address])
    connection = http.client.HTTPConnection(address, timeout=60)
    answers = {}
    for signal, request in jobs:
        connection.request("POST", f"/v1/{signal}", json.dumps(request), {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read()
        answers[mark_of(request)] = None if response.status == 200 else {"error": text.decode()}
    connection.close()
    program.stop()
    for line in out.read_text(encoding="utf-8").split("\n") if out.exists() else []:
        if line:
            answers[mark_of(json.loads(line))] = {"request": json.loads(line)}
    return [answers[mark_of(request)] for _, request in jobs]
