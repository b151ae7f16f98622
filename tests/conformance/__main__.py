"""`CONFORMANCE=folder python -m tests.conformance [SCENARIO…]`: replays recordings and prints what differs.

`folder` holds files of scenarios; without it our own ones are taken. `differences.jsonl` says what is known to differ
in recordings of the Confluent server 8.5.0: `{"scenario": …, "steps": [0, …], "reason": …}`.
"""

import json
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.conformance import recordings
from tests.conformance.replaying import Outcome, Stage, stage

HERE = Path(__file__).parent
OWN = HERE / "scenarios"
Known = dict[str, dict[int, str]]


def main(names: list[str]) -> int:
    files = recordings.read(Path(os.environ.get("CONFORMANCE") or OWN))
    known = read_known(HERE / "differences.jsonl")
    with tempfile.TemporaryDirectory(prefix="callboard-conformance-") as folder, stage(Path(folder)) as servers:
        unexplained = [outcome for file in files for outcome in replay_file(servers, file, files[file], names, known)]
    return 1 if unexplained else 0


def read_known(path: Path) -> Known:
    known: Known = {}
    for row in map(json.loads, path.read_text("utf-8").splitlines()):
        known.setdefault(row["scenario"], {}).update(dict.fromkeys(row["steps"], row["reason"]))
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


def judge(outcome: Outcome, known: dict[int, str]) -> str:
    if outcome.agrees:
        return "agreed"
    if outcome.is_allowed:
        return f"differ by row {'/'.join(map(str, outcome.step.differs))}"
    reason = known.get(outcome.number)
    return f"differ: {reason}" if reason else "unexplained"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
