"""Header blocks that are small on the wire and large to whoever keeps them (CVE-2026-49975), under a closed window."""

import itertools
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from attack_case import MIB, AttackCase
from harness import http2_frames as h2
from harness import otlp
from harness.case import only_weft
from harness.http2_frames import Attacker

CONNECTIONS = 10
STREAMS = 100
BYTES_PER_CONNECTION = 2 * MIB
SETTLING = 16 * MIB  # what the good client and the runtime need besides
CLOSED_WINDOW = h2.PREFACE + h2.settings(INITIAL_WINDOW_SIZE=0)
BLOCK = h2.grpc_block(otlp.TRACES_METHOD)


def block_of(extra, size=16_000):
    """The header block of a call with so many bytes more, cut into HEADERS and CONTINUATION."""
    return BLOCK + extra * ((size - len(BLOCK)) // len(extra))


INDEXED = block_of(b"\x90")  # accept-encoding: gzip, deflate
CRUMBS = block_of(h2.literal("cookie", "a"))
LARGE_FIELD = h2.literal("x-large", "y" * 3_900, is_indexed=True)
LARGE_INDEXED = b"\xbe"  # the newest of the dynamic table


@only_weft("its limits are others")
class HeaderBombs(AttackCase):
    def bomb(self, what, first_block, block):
        """So many connections, each with so many calls that can never be answered, because the window is closed."""
        attackers = [self.start(Attacker(self.address, CLOSED_WINDOW)) for _ in range(CONNECTIONS)]
        for attacker in attackers:
            attacker.queue(h2.headers(1, first_block) + b"".join(h2.headers(stream, block)
                                                                for stream in range(3, 2 * STREAMS + 1, 2)))
        ended = h2.drive_all(attackers, 5.0, lambda: all(one.ended.is_over for one in attackers))
        self.say(f"{what}: {sum(one.is_over for one in ended)} of {len(ended)} over, the last after "
                 f"{max(one.seconds for one in ended):.2f} s, {ended[0].goaway} {ended[0].debug}")
        return ended

    def test_bombs_are_refused(self):
        for what, first, block in (("indexed fields", BLOCK, INDEXED), ("cookie crumbs", BLOCK, CRUMBS),
                                   ("large indexed fields", BLOCK + LARGE_FIELD, block_of(LARGE_INDEXED))):
            with self.subTest(what):
                for one in self.bomb(what, first, block):
                    # What is still on its way makes a reset, which may overtake the last words.
                    self.assertTrue(one.is_over, f"still open: {one}")
                    self.assertIn(one.goaway, (h2.ENHANCE_YOUR_CALM, None), str(one))
        self.assert_good_client_untouched(CONNECTIONS * BYTES_PER_CONNECTION + SETTLING)

    def test_bombs_again_and_again_are_ended(self):
        """A few such calls are more than a connection may have wrong that does nothing else."""
        for what, block in (("indexed fields", INDEXED), ("cookie crumbs", CRUMBS), ("large", block_of(LARGE_INDEXED))):
            with self.subTest(what), Attacker(self.address, CLOSED_WINDOW) as attacker:
                calls = (h2.headers(stream, block) for stream in range(3, 4_001, 2))
                ended = attacker.drive(itertools.chain([h2.headers(1, BLOCK + LARGE_FIELD)], calls), seconds=5.0)
                self.say(f"{what}: {ended}")
                self.assert_ended(ended, 2.0, (h2.ENHANCE_YOUR_CALM,))
        self.assert_good_client_untouched(CONNECTIONS * BYTES_PER_CONNECTION + SETTLING)

    def test_blocks_of_several_frames_are_bounded(self):
        """A block beyond the limit on the wire ends its connection at once."""
        with Attacker(self.address) as attacker:
            pieces = [h2.headers(1, BLOCK, 0)] + [h2.frame(h2.CONTINUATION, 0, 1, bytes(b"\x90" * 16_000))] * 3
            attacker.queue(b"".join(pieces) + h2.frame(h2.CONTINUATION, h2.END_HEADERS, 1, b"\x90"))
            self.assert_ended(attacker.drive(seconds=3.0), 1.0, (h2.ENHANCE_YOUR_CALM,))
        self.assert_good_client_untouched(SETTLING)
