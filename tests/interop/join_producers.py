"""The producers of test_join.py: the SDK of JavaScript with pino, python3-grpcio with Python's logging, and recorded
lines of tracing-subscriber. Each tells what it has sent, in order: in a first round (play) and late (play_late)."""

import contextlib
import contextvars
import hashlib
import http.client
import json
import logging
import os
import secrets
import subprocess
from collections import namedtuple

import grpc

from harness import otlp, stubs
from harness.backend import GRPC_OPTIONS
from harness.places import TESTS, cache_directory

Span = namedtuple("Span", "trace_id span_id name is_error")  # ids are hex, "" is none
Line = namedtuple("Line", "trace_id span_id body severity")

PINO_SEVERITIES = {"trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17, "fatal": 21}
PYTHON_SEVERITIES = {logging.DEBUG: 5, logging.INFO: 9, logging.WARNING: 13, logging.ERROR: 17, logging.CRITICAL: 21}
RECORDED_TRACE, RECORDED_SPAN, RECORDED_WORD = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "x"
RECORDED = TESTS / "unit" / "wire" / "log_lines.txt"
RUST = ("tracing-subscriber", "of spans the leaf counts", "a span that closes", "json-subscriber")


def id_of_word(word):
    return hashlib.sha256(b"weft-id\0" + word.encode()).digest()[:16].hex()


class JavaScript:
    """js/join.js: spans of the SDK, lines of pino."""

    def __init__(self, protocol, spans_url, lines_url):
        environment = {**os.environ, "NODE_PATH": str(cache_directory() / "interop-js" / "node_modules")}
        self.child = subprocess.Popen(["node", TESTS / "interop" / "js" / "join.js", spans_url, protocol, lines_url],
                                      env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.communicate()

    def _told(self):
        text = self.child.stdout.readline()
        if not text:
            raise AssertionError(f"the JavaScript client ended with code {self.child.wait(10)}; its words are above")
        told = json.loads(text)
        spans = [Span(span["traceId"], span["spanId"], span["name"], span["isError"]) for span in told["spans"]]
        return spans + [Line(line["traceId"], line["spanId"], line["body"], PINO_SEVERITIES[line["level"]])
                        for line in told["lines"]]

    def play(self):
        return self._told()

    def play_late(self):
        self.child.stdin.write("\n")
        self.child.stdin.flush()
        told = self._told()
        assert self.child.wait(20) == 0, "the JavaScript client failed at its end"
        return told


class Sender:
    """Spans by grpcio's stubs, lines by POST; what was sent is in told."""

    def __init__(self, service, spans_address, lines_address):
        self.service = service
        self.channel = grpc.insecure_channel(spans_address, GRPC_OPTIONS)
        self.lines_address = lines_address
        self.told = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def send_spans(self, spans):
        request = stubs.module("trace_service_pb2").ExportTraceServiceRequest()
        group = request.resource_spans.add()
        group.resource.attributes.add(key="service.name").value.string_value = self.service
        scope = group.scope_spans.add()
        for span in spans:
            added = scope.spans.add(
                trace_id=bytes.fromhex(span.trace_id), span_id=bytes.fromhex(span.span_id), name=span.name, kind=2,
                start_time_unix_nano=otlp.BASE_TIME_NS, end_time_unix_nano=otlp.BASE_TIME_NS + 10 ** 6)
            added.status.code = 2 if span.is_error else 0
        stub = stubs.module("trace_service_pb2_grpc").TraceServiceStub(self.channel)
        answer = stub.Export(request, timeout=10)
        assert not answer.partial_success.rejected_spans, answer
        self.told += spans

    def post(self, texts, lines):
        host, port = self.lines_address.rsplit(":", 1)
        with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=10)) as connection:
            body = "".join(text + "\n" for text in texts).encode()
            connection.request("POST", "/", body, {"Content-Type": "application/x-ndjson"})
            answer = connection.getresponse()
            assert answer.status == 200, (answer.status, answer.read())
        self.told += lines

    def take_told(self):
        told, self.told = self.told, []
        return told


current_span = contextvars.ContextVar("current_span", default=None)


class JsonFormatter(logging.Formatter):
    def format(self, record):
        members = {"asctime": self.formatTime(record), "levelname": record.levelname, "name": record.name,
                   "message": record.getMessage()}
        if span := current_span.get():
            members.update(trace_id=span.trace_id, span_id=span.span_id)
        if record.exc_info:
            members["exc_info"] = self.formatException(record.exc_info)
        return json.dumps(members)


class LinesHandler(logging.Handler):
    """Formats at once and keeps the text until somebody posts it."""

    def __init__(self):
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.texts = []

    def emit(self, record):
        self.texts.append(self.format(record))


class Python:
    """Spans by python3-grpcio, lines of Python's own logging."""

    def __init__(self, sender):
        self.sender = sender
        self.handler = LinesHandler()
        self.logger = logging.Logger("join", logging.DEBUG)  # not in the tree of loggers: nobody else's handlers
        self.logger.addHandler(self.handler)
        self.lines = []
        self.roots = []
        self.without_spans = self.span("its spans come late", True)

    @staticmethod
    def span(name, is_error, trace_id=None):
        return Span(trace_id or secrets.token_hex(16), secrets.token_hex(8), name, is_error)

    def log(self, span, level, text, *values, **settings):
        token = current_span.set(span)
        self.logger.log(level, text, *values, **settings)
        current_span.reset(token)
        ids = (span.trace_id, span.span_id) if span else ("", "")
        self.lines.append(Line(*ids, text % values, PYTHON_SEVERITIES[level]))

    def post_lines(self):
        texts, self.handler.texts = self.handler.texts, []
        lines, self.lines = self.lines, []
        self.sender.post(texts, lines)

    def play_trace(self, number, fails, are_lines_first):
        root = self.span(f"python {number}", False)
        leaf = self.span("leaf", fails, root.trace_id)
        self.roots.append(root)
        for level in PYTHON_SEVERITIES:
            self.log(root, level, 'number %d says "%s"\nand more: 世界', number, logging.getLevelName(level))
        try:
            raise ValueError("boom")
        except ValueError:
            self.log(leaf, logging.ERROR, "it failed", exc_info=True)  # a line of an error is not an error of the trace
        steps = [self.post_lines, lambda: self.sender.send_spans([root, leaf])]
        for step in steps if are_lines_first else reversed(steps):
            step()

    def play(self):
        for number in range(8):
            self.play_trace(number, fails=number % 2 == 0, are_lines_first=number < 4)
        self.log(None, logging.WARNING, "a line outside of any span")
        self.log(self.without_spans, logging.INFO, "a line before the first span, by far")
        self.post_lines()
        text = "Traceback (most recent call last):"  # no JSON: what the interpreter writes itself
        self.sender.post([text], [Line("", "", text, 0)])
        return self.sender.take_told()

    def play_late(self):
        for number, root in enumerate(self.roots):
            late = self.span("late", number % 3 == 0, root.trace_id)
            self.log(late, logging.CRITICAL, "late %d", number)
            if number < 4:
                self.sender.send_spans([late])
        self.log(self.without_spans, logging.INFO, "a line beside the first span")
        self.post_lines()
        self.sender.send_spans([self.without_spans])
        return self.sender.take_told()


def recorded_lines():
    """(line, the record that it has to become) of the Rust producers whose lines are on record."""
    is_wanted, pairs = False, []
    for text in RECORDED.read_text().splitlines():
        if text.startswith("#"):
            is_wanted = text[1:].strip().startswith(RUST)
        elif text and is_wanted:
            pairs.append(text)
    return list(zip(pairs[::2], pairs[1::2]))


class Rust:
    """Recorded lines of tracing-subscriber under the ids of spans that are sent; one of them has a word for an id."""

    def __init__(self, sender):
        self.sender = sender
        self.kinds = [(fails, are_lines_first) for fails in (True, False) for are_lines_first in (True, False)]
        self.traces = []  # (id, span's id, word) of each kind

    def lines_of(self, trace_id, span_id, word):
        renamed = {RECORDED_TRACE: trace_id, RECORDED_SPAN: span_id, f'"{RECORDED_WORD}"': f'"{word}"',
                   id_of_word(RECORDED_WORD): id_of_word(word)}
        texts, lines = [], []
        for pair in recorded_lines():
            for old, new in renamed.items():
                pair = [text.replace(old, new) for text in pair]
            record = json.loads(pair[1])
            texts.append(pair[0])
            lines.append(Line(record.get("traceId", ""), record.get("spanId", ""),
                              record.get("body", {}).get("stringValue"), record.get("severityNumber", 0)))
        return texts, lines

    def play(self):
        for fails, are_lines_first in self.kinds:
            ids = secrets.token_hex(16), secrets.token_hex(8), "job-" + secrets.token_hex(3)
            self.traces.append(ids)
            spans = [Span(ids[0], ids[1], "outer", fails),
                     Span(id_of_word(ids[2]), secrets.token_hex(8), "of a word", fails)]
            steps = [lambda: self.sender.post(*self.lines_of(*ids)), lambda: self.sender.send_spans(spans)]
            for step in steps if are_lines_first else reversed(steps):
                step()
        return self.sender.take_told()

    def play_late(self):
        for number, ids in enumerate(self.traces):
            self.sender.post(*self.lines_of(*ids))
            self.sender.send_spans([Span(ids[0], secrets.token_hex(8), "late", number % 2 == 0)])
        return self.sender.take_told()
