"""OTLP requests as JSON whose every text is asked for by the name of its place, so that a secret can be put into any of them."""

import base64
import json
import re


def string(text):
    return {"stringValue": text}


def attribute(key, value):
    return {"key": key, "value": value}


def as_gson_writes(value):
    return json.dumps(value).translate({ord(character): f"\\u{ord(character):04x}" for character in "<>&='"})


def as_php_writes(value):
    return json.dumps(value).replace("/", "\\/")


def pairs(text, place):
    """Attributes with a text in each way that a value can hold one, and in their keys."""
    deep = {"arrayValue": {"values": [string("x"), {"kvlistValue": {"values": [
        attribute("b", {"arrayValue": {"values": [string(text(f"{place}, nested"))]}})]}}]}}
    return [
        attribute("note", string(text(place))),
        attribute(text(f"{place}, key"), string("x")),
        attribute("deep", deep),
        attribute("map", {"kvlistValue": {"values": [attribute(text(f"{place}, nested key"), {"intValue": "1"})]}}),
        attribute("bytes", {"bytesValue": base64.b64encode(text(f"{place}, bytes").encode()).decode()}),
        attribute("json", string(json.dumps({"a": [text(f"{place}, JSON")], "n": 1}))),
        attribute("twice", string(json.dumps({"a": json.dumps({"b": text(f"{place}, JSON in JSON")}, ensure_ascii=False)}))),
        attribute("gson", string(as_gson_writes({"a": text(f"{place}, JSON with more escapes")}))),
        attribute("php", string(as_php_writes({"a": text(f"{place}, JSON with escaped slashes")}))),
    ]


def resource(text):
    return {"attributes": [attribute("service.name", string(text("service.name"))), *pairs(text, "resource")],
            "entityRefs": [{"schemaUrl": text("entity, schema URL"), "type": text("entity, type"),
                            "idKeys": [text("entity, id key")], "descriptionKeys": [text("entity, description key")]}]}


def scope(text):
    return {"name": text("scope, name"), "version": text("scope, version"), "attributes": pairs(text, "scope")}


def span(text, number):
    return {
        "traceId": f"{number:032x}", "spanId": f"{number:016x}", "name": text("span, name"), "traceState": text("tracestate"),
        "attributes": pairs(text, "span"),
        "events": [{"name": text("event, name"), "attributes": pairs(text, "event")}],
        "links": [{"traceId": f"{number:032x}", "spanId": f"{number:016x}", "traceState": text("link, tracestate"),
                   "attributes": pairs(text, "link")}],
        "status": {"message": text("status message"), "code": 2},
    }


def log(text, number):
    bodies = (
        lambda: string(text("body")),
        lambda: string(json.dumps({"message": text("body, JSON"), "n": [1]})),
        lambda: {"kvlistValue": {"values": pairs(text, "body, map")}},
        lambda: {"arrayValue": {"values": [string(text("body, array"))]}},
        lambda: {"bytesValue": base64.b64encode(text("body, bytes").encode()).decode()},
    )
    return {"traceId": f"{number:032x}", "spanId": f"{number:016x}", "body": bodies[number % len(bodies)](),
            "severityText": text("severity"), "eventName": text("log, event name"), "attributes": pairs(text, "log")}


def metric(text, number):
    exemplar = {"spanId": f"{number:016x}", "traceId": f"{number:032x}", "filteredAttributes": pairs(text, "exemplar"), "asInt": "1"}
    kinds = (
        lambda: {"gauge": {"dataPoints": [{"attributes": pairs(text, "gauge"), "asInt": "1", "exemplars": [exemplar]}]}},
        lambda: {"sum": {"dataPoints": [{"attributes": pairs(text, "sum"), "asInt": "1", "exemplars": [exemplar]}]}},
        lambda: {"histogram": {"dataPoints": [{"attributes": pairs(text, "histogram"), "exemplars": [exemplar]}]}},
        lambda: {"exponentialHistogram": {"dataPoints": [{"attributes": pairs(text, "exponential"), "exemplars": [exemplar]}]}},
        lambda: {"summary": {"dataPoints": [{"attributes": pairs(text, "summary")}]}},
    )
    return {"name": text("metric, name"), "description": text("metric, description"), "unit": text("metric, unit"),
            "metadata": pairs(text, "metric, metadata"), **kinds[number % len(kinds)]()}


FIELDS = {"traces": ("resourceSpans", "scopeSpans", "spans", span), "logs": ("resourceLogs", "scopeLogs", "logRecords", log),
          "metrics": ("resourceMetrics", "scopeMetrics", "metrics", metric)}


def request(signal, text, numbers):
    """A request with a record for each number."""
    resources, scopes, records, make = FIELDS[signal]
    return {resources: [{"resource": resource(text), "schemaUrl": text("resource, schema URL"),
                         scopes: [{"scope": scope(text), "schemaUrl": text("scope, schema URL"),
                                   records: [make(text, number) for number in numbers]}]}]}


def opaque(word):
    """Of 16 or 32 hex digits an id is made and of digits a time, be they a card's: of these no rule speaks."""
    return f"id {word}" if re.fullmatch("[0-9]+|[0-9a-fA-F]{16}|[0-9a-fA-F]{32}", word) else word


def line(text, number):
    """A log line as services write them; ids that are no hex are texts."""
    ids = {"trace_id": f"{number:032x}", "span_id": f"{number:016x}"}
    shapes = (
        lambda: {**ids, "message": text("line, message"), "data": {"note": text("line, nested"), text("line, key"): 1}},
        lambda: {"trace_id": opaque(text("line, opaque trace id")), "message": "x"},
        lambda: {**ids, "span_id": opaque(text("line, opaque span id")), "message": "x"},
        lambda: {"job_id": text("line, job id"), "run_id": text("line, run id"), "message": "x"},
        lambda: {**ids, "service": text("line, service"), "level": text("line, level"), "msg": "x"},
        lambda: {**ids, "level": "error", "message": "x", "error": {"stack": f"at {text('line, stack')}"}},
        lambda: {**ids, "message": json.dumps({"inner": text("line, JSON in a string")})},
        lambda: {**ids, "timestamp": opaque(text("line, time that is none")), "message": "x"},
        lambda: text("line, no JSON").replace("\n", " ") + f" trace_id={number:032x}",
    )
    made = shapes[number % len(shapes)]()
    return made if isinstance(made, str) else json.dumps(made, ensure_ascii=number % 2 == 0)
