"""A backend on grpcio that keeps every request as the bytes that came, and answers as a test tells it to.

Requests reach the record before they are answered, so what the record lacks was never received. The port stays
the same over stop() and start(): that is how a test takes the backend down and brings it back.
"""

import concurrent.futures
import dataclasses
import threading
import time

import grpc

from . import otlp
from .process import free_port

GRPC_OPTIONS = [("grpc.max_receive_message_length", 256 << 20), ("grpc.max_send_message_length", 256 << 20),
                ("grpc.so_reuseport", 0)]


@dataclasses.dataclass
class Answer:
    """What one request gets. delay and until first; then a status other than OK, or a lost answer, or a partial success."""

    status: grpc.StatusCode = grpc.StatusCode.OK
    message: str = ""
    retry_delay: float | None = None  # with a status: RetryInfo
    rejected: int = 0  # with OK: partial_success
    delay: float = 0.0
    until: threading.Event | None = None  # held back until this is set, for two minutes at most
    is_lost: bool = False  # kept, but the client gets no answer


@dataclasses.dataclass
class Received:
    method: str
    body: bytes
    metadata: dict
    at: float
    answer: Answer


class Backend:
    def __init__(self, address=None, credentials=None, answer=None):
        """address: "127.0.0.1:port" or "unix:/path". answer(number of the request, body) -> Answer."""
        self.address = address or f"127.0.0.1:{free_port()}"
        self.credentials = credentials
        self.answer = answer or (lambda number, body: Answer())
        self.requests = []
        self._lock = threading.Lock()
        self._server = None

    def start(self):
        self._server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=32), options=GRPC_OPTIONS)
        self._server.add_generic_rpc_handlers((_RawHandler(self),))
        if self.credentials:
            port = self._server.add_secure_port(self.address, self.credentials)
        else:
            port = self._server.add_insecure_port(self.address)
        if not port:
            raise OSError(f"the backend cannot listen on {self.address}")
        self._server.start()
        return self

    def stop(self):
        if self._server:
            self._server.stop(None).wait()
            self._server = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def take(self, method, body, metadata):
        with self._lock:
            answer = self.answer(len(self.requests), body)
            self.requests.append(Received(method, body, metadata, time.monotonic(), answer))
        return answer

    def bodies(self, method=otlp.TRACES_METHOD):
        with self._lock:
            return [received.body for received in self.requests if received.method == method]

    def span_ids(self, where=lambda received: True):
        """Every span id received, repeated as often as it came."""
        with self._lock:
            chosen = [received.body for received in self.requests if where(received)]
        return [span_id for body in chosen for span_id in otlp.span_ids(body)]

    def confirmed_span_ids(self):
        return self.span_ids(lambda received: received.answer.status == grpc.StatusCode.OK and not received.answer.is_lost)

    def wait_for_spans(self, count, seconds=10.0):
        """Until count distinct spans are here; the distinct ids that came."""
        deadline = time.monotonic() + seconds
        seen, read = set(), 0
        while True:
            with self._lock:
                fresh, read = self.requests[read:], len(self.requests)
            for received in fresh:
                seen.update(otlp.span_ids(received.body))
            if len(seen) >= count or time.monotonic() > deadline:
                return seen
            time.sleep(0.02)


class _RawHandler(grpc.GenericRpcHandler):
    """Every method of every service, bodies as bytes."""

    def __init__(self, backend):
        self._backend = backend

    def service(self, call_details):
        method = call_details.method
        return grpc.unary_unary_rpc_method_handler(lambda body, context: self._answer(method, body, context))

    def _answer(self, method, body, context):
        answer = self._backend.take(method, body, dict(context.invocation_metadata()))
        if answer.delay:
            time.sleep(answer.delay)
        if answer.until:
            answer.until.wait(120)
        if answer.is_lost:
            context.cancel()
            return b""
        if answer.status != grpc.StatusCode.OK:
            if answer.retry_delay is not None:
                details = otlp.status_with_retry_info(answer.status.value[0], answer.message, answer.retry_delay)
                context.set_trailing_metadata((("grpc-status-details-bin", details),))
            context.abort(answer.status, answer.message)
        return otlp.partial_success(answer.rejected, answer.message) if answer.rejected else b""
