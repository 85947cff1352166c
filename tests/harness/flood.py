"""Many connections that say nothing, or little: the attacker has a process of its own, so that it takes no time from the
clients that are measured. This file is that process, too, and therefore needs nothing but Python."""

import heapq
import random
import select
import socket
import subprocess
import sys
import time

RECONNECT_SECONDS = 0.1


def connect(address, seconds=5.0):
    if address.startswith("unix:"):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(seconds)
        connection.connect(address[5:])
        return connection
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host.strip("[]"), int(port)), timeout=seconds)


class Flood:
    """Keeps so many connections to each address that have sent the opening only; who is thrown out comes again after about
    a tenth of a second, each on its own: all at once would be a burst, and more of them than there are places."""

    def __init__(self, counts, opening=b""):
        """counts: address -> how many"""
        self.arguments = [sys.executable, __file__, opening.hex()] + [f"{address}={count}" for address, count in counts.items()]

    def __enter__(self):
        self.process = subprocess.Popen(self.arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()
        return self

    def stop(self):
        """How many were thrown out."""
        self.process.stdin.close()
        thrown_out = int(self.process.stdout.readline())
        self.process.wait(timeout=10)
        return thrown_out

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stdin.close()


class FloodProcess:
    def __init__(self, opening, counts):
        self.opening = opening
        self.thrown_out = 0
        self.poll = select.poll()
        self.poll.register(sys.stdin, select.POLLIN | select.POLLHUP)
        self.by_descriptor = {}
        self.waiting = []  # a heap: when each may come again, and where
        for address, count in counts.items():
            for _ in range(count):
                self.connect(address)

    def connect(self, address):
        try:
            connection = connect(address)
            connection.sendall(self.opening)
        except OSError:
            self.wait(address)
            return
        connection.setblocking(False)
        self.by_descriptor[connection.fileno()] = connection, address
        self.poll.register(connection, select.POLLIN | select.POLLHUP)

    def wait(self, address):
        self.thrown_out += 1
        again = time.monotonic() + RECONNECT_SECONDS * random.uniform(0.5, 1.5)
        heapq.heappush(self.waiting, (again, address))

    def take(self, descriptor):
        connection, address = self.by_descriptor[descriptor]
        try:
            if connection.recv(65_536):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self.poll.unregister(descriptor)
        del self.by_descriptor[descriptor]
        connection.close()
        self.wait(address)

    def run(self):
        print("ready", flush=True)
        while True:
            while self.waiting and self.waiting[0][0] <= time.monotonic():
                self.connect(heapq.heappop(self.waiting)[1])
            for descriptor, _ in self.poll.poll(10):
                if descriptor == sys.stdin.fileno():
                    print(self.thrown_out, flush=True)
                    return
                self.take(descriptor)


if __name__ == "__main__":
    FloodProcess(bytes.fromhex(sys.argv[1]), {address: int(count) for address, count in
                                              (argument.rsplit("=", 1) for argument in sys.argv[2:])}).run()
