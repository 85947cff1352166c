"""What the documents say about the tree is so: every `src/file.c:function` has that function, every link leads to a file, every
limit in ARCHITECTURE.md's table has a test, every event of docs/logs.md is logged and every warning is in it, docs/ottl.md lists
the functions that are refused.

usage: python3 documents.py   (the last line is "N passed, N failed", one for each document)
"""

import pathlib
import re
import sys

TREE = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", *sorted(str(path.relative_to(TREE)) for path in TREE.glob("docs/*.md"))]

PLACE = re.compile(r"`((?:src|include|tests|bench|proto|config)/[\w./-]+\.[ch]):(\w+)`")
FILE = re.compile(r"`((?:src|include|tests|bench|proto|config|docs)/[\w./-]+\.[a-z0-9]+)`")
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")


def defines(text, name):
    """A function whose definition or declaration starts a line, a macro, a struct or an enum of that name."""
    return re.search(rf"^(?:[a-zA-Z_][\w \*]*[ \*])?{name}\(|^#define {name}\b|^(?:struct|enum) {name}\b", text, re.M) is not None


def without_code(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)


def names_of_tests():
    names = set()
    for path in (TREE / "tests").rglob("*.[chp]*"):
        if path.suffix in (".c", ".h", ".py"):
            names.update(re.findall(r"START_TEST\((\w+)\)|def ((?:test|fault)_\w+)", path.read_text()))
    return {name for pair in names for name in pair if name}


def untested_limits(document, text):
    """Each row of the table of limits ends with the tests that hold it."""
    table = re.search(r"^\| what \| limit \|.*?\n\|-.*?\n((?:\|.*\n)+)", text, re.M)
    names = names_of_tests() if table else set()
    for row in table.group(1).splitlines() if table else []:
        cells = re.split(r"\s*\|\s*", row.strip("| "))
        held_by = [name for name in re.split(r",\s*", cells[-1]) if name]
        if len(cells) != 5 or not held_by:
            yield f"{document}: the limit of {cells[0]!r} names no test"
        for name in held_by:
            if name not in names:
                yield f"{document}: the limit of {cells[0]!r}: there is no test {name}"


def unknown_events(document, text):
    """Each event of a warning or an error that the code logs is explained, and none that it does not log."""
    code = "".join(path.read_text() for path in sorted((TREE / "src").rglob("*.c")))
    logged = {event for level, event in re.findall(r'weft_log\(\s*(DEBUG|INFO|WARN|ERROR),\s*"([\w.]+)"', code)}
    grave = {event for level, event in re.findall(r'weft_log\(\s*(WARN|ERROR),\s*"([\w.]+)"', code)}
    told = {event for row in re.findall(r"^\| (`[\w.]+`(?:, `[\w.]+`)*) \|", text, re.M) for event in re.findall(r"[\w.]+", row)}
    for event in sorted(grave - told):
        yield f"{document}: the event {event} is not explained"
    for event in sorted(told - logged):
        yield f"{document}: nothing logs the event {event}"


def unlisted_functions(document, text):
    """The table under "Not there" against the table of functions that are refused by name."""
    source = (TREE / "src/ottl/functions_missing.c").read_text()
    refused = set(re.findall(r'^    MISSING(?:_IN)?\("(\w+)"', source, re.M))
    table = re.search(r"^Not there.*\n\n((?:\|.*\n)+)", text, re.M)
    words = re.findall(r"\b[A-Z]\w*[a-z]\w*|[a-z]+_\w+", "".join(row.split("|", 2)[2] for row in table[1].splitlines())) if table else []
    yield from (f"{document}: {name} is refused and not listed" for name in sorted(refused - set(words)))
    yield from (f"{document}: {name} is listed as not there and is not refused" for name in sorted(set(words) - refused))


def problems_of(document):
    text = without_code((TREE / document).read_text())
    yield from untested_limits(document, text)
    if document == "docs/logs.md":
        yield from unknown_events(document, text)
    if document == "docs/ottl.md":
        yield from unlisted_functions(document, text)
    for file, name in PLACE.findall(text):
        path = TREE / file
        if not path.exists():
            yield f"{document}: {file} is not there"
        elif not defines(path.read_text(), name):
            yield f"{document}: {file} has no {name}"
    for file in FILE.findall(text):
        if not (TREE / file).exists():
            yield f"{document}: {file} is not there"
    for target in LINK.findall(text):
        if not (TREE / document).parent.joinpath(target).exists():
            yield f"{document}: the link to {target} leads nowhere"


def main():
    failed = 0
    for document in DOCUMENTS:
        problems = list(problems_of(document)) if (TREE / document).exists() else [f"{document} is not there"]
        failed += bool(problems)
        print("\n".join(problems) if problems else f"ok    {document}")
    print(f"{len(DOCUMENTS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
