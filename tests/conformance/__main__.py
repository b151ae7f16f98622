"""`CONFORMANCE=folder python -m tests.conformance [SCENARIO…]`: replays recordings and prints what differs.

`folder` holds files of scenarios; without it our own ones are taken. DIFFERENCES may name a file of differences that
are known, JSON lines: `{"scenario": …, "steps": [0, …], "reason": …}`; without `steps`, all of them.
"""

import json
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.conformance import recordings
from tests.conformance.replaying import Outcome, Stage, stage

OWN = Path(__file__).parent / "scenarios"
Known = dict[str, dict[int | None, str]]


def main(names: list[str]) -> int:
    files = recordings.read(Path(os.environ.get("CONFORMANCE") or OWN))
    known = read_known(os.environ.get("DIFFERENCES", ""))
    with tempfile.TemporaryDirectory(prefix="callboard-conformance-") as folder, stage(Path(folder)) as servers:
        unexplained = [outcome for file in files for outcome in replay_file(servers, file, files[file], names, known)]
    return 1 if unexplained else 0


def read_known(path: str) -> Known:
    known: Known = {}
    for line in Path(path).read_text("utf-8").splitlines() if path else []:
        row = json.loads(line)
        known.setdefault(row["scenario"], {}).update(dict.fromkeys(row.get("steps") or [None], row["reason"]))
    return known


def replay_file(
    servers: Stage, file: str, scenarios: list[recordings.Scenario], names: list[str], known: Known
) -> list[Outcome]:
    """Prints as it goes; returns what nothing explains."""
    print(f"# {file}", flush=True)
    counts: Counter[str] = Counter()
    unexplained = []
    for scenario in scenarios:
        if names and scenario.name not in names:
            continue
        for outcome in servers.replay(scenario):
            verdict = judge(outcome, known.get(scenario.name, {}))
            counts[verdict] += 1
            if verdict == "unexplained":
                unexplained.append(outcome)
                print(outcome, flush=True)
    print(f"# {file}: " + ", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items())), flush=True)
    return unexplained


def judge(outcome: Outcome, known: dict[int | None, str]) -> str:
    if outcome.agrees:
        return "agreed"
    if outcome.is_allowed:
        return f"differ by row {'/'.join(map(str, outcome.step.differs))}"
    reason = known.get(outcome.number) or known.get(None)
    return f"differ: {reason}" if reason else "unexplained"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
