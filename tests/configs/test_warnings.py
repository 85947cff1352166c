"""What weft validate warns of in a config's pipelines, with the line that has to change; once it has, it says nothing."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import framecast
from harness.case import OutsideInCase, only_weft

CONFIG = """\
receivers:
  otlp: {protocols: {grpc: {endpoint: 0.0.0.0:4317}}}
  file_log: {include: [/var/log/pods/*/*/*.log]}
processors:
  redaction:
    allow_all_keys: true
    blocked_key_patterns: ["(?i)id$"]
  tail_sampling:
    aliases: {families: [job_id]}
    policies: [{name: failed, type: status_code, status_code: {status_codes: [ERROR]}}]
exporters:
  otlp: {endpoint: gateway.example:4317}
service:
  pipelines:
    traces:
      receivers: [otlp]
      processors: [redaction, tail_sampling]
      exporters: [otlp]
    logs:
      receivers: [otlp, file_log]
      processors:
        - tail_sampling
        - redaction
      exporters: [otlp]
"""

WARNINGS = [
    (17, "pipeline traces: tail_sampling judges what this node sees (file_log reads the files of its pods)"),
    (5, "redaction masks job_id, job.id, jobId, ... before tail_sampling sees it: the family job_id reads it there"),
    (22, "pipeline logs: tail_sampling stands before redaction"),
]


@only_weft("it warns of other things")
class WarningsTest(OutsideInCase):
    def validate(self, text):
        path = pathlib.Path(self.temporary_directory()) / "weft.yaml"
        path.write_text(text)
        code, lines = framecast.validate(path)
        self.assertEqual((code, lines[-1]), (0, "the config is valid"))
        return [line.replace(f"{path}", "weft.yaml") for line in lines[:-1]]

    def test_each_names_its_line(self):
        lines = self.validate(CONFIG)
        self.assertEqual(len(lines), len(WARNINGS), lines)
        for line, (number, text) in zip(lines, WARNINGS):
            self.assertTrue(line.startswith(f"warning: weft.yaml:{number}: {text}"), line)

    def test_what_they_say_is_enough(self):
        mended = CONFIG.replace("0.0.0.0", "127.0.0.1")
        mended = mended.replace("    blocked_key", "    ignored_keys: [job_id, job.id, jobId, framecast.job_id, framecast.job.id]\n    blocked_key")
        mended = mended.replace("        - tail_sampling\n        - redaction\n", "        - redaction\n        - tail_sampling\n")
        self.assertEqual(self.validate(mended), [])
