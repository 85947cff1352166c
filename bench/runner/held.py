"""The measurement of programs that hold traces: what a span costs while as many come in as are decided, and what one that
is held takes. Spans are counted where they are offered, since a sampler passes on a tenth of them."""
import json
import os
import re
import statistics
import struct
import time
import urllib.request

from check import verify, verify_sampled
from runner import audit, machine, measure, programs

SETTLING_SECONDS = 1.5  # behind the first decisions, until as many go as come
TICK_SECONDS = 1.0      # the Collector decides once a second: a trace waits half of that longer, in the mean
REQUEST_SPANS = 960     # divisible by what each trace size has in a request (load/traces.h)


def is_sampler(sut, variant):
    """Unless its policies keep everything."""
    return "holds" in sut.description and not variant.get("keeps_all")


def plan_of(sut, variant, work):
    """The variant as this program runs it: who holds nothing needs no time to fill. fill_seconds instead of the wait: only
    the gate is of interest."""
    is_holding = "holds" in sut.description
    wait = variant.get("fill_seconds", variant["settings"]["decision_wait_s"]) if is_holding else 0
    load = ["--trace-size", str(variant["trace_size"]), "--progress", f"{work}/progress",
            "--kept-out", f"{work}/kept.bin", *(["--sampled"] if is_sampler(sut, variant) else []),
            *variant.get("load", [])]
    warmup = wait + (SETTLING_SECONDS if is_holding else 0.5)
    return {**variant, "spans_per_request": REQUEST_SPANS, "warmup_seconds": warmup,
            "seconds": warmup + variant["seconds"] + 1.5, "load": load}


def seconds_of(sut_description, variant):
    """How long a run takes, about; for the estimate of the full run."""
    wait = variant["settings"]["decision_wait_s"] if "holds" in sut_description else 0
    return variant["seconds"] + wait * (2 if sut_description.get("holds") == "process" else 1)


def acknowledged(work):
    with open(f"{work}/progress", "rb") as file:
        return struct.unpack("Q", file.read(8))[0]


def wait_for_first_answer(work, load, limit_seconds=20):
    deadline = time.monotonic() + limit_seconds
    while load.poll() is None and time.monotonic() < deadline:
        try:
            if acknowledged(work) > 0:
                return
        except (FileNotFoundError, struct.error):
            pass
        time.sleep(0.005)


def read_join(sut, settings):
    """(spans held, bytes of the join) as weft's ledger and metrics have them."""
    _, totals, _ = audit.read([programs.fill(word, {**sut.values, **settings})
                               for word in sut.description["ledger"]], ("traces", "logs"))
    with urllib.request.urlopen(f"http://{settings['telemetry']}/metrics", timeout=10) as answer:
        found = re.search(r"^weft_join_bytes\{[^}]*\} (\S+)", answer.read().decode(), re.MULTILINE)
    return totals.get("buffered", 0), float(found.group(1))


def read_join_often(sut, settings, times=5):
    """The two are not read at the same moment, and a request or a verdict moves them by hundreds: the median of some."""
    readings = []
    for _ in range(times):
        readings.append(read_join(sut, settings))
        time.sleep(0.05)
    return tuple(statistics.median(values) for values in zip(*readings))


def held_bytes(sut, variant, settings, growth_bytes):
    """(spans held, bytes of each): from weft's own counts, and of all programs by the growth of the process."""
    kind = sut.description.get("holds")
    if kind is None:
        return {}
    wait = variant["settings"]["decision_wait_s"]
    spans, join_bytes = variant["rate"] * (wait + TICK_SECONDS / 2), None
    if kind == "join":
        spans, join_bytes = read_join_often(sut, settings)
    spans = max(1, spans)
    found = {"held_spans": spans, "rss_bytes_per_held_span": growth_bytes / spans}
    if join_bytes is not None:
        found["bytes_per_held_span"] = join_bytes / spans
    return found


class Window:
    """CPU and spans from one moment to another."""

    def __init__(self, bed, load, work):
        self.pids = [bed.sut_process.pid, bed.sink_process.pid, load.pid]
        self.work, self.ticks, self.begun = work, machine.Ticks(), time.monotonic()
        self.spans, self.cpu = acknowledged(work), [machine.tree_cpu_seconds(pid) for pid in self.pids]

    def end(self):
        cpu = [machine.tree_cpu_seconds(pid) - before for pid, before in zip(self.pids, self.cpu)]
        spans = max(1, acknowledged(self.work) - self.spans)
        elapsed, (busy, steal) = time.monotonic() - self.begun, machine.Ticks().since(self.ticks)
        return {"cpu_us_per_span": cpu[0] * 1e6 / spans, "spans": spans, "spans_per_second": spans / elapsed,
                "steal": steal, "foreign": max(0.0, busy * os.cpu_count() - sum(cpu) / elapsed) / os.cpu_count()}


def gate(sut, variant, result, books, work):
    files = [f"{work}/acknowledged.bin", f"{work}/seen.bin"]
    if is_sampler(sut, variant):
        return verify_sampled(result, books, [*files, f"{work}/kept.bin"], sut.is_exact)
    return verify(result, books, files, sut.is_exact)


def wait_for_verdicts(sut, bed, variant, result):
    """weft decides on what it holds when it is told to end; the Collector is given the time that it waits."""
    if sut.description.get("holds") == "process":
        measure.wait_for_delivery(bed.ports.counters, result["acknowledged"], limit_seconds=3600,
                                  quiet_seconds=variant["settings"]["decision_wait_s"] + 3 * TICK_SECONDS)
    elif "holds" not in sut.description:
        measure.wait_for_delivery(bed.ports.counters, result["acknowledged"])


def measure_held(sut, variant, work, options):
    plan = plan_of(sut, variant, work)
    with measure.Bed(sut, plan, work, options) as bed:
        rss_before = machine.rss_mib(bed.sut_process.pid)
        load = bed.start_load()
        wait_for_first_answer(work, load)
        time.sleep(plan["warmup_seconds"])
        window = Window(bed, load, work)
        time.sleep(variant["seconds"])
        measured = {"sut": sut.name, **window.end()}
        growth = (machine.rss_mib(bed.sut_process.pid) - rss_before) * 1024 * 1024
        measured.update(held_bytes(sut, variant, measure.settings_of(sut, plan, work, bed.ports), growth))
        text, _ = load.communicate()
        if load.returncode != 0 or bed.sut_process.poll() is not None:
            raise RuntimeError(f"{sut.name}: the load or the program under test failed; see {bed.log.name}")
        result = json.loads(text)
        wait_for_verdicts(sut, bed, variant, result)
        books = bed.finish()
    missing, faults = gate(sut, variant, result, books, work)
    return {**measured, "peak_rss_mib": bed.peak_rss_mib, "latency_ms": result["latency_ms"],
            "plain_bytes_per_span": result["plain_bytes_per_span"], "sent": result["sent"],
            "acknowledged": result["acknowledged"], "unsent": result["unsent"], "missing": missing,
            "arrived": books["distinct"], "duplicates": books["duplicates"], "faults": faults,
            "is_stopped_cleanly": bed.is_stopped_cleanly}


def note_what_is_added(measured, adds):
    """adds: {"weft-tail": "weft"}: what the first costs over the second, in the same round."""
    by_name = {one["sut"]: one for one in measured}
    for name, base in adds.items():
        if name not in by_name or base not in by_name:
            continue
        for record in ("span", "log"):
            costs = [by_name[of].get(f"cpu_us_per_{record}") for of in (name, base)]
            if None not in costs:
                by_name[name][f"adds_us_per_{record}"] = costs[0] - costs[1]
