"""What the commands say when they were used wrongly: what was wrong, and the way out."""

import json
import subprocess

from harness.case import OutsideInCase, only_weft
from harness.places import program_under_test
from harness.process import free_port

SPANS = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "a"}]}]}]})
METRICS = json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "m", "gauge": {"dataPoints": [{"asInt": "1"}]}}]}]}]})
CONFIG = """\
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}}
processors:
  transform: {metric_statements: ['set(metric.name, "n")']}
  redaction: {allow_all_keys: true}
exporters: {debug: {}}
service:
  pipelines:
    traces: {receivers: [otlp], processors: [redaction], exporters: [debug]}
    metrics: {receivers: [otlp], processors: [transform], exporters: [debug]}
"""


class Command(OutsideInCase):
    def weft(self, *arguments, given=""):
        return subprocess.run([program_under_test(), *arguments], capture_output=True, text=True, timeout=30, input=given)

    def assert_refused(self, said, *arguments, given="", status=2):
        done = self.weft(*arguments, given=given)
        self.assertIn(said, done.stderr)
        self.assertEqual((done.returncode, done.stdout), (status, ""))

    def config(self, text=CONFIG):
        path = self.temporary_directory() + "/config.yaml"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path


@only_weft("the Collector has no such commands")
class Asking(Command):
    def test_only_the_ledger_is_asked_at_the_telemetry_port(self):
        for command in (["trace", "ab"], ["drops"]):
            self.assert_refused("the telemetry port does not answer this; use --state-dir DIR or --endpoint /path/admin.sock",
                                *command, "--endpoint", "127.0.0.1:8888")
            self.assertNotIn("HOST:PORT", self.weft(command[0], "--help").stdout)

    def test_nobody_answers(self):
        address = f"127.0.0.1:{free_port()}"
        self.assert_refused(f"{address}: connect: Connection refused; is weft running, and is this its telemetry port?",
                            "ledger", "--endpoint", address)
        self.assert_refused("--state-dir DIR", "ledger", "--endpoint", address)
        self.assert_refused("st/admin.sock: connect: No such file or directory; is weft running, and is this its socket",
                            "ledger", "--endpoint", "st/admin.sock")
        self.assert_refused('"host:port:x" is neither a socket\'s path, as in ./admin.sock, nor host:port, as in 127.0.0.1:8888',
                            "ledger", "--endpoint", "host:port:x")

    def test_a_port_of_another_kind(self):
        address = f"127.0.0.1:{free_port()}"
        config = {"receivers": {"otlp": {"protocols": {"http": {"endpoint": address}}}}, "exporters": {"debug": {}},
                  "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["debug"]}}}}
        self.start_program(config, [address])
        self.assert_refused("answers with code 404; that is neither weft's telemetry port", "ledger", "--endpoint", address)


@only_weft("the Collector has no such command")
class Ottl(Command):
    def test_statements_are_compiled_before_anything_is_read(self):
        self.assert_refused("statement 2: line 1 column 5: unknown path span.nam", "ottl", 'set(span.name, "x")', 'set(span.nam, "x")')
        self.assert_refused("statement 1: line 1 column 1", "ottl", "nosuch(span.name)")
        self.assert_refused("did you mean value_int or value_double?", "ottl", "set(datapoint.value, 1)")
        self.assert_refused("begin paths with their context, as in span.name, or say --context", "ottl", 'set(name, "x")')
        self.assert_refused("--condition: line 1 column 1: unknown path nam", "ottl", "--condition", "nam == 1")
        self.assert_refused('there is no context "nosuch"', "ottl", "--condition", "true", "--context", "nosuch")

    def test_statements_take_a_context(self):
        done = self.weft("ottl", "--context", "span", 'set(name, "x")', given=SPANS)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn('"name":"x"', done.stdout.splitlines()[1])
        self.assert_refused('there is no context "nosuch"', "ottl", "--context", "nosuch", 'set(name, "x")')

    def test_each_signal_has_its_statements(self):
        statements = ['set(span.name, "x")', 'set(metric.name, "y")', 'set(resource.attributes["r"], "z")']
        for given, name in ((SPANS, "x"), (METRICS, "y")):
            after = self.weft("ottl", *statements, given=given).stdout.splitlines()[1]
            self.assertIn(f'"name":"{name}"', after)
            self.assertIn('"stringValue":"z"', after)
        self.assert_refused("no statement is of metrics", "ottl", statements[0], given=METRICS, status=1)
        self.assert_refused("no statement is of traces", "ottl", statements[1], given=SPANS, status=1)

    def test_a_config_keeps_statements_of_other_signals_out(self):
        config = self.config(CONFIG.replace("metric_statements", "trace_statements"))
        self.assert_refused("paths begin with metric, which is no context of traces", "ottl", "--config", config, status=1)


@only_weft("the Collector has no such command")
class Pipelines(Command):
    def test_a_pipeline_is_named_that_is_not_there(self):
        for command in ("ottl", "redact"):
            self.assert_refused("no pipeline is called nosuch; there are traces, metrics", command, "--config", self.config(),
                                "--pipeline", "nosuch")
        self.assert_refused("pipeline traces is not of metrics", "redact", "--config", self.config(), "--pipeline", "traces",
                            given=METRICS, status=1)


@only_weft("the Collector says it in other words")
class Gates(Command):
    def test_help_names_them_and_a_typo_is_told(self):
        for words in (["--help"], ["run", "--help"], ["validate", "--help"]):
            self.assertIn("--feature-gates", self.weft(*words).stdout)
        done = self.weft("validate", "--config", self.config(), "--feature-gates", "service.profileSupport")
        self.assertIn("did you mean service.profilesSupport?", done.stderr)
        self.assertNotIn("did you mean", self.weft("validate", "--config", self.config(), "--feature-gates", "x").stderr)
