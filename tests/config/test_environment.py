from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import environment, settings
from config.environment import Setting, number, one_of, switch, text
from tests.environment import CHECKOUT

TABLE = {
    "HOST": Setting(text, "127.0.0.1", "Address."),
    "PORT": Setting(number(1, 65535), 8081, "Port."),
    "NORMALIZE": Setting(switch, False, "A switch."),
    "LEVEL": Setting(one_of("NONE", "FULL"), "FULL", "A choice."),
    "KEY_PEPPER": Setting(number(1, 9), None, "A secret of a form that can be wrong."),
    "RESPONSE_HEADERS": Setting(environment.headers, {}, "Headers."),
}


def refusal(**given: str) -> str:
    with pytest.raises(ImproperlyConfigured) as refused:
        environment.read(TABLE, {f"CALLBOARD_{name}": value for name, value in given.items()})
    return str(refused.value)


def test_what_is_not_given_has_its_default() -> None:
    values = environment.read(TABLE, {"PATH": "/bin", "CALLBOARD_HOST": ""})

    assert values == {name: setting.default for name, setting in TABLE.items()}


def test_given_values_are_typed() -> None:
    given = {
        "CALLBOARD_PORT": "9000",
        "CALLBOARD_NORMALIZE": "On",
        "CALLBOARD_LEVEL": "none",
        "CALLBOARD_RESPONSE_HEADERS": "X-Frame-Options: DENY, X-B: a:b",
    }

    values = environment.read(TABLE, given)

    assert (values["PORT"], values["NORMALIZE"], values["LEVEL"]) == (9000, True, "NONE")
    assert values["RESPONSE_HEADERS"] == {"X-Frame-Options": "DENY", "X-B": "a:b"}


@pytest.mark.parametrize("name", ["CALLBOARD_PROT", "CALLBOARD_PORT_FILES", "CALLBOARD_"])
def test_an_unknown_name_is_refused_by_name(name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{name} is not a setting"):
        environment.read(TABLE, {name: "1"})


@pytest.mark.parametrize("value", ["0", "65536", "-1", "80.0", "８０", " 80", "eighty", "9" * 50])
def test_a_number_outside_its_range_is_refused(value: str) -> None:
    assert refusal(PORT=value) == f"CALLBOARD_PORT: expected a whole number from 1 to 65535, not {value!r}"


def test_a_word_that_is_no_switch_is_refused() -> None:
    assert refusal(NORMALIZE="maybe") == "CALLBOARD_NORMALIZE: expected on or off, not 'maybe'"


def test_an_unknown_choice_is_refused_with_the_choices() -> None:
    assert refusal(LEVEL="BACK") == "CALLBOARD_LEVEL: expected one of NONE, FULL, not 'BACK'"


@pytest.mark.parametrize("value", ["X-Name", "X Name: 1", ": 1", "X-Name: a\rb"])
def test_malformed_headers_are_refused(value: str) -> None:
    assert refusal(RESPONSE_HEADERS=value).startswith("CALLBOARD_RESPONSE_HEADERS: expected a list")


def test_a_value_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "port"
    file.write_text("9000\n")

    assert environment.read(TABLE, {"CALLBOARD_PORT_FILE": str(file)})["PORT"] == 9000


def test_a_value_and_a_file_for_it_are_refused(tmp_path: Path) -> None:
    assert "both set" in refusal(PORT="1", PORT_FILE=str(tmp_path))


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "port"
    if content is not None:
        file.write_bytes(content)

    assert refusal(PORT_FILE=str(file)).startswith(f"CALLBOARD_PORT_FILE: {file} can't be read (")


def test_a_malformed_secret_is_refused_without_showing_it() -> None:
    assert "hunter2" not in refusal(KEY_PEPPER="hunter2")


def test_what_stands_in_a_file_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "port"
    file.write_text("hunter2")

    assert "hunter2" not in refusal(PORT_FILE=str(file))


def test_env_example_describes_every_setting() -> None:
    """`make example` renews it."""
    written = (CHECKOUT / ".env.example").read_text(encoding="utf-8")

    head, _, rest = written.partition("\n# DATABASE_URL=\n\n")

    assert "DATABASE" not in rest and "postgresql://" in head
    assert rest == environment.example(settings.TABLE)


def test_origins_are_named_once_and_without_their_paths() -> None:
    given = ["https://idp.example/realms/a", None, "https://idp.example/end", "http://127.0.0.1:9000"]

    assert environment.origins(given) == ["https://idp.example", "http://127.0.0.1:9000"]
