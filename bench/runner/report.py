"""Medians, quartiles, the Markdown table and the plot (SVG, written here so that nothing needs installing)."""
import json
import os
import statistics

LOAD_COLUMNS = [("CPU us/span", "cpu_us_per_span", "{:.3f}"), ("CPU-s/GB", "cpu_seconds_per_gb", "{:.3f}"),
                ("peak RSS MiB", "peak_rss_mib", "{:.1f}"), ("spans/s", "spans_per_second", "{:,.0f}"),
                ("p50 ms", "p50", "{:.2f}"), ("p99 ms", "p99", "{:.2f}"), ("p99.9 ms", "p99_9", "{:.2f}"),
                ("out B/span", "sink_bytes_per_span", "{:.0f}"), ("out spans/request", "sink_spans_per_request", "{:,.0f}")]
IDLE_COLUMNS = [("first answer ms", "first_answer_ms", "{:.1f}"), ("idle RSS MiB", "idle_rss_mib", "{:.1f}"),
                ("idle CPU ms/min", "idle_cpu_ms_per_minute", "{:.1f}"), ("wakeups/s", "wakeups_per_second", "{:.1f}"),
                ("binary MB", "binary_mb", "{:.2f}")]
OVERLOAD_COLUMNS = [("goodput spans/s", "goodput", "{:,.0f}"), ("refused", "refused", "{:,.0f}"),
                    ("failed", "failed", "{:,.0f}"), ("missing", "missing", "{:,.0f}"), ("duplicates", "duplicates", "{:,.0f}"),
                    ("recovery s", "recovery_seconds", "{:.2f}")]
ADDS_COLUMN = ("adds us/span", "adds_us_per_span", "{:.3f}")
HELD_COLUMNS = [LOAD_COLUMNS[0], ADDS_COLUMN,
                ("held spans", "held_spans", "{:,.0f}"), ("B/held span", "bytes_per_held_span", "{:.0f}"),
                ("growth B/held span", "rss_bytes_per_held_span", "{:.0f}"), ("wire B/span", "plain_bytes_per_span", "{:.0f}"),
                ("peak RSS MiB", "peak_rss_mib", "{:.0f}"), ("spans/s", "spans_per_second", "{:,.0f}"),
                ("p99 ms", "p99", "{:.2f}")]

JOINED_COLUMNS = [LOAD_COLUMNS[0], ADDS_COLUMN,
                  ("CPU us/log", "cpu_us_per_log", "{:.3f}"), ("adds us/log", "adds_us_per_log", "{:.3f}"),
                  ("held records", "held_spans", "{:,.0f}"), ("B/held record", "bytes_per_held_span", "{:.0f}"),
                  ("wire B/record", "plain_bytes_per_span", "{:.0f}"), ("peak RSS MiB", "peak_rss_mib", "{:.0f}"),
                  ("records/s", "spans_per_second", "{:,.0f}"), ("p99 ms", "p99", "{:.2f}")]


def value_of(measured, key):
    return measured["latency_ms"][key] if key in ("p50", "p99", "p99_9") else measured.get(key)


def median_of(rounds, key):
    values = [value for value in (value_of(one, key) for one in rounds) if value is not None]
    return statistics.median(values) if values else None


def quartiles(values):
    if len(values) < 2:
        return values * 3
    return statistics.quantiles(values, n=4, method="inclusive")


def is_disturbed(measured, floor_median, limits):
    """Steal, other people's work, or a floor that moved, spoil a round."""
    if measured.get("steal", 0) > limits["steal"] or measured.get("foreign", 0) > limits["foreign"]:
        return True
    return measured["sut"] == "floor" and abs(measured["cpu_us_per_span"] / floor_median - 1) > limits["floor"]


def undisturbed(rounds, limits):
    """The rounds in which nothing was disturbed; floor_median is of the calm half, so that outliers do not set it."""
    floors = sorted(one["cpu_us_per_span"] for measured in rounds for one in measured if one["sut"] == "floor"
                    and one["steal"] <= limits["steal"] and one["foreign"] <= limits["foreign"])
    floor_median = statistics.median(floors) if floors else 1.0
    return [measured for measured in rounds if not any(is_disturbed(one, floor_median, limits) for one in measured)]


def ratios(rounds, sut, base, key):
    """Paired: each round's own base."""
    pairs = []
    for measured in rounds:
        by_name = {one["sut"]: one for one in measured}
        if sut in by_name and base in by_name and by_name[base].get(key):
            pairs.append(by_name[sut][key] / by_name[base][key])
    return pairs


def summarise(rounds, suts, key, base):
    summary = {}
    for sut in suts:
        mine = [one for measured in rounds for one in measured if one["sut"] == sut]
        if not mine:
            continue
        entry = {"rounds": len(mine), "faults": sorted({fault for one in mine for fault in one["faults"]})}
        for _, column, _ in LOAD_COLUMNS + IDLE_COLUMNS + OVERLOAD_COLUMNS + HELD_COLUMNS + JOINED_COLUMNS:
            if any(column in one or column in one.get("latency_ms", {}) for one in mine):
                entry[column] = median_of(mine, column)
        pairs = ratios(rounds, sut, base, key)
        if pairs:
            entry["ratio"] = dict(zip(("q1", "median", "q3"), quartiles(pairs)))
        values = [one[key] for one in mine if key in one]
        if values:
            entry["min"], entry["quartiles"] = min(values), quartiles(values)
        summary[sut] = entry
    return summary


def table(summary, columns, base):
    lines = ["| | " + " | ".join(name for name, _, _ in columns) + f" | ratio to {base} (quartiles) | rounds | gate |",
             "|---" * (len(columns) + 4) + "|"]
    for sut, entry in summary.items():
        cells = [form.format(entry[key]) if entry.get(key) is not None else "-" for _, key, form in columns]
        ratio = entry.get("ratio")
        text = f"{ratio['median']:.2f} ({ratio['q1']:.2f}-{ratio['q3']:.2f})" if ratio else "-"
        gate = "ok" if not entry["faults"] else "FAULT: " + "; ".join(entry["faults"])
        lines.append(f"| {sut} | " + " | ".join(cells) + f" | {text} | {entry['rounds']} | {gate} |")
    return "\n".join(lines)


def text_of(ratio):
    """As targets are written: below one as 1/x."""
    return f"{ratio:.2f}" if ratio >= 1 or ratio <= 0 else f"1/{1 / ratio:.2f}"


def target_table(rows):
    lines = ["| target | measured (quartiles) | rounds | |", "|---|---|---|---|"]
    for row in rows:
        form = text_of if "against" in row else "{:.4g}".format
        measured = f"{form(row['median'])} ({form(row['q1'])} to {form(row['q3'])})" if row["rounds"] else "-"
        what = f"{row['sut']} at most {row['at_most']} of {row['against']}" if "against" in row else \
               f"{row['sut']} at most {row['at_most_value']}"
        name = "" if row["key"] == "cpu_us_per_span" else f" ({row['key'].replace('_', ' ')})"
        lines.append(f"| {what}{name} | {measured} | {row['rounds']} | "
                     f"{row['verdict']} |")
    return "\n".join(lines)


def plot(variants, key, title):
    """Horizontal bars, one group per variant; the whisker is the inter-quartile range."""
    bars = [(name, sut, entry[key], entry.get("quartiles")) for name, summary in variants.items()
            for sut, entry in summary.items() if entry.get(key)]
    if not bars:
        return None
    top = max(value for _, _, value, _ in bars)
    colours = ["#4c72b0", "#dd8452", "#55a868", "#c44e52", "#8172b3", "#937860", "#da8bc3", "#8c8c8c"]
    suts = list(dict.fromkeys(sut for _, sut, _, _ in bars))
    rows, y, previous = [], 40, None
    for variant, sut, value, spread in bars:
        if variant != previous and len(variants) > 1:
            rows.append(f'<text x="10" y="{y + 14}" font-weight="bold">{variant}</text>')
            y += 22
        previous = variant
        width = 420 * value / top
        colour = colours[suts.index(sut) % len(colours)]
        rows.append(f'<text x="150" y="{y + 12}" text-anchor="end">{sut}</text>'
                    f'<rect x="160" y="{y}" width="{width:.1f}" height="15" fill="{colour}"/>'
                    f'<text x="{170 + width:.1f}" y="{y + 12}">{value:.3g}</text>')
        if spread:
            low, high = (160 + 420 * spread[0] / top, 160 + 420 * min(spread[2] / top, 1.1))
            rows.append(f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y + 8}" y2="{y + 8}" stroke="black"/>')
        y += 20
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="720" height="{y + 10}" font-family="sans-serif" '
            f'font-size="12"><rect width="100%" height="100%" fill="white"/><text x="10" y="20" font-size="14">{title}'
            f'</text>{"".join(rows)}</svg>\n')


def write(results, directory):
    """results: the scenario, the machine, and per variant all rounds and the summary of the calm ones."""
    scenario = results["scenario"]
    name = scenario["name"]
    columns = {"idle": IDLE_COLUMNS, "held": HELD_COLUMNS, "joined": JOINED_COLUMNS}.get(scenario.get("kind"), LOAD_COLUMNS)
    if columns is LOAD_COLUMNS and "adds" in scenario:
        columns = [LOAD_COLUMNS[0], ADDS_COLUMN, *LOAD_COLUMNS[1:]]
    if scenario.get("is_sampled"):
        columns = columns[2:] + OVERLOAD_COLUMNS
    os.makedirs(directory, exist_ok=True)
    with open(f"{directory}/{name}.json", "w") as file:
        json.dump(results, file, indent=1)
    machine = results["machine"]
    parts = [f"# {name}\n\n{scenario['what']}\n\n{machine['date']}, {machine['cpu']}, {machine['cpus']} CPUs, Linux "
             f"{machine['kernel']}.\n\nRun {results['run']}.\n"]
    for variant, data in results["variants"].items():
        heading = f"\n## {variant}\n" if len(results["variants"]) > 1 else ""
        if "share_of_floor_maximum" in data["variant"]:
            heading += f"\n{data['variant']['rate']:,.0f} spans/s.\n"
        parts.append(f"{heading}\n{table(data['summary'], columns, results['base'])}\n\n"
                     f"{data['calm_rounds']} calm rounds of {len(data['rounds'])}.\n")
        parts += [f"\nNot measured: {why}\n" for why in data.get("skipped", [])]
        if data["targets"]:
            parts.append(f"\n{target_table(data['targets'])}\n")
    with open(f"{directory}/{name}.md", "w") as file:
        file.write("".join(parts))
    key = results["key"]
    drawing = plot({variant: data["summary"] for variant, data in results["variants"].items()}, key,
                   f"{name}: {key.replace('_', ' ')} (median)")
    if drawing:
        with open(f"{directory}/{name}.svg", "w") as file:
            file.write(drawing)
    return "".join(parts)
