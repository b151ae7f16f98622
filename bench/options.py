"""What the command line says, for all parts."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """`seconds` is the length of a round of load, `rounds` how many there are of each candidate."""

    seconds: float
    rounds: int
