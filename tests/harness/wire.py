"""Protobuf at the byte level, independent of weft and of generated code: what a byte-exact comparison needs."""

WIRE_VARINT, WIRE_FIXED64, WIRE_BYTES, WIRE_FIXED32 = 0, 1, 2, 5


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number_field(field, value):
    return varint(field << 3 | WIRE_VARINT) + varint(value)


def bytes_field(field, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | WIRE_BYTES) + varint(len(value)) + value


def fixed64_field(field, value):
    return varint(field << 3 | WIRE_FIXED64) + value.to_bytes(8, "little")


def fixed32_field(field, value):
    return varint(field << 3 | WIRE_FIXED32) + value.to_bytes(4, "little")


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def fields(data):
    """(field number, wire type, value, whole bytes with tag) of each field, in order; raises on what is not protobuf."""
    at = 0
    while at < len(data):
        start = at
        tag, at = read_varint(data, at)
        kind = tag & 7
        if kind == WIRE_VARINT:
            value, at = read_varint(data, at)
        elif kind == WIRE_FIXED64:
            value, at = data[at:at + 8], at + 8
        elif kind == WIRE_FIXED32:
            value, at = data[at:at + 4], at + 4
        elif kind == WIRE_BYTES:
            length, at = read_varint(data, at)
            value, at = data[at:at + length], at + length
        else:
            raise ValueError(f"wire type {kind} at byte {start}")
        if at > len(data):
            raise ValueError(f"field at byte {start} ends after the data")
        yield tag >> 3, kind, value, data[start:at]


def repeated(data, field):
    return [value for number, kind, value, _ in fields(data) if number == field and kind == WIRE_BYTES]


def record_bytes(request):
    """Of an export request (traces or logs; their shapes agree in these fields): each record's bytes, in order."""
    return [record
            for resource in repeated(request, 1)
            for scope in repeated(resource, 2)
            for record in repeated(scope, 2)]


def span_id_of(record, field=2):
    ids = repeated(record, field)
    return ids[-1] if ids else b""
