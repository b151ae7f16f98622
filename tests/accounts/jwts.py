"""Tokens of robots, from a real provider or signed with its live key, in order or not."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

import requests
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt import PyJWK

from tests.accounts.openid import SECONDS, Provider

AUDIENCE = "https://callboard.test/api"


def encode(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@dataclass(frozen=True)
class Mint:
    provider: Provider

    def claims(self, **changed: Any) -> dict[str, Any]:
        """In order, but for what is changed; None takes one away."""
        now = int(time.time())
        claims = {
            "iss": self.provider.issuer,
            "aud": AUDIENCE,
            "sub": "ci-bot",
            "client_id": "ci-bot",
            "iat": now,
            "exp": now + 300,
            "jti": uuid.uuid4().hex,
            "scope": "subjects:read",
        }
        return {name: value for name, value in (claims | changed).items() if value is not None}

    def token(self, *, header: dict[str, Any] | None = None, **changed: Any) -> str:
        return self.provider.sign(self.claims(**changed), **(header or {}))

    def own(self, client: str, **form: str) -> str:
        """As the provider itself gives it to a client."""
        answer = requests.post(
            f"{self.provider.issuer}/token",
            {"grant_type": "client_credentials", **form},
            auth=(client, f"{client}-secret-not-for-production"),
            timeout=SECONDS,
        )
        assert answer.ok, answer.text
        return str(answer.json()["access_token"])

    def under_the_public_key(self) -> str:
        """HS256, with the provider's public key as the secret: what a careless verifier takes."""
        keys = requests.get(f"{self.provider.issuer}/jwks", timeout=SECONDS).json()["keys"]
        key = PyJWK(next(each for each in keys if each["kty"] == "RSA"))
        secret = key.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        text = f"{encode({'alg': 'HS256', 'kid': key.key_id, 'typ': 'at+jwt'})}.{encode(self.claims())}"
        digest = hmac.digest(secret, text.encode(), hashlib.sha256)
        return f"{text}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"

    def unsigned(self) -> str:
        return f"{encode({'alg': 'none', 'kid': 'x', 'typ': 'at+jwt'})}.{encode(self.claims())}."
