"""What a scenario demands of the ratio of two programs: {"sut": "weft", "against": "collector", "at_most": "1/4.5"}, for all its
variants or for one ("variant"). Judged by the median of the ratios within a round; reported, not enforced: a gate is about
losing spans, a target about a number that a disturbed machine can miss. A target without "against" is about the value of "key"
itself: {"sut": "weft-tail", "key": "bytes_per_held_span", "at_most_value": "1.15 x wire + 48"}, where wire is what a span takes
as protobuf."""
import re
import statistics

from runner import report


def factor_of(at_most):
    """1.35, "1.35" or "1/4.5"."""
    numerator, _, denominator = str(at_most).partition("/")
    return float(numerator) / float(denominator or 1)


def limit_of(text, measured):
    """0.40, or A x wire + B."""
    found = re.fullmatch(r"([\d.]+) x wire \+ ([\d.]+)", text)
    return float(found[1]) * measured["plain_bytes_per_span"] + float(found[2]) if found else float(text)


def values_of(target, rounds, key):
    """What is judged, by round; and the last limit."""
    if "against" in target:
        return report.ratios(rounds, target["sut"], target["against"], key), factor_of(target["at_most"])
    mine = [one for measured in rounds for one in measured if one["sut"] == target["sut"] and one.get(key) is not None]
    limit = limit_of(target["at_most_value"], mine[-1]) if mine else None
    return [one[key] for one in mine], limit


def judge(targets, variant, rounds, key):
    """One row per target that is for this variant; a program that was not measured makes the target not measured."""
    rows = []
    for target in targets:
        if target.get("variant", variant) != variant:
            continue
        row = {**target, "key": target.get("key", key)}
        pairs, row["limit"] = values_of(target, rounds, row["key"])
        if pairs:
            row["median"] = statistics.median(pairs)
            row["q1"], _, row["q3"] = report.quartiles(pairs)
            row["is_met"] = row["median"] <= row["limit"]
        verdict = "not measured" if not pairs else "met" if row["is_met"] else "MISSED"
        rows.append({**row, "rounds": len(pairs), "verdict": verdict})
    return rows
