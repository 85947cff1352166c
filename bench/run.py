#!/usr/bin/env python3
"""Runs bench scenarios: run.py [SCENARIO ...] [--rounds N] [--suts a,b] [--build DIR] [--list] [--check]

A scenario is a file in bench/scenarios. Its programs under test run in interleaved rounds (A, B, floor, A, B, floor, ...),
each pinned; what counts is the ratio within a round. A full run ends in bench/results/NAME.{json,md,svg}, in place of the
run before; a part of one goes to build/bench. Exits with 1 if a gate failed: something acknowledged was missing at the
sink, or (weft, floor) what arrived is not what was sent.
"""
import argparse
import glob
import json
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from runner import held, joined, machine, measure, programs, publish, report, targets  # noqa: E402

MEASURES = {**measure.MEASURES, "held": held.measure_held, "joined": joined.measure_joined}
SECONDS_AROUND_A_RUN = 2.5  # start, connect, drain, stop, check: for the estimate
LIMITS = {"steal": 0.02, "foreign": 0.15, "floor": 0.10}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="*", help="none: the full run, every scenario that is not extra")
    parser.add_argument("--list", action="store_true", help="list the scenarios")
    parser.add_argument("--rounds", type=int, help="instead of the scenario's number")
    parser.add_argument("--seconds", type=float, help="of load per round, instead of the scenario's")
    parser.add_argument("--suts", help="only these, comma-separated")
    parser.add_argument("--variants", help="only these, comma-separated")
    parser.add_argument("--build", default=f"{programs.ROOT}/build/release", help="build folder (build/release)")
    parser.add_argument("--bin", help="folder of weft-load, weft-sink, weft-floor (BUILD/bench)")
    parser.add_argument("--results", help="folder for the results, which are not published then")
    parser.add_argument("--check", action="store_true", help="only: are the published results of one run?")
    parser.add_argument("--port", type=int, default=24317, help="the first of five ports in a row (24317)")
    parser.add_argument("--quiet-wait", type=float, default=5, help="wait so long for a quiet machine before a round")
    parser.add_argument("--realtime", action="store_true",
                        help="run everything measured under SCHED_RR: on a machine that others use (needs root)")
    parser.add_argument("--keep-disturbed", action="store_true", help="count rounds with steal or foreign load too")
    return parser.parse_args()


def read_scenario(name):
    with open(f"{programs.BENCH}/scenarios/{name}.json") as file:
        return {"name": name, **json.load(file)}


def variants_of(scenario, arguments):
    common = {key: value for key, value in scenario.items() if key not in ("variants", "suts", "name", "what")}
    chosen = arguments.variants.split(",") if arguments.variants else None
    for variant in scenario.get("variants", [{"name": "all"}]):
        if chosen is None or variant["name"] in chosen:
            merged = {**common, **variant}
            if arguments.seconds:
                merged["seconds"] = arguments.seconds
            yield variant["name"], merged


def prepare_suts(names, variant, arguments):
    """The programs that can run here, and why others cannot."""
    ready, skipped = [], []
    for name in names:
        sut = programs.Sut(name, arguments.build)
        if arguments.bin:
            sut.values["bin"] = arguments.bin
        if variant.get("compression", "none") not in sut.compressions:
            skipped.append(f"{name} has no {variant.get('compression', 'none')}")
            continue
        try:
            sut.prepare()
            ready.append(sut)
        except programs.Unavailable as why:
            skipped.append(str(why))
    return ready, skipped


def run_round(suts, variant, work, arguments, number):
    measured = []
    turn = number % len(suts)
    for sut in suts[turn:] + suts[:turn]:
        machine.wait_until_quiet(arguments.quiet_wait)
        one = MEASURES[variant.get("kind", "load")](sut, variant, work, arguments)
        measured.append(one)
        of_logs = f"{one['cpu_us_per_log']:.3f} us/log, " if "cpu_us_per_log" in one else ""
        headline = f"{one['cpu_us_per_span']:.3f} us/span, {of_logs}{one['spans_per_second']:,.0f} spans/s, " \
                   f"steal {one['steal']:.0%}, others {one['foreign']:.0%}" if "cpu_us_per_span" in one else \
                   f"first answer {one['first_answer_ms']:.1f} ms, {one['idle_rss_mib']:.1f} MiB"
        print(f"  round {number + 1} {one['sut']:<20} {headline} {' '.join(one['faults'])}", flush=True)
    held.note_what_is_added(measured, variant.get("adds", {}))
    return measured


def rate_by_floor(variant, work, arguments):
    """A share of what the floor reaches here, at best, with this generator and this sink on one CPU."""
    floor = programs.Sut("floor", arguments.build)
    if arguments.bin:
        floor.values["bin"] = arguments.bin
    maximum = max(measure.measure_maximum(floor, variant, work, arguments) for _ in range(3))
    rate = round(variant["share_of_floor_maximum"] * maximum, -3)
    print(f"  the floor reaches {maximum:,.0f} spans/s; the rate is {rate:,.0f}", flush=True)
    return rate


def run_variant(name, variant, suts, arguments, base, key):
    ready, skipped = prepare_suts(suts, variant, arguments)
    for why in skipped:
        print(f"  not measured: {why}")
    rounds = []
    work = tempfile.mkdtemp(prefix="weft-bench-")
    try:
        if "share_of_floor_maximum" in variant:
            variant["rate"] = rate_by_floor(variant, work, arguments)
        for number in range(arguments.rounds or variant["rounds"]):
            rounds.append(run_round(ready, variant, work, arguments, number) if ready else [])
    except RuntimeError as why:
        shutil.copytree(work, f"{arguments.results}/failed", dirs_exist_ok=True)
        raise SystemExit(f"{why} (copied to {arguments.results}/failed)") from why
    finally:
        shutil.rmtree(work)
    is_idle = variant.get("kind") == "idle"
    calm = rounds if arguments.keep_disturbed or is_idle else report.undisturbed(rounds, LIMITS)
    names = [sut.name for sut in ready]
    return {"variant": variant, "rounds": rounds, "calm_rounds": len(calm), "skipped": skipped,
            "summary": report.summarise(calm or rounds, names, key, base),
            "targets": targets.judge(variant.get("targets", []), name, calm or rounds, key)}


def run_scenario(name, arguments):
    scenario = read_scenario(name)
    suts = arguments.suts.split(",") if arguments.suts else scenario.get("suts", [])
    base = scenario.get("base", "floor")
    key = "idle_rss_mib" if scenario.get("kind") == "idle" else \
        "peak_rss_mib" if scenario.get("is_sampled") else \
        "cpu_us_per_log" if scenario.get("kind") == "joined" else "cpu_us_per_span"
    results = {"run": arguments.run, "scenario": scenario, "machine": machine.describe(), "base": base, "key": key, "variants": {}}
    for variant_name, variant in variants_of(scenario, arguments):
        print(f"{name} / {variant_name}", flush=True)
        chosen = [sut for sut in variant.get("suts", suts) if not arguments.suts or sut in suts]
        results["variants"][variant_name] = run_variant(variant_name, variant, chosen, arguments, base, key)
    print("\n" + report.write(results, arguments.results))
    is_complete = not any(data["skipped"] for data in results["variants"].values())
    return (is_complete or not scenario.get("must_be_complete")) and not any(
        one["faults"] for data in results["variants"].values() for measured in data["rounds"] for one in measured)


def all_scenarios():
    paths = sorted(glob.glob(f"{programs.BENCH}/scenarios/*.json"))
    return [read_scenario(os.path.basename(path)[:-5]) for path in paths]


def seconds_of(sut, variant):
    if variant.get("kind") in ("held", "joined"):
        kind = held if variant["kind"] == "held" else joined
        return kind.seconds_of(programs.Sut(sut, "").description, variant)
    return variant["seconds"] + variant.get("warmup_seconds", 0)


def full_run(arguments):
    """The names of its scenarios; says how long they will take."""
    chosen = [scenario for scenario in all_scenarios() if not scenario.get("is_extra")]
    seconds = 0
    for scenario in chosen:
        for _, variant in variants_of(scenario, arguments):
            for sut in variant.get("suts", scenario.get("suts", [])):
                seconds += (arguments.rounds or variant["rounds"]) * (seconds_of(sut, variant) + SECONDS_AROUND_A_RUN)
    print(f"{len(chosen)} scenarios, about {seconds / 60:.0f} minutes", flush=True)
    return [scenario["name"] for scenario in chosen]


def main():
    arguments = parse_arguments()
    if arguments.list:
        for scenario in all_scenarios():
            print(f"{scenario['name']:<20} {scenario['what']}")
        return 0
    if arguments.check:
        fault = publish.check()
        print(fault or "the published results are of one run")
        return 1 if fault else 0
    is_whole = not (arguments.scenarios or arguments.rounds or arguments.seconds or arguments.suts or arguments.variants)
    is_published = is_whole and not arguments.results
    arguments.run = publish.new_id()
    arguments.results = publish.folder_of(arguments.results, is_whole, arguments.run)
    arguments.scenarios = arguments.scenarios or full_run(arguments)
    is_good = all([run_scenario(name, arguments) for name in arguments.scenarios])
    if is_published:
        publish.publish(arguments.results)
    print(f"run {arguments.run}: {publish.PUBLISHED if is_published else arguments.results}")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
