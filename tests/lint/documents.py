"""What the documents say about the tree is so: every `src/file.c:function` has that function, every link leads to a file.

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


def problems_of(document):
    text = without_code((TREE / document).read_text())
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
