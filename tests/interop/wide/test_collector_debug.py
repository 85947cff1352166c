"""What the debug exporter shows, of a real Collector and of weft: the same lines for the same requests, in both texts."""

import contextlib
import difflib
import pathlib
import struct
import sys

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness import config as configs
from harness import otlp, profiles, wire
from harness.case import OutsideInCase
from harness.process import free_port, wait_until
from test_collector import collector_binary, requests

TIME = otlp.BASE_TIME_NS


def double(number, value):
    return wire.fixed64_field(number, struct.unpack("<Q", struct.pack("<d", value))[0])


def zigzag(value):
    return value << 1 if value >= 0 else ~(value << 1)


def times():
    return wire.fixed64_field(2, TIME) + wire.fixed64_field(3, TIME + 1_230_000)


def exemplar(field):
    return wire.bytes_field(field, wire.fixed64_field(2, TIME) + double(3, 1.5) + wire.bytes_field(4, b"\1" * 8)
                            + wire.bytes_field(5, b"\2" * 16) + otlp.attributes(7, {"filtered": "x"}))


def packed(values):
    return b"".join(struct.pack("<Q" if isinstance(value, int) else "<d", value) for value in values)


def varints(values):
    return b"".join(wire.varint(value) for value in values)


def metric(name, field, points, more=b""):
    return (wire.bytes_field(1, name) + wire.bytes_field(2, f"about {name}") + wire.bytes_field(3, "By")
            + wire.bytes_field(field, b"".join(wire.bytes_field(1, point) for point in points) + more) + otlp.attributes(12, {"meta": 1}))


def metrics():
    labels = {"a": "b", "c": 1}
    numbers = [otlp.attributes(7, labels) + times() + wire.fixed64_field(6, 2**64 - 5) + exemplar(5)]
    numbers += [times() + double(4, value) for value in (0.0, 1.0, -2.5, 0.1, 1e6, 123456789.0, 1e20, 1e21, 1e-4, 1e-5, 1.5e300,
                                                         float("inf"), float("-inf"), float("nan"), 5e-324, 1 / 3)] + [times()]
    histogram = (otlp.attributes(9, labels) + times() + wire.fixed64_field(4, 6) + double(5, 10.25) + double(11, -1.0) + double(12, 1e7)
                 + wire.bytes_field(6, packed([1, 2, 3])) + wire.bytes_field(7, packed([0.5, 2e6])) + exemplar(8))
    exponential = (otlp.attributes(1, labels) + times() + wire.fixed64_field(4, 9) + double(5, 1.0) + wire.number_field(6, zigzag(1))
                   + wire.fixed64_field(7, 2)
                   + wire.bytes_field(8, wire.number_field(1, zigzag(-1)) + wire.bytes_field(2, varints([1, 0, 300])))
                   + wire.bytes_field(9, wire.number_field(1, zigzag(2)) + wire.bytes_field(2, varints([4, 5]))) + double(12, 0.5) + exemplar(11))
    summary = (otlp.attributes(7, labels) + times() + wire.fixed64_field(4, 3) + double(5, 1.25)
               + b"".join(wire.bytes_field(6, double(1, quantile) + double(2, 7.5)) for quantile in (0.0, 0.5, 0.999)))
    return otlp.request([metric("gauge", 5, numbers), metric("sum", 7, numbers[:2], wire.number_field(2, 2) + wire.number_field(3, 1)),
                         metric("histogram", 9, [histogram, times()], wire.number_field(2, 1)), metric("exponential", 10, [exponential, times()]),
                         metric("summary", 11, [summary, times()]), wire.bytes_field(1, "empty")], {"service.name": "metrics"}, "scope")


def logs():
    values = {"text": "ünïcode \"quoted\" \\", "flag": True, "int": -2**63, "double": 0.1, "bytes": b"\x00\xff", "list": [1, "<&>", [None]],
              "map": {"b": 1, "a": {"deep": "x"}}, "none": None}
    bodies = ["text", 1, 1.5, True, b"bytes", ["a", 1], {"k": "v"}, None]
    records = [wire.fixed64_field(1, TIME + number) + wire.fixed64_field(11, TIME) + wire.number_field(2, number * 3) + wire.bytes_field(3, "sev")
               + wire.bytes_field(5, otlp.any_value(body)) + otlp.attributes(6, values if number % 2 else {}) + wire.fixed32_field(8, number)
               + wire.bytes_field(9, bytes([number]) * 16) + wire.bytes_field(10, bytes([number]) * 8)
               + (wire.bytes_field(12, "event") if number % 3 else b"") for number, body in enumerate(bodies)]
    return otlp.request([*records, b""], {"service.name": "logs", **values}, "")


def profiles_that_lead_nowhere():
    made = profiles.message()
    made.dictionary.string_table.extend(["", "a"])
    made.dictionary.attribute_table.add(key_strindex=7)
    made.dictionary.location_table.add(attribute_indices=[-1, 3])
    scope = made.resource_profiles.add().scope_profiles.add()
    scope.profiles.add(attribute_indices=[0, 9], time_unix_nano=2**63).samples.add(attribute_indices=[9, 0], values=[-1])
    scope.profiles.add(profile_id=bytes(16))
    return made.SerializeToString()


class CollectorDebugTest(OutsideInCase):
    def shown(self, program, verbosity):
        """The lines between two that say how much came."""
        address = f"127.0.0.1:{free_port()}"
        config = configs.for_every_signal(configs.pipeline(address, {"debug": {
            "verbosity": verbosity, "use_internal_logger": False, "sampling_initial": 1000}}))
        config["service"]["pipelines"]["profiles"] = dict(config["service"]["pipelines"]["traces"])
        under_test = self.start_program(config, [address], program=program, stand_in=bool(program), gates=profiles.GATE)
        sent = [(otlp.TRACES_METHOD, body) for body in list(requests())[:2]]
        sent += [("/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", metrics()),
                 ("/opentelemetry.proto.collector.logs.v1.LogsService/Export", logs())]
        sent += [(profiles.METHOD, body) for body in (profiles.request(1), profiles_that_lead_nowhere())]
        with contextlib.closing(grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)])) as channel:
            for number, (method, body) in enumerate(sent, 1):
                channel.unary_unary(method)(body, timeout=20)
                # each signal has a writer of its own
                self.assertTrue(wait_until(lambda: under_test.process.log_text().count("\t{\"") >= number, 10.0))
        self.assertTrue(wait_until(lambda: under_test.process.log_text().count("Profiles\t{") == 2, 10.0))
        under_test.stop()
        text = under_test.process.log_text().replace('"exporter": "debug", ', "")  # weft says which
        # and follows what a resource's attributes refer to
        text = text.replace(" service.namespace=shop", " =").replace("     -> service.namespace: Str(shop)", "     -> : Empty()")
        lines = text.splitlines()
        return [line for line in lines if line and not line.startswith(("20", "{"))]  # the log's own

    def test_the_lines_are_the_same(self):
        for verbosity in ("basic", "normal", "detailed"):
            with self.subTest(verbosity):
                mine, other = self.shown(None, verbosity), self.shown(collector_binary(), verbosity)
                self.assertEqual([line for line in difflib.unified_diff(mine, other, "weft", "collector", n=0, lineterm="")], [])
                self.assertGreater(len(other), 3)
