"""The helpers themselves: a comparison that finds nothing, or books that always agree, would make every test pass."""

import dataclasses
import pathlib
import tempfile
import unittest

import grpc

from harness import compare, ledger, otlp, prometheus, raw_http2, wire
from harness.backend import Answer, Backend
from harness.books import Outside, disagreements
from harness.client import Client, Load, Outcome
from harness.process import Program, ProgramFailed, free_port, wait_until
from harness.under_test import UnderTest


def one_span(values=None, resource=None, scope="scope", name="name", extra=b""):
    return otlp.request([otlp.span(b"\1" * 16, b"\2" * 8, name, values=values, extra=extra)], resource, scope)


class CompareTest(unittest.TestCase):
    def test_same_spans_agree_whatever_the_order(self):
        left = [one_span({"a": 1, "b": [1, "x"]})]
        self.assertEqual(compare.differences(left, [one_span({"b": [1, "x"], "a": 1})]), [])

    def test_each_kind_of_difference_is_seen(self):
        base = one_span({"a": 1})
        for other in (one_span({"a": "1"}), one_span({"a": 1.0}), one_span({"a": True}), one_span({"a": 1, "b": 2}), one_span({}),
                      one_span({"a": 1}, name="other"), one_span({"a": 1}, {"service.name": "other"}),
                      one_span({"a": 1}, scope="other"), one_span({"a": 1}, extra=wire.fixed32_field(16, 1)),
                      one_span({"a": 1}, extra=wire.bytes_field(11, wire.bytes_field(2, "event"))), b"", base + base):
            self.assertNotEqual(compare.differences([base], [other]), [], other)

    def test_each_value_has_its_type_and_its_sign(self):
        for left, right in ((0.0, -0.0), (0, 0.0), (1, True), ("1", b"1"), ([], None), ({}, [])):
            self.assertNotEqual(compare.differences([one_span({"a": left})], [one_span({"a": right})]), [], (left, right))


class CompareDocumentsTest(unittest.TestCase):
    """The same of requests in JSON."""

    NUMBER, TEXT = {"key": "n", "value": {"intValue": "1"}}, {"key": "t", "value": {"stringValue": "x"}}

    def logs(self, *records, resource=(), **scope):
        return {"resourceLogs": [{"resource": {"attributes": list(resource)}, "scopeLogs": [{"logRecords": list(records), **scope}]}]}

    def points(self, *points, **kind):
        return {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "m", "sum": {"dataPoints": list(points), **kind}}]}]}]}

    def assert_found(self, signal, base, others):
        self.assertEqual(compare.document_differences([base], [base], signal), [])
        for other in others:
            self.assertNotEqual(compare.document_differences([base], [other], signal), [], other)
            self.assertNotEqual(compare.document_differences([other], [base], signal), [], other)

    def test_logs(self):
        nested = {"body": {"kvlistValue": {"values": [self.NUMBER, self.TEXT]}}, "attributes": [self.TEXT, self.NUMBER]}
        turned = {"body": {"kvlistValue": {"values": [self.TEXT, self.NUMBER]}}, "attributes": [self.NUMBER, self.TEXT]}
        self.assertEqual(compare.document_differences([self.logs(nested, {})], [self.logs({}), self.logs(turned)], "logs"), [])
        self.assert_found("logs", self.logs(nested), (
            {}, self.logs(), self.logs(nested, nested), self.logs({**nested, "attributes": [self.TEXT]}), self.logs({**nested, "body": {}}),
            self.logs({**nested, "severityNumber": 9}), self.logs(nested, resource=[self.TEXT]), self.logs(nested, scope={"name": "s"}),
            self.logs(nested, schemaUrl="u"), self.logs({**nested, "attributes": [self.TEXT, self.NUMBER, self.NUMBER]})))

    def test_metrics(self):
        one, two = {"asInt": "1", "attributes": [self.TEXT]}, {"asDouble": 1.0}
        both = [self.points(one, isMonotonic=True), self.points(two, isMonotonic=True)]
        self.assertEqual(compare.document_differences([self.points(two, one, isMonotonic=True)], both, "metrics"), [])
        self.assert_found("metrics", self.points(one, two), (
            {}, self.points(), self.points(one), self.points(one, one), self.points(one, {"asDouble": 1}), self.points(one, {"asInt": "1"}),
            self.points(one, two, isMonotonic=True), self.points({**one, "exemplars": [{"filteredAttributes": [self.NUMBER]}]}, two)))


class BooksTest(unittest.TestCase):
    LEDGER = ledger.Ledger(offered=110, refused=10, sent=80, rejected=5, dropped={"unconfirmed": 15})
    OUTSIDE = Outside(accepted=95, lost=10, distinct=90, missing=5, strange=0, rejected=5)

    def test_good_books_agree(self):
        self.assertEqual(disagreements(self.LEDGER, self.OUTSIDE), [])

    def test_each_wrong_entry_is_found(self):
        for change in ({"offered": 111}, {"sent": 81}, {"in_flight": 1}, {"in_flight": 1, "sent": 79}, {"sent": 90, "rejected": 0, "dropped": {"x": 10}},
                       {"sent": 40, "dropped": {"unconfirmed": 15, "queue_full": 40}}, {"audit": {"agrees": False}},
                       {"in_flight": 1, "sent": 80, "refused": 9}, {"queued": -1, "sent": 81}, {"refused": 20, "offered": 120, "copied": -10}):
            self.assertNotEqual(disagreements(dataclasses.replace(self.LEDGER, **change), self.OUTSIDE), [], change)
        for change in ({"accepted": 101}, {"accepted": 80}, {"distinct": 84}, {"distinct": 101}, {"missing": 21}, {"strange": 1}):
            self.assertNotEqual(disagreements(self.LEDGER, dataclasses.replace(self.OUTSIDE, **change)), [], change)

    def test_accounts_are_added_up(self):
        rows = [("offered", "", 7), ("sent", "", 3), ("sent", "", 2), ("dropped", "crash", 1), ("refused", "", 1)]
        accounts = [{"account": kind, "signal": "traces", "pipeline": "p", "owner": "o", "reason": reason, "balance": balance}
                    for kind, reason, balance in rows] + [{"account": "sent", "signal": "logs", "reason": "", "balance": 99}]
        books = ledger.from_document({"accounts": accounts})
        self.assertEqual((books.accepted, books.sent, books.dropped, books.imbalance()), (6, 5, {"crash": 1}, 0))


class RecordsTest(unittest.TestCase):
    def test_spans_and_log_records_of_one_number_share_their_trace(self):
        sides = [(otlp.TRACES_METHOD, otlp.numbered_spans_of_traces(3, 20), 1), (otlp.LOGS_METHOD, otlp.numbered_logs_of_traces(3, 20), 9)]
        for method, request, _ in sides:
            self.assertEqual(otlp.record_ids(request, method), [otlp.numbered_span_id(number) for number in range(3, 23)])
        traces = [[wire.repeated(record, field) for record in wire.record_bytes(request)] for _, request, field in sides]
        self.assertEqual(traces[0], traces[1])
        self.assertEqual({ids[0][8] % 4 for ids in traces[0]}, {0, 1, 2, 3})

    def test_a_load_of_logs_is_counted_apart(self):
        with Backend() as backend, Load(backend.address, method=otlp.LOGS_METHOD, make_request=otlp.numbered_logs_of_traces) as load:
            self.assertTrue(wait_until(lambda: load.count(Outcome.ACCEPTED) > 100, 10.0))
            load.stop()
        outside = Outside.of(load, [backend])
        self.assertEqual((outside.accepted, outside.missing, outside.strange), (load.count(Outcome.ACCEPTED), 0, 0))
        load.method = otlp.TRACES_METHOD
        self.assertEqual(Outside.of(load, [backend]).distinct, 0)


class ProcessTest(unittest.TestCase):
    def ended(self, script):
        folder = self.enterContext(tempfile.TemporaryDirectory(prefix="weft-test-"))
        program = UnderTest({"service": {}}, [], directory=folder, program="/bin/sh", stand_in=True)
        program.process = Program(["/bin/sh", "-c", script], pathlib.Path(folder) / "log.txt").start()
        return program

    def test_a_program_that_ends_by_itself_with_a_code_is_noticed(self):
        """That is how sanitizers end it: neither leaving the test nor a kill that comes too late may hide it."""
        program = self.ended("echo found something; exit 66")
        self.assertTrue(wait_until(lambda: not program.process.is_running(), 5.0))
        for leave in (program.kill, lambda: program.__exit__(None)):
            with self.assertRaisesRegex(ProgramFailed, "code 66:\nfound something"):
                leave()

    def test_a_program_that_was_taken_down_is_not(self):
        program = self.ended("sleep 60")
        self.assertEqual(program.kill(), -9)
        program.__exit__(None)
        program = self.ended("exit 0")
        self.assertTrue(wait_until(lambda: not program.process.is_running(), 5.0))
        program.__exit__(None)


class PrometheusTest(unittest.TestCase):
    def test_labels_escapes_and_totals(self):
        samples = prometheus.parse('# HELP x y\na_total{k="v\\"1\\\\",o="p"} 3\na_total{k="w"} 4.5 1700000000\nb 1e3\n')
        self.assertEqual(samples[0], ("a_total", {"k": 'v"1\\', "o": "p"}, 3.0))
        self.assertEqual((prometheus.total(samples, "a"), prometheus.total(samples, "a", k="w"), prometheus.total(samples, "b")), (7.5, 4.5, 1000))

    def test_nonsense_is_an_error(self):
        self.assertRaises(ValueError, prometheus.parse, "not a sample at all\n")


class BackendTest(unittest.TestCase):
    def export(self, answer, seconds=5.0):
        with Backend(answer=lambda number, body: answer) as backend, Client(backend.address) as client:
            return client.export(otlp.numbered_request(0, 2), seconds=seconds), backend

    def test_each_answer_is_told_apart(self):
        for answer, outcome in ((Answer(), Outcome.ACCEPTED), (Answer(is_lost=True), Outcome.LOST),
                                (Answer(status=grpc.StatusCode.UNAVAILABLE, message="later", retry_delay=1), Outcome.REFUSED),
                                (Answer(status=grpc.StatusCode.INVALID_ARGUMENT, message="no"), Outcome.REFUSED)):
            reply, backend = self.export(answer)
            self.assertEqual(reply.outcome, outcome, reply)
            self.assertEqual(backend.span_ids(), [otlp.numbered_span_id(0), otlp.numbered_span_id(1)])
        reply, _ = self.export(Answer(delay=1.0), seconds=0.2)
        self.assertEqual(reply.outcome, Outcome.LOST, reply)

    def test_partial_success_and_raw_calls(self):
        with Backend(answer=lambda number, body: Answer(rejected=1, message="one")) as backend:
            reply = raw_http2.call(backend.address, otlp.TRACES_METHOD, raw_http2.framed(otlp.numbered_request(0, 2)))
        self.assertEqual((reply.grpc_status, reply.body[5:]), (0, otlp.partial_success(1, "one")))

    def test_nobody_there_is_a_lost_answer(self):
        with Client(f"127.0.0.1:{free_port()}") as client:
            self.assertEqual(client.export(b"", seconds=2).outcome, Outcome.LOST)

    def test_load_survives_a_backend_that_goes_and_comes(self):
        with Backend() as backend, Load(backend.address, requests_per_second=200) as load:
            backend.wait_for_spans(400)
            backend.stop()
            backend.start()
            backend.wait_for_spans(2000)
            load.stop()
        self.assertEqual(load.count(Outcome.REFUSED), 0, load.refusals)
        self.assertLessEqual(load.spans(Outcome.ACCEPTED), set(backend.span_ids()))
        self.assertLessEqual(set(backend.span_ids()), load.spans(Outcome.ACCEPTED, Outcome.LOST))
