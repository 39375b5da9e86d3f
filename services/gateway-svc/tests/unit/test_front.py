"""The parts of the front door that need no platform."""

from __future__ import annotations

from typing import Annotated

import pytest
from attest_contracts import policy
from fastapi import APIRouter, Depends, FastAPI
from gateway_svc.api.app import check_public
from gateway_svc.front import headers
from servicekit.http.app import Allow, MisdeclaredRouteError, make_app
from servicekit.http.caller import Caller, TokenVerifier
from servicekit.policy import Policy

POLICY = Policy.of(policy.load())


def test_hsts_is_said_over_tls_alone() -> None:
    assert "strict-transport-security" in headers.security_headers("/", hsts=True)
    assert "strict-transport-security" not in headers.security_headers("/", hsts=False)


def _app(router: APIRouter, public: frozenset[str]) -> FastAPI:
    return make_app(
        name="x",
        version="1",
        routers=[router],
        policy=POLICY,
        verifier=TokenVerifier.from_set({"keys": []}, audience="x"),
        public=public,
    )


@pytest.mark.part("PL-06", "a route without an action stops the start")
def test_a_route_without_an_action_stops_the_start() -> None:
    router = APIRouter()

    @router.post("/api/session")
    @router.get("/api/clock")
    async def public() -> None: ...

    open_paths = frozenset({"/api/session", "/api/clock"})
    check_public(_app(router, open_paths))

    @router.put("/api/clock")
    async def forgotten() -> None: ...

    # One method of an open path is not open because another is.
    with pytest.raises(MisdeclaredRouteError, match="PUT"):
        check_public(_app(router, open_paths))


@pytest.mark.part("PL-06", "a route that is no longer open is noticed")
def test_a_route_that_is_no_longer_open_is_noticed() -> None:
    router = APIRouter()

    @router.get("/api/clock")
    async def closed(caller: Annotated[Caller, Depends(Allow("session.own"))]) -> None: ...

    with pytest.raises(MisdeclaredRouteError):
        check_public(_app(router, frozenset()))
