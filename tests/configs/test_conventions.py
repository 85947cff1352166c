"""docs/conventions.md does what it says, with the API played. With the real one: tests/interop/wide/test_conventions_rust.py."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import conventions_case


class ConventionsTest(conventions_case.ConventionsCase):
    def test_with_a_trace_in_the_event_all_hops_are_one_tree(self):
        self.check(has_trace=True)

    def test_without_one_the_job_id_joins_them(self):
        self.check(has_trace=False)
