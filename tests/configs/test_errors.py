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

# Of rules between keys: the place is the key's, whoever found it.
PLACES = """\
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: localhost           # error: receivers.otlp.protocols.grpc.endpoint: endpoint "localhost": host:port was expected
processors:
  batch:
    send_batch_size: 10
    send_batch_max_size: 5            # error: processors.batch.send_batch_max_size: must be greater or equal to send_batch_size
  memory_limiter:
    limit_mib: 10
    check_interval: 0s                # error: processors.memory_limiter.check_interval: must be greater than zero
  attributes/y:
    actions:
      - {key: a, action: delete}
      - key: a
        action: remove                # error: processors.attributes/y.actions[1].action: "remove" is not an action; use insert
  resource:
    attributes:
      - {action: insert, value: 1}    # error: processors.resource.attributes[0]: missing required field "key"
exporters:
  otlp:
    endpoint: b:1
    sending_queue:
      num_consumers: 0                # error: exporters.otlp.sending_queue.num_consumers: must be positive
  otlp/batched:
    endpoint: b:1
    sending_queue:
      batch:
        min_size: 5
        max_size: 4                   # error: exporters.otlp/batched.sending_queue.batch.max_size: must be greater than or equal to min_size
  otlp/impatient:
    endpoint: b:1
    retry_on_failure:
      initial_interval: 1s
      max_elapsed_time: 20s           # error: must be at least initial_interval (5s by default) and max_interval (30s by default)
  otlp/compressed:
    endpoint: b:1
    compression: brotli               # error: exporters.otlp/compressed.compression: "brotli" is not a compression
service:
  pipelines:
    traces: {receivers: [otlp], processors: [batch, memory_limiter], exporters: [otlp]}
"""

# One component with several errors, of which some are found before others.
MANY = """\
receivers:
  file_log:
    include: [/var/log/x]
    storage: file_storage                           # error: receivers.file_log.storage: weft does not support this key yet
    operators:
      - {type: nosuch}                              # error: there are no operators of type "nosuch"
      - {type: json_parser}
      - {type: recombine}                           # error: operators of type recombine yet; container joins what container runtimes cut
processors:
  transform:
    log_statements:
      - set(log.body, "x")
      - set(log.nobody, "x")                        # error: line 1 column 5: unknown path log.nobody
      - nosuch(log.body)                            # error: line 1 column 1: unknown editor nosuch
    trace_statements:
      - set(span.name, 'x')                         # error: texts stand in double quotes
      - set(span.name, "x") && true                 # error: && is written and
  transform/blocks:
    log_statements:
      - context: log
        statements:
          - set(nobody, 1)                          # error: unknown path nobody
          - set(body, 1)
          - set(nowhere, 1)                         # error: unknown path nowhere
    metric_statements:
      - context: metric
        statements:
          - set(nome, "x")                          # error: unknown path nome
  filter:
    logs:
      log_record:
        - bad == 1                                  # error: unknown path bad
        - body == 1
        - worse == 1                                # error: unknown path worse
  filter/inferred:
    trace_conditions:
      - span.nam == ""                              # error: unknown path span.nam
      - metric.name == ""                           # error: traces have no context metric
exporters:
  debug:
service:
  pipelines:
    logs: {receivers: [file_log], processors: [transform, filter], exporters: [debug]}
"""
AUTHENTICATED = """\
receivers: {nop: }
exporters:
  otlp/retries:
    endpoint: b:1
    retry_on_failure:
      multiplier: -1                  # error: multiplier
  otlp/one: {endpoint: b:1, auth: {authenticator: nosuch}}     # error: failed to resolve authenticator "nosuch"
  otlp/two: {endpoint: b:1, auth: {authenticator: other}}      # error: failed to resolve authenticator "other"
service:
  pipelines:
    traces: {receivers: [nop], exporters: [otlp/retries, otlp/one, otlp/two]}
"""
DOUBTFUL = """\
receivers: {nop: }
processors:
  transform:
    trace_statements: ['set(span.name, 5)', 'set(span.name, "x")', 'set(span.attributes["a"], 5)', 'set(span.kind, nil)']
exporters: {nop: }
service: {pipelines: {traces: {receivers: [nop], processors: [transform], exporters: [nop]}}}
"""
COPIES = """\
receivers: {nop: }
processors:
  transform:
    metric_statements:
      - {context: metric, statements: ['copy_metric(name="a")', 'copy_metric(name="b") where name == "c"']}
      - {context: metric, conditions: ['name == "c"'], statements: ['copy_metric(name="b")']}
exporters: {nop: }
service: {pipelines: {metrics: {receivers: [nop], processors: [transform], exporters: [nop]}}}
"""
FILES = """\
receivers:
  otlp:
    protocols:
      grpc:
        tls: {{cert_file: {folder}/none.pem, key_file: {folder}/none.pem}}   # error: receivers.otlp.protocols.grpc.tls.cert_file: {folder}/none.pem: No such file
exporters:
  otlp:
    endpoint: b:1
    tls: {{ca_file: {folder}/text.pem}}                                     # error: exporters.otlp.tls.ca_file: {folder}/text.pem
  otlp_http:                                                               # error: either endpoint or traces_endpoint must be specified
    logs_endpoint: http://b/
service:
  pipelines:
    traces: {{receivers: [otlp], exporters: [otlp{more}]}}
"""
EXPLAINED = """\
receivers:
  otlp: {protocols: {grpc: {endpoint: localhost:0}}}
  otlp/waits: {protocols: {grpc: {endpoint: localhost:0}}, acknowledge: delivered}
processors:
  batch: {timeout: 3s, send_batch_size: 77}
exporters:
  otlp: {endpoint: b:1, tls: {insecure: true}, sending_queue: {queue_size: 55, sizer: items}, retry_on_failure: {max_elapsed_time: 0}}
  otlp/direct: {endpoint: b:1, tls: {insecure: true}, sending_queue: {enabled: false}}
  nop:
  prometheus: {endpoint: localhost:0}
  file: {path: /tmp/weft_never_written}
  file/kept: {path: /tmp/weft_never_written_either, append: true}
service:
  pipelines:
    traces: {receivers: [otlp], processors: [batch], exporters: [otlp, otlp/direct, nop]}
    logs: {receivers: [otlp/waits], exporters: [otlp]}
    metrics: {receivers: [otlp], exporters: [prometheus, file, file/kept]}
"""
EXPLANATION = [
    r"pipeline traces",
    r"receiver otlp holds requests until they are whole.*acknowledge: accepted.*a client would not send again",
    r"processor batch holds records until there are 77 of them .*, for 3 s at most .*a crash loses it: the clients have their answer",
    r"exporter otlp holds up to 55 items .*until the backend takes it.*a crash loses it: the clients have their answer",
    r"exporter otlp/direct holds what is being sent, whose clients wait .*a client would not send again",
    r"exporter nop holds nothing.*a crash costs nothing here",
    r"pipeline logs",
    r"receiver otlp/waits .*acknowledge: delivered",
    r"exporter otlp holds up to 55 items .*the clients, which have no answer, send it again",
    r"pipeline metrics",
    r"receiver otlp ",
    r"exporter prometheus holds the last value of each series .*; a crash loses it",
    r"exporter file holds .*; append: false: the next start empties the file; a crash loses it",
    r"exporter file/kept holds [^;]*; a crash loses it",
    r"A crash is the end of the process without SIGTERM",
]

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
        self.assert_told(BROKEN)

    def test_the_place_is_the_key_s(self):
        self.assert_told(PLACES)

    def test_all_errors_of_a_component_are_told(self):
        self.assert_told(MANY)

    def test_authenticators_are_looked_for_although_others_are_wrong(self):
        self.assert_told(AUTHENTICATED)

    def test_what_will_fail_on_each_record_is_warned_of(self):
        done, path = self.run_weft(DOUBTFUL, "validate")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual([line for line in done.stdout.splitlines() if line.startswith("warning")],
                         [f"warning: {path}:4: processors.transform.trace_statements[0]: it will fail on each record: "
                          "span.name takes a string and not an int"])

    def test_copies_that_would_be_copied_are_warned_of(self):
        done, path = self.run_weft(COPIES, "validate")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual([line for line in done.stdout.splitlines() if line.startswith("warning")],
                         [f"warning: {path}:5: processors.transform.metric_statements[0].statements[0]: it copies its own copies until the "
                          "request has grown by 64 MiB; say which metrics are meant: copy_metric(...) where metric.name == \"...\""])

    def test_certificates_are_read(self):
        folder = self.temporary_directory()
        with open(folder + "/text.pem", "w", encoding="utf-8") as file:
            file.write("no certificate\n")
        lines = FILES.format(folder=folder, more="").splitlines()
        text = "\n".join(line for line in lines if "http" not in line)
        self.assert_told(text)
        self.assertEqual(self.run_weft(text, "validate", "--no-files")[0].returncode, 0)

    def test_each_signal_has_an_endpoint(self):
        folder = self.temporary_directory()
        lines = FILES.format(folder=folder, more=", otlp_http").splitlines()
        self.assert_told("\n".join("" if "tls:" in line else line for line in lines))

    def test_a_file_that_is_not_there_is_said_so(self):
        done = subprocess.run([program_under_test(), "validate", "--config", "/no/such.yaml"], capture_output=True, text=True, timeout=30)
        self.assertEqual((done.returncode, done.stderr), (1, "--config: /no/such.yaml: No such file or directory\n"))

    def test_what_nodes_hold_is_explained(self):
        done, _ = self.run_weft(EXPLAINED, "validate", "--explain")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = [line.strip() for line in done.stdout.splitlines()]
        lines = lines[lines.index("the config is valid") + 1:]
        for line, wanted in zip(lines, EXPLANATION):
            self.assertRegex(line, wanted)
        self.assertGreaterEqual(len(lines), len(EXPLANATION))

    def assert_told(self, broken):
        done, path = self.run_weft(broken, "validate")
        self.assertEqual(done.returncode, 1)
        self.assertNotIn("valid", done.stdout)
        self.assertTrue(done.stdout.endswith("further errors may follow when these are mended\n"), done.stdout)
        told = {}
        for line in done.stderr.splitlines():
            match = re.match(re.escape(path) + r":(\d+): (.*)", line)
            self.assertTrue(match, line)
            self.assertNotIn(int(match.group(1)), told, f"told twice: {line}")
            told[int(match.group(1))] = match.group(2)
        wanted = {number: match.group(1).strip() for number, line in enumerate(broken.splitlines(), 1) if (match := MARK.search(line))}
        self.assertEqual(sorted(told), sorted(wanted), done.stderr)
        for number, text in wanted.items():
            self.assertIn(text, told[number])

    def test_the_agent_does_not_start(self):
        done, path = self.run_weft(BROKEN)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.count(path), 1, done.stderr)


if __name__ == "__main__":
    unittest.main()
