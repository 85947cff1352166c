"""What weft print-config prints loads as what it was printed from: printed once more it is the same, and validate says the same of it."""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "interop" / "wide"))

import drop_in_cases
from harness.case import OutsideInCase, only_weft
from harness.places import TREE, program_under_test

FEWEST_CONFIGS = 120
EVERY = 8  # of the cases that are about neither the language nor the service: all of them would take long
EXPANDED = """\
receivers: {otlp: {protocols: {grpc: }}}
processors: {batch: {timeout: "${env:TIMEOUT}", send_batch_size: "${env:NOTHING}"}}
exporters:
  otlp:
    endpoint: "${env:HOST}:4317"
    user_agent: "${env:OCTAL}"
    authority: "${env:ADDRESS}"
    wait_for_ready: "${env:NOTHING}"
    headers: {secret: "${env:OCTAL}"}
    tls: {cipher_suites: "${env:NOTHING}", server_name_override: "${env:LIST}", insecure: "${env:COMMENTED}"}
    sending_queue: {sizer: "${env:SIZER}", queue_size: "${env:HEX}"}
service:
  telemetry: {resource: {dollars: "a$${b}$$c$$$$d", octal: "${env:OCTAL}"}, logs: {initial_fields: {n: 0x1F, t: true}}}
  pipelines: {traces: {receivers: ["${env:RECEIVER}"], processors: [batch], exporters: [otlp]}}
"""
ENVIRONMENT = {"TIMEOUT": "5s", "NOTHING": "", "HOST": "h", "OCTAL": "0123", "ADDRESS": "1111:2222:3333:4444:5555:6666:7777::", "LIST": "[a, b]",
               "COMMENTED": "true # comment", "SIZER": "items", "HEX": "0x10", "RECEIVER": "otlp"}


def say(command, text, environment=()):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "config.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run([program_under_test(), command, "--config", path], capture_output=True, text=True, timeout=60,
                              env={**os.environ, **dict(environment)}, check=False)
        return done.returncode, re.sub(re.escape(path) + r"(:\d+)?", "config", done.stdout), re.sub(re.escape(path) + r"(:\d+)?", "config", done.stderr)


def notes(text, environment=()):
    """What validate says."""
    code, out, error = say("validate", text, environment)
    return code, out + error


REFUSED = "refused"  # there is nothing to print


def problem(text, environment):
    code, printed, _ = say("print-config", text, environment)
    if code != 0:
        return REFUSED
    again_code, again, error = say("print-config", printed)
    if again_code != 0:
        return f"{text}\nis printed as\n{printed}\nwhich is refused: {error}"
    return None if again == printed else f"{text}\nis printed as\n{printed}\nand this as\n{again}"


@only_weft("its print-config is the program's own")
class PrintConfig(OutsideInCase):
    def test_what_the_environment_gave_is_printed_as_it_was_taken(self):
        _, printed, error = say("print-config", EXPANDED, ENVIRONMENT.items())
        self.assertEqual(error, "")
        for line in ('user_agent: "0123"', 'authority: "1111:2222:3333:4444:5555:6666:7777::"', "wait_for_ready: false", "send_batch_size: 0",
                     'server_name_override: "[a, b]"', "insecure: true", "queue_size: 16", 'n: "0x1F"', 'octal: "0123"',
                     'dollars: "a$${b}$$c$$$$d"', 'endpoint: "h:4317"', "sizer: items"):
            self.assertIn(line, printed)
        self.assertIsNone(problem(EXPANDED, ENVIRONMENT.items()))
        self.assertEqual(notes(printed), notes(EXPANDED, ENVIRONMENT.items()))

    def test_every_config_is_printed_as_what_it_says(self):
        cases = drop_in_cases.read_all()
        cases = [case for index, case in enumerate(cases) if case.file in ("language.txt", "service.txt") or index % EVERY == 0]
        configs = [(case.config(), tuple(case.environment.items())) for case in cases]
        configs += [(path.read_text(encoding="utf-8"), ()) for path in (TREE / "config").rglob("*.yaml")]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            problems = list(pool.map(lambda config: problem(*config), configs))
        self.assertGreaterEqual(sum(found != REFUSED for found in problems), FEWEST_CONFIGS)
        self.assertEqual([found for found in problems if found not in (None, REFUSED)], [])
