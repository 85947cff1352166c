"""Where weft and the Collector make something else of the same lines: what each does is wanted, and why weft does what it does."""

from file_log_cases import INTEGERS, JSON, NO_PATH, TIME
from file_log_parties import REFUSED, Deviation, Link, file_each, one_file

NAMELESS = {"include_file_name": False}
ONE_POD = {**NAMELESS, "include_file_path": True}
MOMENT = 1_712_995_177_505_201_169


def _row(name, why, operators, files, collector, weft, settings=None):
    return Deviation(name, operators, files, {**NAMELESS, **(settings or {})}, why=why, collector=collector, weft=weft)


def _cri(body, tag="F", stream="stdout", time=MOMENT, **attributes):
    return {"body": body, "time": time, "attributes": {"log.iostream": stream, "logtag": tag, **attributes}}


def _no_time(time):
    """What both make of a line whose time is none."""
    return {"body": f"{time} stdout F x", "attributes": {"time": time, "stream": "stdout", "logtag": "F", "log": "x"}}


def _time(name, why, time, nanoseconds):
    return _row(f"time-{name}", why, [NO_PATH], one_file([f"{time} stdout F x"]), [_cri("x", time=nanoseconds)], [_no_time(time)])


def _json(name, why, text, attributes, parser=JSON):
    """The Collector takes it, and weft leaves the line as it is."""
    return _row(f"json-{name}", why, [{**parser, "on_error": "send_quiet"}], one_file([text]), [{"body": text, "attributes": attributes}],
                [{"body": text}])


def _deep(name, depth, weft):
    arrays = []
    for _ in range(depth - 1):
        arrays = [arrays]
    text = '{"a":' + "[" * depth + "]" * depth + "}"
    return _row(f"json-{name}",
                "a map or a list below 24 others, of which records of OTLP need three more for each: readers have limits, the text of it is kept",
                [JSON], one_file([text]), [{"body": text, "attributes": {"a": arrays}}], [{"body": text, "attributes": {"a": weft}}])


def _nested(depth, inner):
    for _ in range(depth):
        inner = [inner]
    return inner


_SHARED_VALUE = [{"type": "add", "field": "attributes.x", "value": {"n": {"m": 1}}},
                 {"type": "move", "from": "attributes.x.n.m", "to": "attributes.y"}]
_TOO_DEEP = '{"b":' * 70 + "1" + "}" * 70


def _maps(depth):
    value = 1.0
    for _ in range(depth):
        value = {"b": value}
    return value


DEVIATIONS = [
    # container
    _row("pieces-of-two-streams",
         "pieces of stdout and stderr of one file: the Collector joins whatever comes next, and names it after the first",
         [NO_PATH], one_file([f"{TIME}Z stdout P a", f"{TIME}Z stderr F b", f"{TIME}Z stdout F c"], "0.log"),
         [_cri("ab", "P"), _cri("c")], [_cri("b", stream="stderr"), _cri("ac", "P")]),
    _row("piece-spaces", "white space at the end of a piece: the Collector trims it with the line",
         [NO_PATH], one_file([f"{TIME}Z stdout P a ", f"{TIME}Z stdout P \t", f"{TIME}Z stdout F b "], "0.log"),
         [_cri("ab", "P")], [_cri("a \tb", "P")]),
    _row("tags", "a tag behind F: CRI says that tags are separated by colons, to the Collector only a line whose tag is F alone is whole",
         [NO_PATH], one_file([f"{TIME}Z stdout F:tag x", f"{TIME}Z stdout F y", f"{TIME}Z stdout P:tag z", f"{TIME}Z stdout F w"],
                             "0.log"),
         [_cri("xy", "F:tag"), _cri("zw", "P:tag")], [_cri("x", "F:tag"), _cri("y"), _cri("zw", "P:tag")]),
    _time("hour", "an hour of one digit: Go's layouts take it, RFC 3339 does not", "2024-04-13T7:59:37Z", 1_712_995_177_000_000_000),
    _time("offset", "an offset of 24 hours: Go's layouts take it, RFC 3339 does not", "2024-04-13T07:59:37+24:00",
          1_712_908_777_000_000_000),
    _time("before-1970", "OTLP's times begin in 1970: the Collector's overflow", "1969-12-31T23:59:59Z", 2**64 - 10**9),
    _time("far", "OTLP's times end in 2554: the Collector's overflow", "9999-12-31T00:00:00Z", 13_594_541_441_775_828_992),
    # json_parser: what is no JSON stays as it is
    _json("fraction", "a point without digits behind it is no JSON", '{"a":0.}', {"a": 0.0}),
    _json("exponent", "nor before an exponent", '{"a":1.e5}', {"a": 100000.0}),
    _json("zeros", "nor are leading zeros", '{"a":-01.0}', {"a": -1.0}),
    _json("zeros-integer", "nor in an integer", '{"a":01}', {"a": 1}, INTEGERS),
    _json("nul", "what follows a NUL byte is not seen by the Collector, though it sees that something else follows", '{"a":1}\0x',
          {"a": 1.0}),
    _json("hex", "a \\u without four digits: with parse_ints the Collector reads some number from it", '{"a":"\\u12g4"}', {"a": "\u1204"},
          INTEGERS),
    _json("colon", "something before the object: with parse_ints the Collector skips a colon", ':{"a":1}', {"a": 1}, INTEGERS),
    _json("comma", "and a comma", ',{"a":1}', {"a": 1}, INTEGERS),
    _row("json-null-cut-off", "null without its end: with parse_ints the Collector takes it for an empty object",
         [{**INTEGERS, "on_error": "drop"}], one_file(["nul"]), [{"body": "nul"}], []),
    _deep("24", 24, _nested(23, "[]")),
    _deep("30", 30, _nested(23, "[" * 7 + "]" * 7)),
    _row("json-too-deep", "maps and lists below 64 others are not read: memory has a limit", [{**JSON, "on_error": "send_quiet"}],
         one_file([_TOO_DEEP]),
         [{"body": _TOO_DEEP, "attributes": _maps(70)}], [{"body": _TOO_DEEP}]),
    # chains
    _row("shared-value",
         "what `add` gives to one entry is the next one's, too, in the Collector: what was moved out of it is missing there",
         _SHARED_VALUE, one_file(["a", "b"]),
         [{"body": "a", "attributes": {"x": {"n": {}}, "y": 1}}, {"body": "b", "attributes": {"x": {"n": {}}}}],
         [{"body": text, "attributes": {"x": {"n": {}}, "y": 1}} for text in "ab"]),
    _row("add-nothing", "`add` without a value: the Collector starts, and fails at each entry",
         [{"type": "add", "field": "attributes.x"}], one_file(["a"]),
         [{"body": "a"}], REFUSED),
    # files
    _row("same-beginning",
         "files are known by their inode; to the Collector those with the same first bytes are one, and it reads only one of them", [],
         {"a.log": b"same\n", "b.log": b"same\n"}, [{"body": "same"}], [{"body": "same"}, {"body": "same"}]),
    _row("gzip",
         "compressed files, as of rotations, are passed over and counted; without compression: auto the Collector reads them as text", [],
         {"a.log": b"\x1f\x8b\x08\0abc\nnext\n"}, [{"body": "\x1f\ufffd\b\0abc"}, {"body": "next"}], []),
    _row("linked-directory", "below ** a link to a directory is not entered: it may lead back, and a file would be read under many names",
         [],
         {"real/a.log": b"a\n", "tree/link": Link("../real")}, [{"body": "a", "attributes": {"log.file.path": "tree/link/a.log"}}], [],
         {"include": ["${DIRECTORY}/tree/**/*.log"], "include_file_path": True}),
    _row("name-without-utf8", "a name that is no UTF-8: texts of OTLP are, and a backend may refuse a whole request for one that is none",
         [],
         {"bad\udcff.log": b"a\n"}, [{"body": "a", "attributes": {"log.file.name": "bad\udcff.log"}}],
         [{"body": "a", "attributes": {"log.file.name": "bad\ufffd.log"}}], {"include_file_name": True}),
    _row("braces", "weft does not have {a,b}: it says so", [], {"a.log": b"a\n"}, [{"body": "a"}], REFUSED,
         {"include": ["${DIRECTORY}/{a,b}.log"]}),
]
