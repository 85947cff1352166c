"""The program under test with one config: weft, or a Collector that stands in for it (harness/places.py)."""

import pathlib
import signal
import tempfile

from . import config as configs
from . import ledger, prometheus
from .places import is_stand_in, program_under_test
from .process import Program, ProgramFailed, free_port, is_listening


class UnderTest:
    def __init__(self, config, listening, workers=None, directory=None, program=None, stand_in=None, extra=(),
                 environment=None, outputs=(None, None), gates=""):
        """gates: the feature gates that are open, of weft or of the stand-in. listening: the addresses that must answer before it counts as started. directory: kept by the caller.
        environment, outputs: as Program's."""
        self.is_stand_in = is_stand_in() if stand_in is None else stand_in
        self.program = pathlib.Path(program or program_under_test())
        self._own_directory = None if directory else tempfile.TemporaryDirectory(prefix="weft-test-")
        self.directory = pathlib.Path(directory or self._own_directory.name)
        self.listening = list(listening)
        self.admin = f"127.0.0.1:{free_port()}"
        self.workers = workers
        self.extra = list(extra)  # options of weft's command line
        self.config_path = self.directory / "config.yaml"
        self.state_directory = self.directory / "state"
        self.gates = gates
        self.environment = environment
        self.outputs = outputs
        self.process = None
        self.write(config)

    def write(self, config):
        self.config = config
        port = int(self.admin.rsplit(":", 1)[1])
        self.config_path.write_text(configs.text(configs.with_telemetry(config, port)))

    def _arguments(self):
        arguments = [self.program, "--config", self.config_path]
        arguments += [f"--feature-gates={self.gates}"] if self.gates else []
        if not self.is_stand_in:
            self.state_directory.mkdir(exist_ok=True)
            arguments += ["--state-dir", self.state_directory]
            if self.workers:
                arguments += ["--set", f"service.workers={self.workers}"]
            arguments += self.extra
        return arguments

    def start(self):
        if not self.program.exists():
            raise ProgramFailed(f"{self.program} is not there: ./dev build makes it, or WEFT_BINARY names another")
        self.process = Program(self._arguments(), self.directory / "log.txt", self.environment, self.directory,
                               self.outputs).start()
        self.process.wait_until(lambda: all(map(is_listening, [*self.listening, self.admin])), 20.0, "listening")
        self.process.wait_until(self._has_opened_its_socket, 20.0, "to be asked")
        return self

    def _has_opened_its_socket(self):
        """The last that it opens; in what a killed process has left nobody listens."""
        return (self.is_stand_in or is_listening(f"unix:{self.state_directory / 'admin.sock'}")
                or '"admin.none"' in self.process.log_text())

    def stop(self, seconds=15.0):
        """SIGTERM; it must end by itself with exit code 0, which a crash or a sanitizer's finding denies."""
        code = self.process.stop(seconds)
        if code != 0:
            raise ProgramFailed(f"{self.program} ended with code {code} after SIGTERM:\n{self.process.log_tail(60)}")

    def kill(self):
        self.check_has_not_failed()
        return self.process.kill()

    def check_has_not_failed(self):
        """A program that ended early must not pass for one that was taken down."""
        if self.process.has_failed():
            raise ProgramFailed(f"{self.program} ended by itself with code {self.process.child.poll()}:\n"
                                f"{self.process.log_tail(60)}")

    def reload(self):
        self.process.signal(signal.SIGHUP)

    def ledger(self, is_audited=False, signal="traces"):
        return ledger.read(self.admin, is_audited, signal)

    def metrics(self):
        return prometheus.scrape(f"http://{self.admin}/metrics")

    def __enter__(self):
        return self.start()

    def __exit__(self, failure, *_):
        try:
            if self.process and not failure:
                self.check_has_not_failed()
                if self.process.is_running():
                    self.stop()
        finally:
            if self.process:
                self.process.kill()
            if self._own_directory:
                self._own_directory.cleanup()
