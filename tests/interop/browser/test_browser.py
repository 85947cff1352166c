"""A web page with the OpenTelemetry SDK for browsers, in headless Chromium, sends spans to weft on another origin.

The browser asks first (a CORS preflight), and sends only if weft allows it. A proxy before weft sees both.
"""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness import config as configs
from harness import prometheus, stubs
from harness.case import OutsideInCase
from harness.places import TESTS, cache_directory
from harness.process import free_port, wait_until
from servers import page_server, recording_proxy
from web_driver import Browser

HERE = TESTS / "interop" / "browser"
SPAN_COUNT = 5


def bundled_page():
    """page.js and the SDK as one script."""
    subprocess.run([HERE / "install"], check=True, timeout=300, stdout=subprocess.DEVNULL)
    modules = cache_directory() / "interop-browser" / "node_modules"
    run = subprocess.run([modules / ".bin" / "esbuild", HERE / "page.js", "--bundle", "--format=esm", "--log-level=warning"],
                         env={**os.environ, "NODE_PATH": str(modules)}, capture_output=True, timeout=60)
    if run.returncode != 0:
        raise AssertionError(f"the page could not be bundled:\n{run.stderr.decode()}")
    return run.stdout


class BrowserTest(OutsideInCase):
    @classmethod
    def setUpClass(cls):
        cls.script = bundled_page()

    def setUp(self):
        self.page = self.start(page_server(self.script))
        self.origin = f"http://localhost:{self.page.port}"

    def weft_for(self, allowed_origin):
        self.sink = self.backend()
        address = f"127.0.0.1:{free_port()}"
        receiver = configs.otlp_http_receiver(address, cors={"allowed_origins": [allowed_origin], "allowed_headers": ["X-Page-Key"]})
        config = configs.pipeline(None, {"otlp": configs.otlp_exporter(self.sink.address)}, receiver=receiver)
        self.program = self.start_program(config, [address])
        self.exchanges = []
        return self.start(recording_proxy(address, self.exchanges))

    def title_after(self, proxy):
        """Opens the page, and waits until it says how its export went."""
        browser = self.start(Browser(self.temporary_directory()))
        browser.open(f"{self.origin}/?send=http://127.0.0.1:{proxy.port}")
        self.assertTrue(wait_until(lambda: browser.title() not in ("", "loading"), 30), "the page's script did not end")
        return browser.title()

    def of(self, method):
        return [exchange for exchange in self.exchanges if exchange.method == method]

    def counter(self, name):
        return prometheus.total(self.program.metrics(), name)

    def test_a_page_of_an_allowed_origin_sends_its_spans(self):
        self.assertEqual(self.title_after(self.weft_for(self.origin)), "exported")
        preflights = self.of("OPTIONS")
        self.assertTrue(preflights, "the browser did not ask first")
        for exchange in preflights:
            self.assertEqual((exchange.path, exchange.status), ("/v1/traces", 204))
            self.assertEqual(exchange.asked["origin"], self.origin)
            self.assertEqual(exchange.asked["access-control-request-method"], "POST")
            self.assertEqual(exchange.asked["access-control-request-headers"], "content-type,x-page-key")
            self.assertEqual(exchange.answered["access-control-allow-origin"], self.origin)
        self.assertEqual([(exchange.status, exchange.asked["content-type"]) for exchange in self.of("POST")],
                         [(200, "application/json")] * SPAN_COUNT)
        self.assertEqual(self.counter("weft_receiver_http_preflights"), len(preflights))
        self.assertEqual(len(self.sink.wait_for_spans(SPAN_COUNT)), SPAN_COUNT)
        self.check_spans()

    def check_spans(self):
        resources = [resource for body in self.sink.bodies() for resource in stubs.trace_request(body).resource_spans]
        for resource in resources:
            about = {item.key: item.value.string_value for item in resource.resource.attributes}
            self.assertEqual(about["telemetry.sdk.language"], "webjs")
        spans = [span for resource in resources for scope in resource.scope_spans for span in scope.spans]
        self.assertEqual(sorted(span.name for span in spans), [f"click {number}" for number in range(SPAN_COUNT)])
        for span in spans:
            values = {item.key: item.value for item in span.attributes}
            self.assertEqual(f"click {values['number'].int_value}", span.name)
            self.assertEqual(values["text"].string_value, "grüße, 世界 \U0001F680")
            self.assertEqual([item.string_value for item in values["list"].array_value.values], ["a", "b"])
            self.assertEqual((values["ratio"].double_value, values["flag"].bool_value), (0.5, True))
            self.assertEqual((len(span.trace_id), len(span.span_id), span.kind), (16, 8, 3))
            self.assertEqual((span.status.code, span.status.message), (2, "it failed"))
            self.assertEqual([(event.name, event.attributes[0].value.double_value) for event in span.events], [("painted", 16.7)])
            self.assertGreaterEqual(span.end_time_unix_nano, span.start_time_unix_nano)

    def test_a_page_of_another_origin_sends_nothing(self):
        title = self.title_after(self.weft_for("https://elsewhere.example"))
        self.assertTrue(title.startswith("failed: "), title)
        preflights = self.of("OPTIONS")
        self.assertTrue(preflights, "the browser did not ask first")
        for exchange in preflights:
            self.assertNotIn("access-control-allow-origin", exchange.answered)
        self.assertEqual(self.of("POST"), [])
        self.assertEqual(self.counter("weft_receiver_http_strange_origins"), len(preflights))
        self.assertEqual(self.counter("otelcol_receiver_accepted_spans"), 0)
        self.program.stop()  # delivers what it holds, if it holds anything
        self.assertEqual(self.sink.requests, [])
