"""docs/reference.md is what the program says about itself; docs/from-the-collector.md too (from_the_collector.py); README.md names every component.

usage: python3 reference.py [--write] [WEFT]   (WEFT: the program, build/release/weft unless given or in WEFT_BINARY)
Without --write: exit code 1 and a word about it when the page is not up to date. The last line is "N passed, N failed".
"""

import argparse
import difflib
import os
import pathlib
import re
import subprocess
import sys

import from_the_collector

TREE = pathlib.Path(__file__).resolve().parents[2]
PAGE = TREE / "docs" / "reference.md"
INTRODUCTION = """\
# Reference: components and their keys

Made by `weft components --reference` from the tables that parse the config; do not edit (CONTRIBUTING.md says how to renew it).
Keys are those of the OpenTelemetry Collector. "no effect": accepted and checked, and named by `weft validate`, because weft has
nothing that it could change. "not supported yet": an error when it is used. Durations are written as in Go: `300ms`, `5s`, `1m30s`.

"""


def said_by(program, *arguments):
    return subprocess.run([program, "components", *arguments], check=True, capture_output=True, text=True, timeout=10).stdout


def wanted_page(program):
    return INTRODUCTION + said_by(program, "--reference").rstrip("\n") + "\n"


def components(program):
    """(kind, type) of each."""
    kind = None
    for line in said_by(program).splitlines():
        if not line.startswith(" "):
            kind = line.rstrip(":").removesuffix("s")
        else:
            yield kind, re.match(r"\s+([a-z0-9_]+)", line).group(1)


def check_page(program):
    present = PAGE.read_text() if PAGE.exists() else ""
    wanted = wanted_page(program)
    if present == wanted:
        return []
    difference = list(difflib.unified_diff(present.splitlines(), wanted.splitlines(), "docs/reference.md", "the program", lineterm="", n=0))
    return ["docs/reference.md is not up to date: python3 tests/lint/reference.py --write", *difference[:20]]


def wanted_page_from_the_collector(program):
    return from_the_collector.wanted_page(said_by(program), said_by(program, "--reference"))


def check_from_the_collector(program):
    page = from_the_collector.PAGE
    is_present = page.exists() and page.read_text() == wanted_page_from_the_collector(program)
    return [] if is_present else ["docs/from-the-collector.md is not up to date: python3 tests/lint/reference.py --write"]


def check_readme(program):
    rows = [line for line in (TREE / "README.md").read_text().splitlines() if line.startswith("|")]
    return [f"README.md: no table row for {kind} `{name}`" for kind, name in components(program)
            if not any(re.match(rf"\|\s*{kind}\s*\|\s*`{name}`", row) for row in rows)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("program", nargs="?", default=os.environ.get("WEFT_BINARY") or TREE / "build" / "release" / "weft")
    options = parser.parse_args()
    if options.write:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(wanted_page(options.program))
        from_the_collector.PAGE.write_text(wanted_page_from_the_collector(options.program))
    failed = 0
    checks = (check_page, check_from_the_collector, check_readme)
    for check in checks:
        problems = check(options.program)
        failed += bool(problems)
        print("\n".join(problems) if problems else f"ok    {check.__name__}")
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
