"""OTTL beside the Collector's own: the same statements, configs and requests, and the same that comes out.

Statements and conditions (ottl_cases.py) run one by one as a transform of logs; configs of a fixed seed (ottl_generate.py) of
transform and filter meet RECORDS generated records each (WEFT_RECORDS: another number). An error of one is an error of the other.
Where the two part on purpose is a row of DEVIATIONS; what weft does not have, a name in MISSING.
"""

import collections
import concurrent.futures
import json
import os
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import ottl_cases
import ottl_parties
import ottl_xml_cases
from ottl_generate import Source
from redaction_case import comparable
from harness.case import OutsideInCase

SEED = 20261129
CONFIGS_OF_A_SIGNAL = 10  # of each processor: 60 in all
RECORDS = int(os.environ.get("WEFT_RECORDS", "5000"))
RECORDS_OF_A_REQUEST = 4.5  # on average
LOOKED_AT = 10  # of so many requests one is counted by what became of it

# Functions of the Collector's that weft refuses by name, by the context that has them.
MISSING = {
    "log": ["All", "Any", "Filter", "Find", "MapEach", "MapKeys", "ProfileID", "Reduce", "UserAgent", "When"],
    "span": ["set_semconv_span_name"],
}
LISTS = {"log": "log_statements", "span": "trace_statements", "metric": "metric_statements", "datapoint": "metric_statements"}

# Where weft does otherwise: the statement, and why.
DEVIATIONS = {
    'set(attributes["out"], Substring(attributes["uni"], 0, 2))': "half a character is U+FFFD, since a string is UTF-8",
    'set(attributes["out"], Substring(attributes["uni"], 0, 2, false))': "the same",
    'truncate_all(attributes, 2, false)': "the same",
    'set(attributes["out"], Decode("_-8=", "base64-url"))': "the same of bytes that are no text",
    'set(attributes["out"], Decode("_-8", "base64-raw-url"))': "the same",
    'set(attributes["out"], String(attributes))': "an exponent in JSON has no zero before it: 1e-7",
    'set(attributes["out"], Format("%s", [attributes["map"]]))': "a map is its JSON, where the Collector has addresses in memory",
    'set(attributes["new"], attributes)': "the map that is set is the one that was there before, without an empty `new`",
    'set(attributes["out"], String(Time("26 Mai 2023", "%d %b %Y", "UTC", "de")))': "names in other languages than English are refused",
    'set(attributes["out"], String(Time("26/May/2023", "%d/%b/%Y", "UTC", "en")))': "a name before a slash is found with a locale, too",
    'replace_match(attributes["uni"], "h?llo*", "x")': "a question mark stands for a character, not for a byte",
} | {ottl_cases.out(ottl_cases.a(call))[0]: why for call, why in ottl_xml_cases.DEVIATIONS.items()}


def missing_of(statements):
    called = set(re.findall(r"\b([A-Z][A-Za-z0-9]*)\(", " ".join(statements)))
    return called & set(MISSING["log"])


def is_same(theirs, ours):
    if theirs is None or ours is None or "error" in theirs or "error" in ours:
        return (theirs is None) == (ours is None) and ("error" in (theirs or {})) == ("error" in (ours or {}))
    return comparable(theirs["request"]) == comparable(ours["request"])


def records(answer):
    """Each log record with what it lies under, in no order; of a resource the Collector keeps its attributes only."""
    if answer is None or "error" in answer:
        return "error" if answer else None
    return sorted(json.dumps([comparable({"attributes": resource.get("resource", {}).get("attributes", [])}),
                              comparable({key: value for key, value in scope.items() if key != "logRecords"}), comparable(record)], sort_keys=True)
                  for resource in answer["request"]["resourceLogs"] for scope in resource["scopeLogs"] for record in scope["logRecords"])


def log_config(statements):
    return {"error_mode": "propagate", "log_statements": [{"context": "log", "statements": statements}]}


class Ottl(OutsideInCase):
    def test_statements_and_conditions_do_the_same(self):
        cases = list(ottl_cases.cases())
        self.assertGreater(len(cases), 1500)
        theirs = ottl_parties.by_collector([("transform", log_config(case), "logs", ottl_cases.REQUEST) for case in cases])
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            ours = list(pool.map(lambda case: ottl_parties.transformed(log_config(case), [ottl_cases.REQUEST])[0], cases))
        parted, unused = [], dict.fromkeys(DEVIATIONS)
        counts = collections.Counter()
        for case, their, our in zip(cases, theirs, ours):
            text = "; ".join(case)
            if missing_of(case):
                self.assertIn("error", our, text)
                self.assertTrue(any(name in our["error"] for name in missing_of(case)), our["error"])
                counts["missing"] += 1
            elif case[0] in DEVIATIONS:
                unused.pop(case[0], None)
                self.assertFalse(is_same(their, our), f"no deviation any more: {text}")
                counts["deviations"] += 1
            elif not is_same(their, our):
                parted.append(f"{text}\n  Collector {json.dumps(their)[:300]}\n  weft      {json.dumps(our)[:300]}")
            else:
                counts["errors in both" if "error" in their else "same"] += 1
        print(f"{len(cases)} statements and conditions: {dict(counts)}")
        self.assertEqual(parted, [], f"{len(parted)} of {len(cases)}:\n" + "\n".join(parted[:20]))
        self.assertEqual(unused, {}, "deviations without a case")

    def test_what_is_missing_is_refused_by_name(self):
        for context, names in MISSING.items():
            for name in names:
                call = f"{name}()" if name[0].islower() else f"set(cache[\"x\"], {name}())"
                config = {LISTS[context]: [{"context": context, "statements": [call]}]}
                with self.subTest(name):
                    refused, = ottl_parties.transformed(config, [ottl_cases.REQUEST])
                    self.assertIn(f"{name} is not supported", refused["error"])

    def compare(self, config, signal, requests, theirs, ours, counts):
        self.assertEqual((len(theirs), len(ours)), (len(requests), len(requests)), config)
        for number, (request, their, our) in enumerate(zip(requests, theirs, ours)):
            self.assertTrue(is_same(their, our), f"{signal} {json.dumps(config)}\n{json.dumps(request)}\nCollector {json.dumps(their)}\n"
                                                 f"weft      {json.dumps(our)}")
            if number % LOOKED_AT == 0:
                counts["nothing left" if our is None else "errors" if "error" in our else
                       "same" if comparable(our["request"]) == comparable(request) else "changed"] += 1

    def requests(self, source, signal):
        return [source.request(signal) for _ in range(int(RECORDS / RECORDS_OF_A_REQUEST))]

    def compare_transforms(self, signal):
        source, counts = Source(f"{SEED} transform {signal}"), collections.Counter()
        for _ in range(CONFIGS_OF_A_SIGNAL):
            config, requests = source.transform(signal), self.requests(source, signal)
            theirs = ottl_parties.by_collector([("transform", config, signal, request) for request in requests])
            self.compare(config, signal, requests, theirs, ottl_parties.transformed(config, requests), counts)
        print(f"transform of {signal}: {dict(counts)}")
        self.assertGreater(counts["changed"], counts.total() // 3)

    def test_transforms_of_traces_do_the_same(self):
        self.compare_transforms("traces")

    def test_transforms_of_metrics_do_the_same(self):
        self.compare_transforms("metrics")

    def test_transforms_of_logs_do_the_same(self):
        self.compare_transforms("logs")

    def test_transforms_of_flat_logs_do_the_same(self):
        source, changed = Source(f"{SEED} flat"), 0
        for _ in range(CONFIGS_OF_A_SIGNAL):
            config, requests = source.transform("logs") | {"flatten_data": True}, self.requests(source, "logs")
            theirs = ottl_parties.by_collector([("transform", config, "logs", request) for request in requests])
            for request, their, our in zip(requests, theirs, ottl_parties.transformed(config, requests)):
                self.assertEqual(records(their), records(our), f"{json.dumps(config)}\n{json.dumps(request)}")
                changed += records(our) != records({"request": request})
        self.assertGreater(changed, len(requests) * CONFIGS_OF_A_SIGNAL // 3)

    def compare_filters(self, signal):
        source, counts = Source(f"{SEED} filter {signal}"), collections.Counter()
        for _ in range(CONFIGS_OF_A_SIGNAL):
            config = source.filter(signal)
            requests = [ottl_parties.marked(request, number) for number, request in enumerate(self.requests(source, signal))]
            theirs = ottl_parties.by_collector([("filter", config, signal, request) for request in requests])
            ours = ottl_parties.filtered(self, config, [(signal, request) for request in requests])
            self.compare(config, signal, requests, theirs, ours, counts)
        print(f"filter of {signal}: {dict(counts)}")
        self.assertGreater(counts["changed"] + counts["nothing left"], counts.total() // 5)

    def test_filters_of_traces_do_the_same(self):
        self.compare_filters("traces")

    def test_filters_of_metrics_do_the_same(self):
        self.compare_filters("metrics")

    def test_filters_of_logs_do_the_same(self):
        self.compare_filters("logs")


if __name__ == "__main__":
    unittest.main()
