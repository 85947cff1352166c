"""The official Python SDK, straight to the backend and through weft: the same spans must arrive."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness.case import OutsideInCase
from clients import Doors, play_python, sdk_python

SPAN_COUNT = 1 + 9 + 1 + 600


def play(address, compression):
    play_python("grpc", Doors(address, None), compression, "traces")


class PythonSdkTest(OutsideInCase):
    @classmethod
    def setUpClass(cls):
        sdk_python()

    def compare(self, compression, processors):
        direct, behind = self.backend(), self.backend()
        address, _ = self.passing_through(behind, processors)
        play(direct.address, compression)
        self.assertEqual(len(direct.wait_for_spans(SPAN_COUNT)), SPAN_COUNT)
        play(address, compression)
        behind.wait_for_spans(SPAN_COUNT)
        self.assert_same_spans(direct.bodies(), behind.bodies())

    def test_spans_arrive_unchanged(self):
        self.compare("none", {})

    def test_spans_with_gzip_arrive_unchanged_through_batch(self):
        self.compare("gzip", {"batch": {"timeout": "50ms"}})
