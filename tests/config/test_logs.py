import io
import json
import logging
import logging.config
from collections.abc import Iterator

import pytest
import structlog
from django.conf import settings

from config import logs

pytestmark = pytest.mark.logs_secrets
KEY = "cbk_0123456789ab_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq_012345"
TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl"


@pytest.fixture
def lines(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """What is logged in the format that the test is given as parameter."""
    configuration = logs.configuration(getattr(request, "param", "json"), "INFO")
    stream = io.StringIO()
    configuration["handlers"]["stderr"] |= {"stream": stream}
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    logging.config.dictConfig(configuration)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logs.configuration(settings.CALLBOARD["LOG_FORMAT"], settings.CALLBOARD["LOG_LEVEL"])


both_formats = pytest.mark.parametrize("lines", ["text", "json"], indirect=True)


@both_formats
@pytest.mark.parametrize(
    "secret",
    [
        KEY,
        f"Bearer {TOKEN}",
        TOKEN,
        "Authorization: Basic dXNlcjpwYXNzd29yZA==",
        "{'Authorization': 'Digest something-else'}",
        "Cookie: sessionid=abcdef; csrftoken=ghijkl",
    ],
)
def test_a_secret_in_a_message_is_masked(lines: io.StringIO, secret: str) -> None:
    logging.getLogger("elsewhere").warning("sent %s there", secret)

    written = lines.getvalue()
    assert logs.MASK in written
    for part in (KEY, TOKEN, "dXNlcjpwYXNzd29yZA", "something-else", "abcdef", "ghijkl"):
        assert part not in written


@both_formats
def test_a_secret_in_a_field_is_masked(lines: io.StringIO) -> None:
    structlog.get_logger("request").info("request", headers={"Cookie": "sessionid=1"}, authorization="opaque", got=KEY)

    written = lines.getvalue()
    assert "sessionid=1" not in written and "opaque" not in written and KEY not in written


@both_formats
def test_a_secret_in_a_traceback_is_masked(lines: io.StringIO) -> None:
    try:
        raise ValueError(f"no such key {KEY}")
    except ValueError:
        logging.getLogger("elsewhere").exception("failed")

    assert "ValueError" in lines.getvalue() and KEY not in lines.getvalue()


def test_a_json_line_holds_level_logger_and_fields(lines: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger("request").info("request", status=200)

    line = json.loads(lines.getvalue())
    assert line["event"] == "request" and line["level"] == "info" and line["logger"] == "request"
    assert (line["status"], line["request_id"]) == (200, "r-1")


def test_a_library_is_logged_with_the_request_it_worked_for(lines: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        logging.getLogger("library").warning("slow")

    assert json.loads(lines.getvalue())["request_id"] == "r-1"


def test_what_is_below_the_level_is_not_logged(lines: io.StringIO) -> None:
    logging.getLogger("library").debug("detail")

    assert lines.getvalue() == ""


@pytest.mark.parametrize("text", ["subjects/orders-value", "a basic int type", "the bearer is in no group"])
def test_ordinary_words_stay(text: str) -> None:
    assert logs.masked(text) == text
