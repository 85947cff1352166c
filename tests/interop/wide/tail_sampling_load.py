"""Traces from a seed, as export requests: what two programs judge in test_tail_sampling.py.

A trace has 1 to 48 spans of several services, spread over up to three requests that follow each other; many have what a
sampler can stumble over: times of 0, durations right at a threshold, attributes that are empty, no string, there twice or
no UTF-8, trace ids that share one half with another or are zero or not there, a status that nobody knows, and protobuf in
legal shapes that no SDK writes. What policies of numbers, flags and trace states ask for is drawn apart from the rest.
"""

import random
import re
import struct

from harness import otlp, wire

TRACES_IN_REQUEST = 100
SPREAD = 3  # requests
ZERO_ID_TRACE = 700
MS = 1_000_000

# A span id is this and the number of the span, so that its field can be found in a request without taking it apart.
MARK = b"\xf5\xa7\x5e\x91"
SPAN_ID_FIELD = re.compile(rb"\x12\x08" + re.escape(MARK) + rb"(.{4})", re.DOTALL)

# Thresholds of latency policies lie among them; what is over by less than a millisecond is cut off.
DURATIONS_MS = (0, 1, 49, 50, 51, 99, 100, 101, 199, 200, 201, 1000)
SIZES = (1, 1, 1, 1, 2, 2, 2, 3, 4, 4, 5, 8, 8, 13, 16, 24, 48)
REGIONS = ("eu-west-1", "eu-west-2", "us-east-1", "", "EU-WEST-1", 7, True, None, b"eu", ["eu-west-1"], {"a": "eu-west-1"})
ROUTES = ("/health", "/healthz", "/api/v1/users/17", "/api/v2/users/x", "/api/v1/orders", "", "/ünïcode/世界", "/a\nb",
          "/API/V1", "a" * 200, 404, 1.5, False, None, b"/health", ["/health"], {"k": "/health"})
# What regular expressions see differently.
PATHS = ("/health\n", "\v", "a\tb", "a\r\nb", "\0", "\x85", "\u212a", "\u017f", "K", "s", "e\u0301", "é", "É", "ß", "ẞ",
         "Ǆ", "ǆ", "世", "_", "0", "٣", "\u2028", "\ufffd", "a-b", "\U0001f600", "")
TIERS = ("gold", "silver", "bronze", "gold ", "Gold", "")


def _pair(*parts):
    """An attribute; parts: a key, or the bytes of a value."""
    return wire.bytes_field(9, b"".join(wire.bytes_field(1 if isinstance(part, str) else 2, part) for part in parts))


def _status(*parts):
    return wire.bytes_field(15, b"".join(parts))


# What no SDK writes: a key twice, a value twice or none, the value first, not UTF-8.
HEALTH, FOUR = wire.bytes_field(1, "/health"), wire.number_field(3, 4)
ODD_ATTRIBUTES = (
    otlp.key_value(9, "http.route", "/first") + otlp.key_value(9, "http.route", "/health"),
    otlp.key_value(9, "http.route", 5) + otlp.key_value(9, "http.route", "/health"),
    _pair("http.route"), _pair("http.route", wire.bytes_field(1, b"/he\xffalth")), _pair(HEALTH, "http.route"),
    _pair("http.route", HEALTH + FOUR), _pair("http.route", FOUR + HEALTH), _pair("http.route", HEALTH, b""),
    _pair("http.route", HEALTH, FOUR), _pair("x", "http.route", HEALTH),
)
# Status fields that are unset, ok, error, and none of them. Of two codes the last counts; two messages merge; 32 bits count.
UNSET, OK, ERROR = (wire.number_field(3, code) for code in (0, 1, 2))
STATUSES = {
    0: (b"", _status(), _status(UNSET), _status(ERROR, UNSET)),
    1: (_status(OK), _status(ERROR) + _status(OK)),
    2: (_status(ERROR), _status(ERROR) + _status(wire.bytes_field(2, "x")), _status(wire.number_field(3, 2**32 + 2))),
    3: (_status(wire.number_field(3, 3)), _status(wire.number_field(3, 2**64 - 1))),
}

# Integers at bounds of policies, and the same key with what is no integer, twice, without a value, or in odd shapes.
COUNTS = tuple(otlp.key_value(9, "count", value) for value in (
    0, 1, -1, 4, 5, 6, -4, -5, -6, 99, 100, 101, -100, -101, 2**31, -2**31 - 1, 2**53, 2**53 + 1, 2**63 - 1, -2**63, 17, 50, 1000,
    "5", "100", "", 5.0, 100.5, -5.5, True, False, None, b"5", [5], {"count": 5})) + (
    *(otlp.key_value(9, "count", first) + otlp.key_value(9, "count", second) for first, second in (
        (5, 1000), (1000, 5), ("x", 100), (100, "x"))),
    _pair("count"), _pair(wire.number_field(3, 100), "count"), _pair("count", wire.number_field(3, 100) + HEALTH),
    _pair("count", HEALTH + wire.number_field(3, 100)), _pair("count", wire.number_field(3, 100), wire.number_field(3, 1000)),
    otlp.key_value(9, "Count", 100) + otlp.key_value(9, "counts", 100) + otlp.key_value(9, "coun", 100))
# Of the integers 1 and 0, of strings that say so, and of what else is no boolean, none is one.
CACHED = tuple(otlp.key_value(9, "cached", value) for value in (
    True, True, True, False, False, False, "true", "false", "", 1, 0, 1.0, None, b"\1", [True], {"cached": True})) + (
    *(otlp.key_value(9, "cached", first) + otlp.key_value(9, "cached", second) for first, second in (
        (True, False), (False, True), (1, True))),
    _pair("cached"), _pair("cached", wire.number_field(2, 2)), _pair("cached", wire.number_field(2, 2**32)),
    _pair("cached", wire.number_field(2, 1) + FOUR), _pair("cached", FOUR + wire.number_field(2, 1)))
# The lowest bit says sampled; of two fields the last counts.
FLAGS = tuple(wire.fixed32_field(16, flags) for flags in (
    0, 0, 1, 1, 2, 3, 0xFE, 0xFF, 0x100, 0x101, 0x200, 0x300, 0x301, 2**16, 2**31, 2**32 - 2, 2**32 - 1)) + (
    wire.fixed32_field(16, 1) + wire.fixed32_field(16, 0x100), wire.fixed32_field(16, 0x100) + wire.fixed32_field(16, 0x101))


def _members(count, last):
    return ",".join([f"member{number}=x" for number in range(count - 1)] + [last])


TRACE_STATES = (
    "vendor=a", "vendor=b", "vendor=c", "other=1,vendor=a", "vendor=b,other=1", "other=1", "a@b=1", "a@b=1,vendor=a", "b=1,a=1",
    "0tenant@sys-tem=v,vendor=b", "ot=th:c;rv:0123456789abcd,vendor=a", "vendor=!#$%&'()*+-./:;<>?@[]^_`{|}~",
    # Spaces and tabs; those in front of a value are the value's.
    "other=1 , vendor=a", "other=1\t,\t \tvendor=a \t", " vendor=b ", "vendor= a", "vendor=a b", "vendor=  a  b ,other=1",
    # Members that are not there.
    ",vendor=a", "vendor=a,", "other=1,,,vendor=b", ",", ",,",
    # As long and as many as may be, or just not.
    _members(32, "vendor=a"), _members(33, "vendor=a"), _members(32, ",,vendor=a,"),
    "k" * 254 + "=1", "k" * 255 + "=1", "k" * 256 + "=1,vendor=a", "vendor=a," + "k" * 257 + "=1",
    "t" * 241 + "@" + "s" * 14 + "=1,vendor=a", "t" * 242 + "@s=1,vendor=a", "t@" + "s" * 15 + "=1,vendor=a",
    "vendor=" + "v" * 249, "vendor=" + "v" * 250, "vendor=" + "v" * 256, "vendor=a,other=" + "v" * 257,
    # None at all: of these nothing counts.
    "vendor=a,vendor=b", "vendor=a,other=1,vendor=a", "vendor=a,Other=1", "Vendor=a", "vendor", "vendor=a,other", "vendor=",
    "=a", "vendor=a,other=", "vendor=a=b", "vendor=a, ,other=1", "vendor=a,\t", " ", "vendor =a", "vendor=\ta", "vendor=a\n",
    "vendor=a\0", "vendor=a,1other=1", "vendor=a,@b=1", "vendor=a,a@=1", "vendor=a,a@b@c=1", "vendor=a,a@1b=1",
    "vendor=a,ot.her=1", "vendor=a;other=1", "vendor=ü", "vendor=a,öther=1", "vendor=a\x7f", b"vendor=a\xff",
    b"vendor=a,\xff=1", "", "")
STATES = tuple(wire.bytes_field(3, state) for state in TRACE_STATES) + (
    wire.bytes_field(3, "vendor=a") + wire.bytes_field(3, "vendor=b"), wire.bytes_field(3, "vendor=a") + wire.bytes_field(3, ""))
KINDS_OF_MORE = (COUNTS, CACHED, FLAGS, STATES)
# By the number of the resource, of which there are 26.
MORE_OF_RESOURCES = {
    1: {"count": 100}, 2: {"cached": True}, 5: {"count": -5, "cached": False}, 8: {"count": "100"}, 9: {"cached": "true"},
    12: {"cached": 1}, 15: {"count": 4.0}, 16: {"count": 2**63 - 1}, 24: {"replicas": 3}, 25: {"replicas": "3", "leader": True}}
# Tags and lengths: of a span; of a resource with a scope and its name.
SPAN_FRAME_BYTES, FRAME_BYTES = 3, 16


class More:
    """What the spans of one trace have of KINDS_OF_MORE: of a kind nothing, or one or two values, so that traces differ."""

    def __init__(self, choose):
        self._choose = choose
        self._kinds = [choose.sample(values, choose.choice((1, 1, 2))) for values in KINDS_OF_MORE if choose.random() < 0.5]

    def on(self, span):
        parts = [self._choose.choice(values) for values in self._kinds if self._choose.random() < 0.4]
        self._choose.shuffle(parts)
        parts.insert(0 if self._choose.random() < 0.8 else len(parts), span)
        return b"".join(parts)


def span_numbers(body):
    """Of an export request of these spans, or of part of one."""
    return [struct.unpack(">I", number)[0] for number in SPAN_ID_FIELD.findall(body)]


class Load:
    """requests: bytes in the order in which they must be sent. trace_of: span number -> trace number. id_count: traces.

    span_bytes: span number -> its bytes. bytes_around: span number -> with the first span of a trace under a resource in a
    request, the bytes of that resource and of what else is around it; with others little.
    """

    def __init__(self, seed, trace_count):
        self._random = random.Random(seed)
        self._random_of_more = random.Random(f"more of {seed}")
        self.trace_ids = []
        self.trace_of = []
        self.span_bytes = []
        self.bytes_around = {}
        self._resources = self._make_resources()
        self.requests = self._make_requests(trace_count)
        self.id_count = len(set(self.trace_ids))

    def _make_resources(self):
        resources = [otlp.attributes(1, {"service.name": f"service-{number % 5}", "region": REGIONS[number % len(REGIONS)]})
                     for number in range(22)]
        resources.append(b"")
        resources.append(otlp.key_value(1, "region", "us-east-1") + otlp.key_value(1, "region", "eu-west-1"))
        resources.append(otlp.attributes(1, {"http.route": "/health"}))  # a span's key on a resource
        resources.append(otlp.attributes(1, {"http.route": 3}))
        return [resource + otlp.attributes(1, MORE_OF_RESOURCES.get(number, {})) for number, resource in enumerate(resources)]

    def _make_requests(self, trace_count):
        choose = self._random
        request_count = trace_count // TRACES_IN_REQUEST + SPREAD
        slots = [[] for _ in range(request_count)]  # of (resource, bytes of a span)
        for trace in range(trace_count):
            self.trace_ids.append(self._new_trace_id())
            resources = choose.sample(range(len(self._resources)), choose.choice((1, 1, 2, 3)))
            slot = trace // TRACES_IN_REQUEST
            last = slot + choose.randrange(SPREAD)
            more = More(self._random_of_more)
            for span in map(more.on, self._new_spans(trace)):
                at, resource = choose.randint(slot, last), choose.choice(resources)
                slots[at].append((resource, span))
                self.span_bytes.append(len(span))
        return [self._request(slot) for slot in slots if slot]

    def _request(self, spans):
        """Runs of spans with one resource each; a resource comes again as often as the choice falls so."""
        choose = self._random
        choose.shuffle(spans)
        if choose.random() < 0.8:
            spans.sort(key=lambda span: span[0])
        groups, at = [], 0
        while at < len(spans):
            end = at
            while end < len(spans) and spans[end][0] == spans[at][0]:
                end += 1
            groups.append(self._group(spans[at][0], [span for _, span in spans[at:end]]))
            at = end
        return b"".join(groups)

    def _group(self, resource, spans):
        cut = self._random.randint(0, len(spans))
        resource = self._resources[resource]
        self._count_around(resource, spans)
        scopes = b"".join(wire.bytes_field(2, wire.bytes_field(1, wire.bytes_field(1, name)) +
                                           b"".join(wire.bytes_field(2, span) for span in part))
                          for name, part in (("one", spans[:cut]), ("two", spans[cut:])) if part)
        shape = self._random.random()
        if shape < 0.04:  # in two that merge
            first, *rest = [whole for *_, whole in wire.fields(resource)] or [b""]
            return wire.bytes_field(1, wire.bytes_field(1, first) + scopes + wire.bytes_field(1, b"".join(rest)))
        parts = [wire.bytes_field(1, resource), scopes]
        return wire.bytes_field(1, b"".join(reversed(parts) if shape < 0.08 else parts))

    def _count_around(self, resource, spans):
        traces = set()
        for number in (span_numbers(span)[0] for span in spans):
            is_first = self.trace_of[number] not in traces
            traces.add(self.trace_of[number])
            self.bytes_around[number] = SPAN_FRAME_BYTES + is_first * (len(resource) + FRAME_BYTES)

    def _new_trace_id(self):
        choose = self._random
        kind = choose.random()
        number = len(self.trace_ids) + 1
        if number == ZERO_ID_TRACE:
            return bytes(16)
        if kind < 0.9 or number == 1:
            return choose.randbytes(16)
        if kind < 0.92:
            return number.to_bytes(16, "big")
        if kind < 0.94:
            return number.to_bytes(8, "big") + bytes(8)
        if kind < 0.96:
            return b"\xff" * 12 + number.to_bytes(4, "big")
        other = self.trace_ids[choose.randrange(max(0, number - 50), number - 1)]
        mixed = choose.randbytes(8) + other[8:] if kind < 0.98 else other[:8] + choose.randbytes(8)
        return mixed if mixed not in self.trace_ids[-100:] else choose.randbytes(16)

    def _new_spans(self, trace):
        """Of one trace, in the order of their numbers; which statuses are likely is the trace's."""
        choose = self._random
        count = choose.choice(SIZES)
        statuses = choose.choice(((0,), (0,), (0, 1), (1,), (0, 0, 0, 1, 2), (2,), (3,)))
        longest = choose.choice(DURATIONS_MS)
        odd = choose.random()
        for index in range(count):
            start = choose.choice((0, 0, choose.randrange(longest + 1)))
            yield self._span(trace, index, statuses, otlp.BASE_TIME_NS + start * MS, (longest - start) * MS, odd)

    def _span(self, trace, index, statuses, start_ns, duration_ns, odd):
        choose = self._random
        number = len(self.trace_of)
        self.trace_of.append(trace)
        end_ns = start_ns + duration_ns + choose.choice((0, 0, 0, 1, MS - 1, -1))
        if odd < 0.04:
            start_ns = choose.choice((0, start_ns))
        elif odd < 0.08:
            end_ns = choose.choice((0, end_ns))
        elif odd < 0.09:
            start_ns, end_ns = choose.choice(((2**64 - 1, end_ns), (start_ns, 2**63), (end_ns, start_ns), (start_ns, 2**63 - 1)))
        has_id = any(self.trace_ids[trace]) or index % 2 == 0  # no id and zeros are one trace
        parts = [wire.bytes_field(1, self.trace_ids[trace])] if has_id else []
        parts.append(wire.bytes_field(2, MARK + struct.pack(">I", number)))
        if index > 0 or 0.2 < odd < 0.3:
            parts.append(wire.bytes_field(4, choose.randbytes(8)))
        parts += [wire.bytes_field(5, "s"), wire.fixed64_field(7, start_ns), wire.fixed64_field(8, end_ns), self._attributes()]
        shapes = STATUSES[choose.choice(statuses)]
        parts.append(shapes[0] if choose.random() < 0.9 else choose.choice(shapes))
        if 0.09 < odd < 0.11:
            choose.shuffle(parts)
        elif 0.11 < odd < 0.13:
            parts.insert(0, wire.fixed64_field(7, 1) + wire.fixed64_field(8, 2**62))  # those that come later count
        return b"".join(parts)

    def _attributes(self):
        choose = self._random
        kind = choose.random()
        if kind < 0.5:
            return b""
        if kind < 0.52:
            return choose.choice(ODD_ATTRIBUTES)
        name, values = ("http.route", ROUTES) if kind < 0.7 else ("tier", TIERS) if kind < 0.85 else ("path", PATHS)
        extra = {"region": choose.choice(REGIONS)} if kind > 0.95 else {}
        return otlp.attributes(9, {name: choose.choice(values), **extra})
