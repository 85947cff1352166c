"""What was dropped, and whose it was, asked over admin.sock: against the ledger and against what the test made happen;
and the socket itself, with what dead processes leave, links in its place, and clients that mean harm."""

import functools
import http.client
import json
import os
import pathlib
import random
import re
import socket
import stat
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import grpc

from fault_case import for_each_worker_count
from harness import asking, config as configs, otlp
from harness.backend import Answer, Backend
from harness.case import OutsideInCase
from harness.client import Outcome
from harness.places import TREE, is_stand_in, program_under_test
from harness.process import free_port, wait_until
from harness.under_test import UnderTest


def spans_of(service, first, count):
    trace_id = (first + 1).to_bytes(16, "big")
    spans = [otlp.span(trace_id, otlp.numbered_span_id(number), "span") for number in range(first, first + count)]
    return otlp.request(spans, resource={"service.name": service} if service else {})


@unittest.skipIf(is_stand_in(), "it cannot be asked")
@for_each_worker_count
class Asking(OutsideInCase):
    workers = 1

    def begin(self, answer=None, processors=None, **exporter):
        self.sink = self.start(Backend(answer=answer))
        self.address = f"127.0.0.1:{free_port()}"
        config = configs.pipeline(self.address, {"otlp": configs.otlp_exporter(self.sink.address, **exporter)}, processors)
        self.program = self.start_program(config, [self.address], workers=self.workers)
        self.socket = self.program.state_directory / "admin.sock"

    def send_to_all_workers(self, bodies):
        """Each over a connection of its own, so that every worker gets some."""
        clients = [self.client(self.address) for _ in range(8)]
        return [clients[i % len(clients)].export(body) for i, body in enumerate(bodies)]

    def settled(self):
        self.assertTrue(wait_until(lambda: self.program.ledger().waiting == 0, 20.0), "something waits on")
        return self.program.ledger(is_audited=True)

    def by_reason(self, ledger):
        reasons = dict(ledger.dropped)
        reasons.update(refused=ledger.refused, rejected=ledger.rejected)
        return {("traces", reason): count for reason, count in reasons.items() if count}

    def fault_drops_are_whose_they_were(self):
        """The backend refuses one service for good, takes another in part, and is out of reach for a third."""
        def answer(number, body):
            if b"refused-service" in body:
                return Answer(status=grpc.StatusCode.INVALID_ARGUMENT, message="no")
            if b"away-service" in body:
                return Answer(status=grpc.StatusCode.UNAVAILABLE, message="away")
            return Answer(rejected=2) if b"partly-service" in body else Answer()

        self.begin(answer, retry_on_failure={"initial_interval": "20ms", "max_interval": "20ms", "max_elapsed_time": "100ms"})
        before = time.time()
        model = {}
        bodies = []
        dice = random.Random(7)
        for first in range(0, 4000, 100):
            service = dice.choice(["refused-service", "away-service", "partly-service", "good-service"])
            count = dice.randint(5, 100)
            bodies.append(spans_of(service, first, count))
            reason, lost = {"refused-service": ("rejected", count), "away-service": ("retries_exhausted", count),
                            "partly-service": ("rejected", 2), "good-service": ("", 0)}[service]
            if lost:
                key = ("traces", reason, "", service)
                model[key] = model.get(key, 0) + lost
        self.send_to_all_workers(bodies)
        ledger = self.settled()
        answer = asking.drops(self.socket)
        self.assertEqual(answer["records"], model)
        self.assertTrue(answer["balanced"])
        self.assertEqual(asking.drops(self.socket, by="reason")["records"], self.by_reason(ledger))
        recent = asking.drops(self.socket, since=f"{int(time.time() - before) + 2}s")
        self.assertEqual(recent["records"], model)
        time.sleep(2.1)
        later = asking.drops(self.socket, since="1s")
        self.assertEqual((later["records"], later["windows"], later["balanced"]), ({}, "1s", True))

        status, text, said = asking.command(self.program.program, "drops", "--state-dir", self.program.state_directory)
        self.assertEqual((status, said), (0, ""))
        self.assertIn("refused-service", text)
        self.assertIn("as the ledger says", text)
        status, text, _ = asking.command(self.program.program, "drops", "--endpoint", self.socket, "--json", "--by", "service")
        self.assertEqual(status, 0)
        self.assertEqual(sum(row["records"] for row in json.loads(text)["drops"]), sum(model.values()))
        for place in (("--state-dir", self.program.state_directory), ("--endpoint", self.socket)):
            status, text, said = asking.command(self.program.program, "ledger", "--audit", *place)
            self.assertEqual((status, said), (0, ""))
            self.assertIn("the books balance", text)

    def fault_rules_of_redactions_are_counted_over_all_workers(self):
        """And the redaction before another one sees what that one does not."""
        rules = {"allow_all_keys": True, "detectors": ["email", "ipv4"], "scope": "all"}
        self.begin(processors={"redaction": rules, "redaction/two": {"allow_all_keys": True, "blocked_values": ["example", "to"]}})
        self.send_to_all_workers([spans_of(f"to {number}@example.com", number * 5, 5) for number in range(40)])
        self.settled()
        code, answer = asking.get(self.socket, "/v1/ledger?redactions=1")
        counts = {(row["processor"], row["signal"], row["rule"]): (row["values"], row["limits"]) for row in answer["redactions"]}
        self.assertEqual((code, counts), (200, {
            ("redaction", "traces", "detector email"): (40, 0), ("redaction", "traces", "detector ipv4"): (0, 0),
            ("redaction", "traces", "decode"): (0, 0), ("redaction/two", "traces", "blocked_values[0]"): (0, 0),
            ("redaction/two", "traces", "blocked_values[1]"): (40, 0)}))
        status, text, said = asking.command(self.program.program, "ledger", "--redactions", "--audit", "--endpoint", self.socket)
        self.assertEqual((status, said), (0, ""))
        self.assertRegex(text, r"(?s)balance.*redaction +traces +detector email +40 +0\n.*audit: the structures")

    def fault_refusals_and_a_full_queue_are_broken_down(self):
        self.begin(lambda number, body: Answer(delay=0.3), processors={"batch": {"timeout": "20ms"}},
                   sending_queue={"queue_size": 2, "num_consumers": 1})
        replies = self.send_to_all_workers([spans_of(f"service-{i % 3}", i * 10, 10) for i in range(60)])
        ledger = self.settled()
        answer = asking.drops(self.socket)
        self.assertTrue(answer["balanced"])
        self.assertEqual(asking.drops(self.socket, by="reason")["records"], self.by_reason(ledger))
        accepted = sum(10 for reply in replies if reply.outcome == Outcome.ACCEPTED)
        lost = sum(count for key, count in answer["records"].items() if key[1] != "refused")
        self.assertEqual(len(set(self.sink.confirmed_span_ids())), accepted - lost)
        self.assertGreater(lost + ledger.refused, 0)
        self.assertEqual({key[3] for key in answer["records"]} - {"service-0", "service-1", "service-2"}, set())

    def fault_what_a_kill_lost_falls_at_the_start(self):
        self.begin(lambda number, body: Answer(status=grpc.StatusCode.UNAVAILABLE, message="away"))
        self.send_to_all_workers([spans_of("api", i * 10, 10) for i in range(8)])
        self.assertTrue(wait_until(lambda: self.program.ledger().queued == 80, 10.0), f"{self.program.ledger()}")
        self.program.kill()
        self.assertTrue(stat.S_ISSOCK(os.lstat(self.socket).st_mode), "a killed process leaves its socket")
        self.program.start()
        answer = asking.drops(self.socket)
        self.assertEqual(answer["records"], {("traces", "crash", "", ""): 80})
        self.assertTrue(answer["drops"][0]["at_start"])
        self.assertEqual((answer["windows"], answer["balanced"]), ("start", True))
        time.sleep(1.2)
        self.assertEqual(asking.drops(self.socket, since="0s")["records"], {})
        self.program.stop()
        self.program.start()  # those of this start only
        self.assertEqual(asking.drops(self.socket)["records"], {})

    def fault_clients_that_mean_harm(self):
        self.begin()
        harm = []
        for i in range(1000):
            peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            peer.settimeout(5.0)
            try:
                peer.connect(str(self.socket))
                peer.send((b"", b"GET /v1/drops HTTP/1.1\r\nHost: x\r\n", b"GET /" + b"x" * 20000, b"\x16\x03\x01",
                           b"POST /v1/drops HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n" + b"y" * 30000)[i % 5])
                harm.append(peer)
            except OSError:
                peer.close()  # turned away: as it should be
        self.assertEqual(self.client(self.address).export(spans_of("api", 0, 5)).outcome, Outcome.ACCEPTED)
        for peer in harm:
            peer.close()
        self.assertTrue(wait_until(lambda: self.is_answered(), 15.0), "the socket does not answer any more")
        for target, code in (("/v1/traces/abc", 404), ("/v1/traces/%00", 400), ("/v1/traces/" + "x" * 300, 400),
                             ("/v1/drops?since=x", 400), ("/v1/drops/x", 404), ("/nothing", 404)):
            answer_code, answer = asking.get(self.socket, target)
            self.assertEqual(answer_code, code, (target, answer))
            self.assertIn("code", answer["error"])

    def is_answered(self):
        try:
            return asking.get(self.socket, "/health")[0] == 200
        except (OSError, ValueError):
            return False


@unittest.skipIf(is_stand_in(), "it cannot be asked")
class AdminSocket(OutsideInCase):
    def begin(self):
        address = f"127.0.0.1:{free_port()}"
        self.program = UnderTest(configs.pipeline(address, {"nop": {}}), [address], directory=self.temporary_directory())
        self.program.state_directory.mkdir()
        self.socket = self.program.state_directory / "admin.sock"
        self.addCleanup(lambda: self.program.process and self.program.process.kill())

    def test_it_is_the_owners_and_goes_at_the_end(self):
        self.begin()
        self.program.start()
        mode = os.lstat(self.socket).st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o600)
        self.assertEqual(asking.get(self.socket, "/health"), (200, {"status": "ok"}))
        self.assertEqual(asking.get(self.socket, "/v1/ledger?audit=1")[1]["audit"]["agrees"], True)
        self.program.stop()
        self.assertFalse(os.path.lexists(self.socket))

    def test_methods_and_pages_of_both_ports(self):
        """Questions are answered on the socket alone; a page takes GET and HEAD; what is no page is 404 whatever the method."""
        self.begin()
        self.program.start()
        port = functools.partial(http.client.HTTPConnection, self.program.admin, timeout=10)
        for connect, has_questions in ((port, False), (functools.partial(asking.UnixConnection, self.socket, 10.0), True)):
            for method, target, code in (("GET", "/ready", 200), ("HEAD", "/ready", 200), ("POST", "/ready", 405), ("OPTIONS", "/ready", 405),
                                         ("GET", "/ready/", 404), ("POST", "/nothing", 404), ("PUT", "/v1/drops", 405 if has_questions else 404),
                                         ("GET", "/v1/drops", 200 if has_questions else 404)):
                with self.subTest(method=method, target=target, has_questions=has_questions):
                    status, headers, body = asking.request(connect(), method, target)
                    self.assertEqual(status, code, body)
                    self.assertEqual(headers.get("allow"), "GET, HEAD" if code == 405 else None)
                    self.assertEqual(len(body) > 0, method != "HEAD")
                    if code >= 400:
                        error = json.loads(body)["error"]
                        self.assertEqual(error["code"], "METHOD_NOT_ALLOWED" if code == 405 else "NOT_FOUND")
                        if code == 404:
                            self.assertEqual("/v1/drops" in error["help"], has_questions)

    def test_a_link_in_its_place_is_not_followed(self):
        self.begin()
        elsewhere = self.program.directory / "elsewhere"
        os.symlink(elsewhere, self.socket)
        self.program.start()
        self.assert_logged('"admin.none"', self.program)
        self.program.stop()
        self.assertFalse(os.path.lexists(elsewhere))
        self.assertTrue(os.path.islink(self.socket))

    def test_commands_say_that_nobody_can_be_asked(self):
        self.begin()
        weft = self.program.program
        for command in (["drops"], ["trace", "abc"]):
            status, text, said = asking.command(weft, *command, "--state-dir", self.program.state_directory)
            self.assertEqual((status, text), (2, ""))
            self.assertIn("admin.sock", said)
            self.assertEqual(asking.command(weft, *command, "--state-dir", "")[0], 2)
            self.assertEqual(asking.command(weft, *command, "--endpoint", "127.0.0.1:1")[0], 2)
            self.assertEqual(asking.command(weft, *command, "--nonsense")[0], 2)
        self.program.start()
        status, _, said = asking.command(weft, "trace", "abc", "--state-dir", self.program.state_directory)
        self.assertEqual(status, 2)
        self.assertIn("no processor of this agent judges traces", said)
        status, _, said = asking.command(weft, "drops", "--since", "soon", "--state-dir", self.program.state_directory)
        self.assertEqual(status, 2)
        self.assertIn("since is not a duration (since: soon)", said)
        self.program.stop()

    def answer_once(self, path, code, body):
        """Somebody who answers one request on the socket as told; the request line that came."""
        listener = self.start(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        listener.bind(str(path))
        listener.listen(1)
        listener.settimeout(10.0)
        asked = []

        def serve():
            peer, _ = listener.accept()
            with peer:
                peer.settimeout(10.0)
                head = b""
                while b"\r\n\r\n" not in head:
                    head += peer.recv(4096)
                asked.append(head.split(b"\r\n")[0].decode())
                peer.sendall(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (code, len(body), body))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        return thread, asked

    def test_exit_statuses_tell_verdicts_apart(self):
        weft, directory = program_under_test(), pathlib.Path(self.temporary_directory())
        documented = re.search(r'```json\n({"word".*?)```', (TREE / "docs" / "asking.md").read_text(), re.S).group(1)
        cases = [(200, {"word": "a", "verdict": "held"}, 0), (200, {"verdict": "dropped"}, 0), (200, {"verdict": "not_seen"}, 3),
                 (200, {"verdict": "forgotten"}, 4), (200, {"verdict": "else"}, 2), (200, {}, 2), (200, [], 2), (500, "", 2),
                 (404, {"error": {"message": "no", "help": "yes"}}, 2), (200, json.loads(documented), 0)]
        for number, (code, answer, expected) in enumerate(cases):
            path = directory / f"{number}.sock"
            thread, asked = self.answer_once(path, code, json.dumps(answer).encode())
            status, text, said = asking.command(weft, "trace", "a/b 1", "--endpoint", path)
            thread.join(10)
            self.assertEqual(status, expected, (answer, text, said))
            self.assertEqual(asked, ["GET /v1/traces/a%2Fb%201 HTTP/1.1"])
            self.assertEqual(text == "", expected == 2)
        for line in ("was kept by policy errors", "3 spans, 1 logs", "api", "      10:15:21.004 enqueue", "error: the queue is full", "queue full", "its parent is not here"):
            self.assertIn(line, text)


if __name__ == "__main__":
    unittest.main()
