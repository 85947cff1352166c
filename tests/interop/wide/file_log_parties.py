"""Two programs that read the same log files, each with a receiver and an exporter for each case, and what came of each.

Cases are told apart by a header that their exporters send. A record is a dictionary of what it has: body, attributes, resource,
scope, time, severity and ids; what is not there is left out, so that a table can spell it.
"""

import collections
import dataclasses
import json
import struct
import threading

from harness import config as configs
from harness import wire
from harness.backend import Backend
from harness.under_test import UnderTest

PATH_KEY = "log.file.path"


@dataclasses.dataclass
class Case:
    """Both programs must make the same of it. files: path -> bytes or Link; later: what is added when all of it has been read."""

    name: str
    operators: list
    files: dict
    settings: dict = dataclasses.field(default_factory=dict)  # of the receiver; ${DIRECTORY} is the case's folder
    later: dict = dataclasses.field(default_factory=dict)


REFUSED = None


@dataclasses.dataclass
class Deviation(Case):
    """Each of them makes something else of it: wanted are the records, in any order, or that the config is refused."""

    why: str = ""
    collector: list = dataclasses.field(default_factory=list)
    weft: list | None = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Broken(Case):
    """Lines of one file that are no JSON: weft leaves them as they are, the Collector takes so many of them for JSON."""

    taken_count: int = 0


class Link(str):
    """Instead of a file's bytes: where a link leads."""


def to_bytes(line):
    return line if isinstance(line, bytes) else line.encode()


def one_file(lines, path="app.log"):
    return {path: b"".join(to_bytes(line) + b"\n" for line in lines)}


def file_each(lines, path="ns_pod_{:x}/app/0.log"):
    """So that its name tells of which line a record is. No two files may begin alike: to the Collector they would be one."""
    files = {path.format(number): to_bytes(line) + b"\n" for number, line in enumerate(lines)}
    assert len(set(files.values())) == len(files), "two files begin alike"
    return files


# --- records ---------------------------------------------------------------------------------------------------------


def value_of(data):
    """An AnyValue as plain Python. Bytes that are no UTF-8 are kept, as halves of surrogates."""
    value = None
    for number, _, raw, _ in wire.fields(data):
        if number == 1:
            value = raw.decode("utf-8", "surrogateescape")
        elif number == 2:
            value = raw != 0
        elif number == 3:
            value = raw - (1 << 64) if raw >> 63 else raw
        elif number == 4:
            value = struct.unpack("<d", raw)[0]
        elif number == 5:
            value = [value_of(item) for item in wire.repeated(raw, 1)]
        elif number == 6:
            value = pairs_of(wire.repeated(raw, 1))
        elif number == 7:
            value = {"bytes": raw.hex()}
    return value


def pairs_of(pairs):
    out = {}
    for pair in pairs:
        key = b"".join(wire.repeated(pair, 1)).decode("utf-8", "surrogateescape")
        assert key not in out, f"the key {key!r} is there twice"
        out[key] = value_of(b"".join(wire.repeated(pair, 2)))
    return out


def record_of(data):
    out = {"attributes": pairs_of(wire.repeated(data, 6))}
    for number, _, raw, _ in wire.fields(data):
        if number == 1:
            out["time"] = int.from_bytes(raw, "little")
        elif number == 2:
            out["severity"] = raw
        elif number == 3:
            out["severity_text"] = raw.decode()
        elif number == 5:
            out["body"] = value_of(raw)
        elif number == 8:
            out["flags"] = int.from_bytes(raw, "little")
        elif number == 9:
            out["trace_id"] = raw.hex()
        elif number == 10:
            out["span_id"] = raw.hex()
        elif number == 11:
            out["is_observed"] = raw != bytes(8)
        elif number not in (6,):
            out[f"field {number}"] = repr(raw)
    assert out.pop("is_observed", False), f"a record that was never observed: {out}"
    return {key: value for key, value in out.items() if value not in ({}, None, "")}


def records_of(request):
    for resource_logs in wire.repeated(request, 1):
        resource = pairs_of(wire.repeated(b"".join(wire.repeated(resource_logs, 1)), 1))
        for scope_logs in wire.repeated(resource_logs, 2):
            scope = b"".join(wire.repeated(b"".join(wire.repeated(scope_logs, 1)), 1)).decode()
            for record in map(record_of, wire.repeated(scope_logs, 2)):
                yield {**record, **({"resource": resource} if resource else {}), **({"scope": scope} if scope else {})}


def text_of(record):
    """Keeps 1, 1.0 and true apart, and 0.0 and -0.0."""
    return json.dumps(record, sort_keys=True)


class Sink(Backend):
    """Keeps each case's records, with the folder of the case taken off their paths."""

    def __init__(self, root):
        super().__init__()
        self.root = root
        self.records = collections.defaultdict(collections.Counter)
        self.count = 0
        self._keeping = threading.Lock()

    def take(self, method, body, metadata):
        case = metadata["case"]
        for record in records_of(body):
            path = record.get("attributes", {}).get(PATH_KEY)
            if isinstance(path, str):
                record["attributes"][PATH_KEY] = path.removeprefix(f"{self.root / case}/")
            with self._keeping:
                self.records[case][text_of(record)] += 1
                self.count += 1
        return super().take(method, b"", metadata)

    def of(self, case):
        with self._keeping:
            return collections.Counter(self.records[case])


# --- programs --------------------------------------------------------------------------------------------------------


def placed(node, directory):
    if isinstance(node, dict):
        return {key: placed(value, directory) for key, value in node.items()}
    if isinstance(node, list):
        return [placed(item, directory) for item in node]
    return node.replace("${DIRECTORY}", str(directory)) if isinstance(node, str) else node


def receiver_of(case, root):
    directory = root / case.name
    defaults = {"include": ["${DIRECTORY}/**/*.log"], "start_at": "beginning", "operators": case.operators}
    return placed({**defaults, **case.settings}, directory)


def config_of(cases, root, backend):
    config = {"receivers": {}, "exporters": {}, "service": {"pipelines": {}}}
    for case in cases:
        config["receivers"][f"file_log/{case.name}"] = receiver_of(case, root)
        config["exporters"][f"otlp/{case.name}"] = configs.otlp_exporter(backend, headers={"case": case.name})
        config["service"]["pipelines"][f"logs/{case.name}"] = {"receivers": [f"file_log/{case.name}"], "exporters": [f"otlp/{case.name}"]}
    return config


class Party:
    def __init__(self, name, cases, root, program=None):
        self.name = name
        self.sink = Sink(root)
        self.program = UnderTest(config_of(cases, root, self.sink.address), [], program=program, stand_in=program is not None)

    def __enter__(self):
        self.sink.start()
        self.program.start()
        return self

    def __exit__(self, *failure):
        self.program.__exit__(*failure)
        self.sink.stop()
