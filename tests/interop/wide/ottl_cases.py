"""Statements and conditions for test_ottl: each converter with operands of each kind, each editor, comparisons and arithmetic.

A case is the statements that are run, in order, on RECORD. What a converter gives is set into the attribute "out", and
compared with nil, since a nil that is set changes nothing and an error shows as neither.
"""

import itertools

import ottl_xml_cases

ATTRIBUTES = {
    "empty": {"stringValue": ""}, "s": {"stringValue": "Hello World"}, "uni": {"stringValue": "héllo wörld ñ 日本語"},
    "spaces": {"stringValue": "  pad\tded  "}, "num": {"stringValue": "42"}, "neg": {"stringValue": "-7"}, "flt": {"stringValue": "3.25"},
    "exp": {"stringValue": "1e3"}, "hexnum": {"stringValue": "0x1F"}, "yes": {"stringValue": "true"}, "t": {"stringValue": "t"},
    "json": {"stringValue": '{"a": 1, "b": [true, null, "x"], "c": {"d": 2.5}}'}, "jsonlist": {"stringValue": '[1, "two", {"three": 3}]'},
    "badjson": {"stringValue": '{"a": '}, "kv": {"stringValue": 'k1=v1 k2="v 2" k3=\'v=3\''}, "csv": {"stringValue": 'a,"b,c",d'},
    "csv2": {"stringValue": '1|2|3'}, "b64": {"stringValue": "SGVsbG8="}, "hex": {"stringValue": "0102030405060708090a0b0c0d0e0f10"},
    "hex8": {"stringValue": "0102030405060708"}, "camel": {"stringValue": "someHTTPServer_name-here 2x"}, "under": {"stringValue": "some_snake_case"},
    "url": {"stringValue": "https://user:pw@www.example.com:8443/a/b.txt?q=1&r=%20x#frag"}, "path": {"stringValue": "/api/v1/users/123"},
    "time": {"stringValue": "2023-05-26 12:34:56.789"}, "rfc": {"stringValue": "2023-05-26T12:34:56+02:00"}, "dur": {"stringValue": "1h15m30.918273645s"},
    "log": {"stringValue": "2023-01-01 ERROR [main] code=17 it broke"}, "card": {"stringValue": "4111 1111 1111 1111"}, "ip": {"stringValue": "10.1.2.3"},
    "ip6": {"stringValue": "2001:db8::1"}, "nl": {"stringValue": "line one\nline two\r\n"}, "xml": {"stringValue": "<a><b c=\"d\">e</b></a>"},
    "int": {"intValue": "42"}, "zero": {"intValue": "0"}, "big": {"intValue": "9223372036854775807"}, "low": {"intValue": "-9223372036854775808"},
    "dbl": {"doubleValue": 3.75}, "dneg": {"doubleValue": -2.5}, "dbig": {"doubleValue": 1e21}, "dsmall": {"doubleValue": 1e-7}, "dwhole": {"doubleValue": 100.0},
    "true": {"boolValue": True}, "false": {"boolValue": False}, "bytes": {"bytesValue": "aGVsbG8A/w=="}, "bytes8": {"bytesValue": "AQIDBAUGBwg="},
    "bytes16": {"bytesValue": "AQIDBAUGBwgJCgsMDQ4PEA=="},
    "ints": {"arrayValue": {"values": [{"intValue": "3"}, {"intValue": "1"}, {"intValue": "2"}]}},
    "strs": {"arrayValue": {"values": [{"stringValue": "b"}, {"stringValue": "a"}, {"stringValue": "c"}]}},
    "mixed": {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "x"}, {"doubleValue": 0.5}, {"boolValue": True}]}},
    "none": {"arrayValue": {"values": []}},
    "maps": {"arrayValue": {"values": [{"kvlistValue": {"values": [{"key": "name", "value": {"stringValue": "n1"}}, {"key": "v", "value": {"intValue": "1"}}]}},
                                       {"kvlistValue": {"values": [{"key": "name", "value": {"stringValue": "n2"}}, {"key": "v", "value": {"intValue": "2"}}]}}]}},
    "map": {"kvlistValue": {"values": [{"key": "a", "value": {"intValue": "1"}}, {"key": "b", "value": {"stringValue": "two"}},
                                       {"key": "c", "value": {"kvlistValue": {"values": [{"key": "d", "value": {"boolValue": True}}]}}},
                                       {"key": "l", "value": {"arrayValue": {"values": [{"intValue": "9"}, {"stringValue": "x"}]}}}]}},
    "emptymap": {"kvlistValue": {"values": []}}, "null": {},
}


def pairs(values):
    return [{"key": key, "value": value} for key, value in values.items()]


RECORD = {
    "timeUnixNano": "1685104496789000000", "observedTimeUnixNano": "1685104497000000001", "severityNumber": 9, "severityText": "Info",
    "body": {"stringValue": "the body, 日本"}, "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708", "flags": 1,
    "eventName": "my.event", "droppedAttributesCount": 3, "attributes": pairs(ATTRIBUTES),
}
REQUEST = {"resourceLogs": [{
    "resource": {"attributes": pairs({"service.name": {"stringValue": "shop"}, "host": {"stringValue": "h1"}, "n": {"intValue": "5"}}),
                 "droppedAttributesCount": 2},
    "schemaUrl": "https://schema/r",
    "scopeLogs": [{"scope": {"name": "lib", "version": "1.2", "attributes": pairs({"scoped": {"boolValue": True}})}, "schemaUrl": "https://schema/s",
                   "logRecords": [RECORD]}]}]}


def attribute(name):
    return f'attributes["{name}"]'


OPERANDS = [attribute(name) for name in ATTRIBUTES] + [
    attribute("missing"), '"literal"', "17", "-3", "2.5", "true", "nil", "body", "trace_id", "span_id.string", "time", "time_unix_nano",
    'resource.attributes["service.name"]', "attributes", "severity_number", "0x0102030405060708", '["a", 1]', '{"k": 1}', 'attributes["map"]["a"]',
    'attributes["map"]["c"]["d"]', 'attributes["map"]["l"][0]', 'attributes["ints"][1]', 'attributes["ints"][9]', 'attributes["s"]["x"]']

TEXTS = [attribute(name) for name in ("empty", "s", "uni", "spaces", "num", "camel", "under", "nl", "int", "missing", "map")]
TIMES = ["time", "observed_time", 'Time("2024-02-29", "%Y-%m-%d")', "Unix(0)", "Unix(-86401, 5)", "Unix(1709210096, 123456789)", attribute("s"), "17"]
DURATIONS = ['Duration("1h15m30.918273645s")', 'Duration("-1.5h")', 'Duration("0s")', 'Duration("999us")', f"Duration({attribute('dur')})", "time", "17"]

# Each is tried with all of OPERANDS.
OF_ANYTHING = ["Int", "Double", "String", "Bool", "IsString", "IsInt", "IsDouble", "IsBool", "IsMap", "IsList", "IsEmpty", "Len", "Hex"]
OF_TEXTS = ["ToLowerCase", "ToUpperCase", "ToCamelCase", "ToSnakeCase", "Trim", "SHA1", "SHA256", "SHA512", "MD5", "FNV", "XXH3", "XXH128",
            "Murmur3Hash", "Murmur3Hash128", "Base64Encode", "Base64Decode"]
OF_TIMES = ["Year", "Month", "Day", "Hour", "Minute", "Second", "Nanosecond", "Weekday", "UnixNano", "UnixMicro", "UnixMilli", "UnixSeconds"]
OF_DURATIONS = ["Hours", "Minutes", "Seconds", "Milliseconds", "Microseconds", "Nanoseconds"]


def a(text):
    """The operand, with attribute names in short: $x is attributes["x"]."""
    made, at = "", 0
    while (found := text.find("$", at)) >= 0:
        end = found + 1
        while end < len(text) and text[end].isalnum():
            end += 1
        made += text[at:found] + (attribute(text[found + 1:end]) if end > found + 1 else "$")
        at = end
    return made + text[at:]


# Converters with arguments of their own, and what is worth a look at each.
CALLS = [a(text) for text in r"""
Concat([$s, $int, $dbl, $true], "-")
Concat([$s], "")
Concat([], "x")
Concat([$bytes, $ints, $map], "|")
Concat([$missing, "x"], "-")
Concat(["a", nil, "b"], ",")
Concat([$dbig, $dsmall, $dwhole, $dneg], " ")
Concat([trace_id.string, time_unix_nano], "/")
Concat($strs, "-")
Concat([$s, $uni], $empty)
IsMatch($s, "^Hello")
IsMatch($s, "(?i)hello w")
IsMatch($uni, "ö.*日")
IsMatch($uni, "^.{19}$")
IsMatch($int, "^4.$")
IsMatch($missing, "x")
IsMatch($map, "two")
IsMatch($s, "(")
IsMatch($s, "[[:upper:]]o")
IsMatch($s, $s)
IsMatch("", "^$")
IsMatch($dbl, "3\\.75")
IsMatch($true, "tru")
IsMatch(body, "\\bbody\\b")
Substring($s, 0, 5)
Substring($s, 6, 5)
Substring($s, 6, 6)
Substring($s, -1, 2)
Substring($s, 0, 0)
Substring($s, 0, -1)
Substring($uni, 0, 2)
Substring($uni, 0, 2, false)
Substring($uni, 1, 3, true)
Substring($empty, 0, 0)
Substring($int, 0, 1)
Substring($s, $zero, Len($s))
Split($csv2, "|")
Split($s, "")
Split($uni, "")
Split($empty, ",")
Split($s, "zzz")
Split($path, "/")
Split($path, "/")[2]
Split($path, "/")[99]
Split($s, "l")[0]
ConvertCase($camel, "lower")
ConvertCase($camel, "upper")
ConvertCase($camel, "snake")
ConvertCase($camel, "camel")
ConvertCase($camel, "title")
ConvertCase($uni, "upper")
ConvertCase($uni, "snake")
ConvertCase($uni, "camel")
ConvertCase($under, "camel")
ConvertCase($s, "snake")
ConvertCase($empty, "lower")
ConvertCase($int, "lower")
HasPrefix($s, "Hello")
HasPrefix($s, "")
HasPrefix($s, "World")
HasPrefix($int, "4")
HasPrefix($missing, "4")
HasSuffix($s, "World")
HasSuffix($uni, "語")
HasSuffix($s, $s)
HasSuffix($s, nil)
Trim($spaces)
Trim($s, "Hd")
Trim($s, "H")
Trim($uni, "hé")
Trim($spaces, "")
TrimPrefix($s, "Hello ")
TrimPrefix($s, "x")
TrimPrefix($int, "4")
TrimSuffix($s, "World")
TrimSuffix($s, "")
ParseJSON($json)
ParseJSON($jsonlist)
ParseJSON($badjson)
ParseJSON($s)
ParseJSON($empty)
ParseJSON($int)
ParseJSON("5")
ParseJSON("\"text\"")
ParseJSON("null")
ParseJSON("{\"a\": 12345678901234567890, \"b\": 1.0, \"c\": \"\\u00e9\\n\"}")
ParseJSON("{\"a\": {\"b\": {\"c\": [[1], [2, [3]]]}}}")
ParseJSON("{\"a\":1} x")
ParseJSON("{\"a\":1,\"a\":2}")
ParseJSON($json)["a"]
ParseJSON($json)["c"]["d"]
ParseJSON($json)["b"][2]
ParseJSON($json)["zzz"]
ParseKeyValue($kv)
ParseKeyValue($csv2, "|", " ")
ParseKeyValue("a=1|b=2", "=", "|")
ParseKeyValue("a:1;b:2", ":", ";")
ParseKeyValue("a==1", "==", ",")
ParseKeyValue("a=b=c")
ParseKeyValue("novalue")
ParseKeyValue("  k = v ")
ParseKeyValue("k=\"unclosed")
ParseKeyValue($empty)
ParseKeyValue($int)
ParseKeyValue($s, "=", "=")
ParseKeyValue("a=1 a=2")
ParseKeyValue("a=1 b=\"x y\" c='z \"q\"'", "=")
ParseKeyValue($kv)["k2"]
ParseCSV($csv, "x,y,z")
ParseCSV($csv, "x,y")
ParseCSV($csv2, "x|y|z", "|")
ParseCSV($csv2, "x,y,z", "|", ",")
ParseCSV($csv, "x,y,z", ",", ",", "ignoreQuotes")
ParseCSV($csv, "x,y,z,w", mode="ignoreQuotes")
ParseCSV("a,b\"c,d", "x,y,z", mode="lazyQuotes")
ParseCSV("a,b\"c,d", "x,y,z")
ParseCSV("a,\"b\"\"q\",", "x,y,z")
ParseCSV($empty, "x")
ParseCSV($nl, "x")
ParseCSV($csv, "")
ParseCSV($csv, "x,y,z", "ab")
ParseCSV($csv, "x,y,z", mode="other")
ParseCSV($int, "x")
ExtractPatterns($log, "^(?P<date>\\S+) (?P<level>\\w+) \\[(?P<thread>[^\\]]+)\\]")
ExtractPatterns($log, "code=(?P<code>\\d+)(?P<none>zzz)?")
ExtractPatterns($log, "(?P<x>nomatch)")
ExtractPatterns($log, "no groups")
ExtractPatterns($log, "(unnamed)")
ExtractPatterns($int, "(?P<x>.)")
ExtractPatterns($log, "(?P<x>")
ExtractPatterns($uni, "(?P<first>\\S+)\\s(?P<rest>.*)")
ExtractPatterns($log, "(?P<a>ERR)(?P<a>OR)")
ExtractPatterns($log, "(?P<code>\\d+)")["code"]
ParseCEF("CEF:0|Vendor|Product|1.0|100|Name|5|src=10.0.0.1 dst=2.1.2.2 spt=1232")
ParseCEF("CEF:0|V|P|1|2|N|5|")
ParseCEF("CEF:0|V|P|1|2|N|5")
ParseCEF("CEF:0|V|P|1|2|N")
ParseCEF("CEF:|V|P|1|2|N|5|a=b")
ParseCEF("<34>Oct 11 host CEF:1|V|P|1|2|N|5|a=b")
ParseCEF("cef:0|V|P|1|2|N|5|a=b")
ParseCEF("CEF:0|V\\|w|P\\\\|1|2|N\\x|5|a=b\\=c d\\|e")
ParseCEF("CEF:0|V|P|1|2|N|5|msg=hello world  a_1=x y  z=")
ParseCEF("CEF:0|V|P|1|2|N|5|msg=line\\nnext\\rend\\\\x\\t")
ParseCEF("CEF:0|V|P|1|2|N|5|junk here a=b c d=e")
ParseCEF("CEF:0|V|P|1|2|N|5|a=b a=c")
ParseCEF("CEF:0|V|P|1|2|N|5| a=b")
ParseCEF("CEF:0|V|P|1|2|N|5|=b c=d")
ParseCEF("CEF:0|V|P|1|2|N|5|a-b=c d.e=f g=h")
ParseCEF("CEF:0|V|P|1|2|N|5|a=b=c")
ParseCEF("CEF:0|V|P|1|2|N|5|a=|b|c")
ParseCEF("CEF:0|é|日本|1|2|N|5|ü=x a=日本")
ParseCEF("CEF:0|V|P|1|2|N|\\|5|a=b")
ParseCEF("CEF:0||||||")
ParseCEF("x")
ParseCEF($empty)
ParseCEF($int)
ParseCEF($missing)
ParseCEF($log)
ParseELF("#Version: 1.0\n#Fields: date time cs-method\n2024-01-01 00:00:00 GET\n2024-01-01 00:00:01 \"a b\"")
ParseELF("#Version: 1.0")
ParseELF("#Fields: a b\n1 2")
ParseELF("#Version: 1.0\n1 2")
ParseELF("#version:1.0\r\n#FIELDS:a\tb\r\n1\t2\r\n\r\n3\r\n4 5 6")
ParseELF("#Version: 1.0\r#Fields: a\r1\r2")
ParseELF("#Version: 1.0\n#Fields a b\n1 2")
ParseELF("#Version: 1.0\n#Remark without colon\n#fieldsx y\n")
ParseELF("#Version: 1.0\n#Remark without\n#Fields: a\n1")
ParseELF("#Version: 1.0\n#Software: IIS: 8\n#Date: x\n#Start-Date: y\n#End-Date: z\n#Remark: r: s\n#Other: o")
ParseELF("#Version: 1.0\n#Version: 2.0\n#Fields: a\n1\n#Fields: b c\n2 3")
ParseELF("#Version: 1.0\n#Fields:\n1")
ParseELF("#Version: 1.0\n#Fields: a a b\n1 2 3")
ParseELF("#Version: 1.0\n#Fields: a b\n\"x \"\"y\"\" z\" \"\"")
ParseELF("#Version: 1.0\n#Fields: a b\n\"x\"y z")
ParseELF("#Version: 1.0\n#Fields: a b\nx\"y z")
ParseELF("#Version: 1.0\n#Fields: a\n\"x")
ParseELF("#Version: 1.0\n#Fields: a\n\"x\"\"")
ParseELF("#Version: 1.0\n#Fields: a\n1 \"x")
ParseELF("#Version: 1.0\n#Fields: é\u00a0b\n日本 2")
ParseELF("  # Version : 1.0 \n #Fields: a\n 1")
ParseELF("#:x\n#Version:")
ParseELF("#\n#Version:1\n#")
ParseELF("x")
ParseELF($empty)
ParseELF($int)
ParseELF($missing)
ParseELF($log)
ParseLEEF("LEEF:1.0|V|P|1|E|a=b\tc=d")
ParseLEEF("LEEF:2.0|V|P|1|E|^|a=b^c=d")
ParseLEEF("LEEF:2.0|V|P|1|E|0x5E|a=b^c=d")
ParseLEEF("LEEF:2.0|V|P|1|E|0X5e|a=b^c=d")
ParseLEEF("LEEF:2.0|V|P|1|E||a=b\tc=d")
ParseLEEF("LEEF:2.0|V|P|1|E|a=b\tc=d|e")
ParseLEEF("LEEF:2.0|V|P|1|E")
ParseLEEF("LEEF:2.0|V|P|1|E|")
ParseLEEF("LEEF:2.0|V|P|1|E|^")
ParseLEEF("LEEF:2.0|V|P|1|E|ab|a=b")
ParseLEEF("LEEF:2.0|V|P|1|E|0x|a=b")
ParseLEEF("LEEF:2.0|V|P|1|E|0x5|a=b")
ParseLEEF("LEEF:2.0|V|P|1|E|0x5E5E|a=b")
ParseLEEF("LEEF:2.0|V|P|1|E|0xzz|a=b")
ParseLEEF("LEEF:2.0|V|P|1|E|é|a=b")
ParseLEEF("LEEF:1.0|V|P|1")
ParseLEEF("LEEF:1.0|V|P|1|E")
ParseLEEF("LEEF:1.0|V|P|1|E|")
ParseLEEF("LEEF:1.0|V|P|1|E|a=b|c\td")
ParseLEEF("LEEF:1.0|V|P|1|E|=x\ty\tz=\ta=1=2\ta=3")
ParseLEEF("LEEF:1.0|V|P|1|E| a = b ")
ParseLEEF("LEEF:3.0|V|P|1|E|a=b")
ParseLEEF("LEEF:1.0")
ParseLEEF("<13>Jan host LEEF:1.0|V|P|1|E|a=b")
ParseLEEF("leef:1.0|V|P|1|E|a=b")
ParseLEEF("LEEF:2.0|é|日本|1|E|;|ü=x;y=日本")
ParseLEEF("LEEF:1.0||||")
ParseLEEF("x")
ParseLEEF($empty)
ParseLEEF($int)
ParseLEEF($missing)
ParseLEEF($log)
ParseCLF("127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] \"GET /a.gif HTTP/1.0\" 200 2326")
ParseCLF("127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] \"GET /a.gif HTTP/1.0\" 200 2326", "combined")
ParseCLF("127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] \"GET /a.gif HTTP/1.0\" 200 -")
ParseCLF("127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] \"GET /a.gif HTTP/1.0\" 200 -", "combined")
ParseCLF("127.0.0.1 - - [t] \"GET\" 200 1")
ParseCLF("127.0.0.1 - - [t] \"GET\" 200 1", "combined")
ParseCLF("127.0.0.1 - - [t] \"GET /a\" 200 1")
ParseCLF("127.0.0.1 - - [t] \"GET /a\" 200 1", "combined")
ParseCLF("127.0.0.1 - - [t] \"GET /a b c\" 200 1")
ParseCLF("127.0.0.1 - - [t] \"GET /a b c\" 200 1", "combined")
ParseCLF("127.0.0.1 - - [t] \"\" 200 1")
ParseCLF("127.0.0.1 - - [t] \"\" 200 1", "combined")
ParseCLF("127.0.0.1 - - [t] \"a \\\"q\\\" \\\\ \\n\\t\\x41\\xzz\\q\" 200 1")
ParseCLF("127.0.0.1 - - [t] \"a \\\"q\\\" \\\\ \\n\\t\\x41\\xzz\\q\" 200 1", "combined")
ParseCLF("127.0.0.1 - - [t] \"a\\\" 200 1")
ParseCLF("127.0.0.1 - - [t] \"a\\\" 200 1", "combined")
ParseCLF("127.0.0.1 - - [t] \"GET / HTTP\" abc 1")
ParseCLF("127.0.0.1 - - [t] \"GET / HTTP\" abc 1", "combined")
ParseCLF("127.0.0.1 - - [t] \"GET / HTTP\" 200 abc")
ParseCLF("127.0.0.1 - - [t] \"GET / HTTP\" 200 abc", "combined")
ParseCLF("127.0.0.1 - - [t] \"GET / HTTP\" +200 -5")
ParseCLF("127.0.0.1 - - [t] \"GET / HTTP\" +200 -5", "combined")
ParseCLF("127.0.0.1 - - [] \"GET / HTTP\" 200 1")
ParseCLF("127.0.0.1 - - [] \"GET / HTTP\" 200 1", "combined")
ParseCLF("127.0.0.1 - - t \"GET / HTTP\" 200 1")
ParseCLF("127.0.0.1 - - t \"GET / HTTP\" 200 1", "combined")
ParseCLF("127.0.0.1 - - [t \"GET / HTTP\" 200 1")
ParseCLF("127.0.0.1 - - [t \"GET / HTTP\" 200 1", "combined")
ParseCLF("127.0.0.1  - - [t] \"GET / HTTP\" 200 1")
ParseCLF("127.0.0.1  - - [t] \"GET / HTTP\" 200 1", "combined")
ParseCLF("127.0.0.1 - - [t] \"GET / HTTP\" 200")
ParseCLF("127.0.0.1 - - [t] \"GET / HTTP\" 200", "combined")
ParseCLF("127.0.0.1 - - [t] \"GET / HTTP\" 200 1 x")
ParseCLF("127.0.0.1 - - [t] \"GET / HTTP\" 200 1 x", "combined")
ParseCLF("  127.0.0.1 - - [t] \"GET / HTTP\" 200 1  \n")
ParseCLF("  127.0.0.1 - - [t] \"GET / HTTP\" 200 1  \n", "combined")
ParseCLF("127.0.0.1 - - [t]\"GET / HTTP\" 200 1")
ParseCLF("127.0.0.1 - - [t]\"GET / HTTP\" 200 1", "combined")
ParseCLF("127.0.0.1 - - [t] GET 200 1")
ParseCLF("127.0.0.1 - - [t] GET 200 1", "combined")
ParseCLF("h - é [日本] \"GET /ü HTTP/1.1\" 200 1")
ParseCLF("h - é [日本] \"GET /ü HTTP/1.1\" 200 1", "combined")
ParseCLF("127.0.0.1 - - [t] \"GET / HTTP\" 200 1 \"http://ref/\" \"Mozilla \\\"x\\\"\"")
ParseCLF("127.0.0.1 - - [t] \"GET / HTTP\" 200 1 \"http://ref/\" \"Mozilla \\\"x\\\"\"", "combined")
ParseCLF("127.0.0.1 - - [t] \"GET / HTTP\" 200 - \"-\" \"\"")
ParseCLF("127.0.0.1 - - [t] \"GET / HTTP\" 200 - \"-\" \"\"", "combined")
ParseCLF("127.0.0.1 - - [t] \"GET / HTTP\" 200 1 \"r\"")
ParseCLF("127.0.0.1 - - [t] \"GET / HTTP\" 200 1 \"r\"", "combined")
ParseCLF("127.0.0.1 - - [t] \"GET / HTTP\" 99999999999999999999 1 \"r\" \"a\"")
ParseCLF("127.0.0.1 - - [t] \"GET / HTTP\" 99999999999999999999 1 \"r\" \"a\"", "combined")
ParseCLF("x")
ParseCLF("x", "combined")
ParseCLF($empty)
ParseCLF($int)
ParseCLF($missing)
ParseCLF($log)
ParseCLF($log, "clf")
ParseCLF($log, "x")
ParseCLF($log, "")
ParseCLF($log, format = "combined")
ParseCEF(target = $log)
ExtractGrokPatterns($log, "%{WORD:w}", true)
ExtractGrokPatterns($log, "%{WORD}")
ExtractGrokPatterns($log, "%{WORD}", true)
ExtractGrokPatterns($log, "%{NOTSPACE:date} %{WORD:level} \\[%{DATA:thread}\\] code=%{INT:code:int} %{GREEDYDATA:rest}", true)
ExtractGrokPatterns($log, "%{NOTSPACE:date} %{WORD:level} \\[%{DATA:thread}\\] code=%{NUMBER:code} %{GREEDYDATA:rest}")
ExtractGrokPatterns($log, "%{NOTSPACE:log.date} %{WORD:log.level}", true)
ExtractGrokPatterns($log, "code=%{INT:code:long}", true)
ExtractGrokPatterns($log, "code=%{INT:code:float}", true)
ExtractGrokPatterns($log, "code=%{INT:code:double}", true)
ExtractGrokPatterns($log, "code=%{INT:code:string}", true)
ExtractGrokPatterns($log, "code=%{INT:code:bool}", true)
ExtractGrokPatterns($log, "code=%{INT:code:boolean}", true)
ExtractGrokPatterns($log, "code=%{INT:code:thing}", true)
ExtractGrokPatterns($log, "%{WORD:w:int}", true)
ExtractGrokPatterns($log, "nothing %{WORD:w:int}", true)
ExtractGrokPatterns($log, "nothing", true)
ExtractGrokPatterns($log, "nothing")
ExtractGrokPatterns($log, "(?P<x>ERR)(?P<y>OR)", true)
ExtractGrokPatterns($log, "(?P<x___y>ERR)")
ExtractGrokPatterns($log, "(?P<x>ERR)|%{WORD:x}", true)
ExtractGrokPatterns($log, "%{WORD:x}.*%{WORD:x}", true)
ExtractGrokPatterns($log, "%{NOSUCH:x}", true)
ExtractGrokPatterns($log, "%{WORD:a:b:c}")
ExtractGrokPatterns($log, "%{WORD:}", true)
ExtractGrokPatterns($log, "%{}")
ExtractGrokPatterns($log, "%{WORD")
ExtractGrokPatterns($log, "%{WORD:a b}", false)
ExtractGrokPatterns($log, "%{WORD:a+b}", true)
ExtractGrokPatterns($log, "%{WORD:1a}", true)
ExtractGrokPatterns($log, "")
ExtractGrokPatterns($log, "(", true)
ExtractGrokPatterns($log, "%{LEVEL:level}", true, ["LEVEL=ERROR|WARN"])
ExtractGrokPatterns($log, "%{LEVEL:level} \\[%{THREAD}\\]", false, ["LEVEL=%{WORD}", "THREAD=[a-z]+"])
ExtractGrokPatterns($log, "%{PAIR:p}", true, ["PAIR=%{WORD:key}=%{INT:value:int}"])
ExtractGrokPatterns($log, "%{PAIR}", true, ["PAIR=%{WORD:key}=%{INT:value:int}"])
ExtractGrokPatterns($log, "%{WORD:w}", true, ["WORD=[a-z]+"])
ExtractGrokPatterns($log, "%{A:w}", true, ["A=x", "A=code"])
ExtractGrokPatterns($log, "%{A:w}", true, ["A"])
ExtractGrokPatterns($log, "%{A:w}", true, ["A:b=x"])
ExtractGrokPatterns($log, "%{A:w}", true, ["A="])
ExtractGrokPatterns($log, "%{A:w}", true, ["=x"])
ExtractGrokPatterns($log, "%{A:w}", true, [])
ExtractGrokPatterns($log, "%{A:w}", true, ["A=a=b|code=17"])
ExtractGrokPatterns($log, "%{A:w}", true, ["A=("])
ExtractGrokPatterns($log, "%{A:w}", true, ["B=code"])
ExtractGrokPatterns($log, $s)
ExtractGrokPatterns($log, $s, true)
ExtractGrokPatterns($log, Concat(["%", "{WORD:w}"], ""), true)
ExtractGrokPatterns($log, Concat(["%", "{NOSUCH}"], ""))
ExtractGrokPatterns($log, $int)
ExtractGrokPatterns($log, $missing)
ExtractGrokPatterns($int, "%{INT:x}")
ExtractGrokPatterns($missing, "%{INT:x}")
ExtractGrokPatterns($empty, "%{DATA:x}")
ExtractGrokPatterns($uni, "%{NOTSPACE:x} %{GREEDYDATA:y}", true)
ExtractGrokPatterns($flt, "%{NUMBER:x:float}", true)
ExtractGrokPatterns($flt, "%{NUMBER:x:int}", true)
ExtractGrokPatterns($flt, "%{BASE10NUM}")
ExtractGrokPatterns($neg, "%{INT:x:int}", true)
ExtractGrokPatterns($neg, "%{POSINT:x:int}|%{NONNEGINT:y}", true)
ExtractGrokPatterns($exp, "%{NUMBER:x:float}", true)
ExtractGrokPatterns($yes, "%{BOOL:x:bool}", true)
ExtractGrokPatterns($big, "%{INT:x:int}", true)
ExtractGrokPatterns("99999999999999999999", "%{INT:x:int}", true)
ExtractGrokPatterns("-.5 +1.25", "%{NUMBER:x:float} %{NUMBER:y:double}", true)
ExtractGrokPatterns("joe.b-1 x", "%{USER:x}%{SPACE:s}%{USERNAME:y}", true)
ExtractGrokPatterns("joe x", "%{USER} %{USERNAME:y}")
ExtractGrokPatterns("id 123E4567-e89b-12d3-a456-426614174000!", "%{UUID:x}", true)
ExtractGrokPatterns("a\nb", "%{GREEDYDATA:x}", true)
ExtractGrokPatterns(target = $log, pattern = "%{WORD:w}", namedCapturesOnly = true, patternDefinitions = ["X=y"])
ExtractGrokPatterns($log, "%{WORD:w}", true)["w"]
FNV("")
XXH3("")
XXH3("a much longer text than any block of the hash function, so that the long path is taken, a much longer text than any block of the hash function, so that the long path is taken, a much longer text than any block of the hash function, so that it is")
XXH128("a much longer text than any block of the hash function, so that the long path is taken, a much longer text than any block of the hash function, so that the long path is taken, a much longer text than any block of the hash function, so that it is")
Murmur3Hash128("seventeen bytes!!")
Base64Decode($b64)
Base64Decode("SGVsbG8")
Base64Decode("!!")
Base64Encode($s, "base64-raw")
Base64Encode($s, "base64-url")
Base64Encode($s, "base64-raw-url")
Base64Encode($s, "other")
Base64Encode("\xff?>", "base64-url")
Decode($b64, "base64")
Decode("SGVsbG8", "base64-raw")
Decode("_-8=", "base64-url")
Decode("_-8", "base64-raw-url")
Decode($bytes, "us-ascii")
Decode($s, "utf-8")
Decode($bytes8, "iso-8859-1")
Decode($s, "ascii")
Decode($s, "utf-16")
Decode($s, "nonsense")
Decode($int, "base64")
Hex(0x0aff)
Hex(255)
Hex(2.5)
Hex(true)
Hex("x")
TraceID($bytes16)
TraceID($hex)
TraceID($bytes8)
TraceID(0x0102030405060708090a0b0c0d0e0f10)
TraceID("0102030405060708090a0b0c0d0e0f10")
TraceID(0x01)
SpanID($bytes8)
SpanID($hex8)
SpanID(0x0102030405060708)
SpanID("zz02030405060708")
String(TraceID(0x0102030405060708090a0b0c0d0e0f10))
String(trace_id)
String(time)
String(Duration("90s"))
String(Time("2024-02-29 01:02:03", "%Y-%m-%d %H:%M:%S"))
Keys($map)
Keys($emptymap)
Keys($json)
Keys({"a": 1})
Values($emptymap)
Values({"a": 1})
Values($s)
Index($strs, "a")
Index($strs, "z")
Index($ints, 2)
Index($s, "World")
Index($s, "zz")
Index($uni, "日")
Index($uni, "")
Index($mixed, true)
Index($mixed, 0.5)
Index($map, "a")
Index($int, 4)
Index(["a", "b"], "b")
ContainsValue($strs, "a")
ContainsValue($strs, "z")
ContainsValue($ints, 3)
ContainsValue($ints, 3.0)
ContainsValue($mixed, true)
ContainsValue(["x", "y"], $s)
ContainsValue($s, "Hello")
ContainsValue($maps, {"name": "n1", "v": 1})
Sort($ints)
Sort($ints, "desc")
Sort($strs)
Sort($strs, "desc")
Sort($strs, "other")
Sort($mixed)
Sort($mixed, "desc")
Sort($none)
Sort($s)
Sort([3, 1.5, 2])
Sort(["b", "A", "a"])
Sort([true, false, true])
Sort([1, "a"])
SliceToMap($maps, ["name"])
SliceToMap($maps, ["name"], ["v"])
SliceToMap($strs)
SliceToMap($maps, ["zzz"])
SliceToMap($ints, ["name"])
ToKeyValueString($map)
ToKeyValueString({"a": "x y", "b": 1}, "=", " ", true)
ToKeyValueString({"b": "x:y", "a": true}, ":", ",", true)
ToKeyValueString({"b": 1.5, "a": "q\"q"}, "=", " ", true)
ToKeyValueString($emptymap)
ToKeyValueString($s)
Format("%s-%d", [$s, $int])
Format("%05d|%5s|%-5s|%x", [$int, $t, $t, 255])
Format("%v %v %v", [$s, $int, $true])
Format("%.2f %e %g", [$dbl, $dbl, $dbig])
Format("%d", [$s])
Format("%v|%d|%x|%s|%q", [$bytes, $bytes, $bytes8, $bytes8, $bytes8])
Format("%b %o %O %c %U", [$bytes8, $bytes8, $bytes8, $bytes8, $bytes8])
Format("%5d|%-5v|%+d|%.3d|%05v", [$bytes8, $bytes8, $bytes8, $bytes8, $bytes8])
Format("%t %e %z %T", [$bytes8, $bytes8, $bytes8, $bytes8])
Format("a", [$bytes8])
Format("%v %v", [$bytes, $s])
Format("%z %z %z %z %z", [$s, $int, $dbl, $true, nil])
Format("%s", [])
Format("%%", [])
Format("%d %d", [1])
Format("%d", [1, 2])
Format("%q", [$s])
Format("%t", [$true])
Format("%s", [$map])
Format("%v", [nil])
Format("%6.2f|%+d|%c|%U", [$dbl, 5, 65, 8364])
Log(1)
Log(10.0)
Log($dbl)
Log(0)
Log(-1)
Log("2.5")
Log($s)
Log(true)
IsValidLuhn($card)
IsValidLuhn("4111111111111112")
IsValidLuhn(79927398713)
IsValidLuhn($s)
IsValidLuhn($empty)
IsInCIDR($ip, ["10.0.0.0/8"])
IsInCIDR($ip, ["192.168.0.0/16", "10.1.2.0/24"])
IsInCIDR($ip6, ["2001:db8::/32"])
IsInCIDR($ip, ["10.0.0.0/33"])
IsInCIDR($ip, ["nonsense"])
IsInCIDR($s, ["10.0.0.0/8"])
IsInCIDR($ip, [])
ParseInt("ff", 16)
ParseInt("-101", 2)
ParseInt("0x1f", 0)
ParseInt("0b11", 0)
ParseInt("0o17", 0)
ParseInt("017", 0)
ParseInt("1_000", 0)
ParseInt("12", 1)
ParseInt("12", 37)
ParseInt("", 10)
ParseInt("9223372036854775808", 10)
ParseInt("z", 36)
ParseInt($int, 10)
ParseInt($num, -1)
ParseSeverity(5, {"error": [{"min": 5, "max": 8}]})
ParseSeverity("err", {"error": ["err", "ERROR"], "info": ["i"]})
ParseSeverity("zzz", {"error": ["err"]})
ParseSeverity(404, {"warn": [{"range": "4xx"}]})
ParseSeverity(503, {"warn": ["4xx"], "error": [{"range": "5xx"}]})
Coalesce([$missing, $s])
Coalesce([$missing])
Coalesce([nil, 5, "x"])
Coalesce([])
Coalesce([$empty, $s])
CommunityID("10.0.0.1", 1234, "10.0.0.2", 80)
CommunityID("10.0.0.1", 1234, "10.0.0.2", 80, "udp")
CommunityID("10.0.0.2", 80, "10.0.0.1", 1234, "tcp", 1)
CommunityID("bad", 80, "10.0.0.1", 1234)
CommunityID("10.0.0.1", 1234, "10.0.0.2", 80, "UDP")
CommunityID("10.0.0.2", 80, "10.0.0.1", 1234, "TCP", 1)
CommunityID("10.0.0.2", 1234, "10.0.0.2", 80, "SCTP", 65535)
CommunityID("::1", 80, "10.0.0.1", 1234, "ICMP6")
CommunityID("::ffff:10.0.0.1", 80, "2001:db8::1", 1234)
CommunityID("2001:db8::2", 80, "2001:db8::1", 1234, "ICMP")
CommunityID("10.0.0.1", 65536, "10.0.0.2", 80)
CommunityID("10.0.0.1", -1, "10.0.0.2", 80)
CommunityID("10.0.0.1", 1, "10.0.0.2", 80, "TCP", 65536)
CommunityID("10.0.0.1", 1, "10.0.0.2", 80, "")
CommunityID("10.0.0.01", 1, "10.0.0.2", 80)
CommunityID("fe80::1%eth0", 1, "10.0.0.2", 80)
CommunityID("10.0.0.1", $int, "10.0.0.2", $int, seed = 7)
CommunityID($s, 1, "10.0.0.2", 80)
CommunityID("10.0.0.1", $s, "10.0.0.2", 80)
CommunityID($missing, 1, "10.0.0.2", 80)
URL($url)
URL("http://example.com")
URL("ftp://a.b.c/x.tar.gz")
URL("http://[::1]:80/")
URL("/relative?x=y")
URL("%zz")
URL($empty)
URL($int)
URL($uni)
URL($missing)
URL($path)
URL("HTTP://User@Example.COM:80/Path")
URL("http://user:@h/")
URL("http://:pw@h/")
URL("http://@h/")
URL("http://a@b@c/")
URL("http://us er@h/")
URL("http://u%20s:p%3Aw%2f@h/x")
URL("http://u%zz@h/")
URL("http://h:80:90/")
URL("db://h:80,g:90/x")
URL("http://h:port/")
URL("http://h:/")
URL("http://h:99999999999999999999/")
URL("http://h%41/")
URL("http://h%C3%A9/")
URL("http://h é/")
URL("http://hé/")
URL("http://a b/")
URL("http://h/a b?c d#e f")
URL("http://h/a%20b%2Fc%2f")
URL("http://h/%zz")
URL("http://h/a%")
URL("http://h/\u00e9|^")
URL("http://h/[x]{y}")
URL("http://h?q")
URL("http://h?")
URL("http://h??")
URL("http://h/?a?b")
URL("http://h#")
URL("http://h/#a#b")
URL("http://h/#%41%20 x")
URL("http://h/#%zz")
URL("http://h/#a`b")
URL("mailto:me@example.com")
URL("mailto:me@example.com?subject=x#y")
URL("urn:a:b")
URL("x:")
URL(":x")
URL("1x:y")
URL("a.b/c:d")
URL("a:b/c")
URL("a%3Ab")
URL("//h/p")
URL("///p")
URL("file:///etc/passwd.txt")
URL("file:/etc")
URL("http:///x")
URL("http://")
URL("http:")
URL("/")
URL("*")
URL("%2A")
URL("%2a")
URL("*?x#y")
URL("#")
URL("#f")
URL(" http://h")
URL("http://h/\nx")
URL("http://h/\tx")
URL("http://h/#\nx")
URL("http://[fe80::1%25en0]:80/")
URL("http://[fe80::1%25e%20n]/")
URL("http://[fe80::1%25]/")
URL("http://[fe80::1%en0]/")
URL("http://[1.2.3.4]/")
URL("http://[::ffff:1.2.3.4]/")
URL("http://[::1/")
URL("http://[::1]x/")
URL("http://x[::1]/")
URL("http://[::1]:x/")
URL("http://[zz]/")
URL("http://[]/")
URL("http://u@[::1]:8/a.b.c")
URL("http://h/a.")
URL("http://h/.a/b")
URL("http://h/a.b/c")
URL("?a=b&c=d&a=e")
URL("?")
URL("?a")
URL("?=b")
URL("?&&")
URL("?a;b=c")
URL("?a=%zz")
URL("?a=b+c%20d&%41=1")
URL("?a=b#c")
URL("http://h/+?a+b")
URL("http://h/%2B")
URL("http://h/~!$&'()*,;=:@")
URL("http://h/<>")
URL("http://h<>/")
URL("http://h\"x/")
URL("http://1.2.3.4:5/x.y?z")
URL(Concat(["http://h/", $s], ""))
URL("https://example.com/日本.html?ü")
URL("http://日本.jp/")
URL(URI = "http://h/")
UserAgent("curl/7.81.0")
ParseXML($xml)
ParseSimplifiedXML($xml)
ParseXML("<a/>")
ParseSimplifiedXML("<a/>")
ParseXML("<a></a>")
ParseSimplifiedXML("<a></a>")
ParseXML("<a>x</a>")
ParseSimplifiedXML("<a>x</a>")
ParseXML("<a> x </a>")
ParseSimplifiedXML("<a> x </a>")
ParseXML("<a>x<b>y</b>z</a>")
ParseSimplifiedXML("<a>x<b>y</b>z</a>")
ParseXML("<a>x<!-- c -->y</a>")
ParseSimplifiedXML("<a>x<!-- c -->y</a>")
ParseXML("<a><![CDATA[<x>&amp;]]></a>")
ParseSimplifiedXML("<a><![CDATA[<x>&amp;]]></a>")
ParseXML("<a>x<![CDATA[y]]>z</a>")
ParseSimplifiedXML("<a>x<![CDATA[y]]>z</a>")
ParseXML("<a><![CDATA[]]></a>")
ParseSimplifiedXML("<a><![CDATA[]]></a>")
ParseXML("<a><![CDATA[]]>x</a>")
ParseSimplifiedXML("<a><![CDATA[]]>x</a>")
ParseXML("<a><![CDATA[x</a>")
ParseSimplifiedXML("<a><![CDATA[x</a>")
ParseXML("<a b=\"c\" d='e\"'/>")
ParseSimplifiedXML("<a b=\"c\" d='e\"'/>")
ParseXML("<a b=\"c\" b=\"d\"/>")
ParseSimplifiedXML("<a b=\"c\" b=\"d\"/>")
ParseXML("<a b = \"c\" />")
ParseSimplifiedXML("<a b = \"c\" />")
ParseXML("<a b=\"c\"d=\"e\"/>")
ParseSimplifiedXML("<a b=\"c\"d=\"e\"/>")
ParseXML("<a b=c/>")
ParseSimplifiedXML("<a b=c/>")
ParseXML("<a b/>")
ParseSimplifiedXML("<a b/>")
ParseXML("<a b=\"c/>")
ParseSimplifiedXML("<a b=\"c/>")
ParseXML("<a b=\"<\"/>")
ParseSimplifiedXML("<a b=\"<\"/>")
ParseXML("<a b=\"&lt;&gt;&amp;&quot;&apos;\"/>")
ParseSimplifiedXML("<a b=\"&lt;&gt;&amp;&quot;&apos;\"/>")
ParseXML("<a>&lt;&#65;&#x42;&#x20AC;</a>")
ParseSimplifiedXML("<a>&lt;&#65;&#x42;&#x20AC;</a>")
ParseXML("<a>&nbsp;</a>")
ParseSimplifiedXML("<a>&nbsp;</a>")
ParseXML("<a>&lt</a>")
ParseSimplifiedXML("<a>&lt</a>")
ParseXML("<a>& b</a>")
ParseSimplifiedXML("<a>& b</a>")
ParseXML("<a>&#;</a>")
ParseSimplifiedXML("<a>&#;</a>")
ParseXML("<a>&#x;</a>")
ParseSimplifiedXML("<a>&#x;</a>")
ParseXML("<a>&#0;</a>")
ParseSimplifiedXML("<a>&#0;</a>")
ParseXML("<a>&#xD800;</a>")
ParseSimplifiedXML("<a>&#xD800;</a>")
ParseXML("<a>&#x110000;</a>")
ParseSimplifiedXML("<a>&#x110000;</a>")
ParseXML("<a>&#99999999999999999999;</a>")
ParseSimplifiedXML("<a>&#99999999999999999999;</a>")
ParseXML("<a>]]></a>")
ParseSimplifiedXML("<a>]]></a>")
ParseXML("<a b=\"]]>\"/>")
ParseSimplifiedXML("<a b=\"]]>\"/>")
ParseXML("<a>]]&gt;</a>")
ParseSimplifiedXML("<a>]]&gt;</a>")
ParseXML("<a>\r\nx\ry\n</a>")
ParseSimplifiedXML("<a>\r\nx\ry\n</a>")
ParseXML("<a>\x01</a>")
ParseSimplifiedXML("<a>\x01</a>")
ParseXML("<a")
ParseSimplifiedXML("<a")
ParseXML("<a>")
ParseSimplifiedXML("<a>")
ParseXML("<a><b></a></b>")
ParseSimplifiedXML("<a><b></a></b>")
ParseXML("<a></b>")
ParseSimplifiedXML("<a></b>")
ParseXML("</a>")
ParseSimplifiedXML("</a>")
ParseXML("<a></a >")
ParseSimplifiedXML("<a></a >")
ParseXML("<a></ a>")
ParseSimplifiedXML("<a></ a>")
ParseXML("< a/>")
ParseSimplifiedXML("< a/>")
ParseXML("<a / >")
ParseSimplifiedXML("<a / >")
ParseXML("<1a/>")
ParseSimplifiedXML("<1a/>")
ParseXML("<-a/>")
ParseSimplifiedXML("<-a/>")
ParseXML("<a.b-c_d:e/>")
ParseSimplifiedXML("<a.b-c_d:e/>")
ParseXML("<a:b:c/>")
ParseSimplifiedXML("<a:b:c/>")
ParseXML("<:a/>")
ParseSimplifiedXML("<:a/>")
ParseXML("<a:/>")
ParseSimplifiedXML("<a:/>")
ParseXML("<x:a>t</x:a>")
ParseSimplifiedXML("<x:a>t</x:a>")
ParseXML("<x:a xmlns:x=\"u\" x:b=\"c\">t</x:a>")
ParseSimplifiedXML("<x:a xmlns:x=\"u\" x:b=\"c\">t</x:a>")
ParseXML("<x:a xmlns:y=\"x\">t</x:a>")
ParseSimplifiedXML("<x:a xmlns:y=\"x\">t</x:a>")
ParseXML("<a xmlns=\"u\" b=\"c\"><b>t</b></a>")
ParseSimplifiedXML("<a xmlns=\"u\" b=\"c\"><b>t</b></a>")
ParseXML("<a xmlns:p=\"u\"><p:b>1</p:b><b>2</b></a>")
ParseSimplifiedXML("<a xmlns:p=\"u\"><p:b>1</p:b><b>2</b></a>")
ParseXML("<a><b xmlns:p=\"u\"><p:c>1</p:c></b><p:d>2</p:d></a>")
ParseSimplifiedXML("<a><b xmlns:p=\"u\"><p:c>1</p:c></b><p:d>2</p:d></a>")
ParseXML("<xml:a>t</xml:a>")
ParseSimplifiedXML("<xml:a>t</xml:a>")
ParseXML("<x:a></y:a>")
ParseSimplifiedXML("<x:a></y:a>")
ParseXML("<é>x</é>")
ParseSimplifiedXML("<é>x</é>")
ParseXML("<日本 語=\"x\">y</日本>")
ParseSimplifiedXML("<日本 語=\"x\">y</日本>")
ParseXML("<a>日本</a>")
ParseSimplifiedXML("<a>日本</a>")
ParseXML("<?xml version=\"1.0\"?><a>x</a>")
ParseSimplifiedXML("<?xml version=\"1.0\"?><a>x</a>")
ParseXML("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a>x</a>")
ParseSimplifiedXML("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a>x</a>")
ParseXML("<?xml version=\"1.1\"?><a/>")
ParseSimplifiedXML("<?xml version=\"1.1\"?><a/>")
ParseXML("<?xml version=\"1.0\" encoding=\"utf-16\"?><a/>")
ParseSimplifiedXML("<?xml version=\"1.0\" encoding=\"utf-16\"?><a/>")
ParseXML("<?xml version='1.0' encoding='Utf-8'?><a/>")
ParseSimplifiedXML("<?xml version='1.0' encoding='Utf-8'?><a/>")
ParseXML("<?xml?><a>x</a>")
ParseSimplifiedXML("<?xml?><a>x</a>")
ParseXML(" <?xml version=\"1.0\"?><a>x</a>")
ParseSimplifiedXML(" <?xml version=\"1.0\"?><a>x</a>")
ParseXML("<?php x ?><a>x</a>")
ParseSimplifiedXML("<?php x ?><a>x</a>")
ParseXML("<a><?pi x?>t</a>")
ParseSimplifiedXML("<a><?pi x?>t</a>")
ParseXML("<? x?><a/>")
ParseSimplifiedXML("<? x?><a/>")
ParseXML("<?x")
ParseSimplifiedXML("<?x")
ParseXML("<!DOCTYPE a><a>x</a>")
ParseSimplifiedXML("<!DOCTYPE a><a>x</a>")
ParseXML("<!DOCTYPE a [<!ELEMENT a (#PCDATA)>]><a>x</a>")
ParseSimplifiedXML("<!DOCTYPE a [<!ELEMENT a (#PCDATA)>]><a>x</a>")
ParseXML("<!DOCTYPE a [<!ENTITY e \">\">]><a>x</a>")
ParseSimplifiedXML("<!DOCTYPE a [<!ENTITY e \">\">]><a>x</a>")
ParseXML("<!DOCTYPE a [<!-- > -->]><a>x</a>")
ParseSimplifiedXML("<!DOCTYPE a [<!-- > -->]><a>x</a>")
ParseXML("<!DOCTYPE a")
ParseSimplifiedXML("<!DOCTYPE a")
ParseXML("<!><a/>")
ParseSimplifiedXML("<!><a/>")
ParseXML("<!-- c --><a>x</a>")
ParseSimplifiedXML("<!-- c --><a>x</a>")
ParseXML("<!-- c -- d --><a>x</a>")
ParseSimplifiedXML("<!-- c -- d --><a>x</a>")
ParseXML("<!--->x--><a>x</a>")
ParseSimplifiedXML("<!--->x--><a>x</a>")
ParseXML("<!-x--><a/>")
ParseSimplifiedXML("<!-x--><a/>")
ParseXML("<![cdata[x]]><a/>")
ParseSimplifiedXML("<![cdata[x]]><a/>")
ParseXML("<a/><b/>")
ParseSimplifiedXML("<a/><b/>")
ParseXML("<a/> ")
ParseSimplifiedXML("<a/> ")
ParseXML("<a/>x")
ParseSimplifiedXML("<a/>x")
ParseXML(" <a>x</a>")
ParseSimplifiedXML(" <a>x</a>")
ParseXML("x<a>y</a>")
ParseSimplifiedXML("x<a>y</a>")
ParseXML("<a>x</a><!-- c -->")
ParseSimplifiedXML("<a>x</a><!-- c -->")
ParseXML("<a><b>1</b><b>2</b><c>3</c></a>")
ParseSimplifiedXML("<a><b>1</b><b>2</b><c>3</c></a>")
ParseXML("<a><b>1</b><b><d>2</d></b><b/></a>")
ParseSimplifiedXML("<a><b>1</b><b><d>2</d></b><b/></a>")
ParseXML("<a><b/><b/></a>")
ParseSimplifiedXML("<a><b/><b/></a>")
ParseXML("<a><b></b><b> </b></a>")
ParseSimplifiedXML("<a><b></b><b> </b></a>")
ParseXML("<a><b><c/></b></a>")
ParseSimplifiedXML("<a><b><c/></b></a>")
ParseXML("<a><b><c>x</c>junk</b></a>")
ParseSimplifiedXML("<a><b><c>x</c>junk</b></a>")
ParseXML("<a><b>x<c>y</c></b></a>")
ParseSimplifiedXML("<a><b>x<c>y</c></b></a>")
ParseXML("<a><b><!-- c --></b></a>")
ParseSimplifiedXML("<a><b><!-- c --></b></a>")
ParseXML("<a><b><!-- c -->x</b></a>")
ParseSimplifiedXML("<a><b><!-- c -->x</b></a>")
ParseXML("<a><b>x<!-- c -->y</b></a>")
ParseSimplifiedXML("<a><b>x<!-- c -->y</b></a>")
ParseXML("<a><p:b xmlns:p=\"u\">1</p:b><b>2</b></a>")
ParseSimplifiedXML("<a><p:b xmlns:p=\"u\">1</p:b><b>2</b></a>")
ParseXML("<r><a>1</a></r><r><a>2</a></r>")
ParseSimplifiedXML("<r><a>1</a></r><r><a>2</a></r>")
ParseXML("<log time=\"00\"><user id=\"1\"/><text>hi</text></log>")
ParseSimplifiedXML("<log time=\"00\"><user id=\"1\"/><text>hi</text></log>")
ParseXML("x")
ParseSimplifiedXML("x")
ParseXML("")
ParseSimplifiedXML("")
ParseXML("<a b=\"x\ny\tz\r\n\"/>")
ParseSimplifiedXML("<a b=\"x\ny\tz\r\n\"/>")
ParseXML("<a><b x=\"1\">t</b><b x=\"2\"/></a>")
ParseSimplifiedXML("<a><b x=\"1\">t</b><b x=\"2\"/></a>")
ParseXML("<a>&#x1F600;</a>")
ParseSimplifiedXML("<a>&#x1F600;</a>")
ParseXML("<a>t&lt;!-- x --&gt;</a>")
ParseSimplifiedXML("<a>t&lt;!-- x --&gt;</a>")
ParseXML("<a b='x'>\u00a0y\u00a0</a>")
ParseSimplifiedXML("<a b='x'>\u00a0y\u00a0</a>")
ParseXML($s)
ParseXML($int)
ParseXML($missing)
ParseXML($empty)
ParseSimplifiedXML($s)
ParseSimplifiedXML($map)
ParseSimplifiedXML($missing)
ParseXML(target = $xml)
GetXML($xml, "/a/b")
RemoveXML($xml, "/a/b")
InsertXML($xml, "/a", "<x/>")
ConvertAttributesToElementsXML($xml)
ConvertTextToElementsXML($xml)
Duration("3s")
Duration("bad")
Duration($dur)
Duration("1d")
Duration($int)
Duration("") 
Time("2023-05-26", "%Y-%m-%d")
String(Time($time, "%Y-%m-%d %H:%M:%S.%L"))
String(Time($rfc, "%Y-%m-%dT%H:%M:%S%z"))
String(Time("26/May/2023:12:34:56 +0000", "%d/%b/%Y:%H:%M:%S %z"))
String(Time("Fri, 26 May 2023 1:02 PM", "%a, %d %B %Y %I:%M %p"))
String(Time("1685104496", "%s"))
String(Time("2023-05-26 12:00:00", "%Y-%m-%d %H:%M:%S", "America/New_York"))
String(Time("2023-05-26 12:00:00", "%Y-%m-%d %H:%M:%S", "UTC"))
String(Time("2023-05-26 12:00:00", "%Y-%m-%d %H:%M:%S", "No/Where"))
String(Time("Fri, 26 May 2023 1:02 PM", "%a, %d %B %Y %I:%M %p", "UTC", "en"))
String(Time("Friday 26 may 2023", "%A %d %B %Y", "America/New_York", "en-US"))
String(Time("SEP 05 2024", "%b %d %Y", locale = "en"))
String(Time("26 Sept 2023", "%d %b %Y", "UTC", "en"))
String(Time($time, "%Y-%m-%d %H:%M:%S.%L", "UTC", "en"))
String(Time("26 Sep 2023", "%d %b %Y", "UTC", "en_US"))
String(Time("26 Sep 2023", "%d %b %Y", "UTC", ""))
String(Time("26 Mai 2023", "%d %b %Y", "UTC", "de"))
String(Time("26/May/2023", "%d/%b/%Y", "UTC", "en"))
Time("2023-13-26", "%Y-%m-%d")
Time("x", "%Y")
Time($missing, "%Y")
Time("2023", "")
Time("2023", "%!")
FormatTime(time, "%Y-%m-%d %H:%M:%S.%L")
FormatTime(time, "%a %A %b %B %d %e %j %y %m %p %I %l")
FormatTime(time, "%f %n %t %%")
FormatTime(time, "%z %Z %T %D %F %R")
FormatTime(time, "plain")
FormatTime(time, "")
FormatTime($s, "%Y")
FormatTime(Unix(0), "%Y-%m-%dT%H:%M:%SZ")
String(TruncateTime(time, Duration("1h")))
String(TruncateTime(time, Duration("7s")))
String(TruncateTime(time, Duration("0s")))
String(TruncateTime(time, Duration("-1h")))
String(TruncateTime(Unix(-1), Duration("1h")))
String(Unix(1685104496))
String(Unix(1685104496, 5))
String(Unix($int))
Unix("x")
UnixNano(time)
Len(UUID())
Len(UUIDv7())
Now() > Unix(0)
IsRootSpan()
Unknown($s)
Concat($s)
Substring($s)
Len()
Len($s, $s)
IsString(Len($s))
Len(Split($path, "/"))
Concat([ToUpperCase($s), Len($s)], "=")
ToLowerCase(ToUpperCase(Concat([$s, $uni], " ")))
Int("5") + 3
Int($num) * 2 - 1
Double("2.5") / 2
1 + 2 * 3
(1 + 2) * 3
7 / 2
7.0 / 2
-7 / 2
1 / 0
1.0 / 0.0
$int + $dbl
$int - "x"
$big + 1
$low - 1
time - observed_time
time + Duration("1h") > time
String(time - Duration("1h"))
String(observed_time - time)
Duration("1h") + Duration("30m")
String(Duration("1h") - Duration("30m"))
""".strip().split("\n")]

# Conditions; true sets "out".
CONDITIONS = [a(text) for text in r"""
$s == "Hello World"
$s != "Hello World"
$s < "I"
$s > 5
$int == 42
$int == 42.0
$int != "42"
$int > 41.5
$dbl >= 3.75
$dbl < 4
$true == true
$true != false
$true > false
$missing == nil
$missing != nil
$null == nil
nil == $missing
$s == nil
$bytes == 0x68656c6c6f00ff
$bytes8 < 0x02
$ints == [3, 1, 2]
$strs == ["b", "a", "c"]
$map == {"a": 1}
$map == $map
$ints == $ints
$none == []
$emptymap == {}
$map != nil
attributes["map"]["a"] == 1
attributes["map"]["zzz"] == nil
attributes["map"]["c"]["d"]
attributes["zzz"]["a"] == nil
attributes["ints"][0] == 3
attributes["ints"][3] == nil
attributes["ints"]["a"] == 3
trace_id == TraceID(0x0102030405060708090a0b0c0d0e0f10)
trace_id != TraceID(0x00000000000000000000000000000000)
trace_id.string == "0102030405060708090a0b0c0d0e0f10"
span_id == SpanID(0x0102030405060708)
span_id.string != ""
trace_id == 0x0102030405060708090a0b0c0d0e0f10
trace_id == nil
severity_number == SEVERITY_NUMBER_INFO
severity_number >= SEVERITY_NUMBER_WARN
severity_number < SEVERITY_NUMBER_ERROR and severity_text == "Info"
severity_text == nil
severity_text == "info"
body == "the body, 日本"
body.string == "the body, 日本"
body["a"] == nil
IsMap(body)
time_unix_nano == 1685104496789000000
observed_time_unix_nano > time_unix_nano
time < observed_time
time == Unix(1685104496, 789000000)
time > 5
flags == 1
dropped_attributes_count == 3
event_name == "my.event"
resource.attributes["service.name"] == "shop"
resource.attributes["zzz"] == nil
resource.attributes["n"] > 4
resource.dropped_attributes_count == 2
resource.schema_url == "https://schema/r"
instrumentation_scope.name == "lib"
scope.name == "lib"
scope.version == "1.2"
scope.attributes["scoped"]
scope.attributes["scoped"] == true
scope.schema_url == "https://schema/s"
log.attributes["s"] == "Hello World"
log.severity_number == 9
not true
not false
not ($int == 42)
not $int == 42
true and false
true or false and false
(true or false) and false
$int == 42 or $zero == 1 / 0
$int == 41 and $zero == 1 / 0
$int == 42 and $int == 42 and $int == 41
$int == 1 or $int == 2 or $int == 42
IsMatch($s, "Hello") and not IsMatch($s, "Bye")
IsString($s)
IsString($s) == true
Len($s) == 11
Len($s) > 10 and Len($s) < 12
Int($num) == $int
$int
$s
"text"
5
nil
nil == nil
1 == 1.0
"a" == "a"
"a" < "b"
1 < 2 == true
true == "true"
Time("2023-05-26", "%Y-%m-%d") < time
Duration("1h") > Duration("59m")
Duration("60m") == Duration("1h")
time - Duration("1h") < time
time == time
$int + 1 == 43
$int * 2 > 83
$int - 2 == 20 * 2
-$int == -42
$dbl + 0.25 == 4
$big > 0 and $low < 0
$unknown == 5
unknown == 5
attributes.s == "x"
attributes[0] == "x"
attributes[nil] == "x"
$s ==
== 5
$s = "x"
$s == "unclosed
($s == "x"
$s == "x")
$s == 'x'
and true
IsMatch($s)
isMatch($s, "x")
UNKNOWN_ENUM == 5
severity_number == STATUS_CODE_ERROR
cache["x"] == nil
attributes[$t] == nil
attributes[Concat(["in", "t"], "")] == 42
attributes["ints"][$zero] == 3
attributes["ints"][Len($t)] == 1
[1, 2] == [1, 2]
[1, 2] != [2, 1]
{"a": 1} == {"a": 1}
{"a": [1, {"b": 2}]} == {"a": [1, {"b": 2}]}
0xff == 0xFF
1e3 == 1000
.5 == 0.5
1. == 1
"é" == "\u00e9"
"tab\t" != "tab"
"quote \" in" == "quote \" in"
$s == nil or $s != nil
$empty == ""
$empty != nil
$uni == "héllo wörld ñ 日本語"
""".strip().split("\n")]

# Statements whose whole effect on the request is compared.
EDITS = [a(text) for text in r"""
set(attributes["new"], "x")
set(attributes["s"], "other")
set(attributes["s"], nil)
set(attributes["s"], $missing)
set(attributes["new"], $map)
set(attributes["new"], $bytes)
set(attributes["new"], 0x0102)
set(attributes["new"], -5)
set(attributes["new"], 2.5)
set(attributes["new"], false)
set(attributes["new"], ["a", 1, true, 2.5])
set(attributes["new"], [])
set(attributes["new"], [["a"], [1, 2]])
set(attributes["new"], {"a": 1, "b": {"c": ["x"]}})
set(attributes["new"], {})
set(attributes["new"], trace_id)
set(attributes["new"], trace_id.string)
set(attributes["new"], time)
set(attributes["new"], time_unix_nano)
set(attributes["new"], Duration("1s"))
set(attributes["new"], attributes)
set(attributes["new"], body)
set(attributes["new"]["deep"], 1)
set(attributes["new"]["deep"]["er"], "x")
set(attributes["new"][2], "x")
set(attributes["map"]["a"], "changed")
set(attributes["map"]["z"], "added")
set(attributes["map"]["c"]["d"], 5)
set(attributes["map"]["l"][0], 10)
set(attributes["map"]["l"][5], 10)
set(attributes["ints"][1], "one")
set(attributes["ints"][3], "three")
set(attributes["ints"][-1], "three")
set(attributes["s"]["x"], 1)
set(attributes[Concat(["a", "b"], ".")], "x")
set(attributes["ints"][$zero], 7)
set(attributes, {"only": "this"})
set(attributes, $map)
set(attributes, nil)
set(attributes, "x")
set(attributes, ParseJSON($json))
set(body, "new body")
set(body, 5)
set(body, nil)
set(body, $map)
set(body, $ints)
set(body["a"], "x")
set(body.string, "text")
set(body.string, 5)
set(time_unix_nano, 1)
set(time_unix_nano, "1")
set(time, Unix(1, 5))
set(time, 5)
set(observed_time_unix_nano, 77)
set(observed_time, Unix(2))
set(severity_number, SEVERITY_NUMBER_ERROR)
set(severity_number, 17)
set(severity_number, "17")
set(severity_text, "WARN")
set(severity_text, 5)
set(trace_id, TraceID(0x00000000000000000000000000000001))
set(trace_id, "x")
set(trace_id.string, "000102030405060708090a0b0c0d0e0f")
set(trace_id.string, "short")
set(span_id, SpanID(0x0000000000000001))
set(span_id.string, "0000000000000009")
set(span_id.string, "zz")
set(flags, 0)
set(flags, "x")
set(dropped_attributes_count, 9)
set(event_name, "other.event")
set(event_name, 1)
set(resource.attributes["service.name"], "other")
set(resource.attributes["new"], $s)
set(resource.attributes["n"], nil)
set(resource.dropped_attributes_count, 7)
set(resource.schema_url, "x")
set(scope.name, "newlib")
set(scope.version, "2")
set(scope.attributes["x"], 1)
set(scope.dropped_attributes_count, 1)
set(scope.schema_url, "y")
set(instrumentation_scope.name, "old spelling")
set(cache["x"], "cached")
set("literal", 5)
set(attributes["x"])
set(attributes["x"], 1, 2)
set(unknown, 1)
set(value=1, target=attributes["x"])
set(target=attributes["x"], value=1)
set(attributes["x"], 1) where $s == "Hello World"
set(attributes["x"], 1) where $s == "no"
set(attributes["x"], 1) where $missing == nil and $int == 42
set(attributes["x"], 1) where
set(attributes["x"], 1) where 5
set(attributes["x"], 1) where attributes["ints"][9] == 1
delete_key(attributes, "s")
delete_key(attributes, "missing")
delete_key(attributes, $t)
delete_key(attributes, 5)
delete_key(attributes["map"], "a")
delete_key(attributes["s"], "a")
delete_key(attributes["missing"], "a")
delete_key(resource.attributes, "host")
delete_key(scope.attributes, "scoped")
delete_key(body, "a")
delete_key($map)
delete_index($ints, 0)
delete_index($ints, 1, 3)
delete_index($ints, 0, 3)
delete_index($ints, 3)
delete_index($ints, -1)
delete_index($ints, 9223372036854775807)
delete_index($ints, 9223372036854775807, 9223372036854775807)
delete_index($ints, 2, 1)
delete_index($ints, 0, 9)
delete_index($ints, 1, 1)
delete_index($s, 0)
delete_matching_keys(attributes, "^s")
delete_matching_keys(attributes, "(?i)^B")
delete_matching_keys(attributes, ".*")
delete_matching_keys(attributes, "(")
delete_matching_keys(attributes, $t)
delete_matching_keys(attributes["map"], "[ab]")
keep_matching_keys(attributes, "^(s|int)$")
keep_matching_keys(attributes, "zzz")
keep_matching_keys(attributes["map"], "^c")
keep_matching_keys(resource.attributes, "service")
keep_keys(attributes, ["s", "int", "zzz"])
keep_keys(attributes, [])
keep_keys(attributes, ["zzz"])
keep_keys(attributes["map"], ["a"])
keep_keys(attributes["s"], ["a"])
keep_keys(resource.attributes, ["host"])
keep_keys(attributes, [$t, "s"])
limit(attributes, 3, [])
limit(attributes, 2, ["int", "s"])
limit(attributes, 4, ["null", "zzz"])
limit(attributes, 0, [])
limit(attributes, 100, [])
limit(attributes, -1, [])
limit(attributes, 1, ["a", "b"])
limit(attributes["map"], 1, ["c"])
limit(resource.attributes, 1, ["n"])
merge_maps(attributes, $map, "upsert")
merge_maps(attributes, $map, "insert")
merge_maps(attributes, {"s": "merged", "new": 1}, "update")
merge_maps(attributes, {"s": "merged", "new": 1}, "insert")
merge_maps(attributes, {"s": "merged", "new": 1}, "upsert")
merge_maps(attributes, $map, "other")
merge_maps(attributes, $s, "upsert")
merge_maps(attributes, ParseJSON($json), "upsert")
merge_maps(attributes, ParseKeyValue($kv), "upsert")
merge_maps(attributes, ExtractPatterns($log, "code=(?P<code>\\d+)"), "upsert")
merge_maps(attributes["map"], {"a": 2, "q": [1]}, "upsert")
merge_maps(resource.attributes, attributes, "insert")
merge_maps(attributes["missing"], $map, "upsert")
replace_match($s, "Hello*", "Bye")
replace_match($s, "hello*", "Bye")
replace_match($s, "Hello ?orld", "Bye")
replace_match($s, "{Hello,Bye} World", "x")
replace_match($s, "[A-Z]ello*", "x")
replace_match($int, "4*", "x")
replace_match($missing, "*", "x")
replace_match($s, "*", $uni)
replace_match($s, "Hello*", 5)
replace_match($s, "Hello*", "Bye", SHA256)
replace_match(body, "the*", "x")
replace_match($s, "*World", "x")
replace_match($s, "*o W*", "x")
replace_match($s, "Hello\\ World", "x")
replace_match($path, "/api/*/users/*", "/api/{v}/users/{id}")
replace_match($path, "/api/**", "x")
replace_match($uni, "h?llo*", "x")
replace_pattern($s, "World", "There")
replace_pattern($s, "(\\w+) (\\w+)", "$$2 $$1")
replace_pattern($s, "(?P<a>\\w+) (?P<b>\\w+)", "$${b} $${a}")
replace_pattern($s, "(\\w+) (\\w+)", "$2 $1")
replace_pattern($s, "l", "")
replace_pattern($s, "l+", "[$0]")
replace_pattern($s, "", "-")
replace_pattern($s, "x*", "-")
replace_pattern($uni, "[ö-ü]", "?")
replace_pattern($s, "(", "x")
replace_pattern($int, "4", "x")
replace_pattern($missing, "x", "y")
replace_pattern($s, "World", "x", SHA256)
replace_pattern($s, "(World)", "$1", ToUpperCase)
replace_pattern($s, "(World)", "$1", SHA256, "<%s>")
replace_pattern($s, "(World)", "$1", SHA256, "<%d>")
replace_pattern($s, "(World)", "$1", Nonsense)
replace_pattern(body, "body", "mind")
replace_pattern(severity_text, "I", "i")
replace_pattern($path, "/users/\\d+", "/users/{id}")
replace_pattern($nl, "(?m)^line", "row")
replace_pattern(resource.attributes["service.name"], "^sh", "ch")
replace_all_matches(attributes, "Hello*", "Bye")
replace_all_matches(attributes, "*", "x")
replace_all_matches(attributes["map"], "t*", "x")
replace_all_matches(attributes, "*o*", "x", SHA1)
replace_all_patterns(attributes, "value", "o", "0")
replace_all_patterns(attributes, "value", "([a-z])l", "<$1>")
replace_all_patterns(attributes, "key", "^s", "S.")
replace_all_patterns(attributes, "key", "^.*$", "one")
replace_all_patterns(attributes, "key", "(s)", "$1$1")
replace_all_patterns(attributes, "other", "s", "t")
replace_all_patterns(attributes, "value", "(Hello)", "$1", SHA256)
replace_all_patterns(attributes, "value", "(Hello)", "$1", SHA256, "h:%s")
replace_all_patterns(attributes, "key", "(json)", "$1", MD5)
replace_all_patterns(attributes["map"], "value", "w", "W")
replace_all_patterns(resource.attributes, "value", "shop", "store")
truncate_all(attributes, 4)
truncate_all(attributes, 2)
truncate_all(attributes, 2, false)
truncate_all(attributes, 0)
truncate_all(attributes, 5, true, "...")
truncate_all(attributes, 2, true, "...")
truncate_all(attributes, -1)
truncate_all(attributes, 1000)
truncate_all(attributes["map"], 1)
truncate_all(resource.attributes, 2)
flatten(attributes)
flatten(attributes, "pre")
flatten(attributes, depth=1)
flatten(attributes, "p", 2)
flatten(attributes, depth=0)
flatten(attributes, resolveConflicts=true)
flatten(attributes, "p", 1, true)
flatten(attributes["map"])
flatten(attributes["map"], "x", 1)
flatten(body)
append(attributes["strs"], "d")
append(attributes["strs"], values=["d", "e"])
append(attributes["strs"], "d", ["e"])
append(attributes["strs"], 5)
append(attributes["strs"], nil)
append(attributes["strs"], $map)
append(attributes["strs"])
append(attributes["s"], "x")
append(attributes["int"], 1)
append(attributes["new"], "first")
append(attributes["map"], "x")
append(attributes["none"], 1)
append(attributes["mixed"], 2.5)
append(attributes["bytes"], "x")
stringify_all(attributes)
stringify_all(attributes["map"])
unknown_editor(attributes)
Concat(["a"], "b")
set (attributes["x"], 1)
set(attributes["x"] , 1 )where true
set(attributes["x"], 1) set(attributes["y"], 2)
""".strip().split("\n")]

# Several statements on one record: what one writes the next reads.
CHAINS = [[a(text) for text in chain] for chain in [
    ['set($x, "1")', 'set($y, $x)', 'delete_key(attributes, "x")'],
    ['set($x, 5)', 'set($x, $x + 1)', 'set($out, $x * 2)'],
    ['merge_maps(attributes, ParseJSON($json), "upsert")', 'flatten(attributes)', 'set($out, attributes["c.d"])'],
    ['set(cache["m"], ParseJSON($json))', 'set($out, cache["m"]["c"]["d"])'],
    ['set(cache, ParseJSON($json))', 'set($out, cache["a"])', 'merge_maps(attributes, cache, "insert")'],
    ['set(cache["l"], Split($path, "/"))', 'set($out, cache["l"][2])'],
    ['set(body, ParseJSON($json))', 'set(body["a"], "x")', 'set($out, body["c"]["d"])', 'delete_key(body, "b")'],
    ['set(resource.attributes["x"], $s)', 'set($out, resource.attributes["x"])', 'delete_key(resource.attributes, "host")'],
    ['keep_keys(attributes, ["s", "map"])', 'set($map["a"], $s)', 'limit(attributes, 1, ["map"])'],
    ['set(time, Unix(5))', 'set($out, time_unix_nano)'],
    ['set(trace_id.string, "000102030405060708090a0b0c0d0e0f")', 'set($out, trace_id.string)', 'set(span_id, SpanID(0x0000000000000007))'],
    ['set(severity_text, "ERROR") where IsMatch($log, "ERROR")', 'set(severity_number, SEVERITY_NUMBER_ERROR) where severity_text == "ERROR"'],
    ['replace_pattern($path, "/users/\\\\d+", "/users/{id}")', 'set(body, Concat([$path, body], ": "))'],
    ['append($strs, "z")', 'set($out, Len($strs))', 'delete_index($strs, 0)'],
    ['truncate_all(attributes, 3)', 'replace_all_patterns(attributes, "key", "^(.)$", "k.$1")', 'set($out, attributes["k.s"])'],
    ['set(scope.attributes["a"]["b"], 1)', 'set(scope.name, Concat([scope.name, scope.version], "@"))', 'set($out, scope.attributes["a"])'],
]]


def out(expression):
    return [f'set(attributes["out"], {expression})', f'set(attributes["out.nil"], true) where {expression} == nil']


def cases():
    """Each a list of statements."""
    for function, operand in itertools.product(OF_ANYTHING, OPERANDS):
        yield out(f"{function}({operand})")
    for function, operand in itertools.product(OF_TEXTS, TEXTS):
        yield out(f"{function}({operand})")
    for function, operand in itertools.product(OF_TIMES, TIMES):
        yield out(f"{function}({operand})")
    for function, operand in itertools.product(OF_DURATIONS, DURATIONS):
        yield out(f"{function}({operand})")
    for call in CALLS:
        yield out(call)
    for call in ottl_xml_cases.calls():
        yield out(a(call))
    for condition in CONDITIONS:
        yield [f'set(attributes["out"], true) where {condition}']
    for statement in EDITS:
        yield [statement]
    yield from CHAINS
