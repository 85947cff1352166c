"""Random OTLP requests, each as a protobuf message and as one of the many OTLP/JSON texts that stand for it.

The message is made by walking its descriptor, so a field that is added to proto/ is generated too. The text is made with
all the freedom that OTLP/JSON and the Collector leave to a client: numbers bare or in quotes, hex in both cases, enums as
integers or names, escapes, space, defaults and nulls written out, keys in any order or given twice, unknown keys.
"""

import base64
import json
import math

from google.protobuf.descriptor import FieldDescriptor as Field

from harness import otlp, stubs

REQUESTS = {
    "/v1/traces": ("trace_service_pb2", "ExportTraceServiceRequest"),
    "/v1/logs": ("logs_service_pb2", "ExportLogsServiceRequest"),
    "/v1/metrics": ("metrics_service_pb2", "ExportMetricsServiceRequest"),
}
METHODS = {f"/v1/{name}": f"/opentelemetry.proto.collector.{package}.v1.{service}/Export"
           for name, package, service in (("traces", "trace", "TraceService"), ("logs", "logs", "LogsService"),
                                          ("metrics", "metrics", "MetricsService"))}
ID_BYTES = {"trace_id": 16, "span_id": 8, "parent_span_id": 8}
# From the request to its records: never empty, since both programs send nothing on if there is no record.
SPINE = {"resource_spans", "scope_spans", "spans", "resource_logs", "scope_logs", "log_records",
         "resource_metrics", "scope_metrics", "metrics", "data_points"}
MAX_DEPTH = 14  # of messages; every message that is deeper has no messages in it

SIGNED, UNSIGNED = (Field.TYPE_INT64, Field.TYPE_SFIXED64), (Field.TYPE_UINT64, Field.TYPE_FIXED64)
WIDE = SIGNED + UNSIGNED
UNSIGNED_32 = (Field.TYPE_UINT32, Field.TYPE_FIXED32)
LETTERS = ("a", "Z", "0", " ", '"', "\\", "/", "\n", "\r", "\t", "\b", "\f", "\0", "\x1f", "\x7f", "\x80", "ü", "\u07ff", "\u0800", "世",
           "\u2028", "\ud7ff", "\ue000", "\ufeff", "\uffff", "\U00010000", "\U0001F680", "\U0010FFFF", "e\u0301", "'", "<", "&")
SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
DOUBLES = (0.1, -0.5, 1.0, 100.0, 1e21, 1e22, 1.5e300, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 123456.789, -1e-7,
           0.30000000000000004, 9007199254740993.0, math.inf, -math.inf, math.nan)


def message_class(path):
    module, name = REQUESTS[path]
    return getattr(stubs.module(module), name)


def is_repeated(field):
    return field.label == Field.LABEL_REPEATED


def is_oneof(field):
    return field.containing_oneof is not None


class Messages:
    def __init__(self, random):
        self.random = random

    def request(self, path, number):
        """number comes back as the schema URL of the first resource."""
        message = message_class(path)()
        self._fill(message, 1)
        first = getattr(message, message.DESCRIPTOR.fields[0].name)[0]
        first.schema_url = marker(number)
        if path == "/v1/metrics" and not any(metric.WhichOneof("data") for metric in _metrics_of(message)):
            self._fill(first.scope_metrics[0].metrics[0].gauge, 5)
        return message

    def _fill(self, message, depth):
        chosen = {group.name: self.random.choice([*group.fields, None]) for group in message.DESCRIPTOR.oneofs}
        for field in message.DESCRIPTOR.fields:
            if is_oneof(field):
                if chosen[field.containing_oneof.name] is field:
                    self._set(message, field, depth)
            elif is_repeated(field):
                self._add(message, field, depth)
            elif self.random.random() < 0.7:
                self._set(message, field, depth)

    def _count(self, field, depth):
        if field.name in SPINE:
            return 1 if self.random.random() < 0.8 else 2
        if field.message_type and depth >= MAX_DEPTH:
            return 0
        # An array in an array in an array: less and less, so that requests stay small.
        return self.random.choice((0, 0, 1, 2)) if depth < 8 else self.random.choice((0, 0, 1))

    def _add(self, message, field, depth):
        items = getattr(message, field.name)
        for _ in range(self._count(field, depth)):
            if field.message_type:
                self._fill(items.add(), depth + 1)
            else:
                items.append(self._value(field))

    def _set(self, message, field, depth):
        if not field.message_type:
            setattr(message, field.name, self._value(field))
            return
        child = getattr(message, field.name)
        child.SetInParent()
        if depth < MAX_DEPTH:
            self._fill(child, depth + 1)

    def _value(self, field):
        kind = field.type
        if kind == Field.TYPE_STRING:
            return self.text()
        if kind == Field.TYPE_BYTES:
            return self._id(ID_BYTES[field.name]) if field.name in ID_BYTES else self.random.randbytes(self.random.choice((0, 1, 2, 3, 40)))
        if kind == Field.TYPE_BOOL:
            return self.random.random() < 0.5
        if kind == Field.TYPE_ENUM:
            return self.random.choice((*field.enum_type.values_by_number, 99, -1, 2**31 - 1))
        if kind == Field.TYPE_DOUBLE:
            return self._double(is_oneof(field) or is_repeated(field))
        return self._integer(kind)

    def _id(self, length):
        """All zeros are none to the Collector."""
        return self.random.randbytes(length - 1) + b"\1"

    def _integer(self, kind):
        bits = 64 if kind in WIDE else 32
        if kind in UNSIGNED or kind in UNSIGNED_32:
            return self.random.choice((0, 1, 2**bits - 1, 2**(bits - 1), self.random.getrandbits(bits), otlp.BASE_TIME_NS % 2**bits))
        magnitude = self.random.getrandbits(self.random.randrange(1, bits))
        return self.random.choice((0, -1, 2**(bits - 1) - 1, -2**(bits - 1), magnitude, -magnitude))

    def _double(self, may_be_minus_zero):
        """Of a plain field the Collector drops -0.0 as a default; see the known deviations."""
        value = self.random.choice((*DOUBLES, -0.0, self.random.uniform(-1e6, 1e6), round(self.random.uniform(-1e6, 1e6), 3),
                                    self.random.random() * 10.0 ** self.random.randrange(-300, 300), float(self.random.getrandbits(53))))
        return 0.0 if value == 0 and not may_be_minus_zero else value

    def text(self):
        length = self.random.choice((0, 1, 5, 9, 16, 33)) if self.random.random() < 0.998 else 5000
        letters = LETTERS if self.random.random() < 0.5 else ("a", "b", ".", "ü")
        return "".join(self.random.choices(letters, k=length))


def _metrics_of(message):
    return [metric for resource in message.resource_metrics for scope in resource.scope_metrics for metric in scope.metrics]


def marker(number):
    return f"https://example.test/{number}"


class Texts:
    """The JSON text of a message."""

    def __init__(self, random):
        self.random = random
        self.values = Messages(random)

    def _is(self, chance):
        return self.random.random() < chance

    def text(self, message):
        return self._space() + self._object(message) + self._space()

    def _space(self):
        return self.random.choice(("", " ", "\n\t ", "\r\n")) if self._is(0.05) else ""

    def _join(self, brackets, pieces):
        inner = ",".join(f"{self._space()}{piece}{self._space()}" for piece in pieces)
        return f"{brackets[0]}{inner or self._space()}{brackets[1]}"

    def _object(self, message):
        return self._join("{}", self._members(message))

    def _members(self, message):
        """Each entry is a list of members whose order counts; the entries may come in any."""
        entries = [self._entry(message, field) for field in message.DESCRIPTOR.fields]
        if self._is(0.05):
            entries.append([f"{self._unknown_key()}{self._space()}:{self._space()}{self._anything(3)}"])
        if self._is(0.3):
            self.random.shuffle(entries)
        return [member for entry in entries for member in entry]

    def _entry(self, message, field):
        items = list(getattr(message, field.name)) if is_repeated(field) else None
        if is_repeated(field):
            return self._array_entry(field, items) if items else self._absent(field, ("[]", "null"))
        is_set = message.HasField(field.name) if field.has_presence else getattr(message, field.name) != field.default_value
        value = getattr(message, field.name)
        if not is_set and not (field.type == Field.TYPE_DOUBLE and str(value) == "-0.0"):
            return [] if is_oneof(field) else self._absent(field, self._defaults(field))
        if is_oneof(field):
            rival = self.random.choice((field, *field.containing_oneof.fields))
            return [self._noise(rival)] * self._is(0.05) + [self._member(field, self._value(field, value))]
        if field.message_type and self._is(0.05):
            members = self._members(value)
            at = self.random.randrange(len(members) + 1)
            return [self._member(field, self._join("{}", part)) for part in (members[:at], members[at:])]
        is_twice = not field.message_type and self._is(0.03)
        return [self._noise(field)] * is_twice + [self._member(field, self._value(field, value))]

    def _noise(self, field):
        """A member that a later one replaces."""
        if not field.message_type:
            return self._member(field, self._value(field, self.values._value(field)))
        child = field.message_type._concrete_class()
        self.values._fill(child, MAX_DEPTH - 3)
        return self._member(field, self._object(child))

    def _array_entry(self, field, items):
        at = self.random.randrange(len(items)) if self._is(0.05) else 0
        parts = [part for part in (items[:at], items[at:]) if part]
        return [self._member(field, self._join("[]", [self._element(field, item) for item in part])) for part in parts]

    def _element(self, field, item):
        if field.message_type and not item.ListFields() and self._is(0.5):
            return "null"
        return self._value(field, item)

    def _absent(self, field, forms):
        return [self._member(field, self.random.choice(forms))] if self._is(0.1) else []

    def _defaults(self, field):
        """Of these nulls the Collector takes those of objects, arrays and texts."""
        if field.message_type:
            return ("{}", "null")
        return {Field.TYPE_STRING: ('""', "null"), Field.TYPE_BYTES: ('""',), Field.TYPE_BOOL: ("false",),
                Field.TYPE_ENUM: ("0",)}.get(field.type, ("0", '"0"'))

    def _member(self, field, value):
        return f"{self._key(field)}{self._space()}:{self._space()}{value}"

    def _key(self, field):
        name = field.name if self._is(0.03) else field.json_name
        return self._string(name, 0.1) if self._is(0.03) else f'"{name}"'

    def _unknown_key(self):
        return self._string(self.random.choice(("futureField", "x", "trace-id", "TraceId", "ünknown", "spans ")), 0.1)

    def _string(self, text, escaped=None):
        escaped = self.random.choice((0.0, 0.0, 0.3, 1.0)) if escaped is None else escaped
        return f'"{"".join(self._letter(letter, escaped) for letter in text)}"'

    def _letter(self, letter, escaped):
        if letter >= " " and letter not in '"\\' and not self._is(escaped):
            return letter
        if letter in SHORT_ESCAPES and self._is(0.7):
            return SHORT_ESCAPES[letter]
        units = letter.encode("utf-16-be")
        form = self.random.choice(("\\u{:04x}", "\\u{:04X}"))
        return "".join(form.format(int.from_bytes(units[at:at + 2], "big")) for at in range(0, len(units), 2))

    def _value(self, field, value):
        kind = field.type
        if kind == Field.TYPE_MESSAGE:
            return self._object(value)
        if kind == Field.TYPE_STRING:
            return self._string(value)
        if kind == Field.TYPE_BYTES:
            return self._id(value) if field.name in ID_BYTES else json.dumps(base64.b64encode(value).decode())
        if kind == Field.TYPE_BOOL:
            return "true" if value else "false"
        if kind == Field.TYPE_ENUM:
            return self._enum(field.enum_type.values_by_number.get(value), value)
        if kind == Field.TYPE_DOUBLE:
            return self._double(value)
        return f'"{value}"' if self._is(0.6 if kind in WIDE else 0.1) else str(value)

    def _enum(self, named, value):
        """The Collector misspells one name; see the known deviations."""
        has_name = named is not None and named.name != "SEVERITY_NUMBER_TRACE"
        return f'"{named.name}"' if has_name and self._is(0.2) else str(value)

    def _id(self, value):
        text = value.hex()
        return json.dumps(self.random.choice((text, text.upper(), "".join(self.random.choice((one, one.upper())) for one in text))))

    def _double(self, value):
        if math.isnan(value) or math.isinf(value):
            return '"NaN"' if math.isnan(value) else '"Infinity"' if value > 0 else '"-Infinity"'
        form = self.random.choice((repr(value), f"{value:.17e}", f"{value:.16E}".replace("E+", "E")))
        if value == int(value) and abs(value) < 1e15 and str(value) != "-0.0" and self._is(0.5):
            form = str(int(value))
        return f'"{form}"' if self._is(0.2) else form

    def _anything(self, depth):
        """What stands behind an unknown key."""
        choice = self.random.randrange(8 if depth else 6)
        if choice < 6:
            return ("null", "true", "false", self._string(self.values.text()), str(self.random.getrandbits(80)),
                    self.random.choice(("0", "-1.5", "1e300", "-0.0e-7")))[choice]
        if choice == 6:
            return self._join("[]", [self._anything(depth - 1) for _ in range(self.random.randrange(4))])
        return self._join("{}", [f"{self._string(self.values.text() or 'x')}:{self._anything(depth - 1)}" for _ in range(self.random.randrange(4))])
