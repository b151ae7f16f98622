"""docs/tour.md, run as it stands against a real server: what the `sh` blocks print has what the `text` blocks show."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.production import Production
from tests.servers import Factory, Server

TOUR = Path(__file__).resolve().parents[2] / "docs" / "tour.md"
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "== end of block"


def steps() -> list[tuple[str, str]]:
    """Each `sh` block with the `text` block that follows it, or nothing."""
    found: list[tuple[str, str]] = []
    for kind, content in BLOCK.findall(TOUR.read_text(encoding="utf-8")):
        if kind == "sh":
            found.append((content, ""))
        elif found:
            found[-1] = (found[-1][0], content)
    return found


@pytest.mark.sqlite
@pytest.mark.timeout(120)
def test_every_command_of_the_tour_does_what_it_says(start_server: Factory) -> None:
    take(start_server(), {})


@pytest.mark.postgresql
@pytest.mark.timeout(120)
def test_so_it_does_in_the_production_shape(production: Production) -> None:
    take(production.web[1], production.settings)


def take(server: Server, settings: dict[str, str]) -> None:
    script = "set -eu\n" + "".join(f"{commands}\necho\necho '{MARK}'\n" for commands, _ in steps())
    own = {**server.home.environment(**settings), "URL": server.url, "CALLBOARD_PORT": str(server.port)}

    done = subprocess.run(
        ["sh", "-c", script],
        cwd=TOUR.parent.parent,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    outputs = done.stdout.split(MARK)
    for (commands, expected), output in zip(steps(), outputs, strict=False):
        for line in filter(None, expected.splitlines()):
            for piece in filter(None, (part.strip() for part in line.split("…"))):
                assert piece in output, f"{commands}\nprinted\n{output}\nwithout\n{piece}"
