"""Groups of tests on several processes at a time. Most tests wait: for a timeout, a load of some seconds, a backend that is slow.

Each process has loaded the same files; it reads numbers of groups from its standard input, one a line, and after each group
writes what came of it behind MARK. What a group printed is shown in one piece. A process that dies is one failed test.
First come the groups that may share the machine, the rest one at a time when they are done.
"""

import json
import os
import queue
import subprocess
import sys
import threading

MARK = "\x1fdone "
PORTS = (15_000, 32_000)  # those of process.free_port, of which each process gets its own part


def runs_alone(group):
    return any(getattr(test, "runs_alone", False) for test in group)


class Server:
    """One process that runs groups; started anew when it has died."""

    def __init__(self, command, number, count):
        width = (PORTS[1] - PORTS[0]) // count
        low = PORTS[0] + number * width
        self.command = command
        self.environment = {**os.environ, "WEFT_PORTS": f"{low}-{low + width}"}
        self.child = None

    def run(self, number):
        """(What it printed, the result as serve() wrote it, or None if the process died.)"""
        if self.child is None or self.child.poll() is not None:
            self.child = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                          env=self.environment, text=True, errors="replace")
        lines = []
        try:
            self.child.stdin.write(f"{number}\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            pass
        for line in self.child.stdout:
            before, mark, outcome = line.partition(MARK)
            if mark:
                return "".join([*lines, before]), json.loads(outcome)
            lines.append(line)
        self.child.wait()
        return "".join(lines), None

    def end(self):
        if self.child is not None:
            self.child.stdin.close()
            self.child.wait()


class Run:
    def __init__(self, groups, result):
        self.groups = groups
        self.result = result
        self.lock = threading.Lock()

    def take(self, server, number):
        text, outcome = server.run(number)
        with self.lock:
            if outcome is None:
                name = self.groups[number][0].id()
                text += f"FAIL  {name}\nthe process that ran it ended with code {server.child.returncode}\n"
                outcome = {"passed": 0, "failed": 1, "took": []}
            print(text, end="", flush=True)
            self.result.passed += outcome["passed"]
            self.result.failed += outcome["failed"]
            self.result.took += map(tuple, outcome["took"])

    def work(self, server, numbers):
        while True:
            try:
                number = numbers.get_nowait()
            except queue.Empty:
                return
            self.take(server, number)

    def with_all(self, servers, chosen):
        numbers = queue.SimpleQueue()
        for number in chosen:
            numbers.put(number)
        threads = [threading.Thread(target=self.work, args=(server, numbers)) for server in servers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def run(command, groups, jobs, result):
    """Adds to result (passed, failed, took) what the processes report."""
    alone = [number for number, group in enumerate(groups) if runs_alone(group)]
    shared = [number for number, group in enumerate(groups) if not runs_alone(group)]
    servers = [Server(command, number, jobs) for number in range(jobs)]
    this = Run(groups, result)
    this.with_all(servers, shared)
    this.with_all(servers[:1], alone)
    for server in servers:
        server.end()


def serve(groups, run_group, result):
    """The other side: until standard input ends, which no program that a test starts may read."""
    numbers = os.fdopen(os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for line in numbers:
        result.passed = result.failed = 0
        result.took = []
        run_group(groups[int(line)], result)
        sys.stdout.flush()
        print(MARK + json.dumps({"passed": result.passed, "failed": result.failed, "took": result.took}), flush=True)
