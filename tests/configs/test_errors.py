"""weft validate tells all that is wrong with a config in one go, each with its place; the agent refuses to start with the first."""

import re
import subprocess
import unittest

from harness.case import OutsideInCase, only_weft
from harness.places import program_under_test

# A line that ends in "# error: TEXT" is one of which validate says TEXT, and of no other line anything.
BROKEN = """\
receivers:
  otlp:
    protocols:
      grpc:
        max_recv_msg_size_mib: lots   # error: receivers.otlp.protocols.grpc.max_recv_msg_size_mib: "lots" is not a whole number
        keepalve: {}                  # error: receivers.otlp.protocols.grpc: unknown key "keepalve"; did you mean "keepalive"?
  otpl: {}                            # error: receivers.otpl: unknown receiver type "otpl", did you mean "otlp"?; weft has:
processors:
  batch:
    timeot: 1s                        # error: processors.batch: unknown key "timeot"; did you mean "timeout"?
    send_batch_size: -1               # error: processors.batch.send_batch_size: -1 is not a whole number
  tail_sampling:
    policies:
      - {name: one, type: nosuch}     # error: policy "one": type "nosuch" is unknown
exporters:
  debug:
    verbosity: loud                   # error: exporters.debug.verbosity: "loud" is not one of basic, normal, detailed
  otlp: {}                            # error: exporters.otlp: key "endpoint" is required
service:
  telemetry:
    metricss: {}                      # error: service.telemetry: unknown key "metricss"; did you mean "metrics"?
  pipelines:
    traces:
      receivers: [otlp, nosuch]       # error: service.pipelines.traces.receivers[1]: receiver "nosuch" is not defined
      processors: [bach]              # error: processor "bach" is not defined; did you mean "batch"?
      exporters: [debug, otlp]
    metrics/none:                     # error: service.pipelines.metrics/none: must have at least one receiver
      exporters: [debug]
"""

MARK = re.compile(r"# error: (.*)")


@only_weft("it tells the first")
class Errors(OutsideInCase):
    def run_weft(self, text, *arguments):
        path = self.temporary_directory() + "/broken.yaml"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run([program_under_test(), *arguments, "--config", path], capture_output=True, text=True, timeout=30)
        return done, path

    def test_all_errors_are_told_at_once(self):
        done, path = self.run_weft(BROKEN, "validate")
        self.assertEqual(done.returncode, 1)
        self.assertNotIn("valid", done.stdout)
        told = {}
        for line in done.stderr.splitlines():
            match = re.match(re.escape(path) + r":(\d+): (.*)", line)
            self.assertTrue(match, line)
            self.assertNotIn(int(match.group(1)), told, f"told twice: {line}")
            told[int(match.group(1))] = match.group(2)
        wanted = {number: match.group(1).strip() for number, line in enumerate(BROKEN.splitlines(), 1) if (match := MARK.search(line))}
        self.assertEqual(sorted(told), sorted(wanted), done.stderr)
        for number, text in wanted.items():
            self.assertIn(text, told[number])

    def test_the_agent_does_not_start(self):
        done, path = self.run_weft(BROKEN)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.count(path), 1, done.stderr)


if __name__ == "__main__":
    unittest.main()
