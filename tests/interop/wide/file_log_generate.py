"""Log files of a fixed seed: what container runtimes write of random texts, random JSON, and random chains of operators."""

import json
import math
import random

from file_log_cases import CONTAINER, INTEGERS, JSON, ON_ERROR, WITH_PATH
from file_log_parties import Broken, Case, one_file

SEED = 20_261_129
WORDS = ("error", "GET /v1/render", "job_789", "ok", "grüße", "世界", "\U0001F680", "a\\b", '"quoted"', "tab\there", "{", "}", "[", ":",
         ",", "k=v", "2024-04-13T07:59:37Z",
         "stdout F", "P", "\u2028", "\x7f", "\x1b[0m", "e\u0301")
BASE_SECOND = 1_712_995_177


def text_of(source):
    words = " ".join(source.choices(WORDS, k=source.randrange(9)))
    return words if source.random() < 0.97 else words * source.randrange(1, 400)


def time_of(source, number):
    """The form of RFC 3339 that a runtime writes, each with its own instant."""
    second = BASE_SECOND + number
    hour, minute = second // 3600 % 24, second // 60 % 60
    fraction = source.choice(("", ".5", ".120", f".{source.randrange(10**6):06}", f".{source.randrange(10**9):09}"))
    return f"2024-04-{1 + number // 86400 % 28:02}T{hour:02}:{minute:02}:{second % 60:02}{fraction}"


def pieces_of(source, text):
    """A text as CRI cuts it, but not behind white space, which the Collector would trim away."""
    if not text or source.random() < 0.6:
        return [text]
    cuts = (source.randrange(len(text)) for _ in range(source.randrange(1, 4)))
    cuts = sorted({0, len(text), *(len(text[:cut].rstrip()) for cut in cuts)})
    return [text[start:end] for start, end in zip(cuts, cuts[1:])]


def cri_file(source, zone, count):
    lines = []
    for number in range(count):
        stream, pieces = source.choice(("stdout", "stderr")), pieces_of(source, text_of(source))
        for index, piece in enumerate(pieces):
            tag = "F" if index + 1 == len(pieces) else "P"
            lines.append(f"{time_of(source, number)}{zone()} {stream} {tag} {piece}" + source.choice(("", "", "", "\r")))
        if source.random() < 0.03:
            lines.append(source.choice(("", "no line of a container", f"{time_of(source, number)} stdout F x", "2024 stdout F y", "   ")))
    return lines


def docker_file(source, count):
    for number in range(count):
        members = {"log": text_of(source) + source.choice(("\n", "\n", "")), "stream": source.choice(("stdout", "stderr")),
                   "time": time_of(source, number) + "Z"}
        if source.random() < 0.2:
            members["attrs"] = object_of(source, 1)
        if source.random() < 0.05:
            del members[source.choice(list(members))]
        members = dict(source.sample(list(members.items()), len(members)))
        yield json.dumps(members, ensure_ascii=source.random() < 0.5)


def offset(source):
    return f"{source.choice('+-')}{source.randrange(15):02}:{source.choice((0, 30, 45)):02}"


def container_cases(source):
    def utc():
        return "Z"
    files = {}
    for pod in range(6):
        writer = (lambda: cri_file(source, utc, 150), lambda: cri_file(source, lambda: offset(source), 150),
                  lambda: docker_file(source, 150))[pod % 3]
        files |= one_file(writer(), f"space{pod}_pod-{pod}_0{pod}ab-cdef/app-{pod}/{pod}.log")
    yield Case("generated-pods", [CONTAINER], files, WITH_PATH)
    yield Case("generated-pods-json", [CONTAINER, {**INTEGERS, "on_error": "send_quiet"}], files, WITH_PATH)


# --- JSON ------------------------------------------------------------------------------------------------------------

NUMBERS = ("0", "-0", "1", "-1", "1.5", "-0.0", "1e3", "1E+2", "2.5e-3", "123456789012", "9223372036854775807", "-9223372036854775808",
           "9223372036854775808",
           "0.1", "1e300", "5e-324", "3.0", "100000000000000000000")
KEYS = ("a", "b", "c", "msg", "level", "a.b", "", "ü", "n")
ESCAPES = ("\\n", "\\\"", "\\\\", "\\/", "\\u00e4", "\\u4e16", "\\ud83d\\ude80", "\\u0000", "\\t", "\\b", "\\f", "\\r")


def string_of(source):
    pieces = [source.choice((source.choice(ESCAPES), json.dumps(source.choice(WORDS), ensure_ascii=False)[1:-1]))
              for _ in range(source.randrange(5))]
    return '"' + "".join(pieces) + '"'


def json_of(source, depth):
    kind = source.randrange(10 if depth < 4 else 7)
    if kind < 3:
        return string_of(source)
    if kind < 5:
        return source.choice((*NUMBERS, str(source.randrange(-10**6, 10**6)), repr(source.uniform(-1e6, 1e6))))
    if kind < 7:
        return source.choice(("true", "false", "null"))
    space = source.choice(("", "", " ", "\t"))
    if kind == 7:
        return "[" + ",".join(space + json_of(source, depth + 1) for _ in range(source.randrange(4))) + space + "]"
    return object_text(source, depth + 1, space)


def object_text(source, depth, space=""):
    members = [f"{space}{json.dumps(source.choice(KEYS), ensure_ascii=source.random() < 0.5)}{space}:{space}{json_of(source, depth)}"
               for _ in range(source.randrange(6))]
    return "{" + ",".join(members) + space + "}"


def object_of(source, depth):
    return json.loads(object_text(source, depth).replace("-0", "0"))


def broken(source, text):
    """With one letter more, less, or another one."""
    at = source.randrange(len(text))
    return text[:at] + source.choice(("", "", *'{}[],:"\\x1-e.')) + text[at + source.randrange(2):]


def finite(text):
    if math.isinf(float(text)):
        raise ValueError("beyond all doubles")
    return float(text)


def is_object(text, may_go_on):
    try:
        value, end = json.JSONDecoder(parse_int=finite, parse_float=finite, parse_constant=finite).raw_decode(text.strip(" \t"))
    except ValueError:
        return False
    return isinstance(value, dict) and (may_go_on or end == len(text.strip(" \t")))


def json_cases(source):
    good = [object_text(source, 0) for _ in range(1200)]
    bad = [broken(source, object_text(source, 0)) for _ in range(1000)]
    # With parse_ints the Collector looks no further than the object, and takes more than JSON.
    for name, parser, may_go_on, taken_count in (("json", JSON, False, 3), ("integers", INTEGERS, True, 36)):
        yield Case(f"generated-{name}", [parser], one_file(good))
        yield Case(f"generated-{name}-to-body", [{**parser, "parse_to": "body"}], one_file(good))
        yield Case(f"generated-changed-{name}", [parser], one_file(text for text in bad if is_object(text, may_go_on)))
        lines = [text for text in bad if text.strip(" \t") and not is_object(text, may_go_on)]
        yield Broken(f"generated-broken-{name}", [{**parser, "on_error": "send_quiet"}], one_file(lines), taken_count=taken_count)


# --- chains ----------------------------------------------------------------------------------------------------------


def path_of(source):
    root = source.choice(("body", "attributes", "attributes", "resource"))
    keys = [source.choice(("a", "b", "c", "n")) for _ in range(source.randrange(0 if root == "body" else 1, 4))]
    return ".".join([root, *keys])


def operator_of(source):
    kind = source.choice(("move", "move", "add", "remove", "json_parser", "noop"))
    common = {"type": kind, "on_error": source.choice(ON_ERROR[:1] * 5 + ON_ERROR)} if kind != "noop" else {"type": kind}
    if kind == "move":
        return {**common, "from": path_of(source), "to": path_of(source)}
    if kind == "add":  # no map within a map: the Collector would share it between entries
        return {**common, "field": path_of(source), "value": source.choice(("text", 7, 1.5, True, ["x", 1], {"a": 1, "c": "y"}))}
    if kind == "remove":
        return {**common, "field": source.choice((path_of(source), path_of(source), path_of(source), "attributes", "resource"))}
    if kind == "json_parser":
        return {**common, "parse_from": path_of(source), "parse_to": source.choice((path_of(source), "attributes", "body"))}
    return common


def chain_of(source):
    """Ids of its own, and outputs to one or two of those behind: no circles."""
    operators = [{"type": "json_parser", "parse_to": source.choice(("attributes", "body")), "on_error": "send_quiet"},
                 *(operator_of(source) for _ in range(source.randrange(2, 7)))]
    for index, operator in enumerate(operators):
        operator["id"] = f"step{index}"
        behind = range(index + 1, len(operators))
        if behind and source.random() < 0.3:
            operator["output"] = [f"step{number}" for number in source.sample(behind, min(len(behind), source.randrange(1, 3)))]
    return operators


def chain_cases(source):
    for number in range(100):
        lines = [object_text(source, 0) if source.random() < 0.9 else "no JSON" for _ in range(25)]
        yield Case(f"generated-chain-{number}", chain_of(source), one_file(lines))


def generated_cases():
    for make in (container_cases, json_cases, chain_cases):
        yield from make(random.Random(f"{SEED} {make.__name__}"))
