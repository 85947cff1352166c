"""Clients that stop half-way and hold on. Each is ended by its deadline, and meanwhile new clients are served at once."""

import pathlib
import statistics
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from attack_case import IS_FULL, MIB, AttackCase
from harness import http2_frames as h2
from harness import otlp
from harness.case import only_weft
from harness.client import Outcome
from harness.http2_frames import Attacker

CONNECTIONS = 2_000 if IS_FULL else 300
NON_READERS = 20 if IS_FULL else 0  # their deadline is 30 s
BYTES_PER_CONNECTION = 64 * 1024
NEW_CONNECTION_SECONDS = 0.1
OPENING = h2.PREFACE + h2.frame(h2.SETTINGS)
BLOCK = h2.grpc_block(otlp.TRACES_METHOD)
EMPTY_CALL = h2.frame(h2.DATA, h2.END_STREAM, 1, b"\0" + struct.pack(">I", 0))
MESSAGE_BEGUN = h2.headers(1, BLOCK) + h2.frame(h2.DATA, 0, 1, b"\0" + struct.pack(">I", 1 * MIB) + bytes(1_000))
DEADLINE_EXCEEDED = b"\x0bgrpc-status\x014"

# What each has sent, what it sends once a second, its deadline in seconds, and whether the connection ends then or only
# its call.
STUCK = {
    "nothing": (b"", b"", 5, True),
    "half a preface": (h2.PREFACE[:12], b"", 5, True),
    "no settings": (h2.PREFACE, b"", 5, True),
    "half of settings": (h2.PREFACE + h2.settings(INITIAL_WINDOW_SIZE=1)[:10], b"", 5, True),
    "headers without an end": (OPENING + h2.headers(1, BLOCK, 0), b"", 10, True),
    "headers byte by byte": (OPENING + h2.frame(h2.HEADERS, h2.END_HEADERS, 1, BLOCK[:20], length=2_000), BLOCK[20:21], 10, True),
    "half a message": (OPENING + MESSAGE_BEGUN, b"", 15, False),
    "a message byte by byte": (OPENING + MESSAGE_BEGUN, h2.frame(h2.DATA, 0, 1, b"x"), 15, False),
    "half a prefix": (OPENING + h2.headers(1, BLOCK) + h2.frame(h2.DATA, 0, 1, b"\0\0"), b"", 15, False),
    "headers and no more": (OPENING + h2.headers(1, BLOCK), b"", 15, False),
    "a closed window": (h2.PREFACE + h2.settings(INITIAL_WINDOW_SIZE=0) + h2.headers(1, BLOCK) + EMPTY_CALL
                        + h2.headers(3, BLOCK) + EMPTY_CALL[:5] + struct.pack(">I", 3) + EMPTY_CALL[9:], h2.window_update(0, 1),
                        10, True),
}
GRACE_SECONDS = 1.5


class StuckClient:
    def __init__(self, address, kind):
        self.kind = kind
        opening, self.dribble, self.deadline, self.is_connection = STUCK[kind]
        self.attacker = Attacker(address, opening)
        self.done_seconds = None

    def look(self):
        """Whether weft has ended what hangs."""
        if self.done_seconds is None:
            if self.attacker.ended.is_over:
                self.done_seconds = self.attacker.ended.seconds
            elif not self.is_connection and any(stream == 1 for _, _, stream, _ in self.attacker.frames
                                                if _ is not None) and self.attacker.count(h2.HEADERS):
                self.done_seconds = time.monotonic() - self.attacker.started
        return self.done_seconds is not None


@only_weft("its deadlines are others")
class SlowClients(AttackCase):
    grpc_settings = {"max_connections": CONNECTIONS + 200, "max_connections_per_address": CONNECTIONS + 200}

    def new_connection_seconds(self):
        """From connect() to the answer of a whole call."""
        first = self.load.take_number()
        started = time.monotonic()
        with Attacker(self.address) as client:
            message = otlp.numbered_request(first, self.load.spans_per_request)
            client.queue(h2.grpc_call(1, otlp.TRACES_METHOD, message))
            client.drive(seconds=5.0, is_done=lambda: client.count(h2.HEADERS) >= 2)
            taken = time.monotonic() - started
            self.assertGreaterEqual(client.count(h2.HEADERS), 2, f"no answer: {client.frames}")
        with self.load.lock:
            self.load.ranges[Outcome.ACCEPTED].append(first)
        return taken

    def non_reader(self):
        """Sends calls and never reads an answer."""
        attacker = self.start(Attacker(self.address, receive_buffer=4_096))
        calls = b"".join(h2.headers(stream, BLOCK) + h2.frame(h2.DATA, h2.END_STREAM, stream, bytes(5))
                         for stream in range(1, 100_001, 2))
        attacker.drive(iter([calls]), seconds=2.0, is_reading=False)
        return attacker

    def test_stuck_clients_are_ended(self):
        kinds = list(STUCK)
        non_readers = [self.non_reader() for _ in range(NON_READERS)]  # takes seconds, in which no other is looked at
        clients = [StuckClient(self.address, kinds[number % len(kinds)]) for number in range(CONNECTIONS)]
        for client in clients:
            self.start(client.attacker)
        taken, next_second = [], time.monotonic() + 1.0
        end = time.monotonic() + max(client.deadline for client in clients) + GRACE_SECONDS
        while time.monotonic() < end and not all(client.look() for client in clients):
            hanging = [client.attacker for client in clients if not client.attacker.ended.is_over]
            h2.drive_all(hanging, 0.1)
            if time.monotonic() >= next_second:
                next_second += 1.0
                taken.append(self.new_connection_seconds())
                for client in clients:
                    if client.dribble and not client.attacker.ended.is_over:
                        client.attacker.queue(client.dribble)
        for kind in kinds:
            seconds = [client.done_seconds for client in clients if client.kind == kind]
            ended = [one for one in seconds if one is not None]
            self.assertEqual(len(ended), len(seconds), f"{kind}: {len(seconds) - len(ended)} of {len(seconds)} still hang")
            self.say(f"{kind}: {len(ended)} ended after {min(ended):.1f} to {max(ended):.1f} s")
            self.assertLessEqual(max(ended), STUCK[kind][2] + GRACE_SECONDS, kind)
        self.say(f"new connections: median {statistics.median(taken) * 1e3:.1f} ms, slowest {max(taken) * 1e3:.1f} ms")
        self.assertLess(statistics.median(taken), NEW_CONNECTION_SECONDS)
        self.assertLess(max(taken), 10 * NEW_CONNECTION_SECONDS)
        self.end_of_non_readers(non_readers)
        self.assert_good_client_untouched(CONNECTIONS * BYTES_PER_CONNECTION + NON_READERS * 2 * MIB + 16 * MIB)

    def end_of_non_readers(self, non_readers):
        """weft gives up 30 s after the last byte that it could write; only then do they look."""
        if not non_readers:
            return
        time.sleep(max(0.0, non_readers[-1].started + 36.0 - time.monotonic()))
        for ended in h2.drive_all(non_readers, 2.0):
            self.assertTrue(ended.is_over, str(ended))


@only_weft("it takes any number of connections")
class FullHouse(AttackCase):
    """All places are taken by clients that hang: the one that has been silent for longest makes room."""

    grpc_settings = {"max_connections": 50}

    def test_busy_looking_clients_make_room(self):
        clients = [self.start(Attacker(self.address, OPENING + MESSAGE_BEGUN)) for _ in range(100)]
        h2.drive_all(clients, 1.5)
        self.assertGreater(sum(client.ended.is_over for client in clients), 40)
        for _ in range(10):
            self.assert_next_client_is_served()
        self.assert_good_client_untouched()


@only_weft("it has no such setting")
class PerAddress(AttackCase):
    grpc_settings = {"max_connections_per_address": 10}

    def test_one_address_has_its_share_only(self):  # its own make room: test_attacks_connections.py
        clients = [self.start(Attacker(self.address)) for _ in range(40)]
        h2.drive_all(clients, 0.5)
        self.assertEqual(sum(not client.ended.is_over for client in clients), 10 - self.load_connection_count())
        for client in clients:
            client.close()
        time.sleep(0.2)
        self.assert_good_client_untouched()

    def load_connection_count(self):
        return self.good_senders
