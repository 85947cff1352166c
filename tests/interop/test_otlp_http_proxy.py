"""otlp_http through an HTTP proxy: whole URLs for http, a tunnel for https, and what a proxy says when it will not."""

import base64
import http.client
import http.server
import select
import socket
import threading
import urllib.parse

import grpc

from harness import config as configs
from harness import otlp
from harness.case import OutsideInCase, only_weft
from harness.certificates import Certificates
from harness.http_backend import HttpBackend, server_tls
from harness.process import free_port, wait_until


class Proxy(http.server.ThreadingHTTPServer):
    """Keeps the request line and the headers of what it was asked; answers code instead if it has one."""

    daemon_threads = True

    def __init__(self, code=None, extra=b""):
        self.asked, self.code, self.extra = [], code, extra
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self):
        return f"127.0.0.1:{self.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def note(self):
        self.server.asked.append((self.requestline, {name.lower(): value for name, value in self.headers.items()}))

    def do_CONNECT(self):
        self.note()
        if self.server.code:
            self.send_error(self.server.code)
            return
        host, port = self.path.rsplit(":", 1)
        with socket.create_connection((host.strip("[]"), int(port))) as behind:
            self.connection.sendall(b"HTTP/1.1 200 Connection established\r\nX-Proxy: yes\r\n\r\n" + self.server.extra)
            sides = {self.connection: behind, behind: self.connection}
            while True:
                for side in select.select(list(sides), [], [])[0]:
                    data = side.recv(65536)
                    if not data:
                        self.close_connection = True
                        return
                    sides[side].sendall(data)

    def do_POST(self):
        self.note()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.code:
            self.send_error(self.server.code)
            return
        url = urllib.parse.urlsplit(self.path)
        connection = http.client.HTTPConnection(url.netloc, timeout=10)
        kept = {name: value for name, value in self.headers.items() if not name.lower().startswith("proxy-")}
        connection.request("POST", url.path, body, kept)
        answer = connection.getresponse()
        text = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
        connection.close()

    def log_message(self, *_):
        pass


class ProxyTest(OutsideInCase):
    def sending(self, backend, proxy_url, **exporter):
        address = f"127.0.0.1:{free_port()}"
        settings = {"endpoint": backend.url, "proxy_url": proxy_url, "compression": "none",
                    "retry_on_failure": {"initial_interval": "50ms", "max_interval": "100ms", "max_elapsed_time": "1s"}, **exporter}
        program = self.start_program(configs.pipeline(address, {"otlp_http": settings}), [address])
        for first in (0, 10):
            self.assertEqual(self.client(address).export(otlp.numbered_request(first, 10)).code, grpc.StatusCode.OK)
        return program

    def test_http_goes_by_whole_urls(self):
        backend, proxy = self.start(HttpBackend()), self.start(Proxy())
        self.sending(backend, f"http://us%65r:p%40ss@{proxy.address}")
        self.assertEqual(len(backend.wait_for_spans(20)), 20)
        for line, headers in proxy.asked:
            self.assertEqual(line, f"POST {backend.url}/v1/traces HTTP/1.1")
            self.assertEqual(headers["host"], backend.address)
            self.assertEqual(headers["proxy-authorization"], "Basic " + base64.b64encode(b"user:p@ss").decode())

    def test_https_goes_by_a_tunnel(self):
        certificates = Certificates(self.temporary_directory())
        backend = self.start(HttpBackend(tls=server_tls(certificates)))
        proxy = self.start(Proxy())
        self.sending(backend, f"http://user@{proxy.address}", tls={"ca_file": str(certificates.authority)})
        self.assertEqual(len(backend.wait_for_spans(20)), 20)
        self.assertEqual({line for line, _ in proxy.asked}, {f"CONNECT {backend.address} HTTP/1.1"})
        self.assertEqual({headers["proxy-authorization"] for _, headers in proxy.asked},
                         {"Basic " + base64.b64encode(b"user:").decode()})
        self.assertNotIn("proxy-authorization", backend.requests[0].headers)

    @only_weft("its own words")
    def test_a_proxy_that_will_not_is_told_of(self):
        certificates = Certificates(self.temporary_directory())
        backend = self.start(HttpBackend(tls=server_tls(certificates)))
        for proxy, text in ((Proxy(code=407), "the proxy refuses: 407 Proxy Authentication Required"),
                            (Proxy(extra=b"hello"), "the proxy says more than its answer"),
                            (HttpBackend(), "the proxy")):  # which knows no CONNECT
            with self.subTest(text):
                self.start(proxy)
                program = self.sending(backend, f"http://user:hidden@{proxy.address}", tls={"ca_file": str(certificates.authority)})
                self.assert_logged(text, program)
                self.assertTrue(wait_until(lambda: program.ledger(True).waiting == 0, 10.0))
                self.assertEqual(program.ledger(True).dropped, {"retries_exhausted": 20})
                self.assertNotIn("hidden", program.process.log_text())
        self.assertEqual(backend.requests, [])
