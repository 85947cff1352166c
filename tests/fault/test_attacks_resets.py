"""Streams that are begun only to be ended: rapid reset (CVE-2023-44487) and frames that make the server reset (CVE-2025-8671)."""

import itertools
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from attack_case import IS_FULL, AttackCase, seconds
from harness import http2_frames as h2
from harness import otlp
from harness.case import only_weft
from harness.http2_frames import Attacker

RESETS = 100_000 if IS_FULL else 20_000
CONNECTIONS = 50 if IS_FULL else 5
END_SECONDS = 1.0
CALM = (h2.ENHANCE_YOUR_CALM, h2.PROTOCOL_ERROR)
BLOCK = h2.grpc_block(otlp.TRACES_METHOD)
STREAM_CODES = CALM + (h2.STREAM_CLOSED, h2.FLOW_CONTROL_ERROR, h2.FRAME_SIZE_ERROR)


def in_chunks(pieces, size=64):
    """The pieces joined by so many."""
    pieces = iter(pieces)
    while chunk := b"".join(itertools.islice(pieces, size)):
        yield chunk


def rapid_resets(count=RESETS, flags=h2.END_HEADERS):
    for stream in range(1, 2 * count, 2):
        yield h2.headers(stream, BLOCK, flags) + h2.reset(stream)


def triggers(name):
    """After END_STREAM, each makes a server that follows RFC 9113 reset the stream or end the connection."""
    bodies = {
        "window update of nothing": lambda stream: h2.window_update(stream, 0),
        "window overflow": lambda stream: h2.window_update(stream, 0x7FFFFFFF),
        "headers again": lambda stream: h2.headers(stream, BLOCK),
        "data again": lambda stream: h2.frame(h2.DATA, 0, stream, b"x"),
        "priority of 4 bytes": lambda stream: h2.frame(h2.PRIORITY, 0, stream, bytes(4)),
    }
    for stream in range(1, 2 * RESETS, 2):
        yield h2.headers(stream, BLOCK) + whole_data(stream) + bodies[name](stream)


def whole_data(stream):
    """A message of nothing, which is a good request without a span."""
    return h2.frame(h2.DATA, h2.END_STREAM, stream, b"\0" + struct.pack(">I", 0))


@only_weft("its limits are others")
class ResetAttacks(AttackCase):
    def attack(self, what, pieces, codes, within=END_SECONDS, seconds_at_most=10.0):
        with self.subTest(what), Attacker(self.address) as attacker:
            ended = attacker.drive(in_chunks(pieces), seconds=seconds_at_most)
            self.say(f"{what}: {ended}, {attacker.count(h2.RST_STREAM)} resets came")
            self.assert_ended(ended, within, codes)

    def test_rapid_reset_is_ended(self):
        self.attack("headers and reset", rapid_resets(), CALM)
        self.attack("whole calls and reset", (h2.headers(stream, BLOCK) + whole_data(stream) + h2.reset(stream)
                                              for stream in range(1, 2 * RESETS, 2)), CALM)
        self.assert_good_client_untouched()

    def test_rapid_reset_of_calls_with_spans_is_counted(self):
        """What the attacker's calls carried was either accepted or not; the books say so."""
        pieces = [h2.grpc_call(stream, otlp.TRACES_METHOD, self.attacker_request()) + h2.reset(stream)
                  for stream in range(1, 801, 2)]
        self.attack("calls with spans and reset", pieces, CALM)
        self.assert_good_client_untouched()

    def test_rapid_reset_of_many_is_ended(self):
        attackers = [self.start(Attacker(self.address)) for _ in range(CONNECTIONS)]
        attack = b"".join(rapid_resets(2_000))
        for attacker in attackers:
            attacker.queue(attack)
        for ended in h2.drive_all(attackers, 10.0):
            self.assert_ended(ended, 2 * END_SECONDS if IS_FULL else END_SECONDS, CALM)
        self.say(f"{CONNECTIONS} connections: the last was over after {max(a.ended.seconds for a in attackers):.2f} s")
        self.assert_good_client_untouched()

    def test_made_you_reset_is_ended(self):
        for name in ("window update of nothing", "window overflow", "headers again", "data again", "priority of 4 bytes"):
            self.attack(name, triggers(name), STREAM_CODES)
        self.assert_good_client_untouched()

    def test_a_priority_of_itself_resets_nothing(self):
        """RFC 9113 has no dependencies any more, and weft's settings say so: such calls are good ones."""
        count = 90  # within max_concurrent_streams, so that none is refused
        with Attacker(self.address) as client:
            for stream in range(1, 2 * count, 2):
                client.queue(h2.headers(stream, BLOCK) + whole_data(stream) + h2.priority(stream, stream))
            client.drive(seconds=10.0, is_done=lambda: client.count(h2.HEADERS) >= 2 * count)
            self.assertEqual(client.count(h2.HEADERS), 2 * count, "not every call was answered")
            self.assertEqual(client.count(h2.RST_STREAM), 0)
            self.assertFalse(client.ended.is_over)
        self.assert_good_client_untouched()

    def test_errors_of_one_stream_each_are_ended(self):
        """What costs one stream only, over and over."""
        bad_blocks = {
            "upper case": BLOCK + h2.literal("X-Upper", "1"),
            "connection header": BLOCK + h2.literal("connection", "close"),
            "no method": h2.literal(":path", "/") + h2.literal(":scheme", "http"),
            "pseudo header last": BLOCK + h2.literal(":path", "/"),
            "65 fields": BLOCK + h2.literal("x", "y") * 65,
            "16 KiB": BLOCK + h2.literal("x-long", "y" * 16_200),
        }
        for what, block in bad_blocks.items():
            pieces = (h2.headers(stream, block) for stream in range(1, 2 * RESETS, 2))
            self.attack(what, pieces, CALM, within=seconds(3.0, 3.0))
        self.attack("too many streams", (h2.headers(stream, BLOCK) for stream in range(1, 2 * RESETS, 2)), CALM)
        self.assert_good_client_untouched()
