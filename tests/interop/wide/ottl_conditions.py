"""Conditions in OTTL at random, and the requests that they are asked of: values of every kind, present, empty and absent."""

import base64
import random

ATTRIBUTES = {"s": "text", "e": "", "i": 200, "z": 0, "neg": -3, "d": 2.5, "i2": 2.0, "t": True, "f": False, "n": None, "b": b"\0\1\2", "b0": b"",
              "l": [1, "two", 2.5], "l0": [], "li": [1, 2], "m": {"a": 1, "b": "s", "c": {"d": [1, {"x": 2}]}}, "m0": {}, "big": 9007199254740993,
              "u": "h\u00e4<&>", "num": "12", "lm": [{"x": 1}], "1e21": 1e21, "small": 1e-7}
LITERALS = ['"text"', '""', "200", "0", "-3", "2.5", "2.0", "2", "true", "false", "nil", "0x000102", '[1, "two", 2.5]', "[]", "[1, 2]", "[1.0, 2]",
            '{"a":1,"b":"s","c":{"d":[1,{"x":2}]}}', "{}", "9007199254740993", "9007199254740992.0", '"12"', '[{"x": 1}]', '"GET /x"', "7",
            '{"m":"<x>","l":[1.5]}', "[nil]", '{"a": nil}', "1.5", "0x01"]
COMPARISONS = ["==", "!=", "<", "<=", ">", ">="]
CALLS = ["Len(%s)", "String(%s)", "Int(%s)", "Double(%s)", "Bool(%s)", 'Concat(["a", %s], "-")']
QUESTIONS = ['IsMatch(%s, "^.?t")', 'IsMatch(%s, "[0-9]")', "IsString(%s)", "IsMap(%s)", "IsList(%s)", "IsInt(%s)", "IsDouble(%s)", "IsBool(%s)",
             'IsMatch(%s, "u003c|<")', 'HasPrefix(%s, "t")']
SUMS = ["(%s + %s)", "(%s - %s)", "%s * %s", "(%s / %s)", "-%s + %s"]
KEYS = ['["a"]', '["c"]["d"]', '["c"]["d"][1]["x"]', "[0]", "[1]", "[-1]", "[7]", '["gone"]', '["x"]']
PATHS = {
    "span": """name kind kind.string kind.deprecated_string status.code status.message trace_id trace_id.string span_id.string parent_span_id
        parent_span_id.string trace_state trace_state["b"] trace_state["c"] start_time start_time_unix_nano end_time end_time_unix_nano flags
        dropped_attributes_count dropped_events_count dropped_links_count events links status attributes cache cache["a"] resource.attributes
        resource.attributes["service.name"] resource.dropped_attributes_count resource.schema_url scope.name scope.version scope.schema_url
        scope.attributes["x"] instrumentation_scope.name span.name (end_time-start_time)""".split(),
    "spanevent": """name time time_unix_nano attributes attributes["k"] dropped_attributes_count span.name span.attributes["i"] resource.schema_url
        event_index cache""".split(),
    "log": """body body["m"] body["l"][0] body[0] body.string severity_number severity_text time observed_time time_unix_nano event_name flags
        trace_id.string span_id span_id.string attributes dropped_attributes_count resource.attributes["service.name"] scope.name""".split(),
    "metric": """name unit description type aggregation_temporality is_monotonic data_points metadata metadata["k"]
        resource.attributes["x"]""".split(),
    "datapoint": """value_int value_double attributes time start_time time_unix_nano flags count sum bucket_counts explicit_bounds scale zero_count
        positive positive.offset positive.bucket_counts negative negative.offset negative.bucket_counts quantile_values exemplars metric.name
        metric.type metric.is_monotonic""".split(),
}
ENUMS = {"span": ["STATUS_CODE_ERROR", "SPAN_KIND_SERVER"], "spanevent": ["STATUS_CODE_OK"], "log": ["SEVERITY_NUMBER_WARN"],
         "metric": ["METRIC_DATA_TYPE_SUM", "AGGREGATION_TEMPORALITY_DELTA"], "datapoint": ["METRIC_DATA_TYPE_GAUGE", "FLAG_NO_RECORDED_VALUE"]}


def value_of(value):
    if value is None:
        return {}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, bytes):
        return {"bytesValue": base64.b64encode(value).decode()}
    if isinstance(value, list):
        return {"arrayValue": {"values": [value_of(item) for item in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": pairs_of(value)}}
    return {"stringValue": value}


def pairs_of(values):
    return [{"key": key, "value": value_of(value)} for key, value in values.items()]


def requests():
    ids = {"traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "1112131415161718"}
    resource = {"attributes": pairs_of({"service.name": "checkout", "i": 1}), "droppedAttributesCount": 2}
    spans = [{**ids, "parentSpanId": "2122232425262728", "traceState": "a=1,b=2", "name": "GET /x", "kind": 2, "startTimeUnixNano": "1000000000",
              "endTimeUnixNano": "3500000000", "flags": 257, "droppedAttributesCount": 7, "status": {"code": 2, "message": "bad"},
              "attributes": pairs_of(ATTRIBUTES), "links": [ids],
              "events": [{"name": "e1", "timeUnixNano": "5", "attributes": pairs_of({"k": 9, "s": "text"})}, {"name": ""}]},
             {"name": "", "traceState": "bad state=="}]
    scope = {"name": "lib", "version": "1.2", "attributes": pairs_of({"x": True})}
    traces = {"resourceSpans": [{"schemaUrl": "r/1", "resource": resource, "scopeSpans": [{"schemaUrl": "s/1", "scope": scope, "spans": spans}]}]}
    bodies = ("text", None, 5, {"m": "<x>", "l": [1.5]}, [1, "a"], b"\1\2", True, 2.5)
    records = [{"timeUnixNano": "10", "observedTimeUnixNano": "20", "severityNumber": 13, "severityText": "WARN", "eventName": "ev", "flags": 1,
                "traceId": ids["traceId"], "body": value_of(body), "attributes": pairs_of(ATTRIBUTES)} for body in bodies]
    logs = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]}
    histogram = {"aggregationTemporality": 1, "dataPoints": [{"count": "3", "sum": 2.5, "bucketCounts": ["1", "2"], "explicitBounds": [0.5]}, {"count": "1"}]}
    exponential = {"aggregationTemporality": 1, "dataPoints": [{"count": "3", "sum": 2.5, "scale": -2, "zeroCount": "1", "negative": {},
                                                                "positive": {"offset": -1, "bucketCounts": ["1", "2"]}}]}
    metrics = [{"name": "g", "unit": "1", "description": "d", "metadata": pairs_of({"k": "v"}),
                "gauge": {"dataPoints": [{"asInt": "7", "timeUnixNano": "3", "attributes": pairs_of(ATTRIBUTES)}, {"asDouble": 1.5, "flags": 1}]}},
               {"name": "s", "sum": {"aggregationTemporality": 2, "isMonotonic": True, "dataPoints": [{"asInt": "1", "exemplars": [{"asInt": "1"}]}]}},
               {"name": "h", "histogram": histogram}, {"name": "x", "exponentialHistogram": exponential},
               {"name": "q", "summary": {"dataPoints": [{"count": "3", "sum": 2.5, "quantileValues": [{"quantile": 0.5, "value": 1}]}]}}, {"name": "none"}]
    metrics = {"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}
    return {"span": traces, "spanevent": traces, "log": logs, "metric": metrics, "datapoint": metrics}


class Source:
    """Conditions of one context."""

    def __init__(self, seed, context):
        self.random = random.Random(f"{seed}{context}")
        self.context = context

    def attribute(self):
        path = f'{"metadata" if self.context == "metric" else "attributes"}["{self.random.choice([*ATTRIBUTES, "gone"])}"]'
        return path + (self.random.choice(KEYS) if self.random.random() < 0.35 else "")

    def number(self):
        kind = self.random.random()
        if kind < 0.4:
            return self.random.choice(["1", "2.5", "0", "-3"])
        return self.attribute() if kind < 0.8 else self.random.choice(PATHS[self.context])

    def value(self, depth=0):
        kind = self.random.random()
        if kind < 0.3:
            return self.attribute()
        if kind < 0.55:
            return self.random.choice(PATHS[self.context])
        if kind < 0.8 or depth == 2:
            return self.random.choice(LITERALS)
        if kind < 0.85:
            return self.random.choice(ENUMS[self.context])
        if kind < 0.93:
            return self.random.choice(SUMS) % (self.number(), self.number())
        return self.random.choice(CALLS) % self.value(depth + 1)

    def condition(self, depth=0):
        kind = self.random.random() + (0.36 if depth == 3 else 0)
        if kind < 0.24:
            return f'{self.condition(depth + 1)} {self.random.choice(["and", "or"])} {self.condition(depth + 1)}'
        if kind < 0.36:
            return f'{self.random.choice(["", "not "])}({self.condition(depth + 1)})'
        if kind < 0.4:
            return self.random.choice(["true", "false", "not true"])
        if kind < 0.5:
            return self.random.choice(QUESTIONS) % self.value()
        return f"{self.value()} {self.random.choice(COMPARISONS)} {self.value()}"
