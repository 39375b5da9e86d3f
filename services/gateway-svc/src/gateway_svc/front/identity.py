"""The caller of a request, found by `gateway_svc.front.lookup`, and how the handlers get it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal

from servicekit.http.caller import Caller, TokenVerifier

COOKIE = "attest"
SECURE_COOKIE = "__Host-attest"
TOKEN_PREFIX = "attest_"  # noqa: S105 - what a token begins with, so that scanners know one


@dataclass(frozen=True, slots=True)
class Identity:
    """An authenticated caller. `account`, `username`, `session` and `csrf` are those of a human being's session."""

    caller: Caller
    how: Literal["session", "token"]
    account: str | None = None
    username: str = ""
    session: str = ""
    csrf: str = ""
    kiosk: bool = False
    must_change_password: bool = False
    signing_blocked: bool = False
    grants: tuple[Mapping[str, Any], ...] = ()


current: ContextVar[Identity | None] = ContextVar("identity", default=None)
"""Set by the front door around each request to /api/*."""


class FrontVerifier(TokenVerifier):
    """Lets the routes of the gateway ask who calls as those of any service do.

    Behind the front door it is the caller that the front door found; elsewhere (/internal, /signing) only an
    internal token counts.
    """

    def caller(self, authorization: str | None) -> Caller:
        found = current.get()
        return super().caller(authorization) if found is None else found.caller


def csrf_token(secret: str) -> str:
    """The token of a session: derived from the cookie's secret, so that only whoever holds that can name it."""
    digest = hmac.digest(secret.encode(), b"attest-csrf/1", hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
