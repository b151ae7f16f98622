import secrets

import pytest

from tests.servers import Server


@pytest.fixture(scope="session")
def producer_key(server: Server) -> str:
    """A key with the scopes that keys have when nobody says otherwise, of an account without further rights."""
    return server.new_key("producer", group="producers")


@pytest.fixture
def topic() -> str:
    """Of this test alone: all of them speak to one server. Names with a slash and beyond ASCII have to be quoted."""
    return f"orders/eu é {secrets.token_hex(4)}"
