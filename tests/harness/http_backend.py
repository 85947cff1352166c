"""An OTLP/HTTP backend on http.server that keeps every request as the bytes that came, and answers as a test tells it to.

As with the backend on grpcio, requests reach the record before they are answered, and the port stays the same over stop()
and start().
"""

import base64
import dataclasses
import gzip
import http.server
import json
import re
import socket
import ssl
import threading
import time
import zlib

from . import otlp, stubs
from .process import free_port

PROTOBUF = "application/x-protobuf"
JSON = "application/json"


@dataclasses.dataclass
class HttpAnswer:
    """What one request gets. delay first; then the answer, or a closed connection."""

    code: int = 200
    body: bytes = b""
    content_type: str = PROTOBUF
    headers: dict = dataclasses.field(default_factory=dict)
    delay: float = 0.0
    is_lost: bool = False


@dataclasses.dataclass
class HttpReceived:
    path: str
    headers: dict  # names in lower case
    raw: bytes
    at: float
    connection: tuple  # the client's address: one for each connection
    answer: HttpAnswer

    @property
    def text(self):
        """The body without its content coding."""
        return _decode(self.headers.get("content-encoding", ""), self.raw)

    @property
    def body(self):
        """The export request as protobuf, whatever it came as."""
        return json_to_protobuf(self.path, self.text) if self.headers["content-type"] == JSON else self.text


def _decode(coding, raw):
    if coding == "gzip":
        return gzip.decompress(raw)
    if coding in ("deflate", "zlib"):
        return zlib.decompress(raw)
    if coding == "zstd":
        import zstandard
        return zstandard.ZstdDecompressor().decompressobj().decompress(raw)
    assert coding == "", coding
    return raw


_ID = re.compile(r"^(trace|span|parentSpan|profile)Id$")
_MESSAGES = {"traces": ("trace_service_pb2", "ExportTraceServiceRequest"),
             "metrics": ("metrics_service_pb2", "ExportMetricsServiceRequest"),
             "logs": ("logs_service_pb2", "ExportLogsServiceRequest"),
             "profiles": ("profiles_service_pb2", "ExportProfilesServiceRequest")}


def _with_base64_ids(value):
    """OTLP/JSON has hex where protobuf's own JSON has base64."""
    if isinstance(value, list):
        return [_with_base64_ids(item) for item in value]
    if isinstance(value, dict):
        return {key: base64.b64encode(bytes.fromhex(item)).decode() if _ID.match(key) else _with_base64_ids(item)
                for key, item in value.items()}
    return value


def json_to_protobuf(path, text):
    """As protobuf's own JSON reader sees it; unknown keys are errors."""
    from google.protobuf import json_format
    module, name = _MESSAGES[path.rsplit("/", 1)[-1]]
    message = getattr(stubs.module(module), name)()
    return json_format.ParseDict(_with_base64_ids(json.loads(text)), message).SerializeToString()


class HttpBackend:
    def __init__(self, address=None, tls=None, answer=None):
        """tls: an ssl.SSLContext. answer(number of the request, body) -> HttpAnswer."""
        self.address = address or f"127.0.0.1:{free_port()}"
        self.tls = tls
        self.answer = answer or (lambda number, received: HttpAnswer())
        self.requests = []
        self._lock = threading.Lock()
        self._server = None
        self._thread = None

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://{self.address}"

    def start(self):
        host, port = self.address.rsplit(":", 1)
        self._server = _Server((host, int(port)), self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def stop(self):
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server.close_connections()
            self._thread.join()
            self._server = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def take(self, received):
        with self._lock:
            received.answer = self.answer(len(self.requests), received)
            self.requests.append(received)
        return received.answer

    def bodies(self, path="/v1/traces"):
        with self._lock:
            return [received.body for received in self.requests if received.path == path]

    def wait_for_requests(self, count, seconds=10.0):
        deadline = time.monotonic() + seconds
        while len(self.requests) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        return len(self.requests)

    def wait_for_spans(self, count, seconds=10.0):
        """Until count distinct spans are here; the distinct ids that came."""
        deadline = time.monotonic() + seconds
        while True:
            seen = {span_id for body in self.bodies() for span_id in otlp.span_ids(body)}
            if len(seen) >= count or time.monotonic() > deadline:
                return seen
            time.sleep(0.02)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address, backend):
        self.backend = backend
        self._open = set()
        super().__init__(address, _Handler)

    def finish_request(self, request, client_address):
        if self.backend.tls:
            request = self.backend.tls.wrap_socket(request, server_side=True)
        self._open.add(request)
        try:
            super().finish_request(request, client_address)
        finally:
            self._open.discard(request)

    def handle_error(self, request, client_address):
        """Refused handshakes and cut connections are what some tests are about."""

    def close_connections(self):
        for request in list(self._open):
            try:
                request.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        assert len(headers) == len(self.headers), "a header came twice"
        answer = self.server.backend.take(
            HttpReceived(self.path, headers, raw, time.monotonic(), self.client_address, HttpAnswer()))
        time.sleep(answer.delay)
        if answer.is_lost:
            self.close_connection = True
            return
        self.send_response(answer.code)
        for name, value in {"Content-Type": answer.content_type, "Content-Length": len(answer.body), **answer.headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_):
        pass


def server_tls(certificates, name="server"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate(name), certificates.key(name))
    return context
