"""Programs of the Collector's own code, in Go, that a test holds weft against."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def go_peer(name):
    """The program in the folder of that name, built once into the cache by what it is made of; it needs Go."""
    sources = [HERE / name / file for file in ("main.go", "go.mod", "go.sum")]
    key = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "weft"
    binary = cache / f"{name}-{key}" / name
    if not binary.exists():
        with tempfile.TemporaryDirectory(prefix="weft-test-") as work:
            for source in sources:
                shutil.copy(source, work)
            built = subprocess.run(["nice", "-n", "19", "go", "build", "-o", name, "."], cwd=work, capture_output=True, text=True)
            if built.returncode != 0:
                raise AssertionError(f"the Collector's {name} could not be built (it needs Go on the PATH):\n{built.stderr}")
            binary.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(f"{work}/{name}", binary)
    return binary
