"""Calls that nobody vouched for, at every address of a service; and what a service would be that let them in.

A service refuses them by itself: that the gateway alone reaches it is no reason to answer (architecture, section 9).
"""

from __future__ import annotations

import re
import time

import httpx
import pytest

from servicekit.http.app import api_routes
from servicekit.http.caller import Caller, Grant, TokenIssuer, TokenVerifier, new_key
from servicekit.testing.harness import RunningService

_OPEN = {"/livez", "/readyz", "/metrics"}


def calls_of(service: RunningService) -> list[tuple[str, str]]:
    """Method and address of everything that the service answers, its health apart."""
    return sorted(
        (method, re.sub(r"{[^}]+}", "x", route.path))
        for route in api_routes(service.app.routes)
        for method in route.methods or ()
        if route.path not in _OPEN
    )


def unvouched(service: RunningService, *roles: str) -> dict[str, dict[str, str]]:
    """Headers of calls that a service has to refuse, by what is wrong with them."""
    name = service.service.spec.name
    caller = Caller("account/intruder", [Grant(role) for role in roles], "INTRUDER", "session")
    now = int(time.time())
    tokens = {
        "rubbish": "rubbish",
        "of another service": service.issuer.call_token(caller, audience=f"not-{name}", now=now),
        "expired": service.issuer.call_token(caller, audience=name, now=now - 120),
        "of another key": TokenIssuer(new_key("test")).call_token(caller, audience=name, now=now),
    }
    return {"none": {}} | {kind: {"authorization": f"Bearer {token}"} for kind, token in tokens.items()}


def stranger(service: RunningService) -> httpx.AsyncClient:
    """A client that reaches the service's port and has no token."""
    transport = httpx.ASGITransport(service.app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=f"http://{service.service.spec.name}")


def without_verification(monkeypatch: pytest.MonkeyPatch, *roles: str) -> None:
    """Takes a protection away: who reaches the port is believed to have the roles."""
    everybody = Caller("account/anybody", [Grant(role) for role in roles], "ANYBODY", "session")
    monkeypatch.setattr(TokenVerifier, "caller", lambda self, authorization: everybody)
