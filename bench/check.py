#!/usr/bin/env python3
"""Holds the generator's books against the sink's: check.py load.json sink.json [acknowledged.bin seen.bin] [--exact]

Nothing acknowledged may be missing at the sink. With the two files (weft-load --acknowledged-out, weft-sink --seen-out)
that is proved span by span; without them by the counts. --exact also demands that what arrived is byte for byte what was
sent, under the resource and scope it was sent with, and that nothing came twice; it needs a run without refusals.

Behind a tail sampler (weft-load --trace-size --sampled --kept-out, here --kept) the same is demanded of the spans of traces
that it must keep, and of the others that none arrived: every trace is whole at the sink, or not there at all.
"""
import argparse
import array
import json
import sys


def read_counters(path):
    counters = array.array("I")
    with open(path, "rb") as file:
        counters.frombytes(file.read())
    return counters


def read_bits(path):
    with open(path, "rb") as file:
        return int.from_bytes(file.read(), "little")


def missing_unique(acknowledged_path, seen_path):
    return (read_bits(acknowledged_path) & ~read_bits(seen_path)).bit_count()


def verify_sampled(load, sink, files, exact=False):
    """Returns (missing, [faults]). files: acknowledged, seen, kept."""
    acknowledged, seen, kept = (read_bits(path) for path in files)
    missing, foreign = (acknowledged & kept & ~seen).bit_count(), (seen & ~kept).bit_count()
    faults = verify_common(load, sink, missing)
    if foreign:
        faults.append(f"{foreign} spans of traces that are dropped arrived")
    if exact:
        faults += verify_exact(load, sink, kept.bit_count())
    return missing, faults


def missing_cycled(acknowledged_path, seen_path):
    acknowledged, seen = read_counters(acknowledged_path), read_counters(seen_path)
    seen.extend([0] * (len(acknowledged) - len(seen)))
    return sum(max(0, a - s) for a, s in zip(acknowledged, seen))


def verify_common(load, sink, missing):
    faults = []
    if missing:
        faults.append(f"{missing} acknowledged spans are missing at the sink")
    if sink["unknown"] or sink["malformed_requests"]:
        faults.append(f"the sink got {sink['unknown']} unknown spans, {sink['malformed_requests']} malformed requests")
    return faults


def verify_exact(load, sink, expected):
    faults = []
    if load["acknowledged"] != load["sent"]:
        faults.append(f"{load['sent'] - load['acknowledged']} of {load['sent']} spans were not acknowledged")
    if sink["received"] != expected:
        faults.append(f"{expected} spans should have arrived, {sink['received']} did")
    for key in ("hash", "tree_hash"):
        if load[key] != sink.get(key):
            faults.append(f"{key} differs: {load[key]} sent, {sink.get(key)} arrived")
    return faults


def verify(load, sink, files=None, exact=False):
    """Returns (missing, [faults])."""
    if files:
        count = missing_cycled if load["mode"] == "cycled" else missing_unique
        missing = count(*files)
    else:
        missing = max(0, load["acknowledged"] - sink["distinct"] - sink["cycled"])
    faults = verify_common(load, sink, missing)
    return missing, faults + (verify_exact(load, sink, load["sent"]) if exact else [])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("load")
    parser.add_argument("sink")
    parser.add_argument("files", nargs="*")
    parser.add_argument("--exact", action="store_true")
    parser.add_argument("--kept", help="what weft-load --kept-out wrote: there is a tail sampler between")
    arguments = parser.parse_args()
    if len(arguments.files) not in (0, 2):
        parser.error("give both acknowledged.bin and seen.bin, or neither")
    if arguments.kept and not arguments.files:
        parser.error("--kept needs acknowledged.bin and seen.bin, too")
    with open(arguments.load) as load_file, open(arguments.sink) as sink_file:
        load, sink = json.load(load_file), json.load(sink_file)
    if arguments.kept:
        missing, faults = verify_sampled(load, sink, [*arguments.files, arguments.kept], arguments.exact)
    else:
        missing, faults = verify(load, sink, arguments.files, arguments.exact)
    for fault in faults:
        print(f"FAULT: {fault}")
    if not faults:
        print(f"ok: {load['acknowledged']} acknowledged, {missing} missing, {sink['duplicates']} duplicates")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
