"""The exporter prometheus beside the Collector's (contrib 0.158): the same requests, and the same pages up to order.

The Collector's own code runs as a program (prometheus/main.go). Requests of a fixed seed meet each config
(WEFT_REQUESTS: another number); where the two part on purpose is a row of DEVIATIONS.
"""

import dataclasses
import gzip
import json
import os
import pathlib
import random
import re
import struct
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "pipeline"))

import requests as documents
from go_peer import go_peer
from harness import config as configs
from harness.case import OutsideInCase
from harness.client import Client, Outcome
from harness.places import program_under_test
from harness.process import free_port, is_listening, wait_until

SEED = 20261129
REQUESTS = int(os.environ.get("WEFT_REQUESTS", "60"))
BASE = 1_795_449_600_000_000_000
OPEN = "application/openmetrics-text"

ACCEPTS = [None, "text/plain;version=0.0.4;escaping=allow-utf-8", f"{OPEN};version=1.0.0", f"{OPEN};version=1.0.0;escaping=allow-utf-8",
           "text/plain;escaping=dots", f"{OPEN};version=0.0.1;escaping=values;q=0.5,text/plain;q=0.4", "text/html",
           "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,"
           "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"]

CONFIGS = [
    {}, {"enable_open_metrics": True}, {"namespace": "my.shop", "const_labels": {"zone": "a\"b", "b": "c"}},
    {"send_timestamps": True, "enable_open_metrics": True}, {"add_metric_suffixes": False}, {"without_scope_info": True},
    {"resource_to_telemetry_conversion": {"enabled": True}, "enable_open_metrics": True},
    {"resource_to_telemetry_conversion": {"enabled": True, "exclude_service_attributes": True}},
    *({"translation_strategy": strategy, "enable_open_metrics": True, "namespace": space} for space in ("", "x.y")
      for strategy in ("UnderscoreEscapingWithSuffixes", "UnderscoreEscapingWithoutSuffixes", "NoUTF8EscapingWithSuffixes", "NoTranslation"))]

UNITS = ["", "1", "s", "ms", "By", "By/s", "{request}", "%", "m/h", "{a}/s", "KiBy", "a b/c$", "/s", "Cel", "_x_", "1/s"]
NAMES = ["http.server.duration", "requests_total", "total", "process.cpu.time_seconds", "a__b", "ünï.code", "2xx", "bytes.total.ratio",
         "speed_per_second", "x:y", "ratio", "_lead", "trail_"]
KEYS = ["http.method", "a.b", "code", "2nd", "clé", "job", "path", "le", "quantile", "b", "__x", "...", "with space"]
VALUES = ["GET", "", "a\"b\\c\nd", "日本", 200, -1, 1.5, 1e21, True, ["x", 1, [2.5]], {"k": "v", "a": [1]}, 0.1]
KINDS = ["gauge", "sum", "counter", "histogram", "exponential", "summary"]
RESOURCES = [
    {"service.name": "shop", "service.instance.id": "i-1", "host.name": "h1", "n": 5},
    {"service.name": "shop", "service.namespace": "eu", "service.instance.id": "i-2", "list": [1, "a"], "2nd": 1.5},
    {"service.name": "shop", "service.instance.id": "i-3", "a.b": "x", "a_b": "y"},
    {"service.name": "only.name", "job": "mine"}, {"service.instance.id": "only-id"}, {"plain": True}, {}]
SCOPES = [{"name": "lib", "version": "1.0"}, {"name": "lib", "attributes": {"a.b": 1, "name": "no", "x": "y"}}, {}]


class Source:
    """Requests at random, whose deltas often meet and sometimes do not."""

    def __init__(self, seed, scopes, resources):
        self.random = random.Random(seed)
        self.scopes, self.resources = scopes, resources
        self.now = BASE
        self.last = {}

    def attributes(self):
        keys = self.random.sample(KEYS, self.random.choice([0, 1, 1, 2, 2, 3]))
        # Two that become one label. Apart they would be two series that look the same: of these the Collector shows one by chance.
        keys += ["a_b"] if "a.b" in keys and self.random.random() < 0.2 else []
        return {key: self.random.choice(VALUES) for key in keys}

    def times(self, series, delta):
        start = BASE
        if delta:
            start = self.last.get(series, BASE) + self.random.choice([0, 0, 0, 0, 7, -7])
        end = self.now + self.random.choice([0, 0, 0, -3_000_000_000])
        self.last[series] = end
        return {"startTimeUnixNano": max(start, 0), "timeUnixNano": end}

    def exemplars(self):
        made = [{"timeUnixNano": self.now, "asDouble": self.random.choice([0.1, 1, 3.25, 100]), "traceId": self.random.randint(0, 1),
                 "spanId": self.random.randint(0, 2)} for _ in range(self.random.choice([0, 0, 1, 3]))]
        return {"exemplars": made} if made else {}

    def number(self):
        return self.random.choice([{"asInt": self.random.choice([0, 1, 7, 1234567, 2**53 + 1, -5])},
                                   {"asDouble": self.random.choice([0.0, 0.5, 1e-7, 3.25, 1e21, -2.5, 123456.789])}])

    def histogram(self, bounds):
        counts = [self.random.randint(0, 5) for _ in range(len(bounds) + 1)]
        return {"count": sum(counts), "sum": self.random.choice([0.5, 100.0, 1e9]), "bucketCounts": counts, "explicitBounds": bounds,
                **self.exemplars()}

    def exponential(self, number):
        positive, negative = ([self.random.randint(0, 4) for _ in range(self.random.randint(0, 4))] for _ in range(2))
        zero = self.random.randint(0, 2)
        return {"count": zero + sum(positive) + sum(negative) + (number == 4), "sum": 4.5, "zeroCount": zero,
                "scale": [0, 3, 12, 8, -4, -5][number % 6], "positive": {"offset": 2, "bucketCounts": positive}, "negative": {"bucketCounts": negative}}

    def summary(self):
        return {"count": self.random.randint(0, 9), "sum": 2.5,
                "quantileValues": [{"quantile": each, "value": self.random.random()} for each in self.random.sample([0, 0.5, 0.99, 1], 3)]}

    def metric(self):
        kind = self.random.choice(KINDS)
        number = self.random.randrange(len(NAMES))
        # A name belongs to one kind, unit and temporality: what else is first come, first served, in the Collector by chance.
        name, unit = f"{NAMES[number]}.{kind[:4]}" if number % 2 else f"{kind[:4]}.{NAMES[number]}", UNITS[(number * 5 + len(kind)) % len(UNITS)]
        delta = kind in ("counter", "histogram", "exponential") and number % 3 == 0
        make = {"gauge": self.number, "sum": self.number, "counter": lambda: {**self.number(), **self.exemplars()},
                "histogram": lambda: self.histogram(self.random.choice([[], [1.0], [0.5, 1, 10], [0.25, 1e6]])),
                "exponential": lambda: self.exponential(number), "summary": self.summary}[kind]
        points = []
        for _ in range(self.random.randint(1, 4)):
            attributes = self.attributes()
            if kind in ("histogram", "exponential"):  # the Collector's lines have it twice then: no page for Prometheus
                attributes.pop("le", None)
            points.append({"attributes": attributes, **self.times((name, repr(attributes)), delta), **make()})
        data = {"dataPoints": points}
        if kind not in ("gauge", "summary"):
            data["aggregationTemporality"] = 1 if delta else 2
        if kind == "counter":
            data["isMonotonic"] = True
        field = {"sum": "sum", "counter": "sum", "exponential": "exponentialHistogram"}.get(kind, kind)
        return {"name": name, "unit": unit, "description": self.descriptions.setdefault(name, self.random.choice(
            ["", "plain", "with \"quotes\", \\ and\nlines"])), field: data}

    descriptions = {}

    def request(self):
        self.now += 1_000_000_000
        return {"resourceMetrics": [{"resource": {"attributes": self.random.choice(self.resources)}, "scopeMetrics": [
            {"scope": self.random.choice(self.scopes), "schemaUrl": self.random.choice(["", "", "http://s"]) if len(self.scopes) > 1 else "",
             "metrics": [self.metric() for _ in range(self.random.randint(1, 3))]}]} for _ in range(2)]}


LABEL = re.compile(r'((?:"(?:[^"\\]|\\.)*"|[\w:]+))="((?:[^"\\]|\\.)*)"')


def joined(line):
    """Labels that have one name, escaped for the scraper, as one with their values; the Collector's stand side by side."""
    line, mark, exemplar = line.partition(" # {")
    labels = list(LABEL.finditer(line))
    values = {}
    for label in labels:
        values.setdefault(label[1], []).append(label[2])
    if not line.startswith("#") and len(values) < len(labels):
        made = ",".join(f'{name}="{";".join(each)}"' for name, each in values.items())
        line = line[:labels[0].start()] + made + line[labels[-1].end():]
    return line + mark + exemplar


def families(page):
    """The page's families, each with its lines in order, all in order."""
    made = []
    for line in page.split("\n"):
        line = re.sub(r' # \{(span_id="\w+"),(trace_id="\w+")\}', r" # {\2,\1}", line)
        if line.startswith("# HELP"):
            made.append([line])
        elif line not in ("", "# EOF"):
            made[-1].append(line)
    return sorted([*family[:2], *sorted(family[2:])] for family in made)


class Peer:
    """The Collector's exporter."""

    def __init__(self, config, directory):
        self.address = config["endpoint"]
        path = pathlib.Path(directory) / "peer.json"
        path.write_text(json.dumps(config), encoding="utf-8")
        self.child = subprocess.Popen([go_peer("prometheus"), path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.start = self.answer()

    def answer(self):
        return self.child.stdout.readline().decode().strip()

    def send(self, body):
        self.child.stdin.write(struct.pack(">I", len(body)) + body)
        self.child.stdin.flush()
        return self.answer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()
        self.child.stdin.close()
        self.child.stdout.close()


def scrape(address, accept=None, compressed=False):
    headers = {**({"Accept": accept} if accept else {}), **({"Accept-Encoding": "gzip"} if compressed else {})}
    with urllib.request.urlopen(urllib.request.Request(f"http://{address}/metrics", headers=headers), timeout=10) as answer:
        body = answer.read()
        return answer.headers["Content-Type"], (gzip.decompress(body) if answer.headers["Content-Encoding"] == "gzip" else body).decode()


def gauge(name, *points, **more):
    return {"name": name, "gauge": {"dataPoints": list(points)}, **more}


def delta_histogram(end, **point):
    return {"name": "h", "histogram": {"aggregationTemporality": 1, "dataPoints": [
        {"startTimeUnixNano": end - 10, "timeUnixNano": end, **point}]}}


def delta_exponential(end, scale, offset, counts, count=None):
    return {"name": "e", "exponentialHistogram": {"aggregationTemporality": 1, "dataPoints": [
        {"startTimeUnixNano": end - 10, "timeUnixNano": end, "count": count or sum(counts), "sum": 1.5, "scale": scale,
         "positive": {"offset": offset, "bucketCounts": counts}}]}}


@dataclasses.dataclass
class Deviation:
    why: str
    metrics: list  # of one request each
    collector: list  # lines without labels that only it has
    weft: list
    resource: dict = dataclasses.field(default_factory=dict)


DEVIATIONS = [
    Deviation("what follows a point without a value in its metric is taken", [[gauge("g", {"flags": 1}, {"asInt": 3})]], [], ["g 3"]),
    Deviation("of a delta whose buckets do not hold its count nothing stays",
              [[delta_exponential(10, 1, 1, [1], 2)], [delta_exponential(20, 1, 1, [1])]], [],
              ['e_bucket{le="+Inf"} 1', "e_count 1", "e_sum 1.5"]),
    Deviation("exponential histograms of two scales meet without counting a bucket twice",
              [[delta_exponential(10, 1, 1, [1, 2])], [delta_exponential(20, 0, 1, [1])]], [],
              ['e_bucket{le="+Inf"} 4', "e_count 4", "e_sum 3"]),
    Deviation("bounds that do not rise are refused",
              [[delta_histogram(10, count=2, sum=1.0, bucketCounts=[1, 1, 0], explicitBounds=[2.0, 1.0])]],
              ['h_bucket{le="+Inf"} 2', 'h_bucket{le="1"} 1', 'h_bucket{le="2"} 2', "h_count 2", "h_sum 1"], []),
    Deviation("an attribute of a resource without a name for a label leaves the others in target_info",
              [[gauge("g", {"asInt": 1})]], [], ["target_info 1"],
              {"service.name": "a", "service.instance.id": "b", "...": "c", "d": "e"}),
]


class Prometheus(OutsideInCase):
    def begin(self, config):
        self.address = f"127.0.0.1:{free_port()}"
        theirs, self.ours = ({"endpoint": f"127.0.0.1:{free_port()}", **config} for _ in range(2))
        self.peer = self.start(Peer(theirs, self.temporary_directory()))
        self.assertEqual(self.peer.start, "ok")
        whole = configs.pipeline(self.address, {"prometheus": self.ours})
        whole["service"]["pipelines"] = {"metrics": whole["service"]["pipelines"]["traces"]}
        self.program = self.start_program(whole, [self.address, self.ours["endpoint"]])
        self.client = self.start(Client(self.address))
        self.assertTrue(wait_until(lambda: is_listening(self.peer.address), 10.0))

    def send(self, request):
        body = documents.encode("metrics", request)
        self.assertEqual(self.peer.send(body), "ok")
        self.assertEqual(self.client.export(body, documents.METRICS_METHOD).outcome, Outcome.ACCEPTED)

    def assert_same_pages(self, accept):
        (their_type, theirs), (our_type, ours) = scrape(self.peer.address, accept), scrape(self.ours["endpoint"], accept, True)
        self.assertEqual(their_type, our_type, accept)
        self.assertEqual(theirs.endswith("# EOF\n"), ours.endswith("# EOF\n"))
        left, right = families("\n".join(joined(line) for line in theirs.split("\n"))), families(ours)
        only = [[line for family in one if family not in other for line in family] for one, other in ((left, right), (right, left))]
        self.assertEqual(*(sorted(set(one) - set(other))[:5] for one, other in (only, only[::-1])), accept)
        self.assertEqual(left, right, accept)
        return ours

    def test_pages_are_the_same(self):
        lines = 0
        for number, config in enumerate(CONFIGS):
            with self.subTest(config):
                self.begin(config)
                # The Collector shows by chance one of the scopes whose labels it leaves out; and a target of which all is hidden.
                clashes = "resource_to_telemetry_conversion" in config
                source = Source(SEED + number, SCOPES[:1] if config.get("without_scope_info") else SCOPES,
                                [resource for resource in RESOURCES if not (clashes and "a_b" in resource)])
                self.send({"resourceMetrics": [{"resource": {"attributes": resource}, "scopeMetrics": [{"metrics": [gauge("always", {"asInt": 1})]}]}
                                               for resource in source.resources]})
                for step in range(REQUESTS):
                    self.send(source.request())
                    if step % 6 == 0:
                        self.assert_same_pages(ACCEPTS[step // 6 % len(ACCEPTS)])
                lines += sum(self.assert_same_pages(accept).count("\n") for accept in ACCEPTS)
        self.assertGreater(lines, len(CONFIGS) * REQUESTS * 10)

    def test_deviations_are_as_they_are_written_down(self):
        for row in DEVIATIONS:
            with self.subTest(row.why):
                self.begin({"without_scope_info": True})
                for metrics in [[gauge("always", {"asInt": 1})], *row.metrics]:
                    self.send({"resourceMetrics": [{"resource": {"attributes": row.resource}, "scopeMetrics": [{"metrics": metrics}]}]})
                theirs, ours = ({re.sub(r"\{(?!le=).*\}", "", line) for line in page.split("\n") if line and line[0] != "#"}
                                for _, page in (scrape(self.peer.address), scrape(self.ours["endpoint"])))
                self.assertEqual((sorted(theirs - ours), sorted(ours - theirs)), (row.collector, row.weft))

    def test_both_refuse_the_same_configs(self):
        for config in ({"endpoint": " "}, {"translation_strategy": "Other"}, {"resource_to_telemetry_conversion": {"on": True}},
                       {"metric_expiration": "soon"}, {"send_timestamps": "maybe"}, {"unknown": 1}):
            with self.subTest(config):
                whole = {"endpoint": f"127.0.0.1:{free_port()}", **config}
                self.assertNotEqual(self.start(Peer(whole, self.temporary_directory())).start, "ok")
                path = pathlib.Path(self.temporary_directory()) / "weft.yaml"
                weft = configs.pipeline("127.0.0.1:0", {"prometheus": whole})
                weft["service"]["pipelines"] = {"metrics": weft["service"]["pipelines"]["traces"]}
                path.write_text(configs.text(weft), encoding="utf-8")
                self.assertEqual(subprocess.run([program_under_test(), "validate", "--config", path], capture_output=True).returncode, 1)


if __name__ == "__main__":
    unittest.main()
