"""bench/results holds one run: what it says was measured together. Each run has an id, which stands in each of its files; a
run is published whole, at its end, in place of the one before. Files from before there were ids have none, and are one run."""
import glob
import json
import os
import re
import secrets
import shutil
import time

from runner import programs

PUBLISHED = f"{programs.BENCH}/results"
UNPUBLISHED = f"{programs.ROOT}/build/bench"
ENDINGS = ("json", "md", "svg")


def new_id():
    """When, and a few digits, so that two machines do not have the same."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(3)}"


def folder_of(wanted, is_whole, run):
    """Where a run writes; wanted: what the user named, or None. A part of a run is never written beside a published one."""
    if wanted and os.path.realpath(wanted) == os.path.realpath(PUBLISHED):
        raise SystemExit(f"{wanted} takes whole runs, without --results; name another folder")
    return wanted or (f"{UNPUBLISHED}/{run}" if is_whole else UNPUBLISHED)


def publish(folder, target=PUBLISHED):
    """Puts a run in place of the published one."""
    os.makedirs(target, exist_ok=True)
    for ending in ENDINGS:
        for path in glob.glob(f"{target}/*.{ending}"):
            os.remove(path)
        for path in glob.glob(f"{folder}/*.{ending}"):
            shutil.copy(path, target)


def id_in(path):
    with open(path) as file:
        text = file.read()
    if path.endswith(".json"):
        return json.loads(text).get("run")
    found = re.search(r"^Run (\S+)\.$", text, re.MULTILINE)
    return found.group(1) if found else None


def check(folder=PUBLISHED):
    """What is wrong with what is published, as text; None if nothing is."""
    runs = {}
    for path in sorted(glob.glob(f"{folder}/*.json") + glob.glob(f"{folder}/*.md")):
        runs.setdefault(id_in(path) or "(none)", []).append(os.path.basename(path))
    if len(runs) <= 1:
        return None
    return "\n".join([f"{folder} holds results of {len(runs)} runs; publish a whole one (bench/run.py without names):",
                      *(f"  run {run}: {', '.join(names)}" for run, names in runs.items())])
