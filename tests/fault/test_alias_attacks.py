"""Words that are meant to join what does not belong together: ten thousand traces with one job id, ids that say nothing, links
in chains, all of it while rules change or the process is killed. What it costs is bounded and counted, nobody else is joined,
and the books are exact."""

import json
import pathlib
import random
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from alias_case import FAILED_STATUS, AliasCase
from fault_case import for_each_worker_count
from harness import asking, otlp, wire
from harness.client import Outcome
from harness.places import is_stand_in

TRACES, FAILED, GROUP_MAX = 10_000, 9_000, 64
VICTIM = (20_000, 20_001, 20_002)  # traces of a job of somebody else's, one of which has failed
SAYING_NOTHING = ["", "a", "7", "xyz", "null", "NULL", "none", "None", "unknown", "default", "undefined", "0000", "00000000-0000-0000-0000-000000000000"]


def trace_id(number):
    return random.Random(number).randbytes(16)


def span(number, job, is_failed=False, links=()):
    extra = b"".join(wire.bytes_field(13, wire.bytes_field(1, trace_id(linked)) + wire.bytes_field(2, b"linked..")) for linked in links)
    return otlp.span(trace_id(number), otlp.numbered_span_id(number), "part", values={"job_id": job} if job is not None else {},
                     extra=extra + (FAILED_STATUS if is_failed else b""))


@unittest.skipIf(is_stand_in(), "it joins by trace ids only")
@for_each_worker_count
class AliasAttacks(AliasCase):

    def send(self, spans, at_once=100):
        for first in range(0, len(spans), at_once):
            client = self.clients[first // at_once % len(self.clients)]
            reply = client.export(otlp.request(spans[first:first + at_once]), otlp.TRACES_METHOD)
            self.assertEqual(reply.outcome, Outcome.ACCEPTED, (reply, self.program.process.log_tail()))

    def send_attack(self):
        spans = [span(number, "job_0001", number == FAILED) for number in range(TRACES)]
        self.send(spans[:5000])
        self.send([span(number, "job_0002", number == VICTIM[2]) for number in VICTIM], at_once=1)
        self.send(spans[5000:])

    def expect_exact_books(self, span_count):
        books = self.books()[0]
        self.assertEqual((books.disagreements(), books.accepted), ([], span_count))
        self.assertEqual(books.accepted, books.sent + books.dropped_count + books.waiting)
        self.assertEqual(books.sent, len(self.numbers_at_sink()))

    def fault_ten_thousand_traces_with_one_job_id(self):
        self.begin("4s")
        self.send_attack()
        self.expect_nothing_held()
        self.assertEqual(self.numbers_at_sink(), [FAILED, *VICTIM])
        self.expect_exact_books(TRACES + len(VICTIM))
        self.assertEqual((self.metric("weft_join_aliases_burnt"), self.metric("weft_join_groups_closed")), (1, 1))
        self.assertEqual((self.metric("weft_join_groups_begun"), self.metric("weft_join_group_members")), (2, GROUP_MAX + len(VICTIM)))
        self.assertLess(self.metric("weft_join_alias_bytes"), 1 << 20)
        self.assertEqual(self.program.process.log_text().count("tail_sampling.alias_burnt"), 1)
        _, text, _ = asking.command(self.program.program, "trace", "job_0001", "--endpoint", self.socket)
        self.assertIn("so many traces have this word that it joins none", text)
        _, text, _ = asking.command(self.program.program, "trace", "job_0002", "--json", "--endpoint", self.socket)
        self.assertEqual(len(json.loads(text)["group"]["members"]), len(VICTIM))

    def fault_ids_that_say_nothing_join_nobody(self):
        self.begin("2s")
        failed = [place * 10 + 3 for place in range(len(SAYING_NOTHING))]
        self.send([span(place * 10 + part, word, part == 3) for place, word in enumerate(SAYING_NOTHING) for part in range(6)], at_once=1)
        lines = [otlp.log_record(b"", otlp.numbered_span_id(place * 10 + 9), "a line", values={"job_id": word})
                 for place, word in enumerate(SAYING_NOTHING)]
        self.assertEqual(self.clients[0].export(otlp.request(lines), otlp.LOGS_METHOD).outcome, Outcome.ACCEPTED)
        self.expect_nothing_held()
        self.assertEqual(self.numbers_at_sink(), sorted(failed + [place * 10 + 9 for place in range(len(SAYING_NOTHING))]))
        self.assertEqual((self.metric("weft_join_alias_sightings"), self.metric("weft_join_groups_begun")), (0, 0))

    def fault_links_in_a_chain_keep_a_part_of_it(self):
        """Each trace links to the one before. What is kept is a piece of the chain around the failed one."""
        length, failed = 1500, 750
        self.begin("3s", families=["links"])
        self.send([span(number, None, number == failed, links=[number - 1] if number > 0 else []) for number in range(length)], at_once=10)
        self.expect_nothing_held()
        kept = self.numbers_at_sink()
        self.assertEqual(kept, list(range(kept[0], kept[0] + len(kept))))
        self.assertIn(failed, kept)
        self.assertLessEqual(len(kept), GROUP_MAX)
        self.expect_exact_books(length)
        self.assertLess(self.metric("weft_join_alias_bytes"), 4 << 20)

    def fault_rules_that_change_under_attack_lose_nothing(self):
        self.begin("1s")
        other = {"name": "x", "type": "string_attribute", "string_attribute": {"key": "x", "values": ["y"]}}
        for round in range(3):
            spans = [span(round * 5000 + number, "job_0001" if number % 2 else f"job_{number % 700:04}") for number in range(5000)]
            self.send(spans[:2500])
            self.sampling["policies"] = [other, *self.sampling["policies"]] if round != 1 else self.sampling["policies"][1:]
            self.reload()
            self.send(spans[2500:])
        self.expect_nothing_held()
        self.assertEqual(self.numbers_at_sink(), [])
        self.expect_exact_books(15_000)

    def fault_sigkill_under_attack_leaves_exact_books(self):
        self.begin("600s")
        self.send_attack()
        self.program.kill()
        self.program.start()
        books = self.books()[0]
        self.assertEqual((books.accepted, books.dropped, books.waiting), (TRACES + 3, {"crash": TRACES + 3}, 0))
        self.assertEqual(self.numbers_at_sink(), [])


if __name__ == "__main__":
    unittest.main()
