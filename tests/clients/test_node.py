"""The clients of the Node world: each file in `node/` is a suite of node's own test runner."""

import os
import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.clients import npm
from tests.servers import Server

NODE = npm.find()


@pytest.fixture
def node() -> Iterator[str]:
    if NODE is None or not npm.is_installed(npm.CLIENTS):
        pytest.skip("`make test` sets up the Node clients, and said why it could not")
    yield str(NODE.node)


@pytest.mark.parametrize("suite", sorted(path.name for path in npm.CLIENTS.glob("*.test.mjs")))
def test_a_client_for_node_works(node: str, server: Server, producer_key: str, topic: str, suite: str) -> None:
    given = {"REGISTRY_URL": server.url, "REGISTRY_KEY": producer_key, "TOPIC": topic}

    done = subprocess.run(
        [node, "--test", "--test-reporter=spec", suite],
        cwd=npm.CLIENTS,
        env=os.environ | given,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert re.search(r"^ℹ pass [1-9]", done.stdout, re.MULTILINE), done.stdout
