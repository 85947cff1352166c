"""The configs that weft and a Collector are both asked about, and what they say.

drop_in/*.txt holds the cases. A line `PLACE | FRAGMENT` is one: the fragment is what stands there in an else valid config.

    receivers X | ...      the block of component X (TYPE or TYPE/NAME), which is in a pipeline; so processors, exporters, extensions.
                           A signal may follow: `exporters otlp_grpc metrics | ...`; it is else one that the component has.
    telemetry | ...        service.telemetry
    service | ...          service, with the pipelines that everybody else gets unless it has its own
    text | ...             the whole config is this: \\n ends a line

Lines behind it that are indented say more of the case:

    + ARGUMENT             a further argument of both commands
    $ NAME=VALUE           the environment has this; \\n ends a line in it
    ! refuses: WHY         weft does otherwise than the Collector, on purpose (or: accepts)
    - refuses: WHY         weft does otherwise because something is missing in it
"""

import os
import pathlib
import re
import subprocess
import tempfile

CASES = pathlib.Path(__file__).resolve().parent / "drop_in"
SIGNALS = {"file_log": "logs", "filelog": "logs", "jsonlog": "logs", "tail_sampling": "traces"}
PIPELINE = {"receivers": "otlp", "exporters": "nop"}
BLOCKS = {"otlp": "{protocols: {grpc: {endpoint: 'localhost:0'}}}"}
SECONDS = 60


class Case:
    def __init__(self, file, line, place, fragment):
        self.file, self.line, self.place, self.fragment = file, line, place, fragment
        self.environment = {}
        self.arguments = []
        self.differs = None  # (weft's verdict, is it on purpose, why)

    def __str__(self):
        return f"{self.file}:{self.line}: {self.place} | {self.fragment}"

    def add(self, text):
        if text.startswith("$ "):
            name, _, value = text[2:].partition("=")
            self.environment[name] = value.replace("\\n", "\n")
            return
        if text.startswith("+ "):
            self.arguments.append(text[2:])
            return
        match = re.fullmatch(r"([!-]) (accepts|refuses): (.+)", text)
        if match is None:
            raise ValueError(f"{self}: cannot read {text!r}")
        self.differs = (match[2], match[1] == "!", match[3])

    def config(self):
        kind, *rest = self.place.split()
        if kind == "text":
            return self.fragment.replace("\\n", "\n")
        component = rest[0] if rest else None
        signal = rest[1] if len(rest) > 1 else SIGNALS.get((component or "").split("/")[0], "traces")
        used = dict(PIPELINE)
        blocks = {"receivers": {"otlp": BLOCKS["otlp"]}, "processors": {}, "exporters": {"nop": ""}, "extensions": {}}
        service = []
        if kind in blocks:
            if kind in used:
                blocks[kind] = {}
            blocks[kind][component] = self.fragment
            used[kind] = component
        if kind == "telemetry":
            service.append(f"  telemetry: {self.fragment}")
        if kind == "service":
            service.append(f"  {self.fragment}")
        if kind == "extensions":
            service.append(f"  extensions: [{component}]")
        pipeline = ", ".join(f"{name}: [{used[name]}]" for name in ("receivers", "processors", "exporters") if name in used)
        if "pipelines:" not in self.fragment:
            service.append(f"  pipelines: {{{signal}: {{{pipeline}}}}}")
        lines = []
        for name, components in blocks.items():
            lines += [f"{name}:"] * bool(components) + [f"  {key}: {value}" for key, value in components.items()]
        return "\n".join(lines + ["service:"] + service) + "\n"


def read_file(path):
    cases = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith(" "):
            cases[-1].add(line.strip())
            continue
        place, _, fragment = line.partition(" |")
        cases.append(Case(path.name, number, place, fragment.strip()))
    return cases


def read_all():
    return [case for path in sorted(CASES.glob("*.txt")) for case in read_file(path)]


class Verdict:
    def __init__(self, program, case):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "config.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(case.config())
            done = subprocess.run([program, "validate", f"--config={path}", *case.arguments], capture_output=True, text=True, timeout=SECONDS,
                                  env={**os.environ, **case.environment}, check=False)
            self.is_accepted = done.returncode == 0
            self.text = (done.stdout + done.stderr).replace(path, "config.yaml").strip()

    @property
    def word(self):
        return "accepts" if self.is_accepted else "refuses"
