#!/usr/bin/env python3
"""The house rules that a compiler does not check: which floor may include which, the one home of each foreign library,
where threads and atomics may appear, and a few habits of the style. Prints "file:line: reason" for each offence and exits
1 if there was one. --self-test proves that every rule fires on a bad sample and stays silent on a good one."""

import argparse
import pathlib
import re
import sys
import tempfile

# Low to high; what stands in one row sees the rows before it and not its neighbours.
FLOORS = [
    ["base"],
    ["wire"],
    ["config"],
    ["ledger"],
    ["net"],
    ["store"],
    ["pipeline"],
    ["ottl"],
    ["policy", "operators", "tail"],
    ["join"],
    ["graph"],
    ["receivers", "processors", "exporters", "connectors", "extensions"],
    ["admin"],
    ["worker"],
    ["cli"],
]
LEVEL = {name: level for level, row in enumerate(FLOORS) for name in row}

# include/weft is the contract that components see: it stands on pipeline, which does not see it.
CONTRACT = "weft"
LEVEL[CONTRACT] = LEVEL["pipeline"]

# The table of all components stands beside the floors; those who see every component may read it.
COMPONENT_TABLE = "components.def"
MAY_SEE_TABLE = LEVEL["worker"]

# What belongs to a component bears its name: its type, and what follows behind an underscore. Components of one floor do
# not include each other's headers, but for these, which several have in common.
COMPONENT_ROWS = re.findall(r"^COMPONENT\(([a-z]+)_(\w+)\)", (pathlib.Path(__file__).resolve().parents[2] / "src" / COMPONENT_TABLE).read_text(), re.M)
COMMON = {"receivers/otlp_ingest.h", "receivers/otlp_http.h", "processors/attributes_edit.h"}

# Header pattern, the library, and where it lives.
FOREIGN = [
    (r"nghttp2/", "nghttp2", lambda floor: floor == "net"),
    (r"openssl/(evp|crypto)\.h", "OpenSSL's digests", lambda floor: floor == "base"),
    (r"openssl/", "OpenSSL", lambda floor: floor == "net"),
    (r"event2/|event\.h", "libevent", lambda floor: floor == "net"),
    (r"yaml\.h", "libyaml", lambda floor: floor == "config"),
    (r"sqlite3\.h", "SQLite", lambda floor: floor == "store"),
    (r"zstd|isa-l|igzip|zlib\.h", "zstd and ISA-L", lambda floor: floor == "base"),
    (r"pcre2", "PCRE2", lambda floor: floor == "base"),
    (r"protobuf-c/", "protobuf-c", lambda floor: floor == "wire"),
    (r".*\.pb-c\.h", "a generated schema", lambda floor: floor in LEVEL and LEVEL[floor] >= LEVEL["wire"]),
]

THREAD_WORDS = re.compile(r"\b(pthread_\w+|_Atomic|atomic_\w+|stdatomic\.h|pthread\.h|__thread|_Thread_local|thread_local)\b")
THREAD_HOMES = {"thread.c", "thread.h", "mailbox.c", "mailbox.h", "log.c", "log.h"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
# A typedef of a function that returns one is fine: its name stands in "(*name)(" or before a parameter list.
TYPEDEF_STRUCT = re.compile(r"\btypedef\s+(?:const\s+)?(?:struct|union|enum)\b(?![^;{]*\()")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")
MAX_COLUMNS = 120


def blank_comments_and_strings(text):
    """The text with the insides of comments and literals as spaces; line numbers stay."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), text)


def floor_of(root, path):
    """The floor a file belongs to; None for src/main.c; the contract for include/weft."""
    parts = path.relative_to(root).parts
    if parts[0] == "include":
        return CONTRACT
    return parts[1] if len(parts) > 2 else None


def check_floor_include(floor, target):
    """Why a file of this floor may not include a file of that one; None if it may."""
    if floor is None or target == floor:
        return None
    if floor not in LEVEL:
        return f"folder {floor} is no floor: add it to the order in {pathlib.Path(__file__).name}"
    if target not in LEVEL:
        return f"{target}/ is no floor"
    if target == CONTRACT:
        return None if LEVEL[floor] > LEVEL[CONTRACT] else f"{floor} is below the contract in include/weft"
    if LEVEL[target] == LEVEL[floor] and CONTRACT not in (target, floor):
        return f"{floor} and {target} are neighbours and never include each other"
    if LEVEL[target] > LEVEL[floor]:
        return f"{floor} includes {target}, which is above it"
    return None


def component_of(floor, stem):
    """The component that a file of this floor belongs to; None: to several."""
    names = [name for kind, name in COMPONENT_ROWS if kind + "s" == floor and (stem == name or stem.startswith(name + "_"))]
    return max(names, key=len, default=None)


def check_component_include(floor, stem, header):
    """Why a component's file may not include a header; None if it may."""
    target = pathlib.PurePath(header)
    if str(target.parent) != floor or header in COMMON:
        return None
    owner, own = component_of(floor, target.stem), component_of(floor, stem)
    return f"{owner}'s header in {own or 'what several have in common'}" if owner not in (None, own) else None


def check_foreign_include(floor, header):
    for pattern, library, is_home in FOREIGN:
        if re.match(pattern, header):
            return None if is_home(floor) else f"<{header}>: {library} does not live in {floor or 'main.c'}"
    return None


def check_includes(root, path, line):
    match = INCLUDE.match(line)
    if match is None:
        return
    bracket, header = match.groups()
    floor = floor_of(root, path)
    if header.endswith(".c"):
        yield "a .c file is included"
    reason = check_foreign_include(floor, header)
    if reason is not None:
        yield reason
    elif header == COMPONENT_TABLE:
        if LEVEL.get(floor, 0) < MAY_SEE_TABLE:
            yield f"{COMPONENT_TABLE}: read by worker and cli only"
    elif bracket == '"' and not header.endswith(".pb-c.h"):
        if "/" not in header or header.startswith("."):
            yield f'"{header}": name the floor, as in "base/slice.h"'
        else:
            reason = check_floor_include(floor, header.split("/")[0]) or check_component_include(floor, path.stem, header)
            if reason is not None:
                yield reason


def may_use_threads(floor, name):
    return floor == "ledger" or (floor == "base" and name in THREAD_HOMES)


def check_code_line(root, path, code):
    """Rules about the line without its comments and strings."""
    floor = floor_of(root, path)
    if not may_use_threads(floor, path.name):
        for match in THREAD_WORDS.finditer(code):
            yield f"{match.group(0)}: only base/thread, base/mailbox, base/log and ledger"
    if TYPEDEF_STRUCT.search(code):
        yield "a struct, union or enum is typedef'd"


def check_text_line(line):
    """Rules about the line as it is."""
    if UNFINISHED.search(line):
        yield f"{UNFINISHED.search(line).group(0)}: finish it or leave it out"
    if len(line) > MAX_COLUMNS:
        yield f"{len(line)} columns, more than {MAX_COLUMNS}"


def check_source(root, path):
    """(line, reason) for each offence of one file of src/ or include/."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".h" and not re.search(r"^#pragma once$", text, re.M):
        yield 1, "header without #pragma once"
    lines = text.split("\n")
    for number, (line, code) in enumerate(zip(lines, blank_comments_and_strings(text).split("\n")), 1):
        # A path in quotes is a string to the blanker: the directive is seen in the code, its path in the line.
        if re.match(r"\s*#\s*include\b", code):
            yield from ((number, reason) for reason in check_includes(root, path, line))
        yield from ((number, reason) for reason in check_code_line(root, path, code))
        yield from ((number, reason) for reason in check_text_line(line))


def check_test(path):
    """Tests see every floor that they link to; only the habits bind them."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".h" and not re.search(r"^#pragma once$", text, re.M):
        yield 1, "header without #pragma once"
    lines = text.split("\n")
    for number, (line, code) in enumerate(zip(lines, blank_comments_and_strings(text).split("\n")), 1):
        match = INCLUDE.match(line)
        if match is not None and match.group(2).endswith(".c"):
            yield number, "a .c file is included"
        if TYPEDEF_STRUCT.search(code):
            yield number, "a struct, union or enum is typedef'd"
        yield from ((number, reason) for reason in check_text_line(line))


def check_tree(root):
    """(path, line, reason) for each offence below root, in order of path."""
    for folder in ("include", "src"):
        for path in sorted((root / folder).rglob("*.[ch]")):
            yield from ((path, number, reason) for number, reason in check_source(root, path))
    for folder in ("tests", "bench"):
        for path in sorted((root / folder).rglob("*.[ch]")):
            yield from ((path, number, reason) for number, reason in check_test(path))


# File, its text, and a part of the reason expected (None: no offence at all).
SAMPLES = [
    ("src/base/good.c", '#include "base/slice.h"\n#include <zstd.h>\n#include <string.h>\n', None),
    ("src/base/up.c", '#include "wire/protobuf.h"\n', "above"),
    ("src/wire/up.c", '#include "config/node.h"\n', "above"),
    ("src/ledger/up.c", '#include "net/loop.h"\n', "above"),
    ("src/net/down.c", '#include "ledger/ledger.h"\n#include "wire/signal.h"\n', None),
    ("src/pipeline/up.c", '#include "ottl/ottl.h"\n', "above"),
    ("src/join/down.c", '#include "policy/policy.h"\n#include "pipeline/batch.h"\n', None),
    ("src/policy/up.c", '#include "join/join.h"\n', "above"),
    ("src/receivers/neighbour.c", '#include "exporters/otlp.h"\n', "neighbours"),
    ("src/processors/neighbour.c", '#include "extensions/health.h"\n', "neighbours"),
    ("src/processors/filter_items.c", '#include "processors/redaction_value.h"\n', "redaction's header in filter"),
    ("src/processors/filter.c", '#include "processors/filter_items.h"\n', None),
    ("src/processors/resource.c", '#include "processors/attributes_edit.h"\n', None),
    ("src/receivers/log_body.c", '#include "receivers/jsonlog_config.h"\n', "jsonlog's header in what several"),
    ("src/exporters/file.c", '#include "exporters/output.h"\n', None),
    ("src/connectors/down.c", '#include "weft/component.h"\n#include "join/join.h"\n', None),
    ("src/exporters/up.c", '#include "admin/metrics.h"\n', "above"),
    ("src/admin/up.c", '#include "worker/worker.h"\n', "above"),
    ("src/worker/down.c", '#include "exporters/otlp.h"\n#include "admin/metrics.h"\n', None),
    ("src/worker/up.c", '#include "cli/cli.h"\n', "above"),
    ("src/cli/down.c", '#include "worker/worker.h"\n', None),
    ("src/net/contract.c", '#include "weft/component.h"\n', "below the contract"),
    ("src/pipeline/contract.c", '#include "weft/component.h"\n', "below the contract"),
    ("src/graph/contract.c", '#include "weft/component.h"\n', None),
    ("src/graph/up.c", '#include "receivers/otlp.h"\n', "above"),
    ("src/join/up.c", '#include "graph/plan.h"\n', "above"),
    ("include/weft/good.h", '#pragma once\n#include "pipeline/batch.h"\n', None),
    ("include/weft/up.h", '#pragma once\n#include "worker/worker.h"\n', "above"),
    ("src/attic/any.c", '#include "base/slice.h"\n', "no floor"),
    ("src/base/other.c", '#include "attic/slice.h"\n', "no floor"),
    ("src/base/near.c", '#include "slice.h"\n', "name the floor"),
    ("src/base/climb.c", '#include "../wire/protobuf.h"\n', "name the floor"),
    ("src/worker/registry.c", '#include "components.def"\n', None),
    ("src/pipeline/registry.c", '#include "components.def"\n', "read by worker and cli"),
    ("src/main.c", '#include "cli/cli.h"\n', None),
    ("src/main.c", "#include <openssl/ssl.h>\n", "does not live in main.c"),
    ("src/worker/http2.c", "#include <nghttp2/nghttp2.h>\n", "nghttp2 does not live"),
    ("src/net/http2.c", "#include <nghttp2/nghttp2.h>\n#include <openssl/ssl.h>\n#include <event2/event.h>\n", None),
    ("src/base/tls.c", "#include <openssl/sha.h>\n", "OpenSSL does not live"),
    ("src/base/digest.c", "#include <openssl/evp.h>\n", None),
    ("src/processors/redaction.c", "#include <openssl/evp.h>\n", "OpenSSL's digests does not live"),
    ("src/worker/loop.c", "#include <event2/event.h>\n", "libevent does not live"),
    ("src/cli/yaml.c", "#include <yaml.h>\n", "libyaml does not live"),
    ("src/config/yaml.c", "#include <yaml.h>\n", None),
    ("src/config/own.c", '#include "config/yaml.h"\n', None),
    ("src/join/store.c", "#include <sqlite3.h>\n", "SQLite does not live"),
    ("src/store/store.c", "#include <sqlite3.h>\n", None),
    ("src/net/zstd.c", "#include <zstd_errors.h>\n", "zstd and ISA-L does not live"),
    ("src/net/isal.c", "#include <isa-l/igzip_lib.h>\n", "zstd and ISA-L does not live"),
    ("src/exporters/zlib.c", "#include <zlib.h>\n", "zstd and ISA-L does not live"),
    ("src/policy/regex.c", "#include <pcre2.h>\n", "PCRE2 does not live"),
    ("src/base/regex.c", "#include <pcre2.h>\n", None),
    ("src/net/protobuf.c", "#include <protobuf-c/protobuf-c.h>\n", "protobuf-c does not live"),
    ("src/wire/protobuf.c", '#include <protobuf-c/protobuf-c.h>\n#include "trace.pb-c.h"\n', None),
    ("src/admin/schema.c", '#include "metrics_service.pb-c.h"\n', None),
    ("src/base/schema.c", '#include "trace.pb-c.h"\n', "a generated schema does not live"),
    ("src/net/mutex.c", "pthread_mutex_t mutex;\n", "pthread_mutex_t: only"),
    ("src/net/atomic.c", "static _Atomic int count;\n", "_Atomic: only"),
    ("src/net/atomic.c", "int now = atomic_load(&count);\n", "atomic_load: only"),
    ("src/net/atomic.c", "#include <stdatomic.h>\n", "stdatomic.h: only"),
    ("src/net/local.c", "static __thread int count;\n", "__thread: only"),
    ("src/base/alloc.c", "static _Thread_local int count;\n", "_Thread_local: only"),
    ("src/pipeline/thread.c", "pthread_t native;\n", "pthread_t: only"),
    ("src/base/thread.h", "#pragma once\n#include <pthread.h>\n_Atomic int value;\n", None),
    ("src/base/mailbox.c", "pthread_mutex_lock(&mutex);\n", None),
    ("src/base/log.c", "static _Atomic int level;\n", None),
    ("src/ledger/cells.c", "#include <stdatomic.h>\n", None),
    ("src/net/words.c", '/* pthread_create is not called here */\nconst char *text = "_Atomic";\n', None),
    ("src/base/alias.c", "typedef struct weft_slice slice_t;\n", "typedef'd"),
    ("src/base/alias.c", "typedef const struct weft_slice *slice_pointer;\n", "typedef'd"),
    ("src/base/alias.c", "typedef enum { ONE } number;\n", "typedef'd"),
    ("src/base/alias.c", "typedef void (*weft_timer_fn)(void *context);\n", None),
    ("src/base/alias.c", "typedef enum weft_status (*weft_step_fn)(void *context);\n", None),
    ("src/base/nested.c", '#include "base/slice.c"\n', ".c file is included"),
    ("tests/unit/base/test_nested.c", '#include "base/slice.c"\n', ".c file is included"),
    ("tests/unit/base/test_alias.c", "typedef struct { int one; } pair;\n", "typedef'd"),
    ("tests/unit/base/bare.h", "int one;\n", "#pragma once"),
    ("tests/unit/net/test_free.c", '#include "fixture.h"\n#include <zlib.h>\n#include <pthread.h>\n', None),
    ("src/base/bare.h", "int one;\n", "#pragma once"),
    ("src/base/guarded.h", "#pragma once\nint one;\n", None),
    ("src/base/later.c", "/* TODO: all of it */\n", "TODO"),
    ("src/base/later.c", "int one; // FIXME\n", "FIXME"),
    ("bench/later.c", "int one; /* XXX */\n", "XXX"),
    ("src/base/not_later.c", "int xxx_total; int todo_list;\n", None),
    ("src/base/wide.c", "/* " + "x" * 115 + " */\n", "121 columns"),
    ("src/base/fits.c", "/* " + "x" * 114 + " */\n", None),
    ("src/base/fits.c", "/* " + "é" * 114 + " */\n", None),
]


def offences_of_sample(name, text):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        path = root / name
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
        return [f"{number}: {reason}" for _, number, reason in check_tree(root)]


def self_test():
    failures = 0
    for name, text, expected in SAMPLES:
        offences = offences_of_sample(name, text)
        is_good = not offences if expected is None else any(expected in offence for offence in offences)
        if not is_good:
            failures += 1
            print(f"self-test: {name}: {text!r}: expected {expected!r}, got {offences}")
    # The place of an offence is part of what is promised.
    placed = offences_of_sample("src/base/place.c", '/* one\n two */\n#include "wire/protobuf.h"\n')
    if placed != ["3: base includes wire, which is above it"]:
        failures += 1
        print(f"self-test: wrong place: {placed}")
    print(f"self-test: {len(SAMPLES) + 1 - failures} of {len(SAMPLES) + 1} as expected")
    return 1 if failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--self-test", action="store_true", help="prove each rule on samples")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test()
    count = 0
    for path, number, reason in check_tree(arguments.root):
        print(f"{path.relative_to(arguments.root)}:{number}: {reason}")
        count += 1
    if count > 0:
        print(f"{count} offences", file=sys.stderr)
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
