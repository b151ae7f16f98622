"""One module, read from the environment, with safe defaults for a laptop."""

import os
import secrets
import sys
from pathlib import Path
from typing import Any

import environ  # type: ignore[import-untyped]
from django.core.exceptions import ImproperlyConfigured

from config import environment, logs
from config.environment import Setting, number, one_of, switch, text

BASE_DIR = Path(__file__).resolve().parent.parent
MIB = 1024 * 1024
LEVELS = ("NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE")
BILLION = 10**9

# Every setting of our own, in the order of .env.example.
TABLE = {
    "DATA": Setting(text, "./var", "Folder of the embedded database and of generated secrets."),
    "HOST": Setting(text, "127.0.0.1", "Address to serve on."),
    "PORT": Setting(number(1, 65535), 8081, "Port to serve on."),
    "WORKERS": Setting(number(1, 64), 1, "Server processes."),
    "PRODUCTION": Setting(switch, None, "Secrets must be given; on by default with PostgreSQL."),
    "ALLOWED_HOSTS": Setting(text, "*", "Host names the server answers to, comma separated."),
    "SECRET_KEY": Setting(text, None, "Django's secret; made in <data>/secrets on the embedded default."),
    "KEY_PEPPER": Setting(
        text, None, "Secret under which API keys are hashed, 32 characters or more; made in <data>/secrets likewise."
    ),
    "DEFAULT_GROUP": Setting(text, "default", "Group that owns a new subject when nothing better is known."),
    "ANONYMOUS": Setting(
        one_of("off", "read", "write"), "off", "What strangers may do, as service account `anonymous`."
    ),
    "SUBJECT_CREATION": Setting(
        one_of("open", "scoped"), "open", "Who may make a subject: anybody with a key, or who may register in a scope."
    ),
    "COMPATIBILITY": Setting(one_of(*LEVELS), "BACKWARD", "Compatibility level where none is configured."),
    "VALIDATE_NEW_SCHEMAS": Setting(switch, True, "Check names, namespaces and default values of new schemas."),
    "STRICT_REFERENCE_VERSIONS": Setting(switch, False, "Refuse one reference name with two versions in a closure."),
    "REJECT_EMPTY_SUBJECT": Setting(switch, False, "Refuse the empty subject and the subject `*`."),
    "RESPONSE_HEADERS": Setting(
        environment.headers, {}, "Extra headers on registry answers: `X-Name: value, X-Other: value`."
    ),
    "CLUSTER_ID": Setting(text, None, "Identifier of the installation in /v1/metadata/id; made at first start."),
    "LOG_FORMAT": Setting(one_of("text", "json"), "text", "Log lines for people or for machines."),
    "LOG_LEVEL": Setting(one_of("DEBUG", "INFO", "WARNING", "ERROR"), "INFO", "Least severe level that is logged."),
    "LIMIT_BODY_BYTES": Setting(number(1024, 64 * MIB), 4 * MIB, "Bytes of a request body; more is 413."),
    "LIMIT_BODY_DEPTH": Setting(number(8, 500), 64, "Nesting of a request body; deeper is 400."),
    "LIMIT_SCHEMA_BYTES": Setting(number(1024, 8 * MIB), MIB, "Bytes of one schema text; more is 42209."),
    "LIMIT_SCHEMA_DEPTH": Setting(number(1, 1000), 1000, "Nesting of a schema text."),
    "LIMIT_SCHEMA_VALUES": Setting(number(1, BILLION), 1_000_000, "JSON values in a schema text."),
    "LIMIT_SCHEMA_NAME": Setting(number(1, 50_000), 4096, "Characters of one name or symbol in a schema."),
    "LIMIT_REFERENCES": Setting(number(1, BILLION), 1000, "References in the closure of one schema."),
    "LIMIT_REFERENCE_BYTES": Setting(number(1, BILLION), 16 * MIB, "Bytes of all texts in the closure of one schema."),
    "LIMIT_DEFAULT_STEPS": Setting(
        number(1, BILLION), 1_000_000, "Steps of checking the default values of one schema."
    ),
    "LIMIT_COMPARED_PAIRS": Setting(number(1, BILLION), 1_000_000, "Pairs of types visited in one comparison."),
    "LIMIT_INCOMPATIBILITIES": Setting(number(1, BILLION), 1000, "Incompatibilities named in one answer."),
}


def _read() -> tuple[dict[str, Any], dict[str, Any]]:
    environ.Env.read_env(BASE_DIR / ".env")
    own = environment.read(TABLE, os.environ)
    data = Path(own["DATA"])
    own["DATA"] = data if data.is_absolute() else BASE_DIR / data
    given = os.environ.get("DATABASE_URL", "").strip()
    if not given:
        return own, {"ENGINE": "django.db.backends.sqlite3", "NAME": str(own["DATA"] / "callboard.sqlite3")}
    database: dict[str, Any] = dict(environ.Env.db_url_config(given))
    if database.get("ENGINE") not in {"django.db.backends.postgresql", "django.db.backends.sqlite3"}:
        raise ImproperlyConfigured("DATABASE_URL: expected postgresql://… or sqlite:///…")
    return own, database


def _secret(name: str) -> str:
    """As given, else on a laptop made once and kept in `<data>/secrets` (0600)."""
    if given := OWN[name]:
        if len(given) < 32:
            raise ImproperlyConfigured(f"CALLBOARD_{name}: expected 32 characters or more")
        return str(given)
    if PRODUCTION:
        raise ImproperlyConfigured(f"CALLBOARD_{name} (or CALLBOARD_{name}_FILE) must be set in production")
    path = OWN["DATA"] / "secrets" / name.lower().replace("_", "-")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        # O_EXCL: of two first starts at once, one makes the secret and both read it.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return str(path.read_text(encoding="ascii").strip())
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(made := secrets.token_urlsafe(48))
    return made


try:
    OWN, DATABASE = _read()
    POSTGRESQL = DATABASE["ENGINE"].endswith("postgresql")
    PRODUCTION = POSTGRESQL if OWN["PRODUCTION"] is None else OWN["PRODUCTION"]
    SECRET_KEY = _secret("SECRET_KEY")
    KEY_PEPPER = _secret("KEY_PEPPER")
except (ImproperlyConfigured, OSError) as problem:
    # One line for the operator; a traceback would hide it.
    sys.exit(f"callboard: {problem}")

DATA: Path = OWN["DATA"]
CALLBOARD: dict[str, Any] = OWN

LOGGING = logs.configuration(OWN["LOG_FORMAT"], OWN["LOG_LEVEL"])

DEBUG = False
ALLOWED_HOSTS = [host.strip() for host in OWN["ALLOWED_HOSTS"].split(",")]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
# Guardian keeps the grants; who may do what is answered by registry.access alone, so its backend is not installed.
ANONYMOUS_USER_NAME = None
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]
DATA_UPLOAD_MAX_MEMORY_SIZE = OWN["LIMIT_BODY_BYTES"]

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "rest_framework",
    "guardian",
    "audit",
    "accounts",
    "registry",
    "config",
]
MIDDLEWARE = [
    "config.middleware.request_log",
    "django.middleware.gzip.GZipMiddleware",
]

if POSTGRESQL:
    DATABASE["CONN_MAX_AGE"] = None
    DATABASE["CONN_HEALTH_CHECKS"] = True
else:
    DATABASE["CONN_MAX_AGE"] = None
    # IMMEDIATE: a deferred writer can't be cured by waiting. FULL: with NORMAL a power cut may lose acknowledged ids,
    # which would be issued again for another schema.
    DATABASE["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
    # A file: Django's default for tests is a shared memory database without WAL that no second process can open.
    DATABASE["TEST"] = {"NAME": str(DATA / "test.sqlite3")}
DATABASES = {"default": DATABASE}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.HeaderAuthentication"],
    "UNAUTHENTICATED_USER": None,
    # `?format=` belongs to the registry protocol.
    "URL_FORMAT_OVERRIDE": None,
    "STRICT_JSON": False,
}
