"""Calls whose framing or headers lie, and messages that are small on the wire and huge behind it: each gets its status."""

import functools
import pathlib
import struct
import sys
import time
import zlib

import zstandard

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from attack_case import IS_FULL, MIB, AttackCase, is_sanitized
from harness import http2_frames as h2
from harness import otlp, raw_http2
from harness.case import only_weft
from harness.http2_frames import Attacker

OK, INVALID_ARGUMENT, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL = 0, 3, 4, 8, 12, 13
CAP = 4 * MIB
CPU_SECONDS = 1.0
GOOD = otlp.numbered_request(5_000_000, 3)


class MessageCase(AttackCase):
    def call(self, body, path=otlp.TRACES_METHOD, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return raw_http2.call(self.address, path, body, headers)

    def assert_refused(self, what, reply, *codes):
        self.assertIn(reply.grpc_status, codes, f"{what}: {reply}")
        self.assertIn(reply.headers.get(":status"), ("200", "405", "415"), f"{what}: {reply}")


@only_weft("its answers are others")
class Framing(MessageCase):
    def test_lying_prefixes_are_refused(self):
        framed = raw_http2.framed(GOOD)
        cases = {f"cut after {length} bytes": (framed[:length], INTERNAL)
                 for length in (*range(6), len(framed) // 2, len(framed) - 1)}
        cases |= {
            "one byte more than there is": (b"\0" + struct.pack(">I", len(GOOD) + 1) + GOOD, INTERNAL),
            "one byte less than there is": (b"\0" + struct.pack(">I", len(GOOD) - 1) + GOOD, INTERNAL),
            "a length of 4 GiB - 1": (b"\0\xff\xff\xff\xff" + GOOD, RESOURCE_EXHAUSTED),
            "a length of the limit and no byte": (b"\0" + struct.pack(">I", CAP), INTERNAL),
            "two messages": (framed * 2, INTERNAL),
            "an empty message and another": (bytes(5) + framed, INTERNAL),
            "a hundred empty messages": (bytes(5) * 100, INTERNAL),
            "flag 2": (b"\2" + framed[1:], INTERNAL),
            "flag 255": (b"\xff" + framed[1:], INTERNAL),
            "the trailer flag of gRPC-web": (b"\x80" + framed[1:], INTERNAL),
            "the compressed flag alone": (b"\1" + framed[1:], INTERNAL),
        }
        for what, (body, code) in cases.items():
            with self.subTest(what):
                self.assert_refused(what, self.call(body), code)
        self.assert_good_client_untouched()

    def test_wrong_headers_are_refused(self):
        framed = raw_http2.framed(GOOD)
        cases = {
            "wrong path": ({"path": "/x/y"}, (UNIMPLEMENTED,)),
            "path with a query": ({"path": otlp.TRACES_METHOD + "?a=b"}, (UNIMPLEMENTED,)),
            "path of 8 KiB": ({"path": "/" + "x" * 8_000}, (UNIMPLEMENTED,)),
            "json": ({"content_type": "application/json"}, (INVALID_ARGUMENT,)),
            "gRPC-web": ({"content_type": "application/grpc-web"}, (INVALID_ARGUMENT,)),
            "no content type": ({"content_type": None}, (INVALID_ARGUMENT,)),
            "brotli": ({"grpc_encoding": "br"}, (UNIMPLEMENTED,)),
            "two encodings": ({"grpc_encoding": "gzip, gzip"}, (UNIMPLEMENTED,)),
            "no timeout at all": ({"grpc_timeout": "S"}, (INTERNAL,)),
            "a timeout below zero": ({"grpc_timeout": "-1S"}, (INTERNAL,)),
            "a timeout of nine digits": ({"grpc_timeout": "999999999H"}, (INTERNAL,)),
            "a timeout of centuries": ({"grpc_timeout": "99999999H", "path": "/x/y"}, (UNIMPLEMENTED,)),
        }
        for what, (change, codes) in cases.items():
            with self.subTest(what):
                self.assert_refused(what, self.call(framed, **change), *codes)
        for method in ("GET", "PUT", "DELETE"):
            reply = raw_http2.call(self.address, otlp.TRACES_METHOD, framed, method=method)
            self.assertEqual(reply.headers.get(":status"), "405", f"{reply}")
        self.assert_good_client_untouched()

    def test_large_metadata_costs_its_call_only(self):
        for what, fields in {"64 fields more": {f"x-{number}": "y" for number in range(64)},
                             "one of 16 KiB": {"x-long": "y" * 16_300}}.items():
            with self.subTest(what):
                reply = raw_http2.call(self.address, otlp.TRACES_METHOD, raw_http2.framed(GOOD), fields)
                self.assertIsNotNone(reply.reset_code, f"{reply}")
        self.assert_good_client_untouched()


def gzip(data):
    packer = zlib.compressobj(9, wbits=31)
    return packer.compress(data) + packer.flush()


@functools.cache
def endless_zeros(wbits, size_limit):
    """A deflate stream of zeros without an end: a block that needs nothing before it, again and again."""
    packer = zlib.compressobj(9, wbits=wbits)
    head = packer.compress(bytes(1)) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(64 * MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + block * ((size_limit - len(head)) // len(block))


def zstd_frame(window_byte=None, content_size=None, block=b"\x01\x00\x00"):
    """A zstd frame by hand (RFC 8878); by default without a content. content_size: declared in eight bytes."""
    if content_size is None:
        return b"\x28\xb5\x2f\xfd" + (b"\x20\x00" if window_byte is None else bytes([0, window_byte])) + block
    descriptor = 0xE0 if window_byte is None else 0xC0
    window = b"" if window_byte is None else bytes([window_byte])
    return b"\x28\xb5\x2f\xfd" + bytes([descriptor]) + window + content_size.to_bytes(8, "little") + block


def zstd_zeros(size):
    """Blocks that repeat one byte 128 KiB times, four bytes each."""
    blocks = b"".join(struct.pack("<I", (128 * 1024) << 3 | 1 << 1)[:3] + b"\0" for _ in range(size // (128 * 1024)))
    return zstd_frame(window_byte=0x38, block=blocks + b"\x01\x00\x00")


@only_weft("its limits are others")
class Compression(MessageCase):
    def bombs(self):
        huge = 10 * 1024 * MIB
        zeros = zstandard.ZstdCompressor(level=3).compress(bytes(64 * MIB))
        return {
            "gzip of 4 GiB of zeros": ("gzip", endless_zeros(31, CAP - 1_000)),
            "deflate of 4 GiB of zeros": ("deflate", endless_zeros(15, CAP - 1_000)),
            "zstd of 10 GiB of zeros": ("zstd", zstd_zeros(huge)),
            "zstd of 64 MiB of zeros, as made": ("zstd", zeros),
            "gzip of 4 MiB and one byte": ("gzip", gzip(bytes(CAP + 1))),
            "gzip in gzip in gzip": ("gzip", gzip(gzip(gzip(bytes(100 * MIB))))),
            "10^5 empty zstd frames": ("zstd", zstd_frame() * 100_000),
            "10^5 skippable zstd frames": ("zstd", (b"\x50\x2a\x4d\x18" + bytes(4)) * 100_000),
            "a skippable frame of 4 GiB": ("zstd", b"\x50\x2a\x4d\x18\xff\xff\xff\xff" + bytes(100)),
            "10^5 empty gzip members": ("gzip", gzip(b"") * 100_000),
            "zstd that declares 2 GiB": ("zstd", zstd_frame(window_byte=0x38, content_size=2 << 30)),
            "zstd that declares 2^64 - 1": ("zstd", zstd_frame(content_size=(1 << 64) - 1)),
            "a window of 2^31": ("zstd", zstd_frame(window_byte=21 << 3)),
            "the largest window there is": ("zstd", zstd_frame(window_byte=0xFF)),
            "10^5 empty blocks": ("zstd", zstd_frame(window_byte=0x38, block=bytes(3) * 100_000 + b"\x01\x00\x00")),
            "10^5 empty deflate blocks": ("gzip", gzip(b"")[:10] + b"\x00\x00\x00\xff\xff" * 100_000 + b"\x03\x00" + bytes(8)),
            "a gzip name without an end": ("gzip", b"\x1f\x8b\x08\x08" + bytes(6) + b"x" * MIB),
            "cut in the middle": ("gzip", gzip(GOOD)[:-9]),
            "bytes after the end": ("gzip", gzip(GOOD) + b"more"),
            "a wrong checksum": ("gzip", gzip(GOOD)[:-8] + bytes(8)),
        }

    # What is no more than wasteful, and does not go beyond a limit.
    HARMLESS = ("10^5 empty blocks", "10^5 empty deflate blocks", "zstd that declares 2^64 - 1")

    def test_bombs_are_refused(self):
        for what, (encoding, packed) in self.bombs().items():
            with self.subTest(what):
                self.assertLess(len(packed), CAP, "the bomb itself must be within the limit")
                before, started = self.meter.cpu_seconds(), time.monotonic()
                reply = self.call(raw_http2.framed(packed, True), grpc_encoding=encoding)
                cost = self.meter.cpu_seconds() - before
                print(f"  {what}: {len(packed) / 1024:.0f} KiB, status {reply.grpc_status} {reply.grpc_message[:70]!r}, "
                      f"processor {cost:.2f} s, {time.monotonic() - started:.2f} s", flush=True)
                codes = (RESOURCE_EXHAUSTED, INTERNAL, INVALID_ARGUMENT) + ((OK,) if what in self.HARMLESS else ())
                self.assert_refused(what, reply, *codes)
                self.assertLessEqual(cost, CPU_SECONDS * (4 if is_sanitized() else 1))
        self.say("bombs one by one")
        self.assert_good_client_untouched(4 * CAP + 16 * MIB)

    def test_bombs_at_once_are_bounded(self):
        """A hundred on ten connections: each is inflated and gone before the next."""
        packed = endless_zeros(31, 256 * 1024)
        body = raw_http2.framed(packed, True)
        attackers = [self.start(Attacker(self.address)).agree() for _ in range(10)]
        block = h2.grpc_block(otlp.TRACES_METHOD, h2.literal("grpc-encoding", "gzip"))
        for attacker in attackers:
            for stream in range(1, 6, 2):
                pieces = [body[at:at + 16_384] for at in range(0, len(body), 16_384)]
                attacker.queue(h2.headers(stream, block) + b"".join(
                    h2.frame(h2.DATA, h2.END_STREAM if piece is pieces[-1] else 0, stream, piece) for piece in pieces))
        h2.drive_all(attackers, 10.0, lambda: all(attacker.count(h2.HEADERS) >= 3 for attacker in attackers))
        self.assertEqual([attacker.count(h2.HEADERS) for attacker in attackers], [3] * len(attackers))
        self.say("bombs at once")
        self.assert_good_client_untouched(4 * CAP + 16 * MIB)


@only_weft("its limits are others")
class HalfMessages(AttackCase):
    """Many streams, each with most of a message: what is held of them all is bounded, whatever their prefixes promise."""

    BLOCK = h2.grpc_block(otlp.TRACES_METHOD)
    PIECE_BYTES = 16_384
    PIECES = 15  # of a stream: its first window is 256 KiB

    def next_pieces(self, attacker, number):
        """What the connection's window allows of the 100 streams; number: of the first piece that was not sent yet."""
        pieces = []
        while number < 100 * self.PIECES and (number + 1) * (self.PIECE_BYTES + 5) <= attacker.connection_window:
            stream = number // self.PIECES * 2 + 1
            if number % self.PIECES == 0:
                pieces.append(h2.headers(stream, self.BLOCK) + h2.frame(h2.DATA, 0, stream, b"\0" + struct.pack(">I", CAP)))
            pieces.append(h2.frame(h2.DATA, 0, stream, bytes(self.PIECE_BYTES)))
            number += 1
        attacker.queue(b"".join(pieces))
        return number

    def test_half_messages_are_bounded(self):
        attackers = [self.start(Attacker(self.address)).agree() for _ in range(100 if IS_FULL else 20)]
        numbers = dict.fromkeys(attackers, 0)
        end = time.monotonic() + (12.0 if IS_FULL else 4.0)
        while time.monotonic() < end and any(number < 100 * self.PIECES for number in numbers.values()):
            for attacker in attackers:
                if not attacker._output:
                    numbers[attacker] = self.next_pieces(attacker, numbers[attacker])
            h2.drive_all(attackers, 0.1)
        held = sum(numbers.values()) * self.PIECE_BYTES
        over = sum(attacker.ended.is_over for attacker in attackers)
        self.say(f"{len(attackers)} connections, {over} of them over, with {held / MIB:.0f} MiB of half messages")
        for attacker in attackers:
            attacker.close()
        self.assert_good_client_untouched(256 * MIB)
