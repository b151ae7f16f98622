"""Whose tokens are taken for whose robot: clients of a provider, and pipelines of a CI service."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError
from django.utils import timezone

from accounts import services
from accounts.models import CiTrust, JwtTrust, ServiceAccount
from accounts.services import InvalidValue, Refused
from audit import events, transactions
from audit.actors import Actor

MOST_MINUTES = 60
DEFAULT_MINUTES = 15
MOST_CLAIMS = 20
# One of these has to be among the claims: the others do not say whose pipeline it is.
BINDING = frozenset({"repository", "repository_id", "project_path", "project_id"})
_SAID_ELSEWHERE = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti"})


class TrustTaken(Refused):
    status = 409
    error_code = 409

    def __init__(self) -> None:
        super().__init__("this client of this issuer is trusted already")


@dataclass(frozen=True)
class Pipeline:
    """Which tokens of a CI service are meant: each claim is one of the exact texts that are given for it."""

    issuer: str
    audience: str
    claims: Mapping[str, str | list[str]]


def trust_client(
    *, actor: Actor, account: ServiceAccount, issuer: str, client_id: str, subject: str = "", scopes: list[str]
) -> JwtTrust:
    """From now on a token of this client acts as the account. `subject` is its `sub`; the client's id if not given."""
    _check_issuer(issuer)
    for what, value in ("client", client_id), ("subject", subject or client_id):
        services.check_name(what, value, 255)
    trust = JwtTrust(
        issuer=issuer,
        client_id=client_id,
        subject=subject or client_id,
        service_account=account,
        scopes=services.checked_scopes(scopes),
        created_at=timezone.now(),
        created_by=actor.ref,
    )
    try:
        with transactions.write():
            trust.save()
            detail = {name: getattr(trust, name) for name in ("issuer", "client_id", "subject", "scopes")}
            events.record(
                actor,
                events.Action.JWT_TRUST_CREATED,
                kind="jwt_trust",
                ref=f"jwt_trust:{trust.pk}",
                detail={**detail, "service_account": account.ref},
            )
    except IntegrityError as error:
        raise TrustTaken from error
    return trust


def distrust_client(*, actor: Actor, trust: JwtTrust) -> None:
    ref, detail = f"jwt_trust:{trust.pk}", {"issuer": trust.issuer, "client_id": trust.client_id}
    with transactions.write():
        JwtTrust.objects.filter(pk=trust.pk).delete()
        events.record(actor, events.Action.JWT_TRUST_DELETED, kind="jwt_trust", ref=ref, detail=detail)


@dataclass(frozen=True)
class Terms:
    """What a key is good for that a pipeline gets."""

    scopes: list[str]
    prefixes: list[str]
    minutes: int = DEFAULT_MINUTES


def trust_pipeline(*, actor: Actor, account: ServiceAccount, pipeline: Pipeline, terms: Terms) -> CiTrust:
    trust = CiTrust(service_account=account, created_at=timezone.now(), created_by=actor.ref)
    _fill(trust, pipeline, terms)
    with transactions.write():
        trust.save()
        detail = {**_said(trust), "service_account": account.ref}
        events.record(actor, events.Action.CI_TRUST_CREATED, kind="ci_trust", ref=trust.ref, detail=detail)
    return trust


def change_pipeline(*, actor: Actor, trust: CiTrust, pipeline: Pipeline, terms: Terms) -> CiTrust:
    with transactions.write():
        trust = CiTrust.objects.select_for_update(no_key=True).get(pk=trust.pk)
        before = _said(trust)
        _fill(trust, pipeline, terms)
        after = _said(trust)
        if before == after:
            return trust
        trust.save()
        detail = {"before": before, "after": after}
        events.record(actor, events.Action.CI_TRUST_CHANGED, kind="ci_trust", ref=trust.ref, detail=detail)
    return trust


def distrust_pipeline(*, actor: Actor, trust: CiTrust) -> None:
    """Keys that were given out already live on for the minutes they have left."""
    ref, detail = trust.ref, _said(trust)
    with transactions.write():
        CiTrust.objects.filter(pk=trust.pk).delete()
        events.record(actor, events.Action.CI_TRUST_DELETED, kind="ci_trust", ref=ref, detail=detail)


def _fill(trust: CiTrust, pipeline: Pipeline, terms: Terms) -> None:
    _check_issuer(pipeline.issuer)
    services.check_name("audience", pipeline.audience, 500)
    if not 1 <= terms.minutes <= MOST_MINUTES:
        raise InvalidValue(f"a key of a pipeline lives from 1 to {MOST_MINUTES} minutes, not {terms.minutes}")
    trust.issuer, trust.audience = pipeline.issuer, pipeline.audience
    trust.claims = _checked_claims(pipeline.claims)
    trust.scopes = services.checked_scopes(terms.scopes)
    trust.subject_prefixes = services.checked_prefixes(terms.prefixes)
    trust.minutes = terms.minutes


def _said(trust: CiTrust) -> dict[str, object]:
    names = ("issuer", "audience", "claims", "scopes", "subject_prefixes", "minutes")
    return {name: getattr(trust, name) for name in names}


def _checked_claims(claims: Mapping[str, str | list[str]]) -> dict[str, str | list[str]]:
    if not BINDING & claims.keys():
        raise InvalidValue(f"one of the claims has to be {', '.join(sorted(BINDING))}: anybody's pipeline would do")
    if len(claims) > MOST_CLAIMS or _SAID_ELSEWHERE & claims.keys():
        raise InvalidValue(f"at most {MOST_CLAIMS} claims, and none of {', '.join(sorted(_SAID_ELSEWHERE))}")
    return {name: _checked_values(name, claims[name]) for name in sorted(claims)}


def _checked_values(name: str, given: object) -> str | list[str]:
    values = [given] if isinstance(given, str) else given
    services.check_name("claim", name, 255)
    if not isinstance(values, list) or not values or len(values) > services.MOST_ENTRIES:
        raise InvalidValue(f"the claim {name} is a text or a list of up to {services.MOST_ENTRIES} texts")
    for value in values:
        if not isinstance(value, str):
            raise InvalidValue(f"the claim {name} is a text or a list of texts")
        services.check_name(f"value of {name}", value, 500)
        if "*" in value:
            raise InvalidValue(f"the claim {name} is compared letter by letter, so {value!r} would match no pipeline")
    return given if isinstance(given, str) else sorted(set(values))


def _check_issuer(issuer: str) -> None:
    parts = urlsplit(issuer)
    if len(issuer) > 500 or parts.scheme not in {"https", "http"} or not parts.netloc or parts.query or parts.fragment:
        raise InvalidValue(f"an issuer is an address like https://token.actions.example.com, not {issuer!r}")
    if parts.scheme == "http" and settings.PRODUCTION:
        raise InvalidValue("an issuer is asked for its keys over https")
