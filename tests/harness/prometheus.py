"""The Prometheus text format, as far as a scrape of a Collector or of weft uses it."""

import re
import urllib.request

_SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$')
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_ESCAPES = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}


def parse(text):
    """List of (name, labels, value); raises ValueError at a line that is not of the format."""
    samples = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _SAMPLE.match(line.strip())
        if not match:
            raise ValueError(f"line {number} is not a sample: {line!r}")
        labels = {name: re.sub(r'\\[n"\\]', lambda hit: _ESCAPES[hit.group()], value)
                  for name, value in _LABEL.findall(match.group(2) or "")}
        samples.append((match.group(1), labels, float(match.group(3))))
    return samples


def total(samples, name, **labels):
    """The sum of name (with or without the suffix _total) over all series that carry these labels."""
    return sum(value for sample, have, value in samples
               if sample in (name, name + "_total") and labels.items() <= have.items())


def scrape(url, seconds=5.0):
    with urllib.request.urlopen(url, timeout=seconds) as answer:
        return parse(answer.read().decode())
