"""Runs the pipeline cases: one page of YAML each, played through a real weft between a client and recording backends.

usage: python3 run.py [CASE.yaml ...]   (none: all cases beside this file; WEFT_TEST=text keeps those whose name has it)
The last line is "N passed, N failed".

A case has these keys:

  config    a config for weft. ${LISTEN} is the address to listen on, ${BACKEND_0}, ${BACKEND_1}, ... are backends,
            ${STATE} is an empty folder. The telemetry port is added by the runner.
  arguments optional: further arguments of weft's command line.
  backends  optional: for each backend the answers that it gives, in order; the last one stays. An answer has the keys of
            harness/backend.py's Answer: status, message, rejected, retry_delay. `filler:` is a message of so many bytes. With `when: text` it is given to every
            request that holds the text. Without: OK.
  input     what the client sends, one request after the other: `traces:`, `metrics:`, `logs:` or `profiles:` with the request
            (requests.py), and optionally `answer:` the status that the client must get (OK), `compression: gzip`, and
            `padding:` so many bytes more, in a field that nobody knows. `spoil: {text: "ff fe ..."}` puts as many bytes in the
            place of the text; `rejected:` is how many records partial_success must name. `wait:` so many seconds pass before it.
  output    for each backend what it must have got: a signal with one request that holds all the records, however they
            were grouped, and optionally `requests:` the number of records (of metrics: data points) in each request, in any order. `same_bytes: true`
            says more: the requests are those of the input, byte by byte.
  accounts  for each signal the totals of the ledger when all has come to rest; what is not named is 0. `dropped` is by reason.

The ledger's audit must agree in every case, and weft must end with exit code 0 at SIGTERM.
"""

import contextlib
import json
import os
import pathlib
import re
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc
import yaml

import requests
from harness import ledger, wire
from harness.backend import Answer, Backend
from harness.client import Client
from harness.process import ProgramFailed, free_port, kill_what_is_left
from harness.under_test import UnderTest

REST_SECONDS = 10.0
UNKNOWN_FIELD = 1000
KEYS = {"config", "arguments", "backends", "input", "output", "accounts"}


class CaseFailed(Exception):
    """Lines for a person."""


def place(node, places):
    """The config with its placeholders filled in."""
    if isinstance(node, dict):
        return {key: place(value, places) for key, value in node.items()}
    if isinstance(node, list):
        return [place(item, places) for item in node]
    if isinstance(node, str):
        for name, value in places.items():
            node = node.replace("${" + name + "}", value)
    return node


def answers_of(rows):
    """The function that Backend asks: the number of a request -> its answer."""
    def answer_of(row):
        fields = {key: value for key, value in row.items() if key not in ("when", "filler")}
        if "filler" in row:
            fields["message"] = "x" * row["filler"]
        return Answer(**{**fields, "status": grpc.StatusCode[row.get("status", "OK")]})

    rows = rows or []
    by_text = [(row["when"].encode(), answer_of(row)) for row in rows if "when" in row]
    in_order = [answer_of(row) for row in rows if "when" not in row] or [Answer()]

    def answer(number, body):
        return next((row for text, row in by_text if text in body), in_order[min(number, len(in_order) - 1)])

    return answer


def start_backends(case, stack):
    count = 1 + max(map(int, re.findall(r"\$\{BACKEND_(\d+)\}", json.dumps(case["config"]))), default=-1)
    rows = case.get("backends", [])
    return [stack.enter_context(Backend(answer=answers_of(rows[index] if index < len(rows) else None)))
            for index in range(count)]


def send(case, address):
    """Sends the input and returns what differs from the answers that were expected."""
    problems = []
    for index, step in enumerate(case["input"]):
        signal = next(name for name in requests.SIGNALS if name in step)
        time.sleep(step.get("wait", 0))
        compression = {"gzip": grpc.Compression.Gzip}.get(step.get("compression"))
        padding = wire.bytes_field(UNKNOWN_FIELD, bytes(step["padding"])) if "padding" in step else b""
        body = requests.encode(signal, step[signal])
        for text, spoiled in step.get("spoil", {}).items():
            if len(text.encode()) != len(bytes.fromhex(spoiled)) or text.encode() not in body:
                raise CaseFailed(f"input {index}: spoil: {text} is not there, or not as long as what takes its place")
            body = body.replace(text.encode(), bytes.fromhex(spoiled))
        with Client(address, compression=compression) as client:
            reply = client.export(body + padding, requests.method_of(signal))
        if reply.code.name != step.get("answer", "OK"):
            problems.append(f"input {index}: expected the answer {step.get('answer', 'OK')}, got {reply.code.name}: {reply.message}")
        rejected = sum(value for partial in wire.repeated(reply.body, 1)
                       for number, kind, value, _ in wire.fields(partial) if number == 1 and kind == wire.WIRE_VARINT)
        if rejected != step.get("rejected", 0):
            problems.append(f"input {index}: {rejected} records were rejected, expected {step.get('rejected', 0)}: {reply.body!r}")
    return problems


def read_ledger(admin):
    try:
        with urllib.request.urlopen(f"http://{admin}/v1/ledger?format=json&audit=1", timeout=5) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)  # 500: the books or the audit disagree, and the body says how


def account_problems(document, signal, expected):
    """What differs between the totals of one signal and the case's."""
    totals = ledger.from_document(document, signal)
    names = ("accepted", "copied", "in_flight", "in_transit", "buffered", "queued", "spooled", "sent", "rejected",
             "handed_over", "refused", "uncopied", "dropped")
    strange = sorted(set(expected) - set(names))
    if strange:
        raise CaseFailed(f"accounts: {signal}: no such account: {', '.join(strange)}")
    lines = totals.disagreements()
    for name in names:
        default = {} if name == "dropped" else 0
        wanted, real = expected.get(name, default), getattr(totals, name)
        if wanted != real:
            lines.append(f"accounts: {signal}: {name} is {real}, expected {wanted}")
    return lines


def wait_for_accounts(admin, expected):
    """Until the ledger says what the case says; the last differences when it does not in time."""
    deadline = time.monotonic() + REST_SECONDS
    while True:
        document = read_ledger(admin)
        problems = [line for signal in requests.SIGNALS for line in account_problems(document, signal, expected.get(signal, {}))]
        if not problems or time.monotonic() > deadline:
            return problems
        time.sleep(0.02)


def output_problems(case, backends):
    rows = case.get("output") or []
    if len(rows) != len(backends):
        raise CaseFailed(f"output has {len(rows)} rows for {len(backends)} backends")
    sent = {signal: [requests.encode(signal, step[signal]) for step in case["input"] if signal in step]
            for signal in requests.SIGNALS}
    for index, (row, backend) in enumerate(zip(rows, backends)):
        row = row or {}
        for signal in requests.SIGNALS:
            came = backend.bodies(requests.method_of(signal))
            expected = [requests.encode(signal, row[signal])] if signal in row else []
            for line in requests.differences(signal, expected, came):
                yield f"backend {index}: {line}"
            counts = sorted(requests.record_count(signal, body) for body in came)
            if signal in row and "requests" in row and counts != sorted(row["requests"]):
                yield f"backend {index}: requests with {counts} records, expected {sorted(row['requests'])}"
            if signal in row and row.get("same_bytes") and sorted(came) != sorted(sent[signal]):
                yield f"backend {index}: {signal}: the bytes are not those that were sent"


def run(path):
    """Returns the problems of one case."""
    case = yaml.safe_load(path.read_text())
    if not isinstance(case, dict) or set(case) - KEYS or not {"config", "input", "accounts"} <= set(case):
        raise CaseFailed(f"a case has the keys {', '.join(sorted(KEYS))}")
    with contextlib.ExitStack() as stack:
        backends = start_backends(case, stack)
        address = f"127.0.0.1:{free_port()}"
        places = {"LISTEN": address, "STATE": stack.enter_context(tempfile.TemporaryDirectory(prefix="weft-case-"))}
        places.update({f"BACKEND_{index}": backend.address for index, backend in enumerate(backends)})
        program = stack.enter_context(UnderTest(place(case["config"], places), [address], extra=case.get("arguments", ())))
        problems = send(case, address) + wait_for_accounts(program.admin, case["accounts"])
        problems += output_problems(case, backends)
        try:
            program.stop()
        except ProgramFailed as error:
            problems.append(str(error))
        if problems:
            problems.append(f"the end of weft's log:\n{program.process.log_tail(15)}")
        return problems


def main():
    folder = pathlib.Path(__file__).resolve().parent
    paths = [pathlib.Path(argument) for argument in sys.argv[1:]] or sorted(folder.glob("*.yaml"))
    paths = [path for path in paths if os.environ.get("WEFT_TEST", "") in path.stem]
    failed = 0
    for path in paths:
        started = time.monotonic()
        try:
            problems = run(path)
        except (CaseFailed, ProgramFailed) as error:
            problems = [str(error)]
        except Exception:
            problems = [traceback.format_exc(limit=-3)]
        failed += bool(problems)
        print(f"{'FAIL' if problems else 'ok':<5} {time.monotonic() - started:6.1f} s  {path.stem}", flush=True)
        for line in problems:
            print(f"      {line}", flush=True)
    print(f"{len(paths) - failed} passed, {failed} failed", flush=True)
    kill_what_is_left()
    os._exit(1 if failed else 0)  # not sys.exit: a gRPC thread that a failed case left must not keep the run from ending


if __name__ == "__main__":
    main()
