"""Streams beyond max_concurrent_streams, and connections of which nothing but errors comes, however slowly."""

import itertools
import pathlib
import re
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from attack_case import AttackCase, seconds
from harness import http2_frames as h2
from harness import otlp
from harness.case import only_weft
from harness.http2_frames import Attacker

REQUESTS = 3_000
AT_ONCE = 300
LIMIT = 10
RUNS = 5
BLOCK = h2.grpc_block(otlp.TRACES_METHOD)
EMPTY_CALL = b"\0" + struct.pack(">I", 0)


@only_weft("its limits are others")
class ConcurrentStreams(AttackCase):
    grpc_settings = {"max_concurrent_streams": LIMIT}

    def h2load(self):
        """What h2load counted: it opens AT_ONCE before it can know the limit, and keeps to it as soon as it does."""
        body = pathlib.Path(self.temporary_directory()) / "empty"
        body.write_bytes(EMPTY_CALL)
        command = ["h2load", "-n", REQUESTS, "-c", 1, "-m", AT_ONCE, "-d", body, "-H", "content-type: application/grpc",
                   "-H", "te: trailers", f"http://{self.address}{otlp.TRACES_METHOD}"]
        said = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60, check=True).stdout
        line = next(line for line in said.splitlines() if line.startswith("requests:"))
        print(f"  {line}", flush=True)
        return {name: int(count) for count, name in re.findall(r"(\d+) (\w+)", line)}

    def test_a_client_with_more_streams_goes_on(self):
        """Each request ends in an answer or in a refusal, on the one connection."""
        succeeded = 0
        for _ in range(RUNS):
            counts = self.h2load()
            self.assertEqual(counts["done"], REQUESTS)
            self.assertGreaterEqual(counts["succeeded"], REQUESTS - AT_ONCE)
            succeeded += counts["succeeded"]
        refused = sum(value for name, _, value in self.program.metrics()
                      if name.startswith("weft_grpc_server_calls_refused"))
        print(f"  {refused:.0f} streams were refused", flush=True)
        self.assertEqual(succeeded + refused, RUNS * REQUESTS)
        self.assert_good_client_untouched()

    def test_streams_beyond_the_limit_cost_only_themselves(self):
        """Opened before the client can know the limit, and so many after it."""
        headers = b"".join(h2.headers(stream, BLOCK) for stream in range(1, 2 * AT_ONCE, 2))
        data = b"".join(h2.frame(h2.DATA, h2.END_STREAM, stream, EMPTY_CALL) for stream in range(1, 2 * AT_ONCE, 2))
        with Attacker(self.address, h2.PREFACE + h2.frame(h2.SETTINGS) + headers + data) as client:
            client.drive(seconds=5.0, is_done=lambda: client.count(h2.HEADERS) >= 2 * LIMIT)
            self.say(f"before: {client.count(h2.HEADERS) // 2} answers, {client.count(h2.RST_STREAM)} refused")
            self.assertEqual(client.count(h2.HEADERS), 2 * LIMIT)
            self.assertEqual(client.count(h2.RST_STREAM), AT_ONCE - LIMIT)
            client.agree()
            first = 2 * AT_ONCE + 1
            streams = range(first, first + 4 * LIMIT, 2)
            client.queue(b"".join(h2.headers(stream, BLOCK) for stream in streams)
                         + b"".join(h2.frame(h2.DATA, h2.END_STREAM, stream, EMPTY_CALL) for stream in streams))
            client.drive(seconds=5.0, is_done=lambda: client.count(h2.HEADERS) >= 4 * LIMIT)
            self.assertFalse(client.ended.is_over, str(client.ended))
            self.assertEqual(client.count(h2.RST_STREAM), AT_ONCE)
            codes = {int.from_bytes(payload, "big") for kind, _, _, payload in client.frames if kind == h2.RST_STREAM}
            self.assertEqual(codes, {h2.REFUSED_STREAM})
        self.assert_good_client_untouched()

    def test_who_takes_no_notice_is_ended(self):
        with Attacker(self.address) as attacker:
            attacker.agree()
            calls = (h2.headers(stream, BLOCK) for stream in range(1, 40_001, 2))
            ended = attacker.drive(calls, seconds=10.0)
            self.say(f"streams without an end: {ended}, {attacker.count(h2.RST_STREAM)} refused")
            self.assert_ended(ended, 3.0, (h2.ENHANCE_YOUR_CALM,))
        self.assert_good_client_untouched()


@only_weft("its limits are others")
class SlowErrors(AttackCase):
    """Below every burst: some bad calls a second and never a good one."""

    PER_SECOND = seconds(1, 8)
    END_SECONDS = seconds(25, 4)

    KINDS = {
        "65 fields": lambda stream: h2.headers(stream, BLOCK + h2.literal("x", "y") * 65),
        "16 KiB of indexed fields": lambda stream: h2.headers(stream, BLOCK + b"\x90" * 15_900),
        "a name with a space": lambda stream: h2.headers(stream, BLOCK + h2.literal("a b", "c")),
        "a value with a line's end": lambda stream: h2.headers(stream, BLOCK + h2.literal("x", "a\r\nb")),
        "a window that overflows": lambda stream: h2.headers(stream, BLOCK) + h2.window_update(stream, 0x7FFFFFFF),
        "no method": lambda stream: h2.headers(stream, h2.literal(":path", "/") + h2.literal(":scheme", "http")),
    }

    def test_slow_errors_are_ended(self):
        attackers = {kind: self.start(Attacker(self.address)) for kind in self.KINDS}
        for number in itertools.count():
            for kind, attacker in attackers.items():
                if not attacker.ended.is_over:
                    attacker.queue(self.KINDS[kind](2 * number + 1))
            open_ones = [attacker for attacker in attackers.values() if not attacker.ended.is_over]
            if not open_ones or number > self.END_SECONDS * self.PER_SECOND:
                break
            h2.drive_all(open_ones, 1 / self.PER_SECOND, lambda: False)
        for kind, attacker in attackers.items():
            self.say(f"{kind}: {attacker.ended}")
        for kind, attacker in attackers.items():
            with self.subTest(kind):
                self.assert_ended(attacker.ended, self.END_SECONDS, (h2.ENHANCE_YOUR_CALM,))
        self.assert_good_client_untouched()
