"""The real clients of the wide run: each is installed into the cache outside the tree, once for each pinned version, and played.

One that cannot be installed fails the test that needs it, with the reason. A player takes the addresses "host:port" of a
receiver's two doors, gRPC and HTTP, and sends all three signals to one of them; `compression` is none or gzip.
"""

import collections
import contextlib
import fcntl
import os
import shutil
import subprocess

from harness.places import TESTS, cache_directory

HERE = TESTS / "interop" / "wide"
JAVASCRIPT = TESTS / "interop" / "js"
TELEMETRYGEN = "github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen"
TELEMETRYGEN_VERSION = "v0.161.0"
H2SPEC = "github.com/summerwind/h2spec"
H2SPEC_VERSION = "v2.2.1+incompatible"
TELEMETRYGEN_TRACES, TELEMETRYGEN_LOGS, TELEMETRYGEN_METRICS = 40, 130, 120

Doors = collections.namedtuple("Doors", "grpc http")


def _run(what, arguments, seconds, environment=None):
    run = subprocess.run(list(map(str, arguments)), timeout=seconds, capture_output=True, text=True, env={**os.environ, **(environment or {})})
    if run.returncode != 0:
        raise AssertionError(f"{what}:\n{run.stdout[-4000:]}{run.stderr[-4000:]}")
    return run


def _need(program, whose):
    if not shutil.which(program):
        raise AssertionError(f"{whose} cannot be installed: {program} is not on the PATH")


@contextlib.contextmanager
def _home(name):
    """The client's folder in the cache, with nobody else installing into it."""
    home = cache_directory() / name
    home.mkdir(exist_ok=True)
    with open(home / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield home


def javascript_modules():
    _need("npm", "the SDK of JavaScript")
    _run("the SDK of JavaScript could not be installed", [JAVASCRIPT / "install"], 600)
    return cache_directory() / "interop-js" / "node_modules"


def inngest_modules():
    """Inngest's SDK, which wants a newer Node than the other clients."""
    _need("npm", "Inngest's SDK")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, timeout=60).stdout.strip()
    if int(version.removeprefix("v").split(".")[0]) < 20:
        raise AssertionError(f"Inngest's SDK needs Node of 20 or later: this is {version}")
    with _home("interop-inngest") as home:
        lock, have = HERE / "inngest" / "package-lock.json", home / "installed-lock.json"
        if not have.exists() or have.read_text() != lock.read_text():
            for path in (lock, HERE / "inngest" / "package.json"):
                shutil.copy(path, home)
            options = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
            _run("Inngest's SDK could not be installed", ["npm", "ci", "--prefix", home, *options], 600)
            have.write_text(lock.read_text())
        return home / "node_modules"


def _python_with(name, wanted, whose):
    """The Python of a virtual environment in the cache, made once for each list of requirements."""
    with _home(name) as home:
        have, python = home / "installed.txt", home / "venv" / "bin" / "python"
        if not have.exists() or have.read_text() != wanted.read_text():
            have.unlink(missing_ok=True)
            failed = f"{whose} could not be installed"
            _run(failed, ["/usr/bin/python3", "-m", "venv", "--clear", home / "venv"], 120)
            _run(failed, [python, "-m", "pip", "install", "--quiet", "--no-deps", "-r", wanted], 600)
            have.write_text(wanted.read_text())
        return python


def sdk_python():
    return _python_with("interop-python", HERE / "requirements.txt", "the SDK of Python")


def runpod_python():
    return _python_with("interop-runpod", HERE / "runpod" / "requirements.txt", "RunPod's SDK")


def rust_program():
    """cargo itself knows what is built already."""
    _need("cargo", "the SDK of Rust")
    with _home("interop-rust") as home:
        arguments = ["nice", "cargo", "build", "--locked", "--quiet", "--manifest-path", HERE / "rust" / "Cargo.toml"]
        _run("the SDK of Rust could not be built", arguments, 1800, {"CARGO_TARGET_DIR": str(home / "target")})
        return home / "target" / "debug" / "weft-interop-rust"


def rust_api(code):
    """The program of rust_api around this code."""
    _need("cargo", "the SDK of Rust")
    with _home("interop-rust") as home:
        path = home / "conventions.rs"
        if not path.exists() or path.read_text() != code:
            path.write_text(code)
        arguments = ["nice", "cargo", "build", "--locked", "--quiet", "--manifest-path", HERE / "rust_api" / "Cargo.toml"]
        environment = {"CARGO_TARGET_DIR": str(home / "target"), "CONVENTIONS_RS": str(path)}
        _run("the API of docs/conventions.md could not be built", arguments, 1800, environment)
        return home / "target" / "debug" / "weft-interop-rust-api"


def java_classes():
    """The SDK's jars, which Maven fetches, and the client beside them; where both are."""
    for program in ("mvn", "javac"):
        _need(program, "the SDK of Java")
    with _home("interop-java") as home:
        sources = [HERE / "java" / name for name in ("pom.xml", "Client.java")]
        wanted, have = "".join(source.read_text() for source in sources), home / "installed.txt"
        if not have.exists() or have.read_text() != wanted:
            have.unlink(missing_ok=True)
            for folder in ("lib", "classes"):
                shutil.rmtree(home / folder, ignore_errors=True)
            _run("the SDK of Java could not be installed",
                 ["mvn", "-q", "-B", "-f", sources[0], "dependency:copy-dependencies", f"-DoutputDirectory={home / 'lib'}"], 600)
            _run("the client in Java could not be built",
                 ["nice", "javac", "-encoding", "UTF-8", "-cp", home / "lib" / "*", "-d", home / "classes", sources[1]], 300)
            have.write_text(wanted)
        return home


def _go_program(name, package, version):
    _need("go", name)
    with _home(f"{name}-{version}") as home:
        if not (home / name).exists():
            environment = {"GOBIN": str(home), "CGO_ENABLED": "0"}
            _run(f"{name} could not be built", ["nice", "go", "install", f"{package}@{version}"], 1800, environment)
        return home / name


def telemetrygen():
    return _go_program("telemetrygen", TELEMETRYGEN, TELEMETRYGEN_VERSION)


def h2spec():
    return _go_program("h2spec", f"{H2SPEC}/cmd/h2spec", H2SPEC_VERSION)


def _play(who, arguments, environment=None):
    """An SDK says on stderr what it could not send, and ends with 0 all the same."""
    run = _run(f"{who} failed", arguments, 60, environment)
    if "rror" in run.stderr or "ail" in run.stderr:
        raise AssertionError(f"{who} failed:\n{run.stdout}{run.stderr}")


def _compressed(compression):
    return {"OTEL_EXPORTER_OTLP_COMPRESSION": compression} if compression != "none" else {}


def play_javascript(protocol, doors, compression):
    """protocol: grpc, proto or http (JSON), as the SDK's packages are called."""
    environment = {"NODE_PATH": str(javascript_modules()), **_compressed(compression)}
    url = f"http://{doors.grpc if protocol == 'grpc' else doors.http}"
    spans_url = url if protocol == "grpc" else f"{url}/v1/traces"
    for script, to in (("client.js", spans_url), ("signals.js", url)):
        _play("the SDK of JavaScript", ["node", JAVASCRIPT / script, to, protocol], environment)


def play_python(protocol, doors, compression, *signals):
    """protocol: grpc or http. signals: all three unless named."""
    url = doors.grpc if protocol == "grpc" else f"http://{doors.http}"
    _play("the SDK of Python", [sdk_python(), HERE / "python_client.py", url, protocol, compression, *signals])


def play_rust(protocol, doors, compression):
    """protocol: grpc, proto or json."""
    url = f"http://{doors.grpc if protocol == 'grpc' else doors.http}"
    _play("the SDK of Rust", [rust_program(), url, protocol], _compressed(compression))


def play_java(protocol, doors, compression):
    """protocol: grpc or http."""
    url = f"http://{doors.grpc if protocol == 'grpc' else doors.http}"
    home = java_classes()
    _play("the SDK of Java", ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{home / 'classes'}:{home / 'lib'}/*", "Client", url, protocol,
                              compression])


def play_telemetrygen(protocol, doors, _):
    """protocol: grpc or http; it compresses nothing. Its exponential histograms hold random values: they are left out."""
    common = ["--otlp-insecure", "--rate", 0, "--otlp-attributes", 'text="ünder"', "--otlp-attributes", "flag=true",
              "--telemetry-attributes", 'list=["a","b"]', "--telemetry-attributes", "number=-7"]
    common += ["--otlp-endpoint", doors.grpc] if protocol == "grpc" else ["--otlp-http", "--otlp-endpoint", doors.http]
    context = ["--trace-id", "4bf92f3577b34da6a3ce929d0e0e4736", "--span-id", "00f067aa0ba902b7"]
    plays = [["traces", "--traces", TELEMETRYGEN_TRACES, "--child-spans", 3, "--status-code", "Error"],
             ["logs", "--logs", TELEMETRYGEN_LOGS, "--body", "grüße, 世界", "--severity-number", 17, "--severity-text", "Error", *context]]
    for kind, temporality in (("Gauge", "cumulative"), ("Sum", "delta"), ("Histogram", "cumulative")):
        plays.append(["metrics", "--metrics", TELEMETRYGEN_METRICS, "--metric-type", kind, "--otlp-metric-name", f"gen.{kind}",
                      "--aggregation-temporality", temporality, *context])
    for play in plays:
        _run("telemetrygen failed", [telemetrygen(), *play, *common], 60)
