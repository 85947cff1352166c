"""Two sets of export requests compared record by record, whatever the batching in between.

A request is looked at as JSON: as a Collector's file exporter wrote it, or as protobuf's own JSON form of the bytes. Order of
attributes, grouping into requests, and the order of records carry no meaning in OTLP, so they are taken out; all else
(events' and links' order, every value with its type, resource, scope, schema URLs) must agree.
"""

import collections
import json

from google.protobuf import json_format

from . import stubs

# The lists that lead to a signal's records.
SIGNALS = {"traces": ("resourceSpans", "scopeSpans", "spans"), "logs": ("resourceLogs", "scopeLogs", "logRecords"),
           "metrics": ("resourceMetrics", "scopeMetrics", "metrics")}
POINTS = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")
PAIRS = ("attributes", "filteredAttributes", "metadata")


def _as_text(value):
    return json.dumps(value, sort_keys=True)  # keeps 1 and 1.0, 0.0 and -0.0, 1 and true apart


def without_order(value):
    """Attributes, and what a map holds, are sets of pairs: sorted, at every depth."""
    if isinstance(value, list):
        return [without_order(item) for item in value]
    if not isinstance(value, dict):
        return value
    out = {key: without_order(item) for key, item in value.items()}
    for name in PAIRS:
        if name in out:
            out[name].sort(key=_as_text)
    if "values" in out.get("kvlistValue", ()):
        out["kvlistValue"]["values"].sort(key=_as_text)
    return out


def _one_by_one(metric):
    """The metric once for each of its points."""
    for kind in POINTS:
        for point in metric.get(kind, {}).get("dataPoints", []):
            yield {**metric, kind: {**metric[kind], "dataPoints": [point]}}


def records_of(documents, signal):
    """Every record of the requests with what is known of its resource and its scope; of a metric, every point."""
    groups, scopes, records = SIGNALS[signal]
    for document in documents:
        for group in document.get(groups, []):
            for scope in group.get(scopes, []):
                about = {"resource": {**group.get("resource", {}), "schema_url": group.get("schemaUrl", "")},
                         "scope": {**scope.get("scope", {}), "schema_url": scope.get("schemaUrl", "")}}
                for record in scope.get(records, []):
                    for one in list(_one_by_one(record)) or [record]:
                        yield without_order({**about, signal: one})


def _called(record, signal):
    """What a person knows it by; records that have one name are told apart by what they hold."""
    if signal == "traces":
        return f"span {record[signal].get('traceId')}, {record[signal].get('spanId')}"
    return f"point of {record[signal].get('name')}" if signal == "metrics" else "log record"


def document_differences(expected, actual, signal):
    """Requests as JSON. Lines for a person, one for each difference; empty when they agree."""
    sides = []
    for documents in (expected, actual):
        sides.append(collections.defaultdict(collections.Counter))
        for record in records_of(documents, signal):
            sides[-1][_called(record, signal)][_as_text(record)] += 1
    lines = []
    for name in sorted(sides[0].keys() | sides[1].keys()):
        left, right = sides[0][name], sides[1][name]
        if left.total() != right.total():
            lines.append(f"{name}: expected {left.total()} times, came {right.total()} times")
        for one, other in zip(sorted((left - right).elements()), sorted((right - left).elements())):
            lines += [f"{name}: {line}" for line in _difference("", json.loads(one), json.loads(other))]
    return lines


def differences(expected_requests, actual_requests):
    """The same for requests of traces in protobuf."""
    return document_differences(*([json_format.MessageToDict(stubs.trace_request(raw)) for raw in requests]
                                  for requests in (expected_requests, actual_requests)), "traces")


def _difference(path, expected, actual):
    if isinstance(expected, dict) and isinstance(actual, dict):
        return [line for name in sorted(expected.keys() | actual.keys())
                for line in _difference(f"{path}.{name}".lstrip("."), expected.get(name), actual.get(name))]
    if path.endswith(PAIRS) and expected and actual:
        gone, new = [item for item in expected if item not in actual], [item for item in actual if item not in expected]
        if gone or new:
            return [f"{path}: only expected {item!r}" for item in gone] + [f"{path}: only came {item!r}" for item in new]
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return [line for index, pair in enumerate(zip(expected, actual)) for line in _difference(f"{path}[{index}]", *pair)]
    return [] if _as_text(expected) == _as_text(actual) else [f"{path}: expected {expected!r}, came {actual!r}"]
