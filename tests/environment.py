"""A pytest plugin, loaded before Django reads its settings: the tests see a data folder and secrets of their own, and
nothing of the developer's environment or `.env`.
"""

import atexit
import os
import re
import shutil
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
SECRETS = {
    "CALLBOARD_SECRET_KEY": "the secret key of the tests, and of nothing else",
    "CALLBOARD_KEY_PEPPER": "the key pepper of the tests, and of nothing else",
    "CALLBOARD_AUDIT_SIGNING_KEY": "the signing key of the tests, and of nothing else",
}


def blank() -> dict[str, str]:
    """Every setting as not given. An empty value also outranks the one in `.env`."""
    names = re.findall(
        r"^#? ?(CALLBOARD_\w+|DATABASE_URL)=", (CHECKOUT / ".env.example").read_text("utf-8"), re.MULTILINE
    )
    given = [name for name in os.environ if name.startswith("CALLBOARD_")]
    return dict.fromkeys([*names, *(f"{name}_FILE" for name in names), *given, "DATABASE_URL"], "")


def apply() -> None:
    database = os.environ.get("DATABASE_URL", "")
    for name, value in blank().items():
        os.environ.pop(name, None)
        if not name.endswith("_FILE"):
            os.environ[name] = value
    os.environ.update(SECRETS, DATABASE_URL=database, CALLBOARD_DATA=folder(), DJANGO_SETTINGS_MODULE="config.settings")


def folder() -> str:
    """A process of pytest-xdist has a folder within that of its parent, which removes it."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    parent = os.environ.get("TESTS_FOLDER")
    if worker and parent:
        made = str(Path(parent) / worker)
        Path(made).mkdir(exist_ok=True)
        return made
    made = tempfile.mkdtemp(prefix="callboard-tests-")
    os.environ["TESTS_FOLDER"] = made
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


apply()
