"""Configs of transform and filter, and requests for them, at random by a seed.

Out of the Collector's reach, and so not generated: what counts on the order of a map's members once one was removed (the
Collector moves the last one into its place), and NaN, which JSON has not. Where one block of a filter fails with `propagate`
and another drops all, weft refuses the batch and the Collector drops it: such a filter has one block.
"""

import random

KEYS = ["a", "b", "token", "api_key", "user.id", "n", "name", "data", "list", "flag"]
WORDS = ["4111111111111111", "ann@example.com", "my Secret", "x1", "hey", "foo bar", "GET /api/v1/users/17", "", "é", "a\nb", "3.25", "true",
         "日本", "k1=v1 k2=v2", '{"a": 1, "b": [true, "x"]}', "42", "-7", "2023-05-26 12:34:56", "1h2m", "snake_case_word", "camelCaseWord"]
PATTERNS = [r"[0-9]+", "^x", "e", "(?i)secret", r"[a-z]+@[a-z]+\\.com", r"/users/\\d+", "^$", "日", "b$", r"^\\w+", "(a)(b)?"]
KEY_PATTERNS = ["^a", r"\\.", "n", "(?i)TOKEN", "^(data|list)$", "zzz"]
CONTEXTS = {"traces": ["resource", "scope", "span", "spanevent"], "metrics": ["resource", "scope", "metric", "datapoint"],
            "logs": ["resource", "scope", "log"]}
MAPS = {context: f"{context}.attributes" for contexts in CONTEXTS.values() for context in contexts if context != "metric"}
TEXTS = {"resource": [], "scope": ["scope.name", "scope.version"], "span": ["span.name", "span.status.message", "span.trace_state"],
         "spanevent": ["spanevent.name"], "metric": ["metric.name", "metric.description", "metric.unit"], "datapoint": [],
         "log": ["log.severity_text", "log.body"]}
NUMBERS = {"resource": ["resource.dropped_attributes_count"], "scope": ["scope.dropped_attributes_count"],
           "span": ["span.start_time_unix_nano", "span.dropped_links_count", "span.kind", "span.status.code", "span.end_time_unix_nano"],
           "spanevent": ["spanevent.time_unix_nano", "spanevent.dropped_attributes_count"], "metric": [],
           "datapoint": ["datapoint.time_unix_nano", "datapoint.flags"],
           "log": ["log.time_unix_nano", "log.severity_number", "log.flags", "log.dropped_attributes_count"]}
ASKED = {"span": ["IsRootSpan()", "span.kind == SPAN_KIND_SERVER", "span.status.code != STATUS_CODE_ERROR",
                  "span.end_time_unix_nano - span.start_time_unix_nano > 5"],
         "log": ["log.severity_number >= SEVERITY_NUMBER_WARN", "IsMap(log.body)", "log.body == \"hey\"", "IsString(log.body)"],
         "metric": ["metric.type == METRIC_DATA_TYPE_SUM", "metric.is_monotonic == true", "metric.unit == \"\"",
                    "metric.aggregation_temporality == AGGREGATION_TEMPORALITY_DELTA"],
         "datapoint": ["metric.type == METRIC_DATA_TYPE_GAUGE", "datapoint.value_int > 3", "datapoint.value_double < 1.5", "datapoint.count > 2"]}


class Source:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def one(self, items):
        return self.random.choice(items)

    def likely(self, share):
        return self.random.random() < share

    def some(self, items, most):
        return self.random.sample(items, self.random.randint(1, min(most, len(items))))

    # ---- statements ----

    def reach(self, context):
        """The contexts whose paths may be asked, itself most often."""
        signal = next(name for name, contexts in CONTEXTS.items() if context in contexts)
        above = CONTEXTS[signal][:CONTEXTS[signal].index(context)]
        return self.one([context, context, context, *above])

    def map_path(self, context):
        reach = self.reach(context)
        return MAPS[reach if reach in MAPS else "resource"]

    def member(self, context):
        path = f'{self.map_path(context)}["{self.one(KEYS)}"]'
        return path + self.one(['["a"]', '["b"][0]', "[0]"]) if self.likely(0.15) else path

    def text(self, context):
        texts = TEXTS[context]
        return self.one(texts) if texts and self.likely(0.5) else self.member(context)

    def literal(self):
        return self.one(['"x"', '"日本 é"', '""', "17", "-3", "2.5", "true", "nil", '["a", 1, true]', '{"k": 1, "l": {"m": "n"}}', "0x0102"])

    def value(self, context):
        text, member = self.text(context), self.member(context)
        return self.one([
            self.literal(), text, member, f'Concat([{text}, {member}], "-")', f"Int({member})", f"Double({member})", f"String({member})",
            f"Len({member})", f"ToUpperCase({text})", f"ToLowerCase({text})", f"SHA256({text})", f"MD5({text})", f"FNV({text})", f"Hex({member})",
            f'Split({text}, " ")', f"Substring({text}, 0, 1, true)", f"ParseJSON({text})", f"ParseKeyValue({text})", f'ExtractPatterns({text}, "(?P<one>\\\\w+)")',
            f"Trim({text})", f"Base64Encode({text})", f"ToCamelCase({text})", f"ToSnakeCase({text})", f"IsMatch({text}, \"{self.one(PATTERNS)}\")",
            f'FormatTime(Unix(Int({member})), "%Y-%m-%dT%H:%M:%S")', f'Minutes(Duration({text}))', f'UnixSeconds(Time({text}, "%Y-%m-%d %H:%M:%S"))',
            f"Values({member})", f"Keys({member})", f"Sort({member})", f'ContainsValue({member}, "x")', f"Int({member}) + 1", f"Bool({member})"])

    def condition(self, context, depth=0):
        if depth < 2 and self.likely(0.25):
            joined = self.one(["and", "or"])
            return f"({self.condition(context, depth + 1)} {joined} {self.condition(context, depth + 1)})"
        if self.likely(0.1):
            return f"not ({self.condition(context, depth + 2)})"
        if context in ASKED and self.likely(0.3):
            return self.one(ASKED[context])
        member, text = self.member(context), self.text(context)
        return self.one([
            f"{member} != nil", f"{member} == nil", f'{member} == "hey"', f"{member} > 3", f"{member} <= 2.5", f"{member} == true",
            f'IsMatch({text}, "{self.one(PATTERNS)}")', f"IsString({member})", f"IsMap({member})", f"IsList({member})", f"IsInt({member})",
            f"Len({member}) > 2", f'HasPrefix({text}, "x")', f'{text} < "m"', f'{member} == {self.literal()}', f"{member} == {member}",
            f'resource.attributes["{self.one(KEYS)}"] == {self.literal()}'])

    def edit(self, context):
        at, member, text = self.map_path(context), self.member(context), self.text(context)
        pattern, keys = self.one(PATTERNS), self.quoted(self.some(KEYS, 4))
        edits = [f"set({member}, {self.value(context)})"] * 5 + [f"set({text}, {self.value(context)})"] * 2 + [
            f'delete_key({at}, "{self.one(KEYS)}")', f'delete_matching_keys({at}, "{self.one(KEY_PATTERNS)}")', f"keep_keys({at}, {keys})",
            f'keep_matching_keys({at}, "{self.one(KEY_PATTERNS)}")', f"truncate_all({at}, {self.one([0, 1, 5, 100])})",
            f'replace_pattern({text}, "{pattern}", "<$$0>")', f'replace_match({text}, "h*", "star")', f'replace_all_matches({at}, "x*", "star")',
            f'replace_all_patterns({at}, "{self.one(["key", "value"])}", "{pattern}", "*")', f"flatten({at})", f"flatten({member})",
            f"merge_maps({at}, {self.one([member, 'ParseJSON(' + text + ')'])}, \"{self.one(['insert', 'update', 'upsert'])}\")",
            f'append({member}, "z")', f"append({member}, values={self.literal_list()})", f"delete_index({member}, 0)"]
        numbers = NUMBERS[context]
        edits += [f"set({self.one(numbers)}, {self.one(['1', '2', '0'])})"] if numbers else []
        return self.one(edits) + (f" where {self.condition(context)}" if self.likely(0.5) else "")

    def literal_list(self):
        return self.one(['["p", "q"]', "[1, 2]", '[true, "x", 0.5]'])

    @staticmethod
    def quoted(words):
        return "[" + ", ".join(f'"{word}"' for word in words) + "]"

    # ---- configs ----

    def transform(self, signal):
        groups = []
        for _ in range(self.random.randint(1, 3)):
            context = self.one(CONTEXTS[signal][1:] if self.likely(0.8) else CONTEXTS[signal])
            group = {"context": context, "statements": [self.edit(context) for _ in range(self.random.randint(1, 5))]}
            if self.likely(0.3):
                group["conditions"] = [self.condition(context) for _ in range(self.random.randint(1, 2))]
            if self.likely(0.3):
                group["error_mode"] = self.one(["ignore", "silent", "propagate"])
            groups.append(group)
        return {"error_mode": self.one(["ignore", "ignore", "silent", "propagate"]), f"{signal[:-1]}_statements": groups}

    def filter(self, signal):
        error_mode = self.one(["ignore", "ignore", "silent", "propagate"])
        lists = {"traces": ["resource", "span", "spanevent"], "metrics": ["resource", "metric", "datapoint"], "logs": ["resource", "log_record"]}[signal]
        if self.likely(0.4):
            contexts = [self.one(CONTEXTS[signal]) for _ in range(1 if error_mode == "propagate" else 2)]
            return {"error_mode": error_mode, f"{signal[:-1]}_conditions": [{"context": context, "conditions": [self.condition(context)]}
                                                                           for context in contexts]}
        chosen = self.some(lists, 1 if error_mode == "propagate" else 2)
        return {"error_mode": error_mode, signal: {name: [self.condition({"log_record": "log"}.get(name, name)) for _ in range(self.random.randint(1, 2))]
                                                   for name in chosen}}

    # ---- requests ----

    def words(self):
        return self.one(WORDS) if self.likely(0.7) else " ".join(self.random.choices(WORDS, k=2))

    def any_value(self, depth=2):
        share = self.random.random() if depth > 0 else 0
        if share > 0.85:
            return {"kvlistValue": {"values": [{"key": key, "value": self.any_value(depth - 1)} for key in self.some(["a", "b", "x"], 3)]}}
        if share > 0.75:
            return {"arrayValue": {"values": [self.any_value(depth - 1) for _ in range(self.random.randint(0, 3))]}}
        return self.one([{"stringValue": self.words()}, {"stringValue": self.words()}, {"stringValue": self.words()},
                         {"intValue": self.one(["0", "7", "4111111111111111", "-5", "3"])}, {"boolValue": self.likely(0.5)},
                         {"doubleValue": self.one([0.5, 3.25, 2.5, 100.0])}, {"bytesValue": "Zm9vYmFy"}, {}])

    def with_attributes(self, **more):
        if self.likely(0.9):
            more["attributes"] = [{"key": key, "value": self.any_value()} for key in self.some(KEYS, 6)]
        return more

    def span(self):
        events = [self.with_attributes(name=self.words(), timeUnixNano="7") for _ in range(self.random.randint(0, 2))]
        made = self.with_attributes(traceId="0102030405060708090a0b0c0d0e0f10", spanId="0102030405060708", name=self.words(), events=events,
                                    kind=self.random.randint(0, 5), startTimeUnixNano="1685104496789000000",
                                    endTimeUnixNano=self.one(["1685104496789000001", "1685104496789000099"]),
                                    status={"code": self.random.randint(0, 2), "message": self.words()},
                                    links=[self.with_attributes(traceId="0102030405060708090a0b0c0d0e0f11", spanId="0102030405060709")])
        return made | ({"parentSpanId": "0102030405060707"} if self.likely(0.5) else {})

    def point(self, kind):
        made = self.with_attributes(timeUnixNano="1685104496789000000", startTimeUnixNano="5")
        if kind in ("gauge", "sum"):
            return made | self.one([{"asInt": self.one(["1", "5"])}, {"asDouble": self.one([0.5, 2.5])}])
        if kind == "histogram":
            return made | {"count": "3", "sum": 4.5, "bucketCounts": ["1", "2"], "explicitBounds": [1.5]}
        return made | {"count": "2", "sum": 1.5} | ({"scale": 1} if kind == "exponentialHistogram" else {})

    def metric(self):
        kind = self.one(["gauge", "sum", "histogram", "exponentialHistogram", "summary"])
        data = {"dataPoints": [self.point(kind) for _ in range(self.random.randint(1, 3))]}
        if kind not in ("gauge", "summary"):
            data["aggregationTemporality"] = self.random.randint(1, 2)
        if kind == "sum":
            data["isMonotonic"] = self.likely(0.5)
        return {"name": self.words() or "m", "unit": self.one(["", "s"]), "description": self.words(), kind: data}

    def log(self):
        return self.with_attributes(timeUnixNano="1685104496789000000", severityNumber=self.random.randint(0, 24), body=self.any_value(3),
                                    severityText=self.one(["", "Info", "ERROR"]), traceId="0102030405060708090a0b0c0d0e0f10",
                                    spanId="0102030405060708", flags=1)

    def request(self, signal):
        kind, item = {"traces": ("Spans", self.span), "metrics": ("Metrics", self.metric), "logs": ("Logs", self.log)}[signal]
        records = {"traces": "spans", "metrics": "metrics", "logs": "logRecords"}[signal]
        scopes = [{"scope": self.with_attributes(name=self.words(), version="1"), records: [item() for _ in range(2)]}
                  for _ in range(self.random.randint(1, 2))]
        return {f"resource{kind}": [{"resource": self.with_attributes(), f"scope{kind}": scopes} for _ in range(self.random.randint(1, 2))]}
