"""The conditions that a figure means nothing without."""

import os
import platform
import sqlite3
import statistics
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("django", "djangorestframework", "granian", "psycopg", "orjson")
CHECKOUT = Path(__file__).resolve().parent.parent


def show() -> None:
    cores = len(os.sched_getaffinity(0))
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {_commit()}")
    print(f"Python {platform.python_version()}, {', '.join(f'{name} {version(name)}' for name in PACKAGES)}")
    print(f"SQLite {sqlite3.sqlite_version}, Linux {platform.release()}")
    print(f"{_processor()}, {cores} cores, load average {load()}")
    grown, again = sync_cost()
    place = tempfile.gettempdir()
    print(f"fdatasync of 4 KiB in {place}: {grown:,.0f} µs at the end of a file, {again:,.0f} µs within it", flush=True)


def load() -> str:
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


def sync_cost() -> tuple[float, float]:
    """Microseconds until a page is on the disk, which every commit waits for: in a file that grows, and in one that
    has its size, as a write-ahead log has after a while."""
    with tempfile.TemporaryFile(buffering=0) as file:
        grown = statistics.median(_sync(file.fileno(), place) for place in range(100))
        again = statistics.median(_sync(file.fileno(), place) for place in range(100))
    return grown, again


def _sync(file: int, place: int) -> float:
    started = time.perf_counter()
    os.pwrite(file, bytes(4096), place * 4096)
    os.fdatasync(file)
    return (time.perf_counter() - started) * 1e6


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _commit() -> str:
    """Of the checkout, which may be no git repository."""
    words = ["git", "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "no commit"
    return f"commit {done.stdout.strip()}"
