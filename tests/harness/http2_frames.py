"""HTTP/2 frames made by hand, and a connection that sends what it is told and sees how the other side ends it.

For attackers: no library would send what they send. Every loop here has a limit in bytes or in time.
"""

import dataclasses
import select
import socket
import struct
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, HAS_PRIORITY = 1, 1, 4, 8, 32
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE = 1, 2, 3, 4, 5
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED = 0, 1, 2, 3, 4, 5
FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM = 6, 7, 8, 9, 10, 11


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    """length: what the header claims, if that is a lie."""
    return struct.pack(">I", len(payload) if length is None else length)[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(**values):
    """settings(INITIAL_WINDOW_SIZE=0)"""
    return frame(SETTINGS, payload=b"".join(struct.pack(">HI", globals()[name], value) for name, value in values.items()))


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def reset(stream, code=CANCEL):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def priority(stream, depends_on, weight=0):
    return frame(PRIORITY, 0, stream, struct.pack(">IB", depends_on, weight))


def _integer(value, prefix_bits, first=0):
    """HPACK, RFC 7541 5.1."""
    limit = (1 << prefix_bits) - 1
    if value < limit:
        return bytes([first | value])
    out = bytearray([first | limit])
    value -= limit
    while value >= 128:
        out.append(value % 128 | 128)
        value //= 128
    out.append(value)
    return bytes(out)


def _string(text):
    raw = text.encode() if isinstance(text, str) else text
    return _integer(len(raw), 7) + raw


def literal(name, value, is_indexed=False):
    """One field; is_indexed: the peer is to keep it in its dynamic table."""
    return (b"\x40" if is_indexed else b"\x00") + _string(name) + _string(value)


def grpc_block(path, extra=b""):
    """The header block of a well-behaved unary call, with extra bytes of HPACK after it."""
    fields = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "localhost",
              "content-type": "application/grpc", "te": "trailers"}
    return b"".join(literal(name, value) for name, value in fields.items()) + extra


def headers(stream, block, flags=END_HEADERS):
    return frame(HEADERS, flags, stream, block)


def grpc_call(stream, path, message, frame_bytes=16_384):
    """A whole call: its HEADERS and its DATA."""
    body = b"\0" + struct.pack(">I", len(message)) + message
    pieces = [body[at:at + frame_bytes] for at in range(0, len(body), frame_bytes)]
    data = [frame(DATA, END_STREAM if piece is pieces[-1] else 0, stream, piece) for piece in pieces]
    return headers(stream, grpc_block(path)) + b"".join(data)


@dataclasses.dataclass
class Ended:
    """How the other side ended a connection, as far as it did."""

    is_over: bool = False  # end of file or a reset came
    seconds: float = 0.0  # from the start of the attack until then
    goaway: int | None = None
    debug: str = ""
    sent_bytes: int = 0

    @property
    def has_goaway(self):
        return self.goaway is not None

    def __str__(self):
        how = "still open" if not self.is_over else f"over after {self.seconds:.2f} s"
        return f"{how}, goaway {self.goaway} {self.debug}, {self.sent_bytes / 1024:.0f} KiB sent"


class Attacker:
    """One connection. What arrives is split into frames; nothing is answered by itself."""

    def __init__(self, address, opening=PREFACE + frame(SETTINGS), seconds=5.0, receive_buffer=None):
        host, port = address.rsplit(":", 1)
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(seconds)
        self.socket.connect((host, int(port)))
        self.socket.setblocking(False)
        self.ended = Ended()
        self.frames = []  # (kind, flags, stream, payload)
        self.started = time.monotonic()
        self._input = b""
        self._output = memoryview(opening)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def fileno(self):
        return self.socket.fileno()

    def count(self, kind):
        return sum(1 for received in self.frames if received[0] == kind)

    def _take(self, data):
        self._input += data
        while len(self._input) >= 9:
            length = int.from_bytes(self._input[:3], "big")
            if len(self._input) < 9 + length:
                return
            kind, flags, stream = struct.unpack(">BBI", self._input[3:9])
            payload, self._input = self._input[9:9 + length], self._input[9 + length:]
            self.frames.append((kind, flags, stream & 0x7FFFFFFF, payload))
            if kind == GOAWAY and self.ended.goaway in (None, NO_ERROR):
                self.ended.goaway = int.from_bytes(payload[4:8], "big")
                self.ended.debug = payload[8:].decode(errors="replace")

    def _end(self):
        self.ended.is_over = True
        self.ended.seconds = time.monotonic() - self.started

    def read_now(self):
        try:
            data = self.socket.recv(1 << 18)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._end()
            return
        if data:
            self._take(data)
        else:
            self._end()

    def write_now(self):
        try:
            sent = self.socket.send(self._output)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._output = memoryview(b"")  # the answer may still be there to be read
            return
        self.ended.sent_bytes += sent
        self._output = self._output[sent:]

    def queue(self, data):
        self._output = memoryview(bytes(self._output) + data)

    def _poll(self, events, seconds):
        """Which of select.POLLIN, POLLOUT, POLLERR and POLLHUP hold. Unlike select() it takes any descriptor."""
        poll = select.poll()
        poll.register(self, events)
        return sum(happened for _, happened in poll.poll(seconds * 1e3))

    def drive(self, more=None, seconds=5.0, is_done=lambda: False, is_reading=True):
        """Sends what is queued and whatever more (an iterator of bytes) yields, reads what comes, until the other side
        has ended the connection, is_done() says so, or the time is up."""
        deadline = time.monotonic() + seconds
        while not self.ended.is_over and not is_done() and time.monotonic() < deadline:
            if more is not None and not self._output:
                chunk = next(more, None)
                if chunk is None:
                    more = None
                else:
                    self._output = memoryview(chunk)
            happened = self._poll((select.POLLIN if is_reading else 0) | (select.POLLOUT if self._output else 0), 0.05)
            if is_reading and happened & ~select.POLLOUT:
                self.read_now()
            if self._output and happened & ~select.POLLIN:
                self.write_now()
        return self.ended

    def send(self, data, seconds=5.0):
        """All of data, reading meanwhile."""
        self.queue(data)
        return self.drive(seconds=seconds, is_done=lambda: not self._output)

    def agree(self):
        """Takes the other side's settings: only then do its larger stream windows hold."""
        if self.wait_for(SETTINGS):
            self.send(frame(SETTINGS, ACK))
        return self

    @property
    def connection_window(self):
        """What all streams together may have sent by now."""
        return 65_535 + sum(int.from_bytes(payload, "big") for kind, _, stream, payload in self.frames
                            if kind == WINDOW_UPDATE and stream == 0)

    def wait_for(self, kind, seconds=5.0):
        """Whether a frame of that kind has come."""
        self.drive(seconds=seconds, is_done=lambda: self.count(kind) > 0)
        return self.count(kind) > 0


def drive_all(attackers, seconds, is_done=lambda: False):
    """Many connections at once: each sends what it has queued and reads, until all are ended or the time is up."""
    deadline = time.monotonic() + seconds
    poller = select.poll()
    by_descriptor = {}
    for attacker in attackers:
        by_descriptor[attacker.fileno()] = attacker
        poller.register(attacker, select.POLLIN | (select.POLLOUT if attacker._output else 0))
    open_count = len(attackers)
    while open_count and not is_done() and time.monotonic() < deadline:
        for descriptor, events in poller.poll(50):
            attacker = by_descriptor[descriptor]
            if events & select.POLLOUT:
                attacker.write_now()
                if not attacker._output:
                    poller.modify(descriptor, select.POLLIN)
            if events & ~select.POLLOUT:
                attacker.read_now()
            if attacker.ended.is_over:
                poller.unregister(descriptor)
                open_count -= 1
    return [attacker.ended for attacker in attackers]
