"""redaction beside the Collector's redactionprocessor: the same configs and requests, and exactly the same output.

Its code runs as a filter (redaction/main.go), weft's as `weft redact`. 40 configs of a fixed seed meet 1,000 generated requests
each (WEFT_REQUESTS=5000: all of them); where the two part on purpose is a row of DEVIATIONS.
"""

import os
import pathlib
import random
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from redaction_case import Deviation, RedactionCase, for_each_group, text

SEED = 20261129
CONFIGS = 40
REQUESTS = int(os.environ.get("WEFT_REQUESTS", "1000"))
LONG_KEY = "k" * 65

PATTERNS = ["4[0-9]{12}(?:[0-9]{3})?", r"[a-z.]+@example\.com", "(?i)secret", "[0-9]{3}-[0-9]{2}-[0-9]{4}", "^x", "y$", "a*",
            r"\bfoo\b", "t.k", "[A-F0-9]{8,}", "e", r"\d+\.\d+", "^$", ".", "é+", "tru"]
KEY_PATTERNS = ["(?i)token", "^a", "b$", "key", r"\.id", "^$"]
KEYS = ["a", "b", "token", "api_key", "user.id", "x", "name", "data", "db.statement", ""]
WORDS = ["4111111111111111", "ann@example.com", "my Secret", "123-45-6789", "x1", "hey", "foo bar", "take", "DEADBEEF01", "", "é",
         "a\nb", "line\n\nthree\n", "token", "3.25", "true", "日本", "<a&b>", "\u2028", "\r\n"]
HASHES = ["", "md5", "sha1", "sha3", "hmac-sha256", "hmac-sha512", "MD5"]


class Source:
    """Configs and requests at random."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def some(self, items, most, share):
        return self.random.sample(items, self.random.randint(1, most)) if self.random.random() < share else []

    def config(self):
        lists = {"allowed_keys": (KEYS, 6, 0.6), "ignored_keys": (KEYS, 2, 0.3), "ignored_key_patterns": (KEY_PATTERNS, 1, 0.2),
                 "blocked_key_patterns": (KEY_PATTERNS, 2, 0.4), "blocked_values": (PATTERNS, 1, 0.9),
                 "allowed_values": (PATTERNS[:4], 1, 0.3)}
        config = {key: chosen for key, which in lists.items() if (chosen := self.some(*which))}
        config |= {"allow_all_keys": self.random.random() < 0.75, "redact_all_types": self.random.random() < 0.4,
                   "summary": self.random.choice(["", "silent", "info", "debug"]), "hash_function": self.random.choice(HASHES)}
        return config | ({"hmac_key": LONG_KEY} if config["hash_function"].startswith("hmac") else {})

    def text(self):
        return " ".join(self.random.choices(WORDS, k=self.random.randint(1, 3)))

    def value(self, depth=0):
        share = self.random.random() if depth > 0 else 0
        if share > 0.85:
            return {"kvlistValue": {"values": [{"key": key, "value": self.value(depth - 1)} for key in self.some(KEYS, 3, 0.9)]}}
        if share > 0.7:
            return {"arrayValue": {"values": [self.value(depth - 1) for _ in range(self.random.randint(0, 3))]}}
        return self.random.choice([
            {"stringValue": self.text()}, {"stringValue": self.text()}, {"stringValue": self.random.choice(WORDS)},
            {"intValue": self.random.choice(["0", "7", "4111111111111111", "-5"])}, {"boolValue": self.random.random() < 0.5},
            {"doubleValue": self.random.choice([0.5, 1e21, 3.25, 1e-7, 100.0])}, {"bytesValue": "Zm9vYmFy"}])

    def attributes(self):
        return [{"key": key, "value": self.value()} for key in self.some(KEYS, 5, 0.9)]

    def has_attributes(self, **more):
        return {"attributes": self.attributes(), **more}

    def traces(self):
        spans = [self.has_attributes(name=self.text(), events=[self.has_attributes(name=self.text())], links=[self.has_attributes()],
                                     status={"message": self.text()}) for _ in range(2)]
        return {"resourceSpans": [{"resource": self.has_attributes(),
                                   "scopeSpans": [{"scope": self.has_attributes(name=self.text()), "spans": spans}]}]}

    def logs(self):
        records = [self.has_attributes(severityText=self.text(), body=self.value(3)) for _ in range(2)]
        return {"resourceLogs": [{"resource": self.has_attributes(),
                                  "scopeLogs": [{"scope": self.has_attributes(), "logRecords": records}]}]}

    def metrics(self):
        kinds = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")
        made = [{"name": self.text(), kind: {"dataPoints": [self.has_attributes(timeUnixNano="1")]}} for kind in kinds]
        return {"resourceMetrics": [{"resource": self.has_attributes(),
                                     "scopeMetrics": [{"scope": self.has_attributes(), "metrics": made}]}]}

    def request(self):
        signal = self.random.choice(["traces", "logs", "metrics"])
        return signal, getattr(self, signal)()


DEVIATIONS = [
    Deviation("maps and arrays in attributes are looked into", {"blocked_values": ["sk-[a-z]+"]},
              {"arrayValue": {"values": [text("sk-abc")]}}, {"arrayValue": {"values": [text("sk-abc")]}},
              {"arrayValue": {"values": [text("****")]}}),
    Deviation("what one mask hides from the next pattern is masked", {"blocked_values": ["[0-9]{4}", "[0-9]{4}-secret"]},
              text("1234-secret"), text("****-secret"), text("****")),
    Deviation("and hashed", {"blocked_values": ["[0-9]{4}", "[0-9]{4}-secret"], "hash_function": "md5"}, text("1234-secret"),
              text("81dc9bdb52d04dc20036dbd8313ed055-secret"), text("4e7dd1c68c084230b8dba5d6b5eaaea3")),
]

# What both refuse.
REFUSED = [{"hash_function": "sha2"}, {"hash_function": "hmac-sha256"}, {"hash_function": "hmac-sha256", "hmac_key": "k" * 31},
           {"hash_function": "hmac-sha512", "hmac_key": "k" * 63}, {"blocked_values": ["("]}]


@for_each_group(CONFIGS)
class Redaction(RedactionCase):
    def generated(self, group):
        changed = self.check_generated(Source(SEED + group), REQUESTS)
        self.assertGreater(changed, 0.3, "hardly anything was redacted")

    def test_deviations_are_as_they_are_written_down(self):
        self.check_deviations(DEVIATIONS)

    def test_both_refuse_the_same_configs(self):
        for config in REFUSED:
            with self.subTest(config):
                self.assertIn("error", self.by_collector(config, [("traces", {"resourceSpans": []})])[0])
                self.assertEqual(self.run_weft(config, []).returncode, 1)


if __name__ == "__main__":
    unittest.main()
