#!/usr/bin/env python3
"""Is the floor honest? weft-floor receives and sends; nghttpd receives and h2load sends. The floor must not cost more than
1.15 times the two together, for the same request bytes: sanity.py [--rounds N] [--requests N] [--bin DIR] [--realtime]

Needs nghttpd and h2load (Debian: nghttp2-server, nghttp2-client).
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from runner import machine, programs  # noqa: E402

PORT, BACK = "127.0.0.1:24317", "127.0.0.1:24319"
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def start(command, cpu, realtime):
    return programs.start(command, {cpu}, subprocess.DEVNULL, subprocess.DEVNULL, is_realtime=realtime)


def finish(process):
    """Waits for a process that ends by itself; returns its CPU seconds."""
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"{process.args[0]} failed")
    return usage.ru_utime + usage.ru_stime


def serve(command, client, cpu_of_client, realtime, port, behind=None):
    server = start(command, 0, realtime)
    try:
        if not programs.wait_for_port(port, server):
            raise SystemExit(f"{command[0]} does not listen")
        before = machine.tree_cpu_seconds(server.pid)
        client_cpu = finish(start(client, cpu_of_client, realtime))
        return machine.tree_cpu_seconds(server.pid) - before, client_cpu
    finally:
        programs.stop(server)
        if behind:
            programs.stop(behind)


def measure_floor(arguments, payload):
    bin_path = arguments.bin
    sink = start([f"{bin_path}/weft-sink", "--listen", BACK, "--no-hash"], 1, arguments.realtime)
    programs.wait_for_port(BACK, sink)
    floor, _ = serve([f"{bin_path}/weft-floor", "--listen", PORT, "--target", BACK],
                     [f"{bin_path}/weft-load", "--target", PORT, "--payload", payload, "--no-hash", "--spans",
                      str(arguments.requests * 1000)], 1, arguments.realtime, PORT, sink)
    return floor


def measure_pair(arguments, body):
    windows = ["-w", "23", "-W", "24"]
    return sum(serve(["nghttpd", "--no-tls", "-n", "1", *windows, PORT.rsplit(":", 1)[1]],
                     ["h2load", "-n", str(arguments.requests), "-c", "4", "-m", "16", *windows, "-d", body, "-H",
                      "te: trailers", "-H", "content-type: application/grpc", f"http://{PORT}{EXPORT}"], 1,
                     arguments.realtime, PORT))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--bin", default=f"{programs.ROOT}/build/release/bench")
    parser.add_argument("--realtime", action="store_true")
    arguments = parser.parse_args()
    payload = f"{programs.BENCH}/payloads/semconv-800.shape"
    ratios = []
    with tempfile.TemporaryDirectory() as work:
        body = f"{work}/request"
        subprocess.run([f"{arguments.bin}/weft-load", "--payload", payload, "--dump", body], check=True)
        gigabytes = os.path.getsize(body) * arguments.requests / 1e9
        for number in range(arguments.rounds):
            machine.wait_until_quiet(2)
            floor, pair = measure_floor(arguments, payload), measure_pair(arguments, body)
            ratios.append(floor / pair)
            print(f"round {number + 1}: floor {floor / gigabytes:.3f} CPU-s/GB, nghttpd + h2load {pair / gigabytes:.3f}, "
                  f"ratio {floor / pair:.2f}", flush=True)
    median = statistics.median(ratios)
    print(f"median ratio {median:.2f} (at most 1.15)")
    return 0 if median <= 1.15 else 1


if __name__ == "__main__":
    sys.exit(main())
