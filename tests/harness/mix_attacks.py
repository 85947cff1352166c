"""Attackers as a program of their own, so that they do not slow down the client beside which they run:

    mix_attacks.py KIND SECONDS SCALE GRPC HTTP TELEMETRY [--tls]

KIND names a function below. Each keeps a bounded number of connections busy until the time is up, opens those again that
were closed to it (not more than 200 a second), and ends by itself. SCALE 1 is short, 5 in earnest.
"""

import itertools
import pathlib
import select
import socket
import ssl
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from harness import http2_frames as h2
from harness import otlp

MIB = 1 << 20
OPENING = h2.PREFACE + h2.frame(h2.SETTINGS)
BLOCK = h2.grpc_block(otlp.TRACES_METHOD)
REOPENINGS_PER_SECOND = 200


def begun_call(stream, declared, sent):
    return h2.headers(stream, BLOCK) + h2.frame(h2.DATA, 0, stream, b"\0" + struct.pack(">I", declared) + bytes(sent))


def post_head(length):
    return (f"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n"
            f"Content-Length: {length}\r\n\r\n").encode()


class Peer:
    """One connection: what it sends at first, and what after that once a second (an iterator of bytes, or None)."""

    def __init__(self, address, opening, more=None, is_tls=False):
        self.address, self.opening, self.more, self.is_tls = address, opening, more, is_tls
        self.socket = None
        self.output = b""
        self.drip = None

    def open(self):
        host, port = self.address.rsplit(":", 1)
        self.socket = socket.socket()
        self.socket.settimeout(2.0)
        try:
            self.socket.connect((host, int(port)))
            if self.is_tls:
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                self.socket = context.wrap_socket(self.socket)
            self.socket.setblocking(False)
        except OSError:
            self.close()
            return
        self.output = self.opening
        self.drip = self.more() if self.more else None

    def close(self):
        if self.socket is not None:
            self.socket.close()
        self.socket = None

    def pump(self):
        """Writes what it can and throws away what comes."""
        try:
            while self.output:
                self.output = self.output[self.socket.send(self.output[:1 << 16]):]
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            pass
        except OSError:
            return self.close()
        try:
            if self.socket.recv(1 << 16) == b"":
                self.close()
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            pass
        except OSError:
            self.close()


def keep_busy(peers, seconds):
    end = time.monotonic() + seconds
    next_drip = time.monotonic() + 1.0
    while time.monotonic() < end:
        for peer in [peer for peer in peers if peer.socket is None][:REOPENINGS_PER_SECOND // 10]:
            peer.open()
        by_descriptor = {peer.socket.fileno(): peer for peer in peers if peer.socket is not None}
        poller = select.poll()
        for descriptor, peer in by_descriptor.items():
            poller.register(descriptor, select.POLLIN | (select.POLLOUT if peer.output else 0))
        slot = time.monotonic() + 0.1
        while (left := slot - time.monotonic()) > 0:
            for descriptor, _ in poller.poll(left * 1e3):
                peer = by_descriptor[descriptor]
                if peer.socket is not None:
                    peer.pump()
                if peer.socket is None:
                    poller.unregister(descriptor)
                elif not peer.output:
                    poller.modify(descriptor, select.POLLIN)
        if time.monotonic() >= next_drip:
            next_drip += 1.0
            for peer in peers:
                if peer.socket is not None and peer.drip is not None:
                    peer.output += next(peer.drip, b"")
                    peer.pump()
    for peer in peers:
        peer.close()


def begun_calls(scale, grpc, http, telemetry, is_tls):
    """Calls that promise 4 MiB and send a byte."""
    opening = OPENING + b"".join(begun_call(stream, 4 * MIB, 1) for stream in range(1, 200, 2))
    return [Peer(grpc, opening, is_tls=is_tls) for _ in range(60 * scale)]


def kilobyte_calls(scale, grpc, http, telemetry, is_tls):
    """Calls that promise 4 MiB and send 1 KiB, which many of together are more than a limit allows."""
    opening = OPENING + b"".join(begun_call(stream, 4 * MIB, 1024) for stream in range(1, 120, 2))
    return [Peer(grpc, opening, is_tls=is_tls) for _ in range(60 * scale)]


def silent(scale, grpc, http, telemetry, is_tls):
    """Connections that say nothing, over TLS nothing but half a hello."""
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" if is_tls else b""
    return [Peer(address, hello) for address in (grpc, http) for _ in range(220 * scale)] + \
           [Peer(telemetry, b"") for _ in range(120)]


def half_bodies(scale, grpc, http, telemetry, is_tls):
    """Bodies of HTTP that stop at two thirds."""
    return [Peer(http, post_head(300_000) + bytes(200_000), is_tls=is_tls) for _ in range(80 * scale)]


def dribblers(scale, grpc, http, telemetry, is_tls):
    """Large uploads, a byte a second."""
    drops = lambda: itertools.repeat(b"x")  # noqa: E731
    frames = lambda: itertools.repeat(h2.frame(h2.DATA, 0, 1, b"x"))  # noqa: E731
    return [Peer(http, post_head(19 * MIB) + bytes(400_000), drops, is_tls) for _ in range(5 * scale)] + \
           [Peer(grpc, OPENING + begun_call(1, 4 * MIB - 5, 15_000), frames, is_tls) for _ in range(5 * scale)]


def resets(scale, grpc, http, telemetry, is_tls):
    """Streams that are reset as soon as they are there."""
    streams = b"".join(h2.headers(stream, BLOCK) + h2.reset(stream) for stream in range(1, 400, 2))
    return [Peer(grpc, OPENING + streams, is_tls=is_tls) for _ in range(10 * scale)]


def nonsense(scale, grpc, http, telemetry, is_tls):
    """Whole requests that are no OTLP: each is to be refused, none is to be accepted."""
    def calls():
        for stream in itertools.count(3, 2):
            yield h2.grpc_call(stream, otlp.TRACES_METHOD, b"\x0a\x7f" + bytes(50))
    body = post_head(4) + b"\xff\xff\xff\xff"
    return [Peer(grpc, OPENING + h2.grpc_call(1, otlp.TRACES_METHOD, b"\x0a\x05abc"), calls, is_tls) for _ in range(20 * scale)] + \
           [Peer(http, body, lambda: itertools.repeat(body), is_tls) for _ in range(20 * scale)]


if __name__ == "__main__":
    kind, seconds, scale, grpc, http, telemetry = sys.argv[1:7]
    keep_busy(globals()[kind](int(scale), grpc, http, telemetry, "--tls" in sys.argv), float(seconds))
