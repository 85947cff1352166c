"""Two programs that read or write OTLP/JSON, and what they made of each request.

A request is found again by the schema URL of its first resource. Both programs answer a request when the backend behind
them has answered, so what is there after the answer is all that there will be.
"""

import base64
import copy
import http.client
import math
import re

from google.protobuf import json_format

from harness import config as configs
from harness.process import free_port
from json_generate import METHODS, is_repeated, message_class

JSON, PROTOBUF = "application/json", "application/x-protobuf"
# Fields that a Collector keeps by value: it writes the empty message where none was given. Nothing else tells the two apart.
ALWAYS_WRITTEN = {"ResourceSpans": ["resource"], "ResourceLogs": ["resource"], "ResourceMetrics": ["resource"],
                  "ScopeSpans": ["scope"], "ScopeLogs": ["scope"], "ScopeMetrics": ["scope"], "Span": ["status"], "LogRecord": ["body"],
                  "KeyValue": ["value"], "ExponentialHistogramDataPoint": ["positive", "negative"]}


def clear_nan(message):
    """JSON has one NaN, doubles have many."""
    for field, value in message.ListFields():
        if field.message_type:
            for item in value if is_repeated(field) else [value]:
                clear_nan(item)
        elif field.type == field.TYPE_DOUBLE and is_repeated(field):
            value[:] = [math.nan if math.isnan(item) else item for item in value]
        elif field.type == field.TYPE_DOUBLE and math.isnan(value):
            setattr(message, field.name, math.nan)
    return message


def write_always(message):
    for name in ALWAYS_WRITTEN.get(message.DESCRIPTOR.name, ()):
        getattr(message, name).SetInParent()
    for field, value in message.ListFields():
        if field.message_type:
            for item in value if is_repeated(field) else [value]:
                write_always(item)
    return message


def exactly(message):
    """The message, such that the same messages have the same bytes: -0.0 differs from 0.0, NaN from nothing."""
    return clear_nan(copy.deepcopy(message))


def as_collector(message):
    """The same, where an empty message may stand for none."""
    return write_always(exactly(message))


_HEX_IDS = re.compile(r"^(trace|span|parentSpan)Id$")


def ids(value, change):
    if isinstance(value, list):
        return [ids(item, change) for item in value]
    if isinstance(value, dict):
        return {key: change(item) if _HEX_IDS.match(key) else ids(item, change) for key, item in value.items()}
    return value


def from_tree(path, tree):
    """JSON as parsed -> message, by protobuf's own reader. Ids in hex are OTLP's one deviation from its mapping."""
    in_base64 = ids(tree, lambda text: base64.b64encode(bytes.fromhex(text)).decode())
    return json_format.ParseDict(in_base64, message_class(path)())


def to_tree(message):
    """The other way, by protobuf's own writer; enums as OTLP wants them."""
    in_base64 = json_format.MessageToDict(message, use_integers_for_enums=True)
    return ids(in_base64, lambda text: base64.b64decode(text).hex())


class Party:
    """A program with the receiver otlp over HTTP, and a backend on gRPC behind it."""

    def __init__(self, case, program=None):
        self.backend = case.backend()
        self.address = f"127.0.0.1:{free_port()}"
        exporters = {"otlp_grpc": configs.otlp_exporter(self.backend.address, sending_queue={"wait_for_result": True})}
        config = configs.for_every_signal(configs.pipeline(None, exporters, receiver=configs.otlp_http_receiver(self.address)))
        case.start_program(config, [self.address], program=program, stand_in=True if program else None)
        self.connection = http.client.HTTPConnection(self.address, timeout=20)
        case.addCleanup(self.connection.close)

    def post(self, path, body, kind=JSON):
        return post(self.connection, path, body, kind)

    def arrived(self, path):
        """Marker -> message. A marker that comes twice is a failure."""
        messages = {}
        for raw in self.backend.bodies(METHODS[path]):
            message = message_class(path).FromString(raw)
            assert messages.setdefault(marker_of(message), message) is message, "a request came twice"
        return messages


def post(connection, path, body, kind):
    """(status, body of the answer)"""
    connection.request("POST", path, body.encode() if isinstance(body, str) else body, {"Content-Type": kind})
    answer = connection.getresponse()
    return answer.status, answer.read()


def marker_of(message):
    return getattr(message, message.DESCRIPTOR.fields[0].name)[0].schema_url
