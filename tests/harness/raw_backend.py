"""A backend on plain sockets and frames made by hand, for answers that no gRPC library would give.

behave(number of the request) -> what to do with it, a function of (connection, stream, body) that may write anything and
returns the Answer to keep in the record, or None if the request was not taken. What comes again is not numbered and gets a
good answer: so each request has one fate. greet(number of the connection) -> what to
do with a connection before its first request: None for the usual, or a function of the socket, after which it is closed.
"""

import contextlib
import socket
import struct
import threading
import time

from . import http2_frames as h2
from . import otlp
from .backend import Answer, Backend, Received
from .process import free_port

LONGEST_HANG = 20.0
OK_HEAD = b"\x88" + h2.literal("content-type", "application/grpc")


def message(body=b""):
    return b"\0" + struct.pack(">I", len(body)) + body


def trailers(code=0, *more):
    return h2.literal("grpc-status", str(code)) + b"".join(more)


def good(connection, stream, body):
    return answer_with(message())(connection, stream, body)


def answer_with(data, trailer_block=trailers(), keep=Answer()):
    """An answer of these bytes and trailers; keep: what the record says of it."""
    def behave(connection, stream, body):
        connection.send(h2.headers(stream, OK_HEAD) + h2.frame(h2.DATA, 0, stream, data)
                        + h2.headers(stream, trailer_block, h2.END_HEADERS | h2.END_STREAM))
        return keep
    return behave


class Connection:
    """One connection of weft's exporter."""

    def __init__(self, backend, peer):
        self.backend = backend
        self.socket = peer
        self.settings = h2.frame(h2.SETTINGS)
        self._input = b""
        self._writing = threading.Lock()

    def send(self, data):
        with self._writing:
            self.socket.sendall(data)

    def close(self, is_reset=False):
        """Wakes the thread that reads, whose end closes."""
        if is_reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(OSError):  # weft may have been first
            self.socket.shutdown(socket.SHUT_RD if is_reset else socket.SHUT_RDWR)

    def wait(self, seconds):
        """True if the time passed while the backend was running."""
        return not self.backend.stopping.wait(min(seconds, LONGEST_HANG))

    def _read(self, count):
        while len(self._input) < count:
            data = self.socket.recv(65_536)
            if not data:
                raise OSError("closed")
            self._input += data
        data, self._input = self._input[:count], self._input[count:]
        return data

    def run(self):
        bodies = {}
        self.send(self.settings)
        self._read(len(h2.PREFACE))
        while True:
            head = self._read(9)
            kind, flags, stream = struct.unpack(">BBI", head[3:])
            payload = self._read(int.from_bytes(head[:3], "big"))
            if kind == h2.SETTINGS and not flags & h2.ACK:
                self.send(h2.frame(h2.SETTINGS, h2.ACK))
            elif kind == h2.PING and not flags & h2.ACK:
                self.send(h2.frame(h2.PING, h2.ACK, 0, payload))
            elif kind == h2.DATA:
                bodies[stream] = bodies.get(stream, b"") + payload
                if payload:
                    self.send(h2.window_update(0, len(payload)) + h2.window_update(stream, len(payload)))
                if flags & h2.END_STREAM:
                    threading.Thread(target=self.backend.take, args=(self, stream, bodies.pop(stream)[5:]), daemon=True).start()


class RawBackend(Backend):
    """With the record of a Backend, so that the books can be held against it."""

    def __init__(self, behave=lambda number: good, greet=lambda number: None, address=None, settings=None):
        super().__init__(address or f"127.0.0.1:{free_port()}")
        self.behave = behave
        self.greet = greet
        self.settings = settings
        self.stopping = threading.Event()
        self.connection_count = 0
        self._seen = set()
        self._listener = None

    def start(self):
        host, port = self.address.rsplit(":", 1)
        self._listener = socket.create_server((host, int(port)))
        self._listener.settimeout(0.2)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def stop(self):
        self.stopping.set()

    def _accept(self):
        with self._listener:
            while not self.stopping.is_set():
                try:
                    peer, _ = self._listener.accept()
                except OSError:
                    continue
                number, self.connection_count = self.connection_count, self.connection_count + 1
                threading.Thread(target=self._serve, args=(peer, number), daemon=True).start()

    def _serve(self, peer, number):
        connection = Connection(self, peer)
        if self.settings and self.settings(number):
            connection.settings = self.settings(number)
        with peer:
            try:
                greeting = self.greet(number)
                if greeting:
                    greeting(connection)
                else:
                    connection.run()
            except OSError:
                pass

    def take(self, connection, stream, body):
        with self._lock:
            number = None if body in self._seen else len(self._seen)
            self._seen.add(body)
            received = Received(otlp.TRACES_METHOD, body, {}, time.monotonic(), Answer(is_lost=True))
            self.requests.append(received)
        try:
            answer = (good if number is None else self.behave(number))(connection, stream, body)
        except OSError:
            return  # taken, and weft was gone when the answer came
        with self._lock:
            if answer is None:
                self.requests.remove(received)
            else:
                received.answer = answer
