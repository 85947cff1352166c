"""Nothing that a name leads to stops the loop: slow name servers, stalled disks, pipes that nobody reads."""

import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from outside_case import OutsideCase, Probe, stalling
from harness import config as configs
from harness import otlp
from harness.case import only_weft
from harness.client import Client
from harness.places import program_under_test
from harness.process import free_port, is_listening, wait_until


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


@only_weft("it is about weft's files")
class ClosedStreams(OutsideCase):
    def test_nothing_of_the_log_lands_in_a_file_that_weft_opened(self):
        """Started without 0, 1 and 2; what weft opens first must not become its standard error."""
        directory = pathlib.Path(self.temporary_directory())
        address = f"127.0.0.1:{free_port()}"
        (directory / "config.yaml").write_text(configs.text(configs.pipeline(
            address, {"file": {"path": str(directory / "data.json"), "flush_interval": "10ms"},
                      "debug": {"verbosity": "detailed", "use_internal_logger": False, "output_paths": ["stdout", "stderr"]}})))
        weft = subprocess.Popen(
            ["sh", "-c", 'exec "$0" "$@" 0<&- 1>&- 2>&-', program_under_test(), "--config", directory / "config.yaml",
             "--state-dir", directory])
        try:
            self.assertTrue(wait_until(lambda: weft.poll() is not None or is_listening(address), 20.0))
            with Client(address) as client:
                for number in range(20):
                    client.export(otlp.numbered_request(number, 1))
            self.assertTrue(wait_until(lambda: len((directory / "data.json").read_text().splitlines()) >= 20, 10.0))
            streams = [os.readlink(f"/proc/{weft.pid}/fd/{number}") for number in range(3)]
        finally:
            weft.terminate()
            code = weft.wait(20)
        self.assertEqual(code, 0)
        self.assertEqual(streams, ["/dev/null"] * 3)
        lines = (directory / "data.json").read_text().splitlines()
        self.assertEqual([line for line in lines if not line.startswith('{"resourceSpans"')], [])
        self.assertEqual(list(directory.glob("ledger.weft.bad*")), [])
        self.assertNotIn(b"resourceSpans", (directory / "ledger.weft").read_bytes())
