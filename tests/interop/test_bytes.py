"""Bytes stay bytes: a span that nobody edits leaves as the very bytes that came in, fields unknown to everyone included."""

from harness import config as configs
from harness import otlp, wire
from harness.case import OutsideInCase, only_weft
from harness.process import free_port

# Legal, and re-encoded differently by whoever decodes it: unknown fields, a repeated singular field, odd field order.
ODDITIES = (wire.number_field(1000, 7) + wire.bytes_field(2000, b"\x00unknown\xff") + wire.fixed32_field(3000, 1)
            + wire.fixed64_field(4000, 2))


def peculiar_span(number):
    span_id = otlp.numbered_span_id(number)
    plain = otlp.span((number + 1).to_bytes(16, "big"), span_id, f"span {number}",
                      values={"number": number, "secret": "token", "text": "x" * (number % 300)}, extra=ODDITIES)
    event = wire.bytes_field(11, wire.bytes_field(2, "event") + wire.fixed64_field(1, otlp.BASE_TIME_NS) + ODDITIES)
    name_again = wire.bytes_field(5, f"span {number}") if number % 3 == 0 else b""
    return event + plain + name_again


def by_span_id(requests):
    spans = {}
    for request in requests:
        for record in wire.record_bytes(request):
            spans.setdefault(wire.span_id_of(record), []).append(record)
    return spans


@only_weft("it decodes and encodes, so unknown fields and field order are lost")
class BytesTest(OutsideInCase):
    def through(self, count, pipelines):
        """Sends count spans; pipelines: name -> (processors, backends). Returns the bytes sent by span id."""
        address = f"127.0.0.1:{free_port()}"
        config = {"receivers": {"otlp": configs.otlp_receiver(address)}, "processors": {}, "exporters": {},
                  "service": {"pipelines": {}}}
        for name, (processors, backends) in pipelines.items():
            exporters = {f"otlp/{name}{index}": configs.otlp_exporter(backend.address) for index, backend in enumerate(backends)}
            config["processors"].update(processors)
            config["exporters"].update(exporters)
            config["service"]["pipelines"][f"traces/{name}"] = {
                "receivers": ["otlp"], "processors": list(processors), "exporters": list(exporters)}
        self.start_program(config, [address])
        spans = [peculiar_span(number) for number in range(count)]
        body = otlp.request(spans, resource={"service.name": "bytes", "resource.key": [1, "two"]}, extra=ODDITIES)
        reply = self.client(address).export(body)
        self.assertEqual((reply.code.name, reply.message), ("OK", ""))
        return by_span_id([body])

    def assert_same_bytes(self, sent, backend):
        backend.wait_for_spans(len(sent))
        came = by_span_id(backend.bodies())
        self.assertEqual(came.keys(), sent.keys())
        for span_id, records in sent.items():
            self.assertEqual([record.hex() for record in came[span_id]], [record.hex() for record in records], span_id.hex())

    def check_fan_out(self, count):
        backends = [self.backend(), self.backend()]
        sent = self.through(count, {"all": ({"batch": {"timeout": "50ms", "send_batch_size": 64, "send_batch_max_size": 64}}, backends)})
        for backend in backends:
            self.assert_same_bytes(sent, backend)

    def test_one_span_keeps_its_bytes(self):
        self.check_fan_out(1)

    def test_ten_spans_keep_their_bytes(self):
        self.check_fan_out(10)

    def test_a_thousand_spans_keep_their_bytes(self):
        self.check_fan_out(1000)

    def test_without_batch_bytes_are_kept_too(self):
        backend = self.backend()
        self.assert_same_bytes(self.through(100, {"all": ({}, [backend])}), backend)

    def test_an_edit_in_one_branch_leaves_the_other_alone(self):
        edited, plain = self.backend(), self.backend()
        actions = [{"key": "secret", "action": "delete"}, {"key": "added", "value": "yes", "action": "insert"},
                   {"key": "text", "value": "short", "action": "update"}]
        sent = self.through(1000, {"edited": ({"attributes/edit": {"actions": actions}, "batch": {"timeout": "50ms"}}, [edited]),
                                   "plain": ({}, [plain])})
        self.assert_same_bytes(sent, plain)
        edited.wait_for_spans(len(sent))
        came = by_span_id(edited.bodies())
        self.assertEqual(came.keys(), sent.keys())
        for span_id, records in came.items():
            self.assert_edited(sent[span_id][0], records)

    def assert_edited(self, before, records):
        """All but the attributes is unchanged, in order; of the attributes, what the actions say."""
        self.assertEqual(len(records), 1)
        rest = lambda span: [whole for field, _, _, whole in wire.fields(span) if field != 9]
        self.assertEqual(rest(records[0]), rest(before))
        values = {wire.repeated(pair, 1)[0].decode(): wire.repeated(pair, 2)[0] for pair in wire.repeated(records[0], 9)}
        number = {wire.repeated(pair, 1)[0].decode(): wire.repeated(pair, 2)[0] for pair in wire.repeated(before, 9)}["number"]
        self.assertEqual(values, {"number": number, "text": otlp.any_value("short"), "added": otlp.any_value("yes")})
