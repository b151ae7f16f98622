"""The runner beside the server: it works, it comes again, and it goes when the server goes. It is what the embedded
database comes with; on both databases the worker itself is tested elsewhere.
"""

import json
import os
import signal
import time
from collections.abc import Callable

import pytest

from tests import servers
from tests.audit import exports
from tests.servers import Factory, Home, Server, children, command

pytestmark = pytest.mark.sqlite


def keeper(server: Server) -> int:
    (found,) = (pid for pid in children(server.process.pid) if "runner.py" in command(pid))
    return found


def worker(server: Server) -> int:
    """Of exports; waited for."""
    exports.wait_for(lambda: any("audit_worker" in command(pid) for pid in children(keeper(server))))
    return children(keeper(server))[0]


def is_gone(*pids: int) -> Callable[[], bool]:
    """A process that ended has no command line, even while nobody has asked how."""
    return lambda: not any(command(pid) for pid in pids)


def state_of_new_export(home: Home) -> str:
    """Asked for in the database of that server, and waited for."""
    done = home.run("-m", "tests.audit.ask", "--wait")
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout.splitlines()[-1]))


def test_an_export_is_made_beside_the_server(start_server: Factory, home: Home) -> None:
    start_server()

    assert state_of_new_export(home) == "done"


def test_a_runner_that_crashes_takes_nothing_along_and_is_started_again(start_server: Factory) -> None:
    server = start_server()
    first = worker(server)

    os.kill(first, signal.SIGKILL)

    exports.wait_for(lambda: (pids := children(keeper(server))) and pids[0] != first)
    servers.wait_until_ready(server)
    assert "started again" in server.log


def press_control_c(server: Server) -> None:
    """The terminal tells everybody."""
    os.killpg(server.process.pid, signal.SIGINT)
    server.process.wait(servers.STOP_SECONDS)


@pytest.mark.parametrize("stop", [Server.stop, press_control_c])
def test_the_runner_stops_with_the_server(start_server: Factory, stop: Callable[[Server], object]) -> None:
    server = start_server()
    pids = keeper(server), worker(server)
    started = time.monotonic()

    stop(server)
    exports.wait_for(is_gone(*pids))

    assert time.monotonic() - started < 2
    assert "Traceback" not in server.log


def test_the_runner_outlives_a_killed_server_by_no_more_than_two_seconds(start_server: Factory) -> None:
    server = start_server()
    pids = keeper(server), worker(server)

    os.kill(server.process.pid, signal.SIGKILL)

    assert exports.wait_for(is_gone(*pids)) < 2


def test_a_killed_keeper_leaves_no_worker_behind(start_server: Factory) -> None:
    server = start_server()
    both = keeper(server), worker(server)

    os.kill(both[0], signal.SIGKILL)

    assert exports.wait_for(is_gone(*both)) < 3
    servers.wait_until_ready(server)


def test_with_a_broker_there_is_no_runner(start_server: Factory) -> None:
    server = start_server(CALLBOARD_BROKER_URL="redis://127.0.0.1:1/0")

    assert not any("runner.py" in command(pid) for pid in children(server.process.pid))
