"""Where things are: the tree, the build folder, the cache outside the tree, and the program under test.

WEFT_BINARY names another program to test. WEFT_STAND_IN=1 says that this program is an OpenTelemetry Collector
and not weft: the same tests then show what the reference does, and those that only weft can pass are skipped.
"""

import os
import pathlib

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = TREE / "build"
TESTS = TREE / "tests"


def cache_directory() -> pathlib.Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    directory = pathlib.Path(os.environ.get("WEFT_CACHE") or os.path.join(base, "weft"))
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def program_under_test() -> pathlib.Path:
    return pathlib.Path(os.environ.get("WEFT_BINARY") or BUILD / "release" / "weft")


def is_stand_in() -> bool:
    return os.environ.get("WEFT_STAND_IN", "") == "1"
