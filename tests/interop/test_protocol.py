"""What no library would send: wrong paths, broken protobuf, compressed bodies, messages that are too large.

Each refusal has its grpc-status, the connection and the process live on, and the next good request is taken.
"""

import re
import zlib

import zstandard

from harness import config as configs
from harness import otlp, raw_http2, stubs
from harness.case import OutsideInCase, only_weft
from harness.process import free_port

OK, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL = 0, 3, 8, 12, 13


def gzip(data):
    packer = zlib.compressobj(wbits=31)
    return packer.compress(data) + packer.flush()


class ProtocolTest(OutsideInCase):
    def setUp(self):
        self.sink = self.backend()
        self.address, self.program = self.passing_through(self.sink)

    def call(self, body, path=otlp.TRACES_METHOD, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return raw_http2.call(self.address, path, body, headers)

    def assert_still_works(self, count=3):
        reply = self.call(raw_http2.framed(otlp.numbered_request(90_000, count)))
        self.assertEqual((reply.grpc_status, reply.grpc_message), (OK, ""))
        wanted = {otlp.numbered_span_id(number) for number in range(90_000, 90_000 + count)}
        self.sink.wait_for_spans(count)
        self.assertLessEqual(wanted, set(self.sink.span_ids()))

    def assert_refused(self, reply, *codes):
        self.assertIn(reply.grpc_status, codes, f"{reply}")
        before = len(self.sink.requests)
        self.assert_still_works()
        self.assertEqual(before, 0, "something of the refused request reached the backend")

    def test_a_plain_call_is_answered_as_grpc(self):
        reply = self.call(raw_http2.framed(otlp.numbered_request(0, 2)))
        self.assertEqual(reply.headers[":status"], "200")
        self.assertTrue(reply.headers["content-type"].startswith("application/grpc"))
        self.assertEqual(reply.grpc_status, OK)
        self.assertEqual(stubs.module("trace_service_pb2").ExportTraceServiceResponse.FromString(reply.body[5:])
                         .partial_success.rejected_spans, 0)
        self.assertEqual(len(self.sink.wait_for_spans(2)), 2)

    def test_gzip_request_is_taken(self):
        reply = self.call(raw_http2.framed(gzip(otlp.numbered_request(0, 200)), True), grpc_encoding="gzip")
        self.assertEqual((reply.grpc_status, reply.grpc_message), (OK, ""))
        self.assertEqual(len(self.sink.wait_for_spans(200)), 200)

    def test_zstd_request_is_taken(self):
        packed = zstandard.ZstdCompressor().compress(otlp.numbered_request(0, 200))
        reply = self.call(raw_http2.framed(packed, True), grpc_encoding="zstd")
        self.assertEqual((reply.grpc_status, reply.grpc_message), (OK, ""))
        self.assertEqual(len(self.sink.wait_for_spans(200)), 200)

    def test_unknown_encoding_is_unimplemented(self):
        self.assert_refused(self.call(raw_http2.framed(b"whatever", True), grpc_encoding="brotli"), UNIMPLEMENTED)

    def test_compressed_flag_without_encoding_is_refused(self):
        self.assert_refused(self.call(raw_http2.framed(b"whatever", True)), INTERNAL, INVALID_ARGUMENT)

    def test_broken_gzip_is_refused(self):
        packed = bytearray(gzip(otlp.numbered_request(0, 200)))
        packed[len(packed) // 2:] = b"\xff" * (len(packed) - len(packed) // 2)
        self.assert_refused(self.call(raw_http2.framed(bytes(packed), True), grpc_encoding="gzip"), INTERNAL, INVALID_ARGUMENT)

    def test_wrong_method_is_unimplemented(self):
        self.assert_refused(self.call(raw_http2.framed(b""), path=otlp.TRACES_METHOD + "s"), UNIMPLEMENTED)

    def test_wrong_service_is_unimplemented(self):
        self.assert_refused(self.call(raw_http2.framed(b""), path="/no.such.Service/Export"), UNIMPLEMENTED)

    def test_path_without_a_method_is_unimplemented(self):
        self.assert_refused(self.call(raw_http2.framed(b""), path="/"), UNIMPLEMENTED)

    def test_other_content_type_is_refused(self):
        reply = self.call(b"{}", content_type="application/json")
        self.assertTrue(reply.headers.get(":status") == "415" or reply.grpc_status not in (None, OK), f"{reply}")
        self.assert_still_works()

    def test_empty_request_is_ok(self):
        reply = self.call(raw_http2.framed(b""))
        self.assertEqual((reply.grpc_status, reply.grpc_message), (OK, ""))
        self.assert_still_works()

    def test_body_that_ends_inside_a_message_is_refused(self):
        reply = self.call(raw_http2.framed(otlp.numbered_request(0, 2))[:-3])
        self.assertTrue(reply.reset_code is not None or reply.grpc_status not in (None, OK), f"{reply}")
        self.assert_still_works()

    def test_message_above_the_default_limit_is_refused(self):
        """4 MiB, as grpc-go has it."""
        large = otlp.request([otlp.span(b"\1" * 16, b"\2" * 8, "large", values={"text": "x" * (4 << 20)})])
        self.assert_refused(self.call(raw_http2.framed(large)), RESOURCE_EXHAUSTED)

    def test_message_that_inflates_above_the_limit_is_refused(self):
        large = otlp.request([otlp.span(b"\1" * 16, b"\2" * 8, "large", values={"text": "x" * (5 << 20)})])
        self.assert_refused(self.call(raw_http2.framed(gzip(large), True), grpc_encoding="gzip"), RESOURCE_EXHAUSTED)

    def test_length_prefix_above_the_limit_is_refused_at_once(self):
        self.assert_refused(self.call(b"\0\xff\xff\xff\xff" + b"x" * 100), RESOURCE_EXHAUSTED)

    def test_limit_is_configurable(self):
        address = f"127.0.0.1:{free_port()}"
        receiver = configs.otlp_receiver(address, max_recv_msg_size_mib=1)
        config = configs.pipeline(address, {"otlp": configs.otlp_exporter(self.sink.address)}, receiver=receiver)
        self.start_program(config, [address])
        for size, code in ((900 << 10, OK), (1 << 20, RESOURCE_EXHAUSTED)):
            large = otlp.request([otlp.span(b"\1" * 16, b"\2" * 8, "large", values={"text": "x" * size})])
            self.assertEqual(raw_http2.call(address, otlp.TRACES_METHOD, raw_http2.framed(large)).grpc_status, code, size)


class MalformedTest(OutsideInCase):
    """Broken protobuf, each with the place of the first wrong byte as weft counts it."""

    GOOD = otlp.numbered_request(0, 3)
    BROKEN = {
        "a length that runs past the end": (b"\x0a\x05\x0a", 0),
        "a good resource, then a field of wire type 7": (GOOD + b"\x0f", len(GOOD)),
        "a varint that never ends": (GOOD + b"\x08" + b"\xff" * 11, len(GOOD)),
        "field number 0": (GOOD + b"\x02\x00", len(GOOD)),
        "an end-group without a start": (GOOD + b"\x0c", len(GOOD)),
        "cut in the middle": (GOOD[:-7], 0),
    }

    def setUp(self):
        self.sink = self.backend()
        self.address, _ = self.passing_through(self.sink)

    def call(self, body):
        return raw_http2.call(self.address, otlp.TRACES_METHOD, raw_http2.framed(body))

    def test_malformed_is_refused_whole(self):
        for what, (body, _) in self.BROKEN.items():
            with self.subTest(what):
                reply = self.call(body)
                self.assertIn(reply.grpc_status, (INVALID_ARGUMENT, INTERNAL), f"{reply}")
        self.assertEqual(self.sink.requests, [])
        self.assertEqual(self.call(self.GOOD).grpc_status, OK)
        self.assertEqual(len(self.sink.wait_for_spans(3)), 3)

    @only_weft("it answers INTERNAL and names no place")
    def test_malformed_names_the_byte(self):
        for what, (body, at) in self.BROKEN.items():
            with self.subTest(what):
                reply = self.call(body)
                self.assertEqual(reply.grpc_status, INVALID_ARGUMENT, f"{reply}")
                place = re.search(r"\b(?:byte|offset) (\d+)", reply.grpc_message)
                self.assertTrue(place, f"the message does not say where: {reply.grpc_message!r}")
                self.assertTrue(at <= int(place[1]) <= len(body), reply.grpc_message)
