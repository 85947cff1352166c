"""weft's own ledger against what generator and sink saw. Read with `weft ledger --audit --json` when the load has ended and
nothing is held any more; the totals are added up here from the single accounts."""
import json
import subprocess
import time

from runner import programs

WAITING = ("in_flight", "buffered", "queued")


def read(command, signals=("traces",)):
    """(exit status, totals by account, dropped by reason), over these signals."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=30)
    totals, dropped = {}, {}
    for account in json.loads(done.stdout)["accounts"]:
        if account["signal"] not in signals:
            continue
        name, balance = account["account"], account["balance"]
        totals[name] = totals.get(name, 0) + balance
        if name == "dropped" and balance:
            dropped[account["reason"]] = dropped.get(account["reason"], 0) + balance
    return done.returncode, totals, dropped


def read_when_drained(sut, settings, limit_seconds=60):
    """The last reading, when nothing waits any more or after limit_seconds."""
    command = [programs.fill(word, {**sut.values, **settings}) for word in sut.description["ledger"]]
    deadline = time.monotonic() + limit_seconds
    while True:
        reading = read(command)
        if not any(reading[1].get(name, 0) for name in WAITING) or time.monotonic() > deadline:
            return reading
        time.sleep(0.25)


def compare(reading, load, sink):
    """What disagrees, as faults. load and sink are the JSON of weft-load and weft-sink."""
    status, totals, dropped = reading
    offered, sent = totals.get("offered", 0), totals.get("sent", 0)
    accepted = offered - totals.get("refused", 0)
    waiting = sum(totals.get(name, 0) for name in WAITING)
    ended_badly = sum(dropped.values()) + totals.get("rejected", 0)
    answered = load["acknowledged"] + load["partial"]
    refused, arrived = sum(load["refused"].values()), sink["distinct"] + sink["cycled"]
    faults = []
    if status != 0:
        faults.append(f"ledger: the audit ended with {status}")
    if waiting:
        faults.append(f"ledger: {waiting} spans still wait")
    if accepted + totals.get("copied", 0) != sent + ended_badly + waiting + totals.get("uncopied", 0):
        faults.append(f"ledger: it does not balance: {totals}")
    # What was accepted was acknowledged, or its answer was lost, or it was dropped and the client was told so.
    if not answered <= accepted <= answered + load["failed"] + min(refused, ended_badly):
        faults.append(f"ledger: {accepted} accepted, but {answered} acknowledged, {load['failed']} answers lost, "
                      f"{ended_badly} dropped or rejected")
    if offered > load["sent"]:
        faults.append(f"ledger: {offered} offered, but {load['sent']} sent")
    # What the backend confirmed is there; what is there was confirmed, or given up without knowing.
    if not sent <= arrived <= sent + dropped.get("unconfirmed", 0):
        faults.append(f"ledger: {sent} sent, {dropped.get('unconfirmed', 0)} unconfirmed, but {arrived} at the sink")
    return faults
