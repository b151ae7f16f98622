"""docker-compose.yml, read as Compose would: no container engine is needed to see what it promises."""

import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.environment import CHECKOUT

OURS = ("web", "worker", "beat")


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text(encoding="utf-8"))


def test_the_production_shape_is_there(compose: Any) -> None:
    assert set(compose["services"]) == {"secrets", "postgres", "redis", *OURS}
    assert compose["services"]["web"]["deploy"]["replicas"] == 2


def test_everything_that_stays_up_has_a_health_check_and_comes_back(compose: Any) -> None:
    staying = {name: service for name, service in compose["services"].items() if name != "secrets"}

    assert all(service["healthcheck"]["test"] for service in staying.values())
    assert {service["restart"] for service in staying.values()} == {"unless-stopped"}


def test_who_waits_for_whom_exists_and_goes_round_in_no_circle(compose: Any) -> None:
    services = compose["services"]
    started: set[str] = set()
    while ready := {n for n, s in services.items() if n not in started and set(s.get("depends_on", {})) <= started}:
        started |= ready

    assert started == set(services)


def test_no_secret_stands_in_the_file(compose: Any) -> None:
    text = (CHECKOUT / "docker-compose.yml").read_text(encoding="utf-8")

    assert not re.search(r"(?i)(password|secret|pepper|token)\w*:\s*[\"']?(?![/$])[A-Za-z0-9+/_-]{8,}", text)
    assert "@postgres" in text
    assert not re.search(r"://[^/\s:]+:[^/\s@]+@", text)


def test_images_name_their_version(compose: Any) -> None:
    images = [service["image"] for name, service in compose["services"].items() if name in {"postgres", "redis"}]

    assert all(re.fullmatch(r"\w+:\d+[\w.-]*", image) for image in images)


def test_the_settings_of_our_services_are_settings(compose: Any) -> None:
    from config.settings import TABLE

    names = {name for name in compose["services"]["web"]["environment"] if name.startswith("CALLBOARD_")}
    assert {name.removeprefix("CALLBOARD_").removesuffix("_FILE") for name in names} <= set(TABLE)


def test_the_image_has_what_the_commands_run(compose: Any) -> None:
    dockerfile = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8")

    for folder in ("config", "registry", "catalog", "accounts", "audit", "templates"):
        assert f"COPY {folder} {folder}" in dockerfile
    assert "USER callboard" in dockerfile
    assert "--require-hashes" in dockerfile


def test_secrets_are_made_once_and_for_their_owner_alone(compose: Any, tmp_path: Path) -> None:
    command = [sys.executable if word == "python" else word for word in compose["services"]["secrets"]["command"][:-1]]
    folder = tmp_path / "secrets"

    kept = []
    for _ in range(2):
        subprocess.run([*command, folder], cwd=CHECKOUT, check=True, timeout=30)
        kept.append({path.name: path.read_text(encoding="ascii") for path in folder.iterdir()})

    assert kept[0] == kept[1]
    assert set(kept[0]) == {"secret-key", "key-pepper", "audit-signing-key", "postgres-password", "pgpass"}
    assert kept[0]["pgpass"] == f"*:*:*:callboard:{kept[0]['postgres-password']}\n"
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
