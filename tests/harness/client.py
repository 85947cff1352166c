"""A sender on grpcio that knows for each request whether it was accepted, refused, or its answer was lost."""

import dataclasses
import enum
import threading
import time

import grpc

from . import otlp
from .backend import GRPC_OPTIONS


class Outcome(enum.Enum):
    ACCEPTED = "accepted"  # the answer was OK
    REFUSED = "refused"  # the answer was another status, sent by the server
    LOST = "lost"  # no answer: the request may or may not have been accepted


@dataclasses.dataclass
class Reply:
    outcome: Outcome
    code: grpc.StatusCode
    message: str
    body: bytes
    trailing: dict


# Statuses that the client's own library makes when the connection or the time runs out. A server can send
# UNAVAILABLE too: then the trailers carry something, or the text is not one of the library's own.
_LOST_TEXTS = ("connect", "connection", "socket", "goaway", "stream removed", "reset", "closed", "end of", "transport",
               "eof", "broken pipe", "cancelled", "cancelling all calls", "rst_stream")


def _outcome(error):
    if error.code() in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN):
        return Outcome.LOST
    details = (error.details() or "").lower()
    if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL) and not error.trailing_metadata():
        if any(text in details for text in _LOST_TEXTS):
            return Outcome.LOST
    return Outcome.REFUSED


class Client:
    def __init__(self, address, credentials=None, compression=None):
        # min_ is how long an attempt may take, too: on a busy machine 100 ms are gone before its SETTINGS are read.
        options = GRPC_OPTIONS + [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.min_reconnect_backoff_ms", 5000),
                                  ("grpc.max_reconnect_backoff_ms", 500), ("grpc.use_local_subchannel_pool", 1)]
        if credentials:
            self.channel = grpc.secure_channel(address, credentials, options)
        else:
            self.channel = grpc.insecure_channel(address, options)
        self.compression = compression

    def export(self, body, method=otlp.TRACES_METHOD, seconds=10.0):
        call = self.channel.unary_unary(method)  # no serializers: bytes in, bytes out
        try:
            answer, detail = call.with_call(body, timeout=seconds, compression=self.compression)
        except grpc.RpcError as error:
            return Reply(_outcome(error), error.code(), error.details() or "", b"", dict(error.trailing_metadata() or ()))
        return Reply(Outcome.ACCEPTED, grpc.StatusCode.OK, "", answer, dict(detail.trailing_metadata() or ()))

    def close(self):
        self.channel.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Load:
    """Threads that send numbered spans (or log records, by method) at a bounded pace until stopped, and the account of what
    became of them."""

    def __init__(self, address, senders=2, spans_per_request=20, requests_per_second=50, request_limit=20_000, pause_when_lost=0.05,
                 make_request=otlp.numbered_request, method=otlp.TRACES_METHOD, make_client=None):
        """make_client: of the number of a sender; None: a Client of address each."""
        self.address = address
        self.make_client = make_client or (lambda number: Client(address))
        self.make_request = make_request  # (first number, count) -> bytes
        self.method = method
        self.spans_per_request = spans_per_request
        self.interval = senders / requests_per_second
        self.request_limit = request_limit
        self.pause_when_lost = pause_when_lost
        self.ranges = {outcome: [] for outcome in Outcome}  # outcome -> first numbers
        self.refusals = {}  # (code, message) -> count of requests
        self.slowest = 0.0  # seconds, of the calls that were accepted
        self.lock = threading.Lock()  # of what is above
        self._next = 0
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=[number], daemon=True) for number in range(senders)]

    def start(self):
        for thread in self._threads:
            thread.start()
        return self

    def stop(self):
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=30)
            if thread.is_alive():
                raise RuntimeError("a sender did not end in 30 s")
        return self

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self._stopping.set()

    def spans(self, *outcomes):
        """The span ids sent whose requests ended so."""
        return {otlp.numbered_span_id(number)
                for outcome in outcomes for first in self.ranges[outcome]
                for number in range(first, first + self.spans_per_request)}

    def count(self, outcome):
        return len(self.ranges[outcome]) * self.spans_per_request

    def take_number(self):
        """The first number of spans that nobody else sends; None at the end."""
        with self.lock:
            if self._next >= self.request_limit * self.spans_per_request:
                return None
            first, self._next = self._next, self._next + self.spans_per_request
            return first

    def body_of(self, first):
        """The request with the spans from this number on."""
        return self.make_request(first, self.spans_per_request)

    def _send(self, number):
        with self.make_client(number) as client:
            while not self._stopping.is_set():
                first = self.take_number()
                if first is None:
                    return
                started = time.monotonic()
                reply = client.export(self.body_of(first), self.method, seconds=5.0)
                with self.lock:
                    self.ranges[reply.outcome].append(first)
                    if reply.outcome is Outcome.ACCEPTED:
                        self.slowest = max(self.slowest, time.monotonic() - started)
                    else:
                        key = (reply.outcome.value, reply.code.name, reply.message[:80])
                        self.refusals[key] = self.refusals.get(key, 0) + 1
                self._stopping.wait(self.pause_when_lost if reply.outcome is Outcome.LOST else self.interval)
