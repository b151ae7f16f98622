"""Who may call: users, service accounts, and the API keys that prove them."""

from datetime import timedelta
from typing import Any

from django.contrib.auth import hashers
from django.contrib.auth.models import AbstractUser, Group
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Func, Q
from django.db.models.lookups import LessThanOrEqual
from django.db.models.sql.compiler import SQLCompiler

LONGEST_LIFE = timedelta(days=365)


class EpochSeconds(Func):
    """Seconds since 1970, by the database's own function.

    Django's date arithmetic would put one of Django's Python functions into SQLite's CHECK, and no other program could
    write to, or check, the file any more.
    """

    function = "unixepoch"
    arity = 1
    output_field = models.BigIntegerField()

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="EXTRACT(EPOCH FROM %(expressions)s)", **context)


class User(AbstractUser):
    """A person, or the user behind a service account. Keys never make anyone a superuser, whoever owns them."""

    is_service = models.BooleanField(default=False)

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(
                name="accounts_user_service_is_never_staff",
                condition=Q(is_service=False) | Q(is_staff=False, is_superuser=False),
            )
        ]

    def check_password(self, raw_password: str | None) -> bool:
        """Without Django's silent new hash under a newer algorithm: a password changes by its event alone."""
        return hashers.check_password(raw_password, self.password)


class ServiceAccount(models.Model):
    """A robot, owned by a group. Its user is a member of that group and of no other."""

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="service_account")
    name = models.CharField(max_length=64, unique=True)
    owner_group = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="service_accounts")
    description = models.TextField(blank=True, default="")
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=255)  # stable actor ref; a foreign key would not outlive people
    disabled_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name

    @property
    def ref(self) -> str:
        """How the audit trail names it, whatever it is called."""
        return service_ref(self.pk)


class ApiKey(models.Model):
    """What a caller presents. The secret parts live in ApiSecret, so that one may follow another without a gap."""

    id12 = models.CharField(max_length=12, unique=True)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="api_keys")
    label = models.CharField(max_length=100)
    scopes = models.JSONField()  # list of strings, as are the next two; an empty list there narrows nothing
    subject_prefixes = models.JSONField(default=list)
    cidrs = models.JSONField(default=list)
    max_expires_at = models.DateTimeField()
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=255)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=255, blank=True, default="")
    revoked_reason = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="accounts_apikey_revoked_by_someone",
                condition=Q(revoked_at__isnull=True, revoked_by="") | (Q(revoked_at__isnull=False) & ~Q(revoked_by="")),
            )
        ]

    def __str__(self) -> str:
        return self.id12


class ApiSecret(models.Model):
    """One secret of a key, as HMAC. At most two of a key are live; whoever adds one sees to it under the key's lock."""

    key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, related_name="secrets")
    n = models.PositiveIntegerField()
    hmac = models.BinaryField(max_length=32)
    pepper_version = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_ip = models.GenericIPAddressField(null=True, blank=True)
    # When an event last said that it is still being used although it is over.
    stale_noted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="accounts_apisecret_key_n", fields=["key", "n"]),
            models.CheckConstraint(name="accounts_apisecret_n_from_one", condition=Q(n__gte=1)),
            models.CheckConstraint(name="accounts_apisecret_lives", condition=Q(expires_at__gt=F("created_at"))),
            models.CheckConstraint(
                name="accounts_apisecret_lives_a_year_at_most",
                condition=LessThanOrEqual(
                    EpochSeconds("expires_at"), EpochSeconds("created_at") + int(LONGEST_LIFE.total_seconds())
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key_id}/{self.n}"


class JwtTrust(models.Model):
    """A client of a provider whose tokens act as a service account.

    `subject` is the `sub` that they carry: a token that the same client got for a person carries another one.
    """

    issuer = models.CharField(max_length=500)
    client_id = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    service_account = models.ForeignKey(ServiceAccount, on_delete=models.PROTECT, related_name="jwt_trusts")
    scopes = models.JSONField()
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(name="accounts_jwttrust_once", fields=["issuer", "client_id"])]

    def __str__(self) -> str:
        return f"{self.client_id} at {self.issuer}"


class CiTrust(models.Model):
    """Pipelines of a CI service that get a short key of a service account for the token they were given there."""

    issuer = models.CharField(max_length=500)
    audience = models.CharField(max_length=500)
    claims = models.JSONField()  # by name: a text, or a list of them; compared letter by letter
    service_account = models.ForeignKey(ServiceAccount, on_delete=models.PROTECT, related_name="ci_trusts")
    scopes = models.JSONField()
    subject_prefixes = models.JSONField(default=list)
    minutes = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=255)

    class Meta:
        indexes = [models.Index(name="accounts_citrust_issuer", fields=["issuer"])]
        constraints = [
            models.CheckConstraint(
                name="accounts_citrust_an_hour_at_most", condition=Q(minutes__gte=1, minutes__lte=60)
            )
        ]

    def __str__(self) -> str:
        return f"{self.service_account} for pipelines of {self.issuer}"

    @property
    def ref(self) -> str:
        return f"ci_trust:{self.pk}"


class SpentToken(models.Model):
    """A token of a pipeline that was exchanged, as a hash of its issuer and its id, until it has ended."""

    digest = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return bytes(self.digest).hex()


class KeyFailure(models.Model):
    """How often a key was refused, by address, key and minute. Housekeeping: it slows guessers down, and goes."""

    address = models.CharField(max_length=45)
    key_id = models.CharField(max_length=12)
    minute = models.DateTimeField(db_index=True)
    tries = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="accounts_keyfailure_once", fields=["minute", "address", "key_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.key_id} from {self.address}"


class AuthEpoch(models.Model):
    """One row, whose number moves with every change that bears upon who may do what. The database moves it itself."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    number = models.BigIntegerField()
    # Moves together with it when the keys of issuers are to be fetched anew.
    jwks_flushes = models.BigIntegerField(db_default=0)

    class Meta:
        constraints = [models.CheckConstraint(name="accounts_authepoch_one_row", condition=Q(id=1))]

    def __str__(self) -> str:
        return str(self.number)


class ExternalIdentity(models.Model):
    """Who somebody is at an OpenID provider. Never found by name or address: those change hands."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="identities")
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="accounts_externalidentity_once", fields=["issuer", "subject"]),
        ]

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"


class SessionIndex(models.Model):
    """Which of our sessions belong to which one of the provider, so that it can end them."""

    session_key = models.CharField(max_length=40, unique=True)
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)
    sid = models.CharField(max_length=255, blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(name="accounts_session_sid", fields=["issuer", "sid"]),
            models.Index(name="accounts_session_subject", fields=["issuer", "subject"]),
        ]

    def __str__(self) -> str:
        return f"a session of {self.subject}"


class LogoutToken(models.Model):
    """A message of a provider that ended sessions. Each counts once, whichever server it reaches."""

    issuer = models.CharField(max_length=500)
    jti = models.CharField(max_length=255)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="accounts_logouttoken_once", fields=["issuer", "jti"])]

    def __str__(self) -> str:
        return f"{self.jti} of {self.issuer}"


class LoginLink(models.Model):
    """A link that lets its holder set a password, once. The row goes when it is used; the events stay."""

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="login_link")
    digest = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"a link for {self.user}"


def service_ref(account_id: int) -> str:
    return f"service:{account_id}"


def person_ref(user_id: int) -> str:
    """How the audit trail names a person: never by name or address, which change and are personal."""
    return f"person:{user_id}"
