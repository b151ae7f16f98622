"""Measures Callboard on this machine. Prints; keeps nothing. bench/README.md says how to read it."""

import argparse
import signal
import sys
from types import FrameType

from bench import conditions, core, history, reads, registration, rights, start
from bench.options import Options
from bench.processes import Gone
from bench.servers import Failed

PARTS = {
    "core": core.run,
    "registration": registration.run,
    "history": history.run,
    "reads": reads.run,
    "rights": rights.run,
    "start": start.run,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all if none")
    parser.add_argument("--seconds", type=float, default=3, help="length of a round of load (3)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each candidate (5)")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(unknown)}")
    if not sys.platform.startswith("linux"):
        sys.exit("bench: what processes cost is read from Linux' /proc")
    stop_as_an_exception()
    conditions.show()
    for part in given.parts or PARTS:
        PARTS[part](Options(given.seconds, given.rounds))
    print(f"\nLoad average at the end: {conditions.load()}")


def stop_as_an_exception() -> None:
    """So that a benchmark that is told to end takes its servers with it."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGHUP, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    try:
        main()
    except Failed as problem:
        sys.exit(f"bench: {problem}")
    except Gone as problem:
        sys.exit(f"bench: process {problem} ended under load")
    except KeyboardInterrupt:
        sys.exit(130)
