"""The caller of a request, from the gateway's internal token, which every service verifies itself.

The gateway forwards a short (60 s) JWT, signed with Ed25519 and bound to one service as audience, that names the
user and the grants. A service refuses every call without one: a network position is not an identity.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from servicekit.context import Context
from servicekit.problems import Problem

ISSUER = "attest-gateway"
LIFETIME_SECONDS = 60
_ALGORITHMS = ["Ed25519"]


@dataclass(frozen=True, slots=True)
class Grant:
    """A role and where it holds. An empty scope holds everywhere."""

    role: str
    scope: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Caller:
    """The originating subject of a request.

    actor: an id with its kind, such as `account/<id>` or `machine/<token id>`.
    subject: the id of the human being behind the account, if any: what the reach `own` compares with.
    """

    actor: str
    grants: Sequence[Grant]
    subject: str | None = None
    session: str | None = None

    def context(self, reason: str, correlation: str, traceparent: str | None = None) -> Context:
        return Context(actor=self.actor, reason=reason, correlation=correlation, traceparent=traceparent)


class TokenIssuer:
    """Makes internal tokens; only the gateway holds the private key."""

    def __init__(self, key: OKPKey) -> None:
        self._key = key

    def issue(
        self, claims: Mapping[str, Any], *, audience: str, now: int, lifetime: int = LIFETIME_SECONDS
    ) -> str:
        """`now` is real time in seconds since the epoch: tokens never follow a moved clock."""
        body = {**claims, "iss": ISSUER, "aud": audience, "iat": now, "nbf": now - 5, "exp": now + lifetime}
        header = {"alg": "Ed25519", "kid": self._key.kid}
        return jwt.encode(header, body, self._key, algorithms=_ALGORITHMS)

    def call_token(self, caller: Caller, *, audience: str, now: int) -> str:
        claims: dict[str, Any] = {
            "sub": caller.actor,
            "use": "call",
            "grants": [{"role": g.role, "scope": dict(g.scope)} for g in caller.grants],
        }
        if caller.subject:
            claims["subject"] = caller.subject
        if caller.session:
            claims["session"] = caller.session
        return self.issue(claims, audience=audience, now=now)


class TokenVerifier:
    """Checks signature, algorithm, issuer, audience, lifetime and use of a token."""

    def __init__(self, keys: KeySet, *, audience: str) -> None:
        self._keys = keys
        # The gateway sends the same token for some seconds; its signature is checked once, its lifetime every time.
        self._decoded = lru_cache(maxsize=1_000)(self._decode)
        self._claims = jwt.JWTClaimsRegistry(
            leeway=5,
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
        )

    @classmethod
    def from_set(cls, jwks: Mapping[str, Any], *, audience: str) -> TokenVerifier:
        """jwks: a JWK set with the public keys of the gateway, as `public_set` makes it."""
        return cls(KeySet([OKPKey.import_key(key) for key in jwks["keys"]]), audience=audience)

    @classmethod
    def from_file(cls, path: Path, *, audience: str) -> TokenVerifier:
        return cls.from_set(json.loads(path.read_text()), audience=audience)

    def claims(self, token: str, *, use: str) -> dict[str, Any]:
        """The claims of a valid token. Raises a 401 problem otherwise, which does not say why."""
        try:
            claims = self._decoded(token)
            self._claims.validate(claims)
        except (JoseError, ValueError, KeyError) as error:
            raise _unauthenticated() from error
        if claims.get("use") != use:
            raise _unauthenticated()
        return dict(claims)

    def _decode(self, token: str) -> dict[str, Any]:
        return jwt.decode(token, self._keys, algorithms=_ALGORITHMS).claims

    def caller(self, authorization: str | None) -> Caller:
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _unauthenticated()
        claims = self.claims(token, use="call")
        return Caller(
            actor=claims["sub"],
            grants=tuple(Grant(g["role"], g.get("scope", {})) for g in claims.get("grants", [])),
            subject=claims.get("subject"),
            session=claims.get("session"),
        )


def new_key(kid: str) -> OKPKey:
    return OKPKey.generate_key("Ed25519", {"kid": kid, "use": "sig"})


def public_set(keys: Sequence[OKPKey]) -> dict[str, Any]:
    """The JWK set that services read."""
    return {"keys": [key.as_dict(private=False) for key in keys]}


def _unauthenticated() -> Problem:
    return Problem(
        401,
        "unauthenticated",
        "The call has no valid token",
        headers={"WWW-Authenticate": "Bearer"},
    )
