"""grpcio stubs of proto/*.proto, generated on first use into build/python (made anew when a schema changes)."""

import fcntl
import hashlib
import importlib
import pathlib
import sys

from .places import BUILD, TREE


def _generate(schemas, directory):
    import grpc_tools
    from grpc_tools import protoc

    directory.mkdir(parents=True, exist_ok=True)
    well_known = pathlib.Path(grpc_tools.__file__).parent / "_proto"
    code = protoc.main(["protoc", f"-I{TREE / 'proto'}", f"-I{well_known}", f"--python_out={directory}",
                        f"--grpc_python_out={directory}", *map(str, schemas)])
    if code != 0:
        raise RuntimeError("grpc_tools.protoc could not compile proto/*.proto")


def module(name):
    """The generated module, as in module("trace_service_pb2")."""
    schemas = sorted((TREE / "proto").glob("*.proto"))
    digest = hashlib.sha256(b"".join(schema.read_bytes() for schema in schemas)).hexdigest()[:16]
    directory = BUILD / "python" / digest
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / "python.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = directory / "done"
        if not done.exists():
            _generate(schemas, directory)
            done.touch()
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))
    return importlib.import_module(name)


def trace_request(raw):
    return module("trace_service_pb2").ExportTraceServiceRequest.FromString(raw)
