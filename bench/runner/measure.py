"""One measurement: sink, program under test and generator, started, pinned, watched, stopped, checked."""
import json
import os
import shutil
import subprocess
import threading
import time

from check import verify
from runner import audit, machine, programs


class Ports:
    """Where the processes of a round listen: five ports in a row, so that two benches can run beside each other."""

    def __init__(self, first):
        self.all = [f"127.0.0.1:{first + i}" for i in range(5)]
        self.listen, self.spare, self.target, self.counters, self.telemetry = self.all


class Sampler(threading.Thread):
    """Samples the sink's count of spans and the memory of the program under test, for the overload scenario."""

    def __init__(self, pid, counters, interval=0.1):
        super().__init__(daemon=True)
        self.counters = counters
        self.pid, self.interval, self.is_running, self.samples = pid, interval, True, []

    def run(self):
        while self.is_running:
            try:
                counters = programs.read_counters(self.counters)
                self.samples.append((time.monotonic(), counters["received"], machine.rss_mib(self.pid)))
            except (OSError, ValueError):
                pass
            time.sleep(self.interval)


def transport_of(sut, variant):
    """None for files. Over HTTP/1.1 a connection has one request outstanding: as many connections as there are requests in flight."""
    if sut.protocol_in == "files":
        return []
    connections, in_flight = variant.get("connections", 4), variant.get("in_flight", 16)
    if sut.protocol_in == "http":
        connections, in_flight = connections * in_flight, 1
    return ["--protocol", sut.protocol_in, "--encoding", sut.encoding_in,
            "--connections", str(connections), "--in-flight", str(in_flight)]


def content_of(sut, variant):
    """Spans of a shape; or log lines, in the format that the program takes."""
    if "lines" in variant:
        return ["--lines", f"{programs.BENCH}/payloads/{variant['lines']}-{sut.description['lines']}.lines"]
    return ["--payload", f"{programs.BENCH}/payloads/{variant['payload']}.shape"]


def load_command(sut, variant, work, target, spans=None, seconds=None, rate=None):
    command = [f"{sut.values['bin']}/weft-load", "--target", target, *transport_of(sut, variant),
               *content_of(sut, variant),
               "--compression", variant.get("compression", "none"),
               "--acknowledged-out", f"{work}/acknowledged.bin"]
    if sut.protocol_in == "files":
        command += ["--files", f"{work}/files", "--file-count", str(variant.get("files", 10))]
    if variant.get("spans_per_request"):
        command += ["--spans-per-request", str(variant["spans_per_request"])]
    rate = variant.get("rate", 0) if rate is None else rate
    if rate:
        command += ["--rate", str(rate)]
    if spans:
        command += ["--spans", str(spans)]
    else:
        command += ["--seconds", str(seconds or variant["seconds"]),
                    "--warmup-seconds", str(variant.get("warmup_seconds", 0))]
    return command + variant.get("load", [])


def wait_for_delivery(counters, acknowledged, quiet_seconds=2.0, limit_seconds=30.0):
    """A program that answers before it delivers still owes spans when the load ends."""
    deadline = time.monotonic() + limit_seconds
    last, changed = -1, time.monotonic()
    while time.monotonic() < deadline:
        received = programs.read_counters(counters)["received"]
        if received != last:
            last, changed = received, time.monotonic()
        if received >= acknowledged or time.monotonic() - changed > quiet_seconds:
            return
        time.sleep(0.02)


def settings_of(sut, variant, work, ports):
    return {"in": sut.protocol_in, "listen": ports.listen, "spare": ports.spare, "target": ports.target,
            "telemetry": ports.telemetry, "telemetry_port": ports.telemetry.rsplit(":", 1)[1], "state": f"{work}/state", "files": f"{work}/files",
            "compression": variant.get("compression", "none"), "workers": variant.get("workers", 1), "limit_mib": 512, **variant.get("settings", {})}


class Bed:
    """The sink and the program under test, running; a context manager."""

    def __init__(self, sut, variant, work, options):
        self.sut, self.variant, self.work, self.options = sut, variant, work, options
        self.ports = Ports(options.port)
        self.sut_process = self.sink_process = None

    def __enter__(self):
        programs.demand_free(self.ports.all)
        bin_path = self.sut.values["bin"]
        peer_cpus, sut_cpus = set(self.variant.get("peer_cpus", [1])), set(self.variant.get("sut_cpus", [0]))
        self.sink_out = open(f"{self.work}/sink.json", "w")
        self.log = open(f"{self.work}/{self.sut.name}.log", "w")
        self.sink_process = programs.start(
            [f"{bin_path}/weft-sink", "--listen", self.ports.target, "--protocol", self.sut.protocol_out,
             "--counters", self.ports.counters, "--seen-out", f"{self.work}/seen.bin", *self.variant.get("sink", [])],
            peer_cpus, self.sink_out, self.log, is_realtime=self.options.realtime)
        if not programs.wait_for_port(self.ports.counters, self.sink_process):
            raise RuntimeError("the sink does not start")
        self.started = time.monotonic()
        for folder in ("state", "files"):  # a ledger of its own for each round
            shutil.rmtree(f"{self.work}/{folder}", ignore_errors=True)
        self.sut_process = self.sut.start(self.work, settings_of(self.sut, self.variant, self.work, self.ports), sut_cpus,
                                          self.log, self.options.realtime)
        if not programs.wait_for_port(self.ports.listen, self.sut_process):
            raise RuntimeError(f"{self.sut.name} does not listen; see {self.log.name}")
        self.ready_seconds = time.monotonic() - self.started
        return self

    def __exit__(self, *_):
        for process in (self.sut_process, self.sink_process):
            if process is not None:
                programs.stop(process)
        self.sink_out.close()
        self.log.close()

    def start_load(self, **changes):
        command = load_command(self.sut, self.variant, self.work, self.ports.listen, **changes)
        return programs.start(command, set(self.variant.get("peer_cpus", [1])), subprocess.PIPE, self.log,
                              is_realtime=self.options.realtime)

    def received(self):
        return programs.read_counters(self.ports.counters)["received"]

    def finish(self):
        """Stops both and returns the sink's books."""
        self.peak_rss_mib = machine.peak_rss_mib(self.sut_process.pid)
        self.is_stopped_cleanly = programs.stop(self.sut_process)
        programs.stop(self.sink_process)
        with open(f"{self.work}/sink.json") as file:
            return json.load(file)


def recovery_seconds(samples, end_of_stall, rate):
    """From the end of the stall until the sink takes 90 % of its pace again, over windows of half a second."""
    for i, (at, received, _) in enumerate(samples):
        later = next((s for s in samples[i:] if s[0] >= at + 0.5), None)
        if at >= end_of_stall and later and (later[1] - received) / (later[0] - at) >= 0.9 * rate:
            return at - end_of_stall
    return None


def memory_faults(peak_rss_mib, variant):
    """The limit is for what weft reserves; the scenario says how much the process may have on top."""
    most = variant["settings"]["limit_mib"] * (1 + variant["rss_over_limit"])
    return [f"peak RSS is {peak_rss_mib:.0f} MiB, more than {most:.0f}"] if peak_rss_mib > most else []


def measure_load(sut, variant, work, options):
    """CPU of the program under test per span between the end of the warm-up and the last delivery."""
    with Bed(sut, variant, work, options) as bed:
        pid = bed.sut_process.pid
        sampler = Sampler(pid, bed.ports.counters) if variant.get("is_sampled") else None
        load = bed.start_load()
        time.sleep(variant.get("warmup_seconds", 0))
        if sampler:
            sampler.start()
        cpu_start, spans_start = machine.tree_cpu_seconds(pid), bed.received()
        ticks, begun = machine.Ticks(), time.monotonic()
        text, _ = load.communicate()
        if load.returncode != 0 or bed.sut_process.poll() is not None:
            raise RuntimeError(f"{sut.name}: the load or the program under test failed; see {bed.log.name}")
        result = json.loads(text)
        wait_for_delivery(bed.ports.counters, result["acknowledged"])
        cpu_end, spans_end = machine.tree_cpu_seconds(pid), bed.received()
        (busy, steal), elapsed = machine.Ticks().since(ticks), time.monotonic() - begun
        if sampler:
            sampler.is_running = False
            sampler.join()
        is_audited = variant.get("is_audited") and "ledger" in sut.description
        reading = audit.read_when_drained(sut, settings_of(sut, variant, work, bed.ports)) if is_audited else None
        books = bed.finish()
    is_exact = sut.is_exact and not variant.get("may_refuse") and not variant.get("is_edited")
    missing, faults = verify(result, books, [f"{work}/acknowledged.bin", f"{work}/seen.bin"], is_exact)
    if is_audited:
        faults += audit.compare(reading, result, books) + memory_faults(bed.peak_rss_mib, variant)
    spans = max(1, spans_end - spans_start)
    own = cpu_end - cpu_start + result["cpu_user_seconds"] + result["cpu_system_seconds"] + books["cpu_seconds"]
    measured = {
        "sut": sut.name, "cpu_us_per_span": (cpu_end - cpu_start) * 1e6 / spans,
        "cpu_seconds_per_gb": (cpu_end - cpu_start) * 1e9 / (spans * result["plain_bytes_per_span"]),
        "peak_rss_mib": bed.peak_rss_mib, "latency_ms": result["latency_ms"], "spans": spans,
        "spans_per_second": result["spans_per_second"], "acknowledged": result["acknowledged"], "sent": result["sent"],
        "refused": sum(result["refused"].values()), "failed": result["failed"], "unsent": result["unsent"],
        "missing": missing, "duplicates": books["duplicates"],
        "sink_bytes_per_span": books["wire_bytes"] / max(1, books["received"]),
        "sink_spans_per_request": books["received"] / max(1, books["requests"]),
        "is_stopped_cleanly": bed.is_stopped_cleanly, "faults": faults, "steal": steal,
        "foreign": max(0.0, busy * os.cpu_count() - own / max(elapsed, 0.001)) / os.cpu_count(),
    }
    if is_audited:
        measured["ledger"] = {**reading[1], "dropped_by_reason": reading[2], "audit_status": reading[0]}
    if sampler:
        measured["rss_mib_samples"] = [round(sample[2], 1) for sample in sampler.samples]
        if "recovery" in variant and sampler.samples:
            end_of_stall = sampler.samples[0][0] + variant["recovery"]["stall_ends_at"]
            measured["recovery_seconds"] = recovery_seconds(sampler.samples, end_of_stall, variant["recovery"]["rate"])
            measured["goodput"] = books["distinct"] / books["elapsed_seconds"]
    return measured


def measure_maximum(sut, variant, work, options, seconds=2):
    """Spans a second in a closed loop."""
    machine.wait_until_quiet(options.quiet_wait)
    with Bed(sut, variant, work, options) as bed:
        text, _ = bed.start_load(seconds=seconds, rate=0).communicate()
        bed.finish()
    return json.loads(text)["spans_per_second"]


def measure_idle(sut, variant, work, options):
    """Start to first answered span, memory and wake-ups at rest, size of the binary."""
    with Bed(sut, variant, work, options) as bed:
        pid = bed.sut_process.pid
        load = bed.start_load(spans=1, rate=0)
        text, _ = load.communicate()
        answered = time.monotonic() - bed.started
        result = json.loads(text)
        time.sleep(2)
        cpu, switches, begun = machine.tree_cpu_seconds(pid), machine.voluntary_switches(pid), time.monotonic()
        time.sleep(variant["seconds"])
        elapsed = time.monotonic() - begun
        measured = {
            "sut": sut.name, "listening_ms": bed.ready_seconds * 1e3, "first_answer_ms": answered * 1e3,
            "idle_rss_mib": machine.rss_mib(pid),
            "idle_cpu_ms_per_minute": (machine.tree_cpu_seconds(pid) - cpu) * 60e3 / elapsed,
            "wakeups_per_second": (machine.voluntary_switches(pid) - switches) / elapsed,
            "binary_mb": os.path.getsize(os.path.realpath(sut.binary)) / 1e6,
            "faults": [] if result["acknowledged"] == 1 else ["the first span was not acknowledged"],
        }
        bed.finish()
    return measured


MEASURES = {"load": measure_load, "idle": measure_idle}
