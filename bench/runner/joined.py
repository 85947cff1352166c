"""The measurement of what log records cost beside the spans of their traces: the same spans are sent twice in a row,
alone and with their lines; what the second takes more is the lines'."""
from runner import held, programs


def load_of(sut, variant, lines):
    """Jobs are there in both."""
    load = ["--traces-per-job", str(variant["traces_per_job"])]
    if sut.description.get("keeps") == "jobs":
        load += ["--jobs-whole"]
    if lines > 0:
        load += ["--logs", f"{programs.BENCH}/payloads/{variant['logs']}.shape", "--logs-per-span", str(lines)]
    return load


def measure_joined(sut, variant, work, options):
    lines = variant["logs_per_span"]
    alone, beside = (held.measure_held(sut, {**variant, "rate": variant["rate"] * (1 + count),
                                             "load": load_of(sut, variant, count)}, work, options)
                     for count in (0, lines))
    faults = [f"{what}: {fault}" for what, one in (("spans alone", alone), ("with logs", beside))
              for fault in one["faults"]]
    of_lines = beside["cpu_us_per_span"] * (1 + lines) - alone["cpu_us_per_span"]
    return {**beside, "cpu_us_per_span": alone["cpu_us_per_span"], "cpu_us_per_record": beside["cpu_us_per_span"],
            "cpu_us_per_log": of_lines / lines, "faults": faults,
            "steal": max(alone["steal"], beside["steal"]), "foreign": max(alone["foreign"], beside["foreign"]),
            "is_stopped_cleanly": alone["is_stopped_cleanly"] and beside["is_stopped_cleanly"]}


def seconds_of(sut_description, variant):
    return 2 * held.seconds_of(sut_description, variant)
