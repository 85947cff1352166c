"""Log lines that clients write to sockets, TCP, TLS and unix: each line arrives exactly once and in its client's order, however
it is cut, while the backend is slow, through a reload; and silent or endless clients cost others nothing."""

import pathlib
import random
import re
import socket
import ssl
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from attack_case import Meter, is_sanitized
from fault_case import FaultCase, for_each_worker_count, seconds
from harness import config as configs
from harness import otlp, wire
from harness.backend import Answer, Backend
from harness.books import Auditor
from harness.certificates import Certificates
from harness.process import free_port, wait_until

LINE = re.compile(rb"client (\d+) line (\d+) of")


class Writer(threading.Thread):
    """A client that writes numbered lines in pieces of any size; half of them are JSON."""

    def __init__(self, connect, number, count, pause=0.0):
        super().__init__(daemon=True)
        self.connect, self.number, self.count, self.pause = connect, number, count, pause
        self.failure = None

    def line(self, index):
        text = f"client {self.number} line {index} of {self.count} {'x' * random.Random(index).randrange(300)}"
        return (f'{{"message":"{text}","level":"info"}}' if index % 2 else text).encode() + b"\n"

    def run(self):
        try:
            rest, chance = b"".join(self.line(index) for index in range(self.count)), random.Random(self.number)
            with self.connect() as connection:
                while rest:
                    piece, rest = rest[:(size := chance.choice((1, 7, 400, 5000, 70000)))], rest[size:]
                    connection.sendall(piece)
                    time.sleep(self.pause)
        except OSError as failure:
            self.failure = failure


@for_each_worker_count
class LogSocketFaults(FaultCase):
    def begin_lines(self, answer=None, **tcp):
        certificates = Certificates(self.temporary_directory(), names=("server",))
        self.sink = self.start(Backend(answer=answer))
        self.tcp, self.tls = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        self.trust = ssl.create_default_context(cafile=certificates.authority)
        directory = pathlib.Path(self.temporary_directory())
        self.unix = directory / "lines.sock"
        tls = {"cert_file": str(certificates.certificate("server")), "key_file": str(certificates.key("server"))}
        self.config = {
            "receivers": {
                "jsonlog": {"protocols": {"tcp": {"endpoint": self.tcp, **tcp}, "unix": {"endpoint": str(self.unix)}}},
                "jsonlog/tls": {"protocols": {"tcp": {"endpoint": self.tls, "tls": tls}}}},
            "processors": {"batch": {"timeout": "100ms", "send_batch_size": 200, "send_batch_max_size": 200}},
            "exporters": {"otlp": configs.otlp_exporter(self.sink.address, sending_queue={
                "queue_size": 5, "num_consumers": 1, "block_on_overflow": True})},
            "service": {"pipelines": {"logs": {"receivers": ["jsonlog", "jsonlog/tls"], "processors": ["batch"],
                                               "exporters": ["otlp"]}}}}
        self.program = self.start_program(self.config, [self.tcp, self.tls], workers=self.workers)
        self.auditor = self.start(Auditor(self.program.admin, False))

    def over_tcp(self, address=None):
        host, port = (address or self.tcp).rsplit(":", 1)
        return socket.create_connection((host, int(port)), timeout=60)

    def over_tls(self):
        return self.trust.wrap_socket(self.over_tcp(self.tls), server_hostname="localhost")

    def over_unix(self):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(60)
        connection.connect(str(self.unix))
        return connection

    def write_all(self, count, pause=0.0):
        ways = (self.over_tcp, self.over_unix, self.over_tls)
        writers = [Writer(ways[number % 3], number, count, pause) for number in range(9)]
        for writer in writers:
            writer.start()
        return writers

    def arrived(self):
        """client -> numbers of its lines, in the order of arrival."""
        lines = {}
        for body in self.sink.bodies(otlp.LOGS_METHOD):
            for record in wire.record_bytes(body):
                for client, line in LINE.findall(record):
                    lines.setdefault(int(client), []).append(int(line))
        return lines

    def expect_all(self, writers, count):
        for writer in writers:
            writer.join(60)
            self.assertIsNone(writer.failure)
        total = len(writers) * count
        wait_until(lambda: sum(map(len, self.arrived().values())) >= total, 60.0)
        lines = self.arrived()
        for writer in writers:
            self.assertEqual(lines.get(writer.number), list(range(count)), f"client {writer.number}")
        self.program.stop()

    def fault_every_line_arrives_once_and_in_order(self):
        self.begin_lines()
        count = seconds(5000, 600)
        self.expect_all(self.write_all(count), count)

    def fault_a_slow_backend_slows_the_writers_and_loses_nothing(self):
        """9 clients with room for 1,000 lines in the queue: they block until the backend has gone on."""
        self.begin_lines(answer=lambda number, body: Answer(delay=0.02))
        count = seconds(4000, 700)
        self.expect_all(self.write_all(count), count)

    def fault_a_reload_cuts_nobody_off(self):
        self.begin_lines()
        count = seconds(4000, 500)
        writers = self.write_all(count, pause=0.005)
        for _ in range(3):
            time.sleep(seconds(1, 0.2))
            self.program.reload()
        self.expect_all(writers, count)

    def fault_silent_clients_give_way(self):
        self.begin_lines(max_connections=20)
        silent = [self.over_tcp() for _ in range(120)]
        count = 100
        writers = [Writer(self.over_tcp, number, count) for number in range(3)]
        for writer in writers:
            writer.start()
        self.expect_all(writers, count)
        for connection in silent:
            connection.close()

    def fault_lines_without_an_end_are_bounded(self):
        """60 clients with 900 KB of a line each, where 4 MiB may be kept."""
        self.begin_lines(max_buffered_bytes=4 << 20)
        meter = self.start(Meter(self.program.process.pid))
        endless = [self.over_tcp() for _ in range(60)]
        for connection in endless:
            connection.settimeout(5)
            try:
                connection.sendall(b"y" * 900_000)
            except OSError:
                pass
        writers = [Writer(self.over_tcp, number, 100) for number in range(3)]
        for writer in writers:
            writer.start()
        self.expect_good(writers, 100)
        grown = meter.growth_bytes / 2**20
        print(f"  {self.workers} workers: at most {grown:.1f} MiB more than at first", flush=True)
        if not is_sanitized():
            self.assertLess(grown, 4 * self.workers + 32)  # and what was cut off is on its way, too
        for connection in endless:
            connection.close()

    def expect_good(self, writers, count):
        for writer in writers:
            writer.join(60)
            self.assertIsNone(writer.failure)
        wanted = {writer.number: list(range(count)) for writer in writers}
        self.assertTrue(wait_until(lambda: self.arrived() == wanted, 60.0))
