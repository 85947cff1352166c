"""Floods of cheap frames on one connection: each is ended with GOAWAY within two seconds, and costs little memory."""

import itertools
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from attack_case import IS_FULL, MIB, AttackCase, seconds
from harness import http2_frames as h2
from harness import otlp
from harness.case import only_weft
from harness.http2_frames import Attacker

FLOOD_BYTES = (512 if IS_FULL else 32) * MIB  # an attacker who is not stopped stops here, and the test fails
END_SECONDS = 2.0
CONNECTIONS = 50 if IS_FULL else 4
CALM = (h2.ENHANCE_YOUR_CALM, h2.PROTOCOL_ERROR)
CALL = h2.headers(1, h2.grpc_block(otlp.TRACES_METHOD))


def repeated(piece, limit_bytes=FLOOD_BYTES):
    """piece again and again, in chunks of about 64 KiB."""
    chunk = piece * max(1, 65_536 // len(piece))
    return itertools.repeat(chunk, limit_bytes // len(chunk))


def endless_headers(first_flags=0):
    """One header block that goes on in CONTINUATION frames and never ends."""
    return itertools.chain([h2.headers(1, h2.grpc_block(otlp.TRACES_METHOD), first_flags)],
                           repeated(h2.frame(h2.CONTINUATION, 0, 1, h2.literal("x-more", "y" * 100))))


FLOODS = {
    "settings": repeated(h2.settings(INITIAL_WINDOW_SIZE=70_000)),
    "settings without an entry": repeated(h2.frame(h2.SETTINGS)),
    "settings acks": repeated(h2.frame(h2.SETTINGS, h2.ACK)),
    "settings of 2,700 entries": repeated(h2.frame(h2.SETTINGS, payload=struct.pack(">HI", 0x99, 1) * 2_700)),
    "ping": repeated(h2.frame(h2.PING, payload=bytes(8))),
    "ping acks": repeated(h2.frame(h2.PING, h2.ACK, payload=bytes(8))),
    "priority of one stream": repeated(h2.priority(1, 3)),
    "priority of ever new streams": (b"".join(h2.priority(stream, 0) for stream in range(first, first + 2_000, 2))
                                     for first in range(1, 1_000_001, 2_000)),
    "unknown frames": repeated(h2.frame(0xFA, 0x55, 0, b"what is this?")),
    "unknown frames of no length": repeated(h2.frame(0xFB)),
    "unknown frames on a stream": itertools.chain([CALL], repeated(h2.frame(0xFC, 0, 1))),
    "window updates of the connection": repeated(h2.window_update(0, 1)),
    "window updates of a stream": itertools.chain([CALL], repeated(h2.window_update(1, 1))),
    "empty data": itertools.chain([CALL], repeated(h2.frame(h2.DATA, 0, 1))),
    "data of padding only": itertools.chain([CALL], repeated(h2.frame(h2.DATA, h2.PADDED, 1, b"\x07" + bytes(7)))),
    "continuation": endless_headers(),
    "continuation of no length": itertools.chain([h2.headers(1, h2.grpc_block(otlp.TRACES_METHOD), 0)],
                                                 repeated(h2.frame(h2.CONTINUATION, 0, 1))),
    "resets of one stream": itertools.chain([CALL], repeated(h2.reset(1))),
    "promises": repeated(h2.frame(h2.PUSH_PROMISE, 4, 1, struct.pack(">I", 2) + b"\x82")),
    "headers of a stream that is over": itertools.chain(
        [h2.headers(5, h2.grpc_block("/")) + h2.reset(5)], repeated(h2.headers(3, b"\x83\x86\x84" + b"\x90" * 60))),
    "trailers again and again": itertools.chain([CALL], repeated(h2.headers(1, h2.literal("x", "y"), 5))),
    "goaways": repeated(h2.frame(h2.GOAWAY, 0, 0, struct.pack(">II", 0, 0) + b"x" * 100)),
}


@only_weft("its limits are others")
class FloodAttacks(AttackCase):
    def test_floods_are_ended(self):
        for what, chunks in FLOODS.items():
            with self.subTest(what), Attacker(self.address) as attacker:
                ended = attacker.drive(chunks, seconds=seconds(10, 5))
                self.say(f"{what}: {ended}")
                self.assert_ended(ended, END_SECONDS, None if what == "goaways" else CALM + (h2.STREAM_CLOSED,))
        self.assert_good_client_untouched()

    def test_many_that_flood_at_once_are_ended(self):
        attackers = [self.start(Attacker(self.address)) for _ in range(CONNECTIONS)]
        for number, attacker in enumerate(attackers):
            piece = h2.frame(0xFA) if number % 2 else h2.priority(1, 3)
            attacker.queue(piece * (200_000 // len(piece)))
        for ended in h2.drive_all(attackers, 10.0):
            self.assert_ended(ended, END_SECONDS, CALM)
        self.say(f"{len(attackers)} connections: the last was over after {max(a.ended.seconds for a in attackers):.2f} s")
        self.assert_good_client_untouched()


@only_weft("its limits are others")
class WindowAttacks(AttackCase):
    """What breaks the rules of flow control and of framing: each is a connection error by RFC 9113."""

    FAULTS = {
        "connection window above 2^31 - 1": (h2.window_update(0, 0x7FFFFFFF), (h2.FLOW_CONTROL_ERROR,)),
        "window update of nothing": (h2.window_update(0, 0), (h2.PROTOCOL_ERROR,)),
        "initial window above 2^31 - 1": (h2.settings(INITIAL_WINDOW_SIZE=0xFFFFFFFF), (h2.FLOW_CONTROL_ERROR,)),
        "data on stream 0": (h2.frame(h2.DATA, 0, 0, b"x"), (h2.PROTOCOL_ERROR,)),
        "data on a stream that never was": (h2.frame(h2.DATA, 0, 5, b"x"), (h2.PROTOCOL_ERROR, h2.STREAM_CLOSED)),
        "headers on an even stream": (h2.headers(2, h2.grpc_block("/")), (h2.PROTOCOL_ERROR,)),
        "a frame of 16 MiB": (h2.frame(h2.DATA, 0, 1, b"x", length=0xFFFFFF), (h2.FRAME_SIZE_ERROR,)),
        "a ping of 7 bytes": (h2.frame(h2.PING, payload=bytes(7)), (h2.FRAME_SIZE_ERROR,)),
        "settings of 5 bytes": (h2.frame(h2.SETTINGS, payload=bytes(5)), (h2.FRAME_SIZE_ERROR,)),
        "settings on a stream": (h2.frame(h2.SETTINGS, 0, 1), (h2.PROTOCOL_ERROR,)),
        "padding longer than its frame": (CALL + h2.frame(h2.DATA, h2.PADDED, 1, b"\xff" + b"x"), (h2.PROTOCOL_ERROR,)),
        "continuation of nothing": (h2.frame(h2.CONTINUATION, 4, 1, b"\x82"), (h2.PROTOCOL_ERROR,)),
        "a frame inside a header block": (h2.headers(1, b"\x82", 0) + h2.frame(h2.PING, payload=bytes(8)),
                                          (h2.PROTOCOL_ERROR,)),
        "a field that HPACK does not have": (h2.headers(1, b"\xff\xff\xff\xff\x0f"), (h2.COMPRESSION_ERROR,)),
        "an HPACK table larger than agreed": (h2.headers(1, b"\x3f\xff\xff\x7f"), (h2.COMPRESSION_ERROR,)),
        "an HPACK number without an end": (h2.headers(1, b"\x7f" + b"\xff" * 200), (h2.COMPRESSION_ERROR,)),
    }

    def test_connection_errors_are_ended(self):
        for what, (attack, codes) in self.FAULTS.items():
            with self.subTest(what), Attacker(self.address) as attacker:
                attacker.queue(attack)
                self.assert_ended(attacker.drive(seconds=3.0), END_SECONDS, codes)
        self.assert_good_client_untouched()

    def test_settings_that_overflow_windows_end_their_streams(self):
        """nghttp2 resets the streams where the RFC has the connection end; many of them are a flood."""
        with Attacker(self.address) as attacker:
            attacker.queue(CALL + h2.window_update(1, 0x7FFF0000) + h2.settings(INITIAL_WINDOW_SIZE=0x7FFFFFFF))
            self.assertTrue(attacker.wait_for(h2.RST_STREAM, 2.0))
        with Attacker(self.address) as attacker:
            opening = b"".join(h2.headers(stream, h2.grpc_block(otlp.TRACES_METHOD)) + h2.window_update(stream, 0x7FFF0000)
                               for stream in range(1, 201, 2))
            attacker.queue(opening + h2.settings(INITIAL_WINDOW_SIZE=0x7FFFFFFF) * 3)
            attacker.drive(seconds=2.0, is_done=lambda: attacker.count(h2.RST_STREAM) >= 100)
            self.assertTrue(attacker.ended.is_over or attacker.count(h2.RST_STREAM) >= 100, str(attacker.ended))
        self.assert_good_client_untouched()

    def test_data_beyond_the_message_is_thrown_away(self):
        """A message of 1 MiB is promised and data of 64 MiB sent: refused once, the rest costs nothing."""
        with Attacker(self.address) as attacker:
            opening = CALL + h2.frame(h2.DATA, 0, 1, b"\0" + struct.pack(">I", MIB))
            chunks = itertools.chain([opening], itertools.repeat(h2.frame(h2.DATA, 0, 1, bytes(16_384)) * 4, 1_024))
            ended = attacker.drive(chunks, seconds=10.0, is_done=lambda: attacker.ended.sent_bytes >= 64 * MIB)
            self.say(f"data beyond the message: {ended}")
            # Beyond the window (RFC 9113 section 6.9.1), or answered before that and told to stop (section 8.1).
            answers = [(kind, int.from_bytes(payload, "big") if kind == h2.RST_STREAM else None)
                       for kind, _, _, payload in attacker.frames if kind in (h2.HEADERS, h2.RST_STREAM)]
            self.assertIn(answers, ([(h2.RST_STREAM, h2.FLOW_CONTROL_ERROR)], [(h2.HEADERS, None)],
                                    [(h2.HEADERS, None), (h2.RST_STREAM, h2.NO_ERROR)]))
        self.assert_good_client_untouched()

    def test_not_http2_at_all_is_ended(self):
        for what, opening in {"HTTP/1.1": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "TLS": bytes.fromhex("160301020001"),
                              "zeros": bytes(1000), "a preface with one wrong byte": h2.PREFACE[:-1] + b"x",
                              "no settings": h2.PREFACE + h2.frame(h2.PING, payload=bytes(8)),
                              "random bytes": bytes(range(256)) * 40}.items():
            with self.subTest(what), Attacker(self.address, opening) as attacker:
                self.assert_ended(attacker.drive(seconds=6.5), 6.0)
        self.assert_good_client_untouched()
