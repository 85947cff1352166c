"""Conditions in OTTL beside the Collector's own: what each says of the same records, or that it fails, or is refused.

WEFT_CONDITIONS: how many in each context; WEFT_SEED: other ones.
"""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import ottl_conditions
from harness.case import OutsideInCase, only_weft
from harness.places import program_under_test

HERE = pathlib.Path(__file__).resolve().parent / "ottl_conditions"
CONDITIONS = int(os.environ.get("WEFT_CONDITIONS", "300"))
SEED = int(os.environ.get("WEFT_SEED", "20261129"))


def peer_binary():
    """Built once into the cache by what it is made of; it needs Go."""
    sources = [HERE / name for name in ("main.go", "go.mod", "go.sum")]
    key = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "weft"
    binary = cache / f"ottl-conditions-{key}" / "ottl"
    if not binary.exists():
        with tempfile.TemporaryDirectory(prefix="weft-test-") as work:
            for source in sources:
                shutil.copy(source, work)
            built = subprocess.run(["nice", "-n", "19", "go", "build", "-o", "ottl", "."], cwd=work, capture_output=True, text=True)
            if built.returncode != 0:
                raise AssertionError(f"the Collector's OTTL could not be built (it needs Go on the PATH):\n{built.stderr}")
            binary.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(f"{work}/ottl", binary)
    return binary


@only_weft("the Collector has no such command")
class OttlConditions(OutsideInCase):
    def by_weft(self, context, condition, request):
        done = subprocess.run([program_under_test(), "ottl", "--context", context, "--condition", condition], input=request + "\n",
                              capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            return ["refused"]
        answers = [line.split(" ", 3)[3] for line in done.stdout.splitlines() if line.startswith("  ")]
        return ["fails" if answer.startswith("fails: ") else answer for answer in answers]

    def test_each_condition_says_the_same(self):
        requests = {context: json.dumps(request) for context, request in ottl_conditions.requests().items()}
        asked = []
        for context in requests:
            source = ottl_conditions.Source(SEED, context)
            asked += [(context, source.condition()) for _ in range(CONDITIONS)]
        jobs = "".join(json.dumps({"context": context, "condition": condition, "request": json.loads(requests[context])}) + "\n"
                       for context, condition in asked)
        done = subprocess.run([peer_binary()], input=jobs, capture_output=True, text=True, timeout=600, check=True)
        by_collector = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(len(by_collector), len(asked))
        differ = [(context, condition, wanted, got) for (context, condition), wanted in zip(asked, by_collector)
                  if (got := self.by_weft(context, condition, requests[context])) != wanted]
        self.assertEqual(differ, [], f"{len(differ)} of {len(asked)}")
