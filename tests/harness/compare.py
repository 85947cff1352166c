"""Two sets of export requests compared span by span, whatever the batching in between.

Order of attributes, grouping into requests, and the order of spans carry no meaning in OTLP, so they are taken out;
all else (events' and links' order, every value with its type, resource, scope, schema URLs) must agree.
"""

from . import stubs


def _value(value):
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    inner = getattr(value, kind)
    if kind == "array_value":
        return (kind, tuple(_value(item) for item in inner.values))
    if kind == "kvlist_value":
        return (kind, _attributes(inner.values))
    return (kind, repr(inner) if kind == "double_value" else inner)


def _attributes(items):
    return tuple(sorted(((item.key, _value(item.value)) for item in items), key=lambda pair: (pair[0], repr(pair[1]))))


def _message(message):
    """Any message as a dict of its fields; lists named attributes are sorted."""
    out = {}
    for descriptor, value in message.ListFields():
        if descriptor.name == "attributes":
            out[descriptor.name] = _attributes(value)
        elif descriptor.label == descriptor.LABEL_REPEATED:
            out[descriptor.name] = tuple(_message(item) for item in value)
        elif descriptor.message_type:
            out[descriptor.name] = _message(value)
        else:
            out[descriptor.name] = value
    return out


def spans_of(raw_requests):
    """(trace id, span id) -> list of what is known of that span, its resource and its scope."""
    spans = {}
    for raw in raw_requests:
        for resource_spans in stubs.trace_request(raw).resource_spans:
            resource = {**_message(resource_spans.resource), "schema_url": resource_spans.schema_url}
            for scope_spans in resource_spans.scope_spans:
                scope = {**_message(scope_spans.scope), "schema_url": scope_spans.schema_url}
                for span in scope_spans.spans:
                    key = (span.trace_id.hex(), span.span_id.hex())
                    spans.setdefault(key, []).append({"resource": resource, "scope": scope, "span": _message(span)})
    return spans


def differences(expected_requests, actual_requests):
    """Lines for a person, one for each difference; empty when they agree."""
    expected, actual = spans_of(expected_requests), spans_of(actual_requests)
    lines = []
    for key in sorted(expected.keys() | actual.keys()):
        left, right = expected.get(key, []), actual.get(key, [])
        if len(left) != len(right):
            lines.append(f"span {key}: expected {len(left)} times, came {len(right)} times")
        for one, other in zip(left, right):
            lines += [f"span {key}: {line}" for line in _difference("", one, other)]
    return lines


def _difference(path, expected, actual):
    if isinstance(expected, dict) and isinstance(actual, dict):
        return [line for name in sorted(expected.keys() | actual.keys())
                for line in _difference(f"{path}.{name}".lstrip("."), expected.get(name), actual.get(name))]
    if path.endswith("attributes") and expected and actual:
        gone, new = [item for item in expected if item not in actual], [item for item in actual if item not in expected]
        return [f"{path}: only expected {item!r}" for item in gone] + [f"{path}: only came {item!r}" for item in new]
    return [] if expected == actual else [f"{path}: expected {expected!r}, came {actual!r}"]
