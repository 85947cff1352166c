"""The story of ./dev run (tests/harness/story.py) with config/quickstart.yaml: what is kept, record by record, and what weft says
of it; and the same job lasting ten times decision_wait, of which the end fails when the beginning is long decided."""

import collections
import json
import pathlib
import sys
import time
import unittest

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from harness import asking, ledger, play, story
from harness.case import OutsideInCase
from harness.places import TREE, is_stand_in
from harness.process import free_port, wait_until


def records_of(path):
    """What stands in the file exporter's output, by the keys of the story."""
    for line in path.read_text().splitlines():
        request = json.loads(line)
        for kind, scopes, records in (("resourceSpans", "scopeSpans", "spans"), ("resourceLogs", "scopeLogs", "logRecords")):
            for resource in request.get(kind, []):
                for scope in resource[scopes]:
                    for record in scope[records]:
                        yield f"{record['traceId']} {record['name']}" if kind == "resourceSpans" else record["body"]["stringValue"]


@unittest.skipIf(is_stand_in(), "it joins by trace ids only")
class Story(OutsideInCase):
    def begin(self, workers=1, **sampling):
        self.folder = pathlib.Path(self.temporary_directory())
        text = (TREE / "config/quickstart.yaml").read_text().replace("${env:WEFT_STORY:-/tmp}", str(self.folder))
        config = yaml.safe_load(text)
        self.otlp, self.lines = (f"127.0.0.1:{free_port()}" for _ in range(2))
        config["receivers"]["otlp"]["protocols"] = {"grpc": {"endpoint": self.otlp}}
        config["receivers"]["jsonlog"]["protocols"]["http"]["endpoint"] = self.lines
        config["processors"]["tail_sampling"].update(sampling)
        self.program = self.start_program(config, [self.otlp, self.lines], workers=workers)
        self.player = play.Player(self.otlp, self.lines, self.folder)
        self.addCleanup(self.player.client.close)

    def wait_until_decided(self, accepted):
        def is_decided():
            document = ledger.read_document(self.program.admin)
            books = [ledger.from_document(document, signal) for signal in ("traces", "logs")]
            return sum(book.accepted for book in books) == accepted and all(book.waiting == 0 for book in books)
        self.assertTrue(wait_until(is_decided, 30.0), self.program.process.log_text()[-2000:])

    def ask(self, *words):
        status, text, said = asking.command(self.program.program, *words, "--state-dir", self.program.state_directory)
        self.assertEqual((status, said), (0, ""), text)
        return text

    def kept(self):
        return collections.Counter(records_of(self.folder / "kept.json"))

    def play_morning(self, workers):
        self.begin(workers)
        jobs = {}
        start_ns = time.time_ns()
        for number in (*range(1, 51), 789):
            job = story.Job(number, start_ns, number == 789)
            jobs[job.id] = list((story.failing if job.is_failing else story.healthy)(job))
        for messages in jobs.values():
            for message in messages:
                self.player.send(message)
        self.wait_until_decided(sum(message.count for messages in jobs.values() for message in messages))
        kept = self.kept()
        for job, messages in jobs.items():
            wanted = collections.Counter(key for message in messages for key in message.keys)
            found = collections.Counter({key: kept[key] for key in wanted if kept[key]})
            self.assertIn(found, (wanted,) if job == "job_789" else (wanted, collections.Counter()), job)
        self.assertEqual(set(kept), {key for key in kept for messages in jobs.values() for message in messages if key in message.keys})
        kept_jobs = sum(messages[0].keys[0] in kept for messages in jobs.values())
        self.assertLess(kept_jobs, 15)  # 4 in 100, and the one that failed
        text = (self.folder / "kept.json").read_text()
        for secret in (story.HEADER_SECRET, story.LINE_SECRET):
            self.assertNotIn(secret, text)
        self.assertEqual(text.count('"stringValue":"****"'), 2 * kept_jobs - (kept_jobs - 1))
        self.expect_group()

    def expect_group(self):
        answer = json.loads(self.ask("trace", "job_789", "--json"))
        members = answer["group"]["members"]
        self.assertEqual((answer["verdict"], answer["group"]["verdict"]), ("kept", "kept"))
        self.assertEqual({member["verdict"] for member in members}, {"kept"})
        self.assertEqual({member["policy"] for member in members}, {"failed"})
        dropped = next(number for number in range(1, 51)
                       if json.loads(self.ask("trace", f"job_{number:03}", "--json"))["verdict"] == "dropped")
        self.assertIn(f"job_{dropped:03} was dropped", self.ask("trace", f"job_{dropped:03}"))
        self.assertIn("sampled_out", self.ask("drops"))
        self.assertIn("the books balance", self.ask("ledger", "--audit"))

    def test_the_morning(self):
        self.play_morning(1)

    def test_the_morning_with_2_workers(self):
        self.play_morning(2)

    def test_a_job_ten_times_as_long_as_the_wait(self):
        """The beginning has no failure and is dropped when its time is up. Of what comes later each trace is judged alone: the
        failures are kept, and nothing on the wire says that they came late. Lines that are alone pass, as logs_without_trace_id says."""
        wait = 0.4
        self.begin(decision_wait=f"{int(wait * 1000)}ms", policies=[
            {"name": "failed", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}},
            {"name": "failed-in-a-line", "type": "log_severity", "log_severity": {"min_severity": "ERROR"}}])
        messages = list(story.failing(story.Job(789, time.time_ns(), True)))
        early, late = messages[:3], messages[3:]
        for message in early:
            self.player.send(message)
        self.wait_until_decided(sum(message.count for message in early))
        for message in late:
            self.player.send(message)
            time.sleep(10 * wait / len(late))
        self.wait_until_decided(sum(message.count for message in messages))
        passed = (message for message in late if message.is_failed or message.way != story.OTLP)
        self.assertEqual(self.kept(), collections.Counter(key for message in passed for key in message.keys))
        self.assertNotIn("late_member", (self.folder / "kept.json").read_text())
        group = json.loads(self.ask("trace", "job_789", "--json"))["group"]
        by_trace = {member["trace_id"]: member for member in group["members"] if "trace_id" in member}
        self.assertEqual(group["verdict"], "dropped")
        for message in messages:
            if message.way == story.OTLP:
                member = by_trace[message.keys[0].split()[0]]
                is_late = message in late
                self.assertEqual((member["verdict"], member.get("late_member", False)),
                                 ("kept" if message.is_failed and is_late else "dropped", is_late), message)
