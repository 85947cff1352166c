"""The editors of metrics beside the Collector's own: the same statements on the same metrics, and the same that comes out.

REQUESTS requests of a fixed seed meet each case of ottl_metric_cases.py (WEFT_REQUESTS: another number). Points of a metric are compared in
no order, since the Collector aggregates into a map.
"""

import collections
import concurrent.futures
import json
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import ottl_metric_cases
import ottl_parties
from redaction_case import comparable
from harness.case import OutsideInCase

SEED = 20261129
REQUESTS = int(os.environ.get("WEFT_REQUESTS", "60"))


def in_no_order(node):
    """Points of a metric sorted; doubles to 12 digits, since logarithms are not the same to the last one."""
    if isinstance(node, list):
        return [in_no_order(item) for item in node]
    if not isinstance(node, dict):
        return float(f"{node:.12g}") if isinstance(node, float) else node
    return {key: sorted((json.dumps(in_no_order(point), sort_keys=True) for point in value)) if key == "dataPoints" else in_no_order(value)
            for key, value in node.items()}


def said(answer):
    if answer is None or "error" in answer:
        return "error" if answer else None
    return in_no_order(comparable(answer["request"]))


def config_of(context, statements):
    return {"error_mode": "propagate", "metric_statements": [{"context": context, "statements": statements}]}


class OttlMetrics(OutsideInCase):
    def test_editors_of_metrics_do_the_same(self):
        source = ottl_metric_cases.Metrics(SEED)
        requests = [source.request() for _ in range(REQUESTS)]
        cases = list(ottl_metric_cases.cases())
        theirs = ottl_parties.by_collector([("transform", config_of(*case), "metrics", request) for case in cases for request in requests])
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            ours = list(pool.map(lambda case: ottl_parties.transformed(config_of(*case), requests), cases))
        parted, examples, counts = collections.Counter(), {}, collections.Counter()
        for number, case in enumerate(cases):
            for at, (request, our) in enumerate(zip(requests, ours[number])):
                their = theirs[number * len(requests) + at]
                if said(their) != said(our):
                    parted["; ".join(case[1])] += 1
                    example = f"{case}\n{json.dumps(request)}\n  Collector {json.dumps(their)}\n  weft      {json.dumps(our)}"
                    examples[case[0]] = min(example, examples.get(case[0], example), key=len)
                counts["errors" if said(our) == "error" else "unchanged" if said(our) == said({"request": request}) else "changed"] += 1
        print(f"{len(cases)} cases on {len(requests)} requests: {dict(counts)}")
        self.assertEqual(dict(parted), {}, "\n".join(examples.values()))
        self.assertGreater(counts["changed"], counts.total() // 3)


if __name__ == "__main__":
    unittest.main()
