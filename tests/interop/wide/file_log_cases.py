"""What both programs must make the same of, by hand: a row is a name, operators and lines. file_log_generate.py has the rest."""

import json

from file_log_parties import Case, Link, file_each, one_file, to_bytes

TIME = "2024-04-13T07:59:37.505201169"
POD = "ns_pod-1_0ab-9/app/3.log"
WITH_PATH = {"include_file_path": True}
CONTAINER, NO_PATH = {"type": "container"}, {"type": "container", "add_metadata_from_filepath": False}
JSON, INTEGERS = {"type": "json_parser"}, {"type": "json_parser", "parse_ints": True}
ON_ERROR = ("send", "drop", "send_quiet", "drop_quiet")


def docker(**members):
    return json.dumps({"log": "a line\n", "stream": "stdout", "time": f"{TIME}Z", **members})


# --- containers ------------------------------------------------------------------------------------------------------

CRI_LINES = [
    f"{TIME}Z stdout F a line", f"{TIME}Z stderr F an error", f"{TIME}+00:00 stdout F cri-o", f"{TIME}-05:00 stderr F cri-o west",
    f"{TIME}+05:45 stdout F cri-o east", f"{TIME}Z stdout F  two spaces before", f"{TIME}Z stdout F two spaces after  ",
    f"  {TIME}Z stdout F spaces before the line", f"{TIME}Z stdout F\ttab", f"{TIME}Z stdout F", f"{TIME}Z stdout F ",
    f"{TIME}Z stdout F carriage return\r", f"{TIME}Z stdout F carriage\rreturn", f"{TIME}Z stdout F grüße, 世界 \U0001F680",
    f"{TIME}Z stdout F nothing\0 and more".encode(), f"{TIME}Z stdout F ".encode() + b"no \xff UTF-8 \xc3 \xed\xa0\x80 \xf0\x9f\x9a",
    f"{TIME}Z stdout F {{\"level\": \"info\"}}", f"{TIME}Z stdout F \u2028line\u2029separators\x85\x0b\x0c",
    "2024-04-13T07:59:37Z stdout F no fraction", "2024-04-13T07:59:37.5Z stdout F one digit",
    "2024-04-13T07:59:37.1234567891234Z stdout F 13",
    "1970-01-01T00:00:01Z stdout F early", "2024-02-29T23:59:59.999999999Z stdout F leap day", "2024-04-13T07:59:37,5Z stdout F comma",
]
# No line of a container: it goes on as it is, or with what was found in it until then.
NO_CONTAINER_LINES = [
    "text", "a b", "2024-04-13T07:59:37Z", f"{TIME}Z stdin F x", f"{TIME}Z STDOUT F x", f"{TIME}Z stdout", f"{TIME}Z  stdout F x",
    "1713013177505 stdout F x", "1713013177505Z stdout F x", "2024-13-13T07:59:37Z stdout F x", "2024-04-31T07:59:37Z stdout F x",
    "2023-02-29T07:59:37Z stdout F x", "2024-04-13T24:00:00Z stdout F x", "2024-04-13T07:60:00Z stdout F x",
    "2024-04-13T07:59:60Z stdout F x", "2024-04-13T07:59:37 stdout F x", "2024-04-13T07:59:37+0200 stdout F x",
    "2024-04-13T07:59:37+02 stdout F x", "2024-04-13T07:59:37z stdout F x", "2024-04-13t07:59:37Z stdout F x",
    "2024-04-13 07:59:37Z stdout F x", "2024/04/13T07:59:37Z stdout F x", "2024-04-13T07:59:37.Z stdout F x",
    "24-04-13T07:59:37Z stdout F x", "yesterday stdout F x", "\ufeff2024-04-13T07:59:37Z stdout F x", "2024-04-13T07:59:37ZZ stdout F x",
    "2024-04-13T07:59:37+25:00 stdout F x", "2024-04-13T07:59:37UTC stdout F x", "2024-04-13T07:59:37^Z stdout F x",
]
DOCKER_LINES = [
    docker(), docker(log="a line"), docker(log=""), docker(log="two\nlines\n"), docker(log="  spaces  "), docker(stream="stderr"),
    docker(log="grüße, 世界 \U0001F680\n"), json.dumps({"log": "ünescaped\n", "stream": "stdout", "time": f"{TIME}Z"}, ensure_ascii=False),
    docker(attrs={"k": "v", "deep": {"n": 1}}), docker(number=1, flag=True, nothing=None, items=[1, "two", None]),
    docker(time="2024-04-13T07:59:37Z"), docker(log='{"level":"info"}\n'), docker(log="\0 and \u2028"),
    f"  {docker(log='spaces before')}  ",
    '{"log":"first","log":"second","stream":"stdout","time":"2024-04-13T07:59:37Z"}',
    '{"log":"escapes \\u00e4\\ud83d\\ude80\\/\\b\\f\\t","stream":"stdout","time":"2024-04-13T07:59:37Z"}',
    '{"log":"sideways","stream":"stdin","time":"2024-04-13T07:59:37Z"}', docker(log=1), docker(log=None), docker(log={"k": "v"}),
    docker(log=["a", 1]), docker(stream=2), docker(stream=None), docker(stream={"k": "v"}),
]
NO_DOCKER_LINES = [
    "{", "{}", '{"log":"x"}', '{"stream":"stdout"}', '{"log":"no time","stream":"stdout"}',
    '{"log":"no stream","time":"2024-04-13T07:59:37Z"}',
    '{"stream":"stdout","time":"2024-04-13T07:59:38Z"}', '{"time":"2024-04-13T07:59:39Z"}', docker(time="yesterday"), docker(time=5),
    docker(time=None), docker(time="2024-04-13T07:59:37"), docker(time="2024-04-13T07:59:37+02:00"), docker(time=""), docker() + "x",
    docker() + docker(), docker()[:-1], "{\"log\":\"x\"", "{ }x", '{"log":"bad \\x","stream":"stdout","time":"2024-04-13T07:59:37Z"}',
]
PIECES = [
    f"{TIME}Z stdout P one", f"{TIME}Z stdout P  two", "2024-04-13T07:59:38Z stdout F three", f"{TIME}Z stderr P error",
    f"{TIME}Z stderr F  end",
    f"{TIME}Z stdout P", f"{TIME}Z stdout P ", f"{TIME}Z stdout F", f"{TIME}Z stdout F alone", f"{TIME}Z stdout P  spaces",
    f"{TIME}Z stdout F  more ",
    f"{TIME}Z stdout P gr\u00fc", f"{TIME}Z stdout F \u00dfe", f"{TIME}Z stdout  no tag,", f"{TIME}Z stdout X another,",
    f"{TIME}Z stdout F end",
]
UNFINISHED = [f"{TIME}Z stdout F whole", f"{TIME}Z stderr P without", f"{TIME}Z stderr P  an end"]


def container_cases():
    for name, lines in (("cri", CRI_LINES), ("no-container", NO_CONTAINER_LINES), ("docker", DOCKER_LINES),
                        ("no-docker", NO_DOCKER_LINES)):
        yield Case(name, [CONTAINER], file_each(lines), WITH_PATH)
        yield Case(f"{name}-no-path", [NO_PATH], file_each(line for line in lines if b"F\t" not in to_bytes(line)))  # all files are one
        for on_error in ON_ERROR[1:]:
            yield Case(f"{name}-{on_error}", [{**CONTAINER, "on_error": on_error}], file_each(lines), WITH_PATH)
    for form in ("containerd", "crio", "docker"):
        lines = [line for line in CRI_LINES + DOCKER_LINES + NO_CONTAINER_LINES if not (form == "crio" and is_utc(line))]
        yield Case(f"format-{form}", [{**CONTAINER, "format": form}], file_each(lines), WITH_PATH)
    yield Case("pieces", [CONTAINER], one_file(PIECES, POD), WITH_PATH)
    yield Case("pieces-unfinished", [CONTAINER], one_file(UNFINISHED, POD), WITH_PATH)
    yield Case("pieces-dropped-between", [CONTAINER, {"type": "json_parser", "on_error": "drop"}],
               one_file([f"{TIME}Z stdout P {{\"a\":", "broken", f"{TIME}Z stdout F 1}}"], POD), WITH_PATH)
    yield Case("pieces-long", [{**CONTAINER, "max_log_size": 100}],
               one_file([f"{TIME}Z stdout P {'x' * 60}", f"{TIME}Z stdout P {'y' * 60}", f"{TIME}Z stdout P z", f"{TIME}Z stdout F end",
                         f"{TIME}Z stdout F {'w' * 200}", f"{TIME}Z stdout P {'v' * 50}", f"{TIME}Z stdout F {'u' * 50}",
                         f"{TIME}Z stdout P {'t' * 50}", f"{TIME}Z stdout F {'s' * 51}"], POD), WITH_PATH)
    yield Case("paths", [CONTAINER], {
        path: f"2024-04-13T07:59:{number:02}Z stdout F {number}\n".encode() for number, path in enumerate([
            POD, "ns_pod_1/app/0.log.20240413-075937", "ns_pod_1/app/1.log.2024", "app.log", "ns_pod_UID/app/0.log", "ns_pod_1/a.b/0.log",
            "ns_pod_1/a_b/0.log", "ns_pod_1/app/x.log", "a_b_c_d_1/app/0.log", "_pod_1/app/0.log", "ns_pod_1/app/00.log",
            "x y_pod-ü_1/app/7.log"])},
        {**WITH_PATH, "include": ["${DIRECTORY}/**/*.log", "${DIRECTORY}/**/*.log.*"]})
    yield Case("pieces-many", [CONTAINER], one_file([*(f"{TIME}Z stdout P {number}," for number in range(300)), f"{TIME}Z stdout F end"],
                                                    POD), WITH_PATH)
    yield Case("pieces-of-two-files", [CONTAINER], {
        path: "".join(f"{TIME}Z stdout {tag} {path[3:8]}{number}\n" for number, tag in enumerate("PPFFPF")).encode()
        for path in ("ns_pod-1_1/app/0.log", "ns_pod-2_2/app/0.log")}, WITH_PATH)
    yield Case("paths-not-included", [CONTAINER], one_file([f"{TIME}Z stdout P {'{'}", docker(), f"{TIME}Z stdout F x"], POD))
    yield Case("from-attribute", [JSON, {"type": "container", "parse_from": "attributes.line", "add_metadata_from_filepath": False}],
               one_file([json.dumps({"line": f"{TIME}Z stdout F x", "log": "kept?"}), json.dumps({"line": 5}), json.dumps({"other": 1})]))
    yield Case("container-then-json", [CONTAINER, {**JSON, "on_error": "send_quiet"},
                                       {"type": "move", "from": "attributes.msg", "to": "body",
                                                                                      "on_error": "send_quiet"}],
               one_file([f"{TIME}Z stdout F {{\"msg\":\"x\",\"n\":1}}", f"{TIME}Z stdout F text", f"{TIME}Z stdout P {{\"msg\":",
                         f"{TIME}Z stdout F \"y\"}}"], POD), WITH_PATH)


def is_utc(line):
    return isinstance(line, bytes) or line.lstrip().partition(" ")[0].endswith("Z")


# --- json_parser -----------------------------------------------------------------------------------------------------

OBJECTS = [
    "{}", '{"a":1}', '{"a":"text"}', '{"a":true,"b":false,"c":null}', '{"a":{"b":{"c":[1,[2,{"d":[]}]]}}}', '{"a":[],"b":{}}',
    '{"a":1.0,"b":-0.0,"c":1e3,"d":1E-7,"e":0.1,"f":123456789012345678901234567890}',
    '{"a":9223372036854775807,"b":-9223372036854775808}',
    '{"a":9223372036854775808,"b":-9223372036854775809,"c":18446744073709551615}', '{"a":1e400}', '{"a":-1e400,"b":1e-400}',
    '{"a":0,"b":-0,"c":-1}',
    '{"a":9007199254740993,"b":0.30000000000000004,"c":5e-324,"d":1.7976931348623157e308}',
    '{"a":1,"a":2}', '{"a":{"b":1},"a":{"c":2}}', '{"":1}', '{"a.b":1,"a":{"b":2}}', '{"log.file.name":"mine"}',
    '{"a":"\\u00e4\\u4e16\\ud83d\\ude80"}', '{"a":"\\"\\\\\\/\\b\\f\\n\\r\\t"}', '{"\\u0061":"key"}', '{"a":"\\u0000"}',
    '{"a":"grüße, 世界 \U0001F680"}', b'{"a":"no \xff UTF-8"}',
    '{"a":"\\ud800"}', '{"a":"\\ud800x"}', '{"a":"\\udc00"}', '{"a":"\\ud800\\u0041"}', '{"a":"x\\ud83d"}',
    ' { "a" : 1 , "b" : [ 1 , 2 ] } ', '{"a":1}\t', "null", '{"a":"\u2028\u2029\x7f"}', '{"a":"' + "x" * 5000 + '"}',
    "{" + ",".join(f'"key{number}":{number}' for number in range(40)) + ',"key3":"again"}',
    '{"a":' + "[" * 23 + "]" * 23 + "}", '{"a":' * 23 + "1" + "}" * 23, '{"a":"tab\tand \x1b[0m as they are"}', '{"a":"\x01\\n\x1f"}',
]
NO_OBJECTS = [
    "text", "{", "}", "[1]", '"text"', "5", "true", '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', '{"a" 1}', '{a:1}', "{'a':1}",
    '{"a":tru}', '{"a":nul}',
    '{"a":TRUE}', '{"a":+1}', '{"a":-}', '{"a":"x}', '{"a":"\\x"}', '{"a":"\\u12"}', '{"a":[1,]}', '{"a":[1 2]}',
    '{"a":[1}', '{"a":{]}', '{,"a":1}', '{"a":,}', '{"a":.5}', '{"a":NaN}', '{"a":Infinity}', "{]", '{"a":"nothing\0inside"}',
    '{"a":\0 1}', '\0{"a":1}', '\x0b{"a":1}', '{"a":1e}', '{"a":--1}', '{"a":1-2}', "nulx", '{"a":1]', '{1:2}', '{"a"::1}',
]
MORE_THAN_AN_OBJECT = ['{"a":1}x', '{"a":1}{"b":2}', '{"a":1} 2', '{"a":1}}', "nullx", "null null"]


def json_cases():
    for name, parser in (("json", JSON), ("integers", INTEGERS)):
        lines = OBJECTS + NO_OBJECTS + MORE_THAN_AN_OBJECT
        yield Case(name, [parser], one_file(lines))
        yield Case(f"{name}-to-body", [{**parser, "parse_to": "body"}], file_each(lines, "{}.log"))
        for on_error in ON_ERROR[1:]:
            yield Case(f"{name}-{on_error}", [{**parser, "on_error": on_error}], one_file(lines))
        for number, to in enumerate(("attributes.parsed", "attributes.a.b", "body.parsed", "resource", "resource.parsed",
                                     'attributes["a.b"]')):
            yield Case(f"{name}-to-{number}", [{**parser, "parse_to": to}], file_each(OBJECTS[:20], "{}.log"))
    yield Case("json-from-attribute", [JSON, {"type": "json_parser", "parse_from": "attributes.inner", "parse_to": "attributes.out"}],
               one_file([json.dumps({"inner": json.dumps({"x": 1, "y": {"z": "w"}})}), '{"inner":"text"}', '{"inner":5}',
                         '{"inner":null}', '{"inner":{"x":1}}',
                         '{"other":1}', "text"]))
    yield Case("json-from-body-field", [{**JSON, "parse_to": "body"},
                                        {"type": "json_parser", "parse_from": "body.inner", "parse_to": "body"},
                                        {"type": "remove", "field": "body.inner"}],
               one_file([json.dumps({"inner": '{"x":1,"keep":2}', "keep": 1}), '{"inner":"text","n":1}', '{"n":2}']))
    yield Case("json-twice", [JSON, JSON, {"type": "json_parser", "parse_to": "body"}], one_file(['{"a":1}', "x"]))
    yield Case("json-body", [{**JSON, "body": "attributes.msg"}],
               one_file(['{"msg":"text","n":1}', '{"msg":{"k":1},"n":2}', '{"n":3}', '{"msg":null,"n":4}', "x"]))


# --- chains ----------------------------------------------------------------------------------------------------------

DOCUMENTS = [
    '{"n":1,"a":"x","b":{"c":1,"d":{"e":[1,2]}},"list":[1,{"k":"v"}]}', '{"n":2,"a":{"x":1},"b":"text"}',
    '{"n":3,"b":{"c":{"deep":true}}}', '{"n":4}',
    '{"n":5,"a":null,"b":null}', '{"n":6,"a":[1],"b":{"c":"y","d":"z"},"a.b":"dotted"}', '{"n":7,"a":"","b":{}}', "no JSON",
]
TO_BODY, TO_ATTRIBUTES = {**JSON, "parse_to": "body"}, JSON
CHAINS = {
    "move-body": [TO_BODY, {"type": "move", "from": "body.a", "to": "attributes.a"},
                  {"type": "move", "from": "body.b.c", "to": "resource.c"},
                  {"type": "move", "from": "body.b", "to": "body.z.y.x"}],
    "move-attributes": [TO_ATTRIBUTES, {"type": "move", "from": "attributes.b", "to": "body"},
                        {"type": "move", "from": "attributes.a", "to": "body"}],
    "move-into-itself": [TO_BODY, {"type": "move", "from": "body", "to": "body.inner"},
                         {"type": "move", "from": "body.inner.b", "to": "body.inner.b.b"}],
    "move-over": [TO_ATTRIBUTES, {"type": "move", "from": "attributes.a", "to": "attributes.b.c"},
                  {"type": "move", "from": "attributes.list", "to": "attributes.n.x"}],
    "move-quoted": [TO_ATTRIBUTES, {"type": "move", "from": 'attributes["a.b"]', "to": 'attributes["c.d"].e'},
                    {"type": "move", "from": "attributes.n", "to": 'resource["service.name"]'}],
    "move-nothing": [{"type": "move", "from": "attributes.nothing", "to": "body"},
                     {"type": "move", "from": "body", "to": "attributes.raw"},
                     {"type": "move", "from": "body", "to": "attributes.gone"}],
    "remove-each": [TO_BODY, {"type": "remove", "field": "body.a"}, {"type": "remove", "field": "body.b.d.e"},
                    {"type": "remove", "field": "body.list"},
                    {"type": "remove", "field": 'body["a.b"]'}],
    "remove-roots": [TO_ATTRIBUTES, {"type": "add", "field": "resource.r", "value": 1}, {"type": "remove", "field": "attributes"},
                     {"type": "remove", "field": "resource"},
                     {"type": "add", "field": "attributes.after", "value": "x"},
                     {"type": "add", "field": "resource.after", "value": "y"}],
    "remove-body": [{"type": "remove", "field": "body"}, {"type": "add", "field": "attributes.x", "value": 1}],
    "remove-roots-twice": [{"type": "remove", "field": "attributes"}, {"type": "remove", "field": "attributes"},
                           {"type": "remove", "field": "attributes.x"},
                           {"type": "move", "from": "body", "to": "attributes.raw"}],
    "add-kinds": [{"type": "add", "field": f"attributes.v{number}", "value": value} for number, value in enumerate([
        "text", "", 5, -5, 2**40, 1.5, 1e100, True, False, ["a", 1, None, [2.5]], {"k": "v", "n": {"m": [1]}}, "EXPR", "5", "true"])],
    "add-everywhere": [TO_BODY, {"type": "add", "field": "body.new", "value": 1}, {"type": "add", "field": "body.a", "value": {"y": 2}},
                       {"type": "add", "field": "body.b.c.d", "value": "z"}, {"type": "add", "field": "resource.r.s", "value": [1]},
                       {"type": "add", "field": "attributes.a.b", "value": "x"}],
    "add-body": [{"type": "add", "field": "body", "value": "instead"}, {"type": "add", "field": "body.x", "value": 1},
                 {"type": "add", "field": "body", "value": {"y": 2}}],
    "add-map-to-text": [{"type": "add", "field": "body", "value": {"k": "v"}}],
    "forks": [{**TO_ATTRIBUTES, "output": ["left", "right"]},
              {"type": "move", "id": "left", "from": "attributes.b.c", "to": "attributes.left", "output": "end"},
              {"type": "remove", "id": "right", "field": "attributes.b", "on_error": "drop_quiet"},
              {"type": "noop", "id": "end"}, {"type": "add", "field": "attributes.after_end", "value": True}],
    "skips": [{"type": "noop", "output": "last"}, {"type": "add", "id": "skipped", "field": "attributes.skipped", "value": True},
              {"type": "add", "id": "last", "field": "attributes.last", "value": True}],
    "forks-to-the-same": [{"type": "noop", "output": ["one", "two"]},
                          {"type": "add", "id": "one", "field": "attributes.one", "value": 1, "output": ["join"]},
                          {"type": "add", "id": "two", "field": "attributes.two", "value": 2},
                          {"type": "add", "id": "join", "field": "attributes.join", "value": 3}],
    "forks-of-forks": [{"type": "noop", "id": "a", "output": ["b", "c"]}, {"type": "noop", "id": "b", "output": ["c", "d"]},
                       {"type": "noop", "id": "c", "output": ["d", "e"]},
                       {"type": "add", "id": "d", "field": "attributes.d", "value": 1},
                       {"type": "add", "id": "e", "field": "attributes.e", "value": 2}],
    "changes-after-a-fork": [{**TO_ATTRIBUTES, "output": ["one", "two"]},
                             {"type": "add", "id": "one", "field": "attributes.b.mine", "value": "one", "output": "end"},
                             {"type": "remove", "id": "two", "field": "attributes.b.c", "on_error": "send_quiet"},
                             {"type": "noop", "id": "end"}],
    "default-ids": [{"type": "add", "field": "attributes.x", "value": 1, "output": "add2"},
                    {"type": "add", "field": "attributes.y", "value": 2},
                    {"type": "add", "field": "attributes.z", "value": 3}],
}


def chain_cases():
    for name, operators in CHAINS.items():
        yield Case(name, operators, one_file(DOCUMENTS))
    for on_error in ON_ERROR:
        for name, operator in (("move", {"type": "move", "from": "attributes.a", "to": "attributes.moved"}),
                               ("remove", {"type": "remove", "field": "attributes.b.c"}),
                               ("json", {"type": "json_parser", "parse_from": "attributes.a"})):
            yield Case(f"on-error-{name}-{on_error}", [{**TO_ATTRIBUTES, "on_error": "send_quiet"}, {**operator, "on_error": on_error},
                                                       {"type": "add", "field": "attributes.after", "value": 1}], one_file(DOCUMENTS))
    yield Case("with-attributes", [{**TO_ATTRIBUTES, "on_error": "send_quiet"}], one_file([*DOCUMENTS, '{"where":"there"}']),
               {"attributes": {"where": "here", "empty": ""}, "include_file_path": True})
    yield Case("resource-of-lines", [{**JSON, "parse_to": "resource"}], one_file([f'{{"pod":"{number % 3}"}}' for number in range(10)]))


# --- reading ---------------------------------------------------------------------------------------------------------

LINES = ["plain", "", "   ", "\t", " leading", "trailing ", "\ttabs\t", "carriage return\r", "\r", "in\rside", "two  spaces",
         "grüße, 世界 \U0001F680", "\ufeffmark",
         "nothing\0inside", "\0", "\x01\x1b[31mred\x1b[0m", "\u2028line\u2029\x85", "\x0bvertical\x0c", "\u00a0no break\u00a0",
         "x" * 20000, "y" * 70000, "{", '{"a":1}',
         b"no \xff UTF-8", b"\xc3", b"\xc3\xc3\xa4", b"\xed\xa0\x80", b"\xf0\x9f\x9a", b"\xf5\x80\x80\x80", b"\xc0\xaf", b"\xe4\xb8",
         b"\xffend", b"\x80" * 5]
LONG = ["a" * 63, "b" * 64, "c" * 65, "d" * 128, "e" * 129, "f" * 200, "g" * 63 + " ", "h" * 60 + " " * 10, " " * 70 + "i",
        "j" * 64 + " k", "ü" * 50, "世" * 50, "short", "",
        "l" * 64 + "\r"]


def reading_cases():
    texts = {"lines": (one_file(LINES), {}), "without-an-end": ({"app.log": b"one\ntwo"}, {}),
             "only-an-end": ({"a.log": b"\n", "b.log": b"\n\nx"}, {}),
             "spaces-without-an-end": ({"app.log": b"one\n  two  "}, {}), "long": (one_file(LONG), {"max_log_size": 64}),
             "long-without-an-end": ({"app.log": b"first\n" + b"z" * 150}, {"max_log_size": 64}),
             "very-long": (one_file(["a" * 2_500_000, "end"]), {}),
             "name-and-path": (one_file(["x"], "dir/näme.log"), {"include_file_name": True, "include_file_path": True}),
             "neither": (one_file(["x"]), {"include_file_name": False, "include_file_path": False}),
             "attributes": (one_file(["x"]), {"attributes": {"a": "text", "b.c": "dotted", "log.file.name": "mine"}})}
    for name, (files, settings) in texts.items():
        yield Case(f"text-{name}", [], files, settings)
        yield Case(f"noop-{name}", [{"type": "noop"}], files, settings)
    tree = {path: f"{path}\n".encode() for path in ("a.log", "b.log", "dir/a.log", "dir/deep/c.log", "dir/skip.log", "no/x.log", "d.txt",
                                                    "[x].log", "é.log")}
    for number, settings in enumerate([
            {"include": ["${DIRECTORY}/*.log"]}, {"include": ["${DIRECTORY}/**/*.log"],
                                                  "exclude": ["${DIRECTORY}/no/*", "${DIRECTORY}/**/skip.log"]},
            {"include": ["${DIRECTORY}/*"]}, {"include": ["${DIRECTORY}/?.log", "${DIRECTORY}/dir/**/c.log"]},
        {"include": ["${DIRECTORY}/[ab].log", "${DIRECTORY}/d*/*.log"]},
            {"include": ["${DIRECTORY}/**"], "exclude": ["${DIRECTORY}/**/a.log"]},
        {"include": ["${DIRECTORY}/*.log", "${DIRECTORY}/a.log"]},
            {"include": ["${DIRECTORY}/**/[!ab].log"]}, {"include": ["${DIRECTORY}/\\[x\\].log"]}]):
        yield Case(f"globs-{number}", [], tree, settings)
    yield Case("links", [], {"x/real.log": b"real\n", "y/link.log": Link("../x/real.log"), "y/broken.log": Link("nothing")},
               {"include": ["${DIRECTORY}/y/*.log"], "include_file_path": True})
    yield Case("start-at-end", [], {"old.log": b"before\nunfinished"}, {"start_at": "end"}, {"old.log": b" after\n", "new.log": b"new\n"})
    yield Case("start-at-end-default", [], {"old.log": b"before\n"}, {"start_at": "end", "operators": [CONTAINER]},
               {"old.log": b"after\n"})
    yield Case("grows", [], one_file(["first"]), {}, {"app.log": b"second\nthird", "other.log": b"fourth\n"})
    yield Case("pieces-grow", [NO_PATH], one_file([f"{TIME}Z stdout F x"]), {"include_file_path": True},
               {"app.log": f"{TIME}Z stdout P a\n{TIME}Z stdout F b\n".encode()})


GROUPS = {"containers": container_cases, "json_parser": json_cases, "chains": chain_cases, "reading": reading_cases}
