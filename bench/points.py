#!/usr/bin/python3
"""What the exporter prometheus costs for a data point: weft's processor time with it, less that with nop, in interleaved rounds.

usage: bench/points.py [--binary build/release/weft] [--rounds 7] [--requests 300] [--series 1000] [--workers 1]

The same requests go over one gRPC connection, each with every series once: counters, gauges and histograms with five attributes
and their resource. All series are known after the first request, so what is measured is the way of a known series. A sanity
check, not a published number: the client shares the machine.
"""

import argparse
import os
import pathlib
import statistics
import sys
import tempfile
import time
import urllib.request

TREE = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TREE / "tests"))

from harness import config as configs
from harness import otlp, wire
from harness.client import Client, Outcome
from harness.process import free_port
from harness.under_test import UnderTest

METHOD = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
TICKS = os.sysconf("SC_CLK_TCK")
BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]


def double_field(number, value):
    import struct
    return wire.fixed64_field(number, struct.unpack("<Q", struct.pack("<d", value))[0])


def number_point(values, moment, value):
    return wire.bytes_field(1, wire.fixed64_field(2, otlp.BASE_TIME_NS) + wire.fixed64_field(3, moment) + double_field(4, value)
                            + otlp.attributes(7, values))


def histogram_point(values, moment):
    import struct
    return wire.bytes_field(1, wire.fixed64_field(2, otlp.BASE_TIME_NS) + wire.fixed64_field(3, moment) + wire.fixed64_field(4, 12)
                            + double_field(5, 3.5) + wire.bytes_field(6, struct.pack("<12Q", *[1] * 12))
                            + wire.bytes_field(7, struct.pack("<11d", *BOUNDS)) + otlp.attributes(9, values))


def metric(kind, number, moment):
    points = []
    for each in range(20):
        values = {"http.request.method": "GET", "http.route": f"/api/v1/things/{each}", "http.response.status_code": 200,
                  "network.protocol.version": "1.1", "server.address": "shop.example.test"}
        points.append(histogram_point(values, moment) if kind == 9 else number_point(values, moment, each + 0.5))
    extra = {5: b"", 7: wire.number_field(2, 2) + wire.number_field(3, 1), 9: wire.number_field(2, 2)}[kind]
    return (wire.bytes_field(1, f"http.server.thing_{number}") + wire.bytes_field(2, "what it is") + wire.bytes_field(3, "s")
            + wire.bytes_field(kind, b"".join(points) + extra))


def request(series, moment):
    resource = {"service.name": "shop", "service.namespace": "bench", "service.instance.id": "one", "host.name": "h", "os.type": "linux"}
    return otlp.request([metric((5, 7, 9)[number % 3], number, moment) for number in range(series // 20)], resource)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0]) / 1e9


def config_of(exporter, address, port):
    settings = {"endpoint": port, "max_series": 1_000_000} if exporter == "prometheus" else {}
    config = configs.pipeline(address, {exporter: settings})
    config["service"]["pipelines"] = {"metrics": config["service"]["pipelines"]["traces"]}
    return config


def play(options, exporter, bodies, directory):
    address, port = (f"127.0.0.1:{free_port()}" for _ in range(2))
    with UnderTest(config_of(exporter, address, port), [address], workers=options.workers, directory=directory,
                   program=options.binary, stand_in=False) as program, Client(address) as client:
        assert client.export(bodies[0], METHOD).outcome is Outcome.ACCEPTED
        before = cpu_seconds(program.process.pid)
        for body in bodies[1:]:
            assert client.export(body, METHOD).outcome is Outcome.ACCEPTED
        spent = cpu_seconds(program.process.pid) - before
        scrape = None
        if exporter == "prometheus":
            before = cpu_seconds(program.process.pid)
            with urllib.request.urlopen(f"http://{port}/metrics") as answer:
                length = len(answer.read())
            scrape = (cpu_seconds(program.process.pid) - before, length)
    return spent / (options.series * (len(bodies) - 1)) * 1e6, scrape


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default=TREE / "build" / "release" / "weft")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    bodies = [request(options.series, otlp.BASE_TIME_NS + number) for number in range(options.requests + 1)]
    rounds = {"nop": [], "prometheus": []}
    scrapes = []
    for _ in range(options.rounds):
        for exporter, costs in rounds.items():
            with tempfile.TemporaryDirectory(prefix="weft-bench-") as directory:
                cost, scrape = play(options, exporter, bodies, directory)
            costs.append(cost)
            scrapes += [scrape] if scrape else []
    added = [with_it - without for with_it, without in zip(rounds["prometheus"], rounds["nop"])]
    seconds, length = statistics.median(each[0] for each in scrapes), scrapes[0][1]
    print(f"CPU us/point: nop {statistics.median(rounds['nop']):.3f}, prometheus {statistics.median(rounds['prometheus']):.3f}, "
          f"added {statistics.median(added):.3f} (least {min(added):.3f}, most {max(added):.3f}) over {options.rounds} rounds")
    print(f"a scrape of {options.series} series: {length} bytes, {seconds * 1e3:.2f} ms, {seconds / options.series * 1e6:.2f} us/series")


main()
