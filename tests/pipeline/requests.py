"""Requests as a case writes them: OTLP/JSON in YAML with two shorthands, and back to what can be compared.

    attributes: {a: text, n: 1, on: true, x: 0.5, list: [1, two]}   instead of a list of keys with typed values
    traceId: 1, spanId: 2, parentSpanId: 3                          a number stands for the id of that value

All else is OTLP/JSON: ids as hex, 64-bit numbers as numbers or text, enums as numbers.
"""

import base64

from google.protobuf import json_format

from harness import compare, otlp, stubs

ID_BYTES = {"traceId": 16, "profileId": 16, "spanId": 8, "parentSpanId": 8}
PROFILES_METHOD = "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export"
METRICS_METHOD = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"

# signal -> method, generated module, request message, and the three levels down to the records
SIGNALS = {
    "traces": (otlp.TRACES_METHOD, "trace_service_pb2", "ExportTraceServiceRequest", ("resource_spans", "scope_spans", "spans")),
    "metrics": (METRICS_METHOD, "metrics_service_pb2", "ExportMetricsServiceRequest", ("resource_metrics", "scope_metrics", "metrics")),
    "logs": (otlp.LOGS_METHOD, "logs_service_pb2", "ExportLogsServiceRequest", ("resource_logs", "scope_logs", "log_records")),
    "profiles": (PROFILES_METHOD, "profiles_service_pb2", "ExportProfilesServiceRequest", ("resource_profiles", "scope_profiles", "profiles")),
}


def method_of(signal):
    return SIGNALS[signal][0]


def _any_value(value):
    if isinstance(value, dict):
        return {"kvlistValue": {"values": _key_values(value)}}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_any_value(item) for item in value]}}
    kind = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}[type(value)]
    return {kind: value}


def _key_values(values):
    return [{"key": key, "value": _any_value(value)} for key, value in values.items()]


def _id(key, value):
    raw = value.to_bytes(ID_BYTES[key], "big") if isinstance(value, int) else bytes.fromhex(value)
    return base64.b64encode(raw).decode()


def _expand(node):
    """The shorthands written out, ids as protobuf's own JSON wants them (base64)."""
    if isinstance(node, list):
        return [_expand(item) for item in node]
    if not isinstance(node, dict):
        return node
    out = {}
    for key, value in node.items():
        if key in ID_BYTES:
            out[key] = _id(key, value)
        elif key == "attributes" and isinstance(value, dict):
            out[key] = _key_values(value)
        else:
            out[key] = _expand(value)
    return out


def _message(signal):
    _, module, name, _ = SIGNALS[signal]
    return getattr(stubs.module(module), name)()


def encode(signal, document):
    """The request's bytes."""
    return json_format.ParseDict(_expand(document or {}), _message(signal)).SerializeToString()


def _sorted_attributes(node):
    if isinstance(node, list):
        return [_sorted_attributes(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: sorted(value, key=lambda item: item.get("key", "")) if key == "attributes" else _sorted_attributes(value)
            for key, value in node.items()}


def _points(metric):
    """The metric once for each of its data points, with that one alone; a metric without points as it is."""
    kind = metric.WhichOneof("data")
    points = list(getattr(metric, kind).data_points) if kind else []
    for point in points:
        alone = type(metric)()
        alone.CopyFrom(metric)
        del getattr(alone, kind).data_points[:]
        getattr(alone, kind).data_points.append(point)
        yield alone
    if not points:
        yield metric


def _records(signal, raw):
    """(resource, scope, record) of each record; a metric's records are its data points."""
    resources, scopes, records = SIGNALS[signal][3]
    message = _message(signal)
    message.ParseFromString(raw)
    for resource in getattr(message, resources):
        for scope in getattr(resource, scopes):
            for record in getattr(scope, records):
                for part in _points(record) if signal == "metrics" else [record]:
                    yield resource, scope, part


def record_count(signal, raw):
    return sum(1 for _ in _records(signal, raw))


def _as_text(signal, raws):
    lines = []
    for raw in raws:
        for resource, scope, record in _records(signal, raw):
            parts = [_sorted_attributes(json_format.MessageToDict(part)) for part in (resource.resource, scope.scope, record)]
            lines.append(repr((parts, resource.schema_url, scope.schema_url)))
    return sorted(lines)


def differences(signal, expected, actual):
    """Lines for a person; empty when both lists of requests hold the same records, whatever the requests."""
    if signal == "traces":
        return compare.differences(expected, actual)
    left, right = _as_text(signal, expected), _as_text(signal, actual)
    return ([f"{signal}: only expected: {line}" for line in left if line not in right]
            + [f"{signal}: only came: {line}" for line in right if line not in left]
            + ([f"{signal}: expected {len(left)} records, came {len(right)}"] if len(left) != len(right) else []))
