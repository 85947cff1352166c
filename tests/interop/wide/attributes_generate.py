"""Configs of the processors attributes and resource at random, and requests that they act on."""

import random

KEYS = ["a", "b", "ab", "http.method", "http.status", "user.id", "x", "name", "data", ""]
NAMED = [key for key in KEYS if key]  # of actions, where most need one
WORDS = ["", "a", "7", "-12", "0.5", "1.5e+3", "0x1p-2", "1_000", "9223372036854775808", "NaN", "inf", "true", "GET", "GET /a/b?c=1",
         "https://shop.example.com:8443/cart", "é", "a\nb", "日本", "<a&b>", "\u2028", "user-17", "  ", "checkout", "payment"]
KEY_PATTERNS = ["^a", "b$", r"^http\.", r"\.id$", "^$", ".", "(?i)NAME", "x|y"]
TEXT_PATTERNS = ["^GET", "a", r"\d+", "^$", "check", "(?i)TRUE", r"^\d\.\d", "e$", ".", "[^a-z]"]
EXTRACTIONS = ["(?P<a>[a-z]+)", r"^(?P<scheme>\w+)://(?P<host>[^:/]+)(?::(?P<port>\d+))?", r"(?P<x>\d)(?P<y>\d)?", "(?P<name>.*)", "^(?P<b>)$",
               "(?P<http_method>GET|PUT) (?P<data>[^?]*)", "(?:z|(?P<ab>é))"]
DOUBLES = [0.5, -2.5, 3.25, 1e21, 1e-7, 100.0, 1.23e56, -7.75, 1e300, 9.3e18, "Infinity", "-Infinity"]  # of NaN a Collector's JSON knows another one
INTEGERS = ["0", "7", "-5", "9223372036854775807", "-9223372036854775808", "42"]
SERVICES = ["checkout", "payment", "shop", ""]
KINDS = ["SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT", "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER"]
SPAN_NAMES = ["GET /a/b?c=1", "checkout", "a", ""]
METRIC_NAMES = ["requests", "errors.total", "a", "latency"]
VERSIONS = ["", "1.0", "1.2"]


class Source:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def chance(self, share):
        return self.random.random() < share

    def pick(self, items):
        return self.random.choice(items)

    def some(self, items, most):
        return self.random.sample(items, self.random.randint(1, min(most, len(items))))

    # --- configs ---

    def constant(self, depth=2):
        share = self.random.random() if depth > 0 else 0
        if share > 0.9:
            return {key: self.constant(depth - 1) for key in self.some(NAMED, 3)}
        if share > 0.8:
            return [self.constant(depth - 1) for _ in range(self.random.randint(0, 3))]
        return self.pick([self.pick(WORDS), self.pick(WORDS), self.random.randint(-9, 9), self.pick(DOUBLES[:8]), self.chance(0.5)])

    def action(self):
        name = self.pick(["insert", "insert", "update", "upsert", "upsert", "delete", "hash", "extract", "convert", "INSERT", "Hash"])
        kind = name.lower()
        action = {"action": name}
        if kind in ("delete", "hash"):
            by = self.random.random()
            if by < 0.75:
                action["key"] = self.pick(NAMED)
            if by > 0.6:
                action["pattern"] = self.pick(KEY_PATTERNS)
            return action
        action["key"] = self.pick(NAMED)
        if kind == "extract":
            return action | {"pattern": self.pick(EXTRACTIONS)}
        if kind == "convert":
            return action | {"converted_type": self.pick(["string", "int", "double"])}
        if self.chance(0.45):
            action["value"] = self.constant()
        elif self.chance(0.9):
            action["from_attribute"] = self.pick(NAMED)
        if len(action) == 2 or self.chance(0.2):
            action["default_value"] = self.constant()
        return action

    def actions(self):
        return [self.action() for _ in range(self.random.randint(1, 5))]

    def pair(self, kind):
        pair = {"key": self.pick(NAMED)}
        if self.chance(0.7):
            pair["value"] = self.pick(TEXT_PATTERNS) if kind == "regexp" else self.constant()
        return pair

    def library(self, kind):
        names = TEXT_PATTERNS if kind == "regexp" else ["lib", "a"]
        library = {"name": self.pick(names)}
        if self.chance(0.5):
            library["version"] = self.pick(["1", "^$", r"\.2"]) if kind == "regexp" else self.pick(VERSIONS)
        return library

    def matching(self, signal):
        """A block of include or exclude that the signal may have: mostly one property, so that it matches now and then."""
        kind = self.pick(["strict", "regexp"])
        texts = lambda strict: self.some(TEXT_PATTERNS, 2) if kind == "regexp" else self.some(strict, 2)
        properties = {"resources": lambda: [self.pair(kind) for _ in range(self.random.randint(1, 2))]}
        if signal == "metrics":
            properties["metric_names"] = lambda: texts(METRIC_NAMES)
        else:
            properties["attributes"] = lambda: [self.pair(kind) for _ in range(self.random.randint(1, 2))]
            properties["libraries"] = lambda: [self.library(kind) for _ in range(self.random.randint(1, 2))]
        if signal == "traces":
            properties |= {"services": lambda: texts([*SERVICES, "<nil-service-name>", "7"]), "span_names": lambda: texts(SPAN_NAMES),
                           "span_kinds": lambda: self.some(["SERVER", "CLIENT$", "UNSPECIFIED"], 2) if kind == "regexp"
                           else self.some(KINDS, 2)}
        if signal == "logs":
            properties |= {"log_bodies": lambda: texts(WORDS), "log_severity_texts": lambda: texts(["INFO", "WARN", ""]),
                           "log_severity_number": lambda: {"min": self.random.randint(0, 20), "match_undefined": self.chance(0.5)}}
        chosen = self.some(sorted(properties), 1 if self.chance(0.7) else 2)
        block = {"match_type": kind} | {name: properties[name]() for name in chosen}
        if kind == "regexp" and self.chance(0.3):
            block["regexp"] = {"cacheenabled": True, "cachemaxnumentries": 10}
        return block

    def config(self, processor, signal):
        if processor == "resource":
            return {"attributes": self.actions()}
        config = {"actions": self.actions()}
        if self.chance(0.5):
            config["include"] = self.matching(signal)
        if self.chance(0.4):
            config["exclude"] = self.matching(signal)
        return config

    # --- requests ---

    def value(self, depth=2):
        share = self.random.random() if depth > 0 else 0
        if share > 0.92:
            return {"kvlistValue": {"values": [{"key": key, "value": self.value(depth - 1)} for key in self.some(KEYS, 3)]}}
        if share > 0.84:
            return {"arrayValue": {"values": [self.value(depth - 1) for _ in range(self.random.randint(0, 3))]}}
        return self.pick([{"stringValue": self.pick(WORDS)}, {"stringValue": self.pick(WORDS)}, {"stringValue": self.pick(WORDS)},
                          {"intValue": self.pick(INTEGERS)}, {"boolValue": self.chance(0.5)}, {"doubleValue": self.pick(DOUBLES)},
                          {"bytesValue": "Zm9v"}, {}])

    def attributes(self, more=()):
        return [{"key": key, "value": self.value()} for key in [*self.some(KEYS, 7), *more]] if self.chance(0.9) else []

    def resource(self):
        attributes = self.attributes()
        if self.chance(0.8):
            name = {"stringValue": self.pick(SERVICES)} if self.chance(0.9) else {"intValue": "7"}
            attributes.append({"key": "service.name", "value": name})
        return {"attributes": attributes}

    def scope(self):
        return {"name": self.pick(["lib", "a", ""]), "version": self.pick(VERSIONS)}

    def span(self):
        return {"traceId": "0123456789abcdef0123456789abcdef", "spanId": "0123456789abcdef", "name": self.pick(SPAN_NAMES),
                "kind": self.random.randint(0, 6), "attributes": self.attributes(), "events": [{"name": "e", "attributes": self.attributes()}],
                "status": {"code": self.random.randint(0, 2)}}

    def log(self):
        record = {"attributes": self.attributes(), "body": self.value(), "severityNumber": self.random.randint(0, 24),
                  "severityText": self.pick(["INFO", "WARN", ""])}
        return record

    def metric(self):
        kind = self.pick(["gauge", "sum", "histogram", "exponentialHistogram", "summary"])
        points = [{"timeUnixNano": "1", "attributes": self.attributes()} for _ in range(2)]
        return {"name": self.pick(METRIC_NAMES), kind: {"dataPoints": points}}

    def item(self, signal):
        """One ResourceX, of which a request has many."""
        scopes, records, make = {"traces": ("scopeSpans", "spans", self.span), "logs": ("scopeLogs", "logRecords", self.log),
                                 "metrics": ("scopeMetrics", "metrics", self.metric)}[signal]
        return {"resource": self.resource(), scopes: [{"scope": self.scope(), records: [make(), make()]} for _ in range(2)]}
