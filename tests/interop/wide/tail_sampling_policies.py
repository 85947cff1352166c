"""Policies of tail_sampling for test_tail_sampling.py: each type alone in its variants, and mixes by chance."""

import dataclasses
import random


def always(name="always"):
    return {"name": name, "type": "always_sample"}


def latency(threshold_ms, upper_threshold_ms=None):
    settings = {"threshold_ms": threshold_ms}
    if upper_threshold_ms is not None:
        settings["upper_threshold_ms"] = upper_threshold_ms
    return {"name": f"latency-{threshold_ms}-{upper_threshold_ms}", "type": "latency", "latency": settings}


def status(*codes):
    return {"name": "-".join(codes), "type": "status_code", "status_code": {"status_codes": list(codes)}}


def string(key, values, regex=None, invert=None):
    settings = {"key": key, "values": list(values)}
    if regex is not None:
        settings["enabled_regex_matching"] = regex
    if invert is not None:
        settings["invert_match"] = invert
    return {"name": f"{key}-{len(values)}", "type": "string_attribute", "string_attribute": settings}


def share(percentage, salt=None):
    settings = {"sampling_percentage": percentage}
    if salt is not None:
        settings["hash_salt"] = salt
    return {"name": f"share-{percentage}", "type": "probabilistic", "probabilistic": settings}


def given(**settings):
    return {name: value for name, value in settings.items() if value is not None}


def numeric(key, low=None, high=None, invert=None):
    settings = given(key=key, min_value=low, max_value=high, invert_match=invert)
    return {"name": f"{key}-{low}-{high}", "type": "numeric_attribute", "numeric_attribute": settings}


def boolean(key, value=None, invert=None):
    settings = given(key=key, value=value, invert_match=invert)
    return {"name": f"{key}-{value}", "type": "boolean_attribute", "boolean_attribute": settings}


def span_count(low=None, high=None):
    return {"name": f"spans-{low}-{high}", "type": "span_count", "span_count": given(min_spans=low, max_spans=high)}


def trace_flags():
    return {"name": "sampled", "type": "trace_flags"}


def trace_state(key, *values):
    return {"name": f"state-{len(values)}", "type": "trace_state", "trace_state": {"key": key, "values": list(values)}}


def rate_limiting(spans_per_second, burst=None):
    settings = given(spans_per_second=spans_per_second, burst_capacity=burst)
    return {"name": f"spans-{spans_per_second}", "type": "rate_limiting", "rate_limiting": settings}


def bytes_limiting(bytes_per_second, burst=None):
    settings = given(bytes_per_second=bytes_per_second, burst_capacity=burst)
    return {"name": f"bytes-{bytes_per_second}", "type": "bytes_limiting", "bytes_limiting": settings}


def all_of(*parts):
    return {"name": f"and-{len(parts)}", "type": "and", "and": {"and_sub_policy": with_own_names(parts)}}


def drop(*parts):
    return {"name": f"drop-{len(parts)}", "type": "drop", "drop": {"drop_sub_policy": with_own_names(parts)}}


def not_(part):
    return {"name": f"not-{part['name']}", "type": "not", "not": {"not_sub_policy": part}}


def composite(spans_per_second, parts, percents=None, order=None):
    """percents: for each part its rate_allocation, None for none; all None: no rate_allocation. order: numbers of parts."""
    parts = with_own_names(parts)
    names = [part["name"] for part in parts]
    settings = {"max_total_spans_per_second": spans_per_second, "policy_order": [names[at] for at in order or range(len(names))],
                "composite_sub_policy": parts}
    if percents is not None:
        settings["rate_allocation"] = [{"policy": name, "percent": percent}
                                       for name, percent in zip(names, percents, strict=True) if percent is not None]
    return {"name": f"composite-{len(parts)}", "type": "composite", "composite": settings}


def with_own_names(policies):
    return [{**policy, "name": f"{number}-{policy['name']}"} for number, policy in enumerate(policies)]


# name of the pipeline -> its policies
LATENCY = {
    "over-0": [latency(0)],
    "over-100": [latency(100)],
    "over-1000": [latency(1000)],
    "under-0": [latency(-1)],
    "from-50-to-100": [latency(50, 100)],
    "to-199": [latency(0, 199)],
    "upper-below-lower": [latency(200, 100)],
}

STATUS_CODE = {
    "error": [status("ERROR")],
    "ok": [status("OK")],
    "unset": [status("UNSET")],
    "ok-or-error": [status("OK", "ERROR")],
    "error-twice": [status("ERROR", "ERROR")],
    "always": [always()],
}

STRING_EXACT = {
    "one": [string("tier", ["gold"])],
    "several": [string("http.route", ["/health", "/API/V1", "/ünïcode/世界", "/a\nb"])],
    "resource": [string("region", ["eu-west-1"])],
    "empty-value": [string("region", [""])],
    "number": [string("http.route", ["404", "1.5", "false"])],
    "inverted": [string("http.route", ["/health", "/healthz"], invert=True)],
    "key-of-nobody": [string("nobody", ["x"])],
    "key-of-nobody-inverted": [string("nobody", ["x"], invert=True)],
}

STRING_REGEX = {
    "anywhere": [string("http.route", ["users"], True)],
    "whole": [string("http.route", ["^/health$", "^/api/v[0-9]+/users/\\d+$"], True)],
    "no-case": [string("http.route", ["(?i)^/api/V1"], True)],
    "empty": [string("region", ["^$"], True)],
    "everything": [string("tier", [".*"], True)],
    "text-beyond-ascii": [string("http.route", ["/ün.code/\\p{Han}{2}$", "a.b$"], True)],
    "lines": [string("http.route", ["(?m)^b$", "(?s)^/a.b$"], True)],
    "inverted": [string("region", ["^(eu|us)-[a-z]+-\\d$"], True, True)],
}

STRING_REGEX_ODD = {
    "not-utf-8": [string("http.route", ["^/he.alth$"], True)],
    "class": [string("http.route", ["^[^a-z0-9/]*$"], True)],
    "repeats": [string("http.route", ["^a{10,300}$", "^(?:/[a-z0-9]+){4}$"], True)],
    "words": [string("tier", ["\\bgold\\b"], True)],
    "end-of-text": [string("tier", ["\\Agold\\z"], True)],
    "empty-inverted": [string("region", [""], True, True)],
    "exact-not-given": [string("region", ["eu-west-1", "eu.*"], False, False)],
}

# What RE2 and other engines read differently.
STRING_REGEX_PECULIAR = {
    "end": [string("path", ["h$"], True)],
    "spaces": [string("path", ["^\\s+$", "a\\sb"], True)],
    "dot": [string("path", ["^.$", "a.b"], True)],
    "no-case": [string("path", ["^(?i)k$", "^(?i:S)$", "(?i)^é$", "(?i)ß", "(?i)^ǅ$"], True)],
    "words-and-digits": [string("path", ["^\\w$", "^\\d$", "[[:punct:]]"], True)],
    "properties": [string("path", ["^\\p{Nd}$", "\\p{Lu}", "\\PM\\pM$"], True)],
    "negated": [string("path", ["^[^\\w\\s]$", "^\\W{2}$"], True)],
    "escapes": [string("path", ["\\x{212a}", "\\Qa-b\\E", "\\x00", "^\\x{1F600}$"], True)],
}

PROBABILISTIC = {
    "1": [share(1)],
    "10": [share(10)],
    "50": [share(50)],
    "99-9": [share(99.9)],
    "100": [share(100)],
    "0": [share(0)],
    "over": [share(250)],
    "33-3": [share(33.333333)],
}

PROBABILISTIC_SALTED = {
    "salt": [share(10, "another salt")],
    "salt-empty": [share(10, "")],
    "salt-default": [share(10, "default-hash-seed")],
    "salt-text": [share(50, "ünïcode")],
    "tiny": [share(0.01)],
    "two-salts": [share(20, "a"), {**share(20, "b"), "name": "second"}],
}

# A bound of 0 is none. What is no integer counts as 0.
NUMERIC = {
    "min": [numeric("count", 100)],
    "max": [numeric("count", high=-5)],
    "max-over-0": [numeric("count", high=4)],
    "both": [numeric("count", 5, 100)],
    "negative": [numeric("count", -100, -5)],
    "around-0": [numeric("count", -5, 5)],
    "one-value": [numeric("count", 100, 100)],
    "min-0": [numeric("count", 0, 4)],
    "max-0": [numeric("count", -4, 0)],
}

NUMERIC_ODD = {
    "large": [numeric("count", 2**53 + 1, 2**63 - 1)],
    "lowest": [numeric("count", -2**63, -2**63)],
    "resource": [numeric("replicas", 3, 3)],
    "resource-text": [numeric("replicas", -1, 1)],
    "text": [numeric("http.route", -1, 1)],
    "inverted": [numeric("count", 5, 100, True)],
    "min-inverted": [numeric("count", 100, invert=True)],
    "around-0-inverted": [numeric("count", -5, 5, True)],
    "key-of-nobody": [numeric("nobody", -1, 1)],
    "key-of-nobody-inverted": [numeric("nobody", -1, 1, True)],
}

# What is no boolean counts as false.
BOOLEAN = {
    "true": [boolean("cached", True)],
    "false": [boolean("cached", False)],
    "not-given": [boolean("cached")],
    "true-inverted": [boolean("cached", True, True)],
    "false-inverted": [boolean("cached", False, True)],
    "resource": [boolean("leader", True, False)],
    "text": [boolean("http.route", False)],
    "text-true": [boolean("http.route", True)],
    "key-of-nobody": [boolean("nobody", False)],
    "key-of-nobody-inverted": [boolean("nobody", False, True)],
}

SPAN_COUNT_AND_FLAGS = {
    "min": [span_count(4)],
    "max": [span_count(high=3)],
    "both": [span_count(2, 8)],
    "one": [span_count(1, 1)],
    "max-0": [span_count(5, 0)],
    "min-0": [span_count(0)],
    "more-than-any": [span_count(49)],
    "flags": [trace_flags()],
}

# A key and a value of 256 bytes or more together match nothing.
TRACE_STATE = {
    "one": [trace_state("vendor", "a")],
    "several": [trace_state("vendor", "a b", "  a  b", " a", "c", "!#$%&'()*+-./:;<>?@[]^_`{|}~")],
    "empty-value": [trace_state("vendor", "")],
    "empty-value-and-another": [trace_state("vendor", "", "b")],
    "two-parts": [trace_state("a@b", "1")],
    "part": [trace_state("b", "1")],
    "longest": [trace_state("vendor", "v" * 249)],
    "too-long": [trace_state("vendor", "v" * 250, "v" * 256)],
    "longest-key": [trace_state("k" * 254, "1")],
    "too-long-key": [trace_state("k" * 255, "1")],
    "many-members": [trace_state("member0", "x")],
    "no-key": [trace_state("Vendor", "a")],
    "key-of-nobody": [trace_state("nobody", "a")],
}

NOT = {
    "always": [not_(always())],
    "latency": [not_(latency(99))],
    "status": [not_(status("ERROR"))],
    "string": [not_(string("tier", ["gold"]))],
    "string-inverted": [not_(string("region", ["^eu"], True, True))],
    "share": [not_(share(25))],
    "numeric": [not_(numeric("count", 5, 100))],
    "numeric-inverted": [not_(numeric("count", 5, 100, True))],
    "boolean": [not_(boolean("cached", True))],
    "count": [not_(span_count(2, 8))],
    "flags": [not_(trace_flags())],
    "state": [not_(trace_state("vendor", "a"))],
}

NOT_WITHIN = {
    "and": [all_of(not_(status("ERROR")), latency(50))],
    "and-last": [all_of(trace_flags(), not_(numeric("count", high=4)))],
    "and-of-both": [all_of(not_(span_count(8)), not_(boolean("cached", False)), not_(share(20)))],
    "drop": [always(), drop(not_(trace_flags()))],
    "drop-of-two": [drop(not_(status("OK")), not_(trace_state("vendor", "b"))), always()],
    "drop-first": [drop(not_(share(50)), numeric("count", 5)), not_(string("tier", ["gold"]))],
}

# No limit is reached in them, except where one is 0.
COMPOSITE = {
    "allocated": [composite(10**9, [status("ERROR"), latency(100)], [50, 50])],
    "not-allocated": [composite(10**9, [status("ERROR"), latency(100)])],
    "none-allocated": [composite(10**9, [status("ERROR"), latency(100)], [None, None])],
    "one-allocated": [composite(10**9, [status("ERROR"), latency(100)], [None, 100])],
    "percent-0": [composite(10**9, [numeric("count", 5, 100), trace_flags()], [0, 10])],
    "over-100": [composite(10**9, [trace_state("vendor", "a"), boolean("cached", True), span_count(8)], [100, 200, 30])],
    "cut-to-0": [composite(30, [status("ERROR"), latency(100)], [3, 3])],
    "total-0": [composite(0, [status("ERROR"), latency(100)], [50, 50])],
    "other-order": [composite(10**9, [status("ERROR"), latency(100)], [None, 100], [1, 0])],
    "and": [composite(10**9, [all_of(status("ERROR"), not_(latency(199))), string("tier", ["gold"]), share(10)], [50, 25, 25])],
    "among-others": [drop(span_count(16)), composite(10**9, [all_of(trace_flags(), latency(0))], [100]), boolean("cached", True)],
}

LIMITS_NOT_REACHED = {
    "spans": [rate_limiting(10**6)],
    "spans-burst": [rate_limiting(10**9, 10**6)],
    "bytes": [bytes_limiting(10**9)],
    "bytes-burst": [bytes_limiting(10**9, 10**9)],
    "not": [not_(rate_limiting(10**6))],
    "and": [all_of(rate_limiting(10**6), status("ERROR"), not_(bytes_limiting(1, 1)))],
    "drop": [always(), drop(trace_flags(), bytes_limiting(10**9))],
    "composite": [composite(10**9, [rate_limiting(10**6), always()], [50, 50])],
    "burst-too-small-for-any": [bytes_limiting(10**9, 20)],
}

# Single policies whose limit is far less than what is offered; of each no more than Limit says passes.
SPANS_LIMITED = {
    "burst-default": [rate_limiting(1000)],
    "burst-0": [rate_limiting(1500, 0)],
    "burst-more": [rate_limiting(500, 4000)],
    "burst-less": [rate_limiting(5000, 1000)],
    "burst-least": [rate_limiting(5000, 20)],
    "and": [all_of(status("ERROR", "OK"), rate_limiting(1000))],
    "not": [not_(rate_limiting(1000))],
    "drop": [always(), drop(rate_limiting(1000))],
}

BYTES_LIMITED = {
    "burst-default": [bytes_limiting(100_000)],
    "burst-more": [bytes_limiting(50_000, 500_000)],
    "burst-less": [bytes_limiting(500_000, 100_000)],
    "and": [all_of(status("ERROR", "OK"), bytes_limiting(100_000))],
    "not": [not_(bytes_limiting(100_000))],
}

COMPOSITE_LIMITED = {
    "one": [composite(1000, [always()], [100])],
    "halves": [composite(2000, [status("ERROR"), always()], [50, 50])],
    "percent-0": [composite(3000, [status("ERROR"), latency(100), always()], [0, 20, 0])],
    "over-100": [composite(1000, [status("ERROR"), always()], [100, 150])],
    "not-allocated": [composite(2000, [status("ERROR"), always()], [50, None])],
    "and": [composite(1000, [all_of(status("ERROR", "OK"), span_count(2)), always()], [60, 40])],
}

# Whether a limiter is asked about traces that another policy has already kept; see SETTINGS.
BEHIND_ANOTHER = {
    "share-alone": [share(90)],
    "bucket": [share(90), rate_limiting(500)],
    "composite": [share(90), composite(500, [always()], [100])],
    "first-match": [share(90), rate_limiting(500)],
}


@dataclasses.dataclass
class Limit:
    """What a policy lets pass. unit: "spans" or "bytes". extra_seconds: 1 where begun seconds by the clock count."""

    unit: str
    burst: float
    rate: float
    extra_seconds: int = 0

    def most(self, seconds):
        return self.burst + self.rate * (seconds + self.extra_seconds)

    def least(self, seconds):
        """When more than enough is offered, but in one moment of each second; two of them can fall into one by the clock."""
        return self.burst + min(self.burst, self.rate) * max(0, seconds - self.extra_seconds)


def _bucket(unit, rate, burst_capacity=0):
    return Limit(unit, burst_capacity or 2 * rate, rate)


def _composite_limit(max_total_spans_per_second, composite_sub_policy, rate_allocation, **_):
    """Of each part its allocation, of a part without one nothing; the total bounds each part but not their sum."""
    total, count = max_total_spans_per_second, len(composite_sub_policy)
    percents = [entry["percent"] or 100 / count for entry in rate_allocation]
    rate = sum(int(min(percent, 100) / 100 * total) for percent in percents)
    return Limit("spans", rate, rate, 1)


def limit_of(policy):
    """None when it has none."""
    settings = policy.get(policy["type"])
    match policy["type"]:
        case "rate_limiting":
            return _bucket("spans", settings["spans_per_second"], settings.get("burst_capacity"))
        case "bytes_limiting":
            return _bucket("bytes", settings["bytes_per_second"], settings.get("burst_capacity"))
        case "composite":
            return _composite_limit(**settings)
        case "not":
            return limit_of(settings["not_sub_policy"])
        case "and" | "drop" as kind:
            return next(filter(None, map(limit_of, settings[f"{kind}_sub_policy"])), None)
    return None


COMBINED = {
    "and": [all_of(status("ERROR"), latency(50))],
    "and-of-three": [all_of(share(50), string("region", ["^eu"], True), latency(0))],
    "and-inverted": [all_of(string("http.route", ["/health"], invert=True), status("OK", "UNSET"))],
    "drop-before": [always(), drop(string("http.route", ["/health"], True))],
    "drop-of-two": [drop(status("OK"), latency(0)), always()],
    "drop-alone": [drop(share(50))],
    "first-match": [status("ERROR"), share(10)],
    "usual": [status("ERROR"), latency(199), all_of(string("tier", ["gold"]), share(50)),
              drop(string("http.route", ["^/health"], True)), share(1)],
}


# Keys of tail_sampling itself that change no verdict here, by pipeline. Not among them: decision_cache, since the Collector's
# knows a trace by the low half of its id, which here hundreds share, and lets those that come after the first verdict follow
# it; decision_wait_after_root_received, whose short wait makes spans late on a busy machine.
SETTINGS = {
    "first-match": {"sample_on_first_match": True, "expected_new_traces_per_sec": 1000},
    "usual": {"drop_pending_traces_on_shutdown": True, "sampling_strategy": "trace-complete"},
}


def _simple(choose):
    regex = choose.random() < 0.5
    return choose.choice((
        lambda: always(),
        lambda: latency(choose.choice((0, 50, 99, 100, 199))),
        lambda: latency(choose.choice((0, 49)), choose.choice((50, 100, 200))),
        lambda: status(*choose.sample(("OK", "ERROR", "UNSET"), choose.choice((1, 1, 2)))),
        lambda: status("ERROR"),
        lambda: string("tier", choose.sample(("gold", "silver", "bronze", ""), 2), False, choose.random() < 0.3),
        lambda: string("region", choose.sample(("^eu", "-1$", "^$", "^us-east"), 2) if regex else ["us-east-1"], regex,
                       choose.random() < 0.3),
        lambda: string("path", choose.sample(("(?i)[ks]", "^.$", "\\w", "^$"), 2), True, choose.random() < 0.3),
        lambda: string("http.route", choose.sample(("users", "^/health$", "世", "\\d"), 2), True, choose.random() < 0.3),
        lambda: share(choose.choice((1, 5, 25, 60)), choose.choice((None, "one", "two"))),
        lambda: share(choose.choice((1, 5, 25, 60))),
        lambda: numeric("count", *choose.choice(((5, 100), (100, None), (None, -5), (-5, 5), (None, 4))), choose.random() < 0.3),
        lambda: boolean("cached", choose.random() < 0.5, choose.random() < 0.3),
        lambda: span_count(*choose.choice(((4, None), (None, 3), (2, 8)))),
        lambda: trace_flags(),
        lambda: trace_state("vendor", *choose.sample(("a", "b", "a b", ""), 2)),
    ))()


def _part(choose):
    policy = _simple(choose)
    return not_(policy) if choose.random() < 0.2 else policy


def _composite(choose):
    """Without a limit, but what its parts without an allocation judge first is not kept."""
    parts = [_simple(choose) if choose.random() < 0.7 else all_of(_part(choose), _part(choose))
             for _ in range(choose.randint(1, 3))]
    return composite(10**9, parts, [choose.choice((None, 0, 20, 20, 60)) for _ in parts])


def _policy(choose):
    kind = choose.random()
    if kind < 0.45:
        return _part(choose)
    if kind < 0.6:
        return _composite(choose)
    return choose.choice((all_of, drop))(*(_part(choose) for _ in range(choose.randint(2, 3))))


def mixes(seed, count):
    """name of the pipeline -> two to six policies, some within and, drop, not or composite."""
    choose = random.Random(seed)
    found = {}
    while len(found) < count:
        policies = [_policy(choose) for _ in range(choose.randint(2, 6))]
        types = {policy["type"] for policy in policies}
        if "always_sample" not in types and types != {"drop"}:  # those would keep all or none
            found[f"mix-{len(found)}"] = with_own_names(policies)
    return found
