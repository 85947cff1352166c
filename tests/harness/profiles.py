"""Requests of profiles, made with the schema's own code, and what they say with the dictionary's references followed."""

from google.protobuf import json_format

from . import stubs

METHOD = "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export"
PATH = "/v1development/profiles"
GATE = "service.profilesSupport"


def message():
    return stubs.module("profiles_service_pb2").ExportProfilesServiceRequest()


def request(number, sample_counts=(2, 1)):
    """Profiles of a CPU profiler: number tells requests apart."""
    made = message()
    strings = ["", "samples", "count", "cpu", "nanoseconds", "main", "work", "/bin/app", "thread.name", f"worker {number}", "service.namespace",
               "shop"]
    tables = made.dictionary
    tables.string_table.extend(strings)
    tables.mapping_table.add()
    tables.mapping_table.add(memory_start=4096, memory_limit=2**40, file_offset=64, filename_strindex=7)
    tables.function_table.add()
    tables.function_table.add(name_strindex=5, system_name_strindex=5, filename_strindex=7, start_line=10)
    tables.function_table.add(name_strindex=6, filename_strindex=7, start_line=-1)
    tables.location_table.add()
    location = tables.location_table.add(mapping_index=1, address=5000)
    location.lines.add(function_index=1, line=12, column=3)
    location.lines.add(function_index=2, line=2**40)
    tables.link_table.add()
    tables.link_table.add(trace_id=bytes(range(16)), span_id=bytes(range(1, 9)))
    tables.attribute_table.add()
    tables.attribute_table.add(key_strindex=8, unit_strindex=2).value.string_value = f"worker {number}"
    tables.stack_table.add()
    tables.stack_table.add(location_indices=[1])
    resource = made.resource_profiles.add(schema_url="https://opentelemetry.io/schemas/1.37.0")
    resource.resource.attributes.add(key="service.name").value.string_value = f"app {number}"
    resource.resource.attributes.add(key_strindex=10).value.string_value_strindex = 11
    scope = resource.scope_profiles.add(schema_url="scope schema")
    scope.scope.name, scope.scope.version = "profiler", "1.2"
    for index, count in enumerate(sample_counts):
        profile = scope.profiles.add(profile_id=(number * 1000 + index + 1).to_bytes(16, "big"), time_unix_nano=1_700_000_000_000_000_000 + index,
                                     duration_nano=10**9, period=10_000_000, dropped_attributes_count=1, attribute_indices=[1],
                                     original_payload_format="pprof", original_payload=b"\x00\x01\xff")
        profile.sample_type.type_strindex, profile.sample_type.unit_strindex = 1, 2
        profile.period_type.type_strindex, profile.period_type.unit_strindex = 3, 4
        for sample in range(count):
            profile.samples.add(stack_index=1, attribute_indices=[1], link_index=1, values=[sample, -sample, 2**62],
                                timestamps_unix_nano=[2**63, sample])
    return made.SerializeToString()


def _resolve(node, strings):
    """Keys that lead into the table of strings are followed, and go by their name without strindex. What is 0 or empty is left out."""
    if isinstance(node, list):
        return [_resolve(item, strings) for item in node]
    if not isinstance(node, dict):
        return node
    out = {}
    for key, value in node.items():
        name = {"stringValueStrindex": "stringValue"}.get(key, key.removesuffix("Strindex"))
        followed = strings[value] if key.endswith("Strindex") else _resolve(value, strings)
        if followed not in ({}, [], "", 0, "0"):
            out[name] = followed
    return out


def meaning(raw):
    """A request as plain data, the same for all ways to lay out its dictionary's strings."""
    parsed = message()
    parsed.ParseFromString(raw)
    return meaning_of_json(json_format.MessageToDict(parsed))


def meaning_of_json(document):
    """The same of a document in JSON."""
    strings = document["dictionary"]["stringTable"]
    resolved = _resolve(document, strings)
    resolved["dictionary"].pop("stringTable")
    return resolved


def sample_count(raw):
    parsed = message()
    parsed.ParseFromString(raw)
    return sum(len(profile.samples) for resource in parsed.resource_profiles for scope in resource.scope_profiles for profile in scope.profiles)
