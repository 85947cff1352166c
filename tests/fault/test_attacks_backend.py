"""Backends that no library would make: they hang, dribble, lie, or speak something else. Whatever they do to the first
requests, later ones are served well, and in the end each span is in exactly one account, which the sink's own record bears out."""

import os
import pathlib
import sys
import threading
import time
import unittest

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from attack_case import MIB, Meter, is_sanitized
from fault_case import IS_FULL, FaultCase
from harness import config as configs
from harness import http2_frames as h2
from harness import otlp, wire
from harness.backend import Answer
from harness.books import Auditor
from harness.case import only_weft
from harness.client import Load, Outcome
from harness.process import free_port
from harness.raw_backend import OK_HEAD, RawBackend, answer_with, good, message, trailers

LOST = Answer(is_lost=True)
REFUSED = Answer(status=grpc.StatusCode.UNKNOWN)
UNSAID = Answer(status=grpc.StatusCode.UNKNOWN)  # refused, but weft is not told: for all that it knows, the sink may have it
GROWTH_BYTES = 64 * MIB
FIELD = h2.literal("x-filler", "y" * 100)


def headers_only(block, keep=REFUSED, flags=h2.END_HEADERS | h2.END_STREAM):
    def behave(connection, stream, body):
        connection.send(h2.headers(stream, block, flags))
        return keep
    return behave


def late(connection, stream, body):
    connection.wait(1.5)
    return good(connection, stream, body) and LOST


def byte_by_byte(connection, stream, body):
    answer = h2.headers(stream, OK_HEAD) + h2.frame(h2.DATA, 0, stream, message())
    for byte in answer[:5]:
        connection.send(bytes([byte]))
        if not connection.wait(1.0):
            break
    return LOST


def hang(connection, stream, body):
    connection.wait(3.0)
    return LOST


def reset_stream(code, keep):
    def behave(connection, stream, body):
        connection.send(h2.headers(stream, OK_HEAD) + h2.reset(stream, code))
        return keep
    return behave


def cut_connection(connection, stream, body):
    connection.send((h2.headers(stream, OK_HEAD) + h2.frame(h2.DATA, 0, stream, message()))[:-3])
    connection.close(is_reset=True)
    return LOST


def goaway_unprocessed(connection, stream, body):
    connection.send(h2.frame(h2.GOAWAY, 0, 0, bytes(8)))
    connection.wait(0.1)
    connection.close()


def goaway_then_answer(connection, stream, body):
    connection.send(h2.frame(h2.GOAWAY, 0, 0, stream.to_bytes(4, "big") + bytes(4)))
    return good(connection, stream, body)


def goaway_of_an_error(connection, stream, body):
    connection.send(h2.frame(h2.GOAWAY, 0, 0, stream.to_bytes(4, "big") + h2.ENHANCE_YOUR_CALM.to_bytes(4, "big") + b"x" * 9_000))
    connection.close()
    return LOST


def endless_trailers(connection, stream, body):
    """One block of 64 MiB at most."""
    connection.send(h2.headers(stream, OK_HEAD) + h2.frame(h2.HEADERS, h2.END_STREAM, stream, FIELD * 100))
    for _ in range(4_096):
        connection.send(h2.frame(h2.CONTINUATION, 0, stream, FIELD * 150))
    connection.close()
    return LOST


def huge_message(connection, stream, body):
    """It claims 1 GiB and sends as much as the windows take, 64 MiB at most. RESOURCE_EXHAUSTED, which is final in OTLP, but
    the status that would have come after it nobody knows."""
    connection.send(h2.headers(stream, OK_HEAD) + h2.frame(h2.DATA, 0, stream, b"\0" + (1 << 30).to_bytes(4, "big")))
    try:
        for _ in range(4_096):
            connection.send(h2.frame(h2.DATA, 0, stream, bytes(16_384)))
    except OSError:
        pass  # weft has had enough
    connection.close()
    return UNSAID


def flood(piece):
    def behave(connection, stream, body):
        for _ in range(1_000):
            connection.send(piece * (16_384 // len(piece) + 1))
        connection.close()
        return LOST
    return behave


def wrong_stream(connection, stream, body):
    connection.send(h2.headers(stream + 100, OK_HEAD))
    connection.wait(0.2)
    connection.close()
    return LOST


def promise(connection, stream, body):
    connection.send(h2.frame(h2.PUSH_PROMISE, h2.END_HEADERS, stream, b"\0\0\0\2" + h2.grpc_block("/x")))
    connection.wait(0.2)
    connection.close()
    return LOST


def partial(count):
    return wire.bytes_field(1, wire.number_field(1, count) + wire.bytes_field(2, "some"))


def retry_info(delay_seconds):
    import base64
    details = otlp.status_with_retry_info(14, "later", delay_seconds)
    text = base64.b64encode(details).rstrip(b"=").decode()
    return h2.literal("grpc-status-details-bin", text)


# Each is done to the first requests. keep says whether the sink has what it carried: LOST, if weft must send it again;
# REFUSED, if it is told so; UNSAID, if it must give up without knowing.
BEHAVIOURS = {
    "answers late": late,
    "a byte a second": byte_by_byte,
    "hangs": hang,
    "resets the stream: cancelled": reset_stream(h2.CANCEL, LOST),
    "resets the stream: refused": reset_stream(h2.REFUSED_STREAM, LOST),
    "resets the stream: internal error": reset_stream(h2.INTERNAL_ERROR, UNSAID),  # INTERNAL is final in OTLP
    "cuts the connection": cut_connection,
    "goaway, nothing processed": goaway_unprocessed,
    "goaway, then the answer": goaway_then_answer,
    "goaway with an error and 9 KB of text": goaway_of_an_error,
    "trailers without an end": endless_trailers,
    "trailers of 300 fields": answer_with(message(), trailers(0, FIELD * 130), LOST),
    "a message of 1 GiB": huge_message,
    "an answer to nobody": wrong_stream,
    "a push": promise,
    "a settings flood": flood(h2.settings(INITIAL_WINDOW_SIZE=65_535)),
    "a ping flood": flood(h2.frame(h2.PING, payload=bytes(8))),
    "a flood of unknown frames": flood(h2.frame(0xFA, 0, 0, bytes(100))),
    "empty data without an end": lambda connection, stream, body: flood(h2.frame(h2.DATA, 0, stream))(connection, stream, body),
    "UNAVAILABLE with RetryInfo": headers_only(OK_HEAD + trailers(14, retry_info(0.2)), LOST),
    "UNAVAILABLE with RetryInfo that is no base64": headers_only(
        OK_HEAD + trailers(14, h2.literal("grpc-status-details-bin", "?!*")), LOST),
    "UNAVAILABLE with a delay below zero": headers_only(OK_HEAD + trailers(14, retry_info(-5)), LOST),
    "503 in HTML": headers_only(h2.literal(":status", "503") + h2.literal("content-type", "text/html"), LOST),
    "404": headers_only(h2.literal(":status", "404")),
    "OK, not gRPC": headers_only(b"\x88" + h2.literal("content-type", "text/html"), UNSAID),
    "no grpc-status": headers_only(OK_HEAD, UNSAID),
    "grpc-status of letters": headers_only(OK_HEAD + h2.literal("grpc-status", "fine"), UNSAID),
    "grpc-status 10^20": headers_only(OK_HEAD + h2.literal("grpc-status", "1" + "0" * 20), UNSAID),
    "grpc-message of 8 KB that is no percent code": headers_only(OK_HEAD + trailers(9, h2.literal("grpc-message", "%zz%" * 2_000))),
    "all rejected and more": answer_with(message(partial(10 ** 12)), keep=REFUSED),
    "less than nothing rejected": answer_with(message(partial(-5))),
    "a message that is no protobuf": answer_with(message(b"\xff" * 100)),
}
# Whether weft counts the last as sent is its own affair: the backend said OK.


def greet_silently(connection):
    connection.wait(3.0)


def greeting(data):
    def greet(connection):
        connection.send(data)
        connection.wait(0.3)
    return greet


GREETINGS = {
    "says nothing": greet_silently,
    "closes": lambda connection: connection.close(),
    "resets": lambda connection: connection.close(is_reset=True),
    "HTTP/1.1": greeting(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
    "TLS": greeting(bytes.fromhex("15030100020250")),
    "random bytes": greeting(os.urandom(50_000)),
    "endless zeros": greeting(bytes(4 * MIB)),
    "settings that are none": greeting(h2.frame(h2.SETTINGS, payload=b"12345")),
}
SETTINGS = {
    "no streams at all": h2.settings(MAX_CONCURRENT_STREAMS=0),
    "no window": h2.settings(INITIAL_WINDOW_SIZE=0),
    "a window of one byte": h2.settings(INITIAL_WINDOW_SIZE=1),
    "a table of 4 GiB": h2.settings(HEADER_TABLE_SIZE=0xFFFFFFFF),
}


@only_weft("some of this is beyond it")
class StrangeBackends(FaultCase):
    senders = 2
    requests_per_second = 100
    span_limit = 60  # requests

    def meet(self, what, consumers=4, **manners):
        """Some requests with a backend of such manners; the books afterwards."""
        sink = self.enter(RawBackend(**manners))
        self.sinks = [sink]
        self.address = f"127.0.0.1:{free_port()}"
        exporter = configs.otlp_exporter(sink.address, timeout="1s", sending_queue={"num_consumers": consumers})
        program = self.enter_program(configs.pipeline(self.address, {"otlp": exporter}, {}))
        meter = self.enter(Meter(program.process.pid))
        self.auditor = self.enter(Auditor(program.admin))
        self.load = self.enter(Load(self.address, self.senders, requests_per_second=self.requests_per_second,
                                    request_limit=self.span_limit))
        end = time.monotonic() + 10
        while sum(map(len, self.load.ranges.values())) < self.span_limit and time.monotonic() < end:
            time.sleep(0.02)
        ledger, outside = self.finish(is_loss_allowed=True, is_refusal_expected=True)
        self.assertEqual(self.load.count(Outcome.ACCEPTED), self.span_limit * self.load.spans_per_request, self.load.refusals)
        self.assertEqual({reason: count for reason, count in ledger.dropped.items() if count},
                         {"unconfirmed": self.spans_with(UNSAID)} if self.spans_with(UNSAID) else {})
        print(f"  {what}: memory +{meter.growth_bytes / MIB:.1f} MiB, {sink.connection_count} connections", flush=True)
        if not is_sanitized():
            self.assertLessEqual(meter.growth_bytes, GROWTH_BYTES)
        return ledger, outside

    def enter(self, context_manager):
        return self.contexts.enter_context(context_manager)

    def enter_program(self, config):
        from harness.under_test import UnderTest
        self.program = self.enter(UnderTest(config, [self.address]))
        return self.program

    def each(self, table, meet):
        import contextlib
        for what, value in table.items():
            with self.subTest(what), contextlib.ExitStack() as self.contexts:
                meet(what, value)

    def spans_with(self, answer):
        return self.load.spans_per_request * sum(1 for received in self.sinks[0].requests if received.answer is answer)

    def assert_rejected_are_missing(self, ledger, outside):
        self.assertEqual(ledger.rejected, self.spans_with(REFUSED), f"{ledger}")
        self.assertEqual(outside.missing, ledger.rejected + self.spans_with(UNSAID), f"{outside}")

    def test_what_they_do_to_requests(self):
        """In full each behaviour alone, for the first twelve requests; else one request for each of them."""
        def meet(what, behave):
            # One at a time, so that what one does to the connection is done to no other.
            self.assert_rejected_are_missing(*self.meet(what, consumers=4 if IS_FULL else 1, behave=behave))

        each = list(BEHAVIOURS.values())
        if IS_FULL:
            self.each({what: lambda number, behaviour=behaviour: behaviour if number < 12 else good
                       for what, behaviour in BEHAVIOURS.items()}, meet)
        else:
            self.each({"all, one after the other": lambda number: each[number] if number < len(each) else good}, meet)

    def test_how_they_greet(self):
        def meet(what, greet):
            ledger, outside = self.meet(what, greet=greet)
            self.assertEqual((outside.missing, ledger.rejected), (0, 0), f"{ledger} {outside}")

        each = [GREETINGS["HTTP/1.1"], GREETINGS["resets"]]  # after each weft waits longer
        if IS_FULL:
            self.each({what: lambda number, greeting=greeting: greeting if number < 3 else None
                       for what, greeting in GREETINGS.items()}, meet)
        else:
            self.each({"all, one after the other": lambda number: each[number] if number < len(each) else None}, meet)

    @unittest.skipUnless(IS_FULL, "takes a minute: ./dev fault")
    def test_their_settings(self):
        def meet(what, settings):
            ledger, outside = self.meet(what, settings=lambda number: settings if number < 2 else None,
                                        greet=lambda number: self.run_for_a_while if number < 2 else None)
            self.assertEqual((outside.missing, ledger.rejected), (0, 0), f"{ledger} {outside}")

        self.each(SETTINGS, meet)

    @staticmethod
    def run_for_a_while(connection):
        """A connection of such settings must end, or weft would rightly use it for ever."""
        threading.Timer(2.0, connection.close).start()
        connection.run()
