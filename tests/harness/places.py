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


def program_with_toys() -> pathlib.Path:
    """weft with the components of tests/toys in it, from the build folder of the program under test. Release builds have no tests:
    beside those stands the one that the unit tests were built with."""
    chosen = os.environ.get("WEFT_BINARY")
    folder = pathlib.Path(chosen).parent if chosen and pathlib.Path(chosen).parent != BUILD / "release" else BUILD / "asan"
    return folder / "tests" / "weft_with_toys"


def is_stand_in() -> bool:
    return os.environ.get("WEFT_STAND_IN", "") == "1"
