"""Programs in Go that a test holds weft against: of the Collector's own code, and Prometheus."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def _built(name, sources, options, package):
    """Built once into the cache by what it is made of; it needs Go."""
    key = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "weft"
    binary = cache / f"{name}-{key}" / name
    if not binary.exists():
        with tempfile.TemporaryDirectory(prefix="weft-test-") as work:
            for source in sources:
                shutil.copy(source, work)
            built = subprocess.run(["nice", "-n", "19", "go", "build", *options, "-o", f"{work}/{name}", package], cwd=work,
                                   capture_output=True, text=True)
            if built.returncode != 0:
                raise AssertionError(f"{name} could not be built (it needs Go on the PATH):\n{built.stderr}")
            binary.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(f"{work}/{name}", binary)
    return binary


def go_peer(name):
    """The program in the folder of that name."""
    return _built(name, [HERE / name / file for file in ("main.go", "go.mod", "go.sum")], [], ".")


def prometheus_program(name):
    """prometheus or promtool, without its ways to discover targets."""
    return _built(name, [HERE / "prometheus_server" / file for file in ("go.mod", "go.sum")], ["-tags", "remove_all_sd"],
                  f"github.com/prometheus/prometheus/cmd/{name}")
