"""Rules about the code itself."""

import ast
import re
import subprocess
import sys

import pytest
from django.core.management import call_command
from importlinter import cli as import_linter

from tests.environment import CHECKOUT


def test_the_import_contracts_are_kept(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(CHECKOUT)

    status = import_linter.lint_imports(no_cache=True, no_logo=True)

    assert status == 0, capsys.readouterr().out


@pytest.mark.django_db
def test_no_model_has_changed_without_its_migration(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        call_command("makemigrations", check=True, dry_run=True)
    except SystemExit:
        pytest.fail(capsys.readouterr().out)


@pytest.mark.parametrize(
    "module", ["registry.schemas", "registry.names", "registry.bodies", "registry.shapes", "registry.errors"]
)
def test_pure_modules_load_without_django(module: str) -> None:
    program = f"import sys, {module}; sys.exit(' '.join(m for m in sys.modules if m.split('.')[0] == 'django') or None)"

    done = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


ASKED_OF_DJANGO = {"has_perm", "has_perms", "has_module_perms", "ObjectPermissionChecker"}


def test_who_may_do_what_is_asked_of_the_policy_and_not_of_guardian() -> None:
    """Guardian's tables hold the grants; its functions cost a query a check, and its answers leave out what we know."""
    asked: set[tuple[str, str]] = set()
    for path in [
        path
        for app in ("accounts", "audit", "catalog", "config", "registry")
        for path in (CHECKOUT / app).rglob("*.py")
    ]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = [node.attr] if isinstance(node, ast.Attribute) else []
            if isinstance(node, ast.ImportFrom | ast.Import):
                named += [f"{getattr(node, 'module', '')}.{alias.name}" for alias in node.names]
            asked |= {(str(path.relative_to(CHECKOUT)), name) for name in named if _is_asked(name)}

    assert asked == {
        ("registry/models/grants.py", "guardian.models.GroupObjectPermissionBase"),
        ("registry/models/grants.py", "guardian.models.UserObjectPermissionBase"),
    }


def _is_asked(name: str) -> bool:
    return name in ASKED_OF_DJANGO or "guardian" in name or name.startswith("get_objects_for")


def tracked() -> list[str]:
    """What git has or would have in the next commit."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.splitlines() if (CHECKOUT / name).is_file()]


def test_no_key_stands_in_a_file() -> None:
    """Whole keys only, because the first 12 characters open nothing; tests make some up."""
    key = re.compile(rb"cbk_[0-9A-Za-z]{12}_[0-9A-Za-z]{20,}")
    shipped = [name for name in tracked() if not name.startswith("tests/")]

    assert [name for name in shipped if key.search((CHECKOUT / name).read_bytes())] == []


@pytest.mark.parametrize(
    "name", [n for n in tracked() if n.endswith("package-lock.json") or n.startswith("requirements")]
)
def test_pins_name_no_package_registry(name: str) -> None:
    """Whoever installs has one configured; a host in a lock file would overrule it."""
    pins = (CHECKOUT / name).read_text(encoding="utf-8")

    assert not re.search(r'"resolved"|--(extra-)?index-url|--find-links|@ https?:', pins)


def test_rows_are_locked_without_their_keys() -> None:
    """Foreign keys are checked at the commit, under the lock of the audit log: a locked key ends in a deadlock."""
    ours = [name for name in tracked() if name.endswith(".py") and not name.startswith("tests/")]
    locking = [
        (name, call) for name in ours for call in re.findall(r"select_for_update\(.*", (CHECKOUT / name).read_text())
    ]

    assert locking
    assert [(name, call) for name, call in locking if "no_key=True" not in call] == []
