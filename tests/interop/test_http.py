"""OTLP/HTTP as no library would send it, and what a receiver owes to those who do it right.

Each bad request has its status, in the words and the encoding that OTLP asks for; what is ambiguous is refused; the
process lives on, and the next good request of another client is taken.
"""

import gzip
import http.client
import json
import socket
import ssl
import subprocess
import threading
import time
import unittest.mock
import zlib

import zstandard

from harness import config as configs
from harness import otlp, prometheus, stubs
from harness.case import OutsideInCase, only_weft
from harness.certificates import Certificates
from harness.places import is_stand_in, program_under_test
from harness.process import free_port, wait_until

SUCCESS = (b"", b"\n\x00")  # an export response without partial_success, or with an empty one as the Collector writes it
PROTOBUF, JSON = "application/x-protobuf", "application/json"
METRICS_METHOD = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
ONE_SPAN = {"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "Ab" * 16, "spanId": "cD" * 8, "name": "from JSON"}]}]}]}


class Raw:
    """One connection on which a test writes what it likes."""

    def __init__(self, address, seconds=10.0):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=seconds)
        self._reader = self.socket.makefile("rb")

    def makefile(self, _mode):
        """For HTTPResponse: the one reader, which it may not close, since pipelined answers come in one piece."""
        return unittest.mock.Mock(wraps=self._reader, close=lambda: None, flush=lambda: None)

    def send(self, data):
        try:
            self.socket.sendall(data.encode() if isinstance(data, str) else data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before all was sent: the answer says so
        return self

    def answer(self):
        """(status, headers, body) of the next answer; None if the connection ended instead."""
        response = http.client.HTTPResponse(self)
        try:
            response.begin()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        except (http.client.HTTPException, ConnectionResetError):
            return None

    def is_at_end(self):
        try:
            return self._reader.read(1) == b""
        except ConnectionResetError:
            return True

    def close(self):
        self._reader.close()
        self.socket.close()


def head(*lines, path="/v1/traces", kind=PROTOBUF):
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: weft", f"Content-Type: {kind}", *lines, "", ""])


class HttpTest(OutsideInCase):
    HTTP = {}
    RECEIVER = {}
    EXPORTER = {}

    def setUp(self):
        self.sink = self.backend()
        self.address = f"127.0.0.1:{free_port()}"
        receiver = {**configs.otlp_http_receiver(self.address, **self.HTTP), **self.RECEIVER}
        config = configs.pipeline(None, {"otlp": configs.otlp_exporter(self.sink.address, **self.EXPORTER)}, receiver=receiver)
        self.program = self.start_program(configs.for_every_signal(config), [self.address])

    def post(self, body, path="/v1/traces", kind=PROTOBUF, method="POST", **headers):
        """One request on a connection of its own: (status, headers, body). An iterable body goes out chunked."""
        connection = http.client.HTTPConnection(self.address, timeout=20)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, {**({"Content-Type": kind} if kind else {}), **headers})
        answer = connection.getresponse()
        result = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        connection.close()
        return result

    def raw(self, data):
        connection = Raw(self.address)
        self.addCleanup(connection.close)
        return connection.send(data)

    def status_of(self, answer):
        """The google.rpc.Status of a failure, in whichever encoding it came."""
        _, headers, body = answer
        if headers["content-type"] == JSON:
            return json.loads(body)
        self.assertEqual(headers["content-type"], PROTOBUF)
        status = stubs.module("google_rpc_pb2").Status.FromString(body)
        return {"code": status.code, "message": status.message}

    def assert_still_works(self, first=90_000, count=3):
        status, headers, body = self.post(otlp.numbered_request(first, count))
        self.assertEqual((status, headers["content-type"]), (200, PROTOBUF))
        self.assertIn(body, SUCCESS)
        wanted = {otlp.numbered_span_id(number) for number in range(first, first + count)}
        self.assertTrue(wait_until(lambda: wanted <= set(self.sink.span_ids()), 10))

    def counter(self, name):
        return prometheus.total(self.program.metrics(), name, transport="http")


class GoodRequestsTest(HttpTest):
    def test_protobuf_is_taken_with_length_and_chunked(self):
        self.assertEqual(self.post(otlp.numbered_request(0, 5))[0], 200)
        pieces = otlp.numbered_request(5, 500)
        chunks = (pieces[at:at + 999] for at in range(0, len(pieces), 999))
        self.assertEqual(self.post(chunks, kind="Application/X-Protobuf; charset=utf-8")[0], 200)
        self.assertEqual(len(self.sink.wait_for_spans(505)), 505)
        self.assertEqual(self.counter("otelcol_receiver_accepted_spans"), 505)

    def test_every_encoding_is_inflated(self):
        raw = zlib.compressobj(wbits=15)
        encodings = {"gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress, "deflate": zlib.compress,
                     "zlib": lambda data: raw.compress(data) + raw.flush(), "": bytes}
        for number, (name, pack) in enumerate(encodings.items()):
            with self.subTest(encoding=name):
                answer = self.post(pack(otlp.numbered_request(number * 100, 100)), Content_Encoding=name)
                self.assertEqual(answer[0], 200, answer)
        self.assertEqual(len(self.sink.wait_for_spans(500)), 500)

    @only_weft("it does not know the word")
    def test_identity_is_an_encoding(self):
        self.assertEqual(self.post(otlp.numbered_request(0, 1), Content_Encoding="identity")[0], 200)

    def test_json_is_taken_and_answered_in_json(self):
        status, headers, body = self.post(json.dumps(ONE_SPAN), kind="application/json;charset=UTF-8")
        self.assertEqual((status, headers["content-type"], json.loads(body)), (200, JSON, {"partialSuccess": {}}))
        status, _, _ = self.post(gzip.compress(json.dumps(ONE_SPAN).encode()), kind=JSON, Content_Encoding="gzip")
        self.assertEqual(status, 200)
        self.assertEqual(self.sink.wait_for_spans(1), {b"\xcd" * 8})

    def test_logs_and_metrics_have_their_paths(self):
        logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "hello"}}]}]}]}
        point = {"timeUnixNano": "1", "asInt": "5"}
        metrics = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "m", "gauge": {"dataPoints": [point]}}]}]}]}
        self.assertEqual(self.post(json.dumps(logs), "/v1/logs", JSON)[0], 200)
        self.assertEqual(self.post(json.dumps(metrics), "/v1/metrics", JSON)[0], 200)
        self.assertTrue(wait_until(lambda: self.sink.bodies(otlp.LOGS_METHOD) and self.sink.bodies(METRICS_METHOD), 10))
        self.assertEqual(self.counter("otelcol_receiver_accepted_log_records"), 1)
        self.assertEqual(self.counter("otelcol_receiver_accepted_metric_points"), 1)

    def test_empty_requests_are_success_and_reach_no_pipeline(self):
        self.assertEqual(self.post(b"")[0], 200)
        self.assertEqual(self.post(otlp.request([]))[0], 200)
        status, _, body = self.post("{}", kind=JSON)
        self.assertEqual((status, json.loads(body)), (200, {"partialSuccess": {}}))
        self.assert_still_works()
        self.assertEqual(len(self.sink.requests), 1)

    @only_weft("it writes the bytes anew")
    def test_large_body_is_taken_whole(self):
        blob = {"blob": "x" * (15 << 20)}
        request = otlp.request([otlp.span(b"\1" * 16, b"\2" * 8, "large", values=blob)])
        self.assertEqual(self.post(request)[0], 200)
        self.assertTrue(wait_until(lambda: self.sink.bodies(), 10))
        self.assertEqual(self.sink.bodies()[0], request)

    def test_one_connection_carries_many_requests_also_pipelined(self):
        body = otlp.numbered_request(0, 1)
        one = head(f"Content-Length: {len(body)}").encode() + body
        connection = self.raw(one * 50)
        for _ in range(50):
            self.assertEqual(connection.answer()[0], 200)
        connection.send(one)
        self.assertEqual(connection.answer()[0], 200)

    def test_client_that_asks_for_continue_gets_it(self):
        body = otlp.numbered_request(0, 4)
        connection = self.raw(head(f"Content-Length: {len(body)}", "Expect: 100-continue"))
        connection.socket.settimeout(10)
        self.assertEqual(connection.socket.recv(25), b"HTTP/1.1 100 Continue\r\n\r\n")
        self.assertEqual(connection.send(body).answer()[0], 200)
        self.assertEqual(len(self.sink.wait_for_spans(4)), 4)

    def test_http_1_0_client_is_served_and_closed(self):
        body = otlp.numbered_request(0, 1)
        connection = self.raw(f"POST /v1/traces HTTP/1.0\r\nContent-Type: {PROTOBUF}\r\nContent-Length: {len(body)}\r\n\r\n")
        self.assertEqual(connection.send(body).answer()[0], 200)
        self.assertTrue(connection.is_at_end())


class BadRequestsTest(HttpTest):
    def assert_refused(self, answer, status, code=None):
        self.assertIsNotNone(answer, "the connection ended without an answer")
        self.assertEqual(answer[0], status, answer)
        if code is not None:
            self.assertEqual(self.status_of(answer)["code"], code)
        self.assertEqual(self.sink.requests, [], "something of the refused request reached the backend")

    @only_weft("it sends no Allow")
    def test_wrong_method_path_and_type_are_refused_in_plain_text(self):
        for method in ("GET", "PUT", "OPTIONS", "DELETE", "HEAD"):
            answer = self.post(None, method=method)
            self.assert_refused(answer, 405)
            self.assertEqual((answer[1]["allow"], answer[1]["content-type"]), ("POST", "text/plain"))
        for path in ("/", "/v1/trace", "/v1/traces/", "/V1/traces", "//v1/traces", "/v1development/profiles"):
            self.assert_refused(self.post(b"x", path=path), 404)
        for kind in ("text/plain", "application/x-protobufs", "application/json2", "application/protobuf", "", None):
            answer = self.post(b"x", kind=kind)
            self.assert_refused(answer, 415)
            self.assertEqual(answer[1]["content-type"], "text/plain")
        self.assertEqual(self.counter("weft_receiver_http_wrong_content_type"), 6)
        self.assertEqual(self.counter("weft_receiver_http_wrong_method"), 5)
        self.assertEqual(self.counter("weft_receiver_http_not_found"), 6)
        self.assert_still_works()

    def test_refused_head_leaves_the_connection_usable(self):
        body = otlp.numbered_request(0, 1)
        good = head(f"Content-Length: {len(body)}").encode() + body
        connection = self.raw(head("Content-Length: 100000", kind="text/plain").encode() + b"x" * 100_000 + good)
        self.assertEqual([connection.answer()[0], connection.answer()[0]], [415, 200])

    @only_weft("it does not say where")
    def test_malformed_bodies_are_refused_in_their_encoding(self):
        half = otlp.numbered_request(0, 3)[:-1]
        self.assert_refused(self.post(half), 400, 3)
        self.assertIn("byte", self.status_of(self.post(half))["message"])
        for text in ("", "{", "[]", "null x", '{"resourceSpans":{}}', '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"12"}]}]}]}',
                     '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":5}]}]}]}', "{}{}", "\ufeff{}"):
            with self.subTest(text=text):
                answer = self.post(text.encode(), kind=JSON)
                self.assert_refused(answer, 400, 3)
                self.assertEqual(answer[1]["content-type"], JSON)
        self.assertEqual(self.counter("weft_receiver_malformed_requests"), 11)
        self.assert_still_works()

    def test_bodies_that_do_not_inflate_are_refused(self):
        packed = gzip.compress(otlp.numbered_request(0, 100))
        for name, body in {"gzip": packed[:-1], "zstd": packed, "deflate": packed}.items():
            self.assert_refused(self.post(body, Content_Encoding=name), 400, 3)
        self.assert_refused(self.post(packed), 400, 3)  # says that it is none
        self.assert_refused(self.post(b"", Content_Encoding="gzip"), 400, 3)
        for name in ("br", "snappy", "lz4", "x-snappy-framed", "gzip, gzip", "GZIP2"):
            self.assert_refused(self.post(packed, Content_Encoding=name), 400, 3)
        self.assert_still_works()

    @only_weft("it answers 400")
    def test_too_large_is_413_before_and_after_inflating(self):
        self.assert_refused(self.post(b"x" * (21 << 20)), 413, 8)
        self.assert_refused(self.post((b"x" * (1 << 20) for _ in range(21)), kind=JSON), 413, 8)
        zeros = bytes(64 << 20)
        for name, body in {"gzip": gzip.compress(zeros), "zstd": zstandard.ZstdCompressor().compress(zeros),
                           "deflate": zlib.compress(zeros)}.items():
            self.assert_refused(self.post(body, Content_Encoding=name), 413, 8)
        self.assertEqual(self.counter("weft_receiver_http_too_large"), 5)
        self.assert_still_works()

    def test_json_bombs_are_refused(self):
        deep = b'{"resourceSpans":[{"resource":{"attributes":[{"key":"k","value":' + b'{"arrayValue":{"values":[' * 100_000
        self.assert_refused(self.post(deep, kind=JSON), 400, 3)
        self.assert_refused(self.post(b'{"x":' + b"[" * 1_000_000, kind=JSON), 400, 3)
        self.assert_still_works()

    @only_weft("Go's parser is lenient")
    def test_ambiguous_framing_is_refused_and_ends_the_connection(self):
        body = otlp.numbered_request(0, 1)
        length = f"Content-Length: {len(body)}"
        chunked = "Transfer-Encoding: chunked"
        cases = {
            "both lengths": head(length, chunked),
            "two lengths": head(length, length),
            "two lengths in one": head(f"{length}, {len(body)}"),
            "length that is no number": head("Content-Length: +5"),
            "another coding": head("Transfer-Encoding: gzip, chunked"),
            "folded line": head("X-Folded: a\r\n b", length),
            "bare LF": head(length).replace("\r\n", "\n"),
            "space before colon": head(length.replace(":", " :")),
            "no host": head(length).replace("Host: weft\r\n", ""),
            "two hosts": head("Host: other", length),
            "NUL in a header": head("X: a\0b", length),
            "chunk size that is no number": head(chunked) + "5x\r\nabcde\r\n0\r\n\r\n",
            "negative chunk": head(chunked) + "-5\r\nabcde\r\n0\r\n\r\n",
            "chunk with bare LF": head(chunked) + "5\nabcde\n0\n\n",
            "chunk longer than told": head(chunked) + "5\r\nabcdef\r\n0\r\n\r\n",
            "long chunk extension": head(chunked) + "5;" + "x" * 100 + "\r\nabcde\r\n0\r\n\r\n",
            "endless chunk size": head(chunked) + "0" * 200,
        }
        for name, data in cases.items():
            with self.subTest(name):
                connection = self.raw(data)
                answer = connection.answer()
                self.assertIsNotNone(answer)
                self.assertIn(answer[0], (400, 501))
                self.assertEqual(answer[1]["connection"], "close")
                self.assertTrue(connection.is_at_end())
        self.assertEqual(self.sink.requests, [])
        for name, lines in {"two types": ["Content-Type: text/plain", length], "two encodings": [length, "Content-Encoding: gzip", "Content-Encoding:"]}.items():
            with self.subTest(name):
                self.assertIn(self.raw(head(*lines)).send(body).answer()[0], (400, 415))
        self.assert_still_works()

    def test_chunk_extensions_and_trailers_are_skipped(self):
        body = otlp.numbered_request(0, 2)
        data = head("Transfer-Encoding: chunked") + f"{len(body):X};a=b\r\n"
        connection = self.raw(data.encode() + body + b"\r\n0;end\r\nTrailer: yes\r\nContent-Length: 7\r\n\r\n")
        self.assertEqual(connection.answer()[0], 200)
        self.assertEqual(len(self.sink.wait_for_spans(2)), 2)

    @only_weft("it takes 1 MiB of headers")
    def test_header_floods_are_refused(self):
        for data in (head(*[f"X-{number}: y" for number in range(500)]), head("X: " + "y" * 100_000),
                     "POST /" + "a" * 100_000, "X" * 100_000):
            answer = self.raw(data).answer()
            self.assertIsNotNone(answer)
            self.assertIn(answer[0], (400, 431))
        self.assert_still_works()

    def test_peers_that_leave_in_the_middle_leave_nothing(self):
        for _ in range(20):
            self.raw(head("Content-Length: 1000000")).send(b"x" * 300_000).close()
            self.raw(head("Transfer-Encoding: chunked")).send(b"ffff\r\n").close()
            self.raw("POST /v1/tr").close()
        self.assert_still_works()
        self.assertTrue(wait_until(lambda: self.counter("weft_receiver_open_connections") <= 1, 10))


@only_weft("the Collector's read_timeout closes without an answer")
class SlowRequestsTest(HttpTest):
    HTTP = {"read_timeout": "500ms", "idle_timeout": "300ms", "max_connections": 40}

    def test_slow_head_and_body_are_answered_with_408(self):
        slow_head = self.raw("POST /v1/traces HTTP/1.1\r\nHost: w")
        slow_body = self.raw(head("Content-Length: 1000")).send(b"abc")
        endless = self.raw(head("Transfer-Encoding: chunked", kind=JSON))
        stop = threading.Event()

        def dribble():
            while not stop.wait(0.05):
                endless.send(b"1\r\nx\r\n")

        thread = threading.Thread(target=dribble, daemon=True)
        thread.start()
        self.addCleanup(stop.set)
        self.assertEqual(slow_head.answer()[0], 408)
        self.assertEqual(slow_body.answer()[0], 408)
        answer = endless.answer()
        stop.set()
        self.assertEqual((answer[0], answer[1]["content-type"]), (408, JSON))
        self.assertEqual(self.counter("weft_receiver_http_too_slow"), 2)
        self.assert_still_works()

    def test_idle_connections_are_closed(self):
        connection = self.raw(head("Content-Length: 0"))
        self.assertEqual(connection.answer()[0], 200)
        self.assertTrue(connection.is_at_end())

    def test_stuck_connections_do_not_keep_others_out(self):
        stuck = [self.raw(head("Content-Length: 1000")) for _ in range(60)]
        self.assertTrue(wait_until(lambda: self.counter("weft_http_server_connections_timed_out")
                                   + self.counter("weft_http_server_connections_evicted") >= 60, 10))
        self.assert_still_works()
        del stuck


class SettingsTest(HttpTest):
    HTTP = {"traces_url_path": "custom/spans", "logs_url_path": "/l", "max_request_body_size": 5000,
            "compression_algorithms": ["", "gzip"], "keep_alives_enabled": False, "include_metadata": True,
            "response_headers": {"X-Served-By": "weft"}}

    @only_weft("it answers 400 to what is too large")
    def test_paths_limits_and_headers_are_as_configured(self):
        status, headers, _ = self.post(otlp.numbered_request(0, 3), path="/custom/spans")
        self.assertEqual((status, headers["x-served-by"], headers["connection"]), (200, "weft", "close"))
        self.assertEqual(len(self.sink.wait_for_spans(3)), 3)
        self.assertEqual(self.post(b"", path="/v1/traces")[0], 404)
        self.assertEqual(self.post(b"", path="/l")[0], 200)
        self.assertEqual(self.post(b"", path="/v1/metrics")[0], 200)
        self.assertEqual(self.post(b"x" * 5001, path="/l")[0], 413)
        self.assertEqual(self.post(gzip.compress(bytes(5001)), path="/l", Content_Encoding="gzip")[0], 413)
        self.assertEqual(self.post(zlib.compress(b""), path="/l", Content_Encoding="deflate")[0], 400)
        status, headers, _ = self.post(b"", path="/nowhere")
        self.assertEqual((status, headers["x-served-by"]), (404, "weft"))

    @only_weft("its own words")
    def test_settings_that_cannot_be_are_named(self):
        for http, words in (({"compression_algorithms": ["brotli"]}, "brotli"), ({"traces_url_path": "/v1/logs"}, "takes traces already"),
                            ({"logs_url_path": "/a b"}, "logs_url_path"), ({"transport": "udp"}, "not tcp, tcp4, tcp6 or unix"),
                            ({"cors": {"allowed_origins": ["https://*.a.*"]}}, "more than one"),
                            ({"response_headers": {"a b": "c"}}, "response_headers"), ({"auth": {"authenticator": "x"}}, "auth")):
            receiver = configs.otlp_http_receiver(self.address, **http)
            path = self.program.directory / "other.yaml"
            path.write_text(configs.text(configs.pipeline(None, {"nop": {}}, receiver=receiver)))
            run = subprocess.run([program_under_test(), "validate", "--config", path], capture_output=True, text=True)
            self.assertNotEqual(run.returncode, 0, http)
            self.assertIn(words, run.stdout + run.stderr)


class CorsTest(HttpTest):
    HTTP = {"cors": {"allowed_origins": ["https://app.example.com", "https://*.test.example"], "allowed_headers": ["X-Api-Key"],
                     "exposed_headers": ["X-One", "X-Two"], "max_age": 7200}}

    def preflight(self, origin, headers="content-type", method="POST"):
        return self.post(None, method="OPTIONS", kind=None, Origin=origin, Access_Control_Request_Method=method,
                         Access_Control_Request_Headers=headers)

    @only_weft("a list of headers there takes the plain ones away")
    def test_preflight_of_an_allowed_page_is_granted(self):
        for origin in ("https://app.example.com", "https://a.b.test.example"):
            status, headers, body = self.preflight(origin, "content-type,x-api-key")
            self.assertEqual((status, body), (204, b""))
            self.assertEqual(headers["access-control-allow-origin"], origin)
            self.assertEqual(headers["access-control-allow-methods"], "POST")
            self.assertEqual(headers["access-control-allow-headers"], "content-type,x-api-key")
            self.assertEqual(headers["access-control-max-age"], "7200")
            self.assertEqual(headers["access-control-allow-credentials"], "true")
            self.assertIn("Origin", headers["vary"])

    def test_preflight_of_others_is_not(self):
        for origin, wanted, method in (("https://evil.example", "content-type", "POST"), ("https://test.example", "content-type", "POST"),
                                       ("http://app.example.com", "content-type", "POST"), ("https://app.example.com", "x-other", "POST"),
                                       ("https://app.example.com", "content-type", "DELETE")):
            status, headers, _ = self.preflight(origin, wanted, method)
            self.assertEqual(status, 204)
            self.assertNotIn("access-control-allow-origin", headers)
            self.assertNotIn("access-control-allow-methods", headers)
            self.assertIn("Origin", headers["vary"])

    def test_requests_tell_the_page_what_it_may_read(self):
        body = json.dumps(ONE_SPAN)
        _, headers, _ = self.post(body, kind=JSON, Origin="https://app.example.com")
        self.assertEqual(headers["access-control-allow-origin"], "https://app.example.com")
        self.assertEqual(headers["access-control-expose-headers"], "X-One, X-Two")
        status, headers, _ = self.post("{", kind=JSON, Origin="https://app.example.com")
        self.assertEqual((status, headers["access-control-allow-origin"]), (400, "https://app.example.com"))
        status, headers, _ = self.post(body, kind=JSON, Origin="https://evil.example")
        self.assertEqual((status, headers["vary"]), (200, "Origin"))
        self.assertNotIn("access-control-allow-origin", headers)


class CorsForAllTest(HttpTest):
    HTTP = {"cors": {"allowed_origins": ["*"], "allowed_headers": ["*"]}}

    def test_any_page_may_send(self):
        status, headers, _ = self.post(None, method="OPTIONS", kind=None, Origin="null", Access_Control_Request_Method="POST",
                                       Access_Control_Request_Headers="content-type, traceparent, x-any")
        self.assertEqual((status, headers["access-control-allow-origin"]), (204, "*"))
        self.assertEqual(headers["access-control-allow-headers"], "content-type, traceparent, x-any")
        self.assertNotIn("access-control-max-age", headers)


class PressureTest(HttpTest):
    RECEIVER = {} if is_stand_in() else {"refuse_after": "200ms", "retry_after": "1500ms"}
    EXPORTER = {"sending_queue": {"queue_size": 2, "num_consumers": 1}}

    @only_weft("it refuses at once and does not say for how long")
    def test_lasting_pressure_is_503_with_a_delay(self):
        self.sink.stop()
        refused = None
        deadline = time.monotonic() + 20
        while refused is None and time.monotonic() < deadline:
            answer = self.post(otlp.numbered_request(0, 10))
            refused = answer if answer[0] != 200 else None
        self.assertEqual((refused[0], refused[1]["retry-after"]), (503, "2"))
        self.assertEqual(self.status_of(refused)["code"], 14)
        status = stubs.module("google_rpc_pb2").Status.FromString(refused[2])
        self.assertTrue(status.details[0].type_url.endswith("google.rpc.RetryInfo"))
        refused = self.post(json.dumps(ONE_SPAN), kind=JSON)
        self.assertEqual((refused[0], refused[1]["retry-after"]), (503, "2"))
        self.assertEqual(self.status_of(refused)["details"][0]["retryDelay"], "1.500000000s")
        self.assertGreaterEqual(self.counter("otelcol_receiver_refused_spans"), 11)
        self.sink.start()
        self.assertTrue(wait_until(lambda: self.post(otlp.numbered_request(0, 10))[0] == 200, 20))


class ListenTest(OutsideInCase):
    def start_with(self, listening, **protocols):
        backend = self.backend()
        config = configs.pipeline(None, {"otlp": configs.otlp_exporter(backend.address)}, receiver={"protocols": protocols})
        self.start_program(config, listening)
        return backend

    def test_tls_is_served_with_http_1_1(self):
        certificates = Certificates(self.temporary_directory())
        address = f"127.0.0.1:{free_port()}"
        tls = {"cert_file": str(certificates.certificate("server")), "key_file": str(certificates.key("server")),
               "client_ca_file": str(certificates.authority)}
        backend = self.start_with([address], http={"endpoint": address, "tls": tls})
        context = ssl.create_default_context(cafile=certificates.authority)
        context.load_cert_chain(certificates.certificate("client"), certificates.key("client"))
        context.set_alpn_protocols(["http/1.1"])
        connection = http.client.HTTPSConnection(address, context=context, timeout=10)
        for first in (0, 5000):
            connection.request("POST", "/v1/traces", otlp.numbered_request(first, 5000), {"Content-Type": PROTOBUF})
            self.assertIn(connection.getresponse().read(), SUCCESS)
        self.assertEqual(connection.sock.selected_alpn_protocol(), "http/1.1")
        if not is_stand_in():
            connection.request("POST", "/v1/traces", bytes(21 << 20), {"Content-Type": PROTOBUF})
            self.assertEqual(connection.getresponse().status, 413)
        self.assertEqual(len(backend.wait_for_spans(10_000)), 10_000)
        stranger = ssl.create_default_context(cafile=certificates.authority)
        with self.assertRaises(OSError):
            connection = http.client.HTTPSConnection(address, context=stranger, timeout=10)
            connection.request("GET", "/")
            connection.getresponse()

    def test_unix_socket_and_both_protocols_side_by_side(self):
        path = f"{self.temporary_directory()}/http.sock"
        grpc_address = f"127.0.0.1:{free_port()}"
        backend = self.start_with([f"unix:{path}", grpc_address], http={"endpoint": path, "transport": "unix"},
                                  grpc={"endpoint": grpc_address})
        connection = http.client.HTTPConnection("localhost", timeout=10)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(path)
        connection.request("POST", "/v1/traces", otlp.numbered_request(0, 5), {"Content-Type": PROTOBUF})
        self.assertIn(connection.getresponse().read(), SUCCESS)
        self.client(grpc_address).export(otlp.numbered_request(5, 5))
        self.assertEqual(len(backend.wait_for_spans(10)), 10)
        connection.request("POST", "/v1/logs", b"", {"Content-Type": PROTOBUF})
        self.assertEqual(connection.getresponse().status, 404)  # no pipeline takes logs
