"""What a scenario demands of the ratio of two programs: {"sut": "weft", "against": "collector", "at_most": "1/4.5"}, for all its
variants or for one ("variant"). Judged by the median of the ratios within a round; reported, not enforced: a gate is about
losing spans, a target about a number that a disturbed machine can miss."""
import statistics

from runner import report


def factor_of(at_most):
    """1.35, "1.35" or "1/4.5"."""
    numerator, _, denominator = str(at_most).partition("/")
    return float(numerator) / float(denominator or 1)


def judge(targets, variant, rounds, key):
    """One row per target that is for this variant; a program that was not measured makes the target not measured."""
    rows = []
    for target in targets:
        if target.get("variant", variant) != variant:
            continue
        row = {**target, "key": target.get("key", key), "limit": factor_of(target["at_most"])}
        pairs = report.ratios(rounds, target["sut"], target["against"], row["key"])
        if pairs:
            row["median"] = statistics.median(pairs)
            row["q1"], _, row["q3"] = report.quartiles(pairs)
            row["is_met"] = row["median"] <= row["limit"]
        verdict = "not measured" if not pairs else "met" if row["is_met"] else "MISSED"
        rows.append({**row, "rounds": len(pairs), "verdict": verdict})
    return rows
