"""What process trees cost, from Linux' /proc: on-CPU time and memory."""

import os
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


class Gone(Exception):
    """The process ended while it was looked at."""


@dataclass(frozen=True)
class Snapshot:
    """Nanoseconds on a processor since birth, of every live thread of a tree and of the root's dead children."""

    threads: dict[tuple[int, int], int]
    reaped: int


def snapshot(root: int) -> Snapshot:
    threads: dict[tuple[int, int], int] = {}
    for pid in tree(root):
        threads |= {(pid, tid): spent for tid, spent in _threads(pid).items()}
    *_, user, system = _stat(root)[13:17]
    return Snapshot(threads, (int(user) + int(system)) * _TICK)


def cpu_between(before: Snapshot, after: Snapshot) -> int:
    """Nanoseconds. A child that ended in between is counted by its parent, a thread that ended is lost."""
    live = sum(spent - before.threads.get(thread, 0) for thread, spent in after.threads.items())
    alive = {pid for pid, _ in after.threads}
    known_of_dead = sum(spent for (pid, _), spent in before.threads.items() if pid not in alive)
    return live + max(0, after.reaped - before.reaped - known_of_dead)


def tree(root: int) -> list[int]:
    """The process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                children.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
            except Gone:
                continue
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def memory(root: int) -> float:
    """MiB of the tree as Pss: what is shared counts once."""
    kibibytes = 0
    for pid in tree(root):
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        kibibytes += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kibibytes / 1024


def command_line(pid: int) -> list[str]:
    return (PROC / str(pid) / "cmdline").read_text().rstrip("\0").split("\0")


def _threads(pid: int) -> dict[int, int]:
    spent = {}
    try:
        for task in (PROC / str(pid) / "task").iterdir():
            spent[int(task.name)] = int((task / "schedstat").read_text().split()[0])
    except (FileNotFoundError, ProcessLookupError):
        pass
    return spent


def _stat(pid: int) -> list[str]:
    """The fields after the name, which may hold blanks: the first is the state, the second the parent."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError) as error:
        raise Gone(pid) from error
