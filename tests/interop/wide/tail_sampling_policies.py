"""Policies of tail_sampling for test_tail_sampling.py: each type alone in its variants, and mixes by chance."""

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


def all_of(*parts):
    return {"name": f"and-{len(parts)}", "type": "and", "and": {"and_sub_policy": with_own_names(parts)}}


def drop(*parts):
    return {"name": f"drop-{len(parts)}", "type": "drop", "drop": {"drop_sub_policy": with_own_names(parts)}}


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
    ))()


def mixes(seed, count):
    """name of the pipeline -> two to six policies, some within and or drop."""
    choose = random.Random(seed)
    found = {}
    while len(found) < count:
        policies = []
        for _ in range(choose.randint(2, 6)):
            kind = choose.random()
            if kind < 0.5:
                policies.append(_simple(choose))
            else:
                parts = [_simple(choose) for _ in range(choose.randint(2, 3))]
                policies.append(all_of(*parts) if kind < 0.75 else drop(*parts))
        types = {policy["type"] for policy in policies}
        if "always_sample" not in types and types != {"drop"}:  # those would keep all or none
            found[f"mix-{len(found)}"] = with_own_names(policies)
    return found
