"""Nothing that a name leads to stops the loop: slow name servers, stalled disks, pipes that nobody reads."""

import copy
import os
import pathlib
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from outside_case import OutsideCase, Probe, stalling
from harness import config as configs
from harness import otlp, prometheus
from harness.case import only_weft
from harness.client import Client, Outcome
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


@only_weft("it is about weft's threads")
class DeadReaders(OutsideCase):
    """A pipe that nobody reads, from the moment that weft is up."""

    def begin(self, exporters, outputs, telemetry=None, **settings):
        """The exporters under test in a pipeline of their own beside one to a backend that is well."""
        self.sink = self.backend()
        self.address, self.other = (f"127.0.0.1:{free_port()}" for _ in range(2))
        config = configs.pipeline(self.address, exporters)
        config["receivers"]["otlp/other"] = configs.otlp_receiver(self.other)
        config["exporters"]["otlp/other"] = configs.otlp_exporter(self.sink.address)
        config["service"]["pipelines"]["traces/other"] = {"receivers": ["otlp/other"], "exporters": ["otlp/other"]}
        config["service"]["telemetry"] = telemetry or {}
        self.program = self.start_program(config, [self.address, self.other], outputs=outputs, **settings)

    def dead_pipe(self):
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        self.addCleanup(os.close, writing)
        return writing

    def send_until_full(self, requests, spans=1000, seconds=2.0):
        """As many as are taken; those that wait for room are given up after so long."""
        taken = 0
        with Client(self.address) as client:
            for number in range(requests):
                if client.export(otlp.numbered_request(number * spans, spans), seconds=seconds).outcome != Outcome.ACCEPTED:
                    break
                taken += 1
        return taken

    def check_that_the_rest_goes_on(self, probe, what):
        with Client(self.other) as client:
            for number in range(20):
                self.assertEqual(client.export(otlp.numbered_request(number, 1)).outcome, Outcome.ACCEPTED)
        self.assertTrue(wait_until(lambda: len(self.sink.span_ids()) == 20, 10.0), "the other pipeline stands")
        self.assert_never_stood(probe, what)

    def check_that_it_ends(self, seconds):
        started = time.monotonic()
        self.program.stop()
        took = time.monotonic() - started
        print(f"  SIGTERM: down after {took:.2f} s", flush=True)
        self.assertLess(took, seconds)

    def test_log_loses_lines_rather_than_wait(self):
        """Debug writes a line of the log for each record, more than wait for a reader: 4 MiB."""
        self.begin({"debug": {"verbosity": "normal", "sampling_initial": 1000}}, (None, self.dead_pipe()))
        with Probe(self.program.admin) as probe:
            self.assertEqual(self.send_until_full(30), 30)
            self.check_that_the_rest_goes_on(probe, "a log that nobody reads")
        self.assertGreater(prometheus.total(self.program.metrics(), "weft_log_lost"), 0)
        self.check_that_it_ends(4.0)

    def check_that_it_waits(self, taken, requests):
        """Some were taken, then clients waited, and the books say where the records are; readiness says why."""
        self.assertGreater(taken, 0)
        self.assertLess(taken, requests)
        self.assertTrue(wait_until(lambda: self.program.ledger(is_audited=True).waiting > 0, 5.0))
        self.assertEqual(self.program.ledger(is_audited=True).disagreements(), [])
        self.assertTrue(wait_until(lambda: "stands for more than a second" in self.ready(), 5.0), self.ready())
        self.assertGreater(prometheus.total(self.program.metrics(), "weft_exporter_output_stalls"), 0)

    def ready(self):
        with urllib.request.urlopen(f"http://{self.program.admin}/ready", timeout=5) as answer:
            return answer.read().decode()

    def test_stream_that_nobody_reads_holds_its_own_pipeline_only(self):
        for stream in ("stdout", "stderr"):
            with self.subTest(stream):
                dead = self.dead_pipe()
                self.begin({"debug": {"verbosity": "detailed", "use_internal_logger": False, "output_paths": [stream]}},
                           (dead, None) if stream == "stdout" else (None, dead), extra=["--shutdown-timeout", "1s"])
                with Probe(self.program.admin) as probe:
                    taken = self.send_until_full(100)
                    self.check_that_the_rest_goes_on(probe, f"a {stream} that nobody reads")
                self.check_that_it_waits(taken, 100)
                self.check_that_it_ends(4.0)

    def test_disk_that_stands_holds_its_own_pipeline_only(self):
        """Until it goes on: then everything is there."""
        self.begin_with_disk()
        with Probe(self.program.admin) as probe:
            taken = self.send_until_full(100)
            self.check_that_the_rest_goes_on(probe, "a disk that stands")
        self.check_that_it_waits(taken, 100)
        self.sign.unlink()
        self.assertTrue(wait_until(lambda: self.program.ledger().waiting == 0, 20.0))
        ledger = self.program.ledger(is_audited=True)
        self.assertEqual(ledger.disagreements(), [])
        lines = self.data.read_text().splitlines()
        self.assertEqual(ledger.sent, ledger.accepted)
        self.assertEqual(sum(line.count('"spanId"') for line in lines) + 20, ledger.sent)
        self.assertNotIn("stands for more than a second", self.ready())

    def test_disk_that_stands_does_not_hold_the_end(self):
        self.begin_with_disk()
        self.send_until_full(3)
        self.check_that_it_ends(4.0)
        self.assertIn('"dropped":3000', self.program.process.log_text())

    def test_exporter_whose_disk_stands_is_taken_out(self):
        self.begin_with_disk()
        self.send_until_full(3)
        config = copy.deepcopy(self.program.config)
        config["exporters"] = {"nop": {}, "otlp/other": config["exporters"]["otlp/other"]}
        config["service"]["pipelines"]["traces"]["exporters"] = ["nop"]
        self.program.write(config)
        with Probe(self.program.admin) as probe:
            self.reload(self.program)
            self.check_that_the_rest_goes_on(probe, "an exporter that is taken out while its disk stands")
        ledger = self.program.ledger(is_audited=True)
        self.assertEqual(ledger.disagreements(), [])
        self.assertEqual(ledger.dropped.get("reload"), 3000)

    def begin_with_disk(self):
        directory = pathlib.Path(self.temporary_directory())
        self.data = directory / "data.json"
        self.sign = directory / "stands"
        self.begin({"file": {"path": str(self.data)}}, (None, None),
                   extra=["--shutdown-timeout", "1s", "--reload-timeout", "500ms"],
                   environment=stalling(WEFT_STALL_PATH="data.json", WEFT_STALL_WHILE=str(self.sign)))
        self.sign.touch()


@only_weft("it waits for the other side")
class Irregular(OutsideCase):
    """FIFOs, devices and folders where a file is meant: an error at once, at the start and when it runs."""

    def setUp(self):
        self.directory = pathlib.Path(self.temporary_directory())
        self.fifo = self.directory / "fifo"
        os.mkfifo(self.fifo)
        self.address = f"127.0.0.1:{free_port()}"

    def exporting_to(self, exporter):
        return configs.pipeline(self.address, {exporter.pop("id"): exporter})

    def serving_with(self, certificate):
        tls = {"tls": {"cert_file": str(certificate), "key_file": str(certificate)}}
        return configs.pipeline(self.address, {"nop": {}}, receiver=configs.otlp_receiver(self.address, **tls))

    def irregular(self, path):
        """What a config may name: name -> config."""
        return {
            "file exporter": self.exporting_to({"id": "file", "path": str(path)}),
            "${file:}": self.exporting_to({"id": "otlp_http", "endpoint": "http://127.0.0.1:1",
                                           "headers": {"token": f"${{file:{path}}}"}}),
            "receiver's certificate": self.serving_with(path),
            "exporter's CA": self.exporting_to({"id": "otlp", "endpoint": "127.0.0.1:1", "tls": {"ca_file": str(path)}}),
        }

    def run_weft(self, *arguments):
        return subprocess.run([program_under_test(), *arguments], capture_output=True, text=True, timeout=10)

    def test_start_says_so_at_once(self):
        file = self.directory / "config.yaml"
        for path, kind in ((self.fifo, "is a FIFO"), (self.directory, "is a directory"), ("/dev/zero", "is a device")):
            for name, config in self.irregular(path).items():
                with self.subTest(f"{name}: {kind}"):
                    file.write_text(configs.text(config))
                    result = self.run_weft("--config", file)
                    self.assertEqual(result.returncode, 1)
                    self.assertIn(kind, result.stderr)
            with self.subTest(f"--config: {kind}"):
                for command in ([], ["validate"], ["print-config"]):
                    result = self.run_weft(*command, "--config", path)
                    self.assertEqual(result.returncode, 1, command)
                    self.assertIn(kind, result.stderr + result.stdout)

    def test_reload_says_so_and_goes_on(self):
        program = self.start_program(self.exporting_to({"id": "nop"}), [self.address])
        for name, config in self.irregular(self.fifo).items():
            with Probe(program.admin) as probe:
                program.write(config)
                self.reload(program, '"agent.reload_failed"')
                time.sleep(0.2)
            self.assert_never_stood(probe, f"a reload to a FIFO ({name})")
        self.assertIn("is a FIFO", program.process.log_text())


@only_weft("it is about weft's threads")
class StandingReloads(OutsideCase):
    """The disk with the config, or with a file that it names, stands when SIGHUP comes."""

    def begin(self, stands="config.yaml", **settings):
        self.sink = self.backend()
        self.address = f"127.0.0.1:{free_port()}"
        self.sign = pathlib.Path(self.temporary_directory()) / "stands"
        self.config = configs.pipeline(self.address, {"otlp": configs.otlp_exporter(self.sink.address)})
        self.program = self.start_program(self.config, [self.address],
                                          environment=stalling(WEFT_STALL_PATH=stands, WEFT_STALL_WHILE=str(self.sign)),
                                          **settings)
        self.sign.touch()

    def send(self, count):
        with Client(self.address) as client:
            for number in range(count):
                self.assertEqual(client.export(otlp.numbered_request(number, 1)).outcome, Outcome.ACCEPTED)

    def test_agent_goes_on_and_reloads_when_the_disk_does(self):
        self.begin()
        with Probe(self.program.admin) as probe:
            for _ in range(3):  # the second and the third are one
                self.program.reload()
                time.sleep(0.1)
            self.send(50)
            self.assertTrue(wait_until(lambda: "agent.reload_stands" in self.program.process.log_text(), 10.0))
            self.assertEqual(self.program.process.log_text().count('"agent.reloaded"'), 0)
            self.sign.unlink()
            self.assertTrue(wait_until(lambda: self.program.process.log_text().count('"agent.reloaded"') == 2, 10.0))
        self.assert_never_stood(probe, "a config that cannot be read")
        self.assertTrue(wait_until(lambda: len(self.sink.span_ids()) == 50, 10.0))

    def test_file_that_a_new_component_opens_stands(self):
        self.begin("new.json")
        self.config["exporters"]["file"] = {"path": str(self.sign.parent / "new.json")}
        self.config["service"]["pipelines"]["traces"]["exporters"].append("file")
        self.program.write(self.config)
        with Probe(self.program.admin) as probe:
            self.program.reload()
            self.send(20)
            time.sleep(1)
            self.sign.unlink()
            self.assertTrue(wait_until(lambda: '"agent.reloaded"' in self.program.process.log_text(), 10.0))
        self.assert_never_stood(probe, "a file that cannot be opened")

    def test_end_does_not_wait(self):
        for is_soon_back in (False, True):
            with self.subTest(is_soon_back):
                self.begin()
                self.program.reload()
                time.sleep(0.3)
                if is_soon_back:
                    self.sign.unlink()
                started = time.monotonic()
                self.program.stop()
                took = time.monotonic() - started
                print(f"  SIGTERM during a reload that stands: down after {took:.2f} s", flush=True)
                self.assertLess(took, 3.0)


@only_weft("it is about weft's threads")
class StandingLogFiles(OutsideCase):
    """The disk with the log files that are followed stands, while their receiver is taken out, or at the end."""

    def begin(self):
        self.logs = pathlib.Path(self.temporary_directory()) / "logs"
        self.logs.mkdir()
        self.sign = self.logs.parent / "stands"
        (self.logs / "a.log").write_text("one\n")
        self.address = f"127.0.0.1:{free_port()}"
        self.config = configs.pipeline(self.address, {"nop": {}})
        with_files = configs.pipeline(self.address, {"nop": {}})
        with_files["receivers"]["file_log"] = {"include": [str(self.logs / "*.log")], "start_at": "beginning"}
        with_files["service"]["pipelines"]["logs"] = {"receivers": ["file_log"], "exporters": ["nop"]}
        self.program = self.start_program(with_files, [self.address],
                                          environment=stalling(WEFT_STALL_PATH="/logs/", WEFT_STALL_WHILE=str(self.sign)),
                                          extra=["--reload-timeout", "500ms", "--shutdown-timeout", "500ms"])
        self.assertTrue(wait_until(lambda: self.program.ledger(signal="logs").sent == 1, 10.0))
        self.sign.touch()
        (self.logs / "b.log").write_text("two\n")
        time.sleep(2.5)  # it has looked, or is about to

    def test_receiver_is_taken_out(self):
        self.begin()
        with Probe(self.program.admin) as probe:
            self.program.write(self.config)
            self.reload(self.program)
            time.sleep(0.3)
        self.assert_never_stood(probe, "a receiver that is taken out while its files stand")

    def test_end_does_not_wait(self):
        self.begin()
        started = time.monotonic()
        self.program.stop()
        took = time.monotonic() - started
        print(f"  SIGTERM while the log files stand: down after {took:.2f} s", flush=True)
        self.assertLess(took, 3.0)
