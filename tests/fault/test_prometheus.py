"""The exporter prometheus under many workers, many scrapers, silent ones, more series than it has room for, and reloads."""

import base64
import concurrent.futures
import http.client
import pathlib
import socket
import ssl
import struct
import sys
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from attack_case import MIB, is_sanitized, Meter
from harness import config as configs
from harness import otlp, prometheus, wire
from harness.case import OutsideInCase, only_weft
from harness.certificates import Certificates
from harness.client import Client, Outcome
from harness.flood import connect
from harness.process import free_port, wait_until

METHOD = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
DELTA, CUMULATIVE = 1, 2


def point(values, value, start=0, end=otlp.BASE_TIME_NS):
    return wire.bytes_field(1, wire.fixed64_field(2, start) + wire.fixed64_field(3, end) + wire.fixed64_field(6, value)
                            + otlp.attributes(7, values))


def counter(name, points, temporality=CUMULATIVE):
    return wire.bytes_field(1, name) + wire.bytes_field(
        7, b"".join(points) + wire.number_field(2, temporality) + wire.number_field(3, 1))


def request(*metrics):
    return otlp.request(metrics)


@only_weft("it has limits of its own")
class PrometheusFaults(OutsideInCase):
    def begin(self, workers=None, **settings):
        self.address = f"127.0.0.1:{free_port()}"
        self.port = f"127.0.0.1:{free_port()}"
        self.program = self.start_program(self.config(**settings), [self.address, self.port], workers=workers)

    def config(self, **settings):
        config = configs.pipeline(self.address, {"prometheus": {"endpoint": self.port, **settings}})
        config["service"]["pipelines"] = {"metrics": config["service"]["pipelines"]["traces"]}
        return config

    def send(self, *metrics):
        with Client(self.address) as client:
            self.assertEqual(client.export(request(*metrics), METHOD).outcome, Outcome.ACCEPTED)

    def scrape(self):
        return prometheus.scrape(f"http://{self.port}/metrics", 20.0)

    def total(self, name):
        return prometheus.total(self.scrape(), name)

    def books(self):
        self.assertTrue(wait_until(lambda: self.program.ledger(signal="metrics").waiting == 0, 10.0))
        return self.program.ledger(is_audited=True, signal="metrics")

    def code(self):
        try:
            with urllib.request.urlopen(f"http://{self.port}/metrics", timeout=20) as answer:
                answer.read()
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except (OSError, http.client.HTTPException) as error:
            return type(error).__name__

    def test_many_workers_fill_one_table(self):
        self.begin(workers=3)
        clients = [self.client(self.address) for _ in range(6)]
        for number in range(60):
            start = otlp.BASE_TIME_NS + number
            body = request(counter("hits", [point({"path": "/"}, 2, start, start + 1)], DELTA))
            self.assertEqual(clients[number % 6].export(body, METHOD).outcome, Outcome.ACCEPTED)
            self.assertTrue(wait_until(lambda: self.total("hits") == 2 * number + 2, 5.0), number)
        lent = prometheus.total(self.program.metrics(), "weft_exporter_prometheus_lent_batches")
        self.assertGreater(lent, 10)
        self.assertLess(lent, 60)
        books = self.books()
        self.assertEqual((books.sent, books.dropped), (60, {}))
        self.assertTrue(books.audit["agrees"], books.audit)

    def test_silent_scrapers_lock_nobody_out(self):
        self.begin(max_connections=8)
        self.send(counter("hits", [point({}, 2)]))
        silent = [self.start(connect(self.port)) for _ in range(40)]
        for _ in range(10):
            self.assertEqual(self.total("hits"), 2)
        self.assertEqual(len(silent), 40)
        metrics = self.program.metrics()
        self.assertGreater(prometheus.total(metrics, "weft_http_server_connections_evicted", exporter="prometheus"), 20)

    def fill(self, count, first=0):
        for start in range(first, first + count, 1000):
            self.send(counter("hits", [point({"number": number, "text": "x" * 100}, 1) for number in range(start, start + 1000)]))

    def test_scrapes_are_bounded(self):
        self.begin(max_connections=200)
        self.fill(20_000)
        with concurrent.futures.ThreadPoolExecutor(60) as pool:
            codes = list(pool.map(lambda _: self.code(), range(60)))
        self.assertEqual(set(codes) - {200, 503}, set(), codes)
        self.assertIn(200, codes)
        metrics = self.program.metrics()
        self.assertEqual(prometheus.total(metrics, "weft_exporter_prometheus_scrapes", exporter="prometheus"), codes.count(200))
        self.assertEqual(prometheus.total(metrics, "weft_exporter_prometheus_scrapes_refused", exporter="prometheus"), codes.count(503))
        self.assertEqual(self.total("hits"), 20_000)

    def ask(self):
        """A scraper that asks and reads nothing."""
        connection = self.start(connect(self.port))
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return connection

    def test_who_asks_and_does_not_read_holds_so_much(self):
        self.begin(max_connections=200, max_page_bytes=30_000_000)
        self.fill(100_000)
        meter = self.start(Meter(self.program.process.pid))
        asking = [self.ask() for _ in range(30)]
        refused = lambda: sum(prometheus.total(self.program.metrics(), f"weft_exporter_prometheus_{name}", exporter="prometheus")
                              for name in ("scrapes", "scrapes_refused", "pages_too_large"))
        self.assertTrue(wait_until(lambda: refused() == len(asking), 30.0))
        self.assertGreater(prometheus.total(self.program.metrics(), "weft_exporter_prometheus_pages_too_large"), 3)
        if not is_sanitized():
            self.assertLess(meter.growth_bytes, 130 * MIB)
        for connection in asking:
            connection.close()
        self.assertTrue(wait_until(lambda: self.code() == 200, 10.0))

    def test_only_who_is_let_in_scrapes(self):
        users = {"htpasswd": {"inline": "plain:secret\nbcrypt:$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n"}}
        self.address, self.port = (f"127.0.0.1:{free_port()}" for _ in range(2))
        config = self.config(auth={"authenticator": "basicauth"}, response_headers={"X-From": "weft"})
        config["extensions"] = {"basicauth": users}
        config["service"]["extensions"] = ["basicauth"]
        self.program = self.start_program(config, [self.address, self.port])
        self.send(counter("hits", [point({}, 2)]))

        def answer(credentials):
            headers = {"Authorization": "Basic " + base64.b64encode(credentials.encode()).decode()} if credentials else {}
            try:
                with urllib.request.urlopen(urllib.request.Request(f"http://{self.port}/metrics", headers=headers), timeout=10) as reply:
                    return reply.status, reply.headers["X-From"], b"hits_total" in reply.read()
            except urllib.error.HTTPError as error:
                return error.code, error.headers["X-From"], b"hits_total" in error.read()

        for credentials in ("plain:secret", "bcrypt:secret"):
            self.assertEqual(answer(credentials), (200, "weft", True), credentials)
        for credentials in (None, "plain:wrong", "bcrypt:wrong", "nobody:secret"):
            self.assertEqual(answer(credentials), (401, "weft", False), credentials)
        self.assertEqual(prometheus.total(self.program.metrics(), "weft_exporter_prometheus_scrapes_unauthenticated"), 4)

    def test_who_is_not_let_in_takes_no_place_of_a_page(self):
        slow = "slow:$2b$12$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n"
        self.address, self.port = (f"127.0.0.1:{free_port()}" for _ in range(2))
        config = self.config(auth={"authenticator": "basicauth"}, max_connections=100)
        config["extensions"] = {"basicauth": {"htpasswd": {"inline": f"{slow}plain:secret\n"}}}
        config["service"]["extensions"] = ["basicauth"]
        self.program = self.start_program(config, [self.address, self.port])
        host, port = self.port.split(":")
        for number in range(30):  # one is compared at a time, for a good part of a second; each comes from elsewhere
            connection = self.start(socket.create_connection((host, int(port)), 10, (f"127.0.0.{number + 2}", 0)))
            pair = base64.b64encode(f"slow:{number}".encode()).decode()
            connection.sendall(f"GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Basic {pair}\r\n\r\n".encode())
        headers = {"Authorization": "Basic " + base64.b64encode(b"plain:secret").decode()}
        ask = urllib.request.Request(f"http://{self.port}/metrics", headers=headers)
        with urllib.request.urlopen(ask, timeout=20) as answer:
            self.assertEqual(answer.status, 200)
        self.assertEqual(prometheus.total(self.program.metrics(), "weft_exporter_prometheus_scrapes_refused"), 0)

    def test_scrapes_over_tls(self):
        certificates = Certificates(self.temporary_directory())
        self.begin(tls={"cert_file": str(certificates.certificate("server")), "key_file": str(certificates.key("server"))})
        self.send(counter("hits", [point({}, 2)]))
        trusting = ssl.create_default_context(cafile=certificates.authority)
        with urllib.request.urlopen(f"https://{self.port}/metrics", timeout=10, context=trusting) as answer:
            self.assertIn(b"hits_total", answer.read())
        self.assertIsInstance(self.code(), str)  # plain HTTP gets no answer

    def test_a_page_is_bounded(self):
        self.begin(max_page_bytes=300_000)
        self.fill(1000)
        self.assertEqual(self.code(), 200)
        self.fill(2000, first=1000)  # what there is no room for is left out, not the page
        self.assertEqual(self.code(), 200)
        books = self.books()
        self.assertEqual(books.sent + books.dropped["series_limit"], 3000)
        self.assertEqual(self.total("hits"), books.sent)
        self.assertGreater(books.sent, 700)

    def test_a_page_that_is_too_large_is_an_error(self):
        self.begin(max_page_bytes=300_000)
        with Client(self.address) as client:
            for number in range(200):  # target_info has no share of its own
                resource = {"service.name": "a", "service.instance.id": str(number), "text": "x" * 2000}
                client.export(otlp.request([counter("g", [point({}, 1)])], resource), METHOD)
        self.assertEqual(self.code(), 503)
        self.assertEqual(prometheus.total(self.program.metrics(), "weft_exporter_prometheus_pages_too_large"), 1)

    def test_a_series_of_many_lines_leaves_the_page_to_the_others(self):
        self.begin()
        self.send(counter("known", [point({}, 1)]))
        for bounds, text in ((1024, "x" * 8000), (200_000, "x" * 2000)):
            data = wire.fixed64_field(3, otlp.BASE_TIME_NS) + wire.bytes_field(
                7, struct.pack(f"<{bounds}d", *range(bounds))) + otlp.attributes(9, {"a": text})
            self.send(wire.bytes_field(1, "h") + wire.bytes_field(9, wire.bytes_field(1, data) + wire.number_field(2, CUMULATIVE)))
        self.assertEqual(self.total("known"), 1)
        books = self.books()
        self.assertEqual((books.sent, books.dropped), (1, {"series_limit": 1, "invalid": 1}))

    def test_a_flood_of_series_costs_what_it_may(self):
        self.begin(max_series=5000)
        self.send(counter("known", [point({}, 1)]))
        meter = self.start(Meter(self.program.process.pid))
        self.fill(30_000)
        self.send(counter("known", [point({}, 2, end=otlp.BASE_TIME_NS + 1)]))
        self.assertEqual(self.total("known"), 2)
        self.assertEqual(self.total("hits"), 4999)
        books = self.books()
        self.assertEqual((books.sent, books.dropped), (5001, {"series_limit": 25_001}))
        self.assertTrue(books.audit["agrees"], books.audit)
        if not is_sanitized():
            self.assertLess(meter.growth_bytes, 40 * MIB)

    def test_a_reload_keeps_series_and_a_changed_block_joins_the_port(self):
        self.begin(workers=2)
        self.send(counter("hits", [point({}, 2)]))
        self.program.write({**self.config(), "extensions": {}})
        self.program.reload()
        self.assert_logged('"agent.reloaded"', self.program)
        self.assertEqual(self.total("hits"), 2)
        self.program.write(self.config(const_labels={"zone": "a"}))
        self.program.reload()
        self.assertTrue(wait_until(lambda: not self.scrape(), 10.0), "the former exporter still answers")
        self.send(counter("hits", [point({}, 3)]))
        self.assertTrue(wait_until(lambda: self.scrape() and self.total("hits") == 3, 10.0))
        self.assertEqual({labels.get("zone") for name, labels, _ in self.scrape() if name == "hits_total"}, {"a"})

    def test_two_exporters_have_two_ports(self):
        self.begin()
        config = self.config()
        config["exporters"]["prometheus/2"] = {"endpoint": self.port}
        config["service"]["pipelines"]["metrics"]["exporters"].append("prometheus/2")
        self.program.write(config)
        self.program.reload()
        self.assert_logged('"agent.reload_failed"', self.program)
        self.assert_logged("already listens on that endpoint", self.program)


if __name__ == "__main__":
    import unittest

    unittest.main()
