"""Where weft and the Collector make something else of the same JSON. The rule is protobuf's JSON mapping with OTLP's
deviations from it; each case says which of the two keeps to it and why weft does what it does.

What is wanted is REFUSED (400, and nothing arrives), NOTHING_SENT (200, and nothing arrives), NO_PROTOBUF (200, and what
arrives no reader of protobuf takes), or what arrives, as plain JSON.
"""

import dataclasses

REFUSED, NOTHING_SENT, NO_PROTOBUF = (type(name, (), {}) for name in ("Refused", "NothingSent", "NoProtobuf"))


@dataclasses.dataclass
class Deviation:
    why: str
    text: str | bytes
    collector: object
    weft: object
    path: str


def _record(path, names, why, members, collector, weft):
    """members: of one record, inside the three arrays that are named."""
    def request(record):
        for name in reversed(names):
            record = {name: [record]}
        return record
    text = f"{{{members}}}"
    for name in reversed(names):
        text = f'{{"{name}":[{text}]}}'
    return Deviation(why, text, *(request(wanted) if isinstance(wanted, dict) else wanted for wanted in (collector, weft)), path)


def _span(*about):
    return _record("/v1/traces", ("resourceSpans", "scopeSpans", "spans"), *about)


def _log(*about):
    return _record("/v1/logs", ("resourceLogs", "scopeLogs", "logRecords"), *about)


def _metric(*about):
    return _record("/v1/metrics", ("resourceMetrics", "scopeMetrics", "metrics"), *about)


def _value(why, value, collector, weft):
    def span(value):
        return {"attributes": [{"key": "k", "value": value}]} if isinstance(value, dict) else value
    return _span(why, f'"attributes":[{{"key":"k","value":{value}}}]', span(collector), span(weft))


_AN_ID, _ZEROS = "0123456789abcdef", "0" * 16

DEVIATIONS = [
    # null: the mapping takes it for every field and says that the field is then not there.
    _span("null for a number: the Collector wants a number", '"name":"n","kind":null', REFUSED, {"name": "n"}),
    _span("null for an id: the Collector wants a string", '"name":"n","spanId":null', REFUSED, {"name": "n"}),
    _value("null for a boolean: the Collector wants a boolean", '{"boolValue":null}', REFUSED, {}),
    _value("null for a text in a oneof: to the Collector an empty text, to the mapping no member",
           '{"stringValue":null}', {"stringValue": ""}, {}),
    _value("null for bytes: the Collector wants a string", '{"bytesValue":null}', REFUSED, {}),
    _value("null for a message in a oneof: to the Collector an empty message, to the mapping no member",
           '{"arrayValue":null}', {"arrayValue": {}}, {}),
    _value("null after another member of the oneof: to the Collector it replaces it",
           '{"intValue":"1","kvlistValue":null}', {"kvlistValue": {}}, {"intValue": "1"}),
    _metric("null for a number in a metric", '"gauge":{"dataPoints":[{"asInt":"1","flags":null}]}', REFUSED,
            {"gauge": {"dataPoints": [{"asInt": "1"}]}}),
    # The Collector's table of names has a space too many in one name of 25.
    _log("the name of severity 1", '"severityNumber":"SEVERITY_NUMBER_TRACE"', REFUSED, {"severityNumber": 1}),
    _log("the same with a space", '"severityNumber":"SEVERITY_NUMBER_TRACE "', {"severityNumber": 1}, REFUSED),
    _span("a number beyond any double behind a key that nobody knows", '"name":"n","future":1e400', REFUSED, {"name": "n"}),
    # Numbers: the mapping takes whole numbers however they are written, and no words but three.
    _value("a whole number with a fraction of zeros", '{"intValue":1.0}', REFUSED, {"intValue": "1"}),
    _value("a whole number with an exponent", '{"intValue":1e3}', REFUSED, {"intValue": "1000"}),
    _value("the same in quotes", '{"intValue":"1e3"}', REFUSED, {"intValue": "1000"}),
    _value("Go's other words for infinity", '{"doubleValue":"inf"}', {"doubleValue": "Infinity"}, REFUSED),
    _value("Go's other forms of NaN", '{"doubleValue":"nan"}', {"doubleValue": "NaN"}, REFUSED),
    _value("Go's hexadecimal doubles in quotes", '{"doubleValue":"0x1p-2"}', {"doubleValue": 0.25}, REFUSED),
    _value("Go's plus sign in quotes", '{"intValue":"+5"}', {"intValue": "5"}, REFUSED),
    _value("leading zeros in quotes are no JSON number", '{"intValue":"007"}', {"intValue": "7"}, REFUSED),
    _metric("-0.0 in a field without presence: the Collector drops it, protobuf's own writers keep it",
            '"summary":{"dataPoints":[{"count":1,"sum":-0.0}]}', {"summary": {"dataPoints": [{"count": "1"}]}},
            {"summary": {"dataPoints": [{"count": "1", "sum": -0.0}]}}),
    _log("a number that does not fit in 64 bits: the Collector's check of the overflow is not exact",
         '"eventName":"e","timeUnixNano":28446744073709551616', {"eventName": "e", "timeUnixNano": str(28446744073709551616 % 2**64)}, REFUSED),
    _log("minus zero in quotes for an unsigned number", '"eventName":"e","flags":"-0"', REFUSED, {"eventName": "e"}),
    # Text
    _span("escapes in ids, as an encoder may write any letter: the Collector reads the raw letters", '"spanId":"\\u003012345678' '9abcdef"',
          REFUSED, {"spanId": _AN_ID}),
    _value("an escaped solidus in base64, as PHP writes it: the Collector reads the raw letters", '{"bytesValue":"\\/w=="}',
           REFUSED, {"bytesValue": "/w=="}),
    _value("base64 without padding, which the mapping takes", '{"bytesValue":"/w"}', REFUSED, {"bytesValue": "/w=="}),
    _value("the other alphabet of base64, which the mapping takes", '{"bytesValue":"_w=="}', REFUSED, {"bytesValue": "/w=="}),
    _value("half of a surrogate pair before a whole one: the Collector takes all three for halves", '{"stringValue":"\\ud800\\ud83d\\ude80"}',
           {"stringValue": "\ufffd\ufffd\ufffd"}, {"stringValue": "\ufffd\U0001f680"}),
    Deviation("text that is not UTF-8, which neither JSON nor protobuf takes: the Collector passes it on, weft repairs it",
              b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a\xff"}]}]}]}', NO_PROTOBUF,
              {"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "a\ufffd"}]}]}]}, "/v1/traces"),
    # What ends an object, and what follows it
    _span("an empty key: the Collector takes it for the end of the object, and loses its place", '"name":"n","":1', REFUSED, {"name": "n"}),
    Deviation("bytes after the request: the Collector does not look", '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"n"}]}]}]} x',
              {"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "n"}]}]}]}, REFUSED, "/v1/traces"),
    Deviation("null for the whole request, which the mapping does not have", "null", NOTHING_SENT, REFUSED, "/v1/traces"),
    # An id of zeros is none to the Collector. weft keeps what was said: the record is the client's.
    _span("an id of zeros", f'"name":"n","spanId":"{_ZEROS}"', {"name": "n"}, {"name": "n", "spanId": _ZEROS}),
]

# What both refuse, with nothing sent on.
LOG = '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{%s}]}]}]}'
BOTH_REFUSE = [
    "", "[]", '"text"', '{"resourceLogs":{}}', '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{},]}]}]}', LOG % '"eventName":"e",',
    LOG % '"eventName":5', LOG % "eventName:1", LOG % '"eventName":"e', LOG % '"eventName":"\\x"', LOG % '"eventName":"a\tb"',
    LOG % '"attributes":{}', LOG % '"body":"x"', LOG % '"body":{"boolValue":"true"}', LOG % '"traceId":"abc"', LOG % f'"spanId":"{"g" * 16}"',
    LOG % '"severityNumber":1.5', LOG % '"severityNumber":2147483648', LOG % '"severityNumber":"INFO"', LOG % '"severityNumber":"9"',
    LOG % '"timeUnixNano":-1', LOG % '"timeUnixNano":""', LOG % '"timeUnixNano":18446744073709551616', LOG % '"flags":4294967296',
    LOG % '"flags":01', LOG % '"body":{"doubleValue":1.}', LOG % '"body":{"doubleValue":""}', LOG % '"body":{"doubleValue":1e400}',
    LOG % '"body":{"doubleValue":"1e400"}', LOG % '"body":{"intValue":9223372036854775808}', LOG % '"body":{"bytesValue":"?"}',
]
