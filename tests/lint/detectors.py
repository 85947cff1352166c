"""The column of docs/redaction.md that says what detectors find in a million ordinary values is what the program counts.

usage: python3 detectors.py [--write] [--seed N] [--values N] [PROGRAM]
PROGRAM: processors_test_redaction_false_positives of any build, build/asan/tests/ unless given.
Without --write: exit code 1 and a word about it when the page is not up to date; with --seed or --values the counts are only
shown, by kind of value. The last line is "N passed, N failed".
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys

TREE = pathlib.Path(__file__).resolve().parents[2]
PAGE = TREE / "docs" / "redaction.md"
VALUES = 1_000_000


def counted(program, values, seed=None):
    """{detector: (how many, in which kinds)}"""
    environment = {**os.environ, "WEFT_SHOW": "1", "WEFT_VALUES": str(values), "CK_FORK": "no",
                   **({"WEFT_SEED": str(seed)} if seed is not None else {})}
    done = subprocess.run([program], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=900)
    rows = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    counts = {row[0]: (int(row[1]), row[2] if len(row) > 2 else "") for row in rows if re.fullmatch("[a-z_0-9]+", row[0])
              and len(row) > 1 and row[1].isdigit()}
    if done.returncode != 0 or not counts:
        sys.exit(f"{program} failed:\n{done.stdout}")
    return counts


def wanted_page(counts):
    lines = PAGE.read_text().splitlines(keepends=True)
    left = dict(counts)
    for index, line in enumerate(lines):
        row = re.fullmatch(r"(\| `([a-z_0-9]+)` \|.*\| )\d+ \|\n", line)
        if row and row.group(2) in left:
            lines[index] = f"{row.group(1)}{left.pop(row.group(2))[0]} |\n"
    if left:
        sys.exit(f"docs/redaction.md has no row for {', '.join(left)}")
    return "".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", nargs="?", default=TREE / "build" / "asan" / "tests" / "processors_test_redaction_false_positives")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--values", type=int)
    options = parser.parse_args()
    if options.seed is not None or options.values is not None:
        for name, (count, kinds) in counted(options.program, options.values or VALUES, options.seed).items():
            print(f"{name} {count} {kinds}".rstrip())
        return
    page = wanted_page(counted(options.program, VALUES))
    if options.write:
        PAGE.write_text(page)
    is_good = page == PAGE.read_text()
    if not is_good:
        print("docs/redaction.md is not up to date: python3 tests/lint/detectors.py --write")
    print("1 passed, 0 failed" if is_good else "0 passed, 1 failed")
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
