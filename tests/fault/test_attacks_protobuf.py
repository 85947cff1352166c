"""Protobuf that is legal on the outside and poison within: depth, endless numbers, wrong ids, millions of empty spans."""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from attack_case import IS_FULL, MIB, AttackCase, is_sanitized
from harness import config as configs
from harness import otlp, raw_http2, wire
from harness.case import OutsideInCase, only_weft
from harness.process import free_port

OK, INVALID_ARGUMENT, RESOURCE_EXHAUSTED = 0, 3, 8
GOOD = otlp.numbered_request(5_000_000, 3)


def nested(depth, *fields):
    """depth messages inside one another, each in the next of these fields."""
    heads, size = [], 0
    for level in range(depth):
        head = wire.varint(fields[level % len(fields)] << 3 | wire.WIRE_BYTES) + wire.varint(size)
        heads.append(head)
        size += len(head)
    return b"".join(reversed(heads))


def with_value(any_value):
    """A request with one span with one attribute with this value."""
    attribute = wire.bytes_field(9, wire.bytes_field(1, "deep") + wire.bytes_field(2, any_value))
    return otlp.request([otlp.span(b"\1" * 16, b"\2" * 8, "deep", extra=attribute)])


def with_span(span):
    return otlp.request([span])


SPAN = otlp.span(b"\1" * 16, b"\2" * 8, "good")
REFUSED = {
    "arrays, 100,000 deep": with_value(nested(100_000, 1, 5)),
    "maps, 100,000 deep": with_value(nested(99_999, 2, 1, 6)),
    "arrays, 200 deep": with_value(nested(200, 1, 5)),
    "groups, 100,000 deep": with_span(SPAN + b"\xa3\x06" * 100_000 + b"\xa4\x06" * 100_000),
    "groups that never end": with_span(SPAN + b"\xa3\x06" * 100_000),
    "a group that another one ends": with_span(SPAN + b"\xa3\x06\xac\x06"),
    "an unknown field of 2 GiB": GOOD + wire.varint(99 << 3 | 2) + wire.varint(2 << 30) + b"x",
    "a length of 2^64 - 1": GOOD + b"\x0a" + b"\xff" * 9 + b"\x01",
    "a length of 2^63": GOOD + b"\x0a" + b"\x80" * 9 + b"\x01",
    "a length that wraps round": GOOD + b"\x0a" + wire.varint((1 << 64) - 6),
    "a number of eleven bytes": with_span(SPAN + b"\x30" + b"\x80" * 10 + b"\x01"),
    "a number of eleven bytes as a tag": GOOD + b"\x80" * 10 + b"\x01",
    "a tag of 2^32": GOOD + wire.varint(1 << 35 | 2) + b"\x00",
    "field number 0": GOOD + b"\x02\x00",
    "wire type 6": GOOD + b"\x0e",
    "wire type 7": GOOD + b"\x0f",
    "a trace id of 15 bytes": with_span(otlp.span(b"\1" * 15, b"\2" * 8, "x")),
    "a trace id of 17 bytes": with_span(otlp.span(b"\1" * 17, b"\2" * 8, "x")),
    "a trace id of hex": with_span(otlp.span(b"0123456789abcdef0123456789abcdef", b"\2" * 8, "x")),
    "a span id of 7 bytes": with_span(otlp.span(b"\1" * 16, b"\2" * 7, "x")),
    "a span id of 1 MiB": with_span(otlp.span(b"\1" * 16, b"\2" * MIB, "x")),
    "a parent of 9 bytes": with_span(otlp.span(b"\1" * 16, b"\2" * 8, "x", parent=b"\3" * 9)),
    "a trace id that is a number": with_span(b"\x08\x01"),
    "a start time that is a number": with_span(SPAN + b"\x38\x01"),
    "a span that is a number": wire.bytes_field(1, wire.bytes_field(2, b"\x10\x01")),
    "a resource that is a number": b"\x08\x01",
    "nothing but 0xff": b"\xff" * 100_000,
    "nothing but 0x80": b"\x80" * 100_000,
}
ACCEPTED_OR_REFUSED = {
    "a number of ten bytes that is too large": with_span(SPAN + b"\x30" + b"\xff" * 9 + b"\x7f"),
    "a name that is not UTF-8": with_span(otlp.span(b"\1" * 16, b"\2" * 8, b"\xff\xfe\x80")),
    "an id of zeros": with_span(otlp.span(bytes(16), bytes(8), "x")),
    "no ids": with_span(otlp.span(b"", b"", "x")),
    "a name 100,000 times": with_span(SPAN + wire.bytes_field(5, "again") * 100_000),
    "a span of nothing": with_span(b""),
    "100,000 resources of nothing": wire.bytes_field(1, b"") * 100_000,
    "100,000 attributes of nothing": with_span(SPAN + wire.bytes_field(9, b"") * 100_000),
    "an end before its start": with_span(otlp.span(b"\1" * 16, b"\2" * 8, "x", duration_ns=-otlp.BASE_TIME_NS)),
}


@only_weft("it takes some of them")
class Poison(AttackCase):
    def test_poison_is_refused(self):
        for what, body in REFUSED.items():
            with self.subTest(what):
                started = time.monotonic()
                reply = raw_http2.call(self.address, otlp.TRACES_METHOD, raw_http2.framed(body))
                self.assertEqual(reply.grpc_status, INVALID_ARGUMENT, f"{reply}"[:300])
                self.assertRegex(reply.grpc_message, r"byte \d+")
                self.assertLess(time.monotonic() - started, 1.0)
        self.say(f"{len(REFUSED)} poisons")
        self.assert_good_client_untouched(32 * MIB)


@only_weft("it takes some of them")
class Oddities(OutsideInCase):
    def test_oddities_are_answered_and_in_one_account(self):
        """Accepted or refused: what was accepted is all in one account, and the next request is taken."""
        sink = self.backend()
        address, program = self.passing_through(sink)
        for what, body in ACCEPTED_OR_REFUSED.items():
            with self.subTest(what):
                reply = raw_http2.call(address, otlp.TRACES_METHOD, raw_http2.framed(body))
                self.assertIn(reply.grpc_status, (OK, INVALID_ARGUMENT), f"{reply}"[:300])
        self.assertEqual(raw_http2.call(address, otlp.TRACES_METHOD, raw_http2.framed(GOOD)).grpc_status, OK)
        sink.wait_for_spans(3)
        ledger = program.ledger(is_audited=True)
        self.assertEqual(ledger.disagreements(), [])
        self.assertEqual(ledger.waiting, 0, f"{ledger}")


@only_weft("its decoder makes an object of each")
class EmptySpans(OutsideInCase):
    """Two bytes a span, 33 million of them: weft holds the bytes, a table of records at the most, and answers."""

    SIZE = (64 if IS_FULL else 16) * MIB

    def pass_empty_spans(self, processors, records_per_scope=None, bytes_per_byte=8):
        from attack_case import Meter
        address = f"127.0.0.1:{free_port()}"
        config = configs.pipeline(address, {"nop": {}}, processors,
                                  configs.otlp_receiver(address, max_recv_msg_size_mib=128))
        program = self.start_program(config, [address])
        meter = self.start(Meter(program.process.pid))
        count = self.SIZE // 2
        if records_per_scope:
            one = wire.bytes_field(1, wire.bytes_field(2, b"\x12\x00" * records_per_scope))
            count = self.SIZE // len(one) * records_per_scope
            body = one * (self.SIZE // len(one))
        else:
            body = wire.bytes_field(1, wire.bytes_field(2, b"\x12\x00" * count))
        reply = raw_http2.call(address, otlp.TRACES_METHOD, raw_http2.framed(body), seconds=60.0)
        program.process.wait_until(lambda: program.ledger().waiting == 0, 60.0, "done")
        ledger = program.ledger(is_audited=True)
        print(f"  {count} empty spans: status {reply.grpc_status} {reply.grpc_message!r}, memory "
              f"+{meter.growth_bytes / MIB:.1f} MiB, processor {meter.cpu_seconds() - meter.begin_cpu:.2f} s; {ledger}", flush=True)
        self.assertIn(reply.grpc_status, (OK, RESOURCE_EXHAUSTED, INVALID_ARGUMENT), f"{reply}")
        self.assertEqual(ledger.disagreements(), [])
        if reply.grpc_status == OK:
            self.assertEqual(ledger.accepted, count)
        if not is_sanitized():
            self.assertLessEqual(meter.growth_bytes, bytes_per_byte * self.SIZE + 16 * MIB)
            self.assertLessEqual(meter.cpu_seconds() - meter.begin_cpu, self.SIZE / MIB * 0.1, "too much time a MiB")

    def test_as_they_come(self):
        self.pass_empty_spans({})

    def test_batched_and_split(self):
        """A split needs a table of the records, which is 24 bytes for each span of two."""
        self.pass_empty_spans({"batch": {"timeout": "100ms", "send_batch_size": 8192, "send_batch_max_size": 8192}},
                              bytes_per_byte=16)

    def test_in_many_scopes(self):
        self.pass_empty_spans({"batch": {"timeout": "100ms"}}, records_per_scope=1)
