"""One module, read from the environment, with safe defaults for a laptop."""

import os
import secrets
import sys
from pathlib import Path
from typing import Any

import environ  # type: ignore[import-untyped]
from django.core.exceptions import ImproperlyConfigured

from config import environment, logs
from config.environment import (
    Setting,
    addresses,
    mail_server,
    number,
    one_of,
    pairs,
    places,
    switch,
    text,
    web_address,
    words,
)

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
    "BASE_URL": Setting(
        web_address, None, "Address under which people and Backstage reach the server; from host and port if empty."
    ),
    "PRODUCTION": Setting(switch, None, "Secrets must be given; on by default with PostgreSQL or an OpenID provider."),
    "ALLOWED_HOSTS": Setting(text, "*", "Host names the server answers to, comma separated."),
    "SECRET_KEY": Setting(text, None, "Django's secret; made in <data>/secrets on the embedded default."),
    "KEY_PEPPER": Setting(
        text, None, "Secret under which API keys are hashed, 32 characters or more; made in <data>/secrets likewise."
    ),
    "KEY_PEPPER_VERSION": Setting(
        number(1, 32767), 1, "Number of the pepper, stored with each key; one more at a change."
    ),
    "KEY_PEPPER_OLD": Setting(
        text, None, "The pepper before, for keys that were hashed under it and have not ended yet."
    ),
    "AUDIT_SIGNING_KEY": Setting(
        text, None, "Secret from which the key of the checkpoints is made, 32 characters or more; made likewise."
    ),
    "DEFAULT_GROUP": Setting(text, "default", "Group that owns a new subject when nothing better is known."),
    "ANONYMOUS": Setting(
        one_of("off", "read", "write"), "off", "What strangers may do, as service account `anonymous`."
    ),
    "SUBJECT_CREATION": Setting(
        one_of("open", "scoped"), "open", "Who may make a subject: anybody with a key, or who may register in a scope."
    ),
    "STRICT_COHERENCE": Setting(
        switch, False, "What was taken away counts everywhere at once, not within a second; a query more a request."
    ),
    "COMPATIBILITY": Setting(one_of(*LEVELS), "BACKWARD", "Compatibility level where none is configured."),
    "MODE_MUTABILITY": Setting(switch, True, "Whether modes may be changed at all."),
    "VALIDATE_NEW_SCHEMAS": Setting(switch, True, "Check names, namespaces and default values of new schemas."),
    "STRICT_REFERENCE_VERSIONS": Setting(switch, False, "Refuse one reference name with two versions in a closure."),
    "REJECT_EMPTY_SUBJECT": Setting(switch, False, "Refuse the empty subject and the subject `*`."),
    "RESPONSE_HEADERS": Setting(
        environment.headers, {}, "Extra headers on registry answers: `X-Name: value, X-Other: value`."
    ),
    "CLUSTER_ID": Setting(text, None, "Identifier of the installation in /v1/metadata/id; made at first start."),
    "OIDC_ISSUER": Setting(web_address, None, "OpenID provider of people; empty means local login only."),
    "OIDC_CLIENT_ID": Setting(text, None, "Our client at the provider."),
    "OIDC_CLIENT_SECRET": Setting(text, None, "Its secret."),
    "OIDC_SIGN_ALGO": Setting(one_of("RS256", "ES256"), "RS256", "Algorithm of ID tokens."),
    "OIDC_GROUPS_CLAIM": Setting(text, "groups", "Claim that lists a person's groups."),
    "OIDC_GROUP_PREFIXES": Setting(words, (), "Only groups that begin with one of these are taken over; all if empty."),
    "OIDC_STAFF_GROUPS": Setting(words, (), "Groups of the provider whose members may enter the admin."),
    "OIDC_SUPERUSER_GROUP": Setting(text, None, "Group of the provider whose members may do everything."),
    "OIDC_AUTHORIZATION_ENDPOINT": Setting(web_address, None, "If the provider has no discovery document."),
    "OIDC_TOKEN_ENDPOINT": Setting(web_address, None, "Likewise."),
    "OIDC_USER_ENDPOINT": Setting(web_address, None, "Likewise."),
    "OIDC_JWKS_ENDPOINT": Setting(web_address, None, "Likewise."),
    "OIDC_END_SESSION_ENDPOINT": Setting(web_address, None, "Likewise."),
    "JWT_ISSUERS": Setting(
        addresses, (), "Issuers whose client-credentials tokens are taken, spelled as in the tokens' `iss`."
    ),
    "JWT_AUDIENCE": Setting(text, None, "Audience that such tokens name; the base URL if empty."),
    "JWT_REQUIRE_AT_TYP": Setting(
        switch, True, "Take only tokens of the type at+jwt; off for providers that do not say it."
    ),
    "JWT_CLIENT_CLAIM": Setting(
        one_of("client_id", "cid", "azp", "appid"), "client_id", "Claim that names the client."
    ),
    "JWT_SCOPE_CLAIM": Setting(one_of("scope", "scp"), "scope", "Claim that lists the scopes."),
    "BREAKGLASS_LOCAL_LOGIN": Setting(switch, False, "Local password login although an issuer is set; recorded."),
    "ADMIN_PATH": Setting(text, "admin", "Path of Django's admin."),
    "BROKER_URL": Setting(text, None, "Redis for Celery; empty means a runner beside the server."),
    "BACKSTAGE_ENTRY_NAME": Setting(text, "callboard", "Name of our Location entity in Backstage; one a registry."),
    "BACKSTAGE_NAMESPACE": Setting(text, "default", "Namespace of our entities in Backstage."),
    "BACKSTAGE_SHARDS": Setting(number(1, 256), 16, "Files of the feed; fixed once Backstage has read it."),
    "BACKSTAGE_OWNERS": Setting(pairs, {}, "Group entity of a group: `payments=group:default/team-payments, …`."),
    "BACKSTAGE_FEED_TOKEN": Setting(
        text, None, "Opens the files of the feed as `?token=…` to a stock Location; every reader of Backstage sees it."
    ),
    "EMAIL_URL": Setting(
        mail_server, {}, "Mail server that checkpoints go by: `smtp+tls://user:password@mail.example.com:587`."
    ),
    "EMAIL_FROM": Setting(text, "callboard@localhost", "Sender of our mails."),
    "CHECKPOINT_TARGETS": Setting(
        places,
        (),
        "Where signed checkpoints of the audit log go besides the server's log: file://, https://, mailto:, git+….",
    ),
    "AUDIT_DAYS": Setting(
        number(365, 36_500),
        400,
        "Days that events stay in the database until `audit_archive` takes them; 365 or more.",
    ),
    "EXPORT_LEASE": Setting(
        number(1, 3600), 60, "Seconds after which the export of a worker that fell silent goes to another one."
    ),
    "LIMIT_KEY_DAYS": Setting(number(1, 365), 90, "Days that an API key lives at most."),
    "LIMIT_EXPORT_ROWS": Setting(number(1, BILLION), 5_000_000, "Events in one audit export."),
    "REQUEST_TIMEOUT": Setting(number(1, 3600), 60, "Seconds a request may work; then it is 504."),
    "STATEMENT_TIMEOUT": Setting(
        number(1, 3600), 5, "Seconds one statement of a request may run on PostgreSQL, or wait for a lock; then 50002."
    ),
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
    PRODUCTION = bool(POSTGRESQL or OWN["OIDC_ISSUER"]) if OWN["PRODUCTION"] is None else OWN["PRODUCTION"]
    SECRET_KEY = _secret("SECRET_KEY")
    KEY_PEPPER = _secret("KEY_PEPPER")
    KEY_PEPPER_OLD = _secret("KEY_PEPPER_OLD") if OWN["KEY_PEPPER_OLD"] else ""
    AUDIT_SIGNING_KEY = _secret("AUDIT_SIGNING_KEY")
    # Filled at every start; a file that is not there yet is served under its plain name.
    STATIC_ROOT = OWN["DATA"] / "static"
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)
except (ImproperlyConfigured, OSError) as problem:
    # One line for the operator; a traceback would hide it.
    sys.exit(f"callboard: {problem}")

DATA: Path = OWN["DATA"]
CALLBOARD: dict[str, Any] = OWN

globals().update(OWN["EMAIL_URL"])
DEFAULT_FROM_EMAIL = OWN["EMAIL_FROM"]
LOGGING = logs.configuration(OWN["LOG_FORMAT"], OWN["LOG_LEVEL"])

DEBUG = False
ALLOWED_HOSTS = [host.strip() for host in OWN["ALLOWED_HOSTS"].split(",")]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
BASE_URL = OWN["BASE_URL"] or f"http://{OWN['HOST']}:{OWN['PORT']}"
IS_TLS = BASE_URL.startswith("https:")
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
# Guardian keeps the grants; who may do what is answered by registry.access alone, so its backend is not installed.
ANONYMOUS_USER_NAME = None
SILENCED_SYSTEM_CHECKS = ["guardian.W001", "security.W005", "security.W008", "security.W021"]
DATA_UPLOAD_MAX_MEMORY_SIZE = OWN["LIMIT_BODY_BYTES"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "guardian",
    "csp",
    "audit",
    "accounts",
    "registry",
    "catalog",
    "config",
]
MIDDLEWARE = [
    "config.middleware.request_log",
    # Around whatever may answer in a view's stead.
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.deadline.request_deadline",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "config.deadline.Renewal",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

STATIC_URL = "/static/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.static.Storage"},
}

# In the database, where a provider can end them: a session kept in a cookie knows no end.
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_TLS
SESSION_COOKIE_NAME = "__Host-session" if IS_TLS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if IS_TLS else "csrf"
CSRF_TRUSTED_ORIGINS = [BASE_URL]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# Not for other hosts of the domain, for which we can't promise it; and it is the proxy that leads to TLS. Hence the
# silenced W005, W008 and W021.
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if IS_TLS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_TLS else None
X_FRAME_OPTIONS = "DENY"
PROVIDER_ORIGINS = environment.origins(
    OWN[name] for name in ("OIDC_ISSUER", "OIDC_AUTHORIZATION_ENDPOINT", "OIDC_END_SESSION_ENDPOINT")
)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        # A logout posts to us and is sent on to the provider, and so may a sign-in be.
        "form-action": ["'self'", *PROVIDER_ORIGINS],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}
AUTHENTICATION_BACKENDS = ["accounts.oidc.Backend", "accounts.local.Backend"]
OIDC_RP_CLIENT_ID = OWN["OIDC_CLIENT_ID"] or ""
OIDC_RP_CLIENT_SECRET = OWN["OIDC_CLIENT_SECRET"] or ""
OIDC_RP_SIGN_ALGO = OWN["OIDC_SIGN_ALGO"]
OIDC_RP_SCOPES = "openid email profile groups"
OIDC_USE_PKCE = True
OIDC_PKCE_CODE_CHALLENGE_METHOD = "S256"
OIDC_PKCE_CODE_VERIFIER_SIZE = 64
OIDC_USE_NONCE = True
OIDC_NONCE_SIZE = OIDC_STATE_SIZE = 32
OIDC_MAX_STATES = 10
OIDC_VERIFY_SSL = OIDC_VERIFY_JWT = OIDC_VERIFY_KID = True
OIDC_ALLOW_UNSECURED_JWT = OIDC_STORE_ACCESS_TOKEN = False
OIDC_TIMEOUT = (3.05, 5)
# A group that was taken away works in the portal for so long.
OIDC_RENEW_ID_TOKEN_EXPIRY_SECONDS = 900
OIDC_REDIRECT_REQUIRE_HTTPS = IS_TLS
OIDC_REDIRECT_ALLOWED_HOSTS: list[str] = []
# A session that has to be renewed is not renewed there; without the first, people would go round in circles.
OIDC_EXEMPT_URLS = ["/login-failed", "/healthz", "/oidc/backchannel-logout/"]
ALLOW_LOGOUT_GET_METHOD = False
LOGIN_REDIRECT_URL_FAILURE = "/login-failed"
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/ui/"
LOGOUT_REDIRECT_URL = "/login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
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

# How clients of the registry and Backstage prove who they are: a key in a header, never a cookie.
REGISTRY_AUTHENTICATION = "accounts.authentication.HeaderAuthentication"
# Who is behind the session of a page.
SESSION_PRINCIPAL = "accounts.principals.of_session"
# The defaults are those of our own API under /api/v1/.
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.OwnApiAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_PARSER_CLASSES": ["config.parsing.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "config.openapi.operations.Operation",
    "EXCEPTION_HANDLER": "config.api.exception_handler",
    "UNAUTHENTICATED_USER": None,
    # `?format=` belongs to the registry protocol.
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Callboard",
    "VERSION": "1",
    "DESCRIPTION": "The schema registry, our own API around it, and the feed of the catalog.",
    "OAS_VERSION": "3.1.0",
    "PREPROCESSING_HOOKS": ["config.openapi.endpoints.add_registry"],
    "POSTPROCESSING_HOOKS": ["config.openapi.security.add_schemes"],
    "SCHEMA_PATH_PREFIX": "",
    "ENFORCE_NON_BLANK_FIELDS": True,
}
