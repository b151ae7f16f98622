"""Reads the settings that an operator may give: typed, and loud about what it does not know.

Every own name begins with `CALLBOARD_`; `<NAME>_FILE` names a file that holds the value. django-environ reads `.env`
and `DATABASE_URL`; its casts are not used here, because they take any text for a boolean.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ  # type: ignore[import-untyped]
from django.core.exceptions import ImproperlyConfigured

PREFIX = "CALLBOARD_"


@dataclass(frozen=True)
class Setting:
    """One line of `.env.example`: what it means, how its text becomes a value, and the value when nothing is given."""

    parse: Callable[[str], Any]
    default: Any
    meaning: str


def text(value: str) -> str:
    return value


def switch(value: str) -> bool:
    if value.lower() in {"on", "true", "yes", "1"}:
        return True
    if value.lower() in {"off", "false", "no", "0"}:
        return False
    raise ValueError("expected on or off")


def number(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", value) or not low <= int(value) <= high:
            raise ValueError(f"expected a whole number from {low} to {high}")
        return int(value)

    return parse


def one_of(*choices: str) -> Callable[[str], str]:
    """The choice in its own spelling, given in any letter case."""

    def parse(value: str) -> str:
        for choice in choices:
            if value.lower() == choice.lower():
                return choice
        raise ValueError(f"expected one of {', '.join(choices)}")

    return parse


def words(value: str) -> tuple[str, ...]:
    """A list, comma separated."""
    return tuple(word for word in (part.strip() for part in value.split(",")) if word)


def pairs(value: str) -> dict[str, str]:
    """`name=value, name=value`."""
    found = {}
    for word in words(value):
        name, equals, content = word.partition("=")
        if not equals or not name.strip() or not content.strip():
            raise ValueError("expected a list like `name=value, other=value`")
        found[name.strip()] = content.strip()
    return found


def places(value: str) -> tuple[str, ...]:
    """Folders, web addresses, mail addresses and git repositories, comma separated."""
    found = words(value)
    for place in found:
        if not re.match(r"(?:file:///|https?://[^/]|mailto:[^@\s]+@|git\+(?:https|ssh|file)://)", place):
            raise ValueError("expected file:///folder, https://…, mailto:…, git+https://…, git+ssh://… or git+file://…")
    return found


def mail_server(value: str) -> dict[str, Any]:
    """Django's settings for it."""
    if not re.match(r"(?:smtp|smtps|smtp\+tls|smtp\+ssl)://[^/]", value):
        raise ValueError("expected an address like smtp+tls://user:password@mail.example.com:587")
    found: dict[str, Any] = environ.Env.email_url_config(value)
    return {name: content for name, content in found.items() if name.startswith("EMAIL_") and content is not None}


def web_address(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", value):
        raise ValueError("expected an address like https://registry.example.com")
    return value.rstrip("/")


def origins(addresses: Iterable[str | None]) -> list[str]:
    """Scheme, host and port of each, once: what a content security policy names."""
    found = (urlsplit(address) for address in addresses if address)
    return list(dict.fromkeys(f"{address.scheme}://{address.netloc}" for address in found))


def addresses(value: str) -> tuple[str, ...]:
    """A list, comma separated. A slash at the end stays: issuers are compared letter by letter."""
    found = words(value)
    for address in found:
        web_address(address)
    return found


def headers(value: str) -> dict[str, str]:
    """`Name: value, Name: value`; the values hold no comma."""
    found = {}
    for part in filter(None, (p.strip() for p in value.split(","))):
        name, colon, content = part.partition(":")
        if (
            not colon
            or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name.strip())
            or not content.strip().isprintable()
        ):
            raise ValueError("expected a list like `X-Name: value, X-Other: value`")
        found[name.strip()] = content.strip()
    return found


def read(table: Mapping[str, Setting], environ: Mapping[str, str]) -> dict[str, Any]:
    """Values by name without the prefix.

    Raises ImproperlyConfigured, naming the setting, for an unknown name, a value of the wrong type, or a file that
    can't be read. An empty value counts as not given.
    """
    known = {PREFIX + name for name in table}
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known and name.removesuffix("_FILE") not in known:
            raise ImproperlyConfigured(f"{name} is not a setting of Callboard; .env.example lists them all")
    return {name: _value(name, setting, environ) for name, setting in table.items()}


def _value(name: str, setting: Setting, environ: Mapping[str, str]) -> Any:
    full = PREFIX + name
    given = environ.get(full, "")
    file = environ.get(f"{full}_FILE", "")
    if given and file:
        raise ImproperlyConfigured(f"{full} and {full}_FILE are both set; give one of them")
    if file:
        try:
            given = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"{full}_FILE: {file} can't be read ({type(error).__name__})") from error
    if not given:
        return setting.default
    try:
        return setting.parse(given)
    except ValueError as error:
        shown = "" if file or "SECRET" in name or "PEPPER" in name else f", not {given!r}"
        raise ImproperlyConfigured(f"{full}: {error}{shown}") from error


def example(table: Mapping[str, Setting]) -> str:
    """The lines of `.env.example` for these settings, defaults commented out."""
    lines = []
    for name, setting in table.items():
        default = setting.default
        shown = (
            {True: "on", False: "off", None: ""}.get(default, default) if isinstance(default, bool | None) else default
        )
        lines += [f"# {setting.meaning}", f"# {PREFIX}{name}={'' if shown in ({}, ()) else shown}", ""]
    return "\n".join(lines)
