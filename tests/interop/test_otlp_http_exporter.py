"""The exporter otlp_http: what it sends is what came in, and what a backend answers ends in the right account."""

import contextlib
import email.utils
import http.client
import json
import time

import grpc

from harness import config as configs
from harness import otlp, wire
from harness.case import OutsideInCase, only_weft
from harness.certificates import Certificates
from harness.http_backend import JSON, PROTOBUF, HttpAnswer, HttpBackend, server_tls
from harness.process import free_port, wait_until

RETRY = {"initial_interval": "50ms", "max_interval": "100ms", "max_elapsed_time": "20s"}


def status(message):
    return wire.number_field(1, 3) + wire.bytes_field(2, message)


def rich_request(first, count):
    values = {"text": "ünïcode \"quoted\"\n", "int": -2**63, "large": 2**63 - 1, "double": 0.1, "flag": True,
              "bytes": bytes(range(256)), "list": [1, "two", [None]], "map": {"inner": {"deep": 1}}, "empty": ""}
    event = wire.bytes_field(11, wire.fixed64_field(1, otlp.BASE_TIME_NS) + wire.bytes_field(2, "event")
                             + otlp.attributes(3, {"n": 1}))
    link = wire.bytes_field(13, wire.bytes_field(1, b"\2" * 16) + wire.bytes_field(2, b"\3" * 8) + wire.bytes_field(3, "k=v"))
    trace_id = (first + 1).to_bytes(16, "big")
    return otlp.request([
        otlp.span(trace_id, otlp.numbered_span_id(number), f"span {number}", parent=b"\1" * 8, kind=number % 6, values=values,
                  extra=event + link + wire.bytes_field(15, wire.number_field(3, 2) + wire.bytes_field(2, "why"))
                  + wire.fixed32_field(16, 0x301))
        for number in range(first, first + count)], resource={"service.name": "http", "list": ["a", 1.5]})


class OtlpHttpCase(OutsideInCase):
    def http_backend(self, **settings):
        return self.start(HttpBackend(**settings))

    def sending_to(self, backend, processors=None, exporter_type="otlp_http", **exporter):
        """gRPC in, HTTP out; (the address, the program)."""
        address = f"127.0.0.1:{free_port()}"
        settings = {"endpoint": backend.url, "retry_on_failure": RETRY, **exporter}
        config = configs.pipeline(address, {exporter_type: settings}, processors)
        return address, self.start_program(config, [address])

    def send(self, address, body, method=otlp.TRACES_METHOD, **settings):
        reply = self.client(address, **settings).export(body, method)
        self.assertEqual((reply.code, reply.message), (grpc.StatusCode.OK, ""))

    def final_ledger(self, program, expected, signal="traces"):
        """The ledger once nothing waits: {"sent": 5} and so on; what is not named must be 0."""
        wait_until(lambda: program.ledger(True).waiting == 0, 10.0)
        ledger = program.ledger(True)
        self.assertEqual(ledger.disagreements(), [])
        found = {"sent": ledger.sent, "rejected": ledger.rejected, **ledger.dropped}
        self.assertEqual({name: count for name, count in found.items() if count}, expected)


class SendingTest(OtlpHttpCase):
    def check_equality(self, client=None, **exporter):
        direct, behind = self.backend(), self.http_backend()
        address, program = self.sending_to(behind, **exporter)
        for first in range(0, 300, 100):
            self.send(direct.address, rich_request(first, 100), **(client or {}))
            self.send(address, rich_request(first, 100), **(client or {}))
        self.assertEqual(len(behind.wait_for_spans(300)), 300)
        self.assert_same_spans(direct.bodies(), behind.bodies())
        if not program.is_stand_in:
            self.final_ledger(program, {"sent": 300})
        return behind

    def test_protobuf_arrives_as_sent(self):
        behind = self.check_equality(compression="none")
        headers = behind.requests[0].headers
        self.assertEqual(headers["content-type"], PROTOBUF)
        self.assertNotIn("content-encoding", headers)
        self.assertEqual(headers["host"], behind.address)

    def test_gzip_is_the_default(self):
        behind = self.check_equality()
        self.assertEqual({received.headers["content-encoding"] for received in behind.requests}, {"gzip"})

    def test_gzip_from_the_client_goes_on(self):
        self.check_equality(client={"compression": grpc.Compression.Gzip})

    def test_zstd_arrives_as_sent(self):
        behind = self.check_equality(compression="zstd", compression_params={"level": 6})
        self.assertEqual(behind.requests[0].headers["content-encoding"], "zstd")

    def test_deflate_and_zlib_are_called_by_their_names(self):
        for name in ("deflate", "zlib"):
            behind = self.check_equality(compression=name)
            self.assertEqual(behind.requests[0].headers["content-encoding"], name)

    def test_json_arrives_as_sent(self):
        behind = self.check_equality(encoding="json")
        self.assertEqual(behind.requests[0].headers["content-type"], JSON)

    def test_json_without_compression_after_batch_arrives_as_sent(self):
        self.check_equality(encoding="json", compression="none", processors={
            "batch": {"timeout": "50ms", "send_batch_size": 70, "send_batch_max_size": 70}})

    def test_protobuf_after_batch_arrives_as_sent(self):
        self.check_equality(processors={"batch": {"timeout": "50ms", "send_batch_size": 70, "send_batch_max_size": 70}})

    def test_old_name_means_the_same(self):
        self.check_equality(exporter_type="otlphttp")

    def test_connection_is_kept(self):
        behind = self.http_backend()
        address, _ = self.sending_to(behind, sending_queue={"num_consumers": 1})
        for first in range(0, 50, 10):
            self.send(address, otlp.numbered_request(first, 10))
        behind.wait_for_spans(50)
        self.assertEqual(len({received.connection for received in behind.requests}), 1)

    def test_connection_is_not_kept_if_told_so(self):
        behind = self.http_backend()
        address, _ = self.sending_to(behind, disable_keep_alives=True)
        for first in range(0, 50, 10):
            self.send(address, otlp.numbered_request(first, 10))
        behind.wait_for_spans(50)
        self.assertEqual(len({received.connection for received in behind.requests}), len(behind.requests))
        self.assertEqual(behind.requests[0].headers["connection"], "close")

    def test_headers_are_sent_and_replace_own_ones(self):
        behind = self.http_backend()
        address, _ = self.sending_to(behind, headers={"X-Api-Key": "secret", "with space": "x", "user-agent": "mine/1", "content-length": "7"})
        self.send(address, otlp.numbered_request(0, 1))
        behind.wait_for_spans(1)
        headers = behind.requests[0].headers
        self.assertEqual((headers["x-api-key"], headers["user-agent"]), ("secret", "mine/1"))

    def test_urls_are_made_as_told(self):
        for settings, path in (({"endpoint": "{}/"}, "/v1/traces"), ({"endpoint": "{}/base"}, "/base/v1/traces"),
                               ({"endpoint": "http://127.0.0.1:1", "traces_endpoint": "{}/as/it?stands=1"}, "/as/it?stands=1"),
                               ({"endpoint": "", "traces_endpoint": "{}"}, "/")):
            behind = self.http_backend()
            urls = {key: value.format(behind.url) for key, value in settings.items()}
            address, _ = self.sending_to(behind, **urls)
            self.send(address, otlp.numbered_request(0, 1))
            self.assertEqual(behind.wait_for_requests(1), 1)
            self.assertEqual(behind.requests[0].path, path)

    def test_each_signal_has_its_path(self):
        behind = self.http_backend()
        address = f"127.0.0.1:{free_port()}"
        self.start_program({
            "receivers": {"otlp": configs.otlp_receiver(address)},
            "exporters": {"otlp_http": {"endpoint": behind.url, "encoding": "json", "retry_on_failure": RETRY}},
            "service": {"pipelines": {signal: {"receivers": ["otlp"], "exporters": ["otlp_http"]}
                                      for signal in ("traces", "metrics", "logs")}}}, [address])
        point = wire.fixed64_field(3, otlp.BASE_TIME_NS) + wire.fixed64_field(6, 2**64 - 5)
        metric = wire.bytes_field(1, "m") + wire.bytes_field(5, wire.bytes_field(1, point))
        record = wire.fixed64_field(1, otlp.BASE_TIME_NS) + wire.bytes_field(5, otlp.any_value({"a": [1, b"x"]}))
        bodies = {"Metrics": otlp.request([metric]), "Logs": otlp.request([record]), "Trace": otlp.numbered_request(0, 1)}
        for service, body in bodies.items():
            method = f"/opentelemetry.proto.collector.{service.lower()}.v1.{service}Service/Export"
            self.send(address, body, method)
        self.assertEqual(behind.wait_for_requests(3), 3)
        self.assertEqual({received.path for received in behind.requests}, {"/v1/traces", "/v1/metrics", "/v1/logs"})
        self.assertEqual(behind.bodies("/v1/metrics"), [bodies["Metrics"]])
        self.assertEqual(behind.bodies("/v1/logs"), [bodies["Logs"]])

    def test_tls_is_verified(self):
        certificates = Certificates(self.temporary_directory())
        behind = self.http_backend(tls=server_tls(certificates))
        address, program = self.sending_to(behind, tls={"ca_file": str(certificates.authority)})
        self.send(address, otlp.numbered_request(0, 10))
        self.assertEqual(len(behind.wait_for_spans(10)), 10)
        strange = self.http_backend(tls=server_tls(certificates))
        address, program = self.sending_to(strange, tls={"insecure": True},
                                           retry_on_failure={"enabled": False})
        self.send(address, otlp.numbered_request(0, 10))
        if not program.is_stand_in:
            self.final_ledger(program, {"retries_exhausted": 10})
        self.assertEqual(strange.requests, [])


@only_weft("its ledger")
class AnswersTest(OtlpHttpCase):
    def check(self, answers, expected, request_count, **exporter):
        """answers: for the first requests (or what makes one), then 200. The seconds between the first two requests."""
        def answer(number, _):
            chosen = answers[number] if number < len(answers) else HttpAnswer()
            return chosen() if callable(chosen) else chosen

        backend = self.http_backend(answer=answer)
        address, program = self.sending_to(backend, **exporter)
        self.send(address, otlp.numbered_request(0, 10))
        self.final_ledger(program, expected)
        self.assertEqual(len(backend.requests), request_count)
        self.program = program
        return backend.requests[1].at - backend.requests[0].at if request_count > 1 else None

    def assert_says(self, text):
        """A line of the log is written by a thread of its own, a moment later."""
        self.assertTrue(wait_until(lambda: text in self.program.process.log_text(), 5.0), self.program.process.log_text())

    def test_codes_of_overload_are_repeated(self):
        for code in (429, 502, 503, 504):
            with self.subTest(code=code):
                self.check([HttpAnswer(code), HttpAnswer(code)], {"sent": 10}, 3)

    def test_codes_about_the_content_halve_it(self):
        """The whole is refused, and both halves are taken."""
        for code in (400, 413):
            with self.subTest(code=code):
                self.check([HttpAnswer(code)], {"sent": 10}, 3)

    def test_other_codes_are_final(self):
        for code in (301, 302, 303, 401, 403, 404, 405, 408, 415, 500, 501, 505):
            with self.subTest(code=code):
                self.check([HttpAnswer(code, headers={"Location": "/elsewhere"})], {"rejected": 10}, 1)
                self.assert_says(f"HTTP {code}")

    def test_overload_reaches_the_client_as_it_was_said(self):
        """Without a queue and without retry there is nobody else who could come again."""
        for code, expected in ((429, grpc.StatusCode.RESOURCE_EXHAUSTED), (503, grpc.StatusCode.UNAVAILABLE)):
            backend = self.http_backend(answer=lambda *_: HttpAnswer(code, headers={"Retry-After": "3"}))
            address, over_http = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
            exporter = {"endpoint": backend.url, "sending_queue": {"enabled": False}, "retry_on_failure": {"enabled": False}}
            receiver = {"protocols": {"grpc": {"endpoint": address}, "http": {"endpoint": over_http}}}
            self.start_program(configs.pipeline(address, {"otlp_http": exporter}, receiver=receiver), [address, over_http])
            reply = self.client(address).export(otlp.numbered_request(0, 10))
            self.assertEqual(reply.code, expected)
            self.assertIn(b"google.rpc.RetryInfo", reply.trailing["grpc-status-details-bin"])
            with contextlib.closing(http.client.HTTPConnection(over_http, timeout=10)) as connection:
                connection.request("POST", "/v1/traces", otlp.numbered_request(0, 10), {"Content-Type": PROTOBUF})
                answer = connection.getresponse()
                self.assertEqual((answer.status, answer.headers["Retry-After"]), (code, "3"))

    def test_redirects_are_followed_with_the_body(self):
        for code in (307, 308):
            def answer(number, received):
                return HttpAnswer(code, headers={"Location": "/v1/traces?moved=1"}) if received.path == "/v1/traces" else HttpAnswer()

            backend = self.http_backend(answer=answer)
            address, program = self.sending_to(backend)
            self.send(address, otlp.numbered_request(0, 10))
            self.final_ledger(program, {"sent": 10})
            self.assertEqual([received.path for received in backend.requests], ["/v1/traces", "/v1/traces?moved=1"])
            self.assertEqual(backend.requests[0].raw, backend.requests[1].raw)

    def test_redirects_to_https_of_the_same_host_are_followed(self):
        certificates = Certificates(self.temporary_directory())
        behind = self.http_backend(tls=server_tls(certificates))
        before = self.http_backend(answer=lambda *_: HttpAnswer(308, headers={"Location": f"{behind.url}/v1/traces"}))
        address, program = self.sending_to(before, tls={"ca_file": str(certificates.authority)})
        for first in (0, 10):
            self.send(address, otlp.numbered_request(first, 10))
        self.final_ledger(program, {"sent": 20})
        self.assertEqual(len(behind.wait_for_spans(20)), 20)
        address, program = self.sending_to(before)
        self.send(address, otlp.numbered_request(0, 10))
        self.final_ledger(program, {"rejected": 10})
        self.assert_logged("tls has no ca_file", program)

    def test_redirects_elsewhere_and_without_end_are_errors(self):
        self.check([HttpAnswer(307, headers={"Location": "http://127.0.0.2:1/v1/traces"})], {"rejected": 10}, 1)
        self.assert_says("a redirect is followed to the same host only")
        self.check([HttpAnswer(307, headers={"Location": "/v1/traces"})] * 20, {"rejected": 10}, 11)
        self.assert_says("stopped after 10 redirects")

    def test_retry_after_in_seconds_is_kept(self):
        for code in (429, 503):
            pause = self.check([HttpAnswer(code, headers={"Retry-After": "1"})], {"sent": 10}, 2)
            self.assertGreaterEqual(pause, 0.95)

    def test_retry_after_as_date_is_kept(self):
        def in_three_seconds():
            return HttpAnswer(429, headers={"Retry-After": email.utils.formatdate(time.time() + 3, usegmt=True)})

        self.assertGreaterEqual(self.check([in_three_seconds], {"sent": 10}, 2), 1.5)

    def test_retry_after_of_other_codes_counts_for_nothing(self):
        """Else it would give up: the time to retry is 20 s."""
        self.check([HttpAnswer(502, headers={"Retry-After": "30"})], {"sent": 10}, 2)

    def test_retry_after_beyond_the_time_gives_up(self):
        self.check([HttpAnswer(503, headers={"Retry-After": "3600"})], {"retries_exhausted": 10}, 1)

    def test_gateway_codes_leave_it_open_what_happened(self):
        self.check([HttpAnswer(504)], {"unconfirmed": 10}, 1, retry_on_failure={"enabled": False})
        self.check([HttpAnswer(503)], {"retries_exhausted": 10}, 1, retry_on_failure={"enabled": False})

    def test_lost_answer_is_repeated_and_else_unconfirmed(self):
        self.check([HttpAnswer(is_lost=True)], {"sent": 10}, 2)
        self.check([HttpAnswer(is_lost=True)], {"unconfirmed": 10}, 1, retry_on_failure={"enabled": False})

    def test_slow_answer_is_repeated_and_else_unconfirmed(self):
        self.check([HttpAnswer(delay=2.0)], {"sent": 10}, 2, timeout="300ms")
        self.check([HttpAnswer(delay=2.0)], {"unconfirmed": 10}, 1, timeout="300ms", retry_on_failure={"enabled": False})

    def test_partial_success_in_protobuf_is_booked(self):
        self.check([HttpAnswer(200, otlp.partial_success(3, "three were bad"))], {"sent": 7, "rejected": 3}, 1)
        self.assert_says("three were bad")

    def test_partial_success_in_json_is_booked(self):
        for count in (4, "4"):
            body = json.dumps({"partialSuccess": {"errorMessage": "four \"were\" bad", "rejectedSpans": count}}).encode()
            self.check([HttpAnswer(202, body, JSON + "; charset=utf-8")], {"sent": 6, "rejected": 4}, 1, encoding="json")
            self.assert_says("four \\\"were\\\" bad")

    def test_empty_and_foreign_bodies_of_success_are_fine(self):
        self.check([HttpAnswer(200, b"{}", JSON)], {"sent": 10}, 1)
        self.check([HttpAnswer(200, b"OK", "text/plain")], {"sent": 10}, 1)
        self.check([HttpAnswer(204)], {"sent": 10}, 1)

    def test_success_with_a_body_that_is_not_what_it_says_is_final(self):
        self.check([HttpAnswer(200, b"<html>", PROTOBUF)], {"unconfirmed": 10}, 1)
        self.check([HttpAnswer(200, b"<html>", JSON)], {"unconfirmed": 10}, 1)

    def test_status_in_the_body_is_told(self):
        self.check([HttpAnswer(404, status("not at this path"))], {"rejected": 10}, 1)
        self.assert_says("HTTP 404: not at this path")
        self.check([HttpAnswer(403, json.dumps({"code": 7, "message": "not yours"}).encode(), JSON)], {"rejected": 10}, 1)
        self.assert_says("HTTP 403: not yours")

    def test_request_that_is_refused_is_sent_in_halves(self):
        """One poisoned span costs no other: of three clients' requests, merged, it alone is rejected."""
        for code in (400, 413):
            def answer(number, received):
                ids = otlp.span_ids(received.body)
                return HttpAnswer(code) if otlp.numbered_span_id(13) in ids else HttpAnswer()

            backend = self.http_backend(answer=answer)
            address, program = self.sending_to(backend, processors={"batch": {"timeout": "300ms"}})
            for first in (0, 10, 20):
                self.send(address, otlp.numbered_request(first, 10))
            self.final_ledger(program, {"sent": 29, "rejected": 1})
            self.assertLessEqual(len(backend.requests), 13)

    def test_backend_that_comes_back_gets_everything(self):
        backend = HttpBackend()
        address, program = self.sending_to(backend)
        self.send(address, otlp.numbered_request(0, 10))
        self.start(backend)
        self.assertEqual(len(backend.wait_for_spans(10)), 10)
        backend.stop()
        self.send(address, otlp.numbered_request(10, 10))
        backend.start()
        self.assertEqual(len(backend.wait_for_spans(20)), 20)
        self.final_ledger(program, {"sent": 20})


class ConfigTest(OtlpHttpCase):
    def assert_refused(self, text, **exporter):
        from harness.process import ProgramFailed
        with self.assertRaises(ProgramFailed) as caught:
            self.sending_to(HttpBackend(), **exporter)
        self.assertIn(text, str(caught.exception))

    @only_weft("its own words")
    def test_bad_configs_are_refused(self):
        self.assert_refused("at least one endpoint must be specified", endpoint="")
        self.assert_refused("either endpoint or traces_endpoint must be specified", endpoint="", logs_endpoint="http://h/")
        self.assert_refused("http:// or https:// was expected", endpoint="localhost:4318")
        self.assert_refused("not a compression", compression="brotli")
        self.assert_refused("level 12", compression_params={"level": 12})
        self.assert_refused("proxy_url", proxy_url="https://proxy:3128")
        self.assert_refused("proxy_url", proxy_url="proxy:3128")
        self.assert_refused("encoding", encoding="xml")
