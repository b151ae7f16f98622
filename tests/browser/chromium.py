"""Chromium for the tests: the machine's, or the one inside the npm package `@sparticuz/chromium`.

`python -m tests.browser.chromium install` makes sure of one. The package holds it compressed, with the few libraries
and fonts that a small machine lacks; nothing of it leaves its folder.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.clients import npm

PROJECT = Path(__file__).resolve().parent / "node"
# `machine` or `package`: take Chromium from there only.
CHOICE = "TESTS_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome")
# It may run as root, in a closed network, on a machine without a screen, and is to call nobody by itself.
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_PACKED = PROJECT / "node_modules" / "@sparticuz" / "chromium" / "bin"
_UNPACKED = PROJECT / "node_modules" / ".chromium"
# Python's own library has no brotli, Node's has.
_UNPACK = """
const {createReadStream, createWriteStream} = require("fs"), {createBrotliDecompress} = require("zlib");
require("stream/promises").pipeline(
  createReadStream(process.argv[1]), createBrotliDecompress(), createWriteStream(process.argv[2]));
"""
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>/usr/share/fonts</dir><dir>{folder}/fonts</dir><cachedir>{folder}/cache</cachedir></fontconfig>
"""


@dataclass(frozen=True)
class Chromium:
    path: Path
    environment: dict[str, str] = field(default_factory=dict)

    def runs(self) -> bool:
        done = subprocess.run(
            [self.path, "--version"], env=os.environ | self.environment, capture_output=True, check=False
        )
        return done.returncode == 0


def find() -> Chromium | None:
    return next((candidate for candidate in _candidates() if candidate.runs()), None)


def _candidates() -> Iterator[Chromium]:
    choice = os.environ.get(CHOICE, "")
    if choice in {"", "machine"}:
        yield from (Chromium(Path(path)) for path in map(shutil.which, NAMES) if path)
    if choice in {"", "package"} and (_UNPACKED / "chromium").exists():
        libraries = {"LD_LIBRARY_PATH": str(_UNPACKED / "lib"), "FONTCONFIG_PATH": str(_UNPACKED)}
        yield Chromium(_UNPACKED / "chromium", libraries)


def install() -> str:
    """What went wrong, or nothing."""
    if find() is not None:
        return ""
    if problem := npm.install(PROJECT):
        return problem
    _unpack()
    return "" if find() is not None else "the Chromium of the package does not run on this machine"


def _unpack() -> None:
    shutil.rmtree(_UNPACKED, ignore_errors=True)
    _UNPACKED.mkdir()
    for name in ("al2023", "fonts"):
        packed = _UNPACKED / f"{name}.tar"
        _decompress(_PACKED / f"{name}.tar.br", packed)
        subprocess.run(["tar", "xf", packed, "-C", _UNPACKED, "--no-same-owner"], check=True)
        packed.unlink()
    (_UNPACKED / "fonts.conf").write_text(_FONTS.format(folder=_UNPACKED), encoding="utf-8")
    unfinished = _UNPACKED / "chromium.new"
    _decompress(_PACKED / "chromium.br", unfinished)
    unfinished.chmod(0o755)
    unfinished.rename(_UNPACKED / "chromium")


def _decompress(source: Path, target: Path) -> None:
    node = npm.find()
    assert node is not None
    subprocess.run([node.node, "-e", _UNPACK, source, target], check=True)


if __name__ == "__main__":
    if sys.argv[1:] != ["install"]:
        sys.exit("usage: python -m tests.browser.chromium install")
    if problem := install():
        # Its tests fail then.
        print(f"chromium: not set up, {problem}", file=sys.stderr)
