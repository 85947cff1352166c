"""Nothing that a name leads to stops the loop: slow name servers, stalled disks, pipes that nobody reads."""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from outside_case import OutsideCase, Probe, stalling
from harness import config as configs
from harness import otlp
from harness.case import only_weft
from harness.process import free_port


def http_exporter(endpoint):
    return {"endpoint": endpoint, "compression": "none", "tls": {"insecure": True}}


@only_weft("it is about weft's threads")
class SlowNames(OutsideCase):
    def begin(self):
        """Exporters to names that take 3 s, one over gRPC and one over HTTP, and records for both."""
        self.address = f"127.0.0.1:{free_port()}"
        exporters = {"otlp": configs.otlp_exporter(f"localhost:{free_port()}"),
                     "otlp_http": http_exporter(f"http://localhost:{free_port()}")}
        self.program = self.start_program(configs.pipeline(self.address, exporters), [self.address],
                                          environment=stalling(WEFT_STALL_NAMES="3"),
                                          extra=["--reload-timeout", "500ms", "--shutdown-timeout", "500ms"])
        self.client(self.address).export(otlp.numbered_request(0, 1))
        time.sleep(0.5)  # the look-ups are under way

    def test_look_up_does_not_hold_a_reload(self):
        self.begin()
        exporters = {"otlp": configs.otlp_exporter(f"localhost:{free_port()}"),
                     "otlp_http": http_exporter(f"http://localhost:{free_port()}")}
        with Probe(self.program.admin) as probe:
            self.program.write(configs.pipeline(self.address, exporters))
            self.program.reload()
            time.sleep(4)
        self.assert_never_stood(probe, "a look-up of 3 s at a reload")

    def test_look_up_does_not_hold_the_end(self):
        self.begin()
        started = time.monotonic()
        self.program.stop()
        took = time.monotonic() - started
        print(f"  SIGTERM during a look-up of 3 s: down after {took:.2f} s", flush=True)
        self.assertLess(took, 2.0)
