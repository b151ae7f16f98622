"""A pipeline's own token for a short key (RFC 8693), so that no CI service has to keep a secret of ours."""

import hashlib
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import IntegrityError
from django.utils import timezone

from accounts import jwks, jwt, services
from accounts.models import ApiKey, CiTrust, SpentToken
from accounts.services import IssuedKey
from audit import events, transactions
from audit.actors import Actor

logger = logging.getLogger(__name__)

# What GitHub and GitLab say of a run, beside the claims that the trust names.
WORTH_RECORDING = (
    "repository",
    "project_path",
    "ref",
    "sha",
    "environment",
    "workflow_ref",
    "run_id",
    "run_attempt",
    "pipeline_id",
    "job_id",
    "actor",
    "user_login",
)
LONGEST_RECORDED = 500
LONGEST_ID = 255


class NotExchanged(Exception):
    """Why, for the log; whoever sent the token is not told."""


@dataclass(frozen=True)
class _Run:
    """A token that is in order, and the trust that it meets."""

    claims: dict[str, Any]
    trust: CiTrust

    @property
    def ends_at(self) -> datetime:
        return datetime.fromtimestamp(self.claims["exp"], UTC)


def exchange(*, token: str, request_id: str | None) -> IssuedKey:
    """A key of the service account that the token's pipeline stands for. Raises NotExchanged, KeysUnavailable."""
    try:
        run = _recognise(token, request_id)
    except jwt.Rejected as error:
        raise NotExchanged(str(error)) from error
    return _issue(run, request_id)


def _recognise(token: str, request_id: str | None) -> _Run:
    header, issuer = jwt.read_header(token), jwt.read_issuer(token)
    trusts = list(CiTrust.objects.filter(issuer=issuer).select_related("service_account__user"))
    if not trusts:
        raise NotExchanged("nobody trusts its issuer")
    try:
        key = jwks.find(issuer, header.key_id)
    except jwks.UnknownKey as error:
        raise NotExchanged("unknown key") from error
    # One audience after another: a trust for one of them says nothing about the others.
    claims, meant, refusal = None, [], jwt.Rejected("audience")
    for audience in sorted({trust.audience for trust in trusts}):
        try:
            claims = jwt.verify(token, header, key, jwt.Rules(issuer, audience, jwt.PLAIN_TYPES))
        except jwt.Rejected as error:
            refusal = error
            continue
        meant += [trust for trust in trusts if trust.audience == audience]
    if claims is None:
        raise refusal
    met = [trust for trust in meant if _meets(claims, trust)]
    if not met:
        _record_refusal(claims, meant[0], request_id)
        raise NotExchanged("its claims meet no trust")
    # The one that says most about the pipeline.
    return _Run(claims, min(met, key=lambda trust: (-len(trust.claims), trust.pk)))


def _meets(claims: dict[str, Any], trust: CiTrust) -> bool:
    """Letter by letter; a claim that is no text is none of those that were named."""
    return all(
        isinstance(said := claims.get(name), str) and said in ([wanted] if isinstance(wanted, str) else wanted)
        for name, wanted in trust.claims.items()
    )


def _issue(run: _Run, request_id: str | None) -> IssuedKey:
    trust, account, now = run.trust, run.trust.service_account, timezone.now()
    if account.disabled_at is not None or not account.user.is_active:
        raise NotExchanged("its account is disabled")
    life = timedelta(minutes=trust.minutes)
    expires_at = min(now + life, run.ends_at + life)
    actor = Actor("service", account.ref, auth="ci_token", credential=trust.ref, request_id=request_id)
    key = ApiKey(
        user_id=account.user_id,
        label=f"pipeline, trust {trust.pk}",
        scopes=trust.scopes,
        subject_prefixes=trust.subject_prefixes,
        max_expires_at=expires_at,
        created_at=now,
        created_by=actor.ref,
    )
    try:
        with transactions.write():
            SpentToken.objects.filter(expires_at__lt=now).delete()
            SpentToken.objects.create(digest=_digest(run.claims), expires_at=run.ends_at + timedelta(minutes=1))
            issued = services.add_key(key, expires_at=expires_at)
            detail = {
                "service_account": account.ref,
                "trust": trust.ref,
                "run": _said(run.claims, trust),
                **services.said_of(issued),
            }
            events.record(actor, events.Action.KEY_ISSUED, kind="api_key", ref=key.id12, detail=detail)
    except IntegrityError as error:
        raise NotExchanged("spent already") from error
    return issued


def _digest(claims: dict[str, Any]) -> bytes:
    """Of the issuer and its id for the token."""
    given = claims.get("jti")
    if not isinstance(given, str) or not 0 < len(given) <= LONGEST_ID:
        raise NotExchanged("no jti")
    return hashlib.sha256(f"{claims['iss']}\n{given}".encode()).digest()


def _said(claims: dict[str, Any], trust: CiTrust) -> dict[str, object]:
    names = sorted({*trust.claims, *WORTH_RECORDING} & claims.keys())
    return {name: claims[name][:LONGEST_RECORDED] for name in names if isinstance(claims[name], str)}


def _record_refusal(claims: dict[str, Any], nearest: CiTrust, request_id: str | None) -> None:
    """The token is its issuer's, and meant for us: somebody's pipeline is not the one it should be."""
    actor = Actor("system", "ci_exchange", request_id=request_id)
    with transactions.write():
        events.record(
            actor,
            events.Action.CI_TRUST_REFUSED,
            kind="ci_trust",
            ref=nearest.ref,
            detail={"issuer": nearest.issuer, "run": _said(claims, nearest)},
        )
