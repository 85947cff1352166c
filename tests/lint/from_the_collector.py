"""docs/from-the-collector.md: what of a Collector's config loads, what differs on purpose, what is missing. Made from what the program says
of itself (`weft components`, `--reference`) and from the cases that are held against a real Collector (tests/interop/wide/drop_in/).
reference.py writes and checks it.
"""

import pathlib
import re
import sys

TREE = pathlib.Path(__file__).resolve().parents[2]
PAGE = TREE / "docs" / "from-the-collector.md"
sys.path.insert(0, str(TREE / "tests" / "interop" / "wide"))

INTRODUCTION = """\
# From the Collector

Made by `tests/lint/reference.py --write` from the tables that parse the config and from the cases that are held against a Collector's verdict
(`tests/interop/wide/drop_in/`); do not edit.

A config of the OpenTelemetry Collector loads as it is, if its components and keys are here; else `weft validate` says all that is not, with
lines. What has no effect is checked and named. What is not below behaves as in the Collector; every key is in [reference.md](reference.md).

"""
ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+)\|[^|]*\| (.*) \|$")


def sections(reference):
    """(title, [(key, type, help)]) of each component in the program's own reference."""
    title, rows = None, []
    for line in reference.splitlines():
        if line.startswith("## "):
            if title:
                yield title, rows
            title, rows = line[3:], []
        elif (match := ROW.match(line)) is not None:
            rows.append((match[1], match[2].strip(), match[3].strip()))
    if title:
        yield title, rows


def keys_of_type(reference, wanted):
    lines = ["| component | key | |", "|---|---|---|"]
    for title, rows in sections(reference):
        lines += [f"| {title} | `{key}` | {text} |" for key, kind, text in rows if kind.split(",")[0] == wanted]
    return "\n".join(lines) + "\n"


def components(said):
    lines, kind = ["| kind | name | |", "|---|---|---|"], None
    for line in said.splitlines():
        if not line.startswith(" "):
            kind = line.rstrip(":").removesuffix("s")
            continue
        names, _, text = line.strip().partition(": ")
        lines.append(f"| {kind} | {' '.join(f'`{name}`' for name in re.findall(r'[a-z0-9_]{3,}', names.replace('(also', '')))} | {text} |")
    return "\n".join(lines) + "\n"


def marked(is_on_purpose):
    from drop_in_cases import read_all

    lines = ["| where | written | weft | |", "|---|---|---|---|"]
    for case in read_all():
        if case.differs is not None and case.differs[1] == is_on_purpose:
            word, _, why = case.differs
            fragment = case.fragment.replace("|", "\\|")
            lines.append(f"| {case.place} | `{fragment}` | {word} | {why} |")
    return "\n".join(lines) + "\n"


def wanted_page(said, reference):
    """said: what `weft components` prints; reference: the same with --reference."""
    return (INTRODUCTION
            + "## What loads: the components\n\nA name behind another is its former name.\n\n" + components(said)
            + "\n## What loads without effect\n\n" + keys_of_type(reference, "no effect")
            + "\n## What differs on purpose\n\nEach line is a case; the Collector's verdict is the other one.\n\n" + marked(True)
            + "\n## What is missing: keys\n\nEvery receiver, processor, exporter, connector and extension that is not above is missing too.\n\n"
            + keys_of_type(reference, "not supported yet")
            + "\n## What is missing: cases\n\n" + marked(False))
